"""Starting and ending what runs an `Engine`: a spawned process, or for `--lanes inline` a thread."""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import sys
import threading
import types
import uuid
import weakref
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Protocol

import psutil

from workbench.runner.engine import Engine, main
from workbench.runner.messages import EngineSetup
from workbench.runner.parcels import sweep

_main_lock = threading.Lock()
_living: weakref.WeakSet[ProcessHost] = weakref.WeakSet()


class Host(Protocol):
    """What a lane needs of whatever runs its engine."""

    connection: Connection
    segment_prefix: str

    @property
    def sentinel(self) -> int | None:
        """Becomes readable when it has died; None when it cannot die by itself."""

    @property
    def pid(self) -> int:
        """The process in which jobs run."""

    def kill(self) -> None:
        """End it at once. Callable from any thread."""

    def close(self, timeout_s: float, last_segment: int) -> str:
        """Wait for its end, insist, and clean up after it; how it ended, for people."""


class ProcessHost:
    """An engine in a process of its own, spawned (never forked: Qt and CUDA do not survive a fork)."""

    def __init__(self, setup: EngineSetup) -> None:
        self.segment_prefix = f"pw{uuid.uuid4().hex[:10]}-"
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        setup = replace(setup, segment_prefix=self.segment_prefix)
        self._process: BaseProcess = context.Process(target=main, args=(theirs, setup), name=setup.lane)
        with _bare_main():
            self._process.start()
        theirs.close()  # so that our end reports the process's death
        _living.add(self)

    @property
    def sentinel(self) -> int | None:
        return self._process.sentinel

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def kill(self) -> None:
        """Other programs' engines that jobs have started go too: nobody else would end them."""
        family = []
        with contextlib.suppress(psutil.Error):
            family = psutil.Process(self.pid).children(recursive=True)
        self._process.kill()
        for child in family:
            with contextlib.suppress(psutil.Error):
                child.kill()

    def close(self, timeout_s: float, last_segment: int) -> str:
        self._process.join(timeout_s)
        for insist in (self._process.terminate, self.kill):
            if self._process.exitcode is None:
                insist()
                self._process.join(1.0)
        self.connection.close()
        sweep(self.segment_prefix, last_segment)
        _living.discard(self)
        return _describe(self._process.exitcode)


class ThreadHost:
    """An engine in a thread of the window, for tests and debugging. It cannot be killed, only left behind."""

    segment_prefix = ""

    def __init__(self, setup: EngineSetup) -> None:
        self.connection, theirs = multiprocessing.get_context("spawn").Pipe()
        engine = Engine(theirs, replace(setup, segment_prefix="", nice=0, warm=False))
        self._thread = threading.Thread(target=engine.serve, name=f"{setup.lane} engine", daemon=True)
        self._thread.start()

    @property
    def sentinel(self) -> int | None:
        return None

    @property
    def pid(self) -> int:
        return multiprocessing.current_process().pid or 0

    def kill(self) -> None:
        """The engine sees its pipe end and stops the jobs that listen."""
        self.connection.close()

    def close(self, timeout_s: float, last_segment: int) -> str:
        self._thread.join(timeout_s)
        self.connection.close()
        self._thread.join(0.5)
        return "was left behind" if self._thread.is_alive() else "ended"


@contextlib.contextmanager
def _bare_main() -> Iterator[None]:
    """Hide the program's main module while spawning, which would otherwise be run again in every engine
    process and bring Qt and the command line with it."""
    with _main_lock:
        ours = sys.modules["__main__"]
        bare = types.ModuleType("__main__")
        bare.__spec__ = None
        sys.modules["__main__"] = bare
        try:
            yield
        finally:
            sys.modules["__main__"] = ours


def _describe(code: int | None) -> str:
    if code is None:
        return "could not be ended"
    if code == -9:
        return "was killed (signal 9; the system does that when memory runs out)"
    return f"died of signal {-code}" if code < 0 else f"ended with code {code}"


@atexit.register
def _end_living() -> None:
    """Whoever forgot to close a runner shall still not leave processes behind."""
    for host in list(_living):
        host.kill()
