"""Asking a network about positions, each only once: equal ones of a batch, and with a cache rotated ones
too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from engines.hex.bitboard import Stones, to_arrays
from engines.hex.cache import EvaluationCache

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluation

Outputs = tuple[np.ndarray, np.ndarray, np.ndarray | None]
"""prior [B, N], value [B], q [B, N] or None, float32, in the cells of the positions asked about."""


class EvaluatorLike(Protocol):
    """What the search asks: priors, values and q of a batch of positions of one size (see `Evaluation`)."""

    def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> Evaluation:
        """cells: int8 [B, n, n]; to_move: int8 [B]."""
        ...


class Inquiry:
    """A network with or without a cache. asked: positions that the network has seen so far.

    With a cache the network is shown the canonical one of a position and its rotation, and its outputs are
    turned back, so that a result does not depend on which of the two was met first.
    """

    def __init__(self, evaluator: EvaluatorLike, cache: EvaluationCache | None = None) -> None:
        self.evaluator = evaluator
        self.cache = cache
        self.asked = 0

    def known(self, position: Stones) -> Outputs | None:
        """The outputs for one position if they are in the cache, with B = 1."""
        found = self.cache.find(position) if self.cache is not None else None
        if found is None:
            return None
        prior, value, q = found
        return prior[None], np.array([value], np.float32), None if q is None else q[None]

    def ask(self, positions: list[Stones]) -> Outputs:
        """The network's outputs for positions that are not in the cache."""
        unique: dict[int, int] = {}
        shown: list[Stones] = []
        index = []
        for position in positions:
            key = position.key if self.cache is None else position.canonical_key
            if key not in unique:
                unique[key] = len(shown)
                shown.append(position)
            index.append(unique[key])
        cells, to_move = to_arrays(shown)
        if self.cache is None:
            out = self.evaluator.evaluate(cells, to_move)
        else:
            turned = np.array([position.is_turned for position in shown])
            cells[turned] = cells[turned, ::-1, ::-1]
            out = self.evaluator.evaluate(cells, to_move)
            for i, key in enumerate(unique):
                self.cache.store(key, out.prior[i], float(out.value[i]), None if out.q is None else out.q[i])
        self.asked += len(shown)
        if self.cache is None and len(shown) == len(positions):
            return out.prior, out.value, out.q
        prior, value, q = out.prior[index], out.value[index], None if out.q is None else out.q[index]
        if self.cache is not None:
            turned = np.array([position.is_turned for position in positions])
            prior[turned] = prior[turned, ::-1]
            if q is not None:
                q[turned] = q[turned, ::-1]
        return prior, value, q
