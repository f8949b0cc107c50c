"""The toy theatre: trained while one looks, drawn by hand with undo, ascended, paused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.asymmetric.detection_windows import PATIENCE_MS, opened_detection
from workbench.panels.asymmetric.panel import TOY

pytestmark = pytest.mark.usefixtures("home")


def test_a_ring_is_trained_paused_and_ascended(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TOY)
        stage = panel.stage(TOY)
        assert not stage.ascend_button.isEnabled() and stage.ascend_button.toolTip()
        stage.form.set_values({"points": 100, "width": 16, "layers": 1, "plain": 5, "updates": 100_000})
        panel.run()
        qtbot.waitUntil(lambda: stage.shown is not None and stage.shown.update > 10, timeout=PATIENCE_MS)
        assert panel.run_button.state == "running"
        stage.eps.setValue(20)
        qtbot.waitUntil(lambda: stage.shown.eps == pytest.approx(0.2), timeout=PATIENCE_MS)
        panel.run_button.press()
        qtbot.waitUntil(lambda: not stage.theatre.is_running, timeout=PATIENCE_MS)
        assert panel.run_button.state == "idle" and stage.resume_button.isEnabled()
        stage.ascend_button.click()
        qtbot.waitUntil(lambda: stage.pictures.ascent is not None, timeout=PATIENCE_MS)
        assert stage.pictures.ascent.shape[1:] == (2000, 2) and "landed" in stage.status.text()
        path = tmp_path / "toy.npz"
        panel.export(next(e for e in panel.exports() if e.id == "toy-npz"), path)
        with np.load(path) as held:
            assert held["z"].shape == stage.shown.heat.shape
        at = stage.shown.update
        stage.resume_button.click()
        qtbot.waitUntil(lambda: stage.shown.update > at, timeout=PATIENCE_MS)


def test_a_drawing_becomes_the_target_and_can_be_undone(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TOY)
        stage = panel.stage(TOY)
        stage.form.set_values({"target": "drawn"})
        panel.run()
        assert any("nothing is drawn" in m.what for m in panel.messages.messages())
        stage.draw.click()
        for y in (0.4, 0.6):
            stage.pictures.field.stroke_drawn.emit(np.array([[0.3, y], [0.7, y]]))
        assert len(stage.strokes.lines) == 2
        stage.strokes.undo()
        assert len(stage.strokes.lines) == 1 and not stage.strokes.why_no_redo()
        stage.form.set_values({"points": 100, "width": 16, "layers": 1, "updates": 20})
        panel.run()
        qtbot.waitUntil(lambda: stage.shown is not None and stage.shown.update >= 1, timeout=PATIENCE_MS)
        assert np.ptp(stage.shown.points[:, 1]) < 0.1 and not stage.draw.isChecked()


def test_the_line_is_compared_with_the_true_density(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TOY)
        stage = panel.stage(TOY)
        stage.form.set_values({"target": "density", "points": 100, "width": 16, "layers": 1, "updates": 30})
        panel.run()
        qtbot.waitUntil(lambda: stage.shown is not None and stage.shown.density is not None, timeout=PATIENCE_MS)
        assert stage.pictures.stack.currentIndex() == 1 and stage.pictures.density.columns()


def test_what_will_be_learned_is_shown_before_anything_is_trained(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TOY)
        stage = panel.stage(TOY)
        assert "target" in stage.pictures.field._marks
        target = stage.form.editor("target")
        target.set_value("density")
        target.edited.emit()
        assert stage.pictures.stack.currentIndex() == 1 and "true density" in stage.pictures.density.columns()


def test_it_can_be_stopped_while_the_engine_starts(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TOY)
        stage = panel.stage(TOY)
        stage.form.set_values({"points": 100, "width": 16, "layers": 1, "updates": 100_000})
        panel.run()
        assert stage.theatre.latest is None and panel.run_button.state == "running"
        panel.run_button.press()
        assert panel.run_button.state == "idle" and "Stopped" in stage.status.text()
        qtbot.waitUntil(lambda: stage.theatre.latest is not None, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: not stage.theatre.is_running, timeout=PATIENCE_MS)
