"""Running a registered job with its row, checkpoints and results in the store: here, headless, to the end.

The command line, tests and the window's engine processes differ only in the context that they bring.
"""

from __future__ import annotations

import shutil
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import engines
from engines.core.errors import Cancelled, UserError
from engines.core.job import Job, JobContext, LocalContext, find_job
from engines.core.results import scalars
from engines.core.spec import Spec
from engines.core.store import RunRecord, Store


@dataclass(frozen=True)
class Execution:
    """A run that ended well. result: what the job returned. files: what was written for it, in the run's
    folder.

    resumed: whether it went on from a checkpoint.
    """

    run_id: str
    folder: Path
    result: Any
    files: tuple[Path, ...]
    resumed: bool = False


class RecordedContext:
    """A context whose checkpoints and kept snapshots go into the store; all else is the other context's."""

    def __init__(self, store: Store, run_id: str, other: JobContext, resume: dict[str, Any] | None) -> None:
        self.folder: Path | None = store.folder(run_id)
        self.resume: Any = resume
        self._store = store
        self._run_id = run_id
        self._other = other

    def check(self) -> None:
        self._other.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        self._other.progress(done, total, text)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        if keep:
            self._store.keep_snapshot(self._run_id, snapshot)
        self._other.publish(snapshot, keep=keep)

    def checkpoint(self, state: dict[str, Any]) -> None:
        self._store.save_checkpoint(self._run_id, state)
        self._other.checkpoint(state)

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return self._other.latest_request(timeout_s)


def execute(
    name: str, spec: Spec, store: Store, ctx: JobContext | None = None, *, resume_run: str | None = None
) -> Execution:
    """Run the job `name` and record it. ctx: hears of progress and snapshots, and can cancel.

    resume_run: a run that did not end well; it keeps its row and goes on from its last checkpoint. Whatever
    the job raises is raised, once the row says failed (with the reason), cancelled or interrupted.
    """
    job = find_job(name)
    if not isinstance(spec, job.spec):
        raise TypeError(f"{name} takes {job.spec.__name__}, got {type(spec).__name__}")
    run_id, resume = _opened(job, spec, store, resume_run)
    context = RecordedContext(store, run_id, ctx or LocalContext(), resume)
    with _recorded(store, run_id):
        result = job.function(spec, context)
        files = store.save_result(run_id, result) if result is not None else []
        store.set_status(run_id, "done", scalars(result), device=_computed_on(spec))
    return Execution(run_id, store.folder(run_id), result, tuple(files), resume is not None)


def resumable(store: Store, run_id: str, name: str | None = None) -> tuple[RunRecord, Spec]:
    """The record of a run that can go on, and its spec.

    Raises UserError when it is another job's, is under way, ended well, or left no checkpoint.
    """
    record = store.run(run_id)
    if name is not None and record.name != name:
        raise UserError(f"run {run_id} is of {record.name}, not of {name}", f"say run {record.name} --resume {run_id}")
    if record.status == "done":
        raise UserError(f"run {run_id} is done; there is nothing to resume", "start a new run")
    if record.status in ("running", "waiting") and store.is_alive(record):
        raise UserError(f"run {run_id} is still under way", "cancel it where it runs, or wait for it")
    if not store.has_checkpoint(run_id):
        raise UserError(f"run {run_id} left no checkpoint to go on from", "start a new run")
    return record, find_job(record.name).spec.checked(record.spec)


def export(store: Store, run_id: str, target: Path) -> list[Path]:
    """Copy a run's results, tables, artifacts and kept snapshots (not its checkpoints) to `target`.

    Raises UserError when it cannot be written.
    """
    source = store.folder(run_id)
    copied: list[Path] = []
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.rglob("*")):
            place = path.relative_to(source)
            if path.is_dir() or path.name.startswith((".", "checkpoint-")) or place == Path("run.json"):
                continue
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / place)
            copied.append(target / place)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}", f"the results are in {source}") from error
    return copied


@lru_cache(maxsize=1)
def code_version() -> str:
    """The program's version, with the commit where it runs from a checkout."""
    head = Path(engines.__file__).resolve().parents[1] / ".git" / "HEAD"
    try:
        text = head.read_text(encoding="ascii").strip()
        if text.startswith("ref: "):
            text = (head.parent / text.removeprefix("ref: ")).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return engines.__version__
    return f"{engines.__version__}+g{text[:12]}"


def _opened(job: Job, spec: Spec, store: Store, resume_run: str | None) -> tuple[str, dict[str, Any] | None]:
    """The run's id and the state it goes on from, its row saying that it is under way."""
    if resume_run is None:
        plain = spec.model_dump(mode="json")
        return store.create(job.name, plain, (spec.seed,), spec.device, code_version()), None
    resumable(store, resume_run, job.name)
    state = store.load_checkpoint(resume_run)
    if state is None:
        raise UserError(
            f"no checkpoint of run {resume_run} can be read: {'; '.join(store.notices[-2:])}",
            "start a new run",
        )
    store.set_status(resume_run, "running")
    return resume_run, state


@contextmanager
def _recorded(store: Store, run_id: str) -> Iterator[None]:
    """Write into the row how the body ended, if not well, and let its exception pass."""
    try:
        yield
    except Cancelled:
        store.set_status(run_id, "cancelled")
        raise
    except UserError as error:
        store.set_status(run_id, "failed", error={"kind": "user", "what": error.what, "remedy": error.remedy})
        raise
    except Exception as error:
        store.set_status(
            run_id,
            "failed",
            error={"kind": "bug", "what": repr(error), "remedy": "", "details": traceback.format_exc()},
        )
        raise
    except BaseException:  # Ctrl+C pressed twice, or the interpreter is told to exit.
        store.set_status(run_id, "interrupted")
        raise


def _computed_on(spec: Spec) -> str:
    """The device that "auto" meant, where the job used torch at all."""
    if "torch" not in sys.modules:
        return spec.device
    from engines.core.device import choose

    return str(choose(spec.device))
