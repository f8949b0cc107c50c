"""What becomes of a job, whether it runs in an engine process or inline."""

from __future__ import annotations

import os

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.core.store import Store
from tests.workbench.runners import MakeRunner, shared_memory_left, wait_end, wait_picture, wait_state
from tests.workbench.sample_jobs import Counted, SampleSpec, Surroundings
from workbench.runner import ErrorInfo, Progress, Runner

LARGE = 200_000
"""Numbers in an array that goes through shared memory (1.6 MB)."""


@pytest.fixture(params=["processes", "inline"])
def runner(request: pytest.FixtureRequest, make_runner: MakeRunner) -> Runner:
    return make_runner(inline=request.param == "inline")


def test_a_result_comes_back(runner: Runner, qtbot: QtBot) -> None:
    handle = runner.submit("sample.count", SampleSpec(steps=3, numbers=LARGE))
    assert handle.state == "waiting"
    wait_end(qtbot, handle)
    assert handle.state == "done"
    assert isinstance(handle.result, Counted)
    assert handle.result.numbers.shape == (LARGE,)
    assert (handle.result.numbers == 3.0).all()
    assert handle.title == "Count to `steps`, publishing an array in every step"


def test_the_last_snapshot_and_progress_always_arrive(runner: Runner, qtbot: QtBot) -> None:
    seen: list[int] = []
    said: list[Progress] = []
    handle = runner.submit("sample.count", SampleSpec(steps=400, numbers=10, pause_ms=1))
    handle.published.connect(lambda picture: seen.append(picture.count))
    handle.progressed.connect(said.append)
    wait_end(qtbot, handle)
    assert seen == sorted(set(seen)), "in order, none twice"
    assert seen[-1] == 400
    assert handle.latest.count == 400
    assert (said[-1].done, said[-1].total, said[-1].text) == (400, 400, "step 400")
    assert said[-1].seconds > 0.3
    assert len(seen) <= 3 + 20 * said[-1].seconds, "at most about 15 a second cross the pipe"


def test_a_users_mistake_is_told_with_its_remedy(runner: Runner, qtbot: QtBot) -> None:
    handle = wait_end(qtbot, runner.submit("sample.mistake", SampleSpec()))
    assert handle.state == "failed"
    assert handle.error == ErrorInfo("user", "expected a positive number, got -1", "enter 1 or more")


def test_a_bug_ends_its_job_only_and_keeps_the_traceback(runner: Runner, qtbot: QtBot) -> None:
    broken = runner.submit("sample.bug", SampleSpec())
    next_one = runner.submit("sample.count", SampleSpec(steps=1))
    wait_end(qtbot, broken)
    assert broken.error is not None
    assert (broken.state, broken.error.kind) == ("failed", "bug")
    assert broken.error.what == "ZeroDivisionError: division by zero"
    assert "sample_jobs.py" in broken.error.details
    assert wait_end(qtbot, next_one).state == "done"


def test_an_unknown_job_fails_with_what_is_known(runner: Runner, qtbot: QtBot) -> None:
    handle = wait_end(qtbot, runner.submit("sample.nothing", SampleSpec()))
    assert handle.error is not None
    assert handle.error.kind == "user"
    assert "sample.nothing" in handle.error.what
    assert "sample.count" in handle.error.remedy


@pytest.mark.parametrize("name", ["sample.unsendable", "sample.unsendable_result"])
def test_what_cannot_be_sent_fails_the_job(runner: Runner, qtbot: QtBot, name: str) -> None:
    handle = wait_end(qtbot, runner.submit(name, SampleSpec()))
    assert handle.error is not None
    assert (handle.state, handle.error.kind) == ("failed", "bug")
    assert "pickle" in handle.error.what


def test_what_the_window_cannot_read_fails_the_job_and_not_the_lane(runner: Runner, qtbot: QtBot) -> None:
    handle = wait_end(qtbot, runner.submit("sample.unreadable", SampleSpec()))
    assert handle.error is not None
    assert (handle.state, handle.error.kind, handle.latest) == ("failed", "bug", None)
    assert "LookupError: not here" in handle.error.what
    assert wait_end(qtbot, runner.submit("sample.count", SampleSpec(steps=2))).result.count == 2


