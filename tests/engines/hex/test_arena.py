"""Elo from results: known values, recovery of known strengths, and honest intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engines.hex.arena import elo_interval, elo_of, expected_score, pool_wins, rate, wilson


def test_the_elo_scale_is_the_usual_one() -> None:
    assert elo_of(0.5) == 0
    assert elo_of(10 / 11) == pytest.approx(400)
    assert elo_of(0.75) == pytest.approx(190.85, abs=0.01)
    assert expected_score(elo_of(0.3)) == pytest.approx(0.3)
    assert math.isfinite(elo_of(1.0))
    assert elo_of(0.0) == -elo_of(1.0)


def test_the_wilson_interval_has_its_textbook_values() -> None:
    low, high = wilson(8, 10)
    assert (low, high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10)[0] == 0.0
    assert wilson(0, 10)[1] == pytest.approx(0.2775, abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_wilson_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    for truth in (0.5, 0.8, 0.95):
        wins = rng.binomial(60, truth, 2000)
        covered = [low <= truth <= high for low, high in (wilson(int(w), 60) for w in wins)]
        assert 0.92 < np.mean(covered) < 0.99


def test_an_interval_shrinks_with_games_and_contains_its_elo() -> None:
    few, many = elo_interval(6, 10), elo_interval(600, 1000)
    for elo, low, high in (few, many):
        assert low < elo < high
    assert many[2] - many[1] < (few[2] - few[1]) / 5
    assert elo_interval(0, 0)[0] == 0


def test_two_players_rate_as_their_score_says() -> None:
    ratings = rate(np.array([[0, 25], [75, 0]]), prior_games=0)
    assert ratings.elo[0] == 0
    assert ratings.elo[1] == pytest.approx(elo_of(0.75), abs=1e-6)
    assert ratings.low[1] < ratings.elo[1] < ratings.high[1]
    assert ratings.low[0] == ratings.high[0] == 0


def test_known_strengths_are_recovered_from_a_pool() -> None:
    truth = np.array([0.0, 100, 250, 180, -90])
    rng = np.random.default_rng(4)
    wins = np.zeros((5, 5))
    for i in range(5):
        for j in range(i):
            won = rng.binomial(2000, expected_score(truth[i] - truth[j]))
            wins[i, j], wins[j, i] = won, 2000 - won
    ratings = rate(wins)
    np.testing.assert_allclose(ratings.elo, truth, atol=15)
    assert ((ratings.low <= truth) & (truth <= ratings.high)).sum() >= 4


def test_players_that_only_met_through_others_are_compared() -> None:
    ratings = rate(pool_wins(3, [(0, 1, 0.0)] * 30 + [(0, 1, 1.0)] * 10 + [(1, 2, 0.0)] * 30 + [(1, 2, 1.0)] * 10))
    assert ratings.elo[2] == pytest.approx(2 * ratings.elo[1], rel=0.01)
    assert ratings.high[2] - ratings.low[2] > ratings.high[1] - ratings.low[1]


def test_a_clean_sweep_stays_finite_and_strangers_get_no_rating() -> None:
    wins = np.zeros((4, 4))
    wins[1, 0] = 20
    wins[3, 2] = 5
    ratings = rate(wins)
    assert np.isfinite(ratings.elo[:2]).all()
    assert 300 < ratings.elo[1] < 1500
    assert np.isnan(ratings.elo[2:]).all()
    assert np.isnan(ratings.low[2:]).all()


def test_the_anchor_shifts_everything() -> None:
    wins = np.array([[0.0, 3], [7, 0]])
    base, moved = rate(wins), rate(wins, anchor=1, anchor_elo=1000)
    np.testing.assert_allclose(moved.elo - base.elo, 1000 - base.elo[1])


def test_results_that_are_no_square_matrix_are_refused() -> None:
    with pytest.raises(ValueError, match="expected wins"):
        rate(np.zeros((2, 3)))
