"""What a piano roll says about a place and offers in its menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QMenu

from workbench.commands import later
from workbench.widgets.basics import number
from workbench.widgets.roll_notes import clock_text, pitch_name

if TYPE_CHECKING:
    from workbench.widgets.piano_roll import PianoRoll


def tip(roll: PianoRoll, at: QPointF) -> str:
    """Pitch, velocity and times of the note under a place, or the value on the lane; "" for none."""
    point = QPoint(round(at.x()), round(at.y()))
    for notes, what in ((roll.melody, "Melody"), (roll.notes, "")):
        k = roll.note_at(point, notes) if notes is not None else -1
        if notes is not None and k >= 0:
            length = notes.end[k] - notes.start[k]
            said = [f"{what} {pitch_name(int(notes.pitch[k]))}".strip()]
            if not what:
                said.append(f"velocity {notes.velocity[k]}")
            said.append(f"{1000 * length:.0f}\u202fms from {clock_text(float(notes.start[k]), 0.01)}")
            return ", ".join(said)
    return _lane_tip(roll, at)


def _lane_tip(roll: PianoRoll, at: QPointF) -> str:
    g, lane = roll.geometry_now(), roll.content.lane
    if lane is None or not g.lane or at.y() < g.height - g.lane or at.x() < g.left or not len(lane.times):
        return ""
    k = int(np.argmin(np.abs(lane.times - g.time_of(at.x()))))
    if abs(g.x_of(float(lane.times[k])) - at.x()) > 6 or not np.isfinite(lane.values[k]):
        return ""
    value = f"{number(float(lane.values[k]))}\u202f{lane.unit}".strip()
    return f"{lane.name} {value} at {clock_text(float(lane.times[k]), 0.01)}"


def add_actions(roll: PianoRoll, menu: QMenu) -> None:
    """Add what can be done to the context menu, with its keys."""
    line = roll.timeline
    menu.addSeparator()
    menu.addAction("Show everything\t0", roll.fit)
    loop = menu.addAction("Loop the selection\tL", roll.loop_selection)
    loop.setEnabled(roll.selection is not None)
    ended = menu.addAction("End the loop", later(line.set_loop, None))
    ended.setEnabled(line.loop is not None)
    ghost = menu.addAction("Ghost notes\tG", roll.toggle_ghost)
    ghost.setCheckable(True)
    ghost.setChecked(roll.shows_ghost)
    ghost.setEnabled(roll.can_show_ghost)
    follow = menu.addAction("Follow the playhead\tF", later(line.set_following, not line.is_following))
    follow.setCheckable(True)
    follow.setChecked(line.is_following)
    colour = menu.addMenu("Colour notes by")
    for by in ("velocity", "pitch class"):
        action = colour.addAction(by.capitalize(), later(roll.set_colouring, by))
        action.setCheckable(True)
        action.setChecked(roll.content.colouring == by)
