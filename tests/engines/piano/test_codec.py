"""Paper file 08, section 9, checks 1 and 2."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.piano.codec import (
    MELODY_VOCABULARY,
    PAD,
    VOCABULARY,
    Decoder,
    decode,
    decode_melody,
    describe,
    describe_melody,
    duration_of,
    encode,
    encode_melody,
    grammar_mask,
    notes_of,
)
from engines.piano.midi import midi_bytes, read_midi_bytes
from engines.piano.notes import Notes
from engines.piano.smf import compose
from tests.engines.piano.unhurried import unhurried

texts = st.lists(st.integers(0, VOCABULARY - 1), max_size=200).map(np.array)
crowded = st.lists(st.sampled_from([*range(40, 44), *range(128, 132), 178, 180, 300]), max_size=120).map(np.array)


@st.composite
def grid_notes(draw: st.DrawFn) -> Notes:
    """Notes on a grid of 10 ms with velocities at the edges of their bins, no two of a pitch at once."""
    free = dict.fromkeys(range(60, 66), 0)
    rows = []
    for _ in range(draw(st.integers(0, 25))):
        pitch = draw(st.sampled_from(sorted(free)))
        start = free[pitch] + draw(st.integers(0, 250))
        free[pitch] = end = start + draw(st.integers(1, 250))
        rows.append((start / 100, end / 100, pitch, 1 + 4 * draw(st.integers(0, 31))))
    return Notes.of(rows)


def test_check_1_vocabularies_and_the_example_by_hand() -> None:
    assert (VOCABULARY, MELODY_VOCABULARY) == (310, 92)
    assert encode(Notes.of([(0.0, 0.5, 60, 64)])).tolist() == [293, 41, 227, 129]


def test_times_are_rounded_to_the_nearest_step_and_no_note_vanishes() -> None:
    # 4 ms rounds to step 0, 5 ms to step 1; a note within one step gets one.
    assert encode(Notes.of([(0.0049, 0.0051, 21, 1)])).tolist() == [278, 2, 178, 90]
    assert encode(Notes.of([(0.005, 0.006, 108, 127)])).tolist() == [178, 309, 89, 178, 177]


@pytest.mark.parametrize(("gap", "shifts"), [(1, [178]), (100, [277]), (101, [277, 178]), (250, [277, 277, 227])])
def test_long_waits_are_full_seconds_and_the_rest(gap: int, shifts: list[int]) -> None:
    tokens = encode(Notes.of([(gap / 100, gap / 100 + 0.01, 60, 100)]))
    assert tokens[: len(shifts)].tolist() == shifts and tokens[len(shifts)] >= 278


def test_loudness_is_said_when_its_bin_changes_only() -> None:
    notes = Notes.of([(0, 1, 60, 61), (1, 2, 62, 64), (2, 3, 64, 65)])
    assert [t for t in encode(notes).tolist() if t >= 278] == [293, 294]


def test_a_release_comes_before_the_next_strike_of_its_key() -> None:
    assert encode(Notes.of([(0, 1, 60, 64), (1, 2, 60, 64)])).tolist() == [293, 41, 277, 129, 41, 277, 129]


def test_the_pedal_is_applied_and_keys_off_the_piano_are_left_out() -> None:
    notes = Notes(np.zeros(2), np.full(2, 0.2), np.array([60, 20]), np.full(2, 64), np.array([[0.1, 0.5]]))
    assert encode(notes).tolist() == [293, 41, 227, 129]
    assert encode(Notes.empty()).tolist() == []


def test_what_begins_before_zero_begins_at_zero() -> None:
    assert encode(Notes.of([(-0.3, 0.5, 60, 64)])).tolist() == [293, 41, 227, 129]


@unhurried
@given(grid_notes())
def test_check_2_notes_on_the_grid_survive_tokens_and_a_midi_file(notes: Notes) -> None:
    tokens = encode(notes)
    assert decode(tokens).same(notes)
    if len(notes):
        again = read_midi_bytes(midi_bytes(notes), "test").notes
        assert again.same(notes) and np.array_equal(encode(again), tokens)


@unhurried
@given(grid_notes(), st.sampled_from((220, 480, 500)))
def test_check_2_notes_on_the_grid_survive_files_of_other_resolutions(notes: Notes, division: int) -> None:
    """220 ticks a quarter note are 2.3 ms at 120 a minute: coarser than the file, finer than the tokens."""
    events: list[tuple[int, int, bytes]] = []
    for start, end, pitch, velocity in notes.rows.tolist():
        events.append((round(start * 2 * division), 1, bytes((0x90, int(pitch), int(velocity)))))
        events.append((round(end * 2 * division), 0, bytes((0x80, int(pitch), 64))))
    data = compose(division, 500_000, [(tick, message) for tick, _, message in sorted(events)])
    if len(notes):
        assert np.array_equal(encode(read_midi_bytes(data, "test").notes), encode(notes))


@unhurried
@given(texts | crowded)
def test_check_2_any_string_decodes_and_the_second_pass_is_stable(tokens: np.ndarray) -> None:
    first = encode(decode(tokens))
    assert np.array_equal(encode(decode(first)), first)


@unhurried
@given(texts | crowded)
def test_token_by_token_gives_the_same_notes(tokens: np.ndarray) -> None:
    decoder, ended = Decoder(), []
    for token in tokens.tolist():
        ended += decoder.feed(token)
        assert all(note.end == decoder.clock for note in decoder.open_notes)
    assert decoder.clock == pytest.approx(duration_of(tokens))
    ended += decoder.finish()
    assert not decoder.open_notes
    assert sorted(notes_of(ended).rows.tolist()) == sorted(decode(tokens).rows.tolist())


def test_an_orphaned_release_means_nothing_and_notes_left_open_end_with_the_clock() -> None:
    tokens = np.array([129, 178, 41, 187, 41, 187])
    assert decode(tokens).rows.tolist() == [[0.01, 0.21, 60, 100], [0.11, 0.21, 60, 100]]
    # The oldest open note is ended first.
    assert decode(np.array([41, 187, 41, 187, 129])).rows[:, 1].tolist() == [0.2, 0.2]
    assert decode(np.array([41, 187, 41, 129, 187])).rows[:, 1].tolist() == [0.1, 0.2]


@unhurried
@given(st.integers(0, 2**32 - 1))
def test_the_grammar_leaves_no_orphans_no_double_strikes_and_no_lost_notes(seed: int) -> None:
    rng, decoder = np.random.default_rng(seed), Decoder()
    tokens, ended = [], 0
    for _ in range(150):
        mask = grammar_mask(decoder)
        keys = {note.pitch for note in decoder.open_notes}
        assert {t + 19 for t in np.flatnonzero(~mask[2:90]) + 2} == keys
        assert not mask[PAD] and not mask[1] and mask[178:].all()
        tokens.append(int(rng.choice(np.flatnonzero(mask))))
        ended += len(decoder.feed(tokens[-1]))
    strikes = sum(2 <= t < 90 for t in tokens)
    releases = sum(90 <= t < 178 for t in tokens)
    assert ended == releases and len(decoder.open_notes) == strikes - releases
    with pytest.raises(ValueError):
        grammar_mask(decoder)[0] = True


def test_finishing_opens_every_key_again() -> None:
    decoder = Decoder()
    for token in (41, 187):
        decoder.feed(token)
    assert not grammar_mask(decoder)[41] and grammar_mask(decoder)[129]
    assert [note.pitch for note in decoder.finish()] == [60]
    assert grammar_mask(decoder)[41] and not grammar_mask(decoder)[129]


def test_every_token_has_words() -> None:
    assert describe(41) == "strike C4" and describe(129) == "release C4" and describe(227) == "wait 500 ms"
    assert describe(293) == "velocity 61–64" and describe(309) == "velocity 125–127" and describe(0) == "padding"
    assert len({describe(t) for t in range(VOCABULARY)}) == VOCABULARY
    assert len({describe_melody(t) for t in range(MELODY_VOCABULARY)}) == MELODY_VOCABULARY
    for wrong in (-1, VOCABULARY):
        with pytest.raises(ValueError):
            describe(wrong)
        with pytest.raises(ValueError):
            Decoder().feed(wrong)


def test_what_is_no_token_is_refused() -> None:
    for wrong in (np.array([310]), np.array([-1]), np.array([1.5]), np.zeros((2, 2), int)):
        with pytest.raises(ValueError, match="expected"):
            decode(wrong)


def test_melody_grid_by_hand() -> None:
    # C4 for 0-0.3 s, E4 for 0.3-0.4 s, rest, D4 for 0.6-0.7 s; the last release lies on the grid's end.
    notes = Notes.of([(0, 0.3, 60, 90), (0.3, 0.4, 64, 90), (0.6, 0.7, 62, 90)])
    assert encode_melody(notes).tolist() == [43, 2, 2, 47, 3, 2, 45]
    assert encode_melody(notes, seconds=0.9).tolist() == [43, 2, 2, 47, 3, 2, 45, 3, 2]
    assert encode_melody(notes, seconds=0.2).tolist() == [43, 2]
    back = decode_melody(encode_melody(notes))
    assert back.same(Notes.of([(0, 0.3, 60, 127), (0.3, 0.4, 64, 127), (0.6, 0.7, 62, 127)]), 1e-12)


def test_of_two_melody_notes_in_a_step_the_later_stays() -> None:
    assert encode_melody(Notes.of([(0, 0.01, 60, 90), (0.02, 0.3, 72, 90)])).tolist()[0] == 55
    assert encode_melody(Notes.empty()).tolist() == [] and len(decode_melody(np.zeros(0, int))) == 0


@unhurried
@given(st.lists(st.integers(0, MELODY_VOCABULARY - 1), max_size=80).map(np.array))
def test_any_melody_string_decodes_and_the_second_pass_is_the_first(tokens: np.ndarray) -> None:
    notes = decode_melody(tokens)
    grid = encode_melody(notes, seconds=len(tokens) / 10)
    assert decode_melody(grid).same(notes) and len(grid) == len(tokens)
