"""The claims of the paper on transfer, measured on the networks that ship with the program.

Source: Lin et al. 2020, sections 3 and 4; paper values from tables 1 and 4 and figures 1 and 2 (ImageNet, Inception-v3
as the source). Each seed draws other images and other random parts; the networks stay the same. Settings: networks for
MNIST on MNIST (or on the embedded digits where it is missing) and those for CIFAR-10 on CIFAR-10, where both are at
hand. Every model is a source in turn, all others are its black boxes. Tolerances and verdicts are in `verdicts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engines.core.claims import Claim, ClaimResult
from engines.core.data import status
from engines.core.errors import UserError
from engines.core.job import JobContext, run_job
from engines.core.parts import Place
from engines.transfer.reference import ON_INCEPTION_V3
from engines.transfer.setting import COLOUR, GREY, default_models, is_robust
from engines.transfer.spec import MatrixSpec, RaceSpec, ScalesSpec
from engines.transfer.verdicts import (
    FLAT,
    ORDER,
    ORDER_PARTLY,
    PAPER,
    RECIPES,
    SIM_GAIN,
    SIM_PARTLY,
    WHITE_BOX,
    WHITE_PARTLY,
    Found,
    Seed,
    judge,
)
from engines.vision.nets.models import list_models


def _paper_gap(a: str, b: str, columns: slice) -> float:
    return float(np.mean(ON_INCEPTION_V3[a][columns]) - np.mean(ON_INCEPTION_V3[b][columns]))


CLAIMS = (
    Claim(
        "1",
        "Iterating raises white-box success and lowers black-box success against a single step.",
        paper=f"I-FGSM over FGSM: white box {_paper_gap('I-FGSM', 'FGSM', slice(0, 1)):+.1f} points, "
        f"black box {_paper_gap('I-FGSM', 'FGSM', slice(1, 7)):+.1f}",
        measure="I-FGSM minus FGSM, mean over all white-box pairs and over all black-box pairs.",
        expected="White box up and black box down in every setting (partly: in one setting).",
    ),
    Claim(
        "2",
        "NI-FGSM transfers at least as well as MI-FGSM with as many iterations, and the gap grows with them.",
        paper="Inception-v4, figure 2: +0.4 points at T = 4, +11.8 at T = 16",
        measure="NI minus MI on black boxes after each of 16 iterations with steps of ε/16; mean gap at 16, and the "
        "slope of the gap over iterations 4 to 16.",
        expected="Gap and slope above zero in every setting (partly: the gap above zero somewhere).",
    ),
    Claim(
        "3",
        "Scale copies raise black-box success by 10 to 35 points.",
        paper=f"SI-NI-FGSM over NI-FGSM: {PAPER['SI-NI-FGSM'] - PAPER['NI-FGSM']:+.1f} points",
        measure="SI-NI-FGSM (m = 5, about mid-grey) minus NI-FGSM, mean over black-box pairs; beside it with scaling "
        "about black.",
        expected=f"At least {SIM_GAIN:.0f} points in every setting (partly: {SIM_PARTLY:.0f} somewhere).",
    ),
    Claim(
        "4",
        "Smoothing the gradient helps mostly against adversarially trained targets.",
        paper=f"TI-DIM over DIM: normal targets {_paper_gap('TI-DIM', 'DIM', slice(1, 4)):+.1f} points, adversarially "
        f"trained {_paper_gap('TI-DIM', 'DIM', slice(4, 7)):+.1f}",
        measure="TI-DIM minus DIM from normal sources, on adversarially trained targets minus on normal ones.",
        expected="Helps against adversarially trained targets, and more than against normal ones, in every setting.",
    ),
    Claim(
        "5",
        "White-box success stays at about 100 % throughout.",
        paper="98.5 to 100 %",
        measure="Smallest mean white-box success among the iterated methods, over sources that were not adversarially "
        "trained; images as right for all models.",
        expected=f"At least {WHITE_BOX:.0f} % in every setting (partly: {WHITE_PARTLY:.0f} %).",
    ),
    Claim(
        "6",
        "The mean loss is flat when pixels are multiplied by 0.1 to 1.3, and rises after.",
        paper="figure 1: four models, 1000 images",
        measure="Mean cross-entropy about mid-grey: its range on [0.1, 1.3], and its value at 2 minus that at 1.3.",
        expected=f"Range at most {FLAT} nats and a rise, for most models of every setting (partly: for some model).",
    ),
    Claim(
        "order",
        "The methods' order by black-box success.",
        paper=", ".join(f"{key} {PAPER[key]:.1f}" for key in sorted(PAPER, key=PAPER.__getitem__) if key in RECIPES),
        measure="Kendall's tau between the mean black-box success here and the paper's (tables 1 and 4), over the "
        f"{len([k for k in RECIPES if k in PAPER])} methods in both.",
        expected=f"Tau at least {ORDER} in every setting (partly: {ORDER_PARTLY}).",
    ),
)


@dataclass(frozen=True)
class Plan:
    """How large the measurement is. images: of each seed. settings: their name → what the specs take; empty finds
    those that are at hand. models: at most, of each setting."""

    images: int = 100
    scale_images: int = 200
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: int = 5


PLANS = {"quick": Plan(), "full": Plan(images=500, scale_images=1000, models=6)}
EPS = {"MNIST": 0.2, "digits": 0.2, "CIFAR-10": 8 / 255}


def settings(models: int) -> dict[str, dict[str, Any]]:
    """The settings that are at hand: their name, and the fields data, names (of models) and eps."""
    found: dict[str, dict[str, Any]] = {}
    grey = "mnist" if status("mnist").state == "ready" else "digits"
    for title, shape, data in (("MNIST" if grey == "mnist" else "digits", GREY, grey), ("CIFAR-10", COLOUR, "cifar10")):
        if data == "cifar10" and status("cifar10").state != "ready":
            continue
        try:
            names = default_models(data, shape, models)
        except UserError:
            continue
        if len(names) > 1:
            found[title] = {"data": data, "names": names, "eps": EPS[title]}
    return found


def run_claims(preset: str, seeds: tuple[int, ...], ctx: JobContext) -> list[ClaimResult]:
    """Measure all claims with these seeds; each is published again after every seed."""
    plan = PLANS[preset]
    return measure(plan, plan.settings or settings(plan.models), seeds, ctx)


def measure(plan: Plan, where: dict[str, dict[str, Any]], seeds: Sequence[int], ctx: JobContext) -> list[ClaimResult]:
    """Seed by seed and setting by setting. What stands after a seed is published, so that a stop loses little."""
    if not where:
        note = "There are no trained networks for images yet."
        return [ClaimResult(claim.id, "", "not run", note=note) for claim in CLAIMS]
    found: Found = {title: [] for title in where}
    results: list[ClaimResult] = []
    for index, seed in enumerate(seeds):
        for place, (title, fields) in enumerate(where.items()):
            part = Place(ctx, (index * len(where) + place), len(seeds) * len(where), f"Seed {seed}, {title}")
            found[title].append(measure_seed(plan, seed, part, **fields))
        results = judge(found)
        for result in results:
            ctx.publish(result, keep=True)
    ctx.progress(1, 1, "Done")
    return results


def measure_seed(plan: Plan, seed: int, part: Place, *, data: str, names: Sequence[str], eps: float) -> Seed:
    """All that one seed needs in one setting."""
    listed = ",".join(names)
    robust = {info.name for info in list_models() if is_robust(info)}
    normal = [name for name in names if name not in robust]
    images: dict[str, Any] = {"data": data, "images": plan.images, "eps": eps, "seed": seed}
    models: dict[str, Any] = {"sources": listed, "targets": listed, "gallery": 0}
    matrix = run_job(
        "transfer.matrix", MatrixSpec(**images, **models, recipes=",".join(RECIPES)), part.step(0.0, 0.55)
    )  # fmt: skip
    black = run_job(
        "transfer.matrix", MatrixSpec(**images, **models, recipes="SI-NI-FGSM", pivot=0.0), part.step(0.55, 0.7)
    )  # fmt: skip
    races = tuple(
        run_job(
            "transfer.race",
            RaceSpec(
                **images, source=source, targets=listed, left="MI-FGSM", right="NI-FGSM", steps=16,
                step_policy="fixed", alpha=eps / 16, frames=0,
            ),
            part.step(0.7 + 0.25 * k / len(normal), 0.7 + 0.25 * (k + 1) / len(normal)),
        )
        for k, source in enumerate(normal)
    )  # fmt: skip
    about = [
        run_job(
            "transfer.scales",
            ScalesSpec(models=listed, data=data, images=plan.scale_images, seed=seed, pivot=pivot),
            part.step(0.95, 1),
        )
        for pivot in (0.5, 0.0)
    ]
    return Seed(matrix, black, races, *about)
