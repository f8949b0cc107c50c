"""Small rolls below one another, cards to listen to, and the bar of counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.notes import Notes
from tests.workbench.windows import light_theme
from workbench.theme import Theme
from workbench.widgets.listen_card import LEAST_HEARD_S, ListenCard
from workbench.widgets.roll_notes import velocity_level, velocity_rgb
from workbench.widgets.roll_stack import RollStack, StackRow
from workbench.widgets.tally_bar import TallyBar

SCORES = ("Overlap with A", "Overlap with B")


def _rows() -> list[StackRow]:
    given = (("0", "ballad", (0.9, 0.1)), ("1/2", "waltz", (0.5, math.nan)), ("1", "ragtime", ()))
    return [StackRow(title, library.item(name).notes.between(0, 12), scores) for title, name, scores in given]


def _stack(qtbot: QtBot, theme: Theme, size: tuple[int, int] = (900, 400)) -> RollStack:
    stack = RollStack(theme, hint="Nothing is here yet")
    qtbot.addWidget(stack)
    stack.resize(*size)
    stack.show()
    return stack


def test_all_rolls_have_one_axis_and_the_colours_of_velocity(qtbot: QtBot) -> None:
    stack = _stack(qtbot, light_theme())
    tone = Notes.of([(6.0, 9.0, 60, 100)])
    stack.set_rows([StackRow("a", tone), StackRow("b", Notes.of([(0.0, 12.0, 72, 30)])), StackRow("c", tone)], (), 12.0)
    picture = stack.grab().toImage()
    loud = velocity_rgb()[velocity_level(np.array([100]))[0]]
    places = []
    for row in range(3):
        middle = round(stack.place_of(row).y())
        columns = [
            x for x in range(picture.width())
            if any(QColor(picture.pixel(x, y)).getRgb()[:3] == tuple(loud) for y in range(middle - 50, middle + 50))
        ]  # fmt: skip
        places.append((min(columns), max(columns)) if columns else None)
    assert places[0] == places[2] and places[0] is not None and places[1] is None
    assert places[0][1] - places[0][0] == pytest.approx(0.25 * (stack._roll_rect(stack.rect(), 0).width()), abs=3)


def test_click_and_keys_choose_rows_and_play(qtbot: QtBot) -> None:
    stack = _stack(qtbot, light_theme())
    stack.set_rows(_rows(), SCORES, 12.0)
    with qtbot.waitSignal(stack.row_pressed) as pressed:
        qtbot.mouseClick(stack, Qt.MouseButton.LeftButton, pos=stack.place_of(2).toPoint())
    assert pressed.args == [2] and stack.chosen == 2
    qtbot.keyClick(stack, Qt.Key.Key_Down)  # there is none below
    assert stack.chosen == 2
    with qtbot.waitSignal(stack.row_moved) as moved:
        qtbot.keyClick(stack, Qt.Key.Key_Up)
    assert moved.args == [1]
    qtbot.keyClick(stack, Qt.Key.Key_Home)
    assert stack.chosen == 0
    with qtbot.waitSignal(stack.play_pressed):
        qtbot.keyClick(stack, Qt.Key.Key_Space)
    assert stack.row_at(stack.place_of(0)) == 0 and stack.row_at(stack.rect().topLeft().toPointF()) == -1


def test_a_row_is_told_in_words_and_numbers(qtbot: QtBot) -> None:
    stack = _stack(qtbot, light_theme())
    assert "Nothing is here" in stack.accessibleDescription() and not stack.columns()
    stack.set_rows(_rows(), SCORES, 12.0)
    assert "Overlap with A 0.90; Overlap with B 0.10" in stack.describe(0)
    assert "Overlap with B" not in stack.describe(1) and "notes" in stack.describe(2)
    assert "Row 1 of 3" in stack.accessibleDescription() and "hear it" in stack.tip_at(stack.place_of(1))
    table = stack.columns()
    assert table["row"].tolist() == ["0", "1/2", "1"] and np.isnan(table["Overlap with B"][1:]).all()
    with pytest.raises(ValueError, match="2 scores"):
        stack.set_rows([StackRow("a", None, (0.1,))], SCORES, 12.0)


@pytest.mark.parametrize("size", [(340, 250), (900, 400)])
def test_it_paints_at_any_size_in_both_themes_and_longer_bars_for_more(qtbot: QtBot, size: tuple[int, int]) -> None:
    for mode in ("light", "dark"):
        theme = Theme(mode, scheme=lambda: Qt.ColorScheme.Light)
        theme.apply()
        stack = _stack(qtbot, theme, size)
        stack.set_rows(_rows(), SCORES, 12.0)
        stack.set_playhead(3.0)
        picture = stack.grab().toImage()

        def bar(row: int, stack: RollStack = stack, theme: Theme = theme, picture=picture) -> int:  # type: ignore[no-untyped-def]
            y = round(stack.place_of(row).y())
            left = round(stack._roll_rect(stack.rect(), row).right()) + 4
            return sum(QColor(picture.pixel(x, y)) == theme.series(0) for x in range(left, stack.width()))

        assert bar(0) > 1.5 * bar(1) > 0 == bar(2)
    light_theme()


def test_a_card_counts_as_heard_after_a_second(qtbot: QtBot) -> None:
    card = ListenCard(light_theme(), "A", "1")
    qtbot.addWidget(card)
    card.begin(10.0)
    card.show_state(is_playing=True, at=LEAST_HEARD_S / 2)
    assert not card.was_heard and card.is_playing and "playing" in card.accessibleDescription()
    card.show_state(is_playing=False, at=5.0)
    assert not card.was_heard and card.share == 0.5
    card.show_state(is_playing=True, at=LEAST_HEARD_S)
    card.show_state(is_playing=False, at=0.0)
    assert card.was_heard and "heard" in card.accessibleDescription() and card.accessibleName() == "Hear A"
    assert not card.grab().isNull()
    card.begin(8.0)
    assert not card.was_heard and "not heard" in card.accessibleDescription()


def test_cards_in_a_row_look_alike_but_for_their_letter(qtbot: QtBot) -> None:
    theme = light_theme()
    pictures = []
    for length in (8.0, 12.0):
        card = ListenCard(theme, "A", "1")
        qtbot.addWidget(card)
        card.resize(200, 140)
        card.begin(length)
        pictures.append(card.grab().toImage())
    assert pictures[0] == pictures[1]


def test_the_tally_is_told_and_drawn_in_proportion(qtbot: QtBot) -> None:
    theme = light_theme()
    bar = TallyBar(theme)
    qtbot.addWidget(bar)
    bar.resize(400, bar.sizeHint().height())
    assert not bar.columns()
    bar.set_counts("one network", "another", (6, 2, 0))
    assert bar.accessibleDescription() == "one network: 6, can't tell: 2, another: 0"
    assert bar.columns()["answers"].tolist() == [6, 2, 0]
    picture = bar.grab().toImage()
    y = bar.height() - 5
    first = sum(QColor(picture.pixel(x, y)) == theme.series(0) for x in range(bar.width()))
    assert first == pytest.approx(300, abs=12)
    with pytest.raises(ValueError, match="from 0"):
        bar.set_counts("a", "b", (-1, 0, 0))
