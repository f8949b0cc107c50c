"""The preferences dialog, made from the settings' own declarations."""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engines.core.spec import FieldView
from workbench.settings import Settings
from workbench.theme import GRID, set_role
from workbench.widgets.basics import label, plain_buttons
from workbench.widgets.editors import BoolEditor, ChoiceEditor, Editor, PathEditor, editor_for
from workbench.widgets.spec_form import expected


class Preferences(QDialog):
    """Edits a copy; `applied(Settings)` carries it when the user accepts and every value is allowed.

    devices: offered for the device. Nothing changes on cancel.
    """

    applied = Signal(object)

    def __init__(self, settings: Settings, devices: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.resize(520, 560)
        self._settings = settings
        self._editors: dict[str, Editor] = {}
        self._errors: dict[str, QLabel] = {}
        inside = QWidget()
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(GRID * 2, GRID * 2, GRID * 2, GRID)
        views = Settings.views()
        for group in dict.fromkeys(v.group for v in views):
            lines.addWidget(label(group, "heading"))
            grid = QGridLayout()
            grid.setColumnStretch(0, 3)
            grid.setColumnStretch(1, 2)
            grid.setHorizontalSpacing(GRID * 2)
            grid.setVerticalSpacing(GRID // 2)
            for view in (v for v in views if v.group == group):
                self._add(grid, view, devices)
            lines.addLayout(grid)
            lines.addSpacing(GRID * 2)
        lines.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        plain_buttons(self.buttons)
        restore = self.buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        restore.clicked.connect(lambda: self._show_values(Settings()))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, GRID)
        rows.addWidget(scroll, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(GRID * 2, 0, GRID * 2, 0)
        foot.addWidget(self.buttons)
        rows.addLayout(foot)
        self._show_values(settings)

    def editor(self, name: str) -> Editor:
        """The editor of a setting. Raises KeyError."""
        return self._editors[name]

    def error_of(self, name: str) -> str:
        """What is said to be wrong with a setting."""
        return self._errors[name].text()

    def accept(self) -> None:
        """Check everything; close only when all of it is allowed."""
        for error in self._errors.values():
            error.setVisible(False)
        values = {name: editor.value() for name, editor in self._editors.items()}
        try:
            checked = Settings(**values)
        except ValidationError as error:
            views = {v.name: v for v in Settings.views()}
            for said in error.errors():
                name = str(said["loc"][0])
                wrong = self._errors[name]
                wrong.setText(expected(views[name], values[name]))
                wrong.setVisible(True)
                self._editors[name].set_invalid(True)
            self._editors[str(error.errors()[0]["loc"][0])].control().setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self.applied.emit(checked)
        super().accept()

    def _show_values(self, settings: Settings) -> None:
        for name, editor in self._editors.items():
            editor.set_value(getattr(settings, name))

    def _add(self, grid: QGridLayout, view: FieldView, devices: list[str]) -> None:
        at = grid.rowCount()
        if view.kind == "path":
            editor: Editor = PathEditor(view, folder=True)
        elif view.name == "device":
            editor = ChoiceEditor(view, devices, free=True)
        else:
            editor = editor_for(view, slider=False)
        caption = label(f"{view.label} [{view.unit}]" if view.unit else view.label)
        caption.setBuddy(editor)
        note = label(view.help, "small", muted=True, wrap=True)
        error = label("", "small", wrap=True)
        set_role(error, "error")
        error.setVisible(False)
        editor.edited.connect(lambda: error.setVisible(False))
        editor.edited.connect(lambda: editor.set_invalid(False))
        grid.addWidget(caption, at, 0)
        if view.kind == "path":
            grid.addWidget(editor, at + 1, 0, 1, 2)
            at += 1
        elif isinstance(editor, BoolEditor):
            grid.addWidget(editor, at, 1, Qt.AlignmentFlag.AlignRight)
        else:
            grid.addWidget(editor, at, 1)
        grid.addWidget(note, at + 1, 0, 1, 2)
        grid.addWidget(error, at + 2, 0, 1, 2)
        grid.setRowMinimumHeight(at + 3, GRID)
        self._editors[view.name], self._errors[view.name] = editor, error
