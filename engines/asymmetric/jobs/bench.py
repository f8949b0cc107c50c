"""The system bench ("asymmetric.bench") and the smallest distortions ("asymmetric.distortion").

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engines.asymmetric.metrics import auc, equal_error_rate, error_at, rates, threshold_at
from engines.asymmetric.results import RULES, BenchResult, DistortionResult
from engines.asymmetric.setting import (
    Loaded,
    Named,
    classifier_for,
    images_for,
    load_bank,
    step_of,
    training_of,
)
from engines.asymmetric.snapshots import BenchSnapshot
from engines.asymmetric.spec import BenchSpec, DistortionSpec
from engines.core.device import choose
from engines.core.errors import UserError
from engines.core.job import JobContext, job

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engines.asymmetric.attacks import System
    from engines.asymmetric.method import Ascent
    from engines.vision.images import Pool

BATCH = 50
"""Images attacked together: small enough to stop at once, large enough to be quick."""


@job("asymmetric.bench", BenchSpec, title="System bench")
def bench(spec: BenchSpec, ctx: JobContext) -> BenchResult:
    """Attack classifier and detectors together, and show what each decision rule lets through."""
    from engines.asymmetric.attacks import ATTACKS

    unknown = [name for name in spec.attacks if name not in ATTACKS]
    if unknown or not spec.attacks:
        raise UserError(
            f"there is no attack {', '.join(map(repr, unknown)) or 'chosen'}", f"known: {', '.join(ATTACKS)}"
        )
    device = choose(spec.device)
    ctx.progress(0, 1, "Loading models and images")
    bank = load_bank(spec.detectors, spec.data, device)
    pool = images_for(bank, spec.images, spec.seed, ctx.check)
    f = classifier_for(spec.classifier, bank, robust=False, seed=spec.seed, device=device, check=ctx.check)
    result = measure(spec, ctx, bank, f, pool)
    if spec.write:
        write_figures(spec, bank, result)
    return result


def write_figures(spec: BenchSpec, bank: Loaded, result: BenchResult) -> None:
    """Put the bench's figures into the card of the bank's file, beside what it says already."""
    from engines.core.weights import load_weights, save_weights

    if bank.card.path is None:
        raise UserError("these detectors have no file whose card could be written")
    path = bank.card.path.with_suffix(".safetensors")
    tensors, card = load_weights(path)
    budget = f"{spec.steps} steps of {step_of(spec):.3g}, {spec.keep} iterate"
    figures = {
        "images": len(result.labels),
        "data": bank.source,
        "classifier": result.titles[1],
        "attack": f"{spec.norm} ε {spec.eps:g}, {budget}",
        "clean_accuracy": dict(zip(RULES, ((result.named == result.labels).mean(1)).round(4).tolist(), strict=True)),
        f"error_at_{spec.tpr:g}_tpr": {
            name: dict(zip(RULES, row.round(4).tolist(), strict=True))
            for name, row in zip(result.attacks, result.error, strict=True)
        },
        "auc": {
            f"{steps} steps of {2.5 * spec.eps / steps:.3g}": row.round(5).tolist()
            for steps, row in zip(result.auc_steps, result.auc, strict=True)
        },
        "auc_images": spec.auc_images,
    }
    save_weights(path, tensors, replace(card, metrics={**card.metrics, "system": figures}))


@dataclass(frozen=True)
class _Decisions:
    """Logits f and z, float32 [N, K], and what each rule makes of them: named int64 [2, N], score float32 [2, N]."""

    f: np.ndarray
    z: np.ndarray
    named: np.ndarray
    score: np.ndarray


def measure(spec: BenchSpec, ctx: JobContext, bank: Loaded, f: Named, pool: Pool) -> BenchResult:
    """The bench on loaded models and images."""
    import torch

    from engines.asymmetric.attacks import System

    began = time.monotonic()
    device = next(bank.net.parameters()).device
    offsets = calibration(bank, 1 - spec.tpr, ctx.check) if spec.calibrate else np.zeros(bank.net.classes, np.float32)
    system = System(f.net, bank.net, torch.from_numpy(offsets).to(device) if spec.calibrate else None)
    x, y = pool.tensors(device)
    clean = _decide(system, x, ctx.check)
    thresholds = np.array([threshold_at(score, spec.tpr) for score in clean.score])
    count = len(spec.attacks)
    error, fooled = np.full((count, 2), np.nan), np.full(count, np.nan)
    eer = np.full((count, 2, 2), np.nan)
    images: list[np.ndarray] = []
    found: list[tuple[_Decisions, _Decisions]] = []
    for index, name in enumerate(spec.attacks):
        both = _attacked(spec, ctx, system, x, y, name, index)
        decisions = tuple(_decide(system, v, ctx.check) for v in both)
        for rule in range(2):
            named, score = decisions[rule].named[rule], decisions[rule].score[rule]
            all_rates = rates(clean.score[rule], clean.named[rule] == pool.labels, score, named != pool.labels)
            error[index, rule] = error_at(all_rates, spec.tpr)
            eer[index, rule] = equal_error_rate(all_rates)
        fooled[index] = float((decisions[0].f.argmax(1) != pool.labels).mean())
        images.append(np.stack([v.cpu().numpy() for v in both]))
        found.append((decisions[0], decisions[1]))
        ctx.publish(BenchSnapshot(spec.attacks, RULES, error.copy(), fooled.copy(), index + 1))
    natural = np.array(
        [auc(clean.z[pool.labels == k, k], clean.z[pool.labels != k, k]) for k in range(bank.net.classes)]
    )
    steps = spec.auc_steps if spec.auc_images else ()
    table = auc_table(spec, ctx, bank, steps)
    ctx.progress(1, 1, "Done")
    return BenchResult(
        attacks=tuple(spec.attacks),
        classes=bank.classes,
        titles=(bank.card.title or bank.card.name, f.title),
        images=pool.images,
        labels=pool.labels,
        f=clean.f,
        z=clean.z,
        named=clean.named,
        score=clean.score,
        attacked=np.stack(images),
        attacked_f=np.stack([np.stack([d.f for d in pair]) for pair in found]),
        attacked_z=np.stack([np.stack([d.z for d in pair]) for pair in found]),
        attacked_named=np.stack([np.stack([pair[r].named[r] for r in range(2)]) for pair in found]),
        attacked_score=np.stack([np.stack([pair[r].score[r] for r in range(2)]) for pair in found]),
        tpr=spec.tpr,
        threshold=thresholds,
        error=error,
        eer=eer[:, :, 0],
        eer_threshold=eer[:, :, 1],
        fooled=fooled,
        auc_steps=np.array(steps, np.int64),
        auc=table,
        natural_auc=natural,
        offsets=offsets,
        eps=spec.eps,
        norm=spec.norm,
        seconds=time.monotonic() - began,
    )


def ascent_of(spec: BenchSpec) -> Ascent:
    """The spec's attack."""
    from engines.asymmetric.method import Ascent

    return Ascent(spec.eps, spec.steps, step_of(spec), spec.norm, spec.optimiser, random_start=spec.random_start)


