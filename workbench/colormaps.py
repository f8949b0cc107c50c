"""Colour maps that step evenly for the eye and stay readable to the colour-blind.

A map is given by a few control points in Oklab and sampled at equal distances along the way, so equal steps
of the number are equal steps of the eye. Lightness alone orders a sequential map; a diverging one runs from
blue to orange, the pair that red-green blindness keeps apart, through the neutral of its theme.
Source: Ottosson 2020, "A perceptual color space for image processing" (Oklab matrices).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from workbench.oklab import from_oklab, to_oklab

STEPS = 256


@dataclass(frozen=True)
class Colormap:
    """A map from numbers to colours. lut: uint8 [256, 3], sRGB. diverging: its middle stands for zero."""

    name: str
    lut: np.ndarray
    diverging: bool = False

    def rgba(self, values: np.ndarray | np.floating, low: float, high: float) -> np.ndarray:
        """uint8 [..., 4] for numbers [...]; what is outside `low`..`high` is clipped, NaN is transparent."""
        values = np.asarray(values, dtype=np.float64)
        span = high - low or 1.0
        known = ~np.isnan(values)
        place = np.clip((np.where(known, values, low) - low) / span, 0.0, 1.0)
        out = np.empty((*values.shape, 4), np.uint8)
        out[..., :3] = self.lut[np.rint(place * (STEPS - 1)).astype(np.intp)]
        out[..., 3] = np.where(known, 255, 0)
        return out

    def hex(self, value: float, low: float = 0.0, high: float = 1.0) -> str:
        """The colour of one number as "#rrggbb"."""
        r, g, b, _ = self.rgba(np.float64(value), low, high)
        return f"#{r:02x}{g:02x}{b:02x}"


@lru_cache(maxsize=8)
def sequential(dark: bool = False) -> Colormap:
    """For quantities that start at nothing: the low end sinks into the background of the theme."""
    deep, pale = _lch(0.30, 0.11, 285), _lch(0.95, 0.13, 105)
    way = [deep, _lch(0.47, 0.13, 262), _lch(0.62, 0.115, 215), _lch(0.78, 0.15, 150), pale]
    return Colormap("sequential", _sampled(way if dark else way[::-1], STEPS))


@lru_cache(maxsize=8)
def diverging(dark: bool = False) -> Colormap:
    """For signed quantities: blue below zero, the theme's neutral at zero, orange above."""
    if dark:
        low, half_low, zero = _lch(0.80, 0.11, 235), _lch(0.52, 0.12, 252), _lch(0.27, 0.008, 260)
        half_high, high = _lch(0.55, 0.12, 50), _lch(0.82, 0.12, 70)
    else:
        low, half_low, zero = _lch(0.42, 0.14, 258), _lch(0.70, 0.11, 245), _lch(0.965, 0.004, 260)
        half_high, high = _lch(0.73, 0.13, 62), _lch(0.47, 0.13, 42)
    left, right = _sampled([low, half_low, zero], STEPS // 2), _sampled([zero, half_high, high], STEPS // 2)
    return Colormap("diverging", np.vstack([left, right]), diverging=True)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Oklab float64 [..., 3] of sRGB uint8 [..., 3]."""
    return to_oklab(np.asarray(rgb, np.float64) / 255)


def _rgb(lab: np.ndarray) -> np.ndarray:
    """sRGB uint8 [..., 3] of Oklab [..., 3], clipped to what a screen shows."""
    return np.rint(from_oklab(lab) * 255).astype(np.uint8)


def _lch(lightness: float, chroma: float, hue_degrees: float) -> tuple[float, float, float]:
    hue = np.deg2rad(hue_degrees)
    return lightness, float(chroma * np.cos(hue)), float(chroma * np.sin(hue))


def _sampled(points: list[tuple[float, float, float]], steps: int) -> np.ndarray:
    """uint8 [steps, 3]: equally far apart along a smooth way through `points`."""
    fine = _smooth(np.array(points), 64 * len(points))
    inside = oklab(_rgb(fine))  # measured after clipping to the screen, so that the steps seen are the even ones
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(inside, axis=0), axis=1))])
    at = np.linspace(0, length[-1], steps)
    return _rgb(np.stack([np.interp(at, length, fine[:, k]) for k in range(3)], axis=1))


def _smooth(points: np.ndarray, count: int) -> np.ndarray:
    """A Catmull-Rom curve [count, 3] through `points` [k, 3], ends included."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    place = np.linspace(0, len(points) - 1, count)
    i = np.minimum(place.astype(int), len(points) - 2)
    t = (place - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
