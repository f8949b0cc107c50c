"""A window that leaves widgets, timers and models in reference cycles while a job in a thread of its process litters.

Prints where they were destroyed, as "THREAD COUNT" lines. With the argument "python" Python collects by itself, as it
would without `workbench.runner.collector`: most runs then end with a segmentation fault within a second.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QApplication, QPushButton, QTableView, QVBoxLayout, QWidget

from tests.workbench.sample_jobs import SampleSpec
from workbench.runner import Runner
from workbench.runner.collector import Collector

destroyed: Counter[str] = Counter()
SECONDS = 4


class Knot:
    """Ties an object into a cycle, and notes the thread that unties it."""

    def __init__(self, tied: QObject) -> None:
        self.tied = tied
        tied.knot = self  # type: ignore[attr-defined]

    def __del__(self) -> None:
        destroyed[threading.current_thread().name] += 1


class Hearer(QObject):
    """Has an event of its own on the way when it goes."""

    said = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.said.connect(self.hear, Qt.ConnectionType.QueuedConnection)
        self.said.emit(self)

    def hear(self, word: object) -> None:
        self.word = word


def dialog() -> QWidget:
    made = QWidget()
    rows = QVBoxLayout(made)
    table = QTableView()
    table.setModel(QStandardItemModel(3, 3, table))
    rows.addWidget(table)
    rows.addWidget(QPushButton("Close"))
    timer = QTimer(made, interval=1)
    timer.start()
    made.show()
    return made


def make_some() -> None:
    timer = QTimer(interval=1)
    timer.start()
    for thing in (dialog(), Hearer(), timer):
        Knot(thing)


def main() -> int:
    app = QApplication([])
    if sys.argv[1:] == ["python"]:
        Collector.start = lambda self: None  # type: ignore[method-assign]
    runner = Runner(inline=True, extra_modules=("tests.workbench.sample_jobs",), warm=False)
    runner.start_lanes()
    handle = runner.submit("sample.litter", SampleSpec(steps=10_000_000, pause_ms=5), record=False)
    maker = QTimer(interval=10)
    maker.timeout.connect(make_some)

    def begin() -> None:
        if not maker.isActive():
            maker.start()
            QTimer.singleShot(1000 * SECONDS, app.quit)

    handle.published.connect(begin)
    app.exec()
    maker.stop()
    runner.close()
    for name, count in destroyed.items():
        sys.stdout.write(f"{name.replace(' ', '_')} {count}\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
