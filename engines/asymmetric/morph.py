"""Painting class features: targeted ascent with its frames, synthesis from noise, the rubbish test.

Source: Yin et al. 2020, section 4.4 ("perturb toward class distributions") and its code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from engines.asymmetric.method import Ascent, best_other, maximise, nothing, of_class

SYNTHESIS_RADIUS, SYNTHESIS_STEPS, SYNTHESIS_STEP = 30.0, 60, 0.5
"""The paper's l2 ball, steps and step for synthesis, in pixel units, for 32×32 colour."""


@dataclass
class Way:
    """Frames of an ascent. frames: [S] images [B, C, H, W]; steps: [S]; logit, others: [S] of [B], the target's logit
    and the largest other one; named: [S] of int64 [B]. trace: [steps] of [B]."""

    frames: list[Tensor] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    logit: list[Tensor] = field(default_factory=list)
    others: list[Tensor] = field(default_factory=list)
    named: list[Tensor] = field(default_factory=list)
    trace: list[Tensor] = field(default_factory=list)


def walk(
    logits: Callable[[Tensor], Tensor],
    x: Tensor,
    target: Tensor,
    ascent: Ascent,
    *,
    kept: set[int],
    objective: Callable[[Tensor], Tensor] | None = None,
    on_step: Callable[[int, Way], None] = lambda step, way: None,
    check: Callable[[], None] = nothing,
) -> Way:
    """Ascend the target's logit [B] from x [B, C, H, W] and keep the frames at the step numbers `kept`.

    logits: images to [B, K]. objective: the target's logit [B] by itself, where that is cheaper than all of them.
    Frame 0 is x, frame `ascent.steps` the end.
    """
    way = Way()

    def keep(step: int, moved: Tensor) -> None:
        with torch.no_grad():
            found = logits(moved)
        way.frames.append(moved.clone())
        way.steps.append(step)
        way.logit.append(of_class(found, target))
        way.others.append(best_other(found, target))
        way.named.append(found.argmax(1))

    def look(step: int, moved: Tensor, value: Tensor) -> None:
        way.trace.append(value)
        if step in kept:
            keep(step, moved)
        on_step(step, way)

    goal = objective or (lambda moved: of_class(logits(moved), target))
    end = maximise(goal, x, ascent, on_step=look, check=check)
    keep(ascent.steps, end)
    on_step(ascent.steps, way)
    return way


def frame_steps(steps: int, frames: int) -> set[int]:
    """About `frames` step numbers from 0 to `steps`, both included."""
    return {round(step) for step in np.linspace(0, steps, max(2, min(frames, steps + 1)))}


def class_noise(images: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` images from Normal(mean, cov + 1e-4 I) of a class's training pixels, clipped to [0, 1].

    images: float32 [N, C, H, W]. Drawn through the N centred images themselves, which have exactly that covariance:
    no D × D matrix is formed.
    """
    flat = images.reshape(len(images), -1).astype(np.float64)
    mean = flat.mean(0)
    centred = (flat - mean) / np.sqrt(max(len(flat) - 1, 1))
    drawn = rng.standard_normal((count, len(flat))) @ centred
    drawn += mean + 1e-2 * rng.standard_normal((count, flat.shape[1]))
    return np.clip(drawn, 0, 1).reshape(count, *images.shape[1:]).astype(np.float32)


def gaussian_noise(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One rubbish image: Normal(0.5, 0.25) in every pixel, clipped to [0, 1]."""
    return np.clip(rng.normal(0.5, 0.25, shape), 0, 1).astype(np.float32)
