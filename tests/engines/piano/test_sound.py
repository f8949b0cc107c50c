"""Checks 2, 4 and 6 of paper file 08b, section 9, and tests (1) of its section 4: what is heard and when."""

from __future__ import annotations

import time
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.piano.notes import Notes
from engines.piano.sound import bank
from engines.piano.sound.bank import RATE, Instrument, PianoBank
from engines.piano.sound.mixing import limited, mixed, release_frames, score_of
from engines.piano.sound.render import Renderer, render, stretch
from engines.piano.sound.soundfont import SoundFontPiano, general_soundfont
from engines.piano.sound.wave_file import read_wav, write_wav

BLOCK = 512


def notes_of(*rows: tuple[float, float, int, int], pedal: np.ndarray | None = None) -> Notes:
    """Rows of start, end, pitch, velocity."""
    start, end, pitch, velocity = (np.array(column) for column in zip(*rows, strict=True))
    return Notes(start, end, pitch, velocity, np.zeros((0, 2)) if pedal is None else pedal)


def dense(seconds: float, a_second: float, seed: int = 0) -> Notes:
    """Random notes, so many a second."""
    rng = np.random.default_rng(seed)
    n = int(seconds * a_second)
    start = np.sort(rng.uniform(0, seconds, n))
    return Notes(start, start + rng.uniform(0.05, 1.0, n), rng.integers(30, 95, n), rng.integers(20, 127, n))


@pytest.fixture(scope="module", params=["built-in", "soundfont"])
def instrument(request: pytest.FixtureRequest) -> Instrument:
    if request.param == "built-in":
        return PianoBank()
    path = general_soundfont()
    if path is None:
        pytest.skip("pretty_midi, which carries the SoundFont, is not installed")
    return SoundFontPiano(path)


def test_check_2_a_note_on_is_heard_within_one_block(instrument: Instrument) -> None:
    samples = render(notes_of((1.0, 1.5, 60, 90)), instrument=instrument)
    first = int(np.nonzero(np.abs(samples).max(1) > 1e-4)[0][0])
    assert RATE <= first < RATE + BLOCK
    assert not samples[:RATE].any()


@pytest.mark.parametrize("block", [64, 512, 4096])
def test_check_2_blocks_of_any_size_give_the_same_samples(instrument: Instrument, block: int) -> None:
    score = score_of(dense(3.0, 12), instrument)
    whole = stretch(score, instrument, 0, score.frames)
    parts = [stretch(score, instrument, a, min(a + block, score.frames)) for a in range(0, score.frames, block)]
    assert np.array_equal(whole, np.concatenate(parts))


def test_energy_rises_within_5_ms_of_each_onset(instrument: Instrument) -> None:
    onsets = np.array([0.25, 1.1234, 2.0, 3.3])
    samples = render(
        notes_of(*((t, t + 0.2, p, 80) for t, p in zip(onsets, (48, 60, 72, 84), strict=True))), instrument=instrument
    )
    window = int(0.005 * RATE)
    for t in onsets:
        at = round(t * RATE)
        before, after = (float(np.square(samples[a : a + window]).sum()) for a in (at - window, at))
        assert after > 100 * before + 1e-7


def test_nothing_reaches_full_scale_however_many_keys_are_struck(instrument: Instrument) -> None:
    samples = render(notes_of(*((0.0, 1.0, pitch, 127) for pitch in range(21, 109))), instrument=instrument)
    assert 0.7 < np.abs(samples).max() < 1.0
    assert np.isfinite(samples).all()


