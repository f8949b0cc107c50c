"""Another Hex program as a player: the session job "hex.external" seen from the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.hex.htp.spec import ExternalSpec
from engines.hex.snapshots import AnalysisSnapshot, EngineRequest

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle


class ExternalEngine(QObject):
    """Keeps one program running between moves. chosen(move): the answer to `choose`. analysed(AnalysisSnapshot):
    what it thinks of the position that `judge` showed it. refused(why): the game goes on without it."""

    chosen = Signal(int)
    analysed = Signal(object)
    refused = Signal(str)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._handle: JobHandle | None = None
        self._command = ""
        self._generation = 0
        self._judging = False

    @property
    def handle(self) -> JobHandle | None:
        """The session's job, None while there is none."""
        return self._handle

    def choose(self, command: str, position: dict[str, Any], milliseconds: int) -> None:
        """Ask for a move; the program is started when it is not running."""
        self._judging = False
        self._ask("move", command, position, milliseconds)

    def judge(self, command: str, position: dict[str, Any]) -> None:
        """Ask what it thinks of a position: its analysis if it offers one, else the move it would play."""
        self._judging = True
        self._ask("analyse", command, position, 0)

    def _ask(self, kind: str, command: str, position: dict[str, Any], milliseconds: int) -> None:
        if not command:
            self.refused.emit("No command is given for the other engine: enter one under Players.")
            return
        try:
            self._start(command)
        except UserError as error:
            self.refused.emit(str(error))
            return
        self._generation += 1
        assert self._handle is not None
        self._handle.request(EngineRequest(kind, self._generation, milliseconds=milliseconds, **position))

    def rest(self) -> None:
        """Whatever it answers now is not wanted."""
        self._generation += 1
        if self._handle is not None and not self._handle.has_ended:
            self._handle.request(EngineRequest("idle", self._generation, 11))

    def close(self) -> None:
        """End the program."""
        handle, self._handle = self._handle, None
        self._generation += 1
        if handle is not None:
            handle.published.disconnect(self._published)
            handle.ended.disconnect(self._ended)
            handle.cancel()

    def _start(self, command: str) -> None:
        if self._handle is not None and not self._handle.has_ended and command == self._command:
            return
        self.close()
        self._command = command
        spec = ExternalSpec.checked({"command": command})
        self._handle = self._panel.start("hex.external", spec, lane="interactive", main=False, record=False)
        self._handle.published.connect(self._published)
        self._handle.ended.connect(self._ended)

    def _published(self, snapshot: object) -> None:
        if not isinstance(snapshot, AnalysisSnapshot) or snapshot.generation != self._generation:
            return
        if snapshot.best == -4 and not (self._judging and snapshot.lines):
            self.refused.emit(snapshot.note or "The other engine gave no move.")
        elif self._judging:
            self.analysed.emit(snapshot)
        else:
            self.chosen.emit(snapshot.best)

    def _ended(self, handle: JobHandle) -> None:
        if handle is not self._handle:
            return
        self._handle = None
        why = handle.error.what if handle.error is not None else "It has ended."
        self._generation += 1
        self.refused.emit(f"The other engine is gone. {why}")
