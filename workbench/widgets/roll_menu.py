"""What a piano roll says about a place and offers in its menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QMenu

from workbench.commands import later
from workbench.widgets.basics import number
from workbench.widgets.roll_notes import clock_text, pitch_name
from workbench.widgets.roll_painting import Colouring

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
                said += _value(roll, k)
            said.append(f"{1000 * length:.0f}\u202fms from {clock_text(float(notes.start[k]), 0.01)}")
            return ", ".join(said)
    return _lane_tip(roll, at)


def _value(roll: PianoRoll, k: int) -> list[str]:
    """The number that goes with a note, if one is known."""
    content = roll.content
    value = content.known_values[k]
    if not np.isfinite(value):
        return []
    return [f"{content.value_name or 'value'} {number(float(value))}\u202f{content.value_unit}".strip()]


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
    colour.setToolTipsVisible(True)
    for by, text in colourings(roll):
        action = colour.addAction(text, later(roll.set_colouring, by))
        action.setCheckable(True)
        action.setChecked(roll.content.colouring == by)
        if by == "values" and not np.isfinite(roll.content.known_values).any():
            action.setToolTip("Not known of any note here yet: notes will be grey")


def colourings(roll: PianoRoll) -> list[tuple[Colouring, str]]:
    """What notes can be coloured by, and its name; numbers only where somebody said what they are."""
    found: list[tuple[Colouring, str]] = [("velocity", "Velocity"), ("pitch class", "Pitch class")]
    name = roll.content.value_name
    return [*found, ("values", name[0].upper() + name[1:])] if name else found
