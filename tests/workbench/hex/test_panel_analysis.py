"""Analysis on the Hex panel: Space and Esc, overlays by digit, the graph, review, notes, exports."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from tests.workbench.hex.fakes import snapshot
from tests.workbench.hex.hex_windows import PATIENCE_MS, click, opened_hex, said, tiny_network, wait
from workbench.panels.hex.marks_menu import marks_menu
from workbench.panels.hex.panel import HexPanel


def analyse(qtbot: QtBot, panel: HexPanel) -> None:
    wait(qtbot, panel.engine.analysed, panel.run_button.press, lambda s: s.simulations > 0 and bool(s.lines))


def test_space_analyses_escape_stops_and_the_picture_stays(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (window, panel):
        panel.board_view.board.setFocus()
        with qtbot.waitSignal(panel.engine.analysed, timeout=PATIENCE_MS, check_params_cb=lambda s: s.simulations > 0):
            qtbot.keyClick(panel.board_view.board, Qt.Key.Key_Space)
        assert panel.run_button.text() == "Stop"
        qtbot.keyClick(panel.board_view.board, Qt.Key.Key_Escape)
        assert panel.run_button.text() == "Analyse"
        assert panel.board_view.snapshot is not None
        assert panel.column.counters.texts()["simulations"] not in ("–", "0")
        for key, name in ((Qt.Key.Key_1, "prior"), (Qt.Key.Key_4, "q_head"), (Qt.Key.Key_6, "difference")):
            qtbot.keyClick(window, key)
            assert panel.board_view.overlays.current() == name
            assert panel.board_view.board.heat is not None
        qtbot.keyClick(window, Qt.Key.Key_6)
        assert panel.board_view.overlays.current() == ""
        assert panel.board_view.board.heat is None


def test_another_position_drops_the_picture_and_a_note_on_this_one_does_not(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        analyse(qtbot, panel)
        panel.stop()
        panel.model.set_mark(3, "TR")
        assert panel.board_view.snapshot is not None
        click(qtbot, panel, 5)
        assert panel.board_view.snapshot is None
        assert panel.column.counters.texts()["simulations"] == "–"


def test_a_board_of_another_size_while_analysing_is_analysed_in_its_turn(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        analyse(qtbot, panel)
        panel.form._size.setValue(5)
        with qtbot.waitSignal(panel.engine.analysed, timeout=PATIENCE_MS, check_params_cb=lambda s: s.size == 5):
            panel.form.ask_new_game()
            panel._analysed(snapshot(4))
            assert panel.board_view.snapshot is None, "an answer about the board before"
        assert panel.board_view.snapshot is not None
        assert panel.board_view.snapshot.size == 5


def test_the_win_rate_graph_follows_live_analysis(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        click(qtbot, panel, 5)
        analyse(qtbot, panel)
        with qtbot.waitSignal(panel._live_curve.timeout, timeout=PATIENCE_MS):
            pass
        curve = panel.results.graph.curve
        assert curve is not None
        assert 0 <= curve.red[1] <= 100
        panel.results.graph.ply_clicked.emit(0)
        assert panel.model.ply == 0


def test_a_review_finds_mistakes_jumps_to_them_and_asks_them(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        assert not panel.results._quiz.isEnabled()
        for cell in (0, 10, 15, 5, 12):
            click(qtbot, panel, cell)
        panel.results._simulations.setValue(4)
        panel.results.thresholds._boxes["inaccuracy"].setValue(0.5)
        panel.teacher.tolerance = 0.01
        wait(qtbot, panel.reviewer.ended, panel.results.ask_review)
        assert panel.results.shows_review
        review = panel.reviewer.latest
        assert review is not None
        assert len(review.moves) == 5
        first = panel.results.mistakes.item(0)
        if first.data(Qt.ItemDataRole.UserRole) is not None:
            panel.results.mistakes.itemClicked.emit(first)
            assert panel.model.ply == first.data(Qt.ItemDataRole.UserRole)
        panel.quiz.start()
        if panel.quiz.is_asking:
            assert "find what was missed" in said(panel)[0]
            puzzle = panel.quiz._asked
            assert puzzle is not None
            click(qtbot, panel, puzzle.best)
            assert said(panel)[0].startswith("Right")
            assert not panel.quiz.is_asking


def test_a_new_game_ends_the_review_of_the_one_before(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        for cell in (0, 10, 15, 5, 12):
            click(qtbot, panel, cell)
        panel.results._simulations.setValue(2000)

        def review_and_begin_anew() -> None:
            panel.results.ask_review()
            panel.new_game(4, "none")

        wait(qtbot, panel.reviewer.ended, review_and_begin_anew)
        assert not panel.results.shows_review
        assert panel.results.graph.curve is None


def test_a_right_click_marks_a_cell_and_plays_nothing(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 6, Qt.MouseButton.RightButton)
        menus = [m for m in panel.board_view.findChildren(QMenu) if m.isVisible()]
        assert [m.title() for m in menus] == ["Mark c2"]
        triangle = next(a for a in menus[0].actions() if a.text() == "Triangle")
        triangle.trigger()
        menus[0].close()
        assert panel.model.node.marks == {6: "TR"}
        assert "TR[cb]" in panel.model.to_sgf() or "TR[c2]" in panel.model.to_sgf()
        assert panel.model.ply == 0
        again = marks_menu(panel.model, 6, panel)
        next(a for a in again.actions() if a.text() == "Clear").trigger()
        again.close()
        assert panel.model.node.marks == {}


def test_a_comment_belongs_to_the_position_at_which_it_was_typed(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 5)
        box = panel.results.comment
        qtbot.keyClicks(box, "good")
        panel.model.back()
        assert box.toPlainText() == ""
        panel.model.forward()
        assert box.toPlainText() == "good"
        assert "C[good]" in panel.model.to_sgf()
        panel.model.undo()
        assert panel.model.node.comment == ""
        assert box.toPlainText() == ""


def test_the_trees_menu_promotes_and_deletes(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 5)
        panel.model.back()
        click(qtbot, panel, 6)
        branch = panel.model.node
        tree = panel.results.tree
        tree.menu_asked.emit(branch, tree.mapToGlobal(tree.rect().center()))
        menu = next(m for m in panel.results.findChildren(QMenu) if m.isVisible())
        actions = {a.text(): a for a in menu.actions()}
        actions["Make this the main line"].trigger()
        assert panel.model.tree.root.children[0] is branch
        actions["Delete this branch"].trigger()
        menu.close()
        assert len(panel.model.tree.root.children) == 1
        assert panel.model.ply == 0


def test_the_wheel_walks_through_the_game(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        for cell in (0, 1, 2):
            click(qtbot, panel, cell)
        panel.board_view.board.wheel_stepped.emit(-2)
        assert panel.model.ply == 1
        panel.board_view.board.wheel_stepped.emit(1)
        assert panel.model.ply == 2


def test_the_board_its_analysis_and_the_game_are_saved(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        exports = {e.id: e for e in panel.exports()}
        assert exports["analysis-csv"].why_disabled() == "Analyse the position first."
        analyse(qtbot, panel)
        panel.stop()
        for name in ("board-png", "board-svg", "analysis-csv", "game-sgf"):
            panel.export(exports[name], tmp_path / name)
        rows = list(csv.DictReader((tmp_path / "analysis-csv.csv").open()))
        assert len(rows) == 16
        assert (tmp_path / "board-png.png").stat().st_size > 2000
        assert "<svg" in (tmp_path / "board-svg.svg").read_text()
        assert (tmp_path / "game-sgf.sgf").read_text().startswith("(;")


def test_a_damaged_game_changes_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sgf"
    bad.write_text("(;GM[11]SZ[4];B[a1];W[")
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 5)
        before = panel.model.to_sgf()
        assert not panel.open_checked(bad)
        assert said(panel)
        assert panel.model.to_sgf() == before


def test_the_session_brings_the_game_and_the_choices_back(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 5)
        panel.board_view.overlays.set_current("visits")
        panel.form._numbers.setChecked(True)
        state = panel.save_state()
    with opened_hex(qtbot, size=6) as (_, panel):
        panel.restore_state(state)
        assert panel.model.position.moves == (5,)
        assert panel.board_view.overlays.current() == "visits"
        assert panel.form.view().numbers
        panel.restore_state({"sgf": "nonsense", "seats": 3, "engine": [], "view": None, "stages": 1, "tab": "x"})
        assert panel.model.position.moves == (5,)
