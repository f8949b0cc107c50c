"""APGD: PGD that chooses its own step size, and the strong attack made of it.

Source: Croce & Hein 2020, "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free
attacks", arXiv 2003.01690, algorithm 1 and section 4. An accuracy under a plain PGD flatters a model whose gradients
are scaled badly; this is the number to print.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engines.vision.attacks.base import (
    Attacked,
    Check,
    Loss,
    Net,
    Norm,
    climb,
    logits,
    loss_named,
    merge,
    nothing,
    other_classes,
    per_image,
    project,
    steepest,
    targeted_dlr,
)
from engines.vision.attacks.base import random_start as start_in_ball
from engines.vision.attacks.pgd import Fooled, Keeper, gap, in_turn, is_wrong, is_wrong_of, needed

INERTIA: Final = 0.75
"""alpha of the paper: how much of a step is new; the rest is the last movement."""
ENOUGH_RISES: Final = 0.75
"""rho: with fewer rises than this between two checkpoints, the step is halved."""


def checkpoints(steps: int) -> list[int]:
    """The steps at which the step size is judged: 0.22 of all, then shorter periods, at least 0.06 (section 3.1)."""
    shares = [0.0, 0.22]
    while shares[-1] < 1:
        shares.append(shares[-1] + max(shares[-1] - shares[-2] - 0.03, 0.06))
    return sorted({math.ceil(round(share * steps, 6)) for share in shares[1:] if share <= 1} - {0})


def apgd(
    net: Net,
    x: Tensor,
    y: Tensor,
    *,
    eps: float,
    steps: int = 100,
    norm: Norm = "linf",
    loss: str | Loss = "ce",
    restarts: int = 1,
    fooled: Fooled = is_wrong,
    random_start: bool = True,
    generator: torch.Generator | None = None,
    check: Check = nothing,
) -> Attacked:
    """Climb the loss with steps that are halved where it stops to rise. Nothing but the number of steps is tuned.

    Each restart takes only the images that nothing has fooled yet. loss: "ce", "dlr", "cw", or a function of (logits,
    y) that is to grow; y may then have more columns, [B, n], which `fooled` reads too.
    """
    grow = loss_named(loss)
    keeper = Keeper(x)
    for attempt in range(max(restarts, 1)):
        todo = keeper.open()
        if not len(todo):
            break
        images, labels = x[todo], y[todo]
        start = images
        if random_start or attempt:
            start = start_in_ball(images, eps, norm, generator=needed(generator))

        def see(
            here: Tensor, f: Tensor, out: Tensor, step: int, todo: Tensor = todo, y: Tensor = labels, n: int = attempt
        ) -> None:
            keeper.see(todo, here, f, fooled(out, y), n * (steps + 1) + step)

        _Walk(net, images, labels, eps, norm, grow, see, check).run(start, steps)
    return keeper.found()


@dataclass
class _Walk:
    """One run of algorithm 1 for a batch. The names follow it: eta is the step size, f the loss."""

    net: Net
    x: Tensor
    y: Tensor
    eps: float
    norm: Norm
    loss: Loss
    see: Callable[[Tensor, Tensor, Tensor, int], None]
    """(iterates, losses [B], logits [B, K], step) are told here."""
    check: Check

    def run(self, start: Tensor, steps: int) -> None:
        self.best, self.best_gradient = start.clone(), torch.zeros_like(start)
        self.f_max = torch.full((len(start),), float("-inf"), dtype=start.dtype, device=start.device)
        here = before = start
        gradient, f = self._look(here, 0)
        eta = torch.full_like(f, 2 * self.eps)
        # What stood at the last checkpoint, and the rises counted since.
        eta_then, f_max_then, rises, then = eta, self.f_max, torch.zeros_like(f), 0
        marks = set(checkpoints(steps))
        for step in range(1, steps + 1):
            target = self._back(here + per_image(eta, here) * steepest(gradient, self.norm))
            inertia = INERTIA if step > 1 else 1.0
            moved = here + inertia * (target - here) + (1 - inertia) * (here - before)
            before, here = here, self._back(moved)
            f_before = f
            gradient, f = self._look(here, step)
            rises = rises + (f > f_before)
            if step in marks:
                stuck = (eta == eta_then) & (self.f_max == f_max_then)
                halve = (rises < ENOUGH_RISES * (step - then)) | stuck
                eta_then, f_max_then, rises, then = eta, self.f_max, torch.zeros_like(f), step
                eta = torch.where(halve, eta / 2, eta)
                here = merge(halve, self.best, here)
                gradient = merge(halve, self.best_gradient, gradient)
                f = torch.where(halve, self.f_max, f)

    def _back(self, here: Tensor) -> Tensor:
        return project(here, self.x, self.eps, self.norm)

    def _look(self, here: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Gradient and loss here; what is best is remembered."""
        self.check()
        gradient, f, out = climb(self.net, here, self.y, self.loss)
        self.see(here, f, out, step)
        better = f > self.f_max
        self.best = merge(better, here, self.best)
        self.best_gradient = merge(better, gradient, self.best_gradient)
        self.f_max = torch.where(better, f, self.f_max)
        return gradient, f


def apgd_targeted(
    net: Net,
    x: Tensor,
    y: Tensor,
    *,
    eps: float,
    steps: int = 100,
    norm: Norm = "linf",
    targets: int = 9,
    random_start: bool = True,
    generator: torch.Generator | None = None,
    check: Check = nothing,
) -> Attacked:
    """APGD on the targeted DLR loss towards each of the `targets` likeliest other classes in turn (APGD-T).

    With fewer than 4 classes, which that loss needs, the plain margin z_t - z_y takes its place. Success means any
    wrong class; an image that was fooled is not attacked again.
    """
    out = logits(net, x, check=check)
    order = other_classes(out, y, targets)
    loss = _targeted_dlr if out.shape[1] >= 4 else gap

    def attack(todo: Tensor, index: int) -> Attacked:
        pairs = torch.stack([y[todo], order[todo, index]], dim=1)
        return apgd(
            net, x[todo], pairs, eps=eps, steps=steps, norm=norm, loss=loss, fooled=is_wrong_of,
            random_start=random_start, generator=generator, check=check,
        )  # fmt: skip

    return in_turn(x, attack, order.shape[1], steps + 1)


def strong_attack(
    net: Net,
    x: Tensor,
    y: Tensor,
    eps: float,
    norm: Norm = "linf",
    *,
    steps: int = 100,
    targets: int = 9,
    restarts: int = 1,
    generator: torch.Generator | None = None,
    check: Check = nothing,
) -> Attacked:
    """The honest evaluation: APGD on the cross-entropy, then APGD-T on what that did not fool.

    These are the two gradient attacks that decide nearly all cases of AutoAttack's standard version (its FAB and
    Square attacks are left out). An image that the net gets wrong without any attack counts as fooled, with 0 steps.
    """
    wrong = is_wrong(logits(net, x, check=check), y)

    def attack(todo: Tensor, index: int) -> Attacked:
        images, labels = x[todo], y[todo]
        if index == 0:
            return apgd(net, images, labels, eps=eps, steps=steps, norm=norm, restarts=restarts,
                        generator=generator, check=check)  # fmt: skip
        return apgd_targeted(net, images, labels, eps=eps, steps=steps, norm=norm, targets=targets,
                             generator=generator, check=check)  # fmt: skip

    return in_turn(x, attack, 2, restarts * (steps + 1), fooled=wrong)


def _targeted_dlr(out: Tensor, pairs: Tensor) -> Tensor:
    return targeted_dlr(out, pairs[:, 0], pairs[:, 1])
