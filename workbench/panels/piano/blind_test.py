"""A listening test under way: its rounds, what is composed for them ahead, the answers, and the answers of before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Literal

from PySide6.QtCore import QObject, Signal

from engines.piano.listening import Answer, Tally, even_gains, excerpt
from engines.piano.notes import Notes
from engines.piano.requests import ComposeRequest
from workbench.panels.piano.ahead import Ahead, Ticket

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

Heard = Literal["source", "a", "b"]
SIDES: Final[tuple[Answer, Answer]] = ("first", "second")
SPARE_S: Final = 3.0
"""Composed beyond what is heard: a piece may begin with a pause, which is left out."""
FULL: Final = 0.75
"""A candidate that ends before this share of its length is composed once more, with the next seed …"""
TRIES: Final = 3
"""… so many times in all; then what there is is taken."""
MOST_KEPT: Final = 1000
TEXTS: Final = ("first", "second", "source", "answer")
NUMBERS: Final = ("test", "round", "seed", "seconds")


@dataclass(frozen=True, eq=False)
class Trial:
    """One round. source: what is heard of it. pieces: of the first and the second contestant, as composed or, once
    `is_ready`, cut to one length with the source. gains: of source, first, second. answer: once it is given."""

    number: int
    title: str
    source: Notes
    seed: int
    is_swapped: bool
    pieces: tuple[Notes | None, Notes | None] = (None, None)
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)
    is_ready: bool = False
    answer: Answer | None = None

    @property
    def seconds(self) -> float:
        """How long each of the three is."""
        return self.source.duration

    def side(self, heard: Heard) -> int:
        """Which contestant is heard as A or B: 0 or 1."""
        return int((heard == "b") != self.is_swapped)

    def notes(self, heard: Heard) -> Notes:
        found = self.source if heard == "source" else self.pieces[self.side(heard)]
        return found if found is not None else Notes.empty()

    def gain(self, heard: Heard) -> float:
        return self.gains[0 if heard == "source" else 1 + self.side(heard)]

    def settled(self) -> Trial:
        """With both pieces there: all three end together and are equally loud."""
        first, second = self.pieces
        assert first is not None and second is not None
        seconds = min(self.source.duration, first.duration, second.duration)
        source, first, second = (notes.between(0.0, seconds) for notes in (self.source, first, second))
        gains = even_gains((source, first, second))
        return replace(self, source=source, pieces=(first, second), gains=gains, is_ready=True)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Contest:
    """Who is compared: titles of the two contestants; key: names the pair in what is kept. seconds: of each piece.
    peeked: answers were looked at before the end."""

    first: str
    second: str
    key: str
    seconds: float
    peeked: bool = False


@dataclass
class Kept:
    """Answers of all tests, as rows of plain values, the oldest first."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def newest(self) -> list[dict[str, Any]]:
        """The rows of the last test."""
        return [row for row in self.rows if row["test"] == self.rows[-1]["test"]]

    def with_test(self, contest: Contest, trials: Sequence[Trial]) -> list[dict[str, Any]]:
        """What is kept and, after it, the answered rounds of another test."""
        test = 1 + max((row["test"] for row in self.rows), default=0)
        new = [
            {
                "test": test, "round": trial.number + 1, "key": contest.key, "first": contest.first,
                "second": contest.second, "source": trial.title, "a": SIDES[trial.side("a")], "answer": trial.answer,
                "seed": trial.seed, "seconds": round(trial.seconds, 2), "peeked": contest.peeked,
            }
            for trial in trials
        ]  # fmt: skip
        return [*self.rows, *new][-MOST_KEPT:]

    def tally(self, key: str) -> Tally:
        """All answers on a pair."""
        return Tally.of([row["answer"] for row in self.rows if row["key"] == key])

    def restore(self, rows: Any) -> None:
        """Take up what a session kept; rows that make no sense are left out."""
        self.rows = [row for row in rows if _is_row(row)][-MOST_KEPT:] if isinstance(rows, list) else []


