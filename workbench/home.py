"""The first page: what one can do here, what was done lately, what this computer has, and the keys."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from workbench import icons
from workbench.panels.registry import PanelInfo, by_family
from workbench.theme import GRID, font, set_role
from workbench.widgets.basics import ElidedLabel, IconLabel, byte_size, label, number

if TYPE_CHECKING:
    from engines.core.store import RunRecord
    from workbench.machine import MachineReport

CARD_WIDTH: Final = 380  # logical pixels from which another card fits beside
PAGE_WIDTH: Final = 1080
RUNS_SHOWN: Final = 6
KEYS: Final = (
    ("Ctrl+K", "Find any command"),
    ("Ctrl+1 … 9", "Open a panel"),
    ("Space", "Run"),
    ("Esc", "Stop"),
    ("F1", "Help on the panel"),
    ("Ctrl+J", "Jobs"),
    ("F11", "Full screen"),
)
_STATUS: Final = {
    "done": ("check", "done"),
    "failed": ("error", "failed"),
    "cancelled": ("stop", "stopped"),
    "interrupted": ("warn", "interrupted"),
    "running": ("play", "running"),
    "waiting": ("clock", "waiting"),
}


class HomePage(QScrollArea):
    """`panel_chosen(topic)` opens a panel, `demo_chosen(topic)` opens it and runs its demonstration,
    `resume_chosen(run)` goes on with an interrupted run."""

    panel_chosen = Signal(str)
    demo_chosen = Signal(str)
    resume_chosen = Signal(object)

    def __init__(self, panels: tuple[PanelInfo, ...], icon: QIcon, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Home")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._cards = [PanelCard(info) for info in panels]
        for card in self._cards:
            card.open_requested.connect(self.panel_chosen)
            card.demo_requested.connect(self.demo_chosen)
        self._families = by_family(panels)
        self._columns = 0
        page = QWidget()
        page.setMaximumWidth(PAGE_WIDTH)
        rows = QVBoxLayout(page)
        rows.setContentsMargins(GRID * 3, GRID * 4, GRID * 3, GRID * 3)
        rows.setSpacing(GRID * 2)
        rows.addLayout(_heading(icon))
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID * 2)
        rows.addLayout(self._grid)
        below = QHBoxLayout()
        below.setSpacing(GRID * 2)
        self.runs = _Section("Recent runs", "clock")
        self.runs.say("Nothing has been run yet. What you run is kept here, and can be resumed after a crash.")
        self.machine = _Section("This computer", "device")
        self.machine.say("The engines are starting…")
        below.addWidget(self.runs, 1)
        below.addWidget(self.machine, 1)
        rows.addLayout(below)
        rows.addWidget(_keys())
        rows.addStretch(1)
        outer = QWidget()
        centred = QHBoxLayout(outer)
        centred.setContentsMargins(0, 0, 0, 0)
        centred.addStretch(1)
        centred.addWidget(page, 1000)
        centred.addStretch(1)
        self.setWidget(outer)
        self._place_cards(1)

    def show_machine(self, report: MachineReport) -> None:
        """Say what the engine processes found."""
        self.machine.clear()
        for name, title, usable, note in report.devices:
            self.machine.add("check" if usable else "warn", f"{name}: {title}", note)
        size = sum(w[4] for w in report.weights)
        if report.weights:
            names = ", ".join(w[0] for w in report.weights)
            text = f"{len(report.weights)} networks ready ({byte_size(size)})"
            self.machine.add("weights", text, names)
        else:
            self.machine.add("warn", "No trained networks were found", "Train one, or reinstall the program.")
        ready = [d for d in report.data if d[3] in ("ready", "embedded")]
        missing = [d for d in report.data if d[3] not in ("ready", "embedded")]
        absent = ", ".join(f"{title.split(', ')[0]} ({byte_size(size)})" for _, title, size, _ in missing)
        text = f"{len(ready)} of {len(report.data)} data sets here"
        self.machine.add("data", text, f"Fetched when a panel asks for them: {absent}" if absent else "")
        for problem in report.problems:
            self.machine.add("warn", problem)

    def show_machine_problem(self, text: str) -> None:
        """Say why nothing is known of this computer."""
        self.machine.say(text)

    def show_runs(self, runs: list[RunRecord], resumable: list[RunRecord]) -> None:
        """List the latest runs; interrupted ones can be resumed from here."""
        if not runs:
            return
        self.runs.clear()
        can_resume = {run.id for run in resumable}
        for run in runs[:RUNS_SHOWN]:
            sign, said = _STATUS.get(run.status, ("info", run.status))
            action = None
            if run.id in can_resume:
                action = ("Resume", lambda run=run: self.resume_chosen.emit(run))
            self.runs.add(sign, f"{run.name}", f"{said}, {ago(time.time() - run.updated)}", action)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_cards(max(1, min(event.size().width(), PAGE_WIDTH) // CARD_WIDTH))

    def _place_cards(self, columns: int) -> None:
        columns = min(columns, max(1, max((len(m) for m in self._families.values()), default=1)))
        if columns == self._columns:
            return
        self._columns = columns
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None and widget not in self._cards:
                widget.deleteLater()
        at = 0
        by_topic = {card.info.topic: card for card in self._cards}
        for family, members in self._families.items():
            if len(self._families) > 1:
                self._grid.addWidget(label(family, "heading"), at, 0, 1, columns)
                at += 1
            for k, info in enumerate(members):
                self._grid.addWidget(by_topic[info.topic], at + k // columns, k % columns)
            at += -(-len(members) // columns)


class PanelCard(QFrame):
    """One panel on the home page: what it is, and its obvious button."""

    open_requested = Signal(str)
    demo_requested = Signal(str)

    def __init__(self, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "card")
        self.info = info
        self.setAccessibleName(info.title)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        row.setSpacing(GRID * 2)
        row.addWidget(_Tile(info.icon), 0, Qt.AlignmentFlag.AlignTop)
        texts = QVBoxLayout()
        texts.setSpacing(GRID // 2)
        texts.addWidget(label(info.title, "heading"))
        paper = ElidedLabel(info.paper)
        paper.setFont(font("small"))
        set_role(paper, "muted")
        texts.addWidget(paper)
        texts.addWidget(label(info.summary, wrap=True))
        texts.addSpacing(GRID // 2)
        if info.abilities:
            texts.addLayout(_abilities(info.abilities))
            texts.addSpacing(GRID // 2)
        self.button = QPushButton(info.action)
        self.button.setIcon(icons.icon("play", QPalette.ColorRole.HighlightedText))
        self.button.setAccessibleDescription(info.summary)
        set_role(self.button, "primary")
        self.button.clicked.connect(lambda: self.open_requested.emit(info.topic))
        self.demo_button = QPushButton("Show me")
        self.demo_button.setToolTip("Open it and run its demonstration")
        self.demo_button.setAccessibleName(f"Show me {info.title}")
        self.demo_button.clicked.connect(lambda: self.demo_requested.emit(info.topic))
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.button)
        buttons.addWidget(self.demo_button)
        if info.accepts:
            hint = ElidedLabel(f"or drop {info.accepts_text or ', '.join(info.accepts)} on the window")
            hint.setFont(font("small"))
            set_role(hint, "muted")
            buttons.addWidget(hint, 1)
        else:
            buttons.addStretch(1)
        texts.addLayout(buttons)
        row.addLayout(texts, 1)


class _Tile(QWidget):
    """A panel's icon on a square in the soft accent colour."""

    def __init__(self, name: str, side: int = 72) -> None:
        super().__init__()
        self._icon = icons.icon(name, QPalette.ColorRole.Highlight)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        soft = self.palette().color(QPalette.ColorRole.Highlight)
        soft.setAlphaF(0.14)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(soft)
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        margin = self.width() // 5
        self._icon.paint(painter, self.rect().adjusted(margin, margin, -margin, -margin))


