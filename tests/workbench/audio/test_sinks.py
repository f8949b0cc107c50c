"""Playing without a card (check 1 of 08b, section 9), on a null device (its section 4), and the clockwork of sinks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mido
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from tests.workbench.audio.fakes import RATE, FakeClock, noise, playing
from workbench.audio import midi_keyboard, sinks
from workbench.audio.midi_keyboard import MidiKeyboard
from workbench.audio.sinks import SilentSink, open_sink


def test_the_silent_sink_keeps_the_pace_of_the_clock() -> None:
    clock, asked = FakeClock(), []
    sink = SilentSink("", RATE, clock)
    sink.start(lambda out, latency_s, at: asked.append(len(out)))
    for _ in range(1000):
        clock.now += 0.0163
        sink.tick()
    assert abs(sum(asked) / RATE - 16.3) < 0.02


def test_after_a_long_sleep_the_silent_sink_does_not_hurry_to_catch_up() -> None:
    clock, asked = FakeClock(), []
    sink = SilentSink("", RATE, clock)
    sink.start(lambda out, latency_s, at: asked.append(len(out)))
    clock.now += 3600
    sink.tick()
    assert sum(asked) < 0.3 * RATE
    sink.stop()
    clock.now += 1
    sink.tick()
    assert not sink.is_alive and sum(asked) < 0.3 * RATE


def test_the_playhead_runs_smoothly_on_the_silent_clock() -> None:
    transport, _, clock = playing(noise(10.0))
    sink = SilentSink("", RATE, clock)
    sink.start(transport.fill)
    transport.play()
    heard = []
    for _ in range(120):
        clock.now += 1 / 60
        sink.tick()
        heard.append(transport.clock.heard(clock.now))
    steps = np.diff(np.array(heard[3:], float))
    assert np.all(steps >= 0) and abs(steps.mean() - 1 / 60) < 1e-3 and steps.max() < 0.03


@pytest.mark.parametrize(
    "error, said",
    [
        (ImportError("No module named 'sounddevice'"), "pip install sounddevice"),
        (OSError("PortAudio library not found"), "apt install libportaudio2"),
        (OSError("Error querying device -1"), "no sound card"),
        (OSError("Invalid sample rate [PaErrorCode -9997]"), "sound settings"),
    ],
)
def test_check_1_each_way_to_have_no_sound_is_explained(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def broken() -> Any:
        raise error

    monkeypatch.setattr(sinks, "_sounddevice", broken)
    sink = open_sink(lambda out, latency_s, at: None, now=FakeClock())
    assert sink.is_silent and sink.is_alive and said in sink.reason
    assert sinks.devices() == ()


def test_a_sound_card_is_fed_with_its_delay_and_survives_a_mistake(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Stream:
        active, latency = True, 0.2

        def __init__(self, **settings: Any) -> None:
            self.settings = settings

        def start(self) -> None:
            """Nothing asks but the test."""

        def close(self) -> None:
            self.active = False

    class Module:
        OutputStream = Stream

        def query_devices(self, device: int | None, kind: str) -> dict[str, Any]:
            return {"name": "Speakers", "default_high_output_latency": 0.03}

        def check_output_settings(self, **settings: Any) -> None:
            """All are right."""

    monkeypatch.setattr(sinks, "_sounddevice", Module)
    moment = [5.0]
    monkeypatch.setattr(sinks.time, "monotonic", lambda: moment[0])
    asked: list[float] = []

    def fill(out: np.ndarray, latency_s: float, at: float | None) -> None:
        asked.append(latency_s)
        if len(asked) == 3:
            raise ZeroDivisionError
        out[:] = 0.5

    card = sinks.CardSink()
    card.start(fill)
    stream = card._stream
    assert card.name == "Speakers" and stream.settings["latency"] == sinks.DEPTHS_S[0] and card.is_alive

    def ask(delay: float, underflow: bool = False) -> np.ndarray:
        out = np.full((512, 2), np.nan, np.float32)
        times = SimpleNamespace(outputBufferDacTime=10 + delay, currentTime=10.0)
        stream.settings["callback"](out, 512, times, SimpleNamespace(output_underflow=underflow))
        return out

    assert np.all(ask(0.08) == 0.5) and np.all(ask(0.0, underflow=True) == 0.5)
    # A driver that gives no times is believed to keep what the stream says.
    assert asked == [pytest.approx(0.08), 0.2] and card.late == 1
    assert not ask(0.08).any() and "could not be filled" in caplog.text and card.late == 2
    assert np.all(ask(0.08) == 0.5)
    assert card.narrow == 0
    moment[0] += 0.8 * sinks.DEPTHS_S[0]
    ask(0.08)
    moment[0] += 0.5 * sinks.DEPTHS_S[0]
    ask(0.08)
    assert card.narrow == 1
    card.stop()
    assert not card.is_alive and not stream.active


def test_check_1_playing_works_where_no_optional_package_is(tmp_path: Path) -> None:
    """In a process of its own that cannot import them: from notes to blocks."""
    code = """
        import sys
        for name in ("sounddevice", "symusic", "pretty_midi", "mido", "fluidsynth", "rtmidi", "torch"):
            sys.modules[name] = None
        import numpy as np
        from PySide6.QtCore import QCoreApplication
        app = QCoreApplication([])
        from engines.piano.notes import Notes
        from workbench.audio.player import Player
        now = [0.0]
        player = Player(now=lambda: now[0])
        reasons = []
        player.output_changed.connect(lambda name, reason: reasons.append(reason))
        remarks = []
        player.instrument_changed.connect(lambda name, said: remarks.append((name, said)))
        player.set_music("a", Notes(np.arange(4.0), np.arange(4.0) + 0.5, np.arange(60, 64), np.full(4, 80)))
        player.hear({"a": 1.0})
        player.play()
        import time
        for _ in range(300):
            now[0] += 0.016
            player.tick()
            time.sleep(0.001)
        print(len(reasons), len(remarks), remarks[0][0], round(player.position, 1), player.state)
        print(reasons[0])
        player.close()
        assert "torch" not in [n for n, m in sys.modules.items() if m is not None]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr
    first, reason = done.stdout.strip().splitlines()
    reasons, remarks, *_ = first.split()
    assert int(reasons) == 1 and "sounddevice is not installed" in reason
    # pretty_midi's SoundFont is a file: it needs no import.
    assert int(remarks) == 1 and first.endswith("stopped")


