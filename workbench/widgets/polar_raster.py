"""Rings of a dial as pixels: thousands of sectors without the seams that neighbouring polygons show. Knows no Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


class PolarRaster:
    """A square picture of a disc with rings. radius: of the disc, logical pixels; ratio: device pixels for each;
    bands: (inner, outer) radii of the rings. What depends on these alone is computed once."""

    def __init__(self, radius: float, ratio: float, bands: Sequence[tuple[float, float]]) -> None:
        self.key = (radius, ratio, tuple(bands))
        self.side = 2 * (math.ceil(radius * ratio) + 1)
        offsets = (np.arange(self.side) + 0.5 - self.side / 2).astype(np.float32)
        distance = np.hypot(offsets[:, None], offsets[None, :]).ravel()
        # Counter-clockwise from the top, in turns.
        turn = (np.arctan2(-offsets[None, :], -offsets[:, None]).ravel() / (2 * np.pi)) % 1.0
        self._rings: list[tuple[np.ndarray, np.ndarray]] = []  # flat places of each ring's pixels, and their turns
        alpha = np.zeros(self.side**2, np.uint8)
        for inner, outer in bands:
            cover = np.clip(distance - inner * ratio + 0.5, 0, 1) * np.clip(outer * ratio - distance + 0.5, 0, 1)
            at = np.flatnonzero(cover > 0)
            alpha[at] = np.rint(cover[at] * 255)
            self._rings.append((at, turn[at]))
        self._empty = np.zeros((self.side**2, 4), np.uint8)
        self._empty[:, 3] = alpha

    def draw(self, colours: Sequence[np.ndarray]) -> np.ndarray:
        """uint8 [side, side, 4]: one uint8 [A, 3] of colours for each ring; sample k is centred on k/A of a turn."""
        flat = self._empty.copy()
        for samples, (at, turn) in zip(colours, self._rings, strict=True):
            sample = (turn * len(samples) + 0.5).astype(np.intp) % len(samples)
            flat[at, :3] = samples[sample]
        return flat.reshape(self.side, self.side, 4)


def runs(classes: np.ndarray) -> list[tuple[int, int]]:
    """(start, length) of each stretch of equal classes round a circle of int [A]; one, from 0, if all agree."""
    count = len(classes)
    borders = np.flatnonzero(classes != np.roll(classes, 1))
    if not len(borders):
        return [(0, count)] if count else []
    lengths = np.diff(np.append(borders, borders[0] + count))
    return list(zip(borders.tolist(), lengths.tolist(), strict=True))
