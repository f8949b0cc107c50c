"""Training of K detectors at once, each against negatives that are perturbed to look like its class.

Source: Yin et al. 2020, section 2 and GAT-MNIST. Deviations, both by choice of the caller: batches of a fixed number of
positives and negatives for each class instead of what a chunk of 320 happens to hold, and a radius that grows from 0 to
eps over the first updates (`ramp`), which saves a small budget from the long plateau at loss ln 2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engines.asymmetric.method import Ascent, maximise, nothing, training_loss
from engines.asymmetric.metrics import auc
from engines.core.errors import UserError
from engines.vision.nets.zoo import ImageNet


@dataclass(frozen=True)
class FitSettings:
    """ascent: of the negatives in training; validation: for the AUC after each epoch. positives, negatives: for each
    class in one update. updates: of one epoch. ramp: share of all updates over which the radius grows. decay: the rate
    falls to this share of itself along a half cosine (1: constant)."""

    ascent: Ascent
    validation: Ascent
    epochs: int
    updates: int
    positives: int = 32
    negatives: int = 32
    rate: float = 5e-4
    decay: float = 1.0
    ramp: float = 0.0


class Pools:
    """Endless shuffled indices of each class's images and of its others'. labels: int64 [N] in 0..K-1.

    Raises UserError where a class has no image, or all images are of one class.
    """

    def __init__(self, labels: np.ndarray, classes: int, rng: np.random.Generator) -> None:
        self._members = [np.flatnonzero(labels == k) for k in range(classes)]
        self._others = [np.flatnonzero((labels != k) & (labels >= 0)) for k in range(classes)]
        for k, (members, others) in enumerate(zip(self._members, self._others, strict=True)):
            if not len(members) or not len(others):
                what = "has no image" if not len(members) else "is the only one with images"
                raise UserError(f"class {k} of {classes} {what}", "a detector needs images of its class and of others")
        self._rng = rng
        self._queues: dict[tuple[int, bool], np.ndarray] = {}

    def draw(self, count: int, *, positive: bool) -> np.ndarray:
        """int64 [K, count]: indices of each class's own images (or of other classes'), without repetition until all
        were drawn."""
        return np.stack([self._take(k, count, positive) for k in range(len(self._members))])

    def _take(self, k: int, count: int, positive: bool) -> np.ndarray:
        queue = self._queues.get((k, positive), np.zeros(0, np.int64))
        while len(queue) < count:
            queue = np.concatenate([queue, self._rng.permutation((self._members if positive else self._others)[k])])
        self._queues[k, positive] = queue[count:]
        return queue[:count]


class Fit:
    """One training run. `update` does a step, `validate` ends an epoch; `state` and `restore` survive a kill.

    images: float32 [N, C, H, W] in [0, 1]; labels: int64 [N]; the validation ones alike. All on the network's device.
    best: the network with each detector from the epoch in which its validation AUC was highest.
    """

    def __init__(
        self,
        net: ImageNet,
        settings: FitSettings,
        images: Tensor,
        labels: np.ndarray,
        validation: tuple[Tensor, np.ndarray],
        *,
        seed: int,
        most_validation: int = 100,
    ) -> None:
        self.net, self.settings = net, settings
        self.images = images
        rng = np.random.default_rng(seed)
        self.pools = Pools(labels, net.classes, rng)
        self._rng = rng
        self.generator = torch.Generator().manual_seed(seed)
        self.optimiser = torch.optim.Adam(net.parameters(), lr=settings.rate)
        self._positives, self._negatives = _validation(validation, net.classes, most_validation)
        self.update_count = 0
        self.losses: list[np.ndarray] = []
        """float32 [K] of every update."""
        self.curve: list[np.ndarray] = []
        """float64 [K], validation AUC after every epoch."""
        self.best_auc = np.full(net.classes, -1.0)
        self.best_epoch = np.zeros(net.classes, np.int64)
        self.best = {name: value.clone() for name, value in net.state_dict().items()}
        self.sample = (images[:0], images[:0])
        """A negative of each detector before and after the last update's attack, [K, C, H, W]."""

    @property
    def total(self) -> int:
        return self.settings.epochs * self.settings.updates

    @property
    def epoch(self) -> int:
        """Epochs that were validated."""
        return len(self.curve)

    def update(self, check: Callable[[], None] = nothing) -> np.ndarray:
        """One step of Adam on fresh batches. Returns the loss of each detector, float32 [K]."""
        s = self.settings
        part = self.update_count / max(1, self.total)
        self.optimiser.param_groups[0]["lr"] = s.rate * (s.decay + (1 - s.decay) * 0.5 * (1 + np.cos(np.pi * part)))
        positive = self.images[torch.from_numpy(self.pools.draw(s.positives, positive=True))]  # [K, P, C, H, W]
        negative = self.images[torch.from_numpy(self.pools.draw(s.negatives, positive=False))]
        clean = negative[:, 0]
        negative = attack_each(self.net, negative, self._ramped(part), generator=self.generator, check=check)
        self.sample = (clean, negative[:, 0])
        self.net.train()
        z = self.net.each(torch.cat([positive, negative], 1))
        z_positive, z_negative = z[:, : s.positives], z[:, s.positives :]
        loss = training_loss(z_positive, z_negative)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.update_count += 1
        each = torch.stack([training_loss(p[None], n[None]) for p, n in zip(z_positive, z_negative, strict=True)])
        self.losses.append(each.detach().cpu().numpy().astype(np.float32))
        return self.losses[-1]

    def _ramped(self, part: float) -> Ascent:
        """The training attack with its present radius; its steps shrink along."""
        s = self.settings
        share = min(1.0, part / s.ramp) if s.ramp else 1.0
        return replace(s.ascent, eps=s.ascent.eps * share, step_size=s.ascent.step_size * max(share, 1e-3))

    def validate(self, check: Callable[[], None] = nothing) -> np.ndarray:
        """End an epoch: AUC of each detector, float64 [K]; detectors that got better are kept in `best`."""
        self.net.eval()
        attacked = attack_each(self.net, self._negatives, self.settings.validation, check=check)
        with torch.no_grad():
            z_positive, z_negative = self.net.each(self._positives), self.net.each(attacked)
        found = np.array([auc(p, n) for p, n in zip(z_positive.cpu().numpy(), z_negative.cpu().numpy(), strict=True)])
        self.curve.append(found)
        k = self.net.classes
        now = self.net.state_dict()
        for index in np.flatnonzero(found > self.best_auc):
            for name, kept in self.best.items():
                if name.startswith("body."):  # each parameter carries the detector in its first axis
                    kept.view(k, -1)[index] = now[name].view(k, -1)[index]
            self.best_epoch[index] = self.epoch
        self.best_auc = np.maximum(self.best_auc, found)
        return found

    def use_best(self) -> None:
        """Put the best epoch of every detector into the network."""
        self.net.load_state_dict(self.best)
        self.net.eval()

    def state(self) -> dict[str, Any]:
        """All that a later process needs to go on from here, as copied numpy arrays and plain values."""
        moments = self.optimiser.state_dict()["state"]
        return {
            "updates": self.update_count,
            "losses": np.array(self.losses, np.float32).reshape(-1, self.net.classes),
            "curve": np.array(self.curve).reshape(-1, self.net.classes),
            "best_auc": self.best_auc.copy(),
            "best_epoch": self.best_epoch.copy(),
            "net": {name: _copied(value) for name, value in self.net.state_dict().items()},
            "best": {name: _copied(value) for name, value in self.best.items()},
            "moments": {str(i): {key: _copied(value) for key, value in entry.items()} for i, entry in moments.items()},
            "rng": self._rng.bit_generator.state,
            "queues": [[k, positive, queue] for (k, positive), queue in self.pools._queues.items()],
            "generator": self.generator.get_state().numpy(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.update_count = int(state["updates"])
        self.losses, self.curve = list(state["losses"]), list(state["curve"])
        self.best_auc, self.best_epoch = state["best_auc"].copy(), state["best_epoch"].copy()
        device = self.images.device
        self.net.load_state_dict({name: torch.from_numpy(value) for name, value in state["net"].items()})
        self.best = {name: torch.from_numpy(value.copy()).to(device) for name, value in state["best"].items()}
        moments = self.optimiser.state_dict()
        moments["state"] = {
            int(i): {key: torch.from_numpy(value.copy()) for key, value in entry.items()}
            for i, entry in state["moments"].items()
        }
        self.optimiser.load_state_dict(moments)
        self._rng.bit_generator.state = state["rng"]
        self.pools._queues = {(int(k), bool(positive)): queue for k, positive, queue in state["queues"]}
        self.generator.set_state(torch.from_numpy(state["generator"].copy()))


def _copied(value: Tensor) -> np.ndarray:
    """A tensor as an array that training does not change any more."""
    return np.array(value.detach().cpu().numpy())


def attack_each(
    net: ImageNet,
    x: Tensor,
    ascent: Ascent,
    *,
    generator: torch.Generator | None = None,
    check: Callable[[], None] = nothing,
) -> Tensor:
    """x [K, B, C, H, W] perturbed so that detector k takes x[k] for its class. The network is in eval mode."""
    net.eval()
    return maximise(net.each, x, ascent, lead=2, generator=generator, check=check)


def _validation(pool: tuple[Tensor, np.ndarray], classes: int, most: int) -> tuple[Tensor, Tensor]:
    """Positives and negatives of each class, [K, P, C, H, W] and [K, N, C, H, W]; at most `most` of either."""
    images, labels = pool
    drawn = Pools(labels, classes, np.random.default_rng(0))
    fewest = min(int((labels == k).sum()) for k in range(classes))
    positives = drawn.draw(min(most, fewest), positive=True)
    negatives = drawn.draw(min(most, len(labels) - int(np.bincount(labels[labels >= 0]).max())), positive=False)
    return images[torch.from_numpy(positives)], images[torch.from_numpy(negatives)]
