"""Who is connected, for many boards at once: a flood fill on rows packed into bits.

Slower than `Position` for one board (about 0.3 ms), far faster for thousands, and independent of it.
"""

from __future__ import annotations

import numpy as np

from engines.hex.rules import BLACK, WHITE

MAX_COLUMNS = 32
"""A row is one uint32."""


def joins_top_and_bottom(stones: np.ndarray) -> np.ndarray:
    """Whether the stones, bool [B, rows, columns], hold a chain from the first row to the last: bool [B].

    Reached cells spread to all six neighbours, among stones only, until nothing changes
    (paper file, section 2: ``f |= shift(f) & stones``).
    """
    packed = _pack(stones)
    reached = np.zeros_like(packed)
    reached[0] = packed[0]
    while True:
        grown = reached | reached << 1 | reached >> 1
        grown[1:] |= reached[:-1] | reached[:-1] >> 1  # down, and down-left
        grown[:-1] |= reached[1:] | reached[1:] << 1  # up, and up-right
        grown &= packed
        if np.array_equal(grown, reached):
            return reached[-1] != 0
        reached = grown


def winners(cells: np.ndarray) -> np.ndarray:
    """The colour whose edges are joined on each board: int8 [B], 0 where nobody's are.

    cells: int [B, n, n] of 0, 1 (Black), 2 (White), n at most 32.
    """
    cells = np.asarray(cells)
    if cells.ndim != 3 or cells.shape[1] != cells.shape[2] or not 1 <= cells.shape[1] <= MAX_COLUMNS:
        raise ValueError(f"expected boards [B, n, n] with n from 1 to {MAX_COLUMNS}, got shape {cells.shape}")
    result = np.zeros(len(cells), np.int8)
    if len(cells):
        result[joins_top_and_bottom(cells == BLACK)] = BLACK
        # The mirror in the long diagonal keeps neighbours and turns left and right into top and bottom.
        result[joins_top_and_bottom(cells.transpose(0, 2, 1) == WHITE)] = WHITE
    return result


def _pack(stones: np.ndarray) -> np.ndarray:
    """bool [B, rows, columns] as uint32 [rows, B], column c in bit c; rows first, for contiguous shifts."""
    bits = np.packbits(stones, axis=2, bitorder="little")
    words = np.zeros((*stones.shape[:2], 4), np.uint8)
    words[..., : bits.shape[2]] = bits
    return np.ascontiguousarray(words.view("<u4")[..., 0].T)
