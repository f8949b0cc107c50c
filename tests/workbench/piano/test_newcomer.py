"""What a newcomer does in the first minutes: the space bar, undo, Compose once more, Stop at once, a second recording."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from tests.workbench.piano.piano_windows import opened_piano
from tests.workbench.widgets.hands import CONTROL, drag
from workbench.main_window import MainWindow
from workbench.panels.piano.panel import PianoPanel
from workbench.panels.piano.takes import Take

pytestmark = pytest.mark.usefixtures("networks")
Keys = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[tuple[MainWindow, PianoPanel]]:
    with opened_piano(qtbot, seconds=2.0, variations=1) as (window, panel):
        window.activateWindow()
        yield window, panel


def _draw(panel: PianoPanel) -> int:
    """One note into the melody; the number of notes there are then."""
    roll = panel.desk.roll("melody")
    roll.setFocus()
    g = roll.geometry_now()
    x = round(g.x_of(panel.desk.timeline.duration - 2.0))
    drag(roll, [QPoint(x, 60), QPoint(x + 12, 60), QPoint(x + 24, 60)])
    assert panel.music.melody is not None
    return len(panel.music.melody)


def test_undo_over_the_melody_takes_back_a_stroke_not_a_take(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    for title in ("first", "second"):
        panel.takes.put(Take(title, 0, done=True))
    panel.desk.edit.click()
    before = panel.music.melody
    assert before is not None
    _draw(panel)
    assert not panel.music.melody.same(before, 1e-6)
    qtbot.keyClick(panel.desk.roll("melody"), Keys.Key_Z, CONTROL)
    assert panel.music.melody.same(before, 1e-6) and panel.takes.place == (2, 2)
    qtbot.keyClick(panel.desk.roll("melody"), Keys.Key_Y, CONTROL)
    assert not panel.music.melody.same(before, 1e-6)
    qtbot.keyClick(panel.desk.roll("style"), Keys.Key_Z, CONTROL)  # elsewhere it is the take before
    assert panel.takes.place == (1, 2)
