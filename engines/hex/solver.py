"""The exact value of small positions, by a search that remembers reasons instead of positions.

A lost or won position yields a *reason* (`Win`): stones that the winner needs and a carrier in which the
loser must hold nothing. A reason holds on every board where its two masks fit, turned by 180°, and mirrored
with colours exchanged; so a few thousand reasons settle millions of positions. A mover who faces threats
need only try cells that lie in all their carriers, the mustplay region.

Sources: Hayward, Björnsson, Johanson et al. 2005, "Solving 7×7 Hex with domination, fill-in, and virtual
connections" (mustplay); Anshelevich 2002 (carriers, electric move ordering). Keeping the reasons and
matching them by masks is our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from engines.core.errors import UserError
from engines.hex.bitboard import geometry
from engines.hex.circuit import current
from engines.hex.connections import Win, bridges
from engines.hex.rules import BLACK, WHITE, Position, transpose_cell

MAX_SIZE = 7
"""A board must fit into 64 bits. 4×4 takes a tenth of a second, all openings of 5×5 eight; larger
boards are meant for positions with few empty cells."""
MOST_EMPTY = 25
"""Empty cells up to which every move of a position is solved while somebody waits: any position of 5×5. Of forty
random positions of 6×6 and of 7×7 with so many, half took less than half a second and the worst 16 and 24 seconds."""
_CHECK_EVERY = 32
"""Nodes between two looks at the cancel token; a node takes well under a millisecond."""
_MOST_REASONS = 1_000_000
"""Reasons and positions kept before they are forgotten and collected anew."""
_COUNTED_REPLIES = 15
"""Empty cells up to which the best defence counts winning replies exactly."""


def too_large(size: int, empty: int) -> str:
    """Why a position of that size with so many empty cells is not solved while somebody waits, or ""."""
    if size <= MAX_SIZE and empty <= MOST_EMPTY:
        return ""
    bound = f"too large: boards up to 5×5 are solved, up to {MAX_SIZE}×{MAX_SIZE} with at most {MOST_EMPTY} empty cells"
    return f"{bound} (here {empty})" if size <= MAX_SIZE else bound


def nothing() -> None:
    """The check of a caller who never cancels."""


@dataclass(frozen=True)
class Solution:
    """value: 1 if the player to move wins, -1 if not. moves: int8 [N], 1 winning, -1 losing, 0 no legal
    move."""

    value: int
    moves: np.ndarray


def solve(cells: np.ndarray, to_move: int, check: Callable[[], None] = nothing) -> Solution:
    """Value and all winning moves of a position: cells int [n, n] (0 empty, 1 Black, 2 White), n at most 7.

    check: called at least each 100 ms, may raise to stop. Raises UserError for a board that is none or too
    large.
    """
    return Solver(len(cells)).solve(cells, to_move, check)


class Solver:
    """Solves positions of one size and keeps what it learnt between calls; stopping it in the middle is safe.

    nodes: positions looked at so far.
    """

    def __init__(self, size: int) -> None:
        if not 1 <= size <= MAX_SIZE:
            raise UserError(f"positions up to {MAX_SIZE}×{MAX_SIZE} can be solved, got {size}×{size}")
        self.size = size
        self.nodes = 0
        self._board = geometry(size)
        self._bridges = bridges(size)
        self._length = self._board.bit[-1].bit_length()
        self._mirror = {
            self._board.bit[cell]: self._board.bit[transpose_cell(cell, size)] for cell in range(size * size)
        }
        self.forget()

    def forget(self) -> None:
        """Drop everything learnt."""
        self._known: dict[tuple[int, int, int], tuple[bool, Win]] = {}  # exact repetitions, found at once
        # Indexed by the winner's colour (0 Black, 1 White).
        self._moving = (_Reasons(self._length), _Reasons(self._length))  # the winner is to move
        self._waiting = (_Reasons(self._length), _Reasons(self._length))  # the loser is to move

    def solve(self, cells: np.ndarray, to_move: int, check: Callable[[], None] = nothing) -> Solution:
        """Value and all winning moves; see the function `solve`. A finished game has no moves."""
        moves = np.zeros(self.size**2, np.int8)
        for cell, value in self.each_move(cells, to_move, check):
            moves[cell] = value
        value = int(moves[moves != 0].max()) if moves.any() else self.value(cells, to_move, check)
        return Solution(value, moves)

    def value(self, cells: np.ndarray, to_move: int, check: Callable[[], None] = nothing) -> int:
        """1 if the player to move wins, -1 if not; much faster than `solve` on a large open board."""
        mine, theirs = self._masks(cells, to_move)
        return 1 if self._search(mine, theirs, to_move - 1, check)[0] else -1

    def each_move(
        self, cells: np.ndarray, to_move: int, check: Callable[[], None] = nothing
    ) -> Iterator[tuple[int, int]]:
        """Pairs (cell, 1 winning or -1 losing) as they become known, the most promising moves first."""
        mine, theirs = self._masks(cells, to_move)
        if Position.from_cells(cells, to_move).winner:
            return
        for cell in self._order(mine, theirs, to_move - 1, self._board.board):
            lost = self._search(theirs, mine | self._board.bit[cell], 2 - to_move, check)[0]
            yield cell, -1 if lost else 1

    def best_move(
        self,
        cells: np.ndarray,
        to_move: int,
        check: Callable[[], None] = nothing,
        rng: np.random.Generator | None = None,
    ) -> int:
        """The move to play: one that wins, or in a lost position the best defence.

        The best defence leaves the opponent the fewest winning replies (while many cells are empty: the fewest
        cells that meet all threats known); among equals the one whose refutation needs the most cells; then the
        one that carries most current, or with `rng` any. A win that is there at once is taken.
        Raises UserError when the game is over.
        """
        position = Position.from_cells(cells, to_move)
        if position.winner:
            raise UserError("the game is over", "there is no move to choose")
        for cell in position.legal_moves():
            position.play(cell)
            if position.winner:
                return cell
            position.undo()
        losing = []
        for cell, value in self.each_move(cells, to_move, check):
            if value > 0:
                return cell
            losing.append(cell)
        return self._defend(cells, to_move, losing, check, rng)

    def _defend(
        self,
        cells: np.ndarray,
        to_move: int,
        moves: list[int],
        check: Callable[[], None],
        rng: np.random.Generator | None,
    ) -> int:
        mine, theirs = self._masks(cells, to_move)
        # The loser's moves outside this carrier change nothing.
        _, reason = self._search(mine, theirs, to_move - 1, check)
        useful = [cell for cell in moves if self._board.bit[cell] & reason.carrier] or moves
        ranks = []
        for cell in useful:
            mover = mine | self._board.bit[cell]
            _, answer = self._search(theirs, mover, 2 - to_move, check)
            if len(moves) <= _COUNTED_REPLIES:
                after = cells.copy()
                after.flat[cell] = to_move
                replies = sum(value > 0 for _, value in self.each_move(after, 3 - to_move, check))
            else:
                common = self._board.board & ~(mover | theirs)
                for threat in self._moving[to_move - 1].threats(mover, theirs):
                    common &= threat.carrier
                replies = common.bit_count()
            ranks.append((replies, -answer.carrier.bit_count()))
        best = [cell for cell, rank in zip(useful, ranks, strict=True) if rank == min(ranks)]
        return int(rng.choice(best)) if rng is not None else best[0]

    def _search(self, mine: int, theirs: int, colour: int, check: Callable[[], None]) -> tuple[bool, Win]:
        """Whether the mover (colour 0 Black, 1 White) wins, and the winner's reason."""
        key = mine, theirs, colour
        known = self._known.get(key)
        if known is None:
            known = self._look(mine, theirs, colour, check)
            if len(self._known) == _MOST_REASONS:
                self._known.clear()
            self._known[key] = known
        return known

    def _look(self, mine: int, theirs: int, colour: int, check: Callable[[], None]) -> tuple[bool, Win]:
        """The same for a position that was not met before."""
        self.nodes += 1
        if self.nodes % _CHECK_EVERY == 0:
            check()
        rival = 1 - colour
        known = self._waiting[rival].best(theirs, mine)
        if known is not None:
            return False, known
        known = self._moving[colour].best(mine, theirs)
        if known is not None:
            return True, known
        seen = self._bridges.lean_win(theirs, mine, rival)
        if seen is not None:
            self._learn(self._waiting, rival, seen)
            return False, seen
        seen = self._bridges.lean_win(mine, theirs, colour)
        if seen is not None:
            self._learn(self._waiting, colour, seen)
            self._learn(self._moving, colour, seen)
            return True, seen

        # The rival's threats: `common` is what all their carriers share.
        common = self._board.board
        stones = carrier = 0
        for threat in self._moving[rival].threats(theirs, mine):
            common &= threat.carrier
            stones |= threat.stones
            carrier |= threat.carrier
        for cell in self._order(mine, theirs, colour, common):
            bit = self._board.bit[cell]
            if not bit & common:
                continue  # a reply that failed meanwhile rules it out
            rival_wins, reason = self._search(theirs, mine | bit, rival, check)
            if not rival_wins:
                won = Win(reason.stones & ~bit, reason.carrier | bit)
                self._learn(self._moving, colour, won)
                return True, won
            common &= reason.carrier
            stones |= reason.stones
            carrier |= reason.carrier
        # Cells of the rival's that all carriers share could not be tried: there the stone itself is needed.
        stones |= common & theirs
        lost = Win(stones, carrier & ~stones)
        self._learn(self._waiting, rival, lost)
        return False, lost

    def _learn(self, store: tuple[_Reasons, _Reasons], colour: int, reason: Win) -> None:
        """Keep a reason with its images: rotated, and mirrored for the other colour."""
        turned = Win(self._rotated(reason.stones), self._rotated(reason.carrier))
        for image in {reason, turned}:
            store[colour].add(image)
            store[1 - colour].add(Win(self._mirrored(image.stones), self._mirrored(image.carrier)))

    def _order(self, mine: int, theirs: int, colour: int, within: int) -> list[int]:
        """The empty cells of `within`, those that carry most current first."""
        within &= ~(mine | theirs)
        empty = [cell for cell, bit in enumerate(self._board.bit) if bit & within]
        if len(empty) <= 2:
            return empty
        stones = np.zeros(self.size**2, np.int8)
        for cell, bit in enumerate(self._board.bit):
            stones[cell] = colour + 1 if mine & bit else 2 - colour if theirs & bit else 0
        flow = current(stones.reshape(self.size, self.size), colour + 1)
        # Rounded, so that the order does not hang on the last bits of a linear solver.
        return sorted(empty, key=flow.round(9).tolist().__getitem__, reverse=True)

    def _masks(self, cells: np.ndarray, to_move: int) -> tuple[int, int]:
        """The mover's and the rival's stones."""
        if np.shape(cells) != (self.size, self.size):
            raise UserError(
                f"expected a board of {self.size}×{self.size} cells, got an array of shape {np.shape(cells)}"
            )
        if to_move not in (BLACK, WHITE):
            raise UserError(f"expected player 1 (Black) or 2 (White) to move, got {to_move}")
        stones = np.asarray(cells).ravel().tolist()
        masks = [0, 0, 0]
        for bit, stone in zip(self._board.bit, stones, strict=True):
            masks[stone] |= bit
        return masks[to_move], masks[3 - to_move]

    def _rotated(self, mask: int) -> int:
        return int(f"{mask:0{self._length}b}"[::-1], 2)

    def _mirrored(self, mask: int) -> int:
        image = 0
        while mask:
            bit = mask & -mask
            mask ^= bit
            image |= self._mirror[bit]
        return image


