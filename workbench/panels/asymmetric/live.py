"""The sessions of the Detection panel: asks for what is shown, and tells what comes back; the newest request wins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal

from engines.asymmetric.snapshots import (
    LiveAnatomy,
    LiveMorph,
    LiveNote,
    LiveRequest,
    LiveVerdict,
    TheatreRequest,
    ToySnapshot,
)
from engines.asymmetric.spec import LiveSpec, TheatreSpec
from engines.core.spec import Spec

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle

Mode = Literal["off", "starting", "working", "resting", "failed"]


class _Session(QObject):
    """A session job that is begun with the first request. mode_changed(Mode). lost(str): its process has ended."""

    mode_changed = Signal(str)
    lost = Signal(str)

    def __init__(self, panel: Panel, name: str, spec: Spec) -> None:
        super().__init__(panel)
        self._panel, self._name, self._spec = panel, name, spec
        self._handle: JobHandle | None = None
        self._generation = 0
        self._oldest = 0
        self.mode: Mode = "off"

    @property
    def handle(self) -> JobHandle | None:
        """The session's job, None while there is none."""
        return self._handle

    def close(self) -> None:
        """End the session."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.published.disconnect(self._published)
            handle.ended.disconnect(self._ended)
            handle.cancel()
        self._set_mode("off")

    def _send(self, request: Any, *, fresh: bool) -> None:
        """fresh: answers to former requests are of no use any more."""
        self._generation += 1
        if fresh:
            self._oldest = self._generation
        if self._handle is None or self._handle.has_ended:
            self._handle = self._panel.start(self._name, self._spec, lane="interactive", main=False, record=False)
            self._handle.published.connect(self._published)
            self._handle.ended.connect(self._ended)
        self._handle.request(replace(request, generation=self._generation), keep_older=not fresh)
        self._set_mode("starting" if self._handle.state == "waiting" else "working")

    def _published(self, snapshot: Any) -> None:
        if snapshot.generation >= self._oldest:
            self._take(snapshot)

    def _take(self, snapshot: Any) -> None:
        raise NotImplementedError

    def _ended(self, handle: object) -> None:
        if handle is not self._handle or self._handle is None:
            return
        failed = self._handle.state in ("failed", "interrupted")
        self._handle = None
        self._set_mode("failed" if failed else "off")
        if failed:
            self.lost.emit("The engine behind this view has ended. Change anything to start a fresh one.")

    def _set_mode(self, mode: Mode) -> None:
        if mode != self.mode:
            self.mode = mode
            self.mode_changed.emit(mode)


class LiveDesk(_Session):
    """ "asymmetric.live". Signals carry what was asked: morphed(LiveMorph), judged(LiveVerdict),
    dissected(LiveAnatomy); noted(str): why there is no answer."""

    morphed = Signal(object)
    judged = Signal(object)
    dissected = Signal(object)
    noted = Signal(str)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel, "asymmetric.live", LiveSpec())
        self.asked: LiveRequest | None = None

    def ask(self, request: LiveRequest, *, fresh: bool = True) -> None:
        """Send a request; its generation is set here."""
        self.asked = request
        self._send(request, fresh=fresh)

    def idle(self) -> None:
        """Drop what is under way."""
        if self._handle is not None and not self._handle.has_ended and self.mode != "resting":
            self.ask(LiveRequest("idle", 0))

    def _take(self, snapshot: Any) -> None:
        newest = snapshot.generation == self._generation
        if isinstance(snapshot, LiveMorph):
            self._rest(newest and snapshot.final)
            self.morphed.emit(snapshot)
        elif isinstance(snapshot, LiveVerdict):
            self._rest(newest)
            self.judged.emit(snapshot)
        elif isinstance(snapshot, LiveAnatomy):
            self._rest(newest and snapshot.final)
            self.dissected.emit(snapshot)
        elif isinstance(snapshot, LiveNote):
            self._rest(newest)
            if snapshot.note:
                self.noted.emit(snapshot.note)

    def _rest(self, is_done: bool) -> None:
        self._set_mode("resting" if is_done else "working")


class Theatre(_Session):
    """ "asymmetric.theatre": shown(ToySnapshot)."""

    shown = Signal(object)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel, "asymmetric.theatre", TheatreSpec())
        self.latest: ToySnapshot | None = None
        self._begins = False

    @property
    def is_running(self) -> bool:
        """Whether it trains now or was asked to, as far as is known."""
        trains = self._begins or (self.latest is not None and self.latest.is_running)
        return trains and self._handle is not None

    def ask(self, kind: str, *, fresh: bool = False, count: int = 2000, **changes: object) -> None:
        """kind as in TheatreRequest; changes: fields of ToySpec."""
        self._begins = kind == "start" or (self._begins and kind != "pause")
        self._send(TheatreRequest(kind, 0, changes, count), fresh=fresh)

    def _take(self, snapshot: Any) -> None:
        if isinstance(snapshot, ToySnapshot):
            self.latest, self._begins = snapshot, False
            self._set_mode("working" if snapshot.is_running else "resting")
            self.shown.emit(snapshot)
        elif isinstance(snapshot, LiveNote) and snapshot.note:
            self.lost.emit(snapshot.note)
