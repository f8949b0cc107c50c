"""The runs behind the claims: for each seed, networks trained on wider and wider turns, and against stronger and
stronger adversaries, each measured by the topic's own jobs.

Every number that decides how large the study is stands in a `Plan`; verdicts are `claims`' affair.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.core import data
from engines.core.job import JobContext, run_job
from engines.invariance.results import BoundaryResult, OrthogonalityResult, ProfileResult
from engines.invariance.spec import BoundarySpec, OrthogonalitySpec, ProfileSpec
from engines.vision.results import TrainResult
from engines.vision.spec import TrainSpec

TRAINED_ON: Final = "mnist"
EMBEDDED: Final = "digits"
KINDS: Final = ("stdcnn", "gcnn")
_EMBEDDED_EPOCHS: Final = 3
"""Times the epochs on the embedded digits: 1258 images make a short epoch."""


@dataclass(frozen=True)
class Plan:
    """How large the study is.

    train: changes to TrainSpec for all. widths: of the plain and of the equivariant CNN (about as many parameters).
    thetas: training ranges in degrees; more_epochs: extra epochs at 180 degrees, less in proportion below, because
    wider turns are harder to learn. hard: changes to TrainSpec for adversarial training at each of eps_train.
    profile, boundary, orthogonality: changes to those specs. eps: at which claims about fooling look.
    """

    train: dict[str, Any]
    widths: tuple[float, float]
    thetas: tuple[float, ...]
    more_epochs: int
    hard: dict[str, Any]
    eps_train: tuple[float, ...]
    profile: dict[str, Any]
    boundary: dict[str, Any]
    orthogonality: dict[str, Any]
    eps: float = 0.1
    device: str = "auto"


QUICK: Final = Plan(
    train={"limit": 4000, "held_out": 200, "epochs": 5, "batch": 64},
    widths=(1.5, 0.5),
    thetas=(0.0, 60.0, 180.0),
    more_epochs=3,
    hard={"kind": "lenet-small", "adversarial": "pgd", "steps": 5, "eps_ramp": 3.0, "epochs": 6, "batch": 64},
    eps_train=(0.0, 0.1, 0.2),
    profile={
        "images": 500, "attacked": 150, "steps": 10, "thetas": (0, 20, 30, 60, 90, 120, 150, 180),
        "epsilons": (0, 0.025, 0.05, 0.1, 0.2),
    },
    boundary={"images": 100, "resolution": 5},
    orthogonality={"images": 400, "steps": 20, "k": 10, "eps": 0.1},
)  # fmt: skip
FULL: Final = Plan(
    train={"limit": 0, "held_out": 5000, "epochs": 10, "batch": 128},
    widths=(2.0, 0.5),
    thetas=(0.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0),
    more_epochs=10,
    hard={"kind": "lenet", "adversarial": "pgd", "steps": 20, "eps_ramp": 4.0, "epochs": 15, "rate": 1e-3},
    eps_train=(0.0, 0.1, 0.2, 0.3),
    profile={
        "images": 5000, "attacked": 1000, "steps": 40, "thetas": (0, 20, 30, 60, 90, 120, 150, 180),
        "epsilons": (0, 0.025, 0.05, 0.1, 0.2, 0.3),
    },
    boundary={"images": 1000, "resolution": 5},
    orthogonality={"images": 1000, "steps": 40, "k": 20, "eps": 0.1},
)  # fmt: skip
PLANS: Final = {"quick": QUICK, "full": FULL}


@dataclass(frozen=True)
class Seed:
    """What one seed gave. turned, single: profiles of plain nets, then equivariant ones, each by training range, under
    PGD and under FGSM. boundary: of the same. hard: profiles by training eps. directions: of the hard nets, the plain
    one first. training: accuracy held out, by name."""

    turned: ProfileResult
    single: ProfileResult
    boundary: BoundaryResult
    hard: ProfileResult
    directions: tuple[OrthogonalityResult, ...]
    training: dict[str, float] = field(default_factory=dict)

    def rows(self, kind: str) -> slice:
        """Where the networks of one kind are among `turned`, `single` and `boundary`."""
        count = len(self.turned.models) // len(KINDS)
        first = KINDS.index(kind) * count
        return slice(first, first + count)


def source_here() -> str:
    """MNIST where it is on this machine, else the embedded digits."""
    return TRAINED_ON if data.status(TRAINED_ON).state == "ready" else EMBEDDED


def run_seed(plan: Plan, seed: int, folder: Path, ctx: JobContext, tell: Callable[[float, str], None]) -> Seed:
    """Train and measure everything of one seed. tell: share done and what is being done. Raises Cancelled."""
    source = source_here()
    accuracy: dict[str, float] = {}
    work = [*((kind, theta, 0.0) for kind in KINDS for theta in plan.thetas)]
    hard = [("hard", 0.0, eps) for eps in plan.eps_train]
    # Equivariant and adversarially trained networks take about three times as long: their shares of the progress.
    weights = [1 + 2 * (kind != "stdcnn") for kind, _, _ in [*work, *hard]]
    done, whole = 0.0, sum(weights) * 1.3
    paths: list[str] = []
    for (kind, theta, eps), weight in zip([*work, *hard], weights, strict=True):
        name = f"eps-{eps:g}" if kind == "hard" else f"{kind}-{theta:g}"

        def train(part: float, text: str, begun: float = done, weight: int = weight) -> None:
            tell((begun + part * weight) / whole, text)

        spec = _training(plan, kind, theta, eps, seed, source).changed(save_as=str(folder / name))
        result: TrainResult = run_job("vision.train", spec, _Share(ctx, train, name))
        accuracy[name] = result.accuracy
        paths.append(result.weights_path)
        done += weight
    if len(set(paths)) != len(paths):
        raise RuntimeError(f"expected a file for each network, got {paths}")
    split = len(work)

    def measured(job: str, spec: Any, at: float, text: str, wide: float = 0.2) -> Any:
        share = _Share(ctx, lambda part, _: tell(done / whole + (1 - done / whole) * (at + part * wide), text), text)
        return run_job(job, spec, share)

    common = {"data": source, "seed": seed, "device": plan.device}
    profile = ProfileSpec.checked({**plan.profile, **common, "models": ",".join(paths[:split])})
    pgd = measured("invariance.profile", profile, 0.0, "turns and PGD")
    fgsm = measured("invariance.profile", profile.changed(attack="fgsm"), 0.2, "turns and FGSM")
    boundary = BoundarySpec.checked({**plan.boundary, **common, "models": profile.models})
    distances = measured("invariance.boundary", boundary, 0.4, "distances")
    profile = profile.changed(models=",".join(paths[split:]))
    robust = measured("invariance.profile", profile, 0.6, "adversarially trained")
    directions = []
    for number, path in enumerate(paths[split:]):
        board = OrthogonalitySpec.checked({**plan.orthogonality, **common, "model": path})
        at = 0.8 + 0.2 * number / len(hard)
        directions.append(measured("invariance.orthogonality", board, at, "directions", 0.2 / len(hard)))
    return Seed(pgd, fgsm, distances, robust, tuple(directions), accuracy)


def epochs_of(plan: Plan, theta: float) -> int:
    """Epochs of the network trained on turns up to theta."""
    return int(plan.train["epochs"]) + round(plan.more_epochs * theta / 180)


def _training(plan: Plan, kind: str, theta: float, eps: float, seed: int, source: str) -> TrainSpec:
    common = {**plan.train, "data": source, "seed": seed, "device": plan.device}
    longer = 1
    if source == EMBEDDED:
        longer = _EMBEDDED_EPOCHS
        common = {**common, "held_out": 100}
    if kind == "hard":
        epochs = longer * plan.hard["epochs"]
        plain = {} if eps else {"adversarial": "none"}
        return TrainSpec.checked({**common, **plan.hard, **plain, "eps": eps, "epochs": epochs})
    width = plan.widths[KINDS.index(kind)]
    epochs = longer * epochs_of(plan, theta)
    return TrainSpec.checked({**common, "kind": kind, "width": width, "rotation": theta, "epochs": epochs})


class _Share:
    """A context for one job within the study: same cancel, its own part of the progress, nothing kept."""

    folder: Path | None = None
    resume: Any = None

    def __init__(self, ctx: JobContext, tell: Callable[[float, str], None], name: str) -> None:
        self._ctx, self._tell, self._name = ctx, tell, name

    def check(self) -> None:
        self._ctx.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.check()
        self._tell(done / total if total else 0.0, self._name)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        """Pictures of single runs are nobody's here."""

    def checkpoint(self, state: dict[str, Any]) -> None:
        """A stopped claim is measured anew."""

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return None


def at_theta(values: np.ndarray, thetas: np.ndarray, theta: float) -> np.ndarray:
    """Columns of a profile [M, T] at one theta, [M]. Raises ValueError where it was not measured."""
    found = np.flatnonzero(np.isclose(thetas, theta))
    if not len(found):
        raise ValueError(f"{theta:g} is not among {thetas}")
    return np.asarray(values[:, found[0]])
