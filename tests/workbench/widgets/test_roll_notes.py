"""Notes in order, names, clock, colours that the colour-blind can order, and what differs between two pieces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbench.widgets.music import notes_of, scale
from workbench.colormaps import oklab
from workbench.oklab import to_oklab
from workbench.theme import DARK, LIGHT
from workbench.widgets.pixels import contrast
from workbench.widgets.roll_geometry import RollGeometry, fitting_pitches, tick_step, tick_times
from workbench.widgets.roll_notes import (
    RollNotes,
    changed_stretch,
    clock_text,
    pitch_class_rgb,
    pitch_name,
    spoken_pitch,
    unknown_rgb,
    value_rgb,
    velocity_level,
    velocity_rgb,
)


@dataclass
class Loose:
    """Arrays as another part of the program may hold them."""

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray


def loose(start: list[float], pitch: list[int]) -> Loose:
    at = np.array(start)
    return Loose(at, at + 1, np.array(pitch), np.full(len(at), 200))


def test_notes_are_put_in_order_and_velocities_in_range() -> None:
    made = RollNotes.of(loose([2, 1, 1], [60, 64, 50]))
    assert made.pitch.tolist() == [50, 64, 60]
    assert made.velocity.max() == 127
    assert made.pedal.shape == (0, 2)
    assert RollNotes.of(made) is made
    assert made.duration == 3.0


def test_engine_notes_are_taken_as_they_are() -> None:
    from engines.piano.notes import Notes

    theirs = Notes(np.array([1.0, 0.0]), np.array([2.0, 0.5]), np.array([60, 62]), np.array([9, 8]), np.array([[0, 1]]))
    made = RollNotes.of(theirs)
    assert made.pitch.tolist() == [62, 60]
    assert made.pedal.tolist() == [[0.0, 1.0]]


def test_odd_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        RollNotes.of(Loose(np.zeros(2), np.ones(3), np.zeros(2), np.zeros(2)))
    with pytest.raises(ValueError, match="finite"):
        RollNotes.of(loose([np.nan], [60]))
    with pytest.raises(ValueError, match=r"0\.\.127, got 200"):
        RollNotes.of(loose([0], [200]))


def test_what_sounds_at_a_time() -> None:
    piece = notes_of((0, 2, 60, 9), (1, 3, 64, 9), (2, 4, 67, 9))
    assert piece.sounding(1.5).tolist() == [0, 1]
    assert piece.sounding(2.0).tolist() == [1, 2], "a note ends before the next begins"
    assert piece.within(3.5, 9).tolist() == [2]
    assert piece.within(0, 0.5).tolist() == [0]


def test_only_what_differs_is_painted_anew() -> None:
    before = scale(8)
    assert changed_stretch(before, scale(8)) is None
    longer = scale(10)
    later = RollNotes(longer.start, longer.end, longer.pitch, np.append(before.velocity, [90, 91]), longer.pedal)
    assert changed_stretch(before, later) == (4.0, 4.9)
    moved = RollNotes(before.start, before.end, before.pitch.copy(), before.velocity, before.pedal)
    moved.pitch[3] += 1
    assert changed_stretch(before, moved) == (1.5, 1.9)
    pedalled = RollNotes(before.start, before.end, before.pitch, before.velocity, np.array([[0.0, 1.5], [2.0, 3.9]]))
    assert changed_stretch(before, pedalled) == (2.0, 3.9)
    assert changed_stretch(RollNotes.empty(), RollNotes.empty()) is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5), st.integers(60, 64)), max_size=8), st.data())
def test_outside_the_changed_stretch_both_look_the_same(rows: list[tuple[int, int, int]], data: st.DataObject) -> None:
    more = data.draw(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 5), st.integers(60, 64)), max_size=8))

    def piece(of: list[tuple[int, int, int]]) -> RollNotes:
        return RollNotes.of(notes_of(*((float(a), float(a + b), p, 64) for a, b, p in sorted(of))))

    def outside(notes: RollNotes, a: float, b: float) -> list[tuple[float, float, int]]:
        far = (notes.end < a) | (notes.start > b)
        return sorted(zip(notes.start[far], notes.end[far], notes.pitch[far], strict=True))

    first, second = piece(rows), piece(more)
    found = changed_stretch(first, second)
    a, b = found if found is not None else (np.inf, -np.inf)
    assert outside(first, a, b) == outside(second, a, b)
    if found is None:
        assert len(first) == len(second)


def test_names() -> None:
    assert [pitch_name(p) for p in (21, 60, 61, 63, 108)] == ["A0", "C4", "C♯4", "E♭4", "C8"]
    assert spoken_pitch(63) == "E flat 4"


def test_clock() -> None:
    assert clock_text(5) == "0:05"
    assert clock_text(65.25, 0.01) == "1:05.25"
    assert clock_text(59.9999, 0.1) == "1:00.0"
    assert clock_text(3600 + 61) == "1:01:01"
    assert clock_text(-0.001) == "0:00"


# How people without green or red cones see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
ALL_CONES = np.eye(3)
DEUTERANOPIA = np.array([(0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                         (-0.011820, 0.042940, 0.968881)])  # fmt: skip
PROTANOPIA = np.array([(0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                       (-0.003882, -0.048116, 1.051998)])  # fmt: skip


def seen_by(rgb: np.ndarray, cones: np.ndarray) -> np.ndarray:
    return to_oklab(np.clip((rgb / 255) ** 2.2 @ cones.T, 0, 1) ** (1 / 2.2))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("cones", [ALL_CONES, DEUTERANOPIA, PROTANOPIA])
def test_every_eye_tells_any_two_pitch_classes_apart(dark: bool, cones: np.ndarray) -> None:
    lab = seen_by(pitch_class_rgb(dark), cones)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2) + 9 * np.eye(12)
    assert apart.min() > 0.09, "hues of like lightness come to 0.007"


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("cones", [ALL_CONES, DEUTERANOPIA, PROTANOPIA])
def test_every_eye_orders_quantities_and_sees_what_is_unknown(dark: bool, cones: np.ndarray) -> None:
    lab = seen_by(value_rgb(dark), cones)
    steps = np.diff(lab[:, 0]) * (1 if dark else -1)
    assert (steps > 0.01).all()
    grey = seen_by(unknown_rgb(dark)[None], cones)[0]
    assert np.linalg.norm(lab - grey, axis=1).min() > 0.04
    assert np.hypot(*grey[1:]) < 0.025, "a grey for every eye"


@pytest.mark.parametrize("dark", [False, True])
def test_loudness_is_ordered_by_lightness_and_soft_notes_stand_out(dark: bool) -> None:
    rgb = velocity_rgb(dark)
    light = oklab(rgb)[:, 0]
    steps = np.diff(light) if dark else -np.diff(light)
    assert (steps > 0.015).all(), "grey values alone tell soft from loud"
    ground = DARK.surface if dark else LIGHT.surface
    shade = np.array([int(ground[i : i + 2], 16) for i in (1, 3, 5)])
    assert contrast(rgb, shade).min() > 1.7
    assert contrast(value_rgb(dark), shade).min() > 1.5
    assert contrast(pitch_class_rgb(dark), shade).min() > 1.9
    assert velocity_level(np.array([1, 20, 64, 116, 127])).tolist() == [0, 0, 7, 15, 15]


def test_a_note_lies_where_its_time_and_pitch_are() -> None:
    g = RollGeometry(width=1046, height=400, start=10, span=10, low=48, high=84, left=46, top=40)
    box = g.rects(notes_of((12, 13, 60, 64)))[0]
    assert box[0] == pytest.approx(246)
    assert box[2] == pytest.approx(99)
    assert box[1] == g.y_of(61)
    assert g.pitch_of(box[1] + box[3] / 2) == 60
    assert g.time_of(g.x_of(12.34)) == pytest.approx(12.34)
    grace = g.rects(notes_of((12, 12.0001, 60, 64)))[0]
    assert grace[2] == 2.0


@given(st.integers(0, 127), st.integers(0, 127))
def test_fitting_pitches_are_within_the_keyboard_and_hold_all(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    bottom, top = fitting_pitches(low, high)
    assert 0 <= bottom <= low
    assert high + 1 <= top <= 128
    assert top - bottom >= 24


def test_ticks_have_room_and_round_numbers() -> None:
    for scale_ in (0.05, 1.0, 7.7, 60.0, 900.0, 8000.0):
        step, parts = tick_step(scale_, 72)
        assert step * scale_ >= 72 or step == 7200
        assert 2 <= parts <= 6
    assert [t for _, t in tick_times(0.9, 3.1, 1.0)] == [1.0, 2.0, 3.0]
    assert [k for k, _ in tick_times(0.9, 3.1, 1.0)] == [1, 2, 3]


def test_hours_of_music_that_come_or_go_need_not_be_compared() -> None:
    notes = notes_of((1.0, 2.0, 60, 80), (3.0, 9.0, 62, 80))
    assert changed_stretch(RollNotes.empty(), notes) == changed_stretch(notes, RollNotes.empty()) == (1.0, 9.0)
    assert changed_stretch(RollNotes.empty(), RollNotes.empty()) is None
