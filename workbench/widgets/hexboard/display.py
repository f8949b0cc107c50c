"""A board that shows: position, overlay, variation, marks. What follows the mouse is `HexBoard`'s."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.widgets import exports
from workbench.widgets.hexboard.geometry import FLAT, BoardGeometry, cell_label
from workbench.widgets.hexboard.heat import Heat
from workbench.widgets.hexboard.look import BLACK, PLAYER_NAMES, WHITE, Look, look_for
from workbench.widgets.hexboard.painter import BoardPainter, Mark


class BoardDisplay(QWidget):
    """A board of 1×1 to 26×26 cells that is only looked at. `rotation_changed(hour)`.

    Painted in two layers kept as pixmaps, the empty board and what lies on it; subclasses draw the rest in
    `paint_over` and hear of changes through `_board_resized`, `_position_changed` and `_look_changed`.
    """

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
        self._painter: BoardPainter | None = None
        self._base: QPixmap | None = None
        self._scene: QPixmap | None = None
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
            self._new_geometry()
            self._board_resized()
        self._describe()
        self._new_scene()
        self._position_changed()

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

    # -- painting --------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        return QSize(640, 460)

    def _tools(self) -> BoardPainter:
        if self._painter is None:
            geometry = BoardGeometry(self.board_size, self.width(), self.height(), self._rotation, self._coordinates)
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
            painter = smooth_painter(self._base)
            self._tools().paint_board(painter)
            if self._coordinates:
                self._tools().paint_coordinates(painter)
            painter.end()
        return self._base

    def _scene_layer(self) -> QPixmap:
        if self._scene is None:
            self._scene = QPixmap(self._board_layer())
            painter = smooth_painter(self._scene)
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
        covered = {*self._numbers, *self._marks, *self._winning_path}
        if self._last_move >= 0 and self._last_move not in covered:
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
            self.paint_over(painter)
        painter.end()

    def paint_over(self, painter: QPainter) -> None:
        """Draw what changes too often to be kept."""

    # -- pictures --------------------------------------------------------------------------------------------

    def picture_size(self, width: int = 1200) -> QSize:
        """The size of a picture of this board without empty margins, in logical pixels."""
        return QSize(width, round(width / self.geometry_of_board.aspect))

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        """Draw what is shown, sharp at any size and without what follows the mouse."""
        geometry = BoardGeometry(self.board_size, target.width(), target.height(), self._rotation, self._coordinates)
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

    # -- surroundings ----------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._new_geometry()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.EnabledChange)
        if event.type() in kinds:
            self._new_geometry()
            self._look_changed()
        super().changeEvent(event)

    def _board_resized(self) -> None:
        """Cells known from before may not exist any more."""

    def _position_changed(self) -> None:
        """Other stones, or another player to move."""

    def _look_changed(self) -> None:
        """Other colours, or enabled or disabled."""


def smooth_painter(pixmap: QPixmap) -> QPainter:
    """A painter for a layer."""
    painter = QPainter(pixmap)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    return painter
