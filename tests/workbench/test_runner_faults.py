"""Engine processes that crash, hang or are killed, and windows that vanish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from pytestqt.qtbot import QtBot

from engines.core.store import Store
from tests.workbench.runners import MakeRunner, shared_memory_left, wait_end, wait_picture, wait_state
from tests.workbench.sample_jobs import SampleSpec

needs_signals = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is a thing of POSIX")
TRAINING = SampleSpec(steps=100_000, pause_ms=2)


def test_a_crash_interrupts_its_job_and_the_waiting_go_on(make_runner: MakeRunner, qtbot: QtBot, store: Store) -> None:
    before = shared_memory_left()
    runner = make_runner(store)
    crash = runner.submit("sample.crash", SampleSpec(numbers=200_000, pause_ms=100))
    waiting = [runner.submit("sample.look", SampleSpec()) for _ in range(2)]
    wait_state(qtbot, crash, "running")
    old = runner.engine_pids()["batch"]
    wait_end(qtbot, crash)
    assert crash.state == "interrupted"
    assert crash.error is not None
    assert crash.error.what == "The engine process ended with code 7."
    assert store.run(crash.run_id).status == "interrupted"
    pids = {wait_end(qtbot, handle).result.pid for handle in waiting}
    assert len(pids) == 1
    assert old not in pids
    runner.close()
    assert shared_memory_left() <= before


@needs_signals
def test_a_killed_engine_leaves_a_run_that_resumes(make_runner: MakeRunner, qtbot: QtBot, store: Store) -> None:
    runner = make_runner(store)
    first = runner.submit("sample.train", TRAINING)
    wait_picture(qtbot, first, lambda picture: picture.count >= 20)
    os.kill(runner.engine_pids()["batch"], signal.SIGKILL)
    wait_end(qtbot, first)
    assert first.state == "interrupted"
    assert first.can_resume
    assert first.error is not None
    assert "signal 9" in first.error.what
    assert "Resume" in first.error.remedy
    second = runner.submit("sample.train", SampleSpec(steps=first.latest.count + 500), resume_run=first.run_id)
    wait_end(qtbot, second)
    assert second.run_id == first.run_id
    assert second.result.resumed_at >= first.latest.count, "not one finished step was lost"
    assert second.result.numbers[0] == sum(range(second.result.count)), "nothing was counted twice or left out"
    assert store.run(first.run_id).status == "done"


@needs_signals
@pytest.mark.slow
def test_kill_9_of_the_engine_at_20_random_moments_loses_no_checkpoint(
    make_runner: MakeRunner, qtbot: QtBot, store: Store
) -> None:
    rng = np.random.default_rng(9)
    runner = make_runner(store)
    handle = runner.submit("sample.train", TRAINING)
    for _ in range(20):
        wait_picture(qtbot, handle)
        with qtbot.waitSignal(handle.published, timeout=int(rng.uniform(1, 300)), raising=False):
            pass
        os.kill(runner.engine_pids()["batch"], signal.SIGKILL)
        wait_end(qtbot, handle)
        assert handle.state == "interrupted"
        assert store.run(handle.run_id).status == "interrupted"
        seen = handle.latest.count
        handle = runner.resume(handle)
        wait_picture(qtbot, handle)
        assert handle.latest.resumed_at >= seen
    handle.cancel()
    wait_end(qtbot, handle)
    assert [row.status for row in store.runs()] == ["cancelled"]
    state = store.load_checkpoint(handle.run_id)
    assert state is not None
    np.testing.assert_array_equal(state["total"], np.full(8, float(sum(range(int(state["step"]))))))
    assert not store.notices


@needs_signals
def test_sessions_of_a_killed_engine_end_and_can_be_started_anew(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner()
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    session.request("a")
    wait_picture(qtbot, session)
    os.kill(runner.engine_pids()["interactive"], signal.SIGKILL)
    assert wait_end(qtbot, session).state == "interrupted"
    assert session.request("nobody hears this") == 2
    again = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    again.request("b")
    assert wait_picture(qtbot, again) == (1, "b")


def test_a_job_that_never_looks_at_its_token_can_be_ended(make_runner: MakeRunner, qtbot: QtBot, store: Store) -> None:
    runner = make_runner(store, stuck_after_s=0.3)
    offered: list[object] = []
    runner.stuck.connect(offered.append)
    deaf = runner.submit("sample.deaf", SampleSpec())
    waiting = runner.submit("sample.count", SampleSpec(steps=1))
    wait_picture(qtbot, deaf)
    with qtbot.waitSignal(deaf.stuck, timeout=5000):
        deaf.cancel()
    assert deaf.state == "stopping"
    assert offered == [deaf]
    deaf.kill()
    wait_end(qtbot, deaf)
    assert deaf.state == "interrupted"
    assert deaf.error is not None
    assert deaf.error.what == "The process was ended on request."
    assert (deaf.can_resume, deaf.error.remedy) == (False, ""), "it never wrote a checkpoint"
    assert store.run(deaf.run_id).status == "interrupted"
    assert wait_end(qtbot, waiting).state == "done"
    assert offered == [deaf], "offered once"
    assert not runner._stuck_timer.isActive()


def test_ending_a_process_ends_the_programs_it_had_started(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner()
    deaf = runner.submit("sample.parent", SampleSpec())
    child = psutil.Process(wait_picture(qtbot, deaf))
    assert child.is_running()
    deaf.kill()
    wait_end(qtbot, deaf)
    assert child not in psutil.wait_procs([child], timeout=5)[1]


def test_closing_ends_a_job_that_never_stops(make_runner: MakeRunner, qtbot: QtBot, store: Store) -> None:
    runner = make_runner(store)
    deaf = runner.submit("sample.deaf", SampleSpec())
    waiting = runner.submit("sample.count", SampleSpec(steps=1))
    wait_picture(qtbot, deaf)
    processes = [psutil.Process(pid) for pid in runner.engine_pids().values()]
    began = time.monotonic()
    runner.close(0.5)
    assert time.monotonic() - began < 5
    assert (deaf.state, waiting.state) == ("interrupted", "cancelled")
    assert deaf.error is not None
    assert deaf.error.what == "The window was closed before the job had stopped."
    assert not [process for process in processes if process.is_running()]
    assert store.run(deaf.run_id).status == "interrupted"


def test_closing_interrupts_a_recorded_run_so_that_it_can_go_on(
    make_runner: MakeRunner, qtbot: QtBot, store: Store
) -> None:
    runner = make_runner(store)
    training = runner.submit("sample.train", TRAINING)
    wait_picture(qtbot, training)
    runner.close()
    assert training.state == "interrupted"
    assert store.run(training.run_id).status == "interrupted"
    again = make_runner(store)
    qtbot.waitUntil(lambda: bool(again.resumable()), timeout=5000)
    (row,) = again.resumable()
    assert row.id == training.run_id
    resumed = again.resume(row)
    assert again.resumable() == ()
    wait_picture(qtbot, resumed)
    assert resumed.latest.resumed_at >= 1
    assert resumed.run_id == training.run_id


def test_only_runs_with_a_checkpoint_are_offered_to_go_on_the_newest_first(
    make_runner: MakeRunner, qtbot: QtBot, store: Store
) -> None:
    old, bare, new = (store.create("sample.train", TRAINING.model_dump(mode="json")) for _ in range(3))
    for run in (old, new):
        store.save_checkpoint(run, {"step": 1, "total": np.zeros(8)})
    runner = make_runner(store)
    qtbot.waitUntil(lambda: bool(runner.resumable()), timeout=5000)
    assert [row.id for row in runner.resumable()] == [new, old]
    assert store.run(bare).status == "interrupted"


def test_an_engine_that_cannot_start_fails_the_waiting_jobs(
    make_runner: MakeRunner, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deadly_module.py").write_text("import os\nos._exit(3)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    runner = make_runner(extra_modules=("deadly_module",))
    handle = runner.submit("sample.count", SampleSpec())
    wait_end(qtbot, handle)
    assert handle.state == "failed" or handle.state == "interrupted"
    assert handle.error is not None
    assert "ended with code 3" in handle.error.what


# -- the window vanishes


def test_quitting_the_application_without_closing_leaves_no_process(tmp_path: Path) -> None:
    program = (
        "from PySide6.QtCore import QCoreApplication, QTimer\n"
        "from workbench.runner import Runner\n"
        "from tests.workbench.sample_jobs import SampleSpec\n"
        "app = QCoreApplication([])\n"
        "runner = Runner(extra_modules=('tests.workbench.sample_jobs',), warm=False)\n"
        "runner.start_lanes()\n"
        "job = runner.submit('sample.count', SampleSpec(steps=100_000, pause_ms=5))\n"
        "job.published.connect(lambda _: app.quit())\n"
        "QTimer.singleShot(30_000, lambda: app.exit(9))\n"
        "code = app.exec()\n"
        "print(code, job.state, *runner.engine_pids())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (ended.stdout.split(), ended.stderr, ended.returncode) == (["0", "cancelled"], "", 0)


def _start_window(home: Path) -> subprocess.Popen[str]:
    """A window without widgets that trains a sample for ever, resuming what was interrupted."""
    environment = {**os.environ, "WORKBENCH_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.workbench.lone_window"],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _read_line(window: subprocess.Popen[str]) -> list[str]:
    assert window.stdout is not None
    line = window.stdout.readline()
    assert line, f"the window ended with code {window.wait(10)}"
    return line.split()


def _kill_window(window: subprocess.Popen[str]) -> list[psutil.Process]:
    """kill -9 it; the processes it had."""
    children = psutil.Process(window.pid).children(recursive=True)
    window.kill()
    window.wait()
    assert window.stdout is not None
    window.stdout.close()
    return children


def _lives(process: psutil.Process) -> bool:
    """A process that has ended stays in the table until init has noticed."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@needs_signals
