"""The list of jobs: what waits, runs and has ended; stop, resume, and the details of what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeySequence, QPainter, QPalette, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDockWidget,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from workbench import icons
from workbench.theme import GRID
from workbench.widgets.basics import label, set_enabled
from workbench.widgets.failure_dialog import FailureDialog, show_failure
from workbench.widgets.job_model import SHARE_ROLE, Column, JobModel, as_handle, state_of

if TYPE_CHECKING:
    from engines.core.store import RunRecord
    from workbench.runner import JobHandle, Runner

TICK_MS: Final = 500
EMPTY_TEXT: Final = "No jobs yet. Press Run in a panel; what it does is listed here and can be stopped here."


class ProgressDelegate(QStyledItemDelegate):
    """Draws a bar behind the text of the progress column."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        share = index.data(SHARE_ROLE)
        if share is not None:
            painter.save()
            room = option.rect.adjusted(3, 4, -3, -4)
            colour = option.palette.color(QPalette.ColorRole.Highlight)
            colour.setAlphaF(0.28)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(option.palette.brush(QPalette.ColorRole.Midlight))
            painter.drawRoundedRect(room, 3, 3)
            painter.setBrush(colour)
            width = room.width() if share < 0 else round(room.width() * share)
            pattern = Qt.BrushStyle.BDiagPattern if share < 0 else Qt.BrushStyle.SolidPattern
            brush = painter.brush()
            brush.setStyle(pattern)
            painter.setBrush(brush)
            painter.drawRoundedRect(QRect(room.topLeft(), QSize(width, room.height())), 3, 3)
            painter.restore()
        super().paint(painter, option, index)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return super().sizeHint(option, index).expandedTo(QSize(0, 3 * GRID))


class JobDock(QDockWidget):
    """A dock with the runner's jobs. Delete stops the selected job, Return shows its details."""

    def __init__(self, runner: Runner, parent: QWidget | None = None) -> None:
        super().__init__("Jobs", parent)
        self.setObjectName("job-dock")
        self._runner = runner
        self.model = JobModel(runner, self)
        self.table = self._make_table()
        self.empty = label(EMPTY_TEXT, muted=True, wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.table)
        self.stop_button = _button("stop", "Stop", "Ask the selected job to stop (Delete)", self._stop)
        self.resume_button = _button("play", "Resume", "Go on from the last checkpoint", self._resume)
        self.details_button = _button("info", "Details…", "What went wrong, to copy (Return)", self._details)
        self.clear_button = _button("trash", "Clear ended", "Take ended jobs from this list", self._clear)
        self.setWidget(self._arranged())
        self._ticker = QTimer(self, interval=TICK_MS)
        self._ticker.timeout.connect(self.model.tick)
        for changed in (self.model.modelReset, self.model.rowsInserted, self.model.rowsRemoved):
            changed.connect(self._refresh)
        self.model.dataChanged.connect(self._refresh)
        self.table.selectionModel().currentRowChanged.connect(self._refresh)
        self._refresh()

    def current(self) -> JobHandle | RunRecord | None:
        """The selected row."""
        index = self.table.currentIndex()
        return self.model.data(index, int(Qt.ItemDataRole.UserRole)) if index.isValid() else None

    def select(self, handle: JobHandle) -> None:
        """Make the row of `handle` the current one."""
        for row in range(self.model.rowCount()):
            index = self.model.index(row, 0)
            if self.model.data(index, int(Qt.ItemDataRole.UserRole)) is handle:
                self.table.setCurrentIndex(index)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._ticker.stop()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.table.viewport().update()

    # -- building

    def _make_table(self) -> QTreeView:
        table = QTreeView()
        table.setModel(self.model)
        table.setRootIsDecorated(False)
        table.setUniformRowHeights(True)
        table.setAlternatingRowColors(True)
        table.setAllColumnsShowFocus(True)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setItemDelegateForColumn(Column.PROGRESS, ProgressDelegate(table))
        table.setAccessibleName("Jobs")
        table.setAccessibleDescription("Jobs with their state, progress, time, and time left")
        header = table.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.PROGRESS, QHeaderView.ResizeMode.Stretch)
        for column, width in ((Column.JOB, 220), (Column.STATE, 120), (Column.TIME, 90), (Column.LEFT, 90)):
            table.setColumnWidth(column, width)
        for key, action in (
            (QKeySequence.StandardKey.Delete, self._stop),
            (Qt.Key.Key_Return, self._details),
        ):
            shortcut = QShortcut(QKeySequence(key), table)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(action)
        table.doubleClicked.connect(self._details)
        return table

    def _arranged(self) -> QWidget:
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        for button in (self.stop_button, self.resume_button, self.details_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.clear_button)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID)
        rows.setSpacing(GRID)
        rows.addWidget(self.pages, 1)
        rows.addLayout(buttons)
        return content

    # -- showing

    def _refresh(self) -> None:
        self.pages.setCurrentWidget(self.table if self.model.rowCount() else self.empty)
        row = self.current()
        set_enabled(self.stop_button, _why_not_stop(row), "Ask the selected job to stop (Delete)")
        set_enabled(self.resume_button, self._why_not_resume(row), "Go on from the last checkpoint")
        set_enabled(self.details_button, _why_no_details(row), "What went wrong, to copy (Return)")
        ended = any(handle.has_ended for handle in self._runner.jobs())
        set_enabled(self.clear_button, "" if ended else "No job has ended", "Take ended jobs from this list")
        should_tick = self.isVisible() and self.model.has_running()
        if should_tick != self._ticker.isActive():
            self._ticker.start() if should_tick else self._ticker.stop()

    def _why_not_resume(self, row: JobHandle | RunRecord | None) -> str:
        if row is None:
            return "Select an interrupted job"
        handle = as_handle(row)
        if handle is None:
            return ""
        if not handle.has_ended:
            return "It has not ended"
        if handle.state == "done":
            return "It is done"
        return "" if handle.can_resume else "It left no checkpoint to go on from"

    # -- doing

    def _stop(self) -> None:
        handle = as_handle(self.current())
        if handle is not None and not _why_not_stop(handle):
            handle.cancel()

    def _resume(self) -> None:
        row = self.current()
        if row is None or self._why_not_resume(row):
            return
        handle = as_handle(row)
        self.select(self._runner.resume(row if handle is None else handle))

    def _details(self) -> FailureDialog | None:
        handle = as_handle(self.current())
        if handle is None or _why_no_details(handle):
            return None
        return show_failure(handle, self)

    def _clear(self) -> None:
        for handle in self._runner.jobs():
            self._runner.forget(handle)


def _button(icon: str, text: str, tip: str, clicked: object) -> QPushButton:
    button = QPushButton(icons.icon(icon), text)
    button.setIconSize(QSize(16, 16))
    button.setToolTip(tip)
    button.setAccessibleName(f"{text}: {tip}")
    button.clicked.connect(clicked)
    return button


def _why_not_stop(row: JobHandle | RunRecord | None) -> str:
    if row is None:
        return "Select a job"
    if as_handle(row) is None or state_of(row) not in ("waiting", "running", "stopping"):
        return "It has ended"
    return "It was asked already; waiting for its answer" if state_of(row) == "stopping" else ""


def _why_no_details(row: JobHandle | RunRecord | None) -> str:
    handle = as_handle(row)
    if handle is None:
        return "Select a failed job"
    return "" if handle.error is not None else "Nothing went wrong with it"
