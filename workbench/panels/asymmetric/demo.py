"""The panel's demonstration: one image pushed towards a class and judged, then a small system bench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QObject, Qt

from engines.asymmetric.results import RULES, BenchResult
from engines.asymmetric.snapshots import LiveVerdict
from engines.core.errors import UserError

if TYPE_CHECKING:
    from workbench.panels.asymmetric.panel import DetectionPanel

SMALL: Final = {"images": 40, "steps": 40}
LARGE: Final = {"images": 12, "steps": 12}
"""For detectors with convolutions: ten targets against ten detectors are dear."""
LARGE_FROM: Final = 20
"""Pixels a side from which detectors are large."""


class Demonstration(QObject):
    """Ends with the panel's `demo_done` or `demo_failed`."""

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__(panel)
        self.panel = panel
        self._phase = ""
        self._figures: dict[str, Any] = {}

    def start(self) -> None:
        """Begin with the picture that is shown."""
        panel = self.panel
        if panel.form.bank is None:
            panel.demo_failed.emit("there are no trained detectors yet")
            return
        self._phase, self._figures = "morph", {}
        panel.tabs.setCurrentIndex(0)
        verdict = panel.morph.verdict.verdict
        if verdict is not None:
            self.judged(verdict)
        elif panel.pools.pool is None:
            panel.pools.load()
        else:
            panel.morph.ask()

    def end(self) -> None:
        """The window goes, or it is over."""
        self._phase = ""

    def fail(self, why: str) -> None:
        """Something it needs cannot be had."""
        if self._phase:
            self.end()
            self.panel.demo_failed.emit(why)

    def noted(self, text: str) -> None:
        """The session says why there is no answer; that a classifier is being trained first is no failure."""
        if self._phase == "morph" and "training one first" not in text:
            self.fail(text)

    def judged(self, verdict: LiveVerdict) -> None:
        """The morph has ended and its last image is judged, thresholds and all."""
        if self._phase != "morph" or not np.isfinite(verdict.threshold).all():
            return
        panel = self.panel
        morph, decisions = panel.morph.shown, panel.morph.verdict.decisions
        if morph is None or decisions is None:
            return
        self._figures = {
            "detectors": verdict.titles[0],
            "target": morph.classes[morph.target],
            "logit_before": round(float(morph.detectors.logit[0]), 2),
            "logit_after": round(float(morph.detectors.logit[-1]), 2),
            "integrated": decisions[0].outcome,
            "generative": decisions[1].outcome,
            "milliseconds": round(morph.milliseconds, 1),
        }
        panel.tabs.setCurrentIndex(1)
        stage = panel.stage(1)
        try:
            is_large = panel.form.bank is not None and panel.form.bank.input_shape[1] >= LARGE_FROM
            size = LARGE if is_large else SMALL
            spec = stage.wanted().changed(**size, step_size=0.0, auc_images=20, auc_steps=(10, size["steps"]))
            handle = stage.begin(spec)
        except UserError as error:
            self.fail(str(error))
            return
        self._phase = "bench"
        handle.ended.connect(self._ended, Qt.ConnectionType.QueuedConnection)

    def _ended(self, handle: Any) -> None:
        if self._phase != "bench":
            return
        if handle.state != "done":
            self.fail(f"the bench ended as {handle.state}")
            return
        self.end()
        result: BenchResult = handle.result
        self._figures |= {"images": len(result.labels), "eps": result.eps}
        for a, attack in enumerate(result.attacks):
            for r, rule in enumerate(RULES):
                self._figures[f"error {attack} {rule}"] = round(float(result.error[a, r]), 4)
        self.panel.demo_done.emit(self._figures)
