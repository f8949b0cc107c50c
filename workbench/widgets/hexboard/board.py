"""The Hex board: shows a position and says what the user pointed at. It knows no rules and plays no moves."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QCursor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from workbench.widgets.hexboard.display import BoardDisplay, smooth_painter
from workbench.widgets.hexboard.geometry import cell_label
from workbench.widgets.hexboard.look import BLACK

_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class HexBoard(BoardDisplay):
    """A board to play on and to set up.

    Signals: `cell_clicked(cell, buttons)` after a press and release on one cell, or Enter on the keyboard's
    cell; `cell_hovered(cell)` with -1 on leaving; `cell_dragged(from, to)` when a press outside setup mode is
    released on another cell; `stone_painted(cell, colour)` in setup mode for each cell that the pressed mouse
    crosses (colour 0 erases), `stroke_ended()` when the button is let go; `wheel_stepped(steps)` for notches
    of the wheel, positive towards the user (on through the game).
    """

    cell_clicked = Signal(int, object)
    cell_hovered = Signal(int)
    cell_dragged = Signal(int, int)
    stone_painted = Signal(int, int)
    stroke_ended = Signal()
    wheel_stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None, *, size: int = 11) -> None:
        self._setup_colour: int | None = None
        self._locked = ""
        self._hover = -1
        self._wheel = 0
        self._pressed: tuple[int, Qt.MouseButton] | None = None
        self._stroke_colour = 0
        self._stroke_cell = -1
        self._keyboard_cell = -1
        self._keyboard_line: np.ndarray | None = None
        super().__init__(parent, size=size)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def hovered_cell(self) -> int:
        return self._hover

    @property
    def keyboard_cell(self) -> int:
        """The cell that Enter would click, -1 before the first arrow key."""
        return self._keyboard_cell

    def set_setup(self, colour: int | None) -> None:
        """Paint stones of `colour` (1, 2, or 0 to erase) with the left button and erase with the right one;
        None goes back to playing."""
        self._setup_colour = colour
        self._update_cursor()
        self.update()

    def set_locked(self, reason: str) -> None:
        """While `reason` is not empty clicks are not taken but show it (e.g. "Blue is thinking")."""
        self._locked = reason
        self._update_cursor()
        self.update()

    def paint_over(self, painter: QPainter) -> None:
        tools, colour = self._tools(), self._pointer_colour()
        if self._hover >= 0:
            if self._coordinates:
                tools.paint_coordinates_of(painter, self._hover)
            free = self._cells.reshape(-1)[self._hover] == 0 or self._setup_colour is not None
            if free and not self._locked and not self._variation[0] and not self._is_over():
                hollow = self._heat is not None and bool(self._heat.texts[self._hover])
                tools.paint_ghost(painter, self._hover, colour or BLACK, hollow=hollow or colour == 0,
                                  text=cell_label(self._hover, self.board_size))  # fmt: skip
        if self._keyboard_cell >= 0 and self.hasFocus():
            tools.paint_cursor(painter, self._keyboard_cell, colour or BLACK)

    def _is_over(self) -> bool:
        return bool(self._winning_path) and self._setup_colour is None

    def _pointer_colour(self) -> int:
        return self._to_move if self._setup_colour is None else self._setup_colour

    # -- mouse -----------------------------------------------------------------------------------------------

    def _cell_at(self, event: QMouseEvent) -> int:
        return self.geometry_of_board.cell_at(event.position().x(), event.position().y())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event)
        self._set_keyboard_cell(-1)
        if cell < 0:
            event.ignore()
            return
        if self._locked:
            QToolTip.showText(event.globalPosition().toPoint(), self._locked, self)
            return
        self._pressed = (cell, event.button())
        if self._setup_colour is not None:
            self._begin_stroke(cell, event.button())

    def _begin_stroke(self, cell: int, button: Qt.MouseButton) -> None:
        """A stroke keeps the colour it begins with; begun on a stone of that colour, it erases."""
        colour = self._setup_colour or 0
        same = int(self._cells.reshape(-1)[cell]) == colour
        self._stroke_colour = 0 if button == Qt.MouseButton.RightButton or same else colour
        self._stroke_cell = cell
        self.stone_painted.emit(cell, self._stroke_colour)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event)
        self._hover_at(cell)
        if self._pressed and self._setup_colour is not None and cell >= 0 and cell != self._stroke_cell:
            self._stroke_cell = cell
            self.stone_painted.emit(cell, self._stroke_colour)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is None or event.button() != pressed[1]:
            return
        if self._setup_colour is not None:
            self._stroke_cell = -1
            self.stroke_ended.emit()
            return
        cell = self._cell_at(event)
        if cell == pressed[0]:
            self.cell_clicked.emit(cell, event.button())
        elif cell >= 0:
            self.cell_dragged.emit(pressed[0], cell)

    def _hover_at(self, cell: int) -> None:
        if cell != self._hover:
            self._hover = cell
            self.update()
            self.cell_hovered.emit(cell)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover_at(-1)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Touch pads send fractions of a notch; they add up."""
        self._wheel += event.angleDelta().y()
        steps = int(self._wheel / 120)
        if steps:
            self._wheel -= 120 * steps
            self.wheel_stepped.emit(-steps)
        event.accept()

    # -- keyboard --------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in _ARROWS and plain:
            self._walk(_ARROWS[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain and self._keyboard_cell >= 0:
            self._press_keyboard_cell()
        elif key == Qt.Key.Key_Escape and self._keyboard_cell >= 0:
            self._set_keyboard_cell(-1)
        else:
            super().keyPressEvent(event)

    def _press_keyboard_cell(self) -> None:
        if self._locked:
            self._announce(self._locked)
        elif self._setup_colour is not None:
            self._begin_stroke(self._keyboard_cell, Qt.MouseButton.LeftButton)
            self.stroke_ended.emit()
        else:
            self.cell_clicked.emit(self._keyboard_cell, Qt.MouseButton.LeftButton)

    def _walk(self, direction: tuple[float, float]) -> None:
        g = self.geometry_of_board
        if self._keyboard_cell < 0:
            start = self._last_move if self._last_move >= 0 else (self.board_size**2) // 2
            self._keyboard_line = None
            self._set_keyboard_cell(start)
            return
        line = self._keyboard_line
        here = g.centres[self._keyboard_cell]
        if line is None or abs(float((here - line) @ (direction[1], direction[0]))) > 1.2 * g.radius:
            line = here
        cell = g.step(self._keyboard_cell, direction, line)
        self._set_keyboard_cell(cell)
        across = np.array([abs(direction[1]), abs(direction[0])])
        # Keep the line of this walk; the part along it follows, so that turning starts from where we stand.
        self._keyboard_line = line * across + g.centres[cell] * (1 - across)

    def _set_keyboard_cell(self, cell: int) -> None:
        if cell == self._keyboard_cell:
            return
        self._keyboard_cell = cell
        self.update()
        if cell >= 0:
            self._announce(self.describe_cell(cell))
            self.cell_hovered.emit(cell)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    def _announce(self, text: str) -> None:
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    # -- surroundings ----------------------------------------------------------------------------------------

    def _board_resized(self) -> None:
        self._keyboard_cell = self._hover = -1
        self._pressed = None

    def _position_changed(self) -> None:
        self._update_cursor()

    def _look_changed(self) -> None:
        self._update_cursor()

    def _update_cursor(self) -> None:
        if not self.isEnabled() or self._is_over():
            self.unsetCursor()
        elif self._locked:
            self.setCursor(Qt.CursorShape.BusyCursor)
        else:
            colour = self._pointer_colour()
            fill = self.look.stone(colour) if colour else self.look.line
            self.setCursor(coloured_cursor(fill, self.devicePixelRatioF()))


def coloured_cursor(colour: QColor, pixel_ratio: float) -> QCursor:
    """The usual arrow, filled with a player's colour: the hand shows whose stone it holds."""
    side = 24
    pixmap = QPixmap(round(side * pixel_ratio), round(side * pixel_ratio))
    pixmap.setDevicePixelRatio(pixel_ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    outline = [(2, 2), (2, 18), (6.2, 14.2), (9, 20.5), (12, 19.2), (9.3, 13.2), (15, 13)]
    painter = smooth_painter(pixmap)
    shape = QPolygonF([QPointF(x, y) for x, y in outline])
    painter.setPen(QPen(QColor(0, 0, 0, 90), 3.6, j=Qt.PenJoinStyle.RoundJoin))
    painter.drawPolygon(shape)
    painter.setPen(QPen(QColor("#ffffff"), 1.8, j=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(colour)
    painter.drawPolygon(shape)
    painter.end()
    return QCursor(pixmap, 2, 2)
