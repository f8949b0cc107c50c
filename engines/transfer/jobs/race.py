"""Two recipes after each iteration ("transfer.race")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engines.core.job import JobContext, job
from engines.transfer.jobs.common import answers, batched_steps, named, named_source
from engines.transfer.recipes import eps_of, recipe_of
from engines.transfer.results import RaceResult
from engines.transfer.setting import Setting, default_models, prepare
from engines.transfer.spec import OWN, RaceSpec
from engines.vision.attacks.recipe import Recipe, name

if TYPE_CHECKING:
    from torch import Tensor


@job("transfer.race", RaceSpec, title="Race of two recipes")
def race(spec: RaceSpec, ctx: JobContext) -> RaceResult:
    """Let two recipes run side by side on one source and score both on every target after each iteration."""
    import torch

    from engines.transfer.method import mean_look_ahead

    setting = prepare(spec, spec.source or default_models(spec.data)[0], spec.targets, ctx)
    eps = eps_of(spec, setting.shape)
    recipes = [recipe_of(spec, eps, title) for title in (spec.left, spec.right)]
    titles = [name(r) if t.lower() == OWN else t.upper() for t, r in zip((spec.left, spec.right), recipes, strict=True)]
    board = _Board(setting, recipes, spec.frames, ctx)
    longest = max(recipe.steps for recipe in recipes)
    walks = [batched_steps(setting, 0, recipe, spec.seed, spec.batch, ctx) for recipe in recipes]
    for side in (0, 1):
        board.score(side, 0, setting.x, 0.0)
    cost = sum(recipe.steps * recipe.copies for recipe in recipes)
    done = 0.0
    for iteration in range(1, longest + 1):
        for side, (walk, recipe) in enumerate(zip(walks, recipes, strict=True)):
            ctx.progress(done, cost, f"{titles[side]}, iteration {iteration}")
            batches = next(walk, None)
            if batches is None:
                continue
            reach = [mean_look_ahead(step.before, step.lookahead, recipe.step_size) for step in batches]
            board.score(side, iteration, torch.cat([step.x for step in batches]), float(np.mean(reach)))
            done += recipe.copies
        ctx.publish(board.result(titles, eps))
    ctx.progress(cost, cost, "Done")
    return board.result(titles, eps)


@dataclass
class _Board:
    """The scores as they come in."""

    setting: Setting
    recipes: list[Recipe]
    frames: int
    ctx: JobContext

    def __post_init__(self) -> None:
        iterations, targets = max(r.steps for r in self.recipes) + 1, len(self.setting.targets)
        kept = self.setting.pool.images[: self.frames]
        self.wrong = np.full((2, iterations, targets), -1, np.int64)
        self.wrong_of_right = self.wrong.copy()
        self.passes = np.full((2, iterations), -1, np.int64)
        self.reach = np.full((2, iterations), np.nan)
        self.kept = np.full((2, iterations, *kept.shape), np.nan, np.float32)
        self.named = np.full((2, iterations, targets, len(kept)), -1, np.int16)

    def score(self, side: int, iteration: int, images: Tensor, reach: float) -> None:
        """Show the iterates [N, C, H, W] of one recipe to all targets."""
        from engines.transfer.method import fooled

        many = self.kept.shape[2]
        for t, target in enumerate(self.setting.targets):
            said = answers(target, images, self.ctx)
            wrong, of_right, _ = fooled(said, self.setting.labels[t], self.setting.clean[t])
            self.wrong[side, iteration, t], self.wrong_of_right[side, iteration, t] = wrong, of_right
            self.named[side, iteration, t] = said[:many].cpu().numpy()
        self.passes[side, iteration] = iteration * self.recipes[side].copies
        self.reach[side, iteration] = reach
        self.kept[side, iteration] = images[:many].cpu().numpy()

    def result(self, titles: list[str], eps: float) -> RaceResult:
        setting = self.setting
        source = setting.sources[0]
        labels = setting.labels.cpu().numpy()
        return RaceResult(
            source=named_source(source),
            targets=tuple(map(named, setting.targets)),
            recipes=(titles[0], titles[1]),
            passes=self.passes.copy(),
            wrong=self.wrong.copy(),
            wrong_of_right=self.wrong_of_right.copy(),
            right=(setting.labels == setting.clean).sum(1).cpu().numpy(),
            reach=self.reach.copy(),
            white_box=np.array([source.holds(target) for target in setting.targets]),
            frames=self.kept.copy(),
            labels=labels[:, : self.kept.shape[2]],
            named=self.named.copy(),
            eps=eps,
            count=len(setting.x),
            data=setting.pool.source,
            notes=setting.notes,
        )
