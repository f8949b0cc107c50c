"""The trade-off plane: rate of invariance against robustness, a dot a model."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor

from engines.core.intervals import wilson
from engines.invariance.results import ProfileResult
from workbench.panels.invariance.trails import colours_of, families, pareto, staircase, trails, trained_text
from workbench.theme import Theme
from workbench.widgets.basics import percent
from workbench.widgets.field_view import FieldView

LEAST_SPAN: Final = 0.2


class TradeOffPlane(FieldView):
    """Dots at (inv(θ*), 1 − fool(ε*)) in percent; trails join models that were trained for more and more of one thing.

    `model_chosen(index)`: a dot was clicked, -1 beside them all. The chosen one carries its 95 % intervals.
    """

    model_chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            theme, "Trade-off plane", x="rate of invariance", y="1 − fooling rate", x_unit="%", y_unit="%",
            extent=(0.0, 100.0, 0.0, 100.0), equal=False,
        )  # fmt: skip
        self._result: ProfileResult | None = None
        self._at = (0.0, 0.0)
        self._chosen = -1
        self._x, self._y = np.zeros(0), np.zeros(0)
        self.clicked.connect(self._clicked)
        theme.changed.connect(lambda _: self._draw_plane())

    @property
    def points(self) -> np.ndarray:
        """float64 [M, 2] in percent, NaN where not measured."""
        return np.stack([100 * self._x, 100 * self._y], axis=1) if len(self._x) else np.zeros((0, 2))

    def show_result(self, result: ProfileResult | None, theta: float, eps: float, chosen: int = -1) -> None:
        """Read the curves at θ* and ε*; the note of `set_note` stays where no model is measured yet."""
        self._result, self._at, self._chosen = result, (theta, eps), chosen
        self._draw_plane()

    def columns(self) -> dict[str, np.ndarray]:
        if self._result is None:
            return {}
        theta, eps = self._at
        return {
            "model": np.array([m.name for m in self._result.models]),
            f"invariance at {theta:g} degrees": self._x,
            f"1 - fooling rate at eps {eps:.4g}": self._y,
        }

    def tip_at(self, at: QPointF) -> str:
        index = self._nearest(*self.point_at(at))
        return self._text(index) if index >= 0 else super().tip_at(at)

    def _text(self, index: int) -> str:
        assert self._result is not None
        model, (theta, eps) = self._result.models[index], self._at
        return (
            f"{model.title} ({trained_text(model)})\n"
            f"inv({theta:g}°) = {percent(self._x[index])} of {self._result.images} images\n"
            f"1 − fool({eps:.3g}) = {percent(self._y[index])} of {self._result.attacked} images"
        )

    def _draw_plane(self) -> None:
        self.clear_marks()
        result = self._result
        if result is None or not len(result.models):
            self._x, self._y = np.zeros(0), np.zeros(0)
            self.clear_field()
            return
        self._x, self._y = result.at(*self._at)
        if not (np.isfinite(self._x) & np.isfinite(self._y)).any():
            self.set_extent(0.0, 100.0, 0.0, 100.0)
            self.clear_field()
            return
        x, y = 100 * self._x, 100 * self._y
        self._fit(x, y)
        colours = colours_of(result.models, self.colours.series, self.colours.surface)
        numbers, names = families(result.models)
        left, _, bottom, _ = self.extent
        front = pareto(x, y)
        self._shade(x, y, front)
        steps = staircase(x, y, front, left, bottom)
        if len(steps):
            self.set_path("front", steps, name="Pareto front", colour="muted", width=1.0, dashed=True)
        told: set[int] = set()
        for number, trail in enumerate(trails(result.models)):
            points = np.array([(x[i], y[i]) for i in trail.members if np.isfinite(x[i]) and np.isfinite(y[i])])
            if len(points) > 1:
                name = "" if trail.family in told else names[trail.family]
                told.add(trail.family)
                for step, (start, end) in enumerate(pairwise(points)):
                    self.set_arrow(
                        f"trail{number}.{step}", tuple(start), tuple(end), name=name if not step else "",
                        colour=self._series(trail.family), width=1.5,
                    )  # fmt: skip
        for i, model in enumerate(result.models):
            if not (np.isfinite(x[i]) and np.isfinite(y[i])):
                continue
            family = numbers[i]
            text = trained_text(model)
            if (numbers.count(family) == 1 and not model.is_by_curriculum) or (family not in told and text == "plain"):
                text = names[family] if text == "plain" else f"{names[family]}, {text}"
            size = 7.0 if i == self._chosen else 4.5
            self.set_handle(f"model{i}", x[i], y[i], text=text, colour=colours[i], movable=False, size=size)
        self._draw_interval(x, y)

    def _series(self, family: int) -> str:
        return self.colours.series[family % len(self.colours.series)]

    def _fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """Show the dots with some air; at least a fifth of the whole, so that noise does not look like distance."""
        ends = []
        for values in (x, y):
            known = values[np.isfinite(values)]
            low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 100.0)
            span = max(high - low, 100 * LEAST_SPAN)
            middle = (low + high) / 2
            ends += [max(middle - 0.62 * span, -4.0), min(middle + 0.66 * span, 104.0)]
        self.set_extent(ends[0], ends[1], ends[2], ends[3])

    def _shade(self, x: np.ndarray, y: np.ndarray, front: list[int]) -> None:
        """Tint what the front dominates."""
        left, right, bottom, top = self.extent
        side = 160
        gx = left + (np.arange(side) + 0.5) * (right - left) / side
        gy = bottom + (np.arange(side) + 0.5) * (top - bottom) / side
        inside = np.zeros((side, side), bool)
        for i in front:
            inside |= (gx[None, :] <= x[i]) & (gy[:, None] <= y[i])
        tint = QColor(self.colours.accent)
        rgba = np.zeros((side, side, 4), np.uint8)
        rgba[inside] = (tint.red(), tint.green(), tint.blue(), 26)
        self.set_rgba(rgba)

    def _draw_interval(self, x: np.ndarray, y: np.ndarray) -> None:
        i, result = self._chosen, self._result
        if result is None or not (0 <= i < len(x) and np.isfinite(x[i]) and np.isfinite(y[i])):
            return
        low, high = wilson(x[i] / 100 * result.images, result.images)
        self.set_path("interval x", np.array([(100 * low, y[i]), (100 * high, y[i])]), colour="text", width=1.0)
        low, high = wilson(y[i] / 100 * result.attacked, result.attacked)
        self.set_path("interval y", np.array([(x[i], 100 * low), (x[i], 100 * high)]), colour="text", width=1.0)

    def _nearest(self, x: float, y: float) -> int:
        """The dot within a few pixels, -1 for none."""
        if not len(self._x):
            return -1
        here = self.place_of(x, y)
        best, found = 14.0, -1
        for i, (px, py) in enumerate(self.points):
            if np.isfinite(px) and np.isfinite(py):
                there = self.place_of(px, py)
                gap = float(np.hypot(there.x() - here.x(), there.y() - here.y()))
                if gap < best:
                    best, found = gap, i
        return found

    def _clicked(self, x: float, y: float) -> None:
        self.model_chosen.emit(self._nearest(x, y))
