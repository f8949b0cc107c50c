"""The Training tab in all its states: before, running, stopped, resumed, done; looked at and not looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from tests.workbench.asymmetric.detection_windows import PATIENCE_MS, opened_detection
from tests.workbench.runners import wait_end
from workbench.panels.asymmetric.panel import TOY, TRAINING
from workbench.panels.asymmetric.training_stage import BEFORE

pytestmark = pytest.mark.usefixtures("home")
TINY = {"epochs": 3, "updates": 6, "steps": 2, "validation_images": 5, "validation_steps": 2, "companions": False,
        "hidden": (8,)}  # fmt: skip


def test_before_it_says_what_train_does_and_which_settings_mean_nothing(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TRAINING)
        stage = panel.stage(TRAINING)
        assert stage.status.text() == BEFORE
        for button in (stage.use_button, stage.resume_button):
            assert not button.isEnabled() and button.toolTip()
        form = stage.form
        assert not form.editor("side").isEnabled() and "folders" in form.editor("side").toolTip()
        assert form.editor("with_drawn").isEnabled() and not form.editor("with_digits").isEnabled()
        form.set_values({"data": "/some/folder"})
        assert form.editor("side").isEnabled() and not form.editor("with_drawn").isEnabled()


def test_stopped_it_offers_to_go_on_and_done_it_says_so_even_when_it_was_not_looked_at(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TRAINING)
        stage = panel.stage(TRAINING)
        stage.form.set_values({**TINY, "epochs": 500})
        panel.run()
        assert not stage.resume_button.isEnabled() and "under way" in stage.resume_button.toolTip()
        qtbot.waitUntil(lambda: stage._last is not None and len(stage._last.auc) >= 2, timeout=PATIENCE_MS)
        assert "of 3,000" in stage.status.text() and stage.samples.columns()["z_after"].shape == (10,)
        (left, right), _ = stage.losses.axes.vb.viewRange()
        assert left <= 0 and right >= 3000  # the whole plan, so that one sees how far it is
        panel.run_button.press()
        handle = wait_end(qtbot, stage.handle, PATIENCE_MS)
        assert handle.state == "cancelled" and "Stopped" in stage.status.text()
        assert stage.resume_button.isEnabled() and not stage.use_button.isEnabled()

        stage.form.set_values(TINY)
        panel.run()
        panel.tabs.setCurrentIndex(TOY)
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        panel.tabs.setCurrentIndex(TRAINING)
        assert stage.status.text().startswith("Done") and "weakest" in stage.status.text()
        assert len(stage._last.auc) == 3 and stage.use_button.isEnabled()


def test_a_stopped_run_goes_on_to_its_end(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        panel.tabs.setCurrentIndex(TRAINING)
        stage = panel.stage(TRAINING)
        stage.form.set_values({**TINY, "epochs": 12, "updates": 20})
        panel.run()
        qtbot.waitUntil(lambda: stage._last is not None and len(stage._last.auc) >= 1, timeout=PATIENCE_MS)
        panel.stop()
        wait_end(qtbot, stage.handle, PATIENCE_MS)
        if stage.result is not None:
            pytest.skip("it was done before it could be stopped")
        stage.form.set_values({"epochs": 99})
        stage.resume_button.click()
        assert stage.form.values()["epochs"] == 12  # with the settings that it began with
        assert wait_end(qtbot, stage.handle, PATIENCE_MS).state == "done"
        assert stage.result.auc.shape == (12, 10) and "Done" in stage.status.text()


def test_the_auc_axis_shows_what_there_is_to_see_and_can_be_chosen(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        stage = panel.stage(TRAINING)
        stage._draw_aucs(np.array([[0.96, 0.99], [0.97, 0.998]]), 6)

        def shown() -> tuple[float, float]:
            low, high = stage.aucs.axes.vb.viewRange()[1]
            return low, high

        assert shown() == pytest.approx((0.95, 1.0), abs=0.003)
        stage._draw_aucs(np.array([[0.6, 0.99], [0.97, 0.998]]), 6)
        assert shown() == pytest.approx((0.5, 1.0), abs=0.03)
        stage.axis.setCurrentIndex(stage.axis.findText("AUC 0.99 to 1"))
        assert shown() == pytest.approx((0.99, 1.0), abs=0.001)
        stage._draw_aucs(np.array([[0.2, 0.99]]), 6)
        assert shown() == pytest.approx((0.99, 1.0), abs=0.001)  # what the user chose stays
        ticks = [text for _, text in stage.aucs.axes.getAxis("bottom")._tickLevels[0]]
        assert ticks == ["1", "2", "3", "4", "5", "6"]
