"""Type a few letters of anything that can be done, press Enter."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from workbench import icons
from workbench.commands import Command
from workbench.theme import GRID, set_role
from workbench.widgets.basics import IconLabel, label

WIDTH = 560
SHOWN_ROWS = 9


def fuzzy_score(query: str, text: str) -> float | None:
    """How well `query` abbreviates `text`, higher is better; None if its letters do not occur in this order.

    Letters at the beginnings of words and letters in a row count most, so "ogf" finds "Open a Game File".
    """
    wanted, best = query.casefold().replace(" ", ""), 0.0
    if not wanted:
        return 0.0
    folded = text.casefold()
    found: float | None = None
    start = folded.find(wanted[0])
    while start >= 0:  # each possible place of the first letter; greedy from there
        score = _score_from(wanted, folded, start)
        if score is not None and (found is None or score > best):
            found = best = score
        start = folded.find(wanted[0], start + 1)
    return None if found is None else found - 0.01 * len(text)


def _score_from(wanted: str, text: str, start: int) -> float | None:
    score, place, before = 0.0, start, -2
    for letter in wanted:
        direct = text.find(letter, place)
        if direct < 0:
            return None
        word = next((i for i in range(direct, len(text)) if text[i] == letter and _begins_word(text, i)), -1)
        # A later word's first letter is meant rather than one inside this word, unless it goes on in a row.
        chosen = word if word >= 0 and direct != before + 1 else direct
        score += 3.0 if chosen == before + 1 else 2.0 if _begins_word(text, chosen) else 0.5
        before, place = chosen, chosen + 1
    return score


def _begins_word(text: str, place: int) -> bool:
    return place == 0 or not text[place - 1].isalnum()


def ranked(commands: Sequence[Command], query: str) -> list[Command]:
    """The commands that a query finds, best first; all of them for an empty one."""
    scored = []
    for place, command in enumerate(commands):
        score = fuzzy_score(query, command.text)
        if score is None and command.group:
            grouped = fuzzy_score(query, f"{command.group} {command.text}")
            score = None if grouped is None else grouped - 1
        if score is not None:
            scored.append((-score, place, command))
    return [command for _, _, command in sorted(scored, key=lambda entry: entry[:2])]


class CommandPalette(QFrame):
    """Lies over the window's upper middle. `done` says that it was closed, with or without a choice."""

    done = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        set_role(self, "card")
        self.setAccessibleName("Command palette")
        self._commands: list[Command] = []
        self._back_to: QWidget | None = None
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(32)
        shadow.setOffset(0, 6)
        self.setGraphicsEffect(shadow)
        self.line = QLineEdit()
        self.line.setPlaceholderText("What do you want to do?")
        self.line.setAccessibleName("Search commands")
        self.line.setAcceptDrops(False)
        self.line.textChanged.connect(self._filter)
        self.line.installEventFilter(self)
        self.list = QListWidget()
        set_role(self.list, "plain")
        self.list.setAccessibleName("Commands found")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setIconSize(QSize(18, 18))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._run)
        self._reason = label("", "small", muted=True, wrap=True)
        head = QHBoxLayout()
        head.addWidget(IconLabel("search", 18, muted=True))
        head.addWidget(self.line, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, GRID, GRID, GRID)
        rows.addLayout(head)
        rows.addWidget(self.list)
        rows.addWidget(self._reason)
        self.setVisible(False)

    def open_with(self, commands: Sequence[Command], back_to: QWidget | None = None) -> None:
        """Show the palette with these commands; the focus goes back to `back_to` afterwards."""
        self._commands, self._back_to = list(commands), back_to
        self.line.clear()
        self._filter("")
        parent = self.parentWidget()
        if parent is not None:
            width = min(WIDTH, parent.width() - 4 * GRID)
            height = min(64 + SHOWN_ROWS * 32 + 24, parent.height() - 8 * GRID)
            self.setGeometry((parent.width() - width) // 2, 6 * GRID, width, height)
        self.setVisible(True)
        self.raise_()
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def shown_commands(self) -> list[Command]:
        """What the list shows now, best first."""
        items = (self.list.item(i) for i in range(self.list.count()))
        return [item.data(Qt.ItemDataRole.UserRole) for item in items]

    def close_palette(self) -> None:
        """Hide it and give the focus back."""
        if not self.isVisible():
            return
        self.setVisible(False)
        if self._back_to is not None and self._back_to.isVisible():
            self._back_to.setFocus(Qt.FocusReason.OtherFocusReason)
        self.done.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and self.isVisible() and not self.underMouse():
            self.close_palette()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event)
        return super().eventFilter(watched, event)

    def _key(self, event: QKeyEvent) -> bool:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
        if event.key() in steps and self.list.count():
            row = self.list.currentRow() + steps[Qt.Key(event.key())]
            self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
            self._explain()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentItem())
        elif event.key() == Qt.Key.Key_Escape:
            self.close_palette()
        else:
            return False
        return True

    def _filter(self, query: str) -> None:
        self.list.clear()
        for command in ranked(self._commands, query):
            shortcut = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(command.text + (f"   {shortcut}" if shortcut else ""))
            item.setData(Qt.ItemDataRole.UserRole, command)
            item.setIcon(icons.icon(command.icon or "chevron-right"))
            item.setSizeHint(QSize(0, 32))
            reason = command.why_disabled()
            if reason:
                item.setForeground(self.palette().placeholderText())
                item.setToolTip(reason)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self._explain()

    def _explain(self) -> None:
        item = self.list.currentItem()
        if item is None:
            self._reason.setText("Nothing is called like that.")
            return
        command: Command = item.data(Qt.ItemDataRole.UserRole)
        self._reason.setText(command.why_disabled() or command.group)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        command: Command = item.data(Qt.ItemDataRole.UserRole)
        if command.why_disabled():
            self._explain()
            return
        self.close_palette()
        command.run()