def test_a_released_key_falls_silent(instrument: Instrument) -> None:
    samples = render(notes_of((0.0, 0.5, 60, 100), (3.0, 3.1, 60, 100)), instrument=instrument)
    end = round(0.5 * RATE) + release_frames(instrument)
    assert np.abs(samples[end - RATE // 50 : end]).max() < 1e-3
    assert not samples[end : 3 * RATE].any()


def test_louder_keys_are_louder_and_brighter(instrument: Instrument) -> None:
    soft, loud = (render(notes_of((0.0, 1.0, 60, v)), instrument=instrument)[:RATE, 0] for v in (30, 120))
    assert np.sqrt(np.mean(loud**2)) > 3 * np.sqrt(np.mean(soft**2))
    if isinstance(instrument, PianoBank):

        def centre(x: np.ndarray) -> float:
            power = np.abs(np.fft.rfft(x)) ** 2
            return float((power * np.arange(len(power))).sum() / power.sum())

        assert centre(loud) > 1.1 * centre(soft)


def test_a_held_tone_dies_away_like_a_string(instrument: Instrument) -> None:
    samples = render(notes_of((0.0, 6.0, 60, 100)), instrument=instrument)
    power = [float(np.square(samples[int(t * RATE) : int((t + 0.2) * RATE)]).mean()) for t in (0.0, 1.0, 3.0, 5.5)]
    assert power[0] > 2 * power[1] > 8 * power[2] > 16 * power[3] > 0


@pytest.mark.parametrize("pitch", [21, 45, 60, 69, 88, 108])
def test_tones_have_their_pitch(instrument: Instrument, pitch: int) -> None:
    tone = instrument.tone(pitch, 100, RATE)[0, :RATE]
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 1 << 18))
    hz = np.arange(len(spectrum)) * RATE / (1 << 18)
    f0 = bank.frequency(pitch)
    near = (hz > f0 * 2 ** (-0.5 / 12)) & (hz < f0 * 2 ** (0.5 / 12))
    # Bass strings sound their partials louder than the fundamental, but it is there.
    assert spectrum[near].max() > 0.02 * spectrum.max()
    peak = hz[near][np.argmax(spectrum[near])]
    assert abs(1200 * np.log2(peak / f0)) < 25


def test_a_longer_tone_begins_like_the_short_one(instrument: Instrument) -> None:
    short = instrument.tone(52, 70, RATE).copy()
    long = instrument.tone(52, 70, 9 * RATE)
    assert long.shape[1] > short.shape[1]
    assert np.array_equal(long[:, : short.shape[1]], short)


def test_the_pedal_holds_notes(instrument: Instrument) -> None:
    pedalled = notes_of((0.0, 0.3, 60, 90), (0.5, 0.7, 64, 90), pedal=np.array([[0.1, 1.5]]))
    applied = notes_of((0.0, 1.5, 60, 90), (0.5, 1.5, 64, 90))
    assert np.array_equal(render(pedalled, instrument=instrument), render(applied, instrument=instrument))


