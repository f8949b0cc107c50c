"""Rates and profiles: what they are by definition, on networks whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engines.invariance.method import (
    attacked,
    fooling_profile,
    turn_profile,
    turned_predictions,
    unit_angles,
)
from engines.vision.attacks.deepfool import deepfool
from engines.vision.images import load_pool
from engines.vision.nets.models import load_model


def upper_half(x: Tensor) -> Tensor:
    """Class 0 where the upper half is brighter, else 1."""
    rows = x.shape[2] // 2
    return torch.stack([x[:, :, :rows].sum((1, 2, 3)), x[:, :, rows:].sum((1, 2, 3))], 1)


def lit_above(count: int, side: int = 8) -> Tensor:
    images = torch.zeros(count, 1, side, side)
    images[:, :, 1, 2:6] = 1.0
    return images


def angles(count: int, repeats: int = 1, seed: int = 0) -> Tensor:
    return unit_angles(count, repeats, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    return load_pool("digits", (1, 28, 28), 120, seed=5).tensors()


def test_9_4_deepfool_finds_the_boundary_of_a_linear_model_in_one_step() -> None:
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(7, 36, generator=generator, dtype=torch.float64)
    bias = torch.randn(7, generator=generator, dtype=torch.float64)
    x = torch.rand(20, 1, 6, 6, generator=generator, dtype=torch.float64)

    def net(images: Tensor) -> Tensor:
        return images.flatten(1) @ weights.T + bias

    out = net(x)
    first = out.argmax(1)
    expected = torch.full((20,), math.inf, dtype=torch.float64)
    for k in range(7):
        far = (out[:, k] - out.gather(1, first[:, None])[:, 0]).abs() / (weights[k] - weights[first]).norm(dim=1)
        expected = torch.where(first == k, expected, torch.minimum(expected, far))
    found = deepfool(net, x, overshoot=0.02)
    assert found.flipped.all() and (found.iterations == 1).all()
    torch.testing.assert_close(found.distance, 1.02 * (expected + 1e-4), rtol=1e-9, atol=1e-9)


def test_9_5_nothing_changes_without_a_turn_or_an_attack(nets: dict[str, str], digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    for path in nets.values():
        net = load_model(path, "cpu").net
        turns = turn_profile(net, x, y, (0.0,), angles(len(x), 2))
        attacks = fooling_profile(net, x, y, (0.0,))
        assert turns.invariance[0] == 1.0 and attacks.fooled[0] == 0.0
        assert turns.accuracy[0] == attacks.robust_accuracy[0]


def test_9_5_pgd_fools_at_least_as_often_as_fgsm(nets: dict[str, str], digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    eps = (0.0, 0.03, 0.06, 0.1, 0.2)
    for name in ("plain", "turned", "group", "hard"):
        net = load_model(nets[name], "cpu").net
        strong = fooling_profile(net, x, y, eps, attack="pgd", steps=10)
        single = fooling_profile(net, x, y, eps, attack="fgsm")
        assert (strong.fooled >= single.fooled - 0.01).all(), name
        assert strong.fooled[-1] > 0.1


def test_9_5_fooling_never_falls_as_the_ball_grows(nets: dict[str, str], digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    net = load_model(nets["plain"], "cpu").net
    for attack, steps in (("pgd", 3), ("fgsm", 1)):
        found = fooling_profile(net, x, y, (0.0, 0.02, 0.05, 0.1, 0.3, 0.6), attack=attack, steps=steps)  # type: ignore[arg-type]
        assert (found.fooled.diff() >= 0).all() and (found.robust_accuracy.diff() <= 0).all()
        assert (found.smallest >= 1).all()
    with pytest.raises(ValueError, match="increasing"):
        fooling_profile(net, x, y, (0.1, 0.05))


def test_rates_of_a_network_whose_answers_are_known() -> None:
    x, y = lit_above(200), torch.zeros(200, dtype=torch.int64)
    drawn = angles(200)
    found = turn_profile(upper_half, x, y, (0.0, 45.0, 180.0), drawn)
    assert found.accuracy.tolist() == found.invariance.tolist()
    assert found.invariance[:2].tolist() == [1.0, 1.0]
    degrees = 180 * drawn[0]
    named = turned_predictions(upper_half, x, degrees)
    clear = (degrees.abs() - 90).abs() > 20  # near a quarter turn, pixels decide
    assert torch.equal(named[clear] == 0, degrees[clear].abs() < 90)
    assert float(found.invariance[2]) == pytest.approx(float((named == 0).double().mean()))
    other = turn_profile(upper_half, x, 1 - y, (180.0,), drawn)
    assert (
        other.accuracy[0] == pytest.approx(1 - float(found.accuracy[2])) and other.invariance[0] == found.invariance[2]
    )


def test_unknown_labels_leave_rates_but_no_accuracy() -> None:
    x, unknown = lit_above(10), torch.full((10,), -1)
    turns = turn_profile(upper_half, x, unknown, (90.0,), angles(10))
    attacks = fooling_profile(upper_half, x, unknown, (0.6,), steps=5)
    assert turns.accuracy.isnan().all() and attacks.robust_accuracy.isnan().all()
    assert not turns.invariance.isnan().any() and float(attacks.fooled[0]) == 1.0


def test_every_model_sees_the_same_angles_and_the_same_noise() -> None:
    x, labels = torch.full((130, 1, 8, 8), 0.5), torch.zeros(130, dtype=torch.int64)
    flat = [lambda x, shift=shift: x.flatten(1)[:, :2] * 0 + torch.tensor([1.0, shift]) for shift in (0.0, 0.5)]
    first, second = (attacked(net, x, labels, 0.1, "pgd", 3, seed=7) for net in flat)
    assert torch.equal(first, second) and not torch.equal(first, x)
    assert not torch.equal(first, attacked(flat[0], x, labels, 0.1, "pgd", 3, seed=8))
    some = torch.arange(130) % 3 == 0  # Which others are attacked does not matter.
    third = attacked(flat[0], x, labels, 0.1, "pgd", 3, seed=7, only=some)
    assert torch.equal(third[some], first[some]) and torch.equal(third[~some], x[~some])
    assert torch.equal(angles(50, 2, seed=1), angles(50, 2, seed=1)) and angles(50, 2).abs().max() <= 1


def test_attacked_images_stay_in_the_ball_and_in_the_box(nets: dict[str, str], digits: tuple[Tensor, Tensor]) -> None:
    x, y = digits
    net = load_model(nets["plain"], "cpu").net
    for attack in ("pgd", "fgsm"):
        adversarial = attacked(net, x, y, 0.07, attack, 5, seed=0)  # type: ignore[arg-type]
        assert float((adversarial - x).abs().max()) <= 0.07 + 1e-6
        assert float(adversarial.min()) >= 0 and float(adversarial.max()) <= 1


def test_a_stop_is_noticed_within_a_profile() -> None:
    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    x = lit_above(3)
    for work in (
        lambda: turn_profile(upper_half, x, torch.zeros(3).long(), (10.0,), angles(3), check=stop),
        lambda: fooling_profile(upper_half, x, torch.zeros(3).long(), (0.1,), check=stop),
        lambda: turned_predictions(upper_half, x, torch.zeros(3).double(), check=stop),
    ):
        with pytest.raises(StopError):
            work()
