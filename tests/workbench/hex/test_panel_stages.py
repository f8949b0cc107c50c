"""The stages beside the board: duel, match, swap map, training lab; and the zones around them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.workbench.hex.hex_windows import PATIENCE_MS, click, opened_hex, said, tiny_network
from tests.workbench.runners import wait_end
from workbench.panels.hex.panel import HexPanel

TINY_RUN = {"sizes": (3,), "iterations": 2, "games": 4, "simulations": 4, "blocks": 1, "channels": 4, "epochs": 1.0,
            "batch": 8, "probes": 10}  # fmt: skip


def show(panel: HexPanel, number: int) -> Any:
    panel.tabs.setCurrentIndex(number)
    return panel.stage(number)


def test_both_sides_of_a_duel_end_with_equal_calls(qtbot: QtBot, tmp_path: Path) -> None:
    weights = str(tiny_network(tmp_path))
    with opened_hex(qtbot) as (_, panel):
        click(qtbot, panel, 5)
        duel = show(panel, 1)
        assert panel.run_button.text() == "Run the duel"
        exports = {e.id: e for e in panel.exports()}
        assert exports["duel-csv"].why_disabled() == "Run a duel first."
        duel.form.set_values({"weights": weights, "rival_weights": weights, "budget": 12})
        panel.run_button.press()
        wait_end(qtbot, duel.handle)
        assert duel.handle.state == "done"
        assert "12 calls" in duel.verdict.text()
        assert [side.counters.texts()["calls"] for side in duel.sides] == ["12", "12"]
        panel.export(exports["duel-csv"], tmp_path / "duel.csv")
        rows = list(csv.DictReader((tmp_path / "duel.csv").open()))
        assert [row["net_calls"] for row in rows] == ["12", "12"]
        assert panel.run_button.text() == "Run the duel"


def test_a_match_is_played_and_its_result_shown(qtbot: QtBot, tmp_path: Path) -> None:
    weights = str(tiny_network(tmp_path))
    with opened_hex(qtbot, size=3) as (_, panel):
        duel = show(panel, 1)
        duel.form.set_values({"weights": weights, "rival_weights": weights, "budget": 4})
        duel.match_button.click()
        assert not duel.match_button.isEnabled()
        wait_end(qtbot, duel.handle)
        assert duel.match_button.isEnabled()
        assert duel.verdict.text().startswith("Match over.")
        assert "Elo difference" in duel.verdict.text()


def test_the_swap_map_is_drawn_and_saved_and_a_click_plays_the_opening(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot) as (_, panel):
        view = show(panel, 2)
        view.form.set_values({"weights": str(tiny_network(tmp_path)), "size": 3, "simulations": 2})
        panel.run_button.press()
        wait_end(qtbot, view.handle)
        assert view.summary.text().startswith("Proven: 5 of 9 openings win for Red: swap those. Numbers:")
        for export in panel.exports():
            panel.export(export, tmp_path / export.id)
        rows = list(csv.DictReader((tmp_path / "openings-csv.csv").open()))
        assert [row["opening"] for row in rows if row["exact"] == "1"] == ["c1", "a2", "b2", "c2", "a3"]
        assert (tmp_path / "openings-png.png").stat().st_size > 1000
        view.map.opening_chosen.emit(4)
        assert panel.tabs.currentIndex() == 0
        assert (panel.model.size, panel.model.position.moves) == (3, (4,))


def test_a_run_is_trained_stopped_and_gone_on_with(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_hex(qtbot) as (_, panel):
        lab = show(panel, 3)
        assert not lab.resume_button.isEnabled()
        lab.form.set_values({**TINY_RUN, "iterations": 200})
        panel.run_button.press()
        with qtbot.waitSignal(
            lab.handle.published, timeout=PATIENCE_MS, check_params_cb=lambda s: len(s.history["iteration"]) >= 1
        ):
            pass
        first = lab.handle
        panel.run_button.press()
        wait_end(qtbot, first)
        assert "last checkpoint is kept" in lab.status.text()
        assert lab.resume_button.isEnabled()
        done = len(lab._paths)
        assert done >= 1
        lab.resume_button.click()
        assert lab.handle is not first
        with qtbot.waitSignal(
            lab.handle.published,
            timeout=PATIENCE_MS,
            check_params_cb=lambda s: len(s.history["iteration"]) > done,
        ):
            pass
        panel.run_button.press()
        wait_end(qtbot, lab.handle)
        assert lab.handle.run_id == first.run_id
        assert list(lab._last.history["iteration"][:done]) == list(range(1, done + 1))
        lab._scrubber.setValue(0)
        wait_end(qtbot, lab._probing)
        assert lab.probe._text.text().startswith("after 1")
        for export in panel.exports():
            panel.export(export, tmp_path / export.id)
        saved = json.loads((tmp_path / "training-json.json").read_text())
        assert len(saved["history"]["loss"]) == len(lab._last.history["loss"])
        assert saved["spec"]["games"] == 4
        with (tmp_path / "training-csv.csv").open() as file:
            assert next(csv.reader(file))[0] == "iteration"
        lab.use_button.click()
        assert panel.tabs.currentIndex() == 0
        assert panel.form.engine.values()["weights"].endswith("00001.safetensors")
        qtbot.waitUntil(lambda: (tmp_path / "network-onnx.onnx").is_file(), timeout=PATIENCE_MS)
        assert (tmp_path / "network.safetensors").read_bytes() == lab._paths[0].read_bytes()
        with qtbot.waitSignal(panel.engine.analysed, timeout=PATIENCE_MS):
            panel.run_button.press()
        assert np.isfinite(panel.board_view.snapshot.value)


def test_a_setting_that_does_not_fit_is_told_and_starts_nothing(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        lab = show(panel, 3)
        lab.form.editor("games").set_value(0)
        panel.run_button.press()
        assert "Games" in said(panel)[0]
        assert lab.handle is None


def test_a_stage_has_its_own_settings_and_the_users_choice_survives(qtbot: QtBot) -> None:
    with opened_hex(qtbot) as (_, panel):
        form = panel._zones["form"]
        assert form.isVisible()
        duel = show(panel, 1)
        assert not form.isVisible()
        assert not panel.results.isVisible()
        panel.toggle_zone("form")
        assert not duel.settings.isVisible()
        panel.tabs.setCurrentIndex(0)
        assert form.isVisible()
        assert panel.results.isVisible()
        panel.toggle_zone("form")
        show(panel, 2)
        panel.tabs.setCurrentIndex(0)
        assert not form.isVisible(), "hidden by the user"


def test_the_board_stays_usable_in_a_small_window(qtbot: QtBot) -> None:
    with opened_hex(qtbot, size=11) as (window, panel):
        window.resize(800, 600)
        qtbot.waitUntil(lambda: panel.width() < 800)
        board = panel.board_view.board
        assert board.geometry_of_board.radius >= 8, "a cell that a finger of the mouse can hit"
        assert panel.minimumSizeHint().width() <= 760
        click(qtbot, panel, 60)
        assert panel.model.position.moves == (60,)
        panel.toggle_column()
        panel.toggle_column()
        assert panel._column_button.isEnabled()
        qtbot.keyClick(window, Qt.Key.Key_Backspace)
        assert panel.model.ply == 0


def test_a_hidden_stage_draws_nothing_until_it_is_shown(qtbot: QtBot, tmp_path: Path) -> None:
    weights = str(tiny_network(tmp_path))
    with opened_hex(qtbot) as (_, panel):
        duel = show(panel, 1)
        duel.form.set_values({"weights": weights, "rival_weights": weights, "budget": 8})
        panel.run_button.press()
        panel.tabs.setCurrentIndex(0)
        wait_end(qtbot, duel.handle)
        assert duel._unseen is not None
        panel.tabs.setCurrentIndex(1)
        assert duel._unseen is None
        assert duel.sides[0].counters.texts()["calls"] == "8"
