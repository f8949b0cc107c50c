"""One attack on one image in all its parts, and the views that are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engines.transfer.frequency import radial, spectrum
from engines.transfer.method import Plane, losses_on, plane_of
from engines.transfer.setting import Source
from engines.transfer.snapshots import Perturbation, PlaneView, Walk
from engines.vision.attacks.gradient import steps
from engines.vision.attacks.recipe import Recipe, name, passes

if TYPE_CHECKING:
    from engines.vision.nets.models import Model

SHOWN = 64
"""Pixels a side above which gradients are shown averaged: a step player's thumbnails are no larger."""
_MARGIN = 0.15


@dataclass(frozen=True)
class Walked:
    """An attack with what the views need. x: [T + 1, C, H, W]; ahead, gradient: [T, C, H, W]."""

    walk: Walk
    recipe: Recipe
    x: Tensor
    ahead: Tensor
    gradient: Tensor


def walked(
    source: Source, image: Tensor, label: int, aim: int, recipe: Recipe, seed: int, check: Callable[[], None]
) -> Walked:
    """Attack one image [C, H, W] and keep every part. aim: the class wanted for a targeted recipe, else ignored."""
    y = torch.tensor([label], device=image.device)
    target = torch.tensor([aim], device=image.device) if recipe.targeted else None
    generator = torch.Generator().manual_seed(seed)
    seen = list(
        steps(source.net, image[None], y, recipe, generator=generator, check=check, target=target, keep_copies=True)
    )
    x = torch.cat([seen[0].before, *(step.x for step in seen)])
    ahead = torch.cat([step.lookahead for step in seen])
    gradient = torch.cat([step.gradient for step in seen])
    shrink = max(1, -(-max(image.shape[-2:]) // SHOWN))
    copies = torch.cat([step.copies.transpose(0, 1) for step in seen if step.copies is not None])
    loss = torch.cat([step.loss for step in seen])
    edge = recipe.eps - 1e-6
    walk = Walk(
        title=name(recipe),
        passes=passes(recipe),
        step_size=recipe.step_size,
        eps=recipe.eps,
        x=_numpy(x),
        lookahead=_shrunk(ahead, shrink),
        gradient=_shrunk(gradient, shrink),
        momentum=_shrunk(torch.cat([step.momentum for step in seen]), shrink),
        copies=_shrunk(copies, shrink),
        shrink=shrink,
        loss=_numpy(-loss if recipe.targeted else loss),
        scale=_numpy(torch.cat([step.scale for step in seen])),
        reach=_numpy((ahead - x[:-1]).abs().flatten(1).mean(1) / recipe.step_size),
        vanished=torch.cat([step.vanished for step in seen]).cpu().numpy(),
        changed=_numpy(((x[1:] - image).abs() >= edge).flatten(1).float().mean(1)),
        label=label,
        aim=aim if recipe.targeted else -1,
    )
    return Walked(walk, recipe, x, ahead, gradient)


def perturbation(image: Tensor, last: Tensor) -> Perturbation:
    """The whole change of an image, both [C, H, W], and where its energy lies."""
    delta = _numpy(last - image)
    return Perturbation(
        delta, spectrum(delta), radial(delta[None]), float(np.abs(delta).max()), float(np.linalg.norm(delta))
    )


def verdict(model: Model, images: Tensor, label: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a model calls each image [P, C, H, W]: class int64, its probability, and that of the label (NaN for -1).

    Raises UserError where the images do not fit the model.
    """
    chances = model.logits(images).softmax(1)
    best = chances.max(1)
    truth = chances[:, label] if label >= 0 else torch.full_like(best.values, float("nan"))
    return best.indices.cpu().numpy(), _numpy(best.values), _numpy(truth)


class Microscope:
    """The look-ahead microscope: the plane of an attack's end and of one gradient, and the paths in it."""

    def __init__(self, source: Source, image: Tensor, own: Walked, rival: Walked, step: int, seed: int) -> None:
        """step: the iteration (1 … T) whose gradient gives the second axis; 0 the last."""
        total = len(own.ahead)
        self.step = min(max(step, 1), total) if step else total
        self._net = source.net
        target = own.walk.aim if own.recipe.targeted else own.walk.label
        self._y = torch.tensor(target, device=image.device)
        # Where the gradient leads: a targeted attack goes against the loss of its target.
        direction = own.gradient[self.step - 1].sign()
        self._plane = plane_of(image, own.x[-1], direction, own.recipe.eps, torch.Generator().manual_seed(seed))
        self._paths = [self._drawn(one) for one in (own, rival)]
        self._titles = (own.walk.title, rival.walk.title)

    @property
    def plane(self) -> Plane:
        return self._plane

    def view(self, size: int, check: Callable[[], None]) -> PlaneView:
        """The loss at `size` × `size` points that take in both paths."""
        every = np.concatenate([part for path, ahead, _ in self._paths for part in (path, ahead)])
        low, high = np.minimum(every.min(0), 0.0), np.maximum(every.max(0), 0.0)
        middle, half = (low + high) / 2, max(float((high - low).max()) / 2, 0.25) * (1 + _MARGIN)
        a, b = (np.linspace(middle[k] - half, middle[k] + half, size) for k in (0, 1))
        loss = losses_on(self._net, self._y, self._plane, a, b, check=check)
        (path, ahead, off), (rival_path, rival_ahead, rival_off) = self._paths
        return PlaneView(
            step=self.step,
            a=a.astype(np.float32),
            b=b.astype(np.float32),
            loss=loss,
            path=path,
            ahead=ahead,
            off=off,
            rival_path=rival_path,
            rival_ahead=rival_ahead,
            rival_off=rival_off,
            titles=self._titles,
        )

    def _drawn(self, one: Walked) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        path, off = self._plane.project(one.x)
        ahead, _ = self._plane.project(one.ahead)
        return path.astype(np.float32), ahead.astype(np.float32), off.astype(np.float32)


def _shrunk(images: Tensor, factor: int) -> np.ndarray:
    """Images [..., C, H, W] averaged over squares of `factor` pixels (the last ones over what there is)."""
    if factor > 1:
        flat = F.avg_pool2d(images.flatten(0, -4), factor, ceil_mode=True, count_include_pad=False)
        images = flat.view(*images.shape[:-2], *flat.shape[-2:])
    return _numpy(images)


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()
