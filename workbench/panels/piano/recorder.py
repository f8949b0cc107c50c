"""What is played by hand, on the screen or on a connected keyboard, as notes; from the first key on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal

from engines.piano.notes import HIGHEST, LOWEST, Notes

LONGEST_S: Final = 600.0


class Recorder(QObject):
    """Off until `begin`. changed(): it was begun or ended. recorded(name, Notes): at its end, if anything was played.

    now: seconds, for tests.
    """

    changed = Signal()
    recorded = Signal(str, object)

    def __init__(self, parent: QObject | None = None, *, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._now = now
        self._name = ""
        self._start: float | None = None
        self._down: dict[int, tuple[float, int]] = {}
        self._rows: list[tuple[float, float, int, int]] = []

    @property
    def name(self) -> str:
        """What is being recorded, "style" or "melody"; empty while off."""
        return self._name

    def begin(self, name: str) -> None:
        """Record as `name` from the next key on; what is being recorded is ended and handed out first."""
        self.end()
        self._name, self._start = name, None
        self._down.clear()
        self._rows.clear()
        self.changed.emit()

    def press(self, pitch: int, velocity: int) -> None:
        """A key went down; a key that is down already is struck anew."""
        if not self._name or not LOWEST <= pitch <= HIGHEST:
            return
        at = self._clock()
        if at > LONGEST_S:
            self.end()
            return
        self.release(pitch)
        self._down[pitch] = (at, min(max(velocity, 1), 127))

    def release(self, pitch: int) -> None:
        """A key went up."""
        found = self._down.pop(pitch, None)
        if found is not None:
            self._rows.append((found[0], max(self._clock(), found[0] + 0.02), pitch, found[1]))

    def end(self) -> None:
        """Stop recording and hand out what was played; keys that are still down end now."""
        for pitch in list(self._down):
            self.release(pitch)
        name, rows = self._name, self._rows
        self._name, self._start, self._rows = "", None, []
        self.changed.emit()
        if name and rows:
            self.recorded.emit(name, Notes.of(rows))

    def _clock(self) -> float:
        """Seconds since the first key."""
        now = self._now()
        if self._start is None:
            self._start = now
        return now - self._start
