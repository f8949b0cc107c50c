"""Teaching on the Hex panel: seen on the game screen, silent before the move, objecting after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from tests.workbench.hex.fakes import snapshot
from tests.workbench.hex.hex_windows import click, opened_hex, said, tiny_network, wait
from workbench.panels.hex.panel import HexPanel

GOOD, BAD = 5, 3


def watched(panel: HexPanel) -> Any:
    """What the search knows when the learner moves: GOOD wins, BAD loses. Put in place of the live one."""
    seen = snapshot(4)
    visits = np.zeros(16, np.int32)
    visits[[GOOD, BAD]] = 90, 10
    worth = np.full(16, np.nan, np.float32)
    worth[[GOOD, BAD]] = 0.8, -0.8
    seen = snapshot(4, visits=visits, search_q=worth, lines=((GOOD, 6), (BAD,)), best=GOOD)
    panel.engine.latest = seen
    return seen


def test_teaching_is_seen_on_the_game_screen_and_hides_what_the_search_thinks(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (window, panel):
        assert not panel.board_view.teaching.isVisible()
        with qtbot.waitSignal(panel.engine.analysed, timeout=30_000):
            qtbot.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
        assert panel.board_view.teaching.isVisible()
        assert panel.board_view.snapshot is None
        assert panel.column.counters.texts()["simulations"] == "–"
        prior = next(b for b in panel.board_view.overlays.findChildren(QPushButton) if b.text() == "Prior")
        assert not prior.isEnabled()
        assert "give the answer away" in prior.toolTip()
        panel.run()
        assert "Teaching is on" in said(panel)[0]
        assert not panel.referee.analysis
        button = next(b for b in panel.messages.findChildren(QPushButton) if b.text().startswith("Turn it off"))
        wait(qtbot, panel.engine.analysed, button.click)
        assert not panel.board_view.teaching.isVisible()
        assert panel.board_view.snapshot is not None


def test_a_losing_move_is_taken_back_and_stands_when_insisted_on(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        wait(qtbot, panel.engine.analysed, lambda: panel.form.teach.setChecked(True))
        panel.referee.engine.rest()
        watched(panel)
        click(qtbot, panel, BAD)
        assert panel.model.ply == 0
        assert "loses 80 points" in said(panel)[0]
        assert [p.best for p in panel.teacher.quiz] == [GOOD]
        insist = next(b for b in panel.messages.findChildren(QPushButton) if b.text() == "Play it anyway")
        insist.click()
        assert panel.model.position.moves == (BAD,)


def test_a_good_move_stays_and_a_hint_comes_late(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        wait(qtbot, panel.engine.analysed, lambda: panel.form.teach.setChecked(True))
        panel.referee.engine.rest()
        seen = watched(panel)
        panel.teacher.see(seen)
        assert panel.board_view.board.variation == ()
        panel.teacher._timer.timeout.emit()
        assert panel.board_view.board.variation == (GOOD,)
        click(qtbot, panel, GOOD)
        assert panel.model.position.moves == (GOOD,)
        assert panel.board_view.board.variation == ()
        assert said(panel) == []


def test_the_quiz_asks_the_learners_own_blunder(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot, tiny_network(tmp_path)) as (_, panel):
        panel.form.quiz_button.click()
        assert "no mistakes" in said(panel)[0]
        wait(qtbot, panel.engine.analysed, lambda: panel.form.teach.setChecked(True))
        panel.referee.engine.rest()
        watched(panel)
        click(qtbot, panel, BAD)
        panel.form.quiz_button.click()
        assert panel.quiz.is_asking
        click(qtbot, panel, BAD)
        assert "Best was b2" in said(panel)[0]
        assert panel.model.ply == 0
