"""One button that runs, stops, and says "Stopping…" until the job has answered."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtCore import QMargins, QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QPushButton, QWidget

from workbench import icons
from workbench.theme import set_role

RunState = Literal["idle", "running", "stopping"]
STOP: Final = "Stop"
STOPPING: Final = "Stopping…"


class RunButton(QPushButton):
    """`run_requested` and `stop_requested` are wishes; whoever obeys them calls `set_state`."""

    run_requested = Signal()
    stop_requested = Signal()

    def __init__(self, text: str = "Run", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = text
        self._key = "Space"
        self._reason = ""
        self.state: RunState = "idle"
        self.setIconSize(QSize(16, 16))
        self.clicked.connect(self.press)
        self._show()

    def set_text(self, text: str, key: str = "Space") -> None:
        """What it says when nothing runs, such as "Train", and the key that its tooltip names."""
        self._text, self._key = text, key
        self._show()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Room for the longest of its texts, so that nothing is cut off or moves when the state changes."""
        flags = Qt.TextFlag.TextShowMnemonic.value  # as Qt measures a button's text
        widths = [self.fontMetrics().size(flags, text).width() for text in (self.text(), self._text, STOP, STOPPING)]
        return super().sizeHint().grownBy(QMargins(0, 0, max(widths) - widths[0], 0))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def set_state(self, state: RunState) -> None:
        self.state = state
        self._show()

    def set_reason(self, reason: str) -> None:
        """Why running is impossible now, shown as the tooltip; "" makes it possible."""
        self._reason = reason
        self._show()

    def press(self) -> None:
        """What a click or the space bar does."""
        if self.state == "running":
            self.stop_requested.emit()
        elif self.state == "idle" and not self._reason:
            self.run_requested.emit()

    def _show(self) -> None:
        text, name, role, tip = {
            "idle": (self._text, "play", "primary", f"{self._text} ({self._key})"),
            "running": (STOP, "stop", "stop", "Stop the job (Esc)"),
            "stopping": (STOPPING, "stop", "stop", "Waiting for the job to answer"),
        }[self.state]
        self.setText(text)
        self.setAccessibleName(text)
        set_role(self, role)
        ink = QPalette.ColorRole.HighlightedText if self.state == "idle" else QPalette.ColorRole.BrightText
        self.setIcon(icons.icon(name, ink))
        blocked = self.state == "stopping" or (self.state == "idle" and bool(self._reason))
        self.setEnabled(not blocked)
        self.setToolTip(self._reason if self.state == "idle" and self._reason else tip)
