"""Jobs that behave in every way a job can, for the runner's tests. Registered under the topic "sample"."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.core.device import free_memory
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.spec import Spec, param


class SampleSpec(Spec):
    """Settings of the sample jobs."""

    steps: int = param(5, "Steps.", ge=0, le=10_000_000)
    pause_ms: float = param(0.0, "Pause in each step.", ge=0, le=60_000, unit="ms")
    numbers: int = param(0, "Numbers in each array.", ge=0, le=100_000_000)
    text: str = param("", "Any text.")


@dataclass(frozen=True)
class Counted:
    """count: steps done. numbers: float64 [spec.numbers], all equal to count. resumed_at: its first step."""

    count: int
    numbers: np.ndarray
    resumed_at: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What a job sees of its process."""

    pid: int
    niceness: int
    modules: tuple[str, ...]
    thread: str
    folder: str


@job("sample.count", SampleSpec)
def count(spec: SampleSpec, ctx: JobContext) -> Counted:
    """Count to `steps`, publishing an array in every step."""
    for i in range(spec.steps):
        ctx.check()
        ctx.publish(Counted(i + 1, np.full(spec.numbers, float(i + 1))))
        ctx.progress(i + 1, spec.steps, f"step {i + 1}")
        time.sleep(spec.pause_ms / 1000)
    return Counted(spec.steps, np.full(spec.numbers, float(spec.steps)))


@job("sample.litter", SampleSpec)
def litter(spec: SampleSpec, ctx: JobContext) -> Counted:
    """Leave cycles behind in every step, and give memory back as after a job."""
    for i in range(spec.steps):
        ctx.check()
        for _ in range(5000):
            knot: list[Any] = []
            knot.append(knot)
        free_memory()
        ctx.publish(Counted(i + 1, np.zeros(0)))
        time.sleep(spec.pause_ms / 1000)
    return Counted(spec.steps, np.zeros(0))


@job("sample.train", SampleSpec)
def train(spec: SampleSpec, ctx: JobContext) -> Counted:
    """Count with a checkpoint after every step, and go on from one."""
    first = 0 if ctx.resume is None else int(ctx.resume["step"])
    total = np.zeros(8) if ctx.resume is None else np.asarray(ctx.resume["total"])
    for i in range(first, spec.steps):
        total = total + i
        ctx.checkpoint({"step": i + 1, "total": total})
        ctx.publish(Counted(i + 1, total, first))
        ctx.progress(i + 1, spec.steps)
        time.sleep(spec.pause_ms / 1000)
        ctx.check()
    return Counted(spec.steps, total, first)


@job("sample.deaf", SampleSpec)
def deaf(spec: SampleSpec, ctx: JobContext) -> None:
    """Never look at the token."""
    ctx.publish("busy")
    threading.Event().wait()


@job("sample.parent", SampleSpec)
def parent(spec: SampleSpec, ctx: JobContext) -> None:
    """Start another program in a session of its own, as Hex engines are started, and never look at the token."""
    program = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(program, start_new_session=True)
    ctx.publish(child.pid)
    threading.Event().wait()


@job("sample.crash", SampleSpec)
def crash(spec: SampleSpec, ctx: JobContext) -> None:
    """Take the process down."""
    ctx.publish(Counted(1, np.zeros(spec.numbers)))
    time.sleep(spec.pause_ms / 1000)
    os._exit(7)


@job("sample.mistake", SampleSpec)
def mistake(spec: SampleSpec, ctx: JobContext) -> None:
    """Refuse what the user asked for."""
    raise UserError("expected a positive number, got -1", "enter 1 or more")


@job("sample.bug", SampleSpec)
def bug(spec: SampleSpec, ctx: JobContext) -> None:
    """Divide by zero."""
    _ = 1 / (spec.steps - spec.steps)


@job("sample.unsendable", SampleSpec)
def unsendable(spec: SampleSpec, ctx: JobContext) -> None:
    """Publish what cannot be pickled."""
    while True:
        ctx.publish(lambda: None)
        ctx.check()
        time.sleep(0.01)


@job("sample.unsendable_result", SampleSpec)
def unsendable_result(spec: SampleSpec, ctx: JobContext) -> Any:
    """Return what cannot be pickled."""
    return lambda: None


class Unreadable:
    """Can be packed, and raises where it is unpacked."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return _refuse, ("not here",)


def _refuse(text: str) -> None:
    raise LookupError(text)


@job("sample.unreadable", SampleSpec)
def unreadable(spec: SampleSpec, ctx: JobContext) -> Unreadable:
    """Publish and return what the window cannot unpack."""
    ctx.publish(Unreadable())
    return Unreadable()


@job("sample.look", SampleSpec)
def look(spec: SampleSpec, ctx: JobContext) -> Surroundings:
    """Say what surrounds the job."""
    niceness = os.nice(0) if hasattr(os, "nice") else 0
    name = threading.current_thread().name
    return Surroundings(os.getpid(), niceness, tuple(sorted(sys.modules)), name, str(ctx.folder or ""))


@job("sample.allocate", SampleSpec)
def allocate(spec: SampleSpec, ctx: JobContext) -> None:
    """Hold arrays in a reference cycle, then fail with them in the traceback."""
    held: list[Any] = [np.ones(spec.numbers)]
    held.append(held)
    raise RuntimeError(f"holding {held[0].nbytes} bytes")


@job("sample.remember", SampleSpec)
def remember(spec: SampleSpec, ctx: JobContext) -> int:
    """The resident memory of this process in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


@job("sample.echo", SampleSpec, session=True)
def echo(spec: SampleSpec, ctx: JobContext) -> None:
    """Answer each request with what it got and how many it has taken."""
    taken = 0
    while True:
        request = ctx.latest_request(0.05)
        ctx.check()
        if request is None:
            continue
        taken += 1
        time.sleep(spec.pause_ms / 1000)
        ctx.publish((taken, request))


@job("sample.write", SampleSpec)
def write(spec: SampleSpec, ctx: JobContext) -> str:
    """Leave an artifact in the run's folder."""
    assert ctx.folder is not None
    path = Path(ctx.folder) / "note.txt"
    path.write_text(spec.text, encoding="utf-8")
    ctx.publish(Counted(1, np.arange(3.0)), keep=True)
    return str(path)


@job("sample.leave", SampleSpec)
def leave(spec: SampleSpec, ctx: JobContext) -> None:
    """Call what some libraries call when they are unhappy."""
    sys.exit("unhappy")
