"""A piano roll with its heading: what it holds, where it comes from, and what can be done with it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from workbench.theme import GRID, Theme
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.piano_roll import PianoRoll
from workbench.widgets.timeline import Timeline


class RollBox(QWidget):
    """roll: the piano roll itself, on the timeline of all rolls."""

    def __init__(self, theme: Theme, timeline: Timeline, title: str, hint: str) -> None:
        super().__init__()
        self.roll = PianoRoll(theme, title, timeline=timeline, hint=hint)
        self.title = label(title, "strong")
        self.said = ElidedLabel()
        self._head = QHBoxLayout()
        self._head.setContentsMargins(0, 0, 0, 0)
        self._head.setSpacing(GRID)
        self._head.addWidget(self.title)
        self._head.addWidget(self.said, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(2)
        rows.addLayout(self._head)
        rows.addWidget(self.roll, 1)

    def say(self, text: str) -> None:
        """The line beside the title."""
        self.said.setText(text)

    def add(self, widget: QWidget) -> None:
        """Put a control at the right of the heading."""
        self._head.addWidget(widget)


def text_button(text: str, tip: str, *, checkable: bool = False) -> QToolButton:
    """A small button with words."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    return button