@pytest.mark.slow
def test_kill_9_of_the_window_at_20_random_moments_loses_no_checkpoint(tmp_path: Path) -> None:
    before = shared_memory_left()
    rng = np.random.default_rng(5)
    run_id, furthest = "", 0
    for turn in range(20):
        window = _start_window(tmp_path)
        word, found, resumed_at = _read_line(window)
        assert word == "running"
        if turn:
            assert found == run_id, "the interrupted run was found and resumed"
            assert int(resumed_at) >= furthest, f"turn {turn} went back behind a checkpoint that was told"
        run_id = found
        furthest = int(_read_line(window)[1])
        time.sleep(rng.uniform(0.0, 0.25))
        children = _kill_window(window)
        assert children
        began = time.monotonic()
        while orphans := [child for child in children if _lives(child)]:
            assert time.monotonic() - began < 5, f"left behind: {orphans}"
            time.sleep(0.01)
    store = Store(tmp_path / "data")
    assert [row.id for row in store.runs()] == [run_id]
    assert store.database.exists()
    assert not store.notices, "the store needed no mending"
    state = store.load_checkpoint(run_id)
    assert state is not None
    assert state["step"] >= furthest
    np.testing.assert_array_equal(state["total"], np.full(8, float(sum(range(int(state["step"]))))))
    assert shared_memory_left() <= before
