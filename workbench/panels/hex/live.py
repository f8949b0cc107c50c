"""The live engine of the panel: one session job that analyses the position on the board or chooses moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from engines.hex.snapshots import AnalysisSnapshot, EngineRequest
from engines.hex.spec import EngineSpec, SearchSpec

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle

Mode = Literal["off", "starting", "analysing", "thinking", "resting", "failed"]
SEARCH_FIELDS = tuple(SearchSpec.model_fields)


class LiveEngine(QObject):
    """Keeps the session job "hex.engine" and talks to it. Answers to positions that are no longer shown are dropped.

    analysed(AnalysisSnapshot): the search as it stands. chosen(AnalysisSnapshot): the answer to `choose`.
    refused(str): the engine cannot use the request. mode_changed(mode).
    """

    analysed = Signal(object)
    chosen = Signal(object)
    refused = Signal(str)
    mode_changed = Signal(str)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._handle: JobHandle | None = None
        self._spec = EngineSpec()
        self._generation = 0
        self._asked: EngineRequest | None = None
        self._place: object = None
        self.mode: Mode = "off"
        self.latest: AnalysisSnapshot | None = None

    @property
    def handle(self) -> JobHandle | None:
        """The session's job, None while there is none."""
        return self._handle

    def is_about(self, position: dict[str, Any]) -> bool:
        """Whether what this engine says now is about `position` (as for `analyse`)."""
        return self._place == _place(EngineRequest("idle", 0, **position))

    @property
    def is_searching(self) -> bool:
        return self.mode in ("starting", "analysing", "thinking")

    def configure(self, spec: EngineSpec) -> None:
        """Use these settings from the next request on; a request under way is repeated with them."""
        if spec == self._spec:
            return
        moved = spec.device != self._spec.device or spec.cache_positions != self._spec.cache_positions
        self._spec = spec
        if moved and self._handle is not None:
            asked = self._asked
            self.close()
            self._asked = asked
        if self._asked is not None and (self.is_searching or moved) and self._asked.kind != "idle":
            self._send(self._asked)

    def analyse(self, position: dict[str, Any]) -> None:
        """Analyse without end. position: the fields size, moves, swap, setup, setup_to_move of EngineRequest."""
        self._send(EngineRequest("analyse", 0, **position))

    def choose(
        self, position: dict[str, Any], *, simulations: int, milliseconds: int, temperature: float = 0.0
    ) -> None:
        """Search to the limits and answer with `chosen`."""
        self._send(
            EngineRequest(
                "move", 0, simulations=simulations, milliseconds=milliseconds, temperature=temperature, **position
            )
        )

    def rest(self) -> None:
        """Stop searching; the tree and the last picture stay."""
        self._generation += 1
        if self._handle is not None and not self._handle.has_ended:
            size = self._asked.size if self._asked else 11
            self._handle.request(EngineRequest("idle", self._generation, size))
        self._asked = None
        if self.mode != "off":
            self._set_mode("resting")

    def close(self) -> None:
        """End the session."""
        handle, self._handle = self._handle, None
        self._asked = None
        self._generation += 1
        if handle is not None:
            handle.published.disconnect(self._published)
            handle.ended.disconnect(self._ended)
            handle.cancel()
        self._set_mode("off")

    def _send(self, request: EngineRequest) -> None:
        self._generation += 1
        changes = {name: getattr(self._spec, name) for name in SEARCH_FIELDS if name not in ("seed", "device")}
        fields = {name: getattr(request, name) for name in request.__dataclass_fields__}
        request = EngineRequest(**{**fields, "generation": self._generation, "changes": changes})
        if _place(request) != self._place:
            self.latest = None
        self._place = _place(request)
        self._asked = request
        if self._handle is None or self._handle.has_ended:
            self._start()
        assert self._handle is not None
        self._handle.request(request)
        waiting = self._handle.state == "waiting"
        self._set_mode("starting" if waiting else "thinking" if request.kind == "move" else "analysing")

    def _start(self) -> None:
        self._handle = self._panel.start("hex.engine", self._spec, lane="interactive", main=False, record=False)
        self._handle.published.connect(self._published)
        self._handle.ended.connect(self._ended)

    def _published(self, snapshot: object) -> None:
        if not isinstance(snapshot, AnalysisSnapshot) or snapshot.generation != self._generation:
            return
        if not np.isfinite(snapshot.value) and snapshot.note and snapshot.simulations == 0:
            self._asked = None
            self._set_mode("failed")
            self.refused.emit(snapshot.note)
            return
        self.latest = snapshot
        if snapshot.final and self._asked is not None and self._asked.kind == "move":
            self._asked = None
            self._set_mode("resting")
            self.chosen.emit(snapshot)
            return
        if self.mode == "starting":
            self._set_mode("thinking" if self._asked and self._asked.kind == "move" else "analysing")
        self.analysed.emit(snapshot)

    def _ended(self, handle: object) -> None:
        if handle is not self._handle:
            return
        lost, self._handle, self._asked = self.is_searching, None, None
        self._set_mode("failed" if lost else "off")
        if lost:
            self.refused.emit("The engine's process has ended. Start the analysis again to get a fresh one.")

    def _set_mode(self, mode: Mode) -> None:
        if mode != self.mode:
            self.mode = mode
            self.mode_changed.emit(mode)


def _place(request: EngineRequest) -> object:
    """What two requests about the same position share."""
    setup = None if request.setup is None else request.setup.tobytes()
    return (request.size, request.moves, request.swap, setup, request.setup_to_move)
