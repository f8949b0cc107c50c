"""Many small boards at once, as self-play has them: painted into one picture, of which only changes are
redrawn."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.widgets.hexboard.geometry import FLAT, BoardGeometry
from workbench.widgets.hexboard.look import look_for
from workbench.widgets.hexboard.painter import BoardPainter

GAP = 6
"""Pixels between boards."""
ROUND_FROM = 6.0
"""Cells of at least this radius in pixels hold round stones, smaller ones are filled whole."""


class MiniBoardWall(QWidget):
    """A grid of live boards. `board_clicked(index)`."""

    board_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boards = np.zeros((0, 5, 5), np.int8)
        self._drawn = self._boards
        self._last = np.zeros(0, np.int32)
        self._columns = 1
        self._cell = QSize(1, 1)
        self._origin = QPointF(0, 0)
        self._tools: BoardPainter | None = None
        self._empty: QPixmap | None = None
        self._wall: QPixmap | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 80)
        self.setAccessibleName("Games being played")

    @property
    def count(self) -> int:
        return len(self._boards)

    def set_boards(self, boards: np.ndarray, last_moves: np.ndarray | None = None) -> None:
        """Show int8 [K, n, n] boards (0 empty, 1 Red, 2 Blue); last_moves: int32 [K], -1 for none."""
        if boards.ndim != 3 or boards.shape[1] != boards.shape[2]:
            raise ValueError(f"expected boards [K, n, n], got shape {boards.shape}")
        if boards.shape != self._boards.shape:
            self._wall = None
        self._boards = boards
        self._last = np.full(len(boards), -1, np.int32) if last_moves is None else last_moves
        n = boards.shape[1]
        self.setAccessibleDescription(f"{len(boards)} games on {n} by {n} boards")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 320)

    def place(self, index: int) -> QPointF:
        """The upper left corner of a board, in pixels."""
        row, column = divmod(index, self._columns)
        step = self._step
        return self._origin + QPointF(column * step.width(), row * step.height())

    @property
    def _step(self) -> QSize:
        """From one board to the next."""
        return QSize(self._cell.width() + GAP, self._cell.height() + GAP)

    # -- painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._boards):
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No games yet")
            painter.end()
            return
        if self._tools is not None and self._tools.pixel_ratio != self.devicePixelRatioF():
            self._wall = None
        self._bring_up_to_date()
        assert self._wall is not None
        assert self._tools is not None
        painter.drawPixmap(0, 0, self._wall)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        radius = self._tools.geometry.radius
        painter.setPen(QPen(QColor(255, 255, 255, 235), max(1.0, 0.2 * radius)))
        centres = self._tools.geometry.centres
        for index, cell in enumerate(self._last.tolist()):
            if cell >= 0:
                painter.drawEllipse(self.place(index) + QPointF(*centres[cell]), 0.38 * radius, 0.38 * radius)
        painter.end()

    def _bring_up_to_date(self) -> None:
        if self._wall is None:
            self._begin_wall()
        assert self._wall is not None
        assert self._empty is not None
        changed = self._boards != self._drawn
        if not changed.any():
            return
        painter = QPainter(self._wall)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index in np.flatnonzero(changed.any(axis=(1, 2))).tolist():
            at = self.place(index)
            fresh = changed[index]
            if (self._drawn[index][fresh] != 0).any():  # a stone went away: another game has begun
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
                painter.drawPixmap(at, self._empty)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
                fresh = self._boards[index] != 0
            painter.translate(at)
            self._paint_stones(painter, self._boards[index], fresh)
            painter.translate(-at)
        painter.end()
        self._drawn = self._boards.copy()

    def _paint_stones(self, painter: QPainter, board: np.ndarray, which: np.ndarray) -> None:
        assert self._tools is not None
        g = self._tools.geometry
        flat = board.reshape(-1)
        for cell in np.flatnonzero(which.reshape(-1)).tolist():
            player = int(flat[cell])
            if g.radius >= ROUND_FROM:
                x, y = g.centres[cell]
                self._tools.paint_stone(painter, x, y, player)
            else:
                self._tools.paint_tile(painter, cell, player)

    def _begin_wall(self) -> None:
        """An empty board for each game, in the arrangement that makes them largest."""
        count, n = self._boards.shape[:2]
        shape = BoardGeometry(n, 100, 100, FLAT, coordinates=False).aspect
        self._columns, width = best_columns(count, self.width(), self.height(), shape)
        ratio = self.devicePixelRatioF()
        # Whole device pixels, so that boards copied around stay sharp.
        self._cell = QSize(max(round(width), 8), max(round(width / shape), 6))
        rows = math.ceil(count / self._columns)
        used = self._step.width() * self._columns - GAP, self._step.height() * rows - GAP
        self._origin = QPointF(max(self.width() - used[0], 0) // 2, max(self.height() - used[1], 0) // 2)
        geometry = BoardGeometry(n, self._cell.width(), self._cell.height(), FLAT, coordinates=False, margin=1.0)
        self._tools = BoardPainter(geometry, look_for(self.palette()), self.font(), ratio)
        self._empty = self._pixmap(self._cell, ratio)
        painter = QPainter(self._empty)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._tools.paint_board(painter, shadow=False)
        painter.end()
        self._wall = self._pixmap(self.size(), ratio)
        painter = QPainter(self._wall)
        for index in range(count):
            painter.drawPixmap(self.place(index), self._empty)
        painter.end()
        self._drawn = np.zeros_like(self._boards)

    def _pixmap(self, size: QSize, ratio: float) -> QPixmap:
        pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        return pixmap

    # -- surroundings ----------------------------------------------------------------------------------------

    def board_at(self, x: float, y: float) -> int:
        """The board under a point, -1 for none."""
        column = int((x - self._origin.x()) // self._step.width())
        row = int((y - self._origin.y()) // self._step.height())
        index = row * self._columns + column
        inside = 0 <= column < self._columns and 0 <= index < len(self._boards)
        return index if inside and QRectF(self.place(index), self._cell).contains(x, y) else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.board_at(event.position().x(), event.position().y())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.board_clicked.emit(index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._wall = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._wall = None
            self.update()
        super().changeEvent(event)


def best_columns(count: int, width: float, height: float, aspect: float) -> tuple[int, float]:
    """Columns of a grid of `count` boards of width/height `aspect`, and their width, so that they are
    largest."""
    best, best_width = 1, 0.0
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        across = (width - GAP * (columns - 1)) / columns
        down = (height - GAP * (rows - 1)) / rows * aspect
        if min(across, down) > best_width + 1e-9:
            best, best_width = columns, min(across, down)
    return best, best_width
