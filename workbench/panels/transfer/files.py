"""Files that the panel takes back: recipes as JSON, images as NPZ."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.core.errors import UserError
from engines.vision.images import UNKNOWN, Pool
from workbench.panels.transfer.recipe_model import spec_values

MOST_JSON: Final = 1 << 20
MOST_NPZ: Final = 512 << 20
ARRAYS: Final = ("x", "images", "x_adv")
"""Names under which images are looked for, in this order."""


def read_recipe(path: Path) -> dict[str, Any]:
    """Fields of a RecipeSpec from a recipe.json. Raises UserError for anything else."""
    remedy = "drop a recipe.json that this panel exported"
    if path.stat().st_size > MOST_JSON:
        raise UserError(f"{path.name} is too large for a recipe", remedy)
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise UserError(f"{path.name} is no JSON", remedy) from None
    recipe = body.get("recipe") if isinstance(body, dict) else None
    values = spec_values(recipe) if isinstance(recipe, dict) else {}
    if not values:
        raise UserError(f"{path.name} holds no recipe", remedy)
    return values


def pool_of(path: Path, shape: tuple[int, int, int]) -> Pool:
    """Images float [N, C, H, W] in [0, 1], or uint8, of an NPZ, under x, images or x_adv. Raises UserError where there
    are none of this shape."""
    if path.stat().st_size > MOST_NPZ:
        raise UserError(f"{path.name} is larger than {MOST_NPZ >> 20} MB", "use a folder of pictures")
    try:
        with np.load(path, allow_pickle=False) as held:
            name = next((n for n in ARRAYS if n in held.files), "")
            if not name:
                raise UserError(f"{path.name} holds no array {' or '.join(ARRAYS)}", "save images [N, C, H, W] as x")
            images = held[name]
            marks = held["labels"] if "labels" in held.files else None
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror or error}", "choose another file") from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile):
        # What NumPy says of such a file is how to unpickle it, which nobody should do with a stranger's.
        raise UserError(f"{path.name} is no NPZ of numbers", "save images [N, C, H, W] with numpy.savez") from None
    images = images.astype(np.float32) / 255 if images.dtype == np.uint8 else images.astype(np.float32, copy=False)
    images = images.reshape(-1, *images.shape[-3:]) if images.ndim >= 3 else images
    if images.ndim != 4 or images.shape[1:] != shape or not len(images):
        raise UserError(
            f"expected images {list(shape)} in {path.name}, got {list(images.shape)}",
            "tick models for images of that size first",
        )
    if not np.isfinite(images).all() or images.min() < 0 or images.max() > 1:
        raise UserError(f"pixels of {path.name} are not in [0, 1]")
    count = len(images)
    known = marks is not None and marks.ndim >= 1 and np.issubdtype(marks.dtype, np.integer)
    labels = marks.reshape(-1, marks.shape[-1])[0].astype(np.int64) if known and marks is not None else np.zeros(0)
    if len(labels) != count:
        labels = np.full(count, UNKNOWN, np.int64)
    classes = tuple(str(n) for n in range(int(labels.max()) + 1)) if labels.max(initial=-1) >= 0 else ()
    keys = tuple(f"{path.stem} {n + 1}" for n in range(count))
    return Pool(np.ascontiguousarray(images), labels.astype(np.int64), classes, keys, str(path))
