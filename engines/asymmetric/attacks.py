"""Attacks on the whole system: a classifier f and a bank of K detectors, under both decision rules.

Sources: Yin et al. 2020, section 4.2 (losses (9), (10), (12), (13)); the multi-targeted attack is that of Tramer,
Carlini, Brendel, Madry 2020 (arXiv 2002.08347), whose re-evaluation broke the published system: show its numbers beside
the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from engines.asymmetric.method import (
    Ascent,
    best_other,
    classifier_loss,
    combined_cw_loss,
    combined_loss,
    detector_ce_loss,
    detector_cw_loss,
    detector_loss,
    generative,
    integrated,
    maximise,
    nothing,
    of_class,
)
from engines.core.errors import UserError
from engines.vision.nets.detectors import Detectors
from engines.vision.nets.zoo import ImageNet

Net = Callable[[Tensor], Tensor]
"""Images [B, C, H, W] in [0, 1] to logits [B, K]."""

PAPER = ("classifier", "detectors", "combined", "combined-cw", "detectors-ce", "detectors-cw", "targeted")
ADAPTIVE = "multi-targeted"
ATTACKS = (*PAPER, ADAPTIVE)
MARGIN = 0.01
"""By how much the target must lead before the multi-targeted attack turns to its detector. Source: [re-eval]."""
_HARMLESS = -1e6
"""Rank of an image that the system still names rightly: below any logit."""


@dataclass(frozen=True)
class System:
    """classifier: f; detectors: a bank for the same K classes; offsets: float [K] added to its logits, or None."""

    classifier: Net
    detectors: ImageNet
    offsets: Tensor | None = None

    def z(self, x: Tensor) -> Tensor:
        """Detector logits [B, K], offsets included."""
        z: Tensor = self.detectors(x)
        return z if self.offsets is None else z + self.offsets

    def one(self, k: int) -> Net:
        """Detector k alone, images to logits [B]: a K-th of the work."""
        bank = self.detectors.body
        if not isinstance(bank, Detectors):
            return lambda x: self.z(x)[:, k]
        part = bank.only(k)
        offset = 0.0 if self.offsets is None else float(self.offsets[k])
        return lambda x: part(self.detectors.normalise(x)).squeeze(1) + offset

    def decide(self, rule: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class and score [B] under rule 0 (integrated) or 1 (generative), without gradients."""
        with torch.no_grad():
            z = self.z(x)
            return integrated(self.classifier(x), z) if rule == 0 else generative(z)


def damage(named: Tensor, score: Tensor, y: Tensor) -> Tensor:
    """How bad a decision is, [B]: the score of a wrong class, far below all logits for the right one."""
    return torch.where(named != y, score, _HARMLESS)


def attack(
    system: System,
    x: Tensor,
    y: Tensor,
    name: str,
    ascent: Ascent,
    *,
    keep: str = "last",
    restarts: int = 1,
    target: Tensor | None = None,
    generator: torch.Generator | None = None,
    check: Callable[[], None] = nothing,
) -> tuple[Tensor, Tensor]:
    """Perturbed images against the integrated and the generative rule, each like x [B, C, H, W].

    keep: "last" iterate (the paper; both results are then equal), or the "best" of all iterates and restarts by the
    final decision of each rule. The multi-targeted attack always keeps its best. target: int64 [B] for "targeted".
    Raises UserError for an unknown attack.
    """
    if name == ADAPTIVE:
        return (
            multi_targeted(system, x, y, ascent, rule=0, restarts=restarts, generator=generator, check=check),
            multi_targeted(system, x, y, ascent, rule=1, restarts=restarts, generator=generator, check=check),
        )
    loss = _loss(system, name, y, target)
    if keep == "last":
        found = maximise(lambda v: -loss(v), x, ascent, generator=generator, check=check)
        return found, found
    best = _Best(system, x, y)
    for _ in range(max(1, restarts)):
        last = maximise(lambda v: -loss(v), x, ascent, generator=generator, check=check, on_step=best.look)
        best.look(-1, last)
    return best.images


def _is_in_box(x: Tensor) -> bool:
    """Whether all pixels lie in [0, 1]: a random start is clipped by the first step only, and is no image before."""
    return bool(((x >= 0) & (x <= 1)).all())


class _Best:
    """The most harmful iterate of every image under either rule."""

    def __init__(self, system: System, x: Tensor, y: Tensor) -> None:
        self.system, self.y = system, y
        self.images = (x.clone(), x.clone())
        self._rank = [torch.full((len(x),), -torch.inf, device=x.device) for _ in range(2)]

    def look(self, step: int, x: Tensor, value: Tensor | None = None) -> None:
        if step == 0 and not _is_in_box(x):
            return
        with torch.no_grad():
            f, z = self.system.classifier(x), self.system.z(x)
        for rule, (named, score) in enumerate((integrated(f, z), generative(z))):
            rank = damage(named, score, self.y)
            better = rank >= self._rank[rule]  # among harmless ones the latest
            self._rank[rule] = torch.where(better, rank, self._rank[rule])
            self.images[rule][better] = x[better]


