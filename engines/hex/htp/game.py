"""The game that an HTP engine follows: never changed in place, so a refused command leaves no trace."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engines.core.errors import UserError
from engines.hex.htp.protocol import COLOUR_NAMES, SpokenMove, move_name
from engines.hex.rules import BLACK, WHITE, Position, Swap
from engines.hex.snapshots import PASS, RESIGN, SWAP


@dataclass(frozen=True, eq=False)
class Game:
    """A board with its past.

    swap: "none", "pieces" or "sides", the meaning of swap in this game. position: read only.
    setup: int8 [n, n] stones that `moves` start from, None for an empty board; setup_to_move: on turn then.
    moves: cells, SWAP, PASS since the setup. turns: (colour, move) of the whole game, also across setups.
    resigned: the colour that gave up, or 0. before: the game one move earlier, or None.
    """

    size: int
    swap: Swap
    position: Position
    setup: np.ndarray | None = None
    setup_to_move: int = BLACK
    moves: tuple[int, ...] = ()
    turns: tuple[tuple[int, int], ...] = ()
    resigned: int = 0
    before: Game | None = None

    @classmethod
    def new(cls, size: int, swap: Swap = "pieces") -> Game:
        """An empty board. Raises UserError for a size that the rules do not know."""
        return cls(size, swap, Position(size, swap=swap))

    @classmethod
    def from_stones(cls, cells: np.ndarray, to_move: int, swap: Swap = "pieces") -> Game:
        """A board set up by hand (int8 [n, n]), without a past."""
        return cls(len(cells), swap, Position.from_cells(cells, to_move), setup=cells.copy(), setup_to_move=to_move)

    @property
    def to_move(self) -> int:
        return self.position.to_move

    @property
    def winner(self) -> int:
        """Colour that connected its sides or whose rival resigned; 0 while the game is open."""
        return 3 - self.resigned if self.resigned else self.position.winner

    @property
    def can_swap(self) -> bool:
        return not self.winner and self.position.can_swap

    def with_turn(self, colour: int) -> Game:
        """The same stones with `colour` on turn. Out of turn, the past can no longer be swapped."""
        if colour == self.to_move:
            return self
        cells = self.position.cells.copy()
        return replace(self, position=Position.from_cells(cells, colour), setup=cells, setup_to_move=colour, moves=())

    def with_swap(self, swap: Swap) -> Game:
        """This game under another swap convention, as far as the moves so far allow it."""
        if swap == self.swap or SWAP in self.moves:
            return replace(self, swap=swap)
        if self.setup is not None:
            return replace(self, swap=swap)
        position = Position(self.size, swap=swap)
        for move in self.moves:
            position.play(move)
        return replace(self, swap=swap, position=position)

    def played(self, colour: int, spoken: SpokenMove) -> Game:
        """The game after that move. Raises UserError with the reason when it is not legal."""
        move, name = spoken.move, move_name(spoken.move, self.size, swap=spoken.convention or self.swap)
        if self.resigned:
            raise UserError(f"illegal move: {name}, {COLOUR_NAMES[self.resigned]} has resigned")
        turns = (*self.turns, (colour, move))
        if move == RESIGN:
            return replace(self, resigned=colour, turns=turns, before=self)
        if self.position.winner:
            raise UserError(f"illegal move: {name}, {COLOUR_NAMES[self.position.winner]} has won")
        now = self.with_turn(colour)
        if move == SWAP:
            if not now.can_swap:
                raise UserError("illegal move: swap is possible only as the second player's first move")
            if spoken.convention:
                now = now.with_swap(spoken.convention)
        elif move != PASS and now.position.cells.flat[move]:
            raise UserError(f"illegal move: {name} is occupied")
        position = now.position.copy()
        position.play(move)
        return replace(now, position=position, moves=(*now.moves, move), turns=turns, before=self)

    def legal_moves(self) -> list[int]:
        """Cells, then SWAP where it is allowed; nothing once the game is over."""
        if self.winner:
            return []
        cells = [int(cell) for cell in np.flatnonzero(self.position.cells.reshape(-1) == 0)]
        return [*cells, SWAP] if self.can_swap else cells


def balanced_turn(cells: np.ndarray) -> int:
    """Who is on turn where nobody said it: White when Black has one stone more, else Black."""
    black, white = int((cells == BLACK).sum()), int((cells == WHITE).sum())
    return WHITE if black == white + 1 else BLACK
