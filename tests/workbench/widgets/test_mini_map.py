"""The overview shows where notes are thick and moves the view that rolls share."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, drag, move, shown, wheel
from tests.workbench.widgets.music import notes_of, scale
from workbench.theme import Theme
from workbench.widgets.mini_map import MiniMap, density
from workbench.widgets.roll_notes import RollNotes
from workbench.widgets.timeline import Timeline


@pytest.fixture
def overview(qtbot: QtBot, theme: Theme) -> MiniMap:
    line = Timeline()
    line.set_duration(100.0)
    made = shown(qtbot, MiniMap(theme, line), 846, 40)
    made.set_notes(scale(100, 1.0))
    line.show_span(40, 60)
    return made


def at(overview: MiniMap, seconds: float) -> QPoint:
    return overview.place_of(seconds).toPoint()


def test_density_counts_notes_where_they_sound() -> None:
    full = density(notes_of((0, 5, 60, 64), (5, 10, 72, 64), (5, 10, 72, 64)), 10, 12, 10.0)
    assert full.shape == (12, 10)
    assert full[:6, :5].max() == 0
    assert full[6:, 5:].max() == 0
    assert full[6:, :5].max() == pytest.approx(1 / 2)
    assert full[:6, 5:].max() == pytest.approx(2 / 3)
    assert density(notes_of((9.999, 10, 60, 64)), 10, 4, 10.0)[:, 9].max() == 0.5, "a grace note at the end is seen"
    for columns, rows, seconds in ((0, 4, 1.0), (4, 0, 1.0), (4, 4, 0.0)):
        assert not density(scale(), columns, rows, seconds).any()
    assert not density(RollNotes.empty(), 4, 4, 1.0).any()


def test_dragging_the_window_scrolls(overview: MiniMap) -> None:
    drag(overview, [at(overview, 50), at(overview, 60), at(overview, 70)])
    assert overview.timeline.start == pytest.approx(60, abs=0.3)
    assert overview.timeline.span == pytest.approx(20)
    assert not overview.timeline.is_following
    assert overview.accessibleDescription().startswith("Shows 1:00.")


def test_a_press_elsewhere_brings_the_window_there(overview: MiniMap, qtbot: QtBot) -> None:
    qtbot.mouseClick(overview, Qt.MouseButton.LeftButton, pos=at(overview, 20))
    assert overview.timeline.start == pytest.approx(10, abs=0.3)
    qtbot.mouseClick(overview, Qt.MouseButton.LeftButton, pos=QPoint(845, 20))
    assert overview.timeline.end == pytest.approx(102, abs=0.3)


def test_edges_stretch_the_window_and_never_turn_it_inside_out(overview: MiniMap) -> None:
    drag(overview, [at(overview, 40), at(overview, 30)])
    assert (overview.timeline.start, overview.timeline.end) == (pytest.approx(30, abs=0.3), pytest.approx(60))
    drag(overview, [at(overview, 60), at(overview, 80)])
    assert overview.timeline.end == pytest.approx(80, abs=0.3)
    drag(overview, [at(overview, 80), at(overview, 5)])
    assert overview.timeline.start == pytest.approx(30, abs=0.3)
    assert overview.timeline.span == pytest.approx(0.25, abs=0.01)


def test_wheel_and_keys(overview: MiniMap, qtbot: QtBot) -> None:
    line = overview.timeline
    wheel(overview, at(overview, 50), 1)
    assert line.span == pytest.approx(16)
    for key, check in (
        (Qt.Key.Key_Home, lambda: line.start == 0),
        (Qt.Key.Key_Right, lambda: line.start == pytest.approx(1.6)),
        (Qt.Key.Key_Left, lambda: line.start == pytest.approx(0)),
        (Qt.Key.Key_End, lambda: line.end == pytest.approx(102)),
        (Qt.Key.Key_Minus, lambda: line.span == pytest.approx(20)),
        (Qt.Key.Key_Plus, lambda: line.span == pytest.approx(16)),
        (Qt.Key.Key_0, lambda: line.is_fitted),
    ):
        qtbot.keyClick(overview, key)
        assert check(), key
    line.show_span(10, 20)
    qtbot.mouseDClick(overview, Qt.MouseButton.LeftButton, pos=at(overview, 50))
    assert line.is_fitted


def test_what_is_not_seen_is_veiled_and_the_loop_is_marked(overview: MiniMap, theme: Theme) -> None:
    inside = colour_at(overview, QPoint(at(overview, 50).x(), 37))
    outside = colour_at(overview, QPoint(at(overview, 90).x(), 37))
    assert inside != outside
    overview.timeline.set_loop((85, 95))
    assert colour_at(overview, QPoint(at(overview, 90).x(), 38)).name() == theme.colours.accent
    overview.timeline.set_playhead(20)
    assert colour_at(overview, at(overview, overview.timeline.playhead)).name() != outside.name()


def test_places_are_told_and_taken_out(overview: MiniMap) -> None:
    assert overview.tip_at(QPointF(at(overview, 50))).startswith("0:50") or overview.tip_at(
        QPointF(at(overview, 50))
    ).startswith("0:49")
    assert overview.tip_at(QPointF(3, 3)) == ""
    assert np.array_equal(overview.columns()["notes that begin"], np.ones(100))
    overview.set_notes(None)
    assert overview.columns() == {}
    move(overview, at(overview, 50))
    overview.grab()
