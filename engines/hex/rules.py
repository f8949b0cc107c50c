"""The rules of Hex: a position that plays, takes back and knows its winner in a few microseconds.

Black (1) moves first and joins top and bottom, White (2) joins left and right. Cells are row-major,
``cell = row * size + column``; a cell touches (row, column ± 1), (row ± 1, column), (row - 1, column + 1) and
(row + 1, column - 1). There are no draws.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cache
from random import Random
from typing import Final, Literal

import numpy as np

from engines.core.errors import UserError
from engines.hex.coordinates import (
    cell_name,
    move_name,
    parse_cell,
    parse_move,
    rotate_cell,
    transpose_cell,
)
from engines.hex.snapshots import PASS, RESIGN, SWAP

__all__ = [
    "BLACK",
    "EMPTY",
    "MAX_SIZE",
    "PASS",
    "RESIGN",
    "SWAP",
    "WHITE",
    "IllegalMove",
    "Position",
    "Swap",
    "cell_name",
    "move_name",
    "neighbours",
    "opponent",
    "parse_cell",
    "parse_move",
    "rotate_cell",
    "transpose_cell",
]

EMPTY: Final = 0
BLACK: Final = 1
WHITE: Final = 2
MAX_SIZE: Final = 30
"""The largest board that files and links are read for; the networks are trained for 3 to 19."""

Swap = Literal["none", "pieces", "sides"]
"""What swap does: nothing (not allowed), moves the stone to its mirror cell in White's colour, or exchanges
the players' colours."""


class IllegalMove(UserError):
    """A move that the rules forbid here; the position is unchanged."""


def opponent(colour: int) -> int:
    """The other colour."""
    return 3 - colour


@cache
def neighbours(size: int) -> tuple[tuple[int, ...], ...]:
    """For each cell, the cells that touch it, 2 to 6 of them."""
    steps = ((-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0))
    return tuple(
        tuple(
            (row + down) * size + column + right
            for down, right in steps
            if 0 <= row + down < size and 0 <= column + right < size
        )
        for row in range(size)
        for column in range(size)
    )


@cache
def _links(size: int) -> tuple[tuple[int, ...], ...]:
    """Like `neighbours`, with the four edges as nodes N (top), N+1 (bottom), N+2 (left), N+3 (right).

    The edges carry their owner's colour on the board array, so that they need no case of their own.
    """
    area = size * size
    links = []
    for cell, cells in enumerate(neighbours(size)):
        row, column = divmod(cell, size)
        touched = ((row == 0, area), (row == size - 1, area + 1), (column == 0, area + 2))
        edges = [edge for touches, edge in (*touched, (column == size - 1, area + 3)) if touches]
        links.append((*cells, *edges))
    return tuple(links)


@cache
def _zobrist(size: int) -> tuple[tuple[int, ...], ...]:
    """64-bit keys by colour (0 unused) and cell; the same in every process."""
    source = Random(f"hex {size}")  # not for secrets: fixed so that keys may be stored
    black, white = ([source.getrandbits(64) for _ in range(size * size)] for _ in range(2))
    return (), tuple(black), tuple(white)


_WHITE_TO_MOVE: Final = 0x9E3779B97F4A7C15
"""Part of a key when White is to move."""


