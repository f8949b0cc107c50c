"""How much of the search's time is the network's: "hex-search"."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from engines.core.bench import Measure, bench
from engines.core.job import JobContext
from engines.hex import peers_bench  # noqa: F401  (it registers "hex-peers")
from engines.hex.search import Limits, Search, SearchSettings

if TYPE_CHECKING:
    from engines.hex.evaluator import Evaluator

SIZE, BLOCKS, CHANNELS = 9, 10, 32
"""Check 9.8 of the paper file: a 9 × 9 board, ten blocks of 32 filters."""
INTERACTIVE_TARGET, LOCKSTEP_TARGET = 0.70, 0.85
_ROUNDS = 5
_ROUND_S = 1.5
_SLICES = 6
"""Turns that the search and the bare network take within a round: other programs come and go in seconds."""
_GAMES, _GAME_SIMULATIONS = 128, 48


@bench("hex-search", "Hex search against its bare network")
def hex_search(ctx: JobContext) -> list[Measure]:
    """Simulations a second over what the network alone would allow at the same batch."""
    network = _network()
    measures = [
        _interactive(network, n0=0, ctx=ctx, step=0),
        _interactive(network, n0=10, ctx=ctx, step=1),
        _lockstep(network, n0=0, ctx=ctx, step=2),
    ]
    ctx.progress(3, 3, "Done")
    return measures


def _network() -> Evaluator:
    """An untrained network of the size the paper file names: speed does not depend on what it knows."""
    import torch

    from engines.core.device import choose
    from engines.hex.evaluator import Evaluator
    from engines.hex.nets import HexNet, NetConfig

    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = HexNet(NetConfig(blocks=BLOCKS, channels=CHANNELS))
    return Evaluator(net, device=choose("auto"), name=f"{BLOCKS}×{CHANNELS}")


def _interactive(network: Evaluator, *, n0: int, ctx: JobContext, step: int) -> Measure:
    """One position searched with batches of leaves, in slices with the bare network between. Medians count.

    The bare network gets batches as large as the search's in the round before, on average.
    """
    settings = SearchSettings(n0=n0, batch=16)
    speeds, bare, per_call, batches = [], [], [], []
    batch = 1.0
    for turn in range(_ROUNDS + 1):
        ctx.progress(step + turn / (_ROUNDS + 1), 3, f"Interactive search, n0 = {n0}")
        search = Search(network, np.zeros((SIZE, SIZE), np.int8), 1, settings)
        calls, alone = 0, 0.0
        for _ in range(_SLICES):
            before = network.calls
            search.run(Limits(seconds=_ROUND_S / _SLICES), check=ctx.check)
            calls += network.calls - before
            if turn:
                alone += _positions_per_second(network, round(batch), _ROUND_S / 2 / _SLICES, ctx.check) / _SLICES
        counters = search.counters
        batch = counters.net_calls / max(1, calls)
        if turn:  # the first round warms up and tells the batch
            speeds.append(counters.simulations / counters.seconds)
            per_call.append(counters.simulations / counters.net_calls)
            bare.append(alone)
            batches.append(batch)
    limits = [speed * sims for speed, sims in zip(bare, per_call, strict=True)]
    shares = [ours / limit for ours, limit in zip(speeds, limits, strict=True)]
    best = sorted(range(_ROUNDS), key=shares.__getitem__)[_ROUNDS // 2]  # the median round, as a whole
    return Measure(
        f"interactive search, {SIZE}×{SIZE}, {BLOCKS}×{CHANNELS}, batch 16, n0 = {n0}",
        ours=speeds[best],
        limit=limits[best],
        target=INTERACTIVE_TARGET,
        unit="simulations/s",
        note=f"limit: the network alone at the mean batch of {median(batches):.1f}, "
        f"times {per_call[best]:.2f} simulations a call; median of {_ROUNDS} rounds, "
        f"shares {min(shares):.2f} to {max(shares):.2f}",
    )


def _lockstep(network: Evaluator, *, n0: int, ctx: JobContext, step: int) -> Measure:
    """Self-play's search on many boards at once."""
    import torch

    from engines.hex.lockstep import Lockstep

    search = Lockstep(network, simulations=_GAME_SIMULATIONS, n0=n0, check=ctx.check)
    cells = torch.zeros(_GAMES, SIZE, SIZE, dtype=torch.int8, device=network.device)
    cells.view(_GAMES, -1)[torch.arange(_GAMES), torch.arange(_GAMES) % SIZE**2] = 1
    movers = torch.full((_GAMES,), 2, dtype=torch.int8, device=network.device)
    speeds, limits = [], []
    for turn in range(_ROUNDS):
        ctx.progress(step + turn / _ROUNDS, 3, "Lockstep search")
        start = time.perf_counter()
        result = search.search(cells, movers)
        speeds.append(int(result.visits.sum()) / (time.perf_counter() - start))
        alone = _positions_per_second(network, _GAMES, _ROUND_S, ctx.check)
        limits.append(alone * result.simulations / result.net_calls)
    shares = [ours / limit for ours, limit in zip(speeds, limits, strict=True)]
    best = sorted(range(_ROUNDS), key=shares.__getitem__)[_ROUNDS // 2]
    return Measure(
        f"lockstep search of {_GAMES} games, {SIZE}×{SIZE}, {BLOCKS}×{CHANNELS}, n0 = {n0}",
        ours=speeds[best],
        limit=limits[best],
        target=LOCKSTEP_TARGET,
        unit="simulations/s",
        note=f"limit: the network alone at batch {_GAMES}, times simulations a call; "
        f"median of {_ROUNDS} rounds, shares {min(shares):.2f} to {max(shares):.2f}",
    )


def _positions_per_second(network: Evaluator, batch: int, seconds: float, check: Callable[[], None]) -> float:
    """The bare network on random boards of this batch."""
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 3, (batch, SIZE, SIZE)).astype(np.int8)
    movers = rng.integers(1, 3, batch).astype(np.int8)
    network.evaluate(cells, movers)
    start, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        check()
        network.evaluate(cells, movers)
        done += batch
    return done / elapsed
