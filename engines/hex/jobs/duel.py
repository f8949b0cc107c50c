"""Two engines on one position ("hex.duel"), and whole games between them ("hex.match"), with equal means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.hex.arena import elo_interval
from engines.hex.movetext import moves_of
from engines.hex.player import Player, opening_values
from engines.hex.results import DuelResult, MatchResult
from engines.hex.search import Limits, SearchSettings, nothing
from engines.hex.snapshots import DuelSnapshot, MatchSnapshot
from engines.hex.spec import DuelSpec, MatchSpec

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluator

_ROUNDS = 40
"""Turns that the two sides of a duel take, so that both grow before one's eyes."""


@job("hex.duel", DuelSpec, title="Duel on one position")
def duel(spec: DuelSpec, ctx: JobContext) -> DuelResult:
    """Let two networks search one position with equal calls, simulations or time."""
    evaluators = _evaluators(spec)
    moves = moves_of(spec.moves, spec.size)
    players = [_player(spec, evaluators, side) for side in (0, 1)]
    for player in players:
        player.set_position(spec.size, moves)
    if players[0].is_over:
        raise UserError("the game is over in this position", "take back a move")
    for turn in range(1, _ROUNDS + 1):
        for player in players:
            _spend(player, spec, turn / _ROUNDS, ctx)
        shots = [player.snapshot(final=turn == _ROUNDS) for player in players]
        ctx.publish(DuelSnapshot(*shots))
        ctx.progress(turn, _ROUNDS, spec.equal)
    return DuelResult(shots[0], shots[1], (evaluators[0].name, evaluators[1].name))


def _spend(player: Player, spec: DuelSpec, share: float, ctx: JobContext) -> None:
    """Search until this share of the budget is used up."""
    counters = player.search.counters
    if spec.equal == "time":
        left = share * spec.budget / 1000 - counters.seconds
        if left > 0:
            player.think(Limits(seconds=left), check=ctx.check)
        return
    used = counters.net_calls if spec.equal == "calls" else counters.simulations
    left = round(share * spec.budget) - used
    if left > 0:
        player.think(Limits(calls=left) if spec.equal == "calls" else Limits(simulations=left), check=ctx.check)


@job("hex.match", MatchSpec, title="Match between two networks")
def match(spec: MatchSpec, ctx: JobContext) -> MatchResult:
    """Play every opening twice with colours exchanged, without randomness, and compare strengths."""
    evaluators = _evaluators(spec)
    series = _Series(spec, evaluators, balanced_openings(spec.size, spec.openings, evaluators, ctx.check))
    if ctx.resume:
        series.restore(ctx.resume)
    while len(series.games) < series.total:
        ctx.progress(len(series.games), series.total, f"Game {len(series.games) + 1} of {series.total}")
        series.play_one(ctx)
        ctx.checkpoint(series.state())
        ctx.publish(series.snapshot())
    ctx.progress(series.total, series.total, "Done")
    return series.result()


def balanced_openings(
    size: int,
    count: int,
    evaluators: tuple[Evaluator, Evaluator],
    check: Callable[[], None] = nothing,
) -> np.ndarray:
    """`count` different first moves, int64, those that both networks value most evenly first.

    Cells that a turn of the board exchanges count as one opening while there are others left.
    """
    area = size**2
    bias = sum(np.abs(opening_values(evaluator, size, check)) for evaluator in evaluators)
    half = (area + 1) // 2
    first = np.argsort(bias[:half], kind="stable")
    return np.concatenate([first, area - 1 - first[first != area - 1 - first]])[:count]


