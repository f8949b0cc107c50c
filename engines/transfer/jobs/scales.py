"""Does scaling the pixels change a model's loss? ("transfer.scales")"""

from __future__ import annotations

import numpy as np

from engines.core.job import JobContext, job
from engines.transfer.jobs.common import named
from engines.transfer.results import ScalesResult
from engines.transfer.setting import prepare
from engines.transfer.spec import ImagesSpec, ScalesSpec


@job("transfer.scales", ScalesSpec, title="Loss against scale")
def scales(spec: ScalesSpec, ctx: JobContext) -> ScalesResult:
    """Measure each model's mean cross-entropy with all pixels multiplied by factors from 0.1 to 2."""
    from engines.transfer.method import FACTORS, growing_losses

    images = ImagesSpec(data=spec.data, images=spec.images, choose="any", seed=spec.seed, device=spec.device)
    setting = prepare(images, spec.models, spec.models, ctx)
    losses = np.full((len(setting.targets), len(FACTORS)), np.nan)

    def so_far() -> ScalesResult:
        return ScalesResult(
            tuple(map(named, setting.targets)), np.array(FACTORS), losses.copy(), spec.pivot, len(setting.x),
            setting.pool.source, setting.notes,
        )  # fmt: skip

    for i, model in enumerate(setting.targets):
        ctx.progress(i, len(setting.targets), model.title)
        for seen, means in growing_losses(model.net, setting.x, setting.labels[i], spec.pivot, check=ctx.check):
            losses[i] = means
            ctx.progress(i + seen / len(setting.x), len(setting.targets), f"{model.title}, {seen} images")
            ctx.publish(so_far())
    ctx.progress(len(setting.targets), len(setting.targets), "Done")
    return so_far()
