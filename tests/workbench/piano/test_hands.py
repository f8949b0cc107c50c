"""Mouse and keyboard on the Piano panel as peers have them: each key and drag of the list does what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from pytestqt.qtbot import QtBot

from tests.workbench.piano.piano_windows import opened_piano
from tests.workbench.widgets.hands import CONTROL, SHIFT, drag, move, wheel
from workbench.main_window import MainWindow
from workbench.panels.piano.panel import PianoPanel

pytestmark = pytest.mark.usefixtures("networks")
Keys = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[tuple[MainWindow, PianoPanel]]:
    with opened_piano(qtbot) as (window, panel):
        window.activateWindow()
        panel.desk.roll("style").setFocus()
        yield window, panel


def _at(panel: PianoPanel, name: str, seconds: float, pitch: int = 60) -> QPoint:
    g = panel.desk.roll(name).geometry_now()
    return QPointF(g.x_of(seconds), (g.y_of(pitch) + g.y_of(pitch + 1)) / 2).toPoint()


def test_space_plays_home_goes_back_and_arrows_go_a_second(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    roll = panel.desk.roll("style")
    qtbot.keyClick(roll, Keys.Key_Space)
    assert panel.player.is_playing
    qtbot.keyClick(roll, Keys.Key_Space)
    assert not panel.player.is_playing
    panel.player.seek(10.0)
    qtbot.keyClick(roll, Keys.Key_Right)
    assert panel.player.position == pytest.approx(11.0, abs=0.05)
    qtbot.keyClick(roll, Keys.Key_Left)
    qtbot.keyClick(roll, Keys.Key_Left)
    assert panel.player.position == pytest.approx(9.0, abs=0.05)
    qtbot.keyClick(roll, Keys.Key_Home)
    assert panel.player.position == 0.0
    qtbot.mouseClick(roll, LEFT, pos=_at(panel, "style", 20.0))
    assert panel.player.position == pytest.approx(20.0, abs=0.2)


@pytest.mark.parametrize(("key", "name"), [(Keys.Key_1, "style"), (Keys.Key_2, "melody"), (Keys.Key_3, "result")])
def test_numbers_choose_what_is_heard(
    qtbot: QtBot, desk: tuple[MainWindow, PianoPanel], key: Qt.Key, name: str
) -> None:
    _, panel = desk
    other = "melody" if name == "style" else "style"
    panel.desk.bar.hear(other)
    qtbot.keyClick(QApplication.focusWidget(), key)
    assert panel.player.audible == (name,) and panel.desk.bar.audible == name


def test_v_lets_notes_fall_and_brings_the_rolls_back(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    qtbot.keyClick(QApplication.focusWidget(), Keys.Key_V)
    assert panel.desk.views.currentWidget() is panel.desk.falling
    panel.desk.falling.setFocus()
    qtbot.keyClick(panel.desk.falling, Keys.Key_V)
    assert panel.desk.views.currentWidget() is panel.desk.splitter


def test_dragging_on_the_ruler_loops_and_l_loops_the_choice(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    roll, g = panel.desk.roll("style"), panel.desk.roll("style").geometry_now()
    drag(roll, [QPoint(round(g.x_of(5.0)), 8), QPoint(round(g.x_of(10.0)), 8), QPoint(round(g.x_of(15.0)), 8)])
    assert panel.player.loop == pytest.approx((5.0, 15.0), abs=0.2) and panel.desk.bar.loop.isChecked()
    drag(roll, [_at(panel, "style", 22.0, 50), _at(panel, "style", 24.0, 60), _at(panel, "style", 26.0, 70)])
    assert panel.desk.region is not None
    qtbot.keyClick(roll, Keys.Key_L)
    assert panel.player.loop == pytest.approx((22.0, 26.0), abs=0.2)
    qtbot.keyClick(roll, Keys.Key_Escape)
    qtbot.keyClick(roll, Keys.Key_L)
    assert panel.player.loop is None and not panel.desk.bar.loop.isChecked()


def test_g_shows_the_melody_behind_the_result_or_hides_it(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    roll = panel.desk.roll("result")
    roll.setFocus()
    assert roll.shows_ghost and len(roll.content.ghost) == len(panel.music.melody)
    qtbot.keyClick(roll, Keys.Key_G)
    assert not roll.shows_ghost
    qtbot.keyClick(roll, Keys.Key_G)
    assert roll.shows_ghost


def test_wheels_zoom_time_and_pitch_where_the_pointer_is(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    roll, line = panel.desk.roll("style"), panel.desk.timeline
    span, at = line.span, _at(panel, "style", 30.0)
    wheel(roll, at, 1, CONTROL)
    assert line.span < span and roll.geometry_now().x_of(30.0) == pytest.approx(at.x(), abs=2)
    rows = roll.geometry_now().high - roll.geometry_now().low
    wheel(roll, at, 1, SHIFT)
    g = roll.geometry_now()
    assert g.high - g.low < rows and g.pitch_of(at.y()) == 60
    start = line.start
    wheel(roll, at, -1)
    assert line.start > start


def test_what_is_under_the_pointer_is_told(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    roll = panel.desk.roll("style")
    notes = roll.notes
    k = len(notes) // 2
    middle = (float(notes.start[k]) + float(notes.end[k])) / 2
    at = _at(panel, "style", middle, int(notes.pitch[k]))
    move(roll, at)
    QApplication.sendEvent(roll, QHelpEvent(QHelpEvent.Type.ToolTip, at, roll.mapToGlobal(at)))
    said = QToolTip.text()
    assert f"velocity {notes.velocity[k]}" in said and "ms" in said


def test_keys_at_the_left_sound_while_they_are_held(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    roll = panel.desk.roll("style")
    at = QPoint(10, _at(panel, "style", 1.0, 60).y())
    sounding: list[list[int]] = []
    panel.player.keys_changed.connect(lambda pitches: sounding.append(pitches.tolist()))
    qtbot.mousePress(roll, LEFT, pos=at)
    qtbot.waitUntil(lambda: bool(sounding) and sounding[-1] == [60])
    qtbot.mouseRelease(roll, LEFT, pos=at)
    qtbot.waitUntil(lambda: sounding[-1] == [])
