"""The candidate moves of a search as rows of a table, and as columns of a file. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.hex.coordinates import cell_name, move_name
from engines.hex.snapshots import AnalysisSnapshot, ExactSnapshot
from workbench.panels.hex.overlays import win_percent


@dataclass(frozen=True)
class MoveRow:
    """One candidate. visits; share: of all visits, [0, 1]; win, q_head: win % (NaN unknown); prior: % of the
    policy.

    proven: 1 wins, -1 loses, 0 open. line: its principal variation, the move first. is_best: the engine plays
    it.
    """

    cell: int
    visits: int
    share: float
    win: float
    prior: float
    q_head: float
    proven: int
    line: tuple[int, ...]
    is_best: bool


def move_rows(
    snapshot: AnalysisSnapshot, *, top: int = 12, always_red: bool = False, line_length: int = 12
) -> tuple[MoveRow, ...]:
    """The `top` moves (0: all), most visited first, then by prior; moves with neither are left out."""
    lines = {line[0]: line for line in snapshot.lines if line}
    total = max(int(snapshot.visits.sum()), 1)
    order = np.lexsort((-snapshot.prior, -snapshot.visits.astype(np.int64))).tolist()
    chosen = [cell for cell in order if snapshot.visits[cell] > 0 or snapshot.prior[cell] > 0]

    def percent(value: float) -> float:
        return float(win_percent(value, snapshot.to_move, always_red=always_red))

    def searched(cell: int) -> float:
        if snapshot.proven[cell]:
            return float(snapshot.proven[cell])
        return float(snapshot.search_q[cell]) if snapshot.visits[cell] > 0 else float("nan")

    return tuple(
        MoveRow(
            cell,
            int(snapshot.visits[cell]),
            float(snapshot.visits[cell]) / total,
            percent(searched(cell)),
            100.0 * float(snapshot.prior[cell]),
            percent(float(snapshot.q_head[cell])),
            int(snapshot.proven[cell]),
            lines.get(cell, (cell,))[:line_length],
            cell == snapshot.best,
        )
        for cell in chosen[: top or None]
    )


def line_text(line: tuple[int, ...], size: int) -> str:
    """A variation as cell names."""
    return " ".join(move_name(move, size) for move in line)


def analysis_columns(snapshot: AnalysisSnapshot, exact: ExactSnapshot | None = None) -> dict[str, np.ndarray]:
    """Every empty cell of a snapshot as columns for CSV. Values are win % for the player to move.

    exact: what the exact solver knows of the same position; its column is 0 where nothing is known.
    """
    rows = move_rows(snapshot, top=0, line_length=1000)
    solved = exact.moves if exact is not None else np.zeros(len(snapshot.prior), np.int8)
    return {
        "move": np.array([cell_name(row.cell, snapshot.size) for row in rows]),
        "visits": np.array([row.visits for row in rows]),
        "win_percent": np.array([row.win for row in rows]),
        "prior_percent": np.array([row.prior for row in rows]),
        "q_head_percent": np.array([row.q_head for row in rows]),
        "q_head_minus_search_points": np.array([row.q_head - row.win for row in rows]),
        "proven": np.array([row.proven for row in rows]),
        "exact": np.array([int(solved[row.cell]) for row in rows]),
        "line": np.array([line_text(row.line, snapshot.size) for row in rows]),
    }
