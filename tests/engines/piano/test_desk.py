"""What a desk wants to know of pieces: files, melodies, likeness; and that a long one can be given up."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, run_job
from engines.piano import library
from engines.piano.codec import encode
from engines.piano.desk import MELODY_S, STYLE_S, compare, find_melody, lone_voice, opening, read_piece
from engines.piano.features import similarity
from engines.piano.melody import MOST_FRAMES, melody_of
from engines.piano.midi import write_midi
from engines.piano.notes import Notes
from engines.piano.pedal import sustained
from engines.piano.spec import CompareSpec, FindSpec, ReadSpec


def _dense(seconds: float, rate: float) -> Notes:
    """Notes at random, `rate` a second."""
    draw = np.random.default_rng(0)
    count = int(seconds * rate)
    start = np.sort(draw.uniform(0, seconds, count))
    pitch, velocity = draw.integers(40, 90, count), draw.integers(30, 110, count)
    return Notes(start, start + draw.uniform(0.1, 1.0, count), pitch, velocity)


def test_a_file_is_read_with_what_the_desk_needs(tmp_path: Path) -> None:
    piece = library.item("ballad").notes
    write_midi(tmp_path / "mine.mid", piece)
    found = read_piece(tmp_path / "mine.mid")
    assert found.title == "mine" and found.style is found.notes and not found.remarks
    assert found.sounding.same(sustained(found.notes)) and np.array_equal(found.tokens, encode(found.notes))


def test_a_long_piece_gives_its_first_ten_minutes_as_style(tmp_path: Path) -> None:
    long = _dense(2 * STYLE_S, 2)
    write_midi(tmp_path / "long.mid", long)
    found = read_piece(tmp_path / "long.mid")
    assert len(found.notes) > 1.9 * len(found.style)
    assert found.style.duration <= STYLE_S and "first 10 minutes" in found.remarks[-1]
    assert np.array_equal(found.tokens, encode(found.style))


def test_one_note_is_no_piece(tmp_path: Path) -> None:
    write_midi(tmp_path / "one.mid", Notes.of([(0, 1, 60, 80)]))
    with pytest.raises(UserError, match=r"holds 1 note \("):
        read_piece(tmp_path / "one.mid")


def test_a_lone_voice_is_its_own_melody_and_chords_are_searched() -> None:
    tune = library.item("ode-to-joy").notes
    assert lone_voice(tune) is tune and find_melody(tune, 10.0) is tune
    ballad = library.item("ballad").notes
    assert lone_voice(ballad) is None
    assert find_melody(ballad, 120.0).same(melody_of(ballad))
    hours = Notes.of([(float(k), k + 0.5, 60, 80) for k in range(2000)])
    assert opening(hours, MELODY_S).duration <= MELODY_S and len(lone_voice(hours)) == MELODY_S  # type: ignore[arg-type]


def test_music_too_dense_for_the_model_has_its_melody_looked_for_in_less_of_it() -> None:
    thick = _dense(120.0, 60)
    with pytest.raises(UserError):
        melody_of(thick)
    assert len(np.unique(np.concatenate((thick.start, thick.end)))) > MOST_FRAMES
    melody = find_melody(thick, 120.0)
    assert len(melody) and 20 < melody.duration < 120


def test_pieces_are_held_against_the_first_and_short_ones_are_left_out() -> None:
    ballad, rag = library.item("ballad").notes, library.item("ragtime").notes
    found = compare([ballad, rag, rag.between(0.0, 1.0)])
    assert found.alike[0] is not None and found.alike[0].overlap == pytest.approx(1.0)
    assert found.alike[1] is not None and found.alike[1].overlap == similarity(ballad, rag).overlap
    assert found.profiles[2] is None and found.alike[2] is None
    assert compare([rag.between(0.0, 1.0), rag]).alike == (None, None)


def test_the_sessions_answer_one_request(tmp_path: Path) -> None:
    ballad = library.item("ballad").notes
    write_midi(tmp_path / "a.mid", ballad)
    assert len(run_job("piano.read", ReadSpec(path=tmp_path / "a.mid")).notes) == len(ballad)
    ctx = LocalContext()
    ctx.request(ballad)
    assert run_job("piano.find", FindSpec(seconds=30.0), ctx).same(melody_of(ballad.between(0.0, 30.0)))
    ctx.request((ballad, ballad))
    assert len(run_job("piano.compare", CompareSpec(), ctx).alike) == 2


@pytest.mark.parametrize("name", ["piano.read", "piano.find"])
def test_what_takes_long_can_be_given_up(tmp_path: Path, name: str) -> None:
    path = tmp_path / "long.mid"
    write_midi(path, _dense(3600.0, 25))
    ctx = LocalContext()
    ctx.request(_dense(100.0, 40))
    spec = ReadSpec(path=path) if name == "piano.read" else FindSpec()
    ended: list[float] = []

    def run() -> None:
        with pytest.raises(Cancelled):
            run_job(name, spec, ctx)
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.15)
    ctx.cancel()
    thread.join(20)
    assert ended
