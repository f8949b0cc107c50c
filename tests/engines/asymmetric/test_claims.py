"""The verdicts on recorded figures, and one tiny real run."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from engines.asymmetric import claims
from engines.asymmetric.claims import CLAIMS, PLANS, Plan, measure, shipped_seed
from engines.asymmetric.verdicts import PAPER_ATTACKS, Seed, judge
from engines.core.claims import ClaimResult
from engines.core.errors import UserError
from engines.core.job import LocalContext
from engines.core.weights import ModelCard

ERRORS = {
    "classifier": (0.01, 0.01), "detectors": (0.5, 0.6), "combined": (0.7, 0.58), "combined-cw": (0.3, 0.4),
    "detectors-ce": (0.3, 0.5), "detectors-cw": (0.4, 0.55), "multi-targeted": (0.9, 0.8),
}  # fmt: skip
GOOD = Seed(
    error=ERRORS, auc=(0.95, 0.9495), beyond=0.6, robust=0.9, robust_inside=0.3, read=(0.8, 0.5), accuracy=(0.97, 0.98)
)


def verdicts(*found: Seed) -> dict[str, str]:
    return {result.id: result.verdict for result in judge(found)}


def with_error(**changes: tuple[float, float]) -> Seed:
    return replace(GOOD, error={**ERRORS, **{name.replace("_", "-"): pair for name, pair in changes.items()}})


def test_all_claims_are_declared_and_judged_in_one_order() -> None:
    assert [c.id for c in CLAIMS] == [r.id for r in judge([GOOD])] == ["1", "2", "3", "4", "5", "6", "later"]
    assert all(claim.measure and claim.expected and claim.paper for claim in CLAIMS)
    assert set(PLANS) == {"quick", "full"} and set(PAPER_ATTACKS) < set(ERRORS)


def test_a_clear_case_is_reproduced_everywhere() -> None:
    assert set(verdicts(GOOD, GOOD, GOOD).values()) == {"reproduced"}


def test_each_verdict_falls_with_what_it_is_about_and_with_nothing_else() -> None:
    worse = {
        "1": replace(GOOD, auc=(0.95, 0.9)),
        "2": with_error(classifier=(0.2, 0.01), combined=(0.45, 0.58), detectors=(0.65, 0.6)),
        "3": with_error(detectors_ce=(0.3, 0.625), detectors=(0.5, 0.6)),
        "5": replace(GOOD, robust=0.5),
        "6": replace(GOOD, read=(0.4, 0.5)),
        "later": with_error(multi_targeted=(0.71, 0.61)),
    }
    for claim, seed in worse.items():
        found = verdicts(seed)
        assert found.pop(claim) == "not reproduced", claim
        assert set(found.values()) <= {"reproduced", "partly"}, claim
    assert verdicts(with_error(combined=(0.55, 0.58), detectors=(0.5, 0.6)))["4"] == "not reproduced"


def test_half_a_claim_is_partly_reproduced() -> None:
    partly = {
        "1": replace(GOOD, auc=(0.95, 0.946)),
        "2": with_error(classifier=(0.2, 0.01)),
        "3": with_error(detectors_ce=(0.3, 0.6)),
        "4": with_error(detectors=(0.5, 0.7)),
        "5": replace(GOOD, robust=0.7),
        "6": replace(GOOD, read=(0.55, 0.5)),
        "later": with_error(multi_targeted=(0.9, 0.61)),
    }
    for claim, seed in partly.items():
        assert verdicts(seed)[claim] == "partly", claim


def test_the_shipped_bank_is_told_beside_and_moves_no_verdict() -> None:
    bad = replace(GOOD, auc=(0.9, 0.5), read=(0.1, 0.9))
    results = judge([GOOD, GOOD], shipped=bad)
    assert {r.verdict for r in results} == {"reproduced"}
    assert all("Shipped detectors on MNIST" in r.note and "shipped" in r.figures for r in results)
    assert results[0].figures["shipped"] == pytest.approx(0.4)


def _ready(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """MNIST and weights of these names seem to be on this machine."""
    monkeypatch.setattr(claims, "list_weights", lambda: tuple(ModelCard(name, topic="asymmetric") for name in names))
    monkeypatch.setattr(claims.data, "status", lambda name: SimpleNamespace(state="ready"))


def test_a_fault_in_the_shipped_measurement_is_not_taken_for_weights_that_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object, **__: object) -> Seed:
        raise UserError("the weights hold NaN")

    monkeypatch.setattr(claims, "measure_bank", fails)
    _ready(monkeypatch, claims.SHIPPED, claims.SHIPPED_ROBUST)
    with pytest.raises(UserError, match="NaN"):
        shipped_seed(lambda *_: pytest.fail("no part is begun"))
    for names in ((claims.SHIPPED,), (claims.SHIPPED_ROBUST,), ()):
        _ready(monkeypatch, *names)
        assert shipped_seed(lambda *_: pytest.fail("no part is begun")) is None


@pytest.mark.slow
def test_a_tiny_real_run_measures_every_claim() -> None:
    plan = Plan(
        train={
            "hidden": (16,),
            "epochs": 1,
            "updates": 20,
            "steps": 3,
            "validation_steps": 3,
            "limit": 200,
            "eps": 0.1,
        },
        bench={"images": 10, "steps": 3, "auc_images": 5},
        morph={"steps": 3},
        auc_steps=(2, 4),
    )
    shots: list[ClaimResult] = []
    results = measure(plan, (0, 1), LocalContext(on_snapshot=lambda s, keep: shots.append(s)))
    assert len(results) == len(CLAIMS) and all(len(r.values) == 2 and r.spread is not None for r in results)
    assert len(shots) == 2 * len(CLAIMS)
