"""Named rows and columns around the cells of a matrix: room for the names, and where each cell lies."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.canvas import Canvas
from workbench.widgets.scale_bar import bar_height


class MatrixFrame(Canvas):
    """What `MatrixCanvas` fills with colours. Names of columns are slanted where they would not fit side by side.

    row_title, column_title: what rows and columns are. legend: room for a colour bar below. square: cells are.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        parent: QWidget | None,
        row_title: str,
        column_title: str,
        legend: bool,
        square: bool,
    ) -> None:
        super().__init__(theme, name, parent)
        self._titles = (row_title, column_title)
        self._legend, self._square = legend, square
        self._rows: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self._rows), len(self._columns)

    # -- where things are -------------------------------------------------------------------------------------

    def _title_height(self, which: int) -> float:
        return QFontMetricsF(font("small")).height() + 2 if self._titles[which] else 0.0

    def _longest(self, names: Sequence[str]) -> float:
        metrics = QFontMetricsF(font("small"))
        return max((metrics.horizontalAdvance(name) for name in names), default=0.0)

    def _head(self) -> QSize:
        """Room for the headers: left of the cells, and above them."""
        line = QFontMetricsF(font("small")).height()
        width = min(self._longest(self._rows), 150.0) + 12 + self._title_height(0)
        left_for_cells = max(self.width() - width - GRID, 1.0) / max(len(self._columns), 1)
        slanted = self._longest(self._columns) + 4 > left_for_cells
        height = (min(self._longest(self._columns), 130.0) * 0.77 + line * 0.75 if slanted else line) + 6
        return QSize(round(width), round(height + self._title_height(1)))

    def _overhang(self) -> int:
        """How far the last slanted header leans out beyond the cells."""
        if not self._columns or not self._is_slanted():
            return 0
        longest = min(QFontMetricsF(font("small")).horizontalAdvance(self._columns[-1]), 170.0)
        return max(round(longest * 0.65 - 16), 0)

    def _is_slanted(self) -> bool:
        return self._head().height() > QFontMetricsF(font("small")).height() + 6 + self._title_height(1) + 1

    def _below(self) -> float:
        """Height of what stands under the cells."""
        return bar_height() + 10 if self._legend else 4.0

    def _grid(self, target: QRect) -> QRectF:
        """The rectangle of all cells; cells are whole pixels wide, so that their edges are sharp."""
        head = self._head()
        rows, columns = self.shape
        across = max((target.width() - head.width() - 6 - self._overhang()) // max(columns, 1), 4)
        down = max(int(target.height() - head.height() - self._below()) // max(rows, 1), 4)
        if self._square:
            across = down = min(across, down)
        down = min(down, max(across, 64))
        left, top = target.left() + head.width(), target.top() + head.height()
        return QRectF(left, top, across * columns, down * rows)

    def _cell(self, grid: QRectF, row: int, column: int) -> QRectF:
        rows, columns = self.shape
        width, height = grid.width() / columns, grid.height() / rows
        return QRectF(grid.left() + column * width, grid.top() + row * height, width - 1, height - 1)

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """(row, column) at a point, None beside the cells."""
        grid, (rows, columns) = self._grid(self.rect()), self.shape
        if not rows * columns or not grid.contains(QPointF(x, y)):
            return None
        row = int((y - grid.top()) / grid.height() * rows)
        return min(row, rows - 1), min(int((x - grid.left()) / grid.width() * columns), columns - 1)

    def point_of(self, row: int, column: int) -> QPoint:
        """The middle of a cell in the widget."""
        return self._cell(self._grid(self.rect()), row, column).center().toPoint()

    # -- painting ---------------------------------------------------------------------------------------------

    def _paint_headers(self, painter: QPainter, target: QRect, grid: QRectF) -> None:
        small, metrics = font("small"), QFontMetricsF(font("small"))
        painter.setFont(small)
        head = self._head()
        for row, name in enumerate(self._rows):
            cell = self._cell(grid, row, 0)
            room = QRectF(grid.left() - head.width() + 4, cell.top(), head.width() - 10, cell.height())
            painter.setPen(QColor(self.colours.text))
            short = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, short)
        slanted = self._is_slanted()
        for column, name in enumerate(self._columns):
            cell = self._cell(grid, 0, column)
            painter.setPen(QColor(self.colours.text))
            if slanted:
                self._paint_slanted(painter, cell, name, head.height() - self._title_height(1))
            else:
                room = QRectF(cell.left() + 1, grid.top() - metrics.height() - 4, cell.width() - 2, metrics.height())
                short = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room.width())
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, short)
        painter.setPen(QColor(self.colours.muted))
        if self._titles[1]:
            top = QRectF(grid.left(), target.top() + 2, grid.width(), metrics.height())
            painter.drawText(top, Qt.AlignmentFlag.AlignCenter, f"{self._titles[1]} →")
        if self._titles[0]:
            painter.save()
            painter.translate(grid.left() - head.width() + metrics.height() / 2 - 2, grid.center().y())
            painter.rotate(-90)
            side = QRectF(-grid.height() / 2, -metrics.height() / 2, grid.height(), metrics.height())
            painter.drawText(side, Qt.AlignmentFlag.AlignCenter, f"← {self._titles[0]}")
            painter.restore()

    def _paint_slanted(self, painter: QPainter, cell: QRectF, name: str, height: float) -> None:
        metrics = QFontMetricsF(painter.font())
        painter.save()
        painter.translate(cell.center().x(), cell.top() - 6)
        painter.rotate(-50)
        short = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, height / 0.77 - metrics.height())
        painter.drawText(QPointF(2, metrics.ascent() / 2 - 2), short)
        painter.restore()
