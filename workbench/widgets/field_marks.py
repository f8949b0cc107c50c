"""What lies on a field: paths, arrows, clouds of points, handles. Each is drawn in the axes' units."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF

MANY: Final = 300  # points from which a cloud is stamped rather than drawn
Kind = Literal["path", "arrow", "points", "handle"]
Place = Callable[[np.ndarray], np.ndarray]
"""Places [N, 2] in pixels of points [N, 2]."""
Pick = Callable[[int | str], QColor]


@dataclass(frozen=True)
class Mark:
    """xy: float64 [N, 2] in the axes' units. colour: an index into the theme's series, a name of its colours, or
    "#rrggbb". name: for the legend, "" for none. size: of points and line widths, pixels."""

    kind: Kind
    xy: np.ndarray
    colour: int | str
    name: str = ""
    size: float = 2.0
    dotted: bool = False
    dashed: bool = False
    text: str = ""
    movable: bool = False


def pairs(points: object) -> np.ndarray:
    """float64 [N, 2]. Raises ValueError for another shape."""
    xy = np.asarray(points, np.float64)
    if xy.size == 0:
        return np.zeros((0, 2))
    if xy.ndim != 2 or xy.shape[1] != 2:
        raise ValueError(f"expected points [N, 2], got {xy.shape}")
    return xy


def paint_mark(painter: QPainter, mark: Mark, place: Place, pick: Pick, ground: QColor) -> None:
    """Draw one mark; everything but clouds has a rim in the ground's colour, to be seen on any field."""
    xy = mark.xy[np.isfinite(mark.xy).all(axis=1)]
    if not len(xy):
        return
    colour = pick(mark.colour)
    painter.save()
    match mark.kind:
        case "points":
            if len(xy) > MANY:
                _paint_cloud(painter, place(xy), mark.size, colour)
            else:
                painter.setPen(QPen(colour, mark.size, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawPoints(_polygon(place(xy)))
        case "handle":
            _paint_handle(painter, QPointF(*place(xy)[0].tolist()), mark, colour, ground, pick("text"))
        case _:
            _paint_line(painter, _polygon(place(xy)), mark, colour, ground)
    painter.restore()


def _polygon(places: np.ndarray) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in places.tolist()])


def _paint_cloud(painter: QPainter, places: np.ndarray, size: float, colour: QColor) -> None:
    """Thousands of points: one dot, drawn once and stamped, on whole device pixels."""
    ratio = painter.device().devicePixelRatioF()
    side = math.ceil(size) + 3
    dot = QPixmap(round(side * ratio), round(side * ratio))
    dot.setDevicePixelRatio(ratio)
    dot.fill(Qt.GlobalColor.transparent)
    inner = QPainter(dot)
    inner.setRenderHint(QPainter.RenderHint.Antialiasing)
    inner.setPen(Qt.PenStyle.NoPen)
    inner.setBrush(colour)
    inner.drawEllipse(QPointF(side / 2, side / 2), size / 2, size / 2)
    inner.end()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for x, y in (np.rint((places - side / 2) * ratio) / ratio).tolist():
        painter.drawPixmap(QPointF(x, y), dot)


def _paint_line(painter: QPainter, points: QPolygonF, mark: Mark, colour: QColor, ground: QColor) -> None:
    style = Qt.PenStyle.DashLine if mark.dashed else Qt.PenStyle.SolidLine
    caps = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    head = _head(points, mark.size) if mark.kind == "arrow" else QPolygonF()
    for ink, grow, drawn in ((ground, 2.5, Qt.PenStyle.SolidLine), (colour, 0.0, style)):
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(ink, mark.size + grow, drawn, *caps))
        painter.drawPolyline(points)
        painter.setPen(QPen(ink, 1 + grow, j=Qt.PenJoinStyle.RoundJoin))
        painter.setBrush(ink)
        painter.drawPolygon(head)
    if mark.dotted:
        painter.setPen(QPen(ground, 1))
        painter.setBrush(colour)
        for k in range(points.size()):
            painter.drawEllipse(points.at(k), mark.size + 1, mark.size + 1)


def _head(points: QPolygonF, width: float) -> QPolygonF:
    """The triangle at the end of an arrow; none where there is no way to point."""
    if points.size() < 2:
        return QPolygonF()
    end, way = points.at(points.size() - 1), points.at(points.size() - 1) - points.at(points.size() - 2)
    length = math.hypot(way.x(), way.y())
    if length < 2:
        return QPolygonF()
    angle, side = math.atan2(way.y(), way.x()), min(6 + 2 * width, 0.7 * length)
    corners = [end - QPointF(math.cos(angle + turn), math.sin(angle + turn)) * side for turn in (0.42, -0.42)]
    return QPolygonF([end, *corners])


def _paint_handle(painter: QPainter, at: QPointF, mark: Mark, colour: QColor, ground: QColor, ink: QColor) -> None:
    """ink: of the text, which a pale dot's own colour would leave unreadable."""
    painter.setPen(QPen(ground, 2))
    painter.setBrush(colour)
    radius = 3.0 + mark.size if mark.movable else 2.0 + mark.size
    painter.drawEllipse(at, radius, radius)
    if mark.movable:  # a white heart says that it can be taken
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawEllipse(at, radius / 3, radius / 3)
    if mark.text:
        spot = at + QPointF(radius + 2, -radius)
        room, metrics = painter.clipBoundingRect(), painter.fontMetrics()
        width = metrics.horizontalAdvance(mark.text)
        # Right and above is usual; at an edge of the plane it would be cut off.
        if painter.hasClipping() and spot.x() + width + 1 > room.right():
            spot.setX(max(at.x() - radius - 2 - width, room.left() + 1))
        if painter.hasClipping() and spot.y() - metrics.ascent() < room.top():
            spot.setY(at.y() + radius + metrics.ascent())
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.setPen(ground)
            painter.drawText(spot + QPointF(dx, dy), mark.text)
        painter.setPen(ink)
        painter.drawText(spot, mark.text)
