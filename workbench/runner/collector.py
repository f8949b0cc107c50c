"""Garbage is collected on the window's thread only.

Python collects on whatever thread happens to allocate. Where that is a lane's or a job's, it destroys widgets, timers
and handles that only a reference cycle still held, while the window's thread delivers events to them: the process
ends with a segmentation fault within seconds (`tests/workbench/collecting.py` does it). So while a runner's lanes live,
Python's own collection is off in the window's process, and a timer of the window's thread does it. Engine processes
have no Qt and keep Python's.
"""

from __future__ import annotations

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS: Final = 200
"""A burst of garbage waits at most this long; looking at the counters takes a microsecond."""
OLDEST: Final = 2
_running: set[int] = set()
_was_enabled: list[bool] = []


class Collector(QObject):
    """Collects by Python's own thresholds between `start` and `stop`.

    Several may live at once: Python's collection is on again when the last has stopped, if it was before the first.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._grown_old = 0
        self._look_from = 0

    def start(self) -> None:
        """Take over from Python. To be called on the thread of the event loop."""
        if not _running:
            _was_enabled[:] = [gc.isenabled()]
            gc.disable()
        _running.add(id(self))
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again, unless another one still runs."""
        self._timer.stop()
        if id(self) not in _running:
            return
        _running.remove(id(self))
        if not _running and _was_enabled.pop():
            gc.enable()

    def collect(self) -> None:
        """Collect the oldest generation that is due, and with it the younger ones, as Python would."""
        counts, limits = gc.get_count(), gc.get_threshold()
        if counts[0] <= limits[0] or not limits[0]:
            return
        for generation in (OLDEST, 1, 0):
            if counts[generation] > limits[generation] and (generation != OLDEST or self._is_worth_it(counts[OLDEST])):
                gc.collect(generation)
                if generation == OLDEST:
                    self._grown_old, self._look_from = len(gc.get_objects(OLDEST)), 0
                return

    def _is_worth_it(self, younger: int) -> bool:
        """Whether a quarter more objects have grown old since all were looked at: so the cost stays in proportion.

        younger: collections of the younger ones since. Counting 100,000 objects takes 8 ms, so it waits its turn too.
        """
        if younger < self._look_from:
            return False
        self._look_from = younger + gc.get_threshold()[OLDEST]
        return len(gc.get_objects(OLDEST)) > 1.25 * self._grown_old
