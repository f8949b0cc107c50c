"""The dial turns by hand, wheel and keys, and its rings say class, confidence and flips at every angle."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import SHIFT, colour_at, drag, heard, rest, shown, wheel
from workbench.theme import Theme
from workbench.widgets.class_colours import class_rgb, shade, short_names
from workbench.widgets.pixels import contrast
from workbench.widgets.polar import PolarDial, Ring
from workbench.widgets.polar_raster import runs

DIGITS = tuple("0123456789")


def quarters() -> Ring:
    """6 and 9 by turns, a quarter each, centred on 0°, 90°, 180°, 270°."""
    classes = np.repeat([6, 9, 6, 9], 90)
    return Ring("p4", np.roll(classes, -45), np.ones(360))


@pytest.fixture
def dial(qtbot: QtBot, theme: Theme) -> PolarDial:
    made = shown(qtbot, PolarDial(theme), 400, 460)
    made.set_rings([quarters(), Ring("half", np.full(360, 6), np.full(360, 0.5))], DIGITS, label=6)
    return made


def hex_of(rgb: np.ndarray) -> str:
    return "#" + "".join(f"{int(v):02x}" for v in rgb)


def test_angles_run_counter_clockwise_from_the_top(dial: PolarDial) -> None:
    centre, _ = dial._circle(dial.rect())
    left = dial.point_of(90)
    assert left.x() < centre.x()
    assert abs(left.y() - centre.y()) < 2
    assert dial.point_of(0).y() < centre.y()


def test_dragging_the_knob_turns_it(dial: PolarDial) -> None:
    moving, done = heard(dial.angle_changing), heard(dial.angle_changed)
    drag(dial, [dial.knob(), dial.point_of(30), dial.point_of(90)])
    assert done == [(90.0,)]
    assert moving[-1] == (90.0,)
    assert (30.0,) in moving
    assert dial.angle == 90.0


def test_shift_snaps(dial: PolarDial) -> None:
    done = heard(dial.angle_changed)
    drag(dial, [dial.knob(), dial.point_of(97)], keys=SHIFT)
    assert done == [(90.0,)]


def test_the_middle_is_no_handle(dial: PolarDial, qtbot: QtBot) -> None:
    centre, _ = dial._circle(dial.rect())
    said = heard(dial.angle_changed)
    qtbot.mouseClick(dial, Qt.MouseButton.LeftButton, pos=centre.toPoint())
    assert said == []


def test_keys_turn_and_go_round(dial: PolarDial, qtbot: QtBot) -> None:
    keys = Qt.Key
    for key in (keys.Key_Right, keys.Key_PageUp, keys.Key_Left, keys.Key_Up, keys.Key_Down):
        qtbot.keyClick(dial, key)
    assert dial.angle == 15.0
    qtbot.keyClick(dial, keys.Key_Right, SHIFT)
    assert dial.angle == 0.0
    qtbot.keyClick(dial, keys.Key_PageDown)
    assert dial.angle == 345.0
    qtbot.keyClick(dial, keys.Key_Home)
    assert dial.angle == 0.0


def test_the_wheel_turns_it_only_while_it_has_the_focus(dial: PolarDial) -> None:
    said = heard(dial.angle_changed)
    dial.clearFocus()
    wheel(dial, QPoint(100, 100), 1)
    assert said == [], "the page scrolls"
    dial.setFocus()
    wheel(dial, QPoint(100, 100), 1)
    wheel(dial, QPoint(100, 100), -1, SHIFT)
    assert said == [(1.0,), (346.0,)]


def test_setting_the_angle_says_nothing(dial: PolarDial) -> None:
    said = heard(dial.angle_changed)
    dial.set_angle(-90)
    assert dial.angle == 270.0
    assert said == []
    assert dial.accessibleDescription().startswith("270°, p4: 9, 100\u202f%, half: 6, 50\u202f%")


def test_sectors_have_the_colours_of_class_and_confidence(dial: PolarDial, theme: Theme) -> None:
    colours = class_rgb(10)
    for degrees, number in ((20, 6), (70, 9), (160, 6), (290, 9)):
        assert colour_at(dial, dial.point_of(degrees, 0)).name() == hex_of(colours[number])
    faint = colour_at(dial, dial.point_of(20, 1))
    sunken = tuple(int(theme.colours.sunken[i : i + 2], 16) for i in (1, 3, 5))
    assert faint.name() == hex_of(shade(np.array(6), 0.5, colours, sunken))
    theme.set_mode("dark")
    assert colour_at(dial, dial.point_of(20, 0)).name() == hex_of(class_rgb(10, True)[6])
    theme.set_mode("light")


def test_a_wrong_answer_runs_along_its_ring(dial: PolarDial, theme: Theme) -> None:
    centre, radius = dial._circle(dial.rect())
    inner, _ = dial._bands(radius)[0]

    def edge(degrees: float) -> str:
        return colour_at(dial, dial._spot(centre, inner + 1, degrees).toPoint()).name()

    near_red = [edge(d) for d in range(70, 110, 5)]
    assert theme.colours.error in near_red
    assert theme.colours.error not in [edge(d) for d in range(-30, 30, 5)]


def test_what_is_not_known_yet_stays_bare(dial: PolarDial, theme: Theme) -> None:
    classes = np.full(36, 6)
    classes[20:] = -1
    dial.set_rings([Ring("running", classes, np.ones(36))], DIGITS)
    assert colour_at(dial, dial.point_of(300)).name() == theme.colours.sunken
    assert "not known yet" in dial.describe(300)
    assert "6, 100" in dial.describe(10)


def test_a_place_on_a_ring_is_told(dial: PolarDial, qtbot: QtBot) -> None:
    rest(dial, dial.point_of(90, 0))
    qtbot.waitUntil(lambda: QToolTip.text() == "p4 at 90°: 9, 100.0\u202f%")
    QToolTip.hideText()
    assert dial.tip_at(QPointF(1, 1)) == ""


def test_the_turned_picture_is_in_the_middle(dial: PolarDial) -> None:
    centre, _ = dial._circle(dial.rect())
    picture = np.zeros((28, 28))
    picture[:14] = 1
    dial.set_picture(picture)
    assert colour_at(dial, centre.toPoint() - QPoint(0, 10)).name() == "#ffffff"
    assert colour_at(dial, centre.toPoint() + QPoint(0, 10)).name() == "#000000"
    dial.set_picture(None)


def test_odd_rings_are_refused_and_none_are_fine(dial: PolarDial) -> None:
    with pytest.raises(ValueError, match=r"bad: expected \[A\] twice"):
        dial.set_rings([Ring("bad", np.zeros(4, int), np.zeros(5))], DIGITS)
    dial.set_rings([], DIGITS)
    assert dial.columns() == {}
    dial.grab()
    dial.resize(900, 300)
    dial.set_rings([quarters()], ("airplane", "automobile", *DIGITS[2:]))
    dial.grab()


def test_the_rings_are_taken_out(dial: PolarDial, tmp_path: Path) -> None:
    dial.save(tmp_path / "dial.csv")
    rows = list(csv.DictReader((tmp_path / "dial.csv").open()))
    assert len(rows) == 360
    assert rows[90]["p4: class"] == "9"
    assert rows[90]["half: confidence"] == "0.5"
    dial.save(tmp_path / "dial.png")
    assert (tmp_path / "dial.png").stat().st_size > 5000


def test_runs_go_round_the_circle() -> None:
    assert runs(np.array([1, 1, 2, 2, 1])) == [(2, 2), (4, 3)]
    assert runs(np.array([3, 3, 3])) == [(0, 3)]
    assert runs(np.array([], int)) == []


def test_short_names_differ() -> None:
    assert short_names(DIGITS) == DIGITS
    assert short_names(("airplane", "automobile", "bird")) == ("air", "aut", "bir")
    assert short_names(("truck", "trumpet")) == ("truc", "trum")
    assert len(set(short_names(("class one", "class two", "class three")))) == 3


@pytest.mark.parametrize("dark", [False, True])
def test_class_colours_differ_and_stand_out(dark: bool) -> None:
    colours = class_rgb(20, dark).astype(int)
    ground = np.array([18, 20, 25] if dark else [236, 238, 242])
    apart = np.abs(colours[:, None] - colours[None]).sum(axis=2) + 1000 * np.eye(20)
    assert apart.min() > 20
    assert contrast(colours[:10], ground).min() > 1.9
