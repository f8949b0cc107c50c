"""The search tree as rows of preallocated arrays: a row for each expanded position, a column for each cell.

Values are kept as in the paper: W sums results in [0, 1] for the player who makes the move. The score of a
move is

    S + c · U · sqrt(N(s)),   S = 2 W/N - 1 (the first-play value while N = 0),   U = P / (1 + N)

with S and U held ready in the row, so that looking for the best move of a row is two array operations and an
argmax. c therefore belongs to values in [-1, 1]: the paper's c_pb on [0, 1] is half of it.

`engines.hex.walk` walks through the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, MutableSequence
from typing import Literal

import numpy as np

from engines.hex.bitboard import Stones

OPEN = -1
"""Child entry of a move that leads to no row yet."""
FINISHED = -2
"""Child entry of a move that ends the game."""
REFUTED = -3
"""Child entry of a move that lets the opponent win at once."""

CLOSED = -math.inf
"""S of stones and of moves proven to lose."""


_FLAT = {"score_value": "value"}
"""Names of flat views that are not those of their arrays."""


class Tree:
    """Rows of expanded positions of one board size.

    Arrays [capacity, N]: prior, visits, wins (W), q (of the network, its sign), score_value (S), score_prior
    (U), child (a row, OPEN, FINISHED or REFUTED); prior_at and so on are flat views of them, by row · N + cell,
    through which single elements are read and written. Lists by row: stones, row_visits (N(s)), row_proven (1 the
    player to move wins, -1 loses, 0 open), row_open (moves not proven to lose), row_value (the network's v).

    fpu: first-play value of an unvisited move: "q" (the q-head's; without one a draw), "parent" (v
    of the position) or "zero". prove: propagate proven results.
    """

    prior: np.ndarray
    visits: np.ndarray
    wins: np.ndarray
    q: np.ndarray
    score_value: np.ndarray
    score_prior: np.ndarray
    child: np.ndarray
    prior_at: MutableSequence[float]
    visits_at: MutableSequence[int]
    wins_at: MutableSequence[float]
    q_at: MutableSequence[float]
    value_at: MutableSequence[float]
    score_prior_at: MutableSequence[float]
    child_at: MutableSequence[int]

    def __init__(
        self,
        cells: int,
        *,
        c_puct: float = 1.5,
        fpu: Literal["q", "parent", "zero"] = "q",
        prove: bool = True,
        memory_bytes: int = 512 * 2**20,
    ) -> None:
        self.cells = cells
        self.c_puct = c_puct
        self.fpu = fpu
        self.prove = prove
        self.max_rows = max(64, memory_bytes // (32 * cells + 700))
        self.rows = 0
        self.stones: list[Stones] = []
        self.row_visits: list[int] = []
        self.row_proven: list[int] = []
        self.row_open: list[int] = []
        self.row_value: list[float] = []
        self.has_q = False
        self._noisy: tuple[int, np.ndarray] | None = None
        self._allocate(min(self.max_rows, 256))

    @property
    def is_full(self) -> bool:
        """Whether the memory limit leaves no room for another row."""
        return self.rows >= self.max_rows

    @property
    def room(self) -> int:
        """Rows that can still be added."""
        return self.max_rows - self.rows

    def expand(
        self,
        stones: list[Stones],
        prior: np.ndarray,
        value: np.ndarray,
        q: np.ndarray | None,
        visits: list[int],
    ) -> list[int]:
        """Add rows for B positions with the network's outputs ([B, N], [B], [B, N] or None).

        visits: N(s) of each so far. Returns the new rows. The caller enters them as children.
        """
        first, count = self.rows, len(stones)
        while first + count > self._capacity:
            self._allocate(min(max(self.max_rows, first + count), 2 * self._capacity))
        rows = slice(first, first + count)
        legal = _empty_cells(prior, stones)
        self.prior[rows] = prior
        self.visits[rows] = 0
        self.wins[rows] = 0
        self.child[rows] = OPEN
        self.score_prior[rows] = prior
        if q is not None:
            self.has_q = True
            self.q[rows] = q
        else:
            self.q[rows] = np.nan
        self.score_value[rows] = np.where(legal, self._first_values(value, q), CLOSED)
        self.rows += count
        self.stones += stones
        self.row_visits += visits
        self.row_proven += [0] * count
        self.row_open += legal.sum(1).tolist()
        self.row_value += value.tolist()
        return list(range(first, self.rows))

    def enter(self, edge: int, row: int) -> None:
        """Make `row` the position after the move with this flat index."""
        self.child_at[edge] = row

    def forget(self, rows: Iterable[int], edges: Iterable[int]) -> None:
        """Undo the visits of a way down whose result was never added. rows: the positions passed; edges: flat
        indices row · N + cell of the moves made there."""
        for row, edge in zip(rows, edges, strict=True):
            self.row_visits[row] -= 1
            count = self.visits_at[edge] - 1
            self.visits_at[edge] = count
            self.score_prior_at[edge] = self.prior_at[edge] / (1 + count)
            if self.value_at[edge] != CLOSED:
                self.value_at[edge] = self._move_value(edge)

    def result(self, child: int) -> int:
        """1 if the player to move is proven to win at a child entry (a row, FINISHED or REFUTED), -1 lose,
        0."""
        return -1 if child == FINISHED else 1 if child == REFUTED else self.row_proven[child]

    def settle(self, row: int) -> None:
        """Mark a row as won where its player can win at once. For roots: elsewhere such rows are never
        made."""
        wins = self.stones[row].winning_cells()
        if self.prove and wins:
            self.row_proven[row] = 1
            bits = self.stones[row].geometry.bit
            self.child[row, [move for move in range(self.cells) if wins & bits[move]]] = FINISHED

    def proven_moves(self, row: int) -> np.ndarray:
        """int8 [N]: 1 for moves proven to win for their maker, -1 to lose, 0 open (and on stones)."""
        known = np.zeros(self.cells, np.int8)
        for move in np.flatnonzero(self.child[row] != OPEN):
            child = int(self.child[row, move])
            known[move] = -self.result(child)
        return known

    def move_values(self, row: int) -> np.ndarray:
        """float32 [N]: mean result of each move for its maker in [-1, 1], NaN where unvisited."""
        visits, wins = self.visits[row], self.wins[row]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(visits > 0, 2 * wins / visits - 1, np.nan).astype(np.float32)

    def line(self, row: int, move: int, limit: int = 12) -> tuple[int, ...]:
        """The principal variation beginning with `move`: the most visited move from there on."""
        moves = [move]
        while len(moves) < limit:
            row = int(self.child[row, moves[-1]])
            if row < 0:
                break
            best = self.best_move(row)
            if best < 0:
                break
            moves.append(best)
        return tuple(moves)

    def best_move(self, row: int) -> int:
        """A move proven to win; else the most visited not proven to lose, ties to the higher value; else -1.

        In a lost position the most visited of all, which is where the opponent had most to find.
        """
        if self.row_proven[row] > 0:
            return int(self.proven_moves(row).argmax())
        visits = self.visits[row]
        if not visits.any():
            return -1
        closed = self.score_value[row] == CLOSED
        count = np.where(closed, -1, visits) if self.row_open[row] else visits
        most = int(count.max())
        if most <= 0:  # every move tried so far is proven to lose: the first open one by value and prior
            score = np.where(closed, CLOSED, self.score_value[row] + self.prior[row])
            return int(score.argmax())
        tied = np.flatnonzero(count == most)
        return int(tied[np.argmax(self.wins[row, tied])]) if len(tied) > 1 else int(tied[0])

    def set_noise(self, row: int, noise: np.ndarray, share: float) -> None:
        """Mix `noise` (sums to 1 over legal moves) into the prior of this one row, until `clear_noise`."""
        self.clear_noise()
        self._noisy = (row, self.prior[row].copy())
        self.prior[row] += share * (noise.astype(np.float32) - self.prior[row])
        self.score_prior[row] = self.prior[row] / (1 + self.visits[row])

    def clear_noise(self) -> None:
        """Give the row with noise its own prior back."""
        if self._noisy is not None:
            row, self.prior[row] = self._noisy
            self.score_prior[row] = self.prior[row] / (1 + self.visits[row])
            self._noisy = None

    def clean_prior(self, row: int) -> np.ndarray:
        """The network's prior of a row, float32 [N], whatever noise is on it."""
        return self._noisy[1] if self._noisy is not None and self._noisy[0] == row else self.prior[row]

    def clear(self) -> None:
        """Drop every row."""
        self.clear_noise()
        self.rows = 0
        self.stones, self.row_visits, self.row_proven = [], [], []
        self.row_open, self.row_value = [], []

    def keep(self, root: int) -> int:
        """Drop every row that is not below `root`, to make room. Returns the root's new row (0)."""
        self.clear_noise()
        kept = [root]
        for row in kept:  # grows while it is read: breadth first
            kept += self.child[row][self.child[row] >= 0].tolist()
        index = np.array(kept)
        renumber = np.full(self.rows + 3, OPEN, np.int32)  # the last three are REFUTED, FINISHED and OPEN
        renumber[[REFUTED, FINISHED]] = REFUTED, FINISHED
        renumber[index] = np.arange(len(kept))
        for name in ("prior", "visits", "wins", "q", "score_value", "score_prior", "child"):
            array = getattr(self, name)
            array[: len(kept)] = array[index]
        self.child[: len(kept)] = renumber[self.child[: len(kept)]]
        for name in ("stones", "row_visits", "row_proven", "row_open", "row_value"):
            old = getattr(self, name)
            setattr(self, name, [old[row] for row in kept])
        self.rows = len(kept)
        return 0

    def _first_values(self, value: np.ndarray, q: np.ndarray | None) -> np.ndarray:
        """First-play values for the mover, broadcastable to [B, N]. The q-head's sign is turned here."""
        if self.fpu == "q" and q is not None:
            return -q
        if self.fpu == "parent":
            return value[:, None]
        return np.zeros((len(value), 1), np.float32)

    def _move_value(self, edge: int) -> float:
        """S of a move from its visits, or its first-play value."""
        count = self.visits_at[edge]
        if count:
            return 2 * self.wins_at[edge] / count - 1
        row, move = divmod(edge, self.cells)
        q = self.q[row : row + 1]
        value = np.array([self.row_value[row]], np.float32)
        first = self._first_values(value, None if np.isnan(q[0, move]) else q)
        return float(np.broadcast_to(first, q.shape)[0, move])

    def _allocate(self, capacity: int) -> None:
        """Grow the arrays, and make their flat views: a memoryview reads and writes a single element three times as
        fast as an array."""
        rows = self.rows
        for name, kind in (
            ("prior", np.float32),
            ("visits", np.int32),
            ("wins", np.float64),
            ("q", np.float32),
            ("score_value", np.float32),
            ("score_prior", np.float32),
            ("child", np.int32),
        ):
            new = np.empty((capacity, self.cells), kind)
            if rows:
                new[:rows] = getattr(self, name)[:rows]
            setattr(self, name, new)
            setattr(self, _FLAT.get(name, name) + "_at", new.reshape(-1).data)
        self._capacity = capacity


def _empty_cells(prior: np.ndarray, stones: list[Stones]) -> np.ndarray:
    """bool [B, N]: empty cells. The prior would not do: a softmax may underflow to 0 on a legal move."""
    geo = stones[0].geometry
    data = b"".join([(s.black | s.white).to_bytes(geo.bytes, "little") for s in stones])
    packed = np.frombuffer(data, np.uint8).reshape(len(stones), geo.bytes)
    bits = np.unpackbits(packed, axis=1, count=geo.size * geo.width, bitorder="little")
    return bits.reshape(len(stones), geo.size, geo.width)[..., : geo.size].reshape(prior.shape) == 0
