"""Gumbel root: a few simulations shared out by sequential halving among moves drawn without replacement.

Source: Danihelka, Guez, Schrittwieser, Silver, "Policy improvement by planning with Gumbel" (ICLR 2022);
constants are mctx's. The q-head completes the values of unvisited moves; without one they get the mixed
value of its appendix D.
"""

from __future__ import annotations

import math

import numpy as np

CONSIDERED = 16
"""Moves that enter the first round."""
VISIT_SCALE = 50.0
VALUE_SCALE = 0.1


def mixed_value(prior: np.ndarray, visits: np.ndarray, values: np.ndarray, raw_value: float) -> float:
    """A position's value from its own v and its visited moves, in [-1, 1]; what an unvisited move is given.

    prior, values: [N]; visits: int [N]. Source: appendix D of the paper, eq. 33.
    """
    seen = visits > 0
    if not seen.any():
        return raw_value
    weights = np.maximum(prior[seen], 1e-12)
    searched = float((weights * values[seen]).sum() / weights.sum())
    total = int(visits.sum())
    return (raw_value + total * searched) / (1 + total)


def sigma(values: np.ndarray, visits: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """sigma(q) = (50 + max N) · 0.1 · q, with the legal moves' completed values q rescaled to [0, 1]. [N]."""
    low, high = values[legal].min(), values[legal].max()
    scaled = (values - low) / max(high - low, 1e-8)
    return (VISIT_SCALE + visits.max()) * VALUE_SCALE * scaled


def improved_policy(prior: np.ndarray, visits: np.ndarray, values: np.ndarray, raw_value: float) -> np.ndarray:
    """pi = softmax(logits + sigma(completed values)), float64 [N], 0 where the prior is 0.

    values: each move's value for its maker, NaN where neither search nor a q-head knows it.
    """
    legal = prior > 0
    completed = np.where(np.isnan(values), mixed_value(prior, visits, values, raw_value), values)
    score = _logits(prior) + sigma(completed, visits, legal)
    score = np.where(legal, score, -np.inf)
    weights = np.exp(score - score.max())
    return weights / weights.sum()


class GumbelRoot:
    """One search's rounds.

    prior: [N], 0 on stones; raw_value: the network's v; simulations: budget; rng: gives the Gumbel numbers.
    before: int [N], visits from an earlier search of the same tree, which say nothing about this one's rounds.

    Each round visits every move still considered once; after enough rounds the worse half leaves, and the
    last two share what is left of the budget.
    """

    def __init__(
        self,
        prior: np.ndarray,
        raw_value: float,
        simulations: int,
        rng: np.random.Generator,
        *,
        considered: int = CONSIDERED,
        before: np.ndarray | None = None,
    ) -> None:
        self.prior = prior.astype(np.float64)
        self.raw_value = raw_value
        self.legal = prior > 0
        self.simulations = simulations
        self.before = np.zeros(len(prior), np.int64) if before is None else before.astype(np.int64)
        self.base = np.where(self.legal, rng.gumbel(size=len(prior)) + _logits(prior), -np.inf)
        count = max(1, min(considered, int(self.legal.sum()), simulations))
        self.moves = np.argsort(-self.base, kind="stable")[:count].tolist()
        self._phases = max(1, math.ceil(math.log2(count)))
        self._rounds_left = self._rounds(count)
        self._first = True

    def next_round(self, visits: np.ndarray, values: np.ndarray, closed: np.ndarray) -> list[int]:
        """The moves to visit next, each once. closed: bool [N], moves proven to lose; they leave at once."""
        if not self._first and self._rounds_left == 0 and len(self.moves) > 2:
            keep = max(2, len(self.moves) // 2)
            self.moves = self._by_score(visits, values)[:keep]
            self._rounds_left = self._rounds(keep)
        self._first = False
        self._rounds_left = max(0, self._rounds_left - 1)
        open_moves = [move for move in self.moves if not closed[move]]
        if not open_moves:  # all that were drawn lose: take in the next ones
            rest = [int(move) for move in np.argsort(-self.base, kind="stable") if not closed[move]]
            open_moves = rest[: max(2, len(self.moves))]
        self.moves = open_moves
        return list(open_moves)

    def choice(self, visits: np.ndarray, values: np.ndarray, closed: np.ndarray) -> int:
        """argmax of g + logits + sigma(q) among the most visited of the moves still considered."""
        moves = [move for move in self.moves if not closed[move]] or np.flatnonzero(~closed).tolist()
        if not moves:
            moves = np.flatnonzero(self.legal).tolist()
        new = visits - self.before
        most = max(new[move] for move in moves)
        return max((move for move in moves if new[move] == most), key=self._scores(visits, values).__getitem__)

    def _rounds(self, count: int) -> int:
        return max(1, self.simulations // (self._phases * count))

    def _scores(self, visits: np.ndarray, values: np.ndarray) -> np.ndarray:
        unvisited = mixed_value(self.prior, visits, values, self.raw_value)
        completed = np.where(np.isnan(values), unvisited, values)
        return self.base + sigma(completed, visits, self.legal)

    def _by_score(self, visits: np.ndarray, values: np.ndarray) -> list[int]:
        scores = self._scores(visits, values)
        return sorted(self.moves, key=lambda move: -scores[move])


def _logits(prior: np.ndarray) -> np.ndarray:
    """Logits up to a constant, -inf where the prior is 0."""
    with np.errstate(divide="ignore"):
        return np.log(prior.astype(np.float64))
