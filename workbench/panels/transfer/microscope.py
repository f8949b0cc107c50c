"""The look-ahead microscope and the scale curve: why NI and SIM should help, seen on the image that is attacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QCheckBox, QFrame, QHBoxLayout, QScrollArea, QSpinBox, QVBoxLayout, QWidget

from engines.transfer.snapshots import LiveSnapshot, PlaneView, ScaleCurve
from workbench.panels.base import Export
from workbench.panels.vision.models import short_title
from workbench.theme import GRID
from workbench.widgets.basics import label, number
from workbench.widgets.field_view import FieldView
from workbench.widgets.image_view import ImageView
from workbench.widgets.plots import Plot

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel

SIDE_BY_SIDE: Final = 680
PLANE: Final = 41
"""Points a side of the loss slice at the end."""


class MicroscopeView(QScrollArea):
    """The fourth tab: no Run needed; the panel asks the session for what this shows."""

    run_text = "Run matrix"

    def __init__(self, panel: TransferPanel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.shown: PlaneView | None = None
        self.curve: ScaleCurve | None = None
        self._factor = 0.5
        self.field = FieldView(theme, "Loss slice", x="along the final perturbation", y="along the gradient’s sign",
                               x_unit="ε·√D", y_unit="ε·√D")  # fmt: skip
        self.literal = QCheckBox("Literal l1, as printed")
        self.literal.setToolTip(
            "Divide gradients by their l1 norm instead of their mean size: with D pixels the look-ahead is D times "
            "shorter, the arrows vanish, and NI becomes MI. It is the recipe’s normaliser everywhere in this panel"
        )
        self.step = QSpinBox()
        self.step.setRange(0, 10)
        self.step.setSpecialValueText("last")
        self.step.setAccessibleName("Iteration whose gradient spans the slice")
        self.step.setToolTip("Iteration whose gradient gives the second axis of the slice")
        self.told = label("", "small", muted=True, wrap=True)
        self.scales = Plot(theme, title="Loss against a global scale s", x="scale s", y="cross entropy", y_unit="nats")
        self.sample = QCheckBox("Mean over a sample")
        self.sample.setChecked(True)
        self.sample.setToolTip(
            "The mean over a few images of the data, as figure 1 of the paper; off: this image alone"
        )
        self.scaled = ImageView(theme, "Image at scale s")
        self.losses = label("", "small", wrap=True)
        self._build()
        self.sample.toggled.connect(lambda _: self._draw_curve())

    # -- answers ----------------------------------------------------------------------------------------------

    def show_answer(self, snapshot: LiveSnapshot) -> None:
        """Draw what the session knows so far."""
        if snapshot.plane is not None and snapshot.plane is not self.shown:
            self.shown = snapshot.plane
            self._draw_plane(snapshot.plane)
        if snapshot.scales is not None and snapshot.scales is not self.curve:
            self.curve = snapshot.scales
            self._draw_curve()
        if snapshot.done and snapshot.notes and self.shown is None:
            self.told.setText(snapshot.notes[-1])

    def show_recipe(self, steps: int, literal: bool) -> None:
        """Follow the recipe."""
        with QSignalBlocker(self.literal), QSignalBlocker(self.step):
            self.literal.setChecked(literal)
            self.step.setMaximum(steps)

    def forget(self) -> None:
        """Another image: what is drawn is of the one before."""
        self.shown = self.curve = None
        self.field.clear_field()
        self.field.clear_marks()
        self.scales.clear()
        self.losses.setText("")

    # -- drawing ----------------------------------------------------------------------------------------------

    def _draw_plane(self, plane: PlaneView) -> None:
        step_a, step_b = (float(axis[1] - axis[0]) for axis in (plane.a, plane.b))
        self.field.set_extent(float(plane.a[0]) - step_a / 2, float(plane.a[-1]) + step_a / 2,
                              float(plane.b[0]) - step_b / 2, float(plane.b[-1]) + step_b / 2)  # fmt: skip
        self.field.set_scalar(plane.loss, unit="nats")
        self.field.clear_marks()
        paths: tuple[tuple[np.ndarray, np.ndarray, str, int | str], ...] = (
            (plane.path, plane.ahead, plane.titles[0], "accent"),
            (plane.rival_path, plane.rival_ahead, plane.titles[1], 1),
        )
        for which, (path, ahead, title, colour) in enumerate(paths):
            if not len(path):
                continue
            self.field.set_path(f"path{which}", path, name=title, colour=colour, width=2.0, dots=True,
                                dashed=which == 1)  # fmt: skip
            first = True
            for t, (start, end) in enumerate(zip(path[:-1], ahead, strict=False)):
                if np.hypot(*(end - start)) < 1e-3:
                    continue
                self.field.set_arrow(f"ahead{which}.{t}", (float(start[0]), float(start[1])),
                                     (float(end[0]), float(end[1])), colour="text", width=1.0,
                                     name="x → look-ahead" if first and which == 0 else "")  # fmt: skip
                first = False
        self.field.set_handle("clean", 0.0, 0.0, text="clean", colour="text", movable=False)
        off = float(max(plane.off.max(initial=0.0), plane.rival_off.max(initial=0.0)))
        reach = np.hypot(*(plane.ahead - plane.path[:-1]).T)
        self.told.setText(
            f"Slice through iteration {plane.step}; longest arrow {number(float(reach.max(initial=0.0)), 2)}, paths "
            f"lie up to {number(off, 2)} off the slice. Unit: every pixel moved by ε."
        )

    def _draw_curve(self) -> None:
        curve = self.curve
        self.scales.clear()
        if curve is None:
            return
        rows = curve.sample if self.sample.isChecked() and np.isfinite(curve.sample).any() else curve.image
        mean = rows is curve.sample
        self.scales.set_labels(y=f"loss, {f'{curve.count} images' if mean else 'this image'}",
                               y_unit="nats")  # fmt: skip
        for i, title in enumerate(curve.titles):
            if np.isfinite(rows[i]).any():
                self.scales.set_curve(curve.models[i], curve.factors, rows[i], name=short_title(title), colour=i)
        marks = [m for m in curve.marks if curve.factors[0] <= m <= curve.factors[-1]]
        shown = [i for i in range(len(rows)) if np.isfinite(rows[i]).all()]
        if shown and len(curve.marks) > 1:
            at = np.array([np.interp(m, curve.factors, rows[shown[0]]) for m in marks])
            self.scales.set_curve("copies", np.array(marks), at, name="copies", colour="text", style="points")
        self.scales.set_range(x=(0, 2))
        self.scales.set_mark("s", self._factor, text="s", movable=True, moved=self.set_factor)
        self._tell_factor()

    def set_factor(self, factor: float) -> None:
        """Look at the image and the losses at this scale."""
        self._factor = float(min(max(factor, 0.1), 2.0))
        self._tell_factor()

    def _tell_factor(self) -> None:
        image, pivot = self.panel.live.image, self.panel.recipe.spec.pivot
        if image is not None:
            view = np.clip(pivot + self._factor * (image - pivot), 0, 1)
            self.scaled.set_picture(view, f"s = {self._factor:.2f} about {pivot:g}")
        curve = self.curve
        if curve is None:
            return
        rows = curve.sample if self.sample.isChecked() and np.isfinite(curve.sample).any() else curve.image
        said = [
            f"{short_title(title)} {number(float(np.interp(self._factor, curve.factors, rows[i])), 3)}"
            for i, title in enumerate(curve.titles) if np.isfinite(rows[i]).all()
        ]  # fmt: skip
        self.losses.setText(f"Loss at s = {self._factor:.2f}: " + ", ".join(said) if said else "")

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def no_plane() -> str:
            return "" if self.shown is not None else "There is no slice yet."

        def no_curve() -> str:
            return "" if self.curve is not None else "There is no scale curve yet."

        return [
            Export("slice-png", "Loss slice as PNG", ".png", self.field.save, no_plane),
            Export("slice-csv", "Loss slice as CSV", ".csv", self.field.save, no_plane),
            Export("scales-png", "Scale curve as PNG", ".png", self.scales.save, no_curve),
            Export("scales-csv", "Scale curve as CSV", ".csv", self.scales.save, no_curve),
            Export("recipe-json", "Recipe as JSON", ".json", self.panel.crafting.write_recipe),
        ]

    def save_state(self) -> dict[str, Any]:
        return {"factor": self._factor, "sample": self.sample.isChecked()}

    def restore_state(self, state: dict[str, Any]) -> None:
        value = state.get("factor")
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0.1 <= value <= 2:
            self._factor = float(value)
        if isinstance(state.get("sample"), bool):
            self.sample.setChecked(state["sample"])

    def close_stage(self) -> None:
        """The window goes."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.viewport().width() >= SIDE_BY_SIDE
        self._both.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def _build(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left, right = QWidget(), QWidget()
        column = QVBoxLayout(left)
        head = QHBoxLayout()
        head.addWidget(label("Look-ahead", "strong"))
        head.addStretch(1)
        head.addWidget(self.literal)
        head.addWidget(label("gradient of t =", "small", muted=True))
        head.addWidget(self.step)
        column.addLayout(head)
        column.addWidget(self.field, 1)
        column.addWidget(self.told)
        self.field.setMinimumHeight(300)
        other = QVBoxLayout(right)
        top = QHBoxLayout()
        top.addStretch(1)
        top.addWidget(self.sample)
        other.addLayout(top)
        other.addWidget(self.scales, 3)
        other.addWidget(self.losses)
        other.addWidget(self.scaled, 2)
        self.scales.setMinimumHeight(200)
        self.scaled.setMinimumHeight(140)
        for rows in (column, other):
            rows.setContentsMargins(0, 0, 0, 0)
            rows.setSpacing(GRID // 2)
        content = QWidget()
        self._both = QBoxLayout(QBoxLayout.Direction.LeftToRight, content)
        self._both.setContentsMargins(GRID, GRID // 2, GRID, GRID)
        self._both.setSpacing(2 * GRID)
        self._both.addWidget(left, 1)
        self._both.addWidget(right, 1)
        self.setWidget(content)
