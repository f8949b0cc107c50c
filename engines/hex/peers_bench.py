"""``bench hex-peers``: strength and time against open_spiel's MCTS on three board sizes."""

from __future__ import annotations

from dataclasses import dataclass

from engines.core.bench import Measure, bench
from engines.core.job import JobContext
from engines.hex.peers import MatchTable, NetworkMover, fair_openings, play_against_open_spiel
from engines.hex.search import SearchSettings
from engines.hex.spec import SHIPPED_THREE_HEAD


@dataclass(frozen=True)
class Pairing:
    """A match of the benchmark. target: share of games that ours should win."""

    size: int
    rollouts: int
    games: int
    target: float


PAIRINGS = (
    Pairing(7, 1_000, 40, 0.95),
    Pairing(9, 1_000, 40, 0.95),
    Pairing(11, 10_000, 20, 0.80),
)
BATCH = 8
"""Leaves for one network call: with the 20 to 60 ms of these peers a larger batch overruns the time."""


@bench("hex-peers", "Strength against open_spiel at equal time")
def hex_peers(ctx: JobContext) -> list[Measure]:
    """Play open_spiel's MCTS at its own time per move, every opening with both colours."""
    from engines.hex.evaluator import load_evaluator

    evaluator = load_evaluator(SHIPPED_THREE_HEAD)
    measures: list[Measure] = []
    total = sum(pairing.games for pairing in PAIRINGS)
    played = 0
    for pairing in PAIRINGS:

        def tell(table: MatchTable, pairing: Pairing = pairing, before: int = played) -> None:
            won = f"{int(table.won.sum())} of {len(table.won)}"
            ctx.progress(before + len(table.won), total, f"{pairing.size}×{pairing.size}: won {won}")

        table = play_against_open_spiel(
            lambda: NetworkMover(evaluator, SearchSettings(batch=BATCH), check=ctx.check),
            pairing.size,
            pairing.rollouts,
            pairing.games,
            openings=fair_openings(evaluator, pairing.size, pairing.games // 2),
            check=ctx.check,
            on_game=tell,
        )
        played += pairing.games
        measures += measures_of(table, pairing)
    return measures


def measures_of(table: MatchTable, pairing: Pairing) -> list[Measure]:
    """The lines of one match: the score, and the time of a move."""
    low, high = table.interval
    ours_s, peer_s = table.move_seconds
    per_move = table.to_tables()["sides"]
    board = f"{table.size}×{table.size} against {pairing.rollouts:,} rollouts"
    return [
        Measure(
            f"games won, {board}",
            table.score,
            target=pairing.target,
            of="none",
            note=f"{int(table.won.sum())} of {len(table.won)} games, 95 % interval {low:.2f} to {high:.2f}, "
            f"{len(set(table.openings.tolist()))} openings that our network finds fairest, with both colours",
        ),
        Measure(
            f"time of a move, {board}",
            1000 * ours_s,
            peer=1000 * peer_s,
            unit="ms",
            better="less",
            of="peer",
            target=1.0,
            note=f"ours: {per_move['simulations_per_move'][0]:.0f} simulations with "
            f"{per_move['net_calls_per_move'][0]:.0f} positions shown to the network",
        ),
    ]
