"""What keys do in a piano roll: play, go, look closer, loop, and edit a melody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

if TYPE_CHECKING:
    from workbench.widgets.piano_roll import PianoRoll
    from workbench.widgets.roll_pencil import MelodyPencil

ZOOM: Final = 1.25
"""How much closer a key press, or a notch of the wheel, brings."""
_REDO: Final = QKeyCombination(Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_Y)


def press_key(roll: PianoRoll, event: QKeyEvent) -> bool:
    """Carry out a key; False if it is none of a roll's."""
    key, line = Qt.Key(event.key()), roll.timeline
    shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
    if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
        return False
    match key:
        case Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                roll.play_requested.emit()
        case Qt.Key.Key_Home:
            roll.seek(0.0)
        case Qt.Key.Key_End:
            roll.seek(line.duration)
        case Qt.Key.Key_Left | Qt.Key.Key_Right:
            roll.seek(line.playhead + (5 if shift else 1) * (1 if key == Qt.Key.Key_Right else -1))
        case Qt.Key.Key_Plus | Qt.Key.Key_Equal | Qt.Key.Key_Minus | Qt.Key.Key_Underscore:
            closer = key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal)
            line.zoom(1 / ZOOM if closer else ZOOM, _zoom_centre(roll))
        case Qt.Key.Key_Up | Qt.Key.Key_Down:
            g = roll.geometry_now()
            if shift:
                roll.zoom_pitches(1 / ZOOM if key == Qt.Key.Key_Up else ZOOM, (g.low + g.high) / 2)
            else:
                step = 3 if key == Qt.Key.Key_Up else -3
                roll.show_pitches(g.low + step, g.high + step)
        case Qt.Key.Key_0:
            roll.fit()
        case Qt.Key.Key_L:
            roll.loop_selection()
        case Qt.Key.Key_G:
            roll.toggle_ghost()
        case Qt.Key.Key_F:
            line.set_following(not line.is_following)
        case Qt.Key.Key_Escape if roll.selection is not None:
            roll.select(None)
        case _:
            return False
    return True


def _is_undo(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Undo)


def _is_redo(event: QKeyEvent) -> bool:
    return event.matches(QKeySequence.StandardKey.Redo) or event.keyCombination() == _REDO


def is_undo_or_redo(event: QKeyEvent) -> bool:
    """Whether a key takes an edit back, or does it again."""
    return _is_undo(event) or _is_redo(event)


def edit_by_key(pencil: MelodyPencil, event: QKeyEvent) -> bool:
    """Carry out a key while the melody may be edited; False if it is none of the pencil's."""
    if _is_undo(event):
        pencil.undo()
    elif _is_redo(event):
        pencil.redo()
    else:
        return not event.modifiers() & Qt.KeyboardModifier.ControlModifier and pencil.key(event)
    return True


def _zoom_centre(roll: PianoRoll) -> float:
    """The playhead if it is seen, otherwise the middle."""
    line = roll.timeline
    return line.playhead if line.start <= line.playhead <= line.end else line.start + line.span / 2
