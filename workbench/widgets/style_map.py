"""A map of pieces by their style, with a puck to drag between them."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent

from workbench.widgets.style_map_canvas import StyleMapCanvas, blend_weights

__all__ = ["StyleMap", "blend_weights"]

REACH: Final = 12.0  # pixels within which a point is hit
_ARROWS: Final = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}


class StyleMap(StyleMapCanvas):
    """The puck says which blend is meant.

    Signals: `puck_moving(x, y)` while it is dragged and `puck_moved(x, y)` at the end and for each key;
    `point_chosen(index)` for a click on a point. `weights()` says which pieces the puck stands for. Keys: arrows
    move the puck (with Shift further), Page Up and Page Down go from point to point, Enter chooses the nearest.
    """

    puck_moving = Signal(float, float)
    puck_moved = Signal(float, float)
    point_chosen = Signal(int)

    _pressed: QPointF | None = None

    def _near(self, at: QPointF) -> int:
        """The point under a place, -1 for none."""
        if not len(self._points):
            return -1
        places = [self.place_of(x, y) for x, y in self._points.tolist()]
        far = [math.hypot(p.x() - at.x(), p.y() - at.y()) for p in places]
        k = far.index(min(far))
        return k if far[k] <= REACH else -1

    def _move_puck(self, x: float, y: float, *, done: bool) -> None:
        self.set_puck(x, y)
        (self.puck_moved if done else self.puck_moving).emit(*self._puck)

    def choose(self, index: int) -> None:
        """Choose a point, and put the puck on it."""
        if 0 <= index < len(self._points):
            self._chosen = index
            self.point_chosen.emit(index)
            self._move_puck(*self._points[index].tolist(), done=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and len(self._points):
            at, puck = event.position(), self.place_of(*self._puck)
            on_puck = math.hypot(at.x() - puck.x(), at.y() - puck.y()) <= REACH
            self._pressed = at
            self._is_held = on_puck or self._near(at) < 0
            if self._is_held and not on_puck and self._room(self.rect()).contains(at):
                self._move_puck(*self.point_at(at), done=False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._pressed is not None and not self._is_held:
            # Whoever drags from a point means the puck, and brings it along.
            self._is_held = (at - self._pressed).manhattanLength() > 5
        if self._is_held:
            self._move_puck(*self.point_at(at), done=False)
            return
        hovered = self._near(at)
        if hovered != self._hovered:
            self._hovered = hovered
            self.update()
        self.setCursor(Qt.CursorShape.PointingHandCursor if hovered >= 0 else Qt.CursorShape.CrossCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        was_held, self._is_held, self._pressed = self._is_held, False, None
        if was_held:
            self._move_puck(*self._puck, done=True)
        else:
            self.choose(self._near(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key in _ARROWS and len(self._points):
            left, right, low, high = self._extent()
            step = max(right - left, high - low) / (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 50)
            dx, dy = _ARROWS[key]
            self._move_puck(self._puck[0] + dx * step, self._puck[1] + dy * step, done=True)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and len(self._points):
            self.choose((self._chosen + (1 if key == Qt.Key.Key_PageDown else -1)) % len(self._points))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and len(self._points):
            self.choose(int(self.weights(1)[0][0]))
        else:
            super().keyPressEvent(event)
