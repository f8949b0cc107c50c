"""A small bank and classifier on the embedded digits, trained once for all tests that need something real."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from engines.asymmetric.attacks import System
from engines.asymmetric.fit import Fit, FitSettings
from engines.asymmetric.images import EMBEDDED, test_images, training_images
from engines.asymmetric.method import Ascent
from engines.asymmetric.setting import fit_classifier
from engines.vision.nets.zoo import ImageNet, build

EPS = 0.2


@lru_cache(maxsize=1)
def bank() -> ImageNet:
    """Ten narrow detectors of the 8×8 digits, 200 updates (about four seconds of one core)."""
    parts = training_images(EMBEDDED)
    net = build(
        {"kind": "detectors", "filters": [], "hidden": [48, 48], "input_shape": [1, 8, 8], "classes": 10}, seed=0
    )
    plan = Ascent(EPS, 8, 0.05, random_start=True)
    settings = FitSettings(plan, Ascent(EPS, 20, 0.02), epochs=1, updates=200, positives=32, negatives=32, rate=3e-3)
    images = torch.from_numpy(parts.train.images)
    held = torch.from_numpy(parts.validation.images)
    fit = Fit(net, settings, images, parts.train.labels, (held, parts.validation.labels), seed=0)
    for _ in range(200):
        fit.update()
    return net.eval().requires_grad_(False)


@lru_cache(maxsize=1)
def classifier() -> ImageNet:
    """A plain dense classifier of the same digits."""
    return fit_classifier(training_images(EMBEDDED))


def system() -> System:
    return System(classifier(), bank())


def images(count: int = 60) -> tuple[Tensor, Tensor]:
    pool = test_images(EMBEDDED, (1, 8, 8), count)
    return torch.from_numpy(pool.images), torch.from_numpy(pool.labels)


def numbers(x: Tensor) -> np.ndarray:
    found: np.ndarray = x.detach().numpy()
    return found
