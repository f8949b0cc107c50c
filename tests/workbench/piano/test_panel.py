"""The Piano panel as a person uses it: compose, stop, go back, draw, drop files, save, come again."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.codec import decode, encode
from engines.piano.midi import read_midi, write_midi
from engines.piano.notes import Notes
from engines.piano.requests import ComposeSnapshot, Variation
from tests.workbench.piano.piano_windows import PATIENCE_MS, composed, opened_piano
from workbench.panels.piano.desk import NAMES, TALL, WIDE
from workbench.panels.piano.panel import DESK, LIKENESS, MAP, TRAINING
from workbench.panels.piano.settings import NONE, OF_STYLE
from workbench.widgets.piano_roll import Region
from workbench.widgets.roll_notes import RollNotes

pytestmark = pytest.mark.usefixtures("networks")
QUICK = {"seconds": 3.0, "variations": 2, "temperature": 1.0}


def _export(panel: object, name: str, path: Path) -> Path:
    panel.export(next(e for e in panel.exports() if e.id == name), path)  # type: ignore[attr-defined]
    assert path.is_file(), [m.what for m in panel.messages.messages()]  # type: ignore[attr-defined]
    return path


def test_it_opens_with_a_performance_and_composes_variations_of_a_take(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        assert len(panel.desk.roll("style").notes) == len(library.item("ballad").notes)
        assert panel.run_button.text() == "Compose"
        take = composed(qtbot, panel)
        assert len(take.voices) == 2 and take.done and len(take.z) == 16
        for voice in take.voices:
            assert voice.clock == pytest.approx(3.0, abs=1.0)
            assert decode(voice.tokens.astype(np.int64)).same(decode(voice.tokens.astype(np.int64)))
            assert float(voice.notes.end.max(initial=0)) <= voice.clock + 1e-9
        assert panel.player.audible == ("result",)
        shown = panel.desk.roll("result").notes
        assert len(shown) == len(take.voices[0].notes)
        panel.desk.variations.group.button(1).click()
        assert len(panel.desk.roll("result").notes) == len(take.voices[1].notes)
        assert len(panel.desk.variations.tokens.chips.texts) == len(take.voices[1].tokens)


def test_the_same_seed_composes_the_same_and_another_another(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK, seed=5) as (_, panel):
        takes = []
        for seed in (5, 6, 5):
            panel.form.how.set_values({"seed": seed})
            takes.append(composed(qtbot, panel))
        first, third, second = takes
        assert np.array_equal(first.voices[1].tokens, second.voices[1].tokens)
        assert not np.array_equal(first.voices[0].tokens, third.voices[0].tokens)


def test_stop_keeps_what_was_composed_and_compose_works_again(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=600.0, variations=2) as (_, panel):
        panel.run_button.press()
        qtbot.waitUntil(lambda: panel.takes.current is not None and bool(panel.takes.current.voices),
                        timeout=PATIENCE_MS)  # fmt: skip
        qtbot.waitUntil(lambda: len(panel.takes.current.voices[0].tokens) > 20, timeout=PATIENCE_MS)
        assert panel.run_button.state == "running"
        panel.run_button.press()
        take = panel.takes.current
        assert take is not None and take.done and len(take.voices[0].tokens) > 20
        assert panel.run_button.state == "idle" and not panel.composer.is_composing
        panel.form.how.set_values(QUICK)
        assert composed(qtbot, panel).voices[0].clock < 10


def test_stop_before_the_first_token_leaves_no_empty_take(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        panel.run_button.press()
        panel.stop()
        assert len(panel.takes) == 0 and panel.run_button.state == "idle"
        assert composed(qtbot, panel).done


def test_takes_can_be_gone_through_with_the_keys_for_undo(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        first = composed(qtbot, panel)
        panel.form.how.set_values({"seed": 9})
        second = composed(qtbot, panel)
        undo = next(c for c in panel.commands() if c.id == "piano.undo")
        redo = next(c for c in panel.commands() if c.id == "piano.redo")
        assert not undo.why_disabled() and redo.why_disabled()
        undo.run()
        assert panel.takes.current.voices[0].tokens.tolist() == first.voices[0].tokens.tolist()
        assert len(panel.desk.roll("result").notes) == len(first.voices[0].notes)
        undo.run()  # there is none before the first
        redo.run()
        assert panel.takes.current.voices[0].tokens.tolist() == second.voices[0].tokens.tolist()


def test_a_midi_file_becomes_the_style_and_a_silly_one_changes_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "mine.mid"
    write_midi(path, library.item("ragtime").notes)
    silly = tmp_path / "silly.mid"
    silly.write_bytes(b"MThd and then nothing of the kind")
    with opened_piano(qtbot, **QUICK) as (_, panel):
        with qtbot.waitSignal(panel.file_opened, timeout=PATIENCE_MS):
            assert panel.open_checked(path)
        assert panel.form.style_a.currentText() == "mine"
        shown = len(panel.desk.roll("style").notes)
        assert abs(shown - len(library.item("ragtime").notes)) <= 2
        panel.open_checked(silly)
        qtbot.waitUntil(lambda: any(m.kind == "error" for m in panel.messages.messages()), timeout=PATIENCE_MS)
        assert panel.form.style_a.currentText() == "mine" and len(panel.desk.roll("style").notes) == shown
        assert panel.messages.messages()[-1].kind == "error"
        with pytest.raises(UserError):
            panel.open_as("melody", tmp_path / "gone.mid")
        assert not panel.accepts(tmp_path / "song.txt") and panel.accepts(path)


def test_what_the_form_says_is_what_is_asked_for(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        form = panel.form
        assert len(panel.wanted().styles) == 1 and len(panel.wanted().melody)
        form.choose(form.melody, NONE)
        assert not len(panel.wanted().melody) and panel.desk.roll("melody").melody is None
        form.choose(form.style_b, "library/ragtime")
        form.set_blend(0.25)
        form.choose(form.melody, "library/twinkle")
        form.choose(form.primer, "opening")
        request = panel.wanted()
        assert request.shares == pytest.approx((0.75, 0.25)) and len(request.styles) == 2
        assert np.array_equal(request.styles[1], encode(library.item("ragtime").notes))
        assert len(request.melody) > 50 and decode(request.primer).duration <= 4.01
        form.choose(form.primer, "region")
        with pytest.raises(UserError, match="no part"):
            panel.wanted()
        panel.desk.roll("style").select(Region(2.0, 6.0, 21, 108))
        assert 1 < decode(panel.wanted().primer).duration <= 4.2
        panel.desk.roll("style").select(Region(2.0, 2.001, 21, 22))
        with pytest.raises(UserError, match="no notes"):
            panel.wanted()


def test_a_network_without_style_and_melody_says_so_beside_its_controls(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        panel.form.choose(panel.form.weights, "small-unconditional")
        assert not panel.form.melody.isEnabled() and "no melody" in panel.form.melody.toolTip()
        assert not panel.form.blend.isEnabled()
        take = composed(qtbot, panel)
        assert not len(take.z)
        style = next(e for e in panel.exports() if e.id == "style")
        panel.export(style, Path("never.npy"))
        assert "no style vector" in panel.messages.messages()[-1].what and not Path("never.npy").exists()


def test_without_a_network_compose_says_what_to_do(qtbot: QtBot) -> None:
    from engines.core import paths

    for path in paths.user_weights_folder().iterdir():
        path.unlink()
    with opened_piano(qtbot) as (_, panel):
        panel.run_button.press()
        assert "no trained network" in panel.messages.messages()[-1].what
        assert panel.run_button.state == "idle" and len(panel.takes) == 0


def test_the_melody_is_found_in_a_performance_and_can_be_drawn(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        panel.form.choose(panel.form.melody, OF_STYLE)
        qtbot.waitUntil(lambda: panel.desk.roll("melody").melody is not None, timeout=PATIENCE_MS)
        found = panel.desk.roll("melody").melody
        assert found is not None and 5 < len(found) < len(panel.desk.roll("style").notes)
        drawn = RollNotes.of(Notes.of([(0.0, 0.5, 60, 80), (0.5, 1.0, 64, 80)]))
        panel.desk.edit.setChecked(True)
        panel.desk.roll("melody").melody_edited.emit(drawn)
        assert panel.wanted().melody[:1].tolist() == [60 - 21 + 4]
        panel.form.choose(panel.form.melody, "library/canon")
        assert panel.wanted().melody[:1].tolist() != [60 - 21 + 4]


def test_what_is_saved_can_be_read_again(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        for export in panel.exports():
            if export.id in ("midi", "sheet", "tokens", "token-table", "style"):
                assert export.why_disabled()
        take = composed(qtbot, panel)
        voice = take.voice
        assert voice is not None
        again = read_midi(_export(panel, "midi", tmp_path / "a.mid")).notes
        assert again.pitch.tolist() == voice.notes.pitch.tolist()
        assert np.array_equal(np.load(_export(panel, "tokens", tmp_path / "t.npy")), voice.tokens)
        assert np.load(_export(panel, "style", tmp_path / "z.npy")).shape == (16,)
        rows = list(csv.DictReader(_export(panel, "token-table", tmp_path / "t.csv").open(encoding="utf-8")))
        assert len(rows) == len(voice.tokens)
        assert "<score-partwise" in _export(panel, "sheet", tmp_path / "a.musicxml").read_text(encoding="utf-8")
        with qtbot.waitSignal(panel.player.exported, timeout=PATIENCE_MS):
            panel.export(next(e for e in panel.exports() if e.id == "wav"), tmp_path / "a.wav")
        assert (tmp_path / "a.wav").read_bytes()[:4] == b"RIFF"


def test_likeness_shows_the_eight_features_of_style_and_result(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot, seconds=12.0, variations=1) as (_, panel):
        panel.tabs.setCurrentIndex(LIKENESS)
        view = panel.stage(LIKENESS)
        qtbot.waitUntil(lambda: "Compose something" in view.said.text())
        tokens = encode(library.item("ragtime").notes).astype(np.int16)
        variation = Variation(
            tokens, np.ones(len(tokens), np.float32), np.zeros((0, 4)), 40.0, np.zeros(0), np.zeros(0)
        )
        panel.takes.begin("by hand", 0)
        panel.takes.grow(ComposeSnapshot(1, done=True, variations=(variation,)))
        qtbot.waitUntil(lambda: "mean overlapping area" in view.said.text(), timeout=PATIENCE_MS)
        rows = list(csv.DictReader(_export(panel, "features", tmp_path / "f.csv").open(encoding="utf-8")))
        assert len(rows) == 8


def test_the_map_lays_out_styles_and_composes_between_them(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        panel.tabs.setCurrentIndex(MAP)
        stage = panel.stage(MAP)
        assert not stage.compose.isEnabled() and panel.run_button.text() == "Map styles"
        panel.run_button.press()
        qtbot.waitUntil(lambda: stage.result is not None, timeout=PATIENCE_MS)
        assert len(stage.result.names) == len(library.style_names())
        stage.map.choose(3)
        assert panel.player.audible == ("map-piece",) and panel.player.is_playing
        panel.tabs.setCurrentIndex(DESK)  # whose Play is its own again
        assert panel.player.audible == ("style",) and not panel.player.is_playing
        panel.tabs.setCurrentIndex(MAP)
        assert "ND note density" in stage.meaning.text() and stage.probes.columns()
        qtbot.mouseClick(stage.compose, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(panel.takes) == 1 and panel.takes.current.done, timeout=PATIENCE_MS)
        assert panel.tabs.currentIndex() == 0 and len(panel.takes.current.z) == 16


def test_the_session_comes_back_and_odd_ones_are_survived(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "mine.mid"
    write_midi(path, library.item("waltz").notes)
    with opened_piano(qtbot, **QUICK, seed=4) as (_, panel):
        with qtbot.waitSignal(panel.file_opened, timeout=PATIENCE_MS):
            panel.open_checked(path)
        panel.form.choose(panel.form.melody, "library/minuet")
        panel.desk.bar.tempo.setValue(70)
        state = json.loads(json.dumps(panel.save_state()))
    with opened_piano(qtbot) as (_, panel):
        panel.restore_state(state)
        assert panel.form.style_a.currentText() == "mine" and panel.form.melody_key == "library/minuet"
        assert panel.desk.bar.tempo.value() == 70 and panel.form.how.read().seed == 4
        assert panel.player.tempo == pytest.approx(0.7)
        qtbot.waitUntil(lambda: not panel.music.is_awaited, timeout=PATIENCE_MS)
        assert abs(len(panel.desk.roll("style").notes) - len(library.item("waltz").notes)) <= 2
        odd = {"form": 3, "pieces": {"files": [1, "/nowhere.mid"], "played": [["x"]]}, "bar": {"tempo": "fast"},
               "drawn": [[1]], "stages": [], "tab": 99}  # fmt: skip
        panel.restore_state(odd)
        assert panel.form.style_a.currentText() == "mine"


def test_closing_in_the_middle_leaves_nothing_behind(qtbot: QtBot, networks: Callable[[], None]) -> None:
    with opened_piano(qtbot, seconds=600.0, variations=1) as (_, panel):
        panel.run_button.press()
        qtbot.waitUntil(lambda: panel.takes.current is not None and bool(panel.takes.current.voices),
                        timeout=PATIENCE_MS)  # fmt: skip


@pytest.mark.parametrize("size", [(800, 600), (1280, 720)])
def test_everything_fits(qtbot: QtBot, size: tuple[int, int]) -> None:
    with opened_piano(qtbot, size=size) as (window, panel):
        assert window.size().width() <= size[0]
        desk = panel.desk
        assert desk.variations.isVisible() == (desk.width() >= WIDE)
        assert desk.keyboard.isVisible() == (desk.height() >= TALL)
        assert all(desk.roll(name).height() >= 90 and desk.roll(name).width() >= 400 for name in NAMES)
        row = panel.desk.bar
        for widget in (row.play, row.volume, row.heard["result"], row.tempo):
            assert panel.desk.rect().contains(widget.mapTo(panel.desk, widget.rect().bottomRight()))


def test_a_network_is_trained_stopped_taken_up_again_and_composes(qtbot: QtBot) -> None:
    small = {"source": "library", "size": "tiny", "length": 32, "batch": 2, "held_out": 2, "measure_every": 2,
             "sample_tokens": 16, "checkpoint_minutes": 0.0001}  # fmt: skip
    with opened_piano(qtbot, **QUICK) as (_, panel):
        panel.tabs.setCurrentIndex(TRAINING)
        stage = panel.stage(TRAINING)
        assert not panel._zones["form"].isVisible() and panel.run_button.text() == "Train"
        stage.form.set_values({**small, "steps": 5000})
        panel.run_button.press()
        qtbot.waitUntil(lambda: stage._last is not None and stage._last.step >= 4, timeout=PATIENCE_MS)
        panel.run_button.press()
        qtbot.waitUntil(lambda: panel.run_button.state == "idle", timeout=PATIENCE_MS)
        assert "Stopped" in stage.status.text() and stage.resume_button.isEnabled()
        stage.form.set_values({**small, "steps": 6})
        panel.run_button.press()
        qtbot.waitUntil(lambda: stage.use_button.isEnabled(), timeout=PATIENCE_MS)
        assert "nats a token" in stage.status.text() and stage.nll.columns()
        stage.use_button.click()
        assert panel.form.weights.currentData() == "piano-performance-library"
        panel.tabs.setCurrentIndex(DESK)
        assert len(composed(qtbot, panel).z) == 96
        panel.tabs.setCurrentIndex(TRAINING)
        stage.form.set_values({**small, "steps": 2, "start_from": "piano-performance-library"})
        panel.run_button.press()
        qtbot.waitUntil(lambda: stage.use_button.isEnabled(), timeout=PATIENCE_MS)
        stage.use_button.click()
        assert panel.form.weights.currentData() == "piano-performance-library-library"
        assert panel.form.card.metrics["steps_before"] == 6


def test_what_is_played_on_the_keys_becomes_the_melody(qtbot: QtBot) -> None:
    with opened_piano(qtbot, **QUICK) as (_, panel):
        desk = panel.desk
        desk.records["melody"].click()
        assert desk.records["melody"].text() == "End recording"
        for pitch in (60, 64, 67):
            desk.keyboard.key_pressed.emit(pitch, 90)
            desk.keyboard.key_released.emit(pitch)
        desk.records["melody"].click()
        assert panel.form.melody.currentText() == "Played by hand 1"
        assert sorted(desk.roll("melody").melody.pitch.tolist()) == [60, 64, 67]
        desk.records["style"].click()
        desk.records["style"].click()  # nothing was played
        assert panel.form.style_a.currentData() == "library/ballad"
        state = panel.save_state()
        panel.restore_state(json.loads(json.dumps(state)))
        assert panel.form.melody_key.startswith("played/")


def test_notes_fall_onto_the_keyboard_and_back(qtbot: QtBot) -> None:
    with opened_piano(qtbot, size=(900, 560)) as (_, panel):
        desk = panel.desk
        next(c for c in panel.commands() if c.id == "piano.fall").run()
        assert desk.views.currentWidget() is desk.falling and desk.keyboard.isVisible()
        assert len(desk.falling._notes) == len(library.item("ballad").notes)
        desk.bar.fall.click()
        assert desk.views.currentWidget() is desk.splitter


def test_without_a_midi_keyboard_it_says_so(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise UserError("no MIDI keyboard is connected", "connect one")

    monkeypatch.setattr("workbench.panels.piano.panel.open_keyboard", none)
    with opened_piano(qtbot) as (_, panel):
        next(c for c in panel.commands() if c.id == "piano.keyboard").run()
        assert "no MIDI keyboard" in panel.messages.messages()[-1].what
