"""The line at the bottom: what just happened, which device computes, how many jobs run."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QStatusBar, QToolButton, QWidget

from workbench.widgets.basics import ElidedLabel, icon_button, label

MESSAGE_MS: Final = 8000


class WindowStatusBar(QStatusBar):
    """`jobs_requested` and `palette_requested` are wishes of whoever presses its buttons."""

    jobs_requested = Signal()
    palette_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.message = ElidedLabel("")
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(lambda: self.message.setText(""))
        self.device = label("Starting…", "small", muted=True)
        self.device.setAccessibleName("Device")
        self.jobs = _text_button("jobs", "No jobs", "Show or hide the jobs (Ctrl+J)")
        self.jobs.clicked.connect(self.jobs_requested)
        find = _text_button("search", "Ctrl+K", "Find any command (Ctrl+K)")
        find.clicked.connect(self.palette_requested)
        self.addWidget(self.message, 1)
        for widget in (self.device, find, self.jobs):
            self.addPermanentWidget(widget)

    def say(self, text: str) -> None:
        """Show a sentence for some seconds."""
        self.message.setText(text)
        self._timer.start(MESSAGE_MS)

    def set_device(self, text: str, details: str = "") -> None:
        """Name the device that computes; `details` is the tooltip."""
        self.device.setText(text)
        self.device.setToolTip(details)

    def set_jobs(self, count: int) -> None:
        """Say how many jobs wait or run."""
        self.jobs.setText("No jobs" if not count else "1 job" if count == 1 else f"{count} jobs")


def _text_button(icon: str, text: str, tip: str) -> QToolButton:
    button = icon_button(icon, tip)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(14, 14))
    button.setText(text)
    return button
