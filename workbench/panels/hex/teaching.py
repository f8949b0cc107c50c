"""Teaching mode: moves that lose too much are taken back, hints come late, and blunders become a quiz."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from engines.hex.snapshots import AnalysisSnapshot, ReviewedMove

ENOUGH_VISITS = 8
"""Visits from which a move's search value is taken as its worth; below, its position is searched."""


@dataclass(frozen=True)
class Verdict:
    """What a move of the learner was worth. loss: points of win % thrown away; before, after: win % for the mover."""

    cell: int
    before: float
    after: float
    best: int
    best_line: tuple[int, ...]

    @property
    def loss(self) -> float:
        return max(0.0, self.before - self.after)


@dataclass(frozen=True)
class Puzzle:
    """A position in which somebody went wrong. position: fields of EngineRequest; wrong: the move played there."""

    position: dict[str, Any]
    wrong: int
    best: int
    loss: float


def judge(before: AnalysisSnapshot, cell: int) -> Verdict | None:
    """The worth of `cell` by the search that ran while the learner thought, or None if it hardly looked there."""
    if not 0 <= cell < len(before.visits):
        return None
    best = int(before.lines[0][0]) if before.lines else int(np.argmax(before.visits))
    line = before.lines[0] if before.lines else (best,)
    if before.proven[cell]:
        after = float(before.proven[cell])
    elif before.visits[cell] >= ENOUGH_VISITS:
        after = float(before.search_q[cell])
    else:
        return None
    return Verdict(cell, percent(_best_value(before)), percent(after), best, tuple(line))


def judge_after(before: AnalysisSnapshot, cell: int, after: AnalysisSnapshot) -> Verdict:
    """The same from a search of the position after the move."""
    best = int(before.lines[0][0]) if before.lines else cell
    line = tuple(before.lines[0]) if before.lines else (best,)
    return Verdict(cell, percent(_best_value(before)), percent(-after.value), best, line)


def percent(value: float) -> float:
    """A value in [-1, 1] as win %."""
    return 50.0 * (1.0 + value)


def _best_value(snapshot: AnalysisSnapshot) -> float:
    """What the best move is worth; the root's mean value also counts the bad moves that were tried."""
    if not snapshot.lines:
        return snapshot.value
    best = snapshot.lines[0][0]
    if snapshot.proven[best]:
        return float(snapshot.proven[best])
    worth = float(snapshot.search_q[best])
    return worth if np.isfinite(worth) else snapshot.value


def puzzles_of_review(moves: Sequence[ReviewedMove], positions: Sequence[dict[str, Any]], least: float) -> list[Puzzle]:
    """The mistakes of a reviewed game that lose at least `least` points of win %, worst first.

    positions: before each move of the game.
    """
    found = [
        Puzzle(positions[m.index], m.move, m.best, 100 * m.loss)
        for m in moves
        if 100 * m.loss >= least and m.best >= 0 and m.best != m.move and m.index < len(positions)
    ]
    return sorted(found, key=lambda p: -p.loss)


class Teacher(QObject):
    """Decides what to say about the learner's moves. It plays nothing itself.

    objected(Verdict): the move should be taken back. praised(Verdict): the move may stay. hinted(int): the cell to
    show after the delay.
    """

    objected = Signal(object)
    praised = Signal(object)
    hinted = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.is_on = False
        self.tolerance = 15.0
        self.hint_after_s = 20
        self.quiz: list[Puzzle] = []
        self._insisted: set[tuple[object, int]] = set()
        self._best = -1
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._hint)

    def begin_turn(self) -> None:
        """It is the learner's turn now: the clock for the hint starts."""
        self._best = -1
        self._timer.stop()
        if self.is_on and self.hint_after_s > 0:
            self._timer.start(self.hint_after_s * 1000)

    def end_turn(self) -> None:
        self._timer.stop()

    def see(self, snapshot: AnalysisSnapshot) -> None:
        """The search that runs, unseen, while the learner thinks."""
        if snapshot.lines:
            self._best = int(snapshot.lines[0][0])

    def assess(self, verdict: Verdict, position: dict[str, Any]) -> None:
        """Object to the move or let it stand. A move that the learner insists on is let through."""
        key = (position["moves"], verdict.cell)
        if verdict.loss >= self.tolerance and key not in self._insisted and verdict.best != verdict.cell:
            self.remember(Puzzle(position, verdict.cell, verdict.best, verdict.loss))
            self.objected.emit(verdict)
        else:
            self.praised.emit(verdict)

    def insist(self, position: dict[str, Any], cell: int) -> None:
        """The learner wants this move all the same."""
        self._insisted.add((position["moves"], cell))

    def remember(self, puzzle: Puzzle) -> None:
        """Ask this one in the quiz; the same position is kept once."""
        same = [p for p in self.quiz if p.position["moves"] == puzzle.position["moves"]]
        if not same:
            self.quiz.append(puzzle)

    def _hint(self) -> None:
        if self.is_on and self._best >= 0:
            self.hinted.emit(self._best)
        elif self.is_on:
            self._timer.start(1000)
