"""Whether music recites a tune: the longest run of melody steps that a collection of melodies holds too.

Steps are intervals in semitones, so key, rhythm and tempo do not hide a tune. A run says something only against the
runs of people's own pieces: scales, repeated notes and arpeggios are everybody's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no step is lost in products modulo 2^64."""
LONGEST: Final = 256
"""Steps; a longer run counts as this long."""


@dataclass(frozen=True)
class Run:
    """steps: its length, 0 for none. piece: whose melody holds it. here, there: first step in the music, in that
    melody. played: notes of the music that was looked at."""

    steps: int
    piece: str = ""
    here: int = 0
    there: int = 0
    played: int = 0


def steps_of(pitches: np.ndarray) -> np.ndarray:
    """int16 [N - 1]: intervals of neighbouring notes in semitones, for pitches [N] in the order in which they begin."""
    return np.diff(np.asarray(pitches, np.int16))


class Tunes:
    """Melodies to compare with. names: K. pitches: K times int [N_k], in order."""

    def __init__(self, names: Sequence[str], pitches: Sequence[np.ndarray]) -> None:
        parts, owner, at = [], [], []
        for number, tune in enumerate(pitches):
            steps = steps_of(tune)
            # a step that no music has keeps runs from going on in the next tune
            parts.append(np.concatenate((steps, [np.int16(1000 + number % 1000)])).astype(np.int16))
            owner.append(np.full(len(parts[-1]), number))
            at.append(np.arange(len(parts[-1])))
        empty = np.zeros(0, np.int64)
        self.names = tuple(names)
        self.steps = np.concatenate((np.zeros(0, np.int16), *parts))
        self._owner = np.concatenate((empty, *owner))
        self._at = np.concatenate((empty, *at))
        self._known: dict[int, np.ndarray] = {}

    def longest(self, pitches: np.ndarray, check: Callable[[], None] = lambda: None) -> Run:
        """The longest run of steps of these pitches [N] that one of the melodies holds."""
        steps = steps_of(pitches)
        low, high = 0, min(LONGEST, len(steps), len(self.steps))
        while low < high:  # every part of a run that is held is held too, so the length can be bisected
            check()
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._places(steps, middle) is not None else (low, middle - 1)
        found = self._places(steps, low) if low else None
        if found is None:
            return Run(0, played=len(pitches))
        here, there = found
        return Run(low, self.names[self._owner[there]], here, int(self._at[there]), len(pitches))

    def _places(self, steps: np.ndarray, length: int) -> tuple[int, int] | None:
        """Where a run of that length stands in `steps` and in the melodies; None where none does."""
        if length not in self._known:
            self._known[length] = np.sort(_hashes(self.steps, length))
        own, known = _hashes(steps, length), self._known[length]
        at = np.searchsorted(known, own)
        for here in np.flatnonzero(known[np.minimum(at, len(known) - 1)] == own):
            for there in np.flatnonzero(_hashes(self.steps, length) == own[here]):
                if np.array_equal(self.steps[there : there + length], steps[here : here + length]):
                    return int(here), int(there)
        return None


def _hashes(steps: np.ndarray, length: int) -> np.ndarray:
    """uint64 [N - length + 1]: one number for each run of that length, by multiplying modulo 2^64."""
    values = steps.astype(np.int64).astype(np.uint64) + np.uint64(2048)
    total = np.zeros(len(values) - length + 1, np.uint64)
    with np.errstate(over="ignore"):
        for offset in range(length):
            total = total * _BASE + values[offset : offset + len(total)]
    return total
