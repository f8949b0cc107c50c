"""Made-up but consistent search snapshots, so that widgets can be tested without an engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from engines.hex.snapshots import AnalysisSnapshot


def snapshot(size: int = 5, stones: Iterable[int] = (), seed: int = 0, **changes: Any) -> AnalysisSnapshot:
    """A search of 1,000 simulations on a board with `stones` taken; about half of the moves unvisited."""
    rng = np.random.default_rng(seed)
    count = size * size
    empty = np.ones(count, bool)
    empty[list(stones)] = False
    prior = np.where(empty, rng.gamma(0.3, size=count) + 1e-4, 0.0)
    prior /= prior.sum()
    sharp = np.where(prior >= np.median(prior[empty]), prior, 0.0)
    visits = rng.multinomial(1000, sharp / sharp.sum()).astype(np.int32)
    worth = np.clip(rng.normal(0.1, 0.4, count), -0.98, 0.98)
    order = [int(cell) for cell in np.argsort(-visits, kind="stable") if visits[cell] > 0]
    lines = tuple((cell, *[other for other in order if other != cell][:4]) for cell in order)
    values: dict[str, Any] = {
        "generation": 1,
        "size": size,
        "to_move": 1,
        "prior": prior.astype(np.float32),
        "visits": visits,
        "search_q": np.where(visits > 0, worth, np.nan).astype(np.float32),
        "q_head": np.where(empty, np.clip(worth - 0.2, -1, 1), np.nan).astype(np.float32),
        "proven": np.zeros(count, np.int8),
        "value": 0.3,
        "net_value": 0.2,
        "min_q": 0.35,
        "mean_q": 0.05,
        "simulations": 1000,
        "net_calls": 80,
        "cache_hits": 12,
        "depth": 9,
        "seconds": 0.5,
        "lines": lines,
        "best": order[0],
    }
    return AnalysisSnapshot(**{**values, **changes})
