"""A thousand jobs submitted and cancelled at random leave nothing behind."""

from __future__ import annotations

import gc
import threading

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QEventLoop, QTimer
from pytestqt.qtbot import QtBot

from tests.workbench.conftest import _FINDERS, flush
from tests.workbench.runners import MakeRunner, shared_memory_left, wait_end
from tests.workbench.sample_jobs import SampleSpec
from workbench.runner import JobHandle, Runner
from workbench.runner.messages import ENDED

JOBS = 1000
MEMORY_LIMIT = 50e6
"""Bytes that the window, and each engine process, may have grown by."""


@pytest.mark.slow
def test_a_thousand_jobs_submitted_and_cancelled_at_random_leave_nothing(make_runner: MakeRunner, qtbot: QtBot) -> None:
    shared = shared_memory_left()
    threads = threading.active_count()
    children = {key for key, _ in _FINDERS["process"]()}
    runner = make_runner()
    _storm(runner, 100, seed=1, qtbot=qtbot)  # fills caches and pools once
    _settle(runner, qtbot)
    before = _memory(runner)
    pids = runner.engine_pids()
    states = _storm(runner, JOBS, seed=2, qtbot=qtbot)
    assert len(states) == JOBS
    assert set(states) <= ENDED
    assert states.count("done") > 50
    assert states.count("cancelled") > 50
    assert states.count("failed") > 50
    assert states.count("interrupted") == 0
    _settle(runner, qtbot)
    assert runner.engine_pids() == pids, "no process was lost"
    grown = {name: size - before[name] for name, size in _memory(runner).items()}
    assert all(size < MEMORY_LIMIT for size in grown.values()), grown
    # The last picture may still be due when the jobs have ended; nothing starts the timers again.
    qtbot.waitUntil(lambda: not runner._picture_timer.isActive() and not runner._stuck_timer.isActive(), timeout=5000)
    runner.close()
    assert threading.active_count() == threads
    assert {key for key, _ in _FINDERS["process"]()} <= children
    assert shared_memory_left() <= shared


def _storm(runner: Runner, jobs: int, *, seed: int, qtbot: QtBot) -> list[str]:
    """Submit `jobs` of all kinds a few at a time, cancel a third of them sooner or later; how each ended."""
    rng = np.random.default_rng(seed)
    loop = QEventLoop()
    states: list[str] = []
    alive: list[JobHandle] = []
    timer = QTimer(interval=4)

    def ended(handle: JobHandle) -> None:
        states.append(handle.state)
        alive.remove(handle)
        if len(states) == jobs:
            loop.quit()

    def step() -> None:
        for _ in range(min(int(rng.integers(1, 12)), jobs - len(states) - len(alive))):
            if len(alive) > 60:
                break
            handle = _submit(runner, rng)
            alive.append(handle)
            handle.ended.connect(ended)
        for handle in list(alive):
            if rng.random() < (0.5 if handle.is_session else 0.01):
                handle.cancel()
            elif handle.is_session:
                handle.request(np.zeros(int(rng.integers(0, 40_000))))
        if len(states) + len(alive) >= jobs:
            for handle in list(alive):
                if rng.random() < 0.1:
                    handle.cancel()

    timer.timeout.connect(step)
    timer.start()
    give_up = QTimer(singleShot=True, interval=90_000)
    give_up.timeout.connect(loop.quit)
    give_up.start()
    loop.exec()
    give_up.stop()
    timer.stop()
    return states


def _submit(runner: Runner, rng: np.random.Generator) -> JobHandle:
    names = ["count", "count", "count", "mistake", "bug", "allocate", "echo", "unsendable"]
    name = names[int(rng.integers(len(names)))]
    large = 100_000 if rng.random() < 0.2 else 100
    spec = SampleSpec(steps=int(rng.integers(0, 8)), pause_ms=float(rng.uniform(0, 2)), numbers=large)
    lane = "interactive" if name == "echo" or rng.random() < 0.4 else "batch"
    return runner.submit(f"sample.{name}", spec, lane=lane, key=f"key {rng.integers(20)}")


def _settle(runner: Runner, qtbot: QtBot) -> None:
    """Let both lanes finish what they do, and forget the ended jobs."""
    for lane in ("interactive", "batch"):
        wait_end(qtbot, runner.submit("sample.look", SampleSpec(), lane=lane))
    for handle in runner.jobs():
        runner.forget(handle)
    flush()
    gc.collect()


def _memory(runner: Runner) -> dict[str, float]:
    """Resident memory of the window and of each engine process, in bytes."""
    found = {"window": float(psutil.Process().memory_info().rss)}
    for lane, pid in runner.engine_pids().items():
        found[lane] = float(psutil.Process(pid).memory_info().rss)
    return found
