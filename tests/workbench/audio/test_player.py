"""The player as a panel uses it: a fake sound card and clock, ticks by hand; then the real engine process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.piano.notes import Notes
from engines.piano.sound.bank import PianoBank
from engines.piano.sound.render import render
from engines.piano.sound.wave_file import read_wav
from tests.workbench.audio.fakes import RATE, FakeClock
from workbench.audio.metronome import Metronome
from workbench.audio.player import Player
from workbench.audio.sinks import Fill
from workbench.audio.transport import FADE_S
from workbench.runner import Runner

FADE = int(FADE_S * RATE) + 1
TICK_S = 0.016


def scale(seconds: float, a_second: float = 4.0, seed: int = 0) -> Notes:
    rng = np.random.default_rng(seed)
    start = np.arange(0.0, seconds, 1 / a_second)
    n = len(start)
    return Notes(start, start + 0.3, rng.integers(48, 72, n), rng.integers(40, 90, n))


class Card:
    """A sound card that the test pumps; it keeps what it was given."""

    name, reason, is_silent = "Card", "", False

    def __init__(self, fill: Fill, clock: FakeClock, latency_s: float = 0.05) -> None:
        self.fill, self.clock, self.latency_s = fill, clock, latency_s
        self.heard: list[np.ndarray] = []
        self.late = self.narrow = 0
        self.is_alive = True

    def start(self, fill: Fill) -> None:
        """It is started when it is made."""

    def stop(self) -> None:
        self.is_alive = False

    def tick(self) -> None:
        """It has its own pace."""

    def pump(self, frames: int) -> np.ndarray:
        parts = []
        for at in range(0, frames, 512):
            out = np.zeros((min(512, frames - at), 2), np.float32)
            self.fill(out, self.latency_s, None)
            self.clock.now += len(out) / RATE
            parts.append(out)
        self.heard += parts
        return np.concatenate(parts)


class Setting:
    """A player with a card, whose time goes on by ticks of 16 ms."""

    def __init__(self, runner: Runner | None = None) -> None:
        self.clock = FakeClock()
        self.cards: list[Card] = []
        self.player = Player(runner, opener=self._open, now=self.clock)
        self.player.set_instrument("built-in")
        self.player.set_volume(1.0)

    def _open(self, fill: Fill, rate: int, device: int | None, depth_s: float) -> Any:
        self.cards.append(Card(fill, self.clock))
        return self.cards[-1]

    @property
    def card(self) -> Card:
        return self.cards[-1]

    def open(self) -> None:
        self.player.open()
        for _ in range(400):
            self.player.tick()
            if self.player.has_sound:
                break
            threading.Event().wait(0.005)
        assert self.player.has_sound
        self.card.pump(512)

    def run(self, seconds: float) -> np.ndarray:
        """Ticks and blocks as they would come."""
        parts = []
        for _ in range(round(seconds / TICK_S)):
            self.player.tick()
            parts.append(self.card.pump(706))
        return np.concatenate(parts)


@pytest.fixture
def setting(qtbot: QtBot) -> Iterator[Setting]:
    made = Setting()
    made.player._timer.timeout.disconnect(made.player.tick)
    yield made
    made.player.close()
    made.player.deleteLater()


def test_play_is_heard_within_200_ms_of_the_first_play(setting: Setting) -> None:
    setting.player.set_music("a", scale(20.0, 8))
    setting.player.hear({"a": 1.0})
    setting.open()
    setting.player.play()
    setting.run(0.5)
    first = setting.player.transport.mark.first_sound_s
    assert first is not None and first < 0.2
    assert setting.player.state == "playing" and setting.player.lateness == 0


def test_what_is_heard_is_the_rendered_music(setting: Setting) -> None:
    notes = scale(3.0)
    setting.player.set_music("a", notes)
    setting.player.hear({"a": 1.0})
    setting.open()
    for _ in range(400):
        setting.player.tick()
    setting.player.play()
    heard = setting.run(2.0)
    expected = render(notes, instrument=PianoBank())
    assert np.array_equal(heard[FADE:], expected[FADE : len(heard)])


def test_a_piece_plays_to_its_end_without_an_underrun_and_says_so(setting: Setting, qtbot: QtBot) -> None:
    setting.player.set_music("a", scale(3.0))
    setting.player.hear({"a": 1.0})
    setting.open()
    states: list[str] = []
    setting.player.state_changed.connect(states.append)
    with qtbot.waitSignal(setting.player.ended, timeout=0, raising=False) as blocker:
        setting.player.play()
        setting.run(4.5)
    assert blocker.signal_triggered
    assert states[-2:] == ["playing", "stopped"] and setting.player.lateness == 0
    setting.player.play()
    setting.run(0.3)
    assert setting.player.state == "playing" and setting.player.position < 0.5


def test_tempo_changes_at_the_same_moment_and_pitch_stays(setting: Setting) -> None:
    setting.player.set_music("a", scale(20.0))
    setting.player.hear({"a": 1.0})
    setting.open()
    setting.player.play()
    setting.run(2.0)
    before = setting.player.position
    tempos: list[float] = []
    setting.player.tempo_changed.connect(tempos.append)
    setting.player.set_tempo(2.0)
    setting.run(0.1)
    assert setting.player.position == pytest.approx(before + 0.2, abs=0.15)
    at = setting.player.position
    setting.run(1.0)
    assert tempos == [2.0]
    assert setting.player.position - at == pytest.approx(2.0, abs=0.1)
    assert setting.player.lateness == 0


def test_the_tempo_is_kept_within_half_and_double(setting: Setting) -> None:
    setting.player.set_tempo(10.0)
    assert setting.player.tempo == 2.0
    setting.player.set_tempo(0.01)
    assert setting.player.tempo == 0.5


def test_solo_switches_pieces_at_the_same_moment(setting: Setting) -> None:
    a, b = scale(10.0, seed=1), scale(10.0, seed=2)
    setting.player.set_music("a", a)
    setting.player.set_music("b", b)
    setting.player.solo("a")
    setting.open()
    for _ in range(200):
        setting.player.tick()
    setting.player.play()
    setting.run(1.6)
    place = round(setting.player.transport.mark.position * RATE)
    setting.player.solo("b")
    heard = setting.run(0.5)
    expected = render(b, instrument=PianoBank())
    assert np.array_equal(heard[FADE:], expected[place + FADE : place + len(heard)])
    assert setting.player.audible == ("b",)


def test_music_still_being_written_is_heard_without_a_seam(setting: Setting) -> None:
    """Notes come at twice the pace of playing, in lumps; held notes are known only up to the horizon."""
    notes = scale(8.0, 6, seed=3)
    setting.player.hear({"result": 1.0})
    setting.open()
    setting.player.play()
    heard, horizon = [], 0.0
    while horizon < 8.5:
        horizon += 0.25
        known = notes.start < horizon
        end = np.where(notes.end >= horizon, horizon, notes.end)[known]
        setting.player.extend_music(
            "result", Notes(notes.start[known], end, notes.pitch[known], notes.velocity[known]), horizon
        )
        heard.append(setting.run(0.128))
        if horizon < 1.9:
            assert setting.player.state == "waiting"
    setting.player.set_music("result", notes)
    heard.append(setting.run(8.0))
    everything = np.concatenate(heard)
    first = int(np.nonzero(everything.any(1))[0][0])
    expected = render(notes, instrument=PianoBank())
    offset = next(
        k
        for k in range(FADE + 600)
        if np.array_equal(everything[first + 2000 - k : first + 2200 - k], expected[2000:2200])
    )
    begin = first - offset
    got = everything[begin : begin + len(expected)]
    assert np.array_equal(got[FADE:], expected[FADE : len(got)])
    assert setting.player.transport.mark.underruns == 0


def test_composing_that_falls_behind_waits_and_goes_on(setting: Setting) -> None:
    notes = scale(10.0)

    def known(seconds: float) -> Notes:
        keep = notes.start < seconds
        return Notes(notes.start[keep], notes.end[keep], notes.pitch[keep], notes.velocity[keep])

    setting.player.hear({"result": 1.0})
    setting.open()
    setting.player.extend_music("result", known(3.0), 3.0)
    setting.player.play()
    setting.run(4.0)
    assert setting.player.state == "waiting" and setting.player.position == pytest.approx(2.75, abs=0.02)
    setting.player.extend_music("result", known(8.0), 8.0)
    setting.run(1.0)
    assert setting.player.state == "playing"
    assert (setting.player.transport.mark.waits, setting.player.lateness) == (1, 0)


def test_music_that_changes_before_what_was_settled_is_rendered_anew(setting: Setting) -> None:
    setting.player.hear({"a": 1.0})
    setting.open()
    setting.player.extend_music("a", scale(4.0, seed=1), 4.0)
    for _ in range(100):
        setting.player.tick()
    other = scale(4.0, seed=2)
    setting.player.set_music("a", other)
    for _ in range(200):
        setting.player.tick()
    setting.player.play()
    heard = setting.run(2.0)
    assert np.array_equal(heard[FADE:], render(other, instrument=PianoBank())[FADE : len(heard)])


def test_seek_loop_and_stop(setting: Setting) -> None:
    setting.player.set_music("a", scale(10.0))
    setting.player.hear({"a": 1.0})
    setting.open()
    loops: list[int] = []
    setting.player.looped.connect(loops.append)
    setting.player.set_loop((2.0, 2.5))
    assert setting.player.position == 2.0
    setting.player.play()
    setting.run(1.3)
    assert 2.0 <= setting.player.position < 2.5 and loops == [1, 2]
    setting.player.seek(1e9)
    assert setting.player.position == setting.player.duration
    setting.player.stop()
    setting.run(0.1)
    assert (setting.player.position, setting.player.state) == (2.0, "stopped")
    setting.player.nudge(-5.0)
    assert setting.player.position == 0.0


def test_keys_glow_while_they_sound(setting: Setting) -> None:
    notes = Notes(np.array([0.0, 0.5]), np.array([0.4, 1.0]), np.array([60, 64]), np.array([80, 80]))
    setting.player.set_music("a", notes)
    setting.player.hear({"a": 1.0})
    setting.open()
    seen: list[list[int]] = []
    setting.player.keys_changed.connect(lambda keys: seen.append(keys.tolist()))
    setting.player.play()
    setting.run(1.5)
    assert seen == [[60], [], [64], []]
    setting.player.press(72)
    setting.player.tick()
    setting.player.release(72)
    setting.player.tick()
    assert seen[-2:] == [[72], []]


def test_a_pressed_key_sounds_with_the_next_block_and_stops(setting: Setting) -> None:
    setting.open()
    assert not setting.card.pump(1024).any()
    setting.player.press(60, 100)
    assert np.abs(setting.card.pump(512)).max() > 0.01
    setting.player.release(60)
    setting.card.pump(RATE)
    assert not setting.card.pump(512).any()
    assert setting.player.transport.voices.count == 0


def test_a_key_held_for_seconds_goes_on_sounding(setting: Setting) -> None:
    setting.open()
    setting.player.press(48, 100)
    heard = setting.run(5.0)
    expected = PianoBank().tone(48, 100, 6 * RATE)[0]
    at = int(np.argmax(np.abs(heard[:, 0]) > 0))
    left = heard[at : at + 4 * RATE, 0]
    # The attack's first samples are zero: find where the tone begins.
    lag = next(
        k
        for k in range(600)
        if np.allclose(left[:2000] / left[1000], expected[k : k + 2000] / expected[k + 1000], rtol=1e-3, atol=1e-4)
    )
    scale = left[1000] / expected[lag + 1000]
    assert np.allclose(left, scale * expected[lag : lag + len(left)], atol=1e-4)
    assert np.abs(heard[-RATE:]).max() > 1e-3


def test_fifty_keys_at_once_stay_below_full_scale(setting: Setting) -> None:
    setting.open()
    for pitch in range(30, 80):
        setting.player.press(pitch, 127)
    out = setting.card.pump(RATE // 2)
    assert np.isfinite(out).all() and np.abs(out).max() < 1
    assert setting.player.transport.voices.count <= 32


def test_without_a_sound_card_the_playhead_moves_and_the_reason_is_given(qtbot: QtBot) -> None:
    from workbench.audio.sinks import SilentSink

    clock = FakeClock()

    def opener(fill: Fill, rate: int, device: int | None, depth_s: float) -> Any:
        silent = SilentSink("no card (connect one)", rate, clock)
        silent.start(fill)
        return silent

    player = Player(opener=opener, now=clock)
    said: list[str] = []
    player.output_changed.connect(lambda name, reason: said.append(reason))
    player.set_instrument("built-in")
    player.set_music("a", scale(5.0))
    player.hear({"a": 1.0})
    player.play()
    qtbot.waitUntil(lambda: bool(said), timeout=5000)
    start = player.position
    for _ in range(100):
        clock.now += TICK_S
        player.tick()
    assert said == ["no card (connect one)"]
    assert player.position - start == pytest.approx(1.6, abs=0.1)
    player.close()
    player.deleteLater()


def test_an_unplugged_card_becomes_silence_and_can_be_found_again(setting: Setting) -> None:
    setting.player.set_music("a", scale(5.0))
    setting.player.hear({"a": 1.0})
    setting.open()
    said: list[tuple[str, str]] = []
    setting.player.output_changed.connect(lambda *args: said.append(args))
    setting.player.play()
    setting.run(0.2)
    setting.card.is_alive = False
    setting.player.tick()
    assert not setting.player.has_sound and "unplugged" in said[0][1]
    setting.player.reopen()
    for _ in range(400):
        setting.player.tick()
        if setting.player.has_sound:
            break
        threading.Event().wait(0.005)
    assert setting.player.has_sound and said[-1] == ("Card", "")


def test_the_timer_rests_when_nothing_is_to_do(qtbot: QtBot) -> None:
    setting = Setting()
    setting.player.set_music("a", scale(1.0))
    setting.player.hear({"a": 1.0})
    setting.player.open()
    qtbot.waitUntil(lambda: not setting.player._timer.isActive(), timeout=8000)
    setting.player.play()
    assert setting.player._timer.isActive()
    setting.player.close()
    setting.player.deleteLater()


def test_a_part_can_be_exported(setting: Setting, tmp_path: Path) -> None:
    notes = scale(4.0)
    setting.player.set_music("a", notes)
    written: list[str] = []
    setting.player.exported.connect(written.append)
    setting.player.export(tmp_path / "part.wav", "a", begin_s=1.0, end_s=2.0)
    setting.player.tick()
    samples, rate = read_wav(Path(written[0]))
    assert rate == RATE and len(samples) == RATE
    assert np.abs(samples - render(notes, instrument=PianoBank())[RATE : 2 * RATE]).max() < 1e-4
    with pytest.raises(UserError, match="no music"):
        setting.player.export(tmp_path / "x.wav", "nothing")


def test_the_metronome_and_four_hours(setting: Setting) -> None:
    with pytest.raises(UserError, match="10 to 400"):
        Metronome(5)
    with pytest.raises(UserError, match="four hours"):
        setting.player.set_music("a", Notes(np.array([2e4]), np.array([2e4 + 1]), np.array([60]), np.array([60])))


def test_the_engine_process_renders_what_is_played(
    qtbot: QtBot, make_runner: Callable[..., Runner], tmp_path: Path
) -> None:
    setting = Setting(make_runner())
    player = setting.player
    notes = scale(6.0)
    player.set_music("a", notes)
    player.hear({"a": 1.0})
    player.open()
    qtbot.waitUntil(lambda: player._feeder.next() is None, timeout=60_000)
    qtbot.waitUntil(lambda: player.has_sound, timeout=5000)
    player.play()
    qtbot.waitUntil(lambda: player.transport.is_wanted, timeout=1000)
    setting.card.pump(512)
    heard = setting.card.pump(2 * RATE)
    expected = render(notes, instrument=PianoBank())
    assert np.array_equal(heard[FADE:], expected[512 + FADE : 512 + len(heard)])
    written: list[str] = []
    player.exported.connect(written.append)
    player.export(tmp_path / "whole.wav", "a")
    qtbot.waitUntil(lambda: bool(written), timeout=60_000)
    samples, _ = read_wav(Path(written[0]))
    assert len(samples) == len(expected)
    player.close()
    player.deleteLater()
