"""The panel's demonstration: one image attacked live, then a small matrix of two recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QObject, Qt

from engines.core.errors import UserError
from engines.transfer.results import MatrixResult
from engines.transfer.snapshots import LiveSnapshot

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel

MODELS: Final = 3
IMAGES: Final = 40
RECIPES: Final = "FGSM, own"


class Demonstration(QObject):
    """Ends with the panel's `demo_done` or `demo_failed`."""

    def __init__(self, panel: TransferPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self._is_live = False
        self._is_matrix = False
        self._figures: dict[str, Any] = {}

    def start(self) -> None:
        """Begin with the image that is shown."""
        panel = self.panel
        panel.tabs.setCurrentIndex(0)
        if not panel.choice.chosen():
            panel.demo_failed.emit("there is no trained model yet")
            return
        self._is_live, self._figures = True, {}
        panel.live.answered.connect(self._answered)
        if panel.live.latest is not None:
            self._answered(panel.live.latest)
        elif panel.pools.pool is None:
            panel.pools.load()

    def end(self) -> None:
        """The window goes, or it is over."""
        if self._is_live:
            self.panel.live.answered.disconnect(self._answered)
        self._is_live = self._is_matrix = False

    def fail(self, why: str) -> None:
        """Something it needs cannot be had."""
        if self._is_live or self._is_matrix:
            self.end()
            self.panel.demo_failed.emit(why)

    def _answered(self, snapshot: LiveSnapshot) -> None:
        if not self._is_live or not snapshot.done:
            return
        if snapshot.walk is None or snapshot.verdicts is None:
            self.fail(snapshot.notes[-1] if snapshot.notes else "the session gave no answer")
            return
        verdicts = snapshot.verdicts
        self.end()
        self._figures = {
            "recipe": snapshot.walk.title,
            "models": len(verdicts.models),
            "fooled_on_one_image": int(verdicts.fooled[:, -1].sum()),
            "milliseconds": round(snapshot.milliseconds, 1),
        }
        panel = self.panel
        panel.tabs.setCurrentIndex(1)
        stage = panel.stage(1)
        names = ",".join(panel.choice.names()[:MODELS])
        try:
            spec = panel.experiment().changed(
                sources=names, targets=names, recipes=RECIPES, images=IMAGES, gallery=16
            )  # fmt: skip
            handle = stage.begin(spec)
        except UserError as error:
            panel.demo_failed.emit(str(error))
            return
        self._is_matrix = True
        handle.ended.connect(self._ended, Qt.ConnectionType.QueuedConnection)

    def _ended(self, handle: Any) -> None:
        if not self._is_matrix:
            return
        if handle.state != "done":
            self.fail(f"the matrix ended as {handle.state}")
            return
        self._is_matrix = False
        result: MatrixResult = handle.result
        stage = self.panel.stage(1)
        stage.shown.setCurrentIndex(len(result.recipes) - 1)
        stage.shown.activated.emit(len(result.recipes) - 1)
        black = np.argwhere(~result.white_box)
        if len(black):
            stage.open_cell(int(black[0, 0]), int(black[0, 1]))
        white, other = result.mean(white=True), result.mean(white=False)
        self._figures |= {"images": result.count, "data": result.data, "pairs": int(result.white_box.size)}
        for r, recipe in enumerate(result.recipes):
            self._figures[f"white {recipe}"] = round(float(white[r]), 4)
            self._figures[f"black {recipe}"] = round(float(other[r]), 4)
        self.panel.demo_done.emit(self._figures)
