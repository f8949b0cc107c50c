"""Sources × targets × recipes ("transfer.matrix")."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from engines.core.job import JobContext, job
from engines.transfer.jobs.common import answers, craft_all, named, named_source
from engines.transfer.recipes import eps_of, recipes_of
from engines.transfer.results import MatrixResult
from engines.transfer.setting import Setting, prepare
from engines.transfer.spec import MatrixSpec
from engines.vision.attacks.recipe import Recipe, passes


@job("transfer.matrix", MatrixSpec, title="Transfer matrix")
def matrix(spec: MatrixSpec, ctx: JobContext) -> MatrixResult:
    """Craft images on every source with every recipe and show them to every target; the matrix fills as it goes."""
    from engines.transfer.method import fooled

    setting = prepare(spec, spec.sources, spec.targets, ctx)
    eps = eps_of(spec, setting.shape)
    recipes = recipes_of(spec, eps, spec.recipes)
    so_far = _empty(setting, recipes, eps, spec.gallery)
    cost = np.array([passes(recipe) for recipe in recipes.values()], np.float64)
    total, done = float(cost.sum()) * len(setting.sources), 0.0
    for r, (title, recipe) in enumerate(recipes.items()):
        for s, source in enumerate(setting.sources):
            text = f"{title} on {source.title}"
            ctx.progress(done, total, text)

            def tell(share: float, done: float = done, weight: float = cost[r], text: str = text) -> None:
                ctx.progress(done + share * weight, total, text)

            start = time.perf_counter()
            crafted, vanished = craft_all(setting, s, recipe, _seed(spec.seed, r, s), spec.batch, ctx, tell)
            so_far.seconds[r, s] = time.perf_counter() - start
            so_far.vanished[r, s] = int(vanished.sum())
            so_far.crafted[r, s] = crafted[: so_far.crafted.shape[2]].cpu().numpy()
            for t, target in enumerate(setting.targets):
                said = answers(target, crafted, ctx)
                wrong, of_right, _ = fooled(said, setting.labels[t], setting.clean[t])
                so_far.wrong[r, s, t], so_far.wrong_of_right[r, s, t] = wrong, of_right
                so_far.named[r, s, t] = said.cpu().numpy()
            done += cost[r]
            ctx.publish(_copy(so_far))
    ctx.progress(total, total, "Done")
    gone = int(so_far.vanished.sum())
    note = f"The gradient vanished for {gone} of the crafted images at some step." if gone else ""
    return replace(so_far, notes=(*so_far.notes, note)) if note else so_far


def _seed(seed: int, recipe: int, source: int) -> int:
    """A seed of its own for each recipe and source, so that leaving one out changes no other."""
    return (seed * 1_000_003 + recipe * 1_009 + source) % 2**31


def _empty(setting: Setting, recipes: dict[str, Recipe], eps: float, gallery: int) -> MatrixResult:
    shape = len(recipes), len(setting.sources), len(setting.targets)
    count = len(setting.x)
    labels, clean = setting.labels.cpu().numpy(), setting.clean.cpu().numpy()
    kept = setting.pool.images[:gallery]
    return MatrixResult(
        sources=tuple(map(named_source, setting.sources)),
        targets=tuple(map(named, setting.targets)),
        recipes=tuple(recipes),
        passes=np.array([passes(recipe) for recipe in recipes.values()], np.int64),
        white_box=np.array([[source.holds(target) for target in setting.targets] for source in setting.sources]),
        wrong=np.full(shape, -1, np.int64),
        wrong_of_right=np.full(shape, -1, np.int64),
        right=(labels == clean).sum(1).astype(np.int64),
        vanished=np.full(shape[:2], -1, np.int64),
        seconds=np.full(shape[:2], np.nan),
        labels=labels,
        clean=clean,
        named=np.full((*shape, count), -1, np.int16),
        images=kept,
        crafted=np.full((*shape[:2], *kept.shape), np.nan, np.float32),
        eps=eps,
        count=count,
        data=setting.pool.source,
        notes=setting.notes,
    )


def _copy(result: MatrixResult) -> MatrixResult:
    """A picture that the next cell does not change."""
    arrays: dict[str, Any] = {k: v.copy() for k, v in result.__dict__.items() if isinstance(v, np.ndarray)}
    return replace(result, **arrays)
