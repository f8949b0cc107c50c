"""The exact overlay: the solver's session job and what it has found about the position on the board."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from engines.hex.snapshots import ExactRequest, ExactSnapshot
from engines.hex.solver import too_large
from engines.hex.spec import ExactSpec

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel
    from workbench.runner import JobHandle


class ExactSolver(QObject):
    """Solves the position on the board while the exact overlay is shown; what it has learnt stays between positions.

    The session runs on the batch lane: the solver is Python from end to end, and in the live engine's process it
    would take turns with the search. found(ExactSnapshot): news about the position on the board.
    """

    found = Signal(object)

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._handle: JobHandle | None = None
        self._generation = 0
        self._place: object = None
        self._is_solving = False
        self.latest: ExactSnapshot | None = None
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._settle)
        panel.model.position_changed.connect(self._moved)
        panel.board_view.overlay_changed.connect(lambda _: self.settle())

    @property
    def handle(self) -> JobHandle | None:
        """The session's job, None while there is none."""
        return self._handle

    @property
    def is_solving(self) -> bool:
        """Whether more is to come about the position on the board."""
        return self._is_solving

    def settle(self) -> None:
        """Decide, once control returns to the event loop, whether the position is to be solved."""
        self._later.start()

    def stop(self) -> None:
        """Let go of the position; what is known of it stays. Another position is solved again."""
        if self._is_solving:
            self._rest()
            self._tell_how_far("stopped")

    def close(self) -> None:
        """End the session."""
        self._later.stop()
        handle, self._handle = self._handle, None
        self._generation += 1
        self._is_solving = False
        if handle is not None:
            handle.published.disconnect(self._published)
            handle.ended.disconnect(self._ended)
            handle.cancel()

    # -- inside -----------------------------------------------------------------------------------------------

    def _moved(self) -> None:
        """Another position, or only a note on this one."""
        if self.latest is not None and self._place != self._position():
            self.latest = None
            self._panel.board_view.show_exact(None)
        self.settle()

    def _settle(self) -> None:
        panel = self._panel
        # The overlay is locked while teaching is on, and would answer a quiz.
        wanted = panel.board_view.overlays.current() == "exact"
        if not wanted or panel.teacher.is_on or panel.quiz.is_asking:
            if self._is_solving:
                self._rest()
            self._place = self.latest = None
            panel.board_view.show_exact(None)
            return
        if self._position() != self._place:
            self._ask()

    def _ask(self) -> None:
        position = self._panel.model.position
        cells, to_move = position.cells.copy(), position.to_move
        empty = int((cells == 0).sum())
        why = "the game is over" if position.winner else too_large(len(cells), empty)
        self._place = self._position()
        nothing = np.zeros(cells.size, np.int8)
        if why:
            if self._is_solving:
                self._rest()
            self._tell(ExactSnapshot(self._generation, len(cells), to_move, nothing, 0, why))
            return
        self._generation += 1
        self._is_solving = True
        self._tell(ExactSnapshot(self._generation, len(cells), to_move, nothing, empty))
        if self._handle is None or self._handle.has_ended:
            self._handle = self._panel.start("hex.exact", ExactSpec(), main=False, record=False)
            self._handle.published.connect(self._published)
            self._handle.ended.connect(self._ended)
        self._handle.request(ExactRequest("solve", self._generation, cells, to_move))

    def _rest(self) -> None:
        self._generation += 1
        self._is_solving = False
        if self._handle is not None and not self._handle.has_ended:
            self._handle.request(ExactRequest("idle", self._generation, np.zeros((1, 1), np.int8)))

    def _position(self) -> object:
        """What two requests about the same position share."""
        position = self._panel.model.position
        return position.size, position.to_move, position.cells.tobytes()

    def _published(self, snapshot: object) -> None:
        if not isinstance(snapshot, ExactSnapshot) or snapshot.generation != self._generation:
            return
        if self._place == self._position():  # or the board has moved on, and `_settle` comes next
            self._is_solving = snapshot.known < snapshot.total
            self._tell(snapshot)

    def _tell(self, snapshot: ExactSnapshot) -> None:
        self.latest = snapshot
        self._panel.board_view.show_exact(snapshot)
        self.found.emit(snapshot)

    def _tell_how_far(self, why: str) -> None:
        if self.latest is not None:
            note = f"{why} after {self.latest.known} of {self.latest.total} moves"
            self._tell(replace(self.latest, note=note))

    def _ended(self, handle: JobHandle) -> None:
        """The session's process is gone; the next position gets a fresh one."""
        if handle is not self._handle:
            return
        lost, self._handle, self._is_solving = self._is_solving, None, False
        if lost:
            self._tell_how_far("the solver has ended")
