"""The curriculum trained, stopped, gone on with, and its network as a dot of the plane."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.workbench.invariance.windows import PATIENCE_MS, export, opened_invariance, said, wait_idle
from workbench.panels.invariance.panel import CURRICULUM, TRADE_OFF

TINY = {"limit": 200, "held_out": 40, "thetas": (60.0, 180.0), "epsilons": (0.05, 0.1), "epochs": (2, 1),
        "adversarial": "fast"}  # fmt: skip


def test_a_curriculum_ends_as_a_dot_that_says_cusp(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(CURRICULUM)
        view = panel.stage(CURRICULUM)
        assert panel.run_button.text() == "Train the stages" and not view.use_button.isEnabled()
        assert not panel._zones["form"].isVisibleTo(panel)
        assert view.table.rowCount() == 3 and view.table.item(0, 4).text() == "–"  # what is asked for, before any run
        view.form.set_values(TINY)
        assert view.table.rowCount() == 2
        panel.run_button.press()
        wait_idle(qtbot, panel)
        assert "held-out images" in view.status.text(), said(panel)
        assert list(view.curves.columns()["epoch"]) == [1, 2, 3]
        assert [view.table.item(row, 1).text() for row in range(2)] == ["±60", "±180"]
        assert "attacked held-out images" in view.table.item(0, 5).toolTip()
        with export(panel, "curriculum-csv", tmp_path / "c.csv").with_name("c-stages.csv").open() as file:
            assert [float(row["eps"]) for row in csv.DictReader(file)] == [0.05, 0.1]
        qtbot.mouseClick(view.use_button, Qt.MouseButton.LeftButton)
        (name,) = [n for n in panel.form.models.selection() if n.startswith("cusp-")]
        assert not view.use_button.isEnabled() and name in view.use_button.toolTip()
        panel.form.models.set_selection([name])
        panel._models_changed()
        panel.tabs.setCurrentIndex(TRADE_OFF)
        plane = panel.stage(TRADE_OFF)
        plane.form.set_values(
            {"images": 40, "attacked": 20, "steps": 3, "thetas": (0.0, 180.0), "epsilons": (0.0, 0.1)}
        )
        panel.run_button.press()
        wait_idle(qtbot, panel)
        assert plane.plane._marks["model0"].text == "CuSP ±180°, ε 0.1", said(panel)
        assert plane.table.item(0, 1).text() == "CuSP ±180°, ε 0.1"


def test_a_stopped_curriculum_goes_on_and_a_wrong_one_is_refused(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(CURRICULUM)
        view = panel.stage(CURRICULUM)
        view.form.set_values({**TINY, "epochs": (1,)})
        panel.run_button.press()
        assert "as many θ as ε as epochs" in said(panel) and not panel.is_busy()
        assert not view.resume_button.isEnabled()
        view.form.set_values({**TINY, "epochs": (2, 60)})
        panel.run_button.press()
        qtbot.waitUntil(lambda: view._shown is not None and view._shown.stage == 1
                        and len(view._shown.history["epoch"]) > 2, timeout=PATIENCE_MS)  # fmt: skip
        panel.run_button.press()
        wait_idle(qtbot, panel)
        assert "Stopped. The last epoch is kept" in view.status.text() and view.resume_button.isEnabled()
        assert not view.use_button.isEnabled()
        view.resume()
        assert panel.is_busy() and view.form.read().epochs == (2, 60)
        panel.stop()
        wait_idle(qtbot, panel)
