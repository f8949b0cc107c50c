"""Frames that say what became of a picture: a colour, and a sign for those who cannot tell the colours."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from workbench.theme import Colours

Frame = Literal["none", "ok", "fooled", "rejected"]
WORDS: Final[dict[str, str]] = {"none": "", "ok": "not fooled", "fooled": "fooled", "rejected": "rejected"}
ORDER: Final[tuple[Frame, ...]] = ("ok", "fooled", "rejected")
_SIGNS: Final = {
    "ok": ((0.24, 0.52), (0.43, 0.70), (0.76, 0.32)),
    "fooled": ((0.28, 0.28), (0.72, 0.72)),
    "rejected": ((0.24, 0.50), (0.76, 0.50)),
}


def frame_colour(frame: Frame, colours: Colours) -> QColor:
    """The colour of a frame; the border's for none."""
    return QColor({"ok": colours.ok, "fooled": colours.error, "rejected": colours.warn}.get(frame, colours.border))


def paint_frame(painter: QPainter, room: QRectF, frame: Frame, colours: Colours, *, badge: bool = True) -> None:
    """A frame just outside of `room`, and its sign in the upper right corner."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = frame_colour(frame, colours)
    width = 1.0 if frame == "none" else 2.0
    grow = width / 2
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, width, j=Qt.PenJoinStyle.MiterJoin))
    painter.drawRect(room.adjusted(-grow, -grow, grow, grow))
    if frame != "none" and badge:
        side = min(16.0, room.width() / 3)
        paint_sign(painter, QRectF(room.right() - side + 2, room.top() - 2, side, side), frame, colours)
    painter.restore()


def paint_sign(painter: QPainter, room: QRectF, frame: Frame, colours: Colours) -> None:
    """The sign of a frame: a disc with a tick, a cross or a bar."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colours.surface), 1))
    painter.setBrush(frame_colour(frame, colours))
    painter.drawEllipse(room)
    pen = QPen(QColor(colours.surface), max(1.4, room.width() / 8), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    points = [QPointF(room.left() + x * room.width(), room.top() + y * room.height()) for x, y in _SIGNS[frame]]
    painter.drawPolyline(QPolygonF(points))
    if frame == "fooled":
        other = [QPointF(room.left() + room.right() - p.x(), p.y()) for p in points]
        painter.drawPolyline(QPolygonF(other))
    painter.restore()