def _loss(system: System, name: str, y: Tensor, target: Tensor | None) -> Net:
    """The attack's loss [B] of images, which it makes small."""
    f, z = system.classifier, system.z
    if name == "targeted" and target is None:
        raise UserError("a targeted attack needs targets")
    losses: dict[str, Net] = {
        "classifier": lambda x: classifier_loss(f(x), y),
        "detectors": lambda x: detector_loss(z(x), y),
        "combined": lambda x: combined_loss(f(x), z(x), y),
        "combined-cw": lambda x: combined_cw_loss(f(x), z(x), y),
        "detectors-ce": lambda x: detector_ce_loss(z(x), y),
        "detectors-cw": lambda x: detector_cw_loss(z(x), y),
        "targeted": lambda x: -of_class(z(x), y if target is None else target),
    }
    if name not in losses:
        raise UserError(f"there is no attack {name!r}", f"known: {', '.join(ATTACKS)}")
    return losses[name]


def multi_targeted(
    system: System,
    x: Tensor,
    y: Tensor,
    ascent: Ascent,
    *,
    rule: int,
    restarts: int = 1,
    generator: torch.Generator | None = None,
    check: Callable[[], None] = nothing,
) -> Tensor:
    """The strongest image [B, C, H, W] over all targets t ≠ y, iterates and restarts.

    ascent: its eps, norm and steps count; as in the source it takes normalised gradient steps of 2.5 eps / steps from
    a random start. rule 0: ascend F_t - max other F until t leads by MARGIN, then Z_t of that one detector. rule 1: the
    same with Z in the place of F.
    """
    size = 2.5 * ascent.eps / max(ascent.steps, 1) or 1.0
    plan = replace(ascent, optimiser="normgrad", random_start=True, step_size=size)
    best = x.clone()
    rank = damage(*system.decide(rule, x), y)
    for t in range(system.detectors.classes):
        rows = torch.nonzero(y != t).squeeze(1)
        if not len(rows):
            continue
        target = torch.full((len(rows),), t, device=x.device)
        steer = _Steering(system, target, x[rows], rule, restricted=system.one(t) if rule == 0 else None)
        for _ in range(max(1, restarts)):
            last = maximise(steer, x[rows], plan, generator=generator, check=check, on_step=steer.look)
            steer.finish(last, damage(*system.decide(rule, last), y[rows]))
        better = steer.rank > rank[rows]
        rank[rows[better]] = steer.rank[better]
        best[rows[better]] = steer.best[better]
    return best


class _Steering:
    """The two-phase objective of one target, and the iterate in which the target led with the highest Z."""

    def __init__(self, system: System, target: Tensor, x: Tensor, rule: int, restricted: Net | None) -> None:
        self.system, self.target, self.rule, self.restricted = system, target, rule, restricted
        self.best = x.clone()
        self.rank = torch.full((len(x),), -torch.inf, device=x.device)
        self._leads = self._score = torch.zeros(0)

    def __call__(self, x: Tensor) -> Tensor:
        if self.restricted is not None:
            named = self.system.classifier(x)
            score = self.restricted(x)
        else:
            named = self.system.z(x)
            score = of_class(named, self.target)
        mine, other = of_class(named, self.target), best_other(named, self.target)
        self._leads, self._score = (mine > other).detach(), score.detach()
        return torch.where(mine - MARGIN <= other, mine - other, score)

    def look(self, step: int, x: Tensor, value: Tensor) -> None:
        if step == 0 and not _is_in_box(x):
            return
        self._take(x, torch.where(self._leads, self._score, -torch.inf))

    def finish(self, x: Tensor, rank: Tensor) -> None:
        """The last iterate, whatever class it is named."""
        self._take(x, rank)

    def _take(self, x: Tensor, rank: Tensor) -> None:
        better = rank > self.rank
        self.rank = torch.where(better, rank, self.rank)
        self.best[better] = x[better]


def least_distortion(
    system: System,
    x: Tensor,
    y: Tensor,
    target: Tensor,
    threshold: float,
    *,
    steps: int,
    rate: float,
    bisections: int,
    largest: float,
    check: Callable[[], None] = nothing,
    on_trial: Callable[[int, Tensor], None] = lambda trial, distance: None,
) -> tuple[Tensor, Tensor]:
    """Smallest perturbation after which the generative rule accepts a wrong class: (images like x, l2 distance [B]).

    Each trial minimises -Z_target + c·‖delta‖² with Adam and no ball; success is a wrong class whose score is above the
    threshold, at any iterate. c is bisected for each image on [0, largest], beginning at 0; a success raises its lower
    end. Distance is inf where no trial succeeds. Source: GAT-MNIST; its rate is 1.0, ours is the caller's choice.
    """
    low = torch.zeros(len(x), device=x.device)
    high = torch.full_like(low, largest)
    best, distance = x.clone(), torch.full_like(low, torch.inf)
    plan = Ascent(eps=torch.inf, steps=steps, step_size=rate, norm="l2")
    for trial in range(bisections):
        c = low if trial == 0 else (low + high) / 2
        succeeded = torch.zeros_like(low, dtype=torch.bool)

        def look(step: int, moved: Tensor, value: Tensor | None = None, succeeded: Tensor = succeeded) -> None:
            named, score = system.decide(1, moved)
            far = (moved - x).flatten(1).norm(dim=1)
            good = (named != y) & (score > threshold)
            succeeded |= good
            better = good & (far < distance)
            distance[better] = far[better]
            best[better] = moved[better]

        def objective(moved: Tensor, c: Tensor = c) -> Tensor:
            return of_class(system.z(moved), target) - c * (moved - x).flatten(1).square().sum(1)

        look(steps, maximise(objective, x, plan, check=check, on_step=look))
        if trial:
            low = torch.where(succeeded, c, low)
            high = torch.where(succeeded, high, c)
        on_trial(trial, distance)
    return best, distance
