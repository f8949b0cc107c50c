"""The command palette finds by abbreviation, runs on Enter, and says why something cannot be done."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.windows import light_theme, opened_panel, opened_window
from workbench.commands import Command
from workbench.widgets.command_palette import CommandPalette, fuzzy_score, ranked


class Desk(QWidget):
    """A window with a text field and a palette; `done` notes what was run."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.field = QLineEdit()
        QVBoxLayout(self).addWidget(self.field)
        self.palette_box = CommandPalette(self)
        self.resize(800, 600)

    def commands(self) -> list[Command]:
        def make(name: str, reason: str = "") -> Command:
            return Command(name, name, lambda: self.done.append(name), "", lambda: reason, "Board")

        return [
            make("Open a game file"),
            make("Show the overlay of visits"),
            make("Undo"),
            make("Swap sides", "It is not your turn."),
            make("Save as SGF"),
        ]


@pytest.fixture
def desk(qtbot: QtBot) -> Desk:
    light_theme()
    made = Desk()
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    made.field.setFocus()
    made.palette_box.open_with(made.commands(), made.field)
    return made


def shown(desk: Desk) -> list[str]:
    return [command.text for command in desk.palette_box.shown_commands()]


def test_everything_is_listed_before_anything_is_typed(desk: Desk) -> None:
    assert shown(desk) == [command.text for command in desk.commands()]
    assert desk.palette_box.line.hasFocus()


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("ogf", "Open a game file"),
        ("undo", "Undo"),
        ("sov", "Show the overlay of visits"),
        ("sgf", "Save as SGF"),
        ("SWAP", "Swap sides"),
        ("save sgf", "Save as SGF"),
    ],
)
def test_abbreviations_find_what_is_meant(desk: Desk, qtbot: QtBot, typed: str, first: str) -> None:
    qtbot.keyClicks(desk.palette_box.line, typed)
    assert shown(desk)[0] == first


def test_enter_runs_the_first_and_gives_the_focus_back(desk: Desk, qtbot: QtBot) -> None:
    qtbot.keyClicks(desk.palette_box.line, "undo")
    with qtbot.waitSignal(desk.palette_box.done):
        qtbot.keyClick(desk.palette_box.line, Qt.Key.Key_Return)
    assert desk.done == ["Undo"]
    assert not desk.palette_box.isVisible()
    assert desk.field.hasFocus()


def test_arrow_keys_choose_and_stop_at_the_ends(desk: Desk, qtbot: QtBot) -> None:
    line = desk.palette_box.line
    qtbot.keyClick(line, Qt.Key.Key_Up)
    for _ in range(2):
        qtbot.keyClick(line, Qt.Key.Key_Down)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert desk.done == ["Undo"]
    desk.palette_box.open_with(desk.commands(), desk.field)
    qtbot.keyClick(line, Qt.Key.Key_PageDown)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert desk.done[-1] == "Save as SGF"


def test_a_command_that_cannot_be_done_says_why_and_is_not_run(desk: Desk, qtbot: QtBot) -> None:
    qtbot.keyClicks(desk.palette_box.line, "swap")
    assert desk.palette_box._reason.text() == "It is not your turn."
    qtbot.keyClick(desk.palette_box.line, Qt.Key.Key_Return)
    assert desk.done == []
    assert desk.palette_box.isVisible()


def test_escape_closes_without_doing_anything(desk: Desk, qtbot: QtBot) -> None:
    qtbot.keyClick(desk.palette_box.line, Qt.Key.Key_Escape)
    assert not desk.palette_box.isVisible()
    assert desk.done == []
    assert desk.field.hasFocus()


def test_nothing_found_is_said_and_enter_does_nothing(desk: Desk, qtbot: QtBot) -> None:
    qtbot.keyClicks(desk.palette_box.line, "zzz")
    assert shown(desk) == []
    assert desk.palette_box._reason.text() == "Nothing is called like that."
    qtbot.keyClick(desk.palette_box.line, Qt.Key.Key_Return)
    assert desk.palette_box.isVisible()


def test_a_click_runs_a_command(desk: Desk, qtbot: QtBot) -> None:
    item = desk.palette_box.list.item(4)
    place = desk.palette_box.list.visualItemRect(item).center()
    qtbot.mouseClick(desk.palette_box.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert desk.done == ["Save as SGF"]


def test_beginnings_of_words_and_runs_of_letters_count_most() -> None:
    assert fuzzy_score("xyz", "Open") is None
    assert fuzzy_score("", "Open") == 0
    good, poor = fuzzy_score("of", "Open file"), fuzzy_score("of", "Look safe")
    assert good is not None
    assert poor is not None
    assert good > poor
    row, apart = fuzzy_score("run", "Run it"), fuzzy_score("run", "Rub until noon")
    assert row is not None
    assert apart is not None
    assert row > apart


def test_a_groups_name_finds_its_commands_behind_direct_hits() -> None:
    commands = [
        Command("a", "Clear", print, group="Board"),
        Command("b", "Board as picture", print, group="Export"),
    ]
    assert [c.id for c in ranked(commands, "board")] == ["b", "a"]


def test_ctrl_k_opens_it_over_the_window_with_the_panels_commands_first(qtbot: QtBot) -> None:
    with opened_panel(qtbot) as (window, panel):
        qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert window.palette_box.isVisible()
        texts = [c.text for c in window.palette_box.shown_commands()]
        assert texts[0] == "Run Counting"
        assert "Clear what was counted" in texts
        assert "Preferences…" in texts
        panel.counts[:] = [1, 2]
        qtbot.keyClicks(window.palette_box.line, "cwwc")
        qtbot.keyClick(window.palette_box.line, Qt.Key.Key_Return)
        assert panel.counts == []
        qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
        assert not window.palette_box.isVisible(), "the same keys close it"


def test_it_fits_into_a_small_window(qtbot: QtBot) -> None:
    with opened_window(qtbot, attach=False, size=(640, 420)) as window:
        window.open_palette()
        assert window.rect().contains(window.palette_box.geometry())
