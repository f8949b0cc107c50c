"""Notes that fall onto a keyboard: the piece as the player's hands will meet it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QLinearGradient, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.canvas import Canvas
from workbench.widgets.keyboard_view import KeyboardView
from workbench.widgets.roll_canvas import FLASH_S
from workbench.widgets.roll_geometry import tick_times
from workbench.widgets.roll_ink import ink_on, melody_colour, mixed, sized
from workbench.widgets.roll_notes import (
    HasNotes,
    RollNotes,
    clock_text,
    is_black,
    pitch_name,
    velocity_level,
    velocity_rgb,
)
from workbench.widgets.timeline import Timeline

SHORTEST, LONGEST = 1.0, 12.0
"""Seconds that may be seen ahead."""
_STEP: Final = 1.25
LEAST_NAMED: Final = 17.0  # pixels of a note: "G♯4" in letters that can be read


class FallingNotes(Canvas):
    """Lies above a `KeyboardView` of the same width; a note touches its key when it sounds.

    Signals: `seek_requested(seconds)`, `play_requested()`. Click seeks to what is there; the wheel and + and −
    change how many seconds are seen ahead; Space, Home, End, Up and Down by 1 s (with Shift 5 s) as in the roll.
    """

    seek_requested = Signal(float)
    play_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        timeline: Timeline,
        keyboard: KeyboardView,
        name: str = "Falling notes",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self.timeline = timeline
        self._keyboard = keyboard
        self._notes = RollNotes.empty()
        self._melody: RollNotes | None = None
        self._ahead = 4.0
        self._lanes_for: object = None
        self._lanes: dict[int, tuple[float, float]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(180, 100)
        timeline.playhead_moved.connect(self._moved)
        keyboard.range_changed.connect(self.refresh)
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(900, 300)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def ahead(self) -> float:
        """Seconds from the upper edge to the keys."""
        return self._ahead

    def set_ahead(self, seconds: float) -> None:
        """See more or fewer seconds ahead; notes fall slower or faster."""
        self._ahead = min(max(seconds, SHORTEST), LONGEST)
        self._describe()
        self.update()

    def set_notes(self, notes: HasNotes | None) -> None:
        """Show notes. Raises ValueError as `RollNotes.of`."""
        self._notes = RollNotes.empty() if notes is None else RollNotes.of(notes)
        self.timeline.set_duration(self._notes.duration, of=id(self))
        self._describe()
        self.update()

    def set_melody(self, melody: HasNotes | None) -> None:
        """Notes in the melody's colour besides; None takes them away."""
        self._melody = None if melody is None else RollNotes.of(melody)
        self.update()

    def columns(self) -> Mapping[str, np.ndarray]:
        if not len(self._notes):
            return {}
        return {"start (s)": self._notes.start, "end (s)": self._notes.end, "pitch": self._notes.pitch}

    # -- where things are -------------------------------------------------------------------------------------

    def time_at(self, y: float) -> float:
        """When what is at a height will reach the keys."""
        return self.timeline.playhead + (self.height() - y) / max(self.height(), 1) * self._ahead

    def note_rect(self, start: float, end: float, pitch: int) -> QRectF:
        """The place of a note at this moment."""
        return self._place(QRectF(self.rect()), start, end, pitch)

    def _place(self, room: QRectF, start: float, end: float, pitch: int) -> QRectF:
        left, width = self._lane_of(room, pitch)
        scale = room.height() / self._ahead
        now = self.timeline.playhead
        top = room.bottom() - (end - now) * scale
        height = max((end - start) * scale - 1.5, 3.0)
        inset = 1.0 if is_black(pitch) else min(width * 0.12, 3.0)
        return QRectF(left + inset, top, width - 2 * inset, height)

    def _lane_of(self, room: QRectF, pitch: int) -> tuple[float, float]:
        """Left edge and width of a key's lane; found once for each width, for many notes fall at once."""
        where = (room.left(), room.width(), self._keyboard.pitches, self.devicePixelRatioF())
        if where != self._lanes_for:
            self._lanes_for = where
            keys = ((p, self._keyboard.key_in(p, room)) for p in range(128))
            self._lanes = {p: (key.left(), key.width()) for p, key in keys}
        return self._lanes[pitch]

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        """The lanes of the keys; what falls is painted over them."""
        room = QRectF(target)
        c = self.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(room, QColor(c.surface))
        shade = mixed(c.surface, c.sunken, 0.8 if self.theme.is_dark else 0.62)
        for pitch in self._keyboard.pitches:
            key = self._keyboard.key_in(pitch, room)
            if is_black(pitch):
                painter.fillRect(QRectF(key.left(), room.top(), key.width(), room.height()), shade)
            elif pitch % 12 in (0, 5):
                painter.fillRect(QRectF(key.left(), room.top(), 1, room.height()), QColor(c.border))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.is_layer:
            self._paint_falling(painter, room)

    def paint_over(self, painter: QPainter) -> None:
        self._paint_falling(painter, QRectF(self.rect()))

    def _paint_falling(self, painter: QPainter, room: QRectF) -> None:
        now = self.timeline.playhead
        painter.save()
        painter.setClipRect(room)
        self._paint_seconds(painter, room)
        rgb, levels = velocity_rgb(self.theme.is_dark), velocity_level(self._notes.velocity)
        seen = self._notes.within(now, now + self._ahead)
        on_white = [k for k in seen if not is_black(int(self._notes.pitch[k]))]
        for k in (*on_white, *(k for k in seen if is_black(int(self._notes.pitch[k])))):
            self._paint_note(painter, room, self._notes, int(k), QColor(*(int(v) for v in rgb[levels[k]])))
        if self._melody is not None:
            for k in self._melody.within(now, now + self._ahead):
                self._paint_note(painter, room, self._melody, int(k), melody_colour(self.theme.is_dark))
        painter.restore()
        painter.fillRect(QRectF(room.left(), room.bottom() - 2, room.width(), 2), QColor(self.colours.muted))
        if not len(self._notes):
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, "No notes yet")

    def _paint_seconds(self, painter: QPainter, room: QRectF) -> None:
        """A line for each second, so that an even fall is seen as even time."""
        now, metrics = self.timeline.playhead, QFontMetricsF(font("small"))
        step = 1.0 if room.height() / self._ahead >= 24 else 5.0
        painter.setFont(font("small"))
        for _, seconds in tick_times(now, now + self._ahead, step):
            y = room.bottom() - (seconds - now) / self._ahead * room.height()
            painter.fillRect(QRectF(room.left(), y, room.width(), 1), QColor(self.colours.border))
            if metrics.height() < y - room.top():
                painter.setPen(QColor(self.colours.muted))
                painter.drawText(QPointF(room.left() + 5, y - 4), clock_text(seconds))

    def _paint_note(self, painter: QPainter, room: QRectF, notes: RollNotes, k: int, colour: QColor) -> None:
        pitch, now = int(notes.pitch[k]), self.timeline.playhead
        if pitch not in self._keyboard.pitches:
            return
        box = self._place(room, float(notes.start[k]), float(notes.end[k]), pitch)
        sounds = notes.start[k] <= now < notes.end[k]
        radius = min(4.0, box.width() / 4)
        painter.setPen(Qt.PenStyle.NoPen)
        if sounds:
            strength = math.exp(-max(now - float(notes.start[k]), 0.0) / FLASH_S)
            self._paint_beam(painter, room, box, colour, strength)
            colour = mixed(colour, "#ffffff", (0.45 if self.theme.is_dark else 0.25) * (0.4 + 0.6 * strength))
        painter.setBrush(colour)
        painter.drawRoundedRect(box, radius, radius)
        if sounds:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor("#ffffff" if self.theme.is_dark else self.colours.text), 1.25))
            painter.drawRoundedRect(box, radius, radius)
        if box.height() >= 16 and box.width() >= LEAST_NAMED:
            painter.setFont(sized(11.0))
            painter.setPen(ink_on(colour))
            below = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
            painter.drawText(box.adjusted(-2, 0, 2, -2), below, pitch_name(pitch))

    def _paint_beam(self, painter: QPainter, room: QRectF, box: QRectF, colour: QColor, strength: float) -> None:
        """Light that rises from a key that sounds."""
        high = 46.0 + 34.0 * strength
        shade = QLinearGradient(QPointF(0, room.bottom()), QPointF(0, room.bottom() - high))
        bright, gone = QColor(colour), QColor(colour)
        bright.setAlpha(round(90 + 110 * strength))
        gone.setAlpha(0)
        shade.setColorAt(0, bright)
        shade.setColorAt(1, gone)
        wide = 3.0 + 5.0 * strength
        painter.setBrush(shade)
        painter.drawRect(QRectF(box.left() - wide, room.bottom() - high, box.width() + 2 * wide, high))

    def _moved(self, before: float, now: float) -> None:
        self.update()

    # -- mouse and keyboard -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._seek(self.time_at(event.position().y()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120
        if notches:
            self.set_ahead(self._ahead * _STEP**-notches)
            event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        line, key = self.timeline, Qt.Key(event.key())
        by = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        match key:
            case Qt.Key.Key_Space:
                if not event.isAutoRepeat():
                    self.play_requested.emit()
            case Qt.Key.Key_Up | Qt.Key.Key_Right:
                self._seek(line.playhead + by)
            case Qt.Key.Key_Down | Qt.Key.Key_Left:
                self._seek(line.playhead - by)
            case Qt.Key.Key_Home:
                self._seek(0.0)
            case Qt.Key.Key_End:
                self._seek(line.duration)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.set_ahead(self._ahead / _STEP)
            case Qt.Key.Key_Minus:
                self.set_ahead(self._ahead * _STEP)
            case _:
                super().keyPressEvent(event)

    def _seek(self, seconds: float) -> None:
        self.seek_requested.emit(min(max(seconds, 0.0), self.timeline.duration))

    def tip_at(self, at: QPointF) -> str:
        now = self.timeline.playhead
        for k in self._notes.within(now, now + self._ahead)[::-1]:
            start, end, pitch = float(self._notes.start[k]), float(self._notes.end[k]), int(self._notes.pitch[k])
            if pitch in self._keyboard.pitches and self.note_rect(start, end, pitch).contains(at):
                return f"{pitch_name(pitch)}, velocity {self._notes.velocity[k]}, {1000 * (end - start):.0f}\u202fms"
        return ""

    def _describe(self) -> None:
        self.setAccessibleDescription(f"{len(self._notes)} notes; the next {self._ahead:.1f} seconds are seen")
