"""A matrix as a heat map: point at a cell to read it, click to open it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen

from workbench.widgets.matrix_canvas import MatrixCanvas

_ARROWS: Final = {Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1), Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0)}


class MatrixView(MatrixCanvas):
    """A matrix to point at and to open cells of.

    Signals: `cell_clicked(row, col)` for a click, or Enter after walking there with the arrow keys;
    `cell_hovered(row, col)`, (-1, -1) on leaving.
    """

    cell_clicked = Signal(int, int)
    cell_hovered = Signal(int, int)

    _chosen: tuple[int, int] | None = None
    _hover: tuple[int, int] | None = None
    _cursor: tuple[int, int] | None = None

    def set_headers(self, rows: Sequence[str], columns: Sequence[str]) -> None:
        """Name rows and columns; numbers of another shape go, and with them what was chosen."""
        if (len(rows), len(columns)) != self._values.shape:
            self._hover = self._cursor = self._chosen = None
        super().set_headers(rows, columns)

    @property
    def chosen(self) -> tuple[int, int] | None:
        return self._chosen

    def set_chosen(self, cell: tuple[int, int] | None) -> None:
        """Mark a cell as the one that is shown elsewhere, or none."""
        self._chosen = cell
        self.update()

    def paint_over(self, painter: QPainter) -> None:
        if not self._values.size:
            return
        grid = self._grid(self.rect())
        self._paint_veils(painter, grid)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        marks = ((self._chosen, self.colours.accent, 3.0), (self._hover or self._key_cell(), self.colours.text, 2.0))
        for cell, colour, width in marks:
            if cell is None:
                continue
            room = self._cell(grid, *cell)
            painter.setPen(QPen(QColor(self.colours.surface), width + 2, j=Qt.PenJoinStyle.MiterJoin))
            painter.drawRect(room.adjusted(1, 1, -1, -1))
            painter.setPen(QPen(QColor(colour), width, j=Qt.PenJoinStyle.MiterJoin))
            painter.drawRect(room.adjusted(1, 1, -1, -1))

    def _key_cell(self) -> tuple[int, int] | None:
        return self._cursor if self.hasFocus() else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point_at(self.cell_at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        self._point_at(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self.cell_at(event.position().x(), event.position().y())
        if cell is not None and event.button() == Qt.MouseButton.LeftButton:
            self._cursor = cell
            self._choose(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        rows, columns = self._values.shape
        if key in _ARROWS and self._values.size:
            down, right = _ARROWS[key]
            if self._cursor is None:
                self._cursor = self._chosen or (0, 0)
            else:
                row, column = self._cursor
                self._cursor = min(max(row + down, 0), rows - 1), min(max(column + right, 0), columns - 1)
            self._hover = None
            self.setAccessibleDescription(self.describe(*self._cursor))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cursor is not None:
            self._choose(self._cursor)
        else:
            super().keyPressEvent(event)

    def _choose(self, cell: tuple[int, int]) -> None:
        self.set_chosen(cell)
        self.cell_clicked.emit(*cell)

    def _point_at(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hover:
            self._hover = cell
            self.setCursor(Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor)
            self.cell_hovered.emit(*(cell or (-1, -1)))
            self.update()
