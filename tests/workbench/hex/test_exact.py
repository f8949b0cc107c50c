"""The exact overlay on the panel: solving beside the board, without and beside an analysis."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.hex.snapshots import ExactSnapshot
from engines.hex.solver import Solver
from tests.workbench.hex.hex_windows import PATIENCE_MS, click, opened_hex, tiny_network, wait
from workbench.main_window import MainWindow
from workbench.panels.hex.exact import ExactSolver
from workbench.panels.hex.panel import HexPanel
from workbench.panels.hex.teaching import Puzzle


def is_solved(found: ExactSnapshot) -> bool:
    return 0 < found.total == found.known


def show_exact(qtbot: QtBot, window: MainWindow, panel: HexPanel) -> ExactSnapshot:
    """Press 5 and wait until all is known."""
    wait(qtbot, panel.exact.found, lambda: qtbot.keyClick(window, Qt.Key.Key_5), is_solved)
    assert panel.exact.latest is not None
    return panel.exact.latest


def truth(panel: HexPanel) -> np.ndarray:
    position = panel.model.position
    return Solver(position.size).solve(position.cells, position.to_move).moves


def test_the_overlay_solves_the_position_without_an_analysis_and_each_one_after_it(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=4) as (window, panel):
        found = show_exact(qtbot, window, panel)
        np.testing.assert_array_equal(found.moves, truth(panel))
        heat = panel.board_view.board.heat
        assert heat is not None
        assert [i for i, text in enumerate(heat.texts) if text == "W"] == np.flatnonzero(found.moves == 1).tolist()
        assert "W 4 win" in panel.column.legend.text()
        assert not panel.exact.is_solving
        assert panel.engine.handle is None, "no network was asked"
        wait(qtbot, panel.exact.found, lambda: click(qtbot, panel, 5), is_solved)
        assert panel.exact.latest is not None
        assert panel.exact.latest.to_move == 2
        np.testing.assert_array_equal(panel.exact.latest.moves, truth(panel))
        assert panel.board_view.board.heat.texts[5] == ""


def test_a_5x5_position_is_solved_beside_a_live_analysis_in_another_process(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path), size=5) as (window, panel):
        click(qtbot, panel, 7)
        click(qtbot, panel, 16)
        wait(qtbot, panel.engine.analysed, panel.run_button.press, lambda s: s.simulations > 0)
        show_exact(qtbot, window, panel)
        assert panel.engine.handle is not None
        assert panel.exact.handle is not None
        assert (panel.engine.handle.place, panel.exact.handle.place) == ("interactive", "batch")
        assert panel.board_view.snapshot is not None
        exports = {export.id: export for export in panel.exports()}
        panel.export(exports["analysis-csv"], tmp_path / "analysis.csv")
        rows = list(csv.DictReader((tmp_path / "analysis.csv").open()))
        assert len(rows) == 23
        assert {row["exact"] for row in rows} == {"1", "-1"}


def test_progress_is_told_in_the_overlay_and_below_the_board(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=5) as (window, panel):

        def is_under_way(found: ExactSnapshot) -> bool:
            return found.known == 0

        wait(qtbot, panel.exact.found, lambda: qtbot.keyClick(window, Qt.Key.Key_5), is_under_way)
        assert panel.exact.is_solving
        assert panel.column.legend.text() == "Exact: solving … 0 of 25"
        assert panel.board_view.turn.text().endswith("Exact: solving … 0 of 25")
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        assert not panel.exact.is_solving
        assert "stopped after" in panel.column.legend.text()
        for cell in (7, 16, 12, 6, 11, 13):
            click(qtbot, panel, cell)
        with qtbot.waitSignal(panel.exact.found, timeout=PATIENCE_MS, check_params_cb=is_solved):
            pass
        assert panel.board_view.turn.text().endswith("(joins top and bottom)")


def test_only_the_newest_position_is_shown_while_the_game_is_leafed_through(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=4) as (window, panel):
        for cell in (5, 6, 9, 10):
            click(qtbot, panel, cell)
        shown: list[ExactSnapshot] = []
        panel.exact.found.connect(shown.append)
        qtbot.keyClick(window, Qt.Key.Key_5)
        for _ in range(4):
            panel.model.back()
        with qtbot.waitSignal(panel.exact.found, timeout=PATIENCE_MS, check_params_cb=is_solved):
            pass
        assert shown[-1].total == 16
        np.testing.assert_array_equal(shown[-1].moves, truth(panel))


def test_a_board_too_large_is_said_at_once_and_starts_nothing(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=11) as (window, panel):
        wait(qtbot, panel.exact.found, lambda: qtbot.keyClick(window, Qt.Key.Key_5))
        assert "too large: boards up to 5×5" in panel.column.legend.text()
        assert panel.exact.handle is None
        panel.new_game(6, "none")
        with qtbot.waitSignal(panel.exact.found, timeout=PATIENCE_MS):
            pass
        assert "here 36" in panel.column.legend.text()
        for cell in range(12):
            panel.model.set_stone((cell * 7) % 36, 1 + cell % 2)
        with qtbot.waitSignal(panel.exact.found, timeout=PATIENCE_MS, check_params_cb=is_solved):
            pass
        assert panel.exact.handle is not None


def test_a_finished_game_has_nothing_to_solve(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=3) as (window, panel):
        for cell in (1, 0, 4, 3, 7):
            click(qtbot, panel, cell)
        wait(qtbot, panel.exact.found, lambda: qtbot.keyClick(window, Qt.Key.Key_5))
        assert panel.column.legend.text() == "Exact: the game is over"


def test_teaching_and_a_quiz_hide_what_is_solved(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=4) as (window, panel):
        show_exact(qtbot, window, panel)
        panel.form.teach.setChecked(True)
        qtbot.waitUntil(lambda: panel.board_view.board.heat is None, timeout=PATIENCE_MS)
        assert panel.exact.latest is None
        panel.form.teach.setChecked(False)
        with qtbot.waitSignal(panel.exact.found, timeout=PATIENCE_MS, check_params_cb=is_solved):
            pass
        panel.teacher.remember(Puzzle({"size": 4, "moves": (0,), "swap": "none"}, 1, 5, 40.0))
        panel.quiz.start()
        qtbot.waitUntil(lambda: not panel.exact._later.isActive(), timeout=PATIENCE_MS)
        assert panel.board_view.board.heat is None
        wait(qtbot, panel.exact.found, lambda: click(qtbot, panel, 5), is_solved)


def test_a_solver_whose_process_is_gone_says_so_and_the_next_position_gets_another(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=5) as (window, panel):
        wait(qtbot, panel.exact.found, lambda: qtbot.keyClick(window, Qt.Key.Key_5))
        first = panel.exact.handle
        assert first is not None
        with qtbot.waitSignal(first.ended, timeout=PATIENCE_MS):
            start = time.perf_counter()
            first.cancel()
        assert time.perf_counter() - start < 2
        assert "the solver has ended after" in panel.column.legend.text()
        wait(qtbot, panel.exact.found, lambda: panel.new_game(4, "none"), is_solved)
        assert panel.exact.handle is not first


def test_closing_ends_the_session(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=5) as (window, panel):
        wait(qtbot, panel.exact.found, lambda: qtbot.keyClick(window, Qt.Key.Key_5))
        handle = panel.exact.handle
        assert handle is not None
    assert handle.has_ended
    assert isinstance(panel.exact, ExactSolver)
