"""Paper file 08: check 10 at a size that takes seconds, and how verdicts are reached."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engines.core.claims import ClaimResult
from engines.core.job import LocalContext
from engines.piano.claims import CLAIMS, NETWORKS, PLANS, Plan, Seed, judge, measure, with_what_is_here
from engines.piano.results import LikenessResult, MeasureResult, MorphResult
from engines.piano.spec import TrainSpec

GOOD = {"none": 1.84, "style": 1.80, "melody": 1.79, "sum": 1.706, "concat": 1.713, "tile": 1.709, "unpooled": 0.1}
"""As the paper has it on MAESTRO."""


def seed_with(nll: dict[str, float], swapped: float = 3.3, **changes: Any) -> Seed:
    def result(name: str) -> MeasureResult:
        other = swapped if name == "style" else float("nan")
        return MeasureResult(name, "", "", "test", 2, 2, nll[name], other, float("nan"), np.zeros(2))

    def like(level: np.ndarray) -> LikenessResult:
        return LikenessResult("", "", float(level.mean()), (), np.zeros((0, 8)), level, np.zeros(0), np.zeros(0))

    towards = np.asarray(changes.get("towards", [0.39, 0.40, 0.47, 0.59, 0.63]))
    told = np.asarray(changes.get("told", np.full(8, 0.4)))
    morph = MorphResult("", np.linspace(0, 1, 5), (), np.zeros((0, 5)), np.zeros((0, 5)), towards)
    alike = {"none": like(np.full(8, 0.25)), "style": like(told)}
    return Seed({name: result(name) for name in nll}, alike, morph, {name: result(name) for name in ("none", "style")})


def verdicts(*seeds: Seed) -> dict[str, str]:
    return {result.id: result.verdict for result in judge(seeds)}


def test_the_papers_own_values_reproduce_every_claim() -> None:
    assert verdicts(seed_with(GOOD), seed_with(GOOD)) == {claim.id: "reproduced" for claim in CLAIMS}


@pytest.mark.parametrize(
    ("nll", "changes", "id", "verdict"),
    [
        ({**GOOD, "style": 1.85}, {}, "a", "not reproduced"),
        ({**GOOD, "style": 1.85}, {}, "h", "not reproduced"),
        ({**GOOD, "melody": 1.82}, {}, "b", "partly"),
        ({**GOOD, "sum": 1.795}, {}, "b", "not reproduced"),
        ({**GOOD, "concat": 1.9}, {}, "c", "not reproduced"),
        (GOOD, {"told": np.array([0.4] * 7 + [0.2])}, "d", "partly"),
        (GOOD, {"told": np.full(8, 0.2)}, "d", "not reproduced"),
        (GOOD, {"towards": [0.4, 0.6, 0.5, 0.55, 0.6]}, "e", "partly"),
        (GOOD, {"towards": [0.5, 0.5, 0.5, 0.5, 0.5]}, "e", "not reproduced"),
        ({**GOOD, "unpooled": 1.5}, {}, "f", "partly"),
        ({**GOOD, "unpooled": 1.8}, {}, "f", "not reproduced"),
        (GOOD, {"swapped": 1.82}, "g", "partly"),
        (GOOD, {"swapped": 1.79}, "g", "not reproduced"),
    ],
)
def test_what_fails_is_said(nll: dict[str, float], changes: dict[str, Any], id: str, verdict: str) -> None:
    found = verdicts(seed_with(nll, **changes))
    assert found[id] == verdict


def test_one_bad_seed_makes_a_claim_partly() -> None:
    assert verdicts(seed_with(GOOD), seed_with({**GOOD, "style": 1.845}))["a"] == "partly"


def test_claims_stand_as_soon_as_their_networks_do() -> None:
    some = seed_with({name: GOOD[name] for name in ("none", "style")})
    assert set(verdicts(some)) == {"a", "d", "e", "g", "h"}
    assert not judge([Seed()])


def test_a_plan_makes_do_with_the_music_that_is_here() -> None:
    for preset, plan in PLANS.items():
        assert with_what_is_here(plan, {"pop909", "asap", "walks"}, preset == "quick") == plan
    quick = with_what_is_here(PLANS["quick"], {"walks"}, True)
    assert (quick.train["source"], quick.unseen) == ("walks", "")
    assert with_what_is_here(PLANS["full"], {"walks"}, False).train["source"] == "pop909"


def test_plans_are_specs() -> None:
    for plan in PLANS.values():
        for told in NETWORKS.values():
            assert TrainSpec(**plan.train, **told).sample_tokens == 0


@pytest.mark.slow
def test_check_10_the_measurement_runs_from_training_to_verdicts() -> None:
    heard: list[ClaimResult] = []
    shares: list[float] = []
    ctx = LocalContext(
        on_snapshot=lambda s, keep: heard.append(s), on_progress=lambda done, total, text: shares.append(done / total)
    )
    train = {"source": "walks", "size": "tiny", "length": 32, "batch": 2, "steps": 3, "sample_tokens": 0, "held_out": 2}
    plan = Plan(train, crops=4, items=2, pairs=1, tokens=70, alphas=(0.0, 1.0))
    results = measure(plan, (0,), ctx)
    assert [r.id for r in results] == [claim.id for claim in CLAIMS]
    assert results.pop().verdict == "not run", "without ASAP's files"
    assert all(r.seeds == 1 and r.ours and "Learnt from walks, 3 steps" in r.note for r in results)
    assert {r.id for r in heard[:4]} == {"a", "d", "e", "g"} and heard[-1].id == "g"
    assert shares == sorted(shares) and shares[-1] == 1
