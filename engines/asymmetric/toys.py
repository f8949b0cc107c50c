"""One detector on points of the line or the plane, small enough to watch: targets, training, ascent, density.

Source: Yin et al. 2020, section 2 ("toy") and GAT-synthetic. Sets lie in the middle of the unit square; negatives are
uniform outside their bounding box. Smaller networks and minibatches than the official recipe: far quicker to watch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engines.asymmetric.method import Ascent, maximise, nothing, training_loss
from engines.asymmetric.metrics import auc
from engines.asymmetric.toy_sets import MODES, true_density
from engines.core.errors import UserError
from engines.vision.nets.detectors import Detectors

LN2 = float(np.log(2))
"""Loss of the saddle point: D = 1/2 on the target's support."""
NEAR = 0.03
"""A point this close to the target set has landed on it."""
MARGIN = 0.05
"""Between the target's bounding box and the negatives."""
SWIMMERS = 160
"""Negatives whose path is shown."""


def negative_set(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [count, D], uniform in the unit cube outside the bounding box of `points` widened by MARGIN (on the
    line: outside [0.3, 0.7]). Raises UserError where the box leaves no room."""
    if points.shape[1] == 1:
        draw = rng.uniform(0, 0.6, count)
        return np.where(draw < 0.3, draw, draw + 0.4)[:, None].astype(np.float32)
    low, high = points.min(0) - MARGIN, points.max(0) + MARGIN
    if np.prod(np.clip(high, 0, 1) - np.clip(low, 0, 1)) > 0.98:
        raise UserError("the target set fills the square: there is no room for negatives", "draw a smaller one")
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        draw = rng.uniform(0, 1, (2 * count, 2))
        found.append(draw[~((draw > low) & (draw < high)).all(1)])
    return np.concatenate(found)[:count].astype(np.float32)


@dataclass(frozen=True)
class ToySettings:
    """A theatre's numbers, as in ToySpec. ascent: of the negatives; its eps may be 0."""

    ascent: Ascent
    rate: float = 2e-3
    batch: int = 128
    plain: int = 200


class Theatre:
    """The toy in motion. `step` is one update; the rest looks at where it stands."""

    def __init__(
        self, points: np.ndarray, settings: ToySettings, *, width: int = 96, layers: int = 3, seed: int = 0
    ) -> None:
        self.settings = settings
        self.points = points
        rng = np.random.default_rng(seed)
        self.negatives = negative_set(points, len(points), rng)
        self.generator = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = Detectors((1, 1, points.shape[1]), 1, (), (width,) * layers)
        self.optimiser = torch.optim.Adam(self.net.parameters(), lr=settings.rate)
        self.losses: list[float] = []
        self._positive, self._negative = torch.from_numpy(points), torch.from_numpy(self.negatives)

    def z(self, x: Tensor) -> Tensor:
        """Logits [B] of points [B, D]."""
        return self.net(x).squeeze(1)

    @property
    def is_adversarial(self) -> bool:
        return len(self.losses) >= self.settings.plain and self.settings.ascent.eps > 0

    def step(self, check: Callable[[], None] = nothing) -> float:
        """One update; plain ones first. Returns the loss."""
        positive, negative = self._batch(self._positive), self._batch(self._negative)
        if self.is_adversarial:
            negative = maximise(self.z, negative, self.settings.ascent, generator=self.generator, check=check)
        loss = training_loss(self.z(positive)[None], self.z(negative)[None])
        self.optimiser.param_groups[0]["lr"] = self.settings.rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.losses.append(float(loss.detach()))
        return self.losses[-1]

    def _batch(self, of: Tensor) -> Tensor:
        count = self.settings.batch
        if not count or count >= len(of):
            return of
        return of[torch.randint(len(of), (count,), generator=self.generator)]

    def swim(self, check: Callable[[], None] = nothing) -> np.ndarray:
        """float32 [S+1, M, D]: the way of some negatives through the inner ascent as it is now."""
        path: list[Tensor] = []
        generator = torch.Generator().manual_seed(0)  # the same starts every time, so that the eye can follow
        x = self._negative[:SWIMMERS]
        ascent = self.settings.ascent
        end = maximise(self.z, x, ascent, generator=generator, on_step=lambda s, v, z: path.append(v), check=check)
        return torch.stack([*path, end]).numpy()

    def heat(self, grid: int) -> np.ndarray:
        """float32 [grid, grid] (or [1, grid] on the line): z at cell centres, row 0 at y = 0."""
        axis = (torch.arange(grid, dtype=torch.float32) + 0.5) / grid
        with torch.no_grad():
            if self.points.shape[1] == 1:
                return self.z(axis[:, None])[None].numpy()
            y, x = torch.meshgrid(axis, axis, indexing="ij")
            return self.z(torch.stack([x.ravel(), y.ravel()], 1)).reshape(grid, grid).numpy()

    def density(self, grid: int) -> np.ndarray:
        """float32 [2, grid] on the line: exp(z) over its integral, and the true density, at cell centres."""
        z = self.heat(grid)[0].astype(np.float64)
        model = np.exp(z - z.max())
        model /= model.mean()  # cells have width 1 / grid
        x = (np.arange(grid) + 0.5) / grid
        truth = true_density(x)
        return np.stack([model, truth]).astype(np.float32)

    def mass(self, grid: int = 4000) -> float:
        """Share of normalised exp(z) within NEAR of the modes of the density."""
        x = (np.arange(grid) + 0.5) / grid
        near = np.min([np.abs(x - mode) for mode, _ in MODES], axis=0) <= NEAR
        model = self.density(grid)[0].astype(np.float64)
        return float(model[near].sum() / model.sum())

    def ascend(
        self, count: int, *, steps: int = 200, step_size: float = 0.01, frames: int = 0, seed: int = 1,
        check: Callable[[], None] = nothing,
    ) -> np.ndarray:  # fmt: skip
        """float32 [F, count, D]: uniform noise carried up z by Adam within the unit cube; the last frame is the end.

        frames: how many to keep before it.
        """
        rng = np.random.default_rng(seed)
        x = torch.from_numpy(rng.uniform(0, 1, (count, self.points.shape[1])).astype(np.float32))
        kept: list[Tensor] = []
        every = max(1, steps // frames) if frames else steps + 1

        def look(step: int, moved: Tensor, z: Tensor) -> None:
            if frames and step % every == 0:
                kept.append(moved.clone())

        plan = Ascent(eps=1.0, steps=steps, step_size=step_size)
        rough = maximise(self.z, x, plan, on_step=look, check=check)
        # Adam rattles around a peak by about its rate: some finer steps settle it.
        end = maximise(self.z, rough, replace(plan, steps=max(1, steps // 4), step_size=step_size / 10), check=check)
        return torch.stack([*kept, end]).numpy()

    def landed(self, points: np.ndarray) -> float:
        """Share of points [A, D] that lie within NEAR of the target set."""
        distance = torch.cdist(torch.from_numpy(points), self._positive)
        return float((distance.amin(1) <= NEAR).float().mean())

    def finer_auc(self, check: Callable[[], None] = nothing) -> float:
        """AUC of the target against negatives under an attack four times as fine as the training's."""
        a = self.settings.ascent
        fine = replace(a, steps=8 * a.steps, step_size=a.step_size / 4, random_start=False)
        attacked = maximise(self.z, self._negative, fine, check=check)
        with torch.no_grad():
            return auc(self.z(self._positive).numpy(), self.z(attacked).numpy())
