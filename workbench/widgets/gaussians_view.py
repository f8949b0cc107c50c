"""Normal curves of several pieces' features, small and side by side, with the part that two share, over histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.axes import tick_text, ticks
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas

POINTS: Final = 97
WIDE: Final = 3.2  # standard deviations that are drawn on both sides
LEAST_CELL: Final = (132.0, 92.0)  # pixels below which a plot says nothing
BINS: Final = 24  # of a histogram, from one end of the axis to the other


@dataclass(frozen=True)
class Feature:
    """One feature of several pieces.

    mean, std: float [C], of each curve, in `unit`; NaN where a piece has none, std 0 where all values are one.
    overlap: float [C], of each curve with the first, in [0, 1]; NaN for the first itself and where unknown.
    help: a sentence for the tooltip. values: C times float [N_c], what each curve was fitted to, NaN left out; empty
    where there are none to show.
    """

    name: str
    unit: str
    mean: np.ndarray
    std: np.ndarray
    overlap: np.ndarray
    help: str = ""
    values: tuple[np.ndarray, ...] = ()


class GaussiansView(Canvas):
    """A grid of plots that takes as many columns as fit. The first curve is the one that others are held against:
    what the second shares with it is shaded and its overlap printed. Histograms of the first two stand behind."""

    def __init__(self, theme: Theme, name: str = "Features", parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._features: tuple[Feature, ...] = ()
        self._curves: tuple[str, ...] = ()
        self._histograms = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(280, 200)
        self.setAccessibleDescription("No features yet")

    def sizeHint(self) -> QSize:
        return QSize(760, 320)

    # -- what it shows ----------------------------------------------------------------------------------------

    def set_features(self, features: Sequence[Feature], curves: Sequence[str]) -> None:
        """Show features of the named curves. Raises ValueError where numbers and curves differ in count."""
        for feature in features:
            shapes = {np.shape(feature.mean), np.shape(feature.std), np.shape(feature.overlap)}
            if shapes != {(len(curves),)}:
                raise ValueError(f"{feature.name}: expected {len(curves)} numbers each, got {sorted(shapes)}")
        self._features, self._curves = tuple(features), tuple(curves)
        self.setAccessibleDescription(". ".join(self.describe(f) for f in features) or "No features yet")
        self.refresh()

    @property
    def histograms(self) -> bool:
        """Whether the values themselves are shown behind the curves."""
        return self._histograms

    def show_histograms(self, on: bool) -> None:
        """Show the values behind the curves, or the curves alone."""
        if on != self._histograms:
            self._histograms = on
            self.refresh()

    def describe(self, feature: Feature) -> str:
        """A feature in words: mean and spread of each curve, and overlaps."""
        said = []
        for k, curve in enumerate(self._curves):
            text = f"{curve} {number(float(feature.mean[k]))} ± {number(float(feature.std[k]))} {feature.unit}".strip()
            if k and not math.isnan(feature.overlap[k]):
                text += f", overlap {feature.overlap[k]:.2f}"
            said.append(text)
        return f"{feature.name}: " + "; ".join(said)

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self._features:
            return {}
        out: dict[str, np.ndarray] = {
            "feature": np.array([f.name for f in self._features]),
            "unit": np.array([f.unit for f in self._features]),
        }
        for k, curve in enumerate(self._curves):
            out[f"{curve}: mean"] = np.array([f.mean[k] for f in self._features])
            out[f"{curve}: standard deviation"] = np.array([f.std[k] for f in self._features])
            if k:
                out[f"{curve}: overlap with {self._curves[0]}"] = np.array([f.overlap[k] for f in self._features])
        return out

    # -- where things are -------------------------------------------------------------------------------------

    def _cells(self, target: QRect) -> list[QRectF]:
        """A cell for each feature below the legend, in the grid whose cells are nearest to a good shape."""
        legend = QFontMetricsF(font("small")).height() + 8
        room = QRectF(target).adjusted(0, legend, 0, 0)
        count = len(self._features)

        def fault(columns: int) -> float:
            rows = -(-count // columns)
            width, height = room.width() / columns, room.height() / rows
            empty = (columns * rows - count) / count
            thin = max(LEAST_CELL[0] / width, 1) * max(LEAST_CELL[1] / height, 1) - 1
            return abs(math.log(width / height / 1.5)) + 5 * empty + 4 * thin

        columns = min(range(1, count + 1), key=fault)
        rows = -(-count // columns)
        width, height = room.width() / columns, room.height() / rows
        return [
            QRectF(room.left() + k % columns * width, room.top() + k // columns * height, width, height)
            for k in range(count)
        ]

    def tip_at(self, at: QPointF) -> str:
        if self._features:
            for feature, cell in zip(self._features, self._cells(self.rect()), strict=True):
                if cell.contains(at):
                    return self.describe(feature).replace("; ", "\n") + (f"\n{feature.help}" if feature.help else "")
        return ""

    def colour(self, curve: int) -> QColor:
        """The first curve is the measure and grey; the others have the colours of the series."""
        return QColor(self.colours.muted) if curve == 0 else self.theme.series(curve - 1)

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        painter.setFont(font("small"))
        if not self._features:
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(target, Qt.AlignmentFlag.AlignCenter, "No features yet")
            return
        self._paint_legend(painter, target)
        for feature, cell in zip(self._features, self._cells(target), strict=True):
            self._paint_cell(painter, feature, cell.adjusted(4, 2, -4, -2))

    def _paint_legend(self, painter: QPainter, target: QRect) -> None:
        metrics = QFontMetricsF(font("small"))
        x, y = target.left() + 8.0, target.top() + 2 + metrics.height() / 2
        for k, curve in enumerate(self._curves):
            painter.setPen(self._pen(k))
            painter.drawLine(QPointF(x, y), QPointF(x + 16, y))
            painter.setPen(QColor(self.colours.text))
            painter.drawText(QPointF(x + 21, y + metrics.capHeight() / 2), curve)
            x += metrics.horizontalAdvance(curve) + 36

    def _pen(self, curve: int) -> QPen:
        """Dashes tell curves apart where colours do not."""
        style = (Qt.PenStyle.SolidLine, Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)[curve % 4]
        return QPen(self.colour(curve), 1.75, style)

    def _paint_cell(self, painter: QPainter, feature: Feature, cell: QRectF) -> None:
        c, metrics = self.colours, QFontMetricsF(font("small"))
        painter.setPen(QPen(QColor(c.border), 1))
        painter.setBrush(QColor(c.surface))
        painter.drawRoundedRect(cell, 6, 6)
        head = cell.adjusted(GRID, 3, -GRID, 0)
        head.setHeight(metrics.height())
        shared = feature.overlap[1] if len(feature.overlap) > 1 else math.nan
        printed = "" if math.isnan(shared) else f"{shared:.2f}"
        width = QFontMetricsF(font("strong")).horizontalAdvance(printed) + (6 if printed else 0)
        name = metrics.elidedText(feature.name, Qt.TextElideMode.ElideRight, head.width() - width)
        painter.setPen(QColor(c.text))
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, name)
        beside = head.adjusted(metrics.horizontalAdvance(name + "  "), 0, -width, 0)
        if metrics.horizontalAdvance(feature.unit) <= beside.width():
            painter.setPen(QColor(c.muted))
            painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter, feature.unit)
        if printed:
            painter.setFont(font("strong"))
            painter.setPen(self.colour(1))
            painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, printed)
            painter.setFont(font("small"))
        plot = cell.adjusted(GRID, metrics.height() + 8, -GRID, -metrics.height() - 5)
        known = np.isfinite(feature.mean) & np.isfinite(feature.std)
        if not known.any() or plot.height() < 12:
            painter.setPen(QColor(c.muted))
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, "not known")
            return
        low, high = _reach(feature.mean[known], feature.std[known])
        self._paint_axis(painter, plot, low, high)
        self._paint_curves(painter, feature, plot, low, high)

    def _paint_axis(self, painter: QPainter, plot: QRectF, low: float, high: float) -> None:
        metrics = QFontMetricsF(font("small"))
        painter.setPen(QPen(QColor(self.colours.border), 1))
        painter.drawLine(plot.bottomLeft(), plot.bottomRight())
        painter.setPen(QColor(self.colours.muted))
        marks = ticks(low, high, max(int(plot.width() // 44), 2))
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        for value in marks:
            text = tick_text(value, step)
            x = plot.left() + (value - low) / (high - low) * plot.width()
            half = metrics.horizontalAdvance(text) / 2
            painter.drawLine(QPointF(x, plot.bottom()), QPointF(x, plot.bottom() + 3))
            if plot.left() - 4 <= x - half and x + half <= plot.right() + 4:
                painter.drawText(QPointF(x - half, plot.bottom() + metrics.ascent() + 2), text)

    def _paint_curves(self, painter: QPainter, feature: Feature, plot: QRectF, low: float, high: float) -> None:
        x = _places(feature.mean, feature.std, low, high)
        heights = [_density(x, float(m), float(s)) for m, s in zip(feature.mean, feature.std, strict=True)]
        # A sharp curve would press the others flat, so the tallest may stand out at the top.
        sharp = [float(s) for s, h in zip(feature.std, heights, strict=True) if h is not None]
        peaks = [1 / (s * math.sqrt(2 * math.pi)) for s in sorted(sharp, reverse=True)]
        top = min(peaks[-1], 3 * peaks[0]) * 1.06 if peaks else 1.0

        def line(y: np.ndarray) -> list[QPointF]:
            across = plot.left() + (x - low) / (high - low) * plot.width()
            down = plot.bottom() - np.minimum(y / top, 1.5) * plot.height()
            return [QPointF(a, b) for a, b in zip(across.tolist(), down.tolist(), strict=True)]

        painter.save()
        painter.setClipRect(plot.adjusted(0, -2, 0, 1))
        if self._histograms:
            self._paint_bars(painter, feature, plot, (low, high), top)
        if len(heights) > 1 and heights[0] is not None and heights[1] is not None:
            shade = QColor(self.colour(1))
            shade.setAlpha(60)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(shade)
            painter.drawPolygon(
                QPolygonF([plot.bottomLeft(), *line(np.minimum(heights[0], heights[1])), plot.bottomRight()])
            )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for k, height in enumerate(heights):
            painter.setPen(self._pen(k))
            if height is not None:
                painter.drawPolyline(QPolygonF(line(height)))
            elif math.isfinite(feature.mean[k]):  # all values are one: a line, for a curve would be endless
                at = plot.left() + (float(feature.mean[k]) - low) / (high - low) * plot.width()
                painter.drawLine(QPointF(at, plot.top()), QPointF(at, plot.bottom()))
        painter.restore()

    def _paint_bars(
        self, painter: QPainter, feature: Feature, plot: QRectF, reach: tuple[float, float], top: float
    ) -> None:
        """Histograms of the first two, as densities on the curves' own scale: the first filled, the second hollow."""
        width = plot.width() / BINS
        for curve, values in enumerate(feature.values[:2]):
            known = values[np.isfinite(values)]
            if not len(known):
                continue
            counts, _ = np.histogram(known, BINS, reach)
            heights = np.minimum(counts / (len(known) * (reach[1] - reach[0]) / BINS) / top, 1.0) * plot.height()
            colour = QColor(self.colour(curve))
            colour.setAlpha(70 if curve == 0 else 170)
            painter.setPen(Qt.PenStyle.NoPen if curve == 0 else QPen(colour, 1))
            painter.setBrush(colour if curve == 0 else Qt.BrushStyle.NoBrush)
            for k in np.flatnonzero(counts).tolist():
                inset = 0.5 if curve == 0 else 1.5
                bar = QRectF(plot.left() + k * width, plot.bottom() - heights[k], width, heights[k])
                painter.drawRect(bar.adjusted(inset, 0, -inset, 0))


def _density(x: np.ndarray, mean: float, std: float) -> np.ndarray | None:
    """The normal density at float [P] x; None where there is none to draw."""
    if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
        return None
    return np.exp(-0.5 * ((x - mean) / std) ** 2) / (std * math.sqrt(2 * math.pi))


def _places(mean: np.ndarray, std: np.ndarray, low: float, high: float) -> np.ndarray:
    """float64 [P]: evenly from low to high, and closer together where a curve is sharp."""
    each = [m + s * np.linspace(-WIDE, WIDE, POINTS) for m, s in zip(mean, std, strict=True) if np.isfinite(m + s)]
    return np.unique(np.concatenate([np.linspace(low, high, POINTS), *each]).clip(low, high))


def _reach(mean: np.ndarray, std: np.ndarray) -> tuple[float, float]:
    """From where to where an axis must go to show all curves."""
    low, high = float((mean - WIDE * std).min()), float((mean + WIDE * std).max())
    if not high > low:
        pad = max(abs(low) * 0.1, 1.0)
        low, high = low - pad, high + pad
    return low, high
