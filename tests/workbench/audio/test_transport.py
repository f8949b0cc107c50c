"""Check 3 of paper file 08b, section 9, and its section 2: what the callback plays, to the frame."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.workbench.audio.fakes import RATE, FakeClock, FakeSink, noise, playing, track_of
from workbench.audio.metronome import Metronome
from workbench.audio.tracks import CHUNK, Program, Track
from workbench.audio.transport import FADE_S, Transport

FADE = int(FADE_S * RATE)


def test_play_gives_the_samples_in_order_after_the_fade() -> None:
    music = noise(2.0)
    transport, sink, _ = playing(music)
    assert not sink.pump(1024).any()
    transport.play()
    out = sink.pump(20_000)
    assert np.array_equal(out[FADE:], music[FADE:20_000])
    assert np.abs(out[:FADE]).max() <= np.abs(music[:FADE]).max()


def test_a_silent_transport_writes_zeros_whatever_was_in_the_block() -> None:
    transport = Transport(RATE, FakeClock())
    out = np.full((512, 2), np.nan, np.float32)
    transport.fill(out)
    assert not out.any()


@pytest.mark.parametrize("block", [64, 512, 4096])
def test_blocks_of_any_size_play_the_same(block: int) -> None:
    music = noise(1.0)
    transport, sink, _ = playing(music)
    transport.play()
    transport.set_loop((0.2, 0.7))
    out = sink.pump(40_960, block)
    whole, other, _ = playing(music)
    whole.play()
    whole.set_loop((0.2, 0.7))
    assert np.array_equal(out, other.pump(40_960, 512))


def test_seek_output_equals_the_slice_of_the_linear_render_away_from_fades() -> None:
    music = noise(3.0)
    transport, sink, _ = playing(music)
    transport.play()
    sink.pump(4096)
    transport.seek(1.5)
    out = sink.pump(8192)
    at = round(1.5 * RATE)
    assert np.array_equal(out[FADE:], music[at + FADE : at + 8192])
    ramp = np.arange(1, FADE + 1, dtype=np.float32)[:, None] / FADE
    blend = music[at : at + FADE] * ramp + music[4096 : 4096 + FADE] * (1 - ramp)
    assert np.allclose(out[:FADE], blend, atol=1e-6)


def test_loop_output_equals_slices_and_wraps_on_the_frame() -> None:
    music = noise(3.0)
    transport, sink, _ = playing(music)
    a, b = round(0.5 * RATE), round(1.25 * RATE)
    transport.set_loop((0.5, 1.25))
    transport.seek(0.5)
    transport.play()
    out = sink.pump(3 * (b - a))
    for turn in range(3):
        begin = turn * (b - a)
        assert np.array_equal(out[begin + FADE : begin + b - a], music[a + FADE : b])
    assert transport.mark.loops == 3


def test_a_loop_that_is_left_plays_on() -> None:
    music = noise(3.0)
    transport, sink, _ = playing(music)
    transport.set_loop((0.0, 0.5))
    transport.play()
    sink.pump(round(0.4 * RATE))
    transport.set_loop(None)
    out = sink.pump(RATE)
    at = round(0.4 * RATE)
    assert np.array_equal(out, music[at : at + RATE])


def test_a_switch_between_source_and_result_fades_within_5_ms_at_the_same_moment() -> None:
    a, b = noise(2.0, 1), noise(2.0, 2)
    transport, sink, _ = playing(a, b)
    transport.play()
    sink.pump(1024)
    transport.set_gains({"b": 1.0})
    out = sink.pump(2048)
    assert np.array_equal(out[FADE:], b[1024 + FADE : 1024 + 2048])
    ramp = np.arange(1, FADE + 1, dtype=np.float32)[:, None] / FADE
    assert np.allclose(out[:FADE], a[1024 : 1024 + FADE] * (1 - ramp) + b[1024 : 1024 + FADE] * ramp, atol=1e-5)


def test_pause_fades_out_and_play_goes_on_where_it_was() -> None:
    music = noise(2.0)
    transport, sink, _ = playing(music)
    transport.play()
    sink.pump(4096)
    transport.pause()
    out = sink.pump(1024)
    assert np.abs(np.diff(np.abs(out[:FADE]).max(1))).max() <= 0.6 and not out[FADE:].any()
    assert transport.mark.state == "stopped"
    transport.play()
    out = sink.pump(1024)
    assert np.array_equal(out[FADE:], music[4096 + FADE : 4096 + 1024])


def test_the_end_stops_and_play_starts_again_from_the_beginning() -> None:
    music = noise(0.5)
    transport, sink, _ = playing(music)
    transport.play()
    out = sink.pump(len(music) + 4096)
    assert np.array_equal(out[FADE : len(music)], music[FADE:]) and not out[len(music) :].any()
    assert transport.mark.state == "ended" and not transport.is_wanted
    transport.play()
    out = sink.pump(4096)
    assert np.array_equal(out[FADE:], music[FADE:4096])


def test_a_seek_after_the_end_is_where_play_begins() -> None:
    music = noise(0.5)
    transport, sink, _ = playing(music)
    transport.play()
    sink.pump(len(music) + 4096)
    transport.seek(0.25)
    sink.pump(512)
    transport.play()
    at = round(0.25 * RATE)
    assert np.array_equal(sink.pump(2048)[FADE:], music[at + FADE : at + 2048])


def test_tempo_is_swapped_at_the_same_moment_once_it_is_rendered() -> None:
    slow, fast = noise(4.0, 1), noise(2.0, 2)
    transport, sink, _ = playing(slow)
    transport.play()
    sink.pump(RATE)
    other = Track(len(fast))
    transport.set_program(Program(RATE, 2.0, {"a": other}))
    out = sink.pump(4096)
    assert np.array_equal(out, slow[RATE : RATE + 4096])  # Not rendered yet: the old one goes on.
    other.put(0, fast)
    out = sink.pump(4096)
    at = round((RATE + 4096) / 2)
    assert np.array_equal(out[FADE:], fast[at + FADE : at + 4096])
    assert transport.mark.underruns == 0
    assert transport.mark.position == pytest.approx((RATE + 3 * 4096) / RATE, abs=2 / RATE)


def test_an_underrun_is_silent_counted_once_and_loses_no_music() -> None:
    music = noise(4.0)
    track = Track(len(music))
    track.put(0, music[: 4 * CHUNK])
    transport, sink, _ = playing(music)
    transport.set_program(Program(RATE, 1.0, {"a": track}))
    transport.play()
    out = sink.pump(4 * CHUNK + 10 * 512)
    assert np.isfinite(out).all() and not out[4 * CHUNK :].any()
    assert (transport.mark.state, transport.mark.underruns) == ("buffering", 1)
    at = round(transport.mark.position * RATE)
    assert 0 <= 4 * CHUNK - at <= FADE
    track.put(0, music)
    out = sink.pump(2048)
    assert np.array_equal(out[FADE:], music[at + FADE : at + 2048])
    assert transport.mark.underruns == 1


def test_play_before_anything_is_rendered_is_no_underrun() -> None:
    music = noise(2.0)
    track = track_of(music, rendered=False)
    transport, sink, _ = playing(music)
    transport.set_program(Program(RATE, 1.0, {"a": track}))
    transport.play()
    assert not sink.pump(4096).any()
    assert (transport.mark.state, transport.mark.underruns) == ("buffering", 0)
    track.put(0, music)
    assert sink.pump(1024).any()
    assert transport.mark.first_sound_s == pytest.approx(4096 / RATE)


def test_a_seek_to_what_is_not_rendered_is_no_underrun() -> None:
    music = noise(4.0)
    transport, sink, _ = playing(music)
    track = Track(len(music))
    track.put(0, music[: 4 * CHUNK])
    transport.set_program(Program(RATE, 1.0, {"a": track}))
    transport.play()
    sink.pump(2048)
    transport.seek(3.0)
    sink.pump(2048)
    assert (transport.mark.state, transport.mark.underruns) == ("buffering", 0)
    assert transport.mark.position == 3.0


def test_music_still_being_written_starts_at_2_s_and_waits_below_a_fifth() -> None:
    music = noise(6.0)
    transport, sink, _ = playing(music)
    track = Track(0, complete=False)
    transport.set_program(Program(RATE, 1.0, {"a": track}))

    def written(seconds: float, complete: bool = False) -> None:
        frames = round(seconds * RATE)
        track.put(0, music[:frames])
        track.grow(frames, complete=complete)

    written(1.9)
    transport.play()
    assert not sink.pump(2048).any() and transport.mark.state == "waiting"
    written(2.1)
    out = sink.pump(2 * RATE)
    played = round(transport.mark.position * RATE)
    assert transport.mark.state == "waiting"
    assert (transport.mark.waits, transport.mark.underruns) == (1, 0)
    assert played == pytest.approx(1.9 * RATE, abs=2)
    assert np.array_equal(out[FADE:played], music[FADE:played])
    written(6.0, complete=True)
    out = sink.pump(5 * RATE)
    assert np.array_equal(out[FADE : len(music) - played], music[played + FADE :])
    assert transport.mark.state == "ended"


@pytest.mark.parametrize("written_s, counts", [(3.4, (1, 0)), (5.0, (0, 1))])
def test_it_is_told_whether_writing_or_rendering_was_late(written_s: float, counts: tuple[int, int]) -> None:
    music = noise(6.0)
    transport, sink, _ = playing(music)
    track = Track(0, complete=False)
    track.grow(round(written_s * RATE), complete=False)
    track.put(0, music[: 3 * RATE])
    transport.set_program(Program(RATE, 1.0, {"a": track}))
    transport.play()
    sink.pump(4 * RATE)
    assert (transport.mark.waits, transport.mark.underruns) == counts


def test_check_3_the_playhead_is_within_a_frame_of_what_was_pumped() -> None:
    music = noise(8.0)
    for latency_s in (0.0, 0.035, 0.1):
        transport, sink, clock = playing(music, latency_s=latency_s)
        transport.play()
        start = sink.pumped
        for frames in (512, 512, 100, 5000, 1, 44_100):
            sink.pump(frames)
            heard = transport.clock.heard(clock.now)
            expected = max((sink.pumped - start) / RATE - latency_s, 0.0)
            assert heard is not None and abs(heard - expected) * RATE <= 1


def test_check_3_the_playhead_follows_loops_when_they_are_heard_not_when_they_are_mixed() -> None:
    music = noise(4.0)
    transport, sink, clock = playing(music, latency_s=0.1)
    transport.set_loop((0.0, 0.5))
    transport.play()
    sink.pump(round(0.55 * RATE))
    assert transport.mark.position == pytest.approx(0.05, abs=1e-3)
    assert transport.clock.heard(clock.now) == pytest.approx(0.45, abs=1 / RATE)


def test_the_playhead_goes_on_between_blocks_but_not_beyond_one() -> None:
    transport, sink, clock = playing(noise(4.0))
    transport.play()
    sink.pump(4096)
    before = clock.now - 512 / RATE
    heard = [transport.clock.heard(before + t) for t in (0.0, 0.005, 512 / RATE, 1.0)]
    assert heard[1] - heard[0] == pytest.approx(0.005)  # type: ignore[operator]
    assert heard[2] == heard[3]


def test_the_playhead_is_steady_though_the_card_asks_in_bursts() -> None:
    transport, _, clock = playing(noise(20.0))
    transport.play()
    out = np.zeros((512, 2), np.float32)
    rng, heard, handed = np.random.default_rng(0), [], 0
    for tick in range(600):
        clock.now = 100.1 + tick / 60
        # Four blocks at a time, up to 20 ms late.
        while handed / RATE < tick / 60 - rng.uniform(0, 0.02) or handed == 0:
            for _ in range(4):
                transport.fill(out, 0.1)
                handed += 512
        heard.append(transport.clock.heard(clock.now))
    steps = np.diff(np.array(heard[60:], float))
    assert steps.min() >= 0 and steps.mean() == pytest.approx(1 / 60, rel=0.01)
    assert steps.std() < 0.004


def test_the_users_offset_moves_the_playhead() -> None:
    transport, sink, clock = playing(noise(4.0))
    transport.play()
    sink.pump(RATE)
    transport.clock.offset_s = 0.3
    assert transport.clock.heard(clock.now) == pytest.approx(0.7, abs=1 / RATE)


def test_check_3_a_thousand_random_seeks_and_loops_stay_in_range() -> None:
    rng = np.random.default_rng(7)
    tracks = [noise(5.0, 1, 0.99), noise(3.0, 2, 0.99)]
    transport, sink, clock = playing(*tracks)
    transport.play()
    for _ in range(1000):
        action = rng.integers(8)
        if action == 0:
            transport.seek(float(rng.uniform(0, 6)))
        elif action == 1:
            transport.set_loop(tuple(rng.uniform(0, 5, 2)))  # type: ignore[arg-type]
        elif action == 2:
            transport.set_loop(None)
        elif action == 3:
            transport.set_gains(dict(zip("ab", rng.uniform(0, 1, 2), strict=True)))
        elif action == 4:
            transport.set_program(Program(RATE, float(rng.uniform(0.5, 2)), transport.wish.program.tracks))
        elif action == 5:
            (transport.pause if rng.random() < 0.3 else transport.play)()
        elif action == 6:
            transport.set_metronome(Metronome(float(rng.uniform(40, 300)), gain=1.0))
        out = sink.pump(int(rng.integers(1, 3000)), int(rng.integers(16, 2048)))
        assert np.isfinite(out).all() and np.abs(out).max() <= 1.0
        heard = transport.clock.heard(clock.now)
        assert heard is not None and 0 <= heard <= 12 and 0 <= transport.mark.position <= 12


def test_volume_moves_without_a_step() -> None:
    music = np.full((RATE, 2), 0.5, np.float32)
    transport, sink, _ = playing(music)
    transport.play()
    sink.pump(1024)
    transport.set_volume(0.0)
    out = sink.pump(512)
    assert np.abs(np.diff(out[:, 0])).max() < 0.5 / 400
    assert not sink.pump(512).any()


def test_the_metronome_clicks_on_the_beat_at_any_tempo() -> None:
    for tempo in (0.5, 1.0, 2.0):
        silence = np.zeros((round(4.0 / tempo * RATE), 2), np.float32)
        transport, sink, _ = playing(silence, tempo=tempo)
        transport.set_metronome(Metronome(120, first_s=0.25, bar=3, gain=1.0))
        transport.play()
        out = np.abs(sink.pump(len(silence))).max(1)
        for beat in range(4):
            at = round((0.25 + 0.5 * beat) / tempo * RATE)
            assert out[at - 40 : at].max() < 1e-3 < 0.1 < out[at : at + 100].max()


def test_callback_copies_fast_enough() -> None:
    """Check 6 asks for 0.2 ms per 512 frames; here ten times that, for machines that do other things too."""
    transport, _, _ = playing(noise(10.0, 1), noise(10.0, 2))
    transport.set_gains({"a": 1.0, "b": 0.5})
    transport.play()
    out = np.zeros((512, 2), np.float32)
    took = []
    for _ in range(500):
        began = time.perf_counter()
        transport.fill(out)
        took.append(time.perf_counter() - began)
    assert np.median(took) < 2e-3


def test_a_loop_shorter_than_the_fades_is_made_longer() -> None:
    transport, _, _ = playing(noise(1.0))
    transport.set_loop((0.5, 0.5))
    assert transport.wish.loop == (0.5, 0.55)


def test_tracks_say_what_is_missing_and_what_is_ready() -> None:
    samples = noise(1.0)
    track = Track(len(samples))
    assert track.missing(0, 10**9) == 0 and track.ready(0) == 0
    track.put(0, samples[:CHUNK])
    track.put(2 * CHUNK, samples[2 * CHUNK : 3 * CHUNK])
    assert track.missing(0, 10**9) == CHUNK and track.ready(100) == CHUNK - 100
    got = track.read(CHUNK - 10, CHUNK + 20)
    assert got is not None
    assert np.array_equal(got[:10], samples[CHUNK - 10 : CHUNK]) and not got[10 : CHUNK + 10].any()
    assert np.array_equal(got[CHUNK + 10 :], samples[2 * CHUNK : 2 * CHUNK + 10])
    assert track.read(4 * CHUNK, 100) is None
    track.drop(2 * CHUNK, 3 * CHUNK)
    assert track.held_frames == CHUNK and track.missing(0, 10**9) == 0
    with pytest.raises(ValueError, match="multiple"):
        track.put(5, samples)


def test_nothing_plays_where_there_is_nothing() -> None:
    transport = Transport(RATE, FakeClock())
    sink = FakeSink(transport, FakeClock())
    transport.play()
    assert not sink.pump(2048).any()
    assert transport.mark.state == "ended" and transport.mark.underruns == 0
