"""A roll is looked at, scrolled, chosen in, looped, played and edited; paper file 08b, section 9, check 7."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import CONTROL, SHIFT, colour_at, drag, heard, move, rest, shown, wheel
from tests.workbench.widgets.music import dense, notes_of, scale
from workbench.theme import Theme
from workbench.widgets.piano_roll import PianoRoll, Region
from workbench.widgets.roll_notes import RollNotes, unknown_rgb, value_rgb, velocity_level, velocity_rgb
from workbench.widgets.roll_painting import Lane
from workbench.widgets.timeline import Timeline

Keys = Qt.Key


@pytest.fixture
def roll(qtbot: QtBot, theme: Theme) -> PianoRoll:
    made = shown(qtbot, PianoRoll(theme), 846, 400)
    made.set_notes(scale())
    return made


def place(roll: PianoRoll, seconds: float, pitch: int) -> QPoint:
    """The middle of a row at a time."""
    g = roll.geometry_now()
    return QPointF(g.x_of(seconds), (g.y_of(pitch) + g.y_of(pitch + 1)) / 2).toPoint()


def ruler(roll: PianoRoll, seconds: float) -> QPoint:
    return QPointF(roll.geometry_now().x_of(seconds), 8).toPoint()


def as_hex(rgb: np.ndarray) -> str:
    return "#" + "".join(f"{v:02x}" for v in rgb)


def melody_rows(roll: PianoRoll) -> list[tuple[float, float, int]]:
    notes = roll.melody
    assert notes is not None
    return [(round(a, 6), round(b, 6), int(p)) for a, b, p in zip(notes.start, notes.end, notes.pitch, strict=True)]


# -- what is seen -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_notes_have_the_colour_of_their_velocity_in_both_themes(roll: PianoRoll, theme: Theme, mode: str) -> None:
    theme.set_mode(mode)  # type: ignore[arg-type]
    for k in (0, 7, 15):
        note = roll.notes
        at = place(roll, float(note.start[k] + note.end[k]) / 2, int(note.pitch[k]))
        wanted = velocity_rgb(theme.is_dark)[velocity_level(note.velocity[[k]])[0]]
        assert colour_at(roll, at).name() == as_hex(wanted)
    theme.set_mode("light")


def test_an_empty_roll_says_so_and_lives(qtbot: QtBot, theme: Theme) -> None:
    empty = shown(qtbot, PianoRoll(theme, hint="Drop a MIDI file here"), 300, 120)
    assert empty.accessibleDescription() == "Drop a MIDI file here"
    for key in (Keys.Key_L, Keys.Key_G, Keys.Key_0, Keys.Key_Plus, Keys.Key_Left, Keys.Key_End, Keys.Key_Delete):
        qtbot.keyClick(empty, key)
    drag(empty, [QPoint(100, 60), QPoint(200, 90)])
    assert empty.columns() == {}
    empty.set_notes(None)
    empty.set_notes(notes_of((0, 1, 0, 1), (1, 2, 127, 127)))
    empty.grab()


def test_it_is_said_what_is_shown(roll: PianoRoll) -> None:
    assert roll.accessibleDescription() == "16 notes from C4 to D6, 0:07.9 long"
    roll.set_melody(scale(3))
    assert roll.accessibleDescription().endswith("melody of 3 notes")


def test_a_growing_piece_repaints_only_its_end(roll: PianoRoll, qtbot: QtBot) -> None:
    long = dense(3000, 600)
    roll.set_notes(long)
    roll.timeline.show_span(580, 600)
    roll.grab()
    before = roll._tiles.painted
    more = RollNotes(
        np.append(long.start, 599.0), np.append(long.end, 600.0), np.append(long.pitch, np.int16(60)),
        np.append(long.velocity, np.int16(64)),
    )  # fmt: skip
    roll.set_notes(RollNotes.of(more))
    roll.grab()
    fresh = roll._tiles.painted - before
    assert 1 <= fresh <= 2, "the strip at the end, not all four"
    assert len(roll.notes) == 3001


def test_scrolling_paints_a_strip_at_a_time(roll: PianoRoll) -> None:
    roll.set_notes(dense(3000, 600))
    roll.timeline.show_span(100, 120)
    roll.grab()
    before = roll._tiles.painted
    for k in range(60):  # a second of playing
        roll.timeline.set_playhead(107 + k / 60)
        roll.grab()
    assert roll._tiles.painted - before <= 1
    assert roll.timeline.start > 100


class Regions(QObject):
    """Notes how much of a widget is painted each time."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.areas: list[int] = []
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            region = event.region()
            self.areas.append(sum(r.width() * r.height() for r in region))
        return False


