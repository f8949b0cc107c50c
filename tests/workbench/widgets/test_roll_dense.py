"""Hours of music in one view: a picture from arrays says the same as a shape for each note, and the window goes on."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from tests.workbench.widgets.hands import colour_at, shown
from tests.workbench.widgets.music import dense, notes_of
from workbench.theme import Theme
from workbench.widgets import roll_canvas
from workbench.widgets.piano_roll import PianoRoll
from workbench.widgets.roll_dense import crowd, is_crowded
from workbench.widgets.roll_geometry import RollGeometry
from workbench.widgets.roll_notes import velocity_level, velocity_rgb


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_each_pixel_has_the_loudest_note_that_sounds_there(ratio: float) -> None:
    notes = dense(3000, 60.0)
    g = RollGeometry(width=120, height=300, start=10.0, span=30.0, low=40, high=80, ratio=ratio)
    which = velocity_level(notes.velocity)
    found = crowd(g, notes, which)
    scale = g.pixels_per_second * ratio
    wanted = np.zeros_like(found)
    for start, end, pitch, level in zip(notes.start, notes.end, notes.pitch, which, strict=True):
        if 40 <= pitch < 80:
            first = int(np.floor((start - 10) * scale))
            last = max(int(np.floor((end - 10) * scale - ratio)), first + round(2 * ratio))
            row = wanted[pitch - 40]
            row[max(first, 0) : max(last, 0)] = np.maximum(row[max(first, 0) : max(last, 0)], level + 1)
    assert found.shape == (40, round(120 * ratio)) and np.array_equal(found, wanted)


def test_crowded_is_a_matter_of_notes_for_a_pixel() -> None:
    g = RollGeometry(width=100, height=300, start=0.0, span=30.0, low=40, high=80)
    assert not is_crowded(g, dense(800, 30.0)) and is_crowded(g, dense(801, 30.0))
    assert len(crowd(g, notes_of(), np.zeros(0, int))) == 40


def test_a_crowded_roll_shows_notes_in_the_colours_of_their_velocity(qtbot: QtBot, theme: Theme) -> None:
    roll = shown(qtbot, PianoRoll(theme), 446, 600)
    notes = dense(60_000, 7200.0)
    roll.set_notes(notes)
    qtbot.waitUntil(lambda: roll._tiles.painted >= 2, timeout=20_000)
    roll.grab()
    g = roll.geometry_now()
    levels = velocity_rgb()[velocity_level(notes.velocity)]
    said = {"#" + "".join(f"{v:02x}" for v in rgb) for rgb in np.unique(levels, axis=0)}
    middle = [QPoint(300, round((g.y_of(pitch) + g.y_of(pitch + 1)) / 2)) for pitch in range(35, 95)]
    seen = {colour_at(roll, at).name() for at in middle}
    assert len(seen & said) >= 5


def test_what_takes_too_long_is_painted_in_the_next_looks(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_canvas, "PATIENCE_S", 0.0)
    monkeypatch.setattr(roll_canvas, "MANY", 0)
    roll = shown(qtbot, PianoRoll(theme), 1100, 300)
    roll.grab()
    before = roll._tiles.painted
    roll.set_notes(dense(500, 60.0))
    roll.grab()
    assert roll._tiles.painted == before + 1
    qtbot.waitUntil(lambda: roll._tiles.painted >= before + 5, timeout=20_000)
    done = roll._tiles.painted
    qtbot.wait(80)
    assert roll._tiles.painted == done  # and then there is peace


def test_the_note_under_the_pointer_is_found_among_many(qtbot: QtBot, theme: Theme) -> None:
    roll = shown(qtbot, PianoRoll(theme), 846, 400)
    notes = dense(50_000, 5000.0)
    roll.set_notes(notes)
    roll.timeline.show_span(1000.0, 1004.0)
    g = roll.geometry_now()
    for k in notes.within(1001.0, 1003.0)[::7]:
        box = g.rects(notes.taken(np.array([k])))[0]
        found = roll.note_at(QPoint(round(box[0] + box[2] / 2), round(box[1] + box[3] / 2)))
        assert notes.pitch[found] == notes.pitch[k]
        assert notes.start[found] <= notes.end[k] and notes.end[found] >= notes.start[k]
