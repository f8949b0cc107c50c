"""Which token struck which note, against a decoder that is asked after each token."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.piano import library
from engines.piano.alignment import KINDS, kinds_of, moments, of_notes, pitches_of, strikes_of
from engines.piano.codec import Decoder, decode, encode
from engines.piano.notes import Notes

EXAMPLE = np.array([293, 41, 227, 129, 178, 0])  # velocity, strike C4, 500 ms, release C4, 10 ms, padding


def test_kinds_moments_and_pitches_by_hand() -> None:
    assert [KINDS[k] for k in kinds_of(EXAMPLE)] == [
        "velocity", "note on", "time shift", "note off", "time shift", "reserved",
    ]  # fmt: skip
    assert moments(EXAMPLE).tolist() == [0, 0, 0.5, 0.5, 0.51, 0.51]
    assert pitches_of(EXAMPLE).tolist() == [-1, 60, -1, 60, -1, -1]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(2, 309), max_size=120))
def test_the_token_found_is_one_that_struck_this_key_at_this_moment(text: list[int]) -> None:
    tokens = np.array(text, np.int64)
    notes = decode(tokens)
    struck = strikes_of(notes, tokens)
    assert (struck >= 0).all(), "every decoded note was struck"
    decoder, before = Decoder(), []
    for token in text:
        before.append(decoder.clock)
        decoder.feed(token)
    for start, pitch, k in zip(notes.start, notes.pitch, struck, strict=True):
        assert text[k] == pitch - 21 + 2 and abs(before[k] - start) < 1e-9


def test_notes_of_another_piece_have_no_token_and_no_value() -> None:
    piece = library.item("ballad").notes
    tokens = encode(piece)
    values = np.arange(len(tokens), dtype=float)
    found = of_notes(piece, tokens, values)
    assert np.isfinite(found).all() and len(np.unique(found)) == len(piece)
    assert np.isnan(of_notes(piece.transposed(1).shifted(0.05), tokens, values)).mean() > 0.8
    assert len(strikes_of(Notes.empty(), tokens)) == 0
    assert strikes_of(piece, np.zeros(0, np.int64)).tolist() == [-1] * len(piece)
