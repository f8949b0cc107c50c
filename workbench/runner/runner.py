"""The list of jobs and their lanes: what panels, the job dock and the command palette talk to."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal

from engines.core.spec import Spec
from workbench.runner.collector import Collector
from workbench.runner.handle import JobHandle
from workbench.runner.host import ProcessHost, ThreadHost
from workbench.runner.lane import Lane
from workbench.runner.mailbox import Devices, Ended, Mailbox, Picture, Runs
from workbench.runner.messages import EngineSetup, Order, Started
from workbench.runner.parcels import Parcel, Segments

if TYPE_CHECKING:
    from engines.core.device import DeviceInfo
    from engines.core.store import RunRecord, Store

log = logging.getLogger(__name__)

LaneName = Literal["interactive", "batch"]
PICTURE_MS = 33
"""Pictures reach panels at most this often: 30 a second."""
KEPT_ENDED = 100
"""Ended jobs that stay in the list; older ones go with their results."""
RECHECK_MS = 4000
"""When interrupted runs are looked for a second time."""
NICENESS = {"interactive": 5, "batch": 10}
"""The window goes first, then what a person waits for, then training."""


class Runner(QObject):
    """Runs jobs in engine processes: one interactive lane, so that a slider never waits behind a training
    run, and one batch lane for each accelerator or for the CPU.

    store: where runs are recorded; None records nothing. inline: engines run in threads of this process.
    extra_modules: imported by the engines first, to register jobs that belong to no topic.
    stuck_after_s: how long a job may be "stopping" before `stuck` is emitted for it.
    """

    job_added = Signal(object)
    job_removed = Signal(object)
    stuck = Signal(object)
    resumable_changed = Signal()
    devices_changed = Signal()

    def __init__(
        self,
        store: Store | None = None,
        *,
        inline: bool = False,
        extra_modules: tuple[str, ...] = (),
        stuck_after_s: float = 3.0,
        warm: bool = True,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._inline = inline
        self._extra_modules = extra_modules
        self._stuck_after_s = stuck_after_s
        self._warm = warm
        self._count = 0
        self._handles: dict[int, JobHandle] = {}
        self._held: list[tuple[JobHandle, Order]] = []
        self._held_requests: dict[int, tuple[int, Parcel]] = {}
        self._lanes: dict[str, Lane] = {}
        self.devices: tuple[DeviceInfo, ...] = ()
        self._ordinary: set[str] = set()
        self._offered: set[int] = set()
        self._resumable: tuple[RunRecord, ...] = ()
        self._knows_runs = False
        self._own_runs: set[str] = set()
        self._closed = False
        self._packer = Segments("")
        self._store_ready = threading.Event()
        self._collector = Collector(self)

        self._mailbox = Mailbox(self)
        self._mailbox.event_arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._mailbox.picture_arrived.connect(self._schedule, Qt.ConnectionType.QueuedConnection)
        self._picture_timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._picture_timer.timeout.connect(self._deliver)
        self._delivered_at = 0.0
        self._stuck_timer = QTimer(self, interval=100)
        self._stuck_timer.timeout.connect(self._look_for_stuck)

        self._recheck_timer = QTimer(self, singleShot=True, interval=RECHECK_MS)
        self._recheck_timer.timeout.connect(self._recheck)

        app = QCoreApplication.instance()
        if app is not None:  # the end of a desktop session quits without closing windows
            app.aboutToQuit.connect(self.close)

    # -- for panels

    def start_lanes(self) -> None:
        """Spawn the engine processes; call it after the first paint. Jobs submitted before start now."""
        if self._lanes or self._closed:
            return
        self._collector.start()
        for name in ("batch", "interactive"):
            self._add_lane(name)
        self._recheck_timer.start()
        held, self._held = self._held, []
        for handle, order in held:
            self._lanes[handle.lane].submit(order)
            if handle.id in self._held_requests:
                self._lanes[handle.lane].request(handle.id, *self._held_requests.pop(handle.id))

    def submit(
        self,
        name: str,
        spec: Spec | dict[str, Any],
        *,
        lane: LaneName = "batch",
        resume_run: str | None = None,
        record: bool | None = None,
        key: str | None = None,
    ) -> JobHandle:
        """Queue the job `name`.

        On the interactive lane the newest wins: an older ordinary job of the same `key` (the job's name
        unless given) is cancelled. Sessions live on, unless a key was given that both share.
        resume_run: go on with that run from its last checkpoint.
        record: keep it in the store; batch jobs are, interactive ones are not, sessions never.
        """
        if self._closed:
            raise RuntimeError("the runner is closed")
        self._count += 1
        handle = JobHandle(self._count, name, spec, lane=lane, key=key or name, runner=self)
        if resume_run is not None:
            handle.run_id = resume_run
            self._own_runs.add(resume_run)
        if record is None:
            record = lane == "batch" or resume_run is not None
        if lane == "batch" and len(self._lanes) > 2:
            handle.place, spec = self._place(spec)
        packed = self._packer.pack(spec)
        assert packed is not None
        order = Order(handle.id, name, packed, resume_run, record and self._store is not None)
        self._handles[handle.id] = handle
        self.job_added.emit(handle)
        if self._lanes:
            self._lanes[handle.place].submit(order)
        else:
            self._held.append((handle, order))
        self._supersede()
        self._prune()
        return handle

    def resume(self, run: RunRecord | JobHandle) -> JobHandle:
        """Go on with an interrupted run from its last checkpoint."""
        if isinstance(run, JobHandle):
            handle = self.submit(run.name, run.spec, resume_run=run.run_id)
        else:
            handle = self.submit(run.name, run.spec, resume_run=run.id)
        self.resumable_changed.emit()
        return handle

    def jobs(self) -> list[JobHandle]:
        """Every job that is not forgotten, oldest first."""
        return list(self._handles.values())

    def resumable(self) -> tuple[RunRecord, ...]:
        """Runs in the store that were interrupted before this window started, left a checkpoint, and were not
        resumed since; newest first."""
        return tuple(row for row in self._resumable if row.id not in self._own_runs)

    def forget(self, handle: JobHandle) -> None:
        """Take an ended job from the list."""
        if handle.has_ended and self._handles.pop(handle.id, None) is not None:
            self.job_removed.emit(handle)

    def is_busy(self) -> bool:
        """Whether an ordinary job waits or runs."""
        return any(not handle.has_ended and not handle.is_session for handle in self._handles.values())

    def engine_pids(self) -> dict[str, int]:
        """The living engine processes by lane."""
        return {name: lane.pid for name, lane in self._lanes.items() if lane.pid is not None}

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop every job, end the processes and join the threads. Recorded runs can be resumed later."""
        if self._closed:
            return
        self._closed = True
        for handle, _ in self._held:
            self._end(handle, Ended("cancelled"))
        self._held.clear()
        for lane in self._lanes.values():
            lane.leave(timeout_s)
        for lane in self._lanes.values():
            if not lane.wait(int((timeout_s + 6.0) * 1000)):
                log.error("the lane %s did not end", lane.objectName())
        self._deliver()
        self._recheck_timer.stop()
        self._picture_timer.stop()
        self._stuck_timer.stop()
        self._collector.stop()
        for lane in self._lanes.values():
            lane.deleteLater()
        self._lanes.clear()

    # -- for handles

    def cancel(self, handle: JobHandle) -> None:
        """See `JobHandle.cancel`."""
        if handle.has_ended or handle.state == "stopping":
            return
        for held in self._held:
            if held[0] is handle:
                self._held.remove(held)
                self._end(handle, Ended("cancelled"))
                return
        self._lanes[handle.place].cancel(handle.id)
        handle.set_state("stopping")
        self._stuck_timer.start()

    def kill(self, handle: JobHandle) -> None:
        """See `JobHandle.kill`."""
        if not handle.has_ended and self._lanes:
            self._lanes[handle.place].kill(handle.id)

    def request(self, handle: JobHandle, payload: Any, keep_older: bool) -> int:
        """See `JobHandle.request`."""
        handle.generation += 1
        if not keep_older:
            handle.oldest_wanted = handle.generation
        if handle.has_ended:
            return handle.generation
        packed = self._packer.pack(payload)
        assert packed is not None
        if self._lanes:
            self._lanes[handle.place].request(handle.id, handle.generation, packed)
        else:
            self._held_requests[handle.id] = (handle.generation, packed)
        return handle.generation

    # -- inside

    def _add_lane(self, name: str) -> None:
        self._lanes[name] = self._make_lane(name)
        self._lanes[name].start()

    def _make_lane(self, name: str) -> Lane:
        kind = "interactive" if name == "interactive" else "batch"
        folder = None if self._store is None else self._store.root
        setup = EngineSetup(
            lane=name,
            store_folder=folder,
            extra_modules=self._extra_modules,
            nice=NICENESS[kind],
            warm=self._warm,
            look=name == "batch",
            tidy=kind == "batch",
        )
        before = self._check_store if name == "batch" else self._await_store
        return Lane(setup, ThreadHost if self._inline else ProcessHost, self._mailbox, self._store, before, self)

    def _place(self, spec: Spec | dict[str, Any]) -> tuple[str, Spec | dict[str, Any]]:
        """With several accelerators: the batch lane for this spec, and the spec told which device that is."""
        wanted = spec.get("device", "auto") if isinstance(spec, dict) else spec.device
        if f"batch {wanted}" in self._lanes:
            return f"batch {wanted}", spec
        if wanted != "auto":
            return "batch", spec
        busy = Counter(handle.place for handle in self._handles.values() if not handle.has_ended)
        place = min((name for name in self._lanes if name != "interactive"), key=lambda name: busy[name])
        if place == "batch":
            return place, spec
        device = place.removeprefix("batch ")
        return place, {**spec, "device": device} if isinstance(spec, dict) else spec.changed(device=device)

    def _found_devices(self, found: tuple[DeviceInfo, ...]) -> None:
        self.devices = found
        accelerators = [device.name for device in found if device.usable and device.name != "cpu"]
        for name in accelerators[1:]:  # the first is the batch lane's
            if f"batch {name}" not in self._lanes and not self._closed:
                self._add_lane(f"batch {name}")
        self.devices_changed.emit()

    def _recheck(self) -> None:
        """A process whose window was killed takes a moment to go; look at its runs again."""
        if "batch" in self._lanes:
            self._lanes["batch"].call(self._check_store)

    def _check_store(self) -> None:
        """On the batch lane's thread, first before any job: runs that nobody finished were interrupted."""
        try:
            if self._store is not None:
                self._store.mark_interrupted(set(self._own_runs))
                rows = self._store.runs(status="interrupted")
                self._mailbox.put_event(0, Runs(tuple(row for row in rows if self._store.has_checkpoint(row.id))))
        except Exception:
            # A broken store must not keep the window from working; recording says what is wrong with it.
            log.exception("the store cannot be read")
        finally:
            self._store_ready.set()

    def _await_store(self) -> None:
        self._store_ready.wait(10.0)

    def _schedule(self) -> None:
        if not self._picture_timer.isActive():
            passed = (time.monotonic() - self._delivered_at) * 1000
            self._picture_timer.start(max(0, round(PICTURE_MS - passed)))

    def _deliver(self) -> None:
        """Hand out what has come: starts, then pictures, then ends."""
        post = self._mailbox.take()
        self._delivered_at = time.monotonic()
        for job, event in post.events:
            if isinstance(event, Started):
                self._started(job, event)
            elif isinstance(event, Runs):
                self._take_runs(event.rows)
            elif isinstance(event, Devices):
                self._found_devices(event.found)
        for job, progress in post.progress.items():
            handle = self._handles.get(job)
            if handle is not None and not handle.has_ended:
                handle.progress = progress
                handle.progressed.emit(progress)
        for job, picture in post.pictures.items():
            self._show(job, picture)
        for job, event in post.events:
            handle = self._handles.get(job)
            if isinstance(event, Ended) and handle is not None:
                self._end(handle, event)

    def _take_runs(self, rows: tuple[RunRecord, ...]) -> None:
        is_news = not self._knows_runs or rows != self._resumable
        self._resumable, self._knows_runs = rows, True
        if is_news:
            self.resumable_changed.emit()

    def _started(self, job: int, started: Started) -> None:
        handle = self._handles.get(job)
        if handle is None or handle.has_ended:
            return
        handle.title = started.title
        handle.is_session = started.session
        if started.run_id is not None:
            handle.run_id = started.run_id
            self._own_runs.add(started.run_id)
        if not started.session:
            self._ordinary.add(handle.name)
        if handle.state == "waiting":
            handle.set_state("running")
        self._supersede()

    def _show(self, job: int, picture: Picture) -> None:
        handle = self._handles.get(job)
        if handle is None or handle.has_ended or picture.generation < handle.oldest_wanted:
            return
        handle.latest = picture.snapshot
        handle.published.emit(picture.snapshot)

    def _end(self, handle: JobHandle, ended: Ended) -> None:
        if handle.has_ended:
            return
        handle.result = ended.result
        handle.error = ended.error
        handle.can_resume = ended.checkpointed and handle.run_id is not None
        self._offered.discard(handle.id)
        handle.set_state(ended.state)
        if not any(other.state == "stopping" for other in self._handles.values()):
            self._stuck_timer.stop()
        handle.ended.emit(handle)
        self._prune()

    def _supersede(self) -> None:
        """Cancel interactive jobs that a newer one of their key has made pointless."""
        newest: dict[str, int] = {}
        for handle in self._handles.values():
            if handle.lane == "interactive":
                newest[handle.key] = handle.id
        for handle in list(self._handles.values()):
            if handle.lane != "interactive" or handle.has_ended or newest[handle.key] == handle.id:
                continue
            # Whether a job is a session is known once one of its name has started.
            if handle.key != handle.name or handle.name in self._ordinary:
                handle.cancel()

    def _look_for_stuck(self) -> None:
        stopping = [handle for handle in self._handles.values() if handle.state == "stopping"]
        now = time.monotonic()
        for handle in stopping:
            since = handle.stopping_since or now
            if now - since >= self._stuck_after_s and handle.id not in self._offered:
                self._offered.add(handle.id)
                handle.stuck.emit(handle)
                self.stuck.emit(handle)

    def _prune(self) -> None:
        ended = [handle for handle in self._handles.values() if handle.has_ended]
        for handle in ended[: max(0, len(ended) - KEPT_ENDED)]:
            self.forget(handle)
