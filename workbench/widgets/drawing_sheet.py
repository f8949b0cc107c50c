"""The sheet of a drawing pad: strokes, steps back, and the drawing as pixels."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPen,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QWidget

from workbench.theme import Theme
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.pixels import rgba_of

FINE: Final = 10  # points of the sheet for each pixel of the drawing
MOST_UNDONE: Final = 60
_ARROWS: Final = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class Sheet(Canvas):
    """What is drawn on: ink in light grey values on black, at `FINE` points for each of side × side pixels.

    Signals: `stroked()` while drawing, `changed()` after each stroke, undo, clear or paste.
    """

    stroked = Signal()
    changed = Signal()

    def __init__(self, theme: Theme, side: int, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Drawing", parent)
        self.side = side
        self.brush = 2.2  # diameter in pixels of the drawing
        self.is_erasing = False
        self.shows_pixels = False
        self._image = self._blank()
        self._past: list[QImage] = []
        self._future: list[QImage] = []
        self._points: list[QPointF] = []
        self._started: QImage | None = None
        self._pen: QPointF | None = None  # the keyboard's, in pixels of the drawing
        self._mouse: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(96, 96)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleDescription(
            "Draw with the mouse. Arrow keys move the pen, with Shift they draw, Enter makes a dot."
        )

    # -- the drawing ------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    @property
    def is_empty(self) -> bool:
        return not self.fine().any()

    def fine(self) -> np.ndarray:
        """uint8 [FINE·side, FINE·side]: ink 0..255 at full resolution."""
        image = self._image
        flat = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        return flat[:, : image.width()].copy()

    def pixels(self) -> np.ndarray:
        """uint8 [side, side]: each pixel the mean of its points."""
        blocks = self.fine().reshape(self.side, FINE, self.side, FINE).astype(np.float64)
        return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)

    def set_pixels(self, pixels: np.ndarray) -> None:
        """Put a drawing uint8 [H, W] on the sheet, fitted to it; can be undone."""
        grey = image_of(rgba_of(np.asarray(pixels, np.uint8))).convertToFormat(QImage.Format.Format_Grayscale8)
        self._replace(self._fitted(grey))

    def clear(self) -> None:
        """Wipe the sheet; can be undone."""
        if not self.is_empty:
            self._replace(self._blank())

    def undo(self) -> None:
        if self._past and self._started is None:
            self._future.append(self._image)
            self._set_image(self._past.pop())

    def redo(self) -> None:
        if self._future and self._started is None:
            self._past.append(self._image)
            self._set_image(self._future.pop())

    def paste(self) -> bool:
        """Put the clipboard's picture on the sheet, light on dark; False if there is none."""
        picture = QGuiApplication.clipboard().image()
        if picture.isNull():
            return False
        paper = QImage(picture.size(), QImage.Format.Format_RGB32)
        paper.fill(Qt.GlobalColor.white)
        painter = QPainter(paper)
        painter.drawImage(0, 0, picture)
        painter.end()
        grey = paper.convertToFormat(QImage.Format.Format_Grayscale8)
        if _is_dark_on_light(grey):
            grey.invertPixels()
        self._replace(self._fitted(grey))
        return True

    def _blank(self) -> QImage:
        image = QImage(self.side * FINE, self.side * FINE, QImage.Format.Format_Grayscale8)
        image.fill(0)
        return image

    def _fitted(self, grey: QImage) -> QImage:
        blank = self._blank()
        modes = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        small = grey.scaled(blank.size(), *modes)
        painter = QPainter(blank)
        painter.drawImage((blank.width() - small.width()) // 2, (blank.height() - small.height()) // 2, small)
        painter.end()
        return blank

    def _replace(self, image: QImage) -> None:
        self._remember(self._image)
        self._set_image(image)

    def _remember(self, image: QImage) -> None:
        self._past.append(image)
        del self._past[:-MOST_UNDONE]
        self._future.clear()

    def _set_image(self, image: QImage) -> None:
        self._image = image
        self.refresh()
        self.changed.emit()

    # -- strokes ----------------------------------------------------------------------------------------------

    def begin_stroke(self, at: QPointF) -> None:
        """Put the pen down at a point in pixels of the drawing."""
        self._started = self._image.copy()
        self._points = [at]
        self._ink(_dot(at))

    def go_on(self, at: QPointF) -> None:
        """Draw on to a point: curves through the middles of the ways, so that fast strokes have no corners."""
        self._points.append(at)
        path = QPainterPath()
        if len(self._points) == 2:
            path.moveTo(self._points[0])
            path.lineTo((self._points[0] + at) / 2)
        else:
            before, corner, now = self._points[-3:]
            path.moveTo((before + corner) / 2)
            path.quadTo(corner, (corner + now) / 2)
        self._ink(path)
        self.stroked.emit()

    def end_stroke(self) -> None:
        """Lift the pen."""
        if self._started is None:
            return
        if len(self._points) > 1:
            path = QPainterPath((self._points[-2] + self._points[-1]) / 2)
            path.lineTo(self._points[-1])
            self._ink(path)
        self._remember(self._started)
        self._started = None
        self.changed.emit()

    def _ink(self, path: QPainterPath) -> None:
        painter = QPainter(self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(FINE, FINE)
        colour = QColor("black" if self.is_erasing else "white")
        caps = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.setPen(QPen(colour, self.brush * (1.6 if self.is_erasing else 1.0), Qt.PenStyle.SolidLine, *caps))
        painter.drawPath(path)
        painter.end()
        self.refresh()

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        room = self._room(target)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not self.shows_pixels)
        if self.shows_pixels:
            painter.drawImage(room, image_of(rgba_of(self.pixels())))
        else:
            painter.drawImage(room, self._image)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.colours.border), 1))
        painter.drawRect(room.adjusted(-0.5, -0.5, 0.5, 0.5))
        if self.is_empty and self._started is None:
            painter.setPen(QColor("#8b93a1"))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "Draw here")

    def paint_over(self, painter: QPainter) -> None:
        room = self._room(self.rect())
        scale = room.width() / self.side
        at = self._mouse if self._mouse is not None else self._pen if self.hasFocus() else None
        if at is None:
            return
        radius = self.brush * (1.6 if self.is_erasing else 1.0) / 2 * scale
        centre = QPointF(room.left() + at.x() * scale, room.top() + at.y() * scale)
        painter.setClipRect(room)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in (("#101218", 3), ("#ffffff", 1)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawEllipse(centre, radius, radius)

    def _room(self, target: QRect) -> QRectF:
        side = min(target.width(), target.height()) - 8
        left, top = target.left() + (target.width() - side) // 2, target.top() + (target.height() - side) // 2
        return QRectF(left, top, side, side)

    def point_at(self, at: QPointF) -> QPointF:
        """A place of the widget in pixels of the drawing."""
        room = self._room(self.rect())
        scale = room.width() / self.side
        return QPointF((at.x() - room.left()) / scale, (at.y() - room.top()) / scale)

    def place_of(self, x: float, y: float) -> QPointF:
        """Where a point of the drawing lies in the widget."""
        room = self._room(self.rect())
        scale = room.width() / self.side
        return QPointF(room.left() + x * scale, room.top() + y * scale)

    # -- mouse and keyboard -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = self.point_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and 0 <= at.x() <= self.side and 0 <= at.y() <= self.side:
            self._pen = None
            self.begin_stroke(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse = self.point_at(event.position())
        if self._started is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.go_on(self._mouse)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.end_stroke()

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, keys = Qt.Key(event.key()), QKeySequence.StandardKey
        if event.matches(keys.Undo):
            self.undo()
        elif event.matches(keys.Redo):
            self.redo()
        elif event.matches(keys.Paste):
            self.paste()
        elif key in _ARROWS:
            self._walk(key, draws=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._pen is not None:
            self.begin_stroke(self._pen)
            self.end_stroke()
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.clear()
        else:
            super().keyPressEvent(event)

    def _walk(self, key: Qt.Key, *, draws: bool) -> None:
        x, y = _ARROWS[key]
        now = self._pen or QPointF(self.side / 2, self.side / 2)
        then = QPointF(min(max(now.x() + x, 0.5), self.side - 0.5), min(max(now.y() + y, 0.5), self.side - 0.5))
        if draws:
            self.begin_stroke(now)
            self.go_on(then)
            self.end_stroke()
        self._pen, self._mouse = then, None
        self.update()

    def extend_menu(self, menu: QMenu) -> None:
        menu.addSeparator()
        menu.addAction("Paste a picture", self.paste)
        menu.addAction("Clear", self.clear)


def _dot(at: QPointF) -> QPainterPath:
    """A stroke of no length; Qt draws none, so it has a little."""
    path = QPainterPath(at)
    path.lineTo(at + QPointF(0.01, 0))
    return path


def _is_dark_on_light(grey: QImage) -> bool:
    """Whether the border of a picture is lighter than its middle tone: ink on paper."""
    flat = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())[:, : grey.width()]
    border = np.concatenate([flat[0], flat[-1], flat[:, 0], flat[:, -1]])
    return float(border.mean()) > 127
