"""Photographs that lie inside the scikit-image package: no download, free to use."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from engines.core.data.pictures import read_picture
from engines.core.data.places import nothing
from engines.core.errors import UserError

_FILES = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
    "deep field": "hubble_deep_field.jpg",
    "retina": "retina.jpg",
    "tissue": "ihc.png",
    "photographer": "camera.png",
    "coins": "coins.png",
    "moon": "moon.png",
    "bricks": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
}
"""Those whose authors gave them away (CC0 or public domain), colour first."""


def _folder() -> Path:
    spec = find_spec("skimage")  # looked up, not imported: that would take half a second
    if spec is None or spec.origin is None:
        raise UserError("scikit-image is not installed", "pip install scikit-image")
    return Path(spec.origin).parent / "data"


def photo_names() -> tuple[str, ...]:
    """Names of the photographs that this installation has."""
    folder = _folder()
    return tuple(name for name, file in _FILES.items() if (folder / file).is_file())


def load_photo(name: str, *, size: int | None = None, channels: int = 3) -> np.ndarray:
    """One photograph, uint8 [H, W, channels]: whole, or its middle square scaled to `size`. Raises
    UserError."""
    if name not in photo_names():
        raise UserError(f"there is no photograph {name!r}", f"known: {', '.join(photo_names())}")
    return read_picture(_folder() / _FILES[name], size=size, channels=channels)


def read_photos(size: int = 256, check: Callable[[], None] = nothing) -> tuple[np.ndarray, np.ndarray]:
    """All photographs as uint8 [N, size, size, 3], and labels -1, in the order of `photo_names`."""
    images = []
    for name in photo_names():
        check()
        images.append(load_photo(name, size=size))
    return np.stack(images), np.full(len(images), -1, np.int64)