def test_a_spec_of_another_job_is_refused(runner: Runner, qtbot: QtBot) -> None:
    from engines.core.spec import Spec

    handle = wait_end(qtbot, runner.submit("sample.count", Spec()))
    assert handle.error is not None
    assert "takes SampleSpec, got Spec" in handle.error.what


def test_a_running_job_says_stopping_until_it_answers(runner: Runner, qtbot: QtBot) -> None:
    states: list[str] = []
    handle = runner.submit("sample.count", SampleSpec(steps=100_000, pause_ms=5))
    handle.state_changed.connect(states.append)
    wait_state(qtbot, handle, "running")
    handle.cancel()
    assert handle.state == "stopping"
    handle.cancel()
    wait_end(qtbot, handle)
    assert states == ["running", "stopping", "cancelled"]
    assert handle.error is None


def test_a_waiting_job_is_cancelled_without_running(runner: Runner, qtbot: QtBot) -> None:
    states: list[str] = []
    first = runner.submit("sample.count", SampleSpec(steps=100_000, pause_ms=5))
    waiting = runner.submit("sample.count", SampleSpec(steps=1))
    waiting.state_changed.connect(states.append)
    wait_state(qtbot, first, "running")
    waiting.cancel()
    wait_end(qtbot, waiting)
    assert states == ["stopping", "cancelled"]
    assert first.state == "running"
    first.cancel()
    wait_end(qtbot, first)


def test_jobs_of_a_lane_run_one_after_another(runner: Runner, qtbot: QtBot) -> None:
    order: list[str] = []
    handles = [runner.submit("sample.count", SampleSpec(steps=5, pause_ms=2, text=t)) for t in "abc"]
    for handle in handles:
        handle.state_changed.connect(lambda state, h=handle: order.append(f"{h.spec.text} {state}"))
    wait_end(qtbot, handles[-1])
    assert order == [f"{text} {state}" for text in "abc" for state in ("running", "done")]


def test_an_interactive_job_does_not_wait_for_a_batch_job(runner: Runner, qtbot: QtBot) -> None:
    long = runner.submit("sample.count", SampleSpec(steps=100_000, pause_ms=5), lane="batch")
    wait_state(qtbot, long, "running")
    quick = runner.submit("sample.count", SampleSpec(steps=1), lane="interactive")
    assert wait_end(qtbot, quick).state == "done"
    assert long.state == "running"
    long.cancel()
    wait_end(qtbot, long)


