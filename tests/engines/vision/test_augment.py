"""Turning, shifting, mirroring (paper file 02, section 2 and the pitfalls of section 6)."""

import numpy as np
import pytest
import torch
from PIL import Image

from engines.vision.training.augment import Augmentation, flip, rotate, translate


def images(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("side", [7, 28, 29, 32])
def test_pitfall_quarter_turns_are_exact_about_the_centre_of_the_pixel_grid(mode: str, side: int) -> None:
    x = images(3, 2, side, side)
    for turns in range(-4, 5):
        assert torch.equal(rotate(x, 90.0 * turns, mode=mode), torch.rot90(x, turns, (-2, -1)))


def test_positive_angles_are_counter_clockwise_as_in_pil() -> None:
    x = torch.zeros(1, 1, 9, 9)
    x[0, 0, 4, 8] = 1  # at the right
    assert float(rotate(x, 90.0)[0, 0, 0, 4]) == 1  # is at the top


@pytest.mark.parametrize("angle", [7.0, 33.0, 101.5, -60.0, 179.0])
def test_nearest_turns_agree_with_pil_but_for_ties(angle: float) -> None:
    x = images(1, 1, 28, 28)
    ours = (rotate(x, angle)[0, 0] * 255).round().byte().numpy()
    peer = np.asarray(Image.fromarray((x[0, 0] * 255).round().byte().numpy()).rotate(angle))
    assert (ours != peer).mean() < 0.01


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_corners_become_black_and_nothing_else_is_invented(mode: str) -> None:
    x = torch.ones(1, 1, 28, 28)
    turned = rotate(x, 45.0, mode=mode)[0, 0]
    assert turned[0, 0] == turned[0, -1] == turned[-1, 0] == turned[-1, -1] == 0
    assert turned[8:20, 8:20].min() >= 1 - 1e-6
    assert turned.max() <= 1 + 1e-6


def test_bilinear_is_exact_on_a_plane() -> None:
    y, x = torch.meshgrid(torch.arange(21.0), torch.arange(21.0), indexing="ij")
    plane = (0.3 + 0.02 * (x - 10) + 0.01 * (y - 10)).view(1, 1, 21, 21)
    turned = rotate(plane, 30.0, mode="bilinear")[0, 0]
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    right, down = x - 10, y - 10
    expected = 0.3 + 0.02 * (right * cos - down * sin) + 0.01 * (right * sin + down * cos)
    torch.testing.assert_close(turned[5:16, 5:16], expected[5:16, 5:16].float(), atol=1e-5, rtol=0)


def test_each_image_has_its_own_angle() -> None:
    x = images(3, 1, 12, 12)
    mixed = rotate(x, torch.tensor([0.0, 90.0, 20.0]))
    for i, angle in enumerate((0.0, 90.0, 20.0)):
        assert torch.equal(mixed[i : i + 1], rotate(x[i : i + 1], angle))


def test_turning_by_nothing_changes_nothing_and_gradients_pass() -> None:
    x = images(2, 1, 10, 10).requires_grad_()
    assert torch.equal(rotate(x, 0.0), x)
    rotate(x, 25.0, mode="bilinear").sum().backward()
    assert float(x.grad.sum()) > 50


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="nearest or bilinear"):
        rotate(images(1, 1, 4, 4), 10.0, mode="cubic")


def test_shifts_move_whole_pixels_and_leave_black() -> None:
    x = images(2, 1, 6, 6)
    moved = translate(x, torch.tensor([2, -1]), torch.tensor([1, 0]))
    assert torch.equal(moved[0, :, 1:, 2:], x[0, :, :5, :4])
    assert float(moved[0, :, 0].sum() + moved[0, :, :, :2].sum()) == 0
    assert torch.equal(moved[1, :, :, :5], x[1, :, :, 1:])


def test_only_chosen_images_are_mirrored() -> None:
    x = images(2, 3, 4, 4)
    out = flip(x, torch.tensor([True, False]))
    assert torch.equal(out[0], x[0].flip(-1)) and torch.equal(out[1], x[1])


def test_draws_are_fresh_uniform_and_repeatable() -> None:
    # A bright pixel right of the centre shows its angle.
    x = torch.zeros(400, 1, 101, 101)
    x[:, 0, 50, 95] = 1
    turned = Augmentation(rotation=60.0)(x, torch.Generator().manual_seed(1))
    place = turned.flatten(1).argmax(1)
    angle = torch.rad2deg(torch.atan2(50 - place.div(101, rounding_mode="floor").float(), (place % 101).float() - 50))
    found = turned.flatten(1).amax(1) == 1  # nearest may lose a lone pixel
    assert float(found.float().mean()) > 0.6
    angle = angle[found]
    assert float(angle.abs().max()) <= 61.0
    assert float(angle.mean().abs()) < 6.0
    assert float(angle.std()) == pytest.approx(120 / 12**0.5, rel=0.1)
    again = Augmentation(rotation=60.0)(x, torch.Generator().manual_seed(1))
    other = Augmentation(rotation=60.0)(x, torch.Generator().manual_seed(2))
    assert torch.equal(turned, again) and not torch.equal(turned, other)


def test_crops_and_mirrors_stay_within_their_range() -> None:
    x = torch.zeros(300, 1, 11, 11)
    x[:, 0, 5, 5] = 1
    moved = Augmentation(crop=2, mirror=True)(x, torch.Generator().manual_seed(0)).flatten(1).argmax(1)
    rows, columns = moved.div(11, rounding_mode="floor"), moved % 11
    assert set(rows.tolist()) == set(columns.tolist()) == {3, 4, 5, 6, 7}


def test_no_augmentation_returns_the_images() -> None:
    x = images(2, 1, 4, 4)
    assert Augmentation()(x, torch.Generator().manual_seed(0)) is x
