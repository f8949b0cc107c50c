"""The microscope as a person uses it: read a piece, point, choose, play, compare, save."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.alignment import of_notes
from engines.piano.midi import write_midi
from engines.piano.requests import InspectSnapshot
from tests.workbench.piano.piano_windows import PATIENCE_MS, composed, opened_piano
from workbench.panels.piano.microscope import WIDE, Microscope
from workbench.panels.piano.microscope_choice import STYLE, TAKE
from workbench.panels.piano.microscope_pages import distances, loudness_in_words
from workbench.panels.piano.panel import DESK, MICROSCOPE, PianoPanel
from workbench.panels.piano.settings import NONE
from workbench.widgets.piano_roll import Region

pytestmark = pytest.mark.usefixtures("networks")


def opened(panel: PianoPanel) -> Microscope:
    panel.tabs.setCurrentIndex(MICROSCOPE)
    view = panel.stage(MICROSCOPE)
    assert isinstance(view, Microscope)
    return view


def looked(qtbot: QtBot, panel: PianoPanel) -> Microscope:
    """Press Look closer and wait until all is read."""
    view = opened(panel)
    panel.run_button.press()
    settled(qtbot, view)
    return view


def settled(qtbot: QtBot, view: Microscope) -> None:
    qtbot.waitUntil(lambda: not view.is_running and view.findings is not None and view.findings.snapshot is not None
                    and view.findings.snapshot.done, timeout=PATIENCE_MS)  # fmt: skip


def choose(view: Microscope, key: str) -> None:
    view.choice.source.setCurrentIndex(view.choice.source.findData(key))
    view.choice.source.activated.emit(view.choice.source.currentIndex())


def test_it_says_what_comes_and_then_shows_all_of_it(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = opened(panel)
        assert panel.run_button.text() == "Look closer" and "token by token" in view.score.roll.hint
        view = looked(qtbot, panel)
        findings = view.findings
        assert findings is not None and findings.subject.title == library.item("ballad").title
        n = len(findings.subject.tokens)
        assert findings.count == n == len(view.tokens.stream.chips.texts) == len(view.score.surprise.times)
        assert set(findings.snapshot.nll) == {"own", "no style", "other style", "no melody"}
        assert view.attention.map.values.shape == (2, 7) and len(view.loudness.plot.columns()) > 2
        assert np.allclose(view.attention.map.values.sum(1), 1, atol=1e-4)
        assert view.score.roll.content.colouring == "values"
        assert np.isfinite(view.score.roll.content.known_values).all()
        assert view.said.text().startswith(f"{findings.subject.title} in its own style, read by")
        assert view.part.text().startswith(f"{n} tokens") and "the style saves" in view.part.text()


def test_a_token_is_one_in_list_strip_roll_and_bars(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = looked(qtbot, panel)
        subject = view.findings.subject
        index = int(np.flatnonzero(subject.kinds == 1)[20])
        view.tokens.stream.choose(index)
        assert view.score.timeline.playhead == pytest.approx(subject.times[index])
        assert view.score.surprise.chosen == view.score.saved.chosen == view.tokens.shown == index
        said = view.tokens.said.text()
        assert f"token {index + 1} of" in said and "nats" in said and "probability" in said
        top, shares, kinds = view.findings.expected(index)
        assert view.tokens.next.columns()["probability"] == pytest.approx(shares)
        assert kinds.sum() == pytest.approx(1, abs=1e-4) and len(top) == 5
        strip = view.score.surprise
        tip = strip.tip_at(QPointF(float(strip.x_of(index)) + 1, 20))
        assert tip.splitlines()[0] == view.findings.heading(index) and "Likeliest: " in tip and "Saved against" in tip
        strip.event_chosen.emit(index + 1)
        assert view.tokens.stream.chips.chosen == index + 1 == view.tokens.shown


def test_the_list_follows_the_playhead(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = looked(qtbot, panel)
        times = view.findings.subject.times
        view.choose(3)
        view.score.roll.seek_requested.emit(10.0)
        last = int(np.searchsorted(times, 10.0, "right")) - 1
        assert view.tokens.shown == last == view.tokens.stream.chips.current and view.chosen == -1
        assert view.tokens.stream.chips.shows(last)
        view.score.toggle()
        assert panel.player.audible == ("look-piece",) and panel.player.is_playing
        qtbot.waitUntil(lambda: view.tokens.shown > last, timeout=PATIENCE_MS)
        assert view.score.timeline.playhead > 10.0 and view.tokens.shown == view.tokens.stream.chips.current
        view.score.toggle()
        assert not panel.player.is_playing
        panel.tabs.setCurrentIndex(DESK)
        assert panel.player.audible == ("style",), "the desk has its player back"


def test_a_part_of_the_roll_chooses_its_tokens(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = looked(qtbot, panel)
        region = Region(4.0, 8.0, 60, 90)
        view.score.roll.select(region)
        marked = view.tokens.stream.chips.marked
        subject = view.findings.subject
        assert marked is not None and marked.sum() == subject.within(4.0, 8.0, 60, 90).sum() > 0
        assert set(subject.kinds[marked].tolist()) <= {1, 2}
        assert (subject.times[marked] >= 4.0).all() and (subject.times[marked] <= 8.0).all()
        assert view.part.text().startswith(f"The chosen part: {marked.sum()} tokens")
        view.score.roll.select(None)
        assert view.tokens.stream.chips.marked is None and not view.part.text().startswith("The chosen")


def test_a_take_is_as_surprising_as_it_was_to_its_composer(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=3.0, variations=2, temperature=1.0) as (_, panel):
        view = opened(panel)
        choose(view, TAKE)
        panel.run_button.press()
        assert "no take yet" in panel.messages.messages()[-1].what
        panel.tabs.setCurrentIndex(DESK)
        take = composed(qtbot, panel)
        opened(panel)
        settled(qtbot, view)  # it was asked for before there was one
        assert np.allclose(view.findings.nats(), take.voices[0].nll, atol=1e-3)
        panel.takes.choose(1)
        settled(qtbot, view)
        assert np.allclose(view.findings.nats(), take.voices[1].nll, atol=1e-3)
        # The style of the form is another now; the take's own is still told.
        panel.form.choose(panel.form.style_a, "library/ragtime")
        panel.run_button.press()
        settled(qtbot, view)
        assert np.allclose(view.findings.nats(), take.voices[1].nll, atol=1e-3)


def test_another_network_or_style_is_read_as_soon_as_it_is_chosen(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = looked(qtbot, panel)
        first = view.findings.snapshot
        view.choice.other.setCurrentIndex(view.choice.other.findData("library/chorale"))
        view.choice.other.activated.emit(view.choice.other.currentIndex())
        settled(qtbot, view)
        second = view.findings.snapshot
        assert np.allclose(first.nll["own"], second.nll["own"], atol=1e-5)
        assert not np.allclose(first.nll["other style"], second.nll["other style"], atol=1e-3)
        panel.form.choose(panel.form.weights, "small-unconditional")
        qtbot.waitUntil(lambda: set(view.findings.snapshot.nll) == {"own"}, timeout=PATIENCE_MS)
        settled(qtbot, view)
        assert view.score.against.count() == 0 and not view.score.against.isEnabled()
        assert "nothing" in view.score.mean.text() and "nothing" in view.loudness.said.text()
        assert "reads no style" in view.said.text()


def test_a_piece_is_compared_with_another_ones_style_and_read_once(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = looked(qtbot, panel)
        assert view.choice.other.currentData() == "library/ragtime"
        asked = view.reader._generation
        panel.form.choose(panel.form.style_b, "library/chorale")
        assert view.reader._generation == asked, "style A is the same"
        panel.form.choose(panel.form.style_a, "library/ragtime")
        settled(qtbot, view)
        assert view.findings.subject.piece == "library/ragtime"
        assert view.choice.other.currentData() == "library/chorale", "its own style is no other one"
        assert np.abs(view.findings.saved("other style")).max() > 1e-3


def test_what_is_chosen_meanwhile_wins_and_stop_keeps_what_was_read(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        panel.form.choose(panel.form.melody, NONE)
        view = opened(panel)
        panel.run_button.press()
        choose(view, "library/chorale")
        choose(view, "library/ragtime")
        wanted = library.item("ragtime").title
        qtbot.waitUntil(lambda: view.findings is not None and view.findings.subject.title == wanted,
                        timeout=PATIENCE_MS)  # fmt: skip
        settled(qtbot, view)
        panel.run_button.press()
        panel.stop()
        assert not view.is_running and panel.run_button.state == "idle"
        assert view.findings.count > 0
        panel.run_button.press()
        settled(qtbot, view)


def test_a_file_is_read_and_a_silly_one_changes_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    path, silly = tmp_path / "mine.mid", tmp_path / "silly.mid"
    write_midi(path, library.item("ragtime").notes)
    silly.write_bytes(b"MThd and then nothing of the kind")
    with opened_piano(qtbot) as (_, panel):
        view = opened(panel)
        view.choice.open_file(path)
        settled(qtbot, view)
        assert view.findings.subject.title == "mine" and view.choice.source.currentData() == str(path)
        view.choice.open_file(silly)
        qtbot.waitUntil(lambda: not view.is_running, timeout=PATIENCE_MS)
        assert view.findings.subject.title == "mine" and view.choice.source.currentData() == str(path)
        assert panel.messages.messages()


def test_the_desk_knows_what_was_read_of_its_style(qtbot: QtBot) -> None:
    with opened_piano(qtbot) as (_, panel):
        roll = panel.desk.roll("style")
        assert [panel.desk.colours.choice.itemText(k) for k in range(3)] == ["Velocity", "Pitch class", "Surprise"]
        assert np.isnan(roll.content.known_values).all()
        view = looked(qtbot, panel)
        known = roll.content.known_values
        assert np.isfinite(known).mean() > 0.95
        assert set(np.round(known[np.isfinite(known)], 5)) <= set(np.round(view.findings.nats(), 5))
        panel.form.choose(panel.form.style_a, "library/ragtime")
        assert panel.desk.colours.colouring == "velocity"


def test_a_take_on_the_desk_is_coloured_by_surprise(qtbot: QtBot) -> None:
    with opened_piano(qtbot, seconds=3.0, variations=1, temperature=1.0) as (_, panel):
        panel.desk.colours.colour_by("values")
        take = composed(qtbot, panel)
        voice, roll = take.voice, panel.desk.roll("result")
        wanted = of_notes(voice.notes, voice.tokens, voice.nll)
        assert np.array_equal(roll.content.known_values, wanted, equal_nan=True)
        assert roll.content.colouring == "values" == panel.desk.roll("style").content.colouring


def test_tables_are_saved(qtbot: QtBot, tmp_path: Path) -> None:
    with opened_piano(qtbot) as (_, panel):
        view = opened(panel)
        tables = {e.id: e for e in panel.exports() if e.id.startswith("look-")}
        assert len(tables) == 3 and all(e.why_disabled() for e in tables.values())
        looked(qtbot, panel)
        for name, export in tables.items():
            assert not export.why_disabled()
            panel.export(export, tmp_path / f"{name}.csv")
        rows = list(csv.DictReader((tmp_path / "look-tokens.csv").open()))
        assert len(rows) == view.findings.count
        assert float(rows[5]["surprise, own (nats)"]) == pytest.approx(float(view.findings.nats()[5]), abs=1e-4)
        assert rows[0]["meaning"].startswith(("velocity", "wait"))
        assert (tmp_path / "look-attention.csv").read_text().count("\n") == 15


def test_choices_come_back_with_the_session(qtbot: QtBot) -> None:
    with opened_piano(qtbot, size=(800, 600)) as (_, panel):
        view = opened(panel)
        choose(view, "library/chorale")
        view.show_page(2)
        view.score.key.colour_by("pitch class")
        state = view.save_state()
        for wrong in ({}, {"page": True, "source": 3, "colour": [], "against": None}, {"page": 9, "source": "gone"}):
            view.restore_state(wrong)
        choose(view, STYLE)
        view.show_page(0)
        view.score.key.colour_by("velocity")
        view.restore_state(state)
        assert view.choice.source.currentData() == "library/chorale" and view.score.key.colouring == "pitch class"
        assert view.loudness.isVisibleTo(view) and not view.tokens.isVisibleTo(view)


def test_where_there_is_room_all_pages_are_seen(qtbot: QtBot) -> None:
    with opened_piano(qtbot, size=(2200, 1000)) as (_, panel):
        view = opened(panel)
        qtbot.waitUntil(lambda: view.width() >= WIDE)
        assert not view.switch.isVisibleTo(view)
        assert all(page.isVisibleTo(view) for _, page in view.pages)


def test_distances_and_loudness_in_words() -> None:
    assert distances(2 ** np.arange(5)) == ["1", "2", "3–4", "5–8", "9–16"]
    joined = InspectSnapshot(
        1, style=np.array([1.0, 3.0]), stream=np.array([4.0, 6.0]), slots=np.array([[0.7, 0.1, 0.2], [0.5, 0.1, 0.4]])
    )
    said = loudness_in_words(joined)
    assert "25\u202f%, 50\u202f%" in said and "30\u202f% goes to the style's slot" in said
    assert "melody" in loudness_in_words(InspectSnapshot(1, stream=np.ones(2)))
