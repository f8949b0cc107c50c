"""What the microscope looks at: tokens of a piece, what the network is told with them, and the session that reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from engines.piano.alignment import KINDS, kinds_of, moments, of_notes, pitches_of
from engines.piano.codec import decode
from engines.piano.notes import Notes
from engines.piano.requests import NO_TOKENS, InspectRequest, InspectSnapshot
from engines.piano.spec import InspectSpec
from engines.piano.vocabulary import VOCABULARY
from workbench.panels.piano.composer import Composer
from workbench.panels.piano.variations import WORDS
from workbench.widgets.basics import number, percent
from workbench.widgets.roll_notes import clock_text

if TYPE_CHECKING:
    from engines.piano.requests import ComposeRequest
    from workbench.panels.piano.takes import Take

GUESS: Final = float(np.log(VOCABULARY))
"""Nats of a token under a guess among all."""


class Reader(Composer):
    """The session that reads along ("piano.inspect")."""

    job: ClassVar[str] = "piano.inspect"
    spec: ClassVar[type[InspectSpec]] = InspectSpec
    answers: ClassVar[type[InspectSnapshot]] = InspectSnapshot
    what_ended: ClassVar[str] = "The engine that reads along has ended. Press Look closer to start a fresh one."


@dataclass(frozen=True, eq=False)
class Subject:
    """title: of the piece. told: whose style, in words. tokens: int [n]. styles, shares, melody: what the network is
    told. key: fixed while the piece and what is told with it stay the same. piece: its key on the shelf, "" for a take.
    """

    key: object
    title: str
    told: str
    tokens: np.ndarray
    styles: tuple[np.ndarray, ...]
    shares: tuple[float, ...] = ()
    melody: np.ndarray = field(default_factory=NO_TOKENS.copy)
    piece: str = ""

    @cached_property
    def notes(self) -> Notes:
        """What the tokens play."""
        return decode(self.tokens)

    @cached_property
    def times(self) -> np.ndarray:
        """float64 [n]: seconds at which each token has taken effect."""
        return moments(self.tokens)

    @cached_property
    def kinds(self) -> np.ndarray:
        """int64 [n]: numbers of `engines.piano.alignment.KINDS`."""
        return kinds_of(self.tokens)

    def request(self, weights: str, other: np.ndarray) -> InspectRequest:
        """What the session is asked."""
        return InspectRequest(0, weights, self.tokens, self.styles, self.shares, self.melody, other)

    def within(self, start: float, end: float, low: int, high: int) -> np.ndarray:
        """bool [n]: strikes and releases of pitches low to high between two moments."""
        pitch = pitches_of(self.tokens)
        return (pitch >= low) & (pitch <= high) & (self.times >= start) & (self.times <= end)


def of_take(take: Take, fallback: np.ndarray) -> Subject | None:
    """A take in the style and on the melody that it was composed with; `fallback` is the style where nobody said."""
    voice, asked = take.voice, take.request
    if voice is None or not len(voice.tokens):
        return None
    styles = asked.styles if asked is not None and asked.styles else (fallback,)
    return Subject(
        (take.title, take.seed, take.chosen, id(voice.tokens), len(voice.tokens)),
        f"Take, variation {take.chosen + 1},",
        "the style it was composed in" if asked is not None and asked.styles else "style A",
        voice.tokens.astype(np.int64),
        styles,
        _shares(asked, take.chosen),
        asked.melody if asked is not None else NO_TOKENS.copy(),
    )


def _shares(asked: ComposeRequest | None, variation: int) -> tuple[float, ...]:
    if asked is None or not asked.styles:
        return ()
    return asked.blends[variation] if asked.blends else asked.shares


class Findings:
    """One subject and what was read of it; arrays as long as the subject, NaN where nothing is known yet."""

    def __init__(self, subject: Subject, snapshot: InspectSnapshot | None = None) -> None:
        self.subject, self.snapshot = subject, snapshot

    @property
    def count(self) -> int:
        """Tokens that were read."""
        return 0 if self.snapshot is None else len(self.snapshot.tokens)

    def nats(self, condition: str = "own") -> np.ndarray:
        """float64 [n]: surprise of every token under a condition."""
        out = np.full(len(self.subject.tokens), np.nan)
        if self.snapshot is not None and condition in self.snapshot.nll:
            out[: self.count] = self.snapshot.nll[condition]
        return out

    def saved(self, condition: str) -> np.ndarray:
        """float64 [n]: nats by which the network is less surprised when told the truth than under a condition."""
        return self.nats(condition) - self.nats()

    def of_notes(self) -> np.ndarray:
        """float64 [N]: surprise of the strike of each note."""
        return of_notes(self.subject.notes, self.subject.tokens, self.nats())

    def expected(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """(tokens int [5], shares float [5], shares of kinds float [5]) of a place; None where nothing is known."""
        snapshot = self.snapshot
        if snapshot is None or not 0 <= index < self.count:
            return None
        return snapshot.top[index].astype(int), snapshot.shares[index], snapshot.kinds[index]

    def heading(self, index: int) -> str:
        """Which token it is and when."""
        subject = self.subject
        at = clock_text(float(subject.times[index]), 0.01)
        return f"{WORDS[int(subject.tokens[index])]} at {at}, token {index + 1} of {len(subject.tokens)}"

    def likelihood(self, index: int) -> str:
        """How likely a token was, in words; "" where nothing is known."""
        nats = float(self.nats()[index])
        if np.isnan(nats):
            return ""
        digits = 0 if nats < 2 else 1 if nats < 5 else 3
        return f"probability {percent(float(np.exp(-nats)), digits)}, surprise {number(nats)}\u202fnats"

    def alternatives(self, index: int) -> str:
        """What was likeliest in a place; "" where nothing is known."""
        found = self.expected(index)
        if found is None:
            return ""
        top, shares, _ = found
        pairs = zip(top[:3].tolist(), shares[:3].tolist(), strict=True)
        return "Likeliest: " + ", ".join(f"{WORDS[token]} {percent(share, 0)}" for token, share in pairs)

    def columns(self) -> dict[str, np.ndarray]:
        """A table with a row for each token that was read; empty before."""
        snapshot, subject, n = self.snapshot, self.subject, self.count
        if snapshot is None:
            return {}
        found: dict[str, np.ndarray] = {
            "token": subject.tokens[:n],
            "meaning": np.array([WORDS[t] for t in subject.tokens[:n].tolist()]),
            "kind": np.array([KINDS[k] for k in subject.kinds[:n].tolist()]),
            "time (s)": subject.times[:n],
        }
        found |= {f"surprise, {name} (nats)": values for name, values in snapshot.nll.items()}
        for k, name in enumerate(KINDS):
            found[f"probability of {name}"] = snapshot.kinds[:, k]
        found["likeliest"] = np.array([WORDS[t] for t in snapshot.top[:, 0].tolist()])
        found["its probability"] = snapshot.shares[:, 0]
        return found
