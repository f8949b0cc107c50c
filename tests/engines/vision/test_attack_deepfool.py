"""DeepFool: paper file 02, check 9.4. Agreement with foolbox is in test_attack_peers.py."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engines.vision.attacks.base import lengths, predict
from engines.vision.attacks.deepfool import PUSH, deepfool

from .small_nets import small_cnn, trained, unseen


@pytest.mark.parametrize("classes", [2, 6])
def test_9_4_on_a_linear_model_the_distance_is_exact_after_one_iteration(classes: int) -> None:
    generator = torch.Generator().manual_seed(classes)
    layer = nn.Linear(50, classes).double()
    with torch.no_grad():
        layer.weight.copy_(torch.randn(classes, 50, generator=generator, dtype=torch.float64))
        layer.bias.copy_(torch.randn(classes, generator=generator, dtype=torch.float64))
    net = nn.Sequential(nn.Flatten(), layer)
    x = torch.rand(30, 2, 5, 5, generator=generator, dtype=torch.float64)
    found = deepfool(net, x)
    z, weight = net(x).detach(), layer.weight.detach()
    for k in range(len(x)):
        own = int(z[k].argmax())
        others = [j for j in range(classes) if j != own]
        exact = min(float((z[k, own] - z[k, j]) / (weight[own] - weight[j]).norm()) for j in others)
        assert float(found.distance[k]) == pytest.approx(1.02 * (exact + PUSH), rel=1e-9)
    assert found.flipped.all() and found.iterations.tolist() == [1] * len(x)


def test_it_crosses_the_boundary_of_a_real_net_and_hardly_more() -> None:
    net, (x, _) = trained(small_cnn), unseen(40)
    found = deepfool(net, x)
    before, after = predict(net, x), predict(net, x + found.perturbation)
    assert torch.equal(before != after, found.flipped) and found.flipped.float().mean() > 0.98
    assert torch.equal(before, found.labels) and torch.equal(after, found.reached)
    torch.testing.assert_close(found.distance[found.flipped], lengths(found.perturbation)[found.flipped])
    short = predict(net, x + 0.9 * found.perturbation)
    assert (short == before).float().mean() > 0.9  # a tenth less does not suffice


def test_clipping_keeps_the_box() -> None:
    net, (x, _) = trained(small_cnn), unseen(20)
    free, boxed = deepfool(net, x), deepfool(net, x, clip=True)
    assert (x + boxed.perturbation).min() >= 0 and (x + boxed.perturbation).max() <= 1
    assert (x + free.perturbation).min() < 0
    assert torch.equal(predict(net, x + boxed.perturbation) != boxed.labels, boxed.flipped) and boxed.flipped.all()


def test_a_point_that_never_flips_has_no_distance() -> None:
    def flat(images: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[1.0, 0.0, 0.0]]).expand(len(images), 3) + 0 * images.flatten(1).sum(1, keepdim=True)

    found = deepfool(flat, torch.rand(3, 1, 4, 4, generator=torch.Generator().manual_seed(0)), steps=4)
    assert not found.flipped.any() and found.distance.isnan().all()
    assert torch.equal(found.perturbation, torch.zeros_like(found.perturbation))
    assert found.iterations.tolist() == [4, 4, 4]
