"""A plane shows fields the right way up, lets handles be dragged and lines be drawn, and says values everywhere."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import SHIFT, colour_at, drag, heard, move, shown
from workbench.theme import Theme, font
from workbench.widgets.class_colours import class_rgb
from workbench.widgets.field_view import FieldView


@pytest.fixture
def field(qtbot: QtBot, theme: Theme) -> FieldView:
    made = FieldView(theme, "Plane", x="x₁", y="x₂", x_unit="ε", extent=(-2, 2, -1, 3))
    return shown(qtbot, made, 420, 460)


def seen(field: FieldView, x: float, y: float) -> str:
    return colour_at(field, field.point_of(x, y)).name()


def test_y_runs_upwards_and_row_0_is_the_lowest(field: FieldView, theme: Theme) -> None:
    values = np.array([[0.0, 1.0], [0.5, 0.25]])
    field.set_scalar(values, smooth=False)
    colours = theme.sequential()
    assert field.point_of(0, 2).y() < field.point_of(0, -0.5).y()
    assert seen(field, -1, 0) == colours.hex(0.0)
    assert seen(field, 1, 0) == colours.hex(1.0)
    assert seen(field, -1, 2) == colours.hex(0.5)
    assert field.value_at(1, 2) == "0.25"
    assert field.value_at(5, 5) == ""


def test_places_and_points_are_inverse(field: FieldView) -> None:
    x, y = field.point_at(field.place_of(0.7, 1.3))
    assert (x, y) == (pytest.approx(0.7), pytest.approx(1.3))
    one, other = field.place_of(0, 0), field.place_of(1, 1)
    assert abs((other.x() - one.x()) - (one.y() - other.y())) < 1, "both axes have one scale"


def test_a_diverging_field_is_symmetric_and_bare_where_unknown(field: FieldView, theme: Theme) -> None:
    field.set_scalar(np.array([[-1.0, 3.0], [0.0, np.nan]]), diverging=True, smooth=False)
    assert seen(field, 1, 0) == theme.diverging().hex(3, -3, 3)
    assert seen(field, 1, 2) == theme.colours.sunken
    theme.set_mode("dark")
    assert seen(field, 1, 0) == theme.diverging().hex(3, -3, 3)
    theme.set_mode("light")


def test_the_level_line_is_drawn(field: FieldView, theme: Theme) -> None:
    ramp = np.tile(np.linspace(-1, 1, 41), (41, 1))
    field.set_scalar(ramp, diverging=True, level=0.0)
    at = field.point_of(0, 1.5)
    across = [colour_at(field, at + QPoint(dx, 0)).lightness() for dx in range(-6, 7)]
    assert min(across[4:9]) < 120, "a dark line"
    assert max(across[2:6]) > 240, "with a light rim"
    assert across[0] > 200


def test_regions_have_the_colours_of_their_classes(field: FieldView, theme: Theme) -> None:
    classes = np.array([[0, 1], [2, -1]])
    field.set_classes(classes, ("cat", "dog", "ship"), np.array([[1.0, 1.0], [1.0, 0.9]]))
    for (x, y), number in (((-1, 0), 0), ((1, 0), 1), ((-1, 2), 2)):
        assert seen(field, x, y) == "#" + bytes(class_rgb(3)[number]).hex()
    assert seen(field, 1, 2) == theme.colours.sunken
    assert field.value_at(1, 0) == "dog, 100\u202f%"
    assert field.value_at(1, 2) == "not known yet"
    assert "regions of cat, dog, ship" in field.accessibleDescription()


def test_a_click_says_where(field: FieldView, qtbot: QtBot) -> None:
    said = heard(field.clicked)
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton, pos=field.point_of(1.0, 2.0))
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert said == [(pytest.approx(1.0, abs=0.02), pytest.approx(2.0, abs=0.02))]


def test_a_handle_is_dragged_and_stays_inside(field: FieldView) -> None:
    field.set_handle("x", 0.0, 0.0, text="x")
    field.set_handle("fixed", 1.0, 1.0, movable=False)
    moving, moved, clicked = heard(field.point_moving), heard(field.point_moved), heard(field.clicked)
    drag(field, [field.point_of(0, 0), field.point_of(0.5, 0.5), field.point_of(1, 2)])
    assert moved == [("x", pytest.approx(1.0, abs=0.02), pytest.approx(2.0, abs=0.02))]
    assert len(moving) == 2
    assert clicked == []
    assert field.handle_at("x") == (pytest.approx(1.0, abs=0.02), pytest.approx(2.0, abs=0.02))
    drag(field, [field.point_of(1, 2), QPoint(5000, 5000)])
    assert field.handle_at("x") == (2.0, -1.0)
    drag(field, [field.point_of(1, 1), field.point_of(0, 0)])
    assert field.handle_at("fixed") == (1.0, 1.0)
    assert len(clicked) == 1, "one that cannot be moved is no handle"


def test_the_keyboard_moves_handles_and_a_cross(field: FieldView, qtbot: QtBot) -> None:
    clicked, moved = heard(field.clicked), heard(field.point_moved)
    field.set_scalar(np.ones((4, 4)))
    qtbot.keyClick(field, Qt.Key.Key_Right)
    qtbot.keyClick(field, Qt.Key.Key_Up, SHIFT)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert clicked == [(pytest.approx(0.0), pytest.approx(1.4))]
    assert field.accessibleDescription().endswith(": 1")
    field.set_handle("a", 0, 0)
    field.set_handle("b", 1, 1)
    qtbot.keyClick(field, Qt.Key.Key_PageDown)
    qtbot.keyClick(field, Qt.Key.Key_PageDown)
    qtbot.keyClick(field, Qt.Key.Key_Left)
    assert moved == [("b", pytest.approx(0.96), pytest.approx(1.0))]
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    qtbot.keyClick(field, Qt.Key.Key_Left)
    assert len(moved) == 1


def test_lines_are_drawn_by_hand(field: FieldView) -> None:
    drawn, clicked = heard(field.stroke_drawn), heard(field.clicked)
    field.set_drawing(True)
    drag(field, [field.point_of(-1, 0), field.point_of(0, 1), field.point_of(1, 0)])
    ((points,),) = drawn
    assert points == pytest.approx(np.array([[-1, 0], [0, 1], [1, 0]]), abs=0.03)
    assert clicked == []
    field.set_drawing(False)
    drag(field, [field.point_of(-1, 0), field.point_of(0, 1)])
    assert len(drawn) == 1


def test_hovering_says_where_and_leaving_says_nan(field: FieldView) -> None:
    said = heard(field.hovered)
    move(field, field.point_of(0.5, 0.5))
    field.grab()
    QApplication.sendEvent(field, QEvent(QEvent.Type.Leave))
    assert said[0] == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))
    assert math.isnan(said[-1][0])  # type: ignore[arg-type]


def test_marks_are_drawn_by_key_and_named(field: FieldView, theme: Theme) -> None:
    field.set_path("p", np.array([[-2, 1], [2, 1]]), name="path", colour="ok", width=4)
    assert seen(field, 0.3, 1) == theme.colours.ok
    field.set_points("c", np.full((2000, 2), 0.0), name="cloud", colour=1, size=6)
    assert seen(field, 0, 0) == theme.colours.series[1]
    field.set_arrow("a", (0, 2), (1.5, 2), colour="error", width=4)
    assert seen(field, 1.35, 2) == theme.colours.error
    field.remove("p")
    field.remove("never there")
    assert seen(field, 0.3, 1) == theme.colours.sunken
    field.clear_marks()
    assert seen(field, 0, 0) == theme.colours.sunken
    with pytest.raises(ValueError, match="expected points"):
        field.set_points("bad", np.zeros((3, 3)))
    field.set_points("none", np.zeros((0, 2)))
    field.set_path("gaps", np.array([[np.nan, 1], [1, np.inf]]))
    field.set_arrow("nowhere", (0, 0), (0, 0))
    field.grab()


def test_another_part_of_the_plane(field: FieldView) -> None:
    field.set_extent(0, 10, 0, 10)
    assert field.point_at(field.place_of(10, 10)) == (pytest.approx(10), pytest.approx(10))
    with pytest.raises(ValueError, match="left < right"):
        field.set_extent(1, 1, 0, 1)
    field.resize(60, 60)
    field.grab()


def test_the_field_is_taken_out(field: FieldView, tmp_path: Path) -> None:
    assert field.columns() == {}
    field.set_scalar(np.array([[1.0, 2.0]]))
    field.save(tmp_path / "f.csv")
    rows = list(csv.reader((tmp_path / "f.csv").open()))
    assert rows == [["x₁ [ε]", "x₂", "value"], ["-1", "1", "1"], ["1", "1", "2"]]
    field.set_classes(np.array([[0, -1]]), ("a",), np.array([[0.5, 0.0]]))
    assert list(field.columns()["class"]) == ["a", ""]
    field.set_rgba(np.zeros((2, 2, 4), np.uint8))
    assert field.columns() == {}
    field.save(tmp_path / "f.svg")
    field.clear_field()
    assert "no field yet" in field.accessibleDescription()


def test_the_last_number_of_an_axis_fits(qtbot: QtBot, theme: Theme) -> None:
    made = shown(qtbot, FieldView(theme, "Rates", x="rate", extent=(0, 100, 0, 100), equal=False), 380, 300)
    half = QFontMetricsF(font("small")).horizontalAdvance("100") / 2
    assert made.place_of(100, 0).x() + half <= made.width()


def test_a_note_stands_in_an_empty_plane_and_goes_with_the_first_mark(field: FieldView, theme: Theme) -> None:
    def ink() -> int:
        room = field.grab().toImage()
        ground = theme.colours.sunken
        at = field.point_of(0.0, 1.0)
        box = [(x, y) for x in range(at.x() - 60, at.x() + 60) for y in range(at.y() - 12, at.y() + 12)]
        return sum(room.pixelColor(x, y).name() != ground for x, y in box)

    assert ink() == 0
    field.set_note("Measure something to see it here")
    assert ink() > 100 and "Measure something" in field.accessibleDescription()
    field.set_handle("dot", -2.0, -1.0)
    assert ink() == 0
    field.clear_marks()
    assert ink() > 100
    field.set_classes(np.zeros((2, 2), int), ("a",))
    assert "Measure" not in field.accessibleDescription()


def test_texts_of_handles_stay_within_the_plane(field: FieldView, theme: Theme) -> None:
    def columns_with_ink() -> list[int]:
        picture, at = field.grab().toImage(), field.point_of(2.0, 1.0)
        found = []
        for x in range(at.x() - 90, at.x() + 1):
            if any(picture.pixelColor(x, y).name() != theme.colours.sunken for y in range(at.y() - 16, at.y() - 6)):
                found.append(x)
        return found

    field.set_handle("dot", 2.0, 1.0, text="", colour="text", movable=False)
    before = columns_with_ink()
    field.set_handle("dot", 2.0, 1.0, text="at the edge", colour="text", movable=False)
    written = sorted(set(columns_with_ink()) - set(before))
    wide = QFontMetricsF(font("small")).horizontalAdvance("at the edge")
    assert written and written[-1] - written[0] > 0.8 * wide, "the text was cut off at the plane's edge"