def test_tempo_moves_onsets_and_keeps_pitch() -> None:
    piano = PianoBank()
    notes = notes_of((1.0, 1.5, 69, 100))
    for tempo in (0.5, 2.0):
        samples = render(notes, instrument=piano, tempo=tempo)
        first = int(np.nonzero(np.abs(samples).max(1) > 1e-4)[0][0])
        assert abs(first - RATE / tempo) < BLOCK
        x = samples[first : first + RATE // 4, 0]
        peak = np.argmax(np.abs(np.fft.rfft(x * np.hanning(len(x)), 1 << 17))) * RATE / (1 << 17)
        assert abs(peak - 440) < 4


def test_a_part_equals_the_slice_of_the_whole() -> None:
    notes, piano = dense(6.0, 10), PianoBank()
    whole = render(notes, instrument=piano)
    part = render(notes, instrument=piano, begin_s=1.5, end_s=4.0)
    assert np.array_equal(part, whole[round(1.5 * RATE) : round(4.0 * RATE)])


def test_notes_that_are_still_being_written_sound_like_the_finished_piece() -> None:
    notes, piano = dense(6.0, 8), PianoBank()
    whole = render(notes, instrument=piano)
    renderer, pieces = Renderer(piano), []
    for until in (1.0, 2.0, 3.5, 6.0):
        known = notes.start < until
        # Notes that go on are held as long as anybody knows.
        end = np.where(notes.end > until, until + 1.0, notes.end)
        renderer.feed(Notes(notes.start[known], end[known], notes.pitch[known], notes.velocity[known]))
        pieces.append(renderer.up_to(until - 0.05))
    renderer.feed(notes)
    pieces.append(renderer.rest())
    assert np.array_equal(np.concatenate(pieces), whole)


def test_the_limiter_leaves_quiet_samples_alone_and_keeps_order() -> None:
    x = np.linspace(-4, 4, 2001, dtype=np.float32)[:, None].repeat(2, 1)
    y = limited(x.copy())
    quiet = np.abs(x) <= 0.7
    assert np.array_equal(y[quiet], x[quiet])
    assert (np.abs(y) < 1).all() and (np.diff(y[:, 0]) >= 0).all()


def test_no_notes_give_no_samples() -> None:
    empty = Notes(*(np.zeros(0) for _ in range(4)))
    assert render(empty, instrument=PianoBank()).shape == (0, 2)


def test_rendering_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        render(dense(2.0, 10), instrument=PianoBank(), check=stop)


def test_hours_are_refused_with_a_reason() -> None:
    with pytest.raises(UserError, match="four hours"):
        render(notes_of((0.0, 1.0, 60, 90), (20_000.0, 20_001.0, 60, 90)), instrument=PianoBank())


def test_few_tones_are_kept_and_all_are_right() -> None:
    piano = PianoBank()
    piano._store = bank.ToneStore(kept_bytes=3 << 20)
    first = piano.tone(60, 100, RATE).copy()
    for pitch in range(40, 80):
        piano.tone(pitch, 100, RATE)
    assert piano._store._held <= 3 << 20
    assert np.array_equal(piano.tone(60, 100, RATE), first)


@pytest.mark.parametrize("bits, exact", [(16, 1 / 32767), (24, 1 / 8388607)])
def test_wav_files_hold_what_was_written(tmp_path: Path, bits: int, exact: float) -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, (1000, 2)).astype(np.float32)
    path = write_wav(tmp_path / "x.wav", samples, RATE, bits=bits)
    back, rate = read_wav(path)
    assert rate == RATE and back.shape == samples.shape
    assert np.abs(back - samples).max() < 1.5 * exact


def test_check_6_rendering_is_far_faster_than_playing(instrument: Instrument) -> None:
    """The measure is `paper-workbench bench`'s; here only that nothing is slower by an order of magnitude."""
    score = score_of(dense(20.0, 20), instrument)
    mixed(score, instrument, 0, score.frames)  # Tones are computed once.
    began = time.process_time()
    mixed(score, instrument, 0, score.frames)
    assert (score.frames / RATE) / (time.process_time() - began) > 20


def test_check_4_a_pedal_and_ends_with_the_pedal_in_them_sound_the_same(instrument: Instrument) -> None:
    """Our own instruments; FluidSynth's own pedal is the oracle of the next test, where it is installed."""
    raw = notes_of((0.0, 0.3, 60, 90), (0.4, 0.6, 67, 90), pedal=np.array([[0.1, 1.2]]))
    applied = notes_of((0.0, 1.2, 60, 90), (0.4, 1.2, 67, 90))
    one, other = render(raw, instrument=instrument), render(applied, instrument=instrument)
    assert np.array_equal(one, other)
    unpedalled = render(notes_of((0.0, 0.3, 60, 90), (0.4, 0.6, 67, 90)), instrument=instrument)
    at = slice(round(1.0 * RATE), round(1.1 * RATE))
    assert np.square(one[at]).mean() > 100 * np.square(unpedalled[at]).mean()