class _Reasons:
    """Reasons of one colour for one side to move, matched all at once.

    They lie in two arrays of words, one bit a cell, that double when full.
    """

    def __init__(self, bits: int) -> None:
        self._word: type[np.unsignedinteger] = np.uint32 if bits <= 32 else np.uint64
        self._full = (1 << bits) - 1
        self._clear()

    def _clear(self) -> None:
        self._count = 0
        self._stones = np.zeros(1024, self._word)
        self._carriers = np.zeros(1024, self._word)

    def add(self, reason: Win) -> None:
        if self._count == _MOST_REASONS:
            self._clear()
        if self._count == len(self._stones):
            self._stones = np.concatenate([self._stones, np.zeros_like(self._stones)])
            self._carriers = np.concatenate([self._carriers, np.zeros_like(self._carriers)])
        self._stones[self._count] = reason.stones
        self._carriers[self._count] = reason.carrier
        self._count += 1

    def best(self, mine: int, theirs: int) -> Win | None:
        """The reason that holds and needs the fewest cells, or None."""
        found = self._matching(mine, theirs)
        if not len(found):
            return None
        stones, carriers = self._stones[found], self._carriers[found]
        k = int(np.bitwise_count(stones | carriers).argmin())
        return Win(int(stones[k]), int(carriers[k]))

    def threats(self, mine: int, theirs: int) -> list[Win]:
        """Some of the reasons that hold, enough that their carriers share no more cells than all carriers
        do."""
        found = self._matching(mine, theirs)
        if not len(found):
            return []
        carriers = self._carriers[found]
        shared = int(np.bitwise_and.reduce(carriers))
        chosen, common = [], self._full
        for k in np.bitwise_count(carriers).argsort(kind="stable").tolist():
            carrier = int(carriers[k])
            if common & ~carrier:
                common &= carrier
                chosen.append(Win(int(self._stones[found[k]]), carrier))
                if common == shared:
                    break
        return chosen

    def _matching(self, mine: int, theirs: int) -> np.ndarray:
        """Where the reasons lie that hold."""
        missing = np.bitwise_and(self._stones[: self._count], self._word(self._full & ~mine))
        missing |= np.bitwise_and(self._carriers[: self._count], self._word(theirs))
        return (missing == 0).nonzero()[0]
