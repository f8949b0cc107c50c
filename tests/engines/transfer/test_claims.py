"""The claims run on small networks from end to end, and the verdicts on made-up results are those that are stated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engines.core.claims import ClaimResult
from engines.core.job import LocalContext
from engines.transfer import claims, verdicts
from engines.transfer.claims import CLAIMS, Plan, measure, settings
from engines.transfer.results import MatrixResult, Named, RaceResult, ScalesResult
from engines.transfer.verdicts import RECIPES, Seed, judge, kendall


def test_the_claims_run_on_what_is_at_hand(only_these: str) -> None:
    where = settings(3)
    assert list(where) == ["digits"] and set(where["digits"]["names"]) == {"small-bn", "small-cnn", "small-mlp"}
    shots: list[ClaimResult] = []
    ctx = LocalContext(on_snapshot=lambda shot, keep: shots.append(shot))
    results = measure(Plan(images=12, scale_images=20), where, (0, 1), ctx)
    assert [r.id for r in results] == [c.id for c in CLAIMS]
    assert all(r.seeds == 2 and r.verdict != "not run" and r.ours for r in results)
    assert len(shots) == 2 * len(CLAIMS)  # published again after each seed
    assert "digits" in results[0].note and "small-bn" in results[0].note


def test_without_networks_nothing_is_run_and_that_is_said() -> None:
    results = measure(Plan(), {}, (0,), LocalContext())
    assert all(r.verdict == "not run" and r.note for r in results)


TARGETS = (Named("a", "a", ()), Named("b", "b", ()), Named("robust", "robust", (), is_robust=True))


def matrix(rates: dict[str, tuple[float, float, float]]) -> MatrixResult:
    """White-box, normal black-box and robust rates of each recipe, the same from every source."""
    names = tuple(rates)
    wrong = np.zeros((len(names), 3, 3), np.int64)
    for r, (white, normal, robust) in enumerate(rates.values()):
        wrong[r] = round(1000 * normal)
        wrong[r, :, 2] = round(1000 * robust)
        for k in range(3):
            wrong[r, k, k] = round(1000 * white)
    none = np.zeros(0)
    return MatrixResult(
        TARGETS, TARGETS, names, none, np.eye(3, dtype=bool), wrong, wrong, np.full(3, 1000), none, none, none, none,
        none, none, none, 0.1, 1000, "made up",
    )  # fmt: skip


def race(gap_at_end: float) -> RaceResult:
    wrong = np.zeros((2, 17, 3), np.int64)
    wrong[1] = np.linspace(0, 1000 * gap_at_end, 17)[:, None]
    none = np.zeros(0)
    return RaceResult(
        TARGETS[0], TARGETS, ("MI-FGSM", "NI-FGSM"), none, wrong, wrong, np.full(3, 1000), none,
        np.array([True, False, False]), none, none, none, 0.1, 1000, "made up",
    )  # fmt: skip


def scales(rise: float, dip: float) -> ScalesResult:
    factors = np.round(np.arange(1, 21) * 0.1, 1)
    row = 0.1 + np.where(factors < 0.35, dip, 0) + np.where(factors > 1.35, rise * (factors - 1.3), 0)
    return ScalesResult(TARGETS, factors, np.stack([row] * 3), 0.5, 100, "made up")


PAPER_LIKE = {
    "FGSM": (0.67, 0.25, 0.08), "I-FGSM": (1.0, 0.18, 0.04), "PGD": (0.99, 0.15, 0.05), "MI-FGSM": (1.0, 0.35, 0.09),
    "NI-FGSM": (1.0, 0.48, 0.11), "SI-NI-FGSM": (1.0, 0.72, 0.26), "TIM": (1.0, 0.43, 0.19), "DIM": (0.99, 0.61, 0.16),
    "TI-DIM": (0.99, 0.61, 0.32), "SI-NI-TI-DIM": (1.0, 0.8, 0.53),
}  # fmt: skip


def seed(**changes: Any) -> Seed:
    good = Seed(
        matrix(PAPER_LIKE), matrix({"SI-NI-FGSM": (1.0, 0.5, 0.2)}), (race(0.12),), scales(2.0, 0.1), scales(2.0, 0.0)
    )
    return replace(good, **changes)


def judged(*seeds: Seed, **settings: list[Seed]) -> dict[str, ClaimResult]:
    return {r.id: r for r in judge(settings or {"made up": list(seeds)})}


def test_numbers_like_the_papers_are_reproduced() -> None:
    results = judged(seed(), seed())
    assert {r.verdict for r in results.values()} == {"reproduced"}
    assert results["3"].values == pytest.approx((20.0, 20.0), abs=3) and results["3"].spread == 0
    assert results["order"].values[0] > 0.8


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        ("1", {"matrix": matrix({**PAPER_LIKE, "I-FGSM": (1.0, 0.3, 0.2)})}),
        ("2", {"races": (race(-0.05),)}),
        ("3", {"matrix": matrix({**PAPER_LIKE, "SI-NI-FGSM": (1.0, 0.48, 0.12)})}),
        ("4", {"matrix": matrix({**PAPER_LIKE, "TI-DIM": (1.0, 0.7, 0.16)})}),
        ("5", {"matrix": matrix({**PAPER_LIKE, "TIM": (0.6, 0.43, 0.19)})}),
        ("6", {"scales": scales(2.0, 3.0)}),
        ("order", {"matrix": matrix(dict(zip(PAPER_LIKE, reversed(PAPER_LIKE.values()), strict=True)))}),
    ],
)
def test_each_claim_can_fail_and_fails_alone(claim: str, changes: dict[str, Any]) -> None:
    results = judged(seed(**changes))
    assert results[claim].verdict == "not reproduced"
    if claim != "order":
        # What a claim's own numbers do not touch stays as it was.
        others = {"2", "6"} - {claim}
        assert all(results[other].verdict == "reproduced" for other in others)


def test_one_setting_of_two_is_partly() -> None:
    bad = seed(matrix=matrix({**PAPER_LIKE, "I-FGSM": (1.0, 0.3, 0.2)}), races=(race(-0.05),), scales=scales(2.0, 3.0))
    results = judged(MNIST=[bad], CIFAR=[seed()])
    assert {results[k].verdict for k in ("1", "2", "6")} == {"partly"}
    assert "MNIST" in results["1"].ours and "CIFAR" in results["1"].ours


def test_the_gap_must_grow_as_well() -> None:
    shrinking = replace(race(0.1), wrong=race(0.1).wrong[:, ::-1].copy())
    wrong = shrinking.wrong.copy()
    wrong[1, -1] = 20
    assert judged(seed(races=(replace(shrinking, wrong=wrong),)))["2"].verdict == "partly"


def test_kendalls_tau_of_known_orders() -> None:
    assert kendall([1, 2, 3], [10, 20, 30]) == 1 and kendall([1, 2, 3], [3, 2, 1]) == -1
    assert kendall([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(4 / 6) and kendall([1, 2], [5, 5]) == 0


def test_every_claim_has_its_value_measure_and_tolerance() -> None:
    assert [c.id for c in CLAIMS] == ["1", "2", "3", "4", "5", "6", "order"]
    assert all(c.paper != "not available" and c.measure and c.expected for c in CLAIMS)
    assert set(RECIPES) <= set(verdicts.PAPER) | {"MI-FGSM"}
    assert claims.PLANS.keys() == {"quick", "full"}
