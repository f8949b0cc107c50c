"""Registered jobs, sweeps and plain functions on a Ray cluster: the one at an address, or a local one.

Ray comes with the optional extra ``cluster`` and is imported by `ClusterExecutor` only. A task runs in a
worker process; what it says is fetched from there; its last checkpoint lies here, so that the loss of a
worker or of a whole machine costs the work since then and nothing else.
"""

from __future__ import annotations

import itertools
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from engines.core.cluster_connection import Connection, import_ray
from engines.core.cluster_sweep import Slot, Sweep, TaskEvent
from engines.core.errors import Cancelled, UserError
from engines.core.job import find_job
from engines.core.spec import Spec

S = TypeVar("S", bound=Spec)


class TaskFailed(Exception):
    """A bug in a job on the cluster, or workers lost too often. details: the traceback from there."""

    def __init__(self, what: str, details: str = "") -> None:
        super().__init__(what)
        self.details = details


def grid(spec: S, **values: Iterable[Any]) -> tuple[S, ...]:
    """All combinations of the fields' values on top of `spec`, the last field changing fastest.

    ``grid(spec, rate=[0.1, 0.01], seed=range(3))`` are six specs. Raises UserError for an unknown field, a
    bad value, or a field without values.
    """
    choices = {name: tuple(options) for name, options in values.items()}
    for name, options in choices.items():
        if not options:
            raise UserError(f"the sweep has no value for {name}")
    return tuple(
        spec.changed(**dict(zip(choices, combination, strict=True)))
        for combination in itertools.product(*choices.values())
    )


