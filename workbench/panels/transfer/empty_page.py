"""What a tab shows before its first run: what will be there, what it takes, and the button that begins it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from workbench import icons
from workbench.theme import GRID, set_role
from workbench.widgets.basics import label, set_enabled

MOST_WIDE = 620
"""Pixels after which a line is no longer read with ease."""


class EmptyPage(QWidget):
    """A card with a title, a few sentences and a button; below it, faintly, the shape of what will come.

    run_requested(): the button was pressed.
    """

    run_requested = Signal()

    def __init__(self, title: str, text: str, button: str, sketch: QWidget | None = None) -> None:
        super().__init__()
        self.plan = label("", "body", wrap=True)
        self.plan.setAccessibleName("What Run will do")
        self.button = QPushButton(button)
        self.button.setAccessibleName(button)
        set_role(self.button, "primary")
        self.button.setIcon(icons.icon("play", QPalette.ColorRole.HighlightedText))
        self.button.clicked.connect(lambda _=False: self.run_requested.emit())
        card = QFrame()
        set_role(card, "card")
        card.setMaximumWidth(MOST_WIDE)
        rows = QVBoxLayout(card)
        rows.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        rows.setSpacing(GRID)
        rows.addWidget(label(title, "heading", wrap=True))
        rows.addWidget(label(text, "body", muted=True, wrap=True))
        rows.addWidget(self.plan)
        foot = QHBoxLayout()
        foot.addWidget(self.button)
        foot.addStretch(1)
        rows.addLayout(foot)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(card, 100)
        middle.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, GRID, 0, 0)
        whole.setSpacing(2 * GRID)
        whole.addLayout(middle)
        if sketch is None:
            whole.addStretch(1)
        else:
            whole.addWidget(sketch, 1)

    def set_plan(self, plan: str, reason: str = "") -> None:
        """plan: what this run will do. reason: why it cannot be run, "" where it can."""
        self.plan.setText(reason or plan)
        set_role(self.plan, "error" if reason else "")
        set_enabled(self.button, reason, f"{self.button.text()} (Space)")


def thousands(count: int) -> str:
    """A count in groups of three digits."""
    return f"{count:,}".replace(",", "\u202f")
