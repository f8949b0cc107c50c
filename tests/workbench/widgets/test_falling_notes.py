"""Falling notes reach their keys when they sound."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import SHIFT, colour_at, heard, shown, wheel
from tests.workbench.widgets.music import notes_of, scale
from workbench.theme import Theme
from workbench.widgets.falling_notes import LONGEST, SHORTEST, FallingNotes
from workbench.widgets.keyboard_view import KeyboardView
from workbench.widgets.timeline import Timeline


@pytest.fixture
def fall(qtbot: QtBot, theme: Theme) -> Iterator[FallingNotes]:
    page = QWidget()
    rows = QVBoxLayout(page)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setSpacing(0)
    keys = KeyboardView(theme)
    made = FallingNotes(theme, Timeline(page), keys)
    rows.addWidget(made, 1)
    rows.addWidget(keys)
    shown(qtbot, page, 1040, 400)
    made.set_notes(scale(40))
    yield made


@pytest.mark.parametrize("pitch", [60, 61, 88])
def test_a_note_lies_above_its_key_and_touches_it_at_its_onset(fall: FallingNotes, pitch: int) -> None:
    key = fall._keyboard.key_rect(pitch)
    box = fall.note_rect(2.0, 3.0, pitch)
    assert key.left() <= box.left() < box.right() <= key.right()
    assert box.bottom() < fall.height() - 50
    fall.timeline.set_playhead(2.0)
    assert fall.note_rect(2.0, 3.0, pitch).bottom() == pytest.approx(fall.height(), abs=2.5)
    assert fall.time_at(fall.height()) == 2.0
    assert fall.time_at(0) == pytest.approx(2.0 + fall.ahead)


def test_what_sounds_is_lit(fall: FallingNotes, theme: Theme) -> None:
    fall.set_notes(notes_of((1, 3, 60, 100), (9, 10, 60, 100)))
    fall.timeline.set_playhead(0.9)
    at = fall.note_rect(1, 3, 60).center().toPoint()
    plain = colour_at(fall, at)
    fall.timeline.set_playhead(1.01)
    lit = colour_at(fall, fall.note_rect(1, 3, 60).center().toPoint())
    assert plain.name() != theme.colours.surface
    assert lit != plain
    theme.set_mode("dark")
    assert colour_at(fall, QPoint(5, 5)).name() != "#ffffff"
    theme.set_mode("light")


def test_seconds_ahead_have_bounds(fall: FallingNotes, qtbot: QtBot) -> None:
    for _ in range(30):
        wheel(fall, QPoint(100, 100), 1)
    assert fall.ahead == SHORTEST
    for _ in range(30):
        qtbot.keyClick(fall, Qt.Key.Key_Minus)
    assert fall.ahead == LONGEST
    qtbot.keyClick(fall, Qt.Key.Key_Plus)
    assert fall.ahead < LONGEST
    fall.grab()


def test_clicks_and_keys_seek_within_the_piece(fall: FallingNotes, qtbot: QtBot) -> None:
    said, played = heard(fall.seek_requested), heard(fall.play_requested)
    qtbot.mouseClick(fall, Qt.MouseButton.LeftButton, pos=QPoint(300, fall.height() // 2))
    fall.timeline.set_playhead(10.0)
    qtbot.keyClick(fall, Qt.Key.Key_Up)
    qtbot.keyClick(fall, Qt.Key.Key_Left, SHIFT)
    qtbot.keyClick(fall, Qt.Key.Key_Home)
    qtbot.keyClick(fall, Qt.Key.Key_End)
    qtbot.keyClick(fall, Qt.Key.Key_Space)
    assert [round(t, 1) for (t,) in said] == [2.0, 11.0, 5.0, 0.0, 19.9]  # type: ignore[misc]
    assert len(played) == 1


def test_notes_are_told_and_those_beyond_the_keys_are_not_drawn(fall: FallingNotes) -> None:
    box = fall.note_rect(0.5, 0.9, 62)
    assert fall.tip_at(box.center()).startswith("D4, velocity 32, 400")
    fall._keyboard.set_range(60, 71)
    assert fall.tip_at(fall.note_rect(0.5, 0.9, 62).center()).startswith("D4")
    fall.set_notes(notes_of((0, 1, 30, 64), (0, 1, 110, 64)))
    fall.set_melody(notes_of((0, 1, 64, 127)))
    fall.grab()
    fall.set_notes(None)
    fall.set_melody(None)
    fall.grab()
    assert fall.columns() == {}
    assert fall.accessibleDescription().startswith("0 notes")
