"""The candidate moves of a search as a live table; pointing at one previews its variation on the board."""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from engines.hex.coordinates import cell_name
from engines.hex.snapshots import AnalysisSnapshot
from workbench.panels.hex.move_rows import MoveRow, line_text, move_rows
from workbench.panels.hex.overlays import short_count
from workbench.theme import font

_COLUMNS = (
    ("Move", "Candidate move; a star marks the one the engine would play."),
    ("Visits", "Simulations given to it; the bar is its share of all."),
    ("Win %", "Search value of the move."),
    ("Prior %", "The policy head's probability."),
    ("q-head %", "The q-head's value of the move, from one network call at the parent."),
    ("Variation", "Principal variation."),
)
MOVE, VISITS, WIN, PRIOR, Q_HEAD, LINE = range(6)
SHARE_ROLE = Qt.ItemDataRole.UserRole + 1
_Index = QModelIndex | QPersistentModelIndex


class MoveModel(QAbstractTableModel):
    """Rows of `MoveRow`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[MoveRow, ...] = ()
        self.size = 11

    def set_rows(self, rows: tuple[MoveRow, ...], size: int) -> None:
        """Show other rows; a table of the same length only repaints, so that selection and scrolling stay."""
        self.size = size
        if len(rows) == len(self.rows):
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, LINE))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _COLUMNS[section][0]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _COLUMNS[section][1]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.FontRole and row.is_best:
            return font("strong")
        if role == Qt.ItemDataRole.ToolTipRole and column == LINE:
            return self._text(row, column)
        if role == SHARE_ROLE and column == VISITS:
            return row.share
        return None

    def _text(self, row: MoveRow, column: int) -> str:
        if column == MOVE:
            return cell_name(row.cell, self.size) + (" ★" if row.is_best else "")
        if column == VISITS:
            return short_count(row.visits)
        if column == LINE:
            return line_text(row.line, self.size)
        if column == WIN and row.proven:
            return "proven" if row.proven > 0 else "lost"
        value = (row.win, row.prior, row.q_head)[column - WIN]
        return "–" if math.isnan(value) else f"{value:.1f}"


class MoveTable(QTableView):
    """`line_hovered(moves)`: show this variation, () none. `move_chosen(cell)`: a double click or Enter."""

    line_hovered = Signal(object)
    move_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = MoveModel(self)
        self._hovered = -1
        self.top = 12
        self.always_red = False
        self.line_length = 12
        self._snapshot: AnalysisSnapshot | None = None
        self.setModel(self._model)
        self.setItemDelegateForColumn(VISITS, _ShareDelegate(self))
        self.setAccessibleName("Candidate moves")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.verticalHeader().setMinimumSectionSize(8)
        header = self.horizontalHeader()
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        letter = self.fontMetrics().averageCharWidth()
        for column, letters in ((MOVE, 8), (VISITS, 11), (WIN, 9), (PRIOR, 10), (Q_HEAD, 12)):
            self.setColumnWidth(column, letters * letter)
        self.activated.connect(self._choose)
        self.selectionModel().currentRowChanged.connect(self._walked)

    @property
    def rows(self) -> tuple[MoveRow, ...]:
        return self._model.rows

    def sizeHint(self) -> QSize:
        return QSize(460, 220)

    def set_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        """Show a search, or nothing. A variation being previewed follows its move's newest line."""
        self._snapshot = snapshot
        self.refresh()

    def refresh(self) -> None:
        """Apply changed options (top, always_red, line_length)."""
        rows = () if self._snapshot is None else move_rows(
            self._snapshot, top=self.top, always_red=self.always_red, line_length=self.line_length
        )  # fmt: skip
        before = self._line_of(self._hovered)
        self._model.set_rows(rows, self._snapshot.size if self._snapshot else 11)
        after = self._line_of(self._hovered)
        if self._hovered >= 0 and not after:
            self._hovered = -1
        if after != before:
            self.line_hovered.emit(after)

    def _line_of(self, cell: int) -> tuple[int, ...]:
        return next((row.line for row in self.rows if row.cell == cell), ())

    def _hover(self, row: int) -> None:
        cell = self.rows[row].cell if 0 <= row < len(self.rows) else -1
        if cell != self._hovered:
            self._hovered = cell
            self.line_hovered.emit(self._line_of(cell))

    def _walked(self, current: QModelIndex, _before: QModelIndex) -> None:
        if self.hasFocus():
            self._hover(current.row())

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid() and index.row() < len(self.rows):
            self.move_chosen.emit(self.rows[index.row()].cell)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.indexAt(event.position().toPoint()).row())

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose(self.currentIndex())
        elif event.key() == Qt.Key.Key_Escape and self._hovered >= 0:
            self._hover(-1)
        else:
            super().keyPressEvent(event)


class _ShareDelegate(QStyledItemDelegate):
    """A number over a bar."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        share = index.data(SHARE_ROLE) or 0.0
        if not option.state & QStyle.StateFlag.State_Selected:
            colour = QColor(option.palette.color(QPalette.ColorRole.Highlight))
            colour.setAlpha(56)
            room = QRectF(option.rect).adjusted(3, 3, -3, -3)
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(
                QRectF(room.right() - room.width() * share, room.top(), room.width() * share, room.height()),
                2,
                2,
            )
            painter.restore()
        super().paint(painter, option, index)


def _alignment(column: int) -> int:
    sideways = Qt.AlignmentFlag.AlignLeft if column in (MOVE, LINE) else Qt.AlignmentFlag.AlignRight
    return int(sideways | Qt.AlignmentFlag.AlignVCenter)
