"""A slider over the frames of something that was recorded, with play, pause, loop and speed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QStyle, QWidget

from workbench import icons
from workbench.theme import GRID, Theme
from workbench.widgets.basics import icon_button, label, set_enabled

SPEEDS: Final = (1, 2, 4, 8, 15, 30)
"""Frames a second."""
_SLOWER, _FASTER = (Qt.Key.Key_Minus, Qt.Key.Key_Less), (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Greater)


class Scrubber(QWidget):
    """Frames 0 … count − 1.

    Signals: `frame_changed(frame)` for every other frame, by hand or playing; `playing_changed(bool)`.
    Keys: Space plays and pauses, the arrows step, Page Up and Page Down step by ten, Home and End go to the
    ends, L loops, + and − change the speed. It pauses when it is hidden.

    unit: what a frame is ("step"), written before its number.
    """

    frame_changed = Signal(int)
    playing_changed = Signal(bool)

    def __init__(
        self,
        theme: Theme,
        name: str = "Frames",
        *,
        unit: str = "frame",
        speed: int = 8,
        loop: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._unit = unit
        self._labels: tuple[str, ...] = ()
        self._count = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._next)
        self.setAccessibleName(name)
        self._play = icon_button("play", "Play (Space)", self.toggle)
        self.slider = _Track(theme)
        self.slider.setAccessibleName(name)
        self.slider.setPageStep(10)
        self.slider.setTracking(True)
        self.slider.valueChanged.connect(self._moved)
        self._said = label("", "small")
        self._said.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._speed = QComboBox()
        for frames in SPEEDS:
            self._speed.addItem(f"{frames}/s", frames)
        self._speed.setAccessibleName("Speed in frames a second")
        self._speed.setToolTip("Speed in frames a second (+ and −)")
        self._speed.currentIndexChanged.connect(lambda _: self._timer.setInterval(1000 // self.speed))
        self._loop = icon_button("loop", "Begin again at the end (L)", checkable=True)
        self._loop.setChecked(loop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(self._play)
        row.addWidget(self.slider, 1)
        row.addWidget(self._said)
        row.addWidget(self._loop)
        row.addWidget(self._speed)
        self.set_speed(speed)
        self.setFocusProxy(self.slider)
        self.set_count(0)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        return self._count

    @property
    def frame(self) -> int:
        return self.slider.value()

    @property
    def is_playing(self) -> bool:
        return self._timer.isActive()

    @property
    def is_looping(self) -> bool:
        return self._loop.isChecked()

    @property
    def speed(self) -> int:
        """Frames a second."""
        return int(self._speed.currentData())

    def set_count(self, count: int, *, follow: bool = True) -> None:
        """There are `count` frames now. follow: whoever stood at the end stays at the end, as a run goes on."""
        at_end = self._count == 0 or self.frame >= self._count - 1
        was_empty = self._count == 0
        self._count = count
        quiet = self.slider.blockSignals(True)
        before = self.slider.value()
        self.slider.setRange(0, max(count - 1, 0))
        if follow and at_end and not self.is_playing:
            self.slider.setValue(max(count - 1, 0))
        after = self.slider.value()
        self.slider.blockSignals(quiet)
        set_enabled(self.slider, "" if count > 1 else "There is nothing to step through yet")
        set_enabled(self._play, "" if count > 1 else "There is nothing to play yet", "Play (Space)")
        if count < 2:
            self.pause()
        self._say()
        if after != before or (was_empty and count):
            self.frame_changed.emit(after)

    def set_labels(self, labels: Sequence[str]) -> None:
        """What to write for each frame instead of its number, such as "ε = 0.1"."""
        self._labels = tuple(labels)
        self._say()

    def set_marks(self, frames: Sequence[int]) -> None:
        """Tick the track where something happens, such as the step that fools the network."""
        self.slider.marks = tuple(frames)
        self.slider.update()

    def set_frame(self, frame: int) -> None:
        """Go to a frame; emits `frame_changed` if it is another one."""
        self.slider.setValue(frame)

    def set_speed(self, frames_per_second: int) -> None:
        """The nearest of the offered speeds."""
        at = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - frames_per_second))
        self._speed.setCurrentIndex(at)
        self._timer.setInterval(1000 // SPEEDS[at])

    def set_loop(self, loop: bool) -> None:
        self._loop.setChecked(loop)

    # -- playing ----------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play on from here, from the start when it stands at the end."""
        if self._count < 2 or self.is_playing:
            return
        if self.frame >= self._count - 1:
            self.set_frame(0)
        self._timer.start()
        self._show_state()

    def pause(self) -> None:
        if self.is_playing:
            self._timer.stop()
            self._show_state()

    def toggle(self) -> None:
        """Play or pause."""
        if self.is_playing:
            self.pause()
        else:
            self.play()

    def _next(self) -> None:
        if self.frame < self._count - 1:
            self.set_frame(self.frame + 1)
        elif self.is_looping:
            self.set_frame(0)
        if self.frame >= self._count - 1 and not self.is_looping:
            self.pause()

    def _show_state(self) -> None:
        word = "Pause" if self.is_playing else "Play"
        self._play.setIcon(icons.icon("pause" if self.is_playing else "play"))
        self._play.setToolTip(f"{word} (Space)")
        self._play.setAccessibleName(f"{word} (Space)")
        self.playing_changed.emit(self.is_playing)

    def _moved(self, frame: int) -> None:
        self._say()
        self.frame_changed.emit(frame)

    def _say(self) -> None:
        last = self._count - 1
        if self.frame < len(self._labels):
            text = self._labels[self.frame]
        else:
            text = f"{self._unit} {self.frame} of {last}" if self._count else "–"
        widest = [*self._labels, f"{self._unit} {max(last, 0)} of {max(last, 0)}"]
        metrics = self._said.fontMetrics()
        self._said.setMinimumWidth(max(metrics.horizontalAdvance(t) for t in widest) + 4)
        self._said.setText(text)
        self.slider.setAccessibleDescription(text)

    # -- surroundings -----------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space and not event.isAutoRepeat() and self._count > 1:
            self.toggle()
        elif key == Qt.Key.Key_L:
            self._loop.toggle()
        elif key in _FASTER or key in _SLOWER:
            at = self._speed.currentIndex() + (1 if key in _FASTER else -1)
            self._speed.setCurrentIndex(min(max(at, 0), len(SPEEDS) - 1))
        else:
            super().keyPressEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self.pause()
        super().hideEvent(event)


class _Track(QSlider):
    """A slider with ticks at marked frames; a click goes there at once."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme = theme
        self.marks: tuple[int, ...] = ()
        self.setMinimumSize(80, 28)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.marks or self.maximum() <= 0:
            return
        painter = QPainter(self)
        painter.setPen(QPen(QColor(self._theme.colours.error), 2))
        for frame in self.marks:
            x = self.place_of(frame)
            painter.drawLine(x, self.height() // 2 + 6, x, self.height() // 2 + 10)
        painter.end()

    def place_of(self, frame: int) -> int:
        """Where the handle's middle stands for a frame, in pixels."""
        room = self.width() - 14
        return 7 + QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), frame, room)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = round(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and abs(x - self.place_of(self.value())) > 8:
            room = self.width() - 14
            self.setValue(QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), x - 7, room))
        super().mousePressEvent(event)
