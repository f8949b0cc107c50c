"""A table of figures: a row a model, numbers that sort as numbers, a colour that says which curve is whose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from engines.core.intervals import wilson
from workbench.widgets.basics import percent

SORT = Qt.ItemDataRole.UserRole + 1
MOST_NAME = 190
"""Pixels that a column of names takes at least, where its names are that long."""


@dataclass(frozen=True)
class Cell:
    """What stands in a cell. value: for sorting and CSV, None for plain text. tip: the tooltip."""

    text: str
    value: float | None = None
    tip: str = ""


def share_cell(share: float, count: int, what: str = "images") -> Cell:
    """A share of `count` images with its 95 % Wilson interval in the tooltip, "–" where it is not known."""
    if not np.isfinite(share):
        return Cell("–", float("nan"), "not measured")
    low, high = wilson(share * count, count)
    half = 50 * (high - low)
    text = f"{100 * share:.1f} ±{half:.1f}"
    tip = f"{percent(share)} of {count} {what}; 95\u202f% Wilson interval {percent(low)} to {percent(high)}"
    return Cell(text, share, tip)


class FigureTable(QTableWidget):
    """Rows with a first column of names. `row_chosen(number)`: the row as it was given, -1 for none."""

    row_chosen = Signal(int)

    def __init__(self, name: str, headers: Sequence[tuple[str, str]]) -> None:
        """headers: (text, tooltip) of each column."""
        super().__init__(0, len(headers))
        self.setAccessibleName(name)
        self._names = [text for text, _ in headers]
        for column, (text, tip) in enumerate(headers):
            item = QTableWidgetItem(text)
            item.setToolTip(tip)
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setIconSize(QSize(12, 12))
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setMinimumSectionSize(56)
        head.setStretchLastSection(False)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        self.setSortingEnabled(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        head.sortIndicatorChanged.connect(lambda *_: self._show_arrow())
        self._show_arrow()
        self._quiet = False
        self._rows: list[list[Cell]] = []
        self.itemSelectionChanged.connect(self._chosen)

    def sizeHint(self) -> QSize:
        lines = max(3, min(len(self._rows), 8))
        return QSize(420, self.horizontalHeader().sizeHint().height() + lines * (self.fontMetrics().height() + 8) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.horizontalHeader().sizeHint().height() + 2 * (self.fontMetrics().height() + 8) + 4)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_names()

    def _fit_names(self) -> None:
        """Names take the room that figures leave, but never so little that they cannot be told apart; rather the table
        scrolls."""
        wanted = min(max(self.sizeHintForColumn(0), 100), MOST_NAME)
        figures = sum(self.columnWidth(column) for column in range(1, self.columnCount()))
        room = self.viewport().width() - figures
        self.setColumnWidth(0, max(room, wanted))

    def _show_arrow(self) -> None:
        """Every header keeps room for the arrow while there is one: it is shown only once something is sorted."""
        head = self.horizontalHeader()
        head.setSortIndicatorShown(head.sortIndicatorSection() >= 0)

    def set_rows(self, rows: Sequence[Sequence[Cell]], colours: Sequence[str] = ()) -> None:
        """Show these rows; colours: "#rrggbb" of each. The chosen row and the sorting stay."""
        chosen = self.current_row()
        self._quiet = True
        self.setSortingEnabled(False)
        self._rows = [list(row) for row in rows]
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                item = _Item(cell, number)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                elif colours:
                    item.setIcon(_dot(colours[number]))
                self.setItem(number, column, item)
        self.setSortingEnabled(True)
        self._show_arrow()
        self.choose(chosen)
        self._quiet = False
        self._fit_names()
        self.updateGeometry()

    def current_row(self) -> int:
        """The chosen row as it was given, -1 for none."""
        items = self.selectedItems()
        return int(items[0].data(Qt.ItemDataRole.UserRole)) if items else -1

    def choose(self, number: int) -> None:
        """Choose a row by its number, none for -1; tells nobody."""
        was, self._quiet = self._quiet, True
        self.clearSelection()
        for at in range(self.rowCount()):
            item = self.item(at, 0)
            if item is not None and item.data(Qt.ItemDataRole.UserRole) == number:
                self.selectRow(at)
        self._quiet = was

    def columns_as_arrays(self) -> Mapping[str, np.ndarray]:
        """What is shown as columns for CSV; shares in [0, 1]."""
        found = {}
        for column in range(self.columnCount()):
            cells = [row[column] for row in self._rows]
            plain = all(cell.value is None for cell in cells)
            name = self._names[column].removesuffix(" [%]")
            found[name] = np.array([cell.text if plain else cell.value for cell in cells])
        return found

    def _chosen(self) -> None:
        if not self._quiet:
            self.row_chosen.emit(self.current_row())


class _Item(QTableWidgetItem):
    """Sorts by its number; unknown ones come last."""

    def __init__(self, cell: Cell, number: int) -> None:
        super().__init__(cell.text)
        self.setToolTip(cell.tip or cell.text)
        self.setData(Qt.ItemDataRole.UserRole, number)
        self.setData(SORT, cell.value)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        mine, yours = self.data(SORT), other.data(SORT)
        if isinstance(mine, (int, float)) and isinstance(yours, (int, float)):
            return bool(np.nan_to_num(mine, nan=-np.inf) < np.nan_to_num(yours, nan=-np.inf))
        return self.text() < other.text()


def _dot(colour: str) -> QIcon:
    side = 24
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(3, 3, side - 6, side - 6)
    painter.end()
    icon = QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Active):
        icon.addPixmap(picture, mode)
    return icon
