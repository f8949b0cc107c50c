"""Wins that can be read off the board: chains of stones joined by neighbours and bridges.

Source: Anshelevich 2002, "A hierarchical approach to computer Hex", sections 3 and 4 (virtual connections;
here only bridges, chained by the AND rule while their carriers are disjoint).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from engines.hex.bitboard import Geometry, geometry


@dataclass(frozen=True)
class Win:
    """Why a colour wins. stones: its stones that are needed; carrier: cells that the rival must not hold.

    Both are masks of the board's `Geometry`. The win holds on every board where the colour has the stones
    and the rival has nothing in the carrier, whatever lies elsewhere.
    """

    stones: int
    carrier: int


class Bridges:
    """The bridges of one board size.

    pairs: for each cell's mask, the cells two steps away with the two cells between them.
    to_edge: per colour (0 Black, 1 White) and edge (first, second), cells of the second line → the two edge
    cells that both join it to the edge.
    """

    def __init__(self, board: Geometry) -> None:
        n = board.size
        around = ((-1, 0), (-1, 1), (0, 1), (1, 0), (1, -1), (0, -1))  # clockwise

        def mask(row: int, column: int) -> int:
            return board.bit[row * n + column] if 0 <= row < n and 0 <= column < n else 0

        self.board = board
        self.edges = (board.edges[:2], board.edges[2:])
        self.pairs: dict[int, list[tuple[int, int]]] = {}
        for cell in range(board.cells):
            row, column = divmod(cell, n)
            self.pairs[board.bit[cell]] = [
                (target, mask(row + a, column + b) | mask(row + c, column + d))
                for (a, b), (c, d) in zip(around, around[1:] + around[:1], strict=True)
                if (target := mask(row + a + c, column + b + d))
            ]
        self.to_edge: tuple[tuple[dict[int, int], dict[int, int]], ...] = (({}, {}), ({}, {}))
        for k in range(n):
            for colour, edge, stone, one, other in (
                (0, 0, mask(1, k), mask(0, k), mask(0, k + 1)),
                (0, 1, mask(n - 2, k), mask(n - 1, k), mask(n - 1, k - 1)),
                (1, 0, mask(k, 1), mask(k, 0), mask(k + 1, 0)),
                (1, 1, mask(k, n - 2), mask(k, n - 1), mask(k - 1, n - 1)),
            ):
                if stone and one and other:
                    self.to_edge[colour][edge][stone] = one | other

    def win(self, mine: int, theirs: int, colour: int) -> Win | None:
        """A win of `colour` (0 Black, 1 White) with the rival to move, or None if none is seen.

        mine, theirs: masks of the stones. Finds chains whose bridges share no cell; misses cleverer
        connections.
        """
        board = self.board
        (first, second), (to_first, to_second) = self.edges[colour], self.to_edge[colour]
        free = board.board & ~(mine | theirs)
        # (group reached, stones used so far, carrier so far), from the first edge onwards
        ways: list[tuple[int, int, int]] = []
        seen: set[int] = set()
        touching = mine & first
        joined = board.joined(touching, mine) if touching else 0
        while touching:
            group = board.joined(touching & -touching, mine)
            touching &= ~group
            seen.add(group)
            ways.append((group, group, 0))
        for stone, carrier in to_first.items():
            if stone & mine and not stone & joined and carrier & free == carrier:
                group = board.joined(stone, mine)
                ways.append((group, group, carrier))
        for group, stones, carrier in ways:  # grows while it is walked
            if group & second:
                return Win(stones, carrier)
            for stone, pair in to_second.items():
                if stone & group and pair & free == pair and not pair & carrier:
                    return Win(stones, carrier | pair)
            others = mine & ~group
            rest = group if others else 0
            while rest:
                stone = rest & -rest
                rest ^= stone
                for target, pair in self.pairs[stone]:
                    if target & others and pair & free == pair and not pair & carrier:
                        reached = board.joined(target, mine)
                        if reached not in seen:
                            seen.add(reached)
                            ways.append((reached, stones | reached, carrier | pair))
        return None

    def lean_win(self, mine: int, theirs: int, colour: int) -> Win | None:
        """Like `win`, without stones that the chain does not need, so that it holds on more boards."""
        found = self.win(mine, theirs, colour)
        if found is None or not found.stones:
            return found
        rest = found.stones
        while rest:
            stone = rest & -rest
            rest ^= stone
            kept = found.stones & ~stone
            without = self.win(kept, self.board.board & ~(kept | found.carrier), colour)
            if without is not None:
                found = without
                rest &= found.stones
        return found


@cache
def bridges(size: int) -> Bridges:
    """The bridges of a board size, made once."""
    return Bridges(geometry(size))
