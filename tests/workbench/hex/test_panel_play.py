"""Playing on the Hex panel: clicks, the network's answers, swap, undo, stopping, and engines that fail."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from engines.hex.snapshots import SWAP
from tests.workbench.hex.hex_windows import (
    PATIENCE_MS,
    click,
    opened_hex,
    said,
    tiny_network,
    wait,
    wait_moves,
)
from workbench.panels.hex.seats import Seats

AGAINST = Seats(red="human", blue="network", amount=8)


def test_clicks_play_and_keys_undo_and_redo_them(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (window, panel):
        click(qtbot, panel, 5)
        click(qtbot, panel, 6)
        assert panel.model.position.moves == (5, 6)
        assert "Red to move" in panel.board_view.turn.text()
        click(qtbot, panel, 6)
        assert panel.model.position.moves == (5, 6), "a stone lies there"
        assert said(panel)
        qtbot.keyClick(window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert panel.model.position.moves == (5,)
        qtbot.keyClick(window, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
        assert panel.model.position.moves == (5, 6)


def test_a_complaint_about_a_move_goes_with_the_next_one(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 5)
        click(qtbot, panel, 5)
        assert "taken" in said(panel)[0]
        click(qtbot, panel, 6)
        assert not said(panel)


def test_a_won_game_is_said_and_takes_no_more_moves(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=3) as (_, panel):
        for cell in (0, 1, 3, 2, 6):
            click(qtbot, panel, cell)
        assert panel.board_view.turn.text() == "Red has won."
        panel.play(8)
        assert panel.model.ply == 5
        assert "over" in said(panel)[0]


def test_the_network_answers_but_never_while_one_only_looks(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path), seats=AGAINST) as (_, panel):
        wait_moves(qtbot, panel, 2, lambda: click(qtbot, panel, 5))
        assert panel.model.to_move == 1
        panel.model.back()
        panel.referee._settle()
        assert not panel.referee.is_thinking, "looking at the position before the answer"
        panel.model.forward()
        panel.model.undo()
        panel.referee._settle()
        assert panel.model.ply == 1
        assert not panel.referee.is_thinking, "undoing an engine's move does not make it move again"
        wait_moves(qtbot, panel, 2, panel.form.seats.move_button.click)
        panel.take_back()
        assert panel.model.ply == 0, "taking back against an engine takes its answer, too"


def test_escape_stops_an_engine_that_thinks_and_a_new_game_begins_while_it_does(qtbot: QtBot, tmp_path: Path) -> None:
    patient = Seats(red="human", blue="network", limit="milliseconds", amount=600_000)
    with opened_hex(qtbot, tiny_network(tmp_path), seats=patient) as (window, panel):
        wait(qtbot, panel.engine.analysed, lambda: click(qtbot, panel, 5))
        assert panel.referee.is_thinking
        assert "thinks" in panel.board_view.turn.text()
        assert panel.run_button.text() == "Stop"
        click(qtbot, panel, 6)
        assert panel.model.ply == 1, "the board is locked meanwhile"
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        assert not panel.referee.is_thinking
        assert panel.run_button.text() == "Analyse"
        assert "Blue to move" in panel.board_view.turn.text()
        panel.referee._settle()
        assert not panel.referee.is_thinking, "stopped is stopped"
        wait(qtbot, panel.engine.analysed, panel.let_network_move)
        panel.form._size.setValue(5)
        panel.form.ask_new_game()
        assert (panel.model.size, panel.model.ply) == (5, 0)
        assert not panel.referee.is_thinking


def test_the_second_player_may_swap_and_undo_it(qtbot: QtBot) -> None:
    with opened_hex(qtbot, swap="pieces") as (_, panel):
        swap = panel.board_view._swap
        assert not swap.isEnabled()
        assert "second move" in swap.toolTip()
        click(qtbot, panel, 1)
        qtbot.mouseClick(swap, Qt.MouseButton.LeftButton)
        assert panel.model.position.moves == (1, SWAP)
        assert panel.model.position.cells[1, 0] == 2, "the stone went to the mirrored cell"
        panel.model.undo()
        assert panel.model.position.cells[0, 1] == 1
        assert panel.model.position.can_swap


def test_an_engines_swap_is_said_in_words(qtbot: QtBot) -> None:
    with opened_hex(qtbot, swap="sides") as (_, panel):
        click(qtbot, panel, 5)
        panel.referee._asked_for = panel.model.node
        panel.referee._answered(SWAP)
        assert said(panel)[0] == "Blue swaps: it changes sides."


def test_weights_that_cannot_be_used_are_told_inline_and_the_next_ones_work(qtbot: QtBot, tmp_path: Path) -> None:
    good = tiny_network(tmp_path)
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(good.read_bytes()[:200])
    with opened_hex(qtbot, tmp_path / "missing.safetensors") as (_, panel):
        wait(qtbot, panel.engine.refused, panel.run_button.press)
        assert "missing" in said(panel)[0]
        assert not panel.referee.analysis
        panel.form.engine.set_values({"weights": str(broken)})
        wait(qtbot, panel.engine.refused, panel.run_button.press)
        assert "broken" in said(panel)[0]
        panel.form.engine.set_values({"weights": str(good)})
        wait(qtbot, panel.engine.analysed, panel.run_button.press)
        assert panel.board_view.snapshot is not None


def test_an_engine_that_dies_is_told_and_the_game_goes_on(qtbot: QtBot) -> None:
    gone = Seats(red="human", blue="external", command=f'"{sys.executable}" -c "raise SystemExit(3)"')
    with opened_hex(qtbot, seats=gone) as (_, panel):
        wait(qtbot, panel.external.refused, lambda: click(qtbot, panel, 5))
        assert not panel.referee.is_thinking
        assert said(panel)
        box = panel.form.seats
        box._groups[2].button(0).click()
        click(qtbot, panel, 6)
        assert panel.model.position.moves == (5, 6)


def test_another_engine_plays_and_judges(qtbot: QtBot, tmp_path: Path) -> None:
    script = tmp_path / "engine.py"
    script.write_text(ENGINE)
    other = Seats(red="human", blue="external", command=f'"{sys.executable}" -u "{script}"')
    with opened_hex(qtbot, seats=other) as (_, panel):
        wait_moves(qtbot, panel, 2, lambda: click(qtbot, panel, 5))
        assert panel.model.position.moves == (5, 15)
        panel.model.back()
        asked = next(c for c in panel.commands() if c.id == "hex.other_judge")
        assert asked.why_disabled() == ""
        wait(qtbot, panel.external.analysed, asked.run)
        assert "d4" in said(panel)[0]


def test_an_external_engine_without_a_command_is_asked_for_one(qtbot: QtBot) -> None:
    with opened_hex(qtbot, seats=Seats(red="human", blue="external")) as (_, panel):
        with qtbot.waitSignal(panel.external.refused, timeout=PATIENCE_MS):
            click(qtbot, panel, 5)
        assert "command" in said(panel)[0]
        names = {c.id: c for c in panel.commands()}
        assert "command" in names["hex.other_move"].why_disabled()


def test_every_button_of_the_board_has_a_name(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        buttons = panel.board_view.findChildren(QPushButton)
        assert len(buttons) > 8
        assert all(button.accessibleName() or button.text() for button in buttons)
        off = [button for button in buttons if not button.isEnabled()]
        assert off
        assert all(button.toolTip() for button in off), "a control that is off says why"


ENGINE = """
import sys
KNOWN = "name version protocol_version list_commands boardsize clear_board play genmove showboard quit undo".split()
for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    number = words.pop(0) if words[0].isdigit() else ""
    answer = {"name": "Corner", "version": "1", "protocol_version": "2", "list_commands": "\\n".join(KNOWN),
              "genmove": "d4", "reg_genmove": "d4"}.get(words[0], "")
    sign = "=" if words[0] in KNOWN or words[0] == "reg_genmove" else "?"
    print(f"{sign}{number} {answer}\\n", flush=True)
    if words[0] == "quit":
        break
"""
