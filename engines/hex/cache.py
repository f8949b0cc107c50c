"""Network evaluations kept by position, one entry for a position and its rotation by 180°."""

from __future__ import annotations

import numpy as np

from engines.hex.bitboard import Stones

_BYTES = 256 * 2**20
"""What the arrays of one cache may take; on large boards it holds fewer positions than asked for."""


class EvaluationCache:
    """Outputs of one network on one board size, by the smaller Zobrist key of a position and its rotation.

    Entries are stored for the canonical one of the two, and given back as the asker's position shows them
    (cell i of the rotated board is N - 1 - i). When it is full the oldest entry makes room.
    """

    def __init__(self, cells: int, capacity: int) -> None:
        self.cells = cells
        self.capacity = max(1, min(capacity, _BYTES // (8 * cells + 4)))
        self._slots: dict[int, int] = {}
        self._keys: list[int] = []
        self._next = 0
        self._has_q = False
        self._allocate(min(self.capacity, 1024))

    def __len__(self) -> int:
        return len(self._slots)

    def clear(self) -> None:
        """Forget everything (another network, or other settings of it)."""
        self._slots.clear()
        self._keys.clear()
        self._next = 0

    def find(self, position: Stones) -> tuple[np.ndarray, float, np.ndarray | None] | None:
        """(prior [N], value, q [N] or None) as this position shows them, or None. Views: copy to keep."""
        slot = self._slots.get(position.canonical_key)
        if slot is None:
            return None
        step = -1 if position.is_turned else 1
        q = self._q[slot, ::step] if self._has_q else None
        return self._prior[slot, ::step], float(self._value[slot]), q

    def store(self, key: int, prior: np.ndarray, value: float, q: np.ndarray | None) -> None:
        """Enter the outputs for the canonical position with this key."""
        if key in self._slots:
            return
        slot = self._next
        if slot == len(self._prior) and slot < self.capacity:
            self._allocate(min(self.capacity, 2 * slot))
        if slot < len(self._keys):
            del self._slots[self._keys[slot]]
            self._keys[slot] = key
        else:
            self._keys.append(key)
        self._slots[key] = slot
        self._prior[slot] = prior
        self._value[slot] = value
        self._has_q = q is not None
        if q is not None:
            self._q[slot] = q
        self._next = (slot + 1) % self.capacity

    def _allocate(self, rows: int) -> None:
        old = len(self._keys)
        self._prior = _grown(getattr(self, "_prior", None), old, (rows, self.cells))
        self._q = _grown(getattr(self, "_q", None), old, (rows, self.cells))
        self._value = _grown(getattr(self, "_value", None), old, (rows,))


def _grown(array: np.ndarray | None, used: int, shape: tuple[int, ...]) -> np.ndarray:
    """A larger float32 array beginning with the `used` first rows of the old one."""
    new = np.empty(shape, np.float32)
    if array is not None:
        new[:used] = array[:used]
    return new
