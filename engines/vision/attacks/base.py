"""What all attacks share: the ball, the box, the loss to climb and a gradient that no batch can change.

Images are float [B, C, H, W] in [0, 1] pixels, labels int64 [B]. A net maps pixels to logits [B, K] and carries
its own normalisation, so that `eps` always means pixels. Nets are in eval mode.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.core.errors import UserError

Net = Callable[[Tensor], Tensor]
Check = Callable[[], None]
Loss = Callable[[Tensor, Tensor], Tensor]
"""(logits [B, K], labels int64 [B]) -> [B], which the attack makes as large as it can."""
Norm = Literal["linf", "l2"]
TINY = 1e-12
"""Below this, a gradient's mean size (or its length) counts as zero and is not divided by."""


def nothing() -> None:
    """The check that never stops."""


@dataclass(frozen=True)
class Attacked:
    """What an attack found for B images.

    adv: [B, C, H, W], the best image found, in the ball and in [0, 1].
    success: bool [B], whether it fools the net (for a target: whether it is called that).
    steps: int64 [B], gradient steps until the net was first fooled; 0: it was wrong on what came in (or on the
    random start), -1: never.
    """

    adv: Tensor
    success: Tensor
    steps: Tensor


def project(x_adv: Tensor, x: Tensor, eps: float, norm: Norm = "linf") -> Tensor:
    """The point of the ball of radius `eps` about `x`, and of the box [0, 1], that `x_adv` is drawn back to.

    l-inf: two interval clamps, whose order does not matter. l2: scaled to the sphere, then clamped; the clamp never
    leaves the ball, because `x` lies in the box.
    """
    if norm == "linf":
        return torch.clamp(torch.minimum(torch.maximum(x_adv, x - eps), x + eps), 0.0, 1.0)
    delta = x_adv - x
    scale = eps / lengths(delta).clamp_min(max(eps, TINY))
    return (x + delta * per_image(scale, x)).clamp(0.0, 1.0)


def random_start(x: Tensor, eps: float, norm: Norm = "linf", *, generator: torch.Generator) -> Tensor:
    """A point of the ball about `x`, inside the box. l-inf: uniform; l2: a random direction, a uniform radius.

    The numbers are drawn on the generator's device, so that a seed means the same on every accelerator.
    """
    if norm == "linf":
        noise = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=generator.device)
        return project(x + (2 * noise - 1).to(x.device) * eps, x, eps, norm)
    noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=generator.device)
    radius = torch.rand(len(x), generator=generator, dtype=x.dtype, device=generator.device) * eps
    noise = noise * per_image(radius / lengths(noise).clamp_min(TINY), noise)
    return project(x + noise.to(x.device), x, eps, norm)


def logits(net: Net, x: Tensor, *, batch: int = 256, check: Check = nothing) -> Tensor:
    """The net's answers [B, K] without a gradient, `batch` images at a time."""
    parts = []
    with torch.no_grad():
        for part in x.split(batch):
            check()
            parts.append(net(part))
    return torch.cat(parts) if parts else net(x)


def predict(net: Net, x: Tensor, batch: int = 256, check: Check = nothing) -> Tensor:
    """The class the net names for each image, int64 [B]."""
    return logits(net, x, batch=batch, check=check).argmax(1)


def climb(net: Net, x: Tensor, y: Tensor, loss: Loss) -> tuple[Tensor, Tensor, Tensor]:
    """(gradient [B, C, H, W], loss [B], logits [B, K]) at `x`.

    The losses are summed, never averaged: an image's gradient is then the same in any batch.
    """
    with torch.enable_grad():
        point = x.detach().requires_grad_(True)
        out = net(point)
        values = loss(out, y)
        (gradient,) = torch.autograd.grad(values.sum(), point)
    return gradient, values.detach(), out.detach()


