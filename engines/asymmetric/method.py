"""The paper's mathematics: inner maximisation, training loss, losses of attacks on the whole system, decision rules.

Source: Yin, Kolouri, Rohde, "Adversarial Example Detection and Classification with Asymmetrical Adversarial Training",
ICLR 2020 (SJeQEp4YDH); equation numbers are its own. z_k is the logit of detector k, F the classifier's logits, pixels
lie in [0, 1]. All here are tensors in, tensors out; what is "lead" are the axes before those of one image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Norm = Literal["linf", "l2"]
Objective = Callable[[Tensor], Tensor]
"""Images [*lead, *image] to one number each [*lead], which an attack makes as large as it can."""

MASKED = 1e4
"""Taken off the logit of the class that a maximum over the *other* classes leaves out."""


def nothing() -> None:
    """The default of callbacks."""


@dataclass(frozen=True)
class Ascent:
    """How an inner maximisation goes. eps: radius of the ball in pixel units (0..1), 0 moves nothing; inf: no ball.

    optimiser: "adam" (fresh moments for every call, step_size is its rate) or "normgrad" (sign steps in l-inf, unit
    steps in l2). random_start: uniform in the l-inf ball, or a random direction times a uniform radius in l2
    (training); otherwise from zero (test). clip: keep the pixels in [0, 1].
    """

    eps: float
    steps: int = 100
    step_size: float = 0.01
    norm: Norm = "linf"
    optimiser: Literal["adam", "normgrad"] = "adam"
    random_start: bool = False
    clip: bool = True

    def __post_init__(self) -> None:
        if self.norm not in ("linf", "l2") or self.optimiser not in ("adam", "normgrad"):
            raise ValueError(
                f"expected norm linf or l2 and optimiser adam or normgrad, got {self.norm}, {self.optimiser}"
            )
        if not self.eps >= 0 or self.steps < 0 or not self.step_size > 0:
            raise ValueError(f"expected eps >= 0, steps >= 0 and step_size > 0, got {self}")


def image_norm(delta: Tensor, lead: int) -> Tensor:
    """l2 norm of each image, shaped [*lead, 1, …] so that it divides `delta`."""
    flat = delta.flatten(lead).norm(dim=-1)
    return flat.reshape(*flat.shape, *(1 for _ in delta.shape[lead:]))


def project(delta: Tensor, x: Tensor, ascent: Ascent, lead: int = 1) -> Tensor:
    """`delta` clamped first to [0 - x, 1 - x], then to the ball; both hold afterwards, as both are convex around 0."""
    if ascent.clip:
        delta = torch.minimum(torch.maximum(delta, -x), 1 - x)
    if ascent.norm == "linf":
        return delta.clamp(-ascent.eps, ascent.eps)
    return delta * (ascent.eps / image_norm(delta, lead).clamp(min=1e-12)).clamp(max=1.0)


def start(x: Tensor, ascent: Ascent, lead: int, generator: torch.Generator | None) -> Tensor:
    """The first perturbation of x. Not clipped to the box: the first step's clamp does that."""
    if not ascent.random_start or ascent.eps == 0:
        return torch.zeros_like(x)
    draw = torch.rand(x.shape, generator=generator, dtype=x.dtype).to(x.device)
    if ascent.norm == "linf":
        return (2 * draw - 1) * ascent.eps
    direction = torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)
    radius = draw.flatten(lead)[..., 0].reshape(*x.shape[:lead], *(1 for _ in x.shape[lead:]))
    return direction / image_norm(direction, lead).clamp(min=1e-12) * radius * ascent.eps


def climb(
    objective: Objective,
    x: Tensor,
    ascent: Ascent,
    *,
    lead: int = 1,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[int, Tensor, Tensor | None]]:
    """The steps of `maximise`: (step, x + delta, objective there [*lead]) before every step, and at the end
    (steps, x + delta, None). Nothing is computed until the next one is asked for."""
    delta = start(x, ascent, lead, generator)
    first, second, root = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x)
    bounds = None
    if ascent.norm == "linf":  # box and ball are one interval for each pixel, as `project` makes it in two clamps
        bounds = (
            project(torch.full_like(x, -ascent.eps), x, ascent),
            project(torch.full_like(x, ascent.eps), x, ascent),
        )
    for step in range(ascent.steps if ascent.eps else 0):
        moved = (x + delta).detach().requires_grad_(True)
        with torch.enable_grad():
            value = objective(moved)
            (gradient,) = torch.autograd.grad(value.sum(), moved)
        yield step, moved.detach(), value.detach()
        # In place, and with Adam's corrections folded into its step: on small networks this arithmetic is what counts.
        if ascent.optimiser == "adam":
            first.lerp_(gradient, 0.1)
            second.mul_(0.999).addcmul_(gradient, gradient, value=0.001)
            scale = (1 - 0.999 ** (step + 1)) ** 0.5
            torch.sqrt(second, out=root)
            delta.addcdiv_(first, root.add_(1e-8 * scale), value=ascent.step_size * scale / (1 - 0.9 ** (step + 1)))
        elif ascent.norm == "linf":
            delta.add_(gradient.sign_(), alpha=ascent.step_size)
        else:
            length = image_norm(gradient, lead).clamp_(min=torch.finfo(x.dtype).eps)
            delta.addcdiv_(gradient, length, value=ascent.step_size)
        delta = project(delta, x, ascent, lead) if bounds is None else delta.clamp_(*bounds)
    yield ascent.steps, x + project(delta, x, ascent, lead), None


