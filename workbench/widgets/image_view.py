"""A picture to point at: its pixels are read out, it is zoomed and moved, and others follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from workbench.widgets.image_canvas import SMOOTH_FROM, ImageCanvas

__all__ = ["SMOOTH_FROM", "ImageView", "link"]

_ARROWS: Final = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class ImageView(ImageCanvas):
    """A picture to point at.

    Signals: `pixel_hovered(row, col)`, (-1, -1) on leaving; `pixel_clicked(row, col)` for a click, or Enter
    after walking there with the arrow keys. Keys + − 0 and the wheel with Ctrl zoom, dragging moves a zoomed
    picture.
    """

    pixel_hovered = Signal(int, int)
    pixel_clicked = Signal(int, int)

    _grabbed: QPointF | None = None
    _is_dragged = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and event.angleDelta().y():
            at = self.pixel_at(event.position().x(), event.position().y())
            self.zoom_by(1 if event.angleDelta().y() > 0 else -1, (at[1] + 0.5, at[0] + 0.5) if at else None)
            event.accept()
        else:
            event.ignore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed, self._is_dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        moved = event.position() - self._grabbed if self._grabbed is not None else QPointF()
        if self._zoom and self._grabbed is not None and (self._is_dragged or moved.manhattanLength() > 4):
            side = self._place(self.rect(), self.devicePixelRatioF()).side
            middle = self._middle()
            self._centre = middle[0] - moved.x() / side, middle[1] - moved.y() / side
            self._grabbed, self._is_dragged = event.position(), True
            self.refresh()
        self._point_at(self.pixel_at(event.position().x(), event.position().y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at = self.pixel_at(event.position().x(), event.position().y())
        if self._grabbed is not None and not self._is_dragged and at is not None:
            self.pixel_clicked.emit(*at)
        self._grabbed = None

    def leaveEvent(self, event: QEvent) -> None:
        self._point_at(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._values is not None and key in _ARROWS:
            down, right = _ARROWS[key]
            row, column = self._pixel or (self._values.shape[0] // 2 - down, self._values.shape[1] // 2 - right)
            self._point_at(
                (min(max(row + down, 0), self._values.shape[0] - 1),
                 min(max(column + right, 0), self._values.shape[1] - 1))
            )  # fmt: skip
            assert self._pixel is not None
            self.setAccessibleDescription(self.read_out(*self._pixel))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._pixel is not None:
            self.pixel_clicked.emit(*self._pixel)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(1)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(-1)
        elif key == Qt.Key.Key_0:
            self.zoom_to_fit()
        else:
            super().keyPressEvent(event)

    def _point_at(self, pixel: tuple[int, int] | None) -> None:
        if pixel != self._pixel:
            self._pixel = pixel
            self.pixel_hovered.emit(*(pixel or (-1, -1)))
            self.update()


def link(views: Sequence[ImageView]) -> None:
    """Let views of one size point at the same pixel: a picture, its attacked twin and their difference are read
    together."""
    for view in views:
        for other in views:
            if other is not view:
                view.pixel_hovered.connect(other.show_pixel)
