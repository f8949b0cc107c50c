"""The session under one image ("transfer.live"): asks for what is shown, and tells what comes back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from engines.transfer.snapshots import LiveRequest, LiveSnapshot
from engines.transfer.spec import LiveSpec

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle

Mode = Literal["off", "starting", "working", "resting", "failed"]


class LiveAttack(QObject):
    """Keeps the session and the newest request; a request is the last one with some fields changed.

    While a slider is dragged, answers to the request before are shown too: they are about the same image, and a late
    picture is better than none. answered(LiveSnapshot). mode_changed(Mode). lost(str): the session's process has ended.
    """

    answered = Signal(object)
    mode_changed = Signal(str)
    lost = Signal(str)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._handle: JobHandle | None = None
        self._spec = LiveSpec()
        self._generation = 0
        self._oldest = 0
        self._wanted: LiveRequest | None = None
        self._is_sent = False
        self.mode: Mode = "off"
        self.latest: LiveSnapshot | None = None

    @property
    def handle(self) -> JobHandle | None:
        """The session's job, None while there is none."""
        return self._handle

    @property
    def request(self) -> LiveRequest | None:
        """The newest request."""
        return self._wanted

    @property
    def image(self) -> np.ndarray | None:
        """float32 [C, H, W], the one asked about."""
        return None if self._wanted is None else self._wanted.image

    def set_image(self, image: np.ndarray, **changes: Any) -> None:
        """Ask about another image; changes: other fields of LiveRequest."""
        base = self._wanted or LiveRequest(0, image, "")
        self._send(replace(base, image=np.ascontiguousarray(image, np.float32), **changes), fresh=True)

    def ask(self, *, fresh: bool = False, **changes: Any) -> None:
        """Ask anew with some fields changed, unless nothing did. fresh: answers to the former request are of no use
        any more. Nothing happens before there is an image."""
        if self._wanted is None:
            return
        wanted = replace(self._wanted, **changes)
        if self._is_sent and not fresh and all(getattr(wanted, k) == getattr(self._wanted, k) for k in changes):
            return
        self._send(wanted, fresh=fresh)

    def forget(self) -> None:
        """There is no image any more."""
        self._wanted, self.latest, self._is_sent = None, None, False
        self._generation += 1
        self._oldest = self._generation

    def resume(self) -> None:
        """Ask the last request again, where the session has ended or was never begun."""
        if self._wanted is not None and self._handle is None:
            self._send(self._wanted, fresh=True)

    def close(self) -> None:
        """End the session."""
        handle, self._handle = self._handle, None
        self.latest, self._is_sent = None, False
        if handle is not None:
            handle.published.disconnect(self._published)
            handle.ended.disconnect(self._ended)
            handle.cancel()
        self._set_mode("off")

    def _send(self, request: LiveRequest, *, fresh: bool) -> None:
        self._generation += 1
        self._wanted = request = replace(request, generation=self._generation)
        if fresh:
            self._oldest, self.latest = self._generation, None
        if not request.source:
            self._is_sent = False
            return
        if self._handle is None or self._handle.has_ended:
            self._start()
        assert self._handle is not None
        self._handle.request(request, keep_older=not fresh)
        self._is_sent = True
        self._set_mode("starting" if self._handle.state == "waiting" else "working")

    def _start(self) -> None:
        self._handle = self._panel.start("transfer.live", self._spec, lane="interactive", main=False, record=False)
        self._handle.published.connect(self._published)
        self._handle.ended.connect(self._ended)

    def _published(self, snapshot: object) -> None:
        if not isinstance(snapshot, LiveSnapshot) or snapshot.generation < self._oldest:
            return
        self.latest = snapshot
        done = snapshot.done and snapshot.generation == self._generation
        self._set_mode("resting" if done else "working")
        self.answered.emit(snapshot)

    def _ended(self, handle: object) -> None:
        if handle is not self._handle or self._handle is None:
            return
        failed = self._handle.state in ("failed", "interrupted")
        self._handle, self._is_sent = None, False
        self._set_mode("failed" if failed else "off")
        if failed:
            self.lost.emit("The engine behind the live attack has ended. Choose a picture to start a fresh one.")

    def _set_mode(self, mode: Mode) -> None:
        if mode != self.mode:
            self.mode = mode
            self.mode_changed.emit(mode)
