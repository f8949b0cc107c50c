"""What an experiment on a trained bank needs: the bank, classifiers of the same classes, and images that fit.

A classifier that nobody names is the one trained with the bank, or a shipped one where one fits, else a small one
trained here and now on the bank's own training images (some seconds on 8×8 digits).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.asymmetric.images import EMBEDDED, Parts, test_images, training_images
from engines.asymmetric.spec import SHIPPED, SHIPPED_DIGITS, BankSpec
from engines.core import data
from engines.core.errors import UserError
from engines.core.weights import ModelCard, list_weights

if TYPE_CHECKING:
    import torch

    from engines.vision.images import Pool
    from engines.vision.nets.zoo import ImageNet

TOPIC = "asymmetric"
SHIPPED_PLAIN, SHIPPED_ROBUST = "mnist-lenet", "mnist-lenet-at03"
"""Shipped classifiers of MNIST's digits: f, and the twin view's rival."""
PLAIN_SUFFIX, ROBUST_SUFFIX = "-f", "-robust"
"""Of the files of classifiers that were trained with a bank and lie beside it."""
_SPOT_IMAGES = 6000
"""Images that a classifier on the spot learns from at most."""


def nothing() -> None:
    """The default of callbacks."""


@dataclass(frozen=True)
class Loaded:
    """A bank ready for use, in eval mode with frozen parameters. source: the data set its images come from here."""

    net: ImageNet
    card: ModelCard
    source: str

    @property
    def classes(self) -> tuple[str, ...]:
        return self.card.classes or tuple(map(str, range(self.net.classes)))

    @property
    def eps(self) -> float:
        """The radius of its training, 0.3 where the card does not say."""
        return float(self.card.metrics.get("eps", 0.3))


@dataclass(frozen=True)
class Named:
    """A classifier and the title that a person reads."""

    net: Any
    title: str


def resolve(detectors: str, source: str) -> tuple[str, str]:
    """The bank and the data set meant where either is left empty.

    The MNIST bank where MNIST is on this machine, else the bank of the embedded 8×8 digits. Also where the digits are
    named: enlarged to 28×28 they are so unlike MNIST that its detectors name four in ten wrongly. Raises UserError
    where no shipped bank fits the data.
    """
    known = {card.name: card for card in list_weights() if card.topic == TOPIC}
    if not detectors:
        has_mnist = SHIPPED in known and data.status("mnist").state == "ready"
        if source in (EMBEDDED, "digits") or (not source and not has_mnist):
            detectors, source = SHIPPED_DIGITS, EMBEDDED if source else ""
        elif source in ("", "mnist"):
            detectors = SHIPPED
        else:
            raise UserError(f"no shipped detectors know {source}", "train detectors on it first, then choose them")
    if not source:
        card = known.get(detectors)
        source = card.data if card is not None and card.data else ""
        if source == "mnist" and data.status("mnist").state != "ready":
            source = "digits"
    return detectors, source


def load_bank(detectors: str, source: str, device: torch.device | str) -> Loaded:
    """A bank by name or file. Raises UserError where there is none, or it is no bank of detectors."""
    from engines.vision.nets.models import load_model

    name, source = resolve(detectors, source)
    model = load_model(name, device)
    if model.card.architecture.get("kind") != "detectors":
        raise UserError(f"{name} is one network, not a bank of detectors", "choose detectors, or train them here")
    net: Any = model.net
    return Loaded(net, model.card, source or model.card.data or EMBEDDED)


def images_for(bank: Loaded, count: int, seed: int, check: Callable[[], None] = nothing) -> Pool:
    """Test images in the bank's shape and with its classes. Raises UserError where the classes are others: as many of
    them, but not one of the same name."""
    pool = test_images(bank.source, bank.net.input_shape, count, seed, check)
    if not {name.casefold() for name in pool.classes} & {name.casefold() for name in bank.classes}:
        shown, known = (", ".join(names[:3]) for names in (pool.classes, bank.classes))
        raise UserError(
            f"{bank.source} shows {shown} …, these detectors know {known} …",
            "choose pictures of what the detectors were trained on, or other detectors",
        )
    if len(pool.classes) != bank.net.classes:
        raise UserError(
            f"{bank.source} has {len(pool.classes)} classes, but there are {bank.net.classes} detectors",
            "choose the data that the detectors were trained on",
        )
    return pool


def training_of(bank: Loaded, check: Callable[[], None] = nothing) -> Parts:
    """The training and validation images of the bank's source, in its shape."""
    parts = training_images(bank.source, side=bank.net.input_shape[1], check=check)
    if parts.train.shape != bank.net.input_shape:
        raise UserError(f"{bank.source} has images {parts.train.shape}, the detectors take {bank.net.input_shape}")
    return parts


