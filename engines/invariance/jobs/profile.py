"""Invariance and robustness profiles of several models ("invariance.profile")."""

from __future__ import annotations

import math

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.invariance.models import images_for, load_models, trained
from engines.invariance.results import ProfileResult
from engines.invariance.spec import COLOUR_EPS, GREY_EPS, ProfileSpec


@job("invariance.profile", ProfileSpec, title="Profiles of invariance and robustness")
def profile(spec: ProfileSpec, ctx: JobContext) -> ProfileResult:
    """Measure how often random turns and attacks change what models say, with the same draws for every model."""
    import torch

    from engines.invariance.method import fooling_profile, rate, turn_profile, unit_angles
    from engines.vision.attacks.base import predict
    from engines.vision.training.augment import rotate

    thetas = checked(spec.thetas, 180.0, "θ")
    ctx.progress(0, 0, "Loading models and images")
    models = load_models(spec.models, spec.data, spec.device, ctx.check)
    epsilons = checked(spec.epsilons or (GREY_EPS if models[0].input_shape[0] == 1 else COLOUR_EPS), 1.0, "ε")
    pool, x, labels, notes = images_for(models, spec.data, spec.images, spec.seed, ctx.check)
    angles = unit_angles(len(x), spec.repeats, torch.Generator().manual_seed(spec.seed))
    few = x[: spec.attacked or len(x)]
    if spec.turn_first:
        few = rotate(few, spec.turn_first * angles[0][: len(few)], mode=spec.resample)
        notes = (*notes, f"The attacked images were turned by up to ±{spec.turn_first:g}° first.")
    shape = {"accuracy": thetas, "invariance": thetas, "fooled": epsilons, "robust": epsilons}
    shape["fooled_shared"] = epsilons
    found = {name: np.full((len(models), len(points)), math.nan) for name, points in shape.items()}
    right = torch.stack([predict(m.net, x, check=ctx.check) == y for m, y in zip(models, labels, strict=True)])
    clean = np.array([rate(hits[y >= 0]) for hits, y in zip(right, labels, strict=True)])
    shared = right.all(0)[: len(few)]
    # Work is counted in passes over all images: an attack's step is about two.
    turning = len(thetas) * spec.repeats
    each = 2 * (spec.steps if spec.attack == "pgd" else 1) * len(few) / len(x)
    total = len(models) * (turning + each * len(epsilons))

    def so_far() -> ProfileResult:
        return ProfileResult(
            models=tuple(trained(m.name, m.card) for m in models),
            thetas=np.array(thetas),
            epsilons=np.array(epsilons),
            clean=clean.copy(),
            images=len(x),
            attacked=len(few),
            shared=int(shared.sum()),
            source=pool.source,
            attack=f"pgd-{spec.steps}" if spec.attack == "pgd" else "fgsm",
            notes=notes,
            **{name: rows.copy() for name, rows in found.items()},
        )

    for i, model in enumerate(models):
        y = labels[i]
        begun = i * total / len(models)

        def turned(count: int, begun: float = begun, title: str = model.title) -> None:
            ctx.progress(begun + count * spec.repeats, total, f"{title}: turns")

        def hit(count: int, begun: float = begun + turning, title: str = model.title) -> None:
            ctx.progress(begun + count * each, total, f"{title}: attacks")

        turns = turn_profile(model.net, x, y, thetas, angles, mode=spec.resample, done=turned, check=ctx.check)
        found["accuracy"][i], found["invariance"][i] = turns.accuracy.numpy(), turns.invariance.numpy()
        ctx.publish(so_far())
        fooling = fooling_profile(
            model.net, few, y[: len(few)], epsilons, attack=spec.attack, steps=spec.steps, seed=spec.seed, done=hit,
            check=ctx.check,
        )  # fmt: skip
        found["fooled"][i], found["robust"][i] = fooling.fooled.numpy(), fooling.robust_accuracy.numpy()
        found["fooled_shared"][i] = [rate((fooling.smallest <= n)[shared]) for n in range(len(epsilons))]
        ctx.publish(so_far(), keep=True)
    ctx.progress(total, total, "Done")
    return so_far()


def checked(values: tuple[float, ...], largest: float, what: str) -> tuple[float, ...]:
    """Sorted values without repeats, 0 among them. Raises UserError outside [0, largest]."""
    if not values:
        raise UserError(f"expected at least one {what}")
    if not all(math.isfinite(v) and 0 <= v <= largest for v in values):
        raise UserError(f"expected each {what} from 0 to {largest:g}, got {', '.join(f'{v:g}' for v in values)}")
    return tuple(sorted({0.0, *map(float, values)}))
