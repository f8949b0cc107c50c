"""A plane that is looked at: fields, class regions, axes, and what lies on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from PySide6.QtCore import QLineF, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.axes import level_lines, region_borders
from workbench.widgets.basics import number, percent
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.class_colours import class_rgb, shade
from workbench.widgets.field_frame import paint_axes, paint_classes, paint_names, paint_note, texts
from workbench.widgets.field_marks import Mark, paint_mark, pairs
from workbench.widgets.pixels import reach
from workbench.widgets.scale_bar import bar_height, paint_bar

Raster = Literal["none", "scalar", "classes", "rgba"]


class FieldCanvas(Canvas):
    """Two axes x and y, y upwards. Rasters are arrays [H, W] whose row 0 has the smallest y, as numpy's meshgrid gives
    them, and whose samples are the middles of H·W cells over the extent. What follows the hand is `FieldView`'s.
    """

    def __init__(
        self,
        theme: Theme,
        name: str = "Field",
        *,
        x: str = "",
        y: str = "",
        x_unit: str = "",
        y_unit: str = "",
        extent: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0),
        equal: bool = True,
        legend: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self._labels = tuple(f"{text} [{unit}]" if unit else text for text, unit in ((x, x_unit), (y, y_unit)))
        self._extent, self._equal, self._legend = extent, equal, legend
        self._kind: Raster = "none"
        self._values: np.ndarray | None = None
        self._confidence: np.ndarray | None = None
        self._names: tuple[str, ...] = ()
        self._range = (0.0, 1.0)
        self._diverging, self._smooth, self._unit = False, True, ""
        self._level: float | None = None
        self._lines = np.zeros((0, 2, 2))
        self._image: QImage | None = None
        self._marks: dict[str, Mark] = {}
        self._note = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 140)
        self._describe()

    # -- the field --------------------------------------------------------------------------------------------

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, right, bottom, top) in the axes' units."""
        return self._extent

    def set_extent(self, left: float, right: float, bottom: float, top: float) -> None:
        """Show this part of the plane. Raises ValueError for an empty one."""
        if not (right > left and top > bottom):
            raise ValueError(f"expected left < right and bottom < top, got {(left, right, bottom, top)}")
        self._extent = (left, right, bottom, top)
        self.refresh()

    def set_labels(self, x: str, y: str, *, x_unit: str = "", y_unit: str = "") -> None:
        """Change the axes' labels and units."""
        self._labels = tuple(f"{text} [{unit}]" if unit else text for text, unit in ((x, x_unit), (y, y_unit)))
        self.refresh()

    def set_note(self, text: str) -> None:
        """A sentence in the middle for as long as there is neither a field nor a mark; "" for none."""
        if text != self._note:
            self._note = text
            self._describe()
            self.refresh()

    def clear_field(self) -> None:
        """No raster; marks stay."""
        self._kind, self._values, self._image = "none", None, None
        self._lines = np.zeros((0, 2, 2))
        self._describe()
        self.refresh()

    def set_scalar(
        self,
        values: np.ndarray,
        *,
        low: float | None = None,
        high: float | None = None,
        diverging: bool = False,
        level: float | None = None,
        unit: str = "",
        smooth: bool = True,
    ) -> None:
        """Show float [H, W]; NaN is bare. low, high: ends of the map, those of the numbers if None (symmetric for
        a diverging one). level: draw the line where the field crosses it."""
        self._values = np.asarray(values, np.float64)
        self._kind, self._diverging, self._smooth, self._unit, self._level = "scalar", diverging, smooth, unit, level
        known = self._values[np.isfinite(self._values)]
        bottom, top = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        if diverging:
            half = reach(known)
            bottom, top = -half, half
        bottom, top = bottom if low is None else low, top if high is None else high
        self._range = (bottom, top if top > bottom else bottom + 1.0)
        self._lines = level_lines(self._values, level) if level is not None else np.zeros((0, 2, 2))
        self._draw()

    def set_classes(
        self, classes: np.ndarray, class_names: Sequence[str], confidence: np.ndarray | None = None
    ) -> None:
        """Show class regions int [H, W], -1 where not known; confidence float [H, W] in [0, 1] fades colours."""
        self._values, self._names = np.asarray(classes, np.int64), tuple(class_names)
        self._confidence = None if confidence is None else np.asarray(confidence, np.float64)
        self._kind, self._smooth, self._level = "classes", False, None
        self._lines = region_borders(self._values)
        self._draw()

    def set_rgba(self, rgba: np.ndarray, *, smooth: bool = False) -> None:
        """Show uint8 [H, W, 4] as it is."""
        self._values, self._kind, self._smooth = np.asarray(rgba, np.uint8), "rgba", smooth
        self._lines = np.zeros((0, 2, 2))
        self._draw()

    # -- marks ------------------------------------------------------------------------------------------------

    def set_path(
        self,
        key: str,
        points: np.ndarray,
        *,
        name: str = "",
        colour: int | str = "accent",
        width: float = 2.0,
        dots: bool = False,
        dashed: bool = False,
    ) -> None:
        """A line through float [N, 2] points; dots marks each of them."""
        self._put(key, Mark("path", pairs(points), colour, name, width, dotted=dots, dashed=dashed))

    def set_arrow(
        self,
        key: str,
        start: tuple[float, float],
        end: tuple[float, float],
        *,
        name: str = "",
        colour: int | str = "accent",
        width: float = 2.0,
    ) -> None:
        """An arrow from `start` to `end`."""
        self._put(key, Mark("arrow", pairs([start, end]), colour, name, width))

    def set_points(
        self, key: str, points: np.ndarray, *, name: str = "", colour: int | str = 0, size: float = 3.0
    ) -> None:
        """A cloud of float [N, 2] points, thousands of them."""
        self._put(key, Mark("points", pairs(points), colour, name, size))

    def set_handle(
        self,
        key: str,
        x: float,
        y: float,
        *,
        text: str = "",
        colour: int | str = "accent",
        movable: bool = True,
        size: float = 4.0,
    ) -> None:
        """A single point with a text beside it, which can be dragged if it is movable."""
        self._put(key, Mark("handle", pairs([(x, y)]), colour, "", size, text=text, movable=movable))

    def remove(self, key: str) -> None:
        """Take a mark away, if it is there."""
        if self._marks.pop(key, None) is not None:
            self.refresh()

    def clear_marks(self) -> None:
        self._marks.clear()
        self.refresh()

    def handle_at(self, key: str) -> tuple[float, float]:
        """Where a handle is now. Raises KeyError for none of that key."""
        x, y = self._marks[key].xy[0]
        return float(x), float(y)

    def value_at(self, x: float, y: float) -> str:
        """What the field says at a point, in words; "" beside it or without one."""
        at = self._cell(x, y)
        if at is None or self._values is None:
            return ""
        if self._kind == "classes":
            number_of = int(self._values[at])
            if number_of < 0:
                return "not known yet"
            sure = "" if self._confidence is None else f", {percent(float(self._confidence[at]), 0)}"
            return f"{self._names[number_of]}{sure}"
        if self._kind == "scalar":
            return f"{number(float(self._values[at]))} {self._unit}".strip()
        return ""

    def columns(self) -> Mapping[str, np.ndarray]:
        if self._values is None or self._kind == "rgba":
            return {}
        height, width = self._values.shape
        left, right, bottom, top = self._extent
        x = left + (np.arange(width) + 0.5) * (right - left) / width
        y = bottom + (np.arange(height) + 0.5) * (top - bottom) / height
        grid = np.meshgrid(x, y)
        out = {self._labels[0] or "x": grid[0].ravel(), self._labels[1] or "y": grid[1].ravel()}
        if self._kind == "scalar":
            return {**out, "value": self._values.ravel()}
        out["class"] = np.array([*self._names, ""])[self._values.ravel()]
        if self._confidence is not None:
            out["confidence"] = self._confidence.ravel()
        return out

    def sizeHint(self) -> QSize:
        return QSize(360, 380)

    def _put(self, key: str, mark: Mark) -> None:
        self._marks[key] = mark
        self.refresh()

    def _cell(self, x: float, y: float) -> tuple[int, int] | None:
        if self._values is None:
            return None
        left, right, bottom, top = self._extent
        height, width = self._values.shape[:2]
        column, row = (x - left) / (right - left) * width, (y - bottom) / (top - bottom) * height
        inside = 0 <= column < width and 0 <= row < height
        return (int(row), int(column)) if inside else None

    def _describe(self) -> None:
        said = {"none": self._note or "no field yet", "scalar": "a field of numbers", "rgba": "a picture"}.get(
            self._kind, ""
        )
        if self._kind == "classes" and self._values is not None:
            seen = [self._names[c] for c in np.unique(self._values) if c >= 0]
            said = f"regions of {', '.join(seen)}"
        x, y = (label or axis for label, axis in zip(self._labels, "xy", strict=True))
        self.setAccessibleDescription(f"{y} over {x}, {said}. Arrow keys read values, Enter clicks.")

    # -- where things are -------------------------------------------------------------------------------------

    def _line(self) -> float:
        return QFontMetricsF(font("small")).height()

    def _room(self, target: QRect) -> QRectF:
        """The rectangle of the plane."""
        left, right, bottom, top = self._extent
        line = self._line()
        widest = max(
            QFontMetricsF(font("small")).horizontalAdvance(text) for text in texts(bottom, top, target.height())
        )
        aside = widest + 10 + (line + 2 if self._labels[1] else 0)
        above = line + 6 if self._named() else 6.0
        below = line + 8 + (line if self._labels[0] else 0) + self._legend_height()
        written = texts(left, right, target.width())
        # Half of the last number stands right of the plane where it is at its end.
        beyond = max(8.0, QFontMetricsF(font("small")).horizontalAdvance(written[-1]) / 2 + 1)
        room = QRectF(target).adjusted(aside, above, -beyond, -below)
        if self._equal and room.width() > 0 and room.height() > 0:
            scale = min(room.width() / (right - left), room.height() / (top - bottom))
            size = QRectF(0, 0, scale * (right - left), scale * (top - bottom))
            size.moveCenter(room.center())
            room = size
        return QRectF(round(room.left()), round(room.top()), max(round(room.width()), 1), max(round(room.height()), 1))

    def _legend_height(self) -> float:
        if not self._legend or self._kind not in ("scalar", "classes"):
            return 0.0
        return bar_height() + 6 if self._kind == "scalar" else self._line() + 6

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a point of the plane lies in the widget."""
        return self._place(self._room(self.rect()), x, y)

    def _place(self, room: QRectF, x: float, y: float) -> QPointF:
        left, right, bottom, top = self._extent
        return QPointF(
            room.left() + (x - left) / (right - left) * room.width(),
            room.bottom() - (y - bottom) / (top - bottom) * room.height(),
        )

    def point_at(self, at: QPointF) -> tuple[float, float]:
        """A place of the widget in the axes' units."""
        room, (left, right, bottom, top) = self._room(self.rect()), self._extent
        return (
            left + (at.x() - room.left()) / room.width() * (right - left),
            bottom + (room.bottom() - at.y()) / room.height() * (top - bottom),
        )

    def _clipped(self, x: float, y: float) -> tuple[float, float]:
        left, right, bottom, top = self._extent
        return min(max(x, left), right), min(max(y, bottom), top)

    # -- painting ---------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        """Make the raster's picture anew."""
        if self._values is None:
            self._image = None
        elif self._kind == "scalar":
            colours = self.theme.diverging() if self._diverging else self.theme.sequential()
            self._image = image_of(colours.rgba(self._values[::-1], *self._range))
        elif self._kind == "classes":
            ground = QColor(self.colours.sunken)
            sure = 1.0 if self._confidence is None else self._confidence[::-1]
            rgb = shade(
                self._values[::-1], sure, class_rgb(max(len(self._names), 1), self.theme.is_dark),
                (ground.red(), ground.green(), ground.blue()),
            )  # fmt: skip
            self._image = image_of(np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)]))
        else:
            self._image = image_of(self._values[::-1])
        self._describe()
        self.refresh()

    def _recolour(self, _: object) -> None:
        self._draw()

    def _pick(self, colour: int | str) -> QColor:
        if isinstance(colour, int):
            return self.theme.series(colour)
        return QColor(getattr(self.colours, colour, colour))

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        room = self._room(target)
        painter.fillRect(room, QColor(self.colours.sunken))
        if self._image is not None:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
            painter.drawImage(room, self._image)
            painter.restore()
        paint_axes(painter, target, room, self._extent, self._labels, self.colours)
        painter.save()
        painter.setClipRect(room)
        self._paint_lines(painter, room)
        painter.setFont(font("small"))
        left, right, bottom, top = self._extent
        scale = np.array([room.width() / (right - left), -room.height() / (top - bottom)])
        origin = np.array([room.left(), room.bottom()])

        def place(xy: np.ndarray) -> np.ndarray:
            return origin + (xy - (left, bottom)) * scale

        for kind in ("points", "path", "arrow", "handle"):
            for mark in self._marks.values():
                if mark.kind == kind:
                    ground = QColor(self.colours.surface)
                    paint_mark(painter, mark, place, self._pick, ground)
        painter.restore()
        paint_names(painter, target, room, self._named(), self._pick, self.colours)
        if self._legend_height():
            self._paint_legend(painter, target, room)
        if self._note and self._image is None and not self._marks:
            paint_note(painter, room, self._note, self.colours)

    def _paint_lines(self, painter: QPainter, room: QRectF) -> None:
        """Level lines, or borders between classes."""
        if not len(self._lines) or self._values is None:
            return
        height, width = self._values.shape
        x = room.left() + (self._lines[..., 0] + 0.5) / width * room.width()
        y = room.bottom() - (self._lines[..., 1] + 0.5) / height * room.height()
        lines = [QLineF(*ends) for ends in np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], 1).tolist()]
        if self._kind == "classes":
            painter.setPen(QPen(QColor(self.colours.surface), 1.5))
            painter.drawLines(lines)
        else:
            for colour, pen in ((self.colours.surface, 3.5), (self.colours.text, 1.5)):
                painter.setPen(QPen(QColor(colour), pen, c=Qt.PenCapStyle.RoundCap))
                painter.drawLines(lines)

    def _paint_legend(self, painter: QPainter, target: QRect, room: QRectF) -> None:
        top = room.bottom() + self._line() + 8 + (self._line() if self._labels[0] else 0)
        if self._kind == "scalar":
            width = min(room.width(), 260.0)
            colours = self.theme.diverging() if self._diverging else self.theme.sequential()
            bar = QRectF(room.center().x() - width / 2, top, width, bar_height())
            paint_bar(painter, bar, colours, *self._range, self.colours, unit=self._unit)
        elif self._values is not None:
            rgb = class_rgb(max(len(self._names), 1), self.theme.is_dark)
            seen = [(self._names[c], QColor(*(int(v) for v in rgb[c]))) for c in np.unique(self._values) if c >= 0]
            paint_classes(painter, QPointF(room.left(), top), target.right(), seen, self.colours)

    def _named(self) -> list[Mark]:
        return [mark for mark in self._marks.values() if mark.name]

    def point_of(self, x: float, y: float) -> QPoint:
        """`place_of` in whole pixels."""
        return self.place_of(x, y).toPoint()
