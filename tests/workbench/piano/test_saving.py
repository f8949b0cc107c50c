"""What the Piano panel saves holds what was on the desk: notes, ticks, tokens, figures, pictures."""

from __future__ import annotations

import csv
import wave
from pathlib import Path

import mido
import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.codec import decode, encode
from engines.piano.features import FEATURES, similarity
from engines.piano.midi import read_midi
from engines.piano.notes import Notes
from engines.piano.requests import ComposeSnapshot, Variation
from tests.workbench.piano.piano_windows import PATIENCE_MS, composed, opened_piano
from workbench.panels.piano.panel import PianoPanel
from workbench.panels.piano.settings import NONE

pytestmark = pytest.mark.usefixtures("networks")


def _save(panel: PianoPanel, name: str, path: Path) -> Path:
    panel.export(next(e for e in panel.exports() if e.id == name), path)
    return path


def _by_hand(panel: PianoPanel, *pieces: Notes) -> None:
    """A take with these variations, though nobody has composed them."""
    variations = []
    for notes in pieces:
        tokens = encode(notes).astype(np.int16)
        variations.append(Variation(tokens, np.full(len(tokens), 2.0, np.float32), np.zeros((0, 4)), notes.duration,
                                    np.zeros(0), np.zeros(0)))  # fmt: skip
    panel.takes.begin("by hand", 7, panel.wanted())
    panel.takes.grow(ComposeSnapshot(1, done=True, variations=tuple(variations)))


def test_a_tick_of_a_saved_file_is_a_millisecond(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot, seconds=3.0, variations=1) as (_, panel):
        voice = composed(qtbot, panel).voice
        assert voice is not None and len(voice.notes)
        saved = mido.MidiFile(_save(panel, "midi", tmp_path / "a.mid"))
        assert saved.ticks_per_beat == 500
        tempos = [m.tempo for track in saved.tracks for m in track if m.type == "set_tempo"]
        assert tempos == [500_000]
        at, starts = 0, []
        for message in saved.tracks[0]:
            at += message.time
            if message.type == "note_on" and message.velocity:
                starts.append(at)
        assert sorted(starts) == np.rint(voice.notes.start * 1000).astype(int).tolist()
        assert all(tick % 10 == 0 for tick in starts)  # 10 ms, a step of the tokens, are ten ticks


def test_the_melody_is_saved_as_it_stands(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        again = read_midi(_save(panel, "melody", tmp_path / "m.mid")).notes
        tune = library.item("ode-to-joy").notes
        assert again.pitch.tolist() == tune.pitch.tolist() and np.abs(again.start - tune.start).max() < 1e-3
        panel.form.choose(panel.form.melody, NONE)
        assert next(e for e in panel.exports() if e.id == "melody").why_disabled() == "There is no melody."


def test_the_figures_of_a_take_are_those_of_its_variations(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        assert next(e for e in panel.exports() if e.id == "metrics").why_disabled()
        rag, lament = library.item("ragtime").notes, library.item("lament").notes
        _by_hand(panel, rag, lament)
        path = tmp_path / "f.csv"
        _save(panel, "metrics", path)
        qtbot.waitUntil(path.is_file, timeout=PATIENCE_MS)
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        assert [row["variation"] for row in rows] == ["1", "2"]
        style = library.item("ballad").notes
        for row, piece in zip(rows, (rag, lament), strict=True):
            wanted = similarity(style, decode(encode(piece)))
            assert float(row["overlap with style"]) == pytest.approx(wanted.overlap, abs=0.02)
            for i, name in enumerate(FEATURES):
                assert float(row[f"overlap of {name}"]) == pytest.approx(wanted.overlaps[i], abs=0.05)
            assert float(row["surprise (nats/token)"]) == 2.0 and row["seed"] == "7"
            assert row["network"] == "piano-style" and float(row["seconds"]) == pytest.approx(piece.duration, abs=0.02)


def test_figures_are_held_against_the_style_that_was_told_not_the_one_chosen_since(
    qtbot: QtBot, tmp_path: Path
) -> None:
    with opened_piano(qtbot) as (_, panel):
        _by_hand(panel, library.item("ballad").notes)
        panel.form.choose(panel.form.style_a, "library/ragtime")
        path = _save(panel, "metrics", tmp_path / "f.csv")
        qtbot.waitUntil(path.is_file, timeout=PATIENCE_MS)
        row = next(csv.DictReader(path.open(encoding="utf-8")))
        assert float(row["overlap with style"]) > 0.9
        qtbot.waitUntil(lambda: bool(panel.takes.current.alike), timeout=PATIENCE_MS)
        assert panel.takes.current.alike[0] > 0.9


def test_the_roll_is_saved_as_a_picture_of_300_dots_an_inch_and_as_a_drawing(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        roll = panel.desk.roll("style")
        image = QImage(str(_save(panel, "roll", tmp_path / "r.png")))
        assert image.dotsPerMeterX() == image.dotsPerMeterY() == round(300 / 0.0254)
        assert image.width() == pytest.approx(roll.width() * 300 / 96, abs=2)
        assert len({image.pixel(x, image.height() // 2) for x in range(0, image.width(), 7)}) > 4
        drawing = _save(panel, "roll-svg", tmp_path / "r.svg").read_text(encoding="utf-8")
        assert "<svg" in drawing and drawing.count("<path") + drawing.count("<rect") > 20 and "C4" in drawing


def test_what_is_heard_in_a_loop_is_saved_as_sound(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.desk.timeline.set_loop((2.0, 4.5))
        with qtbot.waitSignal(panel.player.exported, timeout=PATIENCE_MS):
            _save(panel, "loop", tmp_path / "l.wav")
        with wave.open(str(tmp_path / "l.wav")) as sound:
            assert sound.getnframes() / sound.getframerate() == pytest.approx(2.5, abs=0.05)
            data = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
        assert np.abs(data).max() > 500
        part = read_midi(_save(panel, "loop-midi", tmp_path / "l.mid")).notes
        assert len(part) > 3 and part.start.max() < 2.5
