"""PySide6 6.12.0 (6.11.0 and 6.11.1 on CPython 3.11 too) loses references of True with each signal."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, Signal


class Emitter(QObject):
    """Sends what the workbench's signals send."""

    flagged = Signal(bool)
    said = Signal(object)
    named = Signal(str)


def test_signals_leave_the_references_of_true_alone() -> None:
    emitter = Emitter()
    heard: list[object] = []
    emitter.flagged.connect(heard.append)
    emitter.said.connect(lambda value: heard.append(value is True))
    emitter.named.connect(lambda value: None)
    before = sys.getrefcount(True)
    for _ in range(50):
        emitter.flagged.emit(True)
        emitter.said.emit(True)
        emitter.named.emit("on")
    assert len(heard) == 100
    heard.clear()
    assert abs(sys.getrefcount(True) - before) < 10
