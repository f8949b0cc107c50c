"""Rates of invariance and of fooling, and their profiles.

    acc(theta)  = mean 1[ f(T_theta x) = y ]            inv(theta) = mean 1[ f(T_theta x) = f(x) ]
    fool(eps)   = mean 1[ f(x + A_eps(x)) != f(x) ]     racc(eps)  = mean 1[ f(x + A_eps(x)) = y ]

T_theta turns each image by its own angle, uniform in [-theta, theta]: random turns, not worst ones. f(x) is the class
named for the clean image, so a bad model can look robust: read accuracy beside every fooling rate.

Source: Kamath, Deshpande, Subrahmanyam 2020, "Invariance vs Robustness of Neural Networks", ICLR 2020 submission
HJxp9kBFDS (abstract; its body could not be read), and the same group's earlier study, OpenReview Ske25sC9FQ.

Common random numbers: every model sees the same angles and the same starting noise, and the angles of theta are those
of 180 degrees scaled down. Differences between curves are then the models', not the draws'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor

from engines.vision.attacks.base import Net, nothing, predict, random_start
from engines.vision.attacks.pgd import pgd
from engines.vision.training.augment import rotate

BATCH: Final = 100
"""Images of one forward pass: about 100 ms of work for the largest of these networks on one core."""
Attack = Literal["pgd", "fgsm"]


@dataclass(frozen=True)
class TurnProfile:
    """accuracy, invariance: float64 [T], one for each theta. accuracy is NaN without labels."""

    accuracy: Tensor
    invariance: Tensor


@dataclass(frozen=True)
class FoolingProfile:
    """fooled, robust_accuracy: float64 [E], one for each eps; the latter NaN without labels. smallest: int64 [N], index
    of the first eps that fools an image, E where none does."""

    fooled: Tensor
    robust_accuracy: Tensor
    smallest: Tensor


def unit_angles(count: int, repeats: int, generator: torch.Generator) -> Tensor:
    """Angles as a share of the largest one, uniform in [-1, 1], float64 [repeats, count]: the common random numbers."""
    return torch.rand(repeats, count, generator=generator, dtype=torch.float64) * 2 - 1


def rate(hits: Tensor) -> float:
    """Share of true values; NaN of none."""
    return float(hits.double().mean()) if hits.numel() else float("nan")


def turned_predictions(
    net: Net, x: Tensor, degrees: Tensor, *, mode: str = "nearest", check: Callable[[], None] = nothing
) -> Tensor:
    """The class named for each image turned by its own angle, int64 [N]. degrees: float64 [N]."""
    parts = []
    for start in range(0, len(x), BATCH):
        check()
        turned = rotate(x[start : start + BATCH], degrees[start : start + BATCH], mode=mode)
        parts.append(predict(net, turned, batch=BATCH))
    return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64, device=x.device)


def turn_profile(
    net: Net,
    x: Tensor,
    y: Tensor,
    thetas: Sequence[float],
    angles: Tensor,
    *,
    mode: str = "nearest",
    done: Callable[[int], None] = lambda count: None,
    check: Callable[[], None] = nothing,
) -> TurnProfile:
    """Accuracy and rate of invariance for turns up to each theta (degrees).

    y: int64 [N], -1 where unknown: accuracy is over the known ones. angles: of `unit_angles`, [R, N]. done: told how
    many thetas are finished.
    """
    clean = predict(net, x, batch=BATCH, check=check)
    known = y >= 0
    accuracy, invariance = [], []
    for count, theta in enumerate(thetas, 1):
        # theta = 0 leaves every image as it is, whatever its angle: the same for all repeats.
        drawn = angles if theta else angles[:1]
        named = torch.stack([turned_predictions(net, x, theta * a, mode=mode, check=check) for a in drawn])
        invariance.append(rate(named == clean))
        accuracy.append(rate((named == y)[:, known]))
        done(count)
    return TurnProfile(torch.tensor(accuracy, dtype=torch.float64), torch.tensor(invariance, dtype=torch.float64))


def attacked(
    net: Net,
    x: Tensor,
    labels: Tensor,
    eps: float,
    attack: Attack,
    steps: int,
    seed: int,
    *,
    only: Tensor | None = None,
    check: Callable[[], None] = nothing,
) -> Tensor:
    """Images changed by at most eps (l-inf) so that the net leaves `labels`, [N, C, H, W].

    fgsm: x + eps sign(grad). pgd: random start, steps of 2.5 eps / steps. only: bool [N], which to attack; the others
    come back as they are. An image's starting noise is made of the seed and its place, whichever others are attacked
    and by whatever model.
    """
    adversarial = x.clone()
    if eps == 0:
        return adversarial
    for first in range(0, len(x), BATCH):
        batch = slice(first, first + BATCH)
        generator = torch.Generator().manual_seed((seed * 1_000_003 + first) % 2**62)
        start = random_start(x[batch], eps, generator=generator) if attack == "pgd" else None
        chosen = torch.arange(len(x[batch]), device=x.device) if only is None else only[batch].nonzero().squeeze(1)
        if not len(chosen):
            continue
        adversarial[first + chosen] = pgd(
            net, x[first + chosen], labels[first + chosen], eps=eps, steps=steps if attack == "pgd" else 1,
            step_size=None if attack == "pgd" else eps, random_start=False,
            start=None if start is None else start[chosen], check=check,
        ).adv  # fmt: skip
    return adversarial


def fooling_profile(
    net: Net,
    x: Tensor,
    y: Tensor,
    epsilons: Sequence[float],
    *,
    attack: Attack = "pgd",
    steps: int = 20,
    seed: int = 0,
    done: Callable[[int], None] = lambda count: None,
    check: Callable[[], None] = nothing,
) -> FoolingProfile:
    """Fooling rate and robust accuracy for each eps (increasing, in pixels).

    The attack leaves the net's own answer f(x). The balls are nested, so an image fooled within a smaller one is
    fooled within a larger one too: the profile is monotone. An image that is wrong without an attack counts as wrong
    under one. Raises ValueError where eps does not increase.
    """
    if list(epsilons) != sorted(set(epsilons)):
        raise ValueError(f"expected increasing eps, got {epsilons}")
    clean = predict(net, x, batch=BATCH, check=check)
    known, correct = y >= 0, clean == y
    smallest = torch.full((len(x),), len(epsilons), dtype=torch.int64, device=x.device)
    fooled, robust = [], []
    for index, eps in enumerate(epsilons):
        todo = smallest == len(epsilons)  # What fell within a smaller ball has fallen.
        adversarial = attacked(net, x, clean, eps, attack, steps, seed, only=todo, check=check)
        now = predict(net, adversarial, batch=BATCH, check=check) != clean
        smallest = torch.where(now & todo, index, smallest)
        before = smallest <= index
        fooled.append(rate(before))
        robust.append(rate((correct & ~before)[known]))
        done(index + 1)
    return FoolingProfile(
        torch.tensor(fooled, dtype=torch.float64), torch.tensor(robust, dtype=torch.float64), smallest
    )
