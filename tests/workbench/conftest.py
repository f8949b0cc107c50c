"""After each Qt test nothing may be left: no thread, timer, child process or top-level widget.

What was there before the test is not its fault. A slot's exception fails the test (pytest-qt sees to that).
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import getCppPointer, isValid

from engines.core.store import Store
from workbench.runner import Runner

PATIENCE_S = 10.0
"""Threads and processes that were told to end get this long."""


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    if not {"qtbot", "qapp"} & set(request.fixturenames):
        yield
        return
    before = {name: {key for key, _ in find()} for name, find in _FINDERS.items()}
    yield
    flush()
    left = _left(before)
    if left:
        pytest.fail("left behind: " + "; ".join(left))


def flush() -> None:
    """Carry out what was put off: queued slots and deleteLater."""
    app = QCoreApplication.instance()
    if app is None:
        return
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        app.processEvents()


def _left(before: dict[str, set[Any]]) -> list[str]:
    until = time.monotonic() + PATIENCE_S
    while True:
        found = [f"{name} {text}" for name, find in _FINDERS.items() for key, text in find() if key not in before[name]]
        if not found or time.monotonic() > until:
            return found
        gc.collect()
        flush()
        time.sleep(0.02)


def _threads() -> list[tuple[Any, str]]:
    return [
        (thread.ident, thread.name)
        for thread in threading.enumerate()
        # A dummy stands for a thread that Python did not start, long after it has ended.
        if not isinstance(thread, threading._DummyThread)
    ]


def _qt_objects(kind: type, is_alive: Callable[[Any], bool]) -> list[tuple[Any, str]]:
    return [
        (getCppPointer(thing)[0], f"{type(thing).__name__} {thing.objectName()!r} of {thing.parent()!r}")
        for thing in gc.get_objects()
        if issubclass(type(thing), kind) and isValid(thing) and is_alive(thing)
    ]


def _qthreads() -> list[tuple[Any, str]]:
    return _qt_objects(QThread, lambda thread: thread.isRunning() and thread is not _main_thread())


def _main_thread() -> QThread | None:
    app = QCoreApplication.instance()
    return None if app is None else app.thread()


def _timers() -> list[tuple[Any, str]]:
    return _qt_objects(QTimer, QTimer.isActive)


def _children() -> list[tuple[Any, str]]:
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            command = " ".join(child.cmdline()[-3:])
            if child.status() == psutil.STATUS_ZOMBIE:
                command = "(zombie)"
        except psutil.Error:
            continue
        # One for the whole interpreter: it unlinks shared memory after a crash.
        if "resource_tracker" not in command:
            found.append((child.pid, f"{child.pid} {command}"))
    return found


def _widgets() -> list[tuple[Any, str]]:
    if not isinstance(QCoreApplication.instance(), QApplication):
        return []
    return [
        (getCppPointer(widget)[0], f"{type(widget).__name__} {widget.objectName()!r}")
        for widget in QApplication.topLevelWidgets()
        if _is_unowned(widget)
    ]


def _is_unowned(widget: QWidget) -> bool:
    # Qt keeps one label for all tooltips.
    return widget.parent() is None and widget.metaObject().className() != "QTipLabel"


_FINDERS: dict[str, Callable[[], list[tuple[Any, str]]]] = {
    "thread": _threads,
    "QThread": _qthreads,
    "timer": _timers,
    "process": _children,
    "widget": _widgets,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store of this test's own."""
    return Store(tmp_path / "store")


@pytest.fixture
def make_runner(qtbot: QtBot) -> Iterator[Callable[..., Runner]]:
    """Makes started runners that know the sample jobs; all are closed at the end."""
    made: list[Runner] = []

    def make(store: Store | None = None, *, started: bool = True, **settings: Any) -> Runner:
        settings = {"extra_modules": ("tests.workbench.sample_jobs",), "warm": False, **settings}
        runner = Runner(store, **settings)
        made.append(runner)
        if started:
            runner.start_lanes()
        return runner

    yield make
    for runner in made:
        runner.close(3.0)
        runner.deleteLater()
    # The fixture's own references would keep Qt objects alive beyond the leak check.
    made.clear()
