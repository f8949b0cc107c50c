"""Jobs, sweeps and calls on a real local Ray cluster, with workers that are killed under them."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engines.core.cluster import ClusterExecutor, TaskEvent, TaskFailed, grid
from engines.core.cluster_worker import Message, TaskOrder, Worker, write_artifacts
from engines.core.errors import Cancelled, UserError
from tests.engines.core import sample_jobs
from tests.engines.core.sample_jobs import CountSpec

if TYPE_CHECKING:
    import psutil


@pytest.fixture(scope="module")
def cluster() -> Iterator[ClusterExecutor]:
    pytest.importorskip("ray", reason="Ray is not installed (extra: cluster)")
    import psutil

    _STRANGERS.update(child.pid for child in psutil.Process().children(recursive=True))
    with ClusterExecutor(local_cpus=2, local_memory_mb=80, grace_s=3.0) as executor:
        yield executor


_STRANGERS: set[int] = set()
"""Processes that tests of other files started in this one and left, before there was a cluster."""


def started_by_the_cluster(child: psutil.Process) -> bool:
    """Neither a stranger nor Python's own tracker of shared memory, which lives as long as we do."""
    return child.pid not in _STRANGERS and not any("resource_tracker" in word for word in child.cmdline())


def kinds(events: list[TaskEvent], task: int | None = None) -> list[str]:
    """Kinds of events without the repeated ones in between."""
    chosen = [e.kind for e in events if task in (None, e.task) and e.kind != "waiting"]
    return [kind for i, kind in enumerate(chosen) if i == 0 or chosen[i - 1] != kind]


def test_a_grid_is_every_combination_and_checks_its_values() -> None:
    specs = grid(CountSpec(steps=9), pause_ms=["1", "2"], seed=range(3))
    assert [(s.pause_ms, s.seed) for s in specs] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2)]
    assert {s.steps for s in specs} == {9} and grid(CountSpec()) == (CountSpec(),)
    with pytest.raises(UserError, match="no value for steps"):
        grid(CountSpec(), steps=[])
    with pytest.raises(UserError, match="no field 'colour'"):
        grid(CountSpec(), colour=["red"])
    with pytest.raises(UserError, match="steps"):
        grid(CountSpec(), steps=[0])


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"Ray is not installed.*paper-workbench\[cluster\]"):
        ClusterExecutor()


def order(serial: int = 1, **fields: object) -> TaskOrder:
    return TaskOrder(serial, "cluster.count", sample_jobs.__name__, CountSpec.checked(fields))


def drain(worker: Worker, seconds: float = 10) -> list[Message]:
    """All messages of a worker until its task has ended."""
    said: list[Message] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        said += worker.poll(0.2)
        if said and said[-1].kind in ("done", "failed", "cancelled"):
            return said
    raise AssertionError("the worker never answered")


def test_a_worker_keeps_only_the_newest_progress_and_checkpoint_but_every_file() -> None:
    worker = Worker()
    worker.start(order(steps=30, every=10))
    assert worker._thread is not None
    worker._thread.join(10)
    said = worker.poll(0)
    assert [m.kind for m in said].count("progress") == 1 and [m.kind for m in said].count("checkpoint") == 1
    assert said[-1].kind == "done" and pickle.loads(said[-1].body).total == 435
    state = next(pickle.loads(m.body) for m in said if m.kind == "checkpoint")
    assert state["step"] == 30
    shown = [pickle.loads(m.body) for m in said if m.kind == "snapshot"]
    assert len(shown[-1]) == 30, "the last snapshot is shown even if it came too soon"
    assert any("log.txt" in m.artifacts for m in said)


