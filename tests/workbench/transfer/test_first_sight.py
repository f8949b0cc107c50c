"""What a stranger sees before the first run, in narrow windows, after a silly file, and while an attack goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engines.transfer.snapshots import LiveSnapshot
from tests.workbench.runners import wait_end
from tests.workbench.transfer.transfer_windows import PATIENCE_MS, opened_transfer, wait_done
from workbench.panels.transfer.panel import ATTACK, MATRIX, MICROSCOPE, RACE, TransferPanel

pytestmark = pytest.mark.usefixtures("only_these")


def _said(panel: TransferPanel, kind: str) -> list[str]:
    return [f"{m.what} {m.remedy}" for m in panel.messages.messages() if m.kind == kind]


def test_before_the_first_run_a_tab_says_what_will_come_and_offers_it(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(MATRIX)
        stage = panel.stage(MATRIX)
        qtbot.waitUntil(stage.empty.isVisible, timeout=2000)
        assert not stage.matrix.isVisible()
        assert stage.empty.plan.text().startswith("3 attacked × 3 asked, SI-NI-FGSM, 12 images: 1\u202f800 ")
        assert stage.sketch.shape == (3, 3) and np.isnan(stage.sketch.values).all()
        stage.choice.choose(("FGSM", "NI-FGSM"))
        panel.form.experiment.set_values({"images": 5})
        stage.show_plan()
        assert "2 recipes, 5 images: 165 " in stage.empty.plan.text(), "one and ten passes, three models, five images"
        stage.choice.ensembles.setCurrentIndex(2)
        stage.choice.ensembles.activated.emit(2)
        assert "6 attacked × 3 asked" in stage.empty.plan.text() and stage.sketch.shape == (6, 3)
        stage.choice.ensembles.setCurrentIndex(0)
        panel.form.models.set_selection([])
        panel._models_changed()
        assert not stage.empty.button.isEnabled() and "No model is ticked" in stage.empty.button.toolTip()
        panel.form.models.set_selection(["small-cnn", "small-mlp"])
        panel._models_changed()
        assert stage.empty.button.isEnabled()
        qtbot.mouseClick(stage.empty.button, Qt.MouseButton.LeftButton)
        assert not stage.empty.isVisible()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        assert stage.matrix.isVisible() and stage.result is not None


def test_a_race_is_offered_too_and_comes_back_when_it_was_stopped_early(qtbot: QtBot) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(RACE)
        stage = panel.stage(RACE)
        qtbot.waitUntil(stage.empty.isVisible, timeout=2000)
        assert "MI-FGSM against NI-FGSM on" in stage.empty.plan.text() and "of 10 iterations" in stage.empty.plan.text()
        panel.recipe.change(steps=7)
        assert "of 7 iterations" in stage.empty.plan.text()
        qtbot.mouseClick(stage.empty.button, Qt.MouseButton.LeftButton)
        assert not stage.empty.isVisible()
        stage.handle.cancel()
        wait_end(qtbot, stage.handle, PATIENCE_MS)
        assert stage.empty.isVisible() == (stage.result is None) and "Stopped" in stage.status.text()


@pytest.mark.parametrize("size", [(800, 600), (1000, 700), (1400, 900)])
def test_no_tab_is_wider_than_its_room_and_nothing_told_is_cut(qtbot: QtBot, size: tuple[int, int]) -> None:
    with opened_transfer(qtbot, live=False, size=size) as (window, panel):
        panel._asked["form"] = True
        panel._settle_zones()
        panel.recipe.change(steps=3)
        panel.tabs.setCurrentIndex(RACE)
        race = panel.stage(RACE)
        panel.run()
        assert wait_end(qtbot, race.handle, PATIENCE_MS).state == "done"
        for tab in (ATTACK, MATRIX, RACE, MICROSCOPE):
            panel.tabs.setCurrentIndex(tab)
            qtbot.waitUntil(lambda: panel._middle.horizontalScrollBar().maximum() == 0, timeout=2000)
        assert window.width() == size[0], "the window was not pushed wider"
        panel.tabs.setCurrentIndex(RACE)
        race.scrubber.set_frame(2)
        for told in (*race.said, race.status):
            assert isinstance(told, QLabel) and told.wordWrap() and told.text()
            qtbot.waitUntil(lambda told=told: told.height() >= told.heightForWidth(told.width()), timeout=2000)


def test_nonsense_in_a_recipe_is_told_with_a_remedy(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot, live=False) as (_, panel):
        before = panel.recipe.spec
        path = tmp_path / "mine.json"
        path.write_text(json.dumps({"recipe": {"eps": "much", "steps": -1}}))
        assert not panel.open_checked(path) and panel.recipe.spec == before
        (said,) = _said(panel, "error")
        assert "mine.json" in said and "and 1 more" in said and "drop a recipe.json" in said
        panel.messages.clear()
        path.write_text(json.dumps({"recipe": {"eps": 7, "steps": 6}}))
        assert panel.open_checked(path) and panel.recipe.spec.steps == 6 and panel.recipe.eps == before.eps
        (said,) = _said(panel, "warn")
        assert "mine.json" in said and "stay" in said
        panel.recipe.undo()
        assert panel.recipe.spec == before


def test_a_failed_load_says_whose_pictures_are_still_there(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_transfer(qtbot) as (_, panel):
        view, image = panel.attack, panel.live.image
        wait_done(qtbot, panel)
        assert "answered" in view.status.text()
        view.show_image(image)
        assert "answered" not in view.status.text(), "that was of the image before"
        bad = tmp_path / "bad.png"
        bad.write_bytes(b"no picture")
        with qtbot.waitSignal(panel.pools.failed, timeout=PATIENCE_MS):
            panel.open_checked(bad)
        assert view.stale.isVisible() and "“bad.png” could not be loaded" in view.stale.text()
        assert view.stale.text().startswith("Still the pictures of ") and panel.live.image is image
        assert view.stale.heightForWidth(view.stale.width()) <= view.stale.height(), "it is not cut"
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            panel.pools.set_source("digits")
        assert not view.stale.isVisible()
        panel.pools.shape = (3, 32, 32)  # As after models of colour images were ticked.
        with qtbot.waitSignal(panel.pools.failed, timeout=PATIENCE_MS):
            panel.open_checked(bad)
        assert view.stale.text().startswith("There are no pictures")
        assert view.clean.values is None and view.walk is None and not view.pictures.gallery.tiles
        assert panel.live.image is None


def test_a_first_look_is_shown_as_one_and_cannot_be_exported(qtbot: QtBot) -> None:
    with opened_transfer(qtbot) as (_, panel):
        view, whole = panel.attack, wait_done(qtbot, panel)
        assert whole.walk is not None and whole.verdicts is not None
        one = {k: getattr(whole.verdicts, k)[:1] for k in ("models", "titles", "names", "labels", "white_box")}
        few = {k: getattr(whole.verdicts, k)[:1, [0, 1, 10]] for k in ("named", "confidence", "truth")}
        short = replace(whole.walk, x=whole.walk.x[[0, 5, 10]], passes=10)
        preview = LiveSnapshot(
            whole.generation, preview=True, walk=short, verdicts=replace(whole.verdicts, **one, **few)
        )
        rows = [row.text() for row in view.board.rows]
        view.show_answer(preview)
        assert "first look with 10 of 50 passes" in view.status.text()
        assert view.attacked._caption == "first look" and view.scrubber.count == 11
        assert len(view.board.rows) == 3 and [row.text() for row in view.board.rows][1:] == rows[1:], (
            "others keep their answers until theirs come"
        )
        assert all("under way" in e.why_disabled() for e in view.exports() if e.id == "attack-npz")
        view.show_answer(whole)
        assert view.attacked._caption == "attacked, t = 10" and not view.exports()[0].why_disabled()
        view.scrubber.set_frame(4)
        view.show_answer(preview)
        assert view.walk is whole.walk, "who looks at one iteration is not shown another attack's"


def test_all_scale_copies_are_seen_where_there_is_room(qtbot: QtBot) -> None:
    with opened_transfer(qtbot) as (_, panel):
        player = panel.attack.player
        assert len(player.copies) == 5
        qtbot.waitUntil(lambda: player._scroll.horizontalScrollBar().maximum() == 0, timeout=2000)
