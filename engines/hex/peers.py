"""Matches against other programs' players, for benchmarks, checks and the strength of weights.

The peer is open_spiel's C++ MCTS with random rollouts (Apache-2). Every opening is played twice with colours
exchanged, games are played out to the end, and the wall-clock time of every move of both sides is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from engines.core.errors import UserError
from engines.hex.arena import wilson
from engines.hex.coordinates import move_name
from engines.hex.player import Player, replay
from engines.hex.rules import BLACK, WHITE
from engines.hex.search import Limits, SearchSettings, nothing

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluator

UCT_C = 2.0
"""Exploration constant of the peer: the default of open_spiel's own MCTS example."""
LEAST_SHARE = 0.1
"""Of the peer's time that ours gets however far it overran before."""


@dataclass(frozen=True)
class Made:
    """A move of one side. simulations, calls: what it took; calls are positions shown to the network."""

    move: int
    simulations: int = 0
    calls: int = 0


class Mover(Protocol):
    """A side of a match. It gets the whole game each time and no swap."""

    @property
    def name(self) -> str:
        """Who it is, for tables and messages."""
        ...

    def new_game(self, size: int) -> None:
        """Forget the last game."""

    def move(self, moves: tuple[int, ...], seconds: float) -> Made:
        """Its move after `moves`. seconds: what it may take (0: its own limit)."""


class NetworkMover:
    """Ours: PV-MCTS with a network.

    simulations, calls: for each move (0: no such limit); with a time as well, whichever comes first ends the
    search. cache: evaluations kept.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings | None = None,
        *,
        simulations: int = 0,
        calls: int = 0,
        cache: int = 200_000,
        seed: int = 0,
        check: Callable[[], None] = nothing,
    ) -> None:
        self.name = evaluator.name
        self.simulations, self.calls = simulations, calls
        self._player = Player(
            evaluator, settings, cache_positions=cache, rng=np.random.default_rng(seed), memory_bytes=2**28
        )
        self._check = check
        self._size = 0

    def new_game(self, size: int) -> None:
        self._size = size
        self._player.set_position(size, (), "none")

    def move(self, moves: tuple[int, ...], seconds: float) -> Made:
        player = self._player
        player.set_position(self._size, moves, "none")
        counters = player.search.counters
        before = (counters.simulations, counters.net_calls)
        player.think(Limits(self.simulations, self.calls, seconds), check=self._check)
        return Made(player.decide(), counters.simulations - before[0], counters.net_calls - before[1])


class OpenSpielMover:
    """open_spiel's MCTSBot with `rollouts` simulations of one random rollout each, solver on.

    Raises UserError where open_spiel is not installed.
    """

    def __init__(self, rollouts: int, *, seed: int = 0, uct_c: float = UCT_C) -> None:
        self.name = f"open_spiel MCTS, {rollouts:,} rollouts"
        self.rollouts, self.uct_c = rollouts, uct_c
        self._spiel = pyspiel_module()
        self._rng = np.random.default_rng(seed)
        self._game: Any = None
        self._bot: Any = None

    def new_game(self, size: int) -> None:
        spiel = self._spiel
        seeds = [int(self._rng.integers(1, 2**31 - 1)) for _ in range(2)]
        self._game = spiel.load_game(f"hex(board_size={size})")
        evaluator = spiel.RandomRolloutEvaluator(1, seeds[0])
        memory_mb = 1000
        self._bot = spiel.MCTSBot(self._game, evaluator, self.uct_c, self.rollouts, memory_mb, True, seeds[1], False)

    def move(self, moves: tuple[int, ...], seconds: float) -> Made:
        state = self._game.new_initial_state()
        for action in moves:
            state.apply_action(action)
        return Made(int(self._bot.step(state)), self.rollouts)


def pyspiel_module() -> Any:
    """open_spiel's module. Raises UserError where it is not installed."""
    try:
        import pyspiel
    except ImportError as error:
        raise UserError(f"open_spiel cannot be loaded: {error}", 'pip install "paper-workbench[peers]"') from None
    return pyspiel