def test_a_worker_turns_each_way_of_failing_into_its_message() -> None:
    worker = Worker()
    worker.start(order(trouble="user"))
    (failed,) = drain(worker)
    assert (failed.text, failed.remedy, failed.is_bug) == ("expected another wish", "wish again", False)
    worker.start(order(trouble="bug"))
    (failed,) = drain(worker)
    assert failed.is_bug and "KeyError" in failed.text and "sample_jobs.py" in failed.details
    worker.start(TaskOrder(3, "cluster.count", "no.such.module", CountSpec()))
    (failed,) = drain(worker)
    assert failed.is_bug and "ModuleNotFoundError" in failed.text
    worker.start(order(4, steps=1000, pause_ms=5))
    assert worker.poll(5)
    worker.cancel(4)
    assert drain(worker)[-1].kind == "cancelled"


def test_a_cancel_that_comes_too_late_does_not_stop_the_next_order() -> None:
    worker = Worker()
    worker.start(order(1, steps=1))
    assert drain(worker)[-1].kind == "done"
    worker.start(order(2, steps=20, pause_ms=1))
    worker.cancel(1)
    assert drain(worker)[-1].kind == "done"


def test_files_of_a_task_stay_in_its_folder(tmp_path: Path) -> None:
    write_artifacts(tmp_path, {"a/b.txt": b"x"})
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"x"
    with pytest.raises(ValueError, match="outside"):
        write_artifacts(tmp_path / "a", {"../c.txt": b"x"})
    assert not (tmp_path / "c.txt").exists()


def test_a_job_runs_with_its_progress_snapshots_checkpoints_and_files(cluster: ClusterExecutor, tmp_path: Path) -> None:
    events: list[TaskEvent] = []
    result = cluster.run("cluster.count", CountSpec(steps=12, pause_ms=30, every=4), on_event=events.append)
    assert result.total == 66 and result.pid != os.getpid()
    assert np.array_equal(result.squares, np.arange(12.0) ** 2)
    seen = kinds(events)
    assert seen[0] == "started" and seen[-1] == "done" and {"progress", "snapshot", "checkpoint"} <= set(seen)
    steps = [e.done for e in events if e.kind == "progress"]
    assert steps == sorted(steps) and len(steps) > 3 and events[0].pid == result.pid
    for event in events:
        event.write_artifacts(tmp_path)
    assert (tmp_path / "log.txt").read_text().split() == [str(i) for i in range(12)]


def test_a_sweep_runs_every_spec_two_at_a_time_and_a_failure_ends_its_task_only(
    cluster: ClusterExecutor,
) -> None:
    specs = [
        *grid(CountSpec(pause_ms=20), steps=[3, 4, 5]),
        CountSpec(trouble="user"),
        CountSpec(trouble="bug"),
    ]
    events = list(cluster.sweep("cluster.count", specs))
    last = {e.task: e for e in events}
    assert [last[i].kind for i in range(5)] == ["done", "done", "done", "failed", "failed"]
    assert [last[i].payload.total for i in range(3)] == [3, 6, 10]
    assert last[3].remedy == "wish again" and last[4].is_bug and "KeyError" in last[4].details
    assert len({e.pid for e in events if e.kind == "started"}) <= 2, "workers are used again"


def test_errors_of_a_single_run_are_raised_here(cluster: ClusterExecutor) -> None:
    with pytest.raises(UserError, match=r"expected another wish \(wish again\)"):
        cluster.run("cluster.count", CountSpec(trouble="user"))
    with pytest.raises(TaskFailed, match="KeyError") as caught:
        cluster.run("cluster.count", CountSpec(trouble="bug"))
    assert "sample_jobs.py" in caught.value.details


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_worker_is_replaced_and_its_task_goes_on_from_the_checkpoint(
    cluster: ClusterExecutor,
) -> None:
    spec = CountSpec(steps=60, pause_ms=25, every=10)
    events: list[TaskEvent] = []
    killed = 0
    for event in cluster.sweep("cluster.count", [spec, CountSpec(steps=3)]):
        events.append(event)
        if event.task == 0 and event.kind == "checkpoint" and not killed:
            killed = event.pid
            os.kill(killed, signal.SIGKILL)
    assert kinds(events, 0)[-1] == "done" and "lost" in kinds(events, 0) and kinds(events, 1)[-1] == "done"
    lost = next(e for e in events if e.kind == "lost")
    assert lost.pid == killed and "goes on from its last checkpoint" in lost.text
    result = next(e.payload for e in events if e.task == 0 and e.kind == "done")
    assert result.start >= 10 and result.pid != killed
    assert np.array_equal(result.squares, np.arange(60.0) ** 2), "nothing was counted twice or left out"
    files: dict[str, bytes] = {}
    for event in events:
        if event.task == 0:
            files.update(event.artifacts)
    logged = [int(line) for line in files["log.txt"].split()]
    assert set(logged) == set(range(60)), "files written before the loss came along"


