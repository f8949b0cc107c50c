"""The verdicts on recorded tables, the measures on positions with known answers, and one tiny real run."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.core.claims import ClaimResult
from engines.core.errors import UserError
from engines.core.job import LocalContext
from engines.hex import claims
from engines.hex.claims import CLAIMS, Plan, Seed, gain, judge
from engines.hex.evaluator import Evaluation
from engines.hex.heldout import Damned, Errors, Played, damned_moves, errors, recorded
from engines.hex.probes import Probes


def curves(calls: list[float], values: list[float], seconds: float = 1.0) -> dict[str, np.ndarray]:
    axis = np.asarray(calls, np.float64)
    value = np.asarray(values, np.float64)
    return {"net_calls": axis, "seconds": axis * seconds, "v_sign": value, "policy_top1": value}


GOOD = Seed(
    two=curves([100, 200, 400], [0.5, 0.6, 0.8]),
    delayed=curves([50, 100, 200], [0.6, 0.7, 0.8], seconds=1.5),
    three_errors=Errors(v=0.50, v_after=0.5, q=0.52, v_sign=0.8, q_sign=0.8),
    twin_errors=Errors(v=0.50, v_after=0.5, q=float("nan"), v_sign=0.8, q_sign=float("nan")),
    damned=Damned(rare=0.9, common=0.1, rare_q=0.8, common_q=-0.5, rare_moves=40, common_moves=60),
    calls_won=18,
    time_won=16,
    match_games=24,
    sims_per_call=5.0,
    twin_sims_per_call=1.0,
)


def verdicts(*found: Seed) -> dict[str, str]:
    return {result.id: result.verdict for result in judge(found)}


def test_all_claims_are_declared_and_judged_in_one_order() -> None:
    assert [claim.id for claim in CLAIMS] == [result.id for result in judge([GOOD])] == ["a", "b", "d", "e", "wu"]
    assert all(claim.measure and claim.expected for claim in CLAIMS)


def test_a_clear_case_is_reproduced_everywhere_with_its_spread() -> None:
    results = judge([GOOD, GOOD, replace(GOOD, three_errors=replace(GOOD.three_errors, q=0.55))])
    assert [r.verdict for r in results] == ["reproduced"] * 5
    first = results[0]
    assert first.values == pytest.approx((1.04, 1.04, 1.10)) and first.seeds == 3
    assert first.spread == pytest.approx(np.std([1.04, 1.04, 1.10], ddof=1))


def test_each_verdict_falls_with_what_it_is_about_and_with_nothing_else() -> None:
    worse = {
        "a": replace(GOOD, three_errors=replace(GOOD.three_errors, q=0.7)),
        "b": replace(GOOD, calls_won=10, time_won=11),
        "d": replace(GOOD, delayed=curves([50, 100, 200], [0.4, 0.4, 0.5])),
        "e": replace(GOOD, three_errors=replace(GOOD.three_errors, v=0.6)),
        "wu": replace(GOOD, damned=replace(GOOD.damned, rare=0.15)),
    }
    for claim, seed in worse.items():
        found = verdicts(seed)
        assert found.pop(claim) == "not reproduced", claim
        assert set(found.values()) == {"reproduced"}, claim


def test_half_a_claim_is_partly_reproduced() -> None:
    slow = curves([50, 100, 200], [0.6, 0.7, 0.8], seconds=20.0)
    partly = {
        "a": replace(GOOD, three_errors=replace(GOOD.three_errors, q=0.6)),
        "b": replace(GOOD, time_won=10),
        "d": replace(GOOD, delayed=slow, two=curves([100, 200, 4000], [0.5, 0.6, 0.95])),
        "e": replace(GOOD, three_errors=replace(GOOD.three_errors, v=0.52)),
        "wu": replace(GOOD, damned=replace(GOOD.damned, rare=0.45)),
    }
    for claim, seed in partly.items():
        assert verdicts(seed)[claim] == "partly", claim


def test_few_games_do_not_prove_a_match() -> None:
    assert verdicts(replace(GOOD, calls_won=3, time_won=3, match_games=5))["b"] == "partly"


def test_curves_are_compared_only_where_both_were_measured() -> None:
    ours, other = curves([0, 10], [0.0, 1.0]), curves([5, 15], [0.5, 0.5])
    assert gain(ours, other, "net_calls", "v_sign") == pytest.approx(0.25)
    assert np.isnan(gain(curves([0, 1], [0, 1]), other, "net_calls", "v_sign"))


def test_what_could_not_be_compared_is_not_run_and_not_refuted() -> None:
    short = replace(GOOD, delayed=curves([1, 2], [0.5, 0.6]))
    unplayed = replace(GOOD, damned=replace(GOOD.damned, rare=float("nan"), rare_moves=0))
    assert verdicts(GOOD, short)["d"] == "not run"
    assert verdicts(unplayed)["wu"] == "not run" and verdicts(unplayed, GOOD)["wu"] == "reproduced"


class Oracle:
    """Says v = 0.5 for Black to move and -0.5 for White, and a q of its own."""

    def __init__(self, q: np.ndarray | None, prior: np.ndarray | None = None) -> None:
        self.q, self.prior = q, prior

    def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> Evaluation:
        count, area = len(cells), cells[0].size
        prior = np.full((count, area), 1 / area, np.float32) if self.prior is None else self.prior
        q = None if self.q is None else np.tile(self.q, (count, 1)).astype(np.float32)
        return Evaluation(prior, np.where(to_move == 1, 0.5, -0.5).astype(np.float32), q)


def test_errors_keep_the_signs_of_v_and_q_apart() -> None:
    played = Played(np.zeros((2, 2, 2), np.int8), np.array([1, 2], np.int8), np.array([0, 3]), np.array([1.0, -1.0]))
    # Black wins; q says so after both moves: lost for the player then to move at 0, won for him at 3.
    found = errors(Oracle(np.array([-1.0, 0, 0, 1.0])), played)
    assert found.v == pytest.approx(0.25) and found.v_after == pytest.approx(0.25)
    assert found.q == 0.0 and found.v_sign == found.q_sign == 1.0
    assert errors(Oracle(np.array([1.0, 0, 0, -1.0])), played).q == pytest.approx(4.0)
    assert np.isnan(errors(Oracle(None), played).q)


def test_damned_moves_are_winning_ones_that_q_calls_lost() -> None:
    moves = np.array([[1, 1, -1, 1]], np.int8)
    probes = Probes(np.zeros((1, 2, 2), np.int8), np.ones(1, np.int8), np.ones(1, np.int8), moves)
    prior = np.array([[0.005, 0.6, 0.39, 0.005]], np.float32)
    found = damned_moves(Oracle(np.array([0.9, -0.8, 1.0, -0.1]), prior), probes)
    assert (found.rare, found.common, found.rare_moves, found.common_moves) == (0.5, 0.0, 2, 1)
    assert found.rare_q == pytest.approx(0.4) and found.common_q == pytest.approx(-0.8)
    with pytest.raises(UserError, match="q-head"):
        damned_moves(Oracle(None), probes)


def test_recorded_games_count_only_when_they_were_played_out(tmp_path: Path) -> None:
    path = tmp_path / "games.txt.gz"
    with gzip.open(path, "wt") as out:
        out.write("a1 b1 a2 b2\n" + "a1 c1 b1 c2 a2 b2 a3\n")  # the first is unfinished
    played = recorded(path, size=3)
    assert len(played) == 7
    assert set(zip(played.mover.tolist(), played.z.tolist(), strict=True)) == {(1, 1.0), (2, -1.0)}
    stones = (played.cells != 0).sum((1, 2))
    assert sorted(stones.tolist()) == list(range(7))
    assert all(played.cells[i].flat[a] == 0 for i, a in enumerate(played.action))
    for bad in (tmp_path / "none.gz", tmp_path):
        with pytest.raises(UserError):
            recorded(bad, size=3)


TINY = Plan(
    train={"sizes": (3,), "iterations": 2, "games": 8, "simulations": 8, "blocks": 1, "channels": 8,
           "probes": 20, "parallel_games": 8, "batch": 16},
    games=8,
    match={"size": 4, "openings": 1, "n0": 2, "batch": 2},
    calls=8,
    milliseconds=10,
)  # fmt: skip


def test_a_tiny_real_run_trains_measures_and_judges(tmp_path: Path) -> None:
    said: list[ClaimResult] = []
    steps: list[tuple[float, float]] = []
    ctx = LocalContext(
        folder=tmp_path,
        on_snapshot=lambda shot, keep: said.append(shot),
        on_progress=lambda done, total, text: steps.append((done, total)),
    )
    results = claims.measure(TINY, (5,), ctx)
    assert [r.id for r in results] == [c.id for c in CLAIMS] and results[0].seeds == 1
    assert said == results
    for result in results:
        if result.id in "abe":  # runs this short may share no number of calls, and leave no move unplayed
            assert np.isfinite(result.values).all() and result.verdict != "not run"
        assert bool(result.values) == (result.verdict != "not run")
    done = [share for share, _ in steps]
    assert (np.diff(done) > -1e-9).all() and done[-1] == 1 and all(total == 1 for _, total in steps)
    assert len(list(tmp_path.glob("seed-5/three heads/*.safetensors"))) == 2
