"""Evaluators for tests: a deterministic one made of hashes, and an exact one made of a tiny solver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engines.hex.bitboard import Stones


@dataclass(frozen=True)
class Outputs:
    """What an evaluator returns: prior [B, N], value [B], q [B, N] or None, float32."""

    prior: np.ndarray
    value: np.ndarray
    q: np.ndarray | None


class HashEvaluator:
    """Random but fixed outputs of every position. has_q: with a q-head. positions: how many were asked.

    before: called before each evaluation with the boards.
    """

    def __init__(self, *, has_q: bool = True, before: Callable[[np.ndarray], None] | None = None) -> None:
        self.has_q = has_q
        self.before = before
        self.positions = 0
        self.calls = 0

    def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> Outputs:
        if self.before:
            self.before(cells)
        self.calls += 1
        self.positions += len(cells)
        flat = cells.reshape(len(cells), -1)
        outputs = [_hashed(board.tobytes(), int(mover)) for board, mover in zip(flat, to_move, strict=True)]
        prior, value, q = (np.stack([o[k] for o in outputs]).astype(np.float32) for k in range(3))
        return Outputs(prior, value, q if self.has_q else None)


@lru_cache(maxsize=200_000)
def _hashed(board: bytes, to_move: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    cells = np.frombuffer(board, np.int8)
    rng = np.random.default_rng([to_move, *cells.tolist()])
    empty = cells == 0
    prior = np.where(empty, rng.random(len(cells)) ** 3 + 1e-3, 0)
    q = np.where(empty, rng.uniform(-0.5, 0.5, len(cells)), 1.0)
    return prior / max(prior.sum(), 1e-9), np.array(rng.uniform(-0.5, 0.5)), q


def exact_value(position: Stones) -> int:
    """1 if the player to move wins, -1 if not. Exhaustive: boards up to 3 × 3, or nearly full ones."""
    return _exact(position.key, position)


_known: dict[tuple[int, int], int] = {}


def _exact(key: int, position: Stones) -> int:
    found = _known.get((position.geometry.size, key))
    if found is None:
        if position.winner:
            found = 1 if position.winner == position.to_move else -1
        else:
            found = -1
            for move in empty_cells(position):
                if exact_value(position.play(move)) < 0:
                    found = 1
                    break
        _known[position.geometry.size, key] = found
    return found


def empty_cells(position: Stones) -> list[int]:
    """Cells without a stone."""
    taken = position.black | position.white
    return [cell for cell in range(position.geometry.cells) if not taken & position.geometry.bit[cell]]


class ExactEvaluator:
    """Exact v and q with a uniform prior."""

    has_q = True

    def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> Outputs:
        count = cells[0].size
        prior, q = np.zeros((len(cells), count), np.float32), np.ones((len(cells), count), np.float32)
        value = np.zeros(len(cells), np.float32)
        for i, (board, mover) in enumerate(zip(cells, to_move, strict=True)):
            position = Stones.of(board, int(mover))
            moves = empty_cells(position)
            prior[i, moves] = 1 / max(len(moves), 1)
            value[i] = exact_value(position)
            q[i, moves] = [exact_value(position.play(move)) for move in moves]
        return Outputs(prior, value, q)


def random_position(size: int, stones: int, rng: np.random.Generator) -> np.ndarray:
    """int8 [n, n] with alternating stones at random and no winner; Black moves at even counts."""
    while True:
        cells = np.zeros(size * size, np.int8)
        order = rng.permutation(size * size)[:stones]
        cells[order[::2]] = 1
        cells[order[1::2]] = 2
        board = cells.reshape(size, size)
        if Stones.of(board, 1 + stones % 2).winner == 0:
            return board