_CARD = """
    import sys, time
    import numpy as np
    from tests.workbench.audio.fakes import noise, track_of
    from workbench.audio.sinks import CardSink, open_sink
    from workbench.audio.tracks import Program
    from workbench.audio.transport import Transport
    transport = Transport()
    transport.set_program(Program(44_100, 1.0, {"a": track_of(noise(20.0))}))
    transport.set_gains({"a": 1.0})
    transport.set_loop((1.0, 1.7))
    transport.play()
    sink = open_sink(transport.fill)
    if sink.is_silent:
        print("silent", sink.reason)
        sys.exit(0)
    time.sleep(1.5)
    start, at = transport.clock._total, time.monotonic()
    moves = 0
    while time.monotonic() - at < 1.5:
        if sys.argv[1] == "stress":
            transport.seek(moves % 15)
            moves += 1
        time.sleep(0.01)
    rate = (transport.clock._total - start) / (time.monotonic() - at)
    sink.stop()
    print("ran", rate, transport.mark.underruns, transport.mark.blocks, sink.is_alive)
"""


def _with_card(mode: str, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_CARD), mode],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1].split(maxsplit=1)


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux")
def test_alsa_null_device_stresses_the_callback_and_nothing_breaks(tmp_path: Path) -> None:
    config = tmp_path / "asound.conf"
    config.write_text("pcm.!default { type null }\nctl.!default { type null }\n")
    kind, rest = _with_card("stress", ALSA_CONFIG_PATH=str(config))
    if kind == "silent":
        pytest.skip(f"no PortAudio with ALSA here: {rest}")
    rate, underruns, blocks, alive = rest.split()
    # It is not paced: far more blocks than a card would ask for, and a seek every 10 ms.
    assert int(blocks) > 200 and int(underruns) == 0 and alive == "False" and float(rate) > 0


@pytest.mark.skipif("PULSE_SERVER" not in os.environ, reason="needs a PulseAudio server with a null sink")
def test_a_pulse_null_sink_is_paced_within_3_percent() -> None:
    kind, rest = _with_card("plain")
    assert kind == "ran"
    assert float(rest.split()[0]) == pytest.approx(RATE, rel=0.03)


class Port:
    def __init__(self) -> None:
        self.waiting: list[mido.Message] = []
        self.is_broken = self.is_closed = False

    def iter_pending(self) -> list[mido.Message]:
        if self.is_broken:
            raise RuntimeError("gone")
        taken, self.waiting = self.waiting, []
        return taken

    def close(self) -> None:
        self.is_closed = True


def test_a_midi_keyboard_presses_releases_and_sustains(qtbot: QtBot) -> None:
    port = Port()
    keyboard = MidiKeyboard(port)
    said: list[tuple[Any, ...]] = []
    keyboard.pressed.connect(lambda pitch, velocity: said.append((pitch, velocity)))
    keyboard.released.connect(lambda pitch: said.append((pitch,)))
    message = mido.Message
    port.waiting = [
        message("note_on", note=60, velocity=70),
        message("control_change", control=64, value=127),
        message("note_on", note=60, velocity=0),
        message("note_on", note=64, velocity=50),
        message("pitchwheel", pitch=100),
        message("control_change", control=64, value=0),
        message("note_off", note=64),
    ]
    qtbot.waitUntil(lambda: len(said) == 4, timeout=2000)
    assert said == [(60, 70), (64, 50), (60,), (64,)]
    port.waiting = [message("note_on", note=72, velocity=9)]
    keyboard.poll()
    lost: list[str] = []
    keyboard.lost.connect(lost.append)
    port.is_broken = True
    keyboard.poll()
    assert said[-2:] == [(72, 9), (72,)] and lost == ["gone"] and port.is_closed
    keyboard.deleteLater()


def test_midi_input_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.delitem(sys.modules, "mido.backends.rtmidi", raising=False)
    with pytest.raises(UserError, match="python-rtmidi"):
        midi_keyboard.keyboards()


def test_no_midi_keyboard_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Backend:
        def get_input_names(self) -> list[str]:
            return []

    monkeypatch.setattr(midi_keyboard, "midi_backend", Backend)
    with pytest.raises(UserError, match="no MIDI keyboard is connected"):
        midi_keyboard.open_keyboard()


def test_time_is_monotonic_for_the_sinks() -> None:
    """Sinks and transport have to share one clock; a changed default would move the playhead by days."""
    assert SilentSink.__init__.__defaults__ is not None
    assert time.monotonic in SilentSink.__init__.__defaults__
