"""Jobs: functions ``(spec, ctx) -> result`` known by name, run by the window, the command line, tests, Ray.

A topic's jobs live in ``engines/<topic>/jobs.py`` and are imported only when one is asked for, so that
listing topics costs nothing.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from engines.core.errors import Cancelled, UserError
from engines.core.spec import Spec

TOPICS: tuple[str, ...] = ("hex", "vision", "invariance", "asymmetric", "transfer", "piano")
"""Topics with a ``jobs`` module. A new panel's engine adds its name here."""


@runtime_checkable
class JobContext(Protocol):
    """What a job may ask of its surroundings. It never sees a window, a process or a printer."""

    folder: Path | None
    """Where artifacts of this run may be written, or None when nobody keeps them."""
    resume: Any
    """What the last `checkpoint` of the interrupted run held, or None for a fresh start."""

    def check(self) -> None:
        """Raise Cancelled once the job was asked to stop. Call at least every 100 ms of work."""

    def progress(self, done: float, total: float, text: str = "") -> None:
        """Say how far it is: `done` of `total` (0 when unknown) and what it is doing."""

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        """Show an intermediate picture (a frozen dataclass of numbers and arrays). Only the newest is drawn;
        with `keep` it is also kept with the run."""

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Store `state` (numbers, strings, lists, numpy arrays) so that the run can go on after a kill."""

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        """For session jobs: the newest request not yet taken, or None; waits up to `timeout_s` for one and
        raises Cancelled when the session is closed meanwhile."""


@dataclass(frozen=True)
class Job:
    """A registered job. name: ``topic.verb``. session: lives on and takes requests through the context."""

    name: str
    spec: type[Spec]
    function: Callable[[Any, JobContext], Any]
    title: str
    session: bool = False

    @property
    def topic(self) -> str:
        return self.name.split(".")[0]


_jobs: dict[str, Job] = {}
F = TypeVar("F", bound=Callable[..., Any])


def job(name: str, spec: type[Spec], *, title: str = "", session: bool = False) -> Callable[[F], F]:
    """Register a module-level function as the job `name` ("topic.verb") taking `spec`."""

    def register(function: F) -> F:
        if name in _jobs and _jobs[name].function.__module__ != function.__module__:
            raise ValueError(f"two jobs are called {name!r}")
        first_line = (function.__doc__ or name).strip().splitlines()[0]
        _jobs[name] = Job(name, spec, function, title or first_line.rstrip("."), session)
        return function

    return register


def load_topic(topic: str) -> None:
    """Import a topic's jobs. Raises UserError for an unknown topic."""
    if topic not in TOPICS:
        raise UserError(f"expected a topic out of {', '.join(TOPICS)}, got {topic!r}")
    importlib.import_module(f"engines.{topic}.jobs")


def find_job(name: str) -> Job:
    """The job of that name, importing its topic. Raises UserError for an unknown one."""
    topic = name.split(".")[0]
    if name not in _jobs:
        if topic in TOPICS:
            load_topic(topic)
        if name not in _jobs:
            known = sorted(j for j in _jobs if j.split(".")[0] == topic) or list(TOPICS)
            raise UserError(f"there is no job {name!r}", f"known: {', '.join(known)}")
    return _jobs[name]


def all_jobs() -> tuple[Job, ...]:
    """Every job of every topic, sorted by name. Imports all of them."""
    for topic in TOPICS:
        load_topic(topic)
    return tuple(_jobs[name] for name in sorted(_jobs))


@dataclass
class LocalContext:
    """A context in this very process: for tests, the command line and Ray workers.

    on_progress, on_snapshot, on_checkpoint: called from the job's thread with what it said.
    """

    folder: Path | None = None
    resume: Any = None
    on_progress: Callable[[float, float, str], None] | None = None
    on_snapshot: Callable[[Any, bool], None] | None = None
    on_checkpoint: Callable[[dict[str, Any]], None] | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _requests: list[Any] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def cancel(self) -> None:
        """Ask the job to stop, from any thread."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()

    def request(self, payload: Any) -> None:
        """Hand a session job its next request; an older one that was not taken yet is dropped."""
        with self._changed:
            self._requests[:] = [payload]
            self._changed.notify_all()

    def check(self) -> None:
        if self._stop.is_set():
            raise Cancelled

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.check()
        if self.on_progress:
            self.on_progress(done, total, text)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        if self.on_snapshot:
            self.on_snapshot(snapshot, keep)

    def checkpoint(self, state: dict[str, Any]) -> None:
        if self.on_checkpoint:
            self.on_checkpoint(state)

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        until = time.monotonic() + timeout_s
        with self._changed:
            while not self._requests and not self._stop.is_set():
                left = until - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
            self.check()
            return self._requests.pop() if self._requests else None


def run_job(name: str, spec: Spec, ctx: JobContext | None = None) -> Any:
    """Run a job here and now and return its result."""
    found = find_job(name)
    if not isinstance(spec, found.spec):
        raise TypeError(f"{name} takes {found.spec.__name__}, got {type(spec).__name__}")
    return found.function(spec, ctx or LocalContext())


def to_tables(result: Any) -> dict[str, dict[str, np.ndarray]]:
    """A result's columns as named tables, for CSV: its own `to_tables()`, else its scalars as one row."""
    own = getattr(result, "to_tables", None)
    if own is not None:
        return own()
    if not is_dataclass(result):
        raise TypeError(f"expected a result dataclass, got {type(result).__name__}")
    row = {f.name: getattr(result, f.name) for f in fields(result)}
    scalars = {k: np.array([v]) for k, v in row.items() if isinstance(v, (bool, int, float, str))}
    return {"result": scalars}
