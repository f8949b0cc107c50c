"""The training view as a person uses it: train, stop, go on, keep the model."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.vision.nets.models import list_models
from engines.vision.results import TrainSnapshot
from tests.workbench.runners import wait_end
from tests.workbench.vision.small_panel import PATIENCE_MS, opened_small

QUICK = {"kind": "mlp", "data": "digits", "epochs": 2, "limit": 256, "held_out": 100, "batch": 64}


def test_training_draws_its_curves_and_the_model_can_be_used(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_small(qtbot) as (_, panel):
        view = panel.training
        view.form.set_values({**QUICK, "rotation": 60.0})
        assert not view.use_button.isEnabled()
        panel.run_button.press()
        handle = wait_end(qtbot, view.handle, PATIENCE_MS)
        assert handle.state == "done"
        assert "held-out images" in view.status.text()
        drawn = view.accuracy.columns()
        assert list(drawn["epoch"]) == [1, 2] and max(drawn["held out"]) > 20  # chance is 10
        assert "turned" in drawn and "under PGD-10" not in drawn
        assert len(view.samples.tiles) == 8
        export = next(e for e in view.exports() if e.id == "training-csv")
        panel.export(export, tmp_path / "curves.csv")
        with (tmp_path / "curves.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [float(row["epoch"]) for row in rows] == [1, 2]
        with qtbot.waitSignal(view.model_kept) as kept:
            qtbot.mouseClick(view.use_button, Qt.MouseButton.LeftButton)
        (name,) = kept.args
        assert name == "mlp-digits-rot60"
        assert name in panel.picker.selection()
        info = next(i for i in list_models() if i.name == name)
        assert info.title == "mlp on digits, turns to ±60°" and not info.problem
        assert not view.use_button.isEnabled()


def test_two_models_of_the_same_settings_have_two_names(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        view = panel.training
        view.form.set_values({**QUICK, "epochs": 1})
        names = []
        for _ in range(2):
            panel.run()
            wait_end(qtbot, view.handle, PATIENCE_MS)
            with qtbot.waitSignal(view.model_kept) as kept:
                view.use_model()
            names.append(kept.args[0])
        assert names == ["mlp-digits", "mlp-digits-2"]


def test_stop_keeps_the_last_epoch_and_the_run_goes_on(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        view = panel.training
        view.form.set_values({**QUICK, "epochs": 500})

        def one_epoch(snapshot: object) -> bool:
            return isinstance(snapshot, TrainSnapshot) and snapshot.epoch >= 1 and snapshot.step > 0

        panel.run()
        first = view.handle
        with qtbot.waitSignal(first.published, timeout=PATIENCE_MS, check_params_cb=one_epoch):
            pass
        panel.run_button.press()
        wait_end(qtbot, first)
        assert first.state == "cancelled" and "Stopped" in view.status.text()
        assert panel.run_button.state == "idle"
        view.form.set_values({"epochs": 3})
        assert view.resume_button.isEnabled()
        qtbot.mouseClick(view.resume_button, Qt.MouseButton.LeftButton)
        assert view.handle is not first
        assert view.form.values()["epochs"] == 500  # the settings it began with
        assert not view.resume_button.isEnabled()
        with qtbot.waitSignal(view.handle.published, timeout=PATIENCE_MS, check_params_cb=one_epoch):
            pass
        panel.stop()
        wait_end(qtbot, view.handle)


def test_wrong_settings_say_so_beside_the_field(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        view = panel.training
        view.form.set_values({**QUICK, "data": "no such set"})
        panel.run()
        handle = wait_end(qtbot, view.handle, PATIENCE_MS)
        assert handle.state == "failed"
        assert any("no such set" in m.what for m in panel.messages.messages())
        assert "no such set" in view.status.text()


def test_the_settings_of_a_shipped_model_fill_the_form(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        view = panel.training
        at = view.recipes.findData("mnist-gcnn-rot60")
        view.recipes.setCurrentIndex(at)
        view.recipes.activated.emit(at)
        spec = view.form.read()
        assert (spec.kind, spec.rotation, spec.data) == ("gcnn", 60.0, "mnist")
        assert view.recipes.currentIndex() == 0


def test_state_survives_and_odd_state_changes_nothing(qtbot: QtBot) -> None:
    with opened_small(qtbot) as (_, panel):
        view = panel.training
        view.form.set_values({"kind": "lenet", "epochs": 7})
        state = view.save_state()
        view.form.set_preset("quick")
        view.restore_state({**state, "from a later version": 1})
        assert (view.form.read().kind, view.form.read().epochs) == ("lenet", 7)
        view.restore_state({"epochs": "many", "kind": 3})
        assert view.form.read().epochs == 7
