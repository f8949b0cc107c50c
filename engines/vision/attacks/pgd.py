"""Projected gradient descent with random starts, several losses, and the best image of the whole path.

Source: Madry et al. 2018 (l-inf and l2); multi-targeted: Gowal et al. 2019, arXiv 1910.09338.
"""

from __future__ import annotations

from collections.abc import Callable

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
    project,
    steepest,
    towards,
)
from engines.vision.attacks.base import random_start as start_in_ball

Fooled = Callable[[Tensor, Tensor], Tensor]
"""(logits [B, K], labels or targets int64 [B]) -> bool [B]: does this answer count as success?"""


def is_wrong(out: Tensor, y: Tensor) -> Tensor:
    """The named class is not `y`."""
    return out.argmax(1) != y


def is_target(out: Tensor, target: Tensor) -> Tensor:
    """The named class is `target`."""
    return out.argmax(1) == target


def pgd(
    net: Net,
    x: Tensor,
    y: Tensor,
    *,
    eps: float,
    steps: int,
    step_size: float | None = None,
    norm: Norm = "linf",
    restarts: int = 1,
    random_start: bool = True,
    loss: str | Loss = "ce",
    target: Tensor | None = None,
    fooled: Fooled | None = None,
    start: Tensor | None = None,
    generator: torch.Generator | None = None,
    check: Check = nothing,
) -> Attacked:
    """Climb the loss `steps` times within the ball, from `restarts` starts; keep each image's best iterate.

    Best: one that fools before one that does not, then the larger loss. Restarts after the first take only the
    images that nothing has fooled yet.

    eps: radius in pixels (l-inf) or Euclidean. step_size: 2.5·eps/steps unless given. loss: "ce", "cw" (margin),
    "dlr", or a function that is to grow. target: int64 [B]: the loss is turned round and success means being called
    that; a function loss is then given the target instead of the label and is used as it is.
    y, target: with a function loss and `fooled` they may have more columns, [B, n], for what those two read.
    fooled: another meaning of success. start: [B, C, H, W], where the first attempt begins instead of a drawn point;
    within the ball. generator: for the random starts; needed where there are any.
    """
    aim, wanted = (y, fooled or is_wrong) if target is None else (target, fooled or is_target)
    grow = loss_named(loss)
    if target is not None and not callable(loss):
        grow = towards(grow)
    size = 2.5 * eps / max(steps, 1) if step_size is None else step_size
    keeper = Keeper(x)
    for attempt in range(max(restarts, 1)):
        todo = keeper.open()
        if not len(todo):
            break
        images, labels = x[todo], aim[todo]
        here = images
        if start is not None and not attempt:
            here = start
        elif random_start or attempt:
            here = start_in_ball(images, eps, norm, generator=needed(generator))
        for step in range(steps):
            check()
            gradient, values, out = climb(net, here, labels, grow)
            keeper.see(todo, here, values, wanted(out, labels), attempt * steps + step)
            here = project(here + size * steepest(gradient, norm), images, eps, norm)
        check()
        with torch.no_grad():
            out = net(here)
            keeper.see(todo, here, grow(out, labels), wanted(out, labels), (attempt + 1) * steps)
    return keeper.found()


class Keeper:
    """Remembers each image's best iterate: one that fools before one that does not, then the larger loss."""

    def __init__(self, x: Tensor) -> None:
        self._adv = x.clone()
        self._loss = torch.full((len(x),), float("-inf"), dtype=x.dtype, device=x.device)
        self._success = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        self._steps = torch.full((len(x),), -1, dtype=torch.int64, device=x.device)

    def open(self) -> Tensor:
        """The images that nothing has fooled yet, int64 [M]."""
        return (~self._success).nonzero().squeeze(1)

    def see(self, which: Tensor, here: Tensor, loss: Tensor, success: Tensor, step: int) -> None:
        """Iterates [M, C, H, W] of the images `which` [M] after `step` steps: their loss and whether they fool."""
        before, first = self._success[which], self._steps[which]
        better = (success & ~before) | ((success == before) & (loss > self._loss[which]))
        self._adv[which] = merge(better, here, self._adv[which])
        self._loss[which] = torch.where(better, loss.to(self._loss), self._loss[which])
        self._steps[which] = torch.where(success & (first < 0), step, first)
        self._success[which] = before | success

    def found(self) -> Attacked:
        return Attacked(self._adv, self._success, self._steps)


def needed(generator: torch.Generator | None) -> torch.Generator:
    """The generator. Raises ValueError where a random start has none: randomness is made of a seed."""
    if generator is None:
        raise ValueError("expected a generator for the random start")
    return generator


def multi_targeted(
    net: Net,
    x: Tensor,
    y: Tensor,
    *,
    eps: float,
    steps: int,
    step_size: float | None = None,
    norm: Norm = "linf",
    targets: int | None = None,
    restarts: int = 1,
    random_start: bool = True,
    generator: torch.Generator | None = None,
    check: Check = nothing,
) -> Attacked:
    """PGD on z_t - z_y for every other class t in turn (the likeliest first, at most `targets`).

    Success means any wrong class. Images that are fooled already are not attacked again; the image kept for one
    that never is, is that of its first target. Source: Gowal et al. 2019.
    """
    order = other_classes(logits(net, x, check=check), y, targets)

    def attack(todo: Tensor, index: int) -> Attacked:
        pairs = torch.stack([y[todo], order[todo, index]], dim=1)
        return pgd(
            net, x[todo], pairs, eps=eps, steps=steps, step_size=step_size, norm=norm, restarts=restarts,
            random_start=random_start, loss=gap, fooled=is_wrong_of, generator=generator, check=check,
        )  # fmt: skip

    return in_turn(x, attack, order.shape[1], steps * max(restarts, 1))


def in_turn(
    x: Tensor, attack: Callable[[Tensor, int], Attacked], attempts: int, spent: int, fooled: Tensor | None = None
) -> Attacked:
    """Attempt after attempt on the images that those before it did not fool.

    attack: (indices int64 [M], number of the attempt) -> what it found for these. spent: gradient steps of one
    attempt. fooled: bool [B], images that need no attack. One that is never fooled keeps what its first attempt found.
    """
    adv = x.clone()
    success = torch.zeros(len(x), dtype=torch.bool, device=x.device) if fooled is None else fooled.clone()
    steps = torch.where(success, 0, -1)
    for index in range(attempts):
        todo = (~success).nonzero().squeeze(1)
        if not len(todo):
            break
        found = attack(todo, index)
        keep = found.success if index else torch.ones_like(found.success)
        adv[todo] = merge(keep, found.adv, adv[todo])
        steps[todo] = torch.where(found.success, found.steps + index * spent, -1)
        success[todo] = found.success
    return Attacked(adv, success, steps)


def gap(out: Tensor, pairs: Tensor) -> Tensor:
    """z_t - z_y for pairs (y, t) int64 [B, 2]: a loss, [B]."""
    both = out.gather(1, pairs)
    return both[:, 1] - both[:, 0]


def is_wrong_of(out: Tensor, pairs: Tensor) -> Tensor:
    """The named class is not the y of a pair (y, t)."""
    return is_wrong(out, pairs[:, 0])
