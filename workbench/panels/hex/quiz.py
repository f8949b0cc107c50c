"""The quiz: positions in which somebody went wrong, asked on the board, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from engines.hex.coordinates import move_name
from engines.hex.gametree import GameTree
from workbench.panels.hex.seats import COLOURS
from workbench.panels.hex.teaching import Puzzle, puzzles_of_review

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel


class Quiz(QObject):
    """Asks what the teacher has remembered and what the latest review has found."""

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._asked: Puzzle | None = None

    @property
    def is_asking(self) -> bool:
        """Whether the next move on the board is an answer."""
        return self._asked is not None

    def end(self) -> None:
        """No answer is expected any more."""
        self._asked = None

    def start(self) -> None:
        """Ask the next position."""
        panel = self._panel
        review, teacher = panel.reviewer.latest, panel.teacher
        if review is not None:
            for puzzle in puzzles_of_review(review.moves, panel.reviewer.positions, teacher.tolerance):
                teacher.remember(puzzle)
        if not teacher.quiz:
            panel.show_passing(
                "There are no mistakes to ask about yet.", "info", "Review a game, or play with teaching on."
            )
            return
        self._ask(teacher.quiz.pop(0))

    def answer(self, move: int) -> None:
        """Judge an answer; -1 gives up."""
        puzzle, self._asked = self._asked, None
        if puzzle is None:
            return
        panel = self._panel
        panel.exact.settle()
        best = move_name(puzzle.best, puzzle.position["size"])
        panel.messages.clear("info")
        following = ("Next", self.start) if panel.teacher.quiz else None
        if move == puzzle.best:
            panel.show_message(f"Right: {best}.", "ok", "", following)
        elif move == puzzle.wrong:
            said = f"That is what was played; it lost {puzzle.loss:.0f} points. Best was {best}."
            panel.show_message(said, "warn", "", following)
        else:
            panel.show_message(f"The search prefers {best}.", "info", "", following)
        panel.board_view.board.set_variation((puzzle.best,), panel.model.to_move)

    def _ask(self, puzzle: Puzzle) -> None:
        panel, place = self._panel, puzzle.position
        panel.referee.stop()
        tree = GameTree.from_moves(place["size"], place["moves"], place["swap"])
        panel.model.load_tree(tree, is_saved=True)
        panel.model.to_end()
        self._asked = puzzle
        left = len(panel.teacher.quiz)
        panel.show_message(
            f"{COLOURS[panel.model.to_move]} to move: find what was missed here. {left} more after this one.",
            "info",
            "",
            ("Show me", lambda: self.answer(-1)),
        )
