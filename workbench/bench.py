"""`bench window`: how soon the window shows, what it imports before, how long its event loop is held up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from engines.core.bench import Measure, bench
from engines.core.errors import UserError
from engines.core.job import JobContext
from workbench.audio import bench as _audio  # noqa: F401 - registers "audio-callback"
from workbench.widgets import roll_bench as _roll  # noqa: F401 - registers "piano-roll"

STARTS: Final = 5
RECORD_S: Final = 8.0
LIMIT_S: Final = 240.0
FIRST_PAINT_TARGET_S: Final = 1.0
GAP_TARGET_MS: Final = 16.0
UPDATES_TARGET_HZ: Final = 10.0

# Notes the time before anything of ours is imported, then is the program.
_PROGRAM: Final = (
    "import os, time; os.environ['WORKBENCH_PROBE_T0'] = repr(time.monotonic());"
    "import sys; sys.argv = ['paper-workbench']; from workbench.cli import main; sys.exit(main())"
)
_GAPS: Final = (
    ("idle", "event loop gap, idle"),
    ("training", "event loop gap while training"),
    ("analysis", "event loop gap during live analysis"),
)


@bench("window", "Time to the first window and event-loop gaps")
def window(ctx: JobContext) -> list[Measure]:
    """Start the real application in fresh processes and let it measure itself (see `runner.probe`)."""
    steps = STARTS + 1 + len(_GAPS)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        # The first start compiles byte code and fills caches; a person meets it once.
        starts = []
        for i in range(STARTS + 1):
            ctx.progress(i, steps, "starting the window")
            starts.append(probe("start", home, ctx))
        measures = start_measures(starts[1:])
        for i, (scenario, words) in enumerate(_GAPS):
            ctx.progress(STARTS + 1 + i, steps, words)
            measures += gap_measures(words, probe(scenario, home, ctx))
    ctx.progress(steps, steps, "done")
    return measures


def start_measures(starts: list[dict[str, Any]]) -> list[Measure]:
    """What several starts tell: the median time and every slow module that was imported too early."""
    times = [start["first_paint_s"] for start in starts]
    slow = sorted({module for start in starts for module in start["slow_modules"]})
    spread = f"median of {len(times)} warm starts, {min(times):.2f} to {max(times):.2f} s"
    return [
        Measure(
            "time to first paint, without the interpreter's own start",
            median(times), target=FIRST_PAINT_TARGET_S, unit="s", better="less", of="none", note=spread,
        ),
        Measure(
            "slow modules imported before it",
            float(len(slow)), target=0.0, better="less", of="none",
            note=", ".join(slow) or f"none; {starts[-1]['modules']} modules in all",
        ),
    ]  # fmt: skip


def gap_measures(words: str, figures: dict[str, Any]) -> list[Measure]:
    """Median, 99th percentile and maximum of one recording; only the 99th percentile has a target."""
    gaps = figures["gaps"]
    note = f"{gaps['ticks']} ticks of a 1 ms timer in {gaps['seconds']:.1f} s"
    if figures["scenario"] != "idle":
        note += f", {figures['pictures_per_s']:.1f} pictures a second"
    rows: list[tuple[str, str, float | None]] = [
        ("p50", "p50_ms", None),
        ("p99", "p99_ms", GAP_TARGET_MS),
        ("max", "max_ms", None),
    ]
    measures = [
        Measure(f"{words}, {name}", gaps[key], target=target, unit="ms", better="less", of="none", note=note)
        for name, key, target in rows
    ]
    if figures["scenario"] == "analysis":
        pace = figures["pictures_per_s"]
        name = "updates during live analysis"
        measures.append(Measure(name, pace, target=UPDATES_TARGET_HZ, unit="1/s", of="none"))
    return measures


def probe(scenario: str, home: Path, ctx: JobContext, seconds: float = RECORD_S) -> dict[str, Any]:
    """The figures that one fresh application writes about itself. Raises UserError when it wrote none."""
    path = home / f"{scenario}.json"
    path.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "WORKBENCH_HOME": str(home / "home"),
        "WORKBENCH_PROBE": str(path),
        "WORKBENCH_PROBE_SCENARIO": scenario,
        "WORKBENCH_PROBE_SECONDS": str(seconds),
    }
    if not _has_display():
        environment["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(_command(), env=environment, stderr=said)
        try:
            _wait(process, ctx)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-3:]
    if not path.is_file():
        raise UserError(
            f"the window ended with code {process.returncode} before it had measured {scenario!r}",
            " ".join(last) or "start it without a command to see why",
        )
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "fault" in figures:
        raise UserError(f"the window could not measure {scenario!r}: {figures['fault']}")
    return figures


def _command() -> list[str]:
    """How to start the application; a frozen one is its own interpreter."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-c", _PROGRAM]


def _wait(process: subprocess.Popen[bytes], ctx: JobContext) -> None:
    until = time.monotonic() + LIMIT_S
    while process.poll() is None and time.monotonic() < until:
        ctx.check()
        try:
            process.wait(0.25)
        except subprocess.TimeoutExpired:
            continue


def _has_display() -> bool:
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
