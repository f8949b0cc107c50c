"""A checkable list of models with what was measured of them, and the way to add one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QPushButton, QVBoxLayout, QWidget

from workbench import icons
from workbench.theme import GRID, Theme
from workbench.widgets.basics import icon_button, label, set_enabled
from workbench.widgets.model_table import ModelLike, ModelTable, ModelTableView
from workbench.widgets.own_model_dialog import OwnModelDialog, OwnModelTools


class ModelPicker(QWidget):
    """Models to tick.

    Signals: `selection_changed(names)` after the user ticked; `model_added(name)` after one of the user's own
    was saved, for the panel to list the models anew; `remove_requested(name)` for one of the user's own.

    metrics: (key of `metrics`, heading) columns, shares in [0, 1] shown in percent; "a|b" takes b where a is
    missing. several: more than one may be ticked. one_shape: only models of one input shape together; the others
    then say so. most: how many at once, 0 for any number.
    """

    selection_changed = Signal(object)
    model_added = Signal(str)
    remove_requested = Signal(str)

    def __init__(
        self,
        theme: Theme,
        name: str = "Models",
        *,
        metrics: Sequence[tuple[str, str]] = (("clean_accuracy|held_out_accuracy", "Clean"),),
        several: bool = True,
        one_shape: bool = True,
        most: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._tools: OwnModelTools | None = None
        self.setAccessibleName(name)
        self.model = ModelTable(metrics, several=several, one_shape=one_shape, most=most)
        self.model.setParent(self)
        self.model.ticked.connect(self._ticked)
        self.table = ModelTableView(theme)
        self.table.setModel(self.model)
        self.table.setAccessibleName(name)
        self.table.toggled.connect(self.model.toggle)
        self.setFocusProxy(self.table)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self._count = label("", "small", muted=True)
        self._add = QPushButton("Add your own…")
        self._add.setIcon(icons.icon("plus"))
        self._add.clicked.connect(lambda: self.add_own())
        self._remove = icon_button("trash", "Forget this model of yours; its file stays", self._ask_to_remove)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(self._add)
        row.addWidget(self._remove)
        row.addStretch(1)
        row.addWidget(self._count)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.table)
        rows.addLayout(row)
        self.table.selectionModel().currentChanged.connect(lambda *_: self._offer())
        self.set_own_model_tools(None)
        self._say()

    # -- models -----------------------------------------------------------------------------------------------

    def selection(self) -> list[str]:
        """Names of the ticked models, in the list's order."""
        return self.model.selection()

    def models(self) -> list[ModelLike]:
        """The ticked models."""
        chosen = set(self.selection())
        return [info for info in self.model.infos if info.name in chosen]

    def set_models(self, models: Sequence[ModelLike], chosen: Sequence[str] | None = None) -> None:
        """List these models. chosen: names to tick; those ticked before by default. Emits nothing."""
        self.model.set_models(models, self.selection() if chosen is None else chosen)
        self.table.fit()
        self._say()

    def set_selection(self, names: Sequence[str]) -> None:
        """Tick these, as far as they can be; emits nothing."""
        self.model.set_models(self.model.infos, names)
        self._say()

    def set_own_model_tools(self, tools: OwnModelTools | None) -> None:
        """How to look into a file and to save the answers; without it no model can be added."""
        self._tools = tools
        set_enabled(self._add, "" if tools else "The engine is still starting", "Use a network of your own")

    def add_own(self, path: str = "") -> OwnModelDialog | None:
        """Open the dialog for a model of the user's, with a file that was dropped perhaps."""
        if self._tools is None:
            return None
        dialog = OwnModelDialog(self.theme, self._tools, parent=self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.saved.connect(self._saved)
        dialog.open()
        if path:
            dialog.set_path(path)
        return dialog

    # -- inside -----------------------------------------------------------------------------------------------

    def _saved(self, answers: Any) -> None:
        self.model_added.emit(answers.name)

    def _ticked(self) -> None:
        self._say()
        self.selection_changed.emit(self.selection())

    def _offer(self) -> None:
        row = self.table.currentIndex().row()
        own = 0 <= row < len(self.model.infos) and self.model.infos[row].is_own
        set_enabled(self._remove, "" if own else "Only models of your own can be forgotten",
                    "Forget this model of yours; its file stays")  # fmt: skip

    def _ask_to_remove(self) -> None:
        self.remove_requested.emit(self.model.infos[self.table.currentIndex().row()].name)

    def _say(self) -> None:
        self._count.setText(f"{len(self.selection())} of {len(self.model.infos)}")
        ticked = ", ".join(info.title for info in self.models()) or "none"
        self.table.setAccessibleDescription(f"Ticked: {ticked}. Space ticks a model.")
        self._offer()
