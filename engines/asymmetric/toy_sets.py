"""Target sets of the toy theatre, in the middle of the unit square; numpy only, so that a window may show them at once.

Source: Yin et al. 2020, section 2 ("toy") and GAT-synthetic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.core.errors import UserError

MODES = ((0.4, 0.01), (0.6, 0.005))
"""Mean and standard deviation of the two halves of the density on the line."""
_LOW, _HIGH = 0.25, 0.75


def target_set(name: str, count: int, rng: np.random.Generator, drawn: tuple[float, ...] = ()) -> np.ndarray:
    """float32 [count, 2] points of a set (or [count, 1] of "density") in the middle of the unit square.

    drawn: x, y, x, y … in the unit square, for "drawn"; it is shrunk to the middle like the others, keeping its form.
    Raises UserError for an unknown set or a drawing of fewer than three points.
    """
    if name == "density":
        half = count // 2
        parts = [rng.normal(*mode, size) for mode, size in zip(MODES, (half, count - half), strict=True)]
        return rng.permutation(np.concatenate(parts))[:, None].astype(np.float32)
    if name == "drawn":
        return _drawn(drawn, count, rng)
    makers: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
        "ring": _ring, "grid": _grid, "spirals": _spirals, "checkerboard": _checkerboard,
    }  # fmt: skip
    if name not in makers:
        raise UserError(f"there is no target set {name!r}", f"known: {', '.join([*makers, 'drawn', 'density'])}")
    return (0.5 + (_HIGH - _LOW) / 2 * makers[name](count, rng)).astype(np.float32)


def _ring(count: int, rng: np.random.Generator) -> np.ndarray:
    """Eight blobs on a circle; like all makers, within about [-1, 1]²."""
    angle = 2 * np.pi * rng.integers(0, 8, count) / 8
    return 0.9 * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.04, (count, 2))


def _grid(count: int, rng: np.random.Generator) -> np.ndarray:
    return (rng.integers(0, 5, (count, 2)) - 2) / 2.2 + rng.normal(0, 0.02, (count, 2))


def _spirals(count: int, rng: np.random.Generator) -> np.ndarray:
    turn = np.sqrt(rng.uniform(0.02, 1, count)) * 2 * np.pi
    arm = np.pi * rng.integers(0, 2, count)
    radius = turn / (2 * np.pi)
    return np.stack([radius * np.cos(turn + arm), radius * np.sin(turn + arm)], 1) + rng.normal(0, 0.01, (count, 2))


def _checkerboard(count: int, rng: np.random.Generator) -> np.ndarray:
    cell = rng.integers(0, 8, count)
    row = cell // 2
    column = 2 * (cell % 2) + row % 2
    return (np.stack([column, row], 1) + rng.uniform(0, 1, (count, 2))) / 2 - 1


def _drawn(drawn: tuple[float, ...], count: int, rng: np.random.Generator) -> np.ndarray:
    if len(drawn) < 6 or len(drawn) % 2 or not np.isfinite(drawn).all():
        raise UserError(
            f"expected at least three drawn points as x, y, x, y …, got {len(drawn)} numbers", "draw a target set"
        )
    points = np.asarray(drawn, np.float64).reshape(-1, 2)
    low, high = points.min(0), points.max(0)
    scale = max(float((high - low).max()), 1e-6)
    points = 0.5 + (points - (low + high) / 2) * min(1.0, (_HIGH - _LOW) / scale)
    chosen = points[rng.integers(0, len(points), count)] + rng.normal(0, 0.006, (count, 2))
    return chosen.astype(np.float32)


def true_density(x: np.ndarray) -> np.ndarray:
    """float64, like x: the density on the line, of which "density" draws."""
    parts = [np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi)) / 2 for m, s in MODES]
    return np.asarray(sum(parts))
