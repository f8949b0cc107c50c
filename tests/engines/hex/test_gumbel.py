"""The Gumbel root: mctx's schedule and constants, and what it is for, few simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.hex.bitboard import Stones
from engines.hex.gumbel import GumbelRoot, improved_policy, mixed_value, sigma
from engines.hex.search import Limits, Search, SearchSettings
from tests.engines.hex.oracles import ExactEvaluator, HashEvaluator, exact_value


def schedule(considered: int, simulations: int) -> list[int]:
    """Visits that the move of each simulation has had before, as published for sequential halving."""
    if considered == 1:
        return list(range(simulations))
    phases = math.ceil(math.log2(considered))
    done: list[int] = []
    rounds = 0
    left = considered
    while len(done) < simulations:
        for _ in range(max(1, simulations // (phases * left))):
            done += [rounds] * left
            rounds += 1
        left = max(2, left // 2)
    return done[:simulations]


@pytest.mark.parametrize("simulations", [1, 2, 8, 16, 32, 50, 200])
@pytest.mark.parametrize("cells", [1, 2, 5, 16, 81])
def test_rounds_follow_the_schedule_of_sequential_halving(simulations: int, cells: int) -> None:
    rng = np.random.default_rng(simulations)
    root = GumbelRoot(np.full(cells, 1 / cells), 0.0, simulations, rng)
    visits, values, before = np.zeros(cells, int), rng.uniform(-1, 1, cells), []
    while len(before) < simulations:
        for move in root.next_round(visits, values, np.zeros(cells, bool)):
            before.append(int(visits[move]))
            visits[move] += 1
    assert before[:simulations] == schedule(min(16, cells, simulations), simulations)


def test_the_moves_are_a_sample_without_replacement_from_the_prior() -> None:
    prior = np.array([0.5, 0.3, 0.15, 0.05, 0.0])
    rng = np.random.default_rng(0)
    first = [GumbelRoot(prior, 0.0, 2, rng).moves for _ in range(4000)]
    shares = np.bincount([moves[0] for moves in first], minlength=5) / 4000
    np.testing.assert_allclose(shares, prior, atol=0.03)
    assert all(len(set(moves)) == 2 and 4 not in moves for moves in first)


def test_sigma_has_mctx_constants() -> None:
    values, visits = np.array([-0.5, 0.5, 0.0]), np.array([3, 7, 0])
    legal = np.array([True, True, False])
    np.testing.assert_allclose(sigma(values, visits, legal)[:2], [0.0, (50 + 7) * 0.1])


def test_the_mixed_value_weighs_visited_moves_by_their_prior() -> None:
    prior, visits = np.array([0.2, 0.6, 0.2]), np.array([1, 2, 0])
    values = np.array([0.4, -0.2, np.nan])
    searched = (0.2 * 0.4 + 0.6 * -0.2) / 0.8
    assert mixed_value(prior, visits, values, 0.1) == pytest.approx((0.1 + 3 * searched) / 4)
    assert mixed_value(prior, np.zeros(3, int), values, 0.1) == 0.1


def test_the_improved_policy_prefers_better_moves_and_ignores_stones() -> None:
    prior = np.array([0.25, 0.25, 0.5, 0.0])
    policy = improved_policy(prior, np.array([4, 4, 0, 0]), np.array([0.5, -0.5, np.nan, np.nan]), 0.0)
    assert policy.sum() == pytest.approx(1)
    assert policy[0] > policy[2] > policy[1]
    assert policy[3] == 0


def test_it_spends_exactly_its_simulations_on_few_moves() -> None:
    for simulations in (1, 7, 16, 32):
        search = Search(
            HashEvaluator(), np.zeros((7, 7), np.int8), 1, SearchSettings(n0=0, gumbel=True),
            rng=np.random.default_rng(1),
        )  # fmt: skip
        search.run(Limits(simulations=simulations))
        assert search.visits.sum() == simulations
        assert (search.visits > 0).sum() == min(16, simulations)
        best = search.best_move()
        assert search.visits[best] == search.visits.max()
        assert search.policy().sum() == pytest.approx(1)


def test_with_exact_values_it_finds_the_win_among_the_moves_it_draws() -> None:
    """3 × 3, 9 moves, all drawn by 16 simulations: five of them win."""
    for seed in range(10):
        settings = SearchSettings(n0=0, gumbel=True, prove=False)
        search = Search(ExactEvaluator(), np.zeros((3, 3), np.int8), 1, settings, rng=np.random.default_rng(seed))
        search.run(Limits(simulations=16))
        assert exact_value(Stones.of(np.zeros((3, 3), np.int8), 1).play(search.best_move())) == -1
        policy = search.policy()
        assert policy[[2, 3, 4, 5, 6]].sum() > 0.95


def test_the_q_head_completes_unvisited_moves() -> None:
    with_q, without = (
        Search(HashEvaluator(has_q=has_q), np.zeros((6, 6), np.int8), 1, SearchSettings(n0=0, gumbel=True))
        for has_q in (True, False)
    )
    for search in (with_q, without):
        search.run(Limits(simulations=8))
    unseen = with_q.visits == 0
    ratio = with_q.policy()[unseen] / with_q.snapshot().prior[unseen]
    assert ratio.max() / ratio.min() > 2
    unseen = without.visits == 0
    ratio = without.policy()[unseen] / without.snapshot().prior[unseen]
    np.testing.assert_allclose(ratio, ratio[0])


def test_visits_of_an_earlier_search_do_not_choose() -> None:
    """A kept tree comes with visits; only those of this search's rounds say which moves came through."""
    prior, before = np.full(4, 0.25), np.array([100, 0, 0, 0])
    root = GumbelRoot(prior, 0.0, 8, np.random.default_rng(0), considered=4, before=before)
    closed, values = np.zeros(4, bool), np.array([-0.5, 0.9, -0.5, -0.5])
    assert root.choice(before + 2, values, closed) == 1
    assert root.choice(np.array([102, 2, 2, 3]), values, closed) == 3


def test_moves_proven_to_lose_are_replaced() -> None:
    """Black must stop White at the last cell of the row: every other move loses at once or soon."""
    cells = np.zeros((4, 4), np.int8)
    cells[1, :3] = 2
    cells[3, 0] = cells[3, 1] = 1
    search = Search(HashEvaluator(), cells, 1, SearchSettings(n0=0, gumbel=True, batch=1), rng=np.random.default_rng(0))
    search.run(Limits(simulations=120))
    position = Stones.of(cells, 1)
    if exact_value(position) > 0:
        assert exact_value(position.play(search.best_move())) == -1
    closed = search.tree.proven_moves(search.root) == -1
    assert closed.any()
    assert search.proven or not closed[search.best_move()]
