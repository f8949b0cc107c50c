"""A whole piece at a glance: where its notes are thick, and which part of it the roll shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.roll_notes import HasNotes, RollNotes, clock_text
from workbench.widgets.roll_view import KEYS
from workbench.widgets.timeline import Timeline

EDGE: Final = 6.0  # pixels within which an edge of the window is taken
_ZOOM: Final = 1.25

Drag = Literal["", "window", "start", "end"]


def density(notes: RollNotes, columns: int, rows: int, seconds: float) -> np.ndarray:
    """float32 [rows, columns] in [0, 1]: how full of sounding notes each part of a piece is, high notes at the top.

    A single note fills its cell by half, so that a lone voice is seen beside thick chords.
    """
    out = np.zeros((rows, columns + 1))
    if not len(notes) or seconds <= 0 or columns < 1 or rows < 1:
        return out[:, :columns].astype(np.float32)
    low, high = notes.pitch_range
    low, high = low - 1, max(high + 1, low + 12)
    row = ((high - np.arange(high + 1)) * (rows / (high - low + 1))).astype(int).clip(0, rows - 1)[notes.pitch]
    first = (notes.start / seconds * columns).astype(int).clip(0, columns - 1)
    last = np.maximum(np.ceil(notes.end / seconds * columns).astype(int), first + 1).clip(0, columns)
    for column, change in ((first, 1.0), (last, -1.0)):
        out += change * np.bincount(row * (columns + 1) + column, minlength=out.size).reshape(out.shape)
    count = out.cumsum(axis=1)[:, :columns]
    return (count / (count + 1)).astype(np.float32)


class MiniMap(Canvas):
    """Moves the view of a `Timeline` that it shares with rolls.

    Mouse: drag the window or its edges, press elsewhere to bring it there, double click shows everything; the
    wheel zooms. Keys: Left and Right scroll, + and − zoom, Home and End go to the ends, 0 shows everything.
    indent: pixels left free at the left, so that it lies below the notes of a roll and not below its keys.
    """

    def __init__(
        self,
        theme: Theme,
        timeline: Timeline,
        name: str = "Overview",
        *,
        indent: float = KEYS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self.timeline = timeline
        self._indent = indent
        self._notes = RollNotes.empty()
        self._drag: Drag = ""
        self._offset = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(120, 28)
        timeline.view_changed.connect(self._moved)
        timeline.loop_changed.connect(self.update)
        timeline.playhead_moved.connect(self._playhead_moved)
        self._length = timeline.duration
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(900, 36)

    # -- what it shows ----------------------------------------------------------------------------------------

    def set_notes(self, notes: HasNotes | None) -> None:
        """The piece to give an overview of."""
        self._notes = RollNotes.empty() if notes is None else RollNotes.of(notes)
        self.refresh()

    def columns(self) -> Mapping[str, np.ndarray]:
        if not len(self._notes):
            return {}
        seconds = np.arange(math.ceil(self._notes.duration))
        onsets = np.bincount(self._notes.start.astype(int), minlength=len(seconds))[: len(seconds)]
        return {"second": seconds, "notes that begin": onsets}

    def _moved(self) -> None:
        if self.timeline.duration != self._length:
            self._length = self.timeline.duration
            self.refresh()
        self._describe()
        self.update()

    def _playhead_moved(self, before: float, now: float) -> None:
        room = self._room(self.rect())
        for seconds in (before, now):
            self.update(QRect(math.floor(self._x(room, seconds)) - 2, 0, 5, self.height()))

    # -- where things are -------------------------------------------------------------------------------------

    @property
    def _whole(self) -> float:
        """Seconds from the left to the right end; as the roll's view of everything, with a little air."""
        return max(self.timeline.duration * 1.02, self.timeline.span)

    def _room(self, target: QRect) -> QRectF:
        return QRectF(target).adjusted(self._indent, 0, 0, 0)

    def _x(self, room: QRectF, seconds: float) -> float:
        return room.left() + seconds / self._whole * room.width()

    def place_of(self, seconds: float) -> QPointF:
        """Where a moment lies in the widget."""
        return QPointF(self._x(self._room(self.rect()), seconds), self.height() / 2)

    def time_of(self, x: float) -> float:
        """The moment at a place."""
        room = self._room(self.rect())
        return min(max((x - room.left()) / room.width(), 0.0), 1.0) * self._whole

    def window(self) -> QRectF:  # type: ignore[override]
        """The part of the widget that stands for what the roll shows."""
        return self._window(self._room(self.rect()))

    def _window(self, room: QRectF) -> QRectF:
        left, right = self._x(room, self.timeline.start), self._x(room, self.timeline.end)
        return QRectF(left, room.top(), max(right - left, 8.0), room.height())

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        room = self._room(target)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.sunken))
        painter.drawRoundedRect(room, 4, 4)
        ratio = 1.0 if self._layer is None else self.devicePixelRatioF()
        columns, rows = max(round(room.width() * ratio), 1), max(round((room.height() - 6) * ratio / 2), 1)
        full = density(self._notes, columns, rows, self._whole)
        ink = QColor(self.colours.text if self.theme.is_dark else self.colours.accent)
        rgba = np.empty((rows, columns, 4), np.uint8)
        rgba[..., :3] = (ink.red(), ink.green(), ink.blue())
        rgba[..., 3] = np.rint(255 * np.where(full > 0, 0.25 + 0.75 * full, 0)).astype(np.uint8)
        picture: QImage = image_of(rgba)
        painter.drawImage(room.adjusted(0, 3, 0, -3), picture)
        if not self.is_layer:
            self._paint_window(painter, room)

    def paint_over(self, painter: QPainter) -> None:
        room = self._room(self.rect())
        self._paint_window(painter, room)
        x = self._x(room, self.timeline.playhead)
        if self.timeline.duration > 0:
            for colour, width in ((self.colours.surface, 3.0), (self.colours.text, 1.5)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawLine(QPointF(x, room.top() + 1), QPointF(x, room.bottom() - 1))

    def _paint_window(self, painter: QPainter, room: QRectF) -> None:
        """What is not seen is veiled; the loop is a band."""
        c, window = self.colours, self._window(room)
        if not self.timeline.is_fitted:
            veil = QColor(c.window)
            veil.setAlpha(165)
            painter.fillRect(QRectF(room.left(), room.top(), window.left() - room.left(), room.height()), veil)
            painter.fillRect(QRectF(window.right(), room.top(), room.right() - window.right(), room.height()), veil)
        if self.timeline.loop is not None:
            a, b = (self._x(room, t) for t in self.timeline.loop)
            band = QColor(c.accent)
            band.setAlpha(70)
            painter.fillRect(QRectF(a, room.top(), max(b - a, 2), room.height()), band)
            painter.fillRect(QRectF(a, room.bottom() - 3, max(b - a, 2), 3), QColor(c.accent))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(c.accent), 1.5))
        painter.drawRoundedRect(window.adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)

    # -- mouse and keyboard -----------------------------------------------------------------------------------

    def _part_at(self, at: QPointF) -> Drag:
        window = self.window()
        edge = min(EDGE, window.width() / 3)
        if abs(at.x() - window.left()) <= edge:
            return "start"
        if abs(at.x() - window.right()) <= edge:
            return "end"
        return "window" if window.contains(at) else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        line = self.timeline
        self._drag = self._part_at(at)
        if not self._drag:
            self._drag = "window"
            line.scroll(self.time_of(at.x()) - line.span / 2 - line.start)
        self._offset = self.time_of(at.x()) - line.start

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, line = event.position(), self.timeline
        seconds = self.time_of(at.x())
        if self._drag == "window":
            line.scroll(seconds - self._offset - line.start)
        elif self._drag == "start":
            line.set_following(False)
            line.show_span(min(seconds, line.end - 0.25), line.end)
        elif self._drag == "end":
            line.set_following(False)
            line.show_span(line.start, max(seconds, line.start + 0.25))
        else:
            shapes = {"start": Qt.CursorShape.SizeHorCursor, "end": Qt.CursorShape.SizeHorCursor}
            self.setCursor(shapes.get(self._part_at(at), Qt.CursorShape.PointingHandCursor))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.timeline.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches:
            self.timeline.zoom(_ZOOM**-notches, self.time_of(event.position().x()))
            event.accept()
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        line = self.timeline
        match Qt.Key(event.key()):
            case Qt.Key.Key_Left:
                line.scroll(-line.span / 10)
            case Qt.Key.Key_Right:
                line.scroll(line.span / 10)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                line.zoom(1 / _ZOOM, line.start + line.span / 2)
            case Qt.Key.Key_Minus:
                line.zoom(_ZOOM, line.start + line.span / 2)
            case Qt.Key.Key_Home:
                line.scroll(-line.start)
            case Qt.Key.Key_End:
                line.scroll(line.duration)
            case Qt.Key.Key_0:
                line.fit()
            case _:
                super().keyPressEvent(event)

    def tip_at(self, at: QPointF) -> str:
        return clock_text(self.time_of(at.x()), 0.1) if at.x() >= self._indent else ""

    def _describe(self) -> None:
        line = self.timeline
        self.setAccessibleDescription(
            f"Shows {clock_text(line.start, 0.1)} to {clock_text(min(line.end, max(line.duration, line.start)), 0.1)}"
            f" of {clock_text(line.duration, 0.1)}"
        )
