from __future__ import annotations

import numpy as np
import pytest

from engines.piano.notes import Notes, concatenate, joined_spans, pitch_name


def _scale() -> Notes:
    return Notes.of([(1.0, 1.5, 62, 70), (0.0, 0.9, 64, 60), (0.0, 2.0, 60, 50)])


def test_notes_are_sorted_by_onset_then_pitch_and_cannot_be_changed() -> None:
    notes = _scale()
    assert notes.pitch.tolist() == [60, 64, 62] and notes.velocity.tolist() == [50, 60, 70]
    assert notes.start.dtype == np.float64 and notes.pitch.dtype == np.int16
    with pytest.raises(ValueError):
        notes.start[0] = 1.0


def test_notes_keep_their_own_arrays_unharmed() -> None:
    start = np.array([0.0, 1.0])
    Notes(start, start + 1, np.array([60, 61]), np.array([5, 6]))
    start[0] = 0.5  # the caller's array stays writable


@pytest.mark.parametrize(
    "row", [(0, -1, 60, 64), (0, 1, 128, 64), (0, 1, 60, 0), (0, 1, 60, 128), (float("nan"), 1, 60, 64)]
)
def test_impossible_notes_are_refused(row: tuple[float, float, int, int]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Notes.of([row])


def test_arrays_of_different_lengths_and_crossing_presses_are_refused() -> None:
    with pytest.raises(ValueError, match="four arrays"):
        Notes(np.zeros(2), np.ones(2), np.array([60]), np.array([1, 2]))
    with pytest.raises(ValueError, match="pedal"):
        Notes(np.zeros(1), np.ones(1), np.array([60]), np.array([9]), np.array([[0.0, 2.0], [1.0, 3.0]]))


def test_moving_in_time_and_pitch() -> None:
    notes = Notes(np.array([1.0]), np.array([2.0]), np.array([60]), np.array([64]), np.array([[0.5, 3.0]]))
    late = notes.shifted(2).stretched(0.5).transposed(-3)
    assert (late.start[0], late.end[0], late.pitch[0]) == (1.5, 2.0, 57)
    assert late.pedal.tolist() == [[1.25, 2.5]]
    assert notes.fits(48) and not notes.fits(49) and notes.fits(-39) and not notes.fits(-40)
    with pytest.raises(ValueError):
        notes.transposed(68)
    with pytest.raises(ValueError):
        notes.stretched(0)


def test_a_part_holds_what_begins_in_it_cut_at_its_end() -> None:
    notes = Notes(
        np.array([0.0, 1.0, 2.0]),
        np.array([1.5, 3.0, 2.5]),
        np.array([60, 61, 62]),
        np.full(3, 9),
        np.array([[0.0, 5.0]]),
    )
    part = notes.between(1.0, 2.0)
    assert part.rows.tolist() == [[1.0, 2.0, 61, 9]] and part.pedal.tolist() == [[1.0, 2.0]]
    assert len(notes.between(2.6, 2.6)) == 0
    with pytest.raises(ValueError):
        notes.between(2, 1)


def test_parts_are_laid_over_one_another_or_played_in_turn() -> None:
    one = Notes(np.array([0.0]), np.array([1.0]), np.array([60]), np.array([64]), np.array([[0.0, 2.0]]))
    both = concatenate([one, one.shifted(1)])
    assert both.start.tolist() == [0.0, 1.0] and both.pedal.tolist() == [[0.0, 3.0]]
    turn = concatenate([one, one], gap=0.5)
    assert turn.start.tolist() == [0.0, 2.5] and turn.pedal.tolist() == [[0.0, 2.0], [2.5, 4.5]]
    assert len(concatenate([])) == 0


def test_spans_are_joined_where_they_touch_or_lie_inside() -> None:
    spans = np.array([[5, 6], [0, 4], [1, 2], [4, 5], [8, 9]], float)
    assert joined_spans(spans).tolist() == [[0, 6], [8, 9]]


def test_names_keep_to_the_middle_c_of_midi() -> None:
    assert [pitch_name(p) for p in (21, 60, 61, 108)] == ["A0", "C4", "C♯4", "C8"]


def test_comparison_knows_a_tolerance() -> None:
    notes = _scale()
    assert notes.same(notes.shifted(1e-9), 1e-8) and not notes.same(notes.shifted(0.1), 1e-8)
    assert not notes.same(notes.take([0, 1])) and notes.duration == 2.0 and Notes.empty().duration == 0.0
