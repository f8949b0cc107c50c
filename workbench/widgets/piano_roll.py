"""A piano roll to work with: look closer, choose, loop, seek, play keys, edit a melody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QMenu, QWidget

from workbench.theme import Theme
from workbench.widgets.roll_canvas import RollCanvas
from workbench.widgets.roll_geometry import RollGeometry
from workbench.widgets.roll_keys import ZOOM, edit_by_key, is_undo_or_redo, press_key
from workbench.widgets.roll_menu import add_actions, tip
from workbench.widgets.roll_notes import RollNotes
from workbench.widgets.roll_pencil import MelodyPencil
from workbench.widgets.timeline import Timeline

REACH: Final = 5.0  # pixels within which an edge of the loop is taken
SLIP: Final = 4  # pixels that a click may move
NOTCH: Final = 120.0
KEY_VELOCITY: Final = 80
_SHIFT: Final = Qt.KeyboardModifier.ShiftModifier

Drag = Literal["", "select", "loop", "loop edge", "pan", "keys", "pencil"]


@dataclass(frozen=True)
class Region:
    """A chosen part of the roll: seconds start..end and pitches low..high, all included."""

    start: float
    end: float
    low: int
    high: int


class PianoRoll(RollCanvas):
    """Signals: `seek_requested(seconds)`, `play_requested()` (Space), `selection_changed(Region or None)`,
    `key_pressed(pitch, velocity)` and `key_released(pitch)` of the keys at the left and of notes that are drawn;
    `melody_edited(RollNotes)` after each edit and `history_changed()` where undo or redo may have become possible.

    Mouse: click seeks, dragging chooses a region, on the ruler a loop; middle button pans. Wheel scrolls, with
    Ctrl zooms time at the cursor, with Shift pitch, with Alt scrolls pitch. Keys: Space, Home, End, Left and
    Right by 1 s (with Shift 5 s), + and −, Shift with them for pitch, 0 fits, L loops the choice or ends the
    loop, G shows or hides the ghost, F follows the playhead, Esc gives up the choice.

    While the melody may be edited: press on the ground draws a note, on a note moves it, at its ends stretches it
    (with Ctrl off the grid), Shift and dragging chooses a region. N adds a note at the playhead, Page Up and Page
    Down choose a note, arrows move it, Shift with them stretches or moves by octaves, Delete takes away, Ctrl+Z and
    Ctrl+Y go back and forth.
    """

    seek_requested = Signal(float)
    play_requested = Signal()
    selection_changed = Signal(object)
    key_pressed = Signal(int, int)
    key_released = Signal(int)
    melody_edited = Signal(object)
    history_changed = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str = "Piano roll",
        *,
        timeline: Timeline | None = None,
        hint: str = "No notes yet",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, timeline=timeline, hint=hint, parent=parent)
        self._selection: Region | None = None
        self._drag: Drag = ""
        self._from = QPointF()
        self._anchor = (0.0, 0)  # where a choice began: seconds and pitch
        self._fixed = 0.0  # the end of the loop that stays
        self._held_key = -1
        self._pencil: MelodyPencil | None = None

    # -- the melody -------------------------------------------------------------------------------------------

    @property
    def is_editable(self) -> bool:
        return self._pencil is not None

    def set_editable(self, editable: bool, *, grid: float = 0.1) -> None:
        """Let the melody be edited, in steps of `grid` seconds; the notes step back meanwhile."""
        if editable and self._pencil is None:
            self._pencil = MelodyPencil(self, self.melody or RollNotes.empty(), grid)
        elif editable and self._pencil is not None:
            self._pencil.draft.grid = grid
        elif self._pencil is not None:
            self._pencil.give_up()
            self._pencil = None
        self.set_dimmed(editable)
        self.history_changed.emit()

    def show_melody(self, melody: RollNotes | None) -> None:
        super().show_melody(melody)
        if self._pencil is not None:
            self._pencil.take(melody or RollNotes.empty())

    @property
    def can_undo(self) -> bool:
        return self._pencil is not None and self._pencil.draft.can_undo

    @property
    def can_redo(self) -> bool:
        return self._pencil is not None and self._pencil.draft.can_redo

    def undo(self) -> None:
        if self._pencil is not None:
            self._pencil.undo()

    def redo(self) -> None:
        if self._pencil is not None:
            self._pencil.redo()

    # -- choice -----------------------------------------------------------------------------------------------

    @property
    def selection(self) -> Region | None:
        return self._selection

    def select(self, region: Region | None) -> None:
        """Choose a region; says so if it is another one."""
        if region != self._selection:
            self._selection = region
            self.update()
            self.selection_changed.emit(region)

    def loop_selection(self) -> None:
        """Repeat the chosen stretch; without one, end the loop."""
        if self._selection is not None:
            self.timeline.set_loop((self._selection.start, self._selection.end))
        else:
            self.timeline.set_loop(None)

    @property
    def shows_ghost(self) -> bool:
        return self.content.ghost is not None

    @property
    def can_show_ghost(self) -> bool:
        return self.content.ghost is not None or self._hidden_ghost is not None

    def toggle_ghost(self) -> None:
        """Hide the ghost, or show it again."""
        if self.content.ghost is not None:
            hidden = self.content.ghost
            self.set_ghost(None)
            self._hidden_ghost = hidden
        elif self._hidden_ghost is not None:
            self.set_ghost(self._hidden_ghost)

    def paint_marks(self, painter: QPainter, g: RollGeometry) -> None:
        if self._pencil is not None:
            self._pencil.paint(painter, g)
        chosen = self._selection
        if chosen is None:
            return
        box = QRectF(
            QPointF(g.x_of(chosen.start), g.y_of(chosen.high + 1)), QPointF(g.x_of(chosen.end), g.y_of(chosen.low))
        )
        fill = QColor(self.colours.accent)
        fill.setAlpha(34)
        painter.setBrush(fill)
        painter.setPen(QPen(QColor(self.colours.accent), 1.5))
        painter.drawRect(box)

    # -- mouse ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at, g = event.position(), self.geometry_now()
        self._from = at
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = "pan"
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() != Qt.MouseButton.LeftButton:
            return
        elif at.x() < g.left:
            if g.top <= at.y() < g.bottom:
                self._drag = "keys"
                self._press_key(g.pitch_of(at.y()))
        elif at.y() < g.top:
            self._press_ruler(at, g)
        elif self._pencil is not None and at.y() < g.bottom and not event.modifiers() & _SHIFT:
            self._drag = "pencil"
            self.select(None)
            self._pencil.press(at, g, event.modifiers())
        else:
            self._drag, self._anchor = "select", (g.time_of(at.x()), g.pitch_of(at.y()))

    def _press_ruler(self, at: QPointF, g: RollGeometry) -> None:
        edge = self._loop_edge_at(at, g)
        if edge is None or self.timeline.loop is None:
            self._drag, self._fixed = "loop", g.time_of(at.x())
        else:
            self._drag, self._fixed = "loop edge", self.timeline.loop[1 - edge]

    def _loop_edge_at(self, at: QPointF, g: RollGeometry) -> int | None:
        """0 or 1 for an end of the loop under a place of the ruler."""
        if self.timeline.loop is None or at.y() >= g.top:
            return None
        near = [abs(g.x_of(t) - at.x()) for t in self.timeline.loop]
        return near.index(min(near)) if min(near) <= REACH else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at, g = event.position(), self.geometry_now()
        moved = (at - self._from).manhattanLength() > SLIP
        if self._drag == "pan":
            step = at - self._from
            self._from = at
            self.timeline.scroll(-step.x() / g.pixels_per_second)
            if step.y():
                self.show_pitches(g.low + step.y() / g.row, g.high + step.y() / g.row)
        elif self._drag == "keys":
            self._press_key(g.pitch_of(min(max(at.y(), g.top), g.bottom - 1)))
        elif self._drag == "pencil" and self._pencil is not None:
            self._pencil.move(at, g, event.modifiers())
        elif self._drag == "select" and moved:
            self._reach(g.time_of(at.x()))
            self.select(self._region(self._anchor, at, g))
        elif self._drag in ("loop", "loop edge") and (moved or self._drag == "loop edge"):
            self._reach(g.time_of(at.x()))
            self.timeline.set_loop((self._fixed, g.time_of(at.x())))
        elif not self._drag:
            self._show_what_a_click_does(at, g)

    def _reach(self, seconds: float) -> None:
        """Scroll with a drag that leaves the view."""
        line = self.timeline
        if not line.start <= seconds <= line.end:
            line.set_following(False)
            seconds = min(max(seconds, 0.0), line.duration)
            line.reveal(seconds, seconds)

    def _show_what_a_click_does(self, at: QPointF, g: RollGeometry) -> None:
        if at.x() < g.left:
            shape = Qt.CursorShape.PointingHandCursor if g.top <= at.y() < g.bottom else Qt.CursorShape.ArrowCursor
        elif self._loop_edge_at(at, g) is not None:
            shape = Qt.CursorShape.SizeHorCursor
        elif self._pencil is not None and g.top <= at.y() < g.bottom:
            shape = self._pencil.cursor(at)
        else:
            shape = Qt.CursorShape.ArrowCursor
        self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        at, g = event.position(), self.geometry_now()
        was, self._drag = self._drag, ""
        is_click = (at - self._from).manhattanLength() <= SLIP
        if was == "keys":
            self._press_key(-1)
        elif was == "pencil" and self._pencil is not None:
            self._pencil.release()
        elif was in ("select", "loop") and is_click:
            if was == "select":
                self.select(None)
            self.seek(g.time_of(at.x()))
        self._show_what_a_click_does(at, g)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        g, at = self.geometry_now(), event.position()
        loop = self.timeline.loop
        if at.y() < g.top and at.x() >= g.left and loop is not None and loop[0] <= g.time_of(at.x()) <= loop[1]:
            self.timeline.set_loop(None)
        else:
            self.mousePressEvent(event)

    def _region(self, anchor: tuple[float, int], at: QPointF, g: RollGeometry) -> Region:
        start, end = sorted((anchor[0], g.time_of(at.x())))
        low, high = sorted((anchor[1], g.pitch_of(at.y())))
        bounds = g.pitches()
        return Region(
            min(max(start, 0.0), self.timeline.duration),
            min(max(end, 0.0), self.timeline.duration),
            min(max(low, bounds.start), bounds.stop - 1),
            min(max(high, bounds.start), bounds.stop - 1),
        )

    def seek(self, seconds: float) -> None:
        """Ask to go to a moment."""
        self.seek_requested.emit(min(max(seconds, 0.0), self.timeline.duration))

    def _press_key(self, pitch: int) -> None:
        """Hold one key with the mouse, or none for -1."""
        if pitch == self._held_key:
            return
        if self._held_key >= 0:
            self.key_released.emit(self._held_key)
        self._held_key = pitch if 0 <= pitch <= 127 else -1
        self.set_pressed({self._held_key: KEY_VELOCITY} if self._held_key >= 0 else {})
        if self._held_key >= 0:
            self.key_pressed.emit(self._held_key, KEY_VELOCITY)

    def wheelEvent(self, event: QWheelEvent) -> None:
        g, keys = self.geometry_now(), event.modifiers()
        delta = event.angleDelta()
        notches = (delta.y() or delta.x()) / NOTCH  # Alt makes Qt turn the wheel sideways
        if not notches:
            event.ignore()
            return
        if keys & Qt.KeyboardModifier.ControlModifier:
            self.timeline.zoom(ZOOM**-notches, g.time_of(event.position().x()))
        elif keys & Qt.KeyboardModifier.ShiftModifier:
            self.zoom_pitches(ZOOM**-notches, g.exact_pitch_of(event.position().y()))
        elif keys & Qt.KeyboardModifier.AltModifier:
            self.show_pitches(g.low + 3 * notches, g.high + 3 * notches)
        else:
            sideways = delta.x() / NOTCH if abs(delta.x()) > abs(delta.y()) else delta.y() / NOTCH
            self.timeline.scroll(-sideways * self.timeline.span / 10)
        event.accept()

    def zoom_pitches(self, factor: float, at: float) -> None:
        """See `factor` times as many rows; the pitch `at` keeps its place."""
        g = self.geometry_now()
        rows = min(max((g.high - g.low) * factor, 12.0), 128.0)
        share = (at - g.low) / (g.high - g.low)
        low = at - share * rows
        self.show_pitches(low, low + rows)

    # -- keyboard ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not (self._pencil is not None and edit_by_key(self._pencil, event)) and not press_key(self, event):
            super().keyPressEvent(event)

    # -- surroundings -----------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        # While a melody is drawn, undo takes back a stroke, whatever the window would undo.
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self._pencil is not None
            and is_undo_or_redo(event)
        ):
            event.accept()
            return True
        return super().event(event)

    def tip_at(self, at: QPointF) -> str:
        return tip(self, at)

    def extend_menu(self, menu: QMenu) -> None:
        add_actions(self, menu)

    def leaveEvent(self, event: QEvent) -> None:
        self.setCursor(Qt.CursorShape.ArrowCursor)
        super().leaveEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._press_key(-1)
        if self._pencil is not None:
            self._pencil.give_up()
        self._drag = ""
        super().hideEvent(event)
