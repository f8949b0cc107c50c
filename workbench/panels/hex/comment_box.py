"""The comment of the position shown, to read and to write."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, QTimer
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from workbench.panels.hex.game import GameModel

PAUSE_MS = 800
"""Typing is written into the game after this pause, as one step of undo."""


class CommentBox(QPlainTextEdit):
    """Follows a `GameModel`; what is typed belongs to the position at which it was typed."""

    def __init__(self, model: GameModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._node = model.node
        self.setPlaceholderText("Comment on this position")
        self.setAccessibleName("Comment on this position")
        self.setTabChangesFocus(True)
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self.keep)
        self.textChanged.connect(self._pause.start)
        for change in (model.position_changed, model.tree_changed, model.game_replaced):
            change.connect(self._follow)
        self._follow()

    def sizeHint(self) -> QSize:
        return QSize(200, 3 * self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 2 * self.fontMetrics().height())

    def keep(self) -> None:
        """Write what was typed into the game."""
        self._pause.stop()
        text, node = self.toPlainText(), self._node
        if text != node.comment and node.path[0] is self._model.tree.root:
            self._model.set_comment(text, node)

    def _follow(self) -> None:
        if self._node is not self._model.node:
            self.keep()
            self._node = self._model.node
        elif self._pause.isActive():
            return
        if self.toPlainText() != self._node.comment:
            with QSignalBlocker(self):
                self.setPlainText(self._node.comment)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.keep()
        super().focusOutEvent(event)
