"""DeepFool: the way to the nearest decision boundary, taken as if the net were linear, again and again.

Source: Moosavi-Dezfooli, Fawzi, Frossard 2016, algorithm 2 (l2). The constant 1e-4 is that of the authors' code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engines.vision.attacks.base import TINY, Check, Net, lengths, nothing, per_image

PUSH: Final = 1e-4
"""Added to each step's length, so that a point exactly on a boundary still moves across it."""


@dataclass(frozen=True)
class DeepFool:
    """What it found for B images.

    distance: [B], Euclidean length of the perturbation in pixels; NaN where the class never changed, so that no
    average can swallow such a point: count them.
    perturbation: [B, C, H, W], what was added (also where the class never changed).
    flipped: bool [B], whether the class changed. iterations: int64 [B], steps taken.
    labels: int64 [B], the class named before; reached: int64 [B], the class named after.
    """

    distance: Tensor
    perturbation: Tensor
    flipped: Tensor
    iterations: Tensor
    labels: Tensor
    reached: Tensor


def deepfool(
    net: Net,
    x: Tensor,
    *,
    overshoot: float = 0.02,
    steps: int = 50,
    candidates: int = 10,
    clip: bool = False,
    check: Check = nothing,
) -> DeepFool:
    """The smallest change found that makes the net leave its own prediction.

    overshoot: the whole perturbation is stretched by this much beyond the boundary. candidates: only the likeliest
    classes are considered, the own one among them. clip: keep the image in [0, 1] (a distance to the boundary is
    better measured without).
    """
    with torch.no_grad():
        first = net(x)
    ranked = first.argsort(dim=1, descending=True)[:, : max(2, candidates)]
    total = torch.zeros_like(x)
    iterations = torch.zeros(len(x), dtype=torch.int64, device=x.device)
    reached = ranked[:, 0].clone()
    todo = torch.arange(len(x), device=x.device)
    for _ in range(steps):
        if not len(todo):
            break
        step, _ = _step(net, _shifted(x[todo], total[todo], overshoot, clip), ranked[todo], check)
        total[todo] += step
        iterations[todo] += 1
        check()
        with torch.no_grad():
            reached[todo] = net(_shifted(x[todo], total[todo], overshoot, clip)).argmax(1)
        todo = todo[reached[todo] == ranked[todo, 0]]
    perturbation = _shifted(x, total, overshoot, clip) - x
    flipped = reached != ranked[:, 0]
    distance = torch.where(flipped, lengths(perturbation), float("nan"))
    return DeepFool(distance, perturbation, flipped, iterations, ranked[:, 0], reached)


def _shifted(x: Tensor, total: Tensor, overshoot: float, clip: bool) -> Tensor:
    moved = x + (1 + overshoot) * total
    return moved.clamp(0.0, 1.0) if clip else moved


def _step(net: Net, here: Tensor, ranked: Tensor, check: Check) -> tuple[Tensor, Tensor]:
    """The step to the nearest linearised boundary [B, C, H, W], and its distance [B].

    ranked: int64 [B, M], the own class first, then the candidates.
    """
    with torch.enable_grad():
        point = here.detach().requires_grad_(True)
        chosen = net(point).gather(1, ranked)
        nearest = torch.full((len(here),), float("inf"), dtype=here.dtype, device=here.device)
        step = torch.zeros_like(here)
        for k in range(1, ranked.shape[1]):
            check()
            gap = chosen[:, k] - chosen[:, 0]
            (w,) = torch.autograd.grad(gap.sum(), point, retain_graph=k + 1 < ranked.shape[1])
            size = lengths(w)
            far = torch.where(size > TINY, gap.detach().abs() / size.clamp_min(TINY), float("inf"))
            nearer = far < nearest
            nearest = torch.where(nearer, far, nearest)
            push = torch.where(nearer, (far + PUSH) / size.clamp_min(TINY), 0.0)
            step = torch.where(per_image(nearer, here), w * per_image(push, w), step)
    return step, nearest
