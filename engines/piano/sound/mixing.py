"""Any stretch of music from its notes, exact to the sample: tones are added where they begin, let go where they end.

A stretch depends on nothing but the notes, so seeking, streaming and blocks of any size give the same samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.sound.bank import Instrument, placed

if TYPE_CHECKING:
    from engines.piano.notes import Notes

_RELEASES: Final = 7.0
"""Time constants until a released tone is gone (-60 dB)."""
KNEE: Final = 0.7
"""Samples up to this are left as they are."""
_NOTES_A_CHECK: Final = 256
LONGEST_S: Final = 4 * 3600.0
"""What is longer is refused: at 44.1 kHz four hours already take 5 GB."""


def nothing() -> None:
    """A check that never stops."""


@dataclass(frozen=True)
class Score:
    """Notes as the mixer needs them, sorted by onset.

    start, end: int64 [N] frames, end exclusive (before release); pitch, velocity: int16 [N]; reach: int64 [N], the
    latest end (with release) among the notes up to this one, so that a stretch finds its first note by bisection.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    reach: np.ndarray
    rate: int
    release: int

    @property
    def frames(self) -> int:
        """Until the last tone has died away."""
        return int(self.reach[-1]) if len(self.reach) else 0


def score_of(notes: Notes, instrument: Instrument, tempo: float = 1.0) -> Score:
    """The notes at `tempo` (2 is twice as fast) in frames of the instrument's rate; the pedal is applied to their ends.

    Raises UserError for times that are not finite or lie beyond four hours.
    """
    return score_from(*sounding(notes), instrument, tempo)


def score_from(
    start: np.ndarray,
    end: np.ndarray,
    pitch: np.ndarray,
    velocity: np.ndarray,
    instrument: Instrument,
    tempo: float = 1.0,
) -> Score:
    """As `score_of`, from the columns of notes that need no pedal any more: seconds, seconds, 0 … 127, 1 … 127."""
    rate, release = instrument.rate, release_frames(instrument)
    if len(start) and (not np.isfinite(start).all() or not np.isfinite(end).all() or end.max() / tempo > LONGEST_S):
        raise UserError("the music is longer than four hours, or its times are no numbers", "choose a part of it")
    first = np.floor(np.maximum(start, 0) / tempo * rate + 0.5).astype(np.int64)
    last = np.maximum(np.floor(end / tempo * rate + 0.5).astype(np.int64), first + 1)
    order = np.lexsort((pitch, first))
    first, last = first[order], last[order]
    reach = np.maximum.accumulate(last + release) if len(last) else last
    return Score(first, last, pitch[order], np.clip(velocity[order], 1, 127), reach, rate, release)


def sounding(notes: Notes) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Start, end (s), pitch and velocity of the notes as they sound, with the pedal in their ends."""
    if len(notes.pedal):
        from engines.piano.pedal import sustained

        notes = sustained(notes)
    return notes.start, notes.end, notes.pitch, notes.velocity


def release_frames(instrument: Instrument) -> int:
    """Frames from a note's end to silence."""
    return int(_RELEASES * instrument.release_s * instrument.rate)


def mixed(
    score: Score, instrument: Instrument, begin: int, end: int, check: Callable[[], None] = nothing
) -> np.ndarray:
    """The frames [begin, end) of the score, float32 [end - begin, 2], not limited."""
    sides = np.zeros((2, max(end - begin, 0)), np.float32)
    first = int(np.searchsorted(score.reach, begin, side="right"))
    last = int(np.searchsorted(score.start, end, side="left"))
    fall = _fall(score.release, instrument.release_s * instrument.rate)
    gains = loudness(score.velocity[first:last])
    for i in range(first, last):
        if (i - first) % _NOTES_A_CHECK == 0:
            check()
        start, stop, pitch = int(score.start[i]), int(score.end[i]), int(score.pitch[i])
        if stop + score.release <= begin:
            continue
        # No longer than is heard here: the first chord of a pedalled piece would else wait for seconds of each tone.
        tone = instrument.tone(pitch, int(score.velocity[i]), min(stop + score.release, end) - start)
        gain = placed(pitch) * gains[i - first] if len(tone) == 1 else np.repeat(gains[i - first], 2)
        a, b = max(begin, start), min(end, stop + score.release, start + tone.shape[1])
        held = min(b, stop)
        if a < held:
            _add(sides[:, a - begin : held - begin], tone[:, a - start : held - start], gain)
        a = max(a, stop)
        if a < b:
            _add(sides[:, a - begin : b - begin], tone[:, a - start : b - start] * fall[a - stop : b - stop], gain)
    return np.ascontiguousarray(sides.T)


def _add(sides: np.ndarray, tone: np.ndarray, gain: np.ndarray) -> None:
    """Add a tone (one side for both, or two) to both sides, float32 [2, n]."""
    for side in (0, 1):
        sides[side] += tone[side % len(tone)] * gain[side]


def loudness(velocity: np.ndarray) -> np.ndarray:
    """Gains of velocities 1 … 127, float32: (v / 127)^1.5."""
    return ((velocity / 127.0) ** 1.5).astype(np.float32)


@lru_cache(maxsize=4)
def _fall(frames: int, constant: float) -> np.ndarray:
    """Gains after a key is let go, float32 [frames]: exponential, and exactly silent at the end."""
    t = np.arange(frames, dtype=np.float64)
    fall = (np.exp(-t / constant) * (1 - t / frames)).astype(np.float32)
    fall.setflags(write=False)
    return fall


def limited(samples: np.ndarray, knee: float = KNEE) -> np.ndarray:
    """The samples bent into (-1, 1) above `knee`, sample by sample, so that no block boundary is heard; same array."""
    size = np.abs(samples)
    loud = size > knee
    if loud.any():
        room = np.float32(1 - knee)
        bent = np.float32(knee) + room * np.float32(0.999) * np.tanh((size[loud] - np.float32(knee)) / room)
        samples[loud] = np.copysign(bent, samples[loud])
    return samples
