"""Slices through one image, prepared once (attack, DeepFool) and drawn at any extent and fineness."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import torch

from engines.invariance.method import attacked
from engines.invariance.planes import plane_through, regions, turn_tangent
from engines.invariance.results import PlaneSlice
from engines.vision.attacks.deepfool import deepfool
from engines.vision.pace import Pace
from engines.vision.training.augment import rotate

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.models import Model

ATTACK_STEPS: Final = 10
TURN_SHOWN: Final = 10.0
"""Degrees of the turn that a slice marks."""


class Slicer:
    """The plane of one model and image [C, H, W]: u is PGD-10's change at eps, v the turn at right angles to it."""

    def __init__(
        self, model: Model, x: Tensor, eps: float, seed: int, check: Callable[[], None], pace: Pace | None = None
    ) -> None:
        self.model, self._check, self._pace = model, check, pace or Pace()
        batch = x[None].to(model.device)
        self.label = model.logits(batch).argmax(1)
        check()
        adversary = attacked(model.net, batch, self.label, eps, "pgd", ATTACK_STEPS, seed, check=check) - batch
        self.plane = plane_through(batch[0], adversary[0], turn_tangent(batch[0]))
        turned = rotate(batch, TURN_SHOWN, mode="bilinear") - batch
        self.adversary = self.plane.coordinates(adversary[0])[:2]
        self.turned = self.plane.coordinates(turned[0])[:2]
        self.arrow, self.distance = (math.nan, math.nan, math.nan), math.nan
        self.has_arrow = False

    def find_arrow(self) -> None:
        """DeepFool's way to the boundary; the slowest part, so it comes after the first picture."""
        if not self.has_arrow and len(self.model.classes) > 1:
            found = deepfool(self.model.net, self.plane.origin[None], check=self._check)
            if bool(found.flipped[0]):
                self.arrow = self.plane.coordinates(found.perturbation[0])
                self.distance = float(found.distance[0])
        self.has_arrow = True

    def slice(
        self, extent: float, size: int, *, with_arrow: bool = True, coarse: PlaneSlice | None = None
    ) -> PlaneSlice:
        """The plane's classes on size × size points. coarse: a slice of the same extent, whose points are not asked
        again where they are among these."""
        if with_arrow:
            self.find_arrow()
        known = None
        if coarse is not None:
            known = torch.from_numpy(coarse.classes), torch.from_numpy(coarse.margin)
        classes, margin = regions(self.model.net, self.plane, extent, size, self._check, known=known, pace=self._pace)
        return PlaneSlice(
            model=self.model.name,
            classes=classes.cpu().numpy(),
            margin=margin.float().cpu().numpy(),
            extent=extent,
            arrow=self.arrow,
            distance=self.distance,
            adversary=self.adversary,
            turned=self.turned,
            label=int(self.label[0]),
            names=self.model.classes,
        )

    def with_arrow(self, drawn: PlaneSlice) -> PlaneSlice:
        """A slice drawn before the arrow was known, with it."""
        return replace(drawn, arrow=self.arrow, distance=self.distance)
