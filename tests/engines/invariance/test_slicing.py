"""Slices are asked in small passes, and no point of them twice."""

from __future__ import annotations

import torch
from torch import Tensor

from engines.invariance.planes import plane_through, regions
from engines.vision.pace import LONG_S, Pace


class SlowNet:
    """Two classes either side of a line; each image takes a while by its own clock."""

    def __init__(self, seconds_an_image: float) -> None:
        self.now, self.asked, self._each = 0.0, 0, seconds_an_image

    def __call__(self, x: Tensor) -> Tensor:
        self.now += len(x) * self._each
        self.asked += len(x)
        flat = x.flatten(1)
        return torch.stack([flat[:, 0] + 0.3 * flat[:, 1], flat[:, 2] - 0.1], dim=1)


def plane() -> object:
    first, second = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
    first[0, 0, 0], second[0, 1, 0] = 1.0, 1.0
    return plane_through(torch.full((1, 2, 2), 0.5), first, second)


def test_whoever_waits_is_heard_within_a_tenth_of_a_second() -> None:
    net, gaps = SlowNet(0.003), []  # the largest shipped network where five share a core
    last = 0.0

    def check() -> None:
        nonlocal last
        gaps.append(net.now - last)
        last = net.now

    regions(net, plane(), 2.0, 33, check, pace=Pace(clock=lambda: net.now))
    assert max(gaps) <= 0.1 and sum(gaps[-5:]) / 5 <= LONG_S
    assert len(gaps) < 33 * 33 / 8  # and passes are not needlessly small


def test_points_of_a_coarser_grid_are_not_asked_again() -> None:
    net = SlowNet(0.0)
    whole = regions(net, plane(), 2.0, 25)
    assert net.asked == 625 and set(whole[0].unique().tolist()) == {0, 1}
    coarse = regions(net, plane(), 2.0, 7)
    net.asked = 0
    fine = regions(net, plane(), 2.0, 25, known=coarse)
    assert net.asked == 625 - 49
    assert torch.equal(fine[0], whole[0]) and torch.allclose(fine[1], whole[1])
    net.asked = 0
    unlike = regions(net, plane(), 2.0, 9, known=coarse)  # 7 points do not lie among 9
    assert net.asked == 81 and torch.equal(unlike[0][::8, ::8], whole[0][::24, ::24])
