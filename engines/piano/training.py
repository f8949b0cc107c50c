"""Training of a style autoencoder by maximum likelihood, resumable to the bit between two steps.

Every random choice of a step comes from generators made of (seed, step), so a run that goes on from a checkpoint draws
what it would have drawn. Source: Choi et al. 2020, section 4; rates and Adam as paper file 08, section 3, has them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.piano.crops import Batch, Crops
from engines.piano.muon import Muon
from engines.piano.nets.transformer import PAD, StyleAutoencoder, nll

CURVES: Final = ("step", "tokens", "seconds", "rate", "loss", "held_out", "other_style")
"""One point at each measuring: mean training loss since the last one, NLL on pieces not seen, and that with the styles
of other pieces (NaN where no performance is read, or all crops are of one piece), in nats per token."""
PAPER_WARM_UP: Final = 8000
BESIDE_MUON: Final = 0.3
"""Adam's rate as a share of Muon's, where both are at work: embeddings bear less than matrices."""
_PAPER_BETAS: Final = (0.9, 0.997)
_PAPER_EPS: Final = 1e-9
_HELD_OUT_SEED: Final = 20_07_1912
"""Of the crops that are held out: the same for every network, so that their NLL can be compared."""


def nothing() -> None:
    """The default of callbacks."""


@dataclass(frozen=True)
class Settings:
    """How to train.

    steps: at most; minutes: at most, of training, 0 for no limit. batch: crops of a step. schedule: "decay" rises
    linearly to `rate` over `warm_up` steps and falls linearly to 0 at the end, whichever of steps and minutes comes
    first; "paper" is the reference code's and ignores `rate`; "constant". optimiser: "adam", or "muon" (Adam for
    embeddings, norms and biases; orthogonalised momentum for matrices). perturbation: of the performance input.
    """

    steps: int = 1000
    minutes: float = 0.0
    batch: int = 8
    rate: float = 2e-3
    warm_up: int = 100
    schedule: str = "decay"
    optimiser: str = "adam"
    augment: bool = True
    perturbation: str = "none"
    measure_every: int = 200
    held_out: int = 32
    seed: int = 0


class Trainer:
    """One network being trained. `step` does one step; `state` and `restore` survive a kill between steps."""

    def __init__(
        self, net: StyleAutoencoder, train: Crops, held_out: Crops | None, settings: Settings, device: torch.device
    ) -> None:
        self.net = net.to(device)
        self.settings, self.device = settings, device
        self.train = train
        self.measured = held_out.fixed(settings.held_out, _HELD_OUT_SEED) if held_out and settings.held_out else None
        self.steps_done, self.tokens, self.seconds = 0, 0, 0.0
        self.history: dict[str, list[float]] = {name: [] for name in CURVES}
        self.losses: list[float] = []
        self._since: list[float] = []
        self.optimisers = _optimisers(net, settings)

    @property
    def share(self) -> float:
        """How much of the training is over, 0 to 1."""
        s = self.settings
        by_time = self.seconds / (60 * s.minutes) if s.minutes else 0.0
        return min(1.0, max(self.steps_done / s.steps, by_time))

    @property
    def is_over(self) -> bool:
        return self.share >= 1

    def step(self, check: Callable[[], None] = nothing) -> float:
        """One step; returns its loss. Measures on held-out crops when it is time, and at the end. Raises UserError when
        the loss is not finite: the weights are lost then."""
        s = self.settings
        started = time.monotonic()
        rng = np.random.default_rng((s.seed, self.steps_done))
        batch = self.train.batch(s.batch, rng, augment=s.augment, perturbation=s.perturbation)
        rate = self.rate()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate if optimiser is self.optimisers[-1] else rate * BESIDE_MUON
        self.net.train()
        with torch.random.fork_rng(devices=[]):  # Dropout draws from torch's global generator.
            torch.manual_seed(int(rng.integers(2**62)))
            loss = self._loss(batch)
        check()
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        check()
        for optimiser in self.optimisers:
            optimiser.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise UserError(f"the loss was no number any more at step {self.steps_done + 1}", "choose a lower rate")
        self.losses.append(value)
        self._since.append(value)
        self.steps_done += 1
        self.tokens += int((batch.target != PAD).sum())
        self.seconds += time.monotonic() - started
        if self.steps_done % s.measure_every == 0 or self.is_over:
            self._measure(rate, check)
        return value

    def rate(self) -> float:
        """The learning rate of the next step."""
        s = self.settings
        if s.schedule == "paper":
            return paper_rate(self.steps_done + 1, self.net.config.d)
        warm = min(1.0, (self.steps_done + 1) / max(1, s.warm_up))
        if s.schedule == "constant":
            return s.rate * warm
        return s.rate * min(warm, max(1e-3, (1 - self.share) / 0.9))

    def _loss(self, batch: Batch) -> Tensor:
        return loss_of(self.net, batch, self.device)

    def _measure(self, rate: float, check: Callable[[], None]) -> None:
        held_out = other = float("nan")
        if self.measured is not None:
            held_out = held_out_nll(self.net, self.measured, self.device, check)
            if self.net.config.reads_performance and self.measured.has_other_pieces:
                other = held_out_nll(self.net, self.measured.with_other_styles(), self.device, check)
        point = {
            "step": self.steps_done, "tokens": self.tokens, "seconds": self.seconds, "rate": rate,
            "loss": float(np.mean(self._since)), "held_out": held_out, "other_style": other,
        }  # fmt: skip
        for name in CURVES:
            self.history[name].append(float(point[name]))
        self._since.clear()

    def tensors(self) -> dict[str, Tensor]:
        """The network's tensors on the CPU."""
        return {name: t.detach().cpu().contiguous().clone() for name, t in self.net.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on after this step: numbers and numpy arrays."""
        return {
            "steps_done": self.steps_done,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "history": {name: np.asarray(v) for name, v in self.history.items()},
            "losses": np.asarray(self.losses),
            "since": np.asarray(self._since),
            "net": {name: t.numpy() for name, t in self.tensors().items()},
            "moments": [_moments(optimiser) for optimiser in self.optimisers],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.steps_done, self.tokens = int(state["steps_done"]), int(state["tokens"])
        self.seconds = float(state["seconds"])
        self.history = {name: np.asarray(state["history"][name]).tolist() for name in CURVES}
        self.losses, self._since = np.asarray(state["losses"]).tolist(), np.asarray(state["since"]).tolist()
        self.net.load_state_dict({name: torch.as_tensor(a) for name, a in state["net"].items()})
        for optimiser, moments in zip(self.optimisers, state["moments"], strict=True):
            whole = optimiser.state_dict()
            whole["state"] = {
                int(index): {k: torch.tensor(v) if isinstance(v, np.ndarray) else v for k, v in moment.items()}
                for index, moment in moments.items()
            }
            optimiser.load_state_dict(whole)


def loss_of(net: StyleAutoencoder, batch: Batch, device: torch.device) -> Tensor:
    """Mean cross-entropy of a batch in nats per token."""
    target, performance, melody, mask = _tensors(batch, device)
    return nll(net(target, performance, melody, mask), target)


def held_out_nll(
    net: StyleAutoencoder, batch: Batch, device: torch.device, check: Callable[[], None] = nothing
) -> float:
    """NLL of crops, in nats per token."""
    nats, tokens = nll_of_crops(net, batch, device, check)
    return float(nats.sum() / tokens.sum())


@torch.inference_mode()
def nll_of_crops(
    net: StyleAutoencoder, batch: Batch, device: torch.device, check: Callable[[], None] = nothing, rows: int = 4
) -> tuple[np.ndarray, np.ndarray]:
    """Nats float64 [B] and tokens int64 [B] of each crop, `rows` at a time."""
    net.eval()
    nats = []
    for at in range(0, len(batch.target), rows):
        check()
        part = batch.rows(slice(at, at + rows))
        target, performance, melody, mask = _tensors(part, device)
        losses = F.cross_entropy(
            net(target, performance, melody, mask).mT, target, ignore_index=PAD, reduction="none"
        )  # [rows, L]
        nats.append(losses.double().sum(1).cpu().numpy())
    return np.concatenate(nats), (batch.target != PAD).sum(1)


def _tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """target, performance, melody, and the performance's mask where anything is padded."""
    target, performance, melody = (
        torch.as_tensor(part, device=device) for part in (batch.target, batch.performance, batch.melody)
    )
    return target, performance, melody, performance != PAD if batch.is_padded else None


def paper_rate(step: int, d: int) -> float:
    """The reference code's learning rate at a step (from 1): 2 min(1, t/8000) max(t, 8000)^-1/2 d^-1/2."""
    return 2 * min(1.0, step / PAPER_WARM_UP) / math.sqrt(max(step, PAPER_WARM_UP) * d)


def _optimisers(net: nn.Module, settings: Settings) -> list[torch.optim.Optimizer]:
    """What moves the parameters; `step` sets the rate."""
    parameters = list(net.named_parameters())
    if settings.optimiser != "muon":
        return [torch.optim.Adam((p for _, p in parameters), lr=1.0, betas=_PAPER_BETAS, eps=_PAPER_EPS)]
    matrices = [p for name, p in parameters if p.ndim == 2 and not name.endswith("table") and "softmax" not in name]
    others = [p for name, p in parameters if p.ndim != 2 or name.endswith("table") or "softmax" in name]
    return [torch.optim.Adam(others, lr=1.0, betas=_PAPER_BETAS, eps=_PAPER_EPS), Muon(matrices)]


def _moments(optimiser: torch.optim.Optimizer) -> dict[str, dict[str, Any]]:
    return {
        str(index): {k: np.array(v.detach().cpu().numpy()) if torch.is_tensor(v) else v for k, v in moment.items()}
        for index, moment in optimiser.state_dict()["state"].items()
    }
