"""A search as the window sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engines.hex.snapshots import AnalysisSnapshot

if TYPE_CHECKING:
    from engines.hex.search import Search

UNDECIDED = -4
"""`AnalysisSnapshot.best` while there is no move to play."""


def describe(
    search: Search,
    generation: int,
    *,
    best: int,
    final: bool = False,
    note: str = "",
) -> AnalysisSnapshot:
    """The search as it stands, as numpy copies; one or two milliseconds. best: the move to show as chosen."""
    counters = search.counters
    common: dict[str, Any] = {
        "generation": generation,
        "size": search.size,
        "to_move": search.position.to_move,
        "simulations": counters.simulations,
        "net_calls": counters.net_calls,
        "cache_hits": counters.cache_hits,
        "depth": counters.depth,
        "seconds": counters.seconds,
        "value": search.value(),
        "best": best,
        "final": final,
        "note": note,
    }
    if search.root < 0:
        return unsearched(search.tree.cells, **common)
    tree, root = search.tree, search.root
    prior = tree.clean_prior(root).copy()
    visits = tree.visits[root].copy()
    q_head = np.where(search.empty_cells(), -tree.q[root], np.nan).astype(np.float32)
    known = bool(np.isfinite(q_head).any())
    order = np.argsort(-visits, kind="stable")[: int((visits > 0).sum())]
    if best >= 0 and visits[best]:
        order = np.concatenate([[best], order[order != best]])
    return AnalysisSnapshot(
        prior=prior,
        visits=visits,
        search_q=tree.move_values(root),
        q_head=q_head,
        proven=tree.proven_moves(root),
        net_value=tree.row_value[root],
        min_q=float(np.nanmax(q_head)) if known else float("nan"),
        mean_q=float(np.nansum(prior * q_head)) if known else float("nan"),
        lines=tuple(tree.line(root, int(move)) for move in order),
        **common,
    )


def unsearched(cells: int, **common: Any) -> AnalysisSnapshot:
    """A snapshot of N cells about which nothing is known; `common` are its other fields."""
    values = dict.fromkeys(("value", "net_value", "min_q", "mean_q"), float("nan"))
    counts = dict.fromkeys(("simulations", "net_calls", "cache_hits", "depth", "seconds"), 0)
    unknown = np.full(cells, np.nan, np.float32)
    fields: dict[str, Any] = {
        "prior": np.zeros(cells, np.float32),
        "visits": np.zeros(cells, np.int32),
        "search_q": unknown,
        "q_head": unknown.copy(),
        "proven": np.zeros(cells, np.int8),
        **values,
        **counts,
        **common,
    }
    return AnalysisSnapshot(**fields)
