"""What stands round a plane: ticks, labels, the names of what lies on it, and a note while nothing does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from workbench.theme import GRID, Colours, font
from workbench.widgets.axes import tick_text, ticks
from workbench.widgets.field_marks import Mark

Extent = tuple[float, float, float, float]
"""(left, right, bottom, top) in the axes' units."""


def texts(low: float, high: float, room: float) -> list[str]:
    """What ticks from `low` to `high` say along so many pixels, to measure how much room they need."""
    at = ticks(low, high, max(int(room / 44), 2))
    step = at[1] - at[0] if len(at) > 1 else abs(high - low) or 1.0
    return [tick_text(value, step) for value in at]


def paint_axes(
    painter: QPainter, target: QRect, room: QRectF, extent: Extent, labels: Sequence[str], colours: Colours
) -> None:
    """A line round the plane `room`, ticks with numbers left of it and below, and the label of each axis."""
    left, right, bottom, top = extent
    small, metrics = font("small"), QFontMetricsF(font("small"))
    painter.save()
    painter.setFont(small)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(colours.border), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(room.adjusted(-1, -1, 0, 0))
    across = ticks(left, right, max(int(room.width() / 56), 2))
    up = ticks(bottom, top, max(int(target.height() / 44), 2))
    painter.setPen(QColor(colours.muted))
    for value, text in zip(across, _written(across), strict=True):
        x = room.left() + (value - left) / (right - left) * room.width()
        painter.drawLine(QPointF(x, room.bottom()), QPointF(x, room.bottom() + 3))
        at = QPointF(x - metrics.horizontalAdvance(text) / 2, room.bottom() + 5 + metrics.ascent())
        painter.drawText(at, text)
    for value, text in zip(up, _written(up), strict=True):
        y = room.bottom() - (value - bottom) / (top - bottom) * room.height()
        painter.drawLine(QPointF(room.left() - 4, y), QPointF(room.left() - 1, y))
        at = QPointF(room.left() - 7 - metrics.horizontalAdvance(text), y + metrics.capHeight() / 2)
        painter.drawText(at, text)
    painter.setPen(QColor(colours.text))
    if labels[0]:
        below = QRectF(room.left(), room.bottom() + 5 + metrics.height(), room.width(), metrics.height() + 2)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, labels[0])
    if labels[1]:
        widest = max((metrics.horizontalAdvance(text) for text in _written(up)), default=0.0)
        painter.translate(room.left() - widest - 10 - metrics.height() / 2, room.center().y())
        painter.rotate(-90)
        aside = QRectF(-room.height() / 2, -metrics.height() / 2, room.height(), metrics.height())
        painter.drawText(aside, Qt.AlignmentFlag.AlignCenter, labels[1])
    painter.restore()


def paint_names(
    painter: QPainter,
    target: QRect,
    room: QRectF,
    marks: Sequence[Mark],
    pick: Callable[[int | str], QColor],
    colours: Colours,
) -> None:
    """The legend of marks that have a name, above the plane, as far as there is room."""
    metrics = QFontMetricsF(font("small"))
    painter.setFont(font("small"))
    x, y = room.left(), room.top() - metrics.height() / 2 - 4
    for mark in marks:
        width = metrics.horizontalAdvance(mark.name)
        if x + 20 + width > target.right():
            break
        colour = pick(mark.colour)
        painter.setPen(QPen(colour, 2.5, Qt.PenStyle.DashLine if mark.dashed else Qt.PenStyle.SolidLine))
        if mark.kind == "points":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawEllipse(QPointF(x + 6, y), 3.5, 3.5)
        else:
            painter.drawLine(QPointF(x, y), QPointF(x + 13, y))
        painter.setPen(QColor(colours.text))
        painter.drawText(QPointF(x + 18, y + metrics.capHeight() / 2), mark.name)
        x += 18 + width + 14


def paint_classes(
    painter: QPainter, at: QPointF, right: float, classes: Sequence[tuple[str, QColor]], colours: Colours
) -> None:
    """A chip and a name for each class, in a line from `at` to `right`."""
    metrics, x = QFontMetricsF(font("small")), at.x()
    painter.setFont(font("small"))
    for name, colour in classes:
        width = metrics.horizontalAdvance(name)
        if x + 16 + width > right:
            continue
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(x, at.y() + 2, 10, 10), 2, 2)
        painter.setPen(QColor(colours.text))
        painter.drawText(QPointF(x + 14, at.y() + 7 + metrics.capHeight() / 2), name)
        x += 14 + width + 14


def paint_note(painter: QPainter, room: QRectF, text: str, colours: Colours) -> None:
    """A sentence in the middle of the plane."""
    painter.setFont(font("body"))
    painter.setPen(QColor(colours.muted))
    inside = room.adjusted(2 * GRID, GRID, -2 * GRID, -GRID)
    painter.drawText(inside, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), text)


def _written(at: Sequence[float]) -> list[str]:
    step = at[1] - at[0] if len(at) > 1 else 1.0
    return [tick_text(value, step) for value in at]
