"""The zero loop: self-play with the latest network, a sample window, training, and what is measured on the way.

Source: Gao et al. 2019, "Zero loop" (no gating). The loop knows no context: it takes callbacks, and its whole state
goes into a checkpoint and back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from engines.hex.contest import contest, opening_cells
from engines.hex.evaluator import Evaluator
from engines.hex.learner import Learner, Weighting
from engines.hex.lockstep import Lockstep
from engines.hex.nets import HexNet, NetConfig
from engines.hex.perfect import Perfect
from engines.hex.probes import Probes, score
from engines.hex.samples import Window
from engines.hex.selfplay import Batch, SelfPlay
from engines.hex.spec import TrainSpec

CURVES = (
    "iteration", "net_calls", "seconds", "games", "games_per_s", "samples", "black_wins", "loss", "loss_policy",
    "loss_value", "loss_q", "loss_all", "loss_pen", "v_sign", "q_sign", "policy_top1", "consistency", "elo",
)  # fmt: skip
"""Names of the curves that every iteration adds one point to."""

MAX_STEPS = 2000


def nothing() -> None:
    """The default of callbacks."""


@dataclass
class Callbacks:
    """What the loop calls. check raises to stop it; show is asked for a picture now and then; play, when given,
    produces an iteration's games elsewhere (a cluster)."""

    check: Callable[[], None] = nothing
    show: Callable[[str], None] = lambda phase: None
    play: Callable[[TrainingLoop], list[Batch]] | None = None


@dataclass
class Twin:
    """The two-head network that sees the same batches."""

    learner: Learner
    history: list[float] = field(default_factory=list)


