"""The measuring tabs, files, state and the demonstration."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.invariance.results import ProfileResult
from tests.workbench.invariance.windows import (
    NAMES,
    PATIENCE_MS,
    export,
    opened_invariance,
    said,
    small_networks,
    wait_idle,
    wait_live,
)
from workbench.panels.invariance.choices import source_name
from workbench.panels.invariance.panel import ONE, ORTHOGONALITY, TRADE_OFF, TRAINING, InvariancePanel
from workbench.widgets.own_model_dialog import OwnModelDialog

BOUNDARY = 2
QUICK = {"images": 40, "attacked": 20, "steps": 3, "thetas": (0.0, 60.0, 180.0), "epsilons": (0.0, 0.1, 0.3)}


def _measured(qtbot: QtBot, panel: InvariancePanel) -> ProfileResult:
    panel.tabs.setCurrentIndex(TRADE_OFF)
    view = panel.stage(TRADE_OFF)
    view.form.set_values(QUICK)
    panel.run_button.press()
    wait_idle(qtbot, panel)
    assert view.result.is_complete, said(panel)
    return view.result


def test_profiles_fill_plane_curves_and_table(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_invariance(qtbot) as (_, panel):
        result = _measured(qtbot, panel)
        view = panel.stage(TRADE_OFF)
        assert [m.name for m in result.models] == list(NAMES) and result.source == "digits"
        assert view.table.rowCount() == 3 and np.isfinite(view.plane.points).all()
        x, y = result.at(view._theta, view._eps)
        assert view.plane.points == pytest.approx(100 * np.stack([x, y], 1))
        assert "40 images of handwritten digits" in view.status.text() and "PGD-3" in view.status.text()
        turns = view.plots.turns.columns()
        assert list(turns["largest turn θ"]) == [0, 60, 180]
        path = export(panel, "profiles-csv", tmp_path / "p.csv")
        with path.with_name("p-turns.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 9 and float(rows[0]["invariance"]) == 1.0
        saved = json.loads(export(panel, "profiles-json", tmp_path / "p.json").read_text())
        assert saved["spec"]["images"] == 40 and len(saved["tables"]["attacks"]["eps"]) == 9
        for name in ("plane-png", "turns-png", "attacks-png"):
            assert export(panel, name, tmp_path / f"{name}.png").stat().st_size > 1000
        with export(panel, "figures-csv", tmp_path / "f.csv").open() as file:
            assert [row["Model"] for row in csv.DictReader(file)] == [m.title for m in result.models]


def test_sliders_and_lines_read_the_curves_without_a_job(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        result = _measured(qtbot, panel)
        view = panel.stage(TRADE_OFF)
        jobs = len(panel.services.runner.jobs())
        view.theta_slider.setValue(view.theta_slider.maximum())
        view.eps_slider.setValue(0)
        assert view.plane.points[:, 0] == pytest.approx(100 * result.invariance[:, -1])
        assert view.plane.points[:, 1] == pytest.approx(100.0)  # an attack of no strength fools nobody
        assert "180" in view._theta_text.text()
        view.plots.turns._items["theta"].graphic.setValue(60.0)  # as a drag of the line does
        assert view._theta == 60.0 and view.theta_slider.value() == 67
        assert len(panel.services.runner.jobs()) == jobs


def test_a_dot_is_a_row_and_carries_its_interval(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        _measured(qtbot, panel)
        view = panel.stage(TRADE_OFF)
        x, y = view.plane.points[1]
        qtbot.mouseClick(view.plane, Qt.MouseButton.LeftButton, pos=view.plane.point_of(x, y))
        chosen = view.table.current_row()
        assert np.allclose(view.plane.points[chosen], (x, y), atol=2)  # dots of untrained networks may coincide
        assert "interval x" in view.plane._marks
        assert any("interval" in key for key in view.plots.turns._items)
        view.shows.setCurrentIndex(1)
        view.shows.activated.emit(1)
        assert view.plots.turns._labels["left"][0] == "accuracy"
        assert "Wilson" in view.table.item(0, 3).toolTip()
        view.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
        assert view.table.current_row() == chosen


def test_stop_in_the_middle_keeps_what_was_measured(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(TRADE_OFF)
        view = panel.stage(TRADE_OFF)
        view.form.set_values({**QUICK, "images": 300, "attacked": 300, "steps": 400})
        panel.run()
        with qtbot.waitSignal(view.handle.published, timeout=PATIENCE_MS):
            pass
        panel.run_button.press()
        wait_idle(qtbot, panel)
        assert view.handle.state == "cancelled" and "Stopped" in view.status.text()
        assert np.isnan(view.result.fooled).any() and view.table.rowCount() == 3
        assert panel.one.live.handle is None or not panel.one.live.handle.has_ended  # the session goes on


def test_run_stays_on_the_tab_in_front_and_says_what_it_does(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        for number in range(panel.tabs.count()):
            panel.tabs.setCurrentIndex(number)
            assert panel.run_button.text() == panel.stage(number).run_text
        panel.tabs.setCurrentIndex(TRADE_OFF)
        panel.form.models.set_selection([])
        panel._models_changed()
        for number in (ONE, TRADE_OFF, BOUNDARY, ORTHOGONALITY):
            panel.tabs.setCurrentIndex(number)
            panel.run_button.press()
            assert panel.tabs.currentIndex() == number and "no model is ticked" in said(panel)
            panel.messages.clear("error")


def test_an_empty_plane_says_what_it_waits_for(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(TRADE_OFF)
        view = panel.stage(TRADE_OFF)
        assert "Measure profiles" in view.plane.accessibleDescription()
        view.form.set_values({**QUICK, "images": 300, "attacked": 300, "steps": 400})
        panel.run()
        with qtbot.waitSignal(view.handle.published, timeout=PATIENCE_MS):
            pass
        assert np.isnan(view.plane.points).any(1).all()
        assert "being turned and attacked" in view.plane.accessibleDescription()
        panel.run_button.press()
        wait_idle(qtbot, panel)
        assert "Stopped before" in view.plane.accessibleDescription()


def test_the_note_of_the_first_tab_is_seen_after_other_tabs(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (window, panel):
        window.resize(1280, 720)
        for number in (TRADE_OFF, BOUNDARY, ONE):
            panel.tabs.setCurrentIndex(number)
            QApplication.processEvents()
        pile = panel.form._settings
        (note,) = [found for found in pile.currentWidget().findChildren(QLabel) if found.text()]
        # A note as high as the highest form would have its text out of sight, in the middle.
        assert note.mapTo(pile, note.rect().topLeft()).y() < 20 and note.height() < 100


def test_sources_are_called_as_people_call_them(tmp_path: Path) -> None:
    names = [source_name(source) for source in ("mnist", "cifar10", "fashion-mnist", "digits")]
    assert names == ["MNIST", "CIFAR-10", "Fashion-MNIST", "handwritten digits"]
    assert source_name(str(tmp_path / "my cats")) == "my cats"


def test_without_models_or_with_a_wrong_field_run_says_what_to_do(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(TRADE_OFF)
        panel.form.models.set_selection([])
        panel._models_changed()
        panel.run()
        assert "no model is ticked" in said(panel) and not panel.is_busy()
        panel.form.models.set_selection([NAMES[0]])
        panel._models_changed()
        panel.stage(TRADE_OFF).form.set_values({"thetas": (0.0, 500.0)})
        panel.run()
        wait_idle(qtbot, panel)
        assert "from 0 to 180" in said(panel)


def test_distances_and_slices_of_every_model(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(BOUNDARY)
        view = panel.stage(BOUNDARY)
        view.form.set_values({"images": 30, "resolution": 9, "wrong": "zero"})
        panel.run()
        wait_idle(qtbot, panel)
        assert len(view.result.slices) == 3 and "counted as 0" in view.status.text(), said(panel)
        assert view.table.rowCount() == 3
        view.table.selectRow(2)
        assert panel.stage(BOUNDARY).slice_text.text().startswith(view.result.models[view.table.current_row()].title)
        view.relative.setChecked(True)
        assert "share" in view.histogram._labels["bottom"][1]
        path = export(panel, "distances-csv", tmp_path / "d.csv")
        with path.with_name("d-distances.csv").open() as file:
            assert len(list(csv.DictReader(file))) == 30


def test_directions_are_compared_and_k_reads_them_anew(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(ORTHOGONALITY)
        view = panel.stage(ORTHOGONALITY)
        assert view.model.count() == 3
        view.form.set_values({"images": 40, "steps": 2, "k": 8, "draws": 2})
        panel.run()
        wait_idle(qtbot, panel)
        result = view.result
        assert view.matrix.values.shape == (8, 8) and len(view.board.rows) == 3, said(panel)
        view.k.setValue(3)
        assert view.matrix.values == pytest.approx(result.cosines[:3, :3])
        assert len(view.angles.columns()["number"]) == 3 and "first 3 directions" in view.verdict.text()
        view.k.setValue(8)
        shown = view.angles.columns()["principal angle"]
        assert shown == pytest.approx(result.angles, abs=0.2)
        with export(panel, "directions-csv", tmp_path / "o.csv").with_name("o-overlap.csv").open() as file:
            assert len(list(csv.DictReader(file))) == 8


def test_a_trained_model_is_ticked_in_the_list(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(TRAINING)
        assert not panel._zones["form"].isVisibleTo(panel)
        view = panel.stage(TRAINING)
        view.form.set_values({"kind": "lenet-small", "width": 1.0, "epochs": 1, "limit": 128, "held_out": 50})
        panel.run()
        wait_idle(qtbot, panel)
        view.use_model()
        assert "lenet-small-digits-rot60" in panel.form.models.selection()
        panel.toggle_zone("form")
        assert not view.settings.isVisibleTo(view)
        panel.toggle_zone("form")


def test_pictures_and_models_are_dropped_and_silly_files_refused(qtbot: QtBot, tmp_path: Path) -> None:
    Image.fromarray(np.full((50, 40, 3), 90, np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "broken.png").write_bytes(b"nothing")
    (tmp_path / "notes.txt").write_text("nothing")
    with opened_invariance(qtbot) as (_, panel):
        assert panel.accepts(tmp_path) and panel.accepts(tmp_path / "a.pt2") and not panel.accepts(tmp_path / "a.txt")
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            assert panel.open_checked(tmp_path / "photo.png")
        assert len(panel.one.pictures.gallery.tiles) == 1 and "photo.png" in panel.one.pictures.note.text()
        with qtbot.waitSignal(panel.pools.failed, timeout=PATIENCE_MS):
            panel.open_checked(tmp_path / "broken.png")
        assert "cannot be read" in panel.form.source.problem.text() and "cannot be read" in said(panel)
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            panel.open_checked(tmp_path / "photo.png")
        assert "cannot be read" not in said(panel)
        assert not panel.open_checked(tmp_path / "notes.txt") and "neither a picture nor a model" in said(panel)
        with pytest.raises(UserError):
            panel.open_path(tmp_path / "gone.pt2")
        (tmp_path / "odd.pt2").write_bytes(b"nothing")
        assert panel.open_checked(tmp_path / "odd.pt2")
        dialog = panel.form.models.findChild(OwnModelDialog)
        qtbot.waitUntil(lambda: bool(dialog.messages.messages()), timeout=PATIENCE_MS)
        dialog.reject()


def test_state_comes_back_and_odd_state_does_no_harm(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.stage(TRADE_OFF).form.set_values({"images": 77})
        panel.stage(TRADE_OFF)._read(theta=90.0, eps=0.2)
        panel.one.dial.set_angle(45)
        panel.one.microscope.extent.setValue(77)
        panel.one.pictures.gallery.select(5)
        panel.form.models.set_selection(NAMES[:2])
        panel._models_changed()
        panel.tabs.setCurrentIndex(BOUNDARY)
        state = json.loads(json.dumps(panel.save_state()))
    with opened_invariance(qtbot, NAMES) as (_, panel):
        with qtbot.waitSignal(panel.pools.loaded, timeout=PATIENCE_MS):
            panel.restore_state(state)
        assert panel.form.models.selection() == list(NAMES[:2])
        assert panel.tabs.currentIndex() == BOUNDARY and panel.one.dial.angle == 45
        assert panel.one.pictures.gallery.current == 5 and panel.one.microscope.extent.value() == 77
        view = panel.stage(TRADE_OFF)
        assert view.form.read().images == 77 and (view._theta, view._eps) == (90.0, 0.2)
        panel.restore_state({
            "models": [1, None], "source": "/no/such/place", "picture": "x", "tab": 99, "one": {"angle": "left"},
            "stages": {"Trade-off": {"form": {"values": {"images": "many"}}, "theta": 1e9}, "Boundary": 3},
        })  # fmt: skip
        panel.restore_state({"models": ["gone"], "stages": 4, "one": []})
        assert view.form.read().images == 77 and view._theta == 90.0


def test_every_control_has_a_name_and_the_tabs_fit_small_windows(qtbot: QtBot) -> None:
    from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar

    with opened_invariance(qtbot) as (window, panel):
        for number in range(panel.tabs.count()):
            panel.tabs.setCurrentIndex(number)
            view = panel.stage(number)
            for kind in (QComboBox, QAbstractSlider, QAbstractSpinBox):
                for control in view.findChildren(kind):
                    if not isinstance(control, QScrollBar) and control.isVisibleTo(view):
                        assert control.accessibleName(), f"{type(control).__name__} in {panel.tabs.tabText(number)}"
        window.resize(800, 600)
        QApplication.processEvents()
        assert not panel._zones["form"].isVisibleTo(panel)


def test_the_demonstration_turns_an_image_and_measures(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        with qtbot.waitSignal(panel.demo_done, timeout=PATIENCE_MS) as done:
            panel.demo()
        figures = done.args[0]
        assert figures["models"] == 3 and figures["images"] == 100 and figures["residual"] < 1e-5
        assert f"inv60 {NAMES[0]}" in figures and panel.tabs.currentIndex() == TRADE_OFF


def test_the_demonstration_without_models_says_so(qtbot: QtBot) -> None:
    small_networks()
    with opened_invariance(qtbot, ()) as (_, panel), qtbot.waitSignal(panel.demo_failed) as failed:
        panel.demo()
    assert "model" in failed.args[0]
