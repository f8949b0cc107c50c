"""Digits as a drawing sheet gives them to 8×8 detectors, so that these also know what a person draws.

scikit-learn's digits came from other hands and another scanner: detectors that learnt only those named 31 in 100 drawn
digits rightly. MNIST's digits, put through the same placing as a drawing, stand for drawings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.core.errors import UserError
from engines.vision.images import Pool, from_pixels, load_pool

SMALL = (1, 8, 8)
SOURCE = "mnist"


def nothing() -> None:
    """The default of callbacks."""


def drawn_digits(count: int, seed: int, split: str, check: Callable[[], None] = nothing) -> Pool:
    """`count` of MNIST's digits ("train" or "test"), drawn with `seed`, in 8×8 pixels as a drawing would arrive.

    Raises UserError where MNIST is not on this machine.
    """
    try:
        pool = load_pool(SOURCE, (1, 28, 28), count, seed, split, check)
    except UserError as error:
        raise UserError(f"drawn digits need MNIST: {error.what}", error.remedy or "fetch MNIST first") from None
    pixels = (pool.images[:, 0] * 255).round().astype(np.uint8)
    images = np.zeros((len(pool), *SMALL), np.float32)
    for index, digit in enumerate(pixels):
        if index % 64 == 0:
            check()
        images[index] = from_pixels(digit, SMALL)
    return Pool(images, pool.labels, pool.classes, pool.keys, "drawn")
