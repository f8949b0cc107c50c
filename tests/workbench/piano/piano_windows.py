"""A window with the Piano panel, engines in threads, and no sound card."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pytestqt.qtbot import QtBot

from tests.workbench.windows import opened_window
from workbench.main_window import MainWindow
from workbench.panels.piano.panel import PianoPanel
from workbench.panels.piano.takes import Take
from workbench.panels.registry import PANELS
from workbench.session import Session

PATIENCE_MS = 60_000
ONLY = tuple(info for info in PANELS if info.topic == "piano")


@contextmanager
def opened_piano(
    qtbot: QtBot, *, session: Session | None = None, size: tuple[int, int] = (1400, 900), **how: object
) -> Iterator[tuple[MainWindow, PianoPanel]]:
    """The panel with its first pieces on the desk; `how`: values of the form's numbers."""
    with opened_window(qtbot, panels=ONLY, session=session, size=size) as window:
        window.show_panel("piano")
        panel = window.panel("piano")
        assert isinstance(panel, PianoPanel)
        if how:
            panel.form.how.set_values(how)
        yield window, panel


def composed(qtbot: QtBot, panel: PianoPanel) -> Take:
    """Press Compose and wait for the whole take."""
    count = len(panel.takes)
    panel.run_button.press()
    qtbot.waitUntil(lambda: len(panel.takes) > count and panel.takes.current.done, timeout=PATIENCE_MS)
    take = panel.takes.current
    assert take is not None
    return take
