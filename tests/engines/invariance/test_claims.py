"""Verdicts follow their stated tolerances, and a small study runs from training to its claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engines.core.claims import ClaimResult, report
from engines.core.errors import Cancelled
from engines.core.job import LocalContext
from engines.invariance import study
from engines.invariance.claims import CLAIMS, judge
from engines.invariance.claims import study as measure
from engines.invariance.results import BoundaryResult, OrthogonalityResult, ProfileResult, Trained
from engines.invariance.study import KINDS, QUICK, Plan, Seed, epochs_of

THETAS = np.array([0.0, 20.0, 60.0, 180.0])
EPS = np.array([0.0, 0.1])
FALL = [1.0, 0.99, 0.8, 0.5]


def profile(
    invariance: list[list[float]], accuracy: list[list[float]], fooled: list[float], eps: tuple[float, ...] = ()
) -> ProfileResult:
    count = len(invariance)
    table = np.array([[0.0, f] for f in fooled])
    models = tuple(Trained(f"m{i}", f"m{i}", "x", 0.0, (eps or (0.0,) * count)[i], "x") for i in range(count))
    return ProfileResult(
        models, THETAS, np.array(accuracy), np.array(invariance), EPS, table, 1 - table, table,
        np.array(accuracy)[:, 0], 100, 50, 40, "mnist", "pgd-20",
    )  # fmt: skip


def boundary(means: list[float]) -> BoundaryResult:
    blank = np.zeros((len(means), 1))
    counts = np.zeros(len(means), np.int64)
    row = np.array(means)
    return BoundaryResult((), blank, blank, counts, counts, counts, row, row, row, False, "exclude", blank, (), "mnist")


def directions(overlap: float, data: float) -> OrthogonalityResult:
    ones, images = np.ones(2), np.zeros((2, 1, 4, 4), np.float32)
    return OrthogonalityResult(
        "m", np.eye(2), ones * overlap, ones * 0.01, np.full((2, 2), data), np.zeros((2, 2)), ones * 80, ones * 0.1,
        ones * 0.1, 0.03, 0.1, 20.0, 784, images, images, images, ones, ones, 0.9, 0, 0.1, 5.0, "mnist",
    )  # fmt: skip


def as_claimed() -> Seed:
    """A seed in which every claim holds (6a, not 6b)."""
    accurate = [[0.99, 0.99, 0.985, 0.985]] * 3
    turned = profile(
        [FALL, FALL, FALL, *[[v + 0.02 * (v < 1) for v in FALL]] * 3], accurate * 2, [0.5, 0.6, 0.7, 0.4, 0.6, 0.9]
    )
    single = profile([FALL] * 6, accurate * 2, [0.4, 0.5, 0.6, 0.3, 0.5, 0.8])
    hard = profile([FALL] * 3, [[0.99, 0.9, 0.7, 0.5]] * 3, [0.9, 0.3, 0.1], eps=(0.0, 0.1, 0.2))
    near = directions(0.02, 0.2)
    return Seed(turned, single, boundary([2.0, 1.5, 1.2, 2.2, 1.4, 1.0]), hard, (near, near, near))


def verdicts(*seeds: Seed) -> dict[str, str]:
    return {result.id: result.verdict for result in judge(seeds, QUICK)}


def changed(seed: Seed, table: str, rows: slice, values: list[float], column: int | slice = 1) -> Seed:
    """The seed with some rows of a table of `turned` replaced."""
    array = getattr(seed.turned, table).copy()
    array[rows, column] = values
    return replace(seed, turned=replace(seed.turned, **{table: array}))


def test_every_claim_is_reproduced_where_it_holds() -> None:
    found = verdicts(as_claimed(), as_claimed(), as_claimed())
    assert found == {**{c.id: "reproduced" for c in CLAIMS}, "6b": "not reproduced"}
    rows = report("invariance", judge([as_claimed()], QUICK))["claims"]
    assert [row["id"] for row in rows] == [c.id for c in CLAIMS] and all(row["ours"] for row in rows)


def test_the_two_versions_of_claim_b_exclude_each_other() -> None:
    drop = as_claimed()
    falling = np.array([[0.99, 0.9, 0.7, 0.5], [0.98, 0.88, 0.65, 0.42], [0.97, 0.8, 0.55, 0.3]])
    drop = replace(drop, hard=replace(drop.hard, accuracy=falling, clean=falling[:, 0]))
    assert (verdicts(drop)["6a"], verdicts(drop)["6b"]) == ("not reproduced", "reproduced")
    uneven = falling[[0, 2, 1]]
    drop = replace(drop, hard=replace(drop.hard, accuracy=uneven))
    assert verdicts(drop)["6b"] == "partly"
    better = replace(drop, hard=replace(drop.hard, accuracy=falling[::-1]))
    assert (verdicts(better)["6a"], verdicts(better)["6b"]) == ("not reproduced", "not reproduced")


@pytest.mark.parametrize(
    ("claim", "seed", "verdict"),
    [
        ("1", changed(as_claimed(), "accuracy", slice(3, 4), [0.9]), "partly"),
        ("1", changed(as_claimed(), "invariance", slice(3, 4), FALL, slice(None)), "not reproduced"),
        ("1", changed(as_claimed(), "invariance", slice(0, 1), [1.0], 3), "not reproduced"),
        ("2", changed(as_claimed(), "accuracy", slice(5, 6), [0.96], 3), "partly"),
        ("2", changed(as_claimed(), "accuracy", slice(5, 6), [0.9], 3), "not reproduced"),
        ("3", changed(as_claimed(), "fooled", slice(0, 3), [0.5, 0.4, 0.6]), "partly"),
        ("3", changed(as_claimed(), "fooled", slice(0, 6), [0.5] * 6), "not reproduced"),
        ("4", changed(as_claimed(), "fooled", slice(3, 4), [0.6]), "partly"),
        ("4", changed(as_claimed(), "fooled", slice(0, 6), [0.5, 0.6, 0.7, 0.6, 0.6, 0.6]), "not reproduced"),
        ("5", replace(as_claimed(), boundary=boundary([2.0, 1.5, 1.9, 2.2, 2.2, 2.2])), "partly"),
        ("5", replace(as_claimed(), boundary=boundary([2.0] * 6)), "not reproduced"),
        ("7", replace(as_claimed(), directions=(directions(0.04, 0.03),) * 3), "partly"),
        ("7", replace(as_claimed(), directions=(directions(0.5, 0.2),) * 3), "not reproduced"),
    ],
)
def test_a_claim_that_fails_says_so(claim: str, seed: Seed, verdict: str) -> None:
    assert verdicts(seed)[claim] == verdict


def test_weaker_pgd_than_fgsm_spoils_claim_4() -> None:
    seed = as_claimed()
    assert verdicts(replace(seed, single=replace(seed.single, fooled=seed.turned.fooled + 0.05)))["4"] == "partly"


TINY = Plan(
    train={"limit": 200, "epochs": 1, "batch": 64},
    widths=(0.3, 0.1),
    thetas=(0.0, 180.0),
    more_epochs=1,
    hard={"kind": "lenet-small", "adversarial": "fast", "eps_ramp": 1.0, "epochs": 1, "batch": 64, "widths": (4, 8)},
    eps_train=(0.0, 0.1),
    profile={"images": 40, "attacked": 20, "steps": 2, "thetas": (0, 20, 180), "epsilons": (0, 0.1)},
    boundary={"images": 10, "steps": 5, "resolution": 5},
    orthogonality={"images": 30, "steps": 2, "k": 3},
    device="cpu",
)


def test_a_small_study_runs_from_training_to_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKBENCH_DATA", raising=False)
    assert study.source_here() == "digits"
    said: list[tuple[float, str]] = []
    kept: list[ClaimResult] = []
    ctx = LocalContext(
        on_progress=lambda done, total, text: said.append((done / total, text)),
        on_snapshot=lambda snapshot, keep: kept.append(snapshot),
    )
    results = measure(TINY, (0,), ctx)
    assert [r.id for r in results] == [c.id for c in CLAIMS] and all(r.seeds == 1 for r in results)
    assert all("embedded" in r.note for r in results) and len(kept) == len(CLAIMS)
    figures = next(r for r in results if r.id == "6b").figures
    assert {"lost_0", "lost_0.1"} <= figures.keys()  # a network for each strength of the adversary
    shares = [share for share, _ in said]
    assert min(np.diff(shares)) > -1e-9 and shares[-1] == 1.0
    assert any("gcnn-180" in text for _, text in said)


def test_a_study_stops_when_asked() -> None:
    ctx = LocalContext()
    ctx.cancel()
    with pytest.raises(Cancelled):
        measure(TINY, (0,), ctx)


def test_wider_turns_get_more_epochs() -> None:
    assert [epochs_of(QUICK, theta) for theta in (0, 60, 180)] == [5, 6, 8]
    assert len(KINDS) == 2
