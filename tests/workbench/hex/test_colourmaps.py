import numpy as np
import pytest

from workbench.oklab import from_oklab, to_oklab
from workbench.widgets.hexboard.colourmaps import (
    _ANCHORS,
    DARK_INK,
    colours,
    contrast,
    table,
    wants_dark_text,
)
from workbench.widgets.hexboard.look import BLACK, DARK, LIGHT, WHITE, Look

# How people without green or red cones see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
DEUTERANOPIA = np.array([(0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                         (-0.011820, 0.042940, 0.968881)])  # fmt: skip
PROTANOPIA = np.array([(0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                       (-0.003882, -0.048116, 1.051998)])  # fmt: skip


def seen(rgb: tuple[int, int, int], cones: np.ndarray) -> np.ndarray:
    linear = (np.array(rgb) / 255) ** 2.2
    return to_oklab(np.clip(linear @ cones.T, 0, 1) ** (1 / 2.2))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["visits", "win"])
def test_sequential_maps_step_evenly_in_lightness(name: str, dark: bool) -> None:
    steps = np.diff(to_oklab(table(name, dark) / 255.0)[:, 0])
    assert (np.sign(np.median(steps)) * steps > -0.004).all()  # rounding to 8 bits
    quarters = np.abs(steps[:252].reshape(4, 63).sum(axis=1))
    assert quarters.max() < 1.6 * quarters.min()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", ["players", "difference"])
def test_diverging_maps_are_even_on_both_sides_and_neutral_in_the_middle(name: str, dark: bool) -> None:
    lab = to_oklab(table(name, dark) / 255.0)
    assert np.abs(lab[:, 0] - lab[::-1, 0]).max() < 0.03
    assert np.hypot(*lab[127:129, 1:].T).max() < 0.02
    assert np.hypot(*(lab[0] - lab[-1])[1:]) > 0.15


def test_colours_take_their_share_and_survive_nan_and_excess() -> None:
    got = colours("win", np.array([0.0, 1.0, np.nan, -3.0, 7.0]), dark=False)
    assert (got[0] == got[2]).all()
    assert (got[0] == got[3]).all()
    assert (got[1] == got[4]).all()


@pytest.mark.parametrize("name", list(_ANCHORS))
@pytest.mark.parametrize("dark", [False, True])
def test_text_reads_on_every_colour(name: str, dark: bool) -> None:
    ground = table(name, dark)
    ink = np.where(wants_dark_text(ground)[:, None], DARK_INK, (255, 255, 255))
    assert contrast(ground, ink).min() >= 4.3


@pytest.mark.parametrize("look", [LIGHT, DARK])
@pytest.mark.parametrize("cones", [np.eye(3), DEUTERANOPIA, PROTANOPIA])
def test_the_players_differ_for_every_kind_of_eye(look: Look, cones: np.ndarray) -> None:
    red, blue = (look.stone(player).getRgb()[:3] for player in (BLACK, WHITE))
    cell = look.cell.getRgb()[:3]
    assert np.linalg.norm(seen(red, cones) - seen(blue, cones)) > 0.15
    for stone in (red, blue):
        assert np.linalg.norm(seen(stone, cones) - seen(cell, cones)) > 0.15


def test_oklab_goes_there_and_back() -> None:
    rgb = np.random.default_rng(0).random((50, 3))
    assert from_oklab(to_oklab(rgb)) == pytest.approx(rgb, abs=1e-6)
