"""The session that composes ("piano.compose"): sends wishes, tells what comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from PySide6.QtCore import QObject, Signal

from engines.piano.requests import ComposeRequest, ComposeSnapshot, InspectRequest, InspectSnapshot
from engines.piano.spec import ComposeSpec

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle

Mode = Literal["resting", "starting", "composing"]


class Composer(QObject):
    """Keeps the session and the newest wish; answers to older ones are dropped.

    answered(ComposeSnapshot). mode_changed(Mode). lost(str): the session's process has ended, or refused. A subclass
    may keep another session of this topic: job, spec and answers say which.
    """

    job: ClassVar[str] = "piano.compose"
    spec: ClassVar[type[ComposeSpec]] = ComposeSpec
    answers: ClassVar[type[ComposeSnapshot | InspectSnapshot]] = ComposeSnapshot
    what_ended: ClassVar[str] = "The engine that composes has ended. Press Compose to start a fresh one."

    answered = Signal(object)
    mode_changed = Signal(str)
    lost = Signal(str)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._handle: JobHandle | None = None
        self._generation = 0
        self.mode: Mode = "resting"

    @property
    def handle(self) -> JobHandle | None:
        """The session's job, None while there is none."""
        return self._handle

    @property
    def is_composing(self) -> bool:
        return self.mode != "resting"

    def ask(self, request: ComposeRequest | InspectRequest) -> None:
        """Compose (or read) this; whatever is under way is given up."""
        self._generation += 1
        if self._handle is None or self._handle.has_ended:
            self._handle = self._panel.start(self.job, self.spec(), lane="interactive", main=False, record=False)
            self._handle.published.connect(self._published)
            self._handle.ended.connect(self._ended)
        self._handle.request(replace(request, generation=self._generation))
        self._set_mode("starting")

    def stop(self) -> None:
        """Compose no more; what was composed stays. The session ends, its process stays warm."""
        if self.is_composing:
            self.close()

    def close(self) -> None:
        """End the session."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.published.disconnect(self._published)
            handle.ended.disconnect(self._ended)
            handle.cancel()
        self._set_mode("resting")

    def _published(self, snapshot: object) -> None:
        if not isinstance(snapshot, self.answers) or snapshot.generation != self._generation:
            return
        self._set_mode("resting" if snapshot.done else "composing")
        self.answered.emit(snapshot)

    def _ended(self, handle: object) -> None:
        if handle is not self._handle or self._handle is None:
            return
        failed = self._handle.state in ("failed", "interrupted")
        self._handle = None
        self._set_mode("resting")
        if failed:
            self.lost.emit(self.what_ended)

    def _set_mode(self, mode: Mode) -> None:
        if mode != self.mode:
            self.mode = mode
            self.mode_changed.emit(mode)