def test_check_7_the_playhead_repaints_little(roll: PianoRoll, qtbot: QtBot) -> None:
    roll.set_notes(notes_of((0, 1, 60, 64), (5, 6, 80, 64), (19, 20, 60, 64)))
    roll.timeline.set_following(False)
    roll.timeline.set_playhead(2.0)
    roll.repaint()
    seen = Regions(roll)
    roll.timeline.set_playhead(2.02)
    qtbot.waitUntil(lambda: bool(seen.areas))
    assert seen.areas[0] < 0.06 * roll.width() * roll.height()


def test_what_sounds_glows_and_lights_its_key(roll: PianoRoll, theme: Theme) -> None:
    g = roll.geometry_now()
    key = QPoint(5, place(roll, 0, 60).y())
    dark_key, note = colour_at(roll, key), place(roll, 0.35, 60)
    plain = colour_at(roll, note)
    roll.timeline.set_playhead(0.2)
    assert colour_at(roll, note) != plain
    assert colour_at(roll, key) != dark_key
    roll.set_audible(False)
    assert colour_at(roll, note) == plain, "another roll is the one that is heard"
    roll.set_audible(True)
    roll.timeline.set_playhead(1.95)
    assert colour_at(roll, note) == plain
    assert g.left > 5


def test_pedal_and_lane_have_their_strips(roll: PianoRoll, theme: Theme) -> None:
    g = roll.geometry_now()
    assert g.pedal > 0
    assert colour_at(roll, QPointF(g.x_of(0.75), g.bottom + 8).toPoint()) != colour_at(
        roll, QPointF(g.x_of(1.75), g.bottom + 8).toPoint()
    )
    roll.set_lane(Lane(np.array([1.0, 2.0]), np.array([1.0, np.nan]), "NLL", "nats"))
    g = roll.geometry_now()
    assert g.lane > 0
    assert colour_at(roll, QPointF(g.x_of(1.0), g.height - 10).toPoint()).name() != theme.colours.surface
    assert colour_at(roll, QPointF(g.x_of(2.0), g.height - 10).toPoint()).name() == theme.colours.surface
    roll.set_lane(None)
    roll.set_notes(notes_of((0, 1, 60, 64)))
    assert roll.geometry_now().pedal == 0


def test_ghosts_lie_below_and_go_with_g(roll: PianoRoll, qtbot: QtBot) -> None:
    roll.set_ghost(notes_of((2, 3, 65, 64)))
    at = place(roll, 2.2, 65)
    ghostly = colour_at(roll, at)
    qtbot.keyClick(roll, Keys.Key_G)
    assert not roll.shows_ghost
    assert colour_at(roll, at) != ghostly
    qtbot.keyClick(roll, Keys.Key_G)
    assert colour_at(roll, at) == ghostly


def test_colours_by_pitch_class_and_by_values(roll: PianoRoll) -> None:
    roll.set_colouring("pitch class")
    first, octave = (colour_at(roll, place(roll, 0.5 * k + 0.2, p)) for k, p in ((0, 60), (7, 72)))
    assert first == octave
    roll.set_colouring("values", np.linspace(0, 1, 16))
    assert colour_at(roll, place(roll, 0.2, 60)) != colour_at(roll, place(roll, 3.7, 72))
    with pytest.raises(ValueError, match="16 values, got 3"):
        roll.set_colouring("values", np.zeros(3))
    roll.set_notes(scale(4))  # the values are of the notes before
    roll.grab()


