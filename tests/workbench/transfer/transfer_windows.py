"""A window with the Transfer panel, engines in threads, and three networks trained in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytestqt.qtbot import QtBot

from engines.transfer.snapshots import LiveSnapshot
from tests.workbench.windows import opened_window
from workbench.main_window import MainWindow
from workbench.panels.registry import PANELS
from workbench.panels.transfer.panel import TransferPanel

PATIENCE_MS = 60_000
ONLY = tuple(info for info in PANELS if info.topic == "transfer")


@contextmanager
def opened_transfer(
    qtbot: QtBot, *, live: bool = True, size: tuple[int, int] = (1400, 900)
) -> Iterator[tuple[MainWindow, TransferPanel]]:
    """The panel with the digits as pictures; live: the first answer is there."""
    with opened_window(qtbot, panels=ONLY, size=size) as window:
        window.show_panel("transfer")
        panel = window.panel("transfer")
        assert isinstance(panel, TransferPanel)
        panel.form.experiment.set_values({"images": 12, "gallery": 6})
        if live:
            wait_done(qtbot, panel)
        yield window, panel


def wait_done(qtbot: QtBot, panel: TransferPanel) -> LiveSnapshot:
    """Wait until the newest request is answered whole."""

    def whole() -> bool:
        request, last = panel.live.request, panel.live.latest
        return bool(request and last and last.done and last.generation == request.generation)

    qtbot.waitUntil(whole, timeout=PATIENCE_MS)
    assert panel.live.latest is not None
    return panel.live.latest
