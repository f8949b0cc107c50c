"""The sources, targets and images of an experiment, loaded once and put side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engines.core.errors import UserError
from engines.core.job import JobContext
from engines.transfer.recipes import names_of
from engines.transfer.spec import ImagesSpec
from engines.vision.images import Pool, load_pool
from engines.vision.nets.models import ModelInfo, list_models, load_model

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engines.vision.attacks.base import Net
    from engines.vision.nets.models import Model, Shape

GREY: Final = (1, 28, 28)
COLOUR: Final = (3, 32, 32)
MOST: Final = 6
"""Models taken where none are named: the paper's tables have seven columns, and each one multiplies the work."""
_SPARE: Final = 4
"""So many times the images are looked through for ones that all models name rightly."""
JOINED: Final = "+"
_PASS: Final = 64
"""Images that are asked together: the largest networks here take 60 ms for them on one core; Stop is heard then."""


@dataclass(frozen=True)
class Source:
    """What an attack is made on: one model, or several whose logits are averaged."""

    name: str
    title: str
    models: tuple[Model, ...]

    @cached_property
    def net(self) -> Net:
        """Pixels to logits, with gradients."""
        from engines.vision.attacks.gradient import Ensemble

        return self.models[0].net if len(self.models) == 1 else Ensemble([model.net for model in self.models])

    @property
    def classes(self) -> tuple[str, ...]:
        return self.models[0].classes

    def holds(self, model: Model) -> bool:
        """Whether attacking this source is a white-box attack on `model`."""
        return any(own.name == model.name for own in self.models)


