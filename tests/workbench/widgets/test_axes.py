"""Round numbers on axes, and level lines that lie where a field crosses its level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.widgets.axes import level_lines, region_borders, tick_text, ticks


@given(st.floats(-100, 100), st.floats(1e-6, 1e6), st.integers(2, 12))
def test_ticks_are_within_and_few(place: float, span: float, most: int) -> None:
    low = place * span
    at = ticks(low, low + span, most)
    assert 2 <= len(at) <= most + 1
    slack = 1e-6 * span
    assert all(low - slack <= value <= low + span + slack for value in at)


def test_ticks_are_round_and_written_alike() -> None:
    at = ticks(-0.43, 0.41, 6)
    assert at == pytest.approx([-0.4, -0.2, 0.0, 0.2, 0.4])
    assert [tick_text(value, 0.2) for value in at] == ["−0.4", "−0.2", "0.0", "0.2", "0.4"]
    assert ticks(0, 100, 5) == [0, 50, 100]
    assert tick_text(50, 50) == "50"
    assert tick_text(250_000, 50_000) == "2.5e+05"
    assert ticks(3, 3, 5) == [3]
    assert ticks(-4.1, 4.1, 5) == [-4, -2, 0, 2, 4]
    assert ticks(-4.1, 4.1, 3) == [-4, 0, 4]
    assert ticks(-4.1, 4.1, 2) == [-4, 4]


def test_the_level_line_of_a_cone_is_a_circle() -> None:
    y, x = np.indices((41, 41)).astype(float)
    lines = level_lines(np.hypot(x - 20, y - 20), 11.7)
    radii = np.hypot(lines[..., 0] - 20, lines[..., 1] - 20)
    assert len(lines) > 60
    assert np.abs(radii - 11.7).max() < 0.02
    ends, counts = np.unique(lines.reshape(-1, 2).round(6), axis=0, return_counts=True)
    assert (counts == 2).all(), "it is closed"
    assert len(ends) == len(lines)


def test_saddles_do_not_cross() -> None:
    for middle in (1.0, -1.0):
        field = np.array([[1.0, -1.0], [-1.0, 1.0]]) + 0.2 * middle
        lines = level_lines(field, 0.0)
        assert len(lines) == 2
        (a, b), (c, d) = lines
        sides = [(b - a)[0] * (p - a)[1] - (b - a)[1] * (p - a)[0] for p in (c, d)]
        assert np.sign(sides[0]) == np.sign(sides[1])


def test_unknown_samples_and_small_fields_have_no_lines() -> None:
    field = np.array([[1.0, np.nan], [-1.0, -1.0]])
    assert level_lines(field, 0.0).shape == (0, 2, 2)
    assert level_lines(np.ones((1, 5)), 0.5).shape == (0, 2, 2)


def test_borders_run_between_classes() -> None:
    borders = region_borders(np.array([[0, 0, 1], [0, 0, 1]]))
    assert borders.tolist() == [[[1.5, -0.5], [1.5, 0.5]], [[1.5, 0.5], [1.5, 1.5]]]
    assert region_borders(np.zeros((3, 3), int)).shape == (0, 2, 2)
