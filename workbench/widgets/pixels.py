"""Pictures as arrays: what every widget that shows one agrees on. Knows no Qt."""

from __future__ import annotations

from typing import Final

import numpy as np

from workbench.colormaps import Colormap

CHANNELS: Final = (1, 3, 4)


def channels_last(picture: np.ndarray) -> np.ndarray:
    """[H, W, C] of a picture [H, W], [C, H, W] or [H, W, C] with C = 1, 3 or 4; the engines' [C, H, W] wins
    where both could be meant.

    Raises ValueError for other shapes.
    """
    picture = np.asarray(picture)
    if picture.ndim == 2:
        return picture[:, :, None]
    if picture.ndim == 3 and picture.shape[0] in CHANNELS:
        return picture.transpose(1, 2, 0)
    if picture.ndim == 3 and picture.shape[2] in CHANNELS:
        return picture
    raise ValueError(f"expected a picture [H, W], [C, H, W] or [H, W, C], got shape {picture.shape}")


def rgba_of(picture: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 4] of pixels in [0, 1] (real) or 0..255 (uint8); NaN is transparent, the rest clipped."""
    pixels = channels_last(picture)
    unknown = None
    if pixels.dtype != np.uint8:
        missing = np.isnan(pixels)
        unknown = missing.any(axis=2) if missing.any() else None
        known = pixels if unknown is None else np.where(missing, 0, pixels)
        pixels = (np.minimum(np.maximum(known, 0), 1) * 255 + 0.5).astype(np.uint8)
    out = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    if pixels.shape[2] == 4:
        out[:] = pixels
    else:
        out[..., :3] = pixels
    if unknown is not None:
        out[unknown, 3] = 0
    return out


def strongest(difference: np.ndarray) -> np.ndarray:
    """float64 [H, W]: of each pixel the channel that differs most, with its sign. A mean would let a red and a
    green change cancel."""
    values = channels_last(difference).astype(np.float64)
    at = np.abs(np.nan_to_num(values)).argmax(axis=2)
    return np.take_along_axis(values, at[:, :, None], axis=2)[:, :, 0]


def reach(values: np.ndarray) -> float:
    """The largest absolute value, 1 where there is none: half the range of a symmetric colour map."""
    largest = float(np.nanmax(np.abs(values), initial=0.0)) if np.size(values) else 0.0
    return largest or 1.0


def signed_rgba(difference: np.ndarray, limit: float, colours: Colormap) -> np.ndarray:
    """uint8 [H, W, 4] of a signed picture, -limit..limit on a diverging map."""
    return colours.rgba(strongest(difference), -limit, limit)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance [...] in [0, 1] of sRGB uint8 [..., 3]. Source: WCAG 2.1, section 1.4.3."""
    value = np.asarray(rgb, np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Contrast ratio in [1, 21] of sRGB uint8 [..., 3] colours. Source: WCAG 2.1, section 1.4.3."""
    first, second = luminance(a), luminance(b)
    return (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)


def wants_light_ink(rgb: np.ndarray) -> np.ndarray:
    """Whether white text reads better than near-black on sRGB uint8 [..., 3]."""
    return contrast(rgb, np.array([255, 255, 255])) > contrast(rgb, np.array([16, 18, 24]))