def test_jobs_submitted_before_the_lanes_start_run_afterwards(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(started=False, inline=True)
    kept = runner.submit("sample.count", SampleSpec(steps=1))
    dropped = runner.submit("sample.count", SampleSpec(steps=1))
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    session.request("early")
    dropped.cancel()
    assert dropped.state == "cancelled"
    assert kept.state == "waiting"
    assert runner.engine_pids() == {}
    runner.start_lanes()
    assert wait_end(qtbot, kept).state == "done"
    assert wait_picture(qtbot, session) == (1, "early")


def test_the_engine_process_never_imports_qt_and_is_nice(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner()
    batch = wait_end(qtbot, runner.submit("sample.look", SampleSpec())).result
    interactive = wait_end(qtbot, runner.submit("sample.look", SampleSpec(), lane="interactive")).result
    for seen in (batch, interactive):
        assert isinstance(seen, Surroundings)
        assert seen.pid != os.getpid()
        forbidden = ("PySide6", "shiboken6", "pyqtgraph", "pytest", "workbench.runner.runner")
        assert not [module for module in seen.modules if module.startswith(forbidden)]
    assert batch.pid != interactive.pid
    if hasattr(os, "nice"):
        assert batch.niceness == os.nice(0) + 10
        assert interactive.niceness < batch.niceness


def test_arrays_of_every_layout_cross_unchanged(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner()
    session = runner.submit("sample.echo", SampleSpec(), lane="interactive")
    square = np.arange(400 * 300, dtype=np.float32).reshape(400, 300)
    sent = {
        "c": square,
        "fortran": np.asfortranarray(square),
        "strided": square[::2, ::3],
        "bool": square > 1000,
        "empty": np.zeros((0, 5)),
        "small": np.arange(3, dtype=np.int8),
    }
    session.request(sent)
    _, got = wait_picture(qtbot, session)
    assert got.keys() == sent.keys()
    for name, array in sent.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].dtype == array.dtype
        assert got[name].flags.writeable


def test_large_arrays_leave_no_shared_memory(make_runner: MakeRunner, qtbot: QtBot) -> None:
    before = shared_memory_left()
    runner = make_runner()
    handle = runner.submit("sample.count", SampleSpec(steps=60, numbers=LARGE, pause_ms=5))
    wait_end(qtbot, handle)
    assert handle.result.numbers.nbytes == 8 * LARGE
    runner.close()
    assert shared_memory_left() <= before


def test_memory_of_a_failed_job_comes_back(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner()
    ask = SampleSpec(numbers=20_000_000)
    before = wait_end(qtbot, runner.submit("sample.remember", SampleSpec())).result
    for _ in range(3):
        assert wait_end(qtbot, runner.submit("sample.allocate", ask)).state == "failed"
    after = wait_end(qtbot, runner.submit("sample.remember", SampleSpec())).result
    assert after - before < 50e6, "each held 160 MB in a cycle and in its traceback"


def test_a_recorded_job_leaves_its_row_result_and_artifacts(
    make_runner: MakeRunner, qtbot: QtBot, store: Store
) -> None:
    runner = make_runner(store)
    done = wait_end(qtbot, runner.submit("sample.write", SampleSpec(text="ä")))
    failed = wait_end(qtbot, runner.submit("sample.mistake", SampleSpec(seed=4)))
    passing = wait_end(qtbot, runner.submit("sample.count", SampleSpec(), lane="interactive"))
    assert passing.run_id is None
    rows = {row.id: row for row in store.runs()}
    assert set(rows) == {done.run_id, failed.run_id}
    assert rows[done.run_id].status == "done"
    assert rows[done.run_id].spec["text"] == "ä"
    assert (store.folder(done.run_id) / "note.txt").read_text(encoding="utf-8") == "ä"
    assert store.snapshots(done.run_id)[0]["count"] == 1
    assert rows[failed.run_id].status == "failed"
    assert rows[failed.run_id].seeds == (4,)
    assert rows[failed.run_id].error["what"] == "expected a positive number, got -1"
    assert not runner.resumable()


def test_ended_jobs_are_forgotten_on_request_and_when_there_are_many(
    make_runner: MakeRunner, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.runner.runner.KEPT_ENDED", 3)
    runner = make_runner(inline=True)
    removed: list[object] = []
    runner.job_removed.connect(removed.append)
    handles = [runner.submit("sample.count", SampleSpec(steps=1)) for _ in range(6)]
    runner.forget(handles[-1])
    assert handles[-1] in runner.jobs(), "it has not ended"
    wait_end(qtbot, handles[-1])
    assert runner.jobs() == handles[3:]
    assert removed == handles[:3]
    runner.forget(handles[4])
    assert runner.jobs() == [handles[3], handles[5]]


def test_a_closed_runner_takes_no_more_jobs(make_runner: MakeRunner, qtbot: QtBot) -> None:
    runner = make_runner(inline=True)
    runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        runner.submit("sample.count", SampleSpec())


def test_a_job_that_calls_sys_exit_fails_and_the_lane_goes_on(runner: Runner, qtbot: QtBot) -> None:
    left = runner.submit("sample.leave", SampleSpec())
    after = runner.submit("sample.count", SampleSpec(steps=1))
    wait_end(qtbot, left)
    assert left.error is not None
    assert (left.state, left.error.kind, left.error.what) == ("failed", "bug", "SystemExit: unhappy")
    assert wait_end(qtbot, after).state == "done"
