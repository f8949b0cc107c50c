"""What mouse and keyboard do to a melody in a piano roll: draw, move, stretch, delete, take back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen

from workbench.widgets.roll_editing import MelodyDraft, same_notes
from workbench.widgets.roll_geometry import RollGeometry
from workbench.widgets.roll_notes import RollNotes, clock_text, spoken_pitch

if TYPE_CHECKING:
    from workbench.widgets.piano_roll import PianoRoll

GRIP: Final = 6.0  # pixels at the ends of a note that stretch it
FREE: Final = Qt.KeyboardModifier.ControlModifier

Grip = Literal["", "new", "body", "start", "end"]


class MelodyPencil:
    """Edits the melody of a roll. Exists while the roll may be edited."""

    def __init__(self, roll: PianoRoll, notes: RollNotes, grid: float) -> None:
        self._roll = roll
        self.draft = MelodyDraft(notes, grid)
        self.chosen = -1
        self._grip: Grip = ""
        self._from = QPointF()
        self._at_start = (0.0, 0)
        self._heard = -1
        self._taken = -1  # the number that the dragged note had when it was taken

    @property
    def is_dragging(self) -> bool:
        return bool(self._grip)

    # -- mouse ------------------------------------------------------------------------------------------------

    def press(self, at: QPointF, g: RollGeometry, keys: Qt.KeyboardModifier) -> None:
        """Take a note, or begin a new one."""
        k, grip = self.under(at)
        self._from = at
        self.draft.hold()
        if k >= 0:
            self.chosen, self._taken, self._grip = k, k, grip
            self._hear(int(self.draft.notes.pitch[k]))
        else:
            self._grip = "new"
            start, pitch = g.time_of(at.x()), g.pitch_of(at.y())
            if not keys & FREE and self.draft.grid:  # the square of the grid that was pressed
                start = float(np.floor(start / self.draft.grid + 1e-9)) * self.draft.grid
            self._at_start = (max(start, 0.0), pitch)
            self.chosen = self.draft.add(start, start, pitch)
            self._hear(pitch)
            self._show()

    def move(self, at: QPointF, g: RollGeometry, keys: Qt.KeyboardModifier) -> None:
        """Go on with what was pressed."""
        draft, held = self.draft, self.draft.base
        now = g.time_of(at.x())

        def near(seconds: float) -> float:
            return max(seconds, 0.0) if keys & FREE else draft.snapped(seconds)

        if self._grip == "new":
            start, pitch = self._at_start[0], g.pitch_of(at.y())
            self.chosen = draft.add(start, near(now), pitch)
            self._hear(pitch)
        elif self._grip == "body":
            index = self._taken
            start = float(held.start[index])
            shift = near(start + (at.x() - self._from.x()) / g.pixels_per_second) - start
            if abs(at.x() - self._from.x()) < 4:
                shift = 0.0  # a change of pitch alone must not move a note to the grid
            semitones = g.pitch_of(at.y()) - g.pitch_of(self._from.y())
            self.chosen = draft.move(index, shift, semitones)
            self._hear(int(draft.notes.pitch[self.chosen]))
        elif self._grip == "end":
            self.chosen = draft.set_end(self._taken, near(now))
        elif self._grip == "start":
            self.chosen = draft.set_start(self._taken, near(now))
        self._show()

    def release(self) -> None:
        """Finish a drag as one step."""
        self._grip = ""
        self._hear(-1)
        self._finish(self.draft.drop())

    def give_up(self) -> None:
        """Leave a drag without a trace."""
        if self._grip:
            self._grip = ""
            self._hear(-1)
            self.draft.give_up()
            self.chosen = -1
            self._show()

    def under(self, at: QPointF) -> tuple[int, Grip]:
        """The melody note under a place and which part of it, (-1, "") for none."""
        notes = self.draft.notes
        k = self._roll.note_at(QPoint(round(at.x()), round(at.y())), notes)
        if k < 0:
            return -1, ""
        left, _, width, _ = self._roll.geometry_now().rects(notes.taken(np.array([k])))[0]
        grip = min(GRIP, width / 4)
        if at.x() > left + width - grip:
            return k, "end"
        return k, "start" if at.x() < left + grip else "body"

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """What the pointer looks like at a place."""
        _, grip = self.under(at)
        return {
            "start": Qt.CursorShape.SizeHorCursor,
            "end": Qt.CursorShape.SizeHorCursor,
            "body": Qt.CursorShape.SizeAllCursor,
        }.get(grip, Qt.CursorShape.CrossCursor)

    def _hear(self, pitch: int) -> None:
        if pitch == self._heard:
            return
        if self._heard >= 0:
            self._roll.key_released.emit(self._heard)
        self._heard = pitch
        if pitch >= 0:
            self._roll.key_pressed.emit(pitch, 80)

    # -- keyboard ---------------------------------------------------------------------------------------------

    def key(self, event: QKeyEvent) -> bool:
        """Carry out a key; False if it is none of the melody's."""
        key, shift = Qt.Key(event.key()), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        notes, step = self.draft.notes, self.draft.grid or 0.1
        if key == Qt.Key.Key_Escape and (self._grip or self.chosen >= 0):
            self.give_up()
            self.chosen = -1
            self._roll.update()
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown) and len(notes):
            self._choose_next(1 if key == Qt.Key.Key_PageDown else -1)
        elif key == Qt.Key.Key_N:
            start = self.draft.snapped(self._roll.timeline.playhead)
            pitch = int(notes.pitch[self.chosen]) if 0 <= self.chosen < len(notes) else self._usual_pitch()
            self.chosen = self.draft.add(start, start + 5 * step, pitch)
            self._finish(True)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete()
        elif self.chosen < 0 or self.chosen >= len(notes):
            return False
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            by = step if key == Qt.Key.Key_Right else -step
            if shift:
                self.chosen = self.draft.set_end(self.chosen, float(notes.end[self.chosen]) + by)
            else:
                self.chosen = self.draft.move(self.chosen, by, 0)
            self._finish(True)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = (12 if shift else 1) * (1 if key == Qt.Key.Key_Up else -1)
            self.chosen = self.draft.move(self.chosen, 0.0, by)
            self._finish(True)
        else:
            return False
        return True

    def _choose_next(self, step: int) -> None:
        notes = self.draft.notes
        if 0 <= self.chosen < len(notes):
            self.chosen = min(max(self.chosen + step, 0), len(notes) - 1)
        else:
            after = int(np.searchsorted(notes.start, self._roll.timeline.playhead))
            self.chosen = min(max(after if step > 0 else after - 1, 0), len(notes) - 1)
        self._reveal()

    def _usual_pitch(self) -> int:
        return int(np.median(self.draft.notes.pitch)) if len(self.draft.notes) else 72

    def delete(self) -> None:
        """Take away the chosen note, or the melody in the chosen region."""
        notes, region = self.draft.notes, self._roll.selection
        if 0 <= self.chosen < len(notes):
            self.draft.remove(np.array([self.chosen]))
            self.chosen = -1
        elif region is not None:
            inside = (notes.end > region.start) & (notes.start < region.end)
            inside &= (notes.pitch >= region.low) & (notes.pitch <= region.high)
            if not inside.any():
                return
            self.draft.remove(np.flatnonzero(inside))
        else:
            return
        self._finish(True)

    def undo(self) -> None:
        if self.draft.undo():
            self.chosen = -1
            self._finish(True)

    def redo(self) -> None:
        if self.draft.redo():
            self.chosen = -1
            self._finish(True)

    # -- showing ----------------------------------------------------------------------------------------------

    def take(self, notes: RollNotes) -> None:
        """Another melody was given from outside: a new beginning, unless it is the one at hand."""
        if not same_notes(notes, self.draft.notes):
            self.draft = MelodyDraft(notes, self.draft.grid)
            self.chosen = -1

    def _show(self) -> None:
        self._roll.show_melody(self.draft.notes)

    def _finish(self, changed: bool) -> None:
        self._show()
        if changed:
            self._reveal()
            self._roll.melody_edited.emit(self.draft.notes)
            self._roll.history_changed.emit()

    def _reveal(self) -> None:
        notes = self.draft.notes
        if 0 <= self.chosen < len(notes):
            start, end = float(notes.start[self.chosen]), float(notes.end[self.chosen])
            self._roll.timeline.reveal(start, end)
            self._roll.setAccessibleDescription(self.in_words())
        self._roll.update()

    def in_words(self) -> str:
        """The chosen note."""
        notes, k = self.draft.notes, self.chosen
        return (
            f"Melody note {k + 1} of {len(notes)}: {spoken_pitch(int(notes.pitch[k]))} at "
            f"{clock_text(float(notes.start[k]), 0.01)} for {1000 * (notes.end[k] - notes.start[k]):.0f} milliseconds"
        )

    def paint(self, painter: QPainter, g: RollGeometry) -> None:
        """The rim of the chosen note."""
        notes = self.draft.notes
        if not 0 <= self.chosen < len(notes):
            return
        box = QRectF(*g.rects(notes.taken(np.array([self.chosen])))[0])
        colours = self._roll.colours
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width, grow in ((colours.surface, 4.0, 2.0), (colours.accent, 2.0, 2.0)):
            painter.setPen(QPen(QColor(colour), width))
            painter.drawRoundedRect(box.adjusted(-grow, -grow, grow, grow), 4, 4)
