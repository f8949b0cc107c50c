"""The left side of the Invariance panel: which models, which pictures, and the settings of the tab that is shown."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from engines.core import data
from engines.core.errors import UserError
from workbench.theme import GRID, Theme
from workbench.widgets.basics import Collapsible, label
from workbench.widgets.model_list import ModelPicker
from workbench.widgets.source_picker import FILE, FOLDER, SourcePicker


class Choices(QWidget):
    """models, source: the pickers. `add_settings` gives a tab's form its place, `show_settings` shows it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.models = ModelPicker(theme, metrics=(("clean_accuracy", "Clean"),))
        self.source = SourcePicker(theme, own=(FOLDER, FILE))
        self._settings = _Pile()
        self._forms: dict[str, QWidget] = {}
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, GRID)
        rows.setSpacing(0)
        self.sections: dict[str, Collapsible] = {}
        for title, content in (("Models", self.models), ("Pictures", self.source), ("Measurement", self._settings)):
            inner = QWidget()
            column = QVBoxLayout(inner)
            column.setContentsMargins(GRID, 0, GRID, GRID) if content is not self._settings else (
                column.setContentsMargins(0, 0, 0, 0)
            )
            column.addWidget(content)
            self.sections[title] = Collapsible(title, inner, is_open=True)
            rows.addWidget(self.sections[title])
        rows.addStretch(1)

    def add_settings(self, key: str, form: QWidget) -> None:
        """The settings of a tab."""
        self._forms[key] = form
        self._settings.addWidget(form)

    def add_note(self, key: str, text: str) -> None:
        """A sentence where a tab has no settings."""
        note = label(text, "small", muted=True, wrap=True)
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(GRID, 0, GRID, GRID)
        column.addWidget(note)
        column.addStretch(1)
        self.add_settings(key, box)

    def show_settings(self, key: str) -> None:
        """Show those of this tab."""
        if key in self._forms:
            self._settings.setCurrentWidget(self._forms[key])


def source_name(source: str) -> str:
    """A source of pictures as people call it: "MNIST", "handwritten digits", or the name of a folder or file."""
    try:
        title = data.status(source).entry.title.split(",")[0]
    except UserError:
        return Path(source).name or source
    return title if any(letter.isupper() for letter in title[1:]) else title.lower()


class _Pile(QStackedWidget):
    """As high as the page that is shown, not as the highest."""

    def __init__(self) -> None:
        super().__init__()
        self.currentChanged.connect(lambda _: self.updateGeometry())

    def sizeHint(self):  # type: ignore[no-untyped-def]
        page = self.currentWidget()
        return super().sizeHint() if page is None else page.sizeHint()

    def minimumSizeHint(self):  # type: ignore[no-untyped-def]
        page = self.currentWidget()
        return super().minimumSizeHint() if page is None else page.minimumSizeHint()