def maximise(
    objective: Objective,
    x: Tensor,
    ascent: Ascent,
    *,
    lead: int = 1,
    generator: torch.Generator | None = None,
    on_step: Callable[[int, Tensor, Tensor], None] | None = None,
    check: Callable[[], None] = nothing,
) -> Tensor:
    """x + delta for a delta in the ball that makes `objective` large (section 2, "Inner maximisation").

    x: [*lead, *image]. on_step: told (step number, x + delta, objective there) for every step before it is taken.
    The cross-entropy softplus(z) is increasing in z, so that ascending z is the paper's inner maximum.
    Source of Adam with fresh moments and of the order of clamps: GAT-MNIST.
    """
    moved = x
    for step, moved, value in climb(objective, x, ascent, lead=lead, generator=generator):
        check()
        if on_step is not None and value is not None:
            on_step(step, moved, value)
    return moved


def training_loss(positive: Tensor, negative: Tensor) -> Tensor:
    """Sum over the K detectors of the mean of BCE(z_k(P), 1) and BCE(z_k(N'), 0) over P and N' together.

    positive: [K, P], negative: [K, N]. A sum, because each detector is trained by itself.
    """
    total = F.softplus(-positive).sum(1) + F.softplus(negative).sum(1)
    return (total / (positive.shape[1] + negative.shape[1])).sum()


def best_other(logits: Tensor, label: Tensor) -> Tensor:
    """The largest logit [B] among the classes that are not `label` [B]; logits [B, K]."""
    return (logits - MASKED * F.one_hot(label, logits.shape[1]).to(logits.dtype)).amax(1)


def of_class(logits: Tensor, label: Tensor) -> Tensor:
    """The logit [B] of class `label` [B]."""
    return logits.gather(1, label[:, None]).squeeze(1)


def classifier_loss(f: Tensor, y: Tensor) -> Tensor:
    """(9): F_y - max over the others, [B]; an attack makes it small."""
    return of_class(f, y) - best_other(f, y)


def detector_loss(z: Tensor, y: Tensor) -> Tensor:
    """(10): minus the largest logit of a detector of another class, [B]."""
    return -best_other(z, y)


def combined_cw_loss(f: Tensor, z: Tensor, y: Tensor) -> Tensor:
    """(12) as coded: max(F_y, (1 - max other Z)·max F) - max other F, [B]. Tends to get stuck (section 4.2.2)."""
    reject = (1 - best_other(z, y)) * f.amax(1)
    return torch.maximum(of_class(f, y), reject) - best_other(f, y)


def combined_loss(f: Tensor, z: Tensor, y: Tensor) -> Tensor:
    """(13): the loss (9) of every image that f still has right, and (10) of the others, [B]."""
    right = of_class(f, y) >= best_other(f, y)
    return torch.where(right, classifier_loss(f, y), detector_loss(z, y))


def detector_ce_loss(z: Tensor, y: Tensor) -> Tensor:
    """Minus the cross-entropy of Z as the logits of a K-class classifier, [B]: claim 3 compares (10) with it."""
    return -F.cross_entropy(z, y, reduction="none")


def detector_cw_loss(z: Tensor, y: Tensor) -> Tensor:
    """Z_y - max over the others, [B]: the Carlini-Wagner loss on Z, likewise for claim 3."""
    return classifier_loss(z, y)


def integrated(f: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """The integrated rule: the class k [B] that f names, and the logit z_k [B] that vets it."""
    k = f.argmax(1)
    return k, of_class(z, k)


def generative(z: Tensor, offsets: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The generative rule: the class [B] of the largest z_k, and that logit.

    offsets: float [K] added first; ours, not the paper's: detectors trained apart have no common scale.
    """
    shifted = z if offsets is None else z + offsets
    score, k = shifted.max(1)
    return k, score
