"""The tab “Morph” as a person uses it: seven steps between two styles, seen, heard, taken to the desk, saved."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.piano.features import similarity
from engines.piano.midi import read_midi
from tests.workbench.piano.piano_windows import PATIENCE_MS, opened_piano
from workbench.panels.piano.morph_view import STEPS, MorphView
from workbench.panels.piano.panel import BLIND, DESK, MORPH, PianoPanel

pytestmark = pytest.mark.usefixtures("networks")


def _morph(qtbot: QtBot, panel: PianoPanel, seconds: float = 6.0) -> MorphView:
    panel.tabs.setCurrentIndex(MORPH)
    view = panel.stage(MORPH)
    view.seconds.setValue(seconds)
    panel.run_button.press()
    assert panel.run_button.state == "running"
    qtbot.waitUntil(lambda: view._is_complete, timeout=PATIENCE_MS)
    assert panel.run_button.state == "idle"
    return view


def test_seven_steps_are_composed_at_once_from_a_to_b(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot, seed=3) as (_, panel):
        assert panel.form.style_keys[1] == ""
        view = _morph(qtbot, panel)
        assert panel.form.style_keys == ("library/ballad", "library/ragtime")  # one was chosen, and said
        assert [row.title for row in view.stack.rows] == ["0", "1/8", "3/8", "1/2", "5/8", "7/8", "1"]
        z = [v.z for v in view._snapshot.variations]
        for (_, alpha), mixed in zip(STEPS, z, strict=True):
            assert np.allclose(mixed, (1 - alpha) * z[0] + alpha * z[-1], atol=1e-5)
        assert not np.allclose(z[0], z[-1])
        sources = [panel.shelf.find(key).style for key in panel.form.style_keys]
        for row, voice in zip(view.stack.rows, view.voices, strict=True):
            assert voice.clock == pytest.approx(6.0, abs=0.01)
            assert row.scores == pytest.approx([similarity(voice.notes, source).overlap for source in sources])
        assert "of 6 steps" in view.trend.text()
        export = {e.id: e for e in panel.exports()}
        panel.export(export["morph"], tmp_path / "m.csv")
        rows = list(csv.DictReader((tmp_path / "m.csv").open(encoding="utf-8")))
        assert [float(row["alpha"]) for row in rows] == [alpha for _, alpha in STEPS]
        assert float(rows[2]["overlap with B"]) == pytest.approx(view.stack.rows[2].scores[1])
        panel.export(export["morph-midi"], tmp_path / "m.mid")
        again = read_midi(tmp_path / "m-3-8.mid").notes
        assert again.pitch.tolist() == view.voices[2].notes.pitch.tolist()
        assert len(list(tmp_path.glob("m-*.mid"))) == 7


def test_rolls_grow_while_they_are_composed_and_stop_keeps_what_there_is(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MORPH)
        view = panel.stage(MORPH)
        assert "two seconds" in view.stack.accessibleDescription() and not view.take.isEnabled()
        assert next(e for e in panel.exports() if e.id == "morph").why_disabled()
        view.seconds.setMaximum(600.0)  # longer than a test: it must not be done when it is stopped
        view.seconds.setValue(600.0)
        panel.run_button.press()
        qtbot.waitUntil(lambda: len(view.voices) == 7 and len(view.stack.rows[0].notes or ()) > 2, timeout=PATIENCE_MS)
        first = len(view.stack.rows[0].notes)
        qtbot.waitUntil(lambda: len(view.stack.rows[0].notes) > first, timeout=PATIENCE_MS)
        panel.run_button.press()
        assert panel.run_button.state == "idle" and "Stopped" in view.said.text()
        assert view.take.isEnabled() and len(view.voices[0].notes) > first


def test_clicks_and_arrows_are_heard_and_the_moment_stays(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = _morph(qtbot, panel)
        qtbot.mouseClick(view.stack, Qt.MouseButton.LeftButton, pos=view.stack.place_of(2).toPoint())
        assert panel.player.audible == ("morph-2",) and panel.player.is_playing
        panel.player.seek(3.0)
        qtbot.keyClick(view.stack, Qt.Key.Key_Down)
        assert panel.player.audible == ("morph-3",) and panel.player.position >= 3.0
        qtbot.keyClick(view.stack, Qt.Key.Key_Space)
        assert not panel.player.is_playing and panel.run_button.state == "idle"
        qtbot.keyClick(view.stack, Qt.Key.Key_Up)  # while it pauses, only the mark moves
        assert view.stack.chosen == 2 and not panel.player.is_playing
        view.sources["B"].click()
        assert panel.player.audible == ("morph-B",) and view.sources["B"].text() == "Pause B"
        panel.desk.bar.hear("style")
        assert view.ear.heard == ""
        view.hear(1)
        panel.tabs.setCurrentIndex(BLIND)
        assert not panel.player.is_playing and panel.player.audible == ("style",)
        assert all(not name.startswith("morph") for name in panel.player._feeder._musics)
        panel.tabs.setCurrentIndex(MORPH)
        view.hear(5)
        assert panel.player.audible == ("morph-5",)


def test_a_step_becomes_a_take_of_the_desk(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seed=8) as (_, panel):
        view = _morph(qtbot, panel)
        view.stack.choose(4)
        view.take.click()
        take = panel.takes.current
        assert panel.tabs.currentIndex() == DESK and panel.player.audible == ("result",)
        assert take is not None and take.done and "5/8 of the way" in take.title and take.seed == 8
        assert np.array_equal(take.z, view._snapshot.variations[4].z) and take.alike[0] == view._scores[4, 0]
        assert take.request is not None and take.request.shares == (0.375, 0.625) and not take.request.blends
        assert len(panel.desk.roll("result").notes) == len(view.voices[4].notes)


def test_what_cannot_be_morphed_says_why(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MORPH)
        panel.form.choose(panel.form.style_b, "library/ballad")
        panel.run_button.press()
        assert "same piece" in panel.messages.messages()[-1].what and panel.run_button.state == "idle"
        panel.form.choose(panel.form.weights, "small-unconditional")
        panel.run_button.press()
        assert "told no style" in panel.messages.messages()[-1].what


def test_closing_in_the_middle_leaves_nothing_and_the_length_comes_back(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(MORPH)
        view = panel.stage(MORPH)
        view.seconds.setValue(60.0)
        panel.run_button.press()
        qtbot.waitUntil(lambda: bool(view.voices), timeout=PATIENCE_MS)
        state = panel.save_state()
    with opened_piano(qtbot, size=(800, 600)) as (window, panel):
        panel.restore_state(state)
        assert panel.tabs.currentIndex() == MORPH and panel.stage(MORPH).seconds.value() == 60.0
        panel.stage(MORPH).restore_state({"seconds": "long"})
        assert window.width() <= 800 and panel.stage(MORPH).take.isVisibleTo(panel.stage(MORPH))
