"""The Hex board: shows a position and says what the user pointed at. It knows no rules and plays no moves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QColor,
    QCursor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from workbench.widgets import exports
from workbench.widgets.hexboard.geometry import FLAT, BoardGeometry, cell_label
from workbench.widgets.hexboard.heat import Heat
from workbench.widgets.hexboard.look import BLACK, PLAYER_NAMES, WHITE, Look, look_for
from workbench.widgets.hexboard.painter import BoardPainter, Mark

_ARROWS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class HexBoard(QWidget):
    """A board of 1×1 to 26×26 cells.

    Signals: `cell_clicked(cell, buttons)` after a press and release on one cell, or Enter on the keyboard's
    cell; `cell_hovered(cell)` with -1 on leaving; `stone_painted(cell, colour)` in setup mode for each cell
    that the pressed mouse crosses (colour 0 erases), `stroke_ended()` when the button is let go;
    `cell_dragged(from, to)` when a press outside setup mode is released on another cell;
    `rotation_changed(hour)`.
    """

    cell_clicked = Signal(int, object)
    cell_hovered = Signal(int)
    cell_dragged = Signal(int, int)
    stone_painted = Signal(int, int)
    stroke_ended = Signal()
    wheel_stepped = Signal(int)
    rotation_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None, *, size: int = 11) -> None:
        super().__init__(parent)
        self._cells = np.zeros((size, size), np.int8)
        self._to_move = BLACK
        self._last_move = -1
        self._winning_path: tuple[int, ...] = ()
        self._marks: dict[int, Mark] = {}
        self._numbers: dict[int, int] = {}
        self._heat: Heat | None = None
        self._show_numbers = True
        self._variation: tuple[tuple[int, ...], int] = ((), BLACK)
        self._rotation = FLAT
        self._coordinates = True
        self._setup_colour: int | None = None
        self._locked = ""
        self._hover = -1
        self._wheel = 0
        self._pressed: tuple[int, Qt.MouseButton] | None = None
        self._stroke_colour = 0
        self._stroke_cell = -1
        self._keyboard_cell = -1
        self._keyboard_line: np.ndarray | None = None
        self._painter: BoardPainter | None = None
        self._base: QPixmap | None = None
        self._scene: QPixmap | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(140, 110)
        self._describe()

    # -- what it shows ---------------------------------------------------------------------------------------

    @property
    def board_size(self) -> int:
        return int(self._cells.shape[0])

    @property
    def cells(self) -> np.ndarray:
        """int8 [n, n]: 0 empty, 1 Red (first player), 2 Blue. A copy."""
        return self._cells.copy()

    @property
    def to_move(self) -> int:
        return self._to_move

    @property
    def rotation(self) -> int:
        return self._rotation

    @property
    def hovered_cell(self) -> int:
        return self._hover

    @property
    def keyboard_cell(self) -> int:
        """The cell that Enter would click, -1 before the first arrow key."""
        return self._keyboard_cell

    @property
    def heat(self) -> Heat | None:
        return self._heat

    @property
    def variation(self) -> tuple[int, ...]:
        """The cells of the variation that is being previewed."""
        return self._variation[0]

    @property
    def geometry_of_board(self) -> BoardGeometry:
        """Where the cells lie now; for tests, exports and tool tips."""
        return self._tools().geometry

    def cell_centre(self, cell: int) -> QPoint:
        """The middle of a cell in this widget's pixels."""
        x, y = self.geometry_of_board.centres[cell]
        return QPoint(round(x), round(y))

    def set_position(
        self,
        cells: np.ndarray,
        to_move: int,
        *,
        last_move: int = -1,
        winning_path: Sequence[int] = (),
        marks: dict[int, Mark] | None = None,
        numbers: dict[int, int] | None = None,
    ) -> None:
        """Show int8 [n, n] stones with `to_move` (1 or 2) on turn; everything belonging to another position,
        overlay and variation too, is dropped when the stones differ. numbers: cell → move number on the
        stone."""
        if cells.ndim != 2 or cells.shape[0] != cells.shape[1]:
            raise ValueError(f"expected cells [n, n], got shape {cells.shape}")
        resized = cells.shape != self._cells.shape
        if resized or not np.array_equal(cells, self._cells):
            self._heat = None
            self._variation = ((), BLACK)
        self._cells = cells.astype(np.int8, copy=True)
        self._to_move = to_move
        self._last_move = last_move
        self._winning_path = tuple(winning_path)
        self._marks = dict(marks or {})
        self._numbers = dict(numbers or {})
        if resized:
            self._keyboard_cell = self._hover = -1
            self._pressed = None
            self._new_geometry()
        self._describe()
        self._new_scene()
        self._update_cursor()

    def set_heat(self, heat: Heat | None) -> None:
        """Lay an overlay over the cells, or take it away."""
        if heat is not None and len(heat.values) != self._cells.size:
            raise ValueError(f"expected an overlay of {self._cells.size} cells, got {len(heat.values)}")
        self._heat = heat
        self._new_scene()

    def set_heat_numbers(self, shown: bool) -> None:
        self._show_numbers = shown
        self._new_scene()

    def set_variation(self, moves: Sequence[int], player: int | None = None) -> None:
        """Preview a variation as numbered ghost stones, `player` (default: on turn) first; () ends it."""
        self._variation = (tuple(moves), player or self._to_move)
        self.update()

    def set_rotation(self, hour: int) -> None:
        """Turn the board: 10 flat, 9 and 12 diamonds, 1..12 in steps of 30°."""
        if not 1 <= hour <= 12:
            raise ValueError(f"expected a rotation in 1..12, got {hour}")
        if hour != self._rotation:
            self._rotation = hour
            self._new_geometry()
            self.rotation_changed.emit(hour)

    def set_coordinates(self, shown: bool) -> None:
        self._coordinates = shown
        self._new_geometry()

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

    # -- painting --------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(640, 460)

    def _tools(self) -> BoardPainter:
        if self._painter is None:
            geometry = BoardGeometry(
                self.board_size, self.width(), self.height(), self._rotation, self._coordinates
            )
            self._painter = BoardPainter(geometry, self.look, self.font(), self.devicePixelRatioF())
        return self._painter

    @property
    def look(self) -> Look:
        return look_for(self.palette())

    def _new_geometry(self) -> None:
        self._painter = self._base = None
        self._new_scene()

    def _new_scene(self) -> None:
        self._scene = None
        self.update()

    def _pixmap(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def _board_layer(self) -> QPixmap:
        if self._base is None:
            self._base = self._pixmap()
            self._base.fill(Qt.GlobalColor.transparent)
            painter = _smooth(self._base)
            self._tools().paint_board(painter)
            if self._coordinates:
                self._tools().paint_coordinates(painter)
            painter.end()
        return self._base

    def _scene_layer(self) -> QPixmap:
        if self._scene is None:
            self._scene = QPixmap(self._board_layer())
            painter = _smooth(self._scene)
            self.paint_contents(self._tools(), painter)
            painter.end()
        return self._scene

    def paint_contents(self, tools: BoardPainter, painter: QPainter) -> None:
        """Everything on the board except what follows the mouse; exports draw it with tools of their own."""
        won = frozenset(self._winning_path) if self._winning_path else None
        if self._heat is not None:
            tools.paint_heat(painter, self._heat)
        tools.paint_stones(painter, self._cells, won)
        if self._heat is not None:
            tools.paint_heat_texts(painter, self._heat, numbers=self._show_numbers)
        tools.paint_numbers(painter, self._numbers)
        if (
            self._last_move >= 0
            and self._last_move not in self._numbers
            and self._last_move not in self._marks
        ):
            tools.paint_last_move(painter, self._last_move)
        if self._winning_path:
            tools.paint_winning_path(painter, self._winning_path, self._winner_of_path())
        tools.paint_marks(painter, self._marks, self._cells)

    def _winner_of_path(self) -> int:
        return int(self._cells.reshape(-1)[self._winning_path[0]]) or BLACK

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._painter is not None and self._painter.pixel_ratio != self.devicePixelRatioF():
            self._painter = self._base = self._scene = None
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        painter.drawPixmap(0, 0, self._scene_layer())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        moves, player = self._variation
        if moves:
            self._tools().paint_variation(painter, moves, player)
        if self.isEnabled():
            self._paint_pointer(painter)
        painter.end()

    def _paint_pointer(self, painter: QPainter) -> None:
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

    # -- pictures --------------------------------------------------------------------------------------------

    def picture_size(self, width: int = 1200) -> QSize:
        """The size of a picture of this board without empty margins, in logical pixels."""
        return QSize(width, round(width / self.geometry_of_board.aspect))

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        """Draw what is shown, sharp at any size and without what follows the mouse."""
        geometry = BoardGeometry(
            self.board_size, target.width(), target.height(), self._rotation, self._coordinates
        )
        tools = BoardPainter(geometry, self.look, self.font())
        painter.fillRect(target, self.look.ground)
        painter.save()
        painter.translate(target.topLeft())
        tools.paint_board(painter)
        if self._coordinates:
            tools.paint_coordinates(painter)
        self.paint_contents(tools, painter)
        moves, player = self._variation
        tools.paint_variation(painter, moves, player)
        painter.restore()

    def save_png(self, path: Path, width: int = 1200) -> None:
        """Write the board as PNG, two device pixels for each of `width`. Raises OSError."""
        exports.save_png(self.paint_into, self.picture_size(width), path)

    def save_svg(self, path: Path, width: int = 1200) -> None:
        """Write the board as SVG. Raises OSError."""
        exports.save_svg(self.paint_into, self.picture_size(width), path, title=self.accessibleName())

    def copy_picture(self) -> None:
        """Put a picture of the board on the clipboard."""
        exports.copy_picture(self.paint_into, self.picture_size())

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

    # -- words for those who hear the board ------------------------------------------------------------------

    def describe_cell(self, cell: int) -> str:
        """A cell in words, e.g. "f6, Red stone, last move" or "a2, empty, 53 % win"."""
        stone = int(self._cells.reshape(-1)[cell])
        parts = [cell_label(cell, self.board_size), f"{PLAYER_NAMES[stone]} stone" if stone else "empty"]
        if cell == self._last_move:
            parts.append("last move")
        if cell in self._marks and self._marks[cell].text:
            parts.append(f"label {self._marks[cell].text}")
        if self._heat is not None and self._heat.texts[cell]:
            parts.append(f"{self._heat.scale.title} {self._heat.texts[cell]} {self._heat.scale.unit}")
        return ", ".join(parts)

    def _describe(self) -> None:
        n = self.board_size
        red, blue = (int(np.sum(self._cells == player)) for player in (BLACK, WHITE))
        turn = f"{PLAYER_NAMES[self._to_move]} to move"
        if self._winning_path:
            turn = f"{PLAYER_NAMES[self._winner_of_path()]} has won"
        self.setAccessibleName(f"Hex board {n} by {n}, {turn}")
        self.setAccessibleDescription(
            f"{red} red and {blue} blue stones. Red joins top and bottom, Blue left and right. "
            "Arrow keys move, Enter places a stone."
        )

    def _announce(self, text: str) -> None:
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    # -- surroundings ----------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._new_geometry()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.EnabledChange)
        if event.type() in kinds:
            self._new_geometry()
            self._update_cursor()
        super().changeEvent(event)

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
    painter = _smooth(pixmap)
    shape = QPolygonF([QPointF(x, y) for x, y in outline])
    painter.setPen(QPen(QColor(0, 0, 0, 90), 3.6, j=Qt.PenJoinStyle.RoundJoin))
    painter.drawPolygon(shape)
    painter.setPen(QPen(QColor("#ffffff"), 1.8, j=Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(colour)
    painter.drawPolygon(shape)
    painter.end()
    return QCursor(pixmap, 2, 2)


def _smooth(pixmap: QPixmap) -> QPainter:
    painter = QPainter(pixmap)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    return painter