def test_notes_are_coloured_by_numbers_that_are_known_and_grey_by_others(roll: PianoRoll, theme: Theme) -> None:
    changes = heard(roll.colouring_changed)
    menu = roll.context_menu()
    titles = [a.text() for m in menu.findChildren(type(menu)) for a in m.actions()]
    assert "Surprise" not in titles, "nobody said what numbers there are"
    values = np.where(np.arange(16) < 8, 6.0, np.nan)
    plain = colour_at(roll, place(roll, 0.2, 60))
    roll.set_values(values, "surprise", "nats", high=6.0)
    assert colour_at(roll, place(roll, 0.2, 60)) == plain and len(changes) == 1
    assert roll.tip_at(QPointF(place(roll, 0.2, 60))).startswith("C4, velocity 30, surprise 6\u202fnats")
    assert "surprise" not in roll.tip_at(QPointF(place(roll, 4.2, 74)))
    menu = roll.context_menu()
    next(a for m in menu.findChildren(type(menu)) for a in m.actions() if a.text() == "Surprise").trigger()
    dark = theme.is_dark
    assert colour_at(roll, place(roll, 0.2, 60)).getRgb()[:3] == tuple(value_rgb(dark)[-1])
    assert colour_at(roll, place(roll, 4.2, 74)).getRgb()[:3] == tuple(unknown_rgb(dark))
    assert roll.columns()["surprise (nats)"][0] == 6.0
    roll.set_values(values, "surprise", "nats", high=6.0)
    assert len(changes) == 2, "the same numbers again change nothing"
    roll.set_values(None, "surprise", "nats", high=6.0)
    assert colour_at(roll, place(roll, 0.2, 60)).getRgb()[:3] == tuple(unknown_rgb(dark))


def test_a_growing_piece_takes_its_numbers_along(roll: PianoRoll) -> None:
    roll.set_values(np.zeros(16), "surprise", "nats", high=6.0)
    roll.set_colouring("values")
    longer = scale(18)
    roll.set_notes(longer, np.append(np.zeros(16), [6.0, np.nan]))
    assert np.isnan(roll.content.known_values[17]) and roll.content.known_values[16] == 6.0
    roll.set_notes(longer, np.full(18, 6.0))
    assert roll.content.known_values.tolist() == [6.0] * 18, "the same notes with other numbers"
    with pytest.raises(ValueError, match="18 values, got 3"):
        roll.set_notes(longer, np.zeros(3))


def test_two_rolls_share_a_timeline(qtbot: QtBot, theme: Theme) -> None:
    line = Timeline()
    first = shown(qtbot, PianoRoll(theme, "Style source", timeline=line), 600, 200)
    second = shown(qtbot, PianoRoll(theme, "Result", timeline=line), 600, 200)
    first.set_notes(scale(40))
    second.set_notes(scale(10))
    assert line.duration == pytest.approx(19.9), "the shorter piece does not cut the longer one's time"
    wheel(first, QPoint(300, 100), 1, CONTROL)
    assert second.geometry_now().span == first.geometry_now().span < 20
    second.set_notes(scale(60))
    assert line.duration == pytest.approx(29.9)
    second.set_notes(scale(5))
    assert line.duration == pytest.approx(19.9)


# -- mouse ------------------------------------------------------------------------------------------------------


def test_a_click_seeks_and_the_ruler_too(roll: PianoRoll, qtbot: QtBot) -> None:
    said = heard(roll.seek_requested)
    qtbot.mouseClick(roll, Qt.MouseButton.LeftButton, pos=place(roll, 3, 62))
    qtbot.mouseClick(roll, Qt.MouseButton.LeftButton, pos=ruler(roll, 5))
    assert [round(t) for (t,) in said] == [3, 5]  # type: ignore[misc]
    assert roll.selection is None
    assert roll.timeline.loop is None


