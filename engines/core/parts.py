"""Contexts for jobs inside a job: the same cancel, and a part of its progress."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engines.core.job import JobContext


@dataclass
class Place:
    """One piece's place in a measurement of `total` pieces."""

    ctx: JobContext
    index: int
    total: int
    title: str

    def step(self, first: float, last: float) -> JobContext:
        """A context for a job that fills the piece from `first` to `last`, shares of it."""
        return _Step(self.ctx, lambda share, text: self._tell(first + share * (last - first), text))

    def _tell(self, share: float, text: str) -> None:
        self.ctx.progress(self.index + share, self.total, f"{self.title}: {text}".rstrip(": "))


@dataclass
class _Step:
    """A context for a job inside the measurement: same cancel, its part of the progress, nothing kept."""

    ctx: JobContext
    tell: Callable[[float, str], None]
    folder: Any = None
    resume: Any = None

    def check(self) -> None:
        self.ctx.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.check()
        self.tell(done / total if total else 0.0, text)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        """A job's pictures are nobody's here."""

    def checkpoint(self, state: dict[str, Any]) -> None:
        """A stopped measurement begins anew."""

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return None


class Resumable:
    """One of several trainings in a row: a checkpoint also says what is done (`kept`), and whoever was stopped goes on
    within the one that was under way.

    between: where in the whole of `count` trainings this begins and ends. keeps_pictures: whether snapshots that the
    training wants kept are kept with the run.
    """

    def __init__(
        self,
        ctx: JobContext,
        between: tuple[float, float],
        count: int,
        name: str,
        kept: dict[str, Any],
        *,
        keeps_pictures: bool = True,
    ) -> None:
        self.folder: Path | None = None
        self._ctx, self._between, self._count, self._name, self._kept = ctx, between, count, name, kept
        self._keeps_pictures = keeps_pictures
        resume = ctx.resume or {}
        self.resume: Any = resume.get("part") if resume.get("name") == name else None

    def check(self) -> None:
        self._ctx.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        start, end = self._between
        share = done / total if total else 0.0
        self._ctx.progress(start + share * (end - start), self._count, f"{self._name}: {text}")

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        self._ctx.publish(snapshot, keep=keep and self._keeps_pictures)

    def checkpoint(self, state: dict[str, Any]) -> None:
        self._ctx.checkpoint({**self._kept, "part": state})

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return self._ctx.latest_request(timeout_s)
