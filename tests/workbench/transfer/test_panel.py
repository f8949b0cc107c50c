"""The panel as a person uses it: drag ε, draw, run, stop, look behind a cell, race, export, come back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.workbench.runners import wait_end
from tests.workbench.transfer.transfer_windows import PATIENCE_MS, opened_transfer, wait_done
from workbench.panels.base import Panel
from workbench.panels.transfer.panel import ATTACK, MATRIX, MICROSCOPE, RACE

pytestmark = pytest.mark.usefixtures("only_these")


def _export(panel: Panel, name: str, path: Path) -> Path:
    panel.export(next(e for e in panel.exports() if e.id == name), path)
    assert path.is_file(), [m.what for m in panel.messages.messages()]
    return path


def test_one_image_is_attacked_at_once_and_anew_when_eps_moves(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot) as (_, panel):
        view = panel.attack
        assert view.walk is not None and view.walk.title == "SI-NI-FGSM"
        assert sum(row.white_box for row in view.board.rows) == 1 and len(view.board.rows) == 3
        assert view.scrubber.count == 11 and len(view.player.copies) >= 5
        panel.bar.eps.setValue(panel.bar.eps.maximum())
        wait_done(qtbot, panel)
        assert view.walk.eps == pytest.approx(0.5) and view.board.rows[0].fooled
        view.scrubber.set_frame(0)
        assert view.board.rows[0].clean == view.board.rows[0].attacked and view.player.ahead.values is None
        view.scrubber.set_frame(3)
        assert "t = 3" in view.player.said.text()
        with np.load(_export(panel, "attack-npz", tmp_path / "a.npz")) as held:
            assert np.abs(held["x_adv"] - held["x"]).max() <= 0.5 + 1e-6 and len(held["iterates"]) == 11
        with Image.open(_export(panel, "attacked-png", tmp_path / "a.png")) as picture:
            assert picture.size == (28, 28)
        rows = list(csv.DictReader(_export(panel, "log-csv", tmp_path / "log.csv").open()))
        assert len(rows) == 10


def test_an_exported_recipe_comes_back_when_it_is_dropped(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot) as (_, panel):
        panel.recipe.change(diverse=True, eps=0.21)
        path = _export(panel, "recipe-json", tmp_path / "recipe.json")
        assert json.loads(path.read_text())["name"] == panel.recipe.title == "SI-NI-DIM"
        panel.recipe.choose("FGSM")
        assert panel.open_checked(path)
        assert panel.recipe.title == "SI-NI-DIM" and panel.recipe.eps == 0.21
        path.write_text("nonsense")
        assert not panel.open_checked(path)
        assert panel.recipe.title == "SI-NI-DIM"


def test_run_fills_the_matrix_and_a_cell_opens(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot) as (_, panel):
        panel.run_button.press()
        assert panel.tabs.currentIndex() == MATRIX
        stage = panel.stage(MATRIX)
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        result = stage.result
        assert result.recipes == ("SI-NI-FGSM",) and np.isfinite(stage.matrix.values).all()
        assert stage.matrix.values.max() <= 1 and "Wilson" in stage._tip(0, 1)
        qtbot.mouseClick(stage.matrix, Qt.MouseButton.LeftButton, pos=stage.matrix.point_of(0, 1))
        assert stage.cell.cell == (0, 0, 1) and len(stage.cell.gallery.tiles) == 6
        assert stage.cell.spectrum.values is not None
        rows = list(csv.DictReader(_export(panel, "matrix-csv", tmp_path / "m.csv").open()))
        assert len(rows) == 9 and sum(row["white_box"] == "True" for row in rows) == 3
        assert all(float(row["low"]) <= float(row["success"]) <= float(row["high"]) for row in rows)
        with np.load(_export(panel, "crafted-npz", tmp_path / "c.npz")) as held:
            assert held["x_adv"].shape == (1, 3, 6, 1, 28, 28)
        before = stage.matrix.values
        stage.convention.setCurrentIndex(1)
        stage.convention.activated.emit(1)
        assert stage.of_right and stage.matrix.values.shape == before.shape


def test_several_recipes_and_an_ensemble_stand_in_the_table(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(MATRIX)
        stage = panel.stage(MATRIX)
        stage.choice.choose(("FGSM", "NI-FGSM"))
        assert stage.choice.recipes.text() == "2 recipes"
        stage.choice.ensembles.setCurrentIndex(1)
        panel.run()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        assert len(stage.result.sources) == 4 and stage.ablation.table.rowCount() == 4
        hidden = [c for c in range(8) if stage.ablation.table.isColumnHidden(c)]
        assert hidden == [5, 6, 7]
        stage.ablation.overlay.setChecked(True)
        assert not stage.ablation.table.isColumnHidden(5)
        assert any("not expected here" in name for name in stage.ablation.columns())
        stage.ablation.table.row_chosen.emit(2)
        assert stage.shown.currentText() == "NI-FGSM"


def test_stop_in_the_middle_keeps_what_was_measured(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(MATRIX)
        stage = panel.stage(MATRIX)
        panel.form.experiment.set_values({"images": 300})
        panel.recipe.change(steps=100)
        panel.run()
        with qtbot.waitSignal(stage.handle.progressed, timeout=PATIENCE_MS):
            pass
        panel.run_button.press()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "cancelled"
        assert "Stopped" in stage.status.text() and panel.run_button.state == "idle"
        assert panel.live.handle is None or panel.live.handle.state != "cancelled"


def test_a_race_is_scored_after_each_iteration(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(RACE)
        stage = panel.stage(RACE)
        panel.recipe.change(steps=4)
        panel.run()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        assert stage.scrubber.count == 5 and stage.result.recipes == ("MI-FGSM", "NI-FGSM")
        stage.axis.setCurrentIndex(1)
        stage.axis.activated.emit(1)
        stage.scrubber.set_frame(2)
        np.testing.assert_array_equal(stage.views[0].values[..., 0], stage.result.frames[0, 2, 0, 0])
        rows = list(csv.DictReader(_export(panel, "race-csv", tmp_path / "r.csv").open()))
        assert len(rows) == 2 * 5 * 3


def test_the_microscope_shows_arrows_that_vanish_with_the_literal_norm(qtbot: QtBot) -> None:
    with opened_transfer(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MICROSCOPE)
        first = wait_done(qtbot, panel)
        assert first.plane is not None and first.scales is not None and panel.microscope.shown is first.plane
        panel.microscope.literal.click()
        assert panel.recipe.spec.normaliser == "l1"
        second = wait_done(qtbot, panel)
        assert (
            second.walk is not None
            and first.walk is not None
            and second.walk.reach.max() < 0.05 < first.walk.reach.max()
        )
        panel.microscope.set_factor(0.25)
        assert "0.25" in panel.microscope.losses.text()


def test_without_models_it_says_what_to_do(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.form.models.set_selection([])
        panel._models_changed()
        panel.run()
        assert any("no model is ticked" in m.what for m in panel.messages.messages())
        assert not panel.bar.source.isEnabled()


def test_craft_writes_a_folder(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.form.experiment.set_values({"images": 4})
        panel.crafting.craft(tmp_path / "out")
        qtbot.waitUntil(lambda: (tmp_path / "out" / "recipe.json").is_file(), timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: not panel.is_busy(), timeout=PATIENCE_MS)
        with np.load(tmp_path / "out" / "crafted.npz") as held:
            assert held["x_adv"].shape == (4, 1, 28, 28)
        assert panel.open_checked(tmp_path / "out" / "crafted.npz")
        assert panel.tabs.currentIndex() == ATTACK


def test_state_comes_back_and_odd_state_changes_nothing(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.recipe.change(eps=0.3, smooth=True)
        panel.form.models.set_selection(["small-cnn", "small-mlp"])
        panel._models_changed()
        panel.set_source("small-mlp")
        state = json.loads(json.dumps(panel.save_state()))
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.restore_state(state)
        assert panel.form.models.selection() == ["small-cnn", "small-mlp"]
        assert panel.choice.source_name() == "small-mlp" and panel.recipe.eps == 0.3 and panel.recipe.spec.smooth
        for odd in ({}, {"tab": 99, "models": 3, "stages": [], "picture": True}, {"recipe": [], "white_box": 5}):
            panel.restore_state(odd)
        assert panel.choice.source_name() == "small-mlp"


def test_closing_in_the_middle_leaves_nothing(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False, size=(800, 600)) as (_, panel):
        panel.recipe.change(steps=100)
        panel.run()
        panel.tabs.setCurrentIndex(ATTACK)


def test_the_demonstration_tells_its_figures(qtbot: QtBot) -> None:
    with opened_transfer(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.demo_done, timeout=PATIENCE_MS) as done:
            panel.demo()
        (figures,) = done.args
        assert figures["images"] > 0 and figures["pairs"] == 9 and figures["recipe"] == "SI-NI-FGSM"
