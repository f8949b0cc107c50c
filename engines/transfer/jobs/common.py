"""What the jobs share: crafting in batches with one progress bar, and the names that results carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from engines.core.device import shrinking
from engines.core.job import JobContext
from engines.transfer.results import Named
from engines.transfer.setting import Setting, Source

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.attacks.gradient import Step
    from engines.vision.attacks.recipe import Recipe
    from engines.vision.nets.models import Model


def named(model: Model) -> Named:
    """A model's entry in a result."""
    return Named(model.name, model.title, model.classes, is_robust="attacked (" in model.card.data)


def named_source(source: Source) -> Named:
    """A source's entry: an ensemble is robust where all its models are."""
    robust = all("attacked (" in model.card.data for model in source.models)
    return Named(source.name, source.title, source.classes, robust)


def craft_all(
    setting: Setting,
    source: int,
    recipe: Recipe,
    seed: int,
    asked: int,
    ctx: JobContext,
    tell: Callable[[float], None],
    target: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Attack all images from one source: (crafted [N, C, H, W], bool [N], whether its gradient vanished at some step).

    tell: is told the share done. Where memory does not suffice the batch is halved and all begins again.
    """
    import torch

    from engines.vision.attacks.gradient import steps

    net, x, y = setting.sources[source].net, setting.x, setting.source_labels[source]
    total = len(x) * recipe.steps

    def run(batch: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(seed)
        crafted, vanished, done = [], [], 0
        for start in range(0, len(x), batch):
            only = slice(start, start + batch)
            gone = torch.zeros(len(x[only]), dtype=torch.bool, device=x.device)
            aim = None if target is None else target[only]
            here = x[only]
            for step in steps(net, here, y[only], recipe, generator=generator, check=ctx.check, target=aim):
                gone |= step.vanished
                done += len(gone)
                last = step.x
                tell(done / total)
            crafted.append(last)
            vanished.append(gone)
        return torch.cat(crafted), torch.cat(vanished)

    return shrinking(run, setting.batch(asked))


def batched_steps(
    setting: Setting, source: int, recipe: Recipe, seed: int, asked: int, ctx: JobContext
) -> Iterator[list[Step]]:
    """The attack on all images, one iteration after another: the Step of each batch."""
    import torch

    from engines.vision.attacks.gradient import steps

    net, x, y = setting.sources[source].net, setting.x, setting.source_labels[source]
    batch = setting.batch(asked)
    walks = [
        steps(
            net, x[start : start + batch], y[start : start + batch], recipe,
            generator=torch.Generator().manual_seed(seed + start), check=ctx.check,
        )
        for start in range(0, len(x), batch)
    ]  # fmt: skip
    for _ in range(recipe.steps):
        yield [next(walk) for walk in walks]


def answers(model: Model, images: Tensor, ctx: JobContext) -> Tensor:
    """The class that a model names for each image, int64 [N], on its device."""
    import torch

    parts = []
    for part in images.split(256):
        ctx.check()
        parts.append(model.logits(part).argmax(1))
    return torch.cat(parts)
