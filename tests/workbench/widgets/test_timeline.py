"""The shared view of time: zoom keeps the moment under the cursor, following, loops, lengths that grow."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbench.widgets.hands import heard
from workbench.widgets.timeline import FOLLOW_AT, LEAST_FIT, SHORTEST, Timeline


@pytest.fixture
def line() -> Timeline:
    made = Timeline()
    made.set_duration(100.0)
    return made


def test_an_empty_piece_has_an_axis() -> None:
    line = Timeline()
    assert (line.start, line.span, line.playhead) == (0.0, LEAST_FIT, 0.0)
    line.set_duration(math.nan)
    assert line.duration == 0.0
    line.set_playhead(math.inf)
    assert line.playhead == 0.0


def test_a_view_of_the_whole_grows_with_the_piece_and_any_other_stays(line: Timeline) -> None:
    assert line.is_fitted
    line.set_duration(200.0)
    assert line.is_fitted
    line.show_span(50, 60)
    line.set_duration(300.0)
    assert (line.start, line.span) == (50.0, 10.0)


def test_zoom_keeps_the_moment_in_its_place(line: Timeline) -> None:
    line.show_span(20, 60)
    line.zoom(0.5, 30.0)
    assert (line.start, line.span) == (25.0, 20.0)
    for _ in range(60):
        line.zoom(0.5, 30.0)
    assert line.span == SHORTEST
    assert line.start <= 30.0 <= line.end
    for _ in range(60):
        line.zoom(2.0, 30.0)
    assert line.is_fitted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(-50, 200), st.floats(-300, 300)), max_size=12))
def test_the_view_never_leaves_the_piece(moves: list[tuple[float, float, float]]) -> None:
    line = Timeline()
    line.set_duration(100.0)
    for factor, at, by in moves:
        line.zoom(factor, at)
        line.scroll(by)
        assert line.start >= 0
        assert line.end <= 102.0 + 1e-6
        assert line.span >= SHORTEST - 1e-9


def test_the_view_goes_along_with_the_playhead_until_a_hand_scrolls(line: Timeline) -> None:
    line.show_span(0, 10)
    said = heard(line.following_changed)
    line.set_playhead(50.0)
    assert line.start == pytest.approx(50 - 10 * FOLLOW_AT)
    line.scroll(-20)
    assert said == [(False,)]
    before = line.start
    line.set_playhead(51.0)
    assert line.start == before
    line.set_following(True)
    assert line.start == pytest.approx(51 - 10 * FOLLOW_AT)


def test_the_playhead_stays_within_the_piece_and_says_where_it_was(line: Timeline) -> None:
    said = heard(line.playhead_moved)
    line.set_playhead(500.0)
    line.set_playhead(-1.0)
    line.set_playhead(0.0)
    assert said == [(0.0, 100.0), (100.0, 0.0)]
    line.set_playhead(80.0)
    line.set_duration(40.0)
    assert line.playhead == 40.0


def test_loops_are_put_in_order_clipped_and_refused_when_too_short(line: Timeline) -> None:
    said = heard(line.loop_changed)
    line.set_loop((60.0, 20.0))
    assert line.loop == (20.0, 60.0)
    line.set_loop((-5.0, 400.0))
    assert line.loop == (0.0, 100.0)
    line.set_duration(50.0)
    assert line.loop == (0.0, 50.0)
    line.set_loop((3.0, 3.01))
    assert line.loop is None
    line.set_loop(None)
    assert len(said) == 4


def test_reveal_scrolls_no_more_than_needed(line: Timeline) -> None:
    line.show_span(20, 30)
    line.reveal(22, 24)
    assert line.start == 20
    line.reveal(31, 33)
    assert line.start == pytest.approx(23)
    line.reveal(10, 11)
    assert line.start == 10


def test_the_longest_piece_counts() -> None:
    line = Timeline()
    line.set_duration(30.0, of="source")
    line.set_duration(20.0, of="result")
    assert line.duration == 30.0
    line.set_duration(10.0, of="source")
    assert line.duration == 20.0
