"""A plane: a field of numbers or class regions over two axes, with paths, arrows and points that can be dragged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF

from workbench.theme import font
from workbench.widgets.basics import number
from workbench.widgets.field_canvas import FieldCanvas
from workbench.widgets.field_marks import pairs

REACH: Final = 12.0  # pixels within which a handle is taken
_ARROWS: Final = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class FieldView(FieldCanvas):
    """A plane to point at, to click, to drag handles on and to draw on.

    Signals: `clicked(x, y)`; `hovered(x, y)`, NaN on leaving; `point_moving(key, x, y)` while a handle is
    dragged and `point_moved(key, x, y)` at the end; `stroke_drawn(points)`, float [N, 2], in drawing mode. Keys:
    the arrows move the handle that was taken last, or a cross that Enter clicks with; Page Up and Page Down go
    to the next handle; Shift makes steps larger.
    """

    clicked = Signal(float, float)
    hovered = Signal(float, float)
    point_moving = Signal(str, float, float)
    point_moved = Signal(str, float, float)
    stroke_drawn = Signal(object)

    _taken = ""  # the handle that the keys move
    _held = ""  # the one that the mouse drags
    _cross: QPointF | None = None
    _mouse: QPointF | None = None
    _pressed: QPointF | None = None
    _draws = False
    _stroke: Sequence[QPointF] = ()

    def set_drawing(self, draws: bool) -> None:
        """In drawing mode dragging draws a line by hand, which `stroke_drawn` carries, instead of clicking."""
        self._draws = draws
        self.setCursor(Qt.CursorShape.CrossCursor if draws else Qt.CursorShape.ArrowCursor)

    def paint_over(self, painter: QPainter) -> None:
        room = self._room(self.rect())
        painter.setClipRect(room.adjusted(-8, -8, 8, 8))
        if len(self._stroke) > 1:
            for colour, width in ((self.colours.surface, 4.0), (self.colours.accent, 2.0)):
                painter.setPen(QPen(QColor(colour), width, c=Qt.PenCapStyle.RoundCap))
                painter.drawPolyline(QPolygonF(self._stroke))
        if self._taken in self._marks and self.hasFocus():
            painter.setPen(QPen(QColor(self.colours.text), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(self._place(room, *self.handle_at(self._taken)), 12, 12)
        cross = self._cross if self.hasFocus() and self._mouse is None else None
        at = self._mouse if self._mouse is not None else self._place(room, cross.x(), cross.y()) if cross else None
        if at is None or not room.contains(at):
            return
        if cross is not None:
            painter.setPen(QPen(QColor(self.colours.text), 1))
            painter.drawLine(QPointF(at.x(), room.top()), QPointF(at.x(), room.bottom()))
            painter.drawLine(QPointF(room.left(), at.y()), QPointF(room.right(), at.y()))
        self._paint_note(painter, room, at)

    def _paint_note(self, painter: QPainter, room: QRectF, at: QPointF) -> None:
        """The place and the value, in a corner away from the pointer."""
        x, y = self.point_at(at)
        text = f"({number(x)}, {number(y)})  {self.value_at(x, y)}".rstrip()
        metrics = QFontMetricsF(font("small"))
        box = QRectF(0, 0, metrics.horizontalAdvance(text) + 10, metrics.height() + 4)
        is_left = at.x() > room.center().x()
        box.moveTopLeft(QPointF(room.left() + 4 if is_left else room.right() - box.width() - 4, room.top() + 4))
        ground = QColor(self.colours.surface)
        ground.setAlpha(225)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(self.colours.text))
        painter.setFont(font("small"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _handle_near(self, at: QPointF) -> str:
        """The movable handle under a place, "" for none."""
        room = self._room(self.rect())
        near = {
            key: math.hypot(*(self._place(room, *mark.xy[0]) - at).toTuple())
            for key, mark in self._marks.items()
            if mark.kind == "handle" and mark.movable
        }
        found = min(near, key=lambda key: near[key], default="")
        return found if found and near[found] <= REACH else ""

    def _move_handle(self, key: str, x: float, y: float, *, done: bool) -> None:
        x, y = self._clipped(x, y)
        self._marks[key] = replace(self._marks[key], xy=pairs([(x, y)]))
        self.refresh()
        (self.point_moved if done else self.point_moving).emit(key, x, y)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton or not self._room(self.rect()).adjusted(-8, -8, 8, 8).contains(
            at
        ):
            return
        self._held = self._handle_near(at)
        if self._held:
            self._taken = self._held
        elif self._draws:
            self._stroke = [at]
        else:
            self._pressed = at
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        inside = self._room(self.rect()).contains(at)
        self._mouse = at if inside else None
        if self._held in self._marks:
            self._move_handle(self._held, *self.point_at(at), done=False)
        elif self._stroke and inside:
            self._stroke = [*self._stroke, at]
        if not self._draws:
            over = self._held or self._handle_near(at)
            self.setCursor(Qt.CursorShape.SizeAllCursor if over else Qt.CursorShape.ArrowCursor)
        self.hovered.emit(*(self.point_at(at) if inside else (math.nan, math.nan)))
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._held in self._marks:
            self._move_handle(self._held, *self.handle_at(self._held), done=True)
        elif len(self._stroke) > 1:
            points = np.array([self.point_at(at) for at in self._stroke])
            self._stroke = ()
            self.stroke_drawn.emit(points)
        elif self._pressed is not None:
            self.clicked.emit(*self._clipped(*self.point_at(event.position())))
        self._stroke, self._pressed, self._held = (), None, ""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self.hovered.emit(math.nan, math.nan)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _ARROWS:
            self._walk(key, 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            handles = [k for k, mark in self._marks.items() if mark.kind == "handle" and mark.movable]
            if handles:
                at = handles.index(self._taken) if self._taken in handles else -1
                self._taken = handles[(at + (1 if key == Qt.Key.Key_PageDown else -1)) % len(handles)]
                self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cross is not None:
            self.clicked.emit(self._cross.x(), self._cross.y())
        elif key == Qt.Key.Key_Escape and self._taken:
            self._taken = ""
            self.update()
        else:
            super().keyPressEvent(event)

    def _walk(self, key: Qt.Key, steps: int) -> None:
        left, right, bottom, top = self._extent
        dx, dy = _ARROWS[key][0] * steps * (right - left) / 100, _ARROWS[key][1] * steps * (top - bottom) / 100
        if self._taken in self._marks:
            x, y = self.handle_at(self._taken)
            self._move_handle(self._taken, x + dx, y + dy, done=True)
            return
        now = self._cross or QPointF((left + right) / 2 - dx, (bottom + top) / 2 - dy)
        self._cross = QPointF(*self._clipped(now.x() + dx, now.y() + dy))
        self._mouse = None
        said = self.value_at(self._cross.x(), self._cross.y())
        self.setAccessibleDescription(f"{number(self._cross.x())}, {number(self._cross.y())}: {said}")
        self.update()
