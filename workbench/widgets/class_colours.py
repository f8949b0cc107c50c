"""Colours of classes and of how sure a network is of them. Knows no Qt.

Hues are spread round the circle, neighbours far apart, and three lightnesses take turns, so that grey values
differ too. No palette keeps ten classes apart for everybody: where classes are drawn, letters say them as well.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from workbench.oklab import from_oklab, to_oklab

_ORDER: Final = (0.71, 0.15, 0.43, 0.93, 0.29, 0.57, 0.02, 0.80, 0.22, 0.50)
"""Places on the circle of hues for the first ten classes: blue, orange, green, pink and so on."""
FAINT: Final = 0.14  # what is left of a colour where the network guesses


@lru_cache(maxsize=16)
def class_rgb(count: int, dark: bool = False) -> np.ndarray:
    """uint8 [count, 3]: one colour for each class; the second ten are paler, later ones repeat."""
    lightness = (0.72, 0.84, 0.62) if dark else (0.56, 0.72, 0.64)
    at = np.arange(count)
    hue = 2 * np.pi * np.array(_ORDER)[at % 10]
    light = np.array(lightness)[(at + at // 10) % 3]
    chroma = np.where(at // 10 % 2, 0.06, 0.125)
    lab = np.stack([light, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    return np.rint(from_oklab(lab) * 255).astype(np.uint8)


def shade(
    classes: np.ndarray, confidence: np.ndarray | float, colours: np.ndarray, ground: tuple[int, int, int]
) -> np.ndarray:
    """uint8 [..., 3]: colours of int [...] classes, fading into `ground` as confidence [...] in [0, 1] falls;
    class -1 is the ground itself."""
    classes = np.asarray(classes)
    base = to_oklab(colours[np.maximum(classes, 0)] / 255)
    bare = to_oklab(np.array(ground, np.float64) / 255)
    share = np.clip(np.nan_to_num(np.asarray(confidence, np.float64)), 0, 1)
    share = np.where(classes < 0, 0.0, FAINT + (1 - FAINT) * np.broadcast_to(share, classes.shape))
    mixed = bare + (base - bare) * share[..., None]
    return np.rint(from_oklab(mixed) * 255).astype(np.uint8)


def short_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Few letters for each class, all different: "7" stays "7", "airplane" and "automobile" are "air" and
    "aut"."""
    longest = max(map(len, names), default=0)
    for length in (longest,) if longest <= 2 else (3, 4, 5):
        short = tuple(name[:length] for name in names)
        if len(set(short)) == len(names):
            return short
    return tuple(f"{name[:2]}{i}" for i, name in enumerate(names))
