"""Figures of detection against an oracle and by their own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from engines.asymmetric.metrics import (
    ACCEPTED_RIGHT,
    FOOLED,
    REJECTED,
    auc,
    equal_error_rate,
    error_at,
    outcomes,
    rates,
    threshold_at,
)

SCORES = st.lists(st.integers(-4, 4), min_size=1, max_size=30)
"""Few distinct values, so that ties are the rule."""


@given(SCORES, SCORES)
def test_9_1_auc_by_ranks_is_scikit_learns_with_ties(positive: list[int], negative: list[int]) -> None:
    truth = [1] * len(positive) + [0] * len(negative)
    assert auc(np.array(positive), np.array(negative)) == pytest.approx(
        roc_auc_score(truth, positive + negative), abs=1e-12
    )


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**31 - 1))
def test_9_1_rates_fall_with_the_threshold_and_fpr_is_error(natural: int, attacked: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = rates(
        rng.integers(-3, 4, natural),
        rng.random(natural) < 0.8,
        rng.integers(-3, 4, attacked),
        rng.random(attacked) < 0.5,
    )
    for curve in (found.tpr, found.accuracy, found.error):
        assert (np.diff(curve) <= 1e-15).all() and curve.min() >= 0 and curve.max() <= 1
    assert found.tpr[0] == 1 and found.tpr[-1] == 0 and found.error[-1] == 0
    assert (found.fpr == found.error).all()
    assert (found.accuracy <= found.tpr).all()


def test_rates_are_counts_over_all_images() -> None:
    found = rates(
        np.array([3.0, 1.0, 2.0, 0.0]), np.array([True, True, False, True]), np.array([2.5, -1.0]), [True, False]
    )
    at_two = int(np.flatnonzero(found.threshold == 2.0)[0])
    assert (found.tpr[at_two], found.accuracy[at_two], found.error[at_two]) == (0.5, 0.25, 0.5)


def test_a_threshold_keeps_the_share_asked_for_also_with_ties() -> None:
    scores = np.arange(100.0)
    assert threshold_at(scores, 0.95) == 5.0
    tied = np.array([0.0] * 10 + [1.0] * 90)
    assert threshold_at(tied, 0.95) == 0.0 and (tied >= threshold_at(tied, 0.95)).mean() >= 0.95


def test_error_at_a_tpr_is_the_error_at_that_threshold() -> None:
    rng = np.random.default_rng(0)
    natural, attacked, wrong = rng.normal(2, 1, 400), rng.normal(0, 1, 300), rng.random(300) < 0.7
    found = rates(natural, np.ones(400, bool), attacked, wrong)
    threshold = threshold_at(natural, 0.95)
    assert error_at(found, 0.95) == pytest.approx(((attacked >= threshold) & wrong).mean(), abs=1 / 300)


def test_the_equal_error_rate_of_two_mirrored_normals() -> None:
    rng = np.random.default_rng(1)
    found = rates(rng.normal(1, 1, 20_000), np.ones(20_000, bool), rng.normal(-1, 1, 20_000), np.ones(20_000, bool))
    rate, threshold = equal_error_rate(found)
    assert rate == pytest.approx(0.1587, abs=0.01) and threshold == pytest.approx(0, abs=0.06)


def test_the_equal_error_rate_is_zero_where_nobody_is_fooled() -> None:
    found = rates(np.array([1.0, 2.0]), np.array([True, True]), np.array([5.0, 6.0]), np.array([False, False]))
    assert equal_error_rate(found)[0] == 0


def test_outcomes_count_a_rejection_as_handled() -> None:
    found = outcomes(np.array([0, 1, 1]), np.array([5.0, 5.0, -5.0]), np.array([0, 0, 0]), threshold=0.0)
    assert found.tolist() == [ACCEPTED_RIGHT, FOOLED, REJECTED]


def test_nan_and_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        auc(np.array([np.nan]), np.array([0.0]))
    with pytest.raises(ValueError, match="NaN"):
        rates(np.array([1.0]), np.array([True]), np.array([np.nan]), np.array([True]))
    with pytest.raises(ValueError, match="at least one"):
        rates(np.zeros(0), np.zeros(0, bool), np.zeros(1), np.zeros(1, bool))
    assert np.isnan(auc(np.zeros(0), np.zeros(3)))