@dataclass(frozen=True)
class Setting:
    """Everything that is attacked and asked.

    x: float32 [N, C, H, W]. labels: int64 [targets, N], the label of each image as each target counts classes.
    source_labels: int64 [sources, N], what the attacks leave. clean: int64 [targets, N], answers to the clean images.
    """

    sources: tuple[Source, ...]
    targets: tuple[Model, ...]
    pool: Pool
    x: Tensor
    labels: Tensor
    source_labels: Tensor
    clean: Tensor
    notes: tuple[str, ...]

    @property
    def device(self) -> torch.device:
        return self.x.device

    @property
    def shape(self) -> Shape:
        return self.pool.shape

    def batch(self, asked: int) -> int:
        """Images attacked together: as asked, or what keeps a pass short on a processor and full on a card."""
        if asked:
            return asked
        values = int(self.x[0].numel())
        return max(4, min(64, 2**18 // values)) if self.device.type == "cpu" else max(8, min(1024, 2**23 // values))


def prepare(spec: ImagesSpec, sources: str, targets: str, ctx: JobContext) -> Setting:
    """Load what is named, or what fits; choose the images.

    Raises UserError where there is no model or image, shapes differ, or no image is named rightly by all.
    """
    import torch

    from engines.vision.attacks.base import predict

    ctx.progress(0, 0, "Loading models")
    loaded: dict[str, Model] = {}
    wanted = names_of(sources) or names_of(targets) or default_models(spec.data)
    chosen = tuple(_source(name, loaded, spec.device, ctx) for name in wanted)
    fitting = names_of(targets) or default_models(spec.data, chosen[0].models[0].input_shape)
    aims = tuple(_model(name, loaded, spec.device, ctx) for name in fitting)
    every = tuple(loaded.values())
    _same_shape(every)
    ctx.progress(0, 0, "Loading images")
    shape = every[0].input_shape
    many = spec.images * _SPARE if spec.choose == "right" else spec.images
    pool = load_pool(spec.data, shape, many, spec.seed, check=ctx.check)
    answers = {model.name: _answers(model, pool, ctx) for model in every}
    truths = {model.name: torch.from_numpy(pool.labels_for(model.classes)) for model in every}
    notes: list[str] = []
    unknown = sorted({m.title for m in every if bool((truths[m.name] < 0).any())})
    if unknown:
        notes.append(f"Some labels are unknown to {', '.join(unknown)}: there, its own answer stands for the truth.")
    for model in every:
        truth = truths[model.name]
        truths[model.name] = torch.where(truth < 0, answers[model.name], truth)
    keep = torch.arange(len(pool))
    if spec.choose == "right":
        right = torch.stack([answers[model.name] == truths[model.name] for model in every]).all(0)
        keep = right.nonzero().squeeze(1)
        if not len(keep):
            raise UserError(
                f"none of {len(pool)} images is named rightly by all {len(every)} models",
                'choose "any" images, or leave the weakest model out',
            )
        if len(keep) < spec.images:
            notes.append(f"Of {len(pool)} images all models name {len(keep)} rightly: fewer than asked for.")
    keep = keep[: spec.images]
    if pool.skipped:
        notes.append(f"{len(pool.skipped)} files were left out: {pool.skipped[0]}")
    pool = pool.take(keep.numpy())
    device = every[0].device
    x = torch.from_numpy(pool.images).to(device)
    if spec.labels == "own":
        left = [predict(source.net, x, _PASS, ctx.check) for source in chosen]
    else:  # The members of an ensemble share their classes, so that the first speaks for all.
        left = [truths[source.models[0].name][keep].to(device) for source in chosen]
    return Setting(
        sources=chosen,
        targets=aims,
        pool=pool,
        x=x,
        labels=torch.stack([truths[m.name][keep] for m in aims]).to(device),
        source_labels=torch.stack(left),
        clean=torch.stack([answers[m.name][keep] for m in aims]).to(device),
        notes=tuple(notes),
    )


def default_models(data: str, shape: Shape | None = None, most: int = MOST) -> tuple[str, ...]:
    """Names of models for such images, one of each kind first, an adversarially trained one among them.

    Raises UserError where there is none.
    """
    infos = [info for info in list_models(shape or shape_of(data)) if not info.problem]
    if not infos:
        raise UserError("there is no trained model for such images yet", "train one (vision.train), or add your own")
    first: list[ModelInfo] = []
    plain = [info for info in infos if not is_robust(info) and "turned by" not in info.data]
    robust = sorted((info for info in infos if is_robust(info)), key=lambda info: info.name)
    for info in plain:
        if info.kind not in {other.kind for other in first}:
            first.append(info)
    chosen = [*first[: most - bool(robust)], *robust[-1:]]
    return tuple(info.name for info in [*chosen, *(i for i in plain if i not in chosen)][:most])


def is_robust(info: ModelInfo) -> bool:
    """Whether a model was trained against an adversary, as its card says."""
    return "attacked (" in info.data


def shape_of(data: str) -> Shape:
    """The shape of images that a source suggests; grey digits where it leaves that open and there are models."""
    name = data.strip().lower()
    if name in ("cifar10", "photos"):
        return COLOUR
    if name and Path(data).expanduser().exists() and not list_models(GREY):
        return COLOUR
    return GREY


def _source(name: str, loaded: dict[str, Model], device: str, ctx: JobContext) -> Source:
    parts = [part.strip() for part in name.split(JOINED) if part.strip()]
    models = tuple(_model(part, loaded, device, ctx) for part in dict.fromkeys(parts))
    if not models:
        raise UserError(f"expected the name of a model, got {name!r}")
    odd = next((m for m in models if m.classes != models[0].classes), None)
    if odd is not None:
        raise UserError(
            f"{odd.title} and {models[0].title} have different classes, so their logits cannot be averaged",
            "join models of the same classes",
        )
    return Source(JOINED.join(m.name for m in models), " + ".join(m.title for m in models), models)


def _model(name: str, loaded: dict[str, Model], device: str, ctx: JobContext) -> Model:
    ctx.check()
    if name not in loaded:
        loaded[name] = load_model(name, device)
    return loaded[name]


def _same_shape(models: Sequence[Model]) -> None:
    odd = next((m for m in models if m.input_shape != models[0].input_shape), None)
    if odd is not None:
        raise UserError(
            f"{odd.title} takes images {list(odd.input_shape)}, {models[0].title} {list(models[0].input_shape)}",
            "choose models for images of one size",
        )


def _answers(model: Model, pool: Pool, ctx: JobContext) -> Tensor:
    """The class that a model names for each clean image, int64 [N], on the processor."""
    import torch

    parts = []
    for images in torch.from_numpy(pool.images).split(_PASS):
        ctx.check()
        parts.append(model.logits(images).argmax(1).cpu())
    return torch.cat(parts)
