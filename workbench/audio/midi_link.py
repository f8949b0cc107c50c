"""The MIDI output that is open, if any, and the timer that sends it what is heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from workbench.audio.feeder import Music
from workbench.audio.midi_out import MidiOut, open_output

TICK_MS: Final = 4
"""How often notes are sent: what is late by less cannot be heard."""
Heard = tuple[float | None, list[Music], tuple[float, float] | None]
"""Seconds of music that are heard (None while nothing plays), of which pieces, and the loop."""


class MidiLink(QObject):
    """heard: asked at each tick. lost(why): the instrument is gone."""

    lost = Signal(str)

    def __init__(self, heard: Callable[[], Heard], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._heard = heard
        self._out: MidiOut | None = None
        self.timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.follow)

    @property
    def name(self) -> str:
        """Of the output; empty for none."""
        return self._out.name if self._out is not None else ""

    def open(self, name: str) -> None:
        """Play on that output from now on. Raises UserError, and then the old one stays."""
        if name != self.name:
            opened = open_output(name)
            self.close()
            self._out = opened
            opened.lost = self._lose

    def close(self) -> None:
        """Let go of every note and of the output."""
        self.timer.stop()
        out, self._out = self._out, None
        if out is not None:
            out.close()

    def _lose(self, why: str) -> None:
        self.close()
        self.lost.emit(why)

    def wake(self) -> None:
        """Something may play from now on."""
        if self._out is not None and not self.timer.isActive():
            self.timer.start()

    def rest(self) -> None:
        """Nothing plays any more."""
        self.follow()
        self.timer.stop()

    def follow(self) -> None:
        """Send the notes that were just heard; let go of all while nothing plays."""
        if self._out is not None:
            self._out.follow(*self._heard())

    def press(self, pitch: int, velocity: int) -> None:
        if self._out is not None:
            self._out.press(pitch, velocity)

    def release(self, pitch: int) -> None:
        if self._out is not None:
            self._out.release(pitch)
