"""The inside of an engine process: it reads orders from the pipe and runs jobs. Never imports Qt.

Ordinary jobs run one after another on the worker thread. A session job gets a thread of its own, because it
lives on while others come and go. The thread that reads the pipe does nothing else, so a cancel is heard at
once; when the pipe ends because the window is gone, the process stops its jobs and leaves.
"""

from __future__ import annotations

import faulthandler
import importlib
import logging
import os
import queue
import signal
import sys
import threading
import time
import traceback
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from engines.core.device import describe, is_out_of_memory, set_threads
from engines.core.errors import Cancelled, UserError
from engines.core.job import Job, LocalContext, find_job
from workbench.runner.memory import free_memory
from workbench.runner.messages import (
    EngineSetup,
    ErrorInfo,
    Message,
    Order,
    Outcome,
    Progress,
    Started,
    State,
)
from workbench.runner.parcels import Segments, unpack
from workbench.runner.publisher import Publisher
from workbench.runner.record import Record, open_record, open_store

log = logging.getLogger(__name__)

IDLE_S = 0.3
"""How long the worker waits for the next job before it imports torch, or (untidy lanes) frees memory."""


class EngineContext(LocalContext):
    """A job's context in an engine process: what it says goes to the publisher and to the run's record."""

    def __init__(self, job: int, publisher: Publisher) -> None:
        super().__init__()
        self.job = job
        self.generation = 0
        self.checkpointed = False
        self._publisher = publisher
        self._record: Record | None = None
        self._began = time.monotonic()

    def begin(self, record: Record | None) -> None:
        """The job starts now, recorded in `record` if it is."""
        self._record = record
        self._began = time.monotonic()
        if record is not None:
            self.folder, self.resume = record.folder, record.resume

    def check(self) -> None:
        super().check()
        self._publisher.raise_fault(self.job)

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.check()
        said = Progress(float(done), float(total), text, time.monotonic() - self._began)
        self._publisher.offer(self.job, "progress", said, self.generation)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        if keep and self._record is not None:
            self._record.keep(snapshot)
        self._publisher.offer(self.job, "snapshot", snapshot, self.generation)

    def checkpoint(self, state: dict[str, Any]) -> None:
        if self._record is not None:
            self._record.checkpoint(state)
            self.checkpointed = True

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        taken = super().latest_request(timeout_s)
        if taken is None:
            return None
        self.generation, payload = taken
        return payload


