"""While lanes live, what only cycles hold is destroyed on the window's thread."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.runners import MakeRunner
from workbench.runner.collector import Collector

ROOT = Path(__file__).resolve().parents[2]


def destroyed_on(how: str) -> tuple[int, dict[str, int]]:
    """How the program of `collecting` ended, and how many objects were destroyed on which thread."""
    command = [sys.executable, "-m", "tests.workbench.collecting", how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    counts = dict(line.split() for line in done.stdout.splitlines())
    return done.returncode, {thread: int(count) for thread, count in counts.items()}


def test_widgets_are_not_destroyed_by_a_job_that_litters_in_the_windows_process() -> None:
    code, where = destroyed_on("window")
    assert code == 0
    assert set(where) == {"MainThread"}
    assert where["MainThread"] >= 3


def test_python_alone_would_destroy_them_on_the_jobs_thread() -> None:
    code, where = destroyed_on("python")
    assert code < 0 or set(where) - {"MainThread"}, "the trap is gone: the collector may go too"


@pytest.fixture
def enabled() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.enable()


def test_python_collects_again_once_the_last_runner_is_closed(make_runner: MakeRunner, enabled: None) -> None:
    first = make_runner(started=False, inline=True)
    assert gc.isenabled(), "nothing runs yet"
    first.start_lanes()
    second = make_runner(inline=True)
    assert not gc.isenabled()
    first.close(3.0)
    assert not gc.isenabled()
    second.close(3.0)
    second.close(3.0)
    assert gc.isenabled()


def test_garbage_goes_soon_by_itself(qtbot: QtBot, enabled: None) -> None:
    class Knot:
        def __init__(self) -> None:
            self.tied = self

    collector = Collector()
    collector.start()
    lost = weakref.ref(Knot())
    rest = [[i] for i in range(2 * gc.get_threshold()[0])]
    assert lost() is not None
    qtbot.waitUntil(lambda: lost() is None, timeout=5000)
    assert len(rest) > 0
    collector.stop()
    collector.deleteLater()


def test_all_objects_are_looked_at_only_where_many_have_grown_old(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector()
    old, younger = [1000], [11]
    looks: list[int] = []
    collected: list[int] = []
    monkeypatch.setattr(gc, "get_count", lambda: (10_000, 5, younger[0]))
    monkeypatch.setattr(gc, "get_objects", lambda generation: (looks.append(generation), [None] * old[0])[1])
    monkeypatch.setattr(gc, "collect", collected.append)
    collector.collect()
    assert collected == [2], "the first time"
    old[0] = 1100
    for count in range(11, 41):
        younger[0] = count
        collector.collect()
    assert collected == [2] + 30 * [0], "a tenth more is not worth it"
    assert 3 <= len(looks) <= 6, "and counting them is work as well"
    old[0], younger[0] = 1300, 60
    collector.collect()
    assert collected[-1] == 2
    monkeypatch.undo()
    collector.deleteLater()


def test_what_was_off_before_stays_off(qtbot: QtBot, enabled: None) -> None:
    gc.disable()
    collector = Collector()
    collector.start()
    collector.stop()
    collector.stop()
    assert not gc.isenabled()
    collector.deleteLater()