def test_dragging_chooses_a_region_and_l_loops_it(roll: PianoRoll, qtbot: QtBot) -> None:
    said = heard(roll.selection_changed)
    drag(roll, [place(roll, 4, 72), place(roll, 3, 66), place(roll, 2, 64)])
    chosen = roll.selection
    assert isinstance(chosen, Region)
    assert (chosen.low, chosen.high) == (64, 72)
    assert (round(chosen.start, 1), round(chosen.end, 1)) == (2, 4)
    qtbot.keyClick(roll, Keys.Key_L)
    assert roll.timeline.loop == (chosen.start, chosen.end)
    qtbot.keyClick(roll, Keys.Key_Escape)
    assert said[-1] == (None,)
    qtbot.keyClick(roll, Keys.Key_L)
    assert roll.timeline.loop is None


def test_dragging_on_the_ruler_loops_and_its_ends_can_be_moved(roll: PianoRoll, qtbot: QtBot) -> None:
    drag(roll, [ruler(roll, 6), ruler(roll, 4), ruler(roll, 2)])
    loop = roll.timeline.loop
    assert loop is not None
    assert [round(t, 1) for t in loop] == [2, 6]
    drag(roll, [ruler(roll, 2), ruler(roll, 3)])
    assert roll.timeline.loop is not None
    assert [round(t, 1) for t in roll.timeline.loop] == [3, 6]
    qtbot.mouseDClick(roll, Qt.MouseButton.LeftButton, pos=ruler(roll, 4))
    assert roll.timeline.loop is None


def test_a_drag_beyond_the_edge_scrolls(roll: PianoRoll) -> None:
    roll.timeline.show_span(0, 3)
    far = place(roll, 5, 72)
    drag(roll, [place(roll, 2, 64), place(roll, 2.9, 72), far])
    assert roll.timeline.end == pytest.approx(5, abs=0.05)
    assert not roll.timeline.is_following
    chosen = roll.selection
    assert chosen is not None
    assert (chosen.start, chosen.end) == (pytest.approx(2, abs=0.02), pytest.approx(5, abs=0.05))
    drag(roll, [ruler(roll, 4), ruler(roll, 3), ruler(roll, 1)])
    assert roll.timeline.start == pytest.approx(1, abs=0.05)
    assert roll.timeline.loop == (pytest.approx(1, abs=0.05), pytest.approx(4, abs=0.02))


def test_the_wheel_scrolls_and_zooms_at_the_cursor(roll: PianoRoll) -> None:
    at = place(roll, 4, 70)
    wheel(roll, at, 3, CONTROL)
    g = roll.geometry_now()
    assert g.span < 5
    assert g.time_of(at.x()) == pytest.approx(4, abs=0.02)
    start = g.start
    wheel(roll, at, -1)
    assert roll.geometry_now().start > start
    assert not roll.timeline.is_following
    rows = g.high - g.low
    wheel(roll, at, 2, SHIFT)
    g = roll.geometry_now()
    assert g.high - g.low < rows
    assert g.pitch_of(at.y()) == 70
    low = g.low
    wheel(roll, at, 1, Qt.KeyboardModifier.AltModifier)
    assert roll.geometry_now().low == low + 3
    for _ in range(40):
        wheel(roll, at, 3, CONTROL | SHIFT)
        wheel(roll, at, -3, SHIFT)
    assert (roll.geometry_now().low, roll.geometry_now().high) == (0, 128)
    roll.fit()
    assert roll.timeline.is_fitted


def test_the_middle_button_pans(roll: PianoRoll, qtbot: QtBot) -> None:
    roll.timeline.show_span(2, 4)
    at = place(roll, 3, 66)
    qtbot.mousePress(roll, Qt.MouseButton.MiddleButton, pos=at)
    move(roll, at + QPoint(-200, 0))
    qtbot.mouseRelease(roll, Qt.MouseButton.MiddleButton, pos=at)
    assert roll.timeline.start == pytest.approx(2.5, abs=0.02)


