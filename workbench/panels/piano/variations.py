"""The column at the right: the variations of a take, how alike each is to the style, and the takes before."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from workbench.panels.piano.takes import Takes
from workbench.theme import GRID, Theme
from workbench.widgets.basics import icon_button, label, percent


class Variations(QWidget):
    """A button for each variation; arrows go through the takes."""

    def __init__(self, theme: Theme, takes: Takes) -> None:
        super().__init__()
        self.takes = takes
        self.setFixedWidth(200)
        self.group = QButtonGroup(self)
        self.group.setExclusive(True)
        self.group.idClicked.connect(takes.choose)
        self.back = icon_button("undo", "The take before (Ctrl+Z)", lambda: takes.go(-1))
        self.on = icon_button("redo", "The take after (Ctrl+Y)", lambda: takes.go(1))
        self.place = label("No take yet", "small", muted=True)
        self.note = label("", "small", muted=True, wrap=True)
        head = QHBoxLayout()
        head.addWidget(label("Variations", "strong"), 1)
        head.addWidget(self.back)
        head.addWidget(self.on)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(GRID // 2)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, 0, 0, 0)
        rows.addLayout(head)
        rows.addWidget(self.place)
        rows.addLayout(self._rows)
        rows.addWidget(self.note)
        rows.addStretch(1)
        self._alike: dict[int, float] = {}
        takes.changed.connect(self.refresh)
        self.refresh()

    def show_alike(self, alike: dict[int, float]) -> None:
        """Overlapping area with the style, by variation."""
        self._alike = alike
        self.refresh()

    def refresh(self) -> None:
        """Show the take as it is now."""
        take, (place, count) = self.takes.current, self.takes.place
        for button, step in ((self.back, -1), (self.on, 1)):
            reason = self.takes.why_not(step)
            button.setEnabled(not reason)
            button.setToolTip(reason or ("The take before (Ctrl+Z)" if step < 0 else "The take after (Ctrl+Y)"))
        self.place.setText(f"Take {place} of {count}" if take is not None else "No take yet")
        voices = take.voices if take is not None else ()
        while self._rows.count() > len(voices):
            item = self._rows.takeAt(self._rows.count() - 1)
            widget = item.widget()
            self.group.removeButton(widget)  # type: ignore[arg-type]
            widget.deleteLater()
        while self._rows.count() < len(voices):
            button = QToolButton()
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setSizePolicy(button.sizePolicy().Policy.Expanding, button.sizePolicy().Policy.Fixed)
            self.group.addButton(button, self._rows.count())
            self._rows.addWidget(button)
        for number, voice in enumerate(voices):
            button = self.group.button(number)
            alike = self._alike.get(number)
            text = f"{number + 1}:  {len(voice.notes)} notes, {voice.clock:.0f} s"
            if take is not None and take.done and alike is not None:
                text += f", {percent(alike, 0)} alike"
            button.setText(text)
            button.setToolTip("Overlapping area of eight features with the style, 100 % is the same")
        if take is not None and voices:
            self.group.button(take.chosen).setChecked(True)
        self.note.setText(" ".join(take.remarks) if take is not None else "")
