"""Strength from results: Elo of a score with its Wilson interval, and Bradley-Terry ratings of a pool.

Sources: E. B. Wilson 1927 (interval); R. A. Bradley, M. E. Terry 1952; D. R. Hunter 2004, "MM algorithms for
generalized Bradley-Terry models". On the Elo scale 400 points are a factor of ten in the odds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engines.core.intervals import Z95, wilson

PER_LOGIT = 400 / math.log(10)
"""Elo points for one unit of log-odds."""
_EXTREME = 1e-3
"""Scores are kept this far from 0 and 1, so that a clean sweep reads ±1200 instead of infinity."""


def elo_of(score: float) -> float:
    """Elo difference that predicts this score in (0, 1), within ±1200."""
    score = min(1 - _EXTREME, max(_EXTREME, score))
    return PER_LOGIT * math.log(score / (1 - score))


def expected_score(difference: float) -> float:
    """Score that an Elo difference predicts."""
    return 1 / (1 + math.exp(-difference / PER_LOGIT))


def elo_interval(wins: float, games: int) -> tuple[float, float, float]:
    """(Elo, low, high) of the winner's side from its wins, with a 95 % Wilson interval on the score.

    Without games (0, -1200, 1200).
    """
    low, high = wilson(wins, games)
    return elo_of(wins / games if games else 0.5), elo_of(low), elo_of(high)


@dataclass(frozen=True)
class Ratings:
    """Elo of K players. elo, low, high: float64 [K], 95 % intervals; the anchor has exactly its given
    value."""

    elo: np.ndarray
    low: np.ndarray
    high: np.ndarray


def rate(wins: np.ndarray, *, anchor: int = 0, anchor_elo: float = 0.0, prior_games: float = 0.5) -> Ratings:
    """Fit Bradley-Terry strengths to a pool's results.

    wins: [K, K], wins[i, j] games that i won against j (halves for draws). anchor: the player whose rating
    is fixed. prior_games: drawn games added between players that met, which keeps the fit finite after a
    clean sweep. Players joined to the anchor by no chain of games get NaN. Intervals come from the curvature
    of the log-likelihood at the optimum. Raises ValueError for another shape.
    """
    wins = np.asarray(wins, np.float64)
    if wins.ndim != 2 or wins.shape[0] != wins.shape[1] or not 0 <= anchor < len(wins):
        raise ValueError(f"expected wins [K, K] with an anchor among them, got {wins.shape} and {anchor}")
    wins = wins - np.diag(np.diag(wins))
    met = (wins + wins.T) > 0
    linked = _linked(met, anchor)
    elo = np.full(len(wins), np.nan)
    low, high = elo.copy(), elo.copy()
    chosen = np.flatnonzero(linked)
    local = wins[np.ix_(chosen, chosen)] + prior_games / 2 * met[np.ix_(chosen, chosen)]
    strength, spread = _fit(local, int(np.searchsorted(chosen, anchor)))
    elo[chosen] = anchor_elo + PER_LOGIT * strength
    low[chosen] = elo[chosen] - Z95 * PER_LOGIT * spread
    high[chosen] = elo[chosen] + Z95 * PER_LOGIT * spread
    return Ratings(elo, low, high)


def pool_wins(players: int, results: Sequence[tuple[int, int, float]]) -> np.ndarray:
    """Results (i, j, score of i in [0, 1]) as a matrix for `rate`, float64 [K, K]."""
    wins = np.zeros((players, players))
    for first, second, score in results:
        wins[first, second] += score
        wins[second, first] += 1 - score
    return wins


def _linked(met: np.ndarray, anchor: int) -> np.ndarray:
    """bool [K]: players that some chain of games joins to the anchor."""
    linked = np.zeros(len(met), bool)
    linked[anchor] = True
    while True:
        grown = linked | met[linked].any(0)
        if (grown == linked).all():
            return linked
        linked = grown


def _fit(wins: np.ndarray, anchor: int) -> tuple[np.ndarray, np.ndarray]:
    """Log-strengths relative to the anchor and their standard errors, by Newton's method on the concave
    likelihood."""
    count = len(wins)
    games = wins + wins.T
    free = np.arange(count) != anchor
    strength, spread = np.zeros(count), np.zeros(count)
    if not free.any():
        return strength, spread
    for _ in range(100):
        expected = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))  # of row against column
        gradient = (wins - games * expected).sum(1)[free]
        weight = games * expected * (1 - expected)
        information = (np.diag(weight.sum(1)) - weight)[np.ix_(free, free)]
        step = np.linalg.solve(information, gradient)
        strength[free] += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    spread[free] = np.sqrt(np.diag(np.linalg.inv(information)))
    return strength, spread
