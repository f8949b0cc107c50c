"""Perfect play in training: the exact solver's word on small boards instead of a game's result.

A game tells what the players made of a position, the solver what it is worth. The idea is Leela Chess Zero's
"rescorer", which replaces the results of self-play in positions that endgame tables know. Here the policy is mended as
well, and q gets the value of every move, which no game can tell.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engines.hex.samples import Samples
from engines.hex.solver import Solver

_MOST_POSITIONS = 400_000
"""Solved positions kept before they are forgotten."""


def nothing() -> None:
    """The check of a caller who never cancels."""


class Perfect:
    """Solves positions of one board size and remembers their moves' values. Boards are int8 [N] with N = size² cells,
    0 empty, 1 Black, 2 White; none is finished. check: called at least each 100 ms, may raise to stop."""

    def __init__(self, size: int, check: Callable[[], None] = nothing) -> None:
        self.size = size
        self.check = check
        self._solver = Solver(size)
        self._known: dict[tuple[bytes, int], np.ndarray] = {}

    def values(self, cells: np.ndarray, mover: int) -> np.ndarray:
        """What each move is worth to the mover: int8 [N], +1 or -1, 0 on stones."""
        turned = cells[::-1]
        first = cells.tobytes() <= turned.tobytes()  # a board and its half turn are solved once
        board = cells if first else turned
        key = board.tobytes(), mover
        known = self._known.get(key)
        if known is None:
            known = self._solver.solve(board.reshape(self.size, self.size), mover, self.check).moves
            if len(self._known) >= _MOST_POSITIONS:
                self._known.clear()
            self._known[key] = known
        return known if first else known[::-1]

    def loser(self, cells: np.ndarray, mover: int) -> int:
        """The colour that loses against perfect play."""
        return 3 - mover if (self.values(cells, mover) > 0).any() else mover

    def move(self, cells: np.ndarray, mover: int, rng: np.random.Generator) -> int:
        """A winning move, or the best defence in a lost position, one of equals by `rng`."""
        return self._solver.best_move(cells.reshape(self.size, self.size), mover, self.check, rng)

    def rescored(self, samples: Samples) -> Samples:
        """The samples with exact values in place of what the games said.

        z becomes the position's value. In a won position pi is restricted to the winning moves (all alike where it
        had none of them) and action is the likeliest of these if the one that was played does not win. In a lost
        position, where all moves are alike, both stay.
        """
        if not len(samples):
            return samples
        pairs = zip(np.ascontiguousarray(samples.cells), samples.mover.tolist(), strict=True)
        exact = np.stack([self.values(cells, mover) for cells, mover in pairs])
        wins = exact > 0  # [S, N]
        won: np.ndarray = np.asarray(wins.any(axis=1))
        share = np.where(wins, samples.pi.astype(np.float32), 0.0)
        share = np.where(share.sum(1, keepdims=True) > 0, share, wins)
        share /= np.maximum(share.sum(1, keepdims=True), 1e-12)
        rows = np.arange(len(samples))
        pi = np.where(won[:, None], share.astype(np.float16), samples.pi)
        stays = ~won | wins[rows, samples.action]
        action = np.where(stays, samples.action, share.argmax(1)).astype(samples.action.dtype)
        z = np.where(won, 1.0, -1.0).astype(np.float32)
        return Samples(samples.size, samples.cells, samples.mover, pi, action, z, np.maximum(-z, 0), exact)
