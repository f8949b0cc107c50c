"""PV-MCTS with a three-head network: delayed expansion, q as leaf and first-play value, proofs, batches.

Source: section 2 of Gao, Mueller, Hayward, Yao, Jui, "Three-Head Neural Network Architecture for AlphaZero
Learning" (2019) and its code. Deviations: a move that lets the opponent win at once is proven to lose without
asking the network; and, from the list of that code's traps: the root is expanded before the first simulation
whatever n0 is; noise is mixed into the root only, from the caller's generator; a newly expanded position is
not also credited to its best move.

Signs: the network's v(s) is for the player to move at s, and q(s, a) is the value of the position after `a`
for the player *then* to move; a leaf's stored q is therefore backed up as it is, and a move's first-play
value is -q.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np

from engines.hex.analysis import UNDECIDED, describe
from engines.hex.bitboard import Stones, to_arrays
from engines.hex.cache import EvaluationCache
from engines.hex.gumbel import GumbelRoot, improved_policy
from engines.hex.inquiry import EvaluatorLike, Inquiry, Outputs
from engines.hex.search_settings import Counters, Limits, SearchSettings, nothing
from engines.hex.snapshots import AnalysisSnapshot
from engines.hex.tree import FINISHED, OPEN, Tree
from engines.hex.walk import Path, Place, Walk

__all__ = ["UNDECIDED", "Counters", "EvaluatorLike", "Limits", "Search", "SearchSettings", "nothing"]

_QUICK_VISITS = 8
"""Visits without a network call per leaf of a batch: more would pile up around its virtual losses."""

_EARLY_SHARE = 4
"""A batch holds at most a quarter of the root's visits so far: in a young tree, virtual losses would drive
most simulations into moves that nobody would choose, and their results would stay in the means."""


class Search:
    """A search tree that can be run, read, moved on and run again.

    cells: int8 [n, n] (0 empty, 1 Black, 2 White); to_move: 1 or 2. The position may be over already. cache:
    shared between searches with one network on one board size, or None. rng: of noise, Gumbel numbers and
    sampled moves; consumed. memory_bytes: bound on the tree's arrays; a full tree ends a run early.
    """

    def __init__(
        self,
        evaluator: EvaluatorLike,
        cells: np.ndarray,
        to_move: int,
        settings: SearchSettings | None = None,
        *,
        cache: EvaluationCache | None = None,
        rng: np.random.Generator | None = None,
        memory_bytes: int = 512 * 2**20,
    ) -> None:
        self.settings = settings or SearchSettings()
        self.inquiry = Inquiry(evaluator, cache)
        self.rng = rng or np.random.default_rng(0)
        self.counters = Counters()
        self.position = Stones.of(cells, to_move)
        self.size = cells.shape[0]
        self.tree = Tree(
            cells.size,
            c_puct=self.settings.c_puct,
            fpu=self.settings.fpu,
            prove=self.settings.prove,
            memory_bytes=memory_bytes,
        )
        self.walk = Walk(self.tree)
        self.root = OPEN
        self._entry: int | None = None  # the move (flat index) that leads to a root without a row
        self._noise_row = OPEN
        self._gumbel: GumbelRoot | None = None

    @property
    def is_over(self) -> bool:
        """Whether the root position has a winner."""
        return self.position.winner != 0

    @property
    def is_decided(self) -> bool:
        """Whether the root is over or proven, so that more search changes nothing."""
        return self.is_over or (self.root >= 0 and self.tree.row_proven[self.root] != 0)

    @property
    def proven(self) -> int:
        """1: the player to move at the root wins, -1: loses, 0: open."""
        if self.is_over:
            return 1 if self.position.winner == self.position.to_move else -1
        return self.tree.row_proven[self.root] if self.root >= 0 else 0

    @property
    def visits(self) -> np.ndarray:
        """int32 [N]: visits of each move at the root."""
        if self.root < 0:
            return np.zeros(self.tree.cells, np.int32)
        return self.tree.visits[self.root].copy()

    def empty_cells(self) -> np.ndarray:
        """bool [N]: cells of the root without a stone."""
        return to_arrays([self.position])[0][0].reshape(-1) == 0

    def run(
        self,
        limits: Limits,
        *,
        check: Callable[[], None] = nothing,
        report: Callable[[], None] | None = None,
        report_s: float = 1 / 15,
    ) -> None:
        """Search until a limit is reached, the root is proven, or the tree is full.

        check: called for every batch; what it raises leaves the tree sound, as if the batch had not begun.
        report: called every `report_s` seconds. Raises ValueError without any limit for a run that `check`
        and proof could leave without end (give `seconds`, `calls` or `simulations`; for endless analysis
        call again).
        """
        if not (limits.simulations or limits.calls or limits.seconds):
            raise ValueError("expected at least one limit")
        start = reported = time.perf_counter()
        spent = self.counters.seconds
        self._gumbel = None
        check()
        if self.is_over:
            return
        first = Counters(**vars(self.counters))
        self._expand_root()
        self._add_noise()
        forced: deque[int] = deque()
        if self.settings.gumbel and limits.simulations:
            self._gumbel = GumbelRoot(
                self._root_prior(),
                self.tree.row_value[self.root],
                limits.simulations,
                self.rng,
                before=self.visits,
            )
        try:
            while not self.is_decided and self.tree.room:
                now = time.perf_counter()
                self.counters.seconds = spent + now - start
                if report is not None and now - reported >= report_s:
                    self.walk.flush(self.root)
                    report()
                    reported = now
                left = limits.simulations - (self.counters.simulations - first.simulations)
                calls = limits.calls - (self.counters.net_calls - first.net_calls)
                if (
                    (limits.simulations and left <= 0)
                    or (limits.calls and calls <= 0)
                    or (limits.seconds and now - start >= limits.seconds)
                ):
                    break
                check()
                if self._gumbel is not None and not forced:
                    self.walk.flush(self.root)
                    forced += self._gumbel.next_round(self.visits, self._root_values(), self._root_closed())
                self._batch(
                    left if limits.simulations else 1 << 30,
                    calls if limits.calls else 1 << 30,
                    forced if self._gumbel is not None else None,
                )
        finally:
            self.walk.flush(self.root)
        self.counters.seconds = spent + time.perf_counter() - start

    def advance(self, move: int) -> None:
        """Play `move` (a cell or PASS) at the root.

        What the tree knows below it is kept, and so is the rest for going back, until room is needed.
        Raises ValueError for an occupied cell.
        """
        if move >= 0 and not self._is_empty(move):
            raise ValueError(f"expected an empty cell, got {move}")
        edge = self.root * self.tree.cells + move if self.root >= 0 and move >= 0 else None
        self.tree.clear_noise()
        self.position = self.position.play(move)
        self.root, self._entry = OPEN, None
        if edge is not None:
            child = int(self.tree.child.reshape(-1)[edge])
            if child >= 0:
                self.root = child
            elif child != FINISHED:
                self._entry = edge
        self._moved()

    def return_to(self, root: int, position: Stones) -> None:
        """Make an earlier root of this tree (its row and position) the root again."""
        self.tree.clear_noise()
        self.root, self.position, self._entry = root, position, None
        self._moved()

    def _moved(self) -> None:
        self.walk.drop()
        self.walk.depth = 0
        self.counters = Counters()
        self._noise_row = OPEN
        self._gumbel = None

    def make_room(self) -> bool:
        """Drop all that is not below the root when the tree is more than half full; says whether it did (rows
        remembered for `return_to` are then void)."""
        if self.tree.rows * 2 < self.tree.max_rows:
            return False
        self.walk.drop()
        if self.root < 0:
            self._entry = None
            self.tree.clear()
        else:
            self.root = self.tree.keep(self.root)
        self._noise_row = OPEN
        return True

    def value(self) -> float:
        """Search value of the root for the player to move, in [-1, 1].

        Proven, or the mean over the moves not proven to lose; the network's v before any visit, NaN before
        that.
        """
        if self.proven:
            return float(self.proven)
        if self.root < 0:
            return float("nan")
        counted = ~self._root_closed()
        visits = int(self.tree.visits[self.root][counted].sum())
        if not visits:
            return self.tree.row_value[self.root]
        return float(2 * self.tree.wins[self.root][counted].sum() / visits - 1)

    def best_move(self) -> int:
        """The move to play: a proven win, else Gumbel's choice or the most visited; UNDECIDED when over."""
        if self.root < 0:
            return UNDECIDED
        if not self.proven and self._gumbel is not None:
            return self._gumbel.choice(self.visits, self._root_values(), self._root_closed())
        best = self.tree.best_move(self.root)
        return best if best >= 0 else int(np.argmax(self._root_prior()))

    def choose(self, temperature: float = 0.0) -> int:
        """A move drawn by visits^(1/temperature) among those not proven to lose; the best at 0 or if it
        wins."""
        if temperature <= 0 or self.proven > 0 or self.root < 0:
            return self.best_move()
        weights = self.visits.astype(np.float64)
        if not self.proven:
            weights[self._root_closed()] = 0
        if not weights.any():
            return self.best_move()
        with np.errstate(divide="ignore"):
            weights = np.exp(np.log(weights / weights.max()) / temperature)
        return int(self.rng.choice(len(weights), p=weights / weights.sum()))

    def policy(self) -> np.ndarray:
        """float64 [N], sums to 1: the visit distribution, or Gumbel's improved policy."""
        if self._gumbel is not None and self.root >= 0:
            return improved_policy(self._root_prior(), self.visits, self._root_values(), self.tree.row_value[self.root])
        visits = self.visits
        if not visits.any():
            policy = np.zeros(self.tree.cells)
            policy[self.best_move()] = 1
            return policy
        return visits / visits.sum()

    def snapshot(
        self, generation: int = 0, *, best: int | None = None, final: bool = False, note: str = ""
    ) -> AnalysisSnapshot:
        """The search as it stands (see `describe`). best: shown instead of `best_move`."""
        chosen = self.best_move() if best is None else best
        return describe(self, generation, best=chosen, final=final, note=note)

    def _batch(self, simulations: int, calls: int, forced: deque[int] | None) -> None:
        """Simulate until a batch of leaves waits for the network, evaluate them at once and back them up."""
        tree, walk, settings, counters = self.tree, self.walk, self.settings, self.counters
        n0 = settings.n0 if tree.has_q and settings.use_q_leaf else 0
        if walk.is_crowded:
            walk.flush(self.root)
        root = walk.at(self.root)
        early = max(1, root.total // _EARLY_SHARE)
        most = min(settings.batch, early, calls, tree.room)
        quick = min(simulations, _QUICK_VISITS * settings.batch)
        waiting: list[Path] = []
        leaves: dict[int, Stones] = {}  # by the move that leads there
        done = 0
        try:
            while (
                done + len(waiting) < simulations
                and len(leaves) < most
                and len(waiting) < 2 * settings.batch
                and done < _QUICK_VISITS * settings.batch
                and not tree.row_proven[self.root]
                and (forced is None or forced)
            ):
                left = min(quick - done, simulations - done - len(waiting))
                if forced:
                    walk.force(root, forced.popleft())
                    left = 1
                made, places = walk.quick(root, left, n0)
                done += made
                if not places:
                    continue
                edge, end = places[-1].edge, walk.arrival(places)
                if end != OPEN:
                    walk.end(places, tree.result(end))
                elif edge in leaves or not self._expand_from_cache(places):
                    waiting.append(walk.lose(places))
                    if edge not in leaves:
                        leaves[edge] = self._stones_at(edge)
                    continue
                done += 1
            values = self._expand(waiting, leaves)
        except BaseException:
            walk.flush(self.root)
            for path in waiting:
                tree.forget([place.row for place in path.places], path.edges)
            walk.drop()
            raise
        finally:
            counters.simulations += done
            counters.depth = max(counters.depth, walk.depth)
        walk.settle(waiting, [values[path.edges[-1]] for path in waiting])
        counters.simulations += len(waiting)

    def _stones_at(self, edge: int) -> Stones:
        row, move = divmod(edge, self.tree.cells)
        return self.tree.stones[row].play(move)

    def _expand_from_cache(self, places: list[Place]) -> bool:
        """Expand and back up a leaf whose evaluation is known; says whether it is."""
        if self.inquiry.cache is None:
            return False
        edge, visits = places[-1].edge, places[-1].visits
        stones = self._stones_at(edge)
        found = self.inquiry.known(stones)
        if found is None:
            return False
        (row,) = self.tree.expand([stones], *found, [visits + 1])
        self.tree.enter(edge, row)
        self.walk.count(places, float(found[1][0]))
        self.counters.cache_hits += 1
        return True

    def _expand(self, waiting: list[Path], leaves: dict[int, Stones]) -> dict[int, float]:
        """Evaluate and expand the positions after the given moves. Returns their values by move."""
        if not leaves:
            return {}
        prior, value, q = self._ask(list(leaves.values()))
        visits = {path.edges[-1]: self.walk.visits(path) for path in waiting}
        rows = self.tree.expand(list(leaves.values()), prior, value, q, [visits[edge] for edge in leaves])
        for edge, row in zip(leaves, rows, strict=True):
            self.tree.enter(edge, row)
        return dict(zip(leaves, value.tolist(), strict=True))

    def _ask(self, positions: list[Stones]) -> Outputs:
        before = self.inquiry.asked
        outputs = self.inquiry.ask(positions)
        self.counters.net_calls += self.inquiry.asked - before
        return outputs

    def _expand_root(self) -> None:
        """Give the root a row before the first simulation, whatever n0 is; this counts as one visit of it."""
        if self.root >= 0:
            return
        found = self.inquiry.known(self.position)
        if found is None:
            found = self._ask([self.position])
        else:
            self.counters.cache_hits += 1
        visits = 0 if self._entry is None else self.tree.visits_at[self._entry]
        (self.root,) = self.tree.expand([self.position], *found, [max(1, visits)])
        if self._entry is not None:
            self.tree.enter(self._entry, self.root)
            self._entry = None
        self.tree.settle(self.root)

    def _add_noise(self) -> None:
        """Mix Dirichlet noise into this root's prior, once for each root."""
        if self.settings.noise <= 0 or self._noise_row == self.root:
            return
        empty = self.empty_cells()
        noise = np.zeros(self.tree.cells)
        noise[empty] = self.rng.dirichlet(np.full(int(empty.sum()), self.settings.alpha))
        self.tree.set_noise(self.root, noise, self.settings.noise)
        self.walk.drop()
        self._noise_row = self.root

    def _root_prior(self) -> np.ndarray:
        return self.tree.prior[self.root]

    def _root_closed(self) -> np.ndarray:
        """bool [N]: stones and moves proven to lose."""
        return self.tree.score_value[self.root] == -np.inf

    def _root_values(self) -> np.ndarray:
        """float32 [N]: each move's value for its maker: searched, else the q-head's, else NaN."""
        searched = self.tree.move_values(self.root)
        return np.where(np.isnan(searched), -self.tree.q[self.root], searched)

    def _is_empty(self, cell: int) -> bool:
        return not (self.position.black | self.position.white) & self.position.geometry.bit[cell]
