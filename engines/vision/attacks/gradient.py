"""The family FGSM … SI-NI-TI-DIM: momentum, look-ahead, scale copies, random resizing, smoothed gradients.

    n_t     = x_t + a·mu·g_t                                    (NI; else n_t = x_t; never clipped)
    G       = sum_i d/dn CE( f( D_i( S_i(n_t) ) ), y )          (SI with m copies; DI draws anew for each)
    G       = K * G                                             (TI, once, on the sum)
    g_{t+1} = mu·g_t + G / mean|G|
    x_{t+1} = clip( x_t + a·sign(g_{t+1}) )                     (to the eps-ball and to [0, 1])

Source: Lin et al. 2020, arXiv 1908.06281, and its official code, whose composition order and mean normaliser are
taken. Everything is per image: an image's result does not depend on its batch, but for the draws of DI, which a
batch shares as in the official code. An image whose gradient vanishes keeps its old momentum and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engines.vision.attacks.base import (
    TINY,
    Check,
    Loss,
    Net,
    cross_entropy,
    nothing,
    per_image,
    random_start,
    towards,
)
from engines.vision.attacks.batching import copies_together
from engines.vision.attacks.recipe import RECIPES, Recipe, name, passes, recipe_named
from engines.vision.attacks.transforms import Draw, gaussian, scaled, smoothed

__all__ = ["RECIPES", "Ensemble", "Recipe", "Step", "craft", "name", "passes", "recipe_named", "steps"]


@dataclass(frozen=True)
class Step:
    """Iteration `index` (1 … T) of B images, with each of its parts.

    x: [B, C, H, W], the new iterate x_t. before: x_{t-1}. lookahead: where the gradient was taken (= before without
    NI). gradient: G after TI, before the normaliser. scale: [B], what G was divided by. momentum: g_t.
    copies: [m, B, C, H, W], each scale copy's own gradient with its chain-rule factor 2^-i, or None when not asked for.
    loss: [B], the loss at the look-ahead, mean over copies. vanished: bool [B], whether the gradient was zero.
    """

    index: int
    x: Tensor
    before: Tensor
    lookahead: Tensor
    gradient: Tensor
    scale: Tensor
    momentum: Tensor
    loss: Tensor
    vanished: Tensor
    copies: Tensor | None = None


class Ensemble:
    """Several nets as one source: the equally weighted mean of their logits (official code)."""

    def __init__(self, nets: Sequence[Net]) -> None:
        if not nets:
            raise ValueError("expected at least one net")
        self.nets = tuple(nets)

    def __call__(self, x: Tensor) -> Tensor:
        total = self.nets[0](x)
        for net in self.nets[1:]:
            total = total + net(x)
        return total / len(self.nets)


def craft(
    net: Net,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    *,
    generator: torch.Generator | None = None,
    check: Check = nothing,
    trace: Callable[[Step], None] | None = None,
    target: Tensor | None = None,
    passing: Passing = "auto",
) -> Tensor:
    """The images [B, C, H, W] after the recipe's T steps on the source `net`.

    y: labels int64 [B]: the truth, or the source's own predictions as in the official scripts. target: int64 [B], for
    a targeted recipe. generator: needed by a recipe with random parts. trace: is told every step.
    """
    last = x
    for step in steps(net, x, y, recipe, generator=generator, check=check, target=target, passing=passing):
        if trace is not None:
            trace(step)
        last = step.x
    return last


Passing = Literal["auto", "loop", "batch"]
"""How scale copies go through the source: one after another, all in one batch, or as many as are fastest."""


def steps(
    net: Net,
    x: Tensor,
    y: Tensor,
    recipe: Recipe,
    *,
    generator: torch.Generator | None = None,
    check: Check = nothing,
    target: Tensor | None = None,
    passing: Passing = "auto",
    keep_copies: bool = False,
    loss: Loss = cross_entropy,
) -> Iterator[Step]:
    """The attack one iteration after another, so that a step player or a race can look at each.

    keep_copies: also hand out each scale copy's gradient. loss: (logits, y) -> [B], grows (for a target it shrinks).
    Raises ValueError where the recipe needs a target or a generator and has none.
    """
    if recipe.targeted != (target is not None):
        raise ValueError("expected a target exactly where the recipe is targeted")
    if recipe.is_random and generator is None:
        raise ValueError("expected a generator for a recipe with random parts")
    aim, grow = (y, loss) if target is None else (target, towards(loss))
    kernel = gaussian(recipe.ti_kernel, x) if recipe.ti_kernel > 1 else None
    a, eps = recipe.step_size, recipe.eps
    # Ball and box are intervals: their common part once, not two clamps a step.
    low, high = (x - eps).clamp_min(0.0), (x + eps).clamp_max(1.0)
    here = x
    if recipe.random_start and generator is not None:
        here = random_start(x, eps, generator=generator)
    momentum = torch.zeros_like(x)
    together = {"loop": 1, "batch": recipe.copies}.get(passing) or copies_together(net, x, recipe.copies)
    for index in range(1, recipe.steps + 1):
        ahead = torch.add(here, momentum, alpha=a * recipe.mu) if recipe.lookahead and recipe.mu else here
        gradient, value, copies = _summed(net, ahead, aim, recipe, grow, generator, check, together, keep_copies)
        if kernel is not None:
            gradient = smoothed(gradient, kernel)
        total = torch.linalg.vector_norm(gradient.flatten(1), 1, dim=1)
        mean = total / gradient[0].numel()
        scale = (mean if recipe.normaliser == "mean" else total).clamp_min(TINY)
        momentum = (recipe.mu * momentum).add_(gradient / per_image(scale, gradient))
        before, here = here, torch.clamp(torch.add(here, momentum.sign(), alpha=a), low, high)
        yield Step(index, here, before, ahead, gradient, scale, momentum, value, mean <= TINY, copies)


def _summed(
    net: Net,
    ahead: Tensor,
    aim: Tensor,
    recipe: Recipe,
    grow: Loss,
    generator: torch.Generator | None,
    check: Check,
    together: int,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """(sum over copies of the gradient at `ahead`, mean loss [B], each copy's gradient or None).

    together: copies in one pass.
    """
    m, (height, width) = recipe.copies, ahead.shape[-2:]
    total: Tensor | None = None
    value: Tensor | None = None
    kept: list[Tensor] = []
    for first in range(0, m, together):
        check()
        scales = range(first, min(first + together, m))
        views = [scaled(ahead, i, recipe.pivot) for i in scales]
        draws = []
        if recipe.di_p > 0 and generator is not None:
            draws = [Draw(height, width, recipe.di_p, recipe.di_rate, generator) for _ in scales]
        gradients, values = _through(net, views, draws, aim, grow, recipe.pivot)
        for i, gradient, one in zip(scales, gradients, values, strict=True):
            # d S_i(v) / dv = 2^-i: coarse copies count less. A power of two costs no precision.
            factor = 2.0**-i
            if keep:
                kept.append(gradient * factor)
            total = gradient * factor if total is None else total.add_(gradient, alpha=factor)
            value = one if value is None else value + one
    assert total is not None and value is not None
    return total, value / m, torch.stack(kept) if keep else None


def _through(
    net: Net, views: list[Tensor], draws: list[Draw], aim: Tensor, grow: Loss, pad: float
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Gradients and losses of some views of the same images, in one pass."""
    copies = len(views)
    leaf = (views[0] if copies == 1 else torch.cat(views)).detach().requires_grad_(True)
    with torch.enable_grad():
        inputs: Tensor = leaf
        if draws:
            parts = [draw(part, pad) for draw, part in zip(draws, leaf.chunk(copies), strict=True)]
            inputs = parts[0] if copies == 1 else torch.cat(parts)
        values = grow(net(inputs), aim if copies == 1 else aim.repeat(copies))
        (gradient,) = torch.autograd.grad(values.sum(), leaf)
    return gradient.chunk(copies), values.detach().chunk(copies)
