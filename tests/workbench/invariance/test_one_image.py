"""One image under the hand, as a person turns it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from engines.invariance.snapshots import LiveSnapshot
from tests.workbench.invariance.windows import NAMES, PATIENCE_MS, export, opened_invariance, stroke, wait_live
from tests.workbench.windows import light_theme
from workbench.panels.invariance import one_image
from workbench.panels.invariance.microscope import Microscope


def test_the_first_view_answers_without_a_click(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        one = panel.one
        assert [ring.name for ring in one.dial.rings] == ["Small stdcnn", "Small stdcnn", "Small gcnn"]
        assert all((ring.classes >= 0).all() for ring in one.dial.rings)
        assert len(one.verdicts.verdicts) == 3 and all(v.says for v in one.verdicts.verdicts)
        assert one.inspector.model.currentData() == NAMES[2]  # the equivariant one is looked into first
        assert one.inspector.shown.is_equivariant and "equivariant" in one.inspector.residual.text()
        assert one.microscope.shown is not None and "DeepFool" in one.microscope.said.text()
        path = export(panel, "dial-csv", tmp_path / "dial.csv")
        with path.open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 72 and rows[0]["Small gcnn: class"] in "0123456789"
        for name in ("dial-png", "slice-png", "maps-png"):
            assert export(panel, name, tmp_path / f"{name}.png").stat().st_size > 1000


def test_dragging_the_knob_turns_the_image_and_keeps_the_rings(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        dial = panel.one.dial
        rings = dial.rings[0].classes.copy()
        target = dial.point_of(90.0)
        qtbot.mousePress(dial, Qt.MouseButton.LeftButton, pos=dial.knob())
        qtbot.mouseMove(dial, target)
        qtbot.mouseRelease(dial, Qt.MouseButton.LeftButton, pos=target)
        assert abs(dial.angle - 90) < 2

        def at_the_angle(snapshot: LiveSnapshot) -> bool:
            return snapshot.done and snapshot.dial is not None and snapshot.dial.angle == dial.angle

        if panel.one.live.latest is None or not at_the_angle(panel.one.live.latest):
            with qtbot.waitSignal(panel.one.live.answered, timeout=PATIENCE_MS, check_params_cb=at_the_angle):
                pass
        assert (dial.rings[0].classes == rings).all()
        image = panel.one.live.latest.dial.turned
        assert image.shape == (1, 28, 28) and not np.array_equal(image, panel.one.live.image)
        qtbot.keyClick(dial, Qt.Key.Key_Home)
        assert dial.angle == 0


def test_quarter_turns_stay_exact_and_an_odd_size_breaks_them(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        inspector = panel.one.inspector
        for turns in (2, 3):
            qtbot.mouseClick(inspector.turn_button, Qt.MouseButton.LeftButton)
            qtbot.waitUntil(lambda n=turns: inspector.shown.turns == n, timeout=PATIENCE_MS)
            assert inspector.shown.relative < 1e-5
        qtbot.mouseClick(inspector.odd, Qt.MouseButton.LeftButton, pos=QPoint(8, inspector.odd.height() // 2))
        qtbot.waitUntil(lambda: inspector.shown.odd, timeout=PATIENCE_MS)
        assert not inspector.shown.is_equivariant and "broken" in inspector.residual.text()
        inspector.odd.setChecked(False)
        at = inspector.model.findData(NAMES[0])
        inspector.model.setCurrentIndex(at)
        inspector.model.activated.emit(at)
        qtbot.waitUntil(lambda: inspector.shown.model == NAMES[0] and not inspector.shown.odd, timeout=PATIENCE_MS)
        assert "not equivariant" in inspector.residual.text()
        assert len(inspector.board.rows) == 1


def test_a_drawing_is_turned_like_a_picture_and_can_be_undone(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        box = panel.one.pictures
        box.tabs.setCurrentIndex(1)
        assert "Draw" in box.note.text()
        box.pad.set_pixels(stroke())
        wait_live(qtbot, panel)
        drawn = panel.one.live.image
        assert drawn.max() > 0.8 and drawn[0, :4].max() == 0  # centred as MNIST's
        assert all(v.right is None for v in panel.one.verdicts.verdicts)  # nobody knows its true class
        box.pad.sheet.undo()
        box.tabs.setCurrentIndex(0)
        assert not np.array_equal(panel.one.live.image, drawn)


def test_ticking_models_changes_the_rings(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        row = next(i for i, info in enumerate(panel.form.models.model.infos) if info.name == NAMES[0])
        panel.form.models.model.toggle(row)
        wait_live(qtbot, panel)
        assert len(panel.one.dial.rings) == 2
        panel.form.models.set_selection([])
        panel._models_changed()
        assert panel.one.dial.rings == () and "Tick models" in panel.one.status.text()
        assert panel.one.inspector.request() is None and panel.one.microscope.request() is None


def test_an_empty_slice_says_what_it_waits_for(qtbot: QtBot) -> None:
    microscope = Microscope(light_theme())
    qtbot.addWidget(microscope)
    assert "first picture" in microscope.field._note


def test_sliders_of_the_slice_ask_anew(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        microscope = panel.one.microscope
        microscope.extent.setValue(80)
        qtbot.waitUntil(lambda: microscope.shown.extent == 8.0, timeout=PATIENCE_MS)
        assert microscope.field.extent[1] > 8.0
        panel.one.live.cut(microscope.request())


def test_a_slider_is_answered_at_its_first_move_and_the_last_one_counts(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        microscope, asked = panel.one.microscope, []
        microscope.requested.connect(asked.append)
        for value in range(60, 70):
            microscope.extent.setValue(value)
        assert [wanted.extent for wanted in asked] == [6.0]
        qtbot.waitUntil(lambda: len(asked) == 2, timeout=PATIENCE_MS)
        assert asked[1].extent == 6.9
        with qtbot.waitSignal(microscope._later.timeout, timeout=PATIENCE_MS):
            pass
        assert len(asked) == 2  # nothing has moved since


def test_run_turns_the_image_once_round_and_stop_stays_where_it_is(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_image, "ROUND_MS", 600)
    with opened_invariance(qtbot) as (_, panel):
        wait_live(qtbot, panel)
        one, asked = panel.one, []
        monkeypatch.setattr(one.live, "ask", lambda **changes: asked.append(changes))
        one.dial.set_angle(30.0)
        with qtbot.waitSignal(one.turning_changed, timeout=PATIENCE_MS):
            panel.run_button.press()
        assert panel.run_button.state == "running" and panel.tabs.currentIndex() == 0
        qtbot.waitUntil(lambda: panel.run_button.state == "idle", timeout=PATIENCE_MS)
        assert one.dial.angle == 30.0 and len({a["angle"] for a in asked}) > 2
        monkeypatch.setattr(one_image, "ROUND_MS", 600_000)
        for ends in (panel.run_button.press, lambda: qtbot.keyClick(one.dial, Qt.Key.Key_Left),
                     lambda: panel.tabs.setCurrentIndex(1)):  # fmt: skip
            panel.run_button.press()
            assert panel.run_button.state == "running"
            ends()
            assert panel.run_button.state == "idle" and not one._clock.isActive()


def test_closing_while_it_works_leaves_nothing(qtbot: QtBot) -> None:
    with opened_invariance(qtbot) as (_, panel):
        panel.one.dial.set_angle(33)
        panel.one._turned(33.0)