class ClusterExecutor:
    """Runs jobs on a cluster. Use it as a context manager, or `close` it.

    address: "" starts a local cluster that ends with this object, "auto" is the one running on this machine,
    "host:6379" one that this machine belongs to, "ray://host:10001" any other.
    cpus, gpus: what each task reserves. local_cpus: size of a local cluster, all cores by default.
    retries: how often a task may lose its worker. grace_s: time a job has to answer a cancel.
    Raises UserError when Ray is missing or the cluster does not answer.
    """

    def __init__(
        self,
        address: str = "",
        *,
        cpus: float = 1.0,
        gpus: float = 0.0,
        local_cpus: int | None = None,
        local_memory_mb: int = 512,
        retries: int = 3,
        grace_s: float = 10.0,
    ) -> None:
        self.cpus, self.gpus = cpus, gpus
        self.retries, self.grace_s = retries, grace_s
        self._ray = import_ray()
        self._connection = Connection.join(self._ray, address, local_cpus, local_memory_mb)
        self._idle: list[Slot] = []
        self._serials = itertools.count(1)
        self._cancelled: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._counted: dict[str, float] = {}
        self._counted_at = -1e9

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def resources(self) -> dict[str, float]:
        """What the cluster has in all: {"CPU": 8.0, "GPU": 1.0, "nodes": 2.0}."""
        total = self._ray.cluster_resources()
        nodes = [node for node in self._ray.nodes() if node.get("Alive")]
        return {"CPU": total.get("CPU", 0.0), "GPU": total.get("GPU", 0.0), "nodes": float(len(nodes))}

    def close(self) -> None:
        """End the workers, and the cluster if it was started here. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._dismiss_idle()
            self._connection.leave(self._ray)

    def cancel(self, task: int | None = None) -> None:
        """Ask one task of the sweep under way to stop, or all of them; from any thread."""
        with self._lock:
            self._cancelled.add(-1 if task is None else task)

    def run(
        self,
        name: str,
        spec: Spec,
        *,
        on_event: Callable[[TaskEvent], None] = lambda event: None,
        check: Callable[[], None] = lambda: None,
        resume: Any = None,
    ) -> Any:
        """Run one job and return its result. Raises what it raised: UserError, Cancelled, or TaskFailed."""
        for event in self.sweep(name, [spec], check=check, resume={} if resume is None else {0: resume}):
            on_event(event)
            if event.kind == "cancelled":
                raise Cancelled
            if event.kind == "failed":
                if event.is_bug:
                    raise TaskFailed(event.text, event.details)
                raise UserError(event.text, event.remedy)
            if event.kind == "done":
                return event.payload
        raise TaskFailed("the task ended without a result")

    def sweep(
        self,
        name: str,
        specs: Sequence[Spec],
        *,
        check: Callable[[], None] = lambda: None,
        resume: Mapping[int, Any] | None = None,
    ) -> Iterator[TaskEvent]:
        """Run a job once for every spec, as many at a time as the cluster has room for, and tell what
        happens.

        Every task's last event is "done", "failed" or "cancelled"; a failure ends its task only. check:
        called ten times a second; when it raises, or the iterator is closed, all tasks are asked to stop.
        resume: checkpoint states of tasks that were interrupted before. Raises UserError, before anything
        starts, for an unknown job, a session job, or tasks that no cluster of this size can take.
        """
        job = find_job(name)
        if job.session:
            raise UserError(f"{name} answers requests and cannot run on a cluster", "run it in the window")
        wrong = [spec for spec in specs if not isinstance(spec, job.spec)]
        if wrong:
            raise TypeError(f"{name} takes {job.spec.__name__}, got {type(wrong[0]).__name__}")
        self._require_room()
        with self._lock:
            self._cancelled.clear()
        states = {task: pickle.dumps(state) for task, state in (resume or {}).items()}
        return Sweep(self, name, job.function.__module__, tuple(specs), states).events(check)

    def map(
        self,
        function: Callable[..., Any],
        arguments: Iterable[Any],
        *,
        shared: Any = None,
        ordered: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> Iterator[Any]:
        """``function(argument)`` for every argument, in worker processes; results in the order of the
        arguments (or, not `ordered`, as they come).

        shared: sent to each machine once and given to the function as a second argument, for network weights.
        A call whose worker is lost runs again, up to `retries` times. An exception of the function is raised
        here and ends the rest, as does `check` when it raises, or closing the iterator.
        """
        self._require_room()
        ray = self._ray
        self._dismiss_idle()
        remote = ray.remote(function).options(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=self.retries)
        extra = () if shared is None else (ray.put(shared),)
        waiting = iter(arguments)
        flying: deque[Any] = deque()
        try:
            while True:
                while len(flying) < 2 * self._room():
                    following = next(waiting, _END)
                    if following is _END:
                        break
                    flying.append(remote.remote(following, *extra))
                if not flying:
                    return
                check()
                watched = [flying[0]] if ordered else list(flying)
                for ref in ray.wait(watched, num_returns=1, timeout=0.1)[0]:
                    flying.remove(ref)
                    yield self._value(ref)
        finally:
            for ref in flying:
                ray.cancel(ref, force=True)

    def _value(self, ref: Any) -> Any:
        """A call's result, or its exception as it was raised over there."""
        ray = self._ray
        try:
            return ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else None
            if isinstance(cause, (UserError, Cancelled)):
                raise cause from None
            raise TaskFailed(str(cause or error), str(error)) from cause
        except ray.exceptions.RayError as error:
            raise TaskFailed(f"a worker was lost more than {self.retries} times", str(error)) from None

    def _room(self) -> int:
        """Tasks that fit at once."""
        now = time.monotonic()
        if now - self._counted_at > 2:
            self._counted, self._counted_at = self.resources, now
        has = self._counted
        fits = [has["CPU"] / self.cpus] if self.cpus else []
        fits += [has["GPU"] / self.gpus] if self.gpus else []
        return max(1, int(min(fits, default=1.0) + 1e-6))

    def _require_room(self) -> None:
        if self._closed:
            raise RuntimeError("this executor is closed")
        has = self.resources
        if self.cpus > has["CPU"] or self.gpus > has["GPU"]:
            raise UserError(
                f"a task asks for {self.cpus:g} CPUs and {self.gpus:g} GPUs, "
                f"the cluster has {has['CPU']:g} and {has['GPU']:g}",
                "ask for less, or add machines",
            )

    def _dismiss_idle(self) -> None:
        """End the workers without a task; they would keep their CPUs reserved."""
        while self._idle:
            self._kill(self._idle.pop())

    def _kill(self, slot: Slot) -> None:
        self._ray.kill(slot.actor, no_restart=True)


_END = object()