def _attacked(
    spec: BenchSpec, ctx: JobContext, system: System, x: Tensor, y: Tensor, name: str, index: int
) -> tuple[Tensor, Tensor]:
    """One attack on all images, in batches. Every batch has its own generator, so that sizes do not matter."""
    import torch

    from engines.asymmetric.attacks import attack

    parts: list[tuple[Tensor, Tensor]] = []
    for at in range(0, len(x), BATCH):
        ctx.progress(index + at / len(x), len(spec.attacks) + 0.5, f"Attack: {name}")
        generator = torch.Generator().manual_seed(spec.seed * 1000 + at)
        target = (y[at : at + BATCH] + 1 + torch.arange(len(y[at : at + BATCH]), device=y.device) % (
            system.detectors.classes - 1)) % system.detectors.classes  # fmt: skip
        parts.append(
            attack(
                system, x[at : at + BATCH], y[at : at + BATCH], name, ascent_of(spec), keep=spec.keep,
                restarts=spec.restarts, target=target, generator=generator, check=ctx.check,
            )
        )  # fmt: skip
    return torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts])


def _decide(system: System, x: Tensor, check: Callable[[], None]) -> _Decisions:
    """Logits and both decisions of images, without gradients."""
    import torch

    from engines.asymmetric.method import generative, integrated

    f, z, named, score = [], [], [], []
    with torch.no_grad():
        for at in range(0, len(x), BATCH):
            check()
            f.append(system.classifier(x[at : at + BATCH]))
            z.append(system.z(x[at : at + BATCH]))
            both = (integrated(f[-1], z[-1]), generative(z[-1]))
            named.append(torch.stack([k for k, _ in both]))
            score.append(torch.stack([s for _, s in both]))
    whole = [torch.cat(f), torch.cat(z), torch.cat(named, 1), torch.cat(score, 1)]
    if not bool(torch.isfinite(whole[0]).all() and torch.isfinite(whole[1]).all()):
        raise UserError("a model answered with NaN or infinity", "check its weights and its preprocessing")
    return _Decisions(*(v.cpu().numpy() for v in whole))


