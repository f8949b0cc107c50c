"""Notes on a MIDI instrument: sent when the playhead passes them, and none left hanging. The port is a fake."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import mido
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.piano.notes import Notes
from tests.workbench.audio.test_player import TICK_S, Setting, scale
from workbench.audio import midi_out
from workbench.audio.feeder import Music, music_of
from workbench.audio.midi_out import MidiOut


class Port:
    """Keeps what it was sent; `down` are the keys that sound."""

    def __init__(self) -> None:
        self.sent: list[mido.Message] = []
        self.is_broken = self.is_closed = False

    def send(self, message: mido.Message) -> None:
        if self.is_broken:
            raise RuntimeError("no such device")
        self.sent.append(message)

    def close(self) -> None:
        self.is_closed = True
        if self.is_broken:
            raise RuntimeError("no such device")

    @property
    def down(self) -> set[int]:
        keys: set[int] = set()
        for message in self.sent:
            if message.type == "note_on":
                assert message.note not in keys, "struck while it was down"
                keys.add(message.note)
            elif message.type == "note_off":
                keys.discard(message.note)
        return keys

    @property
    def struck(self) -> list[int]:
        return [message.note for message in self.sent if message.type == "note_on"]


def piece(*rows: tuple[float, float, int, int], name: str = "a", horizon_s: float | None = None) -> Music:
    return music_of(name, Notes.of(rows), horizon_s)


def swept(out: MidiOut, music: Music, begin: float, end: float, loop: tuple[float, float] | None = None) -> None:
    for position in np.arange(begin, end, 0.004):
        out.follow(float(position), [music], loop)


@pytest.fixture
def port() -> Port:
    return Port()


def test_notes_are_struck_and_let_go_when_the_playhead_passes(port: Port) -> None:
    out = MidiOut("Synth", port)
    music = piece((0.0, 0.5, 60, 70), (0.25, 0.75, 64, 80), (0.5, 1.0, 60, 90), (0.9, 0.901, 72, 1))
    seen = []
    for position in np.arange(0.0, 1.2, 0.004):
        before = len(port.sent)
        out.follow(float(position), [music])
        seen += [(float(position), m.type, m.note) for m in port.sent[before:]]
    assert [(kind, note) for _, kind, note in seen] == [
        ("note_on", 60),
        ("note_on", 64),
        ("note_off", 60),
        ("note_on", 60),
        ("note_off", 64),
        ("note_on", 72),
        ("note_off", 72),
        ("note_off", 60),
    ]
    due = [0.0, 0.25, 0.5, 0.5, 0.75, 0.9, 0.901, 1.0]
    late = [at - moment for (at, _, _), moment in zip(seen, due, strict=True)]
    assert min(late) >= 0 and max(late) < 0.009
    assert [m.velocity for m in port.sent if m.type == "note_on"] == [70, 80, 90, 1] and not port.down


@pytest.mark.parametrize("to", [0.1, 5.0, None])
def test_a_jump_or_a_stop_lets_go_of_everything(port: Port, to: float | None) -> None:
    out = MidiOut("Synth", port)
    music = piece((0.0, 9.0, 48, 70), (0.2, 9.0, 55, 70))
    swept(out, music, 0.0, 1.0)
    assert port.down == {48, 55}
    out.follow(to, [music])
    assert not port.down - {55 if to == 0.1 else -1}
    assert any(m.type == "control_change" and m.control == 123 for m in port.sent)


def test_a_note_at_the_start_of_a_loop_is_struck_each_time_and_none_before_it(port: Port) -> None:
    out = MidiOut("Synth", port)
    music = piece((0.97, 1.2, 50, 70), (1.0, 1.1, 60, 70), (1.3, 3.0, 64, 70))
    for _ in range(3):
        swept(out, music, 1.003, 1.498, loop=(1.0, 1.5))
    out.follow(None, [music])
    assert port.struck == [60, 64] * 3 and not port.down


def test_another_piece_lets_go_of_the_first_one(port: Port) -> None:
    out = MidiOut("Synth", port)
    swept(out, piece((0.0, 9.0, 48, 70)), 0.0, 0.5)
    swept(out, piece((0.6, 9.0, 50, 70), name="b"), 0.5, 0.8)
    assert port.down == {50}


def test_a_note_that_is_still_being_written_ends_when_its_end_is_known(port: Port) -> None:
    out = MidiOut("Synth", port)
    swept(out, piece((0.0, 1.0, 60, 70), horizon_s=1.0), 0.0, 0.6)
    assert port.down == {60}
    swept(out, piece((0.0, 0.7, 60, 70), horizon_s=2.0), 0.6, 0.8)
    assert not port.down


def test_keys_by_hand_go_out_too(port: Port) -> None:
    out = MidiOut("Synth", port)
    out.press(62, 100)
    swept(out, piece((0.1, 0.2, 60, 70)), 0.0, 0.4)
    assert port.down == {62}
    out.release(62)
    out.press(64, 100)
    out.press(64, 90)
    assert port.down == {64}
    out.close()
    assert not port.down and port.is_closed and not out.is_open
    out.press(65, 100)
    assert 65 not in port.struck


def test_one_key_wanted_by_the_hand_and_the_music_is_one_string(port: Port) -> None:
    out = MidiOut("Synth", port)
    music = piece((0.1, 0.4, 60, 70), (0.5, 0.9, 60, 70))
    out.press(60, 100)
    swept(out, music, 0.0, 0.2)
    out.release(60)
    assert port.down == {60}
    swept(out, music, 0.2, 0.6)
    out.press(60, 100)
    swept(out, music, 0.6, 1.0)
    assert port.down == {60}
    out.release(60)
    assert not port.down and len(port.struck) == 4


def test_a_lost_port_is_said_once_and_nothing_more_is_sent(port: Port) -> None:
    said: list[str] = []
    out = MidiOut("Synth", port, said.append)
    swept(out, piece((0.0, 9.0, 48, 70), (0.5, 9.0, 50, 70)), 0.0, 0.4)
    port.is_broken = True
    swept(out, piece((0.0, 9.0, 48, 70), (0.5, 9.0, 50, 70)), 0.4, 0.8)
    out.press(70, 70)
    out.close()
    assert said == ["no such device"] and not out.is_open and port.is_closed


# -- in the player


class Backend:
    def __init__(self, port: Port) -> None:
        self.port = port

    def get_output_names(self) -> list[str]:
        return ["Synth", "Synth", "Other"]

    def open_output(self, name: str) -> Port:
        if name == "Other":
            raise RuntimeError("in use")
        return self.port


@pytest.fixture
def setting(qtbot: QtBot, port: Port, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    monkeypatch.setattr(midi_out, "midi_backend", lambda: Backend(port))
    made = Setting()
    made.player._timer.timeout.disconnect(made.player.tick)
    made.player._midi.timer.timeout.disconnect(made.player._midi.follow)
    made.player.set_music("a", scale(10.0))
    made.player.hear({"a": 1.0})
    made.open()
    yield made
    made.player.close()
    made.player.deleteLater()


def run(setting: Setting, seconds: float) -> None:
    for _ in range(round(seconds / TICK_S)):
        setting.run(TICK_S)
        setting.player._midi.follow()


def test_the_player_sends_what_is_heard_not_what_is_mixed(setting: Setting, port: Port) -> None:
    """Each note goes out within a tick of the moment at which the sound card, 50 ms behind, plays it."""
    assert midi_out.outputs() == ("Synth", "Other")
    setting.player.open_midi("Synth")
    setting.player.play()
    sent: list[float] = []
    for _ in range(round(2.0 / TICK_S)):
        setting.run(TICK_S)
        before = len(port.struck)
        setting.player._midi.follow()
        sent += [setting.player.position] * (len(port.struck) - before)
    late = np.array(sent) - 0.25 * np.arange(len(sent))
    assert len(sent) == 8 and late.min() >= 0 and late.max() < 2 * TICK_S
    assert setting.player.transport.mark.position - setting.player.position == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("how", ["pause", "stop", "seek", "close", "close_midi", "unplug"])
def test_nothing_is_left_hanging(setting: Setting, port: Port, how: str) -> None:
    setting.player.open_midi("Synth")
    setting.player.play()
    run(setting, 1.1)
    setting.player.press(90)
    assert port.down
    if how == "unplug":
        setting.card.is_alive = False
        setting.player.tick()
        setting.player.pause()
        for _ in range(3):
            setting.clock.now += TICK_S
            setting.player.tick()
    elif how == "seek":
        setting.player.seek(9.99)
    else:
        getattr(setting.player, how)()
    if not how.startswith("close"):
        setting.player._midi.follow()
    assert not port.down


def test_a_lost_instrument_is_said_and_the_sound_goes_on(setting: Setting, port: Port) -> None:
    said: list[str] = []
    setting.player.midi_lost.connect(said.append)
    setting.player.open_midi("Synth")
    setting.player.play()
    run(setting, 0.3)
    port.is_broken = True
    run(setting, 0.5)
    assert said == ["no such device"] and setting.player.midi == ""
    assert setting.player.state == "playing" and setting.player.lateness == 0


def test_what_cannot_be_opened_says_why_and_leaves_the_old_one(setting: Setting, port: Port) -> None:
    setting.player.open_midi("Synth")
    with pytest.raises(UserError, match="cannot be opened: in use"):
        setting.player.open_midi("Other")
    with pytest.raises(UserError, match="not connected"):
        setting.player.open_midi("Third")
    assert setting.player.midi == "Synth" and not port.is_closed


def test_midi_output_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.delitem(sys.modules, "mido.backends.rtmidi", raising=False)
    with pytest.raises(UserError, match="python-rtmidi") as caught:
        midi_out.outputs()
    assert "pip install" in caught.value.remedy


def test_a_machine_whose_midi_system_does_not_answer_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def get_output_names(self) -> Any:
            raise RuntimeError("error creating ALSA sequencer client object")

    monkeypatch.setattr(midi_out, "midi_backend", Broken)
    with pytest.raises(UserError, match="cannot be listed"):
        midi_out.outputs()
