"""Distances to the decision boundary, and a slice through one image ("invariance.boundary")."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.invariance.models import images_for, load_models, trained
from engines.invariance.results import BoundaryResult, PlaneSlice
from engines.invariance.spec import BoundarySpec

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.models import Model

BATCH = 50
"""Images of one DeepFool: its steps are checked for a stop each."""


@job("invariance.boundary", BoundarySpec, title="Distance to the decision boundary")
def boundary(spec: BoundarySpec, ctx: JobContext) -> BoundaryResult:
    """Measure with DeepFool how far images are from being called something else, and cut a plane through one."""
    from engines.invariance.slicing import Slicer

    ctx.progress(0, 0, "Loading models and images")
    models = load_models(spec.models, spec.data, spec.device, ctx.check)
    single = next((m for m in models if len(m.classes) < 2), None)
    if single is not None:
        raise UserError(f"{single.title} knows one class only: it has no decision boundary", "choose another model")
    pool, x, labels, notes = images_for(models, spec.data, spec.images, spec.seed, ctx.check)
    if spec.slice_image >= len(x):
        raise UserError(f"expected an image from 0 to {len(x) - 1} for the slice, got {spec.slice_image}")
    middle = x[spec.slice_image]
    rows = np.full((len(models), len(x)), math.nan)
    relative, counts = rows.copy(), np.zeros((3, len(models)), np.int64)
    slices: list[PlaneSlice] = []

    def so_far() -> BoundaryResult:
        return BoundaryResult(
            models=tuple(trained(m.name, m.card) for m in models),
            distances=rows.copy(),
            relative=relative.copy(),
            flipped=counts[0].copy(),
            wrong=counts[1].copy(),
            never=counts[2].copy(),
            mean=_along(np.mean, rows),
            median=_along(np.median, rows),
            mean_relative=_along(np.mean, relative),
            clipped=spec.clip,
            wrong_as=spec.wrong,
            image=middle.cpu().numpy(),
            slices=tuple(slices),
            source=pool.source,
            notes=notes,
        )

    for i, model in enumerate(models):
        distance, counts[:, i] = _distances(model, x, labels[i], spec, ctx, (i, len(models)))
        rows[i] = distance.cpu().numpy()
        relative[i] = (distance / x.flatten(1).norm(dim=1).double()).cpu().numpy()
        slices.append(Slicer(model, middle, spec.eps, spec.seed, ctx.check).slice(spec.extent, spec.resolution | 1))
        ctx.publish(so_far(), keep=True)
    ctx.progress(len(models), len(models), "Done")
    return so_far()


def _distances(
    model: Model, x: Tensor, y: Tensor, spec: BoundarySpec, ctx: JobContext, place: tuple[int, int]
) -> tuple[Tensor, np.ndarray]:
    """Distances float64 [N] with NaN for images that do not count, and how many flipped, were wrong, never flip."""
    import torch

    from engines.vision.attacks.deepfool import deepfool

    parts, right, flips = [], [], []
    for start in range(0, len(x), BATCH):
        only = slice(start, start + BATCH)
        found = deepfool(
            model.net, x[only], overshoot=spec.overshoot, steps=spec.steps, candidates=spec.candidates, clip=spec.clip,
            check=ctx.check,
        )  # fmt: skip
        parts.append(found.distance.double())
        flips.append(found.flipped)
        right.append((found.labels == y[only]) | (y[only] < 0))
        ctx.progress(place[0] + min(start + BATCH, len(x)) / len(x) * 0.9, place[1], model.title)
    distance, correct, flipped = torch.cat(parts), torch.cat(right), torch.cat(flips)
    left = torch.zeros_like(distance) if spec.wrong == "zero" else torch.full_like(distance, math.nan)
    counts = np.array([int((flipped & correct).sum()), int((~correct).sum()), int((correct & ~flipped).sum())])
    return torch.where(correct, distance, left), counts


def _along(how: Callable[[np.ndarray], np.floating], rows: np.ndarray) -> np.ndarray:
    """mean or median of each row without its NaNs; NaN of an empty one."""
    return np.array([how(row[~np.isnan(row)]) if (~np.isnan(row)).any() else math.nan for row in rows])
