"""Singular directions, their baselines, and planes through an image."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.invariance import directions as d
from engines.invariance.method import attacked
from engines.invariance.planes import plane_through, regions, turn_tangent
from engines.vision.attacks.pgd import pgd
from engines.vision.training.augment import rotate


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_9_6_right_singular_vectors_are_orthonormal() -> None:
    rows, kept = d.unit_rows(torch.rand(60, 1, 10, 10, generator=generator()) - 0.5)
    assert kept.all() and torch.allclose(rows.norm(dim=1), torch.ones(60).double())
    found = d.frame(rows, 20)
    assert float((found.vectors.T @ found.vectors - torch.eye(20)).abs().max()) < 1e-5
    assert (found.values.diff() <= 1e-12).all()


def test_9_6_random_frames_overlap_by_k_over_d() -> None:
    size, k, pairs = 60, 8, 200
    random = generator(1)
    seen = torch.stack(
        [d.overlaps(d.random_frame(size, k, random), d.random_frame(size, k, random)) for _ in range(pairs)]
    )
    for n in (1, 4, 8):
        mean, error = float(seen[:, n - 1].mean()), float(seen[:, n - 1].std()) / math.sqrt(pairs)
        assert abs(mean - d.chance_overlap(size, n)) < 3 * error


def test_9_6_the_same_changes_overlap_entirely() -> None:
    rows, _ = d.unit_rows(torch.randn(50, 30, generator=generator(2)))
    found = d.frame(rows, 10)
    assert torch.allclose(d.overlaps(found.vectors, found.vectors), torch.ones(10).double(), atol=1e-9)
    assert float(d.principal_angles(found.vectors, found.vectors).max()) < 1e-4
    # Any other basis of the same directions overlaps entirely too, at full k.
    turned = found.vectors @ d.random_frame(10, 10, generator(3))
    assert float(d.overlaps(found.vectors, turned)[-1]) == pytest.approx(1.0)
    assert d.cosines(found.vectors, found.vectors).diagonal().tolist() == pytest.approx([1.0] * 10)


def _trained_linear(adversarial: bool) -> nn.Module:
    """Two classes apart along a known direction, learnt plainly or under attack."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(25, 2))
    random = generator(4)
    y = torch.randint(2, (400,), generator=random)
    x = (0.5 + 0.1 * torch.randn(400, 1, 5, 5, generator=random)).clamp(0, 1)
    x[:, 0, :, :2] += 0.2 * (2 * y - 1).view(-1, 1, 1)
    optimiser = torch.optim.Adam(net.parameters(), 0.05)
    for _ in range(60):
        seen = pgd(net, x, y, eps=0.05, steps=3, generator=random).adv if adversarial else x
        optimiser.zero_grad()
        F.cross_entropy(net(seen), y).backward()
        optimiser.step()
    return net.eval()


@pytest.mark.parametrize("adversarial", [False, True], ids=["plain", "adversarially trained"])
def test_9_7_adversaries_of_a_linear_net_point_along_the_signs_of_its_weights(adversarial: bool) -> None:
    net = _trained_linear(adversarial)
    weights = (net[1].weight[1] - net[1].weight[0]).detach()
    x = 0.3 + 0.4 * torch.rand(40, 1, 5, 5, generator=generator(5))  # away from black and white: nothing is cut
    labels = net(x).argmax(1)
    changes = attacked(net, x, labels, 0.1, "pgd", 20, seed=0) - x
    rows, _ = d.unit_rows(changes)
    found = d.frame(rows, 1)
    expected = weights.sign().double() / 5
    assert float(found.values[1:].max()) < 1e-3 * float(found.values[0])  # rank 1
    assert float((found.vectors[:, 0] @ expected).abs()) == pytest.approx(1.0, abs=1e-4)


def test_rows_without_a_direction_are_left_out() -> None:
    changes = torch.randn(5, 9, generator=generator())
    changes[2] = 0
    rows, kept = d.unit_rows(changes)
    assert kept.tolist() == [True, True, False, True, True] and len(rows) == 4
    with pytest.raises(ValueError, match="expected k"):
        d.frame(rows, 6)


def test_chance_cosine_is_the_mean_of_random_pairs() -> None:
    first, second = (d.unit_rows(torch.randn(20_000, 784, generator=generator(i)))[0] for i in (6, 7))
    assert d.chance_cosine(784) == pytest.approx(0.0285, abs=1e-4)
    assert float((first * second).sum(1).abs().mean()) == pytest.approx(d.chance_cosine(784), rel=0.02)


def test_effective_dimension_counts_the_directions_that_are_filled() -> None:
    assert d.effective_dimension(torch.tensor([1.0, 1.0, 1.0, 0.0])) == pytest.approx(3.0)
    assert d.effective_dimension(torch.tensor([5.0, 0.0])) == pytest.approx(1.0)


def test_differences_are_of_different_images() -> None:
    x = torch.arange(6.0).view(6, 1, 1, 1)
    found = d.differences(x, 500, generator(8))
    assert not (found == 0).any() and set(found.flatten().abs().tolist()) == {1.0, 2.0, 3.0, 4.0, 5.0}
    with pytest.raises(ValueError, match="two images"):
        d.differences(x[:1], 5, generator())


def test_the_tangent_points_where_a_small_turn_goes() -> None:
    rows = torch.arange(15.0) - 7
    image = torch.exp(-((rows[:, None] + 3) ** 2 + (rows - 1) ** 2) / 8)[None]  # a soft spot above the centre
    moved = rotate(image[None], 2.0, mode="bilinear")[0] - image
    tangent = turn_tangent(image)
    assert float(F.cosine_similarity(moved.flatten(), tangent.flatten(), dim=0)) > 0.9
    assert float(tangent[0, :, :7].sum()) > 0 > float(tangent[0, :, 9:].sum())  # counter-clockwise: to the left
    disc = torch.exp(-(rows[:, None] ** 2 + rows**2) / 8)[None]  # about the centre: it does not move
    assert float(turn_tangent(disc).norm()) < 0.1 * float(tangent.norm())


def test_a_plane_holds_both_directions_and_is_coloured_by_the_net() -> None:
    origin, first = torch.full((1, 4, 4), 0.5), torch.zeros(1, 4, 4)
    first[0, 0, 0] = 2.0
    second = torch.ones(1, 4, 4)
    plane = plane_through(origin, first, second)
    assert float((plane.u * plane.v).sum()) == pytest.approx(0.0, abs=1e-6)
    for change in (first, second):
        a, b, off = plane.coordinates(change)
        assert off < 1e-5 and a**2 + b**2 == pytest.approx(float(change.square().sum()), rel=1e-5)

    def net(x: Tensor) -> Tensor:  # class 1 where the first pixel is above 1
        return torch.stack([torch.ones(len(x)), x[:, 0, 0, 0]], 1)

    classes, margin = regions(net, plane, 1.0, 9)
    assert classes[:, :6].sum() == 0 and (classes[:, 7:] == 1).all() and (margin >= 0).all()
    assert margin[4, 4] == pytest.approx(0.5)


def test_a_plane_exists_where_a_direction_vanishes() -> None:
    flat = torch.zeros(1, 4, 4)
    noise = torch.randn(1, 4, 4, generator=torch.Generator().manual_seed(0))
    for first, second in ((flat, flat), (flat + 1, flat + 2), (flat, flat + 1), (noise, 1.7 * noise), (noise, -noise)):
        plane = plane_through(flat, first, second)
        gram = torch.stack([plane.u.flatten(), plane.v.flatten()])
        torch.testing.assert_close(gram @ gram.T, torch.eye(2), atol=1e-5, rtol=0)
