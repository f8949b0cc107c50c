"""The inner step of adversarial training: worst-case images within an l∞ ball, made as cheaply as training allows.

For evaluating a network use `engines.vision.attacks`, which keep the best iterate and may restart.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def nothing() -> None:
    """The default of `check`."""


def worst(
    net: nn.Module,
    x: Tensor,
    loss: Callable[[Tensor], Tensor],
    *,
    eps: float,
    steps: int,
    step: float,
    start: float,
    generator: torch.Generator,
    check: Callable[[], None] = nothing,
) -> Tensor:
    """Images [B, C, H, W] in [0, 1] within eps of x that ascend `loss` (of logits, a scalar) by sign steps.

    start: half-width of the uniform random start. generator: on the CPU, consumed. Batch norm uses its running
    figures while attacking, so that attacked images do not change them twice; the net's mode is restored.
    """
    was_training = net.training
    net.eval()
    try:
        noise = torch.rand(x.shape, generator=generator).to(x.device) * 2 - 1
        low, high = (x - eps).clamp_min(0), (x + eps).clamp_max(1)
        adv = (x + start * noise).clamp(0, 1)
        for _ in range(steps):
            check()
            adv = adv.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(loss(net(adv)), adv)
            adv = torch.clamp(adv.detach() + step * gradient.sign(), low, high)
        return adv.detach()
    finally:
        net.train(was_training)


def cross_entropy_to(y: Tensor) -> Callable[[Tensor], Tensor]:
    """Summed cross entropy against labels y: PGD's and FGSM's objective."""
    return lambda logits: F.cross_entropy(logits, y, reduction="sum")


def divergence_from(clean: Tensor) -> Callable[[Tensor], Tensor]:
    """KL divergence of the clean prediction (logits [B, K]) from the attacked one: TRADES' objective."""
    wanted = torch.softmax(clean.detach(), 1)
    return lambda logits: F.kl_div(torch.log_softmax(logits, 1), wanted, reduction="sum")
