"""The leak check itself finds what tests may leave behind."""

from __future__ import annotations

import subprocess
import sys
import threading

from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.conftest import _FINDERS, flush


def _found(name: str) -> set[object]:
    return {key for key, _ in _FINDERS[name]()}


def test_a_running_timer_is_found(qtbot: QtBot) -> None:
    before = _found("timer")
    timer = QTimer()
    timer.start(1000)
    assert len(_found("timer") - before) == 1
    timer.stop()
    assert not _found("timer") - before


def test_a_running_qthread_is_found(qtbot: QtBot) -> None:
    before = _found("QThread")
    thread = QThread()
    thread.start()
    assert len(_found("QThread") - before) == 1
    thread.quit()
    assert thread.wait(2000)
    assert not _found("QThread") - before


def test_a_widget_without_an_owner_is_found(qtbot: QtBot) -> None:
    before = _found("widget")
    widget = QWidget()
    child = QWidget(widget)
    assert len(_found("widget") - before) == 1
    assert child.parent() is widget
    widget.deleteLater()
    flush()
    assert not _found("widget") - before


def test_a_python_thread_is_found(qtbot: QtBot) -> None:
    before = _found("thread")
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    assert len(_found("thread") - before) == 1
    stop.set()
    thread.join()
    assert not _found("thread") - before


def test_a_child_process_is_found(qtbot: QtBot) -> None:
    before = _found("process")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert _found("process") - before == {child.pid}
    child.communicate(b"\n")
    assert not _found("process") - before
