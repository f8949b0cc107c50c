"""SoundFonts: what a zone says is what is heard; a damaged file is refused; and check 1 of 08b, section 9."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.piano.notes import Notes
from engines.piano.sound import soundfont
from engines.piano.sound.bank import RATE, PianoBank
from engines.piano.sound.render import render
from engines.piano.sound.sf2 import SoundFontFile
from engines.piano.sound.soundfont import (
    BUILT_IN,
    SoundFontPiano,
    choose,
    compressed_tones,
    general_soundfont,
    is_in_tune,
    known_instruments,
)
from tests.engines.piano.fonts import Layer, sine, write_font

C4 = 261.625565


def loudest(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))
    return float(np.argmax(spectrum)) * RATE / (1 << 19)


def cents(hz: float, other: float) -> float:
    return float(1200 * np.log2(hz / other))


@pytest.mark.parametrize("pitch", [36, 60, 67, 84])
@pytest.mark.parametrize("rate", [11_025, 22_050, 48_000])
def test_keys_are_in_tune_whatever_the_rate_of_the_sample(tmp_path: Path, pitch: int, rate: int) -> None:
    loop = (0, int(rate / C4) * 20)
    font = SoundFontFile(write_font(tmp_path / "f.sf2", [Layer(sine(C4, rate), rate, loop=loop)]))
    tone = font.tone(pitch, 100, RATE // 8, RATE)[0]
    assert abs(cents(loudest(tone), C4 * 2 ** ((pitch - 60) / 12))) < 5


def test_tuning_adds_up_from_sample_instrument_and_preset(tmp_path: Path) -> None:
    # Root key 72 by generator, +1 semitone and -20 cents in the zone, +7 semitones in the preset, +5 of the sample.
    layer = Layer(sine(523.25), root=10, correction=5, gens=[(58, 72), (51, 1), (52, -20)])
    font = SoundFontFile(write_font(tmp_path / "f.sf2", [layer], outer=[(51, 7)]))
    hz = loudest(font.tone(72, 100, RATE // 2, RATE)[0])
    assert cents(hz, 523.25) == pytest.approx(785, abs=5)


def test_scale_tuning_of_zero_plays_one_pitch_on_all_keys(tmp_path: Path) -> None:
    font = SoundFontFile(write_font(tmp_path / "f.sf2", [Layer(sine(C4), gens=[(56, 0)])]))
    assert abs(cents(loudest(font.tone(90, 100, RATE // 2, RATE)[0]), C4)) < 5


def test_zones_are_chosen_by_key_and_velocity_and_gaps_take_the_nearest(tmp_path: Path) -> None:
    keys = [(0 | 50 << 8), (60 | 127 << 8)]
    layers = [
        Layer(sine(C4), gens=[(43, keys[0])]),
        Layer(sine(2 * C4), gens=[(43, keys[1]), (44, 0 | 63 << 8)]),
        Layer(sine(3 * C4), gens=[(43, keys[1]), (44, 64 | 127 << 8)]),
    ]
    font = SoundFontFile(write_font(tmp_path / "f.sf2", layers))
    for pitch, velocity, factor in ((48, 100, 1), (60, 40, 2), (60, 100, 3), (53, 100, 1), (57, 10, 2)):
        hz = loudest(font.tone(pitch, velocity, RATE // 4, RATE)[0])
        assert abs(cents(hz, factor * C4 * 2 ** ((pitch - 60) / 12))) < 10, (pitch, velocity)


def test_the_global_zone_counts_for_all_and_is_overridden(tmp_path: Path) -> None:
    layers = [Layer(sine(C4), gens=[(43, 0 | 60 << 8)]), Layer(sine(C4), gens=[(43, 61 | 127 << 8), (51, 0)])]
    font = SoundFontFile(write_font(tmp_path / "f.sf2", layers, shared=[(51, 12)]))
    assert abs(cents(loudest(font.tone(60, 100, RATE // 4, RATE)[0]), 2 * C4)) < 5
    assert abs(cents(loudest(font.tone(61, 100, RATE // 4, RATE)[0]), C4 * 2 ** (1 / 12))) < 10


def test_a_loop_goes_on_where_a_sample_without_one_ends(tmp_path: Path) -> None:
    samples = sine(441.0, 22_050, 0.2)
    loop = (2205, 2205 + 50 * 20)  # Twenty whole periods.
    looped = SoundFontFile(write_font(tmp_path / "a.sf2", [Layer(samples, loop=loop, gens=[(54, 1)])]))
    plain = SoundFontFile(write_font(tmp_path / "b.sf2", [Layer(samples, loop=loop)]))
    long, short = (font.tone(60, 100, RATE, RATE)[0] for font in (looped, plain))
    assert np.abs(short[int(0.21 * RATE) :]).max() == 0 and np.abs(long[-4410:]).max() > 0.3
    # No seam: the sine goes on.
    assert np.abs(np.diff(long[4410:])).max() < 1.05 * np.abs(np.diff(long[2205:4410])).max()


def test_the_envelope_falls_in_decibels(tmp_path: Path) -> None:
    # 100 dB in two seconds, but no lower than 30 dB.
    gens = [(54, 1), (36, 1200), (37, 300)]
    font = SoundFontFile(write_font(tmp_path / "f.sf2", [Layer(sine(441.0), loop=(0, 22_050), gens=gens)]))
    tone = font.tone(60, 100, 2 * RATE, RATE)[0]

    def level(t: float) -> float:
        return 20 * np.log10(np.abs(tone[int(t * RATE) : int((t + 0.01) * RATE)]).max())

    assert level(0.3) - level(0.1) == pytest.approx(-10, abs=1)
    assert level(1.5) - level(0.05) == pytest.approx(-30 + 2.5, abs=1)


def test_pan_and_attenuation(tmp_path: Path) -> None:
    gens = [(17, -500), (48, 100)]
    font = SoundFontFile(write_font(tmp_path / "f.sf2", [Layer(sine(C4), gens=gens)]))
    left, right = np.abs(font.tone(60, 100, RATE // 2, RATE)).max(1)
    # 10 dB are written, 4 are taken; all of it is on the left.
    assert left == pytest.approx(0.5 * np.sqrt(2) * 10 ** (-4 / 20), rel=0.02) and right < 1e-6


def test_the_low_pass_takes_away_what_lies_above(tmp_path: Path) -> None:
    both = (sine(200, size=0.25).astype(int) + sine(6000, size=0.25)).astype(np.int16)
    open_, closed = (
        SoundFontFile(write_font(tmp_path / f"{fc}.sf2", [Layer(both, gens=[(8, fc)])])) for fc in (13_500, 7_000)
    )
    power = [np.abs(np.fft.rfft(f.tone(60, 100, RATE // 2, RATE)[0])) for f in (open_, closed)]
    low, high = 100, 3000
    assert power[1][low - 2 : low + 3].max() > 0.7 * power[0][low - 2 : low + 3].max()
    assert power[1][high - 2 : high + 3].max() < 0.05 * power[0][high - 2 : high + 3].max()


def test_a_stereo_font_keeps_its_sides_and_a_mono_one_is_placed(tmp_path: Path) -> None:
    layers = [Layer(sine(C4), gens=[(17, -500)]), Layer(sine(2 * C4), gens=[(17, 500)])]
    stereo = SoundFontPiano(write_font(tmp_path / "s.sf2", layers))
    mono = SoundFontPiano(write_font(tmp_path / "m.sf2", [Layer(sine(C4), loop=(0, 22_050), gens=[(54, 1)])]))
    assert stereo.tone(60, 100, RATE).shape[0] == 2 and mono.tone(60, 100, RATE).shape[0] == 1
    notes = Notes(np.zeros(1), np.ones(1), np.array([60]), np.array([100]))
    samples = render(notes, instrument=stereo)[: RATE // 4]
    assert abs(cents(loudest(samples[:, 0]), C4)) < 5 and abs(cents(loudest(samples[:, 1]), 2 * C4)) < 5


@pytest.mark.parametrize(
    "spoil, said",
    [
        (lambda data: b"", "not a SoundFont"),
        (lambda data: b"RIFF\4\0\0\0WAVE", "not a SoundFont"),
        (lambda data: data[: len(data) // 2], "cut off"),
        (lambda data: data.replace(b"shdr", b"xxxx"), "lacks shdr"),
        (lambda data: data.replace(b"smpl", b"xxxx"), "lacks smpl"),
    ],
)
def test_a_file_that_is_no_soundfont_is_refused(tmp_path: Path, spoil: Callable[[bytes], bytes], said: str) -> None:
    path = write_font(tmp_path / "f.sf2", [Layer(sine(C4))])
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(UserError, match=said):
        SoundFontPiano(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=40))
def test_any_damage_is_refused_or_played_without_harm(tmp_path: Path, changes: list[tuple[int, int]]) -> None:
    path = tmp_path / "f.sf2"
    if not path.exists():
        write_font(path, [Layer(sine(C4, seconds=0.05), loop=(100, 600), gens=[(54, 1), (43, 10 | 90 << 8)])] * 2)
        (tmp_path / "whole").write_bytes(path.read_bytes())
    data = bytearray((tmp_path / "whole").read_bytes())
    tables = data.index(b"pdta")
    for at, value in changes:
        data[tables + at % (len(data) - tables) if at % 3 else at % len(data)] = value
    path.write_bytes(data)
    try:
        tone = SoundFontPiano(path).tone(60, 100, 2000)
    except UserError:
        return
    assert np.isfinite(tone).all()


def test_symusic_out_of_tune_is_refused() -> None:
    pytest.importorskip("symusic")
    path = general_soundfont()
    if path is None:
        pytest.skip("pretty_midi, which carries the SoundFont, is not installed")
    with pytest.raises(UserError, match="out of tune"):
        compressed_tones(path, RATE)
    assert all(is_in_tune(SoundFontPiano(path).tone(p, 100, RATE)[0, :RATE], p, RATE) for p in (48, 60, 72))


def test_compressed_fonts_say_what_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_font(tmp_path / "f.sf3", [Layer(sine(C4), kind=0x11)])
    _block(monkeypatch, "symusic")
    with pytest.raises(UserError, match=r"symusic.*an \.sf2 file"):
        SoundFontPiano(path)


def test_check_1_everything_optional_absent_still_sounds_and_says_why_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundfont.importlib.util, "find_spec", lambda name: None)
    _block(monkeypatch, "symusic", "pretty_midi", "sounddevice", "fluidsynth", "mido")
    chosen = choose("")
    assert isinstance(chosen.instrument, PianoBank)
    assert len(chosen.remarks) == 1 and "pip install pretty_midi" in chosen.remarks[0]
    assert known_instruments() == ((BUILT_IN, "Built-in piano"),)
    notes = Notes(np.zeros(1), np.ones(1), np.array([60]), np.array([100]))
    assert np.abs(render(notes)).max() > 0.05


def test_a_missing_font_is_remarked_on_and_replaced(tmp_path: Path) -> None:
    chosen = choose(str(tmp_path / "gone.sf2"))
    assert len(chosen.remarks) == 1 and "gone.sf2 cannot be read" in chosen.remarks[0]
    assert np.abs(chosen.instrument.tone(60, 100, RATE)).max() > 0.01


def test_a_font_that_was_mended_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "f.sf2"
    path.write_bytes(b"nothing")
    assert choose(str(path)).remarks
    write_font(path, [Layer(sine(C4))])
    chosen = choose(str(path))
    assert not chosen.remarks and chosen.instrument.name == "f"


def test_the_built_in_piano_is_one_and_the_same() -> None:
    assert choose(BUILT_IN).instrument is choose(BUILT_IN).instrument
    assert not choose(BUILT_IN).remarks


def _block(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    real = builtins.__import__

    def guarded(name: str, *arguments: Any, **more: Any) -> Any:
        if name.split(".")[0] in names:
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", guarded)


@pytest.mark.parametrize("pitch", [24, 48, 60, 84])
def test_fluidsynth_plays_the_same_tone(pitch: int) -> None:
    """Level over time, pitch and brightness of TimGM6mb's keys, against FluidSynth without its effects."""
    fluidsynth = pytest.importorskip("fluidsynth", reason="FluidSynth is not installed", exc_type=ImportError)
    path = general_soundfont()
    if path is None:
        pytest.skip("pretty_midi, which carries the SoundFont, is not installed")
    synth = fluidsynth.Synth(samplerate=float(RATE), gain=0.5)
    synth.setting("synth.reverb.active", 0)
    synth.setting("synth.chorus.active", 0)
    synth.program_select(0, synth.sfload(str(path)), 0, 0)
    synth.noteon(0, pitch, 127)
    theirs = synth.get_samples(2 * RATE).reshape(-1, 2)[:, 0].astype(np.float64)
    synth.delete()
    ours = SoundFontFile(path).tone(pitch, 127, 2 * RATE, RATE)[0].astype(np.float64)
    levels, peaks, centres = [], [], []
    for x in (ours, theirs):
        parts = [np.sqrt(np.square(x[int(t * RATE) :][: RATE // 10]).mean()) for t in (0.0, 0.5, 1.0, 1.8)]
        levels.append(20 * np.log10(np.array(parts) / parts[0]))
        power = np.abs(np.fft.rfft(x[:RATE] * np.hanning(RATE))) ** 2
        peaks.append(int(np.argmax(power)))
        centres.append(float((power * np.arange(len(power))).sum() / power.sum()))
    assert np.abs(levels[0] - levels[1]).max() < 1.0
    assert abs(peaks[0] - peaks[1]) <= 1
    assert centres[0] == pytest.approx(centres[1], rel=0.01)


def test_layers_with_the_same_samples_share_one_tone(tmp_path: Path) -> None:
    one = SoundFontPiano(write_font(tmp_path / "one.sf2", [Layer(sine(C4))]))
    assert one.tone(60, 20, RATE // 2) is one.tone(60, 127, RATE // 2)
    layers = [Layer(sine(C4), gens=[(44, 0 | 63 << 8)]), Layer(sine(2 * C4), gens=[(44, 64 | 127 << 8)])]
    two = SoundFontPiano(write_font(tmp_path / "two.sf2", layers))
    assert two.tone(60, 20, RATE // 2) is two.tone(60, 36, RATE // 2)
    assert two.tone(60, 20, RATE // 2) is not two.tone(60, 100, RATE // 2)


def test_looped_tones_of_symusic_die_away(monkeypatch: pytest.MonkeyPatch) -> None:
    symusic = pytest.importorskip("symusic")

    class Organ:
        """Plays every key for ever, in tune."""

        def __init__(self, **settings: Any) -> None:
            self.rate = settings["sample_rate"]

        def render(self, score: Any, stereo: bool) -> np.ndarray:
            note = score.tracks[0].notes[0]
            t = np.arange(int(note.duration * self.rate)) / self.rate
            return np.tile(np.sin(2 * np.pi * 440 * 2 ** ((note.pitch - 69) / 12) * t), (2, 1))

    monkeypatch.setattr(symusic, "Synthesizer", Organ)
    tone = compressed_tones(Path("organ.sf3"), RATE)
    long, short = tone(60, 100, 3 * RATE), tone(60, 100, RATE)
    assert np.array_equal(long[:, :RATE], short)
    assert np.abs(long[:, -RATE:]).max() < 0.3 < 0.9 < np.abs(long[:, :RATE]).max()