class _Section(QFrame):
    """A titled list of lines with an icon each."""

    def __init__(self, title: str, icon: str) -> None:
        super().__init__()
        set_role(self, "card")
        self.setAccessibleName(title)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID * 2)
        rows.setSpacing(GRID)
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(IconLabel(icon, 16, muted=True))
        head.addWidget(label(title, "strong"), 1)
        rows.addLayout(head)
        self._lines = QVBoxLayout()
        self._lines.setSpacing(GRID // 2)
        rows.addLayout(self._lines)
        rows.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def clear(self) -> None:
        """Take all lines away."""
        _empty(self._lines)

    def say(self, text: str) -> None:
        """Show one sentence instead of lines."""
        self.clear()
        self._lines.addWidget(label(text, muted=True, wrap=True))

    def add(self, icon: str, text: str, note: str = "", action: tuple[str, Any] | None = None) -> None:
        """Add a line, with a note below it and perhaps a button."""
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(IconLabel(icon, 16), 0, Qt.AlignmentFlag.AlignTop)
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(ElidedLabel(text))
        if note:
            small = label(note, "small", muted=True, wrap=True)
            texts.addWidget(small)
        row.addLayout(texts, 1)
        if action is not None:
            button = QPushButton(action[0])
            button.setAccessibleName(f"{action[0]} {text}")
            button.clicked.connect(lambda: action[1]())
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self._lines.addLayout(row)

    def texts(self) -> list[str]:
        """All that it says, for tests and screen readers."""
        return [found.text() for found in self.findChildren(QLabel) if found.text()]


def ago(seconds: float) -> str:
    """How long ago, roughly."""
    if seconds < 90:
        return "just now"
    if seconds < 3600:
        return f"{number(round(seconds / 60))} minutes ago"
    if seconds < 86_400:
        hours = round(seconds / 3600)
        return f"{hours} hour{'s' if hours != 1 else ''} ago"
    days = round(seconds / 86_400)
    return f"{days} day{'s' if days != 1 else ''} ago"


def _abilities(texts: Sequence[str]) -> QGridLayout:
    """Two columns of short lines with a tick each."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(GRID)
    grid.setVerticalSpacing(2)
    half = -(-len(texts) // 2)
    for place, text in enumerate(texts):
        row, column = place % half, 2 * (place // half)
        grid.addWidget(IconLabel("check", 14, accent=True), row, column)
        line = ElidedLabel(text)
        line.setFont(font("small"))
        grid.addWidget(line, row, column + 1)
        grid.setColumnStretch(column + 1, 1)
    return grid


def _heading(icon: QIcon) -> QHBoxLayout:
    sign = _Picture(icon, 56)
    texts = QVBoxLayout()
    texts.setSpacing(2)
    texts.addWidget(label("Paper Workbench", "title"))
    texts.addWidget(
        label(
            "Methods of research papers, to play with, measure and use on your own files.",
            muted=True,
            wrap=True,
        )
    )
    row = QHBoxLayout()
    row.setSpacing(GRID * 2)
    row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(texts, 1)
    return row


class _Picture(QWidget):
    """An icon with its own colours."""

    def __init__(self, icon: QIcon, side: int) -> None:
        super().__init__()
        self._icon = icon
        self.setFixedSize(QSize(side, side))

    def paintEvent(self, event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


def _keys() -> QWidget:
    """The keyboard hints in as many columns as fit."""
    inside = _Flow()
    for key, text in KEYS:
        pair = QWidget()
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, GRID, 0)
        row.setSpacing(GRID // 2)
        cap = label(key, "small")
        set_role(cap, "key")
        row.addWidget(cap)
        row.addWidget(label(text, "small", muted=True))
        pair.adjustSize()
        inside.add(pair)
    return inside


class _Flow(QWidget):
    """Widgets in a row that goes on below where it is too narrow."""

    def __init__(self) -> None:
        super().__init__()
        self._members: list[QWidget] = []

    def add(self, member: QWidget) -> None:
        member.setParent(self)
        self._members.append(member)
        self._flow()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._flow()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._flow()
        return super().event(event)

    def _flow(self) -> None:
        x = y = tallest = 0
        for member in self._members:
            size = member.sizeHint()
            if x and x + size.width() > self.width():
                x, y, tallest = 0, y + tallest + GRID // 2, 0
            member.setGeometry(x, y, size.width(), size.height())
            x += size.width() + GRID
            tallest = max(tallest, size.height())
        if self.minimumHeight() != y + tallest:
            self.setMinimumHeight(y + tallest)


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.setVisible(False)
            widget.deleteLater()
        if inner is not None:
            _empty(inner)
            inner.deleteLater()
