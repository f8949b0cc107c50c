"""Pictures for a window: loading a pool of them ("vision.pool"), fetching a data set ("vision.fetch"), and trying a
user's model on one ("vision.try")."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engines.core import data
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.spec import Spec, param
from engines.vision.images import Pool, load_pool
from engines.vision.own import OwnModel


class PoolSpec(Spec):
    """Which pictures, in which shape."""

    data: str = param("", "Data set, folder of pictures or picture file; empty takes the best one here.")
    colours: int = param(1, "Colours: 1 or 3.", ge=1, le=3)
    height: int = param(28, "Height.", ge=4, le=1024, unit="px")
    width: int = param(28, "Width.", ge=4, le=1024, unit="px")
    images: int = param(200, "Pictures at most; 0 takes all.", ge=0, le=100_000)


class FetchSpec(Spec):
    """Which data set to download."""

    name: str = param("mnist", "Name of a data set.")


class TrySpec(Spec):
    """A model of the user's that is not added yet, and a picture to show it."""

    model: str = param("{}", "The fields of an own model, as JSON.")
    picture: str = param("", "Picture file.")


@dataclass(frozen=True)
class FetchResult:
    """A data set that is here now. folder: of its first file."""

    name: str
    folder: str

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {}


@dataclass(frozen=True)
class TryResult:
    """What a model says to one picture, likeliest first. confidence: float64 [K], softmax."""

    classes: tuple[str, ...]
    confidence: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"answers": {"class": np.array(self.classes), "confidence": self.confidence}}


@job("vision.pool", PoolSpec, title="Load pictures")
def pool(spec: PoolSpec, ctx: JobContext) -> Pool:
    """Load pictures as a model of that input takes them."""
    ctx.progress(0, 0, "Loading pictures")
    return load_pool(spec.data, (spec.colours, spec.height, spec.width), spec.images, spec.seed, check=ctx.check)


@job("vision.fetch", FetchSpec, title="Fetch a data set")
def fetch(spec: FetchSpec, ctx: JobContext) -> FetchResult:
    """Download a data set into the user's cache; what has arrived is kept when it is stopped."""
    entry = data.find(spec.name)
    folder = data.fetch(entry.name, progress=ctx.progress, check=ctx.check)
    return FetchResult(entry.name, str(folder))


@job("vision.try", TrySpec, title="Try a model on a picture")
def try_model(spec: TrySpec, ctx: JobContext) -> TryResult:
    """Ask a model of the user's what a picture shows, before it is added."""
    import torch

    from engines.vision.nets.models import load_own

    try:
        fields = json.loads(spec.model)
        lists: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
        own = OwnModel(**lists)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"expected the fields of an own model as JSON: {error}",
            'such as {"name": "mine", "path": "net.pt2", "classes": ["a", "b"], "input_shape": [1, 28, 28]}',
        ) from None
    ctx.progress(0, 0, f"Trying {Path(spec.picture).name}")
    model = load_own(own)
    ctx.check()
    shown = load_pool(spec.picture, model.input_shape, 1, check=ctx.check)
    chances = model.logits(torch.from_numpy(shown.images[:1])).softmax(1)[0].double().numpy()
    order = np.argsort(-chances, kind="stable")
    return TryResult(tuple(model.classes[i] for i in order), chances[order])