class Position:
    """A position and the moves that led to it.

    size: cells on a side. swap: see `Swap`; swapping is open to the second player, instead of a first stone.
    to_move: BLACK or WHITE. winner: 0, BLACK or WHITE, by connection or resignation.
    key: 64-bit Zobrist key of stones and player to move; rotated_key: the same of the board turned by 180°.
    ``min(key, rotated_key)`` names a position up to symmetry.
    sides_swapped: after swap-sides the player who began has White.

    Groups are a union-find by size without path compression, whose unions are logged for `undo`. Playing and
    undoing cost about 2 to 3 µs together, a copy under 1 µs.
    """

    __slots__ = (
        "_board",
        "_history",
        "_parent",
        "_setup",
        "key",
        "rotated_key",
        "sides_swapped",
        "size",
        "swap",
        "to_move",
        "winner",
    )

    def __init__(self, size: int, swap: Swap = "pieces") -> None:
        if not 1 <= size <= MAX_SIZE:
            raise UserError(f"expected a board size from 1 to {MAX_SIZE}, got {size}")
        if swap not in ("none", "pieces", "sides"):
            raise UserError(f"expected swap to be none, pieces or sides, got {swap!r}")
        area = size * size
        self.size = size
        self.swap: Swap = swap
        self.to_move = BLACK
        self.winner = 0
        self.key = 0
        self.rotated_key = 0
        self.sides_swapped = False
        # Stones by cell, then the four edges in their owners' colours.
        self._board = bytearray(area) + bytes((BLACK, BLACK, WHITE, WHITE))
        # A root holds minus the size of its group, everything else its parent.
        self._parent = [-1] * (area + 4)
        # (move, unions, key, rotated key) before each move; unions are flat: child, its old entry, root, ...
        self._history: list[tuple[int, list[int], int, int]] = []
        self._setup = False

    @classmethod
    def from_cells(cls, cells: np.ndarray, to_move: int = BLACK, swap: Swap = "none") -> Position:
        """A position set up from stones, int [n, n] (0 empty, 1 Black, 2 White), without moves to take back.

        Numbers of stones need not match. Raises UserError for another shape or other values.
        """
        cells = np.asarray(cells)
        if cells.ndim != 2 or cells.shape[0] != cells.shape[1]:
            raise UserError(f"expected a square board, got an array of shape {cells.shape}")
        if to_move not in (BLACK, WHITE):
            raise UserError(f"expected player 1 (Black) or 2 (White) to move, got {to_move}")
        position = cls(cells.shape[0], swap)
        for cell, stone in enumerate(cells.ravel().tolist()):
            if stone not in (EMPTY, BLACK, WHITE):
                raise UserError(f"expected cells of 0, 1 or 2, got {stone}")
            if stone:
                position._place(cell, stone)
                position._setup = True
        if to_move == WHITE:
            position._turn()
        return position

    @classmethod
    def from_moves(cls, size: int, moves: Iterable[int], swap: Swap = "pieces") -> Position:
        """The position after `moves` from the empty board. Raises IllegalMove at the first illegal one."""
        position = cls(size, swap)
        for move in moves:
            position.play(move)
        return position

    def copy(self) -> Position:
        """An independent position with the same history."""
        other = Position.__new__(Position)
        other.size = self.size
        other.swap = self.swap
        other.to_move = self.to_move
        other.winner = self.winner
        other.key = self.key
        other.rotated_key = self.rotated_key
        other.sides_swapped = self.sides_swapped
        other._board = self._board[:]
        other._parent = self._parent[:]
        other._history = self._history[:]
        other._setup = self._setup
        return other

    @property
    def cells(self) -> np.ndarray:
        """The stones as a new array, int8 [n, n]: 0 empty, 1 Black, 2 White."""
        size = self.size
        return np.frombuffer(self._board, np.int8, size * size).reshape(size, size).copy()

    @property
    def moves(self) -> tuple[int, ...]:
        """The moves played: cells, SWAP, PASS, RESIGN."""
        return tuple(entry[0] for entry in self._history)

    @property
    def ply(self) -> int:
        """How many moves were played."""
        return len(self._history)

    @property
    def setup(self) -> np.ndarray | None:
        """The stones from which `moves` start, int8 [n, n], or None for the empty board with Black to move."""
        start = self._start()
        return None if not self._setup and start.to_move == BLACK else start.cells

    @property
    def setup_to_move(self) -> int:
        """Who moves first in `moves`."""
        return self._start().to_move

    @property
    def last_cell(self) -> int:
        """Where the newest stone lies (after swap-pieces the mirrored cell), or -1 without one."""
        for move, _, _, _ in reversed(self._history):
            if move >= 0:
                return move
            if move == SWAP and self.swap == "pieces":
                return transpose_cell(self._history[0][0], self.size)
        return -1

    @property
    def can_swap(self) -> bool:
        """Whether the player to move may swap: right after a first stone on an empty board."""
        history = self._history
        return len(history) == 1 and history[0][0] >= 0 and self.swap != "none" and not self.winner and not self._setup

    def legal_moves(self) -> list[int]:
        """Empty cells in ascending order, none once the game is over. Swapping is told by `can_swap`."""
        if self.winner:
            return []
        return [cell for cell, stone in enumerate(self._board) if not stone]

    def is_legal(self, move: int) -> bool:
        """Whether `play` accepts the move."""
        if self.winner:
            return False
        if move >= 0:
            return move < self.size * self.size and not self._board[move]
        return self.can_swap if move == SWAP else move in (RESIGN, PASS)

    def stone(self, cell: int) -> int:
        """EMPTY, BLACK or WHITE on one cell."""
        if not 0 <= cell < self.size * self.size:
            raise UserError(f"expected a cell from 0 to {self.size * self.size - 1}, got {cell}")
        return self._board[cell]

    def play(self, move: int) -> None:
        """Play a cell, SWAP, RESIGN or PASS (tolerated, as in analysis boards). Raises IllegalMove."""
        if self.winner or move < 0 or move >= self.size * self.size or self._board[move]:
            self._play_special(int(move))
            return
        colour = self.to_move
        keys = self.key, self.rotated_key
        self._history.append((int(move), self._place(int(move), colour), *keys))
        self.to_move = 3 - colour
        self.key ^= _WHITE_TO_MOVE
        self.rotated_key ^= _WHITE_TO_MOVE

    def undo(self) -> int:
        """Take back the newest move and return it. Raises IllegalMove when there is none."""
        if not self._history:
            raise IllegalMove("there is no move to take back")
        move, unions, self.key, self.rotated_key = self._history.pop()
        if move >= 0:
            self._lift(move, unions)
            self.to_move = 3 - self.to_move
        elif move == SWAP:
            if self.swap == "pieces":
                first = self._history[0][0]
                self._lift(transpose_cell(first, self.size), unions)
                keys = self.key, self.rotated_key
                self._place(first, self.to_move)
                self.key, self.rotated_key = keys
                self.to_move = 3 - self.to_move
            self.sides_swapped = False
        elif move == PASS:
            self.to_move = 3 - self.to_move
        self.winner = 0
        return move

    def winning_path(self) -> tuple[int, ...]:
        """A shortest chain of the winner's stones from edge to edge, from top or left; empty without one."""
        size, board = self.size, self._board
        if self.winner == BLACK:
            starts, goals = range(size), range(size * (size - 1), size * size)
        else:
            starts, goals = range(0, size * size, size), range(size - 1, size * size, size)
        if not self.winner:
            return ()
        before = {cell: -1 for cell in starts if board[cell] == self.winner}
        waiting = deque(before)
        while waiting:
            cell = waiting.popleft()
            if cell in goals:
                path = [cell]
                while before[path[-1]] >= 0:
                    path.append(before[path[-1]])
                return tuple(reversed(path))
            for near in neighbours(size)[cell]:
                if board[near] == self.winner and near not in before:
                    before[near] = cell
                    waiting.append(near)
        return ()

    def __repr__(self) -> str:
        moves = " ".join(move_name(move, self.size) for move in self.moves)
        return f"Position({self.size}, {self.swap!r}: {moves or 'no moves'})"

    def _play_special(self, move: int) -> None:
        """Everything but a stone on an empty cell, and all refusals."""
        if self.winner:
            raise IllegalMove("the game is over", "take back a move to go on from there")
        keys = self.key, self.rotated_key
        unions: list[int] = []
        if move == SWAP:
            if not self.can_swap:
                allowed = self.swap != "none"
                raise IllegalMove(
                    "swap is not possible here",
                    "only the second player may swap, as the first move" if allowed else "this game has no swap",
                )
            if self.swap == "pieces":
                first, placed, self.key, self.rotated_key = self._history[0]
                self._lift(first, placed)
                unions = self._place(transpose_cell(first, self.size), self.to_move)
                self.to_move = 3 - self.to_move
            else:
                self.sides_swapped = True
        elif move == RESIGN:
            self.winner = 3 - self.to_move
        elif move == PASS:
            self._turn()
        elif 0 <= move < self.size * self.size:
            raise IllegalMove(f"{cell_name(move, self.size)} is taken", "choose an empty cell")
        else:
            raise IllegalMove(f"expected a cell from 0 to {self.size * self.size - 1}, got {move}")
        self._history.append((move, unions, *keys))

    def _start(self) -> Position:
        start = self.copy()
        while start._history:
            start.undo()
        return start

    def _turn(self) -> None:
        self.to_move = 3 - self.to_move
        self.key ^= _WHITE_TO_MOVE
        self.rotated_key ^= _WHITE_TO_MOVE

    def _place(self, cell: int, colour: int) -> list[int]:
        """Put a stone down, join it to its groups and edges, see whether it wins. Returns the unions made."""
        board, parent, size = self._board, self._parent, self.size
        board[cell] = colour
        keys = _zobrist(size)[colour]
        self.key ^= keys[cell]
        self.rotated_key ^= keys[-1 - cell]
        unions: list[int] = []
        root = cell
        for near in _links(size)[cell]:
            if board[near] == colour:
                while parent[near] >= 0:
                    near = parent[near]
                if near != root:
                    if parent[near] < parent[root]:
                        near, root = root, near
                    unions += (near, parent[near], root)
                    parent[root] += parent[near]
                    parent[near] = root
        if len(unions) > 3:  # one neighbour alone joins nothing
            first = size * size + 2 * (colour - 1)
            second = first + 1
            while parent[first] >= 0:
                first = parent[first]
            while parent[second] >= 0:
                second = parent[second]
            if first == second:
                self.winner = colour
        return unions

    def _lift(self, cell: int, unions: list[int]) -> None:
        """Take a stone away that was placed last, given the unions that it made."""
        parent = self._parent
        self._board[cell] = EMPTY
        for index in range(len(unions) - 3, -1, -3):
            child, old, root = unions[index : index + 3]
            parent[child] = old
            parent[root] -= old
