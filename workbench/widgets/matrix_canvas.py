"""A matrix as a heat map that is looked at: figures readable on every colour, hatched cells, gaps that fill."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QVariantAnimation
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.colormaps import Colormap
from workbench.theme import Colours, Theme, font
from workbench.widgets.basics import number, percent
from workbench.widgets.matrix_frame import MatrixFrame
from workbench.widgets.pixels import wants_light_ink
from workbench.widgets.scale_bar import bar_height, paint_bar

Format = Literal["percent", "number"]
FADE_MS: Final = 220
LEAST_CELL: Final = QSize(26, 20)
_LIGHT_INK, _DARK_INK = "#ffffff", "#101218"


class MatrixCanvas(MatrixFrame):
    """A matrix float [R, C] with headers that is looked at; NaN stands for "not run yet". What follows the hand is
    `MatrixView`'s.

    row_title, column_title: what rows and columns are ("source", "target"). shown: how numbers are written.
    diverging: colours around zero. legend: a colour bar below.
    """

    def __init__(
        self,
        theme: Theme,
        name: str = "Matrix",
        *,
        row_title: str = "",
        column_title: str = "",
        shown: Format = "percent",
        diverging: bool = False,
        legend: bool = True,
        unit: str = "",
        square: bool = False,
        empty: str = "Nothing measured yet",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent, row_title, column_title, legend, square)
        self._shown, self._diverging, self._unit, self._empty = shown, diverging, unit, empty
        self._values = np.full((0, 0), np.nan)
        self._born = np.zeros((0, 0))  # when a cell became known, on the clock of time.monotonic
        self._low: np.ndarray | None = None
        self._high: np.ndarray | None = None
        self._hatch = np.zeros((0, 0), bool)
        self._hatch_meaning = ""
        self._range: tuple[float, float] | None = None
        self._tips: Callable[[int, int], str] | None = None
        self._running: tuple[int, int] | None = None
        self._fade = QVariantAnimation(self)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.setDuration(FADE_MS + 40)
        self._fade.valueChanged.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def values(self) -> np.ndarray:
        """float64 [R, C], NaN where not run yet. A copy."""
        return self._values.copy()

    def set_headers(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        """Name rows and columns; numbers of another shape go."""
        self._rows, self._columns = tuple(rows), tuple(columns)
        shape = (len(self._rows), len(self._columns))
        if shape != self._values.shape:
            self._values = np.full(shape, np.nan)
            self._born = np.full(shape, -np.inf)
            self._low = self._high = None
            self._hatch = np.zeros(shape, bool)
            self._running = None
        self._describe()
        self.refresh()

    def set_values(self, values: np.ndarray, low: np.ndarray | None = None, high: np.ndarray | None = None) -> None:
        """Show float [R, C]; cells that have become known fade in. low, high: bounds of an interval, for the
        tooltip. Raises ValueError unless the shape is that of the headers."""
        fresh = np.asarray(values, np.float64)
        if fresh.shape != (len(self._rows), len(self._columns)):
            raise ValueError(f"expected values {(len(self._rows), len(self._columns))}, got {fresh.shape}")
        appeared = np.isnan(self._values) & np.isfinite(fresh)
        self._values = fresh.copy()
        self._low = None if low is None else np.array(low, np.float64)
        self._high = None if high is None else np.array(high, np.float64)
        if appeared.any() and self.isVisible():
            self._born[appeared] = time.monotonic()
            self._fade.stop()
            self._fade.start()
        self._describe()
        self.refresh()

    def set_range(self, low: float | None, high: float | None = None) -> None:
        """Fix the ends of the colour map; None follows the numbers (percentages always run from 0 to 100)."""
        self._range = None if low is None or high is None else (low, high)
        self.refresh()

    def set_hatch(self, mask: np.ndarray | None, meaning: str = "") -> None:
        """Hatch cells, bool [R, C], such as the white-box diagonal; meaning is said in legend and tooltip."""
        shape = self._values.shape
        self._hatch = np.zeros(shape, bool) if mask is None else np.array(mask, bool)
        if self._hatch.shape != shape:
            raise ValueError(f"expected a mask {shape}, got {self._hatch.shape}")
        self._hatch_meaning = meaning
        self.refresh()

    def set_running(self, cell: tuple[int, int] | None) -> None:
        """Mark the cell that is being measured, or none."""
        self._running = cell
        self.refresh()

    def set_tips(self, tips: Callable[[int, int], str] | None) -> None:
        """More lines for the tooltip of a cell, asked when it is shown."""
        self._tips = tips

    def text_of(self, value: float) -> str:
        """A number as the cells show it."""
        if np.isnan(value):
            return ""
        if self._shown == "percent":
            return f"{100 * value:.0f}" if abs(value) >= 0.0995 or value == 0 else f"{100 * value:.1f}"
        text = f"{value:.2f}" if abs(value) < 10 else number(value, 3)
        return text.replace("-", "\u2212").replace("0.", ".", 1) if abs(value) < 0.995 else text.replace("-", "\u2212")

    def describe(self, row: int, column: int) -> str:
        """A cell in words."""
        value = self._values[row, column]
        say = (lambda v: percent(float(v))) if self._shown == "percent" else (lambda v: number(float(v)))
        names = [f"{title} {name}".strip() for title, name in
                 ((self._titles[0], self._rows[row]), (self._titles[1], self._columns[column]))]  # fmt: skip
        said = f"{names[0]}, {names[1]}: {'not run yet' if np.isnan(value) else say(value)}"
        if self._running == (row, column):
            said += " (running)"
        if self._unit and self._shown == "number" and np.isfinite(value):
            said += f" {self._unit}"
        if self._low is not None and self._high is not None and np.isfinite(self._low[row, column]):
            said += f"\n95\u202f% interval {say(self._low[row, column])} to {say(self._high[row, column])}"
        if self._hatch[row, column] and self._hatch_meaning:
            said += f"\n{self._hatch_meaning}"
        more = self._tips(row, column) if self._tips else ""
        return f"{said}\n{more}" if more else said

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self._values.size:
            return {}
        height, width = self._values.shape
        out = {
            self._titles[0] or "row": np.repeat(self._rows, width),
            self._titles[1] or "column": np.tile(self._columns, height),
            "value": self._values.ravel(),
        }
        if self._low is not None and self._high is not None:
            out |= {"low": self._low.ravel(), "high": self._high.ravel()}
        return out

    def sizeHint(self) -> QSize:
        head = self._head()
        cell = QSize(52, 32)
        height, width = self._values.shape
        return QSize(
            round(head.width()) + max(width, 3) * cell.width(),
            round(head.height() + self._below()) + max(height, 2) * cell.height(),
        )

    def minimumSizeHint(self) -> QSize:
        head, (height, width) = self._head(), self._values.shape
        return QSize(
            round(head.width()) + max(width, 1) * LEAST_CELL.width(),
            round(head.height() + self._below()) + max(height, 1) * LEAST_CELL.height(),
        )

    # -- painting ---------------------------------------------------------------------------------------------

    def colormap(self) -> Colormap:
        return self.theme.diverging() if self._diverging else self.theme.sequential()

    def ends(self) -> tuple[float, float]:
        """What the ends of the colour map stand for."""
        if self._range is not None:
            return self._range
        if self._shown == "percent" and not self._diverging:
            return 0.0, 1.0
        known = self._values[np.isfinite(self._values)]
        if self._diverging:
            half = float(np.abs(known).max(initial=0.0)) or 1.0
            return -half, half
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        return low, high if high > low else low + 1.0

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        if not self._values.size:
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(target, Qt.AlignmentFlag.AlignCenter, self._empty)
            return
        grid = self._grid(target)
        rgba = self.colormap().rgba(self._values, *self.ends())
        light = wants_light_ink(rgba[..., :3])
        text = self._cell_font(grid)
        for row in range(self._values.shape[0]):
            for column in range(self._values.shape[1]):
                self._paint_cell(painter, self._cell(grid, row, column), row, column, rgba, light, text)
        self._paint_headers(painter, target, grid)
        if self._legend:
            self._paint_legend(painter, target, grid)

    def _paint_cell(
        self,
        painter: QPainter,
        room: QRectF,
        row: int,
        column: int,
        rgba: np.ndarray,
        light: np.ndarray,
        text: QFont | None,
    ) -> None:
        value = self._values[row, column]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(room, QColor(self.colours.sunken))
        if np.isfinite(value):
            painter.fillRect(room, QColor(*(int(v) for v in rgba[row, column])))
        ink = QColor(_LIGHT_INK if light[row, column] else _DARK_INK)
        if np.isnan(value):
            ink = QColor(self.colours.muted)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hatch[row, column]:
            paint_hatch(painter, room, ink)
        painter.setPen(ink)
        if np.isnan(value):
            self._paint_gap(painter, room, (row, column) == self._running)
        elif text is not None:
            painter.setFont(text)
            self._paint_figure(painter, room, self.text_of(float(value)), rgba[row, column], self._hatch[row, column])

    def _share(self, row: int, column: int) -> float:
        """How far a cell has faded in, in [0, 1]."""
        age = (time.monotonic() - self._born[row, column]) * 1000 / FADE_MS
        return 1.0 if age >= 1 else 1 - (1 - max(age, 0.0)) ** 3

    def _paint_figure(self, painter: QPainter, room: QRectF, text: str, rgba: np.ndarray, hatched: bool) -> None:
        if hatched:  # the figure stands on a clear plate, so that no hatch line runs through it
            metrics = QFontMetricsF(painter.font())
            size = QRectF(0, 0, metrics.horizontalAdvance(text) + 6, metrics.height() - 2)
            size.moveCenter(room.center())
            pen = painter.pen()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*(int(v) for v in rgba)))
            painter.drawRoundedRect(size, 3, 3)
            painter.setPen(pen)
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_gap(self, painter: QPainter, room: QRectF, is_running: bool) -> None:
        middle, radius = room.center(), 4.0 if is_running else 1.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.accent if is_running else self.colours.disabled))
        painter.drawEllipse(middle, radius, radius)
        if is_running:
            painter.setPen(QPen(QColor(self.colours.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(middle, radius + 3, radius + 3)

    def _paint_legend(self, painter: QPainter, target: QRect, grid: QRectF) -> None:
        metrics = QFontMetricsF(font("small"))
        meaning = self._hatch_meaning if self._hatch.any() else ""
        aside = metrics.horizontalAdvance(meaning) + 26 if meaning else 0.0
        top = target.bottom() + 1 - bar_height() - 2
        width = max(min(grid.width() - aside, 240.0), 80.0)
        if self._shown == "percent":
            say, unit = (lambda v: f"{100 * v:.0f}"), "%"
        else:
            say, unit = (lambda v: number(v)), self._unit
        bar = QRectF(grid.left(), top, width, bar_height())
        paint_bar(painter, bar, self.colormap(), *self.ends(), self.colours, unit=unit, shown=say)
        if meaning and width + aside <= target.right() - grid.left():
            box = QRectF(grid.left() + width + 12, top - 1, 12, 12)
            painter.setPen(QPen(QColor(self.colours.muted), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box)
            paint_hatch(painter, box, QColor(self.colours.muted), gap=4)
            painter.setFont(font("small"))
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(QPointF(box.right() + 5, box.center().y() + metrics.capHeight() / 2), meaning)

    def _paint_veils(self, painter: QPainter, grid: QRectF) -> None:
        """Cells that have become known shine through a veil that thins, so that a fade repaints nothing else."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for row, column in np.argwhere(time.monotonic() - self._born < FADE_MS / 1000).tolist():
            veil = QColor(self.colours.sunken)
            veil.setAlphaF(1 - self._share(row, column))
            painter.fillRect(self._cell(grid, row, column), veil)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _recolour(self, colours: Colours) -> None:
        self.refresh()

    def _cell_font(self, grid: QRectF) -> QFont | None:
        """The largest font in which every figure fits, None where none does."""
        rows, columns = self._values.shape
        room = QSize(int(grid.width() / columns) - 4, int(grid.height() / rows) - 2)
        longest = max((self.text_of(float(v)) for v in self._values.ravel()), key=len, default="") or "100"
        tiny = font("small")
        tiny.setPointSizeF(tiny.pointSizeF() * 0.85)
        for chosen in (font("strong"), font("body"), font("small"), tiny):
            metrics = QFontMetricsF(chosen)
            if metrics.horizontalAdvance(longest) <= room.width() and metrics.height() <= room.height() + 3:
                return chosen
        return None

    def tip_at(self, at: QPointF) -> str:
        cell = self.cell_at(at.x(), at.y())
        return self.describe(*cell) if cell else ""

    def hideEvent(self, event: object) -> None:
        self._fade.stop()
        self._born.fill(-np.inf)
        self.refresh()

    def _describe(self) -> None:
        rows, columns = self._values.shape
        known = int(np.isfinite(self._values).sum())
        self.setAccessibleDescription(
            f"{rows} rows, {columns} columns, {known} of {self._values.size} cells measured. "
            "Arrow keys read cells, Enter opens one."
        )


def paint_hatch(painter: QPainter, room: QRectF, ink: QColor, gap: float = 7.0) -> None:
    """Thin slanted lines over `room`."""
    painter.save()
    painter.setClipRect(room)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    faint = QColor(ink)
    faint.setAlpha(110)
    painter.setPen(QPen(faint, 1))
    at = room.left() - room.height()
    while at < room.right():
        painter.drawLine(QPointF(at, room.bottom() + 1), QPointF(at + room.height() + 1, room.top()))
        at += gap
    painter.restore()
