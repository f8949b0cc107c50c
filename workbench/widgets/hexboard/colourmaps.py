"""Colour maps that step evenly in perceived lightness, and the contrast of text on them. Knows no Qt.

Ramps are straight or bent lines through the OKLab space (B. Ottosson 2020, "A perceptual color space for
image processing"), where equal distances look about equally different; none of them needs red to be told from
green.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from workbench.oklab import from_oklab

MapName = Literal["visits", "win", "players", "difference"]
STEPS = 256
DARK_INK = (11, 11, 8)

# Anchors as (lightness, chroma, hue in degrees); per map for a light and for a dark window.
_ANCHORS: dict[MapName, tuple[tuple[tuple[float, float, float], ...], tuple[tuple[float, float, float], ...]]] = {
    # More is darker on light ground and brighter on dark ground: green to teal.
    "visits": (
        ((0.95, 0.03, 135), (0.78, 0.12, 160), (0.61, 0.11, 185), (0.44, 0.08, 215)),
        ((0.30, 0.03, 215), (0.47, 0.08, 190), (0.64, 0.11, 170), (0.81, 0.14, 150)),
    ),
    # Losing is dark violet, winning bright yellow.
    "win": (
        ((0.36, 0.14, 300), (0.50, 0.11, 255), (0.64, 0.10, 195), (0.78, 0.14, 145), (0.92, 0.17, 105)),
        ((0.32, 0.13, 300), (0.47, 0.11, 255), (0.62, 0.10, 195), (0.77, 0.14, 145), (0.92, 0.17, 105)),
    ),
    # The second player's blue to the first player's red, even chances pale or dark like the board.
    "players": (
        ((0.55, 0.13, 250), (0.76, 0.075, 250), (0.96, 0.005, 90), (0.76, 0.105, 32), (0.55, 0.17, 32)),
        ((0.68, 0.13, 250), (0.49, 0.085, 250), (0.31, 0.005, 90), (0.49, 0.115, 32), (0.68, 0.17, 32)),
    ),
    # Minus is purple, nothing is like the board, plus is green-blue.
    "difference": (
        ((0.48, 0.18, 315), (0.72, 0.11, 315), (0.96, 0.005, 90), (0.72, 0.09, 165), (0.48, 0.09, 165)),
        ((0.70, 0.18, 315), (0.50, 0.13, 315), (0.31, 0.005, 90), (0.50, 0.08, 165), (0.70, 0.13, 165)),
    ),
}


@lru_cache(maxsize=16)
def table(name: MapName, dark: bool) -> np.ndarray:
    """uint8 [256, 3]: the map's colours in sRGB, first its lowest value."""
    anchors = np.array(_ANCHORS[name][dark])
    hue = np.deg2rad(anchors[:, 2])
    lab = np.stack([anchors[:, 0], anchors[:, 1] * np.cos(hue), anchors[:, 1] * np.sin(hue)], axis=1)
    at, places = np.linspace(0, 1, STEPS), np.linspace(0, 1, len(anchors))
    smooth = np.stack([np.interp(at, places, lab[:, i]) for i in range(3)], axis=1)
    colours = np.round(from_oklab(smooth) * 255).astype(np.uint8)
    colours.setflags(write=False)
    return colours


def colours(name: MapName, share: np.ndarray, *, dark: bool) -> np.ndarray:
    """uint8 [..., 3]: the colour of each `share` in [0, 1] (cut to it; NaN takes the lowest)."""
    index = np.clip(np.nan_to_num(share, nan=0.0), 0.0, 1.0) * (STEPS - 1)
    return table(name, dark)[np.round(index).astype(int)]


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance (WCAG 2.2) of uint8 colours [..., 3], in [0, 1]."""
    share = np.asarray(rgb, float) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Contrast ratio (WCAG 2.2) of two colours, 1..21."""
    first, second = luminance(a), luminance(b)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def wants_dark_text(rgb: np.ndarray) -> np.ndarray:
    """bool [...]: whether DARK_INK reads better than white on these uint8 colours."""
    return luminance(rgb) > 0.183
