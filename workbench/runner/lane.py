"""A lane: a thread of the window that drives one engine process and keeps the queue in front of it."""

from __future__ import annotations

import logging
import queue
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any

from PySide6.QtCore import QObject, QThread

from workbench.runner.host import Host
from workbench.runner.mailbox import Devices, Ended, Mailbox, Picture
from workbench.runner.messages import EngineSetup, ErrorInfo, Message, Order, Outcome, Started
from workbench.runner.parcels import Parcel, unpack

log = logging.getLogger(__name__)

STILLBORN_LIMIT = 2
"""Processes in a row that may die before they say hello; then the waiting jobs fail."""


@dataclass
class _Active:
    """A job that the engine knows."""

    order: Order
    run_id: str | None = None
    killed: bool = False


class Lane(QThread):
    """Commands come in through `send`, answers go out through the mailbox; all else belongs to this thread.

    start_host: makes the process (or thread) in which jobs run.
    store: told of runs whose process died; needs `set_status` and `has_checkpoint`.
    before: called first on this thread, for what must not happen on the window's.
    """

    def __init__(
        self,
        setup: EngineSetup,
        start_host: Callable[[EngineSetup], Host],
        mailbox: Mailbox,
        store: Any = None,
        before: Callable[[], None] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(setup.lane)
        self._setup = setup
        self._start_host = start_host
        self._mailbox = mailbox
        self._store = store
        self._before = before
        self._commands: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._wake_out, self._wake_in = Pipe(duplex=False)
        self._host: Host | None = None
        self._hello = False
        self._stillborn = 0
        self._waiting: deque[Order] = deque()
        self._is_session: dict[str, bool] = {}
        self._early_requests: dict[int, tuple[int, Parcel]] = {}
        self._active: dict[int, _Active] = {}
        self._under_way: int | None = None
        self._last_segment = 0
        self._leave_by: float | None = None

    @property
    def pid(self) -> int | None:
        """The engine's process, if one lives. For people and tests; it may end at any moment."""
        host = self._host
        return None if host is None else host.pid

    # -- called from the window's thread

    def submit(self, order: Order) -> None:
        self._command("run", order)

    def cancel(self, job: int) -> None:
        self._command("cancel", job)

    def kill(self, job: int) -> None:
        self._command("kill", job)

    def request(self, job: int, generation: int, payload: Parcel) -> None:
        self._command("request", job, generation, payload)

    def call(self, function: Callable[[], None]) -> None:
        """Run `function` on this thread, soon."""
        self._command("call", function)

    def leave(self, timeout_s: float) -> None:
        """Stop everything; the thread ends at most about `timeout_s` later."""
        self._command("leave", time.monotonic() + timeout_s)

    def _command(self, *command: Any) -> None:
        self._commands.put(command)
        try:
            self._wake_in.send_bytes(b"!")
        except OSError:  # the thread has left already
            log.debug("%s has left, %s is not heard", self._setup.lane, command[0])

    # -- this thread

    def run(self) -> None:
        try:
            if self._before is not None:
                self._before()
            self._start_engine()
            while not self._is_over():
                self._turn()
        except Exception:
            log.exception("the lane %s broke", self._setup.lane)
            raise
        finally:
            self._close()

    def _is_over(self) -> bool:
        if self._leave_by is None:
            return False
        return not self._active or time.monotonic() >= self._leave_by

    def _turn(self) -> None:
        """Wait for something to happen and deal with it."""
        sources: list[Any] = [self._wake_out]
        if self._host is not None:
            sources.append(self._host.connection)
            if self._host.sentinel is not None:
                sources.append(self._host.sentinel)
        timeout = None if self._leave_by is None else max(0.0, self._leave_by - time.monotonic())
        ready = wait(sources, timeout)
        if self._wake_out in ready:
            self._wake_out.recv_bytes()
            self._obey(*self._commands.get())
        host = self._host
        if host is not None and (host.connection in ready or host.sentinel in ready):
            self._listen(host)
        self._dispatch()

    def _obey(self, kind: str, *rest: Any) -> None:
        match kind, rest:
            case "run", (Order() as order,):
                self._waiting.append(order)
                self._classify(order)
            case "cancel", (int() as job,):
                self._cancel(job)
            case "kill", (int() as job,):
                if job in self._active and self._host is not None:
                    self._active[job].killed = True
                    self._host.kill()
                    self._lost()
            case "request", (int() as job, int() as generation, Parcel() as payload):
                if job in self._active:
                    self._say("request", job, generation, payload)
                elif any(order.job == job for order in self._waiting):
                    self._early_requests[job] = (generation, payload)
            case "call", (function,):
                function()
            case "leave", (float() as by,):
                self._leave_by = by
                while self._waiting:
                    self._end(self._waiting.popleft().job, Ended("cancelled"))
                self._say("quit", 0, 0, max(0.0, by - time.monotonic()))

    def _cancel(self, job: int) -> None:
        if job in self._active:
            self._say("cancel", job)
            return
        for order in self._waiting:
            if order.job == job:
                self._waiting.remove(order)
                self._end(job, Ended("cancelled"))
                return

    def _say(self, kind: str, job: int, generation: int = 0, body: Any = None) -> None:
        if self._host is None:
            return
        try:
            self._host.connection.send(Message(kind, job, 0, generation, body))
        except OSError:  # it has died; the sentinel tells
            log.debug("%s does not hear %s", self._setup.lane, kind)

    def _classify(self, order: Order) -> None:
        """Ask whether the job is a session, unless it is known or its turn anyway."""
        if order.name not in self._is_session and self._under_way is not None:
            self._say("classify", 0, 0, order.name)

    def _dispatch(self) -> None:
        """Send sessions at once, and the next ordinary order when the engine is free."""
        while self._leave_by is None and (order := self._next()) is not None:
            if self._host is None and not self._start_engine():
                return
            session = self._is_session.get(order.name, False)
            self._waiting.remove(order)
            self._active[order.job] = _Active(order)
            if not session:
                self._under_way = order.job
            self._say("run", order.job, 0, replace(order, session=session))
            early = self._early_requests.pop(order.job, None)
            if early is not None:
                self._say("request", order.job, *early)

    def _next(self) -> Order | None:
        for order in self._waiting:
            if self._under_way is None or self._is_session.get(order.name, False):
                return order
        return None

    def _start_engine(self) -> bool:
        self._hello = False
        self._last_segment = 0
        try:
            self._host = self._start_host(self._setup)
        except OSError as error:
            self._fail_waiting(f"The engine process could not be started: {error}")
            return False
        return True

    def _fail_waiting(self, what: str) -> None:
        remedy = "Restart the program; `paper-workbench doctor` says what is missing."
        while self._waiting:
            job = self._waiting.popleft().job
            self._end(job, Ended("failed", error=ErrorInfo("bug", what, remedy)))

    def _listen(self, host: Host) -> None:
        """Read all that is there. What a dying process said last still counts."""
        try:
            while host.connection.poll(0):
                self._take(host.connection.recv())
        except (EOFError, OSError):
            if self._host is host:
                self._lost()

    def _take(self, message: Message) -> None:
        if message.kind == "hello":
            self._hello = True
            self._stillborn = 0
            if message.body:
                log.error("jobs are missing: %s", message.body)
            return
        if message.kind == "kind":
            name, is_session = message.body
            self._is_session[name] = is_session
            return
        active = self._active.get(message.job)
        if message.kind in ("snapshot", "progress", "devices"):
            self._show(message, active)
        elif message.kind == "started" and active is not None:
            started: Started = message.body
            active.run_id = started.run_id
            self._is_session[active.order.name] = started.session
            if started.session and self._under_way == message.job:
                self._under_way = None
            self._mailbox.put_event(message.job, started)
        elif message.kind == "ended":
            self._take_end(message.job, message.body)

    def _show(self, message: Message, active: _Active | None) -> None:
        try:
            value = self._open(message.body)
        except Exception:
            # Unpickling runs foreign code. One picture is lost; the lane and its other jobs go on.
            log.exception("a %s of job %s cannot be read", message.kind, message.job)
            return
        if message.kind == "devices":
            self._mailbox.put_event(0, Devices(value))
        elif active is None:
            return
        elif message.kind == "snapshot":
            self._mailbox.put_picture(message.job, Picture(value, message.generation))
        else:
            self._mailbox.put_progress(message.job, value)

    def _take_end(self, job: int, outcome: Outcome) -> None:
        try:
            result = None if outcome.result is None else self._open(outcome.result)
        except Exception as error:  # noqa: BLE001 - as in `_show`; the job's end must be told all the same
            what = f"The job is done, but the window cannot read its result: {type(error).__name__}: {error}"
            remedy = "What a recorded run wrote is in its folder." if self._run_of(job) else ""
            info = ErrorInfo("bug", what, remedy, "".join(traceback.format_exception(error)))
            self._end(job, Ended("failed", error=info))
            return
        self._end(job, Ended(outcome.state, result, outcome.error, outcome.checkpointed))

    def _open(self, parcel: Parcel) -> Any:
        try:
            return unpack(parcel, self._host.segment_prefix if self._host else "")
        finally:
            if parcel.segment is not None:
                self._last_segment = parcel.segment
                self._say("ack", 0, 0, parcel.segment)

    def _run_of(self, job: int) -> str | None:
        active = self._active.get(job)
        return None if active is None else active.run_id

    def _end(self, job: int, ended: Ended) -> None:
        if self._under_way == job:
            self._under_way = None
        self._active.pop(job, None)
        self._early_requests.pop(job, None)
        self._mailbox.put_event(job, ended)

    def _lost(self) -> None:
        """The process is gone: say so for its jobs, and let the waiting ones go on in a fresh one."""
        host, self._host = self._host, None
        if host is None:
            return
        how = host.close(1.0, self._last_segment)
        if not self._hello:
            self._stillborn += 1
        self._interrupt_active(how)
        if self._leave_by is not None:
            return
        if self._stillborn >= STILLBORN_LIMIT:
            self._fail_waiting(f"The engine process {how} before it was ready.")
            self._stillborn = 0
        elif self._start_engine():
            for order in self._waiting:
                self._classify(order)

    def _interrupt_active(self, how: str) -> None:
        for job, active in list(self._active.items()):
            if self._leave_by is not None and active.run_id is None:
                self._end(job, Ended("cancelled"))
                continue
            if active.killed:
                what = "The process was ended on request."
            elif self._leave_by is not None:
                what = "The window was closed before the job had stopped."
            else:
                what = f"The engine process {how}."
            checkpointed = self._has_checkpoint(active.run_id)
            remedy = "Resume goes on from the last checkpoint." if checkpointed else ""
            wanted = active.killed or self._leave_by is not None
            info = ErrorInfo("user" if wanted else "bug", what, remedy)
            self._mark_interrupted(active.run_id, info)
            self._end(job, Ended("interrupted", error=info, checkpointed=checkpointed))

    def _has_checkpoint(self, run_id: str | None) -> bool:
        if self._store is None or run_id is None:
            return False
        try:
            return bool(self._store.has_checkpoint(run_id))
        except Exception:
            # As in `_mark_interrupted`.
            log.exception("it cannot be seen whether the run %s has a checkpoint", run_id)
            return False

    def _mark_interrupted(self, run_id: str | None, info: ErrorInfo) -> None:
        if self._store is None or run_id is None:
            return
        try:
            self._store.set_status(run_id, "interrupted", error=asdict(info))
        except Exception:
            # The next start marks it again; the job's end must be shown now.
            log.exception("the run %s could not be marked interrupted", run_id)

    def _close(self) -> None:
        host, self._host = self._host, None
        if host is not None:
            if not self._active:
                left = 2.0
            else:  # it was asked and did not answer
                left = 0.1
            how = host.close(left, self._last_segment)
            log.debug("%s %s", self._setup.lane, how)
        self._interrupt_active("is gone because its lane broke")
        while self._waiting:
            self._end(self._waiting.popleft().job, Ended("cancelled"))
        self._wake_out.close()
        self._wake_in.close()
