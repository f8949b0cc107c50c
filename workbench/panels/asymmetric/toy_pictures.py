"""What the toy theatre draws: the plane or the line, swimming negatives, ascended points, and two curves."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from engines.asymmetric.snapshots import ToySnapshot
from engines.asymmetric.toy_sets import true_density
from workbench.theme import Theme
from workbench.widgets.field_view import FieldView
from workbench.widgets.plots import Plot
from workbench.widgets.scrubber import Scrubber

LN2: Final = float(np.log(2))
SWIM_MS: Final = 90
REST: Final = 6
"""Ticks that the negatives rest at the end of their way."""
PLANE, LINE = 0, 1
LINE_POINTS: Final = 500


class ToyPictures(QSplitter):
    """field: the plane; density: the line; stack: the one that is shown. losses, shares: curves over the updates.

    ascent: float32 [F, A, D], frames of the last ascent, None where there is none; share: of its points that landed.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.shown: ToySnapshot | None = None
        self.ascent: np.ndarray | None = None
        self.share = float("nan")
        self.field = FieldView(theme, "Detector's logit z on the plane", x="x", y="y", extent=(0.0, 1.0, 0.0, 1.0))
        self.density = Plot(theme, title="exp z, normalised, against the density", x="x", y="density")
        self.scrubber = Scrubber(theme, "Frames of the ascent", unit="frame", speed=15)
        self.losses = Plot(theme, title="Loss against ln 2", x="update", y="cross entropy")
        self.shares = Plot(theme, title="Ascended points that land", x="update", y="share", y_unit="%", legend=False)
        self._step = 0
        self._swim = QTimer(self)
        self._swim.setInterval(SWIM_MS)
        self._swim.timeout.connect(self._swum)
        self.scrubber.frame_changed.connect(self._draw_ascent)
        self._build()

    # -- what it shows ----------------------------------------------------------------------------------------

    def show_toy(self, toy: ToySnapshot) -> None:
        """Draw a snapshot as it stands."""
        self.shown = toy
        if not toy.update and not len(toy.points):
            return
        self.stack.setCurrentIndex(PLANE if toy.density is None else LINE)
        if toy.density is None:
            self._draw_plane(toy)
        else:
            self._draw_density(toy)
        self._draw_curves(toy)

    def show_ascent(self, toy: ToySnapshot, *, play: bool) -> None:
        """Take up the points that were carried uphill."""
        assert toy.ascent is not None
        self.shown = toy
        self.ascent, self.share = toy.ascent, toy.share
        self.field.remove("negatives")
        self.scrubber.setVisible(True)
        with QSignalBlocker(self.scrubber):
            self.scrubber.set_count(len(self.ascent), follow=False)
            self.scrubber.set_frame(0)
        self._draw_ascent(0)
        if play:
            self.scrubber.play()

    def drop_ascent(self) -> None:
        """The detector is another one now."""
        self.ascent, self.share = None, float("nan")
        self.scrubber.pause()
        self.scrubber.setVisible(False)
        self.field.remove("ascended")
        if self.shown is not None and self.shown.density is not None:
            self.density.set_curve("ascended", [0.005], [0.0], name="ascended noise", colour=3, style="steps")

    def begin(self) -> None:
        """A training begins anew: its curves are empty."""
        self.drop_ascent()
        if self.shown is not None:
            self.losses.set_curve("loss", [], [])
            self.shares.set_curve("share", [], [])

    def clear_plane(self) -> None:
        """An empty plane, to draw on."""
        self.drop_ascent()
        self.stack.setCurrentIndex(PLANE)
        self.shown = None
        for key in ("negatives", "target"):
            self.field.remove(key)
        self.field.clear_field()

    def show_strokes(self, lines: tuple[np.ndarray, ...], before: int) -> None:
        """Lines float [N, 2] drawn by hand, instead of the `before` ones."""
        for k in range(before):
            self.field.remove(f"stroke{k}")
        for k, line in enumerate(lines):
            self.field.set_path(f"stroke{k}", line, colour=0, width=3.0)

    def rest(self) -> None:
        """The window goes."""
        self._swim.stop()
        self.scrubber.pause()

    def show_target(self, points: np.ndarray) -> None:
        """Before anything is trained: the points, float32 [N, 2], that Run will learn, or the density of the line's
        [N, 1]."""
        is_plane = points.shape[1] == 2
        self.stack.setCurrentIndex(PLANE if is_plane else LINE)
        if is_plane:
            self.field.set_points("target", points, name="target", colour="text", size=2.0)
        else:
            x = (np.arange(LINE_POINTS) + 0.5) / LINE_POINTS
            self.density.set_curve("truth", x, true_density(x), name="true density", colour="text", style="dashed")

    # -- drawing ----------------------------------------------------------------------------------------------

    def _draw_plane(self, toy: ToySnapshot) -> None:
        known = toy.heat[np.isfinite(toy.heat)]
        reach = max(float(np.quantile(np.abs(known), 0.98)), 0.1) if known.size else 1.0
        self.field.set_scalar(toy.heat, low=-reach, high=reach, diverging=True, unit="logit")
        self.field.set_points("target", toy.points, name="target", colour="text", size=2.0)
        if self.ascent is None:
            self.field.remove("ascended")
            self._draw_negatives()

    def _draw_negatives(self) -> None:
        toy = self.shown
        if toy is None or toy.density is not None or self.ascent is not None or not toy.negatives.size:
            return
        at = min(self._step, len(toy.negatives) - 1)
        self.field.set_points("negatives", toy.negatives[at], name=f"negatives, step {at}", colour="error", size=2.5)

    def _swum(self) -> None:
        """The next step of the inner ascent; it rests for a while at the end."""
        if self.shown is None:
            return
        steps = max(len(self.shown.negatives), 1)
        self._step = (self._step + 1) % (steps + REST)
        self._draw_negatives()

    def _draw_density(self, toy: ToySnapshot) -> None:
        assert toy.density is not None
        count = toy.density.shape[1]
        x = (np.arange(count) + 0.5) / count
        self.density.set_curve("model", x, toy.density[0], name="exp z / integral", colour=0)
        self.density.set_curve("truth", x, toy.density[1], name="true density", colour="text", style="dashed")

    def _draw_curves(self, toy: ToySnapshot) -> None:
        losses = toy.losses
        if len(losses):
            width = max(1, len(losses) // 200)
            whole = losses[: len(losses) // width * width].reshape(-1, width).mean(1)
            self.losses.set_curve("loss", (np.arange(len(whole)) + 0.5) * width, whole, name="loss", colour=0)
            # The moment negatives begin to move is a peak that would squeeze what comes after it.
            self.losses.set_range(y=(0.0, min(max(1.0, float(whole.max())), 1.5)))
            self.losses.set_curve("ln2", [0, max(toy.updates, 1)], [LN2, LN2], name="ln 2", colour="muted",
                                  style="dashed")  # fmt: skip
        if len(toy.shares):
            self.shares.set_curve("share", toy.shares[:, 0], 100 * toy.shares[:, 1], style="line and points", colour=2)
            self.shares.set_range(x=(0, max(toy.updates, 1)), y=(0, 100))

    def _draw_ascent(self, frame: int) -> None:
        if self.ascent is None:
            return
        points = self.ascent[min(frame, len(self.ascent) - 1)]
        if points.shape[1] == 2:
            self.field.set_points("ascended", points, name=f"{len(points):,} noise points", colour=3, size=1.6)
        else:
            height, edges = np.histogram(points[:, 0], bins=100, range=(0, 1), density=True)
            self.density.set_curve("ascended", (edges[1:] + edges[:-1]) / 2, height, name="ascended noise", colour=3,
                                   style="steps")  # fmt: skip

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._swim.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._swim.stop()

    def _build(self) -> None:
        self.setChildrenCollapsible(False)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.field)
        self.stack.addWidget(self.density)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack, 1)
        column.addWidget(self.scrubber)
        self.scrubber.setVisible(False)
        curves = QSplitter(Qt.Orientation.Vertical)
        curves.setChildrenCollapsible(False)
        for plot in (self.losses, self.shares):
            plot.setMinimumHeight(110)
            curves.addWidget(plot)
        self.addWidget(left)
        self.addWidget(curves)
        self.setSizes([520, 320])
        self.setStretchFactor(0, 3)
        self.setStretchFactor(1, 2)