class _Series:
    """The games of a match as they are played."""

    def __init__(self, spec: MatchSpec, evaluators: tuple[Evaluator, Evaluator], openings: np.ndarray) -> None:
        self.spec = spec
        self.evaluators = evaluators
        self.openings = openings
        self.total = 2 * len(openings)
        self.games: list[tuple[int, ...]] = []
        self.winners: list[int] = []
        self.calls, self.simulations, self.seconds = [0, 0], [0, 0], [0.0, 0.0]

    def play_one(self, ctx: JobContext) -> None:
        """The next game: even ones with the left network as Black. It ends when a side proves its result."""
        left_black = len(self.games) % 2 == 0
        moves = [int(self.openings[len(self.games) // 2])]
        players = [_player(self.spec, self.evaluators, side) for side in (0, 1)]
        while True:
            side = int((len(moves) % 2 == 1) == left_black)  # White is to move after an odd number of moves
            player = players[side]
            player.set_position(self.spec.size, moves, "none")
            if player.is_over:
                winner = 1 - side
                break
            before = (player.search.counters.net_calls, player.search.counters.simulations)
            start = player.search.counters.seconds
            player.think(_limits(self.spec), check=ctx.check)
            counters = player.search.counters
            self.calls[side] += counters.net_calls - before[0]
            self.simulations[side] += counters.simulations - before[1]
            self.seconds[side] += counters.seconds - start
            if player.search.proven:
                winner = side if player.search.proven > 0 else 1 - side
                break
            moves.append(player.decide())
            ctx.publish(self.snapshot(tuple(moves)))
        self.games.append(tuple(moves))
        self.winners.append(winner)

    def snapshot(self, game: tuple[int, ...] = ()) -> MatchSnapshot:
        """The match so far, with the game under way."""
        wins = (self.winners.count(0), self.winners.count(1))
        as_black = [0, 0]
        for index, winner in enumerate(self.winners):
            as_black[winner] += winner == index % 2
        elo, low, high = elo_interval(wins[0], len(self.winners))
        return MatchSnapshot(
            size=self.spec.size,
            played=len(self.games),
            total=self.total,
            wins=wins,
            wins_as_black=(as_black[0], as_black[1]),
            calls=(self.calls[0], self.calls[1]),
            simulations=(self.simulations[0], self.simulations[1]),
            seconds=(self.seconds[0], self.seconds[1]),
            elo=elo,
            elo_low=low,
            elo_high=high,
            game=game,
            games=tuple(self.games),
        )

    def result(self) -> MatchResult:
        """The finished match."""
        shot = self.snapshot()
        return MatchResult(
            size=shot.size,
            names=(self.evaluators[0].name, self.evaluators[1].name),
            winners=np.array(self.winners, np.int8),
            openings=np.array([game[0] for game in self.games], np.int32),
            left_black=np.arange(len(self.games)) % 2 == 0,
            elo=shot.elo,
            elo_low=shot.elo_low,
            elo_high=shot.elo_high,
            calls=shot.calls,
            simulations=shot.simulations,
            seconds=shot.seconds,
            games=shot.games,
        )

    def state(self) -> dict[str, Any]:
        """What `restore` needs: the games that ended."""
        return {
            "games": [list(game) for game in self.games],
            "winners": list(self.winners),
            "calls": list(self.calls),
            "simulations": list(self.simulations),
            "seconds": list(self.seconds),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on after the games of a checkpoint."""
        self.games = [tuple(int(move) for move in game) for game in state["games"]]
        self.winners = [int(winner) for winner in state["winners"]]
        self.calls = [int(n) for n in state["calls"]]
        self.simulations = [int(n) for n in state["simulations"]]
        self.seconds = [float(s) for s in state["seconds"]]


def _limits(spec: DuelSpec) -> Limits:
    """One move's budget."""
    if spec.equal == "calls":
        return Limits(calls=spec.budget)
    return Limits(simulations=spec.budget) if spec.equal == "simulations" else Limits(seconds=spec.budget / 1000)


def _evaluators(spec: DuelSpec) -> tuple[Evaluator, Evaluator]:
    from engines.hex.evaluator import load_evaluator

    return (
        load_evaluator(spec.weights, spec.device, spec.average_rotation),
        load_evaluator(spec.rival_weights, spec.device, spec.average_rotation),
    )


def _player(spec: DuelSpec, evaluators: tuple[Evaluator, Evaluator], side: int) -> Player:
    """A side's player. Without a cache, so that its network calls are all counted."""
    settings = SearchSettings.of(spec if side == 0 else spec.changed(n0=spec.rival_n0))
    return Player(
        evaluators[side],
        settings,
        cache_positions=0,
        rng=np.random.default_rng(spec.seed),
        memory_bytes=2**28,
    )
