"""What a newcomer does in the first minutes: space bar, undo, Compose again, Stop at once, two recordings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from engines.piano import library
from engines.piano.codec import duration_of, encode
from engines.piano.requests import ComposeSnapshot, Variation
from tests.workbench.piano.piano_windows import composed, opened_piano
from tests.workbench.widgets.hands import CONTROL, drag
from workbench.main_window import MainWindow
from workbench.panels.piano.panel import PianoPanel
from workbench.panels.piano.takes import Take, Takes
from workbench.widgets.basics import ElidedLabel

pytestmark = pytest.mark.usefixtures("networks")
Keys = Qt.Key
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[tuple[MainWindow, PianoPanel]]:
    with opened_piano(qtbot, seconds=2.0, variations=1) as (window, panel):
        window.activateWindow()
        yield window, panel


def _draw(panel: PianoPanel) -> int:
    """One note into the melody; the number of notes there are then."""
    roll = panel.desk.roll("melody")
    roll.setFocus()
    g = roll.geometry_now()
    x = round(g.x_of(panel.desk.timeline.duration - 2.0))
    drag(roll, [QPoint(x, 60), QPoint(x + 12, 60), QPoint(x + 24, 60)])
    assert panel.music.melody is not None
    return len(panel.music.melody)


def test_undo_over_the_melody_takes_back_a_stroke_not_a_take(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    for title in ("first", "second"):
        panel.takes.put(Take(title, 0, done=True))
    panel.desk.edit.click()
    before = panel.music.melody
    assert before is not None
    _draw(panel)
    assert not panel.music.melody.same(before, 1e-6)
    qtbot.keyClick(panel.desk.roll("melody"), Keys.Key_Z, CONTROL)
    assert panel.music.melody.same(before, 1e-6) and panel.takes.place == (2, 2)
    qtbot.keyClick(panel.desk.roll("melody"), Keys.Key_Y, CONTROL)
    assert not panel.music.melody.same(before, 1e-6)
    qtbot.keyClick(panel.desk.roll("style"), Keys.Key_Z, CONTROL)  # elsewhere it is the take before
    assert panel.takes.place == (1, 2)


def test_space_plays_and_pauses_wherever_the_focus_is_on_the_desk(
    qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]
) -> None:
    _, panel = desk
    for holder in (panel, panel.tabs.tabBar(), panel.desk.bar.volume, panel.desk.keyboard, panel.desk.map):
        holder.setFocus()
        qtbot.keyClick(QApplication.focusWidget(), Keys.Key_Space)
        assert panel.player.is_playing, holder
        qtbot.keyClick(QApplication.focusWidget(), Keys.Key_Space)
        assert not panel.player.is_playing, holder
    assert not len(panel.takes) and not panel.composer.is_composing
    panel.player.seek(10.0)
    panel.setFocus()
    qtbot.keyClick(panel, Keys.Key_Home)
    assert panel.player.position == 0.0


def test_ctrl_return_composes_and_space_then_pauses(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    assert "Ctrl+Return" in panel.run_button.toolTip() and "Space" not in panel.run_button.toolTip()
    qtbot.keyClick(panel, Keys.Key_Return, CONTROL)
    qtbot.waitUntil(lambda: panel.takes.newest is not None and panel.takes.newest.done, timeout=60_000)
    panel.player.pause()
    panel.run_button.setFocus()
    panel.form.how.set_values({"seconds": 600.0})
    qtbot.keyClick(panel.run_button, Keys.Key_Space)  # a button with the focus is pressed by it, as anywhere
    qtbot.waitUntil(lambda: panel.player.is_playing, timeout=60_000)
    qtbot.keyClick(QApplication.focusWidget(), Keys.Key_Space)
    assert not panel.player.is_playing and panel.composer.is_composing
    panel.stop()


def test_the_same_settings_once_more_bring_other_notes(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    first, second = composed(qtbot, panel), composed(qtbot, panel)
    assert (first.seed, second.seed) == (0, 1) and panel.form.how.spec().seed == 1 and "seed 1" in second.title
    assert not np.array_equal(first.voice.tokens, second.voice.tokens)
    panel.form.how.set_values({"temperature": 0.5})
    assert composed(qtbot, panel).seed == 1  # other settings keep the seed
    panel.form.how.set_values({"temperature": 0.9, "seed": 7})
    assert composed(qtbot, panel).seed == 7
    panel.form.how.set_values({"seed": 0})  # wished for: the first take again
    assert np.array_equal(composed(qtbot, panel).voice.tokens, first.voice.tokens)


def test_a_take_stopped_before_its_first_note_leaves_nothing() -> None:
    takes = Takes()
    for title, tokens in (("kept", encode(library.item("waltz").notes)), ("stopped", np.array([45]))):
        takes.begin(title, 0)
        nll, none = np.ones(len(tokens), np.float32), np.zeros(0)
        takes.grow(
            ComposeSnapshot(1, variations=(Variation(tokens.astype(np.int16), nll, np.zeros((0, 4)), 0, none, none),))
        )
        takes.stop()
    assert [take.title for take in takes.all] == ["kept"] and takes.place == (1, 1)


def test_a_second_recording_keeps_the_first(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    panel.desk.records["style"].click()
    for pitch in (60, 64, 67):
        panel.desk.press(pitch)
        panel.desk.release(pitch)
    panel.desk.records["melody"].click()
    assert panel.form.style_a.currentText() == "Played by hand 1" and panel.desk.recorder.name == "melody"
    assert panel.desk.records["melody"].isChecked() and not panel.desk.records["style"].isChecked()


def test_recording_says_how_to_play_and_shows_the_keys_where_there_is_little_room(qtbot: QtBot) -> None:
    with opened_piano(qtbot, size=(800, 600)) as (window, panel):
        window.activateWindow()
        box, record = panel.desk.boxes["melody"], panel.desk.records["melody"]
        before = box.said.text()
        assert not panel.desk.keyboard.isVisible() and before == "Ode to Joy"
        record.click()
        assert panel.desk.keyboard.isVisible() and "A S D F" in box.said.text()
        qtbot.keyClick(QApplication.focusWidget(), Keys.Key_A)
        record.click()
        assert panel.form.melody.currentText() == box.said.text() == "Played by hand 1"
        assert not panel.desk.keyboard.isVisible()
        panel.form.choose(panel.form.melody, "library/ode-to-joy")
        record.click()
        record.click()  # nothing was played
        assert box.said.text() == before


def test_with_the_settings_open_nothing_of_the_bar_lies_on_another_at_800_pixels(qtbot: QtBot) -> None:
    with opened_piano(qtbot, size=(800, 600)) as (_, panel):
        panel.toggle_zone("form")
        bar = panel.desk.bar
        qtbot.waitUntil(lambda: panel.form.isVisible() and bar.width() >= bar.minimumSizeHint().width())
        assert not bar.place.geometry().intersects(bar.heard["style"].geometry())


def test_a_drawn_melody_stays_on_the_list_and_the_one_before_can_be_had_again(
    qtbot: QtBot, desk: tuple[MainWindow, PianoPanel]
) -> None:
    _, panel = desk
    panel.desk.edit.click()
    before = panel.music.melody
    assert before is not None
    _draw(panel)
    drawn, index = panel.music.melody, panel.form.melody.currentIndex()
    panel.form.melody.activated.emit(index)  # what a click on the same entry does
    assert panel.music.melody.same(before, 1e-6) and panel.form.melody.currentText() == "Ode to Joy"
    assert panel.form.choose(panel.form.melody, "played/1") and panel.form.melody.currentText() == "Drawn melody 1"
    assert panel.music.melody.same(drawn, 1e-6)
    state = panel.shelf.save_state()
    panel.shelf.restore_state(state)
    assert [title for _, title, _ in panel.shelf.names("melody")][-2:] == ["Drawn melody 1", "Drawn melody 1"]


def test_how_far_loops_grow_faster_can_be_chosen_before_there_is_one(desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    assert not panel.desk.bar.loop_tempo.isEnabled() and panel.desk.bar.loop_tempo.ceilings.isEnabled()
    assert panel.desk.bar.loop_tempo.ceilings.menuAction().isEnabled()


def test_variations_are_reached_where_their_column_has_no_room(qtbot: QtBot) -> None:
    with opened_piano(qtbot, size=(800, 600), seconds=2.0, variations=2) as (window, panel):
        window.activateWindow()
        composed(qtbot, panel)
        assert not panel.desk.variations.isVisible()
        qtbot.keyClick(panel.desk.roll("style"), Keys.Key_Down, Qt.KeyboardModifier.AltModifier)
        assert panel.takes.current.chosen == 1
        qtbot.keyClick(panel.desk.roll("style"), Keys.Key_Up, Qt.KeyboardModifier.AltModifier)
        assert panel.takes.current.chosen == 0


def test_a_line_that_is_cut_can_be_read_whole(qtbot: QtBot) -> None:
    line = ElidedLabel("short")
    qtbot.addWidget(line)
    line.resize(60, 20)
    line.show()
    line.setText("a text that has no room at all in sixty pixels")
    assert line.toolTip() == line.text()
    line.setText("ok")
    assert line.toolTip() == ""


def test_the_music_plays_though_the_first_answer_holds_one_token(
    qtbot: QtBot, desk: tuple[MainWindow, PianoPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, panel = desk
    monkeypatch.setattr(panel.composer, "ask", lambda request: None)
    panel.compose()
    whole = encode(library.item("waltz").notes)
    for tokens, seconds in ((whole[:1], 0.0), (whole[:200], duration_of(whole[:200]))):
        nll, none = np.ones(len(tokens), np.float32), np.zeros(0)
        voice = Variation(tokens.astype(np.int16), nll, np.zeros((0, 4)), seconds, none, none)
        panel.composer.answered.emit(ComposeSnapshot(1, variations=(voice,)))
        qtbot.wait(300)
    assert seconds > 2
    qtbot.waitUntil(lambda: panel.player.is_playing and panel.player.position > 0.1)


@pytest.mark.parametrize("heard", ["result", "style"])
def test_compose_while_music_plays(qtbot: QtBot, desk: tuple[MainWindow, PianoPanel], heard: str) -> None:
    _, panel = desk
    panel.form.how.set_values({"seconds": 8.0})
    composed(qtbot, panel)
    panel.desk.bar.hear(heard)
    panel.player.seek(0.5)
    panel.player.play()
    qtbot.waitUntil(lambda: panel.player.is_playing)
    composed(qtbot, panel)
    qtbot.waitUntil(lambda: panel.player.is_playing)
    assert panel.desk.bar.audible == heard


def test_falling_notes_and_overview_grow_with_the_music(
    qtbot: QtBot, desk: tuple[MainWindow, PianoPanel], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, panel = desk
    monkeypatch.setattr(panel.composer, "ask", lambda request: None)
    panel.compose()
    whole, shown = encode(library.item("waltz").notes), []
    monkeypatch.setattr(panel.desk.falling, "set_notes", lambda notes: shown.append(len(notes)))
    for end in (100, 200, 300):
        nll, none = np.ones(end, np.float32), np.zeros(0)
        voice = Variation(whole[:end].astype(np.int16), nll, np.zeros((0, 4)), duration_of(whole[:end]), none, none)
        panel.composer.answered.emit(ComposeSnapshot(1, variations=(voice,)))
        qtbot.wait(400)
    assert len(shown) >= 3 and shown[-1] > shown[0] > 0


def test_every_choice_says_what_it_is_for(desk: tuple[MainWindow, PianoPanel]) -> None:
    _, panel = desk
    form = panel.form
    for number in range(form.weights.count()):
        form.weights.setCurrentIndex(number)
        for box in (form.weights, form.style_a, form.style_b, form.melody, form.primer, form.blend):
            assert box.toolTip() and box.accessibleName()
