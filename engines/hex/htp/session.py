"""What an HTP engine knows between two commands, and the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from engines.core.errors import UserError
from engines.hex.htp.game import Game
from engines.hex.htp.players import Limits, Player
from engines.hex.rules import BLACK, WHITE
from engines.hex.snapshots import AnalysisSnapshot

DEFAULT_SECONDS = 5.0
"""Thinking time of a move where nobody set one: what a person waits for without asking whether it hangs."""
MARGIN_S = 0.05
"""Kept back from every move for the pipe and the other program."""


@dataclass(frozen=True)
class Clock:
    """Time of one player. left: main time, or of the byo-yomi period once stones > 0; inf without a clock."""

    left: float = float("inf")
    stones: int = 0

    def move_seconds(self, empty: int) -> float:
        """Time for the next move: a share of the game, in which half of the empty cells may be played."""
        if self.left == float("inf"):
            return self.left
        moves_left = self.stones or max(4, empty // 4)
        return max(0.01, self.left / moves_left - MARGIN_S)


@dataclass(frozen=True, eq=False)
class State:
    """All that commands may change. A command that fails gets the old one back.

    game_time: (main seconds, byo-yomi seconds, byo-yomi stones) as last set. last: the latest search,
    searched: the game that it was of.
    """

    game: Game
    limits: Limits = field(default_factory=lambda: Limits(seconds=DEFAULT_SECONDS))
    little_golem: bool = False
    game_time: tuple[float, float, int] | None = None
    clocks: dict[int, Clock] = field(default_factory=lambda: {BLACK: Clock(), WHITE: Clock()})
    last: AnalysisSnapshot | None = None
    searched: Game | None = None

    def with_clock(self, colour: int, clock: Clock) -> State:
        return replace(self, clocks={**self.clocks, colour: clock})

    def fresh_clocks(self) -> State:
        """Both clocks as at the start of a game."""
        if self.game_time is None:
            return replace(self, clocks={BLACK: Clock(), WHITE: Clock()})
        main, byo_s, byo_stones = self.game_time
        clock = Clock(main) if main > 0 or byo_stones == 0 else Clock(byo_s, byo_stones)
        return replace(self, clocks={BLACK: clock, WHITE: clock})

    def spent(self, colour: int, seconds: float) -> State:
        """The clock of `colour` after thinking; main time runs over into byo-yomi (GTP, time_settings)."""
        clock = self.clocks[colour]
        if clock.left == float("inf"):
            return self
        left, stones = clock.left - seconds, clock.stones
        if self.game_time is not None and self.game_time[2] > 0:
            _, byo_s, byo_stones = self.game_time
            if stones == 1 or (stones == 0 and left <= 0):
                left, stones = byo_s, byo_stones
            elif stones > 1:
                stones -= 1
        return self.with_clock(colour, Clock(max(0.0, left), stones))


@dataclass
class Session:
    """A running engine as its commands see it.

    interrupted: whether the next line has come (live analysis ends). broken_off: whether "# interrupt" or the
    end of input has come (a move under way is played at once). emit: writes text at once, for live output.
    begin: writes "= " and the command's id, for answers that go on for a while.
    """

    player: Player
    state: State
    interrupted: Callable[[], bool]
    broken_off: Callable[[], bool]
    emit: Callable[[str], None]
    begin: Callable[[], None] = lambda: None
    quitting: bool = False

    @property
    def game(self) -> Game:
        return self.state.game

    def search(self, game: Game) -> AnalysisSnapshot:
        """Think about `game` within the limits and the mover's clock, and let that clock run."""
        limits = self.state.limits
        clock_s = self.state.clocks[game.to_move].move_seconds(game.size**2 - len(game.moves))
        seconds = min(limits.seconds or float("inf"), clock_s)
        bounded = replace(limits, seconds=0.0 if seconds == float("inf") else seconds)
        if not bounded.seconds and not bounded.simulations:
            bounded = replace(bounded, seconds=DEFAULT_SECONDS)
        started = time.perf_counter()
        found = self.player.think(game, bounded, self.broken_off)
        if found.best not in (*game.legal_moves(), -2):
            raise UserError(f"the search found no move on this board (it said {found.best})")
        self.state = replace(self.state, last=found, searched=game)
        self.state = self.state.spent(game.to_move, time.perf_counter() - started)
        return found