def test_a_task_that_always_takes_its_worker_along_is_given_up(cluster: ClusterExecutor) -> None:
    cluster.retries, before = 1, cluster.retries
    try:
        events = list(cluster.sweep("cluster.count", [CountSpec(trouble="exit")]))
    finally:
        cluster.retries = before
    assert kinds(events)[-1] == "failed" and kinds(events).count("lost") == 1
    assert events[-1].is_bug and "lost 2 times" in events[-1].text


def test_one_task_of_a_sweep_is_cancelled_and_the_others_go_on(cluster: ClusterExecutor) -> None:
    events: list[TaskEvent] = []
    for event in cluster.sweep("cluster.count", grid(CountSpec(pause_ms=10), steps=[100_000, 20, 20])):
        events.append(event)
        if event.task == 0 and event.kind == "progress":
            cluster.cancel(0)
    assert [kinds(events, task)[-1] for task in range(3)] == ["cancelled", "done", "done"]


def test_cancelling_all_ends_running_and_waiting_tasks(cluster: ClusterExecutor) -> None:
    events: list[TaskEvent] = []
    for event in cluster.sweep("cluster.count", [CountSpec(steps=100_000, pause_ms=10)] * 4):
        events.append(event)
        if event.kind == "progress":
            cluster.cancel()
    assert [kinds(events, task)[-1] for task in range(4)] == ["cancelled"] * 4


def test_a_check_that_raises_stops_the_run_and_the_cluster_stays_usable(cluster: ClusterExecutor) -> None:
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    def on_event(event: TaskEvent) -> None:
        if event.kind == "progress":
            stop.set()

    with pytest.raises(Cancelled):
        cluster.run("cluster.count", CountSpec(steps=100_000, pause_ms=10), on_event=on_event, check=check)
    assert cluster.run("cluster.count", CountSpec(steps=3)).total == 3


def test_a_job_that_does_not_answer_a_cancel_loses_its_worker(cluster: ClusterExecutor) -> None:
    cluster.grace_s, before = 0.5, cluster.grace_s
    pid = 0
    try:
        for event in cluster.sweep("cluster.count", [CountSpec(trouble="deaf")]):
            if event.kind == "progress":
                pid = event.pid
                cluster.cancel()
    finally:
        cluster.grace_s = before
    assert event.kind == "cancelled" and "did not answer" in event.text
    gone = time.monotonic() + 10
    while _is_alive(pid) and time.monotonic() < gone:
        time.sleep(0.05)
    assert not _is_alive(pid)


def test_an_interrupted_task_is_resumed_from_a_stored_checkpoint(cluster: ClusterExecutor) -> None:
    state = {"step": 7, "squares": np.arange(10.0) ** 2}
    result = cluster.run("cluster.count", CountSpec(steps=10), resume=state)
    assert result.start == 7


def test_what_cannot_run_is_refused_before_it_starts(cluster: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="cannot run on a cluster"):
        cluster.run("cluster.session", CountSpec())
    with pytest.raises(UserError, match="no job"):
        cluster.run("sample.nothing", CountSpec())
    monkeypatch.setattr(cluster, "gpus", 64.0)
    with pytest.raises(UserError, match="64 GPUs"):
        cluster.run("cluster.count", CountSpec())


