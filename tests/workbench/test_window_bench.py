"""What `bench window` measures, and that it measures the real application."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.core.job import LocalContext
from workbench import bench
from workbench.runner.probe import NEVER_BEFORE, GapRecorder, summary


def test_gaps_are_the_times_between_ticks() -> None:
    times = np.cumsum([0] + [1_000_000] * 990 + [20_000_000] * 10)
    gaps = summary(times.tolist())
    assert gaps.ticks == 1000
    assert gaps.p50_ms == 1.0
    assert gaps.max_ms == 20.0
    assert gaps.seconds == pytest.approx(1.19)
    assert gaps.over_16 == pytest.approx(0.2 / 1.19)


def test_a_blocked_event_loop_is_seen(qtbot: QtBot) -> None:
    recorder = GapRecorder()
    QTimer.singleShot(50, recorder, lambda: time.sleep(0.08))
    with qtbot.waitSignal(recorder.finished_recording, timeout=5000) as finished:
        recorder.start(0.4)
    gaps = finished.args[0]
    assert gaps.max_ms >= 79
    assert gaps.seconds >= 0.4
    assert gaps.ticks > 10


def test_start_measures_take_the_median_and_name_every_slow_module() -> None:
    starts = [
        {"first_paint_s": seconds, "slow_modules": slow, "modules": 300}
        for seconds, slow in ((0.5, []), (0.7, ["torch"]), (3.0, []))
    ]
    paint, slow = bench.start_measures(starts)
    assert (paint.ours, paint.meets) == (0.7, True)
    assert (slow.ours, slow.meets, slow.note) == (1.0, False, "torch")


def test_gap_measures_hold_the_99th_percentile_to_16_ms() -> None:
    gaps = {"p50_ms": 1.0, "p99_ms": 17.0, "max_ms": 40.0, "ticks": 900, "seconds": 1.0}
    figures = {"scenario": "analysis", "gaps": gaps, "pictures_per_s": 12.0}
    p50, p99, worst, updates = bench.gap_measures("gap", figures)
    assert (p50.meets, p99.meets, worst.meets, updates.meets) == (None, False, None, True)
    assert p99.to_json()["unit"] == "ms"
    assert "12.0 pictures a second" in p99.note


def test_the_real_application_shows_before_it_imports_anything_slow(tmp_path: Path) -> None:
    figures = bench.probe("start", tmp_path, LocalContext())
    assert figures["slow_modules"] == []
    assert "torch" in NEVER_BEFORE
    assert figures["first_paint_s"] > 0
    assert min(figures["size"]) > 300


def test_an_application_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "_PROGRAM", "import sys; sys.exit('no such thing')")
    with pytest.raises(UserError, match="ended with code 1") as raised:
        bench.probe("idle", tmp_path, LocalContext())
    assert "no such thing" in raised.value.remedy