class Engine:
    """Serves one connection until it is told to quit or the other end is gone."""

    def __init__(self, connection: Connection, setup: EngineSetup) -> None:
        self._connection = connection
        self._setup = setup
        self._sending = threading.Lock()
        self._sequence = 0
        self._segments = Segments(setup.segment_prefix)
        self._publisher = Publisher(self._send, self._segments, 1.0 / setup.publish_hz)
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._contexts: dict[int, EngineContext] = {}
        self._threads: list[threading.Thread] = []
        self._leaving = threading.Event()

    def serve(self) -> bool:
        """Read and obey; True after a proper quit, False when the window vanished."""
        self._publisher.start()
        self._prepare()
        worker = self._thread("worker", self._work)
        grace_s: float | None = None
        try:
            while grace_s is None:
                grace_s = self._obey(self._connection.recv())
        except (EOFError, OSError):
            log.info("the window is gone")
        self._leaving.set()
        for ctx in list(self._contexts.values()):
            ctx.cancel()
        self._orders.put(None)
        until = time.monotonic() + (self._setup.grace_s if grace_s is None else grace_s)
        for thread in [worker, *self._threads]:
            thread.join(max(0.0, until - time.monotonic()))
        self._publisher.stop()
        self._segments.close()
        self._connection.close()
        return grace_s is not None

    def _obey(self, message: Message) -> float | None:
        """Do what a message says; a "quit" gives the seconds that jobs have to stop."""
        ctx = self._contexts.get(message.job)
        if message.kind == "run":
            self._contexts[message.job] = EngineContext(message.job, self._publisher)
            if message.body.session:
                self._start_session(message.body)
            else:
                self._orders.put(message.body)
        elif message.kind == "classify":
            self._thread("classifier", self._classify, message.body)
        elif message.kind == "cancel" and ctx is not None:
            ctx.cancel()
        elif message.kind == "request" and ctx is not None:
            ctx.request((message.generation, unpack(message.body)))
        elif message.kind == "ack":
            self._segments.acknowledged(message.body)
        return float(message.body) if message.kind == "quit" else None

    def _send(self, kind: str, job: int, generation: int = 0, body: Any = None) -> None:
        with self._sending:
            self._sequence += 1
            try:
                self._connection.send(Message(kind, job, self._sequence, generation, body))
            except (OSError, ValueError):  # the window is gone; the reading thread ends everything
                log.debug("nobody hears %s of job %s", kind, job)

    def _thread(self, name: str, target: Any, *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=target, args=arguments, name=f"{self._setup.lane} {name}", daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        cold, dirty = self._setup.warm, False
        while True:
            try:
                order = self._orders.get(timeout=IDLE_S if dirty or cold else None)
            except queue.Empty:
                if cold:
                    self._warm_up()
                else:
                    free_memory()
                cold = dirty = False
                continue
            if order is None:
                return
            self._start(order)
            if self._setup.tidy:
                free_memory()
            else:
                dirty = True

    def _prepare(self) -> None:
        """Import what registers further jobs, before the first order is read."""
        fault = None
        for name in self._setup.extra_modules:
            try:
                importlib.import_module(name)
            except ImportError as error:
                fault = f"{name}: {error}"
        self._send("hello", 0, body=fault)

    def _warm_up(self) -> None:
        """Do what the first job would otherwise wait for."""
        importlib.import_module("torch")
        set_threads()
        if self._setup.look:
            self._send("devices", 0, body=self._segments.pack(tuple(describe())))

    def _classify(self, name: str) -> None:
        """Say whether jobs of that name are sessions, while the worker may be busy with another job."""
        try:
            self._send("kind", 0, body=(name, find_job(name).session))
        except Exception:
            log.debug("%s cannot be found", name, exc_info=True)

    def _start(self, order: Order) -> None:
        """Run an ordinary job here, or give a session the thread of its own that it needs."""
        try:
            job = find_job(order.name)
        except BaseException as error:  # noqa: BLE001 - as in `_run`
            self._finish(order, Outcome("failed", error=_error_info(error)))
            return
        if job.session and not order.session:
            self._start_session(replace(order, session=True))
        else:
            self._run(order, job)

    def _start_session(self, order: Order) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(self._thread(f"session {order.job}", self._start, order))

    def _run(self, order: Order, job: Job) -> None:
        ctx = self._contexts[order.job]
        record: Record | None = None
        outcome: Outcome
        try:
            spec = unpack(order.spec)
            if isinstance(spec, dict):
                spec = job.spec.checked(spec)
            if not isinstance(spec, job.spec):
                raise TypeError(f"{job.name} takes {job.spec.__name__}, got {type(spec).__name__}")
            ctx.check()
            if order.record and not job.session:
                record = open_record(open_store(self._setup.store_folder), order, spec)
            ctx.begin(record)
            run_id = record.run_id if record else None
            self._send("started", order.job, body=Started(job.title, job.session, run_id))
            outcome = self._outcome(job.function(spec, ctx), record, ctx)
        except Cancelled:
            outcome = self._ended_early(record, ctx)
        except BaseException as error:  # noqa: BLE001 - even SystemExit, or a panic of Rust, ends this job only
            outcome = Outcome("failed", error=_error_info(error), checkpointed=ctx.checkpointed)
            _close(record, "failed", outcome.error)
        del ctx, record
        self._finish(order, outcome)

    def _outcome(self, result: Any, record: Record | None, ctx: EngineContext) -> Outcome:
        if record is not None:
            record.done(result)
        return Outcome("done", self._segments.pack(result), checkpointed=ctx.checkpointed)

    def _ended_early(self, record: Record | None, ctx: EngineContext) -> Outcome:
        # What the closing of the window stopped can be resumed.
        leaving = self._leaving.is_set() and record is not None
        state: State = "interrupted" if leaving else "cancelled"
        _close(record, state, None)
        return Outcome(state, checkpointed=ctx.checkpointed)

    def _finish(self, order: Order, outcome: Outcome) -> None:
        self._publisher.flush(order.job)
        ctx = self._contexts.pop(order.job)
        self._send("ended", order.job, ctx.generation, outcome)


def _close(record: Record | None, state: State, error: ErrorInfo | None) -> None:
    if record is None:
        return
    try:
        record.close(state, error)
    except Exception:
        # The job's own ending must reach the window even if the disk is full.
        log.exception("the run %s could not be marked %s", record.run_id, state)


def _error_info(error: BaseException) -> ErrorInfo:
    """What to show of an exception; its frames are emptied, so that they hold no memory."""
    if isinstance(error, UserError):
        info = ErrorInfo("user", error.what, error.remedy)
    elif is_out_of_memory(error):
        remedy = "Choose a smaller batch or size, or close other programs."
        info = ErrorInfo("user", "The job ran out of memory.", remedy, _text(error))
    else:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        info = ErrorInfo("bug", what, "", _text(error))
    traceback.clear_frames(error.__traceback__)
    return info


def _text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def lower_priority(nice: int) -> None:
    """Let the window go first."""
    if not nice:
        return
    if hasattr(os, "nice"):
        os.nice(nice)
        return
    import psutil

    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)


def main(connection: Connection, setup: EngineSetup) -> None:
    """The engine process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the window, which then closes us
    if sys.stderr is not None:
        faulthandler.enable()
    lower_priority(setup.nice)
    proper = Engine(connection, setup).serve()
    # Not a normal exit: a thread that never answers must not keep the process.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(0 if proper else 1)
