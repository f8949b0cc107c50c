"""The transport bar's sound: faster loops, a MIDI instrument, the delay of the loudspeakers, and the loop as files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.piano.midi import read_midi
from engines.piano.sound.wave_file import read_wav
from tests.workbench.audio.test_midi_out import Backend, Port
from tests.workbench.piano.piano_windows import PATIENCE_MS, opened_piano
from workbench.audio import midi_out
from workbench.audio.sinks import DEPTHS_S
from workbench.audio.wish import Mark
from workbench.panels.piano.loop_tempo import LoopTempo
from workbench.panels.piano.panel import PianoPanel


def test_each_pass_of_the_loop_is_five_per_cent_faster_up_to_the_ceiling(qtbot: QtBot) -> None:
    button = LoopTempo()
    qtbot.addWidget(button)
    assert not button.isEnabled() and "loop first" in button.toolTip()
    tempo = [90.0]
    button.tempo_wanted.connect(lambda percent: tempo.append(percent))
    button.set_loop((2.0, 4.0))
    assert button.isEnabled() and "120 %" in button.toolTip()
    button.passed(1, tempo[-1])
    assert tempo == [90]
    button.click()
    for count in range(2, 12):
        button.passed(count, tempo[-1])
    assert tempo == [90, 95, 100, 105, 110, 115, 120]
    button.ceilings.actions()[-1].trigger()
    button.passed(12, 198.0)
    assert tempo[-1] == 200 and button.ceiling == 200
    button.passed(13, 200.0)
    assert tempo[-1] == 200 and len(tempo) == 8
    button.set_loop(None)
    assert not button.isChecked() and not button.isEnabled()


def test_passes_of_a_short_loop_count_together(qtbot: QtBot) -> None:
    button = LoopTempo()
    qtbot.addWidget(button)
    said: list[float] = []
    button.tempo_wanted.connect(said.append)
    button.set_loop((0.0, 0.1))
    button.click()
    for count in range(1, 25):
        button.passed(count, 100.0)
    assert said == [105, 105]


def _music_is_there(qtbot: QtBot, panel: PianoPanel) -> None:
    qtbot.waitUntil(lambda: panel.player.duration > 6 and not panel.music.is_awaited, timeout=PATIENCE_MS)


def test_a_playing_loop_gets_faster_and_the_box_shows_it(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        _music_is_there(qtbot, panel)
        bar, player = panel.desk.bar, panel.player
        assert not bar.loop_tempo.isEnabled()
        panel.desk.timeline.set_loop((1.0, 2.0))
        bar.tempo.setValue(200)
        bar.loop_tempo.set_ceiling(200)
        bar.tempo.setValue(150)
        bar.loop_tempo.click()
        player.play()
        qtbot.waitUntil(lambda: bar.tempo.value() >= 155, timeout=PATIENCE_MS)
        assert player.tempo >= 1.55 and player.lateness == 0
        panel.desk.timeline.set_loop(None)
        assert not bar.loop_tempo.isChecked()


def test_the_loop_alone_is_saved_as_wav_and_midi(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        _music_is_there(qtbot, panel)
        loops = {e.id: e for e in panel.exports() if e.id in ("loop", "loop-midi")}
        assert all("loop" in str(e.why_disabled()) for e in loops.values())
        panel.desk.timeline.set_loop((2.0, 5.0))
        panel.desk.bar.tempo.setValue(50)
        assert not any(e.why_disabled() for e in loops.values())
        with qtbot.waitSignal(panel.player.exported, timeout=PATIENCE_MS):
            panel.export(loops["loop"], tmp_path / "a.wav")
        samples, rate = read_wav(tmp_path / "a.wav")
        assert len(samples) == 6 * rate
        panel.export(loops["loop-midi"], tmp_path / "a.mid")
        again, heard = read_midi(tmp_path / "a.mid").notes, panel.desk.heard_notes
        inside = (heard.start >= 2.0) & (heard.start < 5.0)
        assert again.pitch.tolist() == heard.pitch[inside].tolist() and len(again) > 2
        assert np.abs(again.start - (heard.start[inside] - 2.0) * 2).max() < 2e-3
        assert again.end.max() <= 6.0 + 2e-3


def test_the_sound_menu_offers_instruments_and_the_session_keeps_them(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port()
    monkeypatch.setattr(midi_out, "midi_backend", lambda: Backend(port))
    with opened_piano(qtbot) as (_, panel):
        menu, said = panel.desk.bar.sound, []
        panel.status_message.connect(lambda *args: said.append(args))
        menu.fill()
        actions = menu.midi.actions()
        assert [a.text() for a in actions] == ["None: sound card only", "Synth", "Other"] and actions[0].isChecked()
        actions[1].trigger()
        assert panel.player.midi == "Synth" and said[-1] == ("Notes are also played on Synth", "ok")
        menu.fill()
        menu.midi.actions()[2].trigger()
        assert "in use" in said[-1][0] and said[-1][1] == "warn" and panel.player.midi == "Synth"
        panel.desk.press(64)
        assert port.down == {64}
        menu.offset.setValue(12)
        assert menu.offset_text.text() == "+120 ms"
        assert panel.player.transport.clock.offset_s == pytest.approx(0.12)
        panel.desk.bar.loop_tempo.set_ceiling(150)
        state = json.loads(json.dumps(panel.save_state()))
    assert not port.down and port.is_closed
    with opened_piano(qtbot) as (_, panel):
        panel.restore_state(state)
        bar = panel.desk.bar
        assert panel.player.midi == "Synth" and bar.loop_tempo.ceiling == 150
        assert panel.player.transport.clock.offset_s == pytest.approx(0.12)
        panel.restore_state({"bar": {"sound": {"offset_ms": "much", "midi": 3}, "loop_ceiling": "high"}})
        assert bar.loop_tempo.ceiling == 150
        port.is_broken = True
        panel.desk.press(60)
        assert panel.player.midi == ""
        bar.sound.offset.setValue(999)
        assert panel.player.transport.clock.offset_s == pytest.approx(0.3)
        bar.sound.reset.click()
        assert panel.player.transport.clock.offset_s == 0


def test_an_instrument_that_is_gone_is_still_known_next_time(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UserError("MIDI ports need python-rtmidi, which cannot be loaded: x", "pip install it")

    monkeypatch.setattr(midi_out, "midi_backend", missing)
    with opened_piano(qtbot) as (_, panel):
        menu = panel.desk.bar.sound
        menu.restore_state({"offset_ms": -50, "midi": "Synth"})
        assert menu.save_state() == {"offset_ms": -50, "midi": "Synth", "piano": ""} and panel.player.midi == ""
        menu.fill()
        last = menu.midi.actions()[-2:]
        assert [a.isEnabled() for a in last] == [False, False] and last[1].text() == "pip install it"


def test_the_piano_is_chosen_and_kept_and_a_bad_font_is_remarked_on(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        _music_is_there(qtbot, panel)
        bar, shown = panel.desk.bar, []
        panel.player.instrument_changed.connect(lambda name, remarks: shown.append((name, remarks)))
        bar.sound.fill_pianos()
        titles = [action.text() for action in bar.sound.piano.actions()]
        assert titles[0] == "The best there is" and "Built-in piano" in titles and titles[-1] == "A SoundFont file…"
        bar.sound.piano.actions()[titles.index("Built-in piano")].trigger()
        qtbot.waitUntil(lambda: bool(shown) and shown[-1][0] == "Built-in piano", timeout=PATIENCE_MS)
        assert "Built-in piano" in bar.status.text()
        assert bar.save_state()["sound"]["piano"] == "built-in"
        (tmp_path / "bad.sf2").write_bytes(b"nothing")
        bar.sound.restore_state({"piano": str(tmp_path / "bad.sf2")})
        qtbot.waitUntil(lambda: "bad.sf2" in str(shown[-1][1]), timeout=PATIENCE_MS)
        bar.sound.fill_pianos()
        checked = [a.text() for a in bar.sound.piano.actions() if a.isChecked()]
        assert checked == ["bad.sf2"]


def test_waiting_for_the_composer_is_told_apart_from_a_busy_machine(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened_piano(qtbot) as (_, panel):
        bar, transport = panel.desk.bar, panel.player.transport
        panel.player.play()
        monkeypatch.setattr(type(transport), "is_wanted", True)
        transport._mark = Mark("waiting", waits=1, short_s=2.3)
        panel.player._show()
        assert "composing … goes on when 3 s more are written" in bar.status.text()
        assert "waited once for the composer" in bar.status.text() and "interruption" not in bar.status.text()
        transport._mark = Mark("buffering", waits=1, underruns=2)
        panel.player._show()
        assert "rendering …" in bar.status.text() and "composing" not in bar.status.text()
        assert "2 interruptions of the sound (this machine is busy)" in bar.status.text()
        monkeypatch.setattr(panel.player._output, "_depth", 1)
        bar._show_status()
        assert f"{DEPTHS_S[1]:g} s now wait in the sound card" in bar.status.text()
        transport._mark = Mark("playing")
