"""Composing ahead: requests answered one after another in the background, in a session of their own."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from engines.piano.requests import ComposeRequest, ComposeSnapshot
from workbench.panels.piano.composer import Composer
from workbench.panels.piano.takes import Reading

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

Ticket = tuple[int, str]


class Ahead(QObject):
    """Gives way to the desk: while that composes, the next request waits.

    composed(Ticket, Notes). failed(str): nothing more will be composed.
    """

    composed = Signal(object, object)
    failed = Signal(str)

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._composer = Composer(panel)
        self._waiting: deque[tuple[Ticket, ComposeRequest]] = deque()
        self._under_way: Ticket | None = None
        self._composer.answered.connect(self._answered)
        self._composer.lost.connect(self._lost)
        # Queued, because the session rests just before it says what it composed.
        self._composer.mode_changed.connect(self._look, Qt.ConnectionType.QueuedConnection)
        panel.composer.mode_changed.connect(self._go_on, Qt.ConnectionType.QueuedConnection)

    @property
    def is_composing(self) -> bool:
        return self._under_way is not None or bool(self._waiting)

    def add(self, ticket: Ticket, request: ComposeRequest, *, at_once: bool = False) -> None:
        """Compose this after the others, or before them."""
        (self._waiting.appendleft if at_once else self._waiting.append)((ticket, request))
        self._go_on()

    def close(self) -> None:
        """Give up what is not composed, and end the session."""
        self._waiting.clear()
        self._under_way = None
        self._composer.close()

    def _go_on(self, *_: object) -> None:
        if self._under_way is None and self._waiting and not self._panel.composer.is_composing:
            self._under_way, request = self._waiting.popleft()
            self._composer.ask(request)

    def _answered(self, snapshot: ComposeSnapshot) -> None:
        ticket = self._under_way
        if ticket is None or not snapshot.done:
            return
        if snapshot.problem or not snapshot.variations:
            self._lost(snapshot.problem or "nothing was composed")
            return
        self._under_way = None
        self.composed.emit(ticket, Reading().voices(snapshot)[0].notes)
        self._go_on()

    def _look(self, mode: str) -> None:
        """Ended from outside, by the list of jobs."""
        if mode == "resting" and self._under_way is not None and not self._composer.is_composing:
            self._lost("composing was stopped")

    def _lost(self, why: str) -> None:
        self.close()
        self.failed.emit(why)
