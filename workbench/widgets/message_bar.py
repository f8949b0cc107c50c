"""Messages inside the window, where the eye already is: what is wrong, what to do, and a way to close it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench import icons
from workbench.widgets.basics import IconLabel, sentence

MessageKind = Literal["info", "ok", "warn", "error"]
MOST_SHOWN: Final = 3  # more would push the work off the screen
_ICONS: Final = {"info": "info", "ok": "check", "warn": "warn", "error": "error"}
_SPOKEN: Final = {"info": "Note", "ok": "Done", "warn": "Warning", "error": "Error"}


class Message(QFrame):
    """One message. `action` is the text and function of an optional button, such as "Details…". cause: what it is
    about, "" where nothing else is; see `MessageBar`."""

    closed = Signal()

    def __init__(
        self,
        what: str,
        kind: MessageKind = "info",
        remedy: str = "",
        action: tuple[str, Callable[[], None]] | None = None,
        parent: QWidget | None = None,
        *,
        cause: str = "",
    ) -> None:
        super().__init__(parent)
        self.what, self.kind, self.remedy, self.cause = what, kind, remedy, cause
        self.setProperty("message", kind)
        self.setAccessibleName(f"{_SPOKEN[kind]}: {what} {remedy}".strip())
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(IconLabel(_ICONS[kind]), 0, Qt.AlignmentFlag.AlignVCenter)
        text = QLabel(f"{sentence(what)} {sentence(remedy)}".strip())
        text.setTextFormat(Qt.TextFormat.PlainText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        row.addWidget(text, 1)
        if action:
            button = QPushButton(action[0])
            button.clicked.connect(action[1])
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        close = QToolButton()
        close.setIcon(icons.icon("close"))
        close.setIconSize(QSize(14, 14))
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.closed)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignVCenter)


class MessageBar(QWidget):
    """A small pile of messages above the work, newest first; empty it takes no room.

    Of one cause only the newest stands there, and none once the cause is withdrawn.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(0, 4, 0, 4)
        self._rows.setSpacing(4)
        self.setVisible(False)

    def messages(self) -> list[Message]:
        """What is shown, newest first."""
        items = (self._rows.itemAt(i) for i in range(self._rows.count()))
        widgets = (item.widget() for item in items if item is not None)
        return [m for m in widgets if isinstance(m, Message)]

    def show_message(
        self,
        what: str,
        kind: MessageKind = "info",
        remedy: str = "",
        action: tuple[str, Callable[[], None]] | None = None,
        *,
        cause: str = "",
    ) -> Message:
        """Add a message, in place of an older one of the same cause; the same words are not shown twice."""
        for old in self.messages():
            if (old.what, old.kind, old.remedy) == (what, kind, remedy) or (cause and old.cause == cause):
                self.remove(old)
        message = Message(what, kind, remedy, action, cause=cause)
        message.closed.connect(lambda: self.remove(message))
        self._rows.insertWidget(0, message)
        for surplus in self.messages()[MOST_SHOWN:]:
            self.remove(surplus)
        self.setVisible(True)
        return message

    def clear(self, kind: MessageKind | None = None) -> None:
        """Close all messages, or those of a kind."""
        for message in self.messages():
            if kind in (None, message.kind):
                self.remove(message)

    def withdraw(self, cause: str) -> None:
        """What was wrong is mended, or tried once more: close what was said of it."""
        for message in self.messages():
            if message.cause == cause:
                self.remove(message)

    def remove(self, message: Message) -> None:
        """Close a message; one that was closed before stays so."""
        if message not in self.messages():
            return
        self._rows.removeWidget(message)
        message.setVisible(False)
        message.deleteLater()
        self.setVisible(bool(self.messages()))
