"""Self-play of an iteration on a Ray cluster: chunks of games out, samples back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engines.core.cluster import ClusterExecutor
from engines.core.job import JobContext
from engines.hex.evaluator import Evaluator
from engines.hex.lockstep import Lockstep
from engines.hex.nets import HexNet, NetConfig
from engines.hex.perfect import Perfect
from engines.hex.samples import join
from engines.hex.selfplay import Batch, SelfPlay
from engines.hex.spec import TrainSpec
from engines.hex.training import TrainingLoop


def play_chunk(task: tuple[int, int, int], shared: dict[str, Any]) -> Batch:
    """Play games to their end. task: (board size, games, seed); shared: the spec, the architecture and the tensors
    of the network as numpy arrays. Runs in a worker process, on one thread."""
    size, games, seed = task
    torch.set_num_threads(1)
    spec = TrainSpec.checked(shared["spec"])
    net = HexNet(NetConfig(**shared["config"]))
    net.load_state_dict({name: torch.as_tensor(np.array(a)) for name, a in shared["net"].items()})
    search = Lockstep(
        Evaluator(net, half=spec.bfloat16), simulations=spec.simulations, n0=spec.n0, c_puct=spec.c_puct, fpu=spec.fpu,
        noise=spec.noise, alpha=spec.alpha, gumbel=spec.gumbel,
    )  # fmt: skip
    player = SelfPlay(
        size, games, sampled_moves=round(spec.sampled_moves * size**2), seed=seed, random_moves=spec.random_moves,
        defended=spec.defended, perfect=Perfect(size) if spec.defended and size <= spec.rescore else None,
    )  # fmt: skip
    return player.play(search, games, refill=False)


def gather(batches: list[Batch]) -> Batch:
    """Several batches of one board size as one."""
    return Batch(
        samples=join([b.samples for b in batches]),
        games=sum(b.games for b in batches),
        black_wins=sum(b.black_wins for b in batches),
        moves=sum(b.moves for b in batches),
        simulations=sum(b.simulations for b in batches),
        net_calls=sum(b.net_calls for b in batches),
    )


class ClusterPlay:
    """Plays an iteration's games on a cluster; a lost worker's chunk is played again by another."""

    def __init__(self, spec: TrainSpec, ctx: JobContext) -> None:
        self.spec = spec
        self.ctx = ctx
        self.executor = ClusterExecutor(spec.cluster, local_cpus=None if spec.cluster else spec.actors)

    def __call__(self, loop: TrainingLoop) -> list[Batch]:
        spec = self.spec
        first = spec.seed * 1_000_003 + loop.iteration * 10_007
        tasks = [(n, games, first + 101 * n + i) for n in loop.sizes for i, games in enumerate(self._chunks(n))]
        shared = {
            "spec": spec.model_dump(mode="json"),
            "config": loop.learner.net.config.as_dict(),
            "net": {name: t.numpy() for name, t in loop.learner.tensors().items()},
        }
        by_size: dict[int, list[Batch]] = {}
        played = self.executor.map(play_chunk, tasks, shared=shared, ordered=False, check=self.ctx.check)
        for done, batch in enumerate(played, 1):
            by_size.setdefault(batch.samples.size, []).append(batch)
            self.ctx.progress(
                loop.iteration + done / (2 * len(tasks)), spec.iterations, f"Self-play, part {done} of {len(tasks)}"
            )
        return [gather(by_size[n]) for n in sorted(by_size)]

    def _chunks(self, size: int) -> list[int]:
        """Games of each task on this board."""
        spec = self.spec
        games = spec.games_on(size)
        share = max(1, min(spec.parallel_games, -(-games // spec.actors)))
        return [share] * (games // share) + ([games % share] if games % share else [])

    def close(self) -> None:
        self.executor.close()
