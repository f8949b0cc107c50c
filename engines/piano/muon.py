"""Muon: momentum whose matrices are made orthogonal before each step, so that no direction of a weight is left behind.

torch's own works in bfloat16, which processors without it compute thirty times slower (measured); this one keeps the
precision of the weights, and makes matrices of one shape orthogonal in one batch. Source: Jordan et al. 2024, "Muon: An
optimizer for hidden layers in neural networks"; the factor 0.2 sqrt(max(n, m)), which makes Adam's learning rates fit,
is that of Liu et al. 2025, "Muon is scalable for LLM training", section 2.2.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor

_COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
_ROUNDS: Final = 5


class Muon(torch.optim.Optimizer):
    """For matrices only. rate as for Adam; momentum: Nesterov's."""

    def __init__(self, matrices: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.95) -> None:
        super().__init__(list(matrices), {"lr": lr, "momentum": momentum})
        if any(p.ndim != 2 for group in self.param_groups for p in group["params"]):
            raise ValueError("expected matrices only")

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    by_shape[p.shape].append((p, p.grad))
            for shape, pairs in by_shape.items():
                moved = torch.stack([self._momentum(p, grad, group["momentum"]) for p, grad in pairs])
                size = group["lr"] * 0.2 * math.sqrt(max(shape))
                for (p, _), step in zip(pairs, orthogonal(moved), strict=True):
                    p.sub_(step, alpha=size)

    def _momentum(self, p: Tensor, grad: Tensor, momentum: float) -> Tensor:
        state = self.state[p]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(p)
        buffer = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        return grad.lerp(buffer, momentum)


def orthogonal(matrices: Tensor) -> Tensor:
    """[N, n, m] with singular values near 1 (0.7 to 1.2), by five Newton-Schulz rounds; directions stay."""
    a, b, c = _COEFFICIENTS
    x = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-12)
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if matrices.shape[1] > matrices.shape[2] else x