class BlindTest(QObject):
    """changed(): a round is ready, answered, or the test has begun or ended. failed(str): no more can be composed;
    what is ready can still be answered."""

    changed = Signal()
    failed = Signal(str)

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        self.kept = Kept()
        self.contest: Contest | None = None
        self.trials: list[Trial] = []
        self.is_on = False
        self._requests: dict[Ticket, tuple[ComposeRequest, int]] = {}
        self._ahead = Ahead(panel)
        self._ahead.composed.connect(self._composed)
        self._ahead.failed.connect(self._failed)

    # -- rounds -----------------------------------------------------------------------------------------------

    @property
    def current(self) -> Trial | None:
        """The round that is to be answered; None when there is none."""
        return next((trial for trial in self.trials if trial.answer is None), None) if self.is_on else None

    def trial(self, number: int) -> Trial | None:
        """The round of that number as it is now."""
        return next((trial for trial in self.trials if trial.number == number), None)

    @property
    def is_complete(self) -> bool:
        """Whether every round is composed."""
        return all(trial.is_ready for trial in self.trials)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """All answers, those of the test under way included."""
        if self.contest is None or not self.is_on:
            return self.kept.rows
        return self.kept.with_test(self.contest, self.answered)

    @property
    def answered(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.answer is not None]

    @property
    def ready(self) -> int:
        """Rounds that could be answered now."""
        return sum(trial.is_ready and trial.answer is None for trial in self.trials)

    @property
    def tally(self) -> Tally:
        """Answers of this test so far."""
        return Tally.of([trial.answer for trial in self.answered if trial.answer is not None])

    # -- what happens -----------------------------------------------------------------------------------------

    def begin(
        self, contest: Contest, trials: Sequence[Trial], requests: Sequence[tuple[ComposeRequest, ComposeRequest]] = ()
    ) -> None:
        """A new test. requests: for each round what the first and the second compose; none where trials hold their
        pieces already."""
        self.end()
        self.contest, self.is_on = contest, True
        self.trials = [trial if requests else trial.settled() for trial in trials]
        for trial, pair in zip(self.trials, requests, strict=bool(requests)):
            for side, request in zip(SIDES, pair, strict=True):
                self._requests[trial.number, side] = request, 1
                self._ahead.add((trial.number, side), request)
        self.changed.emit()

    def answer(self, closer: Literal["a", "b", "neither"]) -> None:
        """The answer to the current round; the last one ends the test."""
        trial = self.current
        if trial is None or not trial.is_ready:
            return
        self._put(replace(trial, answer="neither" if closer == "neither" else SIDES[trial.side(closer)]))
        if self.current is None:
            self.end()
        else:
            self.changed.emit()

    def peek(self) -> None:
        """The answers so far were looked at."""
        if self.contest is not None and self.answered:
            self.contest = replace(self.contest, peeked=True)

    def end(self) -> None:
        """No more rounds: what was answered is kept, the rest is given up."""
        self._ahead.close()
        self._requests.clear()
        if not self.is_on:
            return
        self.is_on = False
        self.trials = self.answered
        if self.contest is not None:
            self.kept.rows = self.kept.with_test(self.contest, self.trials)
        self.changed.emit()

    def close(self) -> None:
        """The window goes; nothing is told any more."""
        self._ahead.close()
        self._requests.clear()

    def _put(self, trial: Trial) -> None:
        self.trials = [trial if one.number == trial.number else one for one in self.trials]

    def _composed(self, ticket: Ticket, notes: Notes) -> None:
        trial = self.trial(ticket[0])
        if trial is None or self.contest is None or ticket not in self._requests:
            return
        heard = excerpt(notes, self.contest.seconds)
        request, tries = self._requests[ticket]
        if heard.duration < FULL * self.contest.seconds and tries < TRIES:
            request = replace(request, seed=request.seed + 1)
            self._requests[ticket] = request, tries + 1
            self._ahead.add(ticket, request, at_once=True)
            return
        if not len(heard):
            self._failed("a network composed no note at all")
            return
        first, second = trial.pieces
        pieces = (heard, second) if ticket[1] == "first" else (first, heard)
        trial = replace(trial, pieces=pieces)
        self._put(trial.settled() if None not in pieces else trial)
        self.changed.emit()

    def _failed(self, why: str) -> None:
        """Rounds that are not ready are given up."""
        self._ahead.close()
        self._requests.clear()
        self.trials = [trial for trial in self.trials if trial.is_ready]
        self.failed.emit(why)
        if self.current is None:
            self.end()
        else:
            self.changed.emit()


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(name), str) for name in (*TEXTS, "key", "a"))
        and all(isinstance(row.get(name), int | float) and not isinstance(row[name], bool) for name in NUMBERS)
        and row["answer"] in (*SIDES, "neither") and row["a"] in SIDES and isinstance(row.get("peeked"), bool)
    )  # fmt: skip
