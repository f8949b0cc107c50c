"""What training reads: crops, their melody windows, and the perturbed copies (paper file 08, 2.4)."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.piano.codec import decode, encode, encode_melody
from engines.piano.crops import (
    PERTURBING_SHIFTS,
    STRETCHES,
    TRANSPOSITIONS,
    Crops,
    perturbed,
    steps,
    stretched,
    transposed,
)
from engines.piano.notes import Notes
from engines.piano.vocabulary import ON


def piece(seed: int = 0, count: int = 120, seconds: float = 30.0, low: int = 40, high: int = 80) -> Notes:
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, seconds, count))
    return Notes(
        start,
        start + rng.uniform(0.1, 1.5, count),
        rng.integers(low, high, count).astype(np.int16),
        rng.integers(20, 110, count).astype(np.int16),
    )


def text(seed: int = 0, **changes: float) -> np.ndarray:
    return encode(piece(seed, **changes)).astype(np.int64)


def held_melody(seconds: float = 30.0) -> Notes:
    """A note each second, going up a semitone a time from 50."""
    start = np.arange(seconds)
    return Notes(start, start + 1, (50 + np.arange(len(start))).astype(np.int16), np.full(len(start), 90, np.int16))


def test_stretching_tokens_is_stretching_their_moments() -> None:
    for seed in range(5):
        tokens = text(seed)
        for factor in (0.5, 0.95, 1.025, 1.05, 3.0):
            got = stretched(tokens, factor)
            events = (tokens < 178) | (tokens >= 278)
            kept = (got < 178) | (got >= 278)
            assert np.array_equal(got[kept], tokens[events])
            moments = np.cumsum(steps(tokens))[events]
            assert np.array_equal(np.cumsum(steps(got))[kept], np.floor(moments * factor + 0.5))
        assert np.array_equal(stretched(tokens, 1 + 1e-9), tokens)
    assert len(stretched(np.zeros(0, np.int64), 1.05)) == 0


def test_transposing_tokens_transposes_the_notes() -> None:
    tokens = text()
    assert decode(transposed(tokens, 5)).same(decode(tokens).transposed(5))


@pytest.mark.parametrize("how", ["paper", "repo", "none"])
def test_a_perturbation_changes_key_and_tempo_as_it_says(how: str) -> None:
    tokens = text()
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(60):
        got = perturbed(tokens, how, rng)
        keys, was = (t[(t >= 2) & (t < 178)] for t in (got, tokens))
        (shift,) = set((keys - was).tolist())
        ratio = round(int(steps(got).sum()) / int(steps(tokens).sum()), 3)
        seen.add((shift, ratio))
    if how == "none":
        assert seen == {(0, 1.0)}
        return
    assert 0 not in {shift for shift, _ in seen}
    if how == "paper":
        assert {shift for shift, _ in seen} <= set(PERTURBING_SHIFTS)
        assert {ratio for _, ratio in seen} == {0.95, 0.975, 1.025, 1.05}
    else:
        assert {ratio for _, ratio in seen} == {1.0}
        assert max(shift for shift, _ in seen) > 6  # Any shift that stays on the keyboard.
    with pytest.raises(UserError, match="perturbation"):
        perturbed(tokens, "half", rng)


def test_a_crop_is_a_stretch_of_its_piece_with_the_melody_from_its_first_moment_on() -> None:
    tokens = text()
    crops = Crops([tokens], [held_melody()], 64, 40)
    rng = np.random.default_rng(1)
    for _ in range(20):
        batch = crops.batch(1, rng, augment=False)
        row = batch.target[0]
        starts = [a for a in range(len(tokens) - 63) if np.array_equal(tokens[a : a + 64], row)]
        assert starts
        begin = int(steps(tokens[: starts[0]]).sum()) / 100
        want = encode_melody(held_melody().between(begin, begin + 4).shifted(-begin), seconds=4.0)
        assert np.array_equal(batch.melody[0], want)
        assert np.array_equal(batch.performance, batch.target)
        assert not batch.is_padded


def test_augmenting_moves_the_melody_with_the_piece() -> None:
    # Single notes, one a second and the melody itself: what is heard first in the crop is in the melody window too.
    notes = held_melody()
    tokens = encode(notes).astype(np.int64)
    crops = Crops([tokens], [notes], 24, 60)
    rng = np.random.default_rng(2)
    shifts, paces = set(), set()
    for _ in range(80):
        batch = crops.batch(1, rng)
        heard = decode(batch.target[0][batch.target[0] > 0])
        played = heard.pitch[heard.start > 0.3][:2]
        melody = batch.melody[0]
        on = np.flatnonzero(melody >= 4)
        named = melody[on] - 4 + 21
        at = [int(on[named == p][0]) for p in played]
        struck = [heard.start[heard.pitch == p][0] for p in played]
        assert abs((at[1] - at[0]) / 10 - (struck[1] - struck[0])) < 0.11
        paces.add(round(float(np.diff(heard.start)[-1]), 3))
        shifts.add(int(heard.pitch[0]))
    assert {0.95, 1.05} <= paces <= set(STRETCHES) | {1.03, 0.97, 0.98, 1.02}
    assert len(shifts) > len(TRANSPOSITIONS)


def test_a_piece_at_the_keyboards_edge_is_not_transposed_over_it() -> None:
    tokens = text(low=21, high=23)
    crops = Crops([tokens], [Notes.empty()], 64, 20)
    batch = crops.batch(40, np.random.default_rng(0))
    keys = batch.target[(batch.target >= 2) & (batch.target < 178)]
    keys = (keys - 2) % 88
    assert keys.max() <= 4 and set(np.unique(keys)) & {0, 1}
    assert (batch.melody == 2).all()


def test_short_pieces_are_padded_and_long_ones_drawn_more_often() -> None:
    short, long = text(0, count=10, seconds=3.0)[:30], text(1, count=200)
    crops = Crops([short, long], [Notes.empty()] * 2, 64, 20)
    batch = crops.batch(200, np.random.default_rng(0), augment=False)
    padded = (batch.target[:, -1] == 0).sum()
    assert batch.is_padded
    assert 0 < padded < 40  # 30 of some 700 tokens
    assert ((batch.target == 0).sum(1)[batch.target[:, -1] == 0] == 34).all()


def test_fixed_crops_are_the_same_whenever_asked_and_take_turns() -> None:
    pieces = [text(seed) for seed in range(5)]
    crops = Crops(pieces, [held_melody()] * 5, 32, 20)
    a, b = crops.fixed(10, 7), crops.fixed(10, 7)
    assert np.array_equal(a.target, b.target) and np.array_equal(a.melody, b.melody)
    assert not np.array_equal(a.target, crops.fixed(10, 8).target)
    other = a.with_other_styles()
    assert np.array_equal(other.performance[1], a.performance[0]) and np.array_equal(other.target, a.target)
    assert np.array_equal(a.with_other_melodies().melody[0], a.melody[-1])
    assert np.array_equal(a.rows(slice(2, 4)).target, a.target[2:4])


def test_a_style_from_elsewhere_is_of_the_same_piece_and_shares_no_token_with_the_crop() -> None:
    pieces = [text(seed) for seed in range(3)]
    crops = Crops(pieces, [held_melody()] * 3, 32, 20)
    here, there = crops.fixed(9, 0), crops.elsewhere(9, 0)
    assert there is not None
    assert np.array_equal(here.target, there.target) and np.array_equal(here.melody, there.melody)
    for target, performance, piece in zip(there.target, there.performance, there.piece, strict=True):
        tokens = pieces[piece]
        at, other = (
            next(a for a in range(len(tokens) - 31) if np.array_equal(tokens[a : a + 32], row))
            for row in (target, performance)
        )
        assert abs(at - other) >= 32 and other in (0, len(tokens) - 32)
    assert Crops([pieces[0][:60]], [held_melody()], 32, 20).elsewhere(4, 0) is None


def test_nothing_to_train_on_is_said() -> None:
    with pytest.raises(UserError, match="no piece"):
        Crops([], [], 16, 8)


def test_another_style_is_always_that_of_another_piece() -> None:
    pieces = [text(seed) for seed in range(3)]
    crops = Crops(pieces, [held_melody()] * 3, 32, 20)
    batch = crops.fixed(7, 0)  # The first and the last crop are of one piece.
    assert batch.piece[0] == batch.piece[6]
    rows = [int(np.flatnonzero((batch.target == other).all(1))[0]) for other in batch.with_other_styles().performance]
    assert (batch.piece[rows] != batch.piece).all()
    assert rows[1:] == [0, 1, 2, 3, 4, 5], "the crop before, where it is of another piece"
    alone = Crops(pieces[:1], [held_melody()], 32, 20).fixed(4, 0)
    assert not alone.has_other_pieces and batch.has_other_pieces
    for change in (alone.with_other_styles, alone.with_other_melodies):
        with pytest.raises(ValueError, match="more than one piece"):
            change()


def test_a_style_from_elsewhere_is_of_the_same_piece_and_does_not_hold_what_is_written() -> None:
    """The two pieces share no token, and their crops hardly ever begin at one place."""
    pieces = [np.full(4000, ON + 30 + 20 * k) + np.arange(4000) % 7 for k in range(2)]
    crops = Crops(pieces, [Notes.empty()] * 2, 32, 16)
    batch = crops.batch(40, np.random.default_rng(1), perturbation="elsewhere", augment=False)
    keys = np.where(batch.performance >= ON, batch.performance - ON - 30 - 20 * batch.piece[:, None], 3)
    assert keys.min() >= -6 and keys.max() <= 6 + 6, "within the paper's shifts of the same piece"
    differs = (batch.performance != batch.target).any(1)
    assert differs.mean() > 0.9
    own = crops.batch(40, np.random.default_rng(1), perturbation="none", augment=False)
    assert np.array_equal(own.performance, own.target)
    with pytest.raises(UserError, match="perturbation"):
        perturbed(pieces[0], "elsewhere", np.random.default_rng(0))
