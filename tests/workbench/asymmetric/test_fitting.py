"""Which detectors fit which pictures is said, and a drawn digit works with the default, with MNIST and without."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.asymmetric.spec import SHIPPED, SHIPPED_DIGITS
from engines.core import data
from tests.workbench.asymmetric.detection_windows import PATIENCE_MS, opened_detection, wait_judged
from tests.workbench.windows import opened_window
from workbench.panels.asymmetric.bank_form import banks, misfit
from workbench.panels.asymmetric.panel import BENCH, GRID_TAB, DetectionPanel
from workbench.panels.registry import PANELS

pytestmark = pytest.mark.usefixtures("home")
ONLY = tuple(info for info in PANELS if info.topic == "asymmetric")


def zero() -> np.ndarray:
    """A ring as a hand draws a 0, uint8 [28, 28]."""
    y, x = np.mgrid[:28, :28]
    ring = np.abs(np.hypot((x - 13.5) / 6.5, (y - 13.5) / 9.5) - 1) * 7.5
    return (255 * np.clip(2.2 - ring, 0, 1)).astype(np.uint8)


def _say_of_mnist(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """MNIST is "ready" on this machine, or "missing"."""
    true = data.status

    def status(name: str, **options: object) -> object:
        return SimpleNamespace(state=state) if name == "mnist" and not options else true(name, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(data, "status", status)


@pytest.mark.parametrize(("state", "default"), [("missing", SHIPPED_DIGITS), ("ready", SHIPPED)])
def test_a_drawn_digit_is_named_by_the_default_detectors(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, state: str, default: str
) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    with monkeypatch.context() as patch:
        if state == "ready":
            _say_of_mnist(patch, state)
        assert banks()[0].name == default
    with opened_window(qtbot, panels=ONLY, size=(1400, 900)) as window:
        window.show_panel("asymmetric")
        panel = window.panel("asymmetric")
        assert isinstance(panel, DetectionPanel)
        panel.form.refresh(default)
        panel.form.changed.emit()
        view = panel.morph
        view.pictures.tabs.setCurrentIndex(1)
        view.controls.steps.setValue(5)
        view.pictures.pad.drawn.emit(zero())
        wait_judged(qtbot, panel)
        view.twins.scrubber.set_frame(0)
        wait_judged(qtbot, panel)
        verdict = view.verdict.verdict
        assert verdict.z.argmax() == 0 and verdict.f.argmax() == 0
        assert [d.outcome for d in view.verdict.decisions] == ["accepted", "accepted"]


def test_the_form_says_what_the_detectors_know(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        assert "8×8 digits" in panel.form.about.text() and "drawn" in panel.form.about.text()
        panel.form.refresh(SHIPPED)
        assert "MNIST" in panel.form.about.text()


def test_detectors_of_other_pictures_are_a_warning_with_a_way_out(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    with opened_detection(qtbot, live=False) as (_, panel):
        assert not panel.messages.messages()
        panel.form.refresh(SHIPPED)
        panel.form.changed.emit()
        (warning,) = panel.messages.messages()
        assert "57" in warning.what and warning.kind == "warn"
        panel._take_small()
        assert panel.form.bank.name == SHIPPED_DIGITS and not panel.messages.messages()


def test_only_named_sets_can_misfit() -> None:
    by_name = {info.name: info for info in banks()}
    small, large = by_name[SHIPPED_DIGITS], by_name[SHIPPED]
    assert not misfit(small, "digits") and not misfit(large, "mnist") and not misfit(large, "/my/own/folder")
    assert "57" in misfit(large, "digits") and "Fashion" in misfit(large, "fashion-mnist")
    assert "not" in misfit(small, "mnist")


def test_the_sliders_of_forms_reach_as_far_as_radii_are_usual(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        for number in (BENCH, GRID_TAB):
            editor = panel.stage(number).form.editor("eps")
            panel.stage(number).form.set_values({"norm": "linf", "eps": 0.3})
            editor.slider.setValue(editor.slider.value() + 1)
            assert editor.value() == pytest.approx(0.301)  # a stop is a thousandth, not a twentieth
            panel.stage(number).form.set_values({"norm": "l2", "eps": 2.5})
            editor.slider.setValue(editor.slider.value() + 1)
            assert editor.value() == pytest.approx(2.51)
            panel.stage(number).form.set_values({"eps": 40})
            assert panel.stage(number).form.read().eps == 40


def test_the_curve_of_detection_zooms_to_high_rates(qtbot: QtBot) -> None:
    with opened_detection(qtbot, live=False) as (_, panel):
        stage = panel.stage(BENCH)
        stage.form.set_values(
            {"images": 20, "steps": 3, "auc_images": 5, "auc_steps": (2, 4), "attacks": ("combined",)}
        )
        panel.run()
        qtbot.waitUntil(lambda: stage.result is not None, timeout=PATIENCE_MS)
        stage.axis.setCurrentIndex(stage.axis.findData(95.0))
        assert stage.roc.axes.vb.viewRange()[1] == pytest.approx([95, 100], abs=0.3)
        stage.slider.setValue(300)
        stage.rule.setCurrentIndex(1)
        stage.rule.activated.emit(1)
        assert stage.roc.axes.vb.viewRange()[1] == pytest.approx([95, 100], abs=0.3)  # another rule keeps it
        low = stage.auc.plot.axes.vb.viewRange()[1][0]
        assert low <= float(stage.result.auc.min()) and stage.save_state()["axis"] == stage.axis.currentIndex()