class TrainingLoop:
    """One training run. `iterate` does one round; `state` and `restore` survive a kill between rounds."""

    def __init__(
        self, spec: TrainSpec, device: torch.device, net: HexNet | None = None, twin: HexNet | None = None
    ) -> None:
        """net, twin: where to start from; None for untrained ones."""
        self.spec = spec
        self.device = device
        torch_seed = torch.Generator().manual_seed(spec.seed)
        self.rng = np.random.default_rng(spec.seed)
        self.learner = self._learner(net or new_net(spec, spec.heads, torch_seed))
        self.twin = Twin(self._learner(twin or new_net(spec, "two", torch_seed))) if spec.twin else None
        self.window = Window(spec.window)
        self.players: dict[int, SelfPlay] = {}
        self.solvers: dict[int, Perfect] = {}
        self.iteration = 0
        self.net_calls = 0
        self.games = 0
        self.seconds = 0.0
        self.elo = 0.0
        self.history: dict[str, list[float]] = {name: [] for name in CURVES}
        self.step_losses: list[np.ndarray] = []
        self.probes: Probes | None = None
        self._started = time.monotonic()

    def _learner(self, net: HexNet) -> Learner:
        s = self.spec
        return Learner(
            net,
            Weighting(s.lam_v, s.lam_q, s.lam_all, s.lam_pen),
            device=self.device,
            optimiser=s.optimiser,
            rate=s.rate,
            weight_decay=s.weight_decay,
            half=s.bfloat16,
            keep=s.keep,
            fixed_norm=s.fixed_norm,
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The board sizes of this iteration."""
        s = self.spec
        return s.sizes if not s.grow else s.sizes[: 2 + self.iteration // s.grow]

    def iterate(self, calls: Callbacks) -> None:
        """Self-play, training and measuring once."""
        self._started = time.monotonic()
        before = {k: v.clone() for k, v in self.learner.net.state_dict().items()} if self.spec.arena_games else {}
        batches = calls.play(self) if calls.play else [self._play(size, calls) for size in self.sizes]
        batches = [self._rescored(b, calls) for b in batches]
        self.window.add([b.samples for b in batches])
        self.net_calls += sum(b.net_calls for b in batches)
        games = sum(b.games for b in batches)
        self.games += games
        played_s = time.monotonic() - self._started
        losses = self._train(calls)
        self.seconds += time.monotonic() - self._started
        calls.show("measuring")
        point = {
            "iteration": self.iteration + 1,
            "net_calls": self.net_calls,
            "seconds": self.seconds,
            "games": self.games,
            "games_per_s": games / max(played_s, 1e-9),
            "samples": len(self.window),
            "black_wins": sum(b.black_wins for b in batches) / games,
            **dict(zip(CURVES[7:13], losses.tolist(), strict=True)),
            **self._measure(calls),
            "elo": self._arena(before, calls),
        }
        for name in CURVES:
            self.history[name].append(float(point[name]))
        self.iteration += 1

    def search(self, check: Callable[[], None], net: HexNet | None = None) -> Lockstep:
        """The self-play search of the current network (or of `net`)."""
        s = self.spec
        evaluator = Evaluator(net or self.learner.net, device=self.device, half=s.bfloat16)
        return Lockstep(
            evaluator, simulations=s.simulations, n0=s.n0, c_puct=s.c_puct, fpu=s.fpu, noise=s.noise, alpha=s.alpha,
            gumbel=s.gumbel, check=check,
        )  # fmt: skip

    def _play(self, size: int, calls: Callbacks) -> Batch:
        s = self.spec
        games = s.games_on(size)
        if size not in self.players:
            self.players[size] = SelfPlay(
                size,
                min(s.parallel_games, games),
                sampled_moves=round(s.sampled_moves * size**2),
                seed=s.seed + 1000 * size + self.iteration,
                random_moves=s.random_moves,
                defended=s.defended,
                perfect=self.perfect(size, calls),
                device=self.device,
            )
        return self.players[size].play(
            self.search(calls.check), games, on_move=lambda player, ended: calls.show("self-play")
        )

    def perfect(self, size: int, calls: Callbacks) -> Perfect | None:
        """The solver for a board that is rescored, else None."""
        if size > self.spec.rescore:
            return None
        if size not in self.solvers:
            self.solvers[size] = Perfect(size, calls.check)
        return self.solvers[size]

    def _rescored(self, batch: Batch, calls: Callbacks) -> Batch:
        perfect = self.perfect(batch.samples.size, calls)
        return batch if perfect is None else replace(batch, samples=perfect.rescored(batch.samples))

    def _train(self, calls: Callbacks) -> np.ndarray:
        """`epochs` times the window's samples, before duplicates are merged. Returns mean losses, float64 [6]."""
        s = self.spec
        rate = s.rate * s.rate_decay**self.iteration
        learners = [self.learner] + ([self.twin.learner] if self.twin else [])
        for learner in learners:
            learner.set_rate(rate)
        left = max(1, round(s.epochs * len(self.window) / s.batch))
        collected = []
        while left > 0:
            for samples in self.window.batches(s.batch, merge=s.average_duplicates, rng=self.rng):
                calls.check()
                losses = self.learner.step(samples)
                collected.append(losses)
                self.step_losses = [*self.step_losses[-MAX_STEPS + 1 :], losses]
                if self.twin:
                    self.twin.history.append(float(self.twin.learner.step(samples)[2]))
                    del self.twin.history[:-MAX_STEPS]
                calls.show("training")
                left -= 1
                if left <= 0:
                    break
        return np.asarray(np.mean(collected, axis=0, dtype=np.float64))

    def _measure(self, calls: Callbacks) -> dict[str, float]:
        names = ("v_sign", "q_sign", "policy_top1", "consistency")
        small = [n for n in self.spec.sizes if n <= max(4, self.spec.rescore)]
        if not self.spec.probes or not small:
            return dict.fromkeys(names, float("nan"))
        if self.probes is None:
            self.probes = Probes.random(max(small), self.spec.probes, seed=12345, check=calls.check)
        return score(Evaluator(self.learner.net, device=self.device), self.probes)

    def _arena(self, before: dict[str, torch.Tensor], calls: Callbacks) -> float:
        """Elo, from games against the network of the iteration before; the first has 0."""
        games = self.spec.arena_games
        if not games:
            return float("nan")
        old = HexNet(self.learner.net.config)
        old.load_state_dict({k: v.cpu() for k, v in before.items()})
        size = self.spec.sizes[-1]
        openings = opening_cells(size, max(1, games // 2))
        quiet = self.search(calls.check)
        quiet.noise = 0.0
        rival = self.search(calls.check, old)
        rival.noise = 0.0
        won = contest(quiet, rival, size, openings, check=calls.check)
        share = (won.sum() + 0.5) / (won.size + 1)  # one drawn game as prior keeps the Elo finite
        self.elo += 400 * np.log10(share / (1 - share))
        return self.elo

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on after this iteration (games under way begin anew)."""
        return {
            "iteration": self.iteration,
            "net_calls": self.net_calls,
            "games": self.games,
            "seconds": self.seconds,
            "elo": self.elo,
            "history": {name: np.asarray(v) for name, v in self.history.items()},
            "step_losses": np.array(self.step_losses, np.float32).reshape(-1, 6),
            "learner": self.learner.state(),
            "twin": self.twin.learner.state() if self.twin else {},
            "window": self.window.state(),
            "rng": self.rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.iteration = int(state["iteration"])
        self.net_calls = int(state["net_calls"])
        self.games = int(state["games"])
        self.seconds = float(state["seconds"])
        self.elo = float(state["elo"])
        self.history = {name: np.asarray(state["history"][name]).tolist() for name in CURVES}
        self.step_losses = list(np.asarray(state["step_losses"]))
        self.learner.restore(state["learner"])
        if self.twin:
            self.twin.learner.restore(state["twin"])
        self.window.restore(state["window"])
        self.rng.bit_generator.state = state["rng"]


def new_net(spec: TrainSpec, heads: str, generator: torch.Generator) -> HexNet:
    """An untrained network of the spec's architecture, drawn from `generator`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31 - 1, (1,), generator=generator)))
        return HexNet(net_config(spec, heads))


def net_config(spec: TrainSpec, heads: str) -> NetConfig:
    """The architecture that the spec asks for."""
    size = spec.sizes[0] if spec.head_kind == "fc" else 0
    return NetConfig(spec.blocks, spec.channels, heads, spec.head_kind, spec.canonical, size)