def test_a_worker_of_another_version_is_refused(cluster: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    import engines

    monkeypatch.setattr(engines, "__version__", "9.9.9")
    with pytest.raises(UserError, match=r"version .* here it is 9\.9\.9 \(install the same"):
        cluster.run("cluster.count", CountSpec())


def test_calls_are_mapped_in_order_with_a_shared_argument(cluster: ClusterExecutor) -> None:
    assert list(cluster.map(sample_jobs.square, range(8))) == [i * i for i in range(8)]
    assert sorted(cluster.map(sample_jobs.square, range(5), ordered=False)) == [0, 1, 4, 9, 16]
    assert list(cluster.map(sample_jobs.scaled, [1, 2], shared=np.ones(1000))) == [1000.0, 2000.0]
    assert list(cluster.map(sample_jobs.square, [])) == []


def test_a_mapped_call_that_fails_raises_what_it_raised(cluster: ClusterExecutor) -> None:
    results = cluster.map(sample_jobs.refuse, [2, 4, 5, 6])
    assert next(results) == 2 and next(results) == 4
    with pytest.raises(UserError, match=r"5 is odd \(choose an even one\)"):
        next(results)


def test_a_mapped_call_survives_the_loss_of_its_worker(cluster: ClusterExecutor, tmp_path: Path) -> None:
    (pid,) = cluster.map(sample_jobs.dies_once, [str(tmp_path)])
    assert pid > 0 and (tmp_path / "died").exists()


def test_a_second_executor_shares_the_connection_and_another_address_is_refused(
    cluster: ClusterExecutor,
) -> None:
    with ClusterExecutor() as second:
        assert second.resources["CPU"] == 2
        assert list(second.map(sample_jobs.square, [3])) == [9]
    assert cluster.resources["nodes"] == 1, "the first still stands"
    with pytest.raises(UserError, match="connected to a local cluster"):
        ClusterExecutor("auto")


def _is_alive(pid: int) -> bool:
    import psutil

    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_closing_ends_every_process_that_was_started(cluster: ClusterExecutor) -> None:
    """Keep this one last: the cluster is gone afterwards."""
    import psutil

    before = [child for child in psutil.Process().children(recursive=True) if started_by_the_cluster(child)]
    assert any("ray" in " ".join(child.cmdline()) for child in before)
    cluster.close()
    cluster.close()
    _gone, alive = psutil.wait_procs(before, timeout=15)
    assert alive == []
    with pytest.raises(RuntimeError, match="closed"):
        cluster.run("cluster.count", CountSpec())
    with pytest.raises(UserError, match="cannot be reached"):
        ClusterExecutor("127.0.0.1:9")
    with pytest.raises(UserError, match="host:port"):
        ClusterExecutor("nowhere")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a cluster of several nodes on one machine")
def test_the_loss_of_a_whole_machine_costs_its_task_the_work_since_the_checkpoint() -> None:
    pytest.importorskip("ray", reason="Ray is not installed (extra: cluster)")
    from ray.cluster_utils import Cluster

    size = {"num_cpus": 1, "object_store_memory": 80 << 20}
    machines = Cluster(initialize_head=True, head_node_args={**size, "include_dashboard": False})
    try:
        second = machines.add_node(**size)
        with ClusterExecutor(machines.address) as executor:
            assert executor.resources["nodes"] == 2
            events: list[TaskEvent] = []
            specs = [CountSpec(steps=120, pause_ms=40, every=5)] * 2
            for event in executor.sweep("cluster.count", specs):
                events.append(event)
                saved = {e.task for e in events if e.kind == "checkpoint"}
                if second is not None and saved == {0, 1}:
                    machines.remove_node(second, allow_graceful=False)
                    second = None
        assert [kinds(events, task)[-1] for task in range(2)] == ["done", "done"]
        results = [e.payload for e in events if e.kind == "done"]
        assert sorted(r.start > 0 for r in results) == [False, True], "one task went on from its checkpoint"
        assert len({r.pid for r in results}) == 1, "the machine that was left did both"
    finally:
        machines.shutdown()
