"""A piano keyboard that lights up with what sounds, and plays when it is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_ink import ink_on, key_colours, sized
from workbench.widgets.roll_notes import (
    HIGHEST,
    LOWEST,
    is_black,
    pitch_name,
    spoken_pitch,
    velocity_level,
    velocity_rgb,
)

SOFTEST, LOUDEST = 30, 115
"""Velocities of a touch at the far end of a key and at its edge."""
TYPED_VELOCITY: Final = 80
_LETTERS: Final = {
    Qt.Key.Key_A: 0, Qt.Key.Key_W: 1, Qt.Key.Key_S: 2, Qt.Key.Key_E: 3, Qt.Key.Key_D: 4, Qt.Key.Key_F: 5,
    Qt.Key.Key_T: 6, Qt.Key.Key_G: 7, Qt.Key.Key_Y: 8, Qt.Key.Key_Z: 8, Qt.Key.Key_H: 9, Qt.Key.Key_U: 10,
    Qt.Key.Key_J: 11, Qt.Key.Key_K: 12, Qt.Key.Key_O: 13, Qt.Key.Key_L: 14, Qt.Key.Key_P: 15,
}  # fmt: skip
"""Semitones above the typed octave's C. Y and Z change places on German keyboards, so both are A flat."""
_BLACK_WIDTH, _BLACK_LENGTH = 0.58, 0.62


def white_keys_below(pitch: int) -> int:
    """How many white keys MIDI has below a pitch."""
    return pitch // 12 * 7 + (0, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6, 6)[pitch % 12]


