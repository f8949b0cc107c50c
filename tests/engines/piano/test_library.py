from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.codec import decode, encode
from engines.piano.composing import Chord, Sheet, chords, line, pitch_of, tune
from engines.piano.features import profile, similarity
from engines.piano.pedal import sustained
from engines.piano.tunes import TUNES


def test_there_is_enough_for_the_first_minute() -> None:
    styles, melodies = library.styles(), library.melodies()
    assert len(styles) >= 12 and len(melodies) >= 8
    names = [item.name for item in (*styles, *melodies)]
    assert len(set(names)) == len(names) and names == [*library.style_names(), *library.melody_names()]
    for item in styles:
        assert 20 < item.notes.duration < 70 and item.notes.fits() and len(item.notes) > 40
        assert item.title and item.note.endswith(".") and item.kind == "style"
    with pytest.raises(UserError, match="ballad"):
        library.item("polka")


def test_pieces_are_the_same_whenever_they_are_made() -> None:
    for name in library.style_names():
        first = library.item(name).notes
        library._style.cache_clear()
        assert library.item(name).notes.same(first)


def test_styles_can_be_told_apart() -> None:
    profiles = [profile(item.notes) for item in library.styles()]
    overlaps = [similarity(a, b).overlap for i, a in enumerate(profiles) for b in profiles[:i]]
    assert max(overlaps) < 0.75 and float(np.mean(overlaps)) < 0.45
    spread = np.array([p.mean for p in profiles])
    densest, sparsest = spread[:, 0].max(), spread[:, 0].min()
    assert densest > 8 * sparsest and np.ptp(spread[:, 4]) > 50 and np.ptp(spread[:, 6]) > 2


def test_no_key_is_struck_while_it_is_down() -> None:
    for item in library.styles():
        notes = item.notes
        order = np.lexsort((notes.start, notes.pitch))
        same = np.diff(notes.pitch[order]) == 0
        assert (notes.end[order][:-1][same] <= notes.start[order][1:][same]).all(), item.name


def test_melodies_are_single_voices_that_survive_their_tokens() -> None:
    for item in library.melodies():
        notes = item.notes
        assert (notes.end[:-1] <= notes.start[1:]).all() and len(notes.pedal) == 0
        assert np.array_equal(decode(encode(notes)).pitch, notes.pitch)


def test_walks_differ_keep_to_the_grid_and_have_melodies() -> None:
    pieces = list(library.walks(12, seed=3))
    again = list(library.walks(12, seed=3))
    assert all(a[1].same(b[1]) for a, b in zip(pieces, again, strict=True))
    density = [len(notes) / notes.duration for _, notes, _ in pieces]
    assert max(density) > 2 * min(density) and min(density) > 1 and max(density) < 20
    for _, notes, melody in pieces:
        assert (
            np.allclose(notes.rows[:, :2] * 100, np.rint(notes.rows[:, :2] * 100)) and notes.fits(3) and notes.fits(-3)
        )
        assert {tuple(r) for r in melody.rows} <= {tuple(r) for r in notes.rows} and len(melody) > 20


def test_chords_and_pitches_by_hand() -> None:
    assert [pitch_of(n) for n in ("C4", "F#5", "Bb3", "A0")] == [60, 78, 58, 21]
    assert Chord.of("Am7").tones(60, 4) == [60, 64, 67, 69] and Chord.of("Ebmaj7").bass(36) == 39
    assert Chord.of("C").nearest(65) == 64 and len(chords("C | Am7 G")) == 3
    for wrong in ("H4", "C", "c4"):
        with pytest.raises(ValueError, match="pitch"):
            pitch_of(wrong)
    with pytest.raises(ValueError, match="chord"):
        Chord.of("Cfoo")
    assert line("C4 r/.5 E4/2") == [(0.0, 1.0, 60), (1.5, 2.0, 64)]


def test_swing_is_two_to_one_and_the_pedal_follows() -> None:
    sheet = Sheet()
    for half in range(4):
        sheet.note(half / 2, 0.4, 60 + half, 64)
    sheet.pedal(0.5, 1)
    notes = sheet.performed(60, np.random.default_rng(0), swing=1.0, loose_ms=0.0)
    assert notes.start.tolist() == [0.0, 0.667, 1.0, 1.667] and notes.pedal.tolist() == [[0.667, 1.0]]
    assert len(sustained(notes)) == 4


def test_a_tune_fills_its_bars_and_comes_home() -> None:
    harmony = chords("C F G7 C")
    made = tune(harmony, np.random.default_rng(1), bar=4, rhythms=((1, 1, 2), (-1, 3)), scale=(0, 2, 4, 5, 7, 9, 11),
                tonic=0, centre=72)  # fmt: skip
    assert [beat for beat, _, _ in made] == [0, 1, 2, 5, 8, 9, 10, 12]
    assert made[-1][2] % 12 == 0 and made[-1][1] == 4
    assert all(pitch % 12 in (0, 2, 4, 5, 7, 9, 11) for _, _, pitch in made)


def test_the_window_pays_for_no_slow_import() -> None:
    modules = "notes, midi, codec, library, corpus, features, melody, musicxml"
    code = (
        f"import sys; from engines.piano import {modules}; library.styles(); "
        "print([m for m in ('torch', 'mido', 'symusic', 'pretty_midi', 'sounddevice', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_bars_of_the_melodies_are_full() -> None:
    for name, (_, _, _, text) in TUNES.items():
        bars = [sum(float(w.partition("/")[2] or 1) for w in bar.split()) for bar in text.split("|")]
        size = max(set(bars), key=bars.count)
        # All but a pickup, the last bar, and notes held for two bars.
        odd = [beats for beats in bars[1:-1] if beats != size and beats % size]
        assert not odd, (name, odd)
