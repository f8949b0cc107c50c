"""A tab of a panel with one job of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.core.spec import Spec

if TYPE_CHECKING:
    from engines.core.records import RunRecord
    from workbench.panels.base import Export, Panel
    from workbench.runner import JobHandle

S = TypeVar("S", bound=Spec)

SETTINGS_FROM: Final = 800
"""Logical pixels of width from which a stage shows its settings by itself."""


class Stage(QWidget):
    """A tab with one job of its own, which the panel's Run button starts and stops.

    settings: its form, made by `settings_beside`; it folds where there is no room. Pictures that come while the
    stage is hidden are not drawn; the newest one is when it is shown again.
    """

    run_text = "Run"

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel
        self.handle: JobHandle | None = None
        self.settings: QWidget | None = None
        self._asked: bool | None = None
        self._unseen: Any = None

    def start(self) -> None:
        """What Run does. Raises UserError when the settings do not fit."""
        raise NotImplementedError

    def show_snapshot(self, snapshot: Any) -> None:
        """Draw an intermediate or final picture."""

    def show_end(self, handle: JobHandle) -> None:
        """The job has ended, in whatever way."""

    def exports(self) -> list[Export]:
        """What the export menu offers while this stage is shown."""
        return []

    def save_state(self) -> dict[str, Any]:
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take up what `save_state` said; ignore what does not fit."""

    def close_stage(self) -> None:
        """The window goes."""
        if self.handle is not None:
            self.handle.published.disconnect(self._published)
            self.handle.ended.disconnect(self._ended)
            self.handle = None

    def go_on(self, run: JobHandle | RunRecord, settings: type[S]) -> tuple[JobHandle, S] | None:
        """Resume a run that was stopped, and say which settings it began with. None, and a message, where this version
        does not know them: nothing is started then."""
        try:
            spec = settings.checked(run.spec) if isinstance(run.spec, dict) else run.spec
        except UserError as error:
            self.panel.show_message(
                f"The run that was stopped cannot go on: {error.what}", "error",
                "Another version made it; train again with the settings here.", cause="resume",
            )  # fmt: skip
            return None
        assert isinstance(spec, settings)
        self.panel.messages.withdraw("resume")
        handle = self.panel.services.runner.resume(run)
        self.panel.follow(handle)
        return handle, spec

    def take(self, handle: JobHandle) -> None:
        """Follow a job that was just started."""
        self.close_stage()
        self.handle = handle
        handle.published.connect(self._published)
        handle.ended.connect(self._ended)

    def _ended(self, handle: JobHandle) -> None:
        if handle is self.handle:
            self.show_end(handle)

    def _published(self, snapshot: Any) -> None:
        if self.isVisible():
            self.show_snapshot(snapshot)
        else:
            self._unseen = snapshot

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        unseen, self._unseen = self._unseen, None
        if unseen is not None:
            self.show_snapshot(unseen)

    # -- settings ---------------------------------------------------------------------------------------------

    def settings_beside(self, form: QWidget, *below: QWidget) -> QWidget:
        """The stage's own settings: a scrolling form with `below` at its foot."""
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(form)
        self.settings = QWidget()
        rows = QVBoxLayout(self.settings)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(scroll, 1)
        for widget in below:
            rows.addWidget(widget)
        self.settings.setFixedWidth(280)
        return self.settings

    def toggle_settings(self) -> None:
        """Show or hide the settings."""
        if self.settings is not None:
            self._asked = not self.settings.isVisibleTo(self)
            self._settle_settings()

    def _settle_settings(self) -> None:
        if self.settings is not None:
            by_room = self.width() >= SETTINGS_FROM
            self.settings.setVisible(by_room if self._asked is None else self._asked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle_settings()
