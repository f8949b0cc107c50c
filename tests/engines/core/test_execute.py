"""Recorded runs: how they end, how they go on, and what they leave in a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
import pytest

from engines.core import job as registry
from engines.core.errors import Cancelled, UserError
from engines.core.execute import code_version, execute, export, resumable
from engines.core.job import JobContext, LocalContext, job
from engines.core.spec import Spec, param
from engines.core.store import Store

ROOT = Path(__file__).resolve().parents[3]


class SumSpec(Spec):
    """What to add up."""

    steps: int = param(6, "Steps.", ge=0, le=10_000)
    trouble: Literal["none", "user", "bug", "exit"] = param("none", "What goes wrong at step 3, the first time.")
    pause_ms: int = param(0, "Pause at each step.", ge=0, le=1000)


@dataclass(frozen=True)
class Sum:
    """total: of the steps. begun: step it began at. steps: int64 [steps], running sums."""

    total: int
    begun: int
    sums: np.ndarray


def add_up(spec: SumSpec, ctx: JobContext) -> Sum:
    """Add up."""
    import time

    state: dict[str, Any] = ctx.resume or {"step": 0, "sums": np.zeros(spec.steps, np.int64)}
    begun, sums = state["step"], state["sums"].copy()
    for step in range(begun, spec.steps):
        ctx.check()
        time.sleep(spec.pause_ms / 1000)
        if step == 3 and not ctx.resume:
            _go_wrong(spec.trouble)
        sums[step] = step + (sums[step - 1] if step else 0)
        ctx.checkpoint({"step": step + 1, "sums": sums})
        ctx.publish(Sum(int(sums[step]), begun, sums), keep=step == 0)
        ctx.progress(step + 1, spec.steps, f"step {step}")
    if ctx.folder is not None:
        (ctx.folder / "note.txt").write_text("an artifact", encoding="utf-8")
    return Sum(int(sums[-1]), begun, sums)


def _go_wrong(how: str) -> None:
    if how == "user":
        raise UserError("expected another wish", "wish again")
    if how == "bug":
        raise ZeroDivisionError("a bug")
    if how == "exit":
        raise KeyboardInterrupt


def register() -> None:
    """Make the topic "probe" with its one job known in this process."""
    if "probe" not in registry.TOPICS:
        registry.TOPICS = (*registry.TOPICS, "probe")
    sys.modules.setdefault("engines.probe", ModuleType("engines.probe"))
    sys.modules.setdefault("engines.probe.jobs", ModuleType("engines.probe.jobs"))
    job("probe.sum", SumSpec)(add_up)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(registry, "_jobs", dict(registry._jobs))
    monkeypatch.setattr(registry, "TOPICS", registry.TOPICS)
    monkeypatch.setitem(sys.modules, "engines.probe", ModuleType("engines.probe"))
    monkeypatch.setitem(sys.modules, "engines.probe.jobs", ModuleType("engines.probe.jobs"))
    register()
    opened = Store(tmp_path / "store")
    yield opened
    opened.close()


def test_a_run_that_ends_well_leaves_its_row_its_result_and_its_artifacts(store: Store) -> None:
    done = execute("probe.sum", SumSpec(steps=4, seed=7), store)
    record = store.run(done.run_id)
    assert (record.status, record.seeds, record.metrics) == ("done", (7,), {"total": 6, "begun": 0})
    assert record.spec["steps"] == 4
    assert record.code_version == code_version()
    value = json.loads((done.folder / "result.json").read_text(encoding="utf-8"))
    assert value["result"] == {"total": 6, "begun": 0, "sums": [0, 1, 3, 6]}
    assert (done.folder / "note.txt").is_file()
    assert len(store.snapshots(done.run_id)) == 1
    assert not store.has_checkpoint(done.run_id)


def test_a_users_mistake_and_a_bug_are_recorded_and_raised(store: Store) -> None:
    with pytest.raises(UserError, match="another wish"):
        execute("probe.sum", SumSpec(trouble="user"), store)
    with pytest.raises(ZeroDivisionError):
        execute("probe.sum", SumSpec(trouble="bug"), store)
    with pytest.raises(KeyboardInterrupt):
        execute("probe.sum", SumSpec(trouble="exit"), store)
    killed, bug, mistake = store.runs()
    assert (mistake.status, mistake.error["kind"], mistake.error["remedy"]) == (
        "failed",
        "user",
        "wish again",
    )
    assert (bug.status, bug.error["kind"]) == ("failed", "bug")
    assert "ZeroDivisionError" in bug.error["details"]
    assert killed.status == "interrupted"


@pytest.mark.parametrize("trouble", ["user", "bug", "exit"])
def test_a_run_that_ended_badly_goes_on_from_its_checkpoint_in_its_own_row(store: Store, trouble: str) -> None:
    spec = SumSpec.checked({"trouble": trouble})
    with pytest.raises((UserError, ZeroDivisionError, KeyboardInterrupt)):
        execute("probe.sum", spec, store)
    (record,) = store.runs()
    again, found = resumable(store, record.id)
    assert found == spec
    done = execute("probe.sum", spec, store, resume_run=again.id)
    assert (done.run_id, done.resumed, done.result.begun, done.result.total) == (record.id, True, 3, 15)
    assert [r.status for r in store.runs()] == ["done"]
    assert store.run(record.id).error == {}


def test_a_cancelled_run_says_so_and_can_go_on(store: Store) -> None:
    ctx = LocalContext()
    ctx.on_progress = lambda done, total, text: ctx.cancel() if done == 2 else None
    with pytest.raises(Cancelled):
        execute("probe.sum", SumSpec(), store, ctx)
    (record,) = store.runs()
    assert record.status == "cancelled"
    assert execute("probe.sum", SumSpec(), store, resume_run=record.id).result.begun == 2


def test_listeners_hear_what_the_job_says_beside_the_store(store: Store) -> None:
    heard: list[Any] = []
    ctx = LocalContext(on_progress=lambda *said: heard.append(said[2]), on_snapshot=lambda _, keep: heard.append(keep))
    execute("probe.sum", SumSpec(steps=2), store, ctx)
    assert heard == [True, "step 0", False, "step 1"]


def test_what_cannot_go_on_is_refused_with_the_reason(store: Store) -> None:
    done = execute("probe.sum", SumSpec(steps=1), store)
    with pytest.raises(UserError, match="is done"):
        resumable(store, done.run_id)
    fresh = store.create("probe.sum", {})
    with pytest.raises(UserError, match="still under way"):
        resumable(store, fresh)
    store.set_status(fresh, "interrupted")
    with pytest.raises(UserError, match="no checkpoint"):
        resumable(store, fresh)
    with pytest.raises(UserError, match=r"is of probe\.sum, not of hex\.train"):
        resumable(store, fresh, "hex.train")
    with pytest.raises(UserError, match="no run"):
        resumable(store, "never")
    store.save_checkpoint(fresh, {"step": 1})
    next(store.folder(fresh).glob("checkpoint-*")).write_bytes(b"damaged")
    with pytest.raises(UserError, match="can be read"):
        execute("probe.sum", SumSpec(), store, resume_run=fresh)


def test_the_wrong_spec_is_a_bug_and_leaves_no_row(store: Store) -> None:
    with pytest.raises(TypeError, match="takes SumSpec"):
        execute("probe.sum", Spec(), store)
    assert store.runs() == []


def test_an_export_has_everything_but_checkpoints_and_the_row(store: Store, tmp_path: Path) -> None:
    done = execute("probe.sum", SumSpec(steps=100), store)
    store.save_checkpoint(done.run_id, {"late": 1})
    files = {p.relative_to(tmp_path / "out").as_posix() for p in export(store, done.run_id, tmp_path / "out")}
    assert files == {"result.json", "result.npz", "note.txt", "tables/result.csv", "snapshots/000001.state"}
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        export(store, done.run_id, tmp_path / "file")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_a_killed_run_is_marked_and_goes_on_with_the_same_sums(store: Store) -> None:
    script = (
        "import sys; from pathlib import Path; from engines.core.store import Store\n"
        "from engines.core.execute import execute; from engines.core.job import LocalContext\n"
        f"from {__name__} import SumSpec, register; register()\n"
        "say = lambda done, total, text: (sys.stdout.write(f'{done}\\n'), sys.stdout.flush())\n"
        "spec = SumSpec(steps=100, pause_ms=4)\n"
        "execute('probe.sum', spec, Store(Path(sys.argv[1])), LocalContext(on_progress=say))\n"
    )
    arguments = [sys.executable, "-c", script, str(store.root)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ}) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read()
    acknowledged = int(said.split(b"\n")[-2]) if b"\n" in said else 5
    (run_id,) = store.mark_interrupted()
    _, spec = resumable(store, run_id)
    done = execute("probe.sum", spec.changed(pause_ms=0), store, resume_run=run_id)
    assert acknowledged <= done.result.begun <= acknowledged + 1
    assert done.result.sums.tolist() == np.arange(100).cumsum().tolist()


def test_the_code_version_names_the_program_and_the_commit() -> None:
    import engines

    assert code_version().startswith(engines.__version__)
