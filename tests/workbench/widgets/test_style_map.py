"""The map of styles: the puck stands for the nearest pieces, by mouse and by keys."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import SHIFT, colour_at, drag, heard, move, shown
from workbench.theme import Theme
from workbench.widgets.style_map import StyleMap, blend_weights

POINTS = np.array([(0.0, 0.0), (4.0, 0.0), (0.0, 3.0), (4.0, 3.0)])
NAMES = ("Chorale", "Ragtime", "Étude", "Nocturne")


@pytest.fixture
def pad(qtbot: QtBot, theme: Theme) -> StyleMap:
    made = shown(qtbot, StyleMap(theme), 420, 360)
    made.set_points(POINTS, NAMES, ("ours", "ours", "mine", "mine"))
    return made


def spot(pad: StyleMap, x: float, y: float) -> QPoint:
    return pad.place_of(x, y).toPoint()


def test_shares_fall_with_distance_and_sum_to_one() -> None:
    which, share = blend_weights(POINTS, (1.0, 0.0))
    assert which.tolist() == [0, 1, 2]
    assert share.sum() == pytest.approx(1)
    assert share[0] / share[1] == pytest.approx(9)
    which, share = blend_weights(POINTS, (4.0, 3.0))
    assert (which.tolist(), share.tolist()) == ([3], [1.0])
    assert len(blend_weights(np.zeros((0, 2)), (0, 0))[0]) == 0
    assert blend_weights(POINTS, (2.0, 1.5), 4)[1] == pytest.approx([0.25] * 4)


def test_dragging_the_puck_blends(pad: StyleMap) -> None:
    moving, done = heard(pad.puck_moving), heard(pad.puck_moved)
    assert pad.puck == (2.0, 1.5)
    drag(pad, [spot(pad, 2, 1.5), spot(pad, 1, 1), spot(pad, 0.5, 0.5)])
    assert len(done) == 1
    assert done[0] == pytest.approx((0.5, 0.5), abs=0.03)
    assert moving[-1] == done[0]
    assert pad.in_words().startswith("Chorale 9")
    assert pad.accessibleDescription().startswith("4 pieces. The puck: Chorale 9")


def test_a_click_beside_brings_the_puck_and_one_on_a_point_chooses_it(pad: StyleMap, qtbot: QtBot) -> None:
    chosen, done = heard(pad.point_chosen), heard(pad.puck_moved)
    qtbot.mouseClick(pad, Qt.MouseButton.LeftButton, pos=spot(pad, 3, 2))
    assert chosen == []
    assert done[-1] == pytest.approx((3, 2), abs=0.03)
    qtbot.mouseClick(pad, Qt.MouseButton.LeftButton, pos=spot(pad, 4, 0))
    assert chosen == [(1,)]
    assert done[-1] == (4.0, 0.0)
    drag(pad, [spot(pad, 0, 3), spot(pad, 1, 2)])
    assert chosen == [(1,)], "dragging from a point moves the puck"
    assert done[-1] == pytest.approx((1, 2), abs=0.05)


def test_the_puck_stays_on_the_map(pad: StyleMap) -> None:
    drag(pad, [spot(pad, 2, 1.5), QPoint(5000, -900)])
    x, y = pad.puck
    assert 4 < x < 5
    assert 3 < y < 4


def test_keys_move_the_puck_and_go_from_point_to_point(pad: StyleMap, qtbot: QtBot) -> None:
    done, chosen = heard(pad.puck_moved), heard(pad.point_chosen)
    qtbot.keyClick(pad, Qt.Key.Key_Right)
    small = pad.puck[0] - 2
    qtbot.keyClick(pad, Qt.Key.Key_Up, SHIFT)
    assert pad.puck[1] - 1.5 == pytest.approx(5 * small)
    for key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp, Qt.Key.Key_Return):
        qtbot.keyClick(pad, key)
    assert chosen == [(0,), (1,), (0,), (0,)]
    assert len(done) == 6


def test_groups_have_colours_and_the_hovered_is_named(pad: StyleMap, theme: Theme) -> None:
    pad.set_puck(2, 1.5)
    first, other = colour_at(pad, spot(pad, 0, 0)), colour_at(pad, spot(pad, 0, 3))
    assert first != other
    theme.set_mode("dark")
    assert colour_at(pad, spot(pad, 0, 0)) != first
    theme.set_mode("light")
    move(pad, spot(pad, 4, 3))
    assert pad._hovered == 3
    pad.grab()


def test_routes_and_marks_are_drawn(pad: StyleMap, theme: Theme) -> None:
    pad.set_puck(0, 3)
    at = spot(pad, 4 * 0.75, 0)
    before = colour_at(pad, at)
    pad.set_route(0, 1, 0.75)
    assert colour_at(pad, at) == before, "the ground of the ring"
    assert colour_at(pad, at + QPoint(0, 5)) != before
    ringed = colour_at(pad, at + QPoint(0, 5))
    pad.set_route(-1, 1, 0)
    assert colour_at(pad, at + QPoint(0, 5)) != ringed
    pad.set_marks([("result", 2.0, 1.0)])
    assert colour_at(pad, spot(pad, 2, 1)).name() == theme.colours.text


def test_odd_input_is_refused_and_none_is_fine(pad: StyleMap, qtbot: QtBot) -> None:
    with pytest.raises(ValueError, match="4 names"):
        pad.set_points(POINTS, ("one",))
    with pytest.raises(ValueError, match="finite"):
        pad.set_points(np.full((1, 2), np.nan), ("one",))
    pad.set_points(np.zeros((0, 2)), ())
    qtbot.keyClick(pad, Qt.Key.Key_Right)
    qtbot.mouseClick(pad, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert pad.columns() == {}
    pad.grab()
    pad.set_points(np.zeros((3, 2)), ("a", "b", "c"))  # all in one place
    pad.grab()
    rng = np.random.default_rng(0)
    pad.set_points(rng.normal(size=(900, 2)), [f"song {k}" for k in range(900)])
    pad.grab()


def test_it_is_taken_out(pad: StyleMap, tmp_path: Path) -> None:
    pad.set_axes("PC 1 (34 %)", "PC 2 (12 %)")
    pad.save(tmp_path / "map.csv")
    rows = list(csv.DictReader((tmp_path / "map.csv").open(encoding="utf-8")))
    assert rows[2] == {"name": "Étude", "PC 1 (34 %)": "0", "PC 2 (12 %)": "3", "group": "mine"}
    pad.save(tmp_path / "map.svg")
    assert "Nocturne" in (tmp_path / "map.svg").read_text(encoding="utf-8")
