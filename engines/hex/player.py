"""One network playing or analysing: it follows a game, keeps its tree where it can, and decides on moves and
swaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engines.core.errors import UserError
from engines.hex.bitboard import Stones
from engines.hex.cache import EvaluationCache
from engines.hex.rules import Position, Swap, opponent
from engines.hex.search import UNDECIDED, EvaluatorLike, Limits, Search, SearchSettings, nothing
from engines.hex.snapshots import RESIGN, SWAP, AnalysisSnapshot

FAIR_WITHIN = 0.1
"""Openings whose value differs from a draw by at most this much more than the fairest one's are all
offered."""

_OPENINGS_AT_ONCE = 32


def replay(
    size: int,
    moves: Sequence[int],
    swap: Swap = "pieces",
    setup: np.ndarray | None = None,
    setup_to_move: int = 1,
) -> Position:
    """The position after `moves` from the empty board or from `setup` (int8 [n, n]). Raises UserError."""
    if setup is None:
        return Position.from_moves(size, moves, swap)
    if setup.shape != (size, size):
        raise UserError(f"expected a set-up of {size}×{size} cells, got {setup.shape}")
    position = Position.from_cells(setup, setup_to_move)
    for move in moves:
        position.play(move)
    return position


def opening_values(evaluator: EvaluatorLike, size: int, check: Callable[[], None] = nothing) -> np.ndarray:
    """Black's value of every first move by the network alone, float32 [N] in [-1, 1].

    The mean over the half turn of the board, which changes nothing about an opening.
    """
    area = size * size
    boards = np.zeros((area, size, size), np.int8)
    boards.reshape(area, area)[np.arange(area), np.arange(area)] = 1
    values = []
    for first in range(0, area, _OPENINGS_AT_ONCE):
        check()
        part = boards[first : first + _OPENINGS_AT_ONCE]
        values.append(-evaluator.evaluate(part, np.full(len(part), 2, np.int8)).value)
    value = np.concatenate(values)
    return (value + value[::-1]) / 2


class Player:
    """A search that follows a game.

    evaluator: the network; settings: of its search; cache_positions: evaluations kept for each board size, 0
    for none; rng: of noise and of sampled moves. position: the game as it stands. search: the tree of that
    position.
    """

    def __init__(
        self,
        evaluator: EvaluatorLike,
        settings: SearchSettings | None = None,
        *,
        cache_positions: int = 200_000,
        rng: np.random.Generator | None = None,
        memory_bytes: int = 512 * 2**20,
    ) -> None:
        self.evaluator = evaluator
        self.settings = settings or SearchSettings()
        self.cache_positions = cache_positions
        self.rng = rng or np.random.default_rng(0)
        self.memory_bytes = memory_bytes
        self._caches: dict[int, EvaluationCache] = {}
        self._base: tuple[object, ...] = ()
        self._setup: np.ndarray | None = None
        self._setup_to_move = 1
        self._line: tuple[int, ...] = ()
        self._roots: dict[tuple[int, ...], tuple[int, Stones]] = {}
        self.set_position(11)

    def set_position(
        self,
        size: int,
        moves: Sequence[int] = (),
        swap: Swap = "pieces",
        setup: np.ndarray | None = None,
        setup_to_move: int = 1,
    ) -> None:
        """Look at this position. The tree is kept when it follows, or goes back along, the game looked at
        before.

        Raises UserError for an illegal game; then nothing has changed.
        """
        position = replay(size, moves, swap, setup, setup_to_move)
        moves = tuple(int(move) for move in moves)
        fixed = len(moves) - moves[::-1].index(SWAP) if SWAP in moves else 0  # swapping is no move of a tree
        base = (size, moves[:fixed], swap, None if setup is None else setup.tobytes(), setup_to_move)
        line = tuple(move for move in moves[fixed:] if move != RESIGN)
        if base == self._base and self._follow(line):
            self.position = position
            return
        start = replay(size, moves[:fixed], swap, setup, setup_to_move)
        self.position, self._base, self._line = position, base, ()
        self._setup, self._setup_to_move = setup, setup_to_move
        self._roots = {}
        self.search = Search(
            self.evaluator,
            start.cells,
            start.to_move,
            self.settings,
            cache=self._cache(size),
            rng=self.rng,
            memory_bytes=self.memory_bytes,
        )
        self._walk(line)

    def change(self, settings: SearchSettings, evaluator: EvaluatorLike | None = None) -> None:
        """Search with other settings, or another network, from now on; the tree begins anew."""
        if evaluator is not None and evaluator is not self.evaluator:
            self.evaluator = evaluator
            self._caches.clear()
        self.settings = settings
        position, self._base = self.position, ()
        self.set_position(position.size, position.moves, position.swap, self._setup, self._setup_to_move)

    @property
    def is_over(self) -> bool:
        """Whether somebody has won, by connection or resignation."""
        return self.position.winner != 0

    def think(
        self,
        limits: Limits,
        *,
        check: Callable[[], None] = nothing,
        report: Callable[[], None] | None = None,
        report_s: float = 1 / 15,
    ) -> None:
        """Search the position within the limits; nothing to do once the game is over."""
        if self.is_over:
            return
        if self.search.make_room():
            self._roots = {}
        self.search.run(limits, check=check, report=report, report_s=report_s)
        if self.search.root >= 0:
            self._roots[self._line] = (self.search.root, self.search.position)

    def best(self) -> int:
        """The move the search stands for: a cell, SWAP where the opening is worth more than half, or
        UNDECIDED."""
        if self.is_over:
            return UNDECIDED
        if self.position.can_swap and self.search.value() < 0:
            return SWAP
        return self.search.best_move()

    def decide(self, temperature: float = 0.0, check: Callable[[], None] = nothing) -> int:
        """The move to play after `think`. temperature: of the choice by visits (see `Search.choose`).

        As first player under a swap rule it offers an opening of nearly equal chances.
        """
        if self.is_over or self.best() == SWAP:
            return self.best()
        if not self.position.ply and self.position.swap != "none" and self._setup is None:
            return self.fair_opening(check)
        return self.search.choose(temperature)

    def fair_opening(self, check: Callable[[], None] = nothing) -> int:
        """A first move that the network values nearly even, drawn among the fairest."""
        value = opening_values(self.evaluator, self.position.size, check)
        self.search.counters.net_calls += len(value)
        bias = np.abs(value)
        return int(self.rng.choice(np.flatnonzero(bias <= bias.min() + FAIR_WITHIN)))

    def snapshot(
        self, generation: int = 0, *, final: bool = False, best: int | None = None, note: str = ""
    ) -> AnalysisSnapshot:
        """The search as it stands, with this player's decision as `best`."""
        chosen = self.best() if best is None else best
        return self.search.snapshot(generation, best=chosen, final=final, note=note)

    def opponent_wins(self) -> bool:
        """Whether the position is proven lost for the player to move."""
        return self.search.proven < 0 or self.position.winner == opponent(self.position.to_move)

    def _follow(self, line: tuple[int, ...]) -> bool:
        """Move the root to `line` if one of its beginnings was a root before; says whether it was."""
        for length in range(len(line), -1, -1):
            known = self._roots.get(line[:length])
            if line[:length] == self._line or known is not None:
                if line[:length] != self._line and known is not None:
                    self.search.return_to(*known)
                    self._line = line[:length]
                self._walk(line[length:])
                return True
        return False

    def _walk(self, moves: tuple[int, ...]) -> None:
        for move in moves:
            self.search.advance(move)
            self._line = (*self._line, move)

    def _cache(self, size: int) -> EvaluationCache | None:
        if not self.cache_positions:
            return None
        if size not in self._caches:
            self._caches[size] = EvaluationCache(size * size, self.cache_positions)
        return self._caches[size]