def test_check_4_fluidsynth_agrees_about_note_ends(make_fluid: Callable[[Notes, bool], np.ndarray]) -> None:
    """CC64 and pre-applied note ends, both played by FluidSynth: the energy after the end agrees."""
    raw = notes_of((0.0, 0.3, 60, 90), (0.4, 0.6, 67, 90), pedal=np.array([[0.1, 1.2]]))
    applied = notes_of((0.0, 1.2, 60, 90), (0.4, 1.2, 67, 90))
    one, other = make_fluid(raw, True), make_fluid(applied, False)
    for t in (0.35, 0.8, 1.15, 1.3, 1.6):
        a, b = (float(np.square(x[int(t * RATE) : int((t + 0.05) * RATE)]).mean()) for x in (one, other))
        assert a == pytest.approx(b, rel=0.1, abs=1e-7)


@pytest.fixture
def make_fluid() -> Callable[[Notes, bool], np.ndarray]:
    fluidsynth = pytest.importorskip("fluidsynth", reason="FluidSynth is not installed", exc_type=ImportError)
    path = general_soundfont()
    if path is None:
        pytest.skip("pretty_midi, which carries the SoundFont, is not installed")

    def play(notes: Notes, cc64: bool) -> np.ndarray:
        synth = fluidsynth.Synth(samplerate=float(RATE), gain=0.5)
        synth.setting("synth.reverb.active", 0)
        synth.setting("synth.chorus.active", 0)
        synth.program_select(0, synth.sfload(str(path)), 0, 0)
        events = [(t, 2, p, v) for t, p, v in zip(notes.start, notes.pitch, notes.velocity, strict=True)]
        events += [(t, 1, p, 0) for t, p in zip(notes.end, notes.pitch, strict=True)]
        if cc64:
            events += [(t, 0, 64, value) for down, up in notes.pedal for t, value in ((down, 127), (up, 0))]
        out, now = [], 0
        for t, kind, a, b in sorted(events):
            frames = round(t * RATE) - now
            if frames:
                out.append(synth.get_samples(frames).reshape(-1, 2))
            now += frames
            if kind == 2:
                synth.noteon(0, int(a), int(b))
            elif kind == 1:
                synth.noteoff(0, int(a))
            else:
                synth.cc(0, int(a), int(b))
        out.append(synth.get_samples(RATE).reshape(-1, 2))
        synth.delete()
        return np.concatenate(out).astype(np.float32) / 32768

    return play


def test_the_first_chord_waits_for_no_more_of_its_tones_than_is_heard() -> None:
    """A pedalled chord of eight seconds: what is played first needs a second of each tone, not all of it."""
    asked: list[int] = []

    class Counting(PianoBank):
        def tone(self, pitch: int, velocity: int, frames: int) -> np.ndarray:
            asked.append(frames)
            return super().tone(pitch, velocity, frames)

    score = score_of(notes_of(*((0.0, 8.0, pitch, 80) for pitch in (48, 55, 60))), Counting())
    mixed(score, Counting(), 0, 8192)
    assert asked == [8192] * 3


@pytest.mark.parametrize("bits", [16, 24])
def test_a_long_wav_is_written_in_blocks_as_it_would_be_at_once(tmp_path: Path, bits: int) -> None:
    """Two blocks and a bit, read by the standard library; memory beside the samples stays small."""
    samples = np.random.default_rng(5).uniform(-1, 1, (2 * (1 << 18) + 77, 2)).astype(np.float32)
    tracemalloc.start()
    path = write_wav(tmp_path / "long.wav", samples, 44_100, bits=bits)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with wave.open(str(path)) as file:
        assert (file.getnframes(), file.getnchannels(), file.getsampwidth()) == (len(samples), 2, bits // 8)
        assert len(file.readframes(len(samples))) == samples.size * bits // 8
    assert path.stat().st_size == 44 + samples.size * bits // 8
    assert np.abs(read_wav(path)[0] - samples).max() < 1.5 / 2 ** (bits - 1)
    assert most < 16e6, "the whole would be 8 bytes a sample in double precision alone, and its copies"
