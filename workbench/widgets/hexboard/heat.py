"""What an overlay hands to the board: a colour and a text for each cell, and the scale that explains them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """The legend of an overlay. title: e.g. "Search Q". unit: e.g. "win % for Red".

    colours: uint8 [k, 3], evenly spaced from the lowest to the highest value. ticks: (place in [0, 1], text).
    swatches: instead of a bar, named colours (uint8 triples), for values that are kinds and not amounts.
    """

    title: str
    unit: str
    colours: np.ndarray
    ticks: tuple[tuple[float, str], ...] = ()
    swatches: tuple[tuple[tuple[int, int, int], str], ...] = ()


@dataclass(frozen=True)
class Heat:
    """An overlay for a board of N cells.

    values: float32 [N] in the scale's unit, NaN where there is nothing to show. fills: uint8 [N, 4] red,
    green, blue, opacity (0: the cell stays bare). texts, subtexts: what stands in each cell, may be empty.
    best: the cell to emphasise, or -1. empty_note: said under the legend when there is nothing to show yet.
    """

    values: np.ndarray
    fills: np.ndarray
    texts: tuple[str, ...]
    subtexts: tuple[str, ...]
    scale: Scale
    best: int = -1
    empty_note: str = ""
