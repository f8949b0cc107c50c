"""Who thinks behind the protocol: the `Player` contract, and one that needs no network."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engines.core.errors import UserError
from engines.hex.htp.game import Game
from engines.hex.rules import BLACK
from engines.hex.snapshots import RESIGN, SWAP, AnalysisSnapshot

Stop = Callable[[], bool]
Watch = Callable[[AnalysisSnapshot], None]


@dataclass(frozen=True)
class Limits:
    """When a search for a move ends, whichever comes first; 0: no such limit."""

    simulations: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class NetView:
    """One network call on a position.

    prior: float32 [N]. value: for the player to move. q: float32 [N], the value of the position after a move
    for the player then to move (+1 on stones), or None without a q-head.
    """

    prior: np.ndarray
    value: float
    q: np.ndarray | None


class Player(Protocol):
    """What the server asks of an engine. Only `think` and `analyse` may take long; `stop()` ends both."""

    @property
    def name(self) -> str:
        """What plays, for `version`."""

    def think(self, game: Game, limits: Limits, stop: Stop) -> AnalysisSnapshot:
        """The final picture of a search; `best` is a legal move, SWAP or RESIGN. Raises UserError."""

    def analyse(self, game: Game, watch: Watch, stop: Stop) -> None:
        """Search until `stop()`, showing the search as it stands about ten times a second."""

    def network(self, game: Game) -> NetView:
        """The bare network on this position. Raises UserError without one."""

    def load(self, weights: str) -> None:
        """Take another network by name or file. Raises UserError and keeps the old one."""

    def settings(self) -> dict[str, str | int | float | bool]:
        """Settings of the search by name."""

    def set(self, name: str, value: str) -> None:
        """Change one setting. Raises UserError and keeps the old value."""

    def close(self) -> None:
        """Let go of threads and memory."""


class PathPlayer:
    """Plays on the shortest paths of both players; needs no weights and no luck.

    A path's length is the number of empty cells that its owner still has to fill. A cell is worth the more,
    the shorter the two paths through it are together; ties go to the middle of the board, then to the first.
    """

    name = "shortest path"

    def think(self, game: Game, limits: Limits, stop: Stop) -> AnalysisSnapshot:
        return self.look(game)

    def analyse(self, game: Game, watch: Watch, stop: Stop) -> None:
        while True:
            watch(self.look(game))
            if stop():
                return
            time.sleep(0.02)

    def network(self, game: Game) -> NetView:
        raise UserError("this player has no network", "start the engine with --player search, or use nn_load")

    def load(self, weights: str) -> None:
        raise UserError("this player takes no network", "start the engine with --player search")

    def settings(self) -> dict[str, str | int | float | bool]:
        return {}

    def set(self, name: str, value: str) -> None:
        raise UserError(f"there is no parameter {name!r}")

    def close(self) -> None:
        return

    def look(self, game: Game) -> AnalysisSnapshot:
        """One look at the position; prior falls by half with every cell that a path is longer."""
        cells, n, started = game.position.cells, game.size, time.perf_counter()
        empty = cells.reshape(-1) == 0
        mine, theirs = (through_lengths(cells, colour) for colour in (game.to_move, 3 - game.to_move))
        total = np.where(empty, mine + theirs, np.inf)
        rows, columns = np.divmod(np.arange(n * n), n)
        off_centre = (np.abs(2 * rows - n + 1) + np.abs(2 * columns - n + 1)) / (8.0 * n)
        cost = total + off_centre
        prior = np.where(np.isfinite(cost), np.exp2(-(cost - cost.min(initial=np.inf, where=empty))), 0.0)
        prior = (prior / max(prior.sum(), 1e-9)).astype(np.float32)
        value = float(np.tanh((theirs[empty].min(initial=n) - mine[empty].min(initial=n) + 0.5) / 2))
        order = [int(cell) for cell in np.argsort(cost, kind="stable")[: int(empty.sum())]]
        best = order[0] if order else RESIGN
        if game.can_swap and n > 2 and off_centre[game.position.moves[0]] < 0.15:
            best = SWAP
        visits = np.zeros(n * n, np.int32)
        visits[order[:1]] = 1
        unknown = np.full(n * n, np.nan, np.float32)
        search_q = unknown.copy()
        search_q[order[:1]] = value
        return AnalysisSnapshot(
            generation=0, size=n, to_move=game.to_move, prior=prior, visits=visits, search_q=search_q,
            q_head=unknown, proven=np.zeros(n * n, np.int8), value=value, net_value=float("nan"),
            min_q=float("nan"), mean_q=float("nan"), simulations=1, net_calls=0, cache_hits=0, depth=1,
            seconds=time.perf_counter() - started, lines=tuple((cell,) for cell in order[:1]), best=best,
            final=True,
        )  # fmt: skip


def through_lengths(cells: np.ndarray, colour: int) -> np.ndarray:
    """For each cell, the fewest empty cells that `colour` must fill to join its sides through it.

    cells: int8 [n, n]. Returns float64 [N], inf where the rival's stones leave no way, and on those stones.
    """
    board = cells if colour == BLACK else cells.T
    to_first = _distances(board, colour)
    to_last = _distances(board[::-1, ::-1], colour)[::-1, ::-1]
    own = np.where(board == 0, 1.0, 0.0)  # the cell itself is counted by both directions
    both = to_first + to_last - own
    return (both if colour == BLACK else both.T).reshape(-1).copy()


def _distances(board: np.ndarray, colour: int) -> np.ndarray:
    """Fewest empty cells from the first row to each cell, itself included; inf where blocked."""
    n = len(board)
    cost = np.where(board == 0, 1.0, np.where(board == colour, 0.0, np.inf))
    best = np.full((n, n), np.inf)
    best[0] = cost[0]
    heap = [(best[0, c], 0, c) for c in range(n) if np.isfinite(best[0, c])]
    heapq.heapify(heap)
    while heap:
        length, r, c = heapq.heappop(heap)
        if length > best[r, c]:
            continue
        for dr, dc in ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0)):
            x, y = r + dr, c + dc
            if 0 <= x < n and 0 <= y < n and length + cost[x, y] < best[x, y]:
                best[x, y] = length + cost[x, y]
                heapq.heappush(heap, (best[x, y], x, y))
    return best
