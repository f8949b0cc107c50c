"""Boards as Python integers: a move costs two or three microseconds and nothing ever needs undoing.

A board of n² cells is two integers with one bit a cell in rows of n + 1 bits; the spare column keeps shifts
from wrapping round. Each colour also carries the stones joined to its first and to its second edge, so that
the end of a game is noticed by looking at the new stone only.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from engines.hex.snapshots import PASS

BLACK, WHITE = 1, 2


class Geometry:
    """Masks and Zobrist numbers of one board size. Take one from `geometry`, they are shared.

    bit, near: per cell, its mask and the mask of its up to six neighbours.
    edges: masks of top, bottom, left and right cells. zobrist: per colour (index 1 and 2) and cell, 64 bits.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.cells = size * size
        self.width = size + 1
        self.bytes = (size * self.width + 7) // 8
        self.bit = [1 << (cell // size * self.width + cell % size) for cell in range(self.cells)]
        self.board = sum(self.bit)
        self.near = [self.spread(bit) & self.board for bit in self.bit]
        by_row = [sum(self.bit[row * size : (row + 1) * size]) for row in range(size)]
        by_column = [sum(self.bit[column::size]) for column in range(size)]
        self.edges = (by_row[0], by_row[-1], by_column[0], by_column[-1])
        numbers = np.random.default_rng(size).integers(1, 2**63, size=(3, self.cells), dtype=np.int64).tolist()
        self.zobrist: list[list[int]] = numbers
        self.white_to_move = numbers[0][0]

    def spread(self, stones: int) -> int:
        """All neighbours of `stones`; bits outside the board are for the caller to mask."""
        w = self.width
        return stones << 1 | stones >> 1 | stones << w | stones >> w | stones << (w - 1) | stones >> (w - 1)

    def joined(self, seed: int, within: int) -> int:
        """The stones of `within` connected to `seed` (which counts as part of it)."""
        reached = front = seed
        while front:
            front = self.spread(front) & within & ~reached
            reached |= front
        return reached


@lru_cache(maxsize=32)
def geometry(size: int) -> Geometry:
    """The geometry of an n × n board, made once."""
    return Geometry(size)


class Stones:
    """A position: stones of both colours, what each joins to its edges, who moves, and two Zobrist keys.

    ends: for Black the stones joined to the top and to the bottom, for White to the left and to the right.
    key, turned: of this position and of its rotation by 180°, side to move included.
    won: the last move (or the set-up) has joined two edges.
    """

    __slots__ = ("black", "ends", "geometry", "key", "to_move", "turned", "white", "won")

    def __init__(
        self,
        geometry: Geometry,
        black: int,
        white: int,
        ends: tuple[int, int, int, int],
        to_move: int,
        key: int,
        turned: int,
        won: bool,
    ) -> None:
        self.geometry = geometry
        self.black = black
        self.white = white
        self.ends = ends
        self.to_move = to_move
        self.key = key
        self.turned = turned
        self.won = won

    @classmethod
    def of(cls, cells: np.ndarray, to_move: int) -> Stones:
        """A position from int8 [n, n] (0 empty, 1 Black, 2 White)."""
        geo = geometry(cells.shape[0])
        colours = [0, 0, 0]
        key = turned = geo.white_to_move if to_move == WHITE else 0
        for cell in np.flatnonzero(cells):
            colour = int(cells.flat[cell])
            colours[colour] |= geo.bit[cell]
            key ^= geo.zobrist[colour][cell]
            turned ^= geo.zobrist[colour][geo.cells - 1 - cell]
        _, black, white = colours
        top, bottom, left, right = (
            geo.joined(own & edge, own) for own, edge in zip((black, black, white, white), geo.edges, strict=True)
        )
        won = bool(top & bottom or left & right)
        return cls(geo, black, white, (top, bottom, left, right), to_move, key, turned, won)

    @property
    def winner(self) -> int:
        """1 Black, 2 White, 0 nobody yet."""
        top, bottom, left, right = self.ends
        return BLACK if top & bottom else WHITE if left & right else 0

    @property
    def canonical_key(self) -> int:
        """Equal for a position and its rotation by 180°."""
        return min(self.key, self.turned)

    @property
    def is_turned(self) -> bool:
        """Whether the rotated position is the canonical one."""
        return self.turned < self.key

    def winning_cells(self) -> int:
        """Mask of the cells where the player to move wins at once."""
        return self._winning_cells(self.to_move)

    def opponent_winning_cells(self) -> int:
        """Mask of the cells where the opponent would win at once if it were to move."""
        return self._winning_cells(3 - self.to_move)

    def _winning_cells(self, colour: int) -> int:
        geo = self.geometry
        side = 0 if colour == BLACK else 2
        first = geo.spread(self.ends[side]) | geo.edges[side]
        second = geo.spread(self.ends[side + 1]) | geo.edges[side + 1]
        return first & second & geo.board & ~(self.black | self.white)

    def play(self, cell: int) -> Stones:
        """The position after the player to move took `cell` (not checked for being empty), or passed."""
        geo = self.geometry
        other = 3 - self.to_move
        key, turned = self.key ^ geo.white_to_move, self.turned ^ geo.white_to_move
        if cell == PASS:
            return Stones(geo, self.black, self.white, self.ends, other, key, turned, False)
        numbers = geo.zobrist[self.to_move]
        key ^= numbers[cell]
        turned ^= numbers[geo.cells - 1 - cell]
        bit, near = geo.bit[cell], geo.near[cell]
        top, bottom, left, right = self.ends
        top_edge, bottom_edge, left_edge, right_edge = geo.edges
        if self.to_move == BLACK:
            own = self.black | bit
            if near & top or bit & top_edge:
                top |= geo.joined(bit, own & ~top)
            if near & bottom or bit & bottom_edge:
                bottom |= geo.joined(bit, own & ~bottom)
            won = top & bottom != 0
            return Stones(geo, own, self.white, (top, bottom, left, right), other, key, turned, won)
        own = self.white | bit
        if near & left or bit & left_edge:
            left |= geo.joined(bit, own & ~left)
        if near & right or bit & right_edge:
            right |= geo.joined(bit, own & ~right)
        won = left & right != 0
        return Stones(geo, self.black, own, (top, bottom, left, right), other, key, turned, won)


def to_arrays(positions: Sequence[Stones]) -> tuple[np.ndarray, np.ndarray]:
    """B positions of one size as cells int8 [B, n, n] and to_move int8 [B]."""
    geo = positions[0].geometry
    count, n = geo.bytes, geo.size
    data = b"".join([p.black.to_bytes(count, "little") + p.white.to_bytes(count, "little") for p in positions])
    packed = np.frombuffer(data, np.uint8).reshape(len(positions), 2, count)
    bits = np.unpackbits(packed, axis=2, count=n * geo.width, bitorder="little")
    planes = bits.reshape(len(positions), 2, n, geo.width)[..., :n]
    cells = planes[:, 0] + 2 * planes[:, 1]
    return cells.astype(np.int8), np.array([p.to_move for p in positions], np.int8)
