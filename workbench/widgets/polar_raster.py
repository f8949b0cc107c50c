"""Rings of a dial as pixels: thousands of sectors without the seams that neighbouring polygons show. Knows no Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


class PolarRaster:
    """A square picture of a disc. radius: of the disc, logical pixels; ratio: device pixels for each."""

    def __init__(self, radius: float, ratio: float) -> None:
        self._ratio = ratio
        self.side = 2 * (math.ceil(radius * ratio) + 1)
        offsets = np.arange(self.side) + 0.5 - self.side / 2
        self._distance = np.hypot(offsets[:, None], offsets[None, :])
        # Counter-clockwise from the top, in turns.
        self._turn = (np.arctan2(-offsets[None, :], -offsets[:, None]) / (2 * np.pi)) % 1.0

    def draw(self, colours: Sequence[np.ndarray], bands: Sequence[tuple[float, float]]) -> np.ndarray:
        """uint8 [side, side, 4]: rings between (inner, outer) radii, each of uint8 [A, 3] colours; sample k is
        centred on k/A of a turn."""
        out = np.zeros((self.side, self.side, 4), np.uint8)
        for samples, (inner, outer) in zip(colours, bands, strict=True):
            low, high = inner * self._ratio, outer * self._ratio
            cover = np.clip(self._distance - low + 0.5, 0, 1) * np.clip(high - self._distance + 0.5, 0, 1)
            inside = cover > 0
            sample = np.rint(self._turn[inside] * len(samples)).astype(np.intp) % len(samples)
            out[inside, :3] = samples[sample]
            out[inside, 3] = np.rint(cover[inside] * 255)
        return out


def runs(classes: np.ndarray) -> list[tuple[int, int]]:
    """(start, length) of each stretch of equal classes round a circle of int [A]; one, from 0, if all agree."""
    count = len(classes)
    borders = np.flatnonzero(classes != np.roll(classes, 1))
    if not len(borders):
        return [(0, count)] if count else []
    lengths = np.diff(np.append(borders, borders[0] + count))
    return list(zip(borders.tolist(), lengths.tolist(), strict=True))