def companion(bank: Loaded, *, robust: bool) -> str:
    """Name or file of a trained classifier that belongs to a bank: saved beside it, or a shipped one of the same
    digits. Empty where there is none."""
    suffix = ROBUST_SUFFIX if robust else PLAIN_SUFFIX
    if bank.card.path is not None:
        beside = bank.card.path.with_name(f"{bank.card.path.stem}{suffix}.safetensors")
        if beside.is_file():
            return str(beside)
    shipped = SHIPPED_ROBUST if robust else SHIPPED_PLAIN
    is_digits = bank.net.input_shape == (1, 28, 28) and bank.source in ("mnist", "digits")
    return shipped if is_digits and shipped in {card.name for card in list_weights()} else ""


def classifier_for(
    name: str, bank: Loaded, *, robust: bool, seed: int, device: torch.device, check: Callable[[], None] = nothing
) -> Named:
    """The classifier `name`, or one that fits where it is empty (see the module). robust: adversarially trained.

    Raises UserError where its input or number of classes differs from the bank's.
    """
    from engines.vision.nets.models import load_model

    if not name:
        name = companion(bank, robust=robust)
        if not name:
            eps = bank.eps if robust else 0.0
            net = on_the_spot(bank.source, bank.net.input_shape, eps, seed, str(device), _Silent(check))
            return Named(net, f"{'Robust' if robust else 'Plain'} classifier, trained here")
    model = load_model(name, device)
    if model.input_shape != bank.net.input_shape or len(model.classes) != bank.net.classes:
        raise UserError(
            f"{model.title} takes {list(model.input_shape)} into {len(model.classes)} classes, the detectors "
            f"{list(bank.net.input_shape)} into {bank.net.classes}",
            "choose a classifier of the same images and classes",
        )
    return Named(model.net, model.title)


class _Silent:
    """A check that does not take part in a cache's key."""

    def __init__(self, check: Callable[[], None]) -> None:
        self.check = check

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Silent)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=8)
def on_the_spot(
    source: str, shape: tuple[int, int, int], eps: float, seed: int, device: str, silent: _Silent
) -> ImageNet:
    """A small classifier of a source's training images; with eps > 0, trained on images attacked within that l∞ ball.

    Kept for the next time in this process.
    """
    parts = training_images(source, side=shape[1], limit=_SPOT_IMAGES, seed=seed, check=silent.check)
    return fit_classifier(parts, eps=eps, seed=seed, device=device, check=silent.check)


def fit_classifier(
    parts: Parts, *, eps: float = 0.0, seed: int = 0, device: str = "cpu", check: Callable[[], None] = nothing
) -> ImageNet:
    """A dense network for small images (strided convolutions from 20 pixels on), plainly or adversarially trained."""
    import torch

    from engines.vision.nets.zoo import build
    from engines.vision.training.fit import Images, Settings, Trainer

    shape = parts.train.shape
    kind = {"kind": "mlp", "hidden": (96, 96)} if min(shape[1:]) < 20 else {"kind": "lenet-small"}
    net = build({**kind, "input_shape": shape, "classes": len(parts.classes)}, seed=seed)
    epochs = int(np.clip(round(25_000 / len(parts.train)), 2, 40))
    settings = Settings(
        epochs=epochs, batch=32, rate=2e-3, adversarial="pgd" if eps else "none", eps=eps, steps=10,
        eps_ramp=epochs / 3 if eps else 0.0, seed=seed,
    )  # fmt: skip
    trainer = Trainer(net, settings, torch.device(device))
    train, held = (Images(np.round(p.images * 255).astype(np.uint8), p.labels) for p in (parts.train, parts.validation))
    for _ in range(epochs):
        trainer.epoch(train, held, check=check)
    return trainer.net.eval().requires_grad_(False)


def step_of(spec: BankSpec) -> float:
    """The attack's step: the spec's, or 2.5 eps / steps."""
    return spec.step_size or 2.5 * spec.eps / spec.steps or 1.0
