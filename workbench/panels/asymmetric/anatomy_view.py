"""Detector anatomy: one detector's logits on natural, other and attacked images, and its AUC under longer attacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QSpinBox, QSplitter, QVBoxLayout, QWidget

from engines.asymmetric.metrics import auc
from engines.asymmetric.snapshots import LiveAnatomy, LiveRequest
from workbench.panels.asymmetric.axis_range import AxisRange, over
from workbench.panels.asymmetric.radius import RadiusSlider
from workbench.panels.base import Export
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.exports import save_csv, save_tables
from workbench.widgets.plots import Plot

if TYPE_CHECKING:
    from engines.vision.nets.models import ModelInfo
    from workbench.panels.asymmetric.panel import DetectionPanel

BINS: Final = 40
GROUPS: Final = (("natural", "its own class", 0), ("others", "other classes", 2), ("attacked", "others, attacked", 1))


class AnatomyView(QWidget):
    """Needs no Run: another class, radius or budget is answered at once, and fills as it is measured."""

    run_text = "Run bench"

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__()
        self.panel = panel
        self.settings: QWidget | None = None
        theme = panel.services.theme
        self.shown: LiveAnatomy | None = None
        self._classes: tuple[str, ...] = ()
        self.detector = QComboBox()
        self.ball = RadiusSlider("How far attacked images may move, in pixels of [0, 1]")
        self.steps, self.count = QSpinBox(), QSpinBox()
        self.status = ElidedLabel("Choose a detector.")
        self.histogram = Plot(theme, title="Logits of the detector", x="logit z", y="images")
        self.curve = Plot(theme, title="AUC against steps of the attack", x="steps", y="AUC", legend=False)
        self.axis = AxisRange(self.curve, "AUC")
        self._build()
        panel.form.add_note(
            "Detector anatomy", "Each step is 2.5 ε / steps long. Images are test images of the source below."
        )

    # -- what it is given -------------------------------------------------------------------------------------

    def set_bank(self, bank: ModelInfo | None) -> None:
        """Other detectors."""
        if bank is None:
            return
        self.ball.set_bank(bank)
        if bank.classes != self._classes:
            self._classes = bank.classes
            with QSignalBlocker(self.detector):
                self.detector.clear()
                self.detector.addItems([f"“{name}”" for name in bank.classes])

    def ask(self) -> None:
        """Measure the chosen detector anew."""
        if self.panel.form.bank is None or not self.panel.shows(self):
            return
        self.status.setText("Measuring…")
        self.panel.live.ask(
            LiveRequest(
                "anatomy", 0, target=max(self.detector.currentIndex(), 0), eps=self.ball.radius, norm=self.ball.norm,
                steps=self.steps.value(), step_size=0.0, count=self.count.value(), data=self.panel.live_data(),
                **self.panel.form.names(),
            )
        )  # fmt: skip

    # -- answers ----------------------------------------------------------------------------------------------

    def show_anatomy(self, anatomy: LiveAnatomy) -> None:
        """Draw what is known so far."""
        self.shown = anatomy
        groups = {key: getattr(anatomy, key) for key, _, _ in GROUPS}
        every = np.concatenate([v[np.isfinite(v)] for v in groups.values()])
        if not len(every):
            return
        low, high = float(every.min()), float(every.max())
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        middle = (edges[1:] + edges[:-1]) / 2
        for key, title, colour in GROUPS:
            known = groups[key][np.isfinite(groups[key])]
            self.histogram.set_curve(key, middle, np.histogram(known, edges)[0], name=title, colour=colour,
                                     style="steps")  # fmt: skip
        self.histogram.set_title(f"Logits of detector “{anatomy.classes[anatomy.target]}”")
        seen = np.isfinite(anatomy.auc)
        self.curve.set_curve("auc", anatomy.steps[seen], anatomy.auc[seen], colour=1, style="line and points")
        if seen.any():
            self.axis.show_lowest(float(anatomy.auc[seen].min()))
        attacked = anatomy.attacked[np.isfinite(anatomy.attacked)]
        said = [f"AUC of natural against clean others {auc(anatomy.natural, anatomy.others):.4f}"]
        if len(attacked) == len(anatomy.attacked):
            said.append(f"against attacked others {auc(anatomy.natural, attacked):.4f}")
        if seen.any():
            worst = int(np.nanargmin(anatomy.auc))
            said.append(f"lowest {anatomy.auc[worst]:.4f} at {int(anatomy.steps[worst])} steps")
        said.append(f"{len(anatomy.natural)} images of the class, {len(anatomy.others)} of others")
        if not anatomy.final:
            said.append("measuring…")
        self.status.setText("  ·  ".join(said))

    def show_note(self, text: str) -> None:
        self.status.setText(text)

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.shown is not None else "Choose a detector first."

        return [
            Export("anatomy-csv", "Logits and AUC curve as CSV", ".csv", self._write_csv, none),
            Export("auc-csv", "AUC curve as CSV", ".csv", self._write_auc, none),
            Export("histogram-png", "Histogram as PNG", ".png", self.histogram.save, none),
        ]

    def _write_csv(self, path: Path) -> str:
        assert self.shown is not None
        tables = {key: {"z": getattr(self.shown, key)} for key, _, _ in GROUPS}
        written = save_tables({**tables, "auc": {"steps": self.shown.steps, "auc": self.shown.auc}}, path)
        return f"Saved {len(written)} tables beside {path.name}"

    def _write_auc(self, path: Path) -> None:
        assert self.shown is not None
        save_csv({"steps": self.shown.steps, "auc": self.shown.auc}, path)

    def save_state(self) -> dict[str, Any]:
        return {"detector": self.detector.currentIndex(), "eps": self.ball.radius, "steps": self.steps.value(),
                "count": self.count.value()}  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        with QSignalBlocker(self.detector), QSignalBlocker(self.steps):
            at = state.get("detector")
            if isinstance(at, int) and 0 <= at < self.detector.count():
                self.detector.setCurrentIndex(at)
            for box, key in ((self.steps, "steps"), (self.count, "count")):
                value = state.get(key)
                if isinstance(value, int) and not isinstance(value, bool):
                    box.setValue(value)
        self.ball.restore(state.get("eps"))

    def close_stage(self) -> None:
        """Nothing of its own runs."""

    def _build(self) -> None:
        for widget, name, tip in (
            (self.detector, "Detector", "Whose logits are shown"),
            (self.steps, "Steps", "Steps of the attack whose logits the histogram shows"),
            (self.count, "Images", "Images of the class, and of others"),
        ):
            widget.setAccessibleName(name)
            widget.setToolTip(tip)
        self.steps.setRange(1, 500)
        self.steps.setValue(40)
        self.steps.setSuffix(" steps")
        self.count.setRange(5, 2000)
        self.count.setValue(60)
        self.count.setSuffix(" images")
        bar = QGridLayout()
        bar.setSpacing(GRID // 2)
        shown = (label("Detector", "small", muted=True), self.detector, self.ball, self.steps, self.count)
        for column, item in enumerate(shown):
            bar.addWidget(item, 0, column)
        bar.setColumnStretch(2, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        for plot in (self.histogram, self.curve):
            plot.setMinimumHeight(140)
        split.addWidget(self.histogram)
        split.addWidget(over(self.curve, self.axis))
        split.setSizes([340, 240])
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        rows.setSpacing(GRID // 2)
        rows.addLayout(bar)
        rows.addWidget(self.status)
        rows.addWidget(split, 1)
        self.detector.activated.connect(lambda _: self.ask())
        self.ball.moved.connect(self.ask)
        self.steps.editingFinished.connect(self.ask)
        self.count.editingFinished.connect(self.ask)
