"""Whole performances as samples, at once or in slices while their notes are still being written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.piano.sound.bank import RATE, Instrument
from engines.piano.sound.mixing import Score, limited, mixed, nothing, score_of
from engines.piano.sound.soundfont import choose

if TYPE_CHECKING:
    from engines.piano.notes import Notes

_SLICE_S: Final = 2.0


def render(
    notes: Notes,
    rate: int = RATE,
    instrument: Instrument | None = None,
    check: Callable[[], None] = nothing,
    *,
    tempo: float = 1.0,
    begin_s: float = 0.0,
    end_s: float = np.inf,
) -> np.ndarray:
    """The performance from `begin_s` to `end_s` (musical seconds) at `tempo`, float32 [n, 2], every |x| < 1.

    With no end given it lasts until the last tone has died away. instrument: the best there is where none is given; its
    rate counts. check: called about every 256 notes.
    """
    instrument = instrument or choose(rate=rate).instrument
    score = score_of(notes, instrument, tempo)
    begin = round(max(begin_s, 0.0) / tempo * score.rate)
    end = score.frames if np.isinf(end_s) else min(score.frames, round(end_s / tempo * score.rate))
    out = np.empty((max(end - begin, 0), 2), np.float32)
    step = int(_SLICE_S * score.rate)
    for at in range(begin, end, step):
        out[at - begin : at + step - begin] = stretch(score, instrument, at, min(at + step, end), check)
    return out


def stretch(
    score: Score, instrument: Instrument, begin: int, end: int, check: Callable[[], None] = nothing
) -> np.ndarray:
    """The frames [begin, end) as they are played, float32 [end - begin, 2], every |x| < 1."""
    return limited(mixed(score, instrument, begin, end, check))


class Renderer:
    """Samples in order while notes arrive.

    `feed` the notes as far as they are known; `up_to` gives the samples since the last call. Notes still held are
    fed with the end that they have so far; feeding again replaces what is not rendered yet.
    """

    def __init__(self, instrument: Instrument | None = None, rate: int = RATE, tempo: float = 1.0) -> None:
        self.instrument = instrument or choose(rate=rate).instrument
        self.tempo = tempo
        self.position = 0
        self._score: Score | None = None

    def feed(self, notes: Notes) -> None:
        """All notes known by now, those already rendered too."""
        self._score = score_of(notes, self.instrument, self.tempo)

    def up_to(self, seconds: float, check: Callable[[], None] = nothing) -> np.ndarray:
        """The samples from where the last call ended to `seconds` of the music, float32 [n, 2]."""
        end = max(self.position, round(seconds / self.tempo * self.instrument.rate))
        if self._score is None:
            out = np.zeros((end - self.position, 2), np.float32)
        else:
            out = stretch(self._score, self.instrument, self.position, end, check)
        self.position = end
        return out

    def rest(self, check: Callable[[], None] = nothing) -> np.ndarray:
        """What is left until the last tone has died away, float32 [n, 2]."""
        frames = 0 if self._score is None else self._score.frames
        return self.up_to(max(frames, self.position) / self.instrument.rate * self.tempo, check)
