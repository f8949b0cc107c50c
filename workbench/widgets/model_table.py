"""The table behind a `ModelPicker`: which models there are, which may be ticked together, and how rows look."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, Protocol

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QPalette, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from workbench.theme import Theme
from workbench.widgets.basics import percent

_Index = QModelIndex | QPersistentModelIndex
MOST_ROWS_SEEN: Final = 9
NARROW: Final = 430  # pixels below which the column of inputs gives way to the titles
ROLE: Final = Qt.ItemDataRole
REASON: Final = Qt.ItemDataRole.UserRole + 1


class ModelLike(Protocol):
    """What the list needs to know of a model; `engines.vision` ModelInfo has all of it. problem: why it cannot be
    used, or ""."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def input_shape(self) -> tuple[int, int, int]: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def metrics(self) -> dict[str, Any]: ...
    @property
    def is_own(self) -> bool: ...
    @property
    def problem(self) -> str: ...


class ModelTable(QAbstractTableModel):
    """Rows of models: title with a tick, input, metrics. `ticked` says that the user changed something."""

    ticked = Signal()

    def __init__(self, metrics: Sequence[tuple[str, str]], *, several: bool, one_shape: bool, most: int) -> None:
        super().__init__()
        self._metrics, self._several, self._one_shape, self._most = tuple(metrics), several, one_shape, most
        self.infos: list[ModelLike] = []
        self._chosen: set[str] = set()

    def selection(self) -> list[str]:
        return [info.name for info in self.infos if info.name in self._chosen]

    def set_models(self, models: Sequence[ModelLike], chosen: Sequence[str]) -> None:
        self.beginResetModel()
        self.infos = list(models)
        self._chosen = set()
        for info in self.infos:  # one after the other, so that a later one may not fit the earlier
            if info.name in chosen and not self.why_not(info):
                self._chosen.add(info.name)
        self.endResetModel()

    def why_not(self, info: ModelLike) -> str:
        """Why a model cannot be ticked now, "" if it can."""
        if info.problem:
            return info.problem
        others = [other for other in self.infos if other.name in self._chosen and other.name != info.name]
        if not self._several or not others:
            return ""
        if self._one_shape and others[0].input_shape != info.input_shape:
            return (
                f"It takes {shape_text(info.input_shape)} pictures, the ticked ones {shape_text(others[0].input_shape)}"
            )
        if self._most and len(others) >= self._most and info.name not in self._chosen:
            return f"At most {self._most} at once: untick another first"
        return ""

    def toggle(self, row: int) -> None:
        """Tick or untick, as a click does; one that cannot be ticked stays."""
        if not 0 <= row < len(self.infos):
            return
        info = self.infos[row]
        if info.name in self._chosen:
            if not self._several:
                return  # one of them is always chosen
            self._chosen.remove(info.name)
        elif self.why_not(info):
            return
        else:
            self._chosen = {*self._chosen, info.name} if self._several else {info.name}
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.infos) - 1, self.columnCount() - 1))
        self.ticked.emit()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.infos)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else 2 + len(self._metrics)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = ROLE.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == ROLE.DisplayRole:
            return ("Model", "Input", *(heading for _, heading in self._metrics))[section]
        if role == ROLE.TextAlignmentRole:
            return _side(section)
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.isValid() and index.column() == 0 else flags

    def data(self, index: _Index, role: int = ROLE.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.infos):
            return None
        info, column = self.infos[index.row()], index.column()
        reason = "" if info.name in self._chosen else self.why_not(info)
        if role == ROLE.DisplayRole:
            return self._text(info, column)
        if role == ROLE.CheckStateRole and column == 0:
            return Qt.CheckState.Checked if info.name in self._chosen else Qt.CheckState.Unchecked
        if role == ROLE.TextAlignmentRole:
            return _side(column)
        if role == ROLE.ForegroundRole and reason:
            return QPalette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        if role == REASON:
            return reason
        if role == ROLE.ToolTipRole:
            return f"{info.title}\n{reason}" if reason else _tip(info)
        if role == ROLE.AccessibleTextRole and column == 0:
            ticked = "ticked" if info.name in self._chosen else reason or "not ticked"
            return f"{info.title}, {ticked}"
        return None

    def setData(self, index: _Index, value: Any, role: int = ROLE.EditRole) -> bool:
        if role != ROLE.CheckStateRole or not index.isValid():
            return False
        wanted = Qt.CheckState(value) == Qt.CheckState.Checked
        if wanted != (self.infos[index.row()].name in self._chosen):
            self.toggle(index.row())
        return True

    def _text(self, info: ModelLike, column: int) -> str:
        if column == 0:
            return info.title
        if column == 1:
            return shape_text(info.input_shape)
        keys = self._metrics[column - 2][0].split("|")
        value = next((info.metrics[key] for key in keys if key in info.metrics), None)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or math.isnan(value):
            return "–"
        return percent(float(value), 0)


class ModelTableView(QTableView):
    """`toggled(row)`: Space on a row, or a click anywhere in it."""

    toggled = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.verticalHeader().hide()
        self.setAcceptDrops(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Plain(self, theme))
        self.clicked.connect(lambda index: self.toggled.emit(index.row()))
        self.fit()

    def fit(self) -> None:
        """As high as its rows, up to a few."""
        line = self.fontMetrics().height() + 8
        self.verticalHeader().setDefaultSectionSize(line)
        rows = self.model().rowCount() if self.model() is not None else 0
        seen = min(max(rows, 3), MOST_ROWS_SEEN)
        head = self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(head + seen * line + 2 * self.frameWidth() + 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self.toggled.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit()
        super().changeEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.fit()  # headers know their height only now

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(1, self.width() < NARROW)

    def sizeHint(self) -> QSize:
        return QSize(300, self.height())


class _Plain(QStyledItemDelegate):
    """Leaves clicks on the tick to the table, where a click anywhere in the row ticks it; marks the row that the
    keyboard is at softly, so that texts keep their colours."""

    def __init__(self, table: QTableView, theme: Theme) -> None:
        super().__init__(table)
        self._table, self._theme = table, theme

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        states = QStyle.StateFlag
        taken = states.State_Selected | states.State_HasFocus | states.State_MouseOver
        if option.state & states.State_Selected and self._table.hasFocus():  # type: ignore[attr-defined]
            option.backgroundBrush = QBrush(QColor(self._theme.colours.accent_soft))  # type: ignore[attr-defined]
        option.state &= ~taken  # type: ignore[attr-defined]
        reason = index.data(REASON)
        if reason and index.column() == 0:
            option.state &= ~states.State_Enabled  # type: ignore[attr-defined]

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: _Index
    ) -> bool:
        return False


def shape_text(shape: tuple[int, int, int]) -> str:
    """(C, H, W) as people say it: "28×28 grey", "32×32 colour"."""
    colours, height, width = shape
    return f"{width}×{height} {'grey' if colours == 1 else 'colour'}"


def _side(column: int) -> int:
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _tip(info: ModelLike) -> str:
    names = ", ".join(info.classes[:10]) + (" …" if len(info.classes) > 10 else "")
    said = [
        f"{info.title} ({info.name})",
        f"takes {shape_text(info.input_shape)} pictures",
        f"{len(info.classes)} classes: {names}",
    ]
    said += [f"{key.replace('_', ' ')}: {percent(value)}" for key, value in info.metrics.items()
             if isinstance(value, float) and 0 <= value <= 1]  # fmt: skip
    return "\n".join(said)