def steepest(gradient: Tensor, norm: Norm) -> Tensor:
    """The direction of unit length along which a linear loss grows most: the sign, or the gradient over its length.

    A gradient of zero gives zero.
    """
    if norm == "linf":
        return gradient.sign()
    return gradient * per_image(1 / lengths(gradient).clamp_min(TINY), gradient)


def lengths(x: Tensor) -> Tensor:
    """The Euclidean length of each image, [B]."""
    return x.flatten(1).norm(dim=1)


def per_image(values: Tensor, like: Tensor) -> Tensor:
    """[B] shaped so that it multiplies images."""
    return values.view(-1, *[1] * (like.dim() - 1))


def merge(where: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` for the images in `where` (bool [B]), `old` for the others."""
    return torch.where(per_image(where, old), new, old)


# --- losses ----------------------------------------------------------------------------------------------------


def cross_entropy(out: Tensor, y: Tensor) -> Tensor:
    """-log p(y), [B]."""
    return F.cross_entropy(out, y, reduction="none")


def margin(out: Tensor, y: Tensor) -> Tensor:
    """max over other classes of z_i, minus z_y: positive where the net is wrong.

    Source: Carlini & Wagner 2017, f_6 with its sign turned.
    """
    true = out.gather(1, y[:, None]).squeeze(1)
    return best_other(out, y) - true


def best_other(out: Tensor, y: Tensor) -> Tensor:
    """The largest logit among the classes other than `y`, [B]."""
    return out.scatter(1, y[:, None], float("-inf")).amax(1)


def dlr(out: Tensor, y: Tensor) -> Tensor:
    """Difference-of-logits ratio, [B]: the margin over the gap between the first and the third logit.

    It does not change when all logits are shifted or scaled. Needs 3 classes. Source: Croce & Hein 2020, eq. 6.
    """
    _at_least(out, 3, "the DLR loss")
    ranked = out.sort(dim=1, descending=True).values
    return margin(out, y) / (ranked[:, 0] - ranked[:, 2]).clamp_min(TINY)


def targeted_dlr(out: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """Targeted difference-of-logits ratio, [B]: grows as `target` overtakes `y`. Needs 4 classes.

    Source: Croce & Hein 2020, eq. 7.
    """
    _at_least(out, 4, "the targeted DLR loss")
    ranked = out.sort(dim=1, descending=True).values
    gap = ranked[:, 0] - (ranked[:, 2] + ranked[:, 3]) / 2
    wanted = (target[:, None], y[:, None])
    return (out.gather(1, wanted[0]) - out.gather(1, wanted[1])).squeeze(1) / gap.clamp_min(TINY)


def _at_least(out: Tensor, classes: int, what: str) -> None:
    if out.shape[1] < classes:
        raise UserError(
            f"{what} needs at least {classes} classes, got a model with {out.shape[1]}", 'choose the loss "cw"'
        )


_LOSSES: dict[str, Loss] = {"ce": cross_entropy, "cw": margin, "dlr": dlr}


def loss_named(loss: str | Loss) -> Loss:
    """The loss of that name ("ce", "cw", "dlr"), or the function itself. Raises UserError for an unknown name."""
    if callable(loss):
        return loss
    if loss not in _LOSSES:
        raise UserError(f"expected a loss out of {', '.join(_LOSSES)}, got {loss!r}", "choose one of these")
    return _LOSSES[loss]


def towards(loss: Loss) -> Loss:
    """The targeted form of an untargeted loss: small loss of the target, large for the attack."""

    def negative(out: Tensor, target: Tensor) -> Tensor:
        return -loss(out, target)

    return negative


def other_classes(out: Tensor, y: Tensor, count: int | None = None) -> Tensor:
    """The classes other than `y`, likeliest first, int64 [B, count] (all of them without a count)."""
    others = out.shape[1] - 1
    ranked = out.scatter(1, y[:, None], float("-inf")).argsort(dim=1, descending=True)
    return ranked[:, : min(count or others, others)]
