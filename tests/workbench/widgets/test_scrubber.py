"""A scrubber steps, plays, loops, follows a run, and stops when nobody looks."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import heard, shown
from workbench.theme import Theme
from workbench.widgets.scrubber import SPEEDS, Scrubber


@pytest.fixture
def scrubber(qtbot: QtBot, theme: Theme) -> Scrubber:
    made = shown(qtbot, Scrubber(theme, unit="step", speed=30), 460, 40)
    made.set_count(5)
    made.set_frame(0)
    return made


def test_without_frames_it_says_why_it_does_nothing(qtbot: QtBot, theme: Theme) -> None:
    empty = shown(qtbot, Scrubber(theme), 300, 40)
    assert not empty._play.isEnabled()
    assert "nothing to play" in empty._play.toolTip()
    empty.play()
    assert not empty.is_playing


def test_keys_step_and_go_to_the_ends(scrubber: Scrubber, qtbot: QtBot) -> None:
    said = heard(scrubber.frame_changed)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_End, Qt.Key.Key_Left, Qt.Key.Key_Home):
        qtbot.keyClick(scrubber.slider, key)
    assert said == [(1,), (4,), (3,), (0,)]


def test_a_click_on_the_track_goes_there(scrubber: Scrubber, qtbot: QtBot) -> None:
    at = QPoint(scrubber.slider.place_of(3), scrubber.slider.height() // 2)
    qtbot.mouseClick(scrubber.slider, Qt.MouseButton.LeftButton, pos=at)
    assert scrubber.frame == 3


def test_space_plays_to_the_end_and_stops(scrubber: Scrubber, qtbot: QtBot) -> None:
    frames, states = heard(scrubber.frame_changed), heard(scrubber.playing_changed)
    qtbot.keyClick(scrubber.slider, Qt.Key.Key_Space)
    assert scrubber.is_playing
    assert scrubber._play.accessibleName() == "Pause (Space)"
    qtbot.waitUntil(lambda: not scrubber.is_playing, timeout=5000)
    assert frames == [(1,), (2,), (3,), (4,)]
    assert states == [(True,), (False,)]
    qtbot.mouseClick(scrubber._play, Qt.MouseButton.LeftButton)
    assert scrubber.frame == 0, "at the end it begins again"
    qtbot.keyClick(scrubber.slider, Qt.Key.Key_Space)
    assert not scrubber.is_playing


def test_a_loop_goes_round(scrubber: Scrubber, qtbot: QtBot) -> None:
    qtbot.keyClick(scrubber.slider, Qt.Key.Key_L)
    assert scrubber.is_looping
    scrubber.set_frame(3)
    frames = heard(scrubber.frame_changed)
    scrubber.play()
    qtbot.waitUntil(lambda: len(frames) >= 4, timeout=5000)
    assert frames[:3] == [(4,), (0,), (1,)]
    scrubber.pause()


def test_hiding_it_pauses(scrubber: Scrubber) -> None:
    scrubber.set_loop(True)
    scrubber.play()
    scrubber.hide()
    assert not scrubber.is_playing


def test_the_speed_changes_by_keys_and_stays_within_bounds(scrubber: Scrubber, qtbot: QtBot) -> None:
    for _ in range(10):
        qtbot.keyClick(scrubber.slider, Qt.Key.Key_Minus)
    assert scrubber.speed == SPEEDS[0]
    for _ in range(10):
        qtbot.keyClick(scrubber.slider, Qt.Key.Key_Plus)
    assert scrubber.speed == SPEEDS[-1]
    assert scrubber._timer.interval() == 33
    scrubber.set_speed(7)
    assert scrubber.speed == 8


def test_whoever_stands_at_the_end_follows_a_run(scrubber: Scrubber) -> None:
    scrubber.set_frame(4)
    said = heard(scrubber.frame_changed)
    scrubber.set_count(8)
    assert scrubber.frame == 7
    scrubber.set_frame(2)
    scrubber.set_count(12)
    assert scrubber.frame == 2, "who looks back is left in peace"
    scrubber.set_count(2)
    assert scrubber.frame == 1
    assert said == [(7,), (2,), (1,)]


def test_frames_are_named(scrubber: Scrubber) -> None:
    assert scrubber._said.text() == "step 0 of 4"
    scrubber.set_labels(["ε = 0", "ε = 0.1"])
    assert scrubber._said.text() == "ε = 0"
    scrubber.set_frame(1)
    assert scrubber.slider.accessibleDescription() == "ε = 0.1"


def test_marks_are_drawn_below_the_track(scrubber: Scrubber, theme: Theme) -> None:
    before = scrubber.slider.grab().toImage()
    scrubber.set_marks((2,))
    image = scrubber.slider.grab().toImage()
    at = scrubber.slider.place_of(2), scrubber.slider.height() // 2 + 8
    assert image.pixelColor(*at).name() == theme.colours.error
    assert before.pixelColor(*at) != image.pixelColor(*at)
