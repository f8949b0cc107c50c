"""The models and images that a measurement of invariance takes, and what a card says of a model's training."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engines.core.errors import UserError
from engines.core.weights import ModelCard
from engines.invariance.results import Trained
from engines.vision.images import Pool, load_pool
from engines.vision.nets.models import list_models, load_model

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.models import Model, Shape

_THETA: Final = re.compile(r"turned by up to ±([\d.]+)°")
_EPS: Final = re.compile(r"attacked \(\w+, l∞ ([\d.]+)\)")
CURRICULUM: Final = "by a curriculum:"
"""Stands in the card of a network that was trained stage by stage."""
GREY: Final = (1, 28, 28)
ONE_CLASS: Final = "All images are of one class: accuracy says little."
UNLABELLED: Final = "The images have no labels that the models know: rates are relative to their own answers."


def trained(name: str, card: ModelCard) -> Trained:
    """How a model was trained, read off its card."""
    theta, eps = _THETA.search(card.data), _EPS.search(card.data)
    kind = str(card.architecture.get("kind", "own"))
    plain = {k: v for k, v in card.architecture.items() if k not in ("kind", "mean", "std", "input_shape", "classes")}
    settings = ",".join(f"{k}={v}" for k, v in sorted(plain.items()) if v not in (False, None))
    found = float(theta[1]) if theta else 0.0, float(eps[1].rstrip(".")) if eps else 0.0
    if CURRICULUM in card.data:
        settings += ",curriculum"
    return Trained(name, card.title or name, kind, *found, family=f"{kind}({settings})")


def names_of(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def load_models(text: str, source: str, device: str, check: Callable[[], None]) -> list[Model]:
    """The named models, which must share an input shape; without names, all that fit the source (grey digits when that
    leaves it open).

    Raises UserError where there is none, one cannot be loaded, or shapes differ.
    """
    names = names_of(text) or tuple(info.name for info in list_models(shape_of(source)) if not info.problem)
    if not names:
        raise UserError(
            "there is no trained model for such images yet", "train one (vision.train), or add your own model"
        )
    models = []
    for name in names:
        check()
        models.append(load_model(name, device))
    odd = next((m for m in models if m.input_shape != models[0].input_shape), None)
    if odd is not None:
        raise UserError(
            f"{odd.title} takes images {list(odd.input_shape)}, {models[0].title} {list(models[0].input_shape)}",
            "choose models for images of one size",
        )
    return models


def images_for(
    models: Sequence[Model], source: str, count: int, seed: int, check: Callable[[], None]
) -> tuple[Pool, Tensor, list[Tensor], tuple[str, ...]]:
    """The pool, its images on the models' device, its labels as each model counts them, and what to know of them."""
    import torch

    pool = load_pool(source, models[0].input_shape, count, seed, check=check)
    device = models[0].device
    labels = [torch.from_numpy(pool.labels_for(model.classes)).to(device) for model in models]
    notes = []
    if pool.is_labelled and len(pool.present) == 1:
        notes.append(ONE_CLASS)
    if all(bool((y < 0).all()) for y in labels):
        notes.append(UNLABELLED)
    if pool.skipped:
        notes.append(f"{len(pool.skipped)} files were left out: {pool.skipped[0]}")
    return pool, torch.from_numpy(pool.images).to(device), labels, tuple(notes)


def shape_of(source: str) -> Shape:
    """The models' shape that a source suggests."""
    name = source.strip().lower()
    if name in ("cifar10", "photos"):
        return (3, 32, 32)
    if name and Path(source).expanduser().exists() and not list_models(GREY):
        return (3, 32, 32)
    return GREY
