"""The cluster's side of a task: runs one registered job at a time and keeps what it says until it is fetched.

Knows no Ray, so that it can be tested as the plain object it is; `engines.core.cluster` makes actors of it.
"""

from __future__ import annotations

import importlib
import os
import pickle
import platform
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import engines
from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job
from engines.core.spec import Spec

SNAPSHOTS_PER_S = 15.0
MOST_ARTIFACT_BYTES = 1 << 30

MessageKind = Literal["progress", "snapshot", "checkpoint", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class TaskOrder:
    """What a worker shall do. module: imported first, so that the job is registered there. serial: comes back
    with every message. resume: the pickled state of the last checkpoint. artifacts: files of the run so
    far."""

    serial: int
    name: str
    module: str
    spec: Spec
    resume: bytes | None = None
    artifacts: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Message:
    """One thing a task said. body: pickled snapshot, checkpoint state or result; artifacts: new or changed
    files of the run's folder, by path within it; numbers: done and total; text: progress text, what went
    wrong;
    keep: of a snapshot; remedy, details: of a failure, `is_bug` unless it is the user's to mend."""

    serial: int
    kind: MessageKind
    body: bytes = b""
    artifacts: dict[str, bytes] = field(default_factory=dict)
    numbers: tuple[float, float] = (0.0, 0.0)
    text: str = ""
    keep: bool = False
    remedy: str = ""
    details: str = ""
    is_bug: bool = False


@dataclass(frozen=True)
class Hello:
    """Who a worker is. version: of the engines it has installed."""

    version: str
    host: str
    pid: int


class Worker:
    """Takes one order after the other. `start`, `poll` and `cancel` may come from different threads."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._changed = threading.Condition()
        self._context: LocalContext | None = None
        self._serial = 0
        self._thread: threading.Thread | None = None

    def hello(self) -> Hello:
        return Hello(engines.__version__, platform.node(), os.getpid())

    def start(self, order: TaskOrder) -> None:
        """Begin an order; the one before has ended."""
        if self._thread is not None:
            self._thread.join()
        self._serial, self._context = order.serial, LocalContext()
        self._thread = threading.Thread(target=self._run, args=(order, self._context), daemon=True)
        self._thread.start()

    def cancel(self, serial: int) -> None:
        """Ask the job of that order to stop; the answer comes as a message. Too late for it, nothing happens."""
        if self._context is not None and serial == self._serial:
            self._context.cancel()

    def poll(self, timeout_s: float) -> tuple[Message, ...]:
        """What was said since the last poll, oldest first; waits up to `timeout_s` for the first of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages, timeout_s)
            taken, self._messages = tuple(self._messages), []
            return taken

    def _say(self, message: Message) -> None:
        """Queue a message. Of progress, unkept snapshots and checkpoints only the newest waits."""
        with self._changed:
            if message.kind in ("progress", "checkpoint") or (message.kind == "snapshot" and not message.keep):
                for i, older in enumerate(self._messages):
                    if older.kind == message.kind and older.keep == message.keep:
                        artifacts = {**older.artifacts, **message.artifacts}
                        del self._messages[i]
                        message = Message(**{**message.__dict__, "artifacts": artifacts})
                        break
            self._messages.append(message)
            self._changed.notify_all()

    def _run(self, order: TaskOrder, context: LocalContext) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="paper-workbench-", ignore_cleanup_errors=True) as folder:
                last = self._work(order, context, Path(folder))
        except Cancelled:
            last = Message(order.serial, "cancelled")
        except UserError as error:
            last = Message(order.serial, "failed", text=error.what, remedy=error.remedy)
        except BaseException as error:  # noqa: BLE001  (the room's door: a bug ends its task only)
            said = f"{type(error).__name__}: {error}"
            last = Message(order.serial, "failed", text=said, details=traceback.format_exc(), is_bug=True)
        context.on_progress = context.on_snapshot = context.on_checkpoint = None
        self._say(last)

    def _work(self, order: TaskOrder, context: LocalContext, folder: Path) -> Message:
        importlib.import_module(order.module)
        job = find_job(order.name)
        reporter = _Reporter(self, order.serial, _Folder(folder))
        reporter.folder.unpack(order.artifacts)
        context.folder = folder
        context.resume = None if order.resume is None else pickle.loads(order.resume)
        context.on_progress = reporter.progress
        context.on_snapshot = reporter.snapshot
        context.on_checkpoint = reporter.checkpoint
        result = job.function(order.spec, context)
        reporter.flush()
        return Message(order.serial, "done", pickle.dumps(result), reporter.folder.changes())


class _Reporter:
    """Turns what a job tells its context into messages, at the moment it is told: arrays may change
    afterwards."""

    def __init__(self, worker: Worker, serial: int, folder: _Folder) -> None:
        self.worker, self.serial, self.folder = worker, serial, folder
        self._shown_at = 0.0
        self._late: Any = None

    def progress(self, done: float, total: float, text: str) -> None:
        self.worker._say(Message(self.serial, "progress", numbers=(done, total), text=text))

    def snapshot(self, snapshot: Any, keep: bool) -> None:
        now = time.monotonic()
        if not keep and now - self._shown_at < 1 / SNAPSHOTS_PER_S:
            self._late = snapshot
            return
        self._shown_at, self._late = now, None
        self.worker._say(Message(self.serial, "snapshot", pickle.dumps(snapshot), keep=keep))

    def flush(self) -> None:
        """Show the last snapshot if it came too soon after the one before."""
        if self._late is not None:
            self.worker._say(Message(self.serial, "snapshot", pickle.dumps(self._late)))

    def checkpoint(self, state: dict[str, Any]) -> None:
        self.worker._say(Message(self.serial, "checkpoint", pickle.dumps(state), self.folder.changes()))


class _Folder:
    """A run's folder on the worker, of which new and changed files are sent back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._seen: dict[str, tuple[int, int]] = {}

    def unpack(self, artifacts: dict[str, bytes]) -> None:
        """Put files of an earlier attempt back."""
        write_artifacts(self.root, artifacts)
        self.changes()

    def changes(self) -> dict[str, bytes]:
        """Files that are new or other than at the last call. Raises UserError when they are too large to
        send."""
        changed: dict[str, bytes] = {}
        size = 0
        for path in sorted(p for p in self.root.rglob("*") if p.is_file()):
            name, facts = path.relative_to(self.root).as_posix(), path.stat()
            stamp = (facts.st_size, facts.st_mtime_ns)
            if self._seen.get(name) == stamp:
                continue
            size += facts.st_size
            if size > MOST_ARTIFACT_BYTES:
                raise UserError("the run's files are too large to send from the cluster", "run it on this machine")
            self._seen[name] = stamp
            changed[name] = path.read_bytes()
        return changed


def write_artifacts(folder: Path, artifacts: dict[str, bytes]) -> None:
    """Write a task's files below `folder`. Raises ValueError for a path that leads out of it."""
    root = folder.resolve()
    for name, body in artifacts.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ValueError(f"{name!r} lies outside of the run's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