def test_keys_at_the_left_play_and_let_go(roll: PianoRoll, qtbot: QtBot) -> None:
    down, up = heard(roll.key_pressed), heard(roll.key_released)
    y60, y64 = place(roll, 0, 60).y(), place(roll, 0, 64).y()
    drag(roll, [QPoint(10, y60), QPoint(10, y64)])
    assert [p for p, _ in down] == [60, 64]  # type: ignore[misc]
    assert up == [(60,), (64,)]
    qtbot.mousePress(roll, Qt.MouseButton.LeftButton, pos=QPoint(10, y60))
    roll.hide()
    assert up[-1] == (60,), "nothing sounds on in a roll that is not seen"


def test_resting_on_a_note_tells_it(roll: PianoRoll, qtbot: QtBot) -> None:
    rest(roll, place(roll, 0.2, 60))
    qtbot.waitUntil(lambda: QToolTip.text() == "C4, velocity 30, 400\u202fms from 0:00.00")
    QToolTip.hideText()
    roll.set_melody(notes_of((0, 0.4, 60, 127)))
    assert roll.tip_at(QPointF(place(roll, 0.2, 60))).startswith("Melody C4, 400")
    assert roll.tip_at(QPointF(place(roll, 0.2, 70))) == ""


# -- keyboard ---------------------------------------------------------------------------------------------------


def test_keys_seek_play_zoom_and_fit(roll: PianoRoll, qtbot: QtBot) -> None:
    sought, played = heard(roll.seek_requested), heard(roll.play_requested)
    roll.timeline.set_playhead(3.0)
    for key, keys in ((Keys.Key_Right, None), (Keys.Key_Left, SHIFT), (Keys.Key_Home, None), (Keys.Key_End, None)):
        qtbot.keyClick(roll, key, keys or Qt.KeyboardModifier.NoModifier)
    assert [round(t, 1) for (t,) in sought] == [4.0, 0.0, 0.0, 7.9]  # type: ignore[misc]
    qtbot.keyClick(roll, Keys.Key_Space)
    assert len(played) == 1
    qtbot.keyClick(roll, Keys.Key_Plus)
    assert not roll.timeline.is_fitted
    rows = roll.geometry_now().row
    qtbot.keyClick(roll, Keys.Key_Up, SHIFT)
    assert roll.geometry_now().row > rows
    low = roll.geometry_now().low
    qtbot.keyClick(roll, Keys.Key_Down)
    assert roll.geometry_now().low == low - 3
    qtbot.keyClick(roll, Keys.Key_0)
    assert roll.timeline.is_fitted
    qtbot.keyClick(roll, Keys.Key_F)
    assert not roll.timeline.is_following


def test_the_menu_offers_what_can_be_done(roll: PianoRoll) -> None:
    menu = roll.context_menu()
    actions = {a.text().split("\t")[0]: a for a in menu.actions()}
    assert not actions["Loop the selection"].isEnabled()
    assert not actions["Ghost notes"].isEnabled()
    actions["Follow the playhead"].trigger()
    assert not roll.timeline.is_following
    colours = next(m for m in menu.findChildren(type(menu)) if m.title() == "Colour notes by")
    colours.actions()[1].trigger()
    assert roll.content.colouring == "pitch class"
    menu.close()


# -- editing ----------------------------------------------------------------------------------------------------


@pytest.fixture
def editor(roll: PianoRoll) -> PianoRoll:
    roll.set_melody(notes_of((1, 2, 67, 127), (2, 3, 69, 127), (5, 6, 72, 127)))
    roll.set_editable(True)
    return roll


def test_pressing_on_the_ground_draws_a_note_on_the_grid(editor: PianoRoll) -> None:
    said, heard_keys = heard(editor.melody_edited), heard(editor.key_pressed)
    drag(editor, [place(editor, 3.52, 65), place(editor, 4.0, 65), place(editor, 4.21, 65)])
    assert (3.5, 4.2, 65) in melody_rows(editor)
    assert len(said) == 1
    assert heard_keys == [(65, 80)]
    assert said[0] == (editor.melody,)


