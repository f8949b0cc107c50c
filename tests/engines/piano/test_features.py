"""Paper file 08, section 9, check 8, and the eight features by hand."""

from __future__ import annotations

import tracemalloc
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.features import FEATURES, FLOOR, kl, mmd_imq, overlap, profile, similarity, symmetric_kl, windows
from engines.piano.notes import Notes
from tests.engines.piano.unhurried import unhurried

means = st.floats(-200, 200)
deviations = st.floats(0.01, 100)


@unhurried
@given(means, deviations, means, deviations)
def test_check_8_overlap_is_symmetric_between_0_and_1_and_the_standard_librarys(
    m1: float, s1: float, m2: float, s2: float
) -> None:
    area = overlap(m1, s1, m2, s2)
    assert area == overlap(m2, s2, m1, s1) and 0 <= area <= 1
    if s1 == s2 or abs(s1 / s2 - 1) > 1e-3:  # the standard library loses digits between nearly equal ones
        assert area == pytest.approx(NormalDist(m1, s1).overlap(NormalDist(m2, s2)), abs=1e-14)


def test_check_8_overlap_of_equals_is_one_and_one_sigma_apart_a_known_number() -> None:
    assert overlap(3.0, 2.0, 3.0, 2.0) == 1.0
    assert overlap(0, 1, 1, 1) == pytest.approx(0.617075, abs=5e-7)
    assert overlap(0, 1, 0, 1.001) < 1 and overlap(0, 1, 1e-3, 1) < 1


@pytest.mark.parametrize("apart", [0.0, 0.5, 3.0])
def test_overlap_is_continuous_where_the_deviations_meet(apart: float) -> None:
    level = overlap(0, 1, apart, 1)
    for hair in (1e-6, 1e-9, 1e-12, 1e-15):
        assert overlap(0, 1, apart, 1 + hair) == pytest.approx(level, abs=max(hair, 1e-14))


def test_overlap_counts_both_crossings() -> None:
    """Against numerical integration, where a form with one crossing is wrong by a tenth."""
    x = np.linspace(-60, 60, 1_200_001)
    densities = [np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi)) for m, s in ((0, 1), (0.5, 4))]
    area = float(np.minimum(*densities).sum() * (x[1] - x[0]))
    assert overlap(0, 1, 0.5, 4) == pytest.approx(area, abs=1e-7)


def test_a_deviation_of_zero_is_refused() -> None:
    with pytest.raises(ValueError):
        overlap(0, 0, 0, 1)


@unhurried
@given(means, deviations, means, deviations)
def test_divergences_are_not_negative_and_zero_for_equals(m1: float, s1: float, m2: float, s2: float) -> None:
    assert kl(m1, s1, m2, s2) >= -1e-9 and symmetric_kl(m1, s1, m2, s2) == symmetric_kl(m2, s2, m1, s1)
    assert kl(m1, s1, m1, s1) == 0
    assert kl(0, 1, 1, 1) == pytest.approx(0.5)


def test_discrepancy_by_hand_and_zero_for_a_sample_with_itself() -> None:
    a, b = np.array([[0.0]]), np.array([[2.0]])
    assert mmd_imq(a, b, scale=4.0) == pytest.approx(1 + 1 - 2 * 4 / (4 + 4))
    assert mmd_imq(b, b) == 0
    with pytest.raises(ValueError):
        mmd_imq(np.zeros((0, 1)), b)


def test_features_by_hand() -> None:
    # Window one: C4 v60 0.5 s and E4 v80 1.5 s. Window two: nothing. Window three: one G4 v100, 1 s.
    notes = Notes.of([(10, 10.5, 60, 60), (11, 12.5, 64, 80), (14.5, 15.5, 67, 100)])
    values = windows(notes)
    assert values.shape == (3, len(FEATURES))
    assert values[0].tolist() == [1.0, 4.0, 62.0, 2.0, 70.0, 10.0, 1.0, 0.5]
    assert values[1, 0] == 0 and np.isnan(values[1, 1:]).all()
    assert values[2, :3].tolist() == [0.5, 0.0, 67.0] and np.isnan(values[2, [3, 5, 7]]).all()
    found = profile(notes)
    assert found.mean[0] == 0.75, "empty windows do not count"
    assert found.mean[2] == 64.5 and found.deviation[2] == 2.5 and found.deviation[1] == 2.0
    assert found.deviation[5] == FLOOR[5], "one window has no spread"


def test_durations_are_those_that_sound() -> None:
    wet = Notes(np.array([0.0, 3.0]), np.array([0.1, 3.1]), np.array([60, 60]), np.array([9, 9]), np.array([[0, 1.5]]))
    assert windows(wet)[0, 6] == 1.5


def test_a_piece_is_most_like_itself_and_comparison_is_symmetric() -> None:
    pieces = [library.item(name).notes for name in ("ragtime", "ambient", "march")]
    for i, a in enumerate(pieces):
        own = similarity(a, a)
        assert own.overlap == 1 and own.kl == 0 and own.mmd == 0
        for b in pieces[i + 1 :]:
            forth, back = similarity(a, b), similarity(b, a)
            assert forth.overlap == back.overlap < 0.6 and forth.kl == pytest.approx(back.kl) and forth.kl > 0.1
            assert forth.mmd == pytest.approx(back.mmd) and forth.mmd > 0.01


def test_too_little_music_is_refused() -> None:
    with pytest.raises(UserError, match="too short"):
        profile(Notes.of([(0, 1, 60, 64)]))
    with pytest.raises(UserError, match="too short"):
        profile(Notes.empty())


def test_hours_of_music_are_compared_in_little_memory() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(1500, 5)), rng.normal(size=(1700, 5)) + 0.3

    def mean(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.mean([(10 / (10 + ((row - y) ** 2).sum(1))).mean() for row in x]))

    tracemalloc.start()
    got = mmd_imq(a, b)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert got == pytest.approx(mean(a, a) + mean(b, b) - 2 * mean(a, b), abs=1e-12)
    assert mmd_imq(a, a) == 0
    assert peak < 60e6, "all differences at once are 200 MB"
