"""Ball, losses, PGD, APGD and the strong attack. Paper file 02 check 9.5 (PGD at least as strong as FGSM) and paper
file 10 checks 9.2 and 9.4 (exact maximum of a linear model) in so far as they are the attack's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.vision.attacks.apgd import apgd, apgd_targeted, checkpoints, strong_attack
from engines.vision.attacks.base import (
    Attacked,
    Norm,
    dlr,
    lengths,
    margin,
    other_classes,
    predict,
    project,
    random_start,
    targeted_dlr,
)
from engines.vision.attacks.gradient import craft, recipe_named
from engines.vision.attacks.pgd import multi_targeted, pgd

from .small_nets import small_cnn, small_mlp, trained, unseen

EPS = 0.1


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def share(fooled: Tensor) -> float:
    return float(fooled.float().mean())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_projection_ends_in_ball_and_box_and_leaves_what_is_inside(norm: Norm) -> None:
    x = torch.rand(40, 1, 6, 6, generator=seeded())
    eps = 0.2 if norm == "linf" else 0.7
    far = project(x + 3 * torch.randn(x.shape, generator=seeded(1)), x, eps, norm)
    assert size(far - x, norm).max() <= eps + 1e-6 and far.min() >= 0 and far.max() <= 1
    torch.testing.assert_close(project(far, x, eps, norm), far)
    assert torch.equal(project(x, x, 0.0, norm), x)
    inside = random_start(x, eps, norm, generator=seeded(2))
    assert size(inside - x, norm).max() <= eps + 1e-6 and inside.min() >= 0 and inside.max() <= 1
    assert size(inside - x, norm).std() > 0 and not torch.equal(inside, x)
    assert torch.equal(inside, random_start(x, eps, norm, generator=seeded(2)))


def size(delta: Tensor, norm: Norm) -> Tensor:
    return delta.abs().flatten(1).amax(1) if norm == "linf" else lengths(delta)


def test_losses_have_the_sign_and_invariance_of_their_papers() -> None:
    out, y = torch.randn(50, 6, generator=seeded(), dtype=torch.float64), torch.arange(50) % 6
    wrong = out.argmax(1) != y
    for loss in (margin, dlr):
        assert torch.equal(loss(out, y) > 0, wrong)
    target = (y + 1) % 6
    for f in (dlr, lambda o, t: targeted_dlr(o, t, target)):
        torch.testing.assert_close(f(out * 7 + 3, y), f(out, y))
    assert bool((dlr(out, y)[~wrong] >= -1).all())
    order = other_classes(out, y)
    assert order.shape == (50, 5) and not bool((order == y[:, None]).any())
    assert bool((out.gather(1, order).diff(dim=1) <= 0).all())
    with pytest.raises(UserError, match="3 classes"):
        dlr(out[:, :2], y % 2)


def attack_named(kind: str) -> Callable[..., Attacked]:
    def run(net: nn.Module, x: Tensor, y: Tensor, eps: float, norm: Norm) -> Attacked:
        common: dict[str, Any] = {"eps": eps, "norm": norm, "generator": seeded(3)}
        return {
            "pgd": lambda: pgd(net, x, y, steps=20, **common),
            "pgd-cw": lambda: pgd(net, x, y, steps=20, loss="cw", restarts=2, **common),
            "multi": lambda: multi_targeted(net, x, y, steps=20, targets=4, **common),
            "apgd-ce": lambda: apgd(net, x, y, steps=25, **common),
            "apgd-dlr": lambda: apgd(net, x, y, steps=25, loss="dlr", restarts=2, **common),
            "apgd-t": lambda: apgd_targeted(net, x, y, steps=25, targets=4, **common),
            "strong": lambda: strong_attack(net, x, y, steps=25, targets=4, **common),
        }[kind]()

    return run


KINDS = ["pgd", "pgd-cw", "multi", "apgd-ce", "apgd-dlr", "apgd-t", "strong"]


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("kind", KINDS)
def test_9_4_every_attack_stays_in_the_ball_and_tells_the_truth(kind: str, norm: Norm) -> None:
    net, (x, y) = trained(small_cnn), unseen(60)
    eps = EPS if norm == "linf" else 1.0
    before = x.clone()
    found = attack_named(kind)(net, x, y, eps, norm)
    assert torch.equal(x, before)
    assert size(found.adv - x, norm).max() <= eps + 1e-5
    assert found.adv.min() >= 0 and found.adv.max() <= 1
    assert torch.equal(predict(net, found.adv) != y, found.success)
    assert torch.equal(found.steps >= 0, found.success)
    assert share(found.success) > share(predict(net, x) != y) + 0.1


@pytest.mark.parametrize("kind", ["pgd", "apgd-ce"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_9_2_on_a_linear_detector_the_maximum_is_exact(kind: str, norm: Norm) -> None:
    weight = torch.randn(25, generator=seeded(1))
    x = 0.5 + 0.05 * torch.rand(10, 1, 5, 5, generator=seeded(2))  # away from the box

    def net(images: Tensor) -> Tensor:
        z = images.flatten(1) @ weight
        return torch.stack([z, torch.zeros_like(z)], 1)

    def first(out: Tensor, y: Tensor) -> Tensor:
        return out[:, 0]

    def never(out: Tensor, y: Tensor) -> Tensor:
        return torch.zeros(len(out), dtype=torch.bool)

    y, eps = torch.zeros(10, dtype=torch.int64), 0.2
    run = pgd if kind == "pgd" else apgd
    size_of: dict[Any, dict[str, float]] = {pgd: {"step_size": eps}, apgd: {}}
    found = run(net, x, y, eps=eps, steps=60, norm=norm, loss=first, fooled=never, generator=seeded(), **size_of[run])
    slope = weight.abs().sum() if norm == "linf" else weight.norm()
    reached = net(found.adv)[:, 0] - net(x)[:, 0]
    torch.testing.assert_close(reached, (eps * slope).expand(10), atol=1e-5, rtol=1e-5)


def test_9_5_pgd_is_at_least_as_strong_as_fgsm_and_grows_with_eps() -> None:
    net, (x, y) = trained(small_cnn), unseen(200)
    last = 0.0
    for eps in (0.03, 0.06, 0.1, 0.15):
        fooled = share(pgd(net, x, y, eps=eps, steps=20, generator=seeded()).success)
        fgsm = share(predict(net, craft(net, x, y, recipe_named("FGSM", eps=eps))) != y)
        assert fooled >= fgsm - 0.01 and fooled >= last
        last = fooled
    none = pgd(net, x, y, eps=0.0, steps=2, generator=seeded())
    assert torch.equal(none.adv, x) and torch.equal(none.success, predict(net, x) != y)


def test_the_best_iterate_is_kept() -> None:
    """A net whose loss falls beyond the middle of the path: the last iterate is not the best."""
    x, y = torch.full((3, 1, 2, 2), 0.3), torch.zeros(3, dtype=torch.int64)

    def net(images: Tensor) -> Tensor:
        hill = 1 - (images.flatten(1).mean(1) - 0.4).abs()
        return torch.stack([torch.zeros_like(hill), hill], 1)

    found = pgd(net, x, y, eps=0.3, steps=7, step_size=0.1, random_start=False)
    torch.testing.assert_close(found.adv, torch.full_like(x, 0.4))
    assert found.success.all() and found.steps.tolist() == [0, 0, 0]


def test_restarts_only_help_and_need_a_generator() -> None:
    net, (x, y) = trained(small_mlp), unseen(150)
    one, five = (pgd(net, x, y, eps=0.04, steps=6, restarts=n, generator=seeded()) for n in (1, 5))
    assert bool((five.success | ~one.success).all())
    assert torch.equal(five.adv[one.success], one.adv[one.success])
    assert bool((five.steps[five.success & ~one.success] >= 6).all())
    with pytest.raises(ValueError, match="generator"):
        pgd(net, x, y, eps=0.04, steps=1)
    with pytest.raises(UserError, match="hinge"):
        pgd(net, x, y, eps=0.04, steps=1, loss="hinge", generator=seeded())


def test_a_target_is_reached_and_success_can_be_redefined() -> None:
    net, (x, y) = trained(small_cnn), unseen(60)
    target = (y + 1) % 10
    found = pgd(net, x, y, eps=0.3, steps=30, target=target, generator=seeded())
    assert share(found.success) > 0.8
    assert torch.equal(predict(net, found.adv) == target, found.success)
    strict = pgd(
        net, x, y, eps=0.3, steps=30, generator=seeded(), fooled=lambda out, aim: margin(out, aim) > 4.0
    )  # fmt: skip
    assert 0 < share(strict.success) <= share(predict(net, strict.adv) != y)


def test_apgd_judges_its_step_at_the_papers_checkpoints() -> None:
    assert checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert checkpoints(10)[0] == 3 and checkpoints(1) == [1]


def test_apgd_finds_a_larger_loss_than_pgd_with_as_many_steps() -> None:
    """Croce & Hein's claim for APGD, on the cross-entropy of images that neither fools."""
    from engines.vision.attacks.base import cross_entropy

    net, (x, y) = trained(small_cnn), unseen(200)
    plain, adaptive = (
        pgd(net, x, y, eps=0.05, steps=50, generator=seeded()),
        apgd(net, x, y, eps=0.05, steps=50, generator=seeded()),
    )
    firm = ~plain.success & ~adaptive.success
    assert int(firm.sum()) > 50
    losses = [cross_entropy(net(found.adv[firm]), y[firm]).mean() for found in (plain, adaptive)]
    assert losses[1] >= losses[0] * 0.999


def test_the_strong_attack_is_the_strongest_and_counts_what_was_wrong() -> None:
    net, (x, y) = trained(small_mlp), unseen(150)
    strong = strong_attack(net, x, y, EPS, generator=seeded())
    wrong = predict(net, x) != y
    assert bool(strong.success[wrong].all()) and bool((strong.steps[wrong] == 0).all())
    for kind in ("pgd", "apgd-ce", "multi"):
        weaker = attack_named(kind)(net, x, y, EPS, "linf")
        assert share(strong.success) >= share(weaker.success)


def test_two_classes_are_enough_for_the_strong_attack() -> None:
    weight = torch.randn(25, generator=seeded(1))
    x, y = torch.rand(20, 1, 5, 5, generator=seeded(2)), torch.zeros(20, dtype=torch.int64)

    def net(images: Tensor) -> Tensor:
        z = (images.flatten(1) - 0.5) @ weight
        return torch.stack([z, -z], 1)

    found = strong_attack(net, x, y, 0.3, steps=10, generator=seeded())
    assert torch.equal(found.success, predict(net, found.adv) != y) and bool(found.success.any())
