"""One sweep of a job over specs: its queue, its workers, its checkpoints, and what it tells."""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engines.core.cluster_worker import Message, TaskOrder, Worker, write_artifacts
from engines.core.spec import Spec

if TYPE_CHECKING:
    from engines.core.cluster import ClusterExecutor

POLL_S = 1.0
"""How long a worker waits for something to report; a message that is there comes at once."""

EventKind = Literal["waiting", "started", "progress", "snapshot", "checkpoint", "lost", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class TaskEvent:
    """Something that happened to a task of a sweep.

    task: its place among the specs. kind: "waiting" for a free worker, "started" (payload: None), "progress"
    (done, total, text), "snapshot" (payload; keep), "checkpoint" (payload: the state), "lost" (its worker
    died; it will run again), and one of "done" (payload: the result), "failed" (text, remedy, details;
    is_bug) and "cancelled" as the last.
    artifacts: new or changed files of the run's folder by path, with "checkpoint" and "done".
    host, pid: the worker's machine and process.
    """

    task: int
    kind: EventKind
    payload: Any = None
    done: float = 0.0
    total: float = 0.0
    text: str = ""
    remedy: str = ""
    details: str = ""
    is_bug: bool = False
    keep: bool = False
    artifacts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    host: str = ""
    pid: int = 0

    def write_artifacts(self, folder: Path) -> None:
        """Write the files that came with this event below `folder`."""
        write_artifacts(folder, dict(self.artifacts))


@dataclass(eq=False)
class Slot:
    """A worker process and what it does. ref: the answer it owes: of hello until it is known, of poll
    then."""

    actor: Any
    resources: tuple[float, float]
    ref: Any
    task: int
    order: TaskOrder
    host: str = ""
    pid: int = 0
    asked_at: float = 0.0
    stop_at: float = 0.0
    told_waiting: bool = False
    reused: bool = False

    @property
    def ready(self) -> bool:
        return self.pid > 0


class Sweep:
    """One sweep under way: the queue, the workers, the checkpoints."""

    def __init__(
        self,
        owner: ClusterExecutor,
        name: str,
        module: str,
        specs: tuple[Spec, ...],
        states: dict[int, bytes],
    ) -> None:
        self.owner, self.name, self.module, self.specs, self.states = owner, name, module, specs, states
        self.ray = owner._ray
        self.queue = deque(range(len(specs)))
        self.slots: list[Slot] = []
        self.losses = [0] * len(specs)
        self.files: list[dict[str, bytes]] = [{} for _ in specs]

    def events(self, check: Callable[[], None]) -> Iterator[TaskEvent]:
        """The sweep's events until every task has ended."""
        try:
            while self.queue or self.slots:
                check()
                yield from self._obey_cancels()
                self._fill()
                if not self.slots:
                    continue
                refs = {slot.ref: slot for slot in self.slots}
                for ref in self.ray.wait(list(refs), num_returns=1, timeout=0.1)[0]:
                    yield from self._answer(refs[ref])
                yield from self._impatience()
                self._use_idle()
        finally:
            self._stop_all()

    def _fill(self) -> None:
        """Give waiting tasks to idle workers, then to new ones as far as there is room."""
        while self.queue and len(self.slots) < self.owner._room():
            task = self.queue.popleft()
            order = TaskOrder(
                next(self.owner._serials),
                self.name,
                self.module,
                self.specs[task],
                self.states.get(task),
                dict(self.files[task]),
            )
            wanted = (self.owner.cpus, self.owner.gpus)
            slot = next((s for s in self.owner._idle if s.resources == wanted), None)
            if slot is not None:
                self.owner._idle.remove(slot)
                slot.task, slot.order, slot.stop_at = task, order, 0.0
                slot.ref, slot.pid, slot.reused = slot.actor.hello.remote(), 0, True
            else:
                # Threads: one answers polls while another takes a cancel. The job has a thread of its own.
                made = self.ray.remote(Worker).options(
                    num_cpus=wanted[0], num_gpus=wanted[1], max_restarts=0, max_concurrency=4
                )
                actor = made.remote()
                slot = Slot(actor, wanted, actor.hello.remote(), task, order)
            slot.asked_at, slot.told_waiting = time.monotonic(), False
            self.slots.append(slot)

    def _answer(self, slot: Slot) -> Iterator[TaskEvent]:
        """What a worker's pending answer says; a worker that is gone counts as lost."""
        try:
            answer = self.ray.get(slot.ref)
        except self.ray.exceptions.RayTaskError as error:
            yield self._give_up(slot, "a worker cannot run the engines", str(error))
            return
        except self.ray.exceptions.RayError as error:
            yield self._lose(slot, str(error))
            return
        if not slot.ready:
            yield self._welcome(slot, answer)
            return
        said = [self._translate(slot, m) for m in answer if m.serial == slot.order.serial]
        if slot in self.slots:  # a poll left with an idle worker would swallow what its next task says
            slot.ref = slot.actor.poll.remote(POLL_S)
        yield from said

    def _welcome(self, slot: Slot, hello: Any) -> TaskEvent:
        import engines

        if hello.version != engines.__version__:
            what = f"{hello.host} has version {hello.version} of the workbench, here it is {engines.__version__}"
            return self._give_up(slot, what, "")
        slot.host, slot.pid = hello.host, hello.pid
        slot.actor.start.remote(slot.order)
        slot.ref = slot.actor.poll.remote(POLL_S)
        text = "goes on from its checkpoint" if slot.order.resume is not None else ""
        return TaskEvent(slot.task, "started", text=text, host=slot.host, pid=slot.pid)

    def _translate(self, slot: Slot, message: Message) -> TaskEvent:
        task = slot.task
        if message.kind == "checkpoint":
            self.states[task] = message.body
        self.files[task].update(message.artifacts)
        if message.kind in ("done", "failed", "cancelled"):
            self.slots.remove(slot)
            self.owner._idle.append(slot)
            self.states.pop(task, None)
            self.files[task] = {}
        return TaskEvent(
            task,
            message.kind,
            payload=pickle.loads(message.body) if message.body else None,
            done=message.numbers[0],
            total=message.numbers[1],
            text=message.text,
            remedy=message.remedy,
            details=message.details,
            is_bug=message.is_bug,
            keep=message.keep,
            artifacts=message.artifacts,
            host=slot.host,
            pid=slot.pid,
        )

    def _lose(self, slot: Slot, why: str) -> TaskEvent:
        """A worker is gone: its task goes back to the head of the queue, unless that happened too often."""
        task = slot.task
        self.slots.remove(slot)
        self.owner._kill(slot)  # it may only be out of reach, and must not go on beside its successor
        if slot.stop_at:
            return TaskEvent(task, "cancelled", host=slot.host, pid=slot.pid)
        if slot.ready or not slot.reused:  # a worker that died while it was idle is not the task's loss
            self.losses[task] += 1
        if self.losses[task] > self.owner.retries:
            what = f"its worker was lost {self.losses[task]} times"
            return TaskEvent(task, "failed", text=what, details=why, is_bug=True, host=slot.host, pid=slot.pid)
        self.queue.appendleft(task)
        how = "goes on from its last checkpoint" if task in self.states else "starts again"
        text = f"the worker on {slot.host or 'the cluster'} was lost; the task {how}"
        return TaskEvent(task, "lost", text=text, details=why, host=slot.host, pid=slot.pid)

    def _give_up(self, slot: Slot, what: str, details: str) -> TaskEvent:
        """A worker that cannot be used at all fails its task: another one would not do better."""
        self.slots.remove(slot)
        self.owner._kill(slot)
        remedy = "install the same version of paper-workbench on every machine of the cluster"
        return TaskEvent(slot.task, "failed", text=what, remedy=remedy, details=details)

    def _obey_cancels(self) -> Iterator[TaskEvent]:
        with self.owner._lock:
            wanted = set(self.owner._cancelled)
            self.owner._cancelled.clear()
        if not wanted:
            return
        for task in [t for t in self.queue if t in wanted or -1 in wanted]:
            self.queue.remove(task)
            yield TaskEvent(task, "cancelled")
        for slot in list(self.slots):
            if (slot.task in wanted or -1 in wanted) and not slot.stop_at:
                if slot.ready:
                    self._ask_to_stop(slot)
                else:  # nothing runs yet
                    self.slots.remove(slot)
                    self.owner._kill(slot)
                    yield TaskEvent(slot.task, "cancelled")

    def _ask_to_stop(self, slot: Slot) -> None:
        slot.stop_at = time.monotonic() + self.owner.grace_s
        slot.actor.cancel.remote(slot.order.serial)

    def _impatience(self) -> Iterator[TaskEvent]:
        """Say that a task waits for a worker; end a worker whose job does not answer a cancel."""
        now = time.monotonic()
        for slot in list(self.slots):
            if not slot.ready and not slot.told_waiting and now - slot.asked_at > 5:
                slot.told_waiting = True
                yield TaskEvent(slot.task, "waiting", text="waiting for a free worker")
            if slot.stop_at and now > slot.stop_at:
                self.slots.remove(slot)
                self.owner._kill(slot)
                text = f"it did not answer within {self.owner.grace_s:g} s, so its worker was ended"
                yield TaskEvent(slot.task, "cancelled", text=text, host=slot.host, pid=slot.pid)

    def _use_idle(self) -> None:
        """Take tasks back from workers that do not come up while another one has become idle: after the loss
        of a machine the idle one may hold the last CPU."""
        late = [s for s in self.slots if not s.ready and not s.reused and time.monotonic() - s.asked_at > 3]
        for slot in late[: len(self.owner._idle)]:
            self.slots.remove(slot)
            self.owner._kill(slot)
            self.queue.appendleft(slot.task)

    def _stop_all(self) -> None:
        """The sweep was left early: ask everything to stop, and end what does not answer in time."""
        for slot in self.slots:
            if slot.ready and not slot.stop_at:
                self._ask_to_stop(slot)
        while any(slot.ready and time.monotonic() < slot.stop_at for slot in self.slots):
            refs = {slot.ref: slot for slot in self.slots if slot.ready}
            for ref in self.ray.wait(list(refs), num_returns=1, timeout=0.1)[0]:
                for _ in self._answer(refs[ref]):
                    pass
        for slot in self.slots:
            self.owner._kill(slot)
        self.slots.clear()