class KeyboardView(Canvas):
    """Keys from `low` to `high`, MIDI numbers, the ends white.

    Signals: `key_pressed(pitch, velocity)`, `key_released(pitch)`, `range_changed()`. A touch near the edge of a key is
    louder. Keys: the row A S D F … plays white keys, W E T … black ones, Page Up and Page Down change the octave; Left
    and Right move a mark that Enter plays. Nothing stays held when the keyboard is hidden or loses the focus.
    """

    key_pressed = Signal(int, int)
    key_released = Signal(int)
    range_changed = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str = "Piano keyboard",
        *,
        low: int = LOWEST,
        high: int = HIGHEST,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self._low, self._high = low, high
        self._sounding: dict[int, int] = {}
        self._by_mouse = -1
        self._by_letter: dict[int, int] = {}  # key of the computer's keyboard → pitch
        self._outside: set[int] = set()
        self._octave = 4
        self._mark = 60
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumSize(180, 40)
        self.set_range(low, high)
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(900, 84)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def held(self) -> frozenset[int]:
        """Pitches that are held down here, by mouse or keyboard."""
        return frozenset({*self._by_letter.values(), self._by_mouse} - {-1})

    @property
    def octave(self) -> int:
        """The octave that letters play; 4 begins with middle C."""
        return self._octave

    @property
    def pitches(self) -> range:
        """The keys that there are."""
        return range(self._low, self._high + 1)

    def set_range(self, low: int, high: int) -> None:
        """Show keys low..high; a black key at an end takes its outer neighbour along."""
        low, high = max(min(low, high), 0), min(max(low, high), 127)
        self._low, self._high = low - is_black(low), min(high + is_black(high), 127)
        self._mark = min(max(self._mark, self._low), self._high)
        self.refresh()
        self.range_changed.emit()

    def set_sounding(self, velocities: Mapping[int, int]) -> None:
        """Light the keys that sound, pitch → velocity, in the colours of the roll."""
        if dict(velocities) != self._sounding:
            self._sounding = dict(velocities)
            self.update()

    def set_outside(self, pitches: frozenset[int] | set[int]) -> None:
        """Keys held on a connected keyboard; lit as those held here."""
        if set(pitches) != self._outside:
            self._outside = set(pitches)
            self.update()

    # -- where things are -------------------------------------------------------------------------------------

    def _whites(self) -> list[int]:
        return [p for p in range(self._low, self._high + 1) if not is_black(p)]

    def key_rect(self, pitch: int) -> QRectF:
        """The place of a key in the widget; a black one lies upon its neighbours."""
        return self.key_in(pitch, QRectF(self.rect()))

    def key_in(self, pitch: int, room: QRectF) -> QRectF:
        """The place of a key if the keyboard were drawn into `room`."""
        count = white_keys_below(self._high + 1) - white_keys_below(self._low)
        width = room.width() / max(count, 1)
        before = white_keys_below(pitch) - white_keys_below(self._low)
        ratio = self.devicePixelRatioF()

        def edge(k: float) -> float:
            return round((room.left() + k * width) * ratio) / ratio

        if not is_black(pitch):
            return QRectF(edge(before), room.top(), edge(before + 1) - edge(before), room.height())
        # Black keys of a real piano lean outwards within their groups of two and three.
        lean = {1: -0.10, 3: 0.10, 6: -0.14, 8: 0.0, 10: 0.14}[pitch % 12]
        half = _BLACK_WIDTH / 2
        left, right = edge(before + lean - half), edge(before + lean + half)
        return QRectF(left, room.top(), right - left, round(room.height() * _BLACK_LENGTH))

    def pitch_at(self, at: QPointF) -> int:
        """The key under a place, -1 for none."""
        if not QRectF(self.rect()).contains(at):
            return -1
        whites = self._whites()
        white = whites[min(int(at.x() / self.width() * len(whites)), len(whites) - 1)]
        for pitch in (white - 1, white + 1):
            if self._low <= pitch <= self._high and is_black(pitch) and self.key_rect(pitch).contains(at):
                return pitch
        return white

    def tip_at(self, at: QPointF) -> str:
        pitch = self.pitch_at(at)
        return f"{pitch_name(pitch)}, MIDI {pitch}" if pitch >= 0 else ""

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        room = QRectF(target)
        ivory, ebony = key_colours(self.theme.is_dark)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(room, QColor(self.colours.border))
        for pitch in self._whites():
            self._paint_white(painter, self.key_in(pitch, room), ivory)
        self._paint_names(painter, room, {})
        self._paint_blacks(painter, room, {}, ebony)
        painter.fillRect(QRectF(room.left(), room.top(), room.width(), 1.5), QColor(self.colours.border))

    def _lit(self) -> dict[int, QColor]:
        rgb = velocity_rgb(self.theme.is_dark)
        levels = velocity_level(np.fromiter(self._sounding.values(), float, len(self._sounding)))
        lit = {p: QColor(*(int(v) for v in rgb[k])) for p, k in zip(self._sounding, levels, strict=True)}
        return {**lit, **{p: QColor(self.colours.accent) for p in self._outside | self.held}}

    def paint_over(self, painter: QPainter) -> None:
        room = QRectF(self.rect())
        lit = self._lit()
        _, ebony = key_colours(self.theme.is_dark)
        whites = [p for p in lit if self._low <= p <= self._high and not is_black(p)]
        for pitch in whites:
            self._paint_white(painter, self.key_in(pitch, room), lit[pitch], pressed=True)
        self._paint_names(painter, room, {p: lit[p] for p in whites}, only=True)
        self._paint_blacks(painter, room, lit, ebony, near=whites)
        if self._has_ring and self.hasFocus():
            key = self.key_in(self._mark, room)
            painter.setPen(QPen(QColor(self.colours.accent), 2))
            painter.setBrush(QColor(self.colours.surface))
            size = min(key.width() * 0.5, 8.0)
            painter.drawEllipse(QPointF(key.center().x(), key.bottom() - size - 16), size / 2, size / 2)

    def _paint_white(self, painter: QPainter, key: QRectF, colour: QColor, *, pressed: bool = False) -> None:
        shape = key.adjusted(0, -4, -1, -1 if pressed else -2)
        shade = QLinearGradient(key.topLeft(), key.bottomLeft())
        shade.setColorAt(0.0, colour.darker(112))
        shade.setColorAt(0.25, colour)
        shade.setColorAt(1.0, colour.lighter(112) if pressed else colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawRoundedRect(shape, 3, 3)
        if not pressed:  # the front edge, which a key loses when it goes down
            painter.fillRect(QRectF(shape.left() + 1, shape.bottom() - 3, shape.width() - 2, 2), colour.darker(110))

    def _paint_blacks(
        self, painter: QPainter, room: QRectF, lit: Mapping[int, QColor], ebony: QColor, near: list[int] | None = None
    ) -> None:
        """All black keys, or only those that are lit or lie upon the white keys `near`."""
        for pitch in range(self._low, self._high + 1):
            if not is_black(pitch) or (near is not None and pitch not in lit and not {pitch - 1, pitch + 1} & {*near}):
                continue
            key = self.key_in(pitch, room)
            pressed = pitch in lit
            painter.setPen(QPen(ebony, 1))
            painter.setBrush(ebony)
            body = key.adjusted(0.5, -3, -0.5, 0)
            painter.drawRoundedRect(body, 2, 2)
            top = lit.get(pitch, ebony.lighter(135))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(top)
            painter.drawRoundedRect(key.adjusted(2, -3, -2, -2 if pressed else -max(key.height() * 0.12, 3)), 1.5, 1.5)

    def _paint_names(self, painter: QPainter, room: QRectF, lit: Mapping[int, QColor], *, only: bool = False) -> None:
        """The names of the Cs, or of all white keys where there is room; of lit ones in a readable ink."""
        width = room.width() / max(len(self._whites()), 1)
        size = min(max(width * 0.5, 8.0), 11.0)
        if room.height() < 44:
            return
        painter.setFont(sized(size))
        metrics = QFontMetricsF(painter.font())
        for pitch in lit if only else self._whites():
            name = pitch_name(pitch)
            if (pitch % 12 and width < 30) or metrics.horizontalAdvance(name) > width + 3:
                continue
            ground = lit.get(pitch)
            painter.setPen(ink_on(ground) if ground is not None else QColor("#4a505c"))
            key = self.key_in(pitch, room)
            painter.drawText(
                key.adjusted(-2, 0, 2, -7), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, name
            )

    # -- playing ----------------------------------------------------------------------------------------------

    def _hold_with_mouse(self, pitch: int, velocity: int) -> None:
        if pitch == self._by_mouse:
            return
        before, self._by_mouse = self._by_mouse, pitch
        if before >= 0 and before not in self._by_letter.values():
            self.key_released.emit(before)
        if pitch >= 0 and pitch not in self._by_letter.values():
            self.key_pressed.emit(pitch, velocity)
        self.update()
        self._describe()

    def _velocity_at(self, pitch: int, at: QPointF) -> int:
        key = self.key_rect(pitch)
        depth = min(max((at.y() - key.top()) / max(key.height(), 1), 0.0), 1.0)
        return round(SOFTEST + depth * (LOUDEST - SOFTEST))

    def release_all(self) -> None:
        """Let go of everything that is held here."""
        self._hold_with_mouse(-1, 0)
        for letter in list(self._by_letter):
            self._let_go(letter)

    def _let_go(self, letter: int) -> None:
        pitch = self._by_letter.pop(letter, -1)
        if pitch >= 0 and pitch not in self._by_letter.values() and pitch != self._by_mouse:
            self.key_released.emit(pitch)
        self.update()
        self._describe()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        pitch = self.pitch_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and pitch >= 0:
            self._mark = pitch
            self._hold_with_mouse(pitch, self._velocity_at(pitch, event.position()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._by_mouse >= 0 and event.buttons() & Qt.MouseButton.LeftButton:
            at = event.position()
            at.setY(min(max(at.y(), 0.0), self.height() - 1.0))  # a glissando may leave the keys a little
            pitch = self.pitch_at(at)
            if pitch >= 0:
                self._hold_with_mouse(pitch, self._velocity_at(pitch, at))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._hold_with_mouse(-1, 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
        elif key in _LETTERS or key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            pitch = self._mark if key not in _LETTERS else 12 * (self._octave + 1) + _LETTERS[key]
            if not event.isAutoRepeat() and key not in self._by_letter and self._low <= pitch <= self._high:
                is_new = pitch not in self.held
                self._by_letter[int(key)] = pitch
                if is_new:
                    self.key_pressed.emit(pitch, TYPED_VELOCITY)
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self._octave = min(max(self._octave + (1 if key == Qt.Key.Key_PageUp else -1), 0), 7)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = 1 if key == Qt.Key.Key_Right else -1
            self._mark = min(max(self._mark + step, self._low), self._high)
        else:
            super().keyPressEvent(event)
            return
        self.update()
        self._describe()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in self._by_letter:
            if not event.isAutoRepeat():
                self._let_go(event.key())
        else:
            super().keyReleaseEvent(event)

    # -- surroundings -----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # Letters play here, whatever shortcut the window has for them.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in _LETTERS
            and not event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier
        ):
            event.accept()
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.release_all()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.release_all()
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self.release_all()
        super().changeEvent(event)

    def _describe(self) -> None:
        held = ", ".join(spoken_pitch(p) for p in sorted(self.held)) or "nothing"
        self.setAccessibleDescription(
            f"Holding {held}. Letters play octave {self._octave}; the mark is on {spoken_pitch(self._mark)}."
        )
