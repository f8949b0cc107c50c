"""The tabs of the Piano panel: each stage is imported and built when it is first shown."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from workbench.theme import GRID

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

Row = tuple[str, str, str]
"""Title, "module:class" of what is imported when first shown, tooltip."""


class Tabs(QTabWidget):
    """built: the stages so far, by number. A stage whose state came with a session takes it up when it is built."""

    def __init__(self, panel: PianoPanel, rows: Sequence[Row], first: QWidget) -> None:
        super().__init__()
        self._panel, self._rows, self._first = panel, rows, first
        self.built: dict[int, Any] = {}
        self._states: dict[str, Any] = {}
        self._pages: list[QWidget] = []
        self.setDocumentMode(True)
        self.setAccessibleName("Views of the Piano panel")
        for number, (title, _, tip) in enumerate(rows):
            page = first if number == 0 else QWidget()
            if number:
                QVBoxLayout(page).setContentsMargins(GRID // 2, GRID // 4, GRID // 2, 0)
            self._pages.append(page)
            self.setTabToolTip(self.addTab(page, title), tip)

    def stage(self, number: int) -> Any:
        """What a tab shows, built when first asked for; the first is there from the beginning."""
        if number == 0:
            return self._first
        if number not in self.built:
            title, where, _ = self._rows[number]
            module, _, name = where.partition(":")
            view = getattr(importlib.import_module(module), name)(self._panel)
            self._pages[number].layout().addWidget(view)  # type: ignore[union-attr]
            self.built[number] = view
            state = self._states.get(title)
            if isinstance(state, dict):
                view.restore_state(state)
        return self.built[number]

    @property
    def handles(self) -> list[Any]:
        """The jobs of all stages."""
        return [view.handle for view in self.built.values() if getattr(view, "handle", None) is not None]

    def save_state(self) -> dict[str, Any]:
        """By title; stages that were not built keep what they had."""
        return {**self._states, **{self._rows[n][0]: view.save_state() for n, view in self.built.items()}}

    def restore_state(self, stages: Any, tab: Any) -> None:
        """Take up what `save_state` said and which tab was in front; ignore what does not fit."""
        if isinstance(stages, dict):
            self._states = stages
        if isinstance(tab, int) and not isinstance(tab, bool) and 0 <= tab < self.count():
            self.setCurrentIndex(tab)

    def close_stages(self) -> None:
        """The window goes."""
        for view in self.built.values():
            view.close_stage()
