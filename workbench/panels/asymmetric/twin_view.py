"""Both models' ways from one image, beside each other: the image, its change, and a sentence, at the step shown."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from engines.asymmetric.snapshots import LiveMorph
from workbench.theme import GRID, Theme
from workbench.widgets.basics import label, number
from workbench.widgets.image_view import ImageView, link
from workbench.widgets.plots import Plot
from workbench.widgets.scrubber import Scrubber

WHO: Final = ("detectors", "twin")
NAMES: Final = ("Detectors", "Twin")


class TwinView(QWidget):
    """views, changes: the images and their perturbations, detectors' first. scrubber: the steps; `stepped` says that
    another is shown. trace: the target's logits over all steps, for whoever has room for it."""

    stepped = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: LiveMorph | None = None
        self._limit: float | None = None
        self._norm = "linf"
        self.at_end = True
        self.views = tuple(ImageView(theme, f"Image of the {who}") for who in WHO)
        self.changes = tuple(
            ImageView(theme, f"Perturbation of the {who}", empty="No perturbation yet") for who in WHO
        )  # fmt: skip
        self._said = tuple(label("", "small", wrap=True) for _ in range(2))
        self.scrubber = Scrubber(theme, "Steps of the attack", unit="frame", speed=8)
        self.trace = Plot(theme, title="Logit of the target", x="step", y="logit")
        self.trace.setMinimumHeight(130)
        link([*self.views, *self.changes])
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        for k, title in enumerate(("Detectors", "Twin: a classifier")):
            grid.addWidget(label(title, "strong"), 0, k)
            for row, view in ((1, self.views[k]), (2, self.changes[k])):
                view.setMinimumSize(110, 130)
                grid.addWidget(view, row, k)
                grid.setRowStretch(row, 1)
            grid.addWidget(self._said[k], 3, k)
            grid.setColumnStretch(k, 1)
        grid.addWidget(self.scrubber, 4, 0, 1, 2)
        self.scrubber.frame_changed.connect(self._stepped)

    def show_morph(self, morph: LiveMorph, norm: str, limit: float | None) -> None:
        """Draw a way as far as it is known. limit: of the colours of the changes, None takes the largest."""
        self.shown, self._norm, self._limit = morph, norm, limit
        count = min(len(morph.detectors.frames), len(morph.rival.frames))
        with QSignalBlocker(self.scrubber):
            self.scrubber.set_count(count, follow=self.at_end)
            if self.at_end:
                self.scrubber.set_frame(count - 1)
            self.scrubber.set_labels([f"step {s}" for s in morph.detectors.steps[:count]])
        for key, track, colour in ((WHO[0], morph.detectors, 0), (WHO[1], morph.rival, 1)):
            values = track.trace if len(track.trace) else track.logit
            self.trace.set_curve(key, np.arange(len(values)), values, name=key, colour=colour)
        self.trace.set_title(f"Logit of “{morph.classes[morph.target]}”")
        self._draw()

    def image(self) -> np.ndarray | None:
        """float32 [C, H, W] in [0, 1]: the detectors' image that is shown."""
        if self.shown is None:
            return None
        frames = self.shown.detectors.frames
        return np.clip(frames[min(self.scrubber.frame, len(frames) - 1)], 0, 1)

    def clear(self) -> None:
        """Another way begins; nothing is known of it."""
        self.shown = None
        for view in (*self.views, *self.changes):
            view.clear()
        self.views[0].set_frame("none")
        for k, key in enumerate(WHO):
            self.trace.set_curve(key, [], [], name=key, colour=k)

    def _stepped(self, _frame: int) -> None:
        self.at_end = self.shown is not None and self.scrubber.frame >= self.scrubber.count - 1
        self._draw()
        self.stepped.emit()

    def _draw(self) -> None:
        morph = self.shown
        if morph is None:
            return
        for k, track in enumerate((morph.detectors, morph.rival)):
            at = min(self.scrubber.frame, len(track.frames) - 1)
            self.views[k].set_picture(np.clip(track.frames[at], 0, 1), f"step {int(track.steps[at])}")
            delta = track.frames[at] - morph.image
            size = float(np.abs(delta).max()) if self._norm == "linf" else float(np.sqrt((delta**2).sum()))
            sign = "∞" if self._norm == "linf" else "₂"
            self.changes[k].set_difference(delta, f"change, |δ|{sign} {number(size, 2)}", limit=self._limit)
            self._said[k].setText(
                f"{NAMES[k]}: “{morph.classes[int(track.named[at])]}” leads, target "
                f"{number(float(track.logit[at]))}, best other {number(float(track.others[at]))}"
            )
        steps = morph.detectors.steps
        self.trace.set_mark("now", float(steps[min(self.scrubber.frame, len(steps) - 1)]))
