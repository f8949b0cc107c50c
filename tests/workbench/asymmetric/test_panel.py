"""The panel as a person uses it: drag ε, draw, run, stop, look behind a cell, export, come back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.asymmetric.metrics import FOOLED
from tests.workbench.asymmetric.detection_windows import PATIENCE_MS, opened_detection, wait_judged
from tests.workbench.runners import wait_end
from workbench.panels.asymmetric.panel import ANATOMY, BENCH, GRID_TAB, MORPH, TRAINING
from workbench.panels.base import Panel

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)


def _export(panel: Panel, name: str, path: Path) -> Path:
    panel.export(next(e for e in panel.exports() if e.id == name), path)
    assert path.is_file(), [m.what for m in panel.messages.messages()]
    return path


def test_a_picture_is_pushed_at_once_and_anew_when_eps_moves(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot) as (_, panel):
        view = panel.morph
        assert view.shown is not None and view.shown.kind == "morph" and view.twins.scrubber.count > 5
        assert view.shown.detectors.logit[-1] > view.shown.detectors.logit[0]
        before = float(view.shown.detectors.logit[-1])
        view.controls.ball.slider.setValue(view.controls.ball.slider.maximum())
        qtbot.waitUntil(lambda: view.shown is not None and view.shown.final
                        and float(view.shown.detectors.logit[-1]) > before, timeout=PATIENCE_MS)  # fmt: skip
        wait_judged(qtbot, panel)
        delta = np.abs(view.shown.detectors.frames[-1] - view.shown.image).max()
        assert delta <= view.controls.ball.radius + 1e-6 and delta > 0.3
        z_end = view.verdict.verdict.z.copy()
        view.twins.scrubber.set_frame(0)
        wait_judged(qtbot, panel)
        assert not np.allclose(view.verdict.verdict.z, z_end)
        assert "T" in view.verdict.lines[0].text()
        with np.load(_export(panel, "morph-npz", tmp_path / "m.npz")) as held:
            assert held["detectors"].shape[1:] == (1, 8, 8) and np.array_equal(held["x"], view.shown.image)
        rows = list(csv.DictReader(_export(panel, "trace-csv", tmp_path / "t.csv").open()))
        assert len(rows) == view.controls.steps.value() or len(rows) == view.controls.steps.value() + 1


def test_noise_becomes_an_image_and_the_picture_comes_back(qtbot: QtBot) -> None:
    with opened_detection(qtbot) as (_, panel):
        view = panel.morph
        view.controls.target.setCurrentIndex(3)
        for button, kind in ((view.controls.noise, "noise"), (view.controls.rubbish, "rubbish")):
            button.click()
            wait_judged(qtbot, panel)
            assert view.shown.kind == kind and view.shown.target == 3 and not view.controls.ball.slider.isEnabled()
        view.controls.back.click()
        wait_judged(qtbot, panel)
        assert view.shown.kind == "morph" and view.controls.ball.slider.isEnabled()


def test_a_drawn_digit_is_judged(qtbot: QtBot) -> None:
    with opened_detection(qtbot) as (_, panel):
        view = panel.morph
        view.pictures.tabs.setCurrentIndex(1)
        pixels = np.zeros((28, 28), np.uint8)
        pixels[4:24, 13:16] = 255
        view.pictures.pad.drawn.emit(pixels)
        wait_judged(qtbot, panel)
        assert view.label == -1 and view.shown.image.shape == (1, 8, 8)


def test_run_measures_the_system_and_a_cell_opens(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        stage = panel.stage(BENCH)
        stage.form.set_values({"images": 30, "steps": 20, "step_size": 0.0, "auc_images": 10, "auc_steps": (5, 20),
                               "attacks": ("classifier", "combined")})  # fmt: skip
        panel.run_button.press()
        assert panel.tabs.currentIndex() == BENCH
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        result = stage.result
        assert result.attacks == ("classifier", "combined", "multi-targeted") and "breaks it" in stage.warning.text()
        assert stage.table.rowCount() == 6 and stage.auc.table.rowCount() == 10
        qtbot.mouseClick(stage.matrix, Qt.MouseButton.LeftButton, pos=stage.matrix.point_of(1, 1))
        assert stage.cell.cell == (1, 1) and len(stage.cell.gallery.tiles) == 30
        assert stage.rule.currentIndex() == 1
        strict = int((result.outcomes(1, 1, stage.threshold) == FOOLED).sum())
        stage.slider.setValue(0)
        frames = [tile.frame for tile in stage.cell.gallery.tiles]
        assert frames.count("fooled") == int((result.outcomes(1, 1, stage.threshold) == FOOLED).sum()) >= strict
        assert "100" in stage.slider_text.text() or "9" in stage.slider_text.text()
        with np.load(_export(panel, "bench-npz", tmp_path / "b.npz")) as held:
            assert held["x_adv"].shape == (3, 2, 30, 1, 8, 8)
        stage.slider.setValue(stage.slider.maximum())
        assert "fooled" not in [tile.frame for tile in stage.cell.gallery.tiles]


def test_stop_in_the_middle_keeps_what_was_measured(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(BENCH)
        stage = panel.stage(BENCH)
        stage.form.set_values({"images": 300, "steps": 500})
        panel.run()
        with qtbot.waitSignal(stage.handle.progressed, timeout=PATIENCE_MS):
            pass
        panel.run_button.press()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "cancelled"
        assert "Stopped" in stage.status.text() and panel.run_button.state == "idle"


def test_the_anatomy_fills(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        view = panel.stage(ANATOMY)
        view.count.setValue(10)
        panel.tabs.setCurrentIndex(ANATOMY)
        qtbot.waitUntil(lambda: view.shown is not None and view.shown.final, timeout=PATIENCE_MS)
        assert len(view.shown.natural) == 10 and np.isfinite(view.shown.auc).all()
        rows = list(csv.DictReader(_export(panel, "auc-csv", tmp_path / "a.csv").open()))
        assert len(rows) == len(view.shown.steps)


def test_the_grid_moves_with_its_slider(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(GRID_TAB)
        stage = panel.stage(GRID_TAB)
        stage.form.set_values({"steps": 10, "frames": 3})
        panel.run()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        last = stage.sheets[0].values.copy()
        assert last.shape[:2] == (89, 89) and stage.scrubber.count == len(stage.result.steps)
        stage.scrubber.set_frame(0)
        assert not np.array_equal(stage.sheets[0].values, last)
        stage.sheets[0].pixel_hovered.emit(10, 30)
        assert "pushed towards “3”" in stage.status.text()
        with np.load(_export(panel, "grid-npz", tmp_path / "g.npz")) as held:
            assert held["final"].shape == (2, 10, 10, 1, 8, 8)


def test_trained_detectors_are_exported_dropped_and_used(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TRAINING)
        stage = panel.stage(TRAINING)
        assert not stage.use_button.isEnabled() and stage.use_button.toolTip()
        stage.form.set_values({"epochs": 1, "updates": 4, "steps": 2, "validation_images": 5, "validation_steps": 2,
                               "companions": False, "hidden": (12,)})  # fmt: skip
        panel.run()
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        qtbot.waitUntil(stage.use_button.isEnabled, timeout=PATIENCE_MS)
        path = _export(panel, "detectors", tmp_path / "mine.safetensors")
        stage.use_button.click()
        assert panel.form.bank.name.startswith("detectors-digits8")
        assert panel.open_checked(path) and panel.form.bank.name == str(path)
        assert panel.tabs.currentIndex() == MORPH


def test_files_that_are_nothing_say_so(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        bad = tmp_path / "weights.safetensors"
        bad.write_bytes(b"no weights at all")
        before = panel.form.bank
        assert not panel.open_checked(bad) and panel.form.bank == before
        other = tmp_path / "text.docx"
        other.write_text("hello")
        assert not panel.open_checked(other)
        assert panel.messages.messages()


def test_state_comes_back_and_odd_state_changes_nothing(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.morph.controls.ball.set_radius(0.12)
        panel.morph.controls.target.setCurrentIndex(4)
        panel.stage(BENCH).form.set_values({"images": 77})
        panel.tabs.setCurrentIndex(BENCH)
        state = json.loads(json.dumps(panel.save_state()))
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.restore_state(state)
        assert panel.form.bank.name == "digits-aat" and panel.tabs.currentIndex() == BENCH
        assert panel.morph.controls.ball.radius == pytest.approx(0.12, abs=0.005)
        assert panel.morph.controls.target.currentIndex() == 4
        assert panel.stage(BENCH).form.values()["images"] == 77
        odd_ones = (
            {},
            {"tab": 99, "detectors": 3, "stages": []},
            {"detectors": "gone", "picture": True, "rival": []},
            {"stages": {"Morph desk": {"eps": "x", "target": 99, "steps": None}, "Toy theatre": {"strokes": 3}}},
        )
        for odd in odd_ones:
            panel.restore_state(odd)  # type: ignore[arg-type]
        assert panel.form.bank.name == "digits-aat"


def test_closing_in_the_middle_leaves_nothing(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False, size=(800, 600)) as (_, panel):
        panel.run()
        panel.tabs.setCurrentIndex(MORPH)


def test_the_demonstration_tells_its_figures(qtbot: QtBot) -> None:
    with opened_detection(qtbot) as (_, panel):
        with qtbot.waitSignal(panel.demo_done, timeout=PATIENCE_MS) as done:
            panel.demo()
        (figures,) = done.args
        assert figures["images"] > 0 and figures["logit_after"] > figures["logit_before"]
        assert 0 <= figures["error multi-targeted integrated"] <= 1