def calibration(bank: Loaded, share: float, check: Callable[[], None]) -> np.ndarray:
    """float32 [K]: offsets after which each detector rejects this share of its own class's validation images (ours)."""
    from engines.asymmetric.jobs.train import logits

    pool = training_of(bank, check).validation
    pool = pool.take(np.arange(min(len(pool), 3000)))
    z = logits(bank.net, pool, check)
    return np.array([-threshold_at(z[pool.labels == k, k], 1 - share) for k in range(bank.net.classes)], np.float32)


def auc_table(spec: BenchSpec, ctx: JobContext, bank: Loaded, steps: tuple[int, ...]) -> np.ndarray:
    """float64 [m, K]: AUC of each detector, its class's test images against attacked others, for each budget."""
    import torch

    from engines.asymmetric.fit import Pools, attack_each
    from engines.asymmetric.method import Ascent

    if not steps:
        return np.zeros((0, bank.net.classes))
    device = next(bank.net.parameters()).device
    pool = images_for(bank, 0, spec.seed, ctx.check)
    drawn = Pools(pool.labels, bank.net.classes, np.random.default_rng(spec.seed))
    fewest = min(int((pool.labels == k).sum()) for k in range(bank.net.classes))
    positive, negative = (
        torch.from_numpy(pool.images[drawn.draw(min(spec.auc_images, fewest), positive=p)]).to(device)
        for p in (True, False)
    )
    with torch.no_grad():
        z = bank.net.each(positive).cpu().numpy()
    table = np.zeros((len(steps), bank.net.classes))
    for row, budget in enumerate(steps):
        ctx.progress(len(spec.attacks) + 0.5 * row / len(steps), len(spec.attacks) + 0.5, f"AUC under {budget} steps")
        plan = Ascent(spec.eps, budget, 2.5 * spec.eps / budget or 1.0, spec.norm, spec.optimiser)
        with torch.no_grad():
            attacked = bank.net.each(attack_each(bank.net, negative, plan, check=ctx.check)).cpu().numpy()
        table[row] = [auc(p, n) for p, n in zip(z, attacked, strict=True)]
    return table


@job("asymmetric.distortion", DistortionSpec, title="Smallest distortions")
def distortion(spec: DistortionSpec, ctx: JobContext) -> DistortionResult:
    """How far images must be moved until the generative rule takes them for another class, with confidence."""
    import torch

    from engines.asymmetric.attacks import System, least_distortion

    began = time.monotonic()
    device = choose(spec.device)
    bank = load_bank(spec.detectors, spec.data, device)
    system = System(bank.net, bank.net)
    natural = images_for(bank, 1000, spec.seed, ctx.check)
    scores = _decide(system, natural.tensors(device)[0], ctx.check).score[1]
    threshold = threshold_at(scores, spec.tpr)
    pool = images_for(bank, spec.images, spec.seed + 1, ctx.check)
    x, y = pool.tensors(device)
    generator = torch.Generator().manual_seed(spec.seed)
    hop = torch.randint(1, bank.net.classes, (len(y),), generator=generator).to(device)
    target = (y + hop) % bank.net.classes

    def tell(trial: int, distance: torch.Tensor) -> None:
        good = torch.isfinite(distance)
        said = f"{int(good.sum())} of {len(distance)}, mean {float(distance[good].mean()):.2f}" if good.any() else ""
        ctx.progress(trial + 1, spec.bisections, f"Trial {trial + 1}: {said}")

    found, distance = least_distortion(
        system, x, y, target, threshold, steps=spec.steps, rate=spec.step_size, bisections=spec.bisections,
        largest=spec.largest, check=ctx.check, on_trial=tell,
    )  # fmt: skip
    lengths = distance.cpu().numpy().astype(np.float64)
    good = np.isfinite(lengths)
    return DistortionResult(
        images=pool.images,
        attacked=found.cpu().numpy(),
        labels=pool.labels,
        target=target.cpu().numpy(),
        distance=np.where(good, lengths, np.nan),
        mean=float(lengths[good].mean()) if good.any() else float("nan"),
        success_rate=float(good.mean()),
        threshold=threshold,
        seconds=time.monotonic() - began,
    )