def test_dragging_a_note_moves_it_and_undo_puts_it_back(editor: PianoRoll, qtbot: QtBot) -> None:
    before = melody_rows(editor)
    history, up = heard(editor.history_changed), heard(editor.key_released)
    drag(editor, [place(editor, 5.5, 72), place(editor, 4.8, 73), place(editor, 4.5, 74)])
    assert melody_rows(editor)[2] == (4, 5, 74)
    assert up == [(72,), (73,), (74,)]
    assert history
    qtbot.keyClick(editor, Keys.Key_Z, CONTROL)
    assert melody_rows(editor) == before
    qtbot.keyClick(editor, Keys.Key_Y, CONTROL)
    assert melody_rows(editor)[2] == (4, 5, 74)
    editor.undo()
    assert not editor.can_undo
    assert editor.can_redo


def test_the_ends_of_a_note_stretch_it_and_control_leaves_the_grid(editor: PianoRoll) -> None:
    g = editor.geometry_now()
    end = QPoint(round(g.x_of(6) - 3), place(editor, 6, 72).y())
    drag(editor, [end, end + QPoint(20, 0), place(editor, 7.03, 72)])
    assert melody_rows(editor)[2] == (5, 7, 72)
    start = QPoint(round(g.x_of(5) + 2), end.y())
    drag(editor, [start, start + QPoint(20, 0), place(editor, 5.57, 72)], keys=CONTROL)
    a, b, _ = melody_rows(editor)[2]
    assert a == pytest.approx(5.57, abs=0.02)
    assert a != round(a, 1)
    assert b == 7


def test_a_note_whose_pitch_changes_stays_off_the_grid(editor: PianoRoll) -> None:
    editor.set_melody(notes_of((1.234, 2.0, 67, 127)))
    drag(editor, [place(editor, 1.6, 67), place(editor, 1.6, 70)])
    assert melody_rows(editor) == [(1.234, 2.0, 70)]


def test_the_keyboard_edits_alone(editor: PianoRoll, qtbot: QtBot) -> None:
    for key in (Keys.Key_PageDown, Keys.Key_PageDown, Keys.Key_Up, Keys.Key_Right):
        qtbot.keyClick(editor, key)
    assert melody_rows(editor)[1] == (2.1, 3.1, 70)
    assert editor.accessibleDescription().startswith("Melody note 2 of 3: B flat 4 at 0:02.10")
    qtbot.keyClick(editor, Keys.Key_Right, SHIFT)
    qtbot.keyClick(editor, Keys.Key_Down, SHIFT)
    assert melody_rows(editor)[1] == (2.1, 3.2, 58)
    qtbot.keyClick(editor, Keys.Key_Delete)
    assert len(melody_rows(editor)) == 2
    editor.timeline.set_playhead(4.0)
    qtbot.keyClick(editor, Keys.Key_N)
    assert (4.0, 4.5) in [(a, b) for a, b, _ in melody_rows(editor)]
    for _ in range(6):
        qtbot.keyClick(editor, Keys.Key_Z, CONTROL)
    assert melody_rows(editor) == [(1, 2, 67), (2, 3, 69), (5, 6, 72)]
    sought = heard(editor.seek_requested)
    qtbot.keyClick(editor, Keys.Key_Escape)
    qtbot.keyClick(editor, Keys.Key_Right)
    assert len(sought) == 1, "without a chosen note arrows seek"


def test_shift_chooses_a_region_and_delete_clears_it(editor: PianoRoll, qtbot: QtBot) -> None:
    drag(editor, [place(editor, 0.5, 66), place(editor, 2, 70), place(editor, 3.5, 70)], keys=SHIFT)
    assert editor.selection is not None
    qtbot.keyClick(editor, Keys.Key_Delete)
    assert melody_rows(editor) == [(5, 6, 72)]
    qtbot.keyClick(editor, Keys.Key_Delete)
    assert len(melody_rows(editor)) == 1, "nothing is chosen there any more"


