"""The list of panels on the left, by family, that folds to a strip of icons."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from workbench import icons
from workbench.panels.registry import PanelInfo, by_family
from workbench.theme import GRID, font, set_role
from workbench.widgets.basics import label

HOME: Final = ""
WIDE: Final = 208
NARROW: Final = 56


class Navigation(QFrame):
    """`chosen(topic)` is a wish; `set_current` follows what is shown. Topic "" is the home page."""

    chosen = Signal(str)
    fold_requested = Signal(bool)
    preferences_requested = Signal()
    about_requested = Signal()

    def __init__(self, panels: tuple[PanelInfo, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "navigation")
        self.setAccessibleName("Panels")
        self._buttons: dict[str, QToolButton] = {}
        self._texts: dict[QToolButton, str] = {}
        self._headings: list[QLabel] = []
        self._group = QButtonGroup(self)
        self._folded = False
        inside = QWidget()
        rows = QVBoxLayout(inside)
        rows.setContentsMargins(GRID, GRID, GRID, GRID)
        rows.setSpacing(2)
        self._add_page(rows, HOME, "Home", "home", "Home (Ctrl+0)")
        number = 0
        for family, members in by_family(panels).items():
            heading = label(family, "small", muted=True)
            heading.setContentsMargins(GRID, GRID * 2, 0, GRID // 2)
            self._headings.append(heading)
            rows.addWidget(heading)
            for info in members:
                number += 1
                shortcut = f" (Ctrl+{number})" if number <= 9 else ""
                self._add_page(rows, info.topic, info.title, info.icon, f"{info.title}{shortcut}: {info.paper}")
        rows.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        foot = QVBoxLayout()
        foot.setContentsMargins(GRID, 0, GRID, GRID)
        foot.setSpacing(2)
        for text, icon, tip, signal in (
            ("Preferences", "settings", "Preferences (Ctrl+,)", self.preferences_requested),
            ("About", "about", "About the Paper Workbench", self.about_requested),
        ):
            button = self._button(text, icon, tip)
            button.clicked.connect(lambda _=False, signal=signal: signal.emit())
            foot.addWidget(button)
        self._fold = self._button("Fold the list", "chevron-left", "Fold the list to icons (Ctrl+B)")
        self._fold.clicked.connect(lambda: self.fold_requested.emit(not self._folded))
        foot.addWidget(self._fold)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(scroll, 1)
        column.addLayout(foot)
        self.set_folded(False)

    @property
    def is_folded(self) -> bool:
        return self._folded

    def set_current(self, topic: str) -> None:
        """Mark the page that is shown."""
        if topic in self._buttons:
            self._buttons[topic].setChecked(True)

    def set_busy(self, topic: str, is_busy: bool) -> None:
        """Mark a panel in which something runs."""
        button = self._buttons[topic]
        plain = self._texts[button].removesuffix("  •")
        self._texts[button] = f"{plain}  •" if is_busy else plain
        button.setAccessibleName(f"{plain}, running" if is_busy else plain)
        button.setText(f"  {self._texts[button]}")

    def set_folded(self, folded: bool) -> None:
        """Show icons only, or icons with names."""
        self._folded = folded
        self.setFixedWidth(NARROW if folded else WIDE)
        style = Qt.ToolButtonStyle.ToolButtonIconOnly if folded else Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        for button in self._texts:
            button.setToolButtonStyle(style)
        for heading in self._headings:
            heading.setVisible(not folded)
        self._fold.setIcon(icons.icon("chevron-right" if folded else "chevron-left"))
        self._fold.setToolTip("Show names (Ctrl+B)" if folded else "Fold the list to icons (Ctrl+B)")
        self._fold.setAccessibleName("Show names" if folded else "Fold the list")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)

    def _add_page(self, rows: QVBoxLayout, topic: str, text: str, icon: str, tip: str) -> None:
        button = self._button(text, icon, tip)
        button.setCheckable(True)
        button.clicked.connect(lambda: self.chosen.emit(topic))
        self._group.addButton(button)
        self._buttons[topic] = button
        rows.addWidget(button)

    def _button(self, text: str, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(f"  {text}")
        button.setIcon(icons.icon(icon))
        button.setIconSize(QSize(20, 20))
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setFont(font("body"))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMinimumHeight(34)
        set_role(button, "navigation")
        self._texts[button] = text
        return button