@dataclass(frozen=True)
class MatchTable:
    """A match of G games, ours against a peer.

    won, black: bool [G], whether ours won, and whether it had Black. openings: int32 [G], first moves.
    moves: int32 [G, 2], moves made by (ours, peer), the opening not counted. seconds: float64 [G, 2], their
    wall-clock time. simulations, calls: int64 [G, 2]. games: the moves of each game.
    """

    size: int
    names: tuple[str, str]
    won: np.ndarray
    black: np.ndarray
    openings: np.ndarray
    moves: np.ndarray
    seconds: np.ndarray
    simulations: np.ndarray
    calls: np.ndarray
    games: tuple[tuple[int, ...], ...]

    @property
    def score(self) -> float:
        """Share of games won by ours."""
        return float(self.won.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the score."""
        return wilson(int(self.won.sum()), len(self.won))

    @property
    def move_seconds(self) -> tuple[float, float]:
        """Mean wall-clock time of a move: (ours, peer)."""
        mean = self.seconds.sum(0) / np.maximum(self.moves.sum(0), 1)
        return float(mean[0]), float(mean[1])

    @property
    def time_ratio(self) -> float:
        """Our time per move over the peer's."""
        ours, peer = self.move_seconds
        return ours / peer

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """The games, one a row, and the totals, one side a row."""
        per_move = np.array(self.move_seconds)
        return {
            "games": {
                "opening": np.array([move_name(int(cell), self.size) for cell in self.openings]),
                "ours_black": self.black,
                "ours_won": self.won,
                "moves": np.array([" ".join(move_name(m, self.size) for m in game) for game in self.games]),
            },
            "sides": {
                "player": np.array(self.names),
                "wins": np.array([int(self.won.sum()), int((~self.won).sum())]),
                "seconds_per_move": per_move,
                "simulations_per_move": self.simulations.sum(0) / np.maximum(self.moves.sum(0), 1),
                "net_calls_per_move": self.calls.sum(0) / np.maximum(self.moves.sum(0), 1),
            },
        }


def spread_openings(size: int, count: int) -> np.ndarray:
    """`count` different first moves spread evenly over the board, int64; none is another's half turn while
    the board has enough."""
    half = np.arange((size * size + 1) // 2)
    cells = half if count <= len(half) else np.arange(size * size)
    return cells[np.unique(np.linspace(0, len(cells) - 1, min(count, len(cells))).round().astype(int))]


def play_match(
    ours: Mover,
    peer: Mover,
    size: int,
    openings: Sequence[int] | np.ndarray,
    *,
    seconds: float | None = 0.0,
    check: Callable[[], None] = nothing,
    on_game: Callable[[MatchTable], None] = lambda table: None,
) -> MatchTable:
    """Play every opening twice, ours as Black first.

    seconds: for each of our moves; 0 leaves us to our other limits; None gives what the peer took for its
    latest move (before its first one of a match, for a move on the opening position, which is not counted).
    on_game: gets the table after each game. Raises UserError for an illegal move.
    """
    rows: list[tuple[bool, bool, int, list[int], list[float], list[int], list[int], tuple[int, ...]]] = []
    pace = _Pace()
    table: MatchTable | None = None
    for opening in openings:
        for ours_black in (True, False):
            moves: list[int] = [int(opening)]
            made, spent = [0, 0], [0.0, 0.0]
            simulations, calls = [0, 0], [0, 0]
            for side in (ours, peer):
                side.new_game(size)
            if seconds is None and not pace.peer:
                started = time.perf_counter()
                peer.move(tuple(moves), 0.0)
                pace.peer = time.perf_counter() - started
            while True:
                check()
                position = replay(size, moves, "none")
                if position.winner:
                    break
                is_ours = (position.to_move == BLACK) == ours_black
                index, side = (0, ours) if is_ours else (1, peer)
                allowed = (pace.allowed() if seconds is None else seconds) if is_ours else 0.0
                started = time.perf_counter()
                done = side.move(tuple(moves), allowed)
                took = time.perf_counter() - started
                if not position.is_legal(done.move) or done.move < 0:
                    said = move_name(done.move, size) if done.move >= 0 else str(done.move)
                    raise UserError(f"{side.name} made an illegal move: {said}")
                moves.append(done.move)
                made[index] += 1
                spent[index] += took
                simulations[index] += done.simulations
                calls[index] += done.calls
                if is_ours:
                    pace.overran(took - allowed)
                else:
                    pace.peer = took
            won = position.winner == (BLACK if ours_black else WHITE)
            rows.append((won, ours_black, int(opening), made, spent, simulations, calls, tuple(moves)))
            table = _table(size, (ours.name, peer.name), rows)
            on_game(table)
    if table is None:
        raise UserError("expected at least one opening, got none")
    return table


@dataclass
class _Pace:
    """How long ours may search so that its moves take what the peer's take, reading them included.

    peer: seconds of the peer's latest move. overrun: what ours lately took beyond its limit (the last batch).
    """

    peer: float = 0.0
    overrun: float = 0.0

    def allowed(self) -> float:
        return max(LEAST_SHARE * self.peer, self.peer - self.overrun)

    def overran(self, seconds: float) -> None:
        self.overrun = max(0.0, 0.8 * self.overrun + 0.2 * seconds)


def _table(size: int, names: tuple[str, str], rows: list[Any]) -> MatchTable:
    won, black, openings, moves, seconds, simulations, calls, games = zip(*rows, strict=True)
    return MatchTable(
        size, names, np.array(won), np.array(black), np.array(openings, np.int32), np.array(moves, np.int32),
        np.array(seconds), np.array(simulations, np.int64), np.array(calls, np.int64), games,
    )  # fmt: skip


def play_against_open_spiel(
    engine_factory: Callable[[], Mover],
    size: int,
    rollouts: int,
    games: int,
    *,
    openings: Sequence[int] | np.ndarray | None = None,
    seconds: float | None = None,
    seed: int = 0,
    check: Callable[[], None] = nothing,
    on_game: Callable[[MatchTable], None] = lambda table: None,
) -> MatchTable:
    """A match against open_spiel's MCTS, half of the games with each colour.

    engine_factory: makes our side once, e.g. ``lambda: NetworkMover(load_evaluator("hex-three-head"))``.
    games: rounded up to an even number. openings: first moves (default: `spread_openings`). seconds: None
    limits each of our moves to the peer's time for its own; 0 to the mover's own limits. Raises UserError
    without open_spiel.
    """
    peer = OpenSpielMover(rollouts, seed=seed)
    chosen = spread_openings(size, (games + 1) // 2) if openings is None else openings
    return play_match(engine_factory(), peer, size, chosen, seconds=seconds, check=check, on_game=on_game)


def fair_openings(evaluator: Evaluator, size: int, count: int) -> np.ndarray:
    """`count` different first moves that the network values most evenly, int64 [count]."""
    from engines.hex.jobs.duel import balanced_openings

    return balanced_openings(size, count, (evaluator, evaluator))
