"""Painting class features: targeted ascent with its frames, synthesis from noise, the rubbish test.

Source: Yin et al. 2020, section 4.4 ("perturb toward class distributions") and its code.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engines.asymmetric.method import Ascent, best_other, climb, of_class

SYNTHESIS_RADIUS, SYNTHESIS_STEPS, SYNTHESIS_STEP = 30.0, 60, 0.5
"""The paper's l2 ball, steps and step for synthesis, in pixel units, for 32×32 colour."""


class Walk:
    """One model's ascent of a target's logit from one image or several, step by step, with its frames.

    frames: [S] images [B, C, H, W]; steps: [S], after how many steps; logit, others: [S] of [B], the target's logit
    and the largest other one; named: [S] of int64 [B]; trace: [n] of [B], the target's logit before every step.
    """

    def __init__(
        self,
        logits: Callable[[Tensor], Tensor],
        x: Tensor,
        target: Tensor,
        ascent: Ascent,
        *,
        kept: set[int],
        objective: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        """logits: images [B, C, H, W] to [B, K]. target: int64 [B]. kept: step numbers of the frames.

        objective: the target's logit [B] by itself, where that is cheaper than all K of them.
        """
        self.frames: list[Tensor] = []
        self.steps: list[int] = []
        self.logit: list[Tensor] = []
        self.others: list[Tensor] = []
        self.named: list[Tensor] = []
        self.trace: list[Tensor] = []
        self.done, self.total = 0, ascent.steps
        self._logits, self._target, self._kept = logits, target, kept
        self._climb = climb(objective or (lambda v: of_class(logits(v), target)), x, ascent)
        self.is_over = False

    def step(self) -> None:
        """Go on by one step; the last one keeps the end as a frame."""
        step, moved, value = next(self._climb)
        self.done = step
        if value is not None:
            self.trace.append(value)
        if value is None or step in self._kept:
            with torch.no_grad():
                found = self._logits(moved)
            self.frames.append(moved.detach())
            self.steps.append(step)
            self.logit.append(of_class(found, self._target))
            self.others.append(best_other(found, self._target))
            self.named.append(found.argmax(1))
        self.is_over = value is None


def frame_steps(steps: int, frames: int) -> set[int]:
    """About `frames` step numbers from 0 to `steps`, both included."""
    return {round(step) for step in np.linspace(0, steps, max(2, min(frames, steps + 1)))}


def class_noise(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` images from Normal(mean, cov + 1e-4 I) of a class's training pixels, clipped to [0, 1].

    images: float32 [N, C, H, W]. Drawn through the N centred images themselves, which have exactly that covariance:
    no D × D matrix is formed. Raises ValueError without an image.
    """
    if not len(images):
        raise ValueError("expected at least one image of the class")
    flat = images.reshape(len(images), -1).astype(np.float64)
    mean = flat.mean(0)
    centred = (flat - mean) / np.sqrt(max(len(flat) - 1, 1))
    drawn = rng.standard_normal((count, len(flat))) @ centred
    drawn += mean + 1e-2 * rng.standard_normal((count, flat.shape[1]))
    return np.clip(drawn, 0, 1).reshape(count, *images.shape[1:]).astype(np.float32)


def gaussian_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One rubbish image: Normal(0.5, 0.25) in every pixel, clipped to [0, 1]."""
    return np.clip(rng.normal(0.5, 0.25, shape), 0, 1).astype(np.float32)
