"""From lane threads to the window: state changes in order, and of pictures only the newest of each job."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Signal

from workbench.runner.messages import ErrorInfo, Progress, Started, State


@dataclass(frozen=True)
class Ended:
    """How a job ended, unpacked."""

    state: State
    result: Any = None
    error: ErrorInfo | None = None
    checkpointed: bool = False


@dataclass(frozen=True)
class Runs:
    """Runs of earlier sessions that can be resumed."""

    rows: tuple[Any, ...]


@dataclass(frozen=True)
class Devices:
    """What computes here (`engines.core.device.DeviceInfo`), the CPU last."""

    found: tuple[Any, ...]


Event = Started | Ended | Runs | Devices


@dataclass(frozen=True)
class Picture:
    """A snapshot and the generation of the request it answers."""

    snapshot: Any
    generation: int


@dataclass
class Post:
    """What was taken out at one time."""

    events: list[tuple[int, Event]] = field(default_factory=list)
    pictures: dict[int, Picture] = field(default_factory=dict)
    progress: dict[int, Progress] = field(default_factory=dict)


class Mailbox(QObject):
    """Filled from any thread, emptied by the window's. Each signal comes once per emptying."""

    event_arrived = Signal()
    picture_arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._post = Post()

    def put_event(self, job: int, event: Event) -> None:
        with self._lock:
            first = not self._post.events
            self._post.events.append((job, event))
        if first:
            self.event_arrived.emit()

    def put_picture(self, job: int, picture: Picture) -> None:
        with self._lock:
            first = not self._post.pictures and not self._post.progress
            self._post.pictures[job] = picture
        if first:
            self.picture_arrived.emit()

    def put_progress(self, job: int, progress: Progress) -> None:
        with self._lock:
            first = not self._post.pictures and not self._post.progress
            self._post.progress[job] = progress
        if first:
            self.picture_arrived.emit()

    def take(self) -> Post:
        """Everything that has come since the last time."""
        with self._lock:
            taken, self._post = self._post, Post()
        return taken
