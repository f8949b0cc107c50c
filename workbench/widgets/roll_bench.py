"""What a moving playhead costs on a piano roll full of notes: "piano-roll"."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.bench import Measure, bench
from engines.core.job import JobContext

if TYPE_CHECKING:
    from workbench.widgets.piano_roll import PianoRoll

NOTES: Final = 10_000
SIZE: Final = (1200, 500)
TARGET_MS: Final = 8.0
"""Half a frame at 60 Hz (paper file 08b, section 9, check 7)."""
FRAMES: Final = 240
_SECONDS: Final = 1200.0


@bench("piano-roll", "Repainting a piano roll while it plays")
def piano_roll(ctx: JobContext) -> list[Measure]:
    """Milliseconds of processor time for one frame, painted by the processor: the whole piece seen, and 10 s of it."""
    from PySide6.QtWidgets import QApplication

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication([])
    measures = []
    for what, follows in (("all 20 minutes seen", False), ("10 s seen, scrolling", True)):
        ctx.check()
        roll = _roll(follows)
        measures += frames(roll, what, FRAMES, ctx)
        roll.deleteLater()
    app.processEvents()
    return measures


def frames(roll: PianoRoll, what: str, count: int, ctx: JobContext) -> list[Measure]:
    """Median and 99th percentile of `count` frames of 1/60 s; what the playhead leaves to be painted is painted."""
    from PySide6.QtWidgets import QApplication

    roll.show()
    roll.grab()  # strips that stay are painted once
    took = []
    for k in range(count):
        ctx.check()
        began = time.thread_time()
        roll.timeline.set_playhead(60 + k / 60)
        QApplication.sendPostedEvents()
        QApplication.processEvents()
        took.append((time.thread_time() - began) * 1000)
    note = f"{len(roll.notes):,} notes, {roll.width()}×{roll.height()}, {count} frames"
    return [
        Measure(f"{what}: median", float(np.median(took)), target=TARGET_MS, unit="ms", better="less", of="none",
                note=note),
        Measure(f"{what}: 99th percentile", float(np.percentile(took, 99)), unit="ms", better="less", of="none"),
    ]  # fmt: skip


def _roll(follows: bool) -> PianoRoll:
    from PySide6.QtCore import Qt

    from workbench.theme import Theme
    from workbench.widgets.piano_roll import PianoRoll
    from workbench.widgets.roll_notes import RollNotes

    rng = np.random.default_rng(0)
    start = np.sort(rng.uniform(0, _SECONDS, NOTES))
    pitch, velocity = rng.integers(30, 100, NOTES), rng.integers(20, 120, NOTES)
    roll = PianoRoll(Theme("light", scheme=lambda: Qt.ColorScheme.Light))
    roll.resize(*SIZE)
    roll.set_notes(
        RollNotes(start, start + rng.gamma(2, 0.25, NOTES), pitch.astype(np.int16), velocity.astype(np.int16))
    )
    roll.timeline.set_following(follows)
    if follows:
        roll.timeline.show_span(55.0, 65.0)
    return roll
