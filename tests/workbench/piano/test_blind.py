"""The tab “Blind test” as a person uses it: hear, answer, look at the end, stop, leave, come again."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from engines.piano.listening import level
from engines.piano.midi import write_midi
from engines.piano.notes import Notes
from tests.workbench.piano.piano_windows import PATIENCE_MS, composed, opened_piano
from workbench.panels.piano.blind_stage import BlindStage
from workbench.panels.piano.blind_test import BlindTest, Contest, Kept, Trial
from workbench.panels.piano.panel import BLIND, DESK, PianoPanel

pytestmark = pytest.mark.usefixtures("networks")
TITLES = ("Small, melody+performance", "Small, unconditional")


def _begun(qtbot: QtBot, panel: PianoPanel, rounds: int = 3) -> BlindStage:
    panel.tabs.setCurrentIndex(BLIND)
    stage = panel.stage(BLIND)
    stage.setup.spins["rounds"].setValue(rounds)
    stage.setup.spins["seconds"].setValue(5)
    panel.run_button.press()
    assert stage.test.is_on and panel.run_button.state == "running"
    qtbot.waitUntil(lambda: stage._trial.is_ready, timeout=PATIENCE_MS)
    return stage


def _hear_both(qtbot: QtBot, stage: BlindStage) -> None:
    """As somebody who listens for a second to each, who need not wait here."""
    qtbot.waitUntil(lambda: stage._trial is not None and stage._trial.is_ready, timeout=PATIENCE_MS)
    for name in ("a", "b"):
        stage.hear(name)
        stage.panel.player.seek(1.5)
        qtbot.waitUntil(lambda n=name: stage.cards[n].was_heard, timeout=PATIENCE_MS)


def _said(stage: BlindStage) -> str:
    """Everything that can be read on the page of the test."""
    page = stage.pages.currentWidget()
    texts = [one.text() for one in page.findChildren(QLabel) if one.isVisible()]
    texts += [button.text() + button.toolTip() for button in (*stage.answers.values(), *stage.cards.values())]
    return " ".join(texts + [card.accessibleDescription() for card in stage.cards.values()])


def test_a_test_from_the_first_sound_to_what_it_means(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(BLIND)
        stage = panel.stage(BLIND)
        assert (
            stage.hint.isVisibleTo(stage)
            and "two seconds" in stage.hint.text()
            and not stage.results.isVisibleTo(stage)
        )
        panel.run_button.press()
        assert panel.player.audible == ("blind-source",) and panel.player.is_playing  # before anything is composed
        panel.run_button.press()
        stage = _begun(qtbot, panel)
        seen = []
        for number in range(3):
            assert f"Round {number + 1} of 3" in stage.heading.text()
            qtbot.waitUntil(lambda: stage._trial.is_ready, timeout=PATIENCE_MS)
            assert not stage.answers["a"].isEnabled() and "Hear A and B" in stage.answers["a"].toolTip()
            assert not any(title in _said(stage) for title in (*TITLES, stage._trial.title))
            _hear_both(qtbot, stage)
            seen.append(stage._trial)
            stage.answers[("a", "b", "neither")[number]].click()
        assert not stage.test.is_on and panel.run_button.state == "idle" and not panel.player.is_playing
        rows = stage.test.kept.rows
        wanted = ["second" if seen[0].is_swapped else "first", "first" if seen[1].is_swapped else "second", "neither"]
        assert [row["answer"] for row in rows] == wanted
        assert "cannot show anything yet" in stage.results.said.text() and "significan" not in stage.results.said.text()
        assert stage.results.table.rowCount() == 3 and not stage.hint.isVisibleTo(stage)
        for at, trial in enumerate(seen):
            cells = [stage.results.table.item(at, column).text() for column in range(5)]
            assert cells[1] == trial.title and cells[2] == TITLES[int(trial.is_swapped)]
        panel.export(next(e for e in panel.exports() if e.id == "blind"), tmp_path / "b.csv")
        table = list(csv.DictReader((tmp_path / "b.csv").open(encoding="utf-8")))
        assert [row["closer"] for row in table] == [table[0]["A"], table[1]["B"], "can't tell"]
        assert [row["A"] for row in table] == [TITLES[int(trial.is_swapped)] for trial in seen]
        assert {row["looked before the end"] for row in table} == {"False"}


def test_nothing_but_the_music_tells_a_from_b(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        stage = _begun(qtbot, panel)
        qtbot.waitUntil(lambda: stage.test.is_complete, timeout=PATIENCE_MS)
        for trial in stage.test.trials:
            pieces = [trial.notes(name) for name in ("source", "a", "b")]
            ends = [notes.duration for notes in pieces]
            assert max(ends) - min(ends) < 1e-9 and all(notes.start[0] == 0 for notes in pieces)
            levels = [level(notes) * trial.gain(name) for notes, name in zip(pieces, ("source", "a", "b"), strict=True)]
            assert levels == pytest.approx([levels[0]] * 3)
        stage.hear("b")
        assert panel.player.transport.wish.gains == (("blind-b", pytest.approx(stage._trial.gain("b"))),)
        stage.pages.currentWidget().layout().activate()
        a, b = stage.cards["a"], stage.cards["b"]
        assert a.height() == b.height() and abs(a.width() - b.width()) <= 1


def test_the_keyboard_hears_and_answers_though_the_desk_uses_the_same_keys(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        stage = _begun(qtbot, panel)
        for key, name in ((Qt.Key.Key_1, "a"), (Qt.Key.Key_2, "b"), (Qt.Key.Key_S, "source")):
            qtbot.keyClick(QApplication.focusWidget() or stage, key)
            assert panel.player.audible == (f"blind-{name}",), name
        qtbot.keyClick(stage, Qt.Key.Key_S)  # the same again pauses
        assert not panel.player.is_playing and stage.test.is_on
        qtbot.keyClick(stage, Qt.Key.Key_Space)
        assert panel.player.is_playing and stage.test.is_on
        qtbot.keyClick(stage, Qt.Key.Key_B)
        assert not stage.test.answered  # A and B were hardly heard
        _hear_both(qtbot, stage)
        qtbot.keyClick(stage, Qt.Key.Key_B)
        assert len(stage.test.answered) == 1 and panel.player.audible == ("blind-source",)
        qtbot.keyClick(stage.cards["a"], Qt.Key.Key_2)  # also from a control of the page
        qtbot.waitUntil(lambda: stage._trial.is_ready, timeout=PATIENCE_MS)
        qtbot.keyClick(stage.cards["a"], Qt.Key.Key_2)
        assert panel.player.audible == ("blind-b",)


def test_answers_are_shown_on_demand_and_that_is_remembered(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        stage = _begun(qtbot, panel)
        _hear_both(qtbot, stage)
        stage.answer("a")
        assert not stage.bar.isVisible() and "Round 2" in stage.heading.text()
        stage.reveal.setChecked(True)
        assert stage.bar.isVisible() and "One answer cannot show" in stage.worth.text()
        _hear_both(qtbot, stage)
        swapped = stage._trial.is_swapped
        stage.answer("b")
        assert f"B was “{TITLES[int(not swapped)]}”" in stage.told.text() and "Round 2" in stage.heading.text()
        assert not stage.answers["a"].isEnabled() and stage.next.isVisible()
        qtbot.keyClick(stage, Qt.Key.Key_Return)
        assert "Round 3" in stage.heading.text() and not stage.next.isVisible()
        _hear_both(qtbot, stage)
        stage.answer("neither")
        assert all(row["peeked"] for row in stage.test.kept.rows)
        assert "looked at before the end" in stage.results.before.text()


def test_stop_tab_change_and_closing_lose_no_answer(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        stage = _begun(qtbot, panel)
        _hear_both(qtbot, stage)
        stage.answer("b")
        panel.tabs.setCurrentIndex(DESK)
        assert not panel.player.is_playing and panel.player.audible == ("style",)
        assert panel.run_button.state == "idle" and panel.run_button.text() == "Compose"
        take = composed(qtbot, panel)
        assert take.done and stage.test.is_on
        panel.tabs.setCurrentIndex(BLIND)
        assert "Round 2" in stage.heading.text() and panel.run_button.state == "running"
        _hear_both(qtbot, stage)
        why = next(e for e in panel.exports() if e.id == "blind").why_disabled
        assert "who was who" in why()
        during = json.loads(json.dumps(panel.save_state()))
        panel.run_button.press()
        assert not stage.test.is_on and len(stage.test.kept.rows) == 1 and why() == ""
        assert panel.run_button.state == "idle" and stage.setup.spins["seed"].value() == 1
        stage = _begun(qtbot, panel)
        _hear_both(qtbot, stage)
        stage.answer("a")
    with opened_piano(qtbot) as (_, panel):  # it was closed in the middle
        panel.restore_state(during)
        stage = panel.stage(BLIND)
        assert len(stage.test.kept.rows) == 1 and stage.results.isVisibleTo(stage) and not stage.test.is_on
        assert stage.setup.spins["rounds"].value() == 3 and stage.setup.value("second") == "small-unconditional"
        stage.restore_state({"answers": [3, {"test": "x"}], "setup": {"rounds": "many"}, "reveal": 1})
        assert not stage.test.kept.rows and not stage.reveal.isChecked()


def test_two_takes_of_the_desk_are_compared(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=8.0, variations=2) as (_, panel):
        panel.tabs.setCurrentIndex(BLIND)
        stage = panel.stage(BLIND)
        stage.setup.boxes["kind"].setCurrentIndex(1)
        panel.run_button.press()
        assert "two finished takes" in panel.messages.messages()[-1].what
        panel.tabs.setCurrentIndex(DESK)
        first = composed(qtbot, panel)
        panel.form.how.set_values({"seed": 5})
        second = composed(qtbot, panel)
        panel.tabs.setCurrentIndex(BLIND)
        assert not stage.setup.boxes["melody"].isEnabled() and "already" in stage.setup.boxes["melody"].toolTip()
        assert stage.setup.boxes["first"].currentText().startswith("2:")
        panel.run_button.press()
        assert len(stage.test.trials) == 2 and stage._trial.is_ready
        assert (stage.test.contest.first, stage.test.contest.second) == (second.title, first.title)
        heard = stage.test.trials[0].pieces[0]
        assert set(heard.pitch.tolist()) <= set(second.voices[0].notes.pitch.tolist())
        panel.stop()
        assert not stage.test.is_on and not stage.test.kept.rows


def test_own_pieces_are_sources_and_what_is_missing_is_said(qtbot: QtBot, networks: Callable[[], None]) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.tabs.setCurrentIndex(BLIND)
        stage = panel.stage(BLIND)
        stage.setup.choose("pieces", "own")
        panel.run_button.press()
        assert "none of your pieces" in panel.messages.messages()[-1].what and not stage.test.is_on
        panel.shelf.add_played(Notes.of([(0.3 * k, 0.3 * k + 0.2, 60 + k % 7, 70) for k in range(40)]))
        stage = _begun(qtbot, panel, rounds=2)
        assert {trial.title for trial in stage.test.trials} == {"Played by hand 1"}
        panel.stop()
        stage.setup.choose("second", stage.setup.value("first"))
        panel.run_button.press()
        assert "same network" in panel.messages.messages()[-1].what


def test_a_session_that_is_lost_leaves_the_rounds_that_are_ready(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        stage = _begun(qtbot, panel, rounds=40)
        stage.test._ahead._composer.handle.cancel()
        qtbot.waitUntil(lambda: len(stage.test.trials) < 40, timeout=PATIENCE_MS)
        assert stage.test.is_on and all(trial.is_ready for trial in stage.test.trials)
        assert "No more rounds" in panel.messages.messages()[-1].what


def test_a_short_candidate_is_composed_again_and_earlier_tests_are_added_up(qtbot: QtBot) -> None:
    notes = Notes.of([(0.0, 1.0, 60, 80), (1.0, 5.0, 64, 40)])
    with opened_piano(qtbot) as (_, panel):
        test = BlindTest(panel)
        stub = notes.between(0.0, 0.5)
        trial = Trial(0, "source", notes, 1, False, (notes, stub))
        ready = trial.settled()
        assert ready.seconds == 0.5 and ready.notes("a").duration == ready.notes("b").duration == 0.5
        assert (ready.side("a"), ready.side("b")) == (0, 1)
        test.begin(Contest("x", "y", "pair", 5.0), [trial])
        test.answer("b")
        assert test.kept.tally("pair").second == 1 and not test.is_on
        kept = Kept()
        kept.rows = test.kept.with_test(Contest("x", "y", "pair", 5.0), test.trials)
        assert [row["test"] for row in kept.rows] == [1, 2] and kept.tally("pair").second == 2
        assert kept.newest == kept.rows[1:]
        stage = _begun(qtbot, panel, rounds=1)
        request, _ = stage.test._requests[0, "first"]
        stage.test.trials[0] = Trial(0, "source", notes, 1, False)
        stage.test._composed((0, "first"), stub)
        again, tries = stage.test._requests[0, "first"]
        assert tries == 2 and again.seed == request.seed + 1
        qtbot.waitUntil(lambda: stage.test.trials[0].pieces[0] is not None, timeout=PATIENCE_MS)


def test_everything_of_the_test_fits_a_small_window(qtbot: QtBot, tmp_path: Path) -> None:
    write_midi(tmp_path / "mine.mid", Notes.of([(0.0, 9.0, 60, 80)]))
    with opened_piano(qtbot, size=(800, 600)) as (window, panel):
        stage = _begun(qtbot, panel)
        assert window.width() <= 800
        for widget in (*stage.cards.values(), *stage.answers.values(), stage.reveal):
            assert stage.rect().contains(widget.mapTo(stage, widget.rect().bottomRight())), widget
        for name in ("a", "b"):
            card, answer = stage.cards[name], stage.answers[name]
            assert card.x() == answer.x() and card.width() == answer.width()
        assert np.ptp([card.height() for card in stage.cards.values()]) == 0
