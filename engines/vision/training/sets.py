"""The images that a training run sees, and the network that its spec asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from engines.core import data
from engines.core.errors import UserError
from engines.vision.images import as_shape
from engines.vision.nets.zoo import ImageNet, build, kinds
from engines.vision.spec import TrainSpec
from engines.vision.training.fit import Images

_SPLIT_SEED = 20_02_11318
"""Of which images are held out: the same ones whatever a run's seed, so that runs can be compared."""
_DIGIT_COPIES = 4
"""How often the 1258 embedded digits join a larger set's epoch."""


def nothing() -> None:
    """The default of callbacks."""


@dataclass(frozen=True)
class TrainingData:
    """train, held_out: disjoint. classes: names. said: what they are, for the card. licence: of the weights.

    mean, std: per colour, of the training images in [0, 1].
    """

    train: Images
    held_out: Images
    classes: tuple[str, ...]
    said: str
    licence: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """C, H, W."""
        c, h, w = self.train.pixels.shape[1:]
        return c, h, w


def load_training(spec: TrainSpec, check: Callable[[], None] = nothing) -> TrainingData:
    """The training split of the spec's data set, some of it held out. Raises UserError (MissingData) without it."""
    found = data.load(spec.data, "train", size=spec.side, check=check)
    labelled = np.flatnonzero(found.labels >= 0)
    if len(labelled) < 20 or not found.classes:
        raise UserError(
            f"{spec.data} has {len(labelled)} labelled images", "training needs at least 20; name folders by class"
        )
    if spec.held_out > len(labelled) // 2:
        raise UserError(
            f"{spec.held_out} held-out images are over half of the {len(labelled)} there are", "hold out fewer"
        )
    pixels = enlarged(found.images) if found.name == "digits" else found.images.transpose(0, 3, 1, 2)
    order = np.random.default_rng(_SPLIT_SEED).permutation(labelled)
    kept, used = order[: spec.held_out], np.sort(order[spec.held_out :][: spec.limit or None])
    train = Images(np.ascontiguousarray(pixels[used]), found.labels[used])
    held_out = Images(np.ascontiguousarray(pixels[kept]), found.labels[kept])
    said = f"{found.name}, {len(used)} training images"
    if spec.with_digits and found.name != "digits":
        train = _with_digits(train)
        said += f", with the embedded digits' training images (1258, enlarged, {_DIGIT_COPIES}× in each epoch)"
    mean, std = _colours(train.pixels)
    return TrainingData(
        train, held_out, found.classes, f"{said}; {_citation(spec.data)}", _licence(spec.data), mean, std
    )


def enlarged(images: np.ndarray) -> np.ndarray:
    """8×8 digits uint8 [N, 8, 8, 1] as the panels show them at 28×28: uint8 [N, 1, 28, 28]."""
    return np.rint(as_shape(images, (1, 28, 28)) * 255).astype(np.uint8)


def network(spec: TrainSpec, found: TrainingData) -> ImageNet:
    """The untrained network for these images. Raises UserError where it does not fit them."""
    return build(
        {
            "kind": spec.kind, "input_shape": found.shape, "classes": len(found.classes),
            "mean": found.mean, "std": found.std, **_own_settings(spec),
        },
        seed=spec.seed,
    )  # fmt: skip


def _own_settings(spec: TrainSpec) -> dict[str, Any]:
    """What of the spec belongs to the kind's config: its width as a factor, or the widths given one by one."""
    config = kinds()[spec.kind].config()
    known = {f.name for f in fields(config)}
    own: dict[str, Any] = {name: getattr(spec, name) for name in ("kernel", "blocks", "pool_stem") if name in known}
    if "width" in known:
        own["width"] = spec.width
    elif "widen" in known:
        own["widen"] = max(1, round(config.widen * spec.width))
    else:
        name = next(n for n in ("widths", "filters", "hidden") if n in known)
        usual = getattr(config, name)
        own[name] = spec.widths or tuple(max(1, round(w * spec.width)) for w in usual)
    return own


def _with_digits(train: Images) -> Images:
    if train.pixels.shape[1:] != (1, 28, 28):
        raise UserError("the embedded digits fit grey images of 28×28 pixels only", "leave with_digits out")
    digits = data.load("digits", "train")
    pixels = np.concatenate([train.pixels, *[enlarged(digits.images)] * _DIGIT_COPIES])
    return Images(pixels, np.concatenate([train.labels, *[digits.labels] * _DIGIT_COPIES]))


def _colours(pixels: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per colour in [0, 1], to four digits; of 10,000 images at most."""
    some = pixels[:: max(1, len(pixels) // 10_000)].astype(np.float64) / 255
    mean, std = some.mean((0, 2, 3)), some.std((0, 2, 3))
    return tuple(np.round(mean, 4).tolist()), tuple(np.maximum(np.round(std, 4), 1e-3).tolist())


def _citation(name: str) -> str:
    return data.find(name).citation if _registered(name) else "the user's own pictures"


def _licence(name: str) -> str:
    if not _registered(name):
        return "as that of the pictures they were trained on"
    own = data.find(name).licence
    return f"Apache-2.0; customary for weights trained on this set, whose own licence is: {own}"


def _registered(name: str) -> bool:
    return any(entry.name == name for entry in data.list_sets())
