"""Keys light up, play by mouse and by letters, and nothing stays held."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, drag, heard, move, shown
from workbench.theme import Theme
from workbench.widgets.keyboard_view import KeyboardView
from workbench.widgets.roll_notes import is_black

Keys = Qt.Key


@pytest.fixture
def keys(qtbot: QtBot, theme: Theme) -> KeyboardView:
    made = shown(qtbot, KeyboardView(theme), 1040, 90)
    made.setFocus()
    qtbot.waitUntil(made.hasFocus)
    return made


def edge_of(keys: KeyboardView, pitch: int) -> QPoint:
    """Near the edge of a key, where it is no other's."""
    key = keys.key_rect(pitch)
    return QPointF(key.center().x(), key.bottom() - 6).toPoint()


def test_every_key_is_found_where_it_is_drawn(keys: KeyboardView) -> None:
    for pitch in range(21, 109):
        assert keys.pitch_at(QPointF(edge_of(keys, pitch))) == pitch
        if is_black(pitch):
            assert keys.key_rect(pitch).height() < keys.height() * 0.7
    assert keys.pitch_at(QPointF(-1, 5)) == -1
    assert keys.tip_at(QPointF(edge_of(keys, 60))) == "C4, MIDI 60"


def test_a_range_ends_with_white_keys(keys: KeyboardView) -> None:
    keys.set_range(61, 66)
    assert keys._whites() == [60, 62, 64, 65, 67]
    keys.set_range(127, 0)
    assert len(keys._whites()) == 75
    keys.grab()


@pytest.mark.parametrize("pitch", [60, 61])
def test_sounding_keys_are_lit_in_the_colours_of_the_theme(keys: KeyboardView, theme: Theme, pitch: int) -> None:
    at = edge_of(keys, pitch) - QPoint(0, 8)
    unlit = colour_at(keys, at)
    keys.set_sounding({pitch: 100})
    light = colour_at(keys, at)
    assert light != unlit
    theme.set_mode("dark")
    assert colour_at(keys, at) != light
    theme.set_mode("light")
    keys.set_sounding({})
    assert colour_at(keys, at) == unlit


def test_a_glissando_plays_each_key_once_and_louder_near_the_edge(keys: KeyboardView) -> None:
    down, up = heard(keys.key_pressed), heard(keys.key_released)
    low = [edge_of(keys, p) for p in (60, 62, 64)]
    drag(keys, [low[0], low[0] + QPoint(2, 0), low[1], low[2] + QPoint(0, 60)])
    assert [p for p, _ in down] == [60, 62, 64]  # type: ignore[misc]
    assert up == [(60,), (62,), (64,)]
    key = keys.key_rect(67)
    drag(keys, [QPointF(key.center().x(), 2).toPoint()])
    assert down[-1][1] < down[0][1]  # type: ignore[operator]
    assert keys.held == frozenset()


def test_letters_play_and_repeat_of_the_key_does_not(keys: KeyboardView, qtbot: QtBot) -> None:
    down, up = heard(keys.key_pressed), heard(keys.key_released)
    qtbot.keyPress(keys, Keys.Key_A)
    qtbot.keyPress(keys, Keys.Key_E)
    again = QKeyEvent(QEvent.Type.KeyPress, Keys.Key_A, Qt.KeyboardModifier.NoModifier, "a", True)
    QApplication.sendEvent(keys, again)
    assert down == [(60, 80), (63, 80)]
    assert "Holding C4, E flat 4" in keys.accessibleDescription()
    qtbot.keyRelease(keys, Keys.Key_A)
    qtbot.keyClick(keys, Keys.Key_PageUp)
    qtbot.keyClick(keys, Keys.Key_A)
    assert down[-1] == (72, 80)
    qtbot.keyRelease(keys, Keys.Key_E)
    assert up == [(60,), (72,), (63,)]
    for _ in range(20):
        qtbot.keyClick(keys, Keys.Key_PageUp)
    qtbot.keyClick(keys, Keys.Key_P)
    assert len(down) == 3, "beyond the last key is none"


def test_two_ways_to_one_key_sound_it_once(keys: KeyboardView, qtbot: QtBot) -> None:
    down, up = heard(keys.key_pressed), heard(keys.key_released)
    qtbot.keyPress(keys, Keys.Key_A)
    drag(keys, [edge_of(keys, 60)])
    assert len(down) == 1
    assert up == []
    qtbot.keyRelease(keys, Keys.Key_A)
    assert up == [(60,)]


def test_the_mark_is_moved_and_played(keys: KeyboardView, qtbot: QtBot) -> None:
    down = heard(keys.key_pressed)
    qtbot.keyClick(keys, Keys.Key_Right)
    qtbot.keyClick(keys, Keys.Key_Return)
    assert down == [(61, 80)]
    assert "the mark is on C sharp 4" in keys.accessibleDescription()
    keys.grab()


@pytest.mark.parametrize("way", ["hide", "focus", "disable"])
def test_nothing_stays_held(keys: KeyboardView, qtbot: QtBot, way: str) -> None:
    up = heard(keys.key_released)
    qtbot.keyPress(keys, Keys.Key_S)
    qtbot.mousePress(keys, Qt.MouseButton.LeftButton, pos=edge_of(keys, 70))
    if way == "hide":
        keys.hide()
    elif way == "disable":
        keys.setEnabled(False)
    else:
        keys.clearFocus()
    assert {p for (p,) in up} == {62, 70}  # type: ignore[misc]
    move(keys, edge_of(keys, 50), held=True)
    assert keys.held == frozenset()


def test_letters_go_before_the_windows_shortcuts(keys: KeyboardView) -> None:
    asked = QKeyEvent(QEvent.Type.ShortcutOverride, Keys.Key_L, Qt.KeyboardModifier.NoModifier)
    asked.ignore()
    QApplication.sendEvent(keys, asked)
    assert asked.isAccepted()
    other = QKeyEvent(QEvent.Type.ShortcutOverride, Keys.Key_S, Qt.KeyboardModifier.ControlModifier)
    other.ignore()
    QApplication.sendEvent(keys, other)
    assert not other.isAccepted()
