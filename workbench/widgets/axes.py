"""Axes for widgets that paint their own: round numbers to write, and the level lines of a field. Knows no Qt."""

from __future__ import annotations

import math

import numpy as np


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` (at least two) round numbers within low..high, in steps of 1, 2 or 5 times a power of ten."""
    if not high > low or not math.isfinite(high - low):
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / max(most, 2)))
    found: list[float] = []
    for step in (f * power for f in (1, 2, 5, 10, 20, 50)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if found and last - first < 1:
            return found[:: math.ceil((len(found) - 1) / (max(most, 2) - 1))]  # one tick would say nothing
        found = [0.0 if k == 0 else k * step for k in range(first, last + 1)]
        if len(found) <= most:
            break
    return found


def tick_text(value: float, step: float) -> str:
    """A tick as text, with the decimals that its step needs and a true minus."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    text = f"{value:.{decimals}f}" if abs(value) < 1e5 and decimals < 5 else f"{value:.3g}"
    return text.replace("-", "\u2212")


def level_lines(field: np.ndarray, level: float) -> np.ndarray:
    """Segments float64 [S, 2, 2] along which float [H, W] `field` crosses `level`, as ((column, row), (column,
    row)) of sample indices; cells with a NaN corner have none.

    Source: Lorensen and Cline 1987, "Marching cubes", in two dimensions; saddles are split by the mean of the
    corners.
    """
    above = field - level
    if min(field.shape) < 2:
        return np.zeros((0, 2, 2))
    corners = np.stack([above[:-1, :-1], above[:-1, 1:], above[1:, 1:], above[1:, :-1]], axis=-1)  # round the cell
    rows, columns = np.indices(corners.shape[:2])
    known = np.isfinite(corners).all(axis=-1)
    high = corners > 0
    case = (high * np.array([1, 2, 4, 8])).sum(axis=-1)
    case[~known] = 0
    saddle = (case == 5) | (case == 10)
    flipped = saddle & (corners.mean(axis=-1) <= 0)
    case[flipped] = 15 - case[flipped]
    # Where each edge (top, right, bottom, left) is crossed, in fractions of the cell.
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b, c, d = (corners[..., k] for k in range(4))
        top, right = a / (a - b), b / (b - c)
        bottom, left = d / (d - c), a / (a - d)
    one, nought = np.ones_like(top), np.zeros_like(top)
    points = (
        np.stack([top, nought], -1),
        np.stack([one, right], -1),
        np.stack([bottom, one], -1),
        np.stack([nought, left], -1),
    )
    pairs = {
        1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 2), (0, 1)), 6: ((0, 2),), 7: ((3, 2),),
        8: ((2, 3),), 9: ((2, 0),), 10: ((0, 3), (2, 1)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
    }  # fmt: skip
    found = []
    origin = np.stack([columns, rows], -1).astype(np.float64)
    for number, edges in pairs.items():
        at = case == number
        if at.any():
            found += [np.stack([origin[at] + points[i][at], origin[at] + points[j][at]], 1) for i, j in edges]
    return np.concatenate(found) if found else np.zeros((0, 2, 2))


def region_borders(classes: np.ndarray) -> np.ndarray:
    """Segments float64 [S, 2, 2] between neighbouring samples of int [H, W] that differ, in sample indices."""
    across = np.argwhere(classes[:, 1:] != classes[:, :-1])
    down = np.argwhere(classes[1:, :] != classes[:-1, :])
    upright = np.stack([across[:, ::-1] + (0.5, -0.5), across[:, ::-1] + (0.5, 0.5)], axis=1)
    flat = np.stack([down[:, ::-1] + (-0.5, 0.5), down[:, ::-1] + (0.5, 0.5)], axis=1)
    return np.concatenate([upright, flat]).astype(np.float64)
