"""Analysis of whole games ("hex.review") and of all first moves ("hex.openings")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.hex.coordinates import cell_name
from engines.hex.movetext import moves_of
from engines.hex.player import Player, opening_values, replay
from engines.hex.results import OpeningsResult, ReviewResult
from engines.hex.search import Limits, Search, SearchSettings
from engines.hex.snapshots import SWAP, OpeningsSnapshot, ReviewedMove, ReviewSnapshot
from engines.hex.solver import Solver
from engines.hex.spec import OpeningsSpec, ReviewSpec

SOLVED_SIZE = 5
"""Boards up to this size get a proven swap map; 5×5 takes eight seconds of it."""


@job("hex.review", ReviewSpec, title="Review a game")
def review(spec: ReviewSpec, ctx: JobContext) -> ReviewResult:
    """Analyse every position of a game and say what each move cost."""
    from engines.hex.evaluator import load_evaluator

    moves = moves_of(spec.moves, spec.size)
    if not moves:
        raise UserError("there are no moves to review", "give moves, for example --set moves='a2 d4 c5'")
    replay(spec.size, moves, spec.swap)
    evaluator = load_evaluator(spec.weights, spec.device, spec.average_rotation)
    player = Player(evaluator, SearchSettings.of(spec), rng=np.random.default_rng(spec.seed))
    black = np.full(len(moves) + 1, np.nan, np.float32)
    reviewed: list[ReviewedMove] = []
    simulations = calls = 0
    for index in range(len(moves) + 1):
        ctx.progress(index, len(moves) + 1, f"Move {index} of {len(moves)}")
        player.set_position(spec.size, moves[:index], spec.swap)
        player.think(Limits(simulations=spec.simulations), check=ctx.check)
        simulations += player.search.counters.simulations
        calls += player.search.counters.net_calls
        value = value_to_move(player)
        black[index] = value if player.position.to_move == 1 else -value
        if reviewed:
            reviewed[-1] = _judged(reviewed[-1], value, player)
        if index < len(moves):
            reviewed.append(_considered(player, index, moves[index], value, ctx.check))
        ctx.publish(ReviewSnapshot(spec.size, black.copy(), tuple(reviewed)))
    ctx.progress(len(moves) + 1, len(moves) + 1, "Reviewed")
    return ReviewResult(spec.size, black, tuple(reviewed), simulations, calls)


def value_to_move(player: Player) -> float:
    """Value of the position for the player to move in [-1, 1], the swap rule included.

    Who may swap has the better of both sides; who opens under a swap rule can offer an even game.
    """
    position = player.position
    if position.winner:
        return 1.0 if position.winner == position.to_move else -1.0
    if position.can_swap:
        return abs(player.search.value())
    if not position.ply and position.swap != "none":
        return 0.0
    return player.search.value()


def _considered(player: Player, index: int, move: int, value: float, check: Callable[[], None]) -> ReviewedMove:
    """The entry of a move before what comes after it is known (`after` and `loss` are still 0)."""
    shot = player.snapshot()
    ranked = [line[0] for line in shot.lines]
    best = shot.best
    if not player.position.ply and player.position.swap != "none":
        best = player.fair_opening(check)
    line = next((line for line in shot.lines if line[0] == best), (best,) if best >= 0 else ())
    return ReviewedMove(
        index=index,
        player=player.position.to_move,
        move=move,
        value=value,
        after=float("nan"),
        loss=0.0,
        best=best,
        best_line=line,
        rank=0 if move == best else ranked.index(move) if move in ranked else -1,
        proven=int(shot.proven[move]) if move >= 0 else 0,
    )


def _judged(entry: ReviewedMove, next_value: float, player: Player) -> ReviewedMove:
    """The entry once the position after it has a value; the player to move there is always the other one."""
    after = -next_value
    proven = entry.proven
    if entry.move != SWAP and (player.is_over or player.search.proven):
        proven = round(after)
    return replace(entry, after=after, loss=float(np.clip((entry.value - after) / 2, 0, 1)), proven=proven)


@job("hex.openings", OpeningsSpec, title="Swap map")
def openings(spec: OpeningsSpec, ctx: JobContext) -> OpeningsResult:
    """Value every opening: by the network at once, then by search; proven where the board is small."""
    from engines.hex.evaluator import load_evaluator

    size, area = spec.size, spec.size**2
    evaluator = load_evaluator(spec.weights, spec.device, spec.average_rotation)
    net_value = opening_values(evaluator, size, ctx.check)
    value, exact = net_value.copy(), np.zeros(area, np.int8)
    ctx.publish(OpeningsSnapshot(size, value.copy(), exact.copy()))
    half = (area + 1) // 2
    steps = half + (area if size <= SOLVED_SIZE else 0)
    if size <= SOLVED_SIZE:
        solver = Solver(size)
        for known, (cell, result) in enumerate(solver.each_move(np.zeros((size, size), np.int8), 1, ctx.check)):
            exact[cell] = result
            ctx.progress(known + 1, steps, f"{known + 1} of {area} openings proven")
            ctx.publish(OpeningsSnapshot(size, value.copy(), exact.copy()))
    simulations, calls = 0, area
    for done, cell in enumerate(np.argsort(np.abs(net_value[:half]), kind="stable")):  # the contested first
        ctx.progress(steps - half + done, steps, cell_name(int(cell), size))
        board = np.zeros((size, size), np.int8)
        board.flat[cell] = 1
        search = Search(evaluator, board, 2, SearchSettings.of(spec))
        search.run(Limits(simulations=spec.simulations), check=ctx.check)
        simulations += search.counters.simulations
        calls += search.counters.net_calls
        twins = [cell, area - 1 - cell]
        value[twins] = -search.value()
        if search.proven:
            exact[twins] = -search.proven
        ctx.publish(OpeningsSnapshot(size, value.copy(), exact.copy()))
    ctx.progress(steps, steps, "Done")
    return OpeningsResult(size, value, exact, net_value, simulations, calls)
