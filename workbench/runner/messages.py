"""What crosses the pipe between the window and an engine process. Small, frozen, picklable; no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from workbench.runner.parcels import Parcel

State = Literal["waiting", "running", "stopping", "done", "failed", "cancelled", "interrupted"]
ENDED: frozenset[str] = frozenset({"done", "failed", "cancelled", "interrupted"})


@dataclass(frozen=True)
class ErrorInfo:
    """Why a job ended badly.

    kind: "user" for something the user can mend, "bug" for everything else.
    what: one sentence. remedy: what to do, may be empty. details: text to copy (a traceback), may be empty.
    """

    kind: Literal["user", "bug"]
    what: str
    remedy: str = ""
    details: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `total` (0 when unknown), what it is doing, seconds since it started."""

    done: float
    total: float
    text: str
    seconds: float

    @property
    def seconds_left(self) -> float | None:
        """What is left at the pace so far, or None while nobody can tell."""
        if self.total <= 0 or self.done <= 0 or self.seconds <= 0:
            return None
        return max(0.0, self.seconds * (self.total - self.done) / self.done)


class Message(NamedTuple):
    """One message, either way.

    job: its number in the window, 0 when it concerns none. sequence: counts up within one process.
    generation: number of the newest request the job had taken when it said this.
    """

    kind: str
    job: int
    sequence: int
    generation: int
    body: Any = None


@dataclass(frozen=True)
class Order:
    """A job to be run.

    spec: a pickled Spec, or the dict of one as the store keeps it. What cannot be read fails its job only.
    resume_run: the run to go on with, or None. record: whether the store keeps it.
    session: known to be one, so it need not wait for the worker thread.
    """

    job: int
    name: str
    spec: Parcel
    resume_run: str | None = None
    record: bool = True
    session: bool = False


@dataclass(frozen=True)
class Started:
    """A job is running. session: it takes requests and holds no place in the queue."""

    title: str
    session: bool
    run_id: str | None


@dataclass(frozen=True)
class Outcome:
    """How a job ended. result: packed, or None. checkpointed: a resume would not begin from nothing."""

    state: State
    result: Parcel | None = None
    error: ErrorInfo | None = None
    checkpointed: bool = False


@dataclass(frozen=True)
class EngineSetup:
    """What an engine process is told at its start.

    store_folder: where runs are recorded, or None. extra_modules: imported first, so that they register jobs.
    segment_prefix: of its shared-memory names; empty sends everything through the pipe.
    nice: added to the process's niceness. publish_hz: most snapshots a second and job.
    warm: import torch before the first job asks for it.
    look: then say which devices there are.
    tidy: free memory after every job, not only when idle.
    grace_s: how long jobs may take to stop once the window is gone (ending another program takes over a second).
    """

    lane: str
    store_folder: Path | None = None
    extra_modules: tuple[str, ...] = ()
    segment_prefix: str = ""
    nice: int = 0
    publish_hz: float = 15.0
    warm: bool = False
    look: bool = False
    tidy: bool = True
    grace_s: float = 3.0
