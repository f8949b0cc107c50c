"""The listening test: rounds by chance, pieces made equal in length and loudness, and what answers are worth."""

from __future__ import annotations

import numpy as np
import pytest

from engines.piano import library
from engines.piano.listening import FEWEST, Tally, even_gains, excerpt, level, plan, sign_test
from engines.piano.notes import Notes
from engines.piano.pedal import sustained
from engines.piano.sound.render import render
from engines.piano.sound.soundfont import choose


def test_rounds_are_drawn_by_their_seed_and_go_through_all_sources() -> None:
    rounds = plan(5, 12, seed=3)
    assert rounds == plan(5, 12, seed=3) != plan(5, 12, seed=4)
    assert sorted(r.source for r in rounds[:5]) == sorted(r.source for r in rounds[5:10]) == list(range(5))
    assert all(r.begin == 0 for r in rounds[:5]) and all(0 < r.begin < 1 for r in rounds[5:])
    assert len({r.seed for r in rounds}) == 12
    with pytest.raises(ValueError, match="source"):
        plan(0, 3, 0)


def test_who_is_heard_as_a_is_a_fair_coin_that_nothing_else_tells() -> None:
    swaps = np.array([[r.is_swapped for r in plan(4, 20, seed)] for seed in range(300)])
    assert abs(swaps.mean() - 0.5) < 0.03
    # A balanced order would give the last round away.
    assert abs(np.corrcoef(swaps[:, :-1].sum(axis=1), swaps[:, -1])[0, 1]) < 0.2
    assert np.ptp(swaps.sum(axis=1)) >= 8


def test_an_excerpt_begins_with_a_note_and_ends_in_time() -> None:
    for name in library.style_names():
        whole = library.item(name).notes
        for begin in (0.0, 0.4, 0.999):
            part = excerpt(whole, 8.0, begin)
            assert part.start[0] == 0 and part.duration <= 8.0 and not len(part.pedal)
            assert part.duration > 6.0
    late = Notes.of([(3.0, 3.5, 60, 80), (4.0, 9.0, 62, 80)])
    assert excerpt(late, 2.0).rows.tolist() == [[0.0, 0.5, 60, 80], [1.0, 2.0, 62, 80]]
    assert not len(excerpt(Notes.empty(), 5.0))


@pytest.mark.parametrize("instrument", ["built-in", ""])
def test_gains_make_pieces_equally_loud_as_they_sound(instrument: str) -> None:
    rate = 11_025
    player = choose(instrument, rate).instrument
    pieces = [excerpt(library.item(name).notes, 6.0) for name in ("ambient", "march", "ragtime", "ballad", "lament")]
    gains = even_gains(pieces)
    assert max(gains) == 1 and all(0 < g <= 1 for g in gains)
    sound = [render(piece, rate, player)[: 6 * rate] for piece in pieces]
    before, after = (
        np.array([10 * np.log10(np.mean((g * s) ** 2)) for g, s in zip(gs, sound, strict=True)])
        for gs in (np.ones(5), gains)
    )
    assert np.ptp(before) > 12 and np.ptp(after) < 4


def test_a_piece_without_notes_is_silent_and_holds_nobody_down() -> None:
    loud = sustained(library.item("march").notes)
    assert level(Notes.empty()) == 0
    assert even_gains([Notes.empty(), loud]) == (1.0, 1.0)


def test_the_sign_test_is_exact() -> None:
    assert sign_test(0, 0) == 1 and sign_test(3, 3) == 1 and sign_test(1, 0) == 1
    assert sign_test(0, 5) == pytest.approx(2 / 32) and sign_test(6, 0) == pytest.approx(2 / 64)
    assert sign_test(15, 5) == sign_test(5, 15) == pytest.approx(0.0413894653)  # R: binom.test(15, 20)
    with pytest.raises(ValueError, match="from 0"):
        sign_test(-1, 2)
    # Of fair coins, no more splits fall below a level than the level says.
    rng = np.random.default_rng(0)
    heads = rng.binomial(14, 0.5, 4000)
    assert np.mean([sign_test(int(h), 14 - int(h)) < 0.05 for h in heads]) < 0.05


def test_what_few_answers_mean_is_said_and_nothing_more() -> None:
    said = Tally(3, 0, 2).in_words("this", "that")
    assert "cannot show" in said and "25 tests of 100" in said and "closer" not in said
    for first in range(8):
        for second in range(8):
            tally = Tally(first, second)
            words = tally.in_words("this", "that")
            assert "significan" not in words
            assert ("closer" in words) == (tally.decided >= FEWEST and tally.p < 0.05)
    assert "that is closer" in Tally(1, 9).in_words("this", "that")
    assert "no difference" in Tally(6, 5).in_words("this", "that") and "every test" in Tally(6, 6).in_words("a", "b")
    assert "One answer" in Tally(1, 0).in_words("a", "b") and "every time" in Tally(0, 0, 3).in_words("a", "b")


def test_answers_are_counted() -> None:
    tally = Tally.of(["first", "second", "first", "neither", ""])
    assert tally == Tally(2, 1, 1) and tally.decided == 3
