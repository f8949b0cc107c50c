"""The rows of the job dock: this window's jobs, newest first, then runs left unfinished by an earlier one."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from workbench import icons
from workbench.runner.messages import ENDED
from workbench.widgets.basics import duration

if TYPE_CHECKING:
    from engines.core.store import RunRecord
    from workbench.runner import JobHandle, Runner

Index = QModelIndex | QPersistentModelIndex
ROW_ROLE: Final = int(Qt.ItemDataRole.UserRole)
SHARE_ROLE: Final = ROW_ROLE + 1
"""How far it is in [0, 1], -1 when running without an end in sight, None when there is nothing to draw."""

STATE_WORDS: Final = {
    "waiting": "Waiting",
    "running": "Running",
    "stopping": "Stopping…",
    "done": "Done",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "interrupted": "Interrupted",
}
_ICONS: Final = {
    "waiting": "clock",
    "running": "play",
    "stopping": "stop",
    "done": "check",
    "failed": "error",
    "cancelled": "minus",
    "interrupted": "pause",
}
_PASSING: Final = frozenset({"done", "cancelled"})
"""Ended interactive jobs of these states are answers to a slider, not news."""


class Column(IntEnum):
    """The columns, left to right."""

    JOB = 0
    STATE = 1
    PROGRESS = 2
    TIME = 3
    LEFT = 4


_HEADS: Final = ("Job", "State", "Progress", "Time", "Left")


class JobModel(QAbstractTableModel):
    """A table of `JobHandle` and, below them, `RunRecord` rows, given under ROW_ROLE."""

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._rows: list[JobHandle | RunRecord] = []
        runner.job_added.connect(self._added)
        runner.job_removed.connect(self._removed)
        runner.resumable_changed.connect(self.reload)
        for handle in runner.jobs():
            self._follow(handle)
        self.reload()

    # -- Qt's questions

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], Column(index.column())
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(row, column)
        if role == Qt.ItemDataRole.DecorationRole and column == Column.STATE:
            return icons.icon(_ICONS[state_of(row)])
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{_HEADS[column]}: {self.text(row, column) or 'none'}"
        if role == SHARE_ROLE and column == Column.PROGRESS:
            return _share(row)
        return None

    def text(self, row: JobHandle | RunRecord, column: Column) -> str:
        """What a cell says."""
        handle = as_handle(row)
        if handle is None:
            run: RunRecord = row  # type: ignore[assignment]
            return {
                Column.JOB: run.name,
                Column.STATE: STATE_WORDS["interrupted"],
                Column.PROGRESS: "An earlier run; it can be resumed",
            }.get(column, "")
        if column == Column.JOB:
            return handle.title
        if column == Column.STATE:
            return "Live" if handle.is_session and handle.state == "running" else STATE_WORDS[handle.state]
        if column == Column.PROGRESS:
            return _progress_text(handle)
        if column == Column.TIME:
            return duration(handle.seconds) if handle.started_at is not None else ""
        left = handle.progress.seconds_left if handle.progress is not None else None
        return duration(left) if left is not None and handle.state == "running" else ""

    # -- changes

    def reload(self) -> None:
        """Take all rows anew; ended sessions and slider answers are left out."""
        self.beginResetModel()
        handles = [handle for handle in reversed(self._runner.jobs()) if not _is_passing(handle)]
        self._rows = [*handles, *self._runner.resumable()]
        self.endResetModel()

    def tick(self) -> None:
        """Times have moved on."""
        if self._rows:
            self.dataChanged.emit(self.index(0, Column.PROGRESS), self.index(len(self._rows) - 1, Column.LEFT))

    def has_running(self) -> bool:
        return any(state_of(row) in ("running", "stopping") for row in self._rows)

    def _added(self, handle: JobHandle) -> None:
        self._follow(handle)
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._rows.insert(0, handle)
        self.endInsertRows()

    def _follow(self, handle: JobHandle) -> None:
        handle.state_changed.connect(self._sender_changed)
        handle.progressed.connect(self._sender_changed)

    def _sender_changed(self, _what: object) -> None:
        handle = self.sender()
        if handle not in self._rows:
            return
        row = self._rows.index(handle)  # type: ignore[arg-type]
        if _is_passing(self._rows[row]):
            self._drop(row)
        else:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    def _removed(self, handle: JobHandle) -> None:
        if handle in self._rows:
            self._drop(self._rows.index(handle))

    def _drop(self, row: int) -> None:
        self.beginRemoveRows(QModelIndex(), row, row)
        del self._rows[row]
        self.endRemoveRows()

    def _tip(self, row: JobHandle | RunRecord) -> str:
        handle = as_handle(row)
        if handle is None:
            return f"Run {row.id}"
        error = handle.error
        if error is not None:
            return f"{error.what} {error.remedy}".strip()
        return f"Run {handle.run_id}" if handle.run_id else handle.name


def as_handle(row: Any) -> JobHandle | None:
    """The row if it is a job of this window."""
    from workbench.runner import JobHandle

    return row if isinstance(row, JobHandle) else None


def state_of(row: JobHandle | RunRecord) -> str:
    """A job's state, or a stored run's status."""
    handle = as_handle(row)
    return handle.state if handle is not None else "interrupted"


def _is_passing(row: JobHandle | RunRecord) -> bool:
    handle = as_handle(row)
    return handle is not None and handle.lane == "interactive" and handle.state in _PASSING


def _progress_text(handle: JobHandle) -> str:
    if handle.state in ("failed", "interrupted") and handle.error is not None:
        return handle.error.what
    return handle.progress.text if handle.progress is not None else ""


def _share(row: JobHandle | RunRecord) -> float | None:
    handle = as_handle(row)
    if handle is None or handle.state in ENDED - {"done"} or handle.state == "waiting":
        return None
    progress = handle.progress
    if handle.state == "done":
        return 1.0
    if progress is None or progress.total <= 0:
        return None if handle.is_session else -1.0
    return min(1.0, max(0.0, progress.done / progress.total))
