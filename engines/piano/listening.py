"""The paper's listening test: of two results, which is closer to the source, and what the answers are worth.

Source: Choi et al. 2020, section 5.3 (listeners hear a source and two candidates and say which is closer in style).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from engines.piano.notes import Notes
from engines.piano.pedal import sustained

Answer = Literal["first", "second", "neither"]
FEWEST: Final = 6
"""Answers that decide: with five even the clearest split comes by chance in one test of sixteen."""
RARE: Final = 0.05
"""Below this a split is called rarer than chance."""
_DECAY_S: Final = 0.15
"""How long a struck string is loud. Chosen so that the levels of the library's pieces, which span 22 dB, come out
about a decibel (root mean square) from those of their sound, by the SoundFont as by the computed piano."""
_SILENCE: Final = 1e-9


@dataclass(frozen=True)
class Round:
    """One question. source: which of the sources. begin: where in it, a share in [0, 1) of what could be left out.
    seed: of both candidates. is_swapped: the first contestant is heard as B."""

    source: int
    begin: float
    seed: int
    is_swapped: bool


def plan(sources: int, rounds: int, seed: int) -> tuple[Round, ...]:
    """Which source each round has, and who is heard as A, by chance: a coin for each round, so that no answer can be
    worked out from the others. No source comes again before all were heard; the first time from its beginning.
    Raises ValueError without sources."""
    if sources < 1:
        raise ValueError("expected at least one source")
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(sources) for _ in range(-(-rounds // sources))])[:rounds]
    begins = np.where(np.arange(rounds) < sources, 0.0, rng.random(rounds))
    seeds = rng.integers(0, 2**31, rounds)
    swaps = rng.random(rounds) < 0.5
    return tuple(
        Round(int(source), float(begin), int(own), bool(swap))
        for source, begin, own, swap in zip(order, begins, seeds, swaps, strict=True)
    )


def excerpt(notes: Notes, seconds: float, begin: float = 0.0) -> Notes:
    """`seconds` of a piece from an onset on, as it sounds: the pedal is in the ends, the first note is at 0 and nothing
    sounds longer. begin: share in [0, 1) of what is left over that is left out before. Empty for a piece without notes.
    """
    sounding = sustained(notes)
    if not len(sounding):
        return Notes.empty()
    first = float(sounding.start[0])
    wanted = first + begin * max(0.0, sounding.duration - first - seconds)
    start = float(sounding.start[np.searchsorted(sounding.start, wanted).clip(0, len(sounding) - 1)])
    return sounding.take(sounding.start >= start).shifted(-start).between(0.0, seconds)


def level(notes: Notes) -> float:
    """How loud a piece is on the whole: the root of the energy of its strokes, in arbitrary units; 0 without notes.

    A stroke's energy grows with the cube of its velocity (as the mixer plays it) and stops growing once the string has
    died away.
    """
    if not len(notes):
        return 0.0
    held = 1 - np.exp(-(notes.end - notes.start) / _DECAY_S)
    return float(np.sqrt(np.sum((notes.velocity / 127.0) ** 3 * held)))


def even_gains(pieces: Sequence[Notes]) -> tuple[float, ...]:
    """A gain in (0, 1] for each piece that makes all of them as loud as the softest; pieces without notes have 1."""
    levels = [level(notes) for notes in pieces]
    heard = [one for one in levels if one > _SILENCE]
    return tuple(min(heard) / one if one > _SILENCE else 1.0 for one in levels)


def sign_test(first: int, second: int) -> float:
    """The two-sided p of a split between two contestants: how often a fair coin splits at least so unevenly. Exact.

    Raises ValueError for negative counts.
    """
    if min(first, second) < 0:
        raise ValueError(f"expected counts from 0, got {first} and {second}")
    total, more = first + second, max(first, second)
    tail = sum(math.comb(total, k) for k in range(more, total + 1))
    return min(1.0, 2 * tail / 2**total)


@dataclass(frozen=True)
class Tally:
    """Answers counted: for the first contestant, for the second, and those that could not tell."""

    first: int = 0
    second: int = 0
    neither: int = 0

    @classmethod
    def of(cls, answers: Sequence[str]) -> Tally:
        """Count Answers; anything else is left out."""
        return cls(answers.count("first"), answers.count("second"), answers.count("neither"))

    @property
    def decided(self) -> int:
        return self.first + self.second

    @property
    def p(self) -> float:
        """Of the answers that decide; see `sign_test`."""
        return sign_test(self.first, self.second)

    def in_words(self, first: str, second: str) -> str:
        """What the answers mean, in plain sentences."""
        if not self.decided:
            return "No answer decides yet." if not self.neither else "You could not tell them apart, every time."
        count = f"{self.decided} answers"
        if self.decided == 1:
            return f"One answer cannot show anything. At least {FEWEST} that decide are needed."
        if self.decided < FEWEST:
            return (
                f"{count} cannot show anything yet: guessing makes all {self.decided} agree in "
                f"{_often(2 ** (1 - self.decided))}. At least {FEWEST} that decide are needed."
            )
        unlikely = f"in {'only ' if self.p < RARE else ''}{_often(self.p)} (p = {_number(self.p)})"
        guessing = f"Guessing would split {count} at least as unevenly {unlikely}"
        if self.p >= RARE:
            return f"{guessing}, so this shows no difference. It does not show that there is none."
        ahead = first if self.first > self.second else second
        return f"{guessing}: to your ears {ahead} is closer to the source. That is one listener, and these pieces."


def _often(p: float) -> str:
    """A probability for people: "1 test of 16", "34 tests of 100"."""
    if p >= 0.995:
        return "every test"
    if p < 0.105:
        return f"1 test of {round(1 / p):,}"
    return f"{round(100 * p)} tests of 100"


def _number(p: float) -> str:
    if p > 0.995:
        return "1"
    return f"{p:.2f}" if p >= 0.095 else f"{p:.1g}" if p >= 0.0001 else "less than 0.0001"
