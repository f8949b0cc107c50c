"""Pictures in any layout become the same pixels; signed pictures keep their signs; ink is readable."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench import colormaps
from workbench.widgets.pixels import channels_last, contrast, reach, rgba_of, signed_rgba, strongest, wants_light_ink


def test_every_layout_gives_the_same_picture() -> None:
    planes = np.random.default_rng(0).random((3, 5, 7))
    assert np.array_equal(channels_last(planes), channels_last(planes.transpose(1, 2, 0)))
    assert channels_last(planes[0]).shape == (5, 7, 1)
    assert channels_last(np.zeros((3, 4, 3))).shape == (4, 3, 3), "the engines' layout wins"
    with pytest.raises(ValueError, match="got shape"):
        channels_last(np.zeros((2, 5, 5)))


def test_pixels_are_clipped_and_gaps_are_transparent() -> None:
    rgba = rgba_of(np.array([[0.0, 0.5, 2.0, np.nan]]))
    assert rgba[0, :, 0].tolist() == [0, 128, 255, 0]
    assert rgba[0, :, 3].tolist() == [255, 255, 255, 0]
    assert rgba_of(np.full((2, 2), 200, np.uint8))[0, 0].tolist() == [200, 200, 200, 255]


def test_changes_of_two_channels_do_not_cancel() -> None:
    change = np.zeros((3, 1, 2))
    change[0, 0, 0], change[1, 0, 0] = 0.2, -0.3
    assert strongest(change).tolist() == [[-0.3, 0.0]]


@pytest.mark.parametrize("dark", [False, True])
def test_a_signed_picture_is_symmetric_about_the_neutral(dark: bool) -> None:
    rgba = signed_rgba(np.array([[-1.0, 0.0, 1.0]]), 1.0, colormaps.diverging(dark)).astype(int)
    assert rgba[0, 0, 2] > rgba[0, 0, 0], "blue below zero"
    assert rgba[0, 2, 0] > rgba[0, 2, 2], "orange above"
    lab = colormaps.oklab(rgba[0, :, :3])
    assert abs(lab[0, 0] - lab[2, 0]) < 0.08, "both ends are about as far from the neutral"


def test_the_reach_of_nothing_is_one() -> None:
    assert reach(np.zeros((2, 2))) == 1.0
    assert reach(np.zeros((0, 2))) == 1.0
    assert reach(np.array([np.nan, -3.0])) == 3.0


@given(arrays(np.uint8, (3,)))
def test_ink_reads_on_every_colour(rgb: np.ndarray) -> None:
    ink = np.array([255, 255, 255] if wants_light_ink(rgb) else [16, 18, 24])
    assert contrast(rgb, ink) >= 4.3, "WCAG AA for text asks for 4.5, 3 for the bold figures in use"


@given(st.floats(0, 1), st.booleans(), st.booleans())
def test_figures_read_on_every_colour_of_our_maps(place: float, dark: bool, signed: bool) -> None:
    rgb = (colormaps.diverging if signed else colormaps.sequential)(dark).rgba(np.float64(place), 0, 1)[:3]
    ink = np.array([255, 255, 255] if wants_light_ink(rgb) else [16, 18, 24])
    assert contrast(rgb, ink) >= 4.3
