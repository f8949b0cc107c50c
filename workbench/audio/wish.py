"""What the window wants of the callback, and what the callback says of itself: one immutable record each way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.audio.metronome import Metronome
from workbench.audio.tracks import Program

State = Literal["stopped", "buffering", "playing", "waiting", "ended"]
"""buffering: not rendered yet; waiting: not written yet."""
Gains = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Wish:
    """What the window wants.

    run: 0 while paused, else counts calls of `play`. seek: (how many there were, seconds of music). loop: seconds of
    music. gains: of each audible track. volume: 0 … 1. metronome: or None.
    """

    program: Program
    run: int = 0
    seek: tuple[int, float] = (0, 0.0)
    loop: tuple[float, float] | None = None
    gains: Gains = ()
    volume: float = 0.8
    metronome: Metronome | None = None


@dataclass(frozen=True)
class Mark:
    """Where the callback is. position: seconds of music at which the next block begins. underruns: times that samples
    were not rendered in time; waits: times that music was not written in time. loops: jumps back to a loop's start.
    short_s: while it waits for music to be written, the seconds of music that are still missing until it goes on."""

    state: State = "stopped"
    position: float = 0.0
    tempo: float = 1.0
    underruns: int = 0
    waits: int = 0
    loops: int = 0
    blocks: int = 0
    short_s: float = 0.0
    first_sound_s: float | None = None
    """Seconds from the last `play` until its first sample is heard, with the delay that the sink reports."""