def test_escape_leaves_a_drag_without_a_trace(editor: PianoRoll, qtbot: QtBot) -> None:
    before, said = melody_rows(editor), heard(editor.melody_edited)
    up = heard(editor.key_released)
    at = place(editor, 5.5, 72)
    qtbot.mousePress(editor, Qt.MouseButton.LeftButton, pos=at)
    move(editor, place(editor, 3, 60), held=True)
    assert melody_rows(editor) != before
    qtbot.keyClick(editor, Keys.Key_Escape)
    assert melody_rows(editor) == before
    move(editor, place(editor, 2, 61), held=True)
    qtbot.mouseRelease(editor, Qt.MouseButton.LeftButton, pos=place(editor, 2, 61))
    assert melody_rows(editor) == before
    assert said == []
    assert not editor.can_undo
    assert len(up) == 2


def test_the_same_melody_given_back_keeps_the_history_and_another_ends_it(editor: PianoRoll) -> None:
    drag(editor, [place(editor, 5.5, 72), place(editor, 5.5, 74)])
    editor.set_melody(editor.melody)
    assert editor.can_undo
    editor.set_melody(scale(3))
    assert not editor.can_undo
    editor.set_melody(None)
    drag(editor, [place(editor, 1.52, 65), place(editor, 2.0, 65)])
    assert melody_rows(editor) == [(1.5, 2.0, 65)]
    editor.set_editable(False)
    assert not editor.can_undo
    said = heard(editor.seek_requested)
    drag(editor, [place(editor, 6, 65), place(editor, 6, 65)])
    assert len(said) == 1
    assert not editor.content.is_dimmed


# -- taken out --------------------------------------------------------------------------------------------------


def test_pictures_and_tables(roll: PianoRoll, tmp_path: Path) -> None:
    roll.set_melody(scale(4))
    roll.set_ghost(scale(5))
    roll.save(tmp_path / "roll.csv")
    rows = list(csv.DictReader((tmp_path / "roll.csv").open()))
    assert rows[1]["name"] == "D4"
    assert rows[1]["start (s)"] == "0.5"
    roll.save(tmp_path / "roll.svg")
    text = (tmp_path / "roll.svg").read_text()
    assert text.count("<path") + text.count("<rect") > 20, "notes are shapes"
    assert "<image" not in text
    roll.save(tmp_path / "roll.png")
    assert (tmp_path / "roll.png").stat().st_size > 5000


def test_check_7_playing_takes_no_reference_from_none(roll: PianoRoll) -> None:
    """PySide6 6.12 loses one at each call of a void method, and ends Python 3.11 within a minute of playing."""
    import sys

    before = sys.getrefcount(None)
    for k in range(300):
        roll.timeline.set_playhead(k / 60)
        roll.repaint()
    assert sys.getrefcount(None) > before - 50


def test_small_and_disabled_rolls_are_painted(roll: PianoRoll) -> None:
    roll.setEnabled(False)
    roll.resize(200, 110)
    assert roll.geometry_now().pedal == 0
    roll.grab()
    assert QRectF(roll.rect()).width() == 200


def test_values_of_the_lane_are_told(roll: PianoRoll) -> None:
    roll.set_lane(Lane(np.array([1.0, 2.0]), np.array([2.5, np.nan]), "NLL", "nats", 0.0, 5.0))
    g = roll.geometry_now()
    assert roll.tip_at(QPointF(g.x_of(1.0) + 2, g.height - 5)) == "NLL 2.5\u202fnats at 0:01.00"
    assert roll.tip_at(QPointF(g.x_of(2.0), g.height - 5)) == ""
    assert roll.tip_at(QPointF(g.x_of(1.5), g.height - 5)) == ""
