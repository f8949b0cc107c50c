"""Measures the running window from inside: time to the first paint, what was imported before it, and how long
its event loop is held up. `bench window` starts the application with these variables set:

WORKBENCH_PROBE: file for the figures (JSON). WORKBENCH_PROBE_SCENARIO: start, idle, training or analysis.
WORKBENCH_PROBE_SECONDS: how long gaps are recorded. WORKBENCH_PROBE_T0: `time.monotonic()` of the program's
first line, so that the interpreter's own start does not count.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast, get_args

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal

from workbench.runner.handle import JobHandle
from workbench.runner.runner import Runner

if TYPE_CHECKING:
    from workbench.main_window import MainWindow
    from workbench.painted import Painted

Scenario = Literal["start", "idle", "training", "analysis"]
TICK_MS: Final = 1
SETTLE_MS: Final = 1500
"""Between the scenario's first picture and the first tick that counts."""
GIVE_UP_MS: Final = 120_000
NEVER_BEFORE: Final = ("torch", "sklearn", "skimage", "ray", "scipy", "pandas", "pyspiel", "numba")
"""Modules too slow to be imported before the window shows."""
JOBS: Final[dict[str, str]] = {"training": "hex.train", "analysis": "hex.engine"}


@dataclass(frozen=True)
class Gaps:
    """Times between ticks of a 1 ms timer, in milliseconds. ticks: how many there were in `seconds`.

    over_16: share of the time spent in gaps longer than 16 ms, in [0, 1].
    """

    p50_ms: float
    p99_ms: float
    max_ms: float
    over_16: float
    ticks: int
    seconds: float


class GapRecorder(QObject):
    """Records when a precise 1 ms timer really fires. `finished_recording` carries `Gaps`."""

    finished_recording = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._times: list[int] = []
        self._until = 0
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self, seconds: float) -> None:
        self._times = [time.perf_counter_ns()]
        self._until = self._times[0] + round(seconds * 1e9)
        self._timer.start()

    def _tick(self) -> None:
        now = time.perf_counter_ns()
        self._times.append(now)
        if now >= self._until:
            self._timer.stop()
            self.finished_recording.emit(summary(self._times))


def summary(times_ns: list[int]) -> Gaps:
    """Gaps between the recorded times; at least two are needed."""
    gaps = np.diff(np.asarray(times_ns, np.float64)) / 1e6
    p50, p99 = np.percentile(gaps, (50, 99))
    share = float(gaps[gaps > 16.0].sum() / gaps.sum())
    return Gaps(float(p50), float(p99), float(gaps.max()), share, len(gaps), float(gaps.sum()) / 1e3)


class Probe(QObject):
    """Runs one scenario in the application's own window, writes the figures and quits.

    window: the main window, which shows the Hex panel for "training" and "analysis", so that drawing counts.
    painted: when it had been painted first, and what had been imported by then.
    """

    def __init__(
        self,
        path: Path,
        scenario: Scenario,
        seconds: float,
        window: MainWindow,
        runner: Runner,
        painted: Painted,
    ) -> None:
        super().__init__(window)
        self._path, self._scenario, self._seconds = path, scenario, seconds
        self._window, self._runner = window, runner
        self._handle: JobHandle | None = None
        self._pictures = 0
        self._counted_from = 0
        self._figures: dict[str, Any] = {
            "scenario": scenario,
            "first_paint_s": painted.at - program_start(),
            "slow_modules": [name for name in NEVER_BEFORE if name in painted.modules],
            "modules": len(painted.modules),
            "size": [window.width(), window.height()],
        }
        self._recorder = GapRecorder(self)
        self._recorder.finished_recording.connect(self._recorded)
        self._give_up = QTimer(self, singleShot=True, interval=GIVE_UP_MS)
        self._give_up.timeout.connect(lambda: self._finish("nothing was published in time"))
        self._give_up.start()
        QTimer.singleShot(0, self, self._begin)

    def _begin(self) -> None:
        if self._scenario == "start":
            self._finish("")
        elif self._scenario == "idle":
            self._settle()
        else:
            self._runner.job_added.connect(self._job_added)
            if self._scenario == "analysis":
                self._window.show_panel("hex", lambda panel: panel.run())
            else:
                self._window.show_panel("hex", lambda _: start_training(self._runner))

    def _job_added(self, handle: JobHandle) -> None:
        if self._handle is None and handle.name == JOBS[self._scenario]:
            self._handle = handle
            handle.published.connect(self._published)
            handle.ended.connect(self._job_ended)

    def _published(self, _snapshot: object) -> None:
        self._pictures += 1
        if self._pictures == 1:
            self._settle()

    def _settle(self) -> None:
        QTimer.singleShot(SETTLE_MS, self, self._record)

    def _record(self) -> None:
        self._give_up.stop()
        self._counted_from = self._pictures
        self._recorder.start(self._seconds)

    def _recorded(self, gaps: Gaps) -> None:
        self._figures["gaps"] = asdict(gaps)
        self._figures["pictures_per_s"] = (self._pictures - self._counted_from) / gaps.seconds
        still = self._handle is None or not self._handle.has_ended
        self._finish("" if still else "the job ended before the recording did")

    def _job_ended(self, handle: JobHandle) -> None:
        if "gaps" not in self._figures and handle.error is not None:
            self._finish(handle.error.what)

    def _finish(self, fault: str) -> None:
        self._give_up.stop()
        if fault:
            self._figures["fault"] = fault
        beside = self._path.with_suffix(".part")
        beside.write_text(json.dumps(self._figures), encoding="utf-8")
        beside.replace(self._path)
        if self._handle is not None:
            self._handle.published.disconnect(self._published)
            self._handle.ended.disconnect(self._job_ended)
        self._runner.close(5.0)
        QCoreApplication.exit(0)


def install(window: MainWindow, runner: Runner, painted: Painted | None) -> Probe | None:
    """The probe that the environment asks for, or None. Call it after the first paint."""
    path = os.environ.get("WORKBENCH_PROBE", "")
    if not path or painted is None:
        return None
    scenario = os.environ.get("WORKBENCH_PROBE_SCENARIO", "start")
    if scenario not in get_args(Scenario):
        raise ValueError(f"expected a scenario out of {', '.join(get_args(Scenario))}, got {scenario!r}")
    seconds = float(os.environ.get("WORKBENCH_PROBE_SECONDS", "5"))
    return Probe(Path(path), cast(Scenario, scenario), seconds, window, runner, painted)


def program_start() -> float:
    """`time.monotonic()` of the program's first line; of the process's birth where nobody noted that."""
    noted = os.environ.get("WORKBENCH_PROBE_T0", "")
    if noted:
        return float(noted)
    import psutil

    return time.monotonic() - (time.time() - psutil.Process().create_time())


def start_training(runner: Runner) -> JobHandle:
    """A training run of the quick preset, unrecorded."""
    from engines.hex.spec import TrainSpec

    return runner.submit("hex.train", TrainSpec.preset("quick"), lane="batch", record=False)
