"""A window with the Detection panel, engines in threads, and the shipped detectors of the embedded digits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytestqt.qtbot import QtBot

from engines.asymmetric.spec import SHIPPED_DIGITS
from tests.workbench.windows import opened_window
from workbench.main_window import MainWindow
from workbench.panels.asymmetric.panel import DetectionPanel
from workbench.panels.registry import PANELS

PATIENCE_MS = 60_000
ONLY = tuple(info for info in PANELS if info.topic == "asymmetric")


@contextmanager
def opened_detection(
    qtbot: QtBot, *, live: bool = True, size: tuple[int, int] = (1400, 900)
) -> Iterator[tuple[MainWindow, DetectionPanel]]:
    """The panel with the small detectors; live: the first picture is pushed and judged."""
    with opened_window(qtbot, panels=ONLY, size=size) as window:
        window.show_panel("asymmetric")
        panel = window.panel("asymmetric")
        assert isinstance(panel, DetectionPanel)
        panel.form.refresh(SHIPPED_DIGITS)
        panel.form.changed.emit()
        if live:
            wait_judged(qtbot, panel)
        yield window, panel


def wait_judged(qtbot: QtBot, panel: DetectionPanel) -> None:
    """Wait until the newest morph has ended and its last image is judged, thresholds and all."""

    def whole() -> bool:
        shown, decisions = panel.morph.shown, panel.morph.verdict.decisions
        asked = panel.live.asked
        if shown is None or not shown.final or decisions is None or asked is None or asked.kind != "judge":
            return False
        return panel.live.mode == "resting" and all(d.outcome != "waiting" for d in decisions)

    qtbot.waitUntil(whole, timeout=PATIENCE_MS)
