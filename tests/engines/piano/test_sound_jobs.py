"""The rendering jobs: a MIDI file as a WAV file, and the session that answers one stretch at a time."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.core.job import LocalContext, find_job, run_job, to_tables
from engines.piano.jobs.render import WARM_KEYS, RenderResult, answered, sound
from engines.piano.midi import write_midi
from engines.piano.notes import Notes
from engines.piano.sound.bank import RATE, PianoBank
from engines.piano.sound.render import render
from engines.piano.sound.requests import StretchAnswer, StretchRequest
from engines.piano.sound.spec import RenderSpec, SoundSpec
from engines.piano.sound.wave_file import read_wav

NOTES = Notes(np.array([0.0, 0.5, 1.0]), np.array([0.4, 0.9, 1.6]), np.array([60, 64, 67]), np.array([80, 70, 90]))


def request(ticket: int = 1, begin: int = 0, end: int = RATE, **more: Any) -> StretchRequest:
    return StretchRequest(
        ticket, NOTES.start, NOTES.end, NOTES.pitch, NOTES.velocity, begin, end, instrument="built-in", **more
    )


def test_a_midi_file_becomes_a_wav_file(tmp_path: Path) -> None:
    write_midi(tmp_path / "piece.mid", NOTES)
    spec = RenderSpec(midi=tmp_path / "piece.mid", instrument="built-in", tempo=2.0)
    result: RenderResult = run_job("piano.render", spec, LocalContext(folder=tmp_path))
    samples, rate = read_wav(tmp_path / "piece.wav")
    assert rate == RATE and result.notes == 3 and result.instrument == "Built-in piano"
    assert len(samples) / rate == pytest.approx(result.seconds) and result.seconds == pytest.approx(1.22, abs=0.01)
    assert float(np.abs(samples).max()) == pytest.approx(result.peak, abs=1e-4) and 0.02 < result.peak < 1
    assert "result" in to_tables(result)


def test_a_part_louder_in_24_bits(tmp_path: Path) -> None:
    write_midi(tmp_path / "piece.mid", NOTES)
    common = {"midi": tmp_path / "piece.mid", "instrument": "built-in", "begin_s": 0.5, "end_s": 1.0, "bits": 24}
    plain = run_job("piano.render", RenderSpec(**common, wav=tmp_path / "a.wav"))
    loud = run_job("piano.render", RenderSpec(**common, wav=tmp_path / "b.wav", gain_db=6.0))
    a, b = (read_wav(tmp_path / f"{name}.wav")[0] for name in "ab")
    assert len(a) == RATE // 2 and plain.file == str(tmp_path / "a.wav") and loud.peak > plain.peak
    assert np.abs(b - a * 10 ** (6 / 20)).max() < 1e-4


def test_a_piece_of_ours_is_rendered_without_any_file() -> None:
    result = run_job("piano.render", RenderSpec(instrument="built-in", end_s=2.0))
    assert result.seconds == pytest.approx(2.0) and result.file == "" and result.peak > 0.01


def test_empty_parts_are_refused(tmp_path: Path) -> None:
    write_midi(tmp_path / "piece.mid", NOTES)
    with pytest.raises(UserError, match="not after the beginning"):
        run_job("piano.render", RenderSpec(midi=tmp_path / "piece.mid", begin_s=2.0, end_s=1.0))
    with pytest.raises(UserError, match="no notes in that part"):
        run_job("piano.render", RenderSpec(midi=tmp_path / "piece.mid", begin_s=100.0, instrument="built-in"))


def test_a_stretch_is_the_slice_of_the_whole() -> None:
    whole = render(NOTES, instrument=PianoBank())
    answer = answered(request(7, 11_000, 52_000), SoundSpec(), LocalContext())
    assert (answer.ticket, answer.begin, answer.problem) == (7, 11_000, "")
    assert np.array_equal(answer.samples, whole[11_000:52_000])
    assert answer.instrument == "Built-in piano" and answer.milliseconds > 0


def test_what_is_wrong_with_a_request_is_its_answer(tmp_path: Path) -> None:
    too_long = answered(request(1, 0, 61 * RATE), SoundSpec(), LocalContext())
    assert "at most 60 s" in too_long.problem and not len(too_long.samples)
    folder = answered(request(2, wav=str(tmp_path)), SoundSpec(), LocalContext())
    assert "cannot be written" in folder.problem and not folder.written
    nothing = answered(request(3, 10 * RATE, 11 * RATE, wav=str(tmp_path / "x.wav")), SoundSpec(), LocalContext())
    assert "nothing to hear" in nothing.problem and not (tmp_path / "x.wav").exists()


def test_the_session_answers_in_turn_and_ends_when_it_is_closed(tmp_path: Path) -> None:
    answers: list[StretchAnswer] = []
    came = threading.Event()

    def take(snapshot: StretchAnswer, keep: bool) -> None:
        answers.append(snapshot)
        came.set()

    ctx = LocalContext(on_snapshot=take)
    ended: list[type] = []

    def run() -> None:
        try:
            sound(SoundSpec(), ctx)
        except Cancelled:
            ended.append(Cancelled)

    thread = threading.Thread(target=run)
    thread.start()
    for ticket, more in ((1, {}), (2, {"wav": str(tmp_path / "x.wav")})):
        came.clear()
        ctx.request(request(ticket, **more))
        assert came.wait(30)
    ctx.cancel()
    thread.join(5)
    assert not thread.is_alive() and ended == [Cancelled]
    assert [a.ticket for a in answers] == [1, 2] and answers[1].written == str(tmp_path / "x.wav")
    assert np.abs(read_wav(tmp_path / "x.wav")[0] - answers[0].samples).max() < 1e-4


def test_tones_are_made_ahead_while_nobody_asks_and_questions_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Composing beside it takes the processor's time: what is played must find its tones there."""
    made: list[tuple[int, int]] = []
    all_made = threading.Event()
    real = PianoBank.tone

    def tone(self: PianoBank, pitch: int, velocity: int, frames: int) -> np.ndarray:
        if threading.current_thread().name == "session":
            made.append((pitch, velocity))
            if len(made) >= 2 * (WARM_KEYS[1] - WARM_KEYS[0] + 1):
                all_made.set()
        return real(self, pitch, velocity, frames)

    monkeypatch.setattr(PianoBank, "tone", tone)
    answers: list[StretchAnswer] = []
    came = threading.Event()

    def take(snapshot: StretchAnswer, keep: bool) -> None:
        answers.append(snapshot)
        came.set()

    ctx = LocalContext(on_snapshot=take)

    def run() -> None:
        with pytest.raises(Cancelled):
            sound(SoundSpec(), ctx)

    thread = threading.Thread(target=run, name="session")
    thread.start()
    for ticket in (1, 2):
        came.clear()
        ctx.request(request(ticket))
        assert came.wait(30)
    assert len(made) < 2 * (WARM_KEYS[1] - WARM_KEYS[0] + 1)
    assert all_made.wait(60)
    ctx.cancel()
    thread.join(5)
    assert [a.ticket for a in answers] == [1, 2] and np.array_equal(answers[0].samples, answers[1].samples)
    assert {pitch for pitch, _ in made} >= set(range(WARM_KEYS[0], WARM_KEYS[1] + 1))


def test_the_jobs_are_registered() -> None:
    assert find_job("piano.sound").session and not find_job("piano.render").session
