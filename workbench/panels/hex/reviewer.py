"""Reviews of whole games: runs "hex.review" and keeps what it found, also after the engine rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.hex.snapshots import ReviewSnapshot
from engines.hex.spec import EngineSpec, ReviewSpec, SearchSpec

if TYPE_CHECKING:
    from engines.hex.gametree import Node
    from workbench.panels.base import Panel
    from workbench.panels.hex.game import GameModel
    from workbench.runner import JobHandle


class Reviewer(QObject):
    """One review at a time. `reviewed(ReviewSnapshot)` comes as it grows; `ended(bool)` says whether it is whole.

    positions: fields of EngineRequest before each move of the reviewed game, for the quiz.
    """

    reviewed = Signal(object)
    ended = Signal(bool)

    def __init__(self, panel: Panel, model: GameModel) -> None:
        super().__init__(panel)
        self._panel, self._model = panel, model
        self._handle: JobHandle | None = None
        self.latest: ReviewSnapshot | None = None
        self.nodes: tuple[Node, ...] = ()
        self.positions: tuple[dict[str, Any], ...] = ()

    @property
    def is_running(self) -> bool:
        return self._handle is not None

    def start(self, engine: EngineSpec, simulations: int) -> None:
        """Review the line on the board from its beginning to its end. Raises UserError when there is nothing to."""
        model = self._model
        text = model.moves_text()
        if not text:
            raise UserError("there are no moves to review", "play or open a game first")
        settings = {name: getattr(engine, name) for name in SearchSpec.model_fields}
        spec = ReviewSpec.checked(
            {**settings, "size": model.size, "moves": text, "swap": model.swap, "simulations": simulations}
        )
        self.stop()
        self.latest = None
        self.nodes = tuple(model.line())
        whole = model.tree.position(self.nodes[-1]).moves
        place = {"size": model.size, "swap": model.swap, "setup": None, "setup_to_move": 1}
        self.positions = tuple({**place, "moves": whole[:ply]} for ply in range(len(whole)))
        self._handle = self._panel.start("hex.review", spec)
        self._handle.published.connect(self._published)
        self._handle.ended.connect(self._ended)

    def stop(self) -> None:
        """Ask it to stop; what it found stays."""
        if self._handle is not None:
            self._handle.cancel()

    def _published(self, snapshot: object) -> None:
        if isinstance(snapshot, ReviewSnapshot):
            self.latest = snapshot
            self.reviewed.emit(snapshot)

    def _ended(self, handle: JobHandle) -> None:
        if handle is not self._handle:
            return
        self._handle = None
        if handle.state == "done":
            whole = handle.result
            self._published(ReviewSnapshot(whole.size, whole.black_value, whole.moves))
        self.ended.emit(handle.state == "done")
