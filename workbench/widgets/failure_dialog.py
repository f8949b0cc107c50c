"""What went wrong with a job, to read and to copy; and the offer to end a process that does not answer."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

import engines
from workbench import icons
from workbench.theme import GRID, font, set_role
from workbench.widgets.basics import IconLabel, label

if TYPE_CHECKING:
    from workbench.runner import JobHandle


def show_failure(handle: JobHandle, parent: QWidget | None = None) -> FailureDialog:
    """Show why `handle` ended badly, without holding up the window."""
    dialog = FailureDialog(handle, parent)
    dialog.open()
    return dialog


def offer_to_end(handle: JobHandle, parent: QWidget | None = None) -> StuckDialog:
    """Offer to end the process of a job that was asked to stop and does not; closes itself if it does."""
    dialog = StuckDialog(handle, parent)
    dialog.open()
    return dialog


def report(handle: JobHandle) -> str:
    """All there is to know of a failed job, as text for a bug report."""
    error = handle.error
    spec = handle.spec if isinstance(handle.spec, dict) else handle.spec.model_dump(mode="json")
    lines = [
        f"{handle.title} ({handle.name}): {handle.state}",
        f"run: {handle.run_id or 'not recorded'}",
        f"spec: {json.dumps(spec, sort_keys=True)}",
        f"Paper Workbench {engines.__version__}, Python {platform.python_version()}, {platform.platform()}",
    ]
    if error is not None:
        lines += ["", error.what]
        lines += [error.remedy] if error.remedy else []
        lines += ["", error.details.rstrip()] if error.details else []
    return "\n".join(lines)


class _JobDialog(QDialog):
    """An icon, a heading, a sentence, and what the subclass puts below."""

    def __init__(self, handle: JobHandle, icon: str, heading: str, text: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.handle = handle
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(handle.title)
        self.heading = label(heading, "heading", wrap=True)
        self.text = label(text, wrap=True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words = QVBoxLayout()
        words.addWidget(self.heading)
        words.addWidget(self.text)
        top = QHBoxLayout()
        top.setSpacing(GRID * 2)
        top.addWidget(IconLabel(icon, 28), 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, 1)
        self.rows = QVBoxLayout(self)
        self.rows.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        self.rows.setSpacing(GRID * 2)
        self.rows.addLayout(top)
        self.buttons = QDialogButtonBox()


class FailureDialog(_JobDialog):
    """What happened to one job, what to do about it, and the details to copy."""

    def __init__(self, handle: JobHandle, parent: QWidget | None = None) -> None:
        error = handle.error
        is_bug = error is not None and error.kind == "bug"
        heading = f"“{handle.title}” stopped" + (" because of a fault in the program" if is_bug else "")
        sentences = [error.what, error.remedy] if error else ["There is no more to say about it."]
        text = "\n".join(sentence for sentence in sentences if sentence)
        super().__init__(handle, "error", heading, text, parent)
        self.details = QPlainTextEdit(report(handle))
        self.details.setReadOnly(True)
        self.details.setFont(font("mono"))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setAccessibleName("Details of the failure")
        self.rows.addWidget(self.details, 1)
        self.copy_button = QPushButton(icons.icon("copy"), "Copy details")
        self.copy_button.clicked.connect(self._copy)
        self.buttons.addButton(self.copy_button, QDialogButtonBox.ButtonRole.ActionRole)
        close = self.buttons.addButton(QDialogButtonBox.StandardButton.Close)
        close.setDefault(True)
        self.buttons.rejected.connect(self.reject)
        self.rows.addWidget(self.buttons)
        self.resize(QSize(680, 440))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details.toPlainText())
        self.copy_button.setText("Copied")


class StuckDialog(_JobDialog):
    """Wait on, or end the process. Goes away by itself once the job has ended."""

    def __init__(self, handle: JobHandle, parent: QWidget | None = None) -> None:
        consequence = (
            "Ending its process loses what it has not saved; other work in the same process ends too, and"
            " waiting jobs go on in a fresh process."
        )
        if handle.run_id:
            consequence += " The run is kept as interrupted and can be resumed from its last checkpoint."
        super().__init__(handle, "warn", f"“{handle.title}” does not stop", consequence, parent)
        self.end_button = QPushButton("End its process")
        set_role(self.end_button, "stop")
        self.end_button.clicked.connect(self._end)
        self.buttons.addButton(self.end_button, QDialogButtonBox.ButtonRole.DestructiveRole)
        self.wait_button = self.buttons.addButton("Wait", QDialogButtonBox.ButtonRole.RejectRole)
        self.wait_button.setDefault(True)
        self.buttons.rejected.connect(self.reject)
        self.rows.addWidget(self.buttons)
        handle.ended.connect(self._job_ended)

    def _end(self) -> None:
        self.end_button.setEnabled(False)
        self.end_button.setToolTip("The process is being ended")
        self.handle.kill()

    def _job_ended(self) -> None:
        self.accept()
