"""The base of all panels: its zones, its Run/Stop button, its messages, its place in the session.

A panel is constructed with the services and its metadata, builds its widgets, and hands them to `set_zones`.
It starts jobs with `start`, which follows the job with the Run button and shows what went wrong beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from engines.core.errors import UserError
from engines.core.spec import Spec
from workbench import icons
from workbench.commands import Command, always, later
from workbench.panels.registry import PanelInfo
from workbench.services import Services
from workbench.theme import GRID, set_role
from workbench.widgets.basics import ElidedLabel, icon_button, label
from workbench.widgets.help_pane import HelpPane
from workbench.widgets.message_bar import Message, MessageBar, MessageKind
from workbench.widgets.run_button import RunButton

if TYPE_CHECKING:
    from workbench.runner import JobHandle

HELP_FROM: Final = 1280  # logical pixels of width from which help is open beside the work by itself
FORM_FROM: Final = 560
FORM_MOST: Final = 340  # a form that wants more has to wrap
Zone = Literal["form", "results", "help"]
ENDED: Final = ("done", "failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class Export:
    """Something a panel can save. suffix: ".png"; write: writes the file or raises UserError or OSError. What takes
    longer it leaves to a job, and returns what to say meanwhile."""

    id: str
    text: str
    suffix: str
    write: Callable[[Path], object]
    why_disabled: Callable[[], str] = always


class Panel(QWidget):
    """One paper's place to play. Subclasses override the methods of the section "for a panel to say".

    demo_done carries the demo's figures (a dict of numbers and strings), demo_failed a sentence.
    status_message carries text and kind for the window's status bar. file_opened: the path of a file of the user's that
    was taken, at once or later.
    """

    demo_done = Signal(object)
    demo_failed = Signal(str)
    status_message = Signal(str, str)
    file_opened = Signal(object)
    busy_changed = Signal(bool)
    commands_changed = Signal()

    def __init__(self, services: Services, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.services, self.info = services, info
        self.setAccessibleName(info.title)
        self._main_job: JobHandle | None = None
        self._jobs: list[JobHandle] = []
        self._opening: set[Path] = set()
        self._asked: dict[Zone, bool] = {}
        self.run_button = RunButton()
        self.run_button.run_requested.connect(self.run)
        self.run_button.stop_requested.connect(self.stop)
        self.messages = MessageBar()
        self._zones: dict[Zone, QWidget] = {}
        self._build_frame()

    # -- for a panel to say ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Start the main job on what the form says."""

    def demo(self) -> None:
        """Start the main job on its default input; ends with `demo_done` or `demo_failed`."""
        self.demo_failed.emit(f"{self.info.title} has no demonstration.")

    def stop(self) -> None:
        """Ask every job of this panel to stop."""
        for handle in list(self._jobs):
            handle.cancel()

    def is_busy(self) -> bool:
        """Whether closing now would throw work away."""
        return self._main_job is not None

    def save_state(self) -> dict[str, Any]:
        """What the next session needs, as JSON."""
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take up what `save_state` said; ignore what does not fit."""

    def accepts(self, path: Path) -> bool:
        """Whether `open_path` can use this file."""
        return path.suffix.lower() in self.info.accepts

    def open_path(self, path: Path) -> None:
        """Open a file of the user's. Raises UserError and changes nothing when it cannot.

        What takes a job says `opens_later` here, and `was_opened` or `was_not_opened` when it knows.
        """
        raise UserError(f"{self.info.title} opens no files", "choose another panel")

    def commands(self) -> list[Command]:
        """What the palette offers while this panel is shown; extend the list of the base."""
        group = self.info.title
        return [
            Command("panel.run", f"Run {group}", self.run_button.press, "Space", self._why_no_run, group,
                    "play"),
            Command("panel.stop", "Stop", self.stop, "Esc", self._why_no_stop, group, "stop"),
            Command("panel.form", "Show or hide the settings", lambda: self.toggle_zone("form"),
                    "Ctrl+Shift+S", group=group, icon="sidebar"),
            Command("panel.results", "Show or hide the results", lambda: self.toggle_zone("results"),
                    "Ctrl+Shift+R", group=group, icon="table"),
            *(Command(f"export.{e.id}", f"Export: {e.text}", later(self.export, e), "", e.why_disabled,
                      group, "export") for e in self.exports()),
        ]  # fmt: skip

    def exports(self) -> list[Export]:
        """What the export menu offers."""
        return []

    def close_panel(self) -> None:
        """Called once before the window goes: stop jobs and timers."""
        self.stop()
        for handle in self._jobs:
            handle.state_changed.disconnect(self._job_state)
        self._jobs.clear()
        self._main_job = None
        self.run_button.set_state("idle")

    # -- jobs -----------------------------------------------------------------------------------------------

    def start(
        self,
        name: str,
        spec: Spec,
        *,
        lane: Literal["interactive", "batch"] = "batch",
        main: bool = True,
        resume_run: str | None = None,
        record: bool | None = None,
    ) -> JobHandle:
        """Submit a job and follow it. A `main` job drives the Run button; a failure is shown inline."""
        handle = self.services.runner.submit(name, spec, lane=lane, resume_run=resume_run, record=record)
        self.follow(handle, main=main)
        return handle

    def follow(self, handle: JobHandle, *, main: bool = True) -> None:
        """Follow a job that was submitted elsewhere."""
        self._jobs.append(handle)
        self.messages.withdraw(f"job {handle.name}")
        if main:
            self._main_job = handle
            self.messages.clear("error")
            self.run_button.set_state("stopping" if handle.state == "stopping" else "running")
            self.busy_changed.emit(True)
        handle.state_changed.connect(self._job_state)
        if handle.state in ENDED:
            self._job_ended(handle)

    def _job_state(self, state: str) -> None:
        handle = self.sender()
        if handle is None or handle not in self._jobs:
            return
        if state in ENDED:
            self._job_ended(handle)  # type: ignore[arg-type]
        elif handle is self._main_job:
            self.run_button.set_state("stopping" if state == "stopping" else "running")

    def _job_ended(self, handle: JobHandle) -> None:
        if handle in self._jobs:
            self._jobs.remove(handle)
        if handle is self._main_job:
            self._main_job = None
            self.run_button.set_state("idle")
            self.busy_changed.emit(False)
        if handle.state == "failed" and handle.error is not None:
            self.show_failure(handle)
        elif handle.state == "interrupted":
            remedy = "It can be resumed from the job list."
            self.show_message(f"“{handle.title}” was interrupted.", "warn", remedy, cause=f"job {handle.name}")

    def show_failure(self, handle: JobHandle) -> None:
        """Say what ended a job: a user's mistake with its remedy, a bug with its details to copy."""
        error = handle.error
        if error is None:
            return
        cause = f"job {handle.name}"
        if error.kind == "user":
            self.show_message(error.what, "error", error.remedy, cause=cause)
            return
        self.show_message(
            f"“{handle.title}” stopped because of a fault in the program: {error.what}",
            "error",
            error.remedy,
            ("Details…", lambda: self._show_details(handle)),
            cause=cause,
        )

    def _show_details(self, handle: JobHandle) -> None:
        from workbench.widgets.failure_dialog import show_failure

        show_failure(handle, self)

    # -- messages, exports, files ---------------------------------------------------------------------------

    def show_message(
        self,
        text: str,
        kind: MessageKind = "info",
        remedy: str = "",
        action: tuple[str, Callable[[], None]] | None = None,
        *,
        cause: str = "",
    ) -> Message:
        """Show an inline message above the work until it is closed, or replaced by one of the same cause."""
        return self.messages.show_message(text, kind, remedy, action, cause=cause)

    def export(self, export: Export, path: Path | None = None) -> None:
        """Save an export, asking where unless `path` is given."""
        self.messages.withdraw("export")
        reason = export.why_disabled()
        if reason:
            self.show_message(reason, "info", cause="export")
            return
        if path is None:
            name = f"{self.info.topic}-{export.id}{export.suffix}"
            kind = f"{export.suffix[1:].upper()} (*{export.suffix})"
            chosen, _ = QFileDialog.getSaveFileName(self, export.text, name, kind)
            if not chosen:
                return
            path = Path(chosen)
        if not path.suffix:
            path = path.with_suffix(export.suffix)
        try:
            said = export.write(path)
        except UserError as error:
            self.show_message(error.what, "error", error.remedy, cause="export")
        except OSError as error:
            self.show_message(f"{path.name} could not be written: {error.strerror or error}.", "error",
                              "Choose another folder.", cause="export")  # fmt: skip
        else:
            self.status_message.emit(said if isinstance(said, str) else f"Saved {path}", "ok")

    def open_checked(self, path: Path) -> bool:
        """Open a file, turning a refusal into a message. Says whether it was not refused at once; `file_opened` and the
        status bar tell when it was taken."""
        self.messages.withdraw("open")
        self.status_message.emit(f"Opening {path.name}…", "info")
        self._opening.discard(path)
        try:
            self.open_path(path)
        except UserError as error:
            self.show_message(error.what, "error", error.remedy, cause="open")
        except OSError as error:
            self.show_message(f"{path.name} cannot be read: {error.strerror or error}.", "error", cause="open")
        else:
            if path not in self._opening:
                self.was_opened(path)
            return True
        self.was_not_opened(path)
        return False

    def opens_later(self, path: Path) -> None:
        """A job looks into the file: what came of it is told by `was_opened` or `was_not_opened`."""
        self._opening.add(path)

    def was_opened(self, path: Path, said: str = "") -> None:
        """The file was taken. said: for the status bar, in other words than "Opened net.pt2"."""
        self._opening.discard(path)
        self.status_message.emit(said or f"Opened {path.name}", "ok")
        self.file_opened.emit(path)

    def was_not_opened(self, path: Path) -> None:
        """The file was refused, which is said inline, or given up."""
        self._opening.discard(path)
        self.status_message.emit(f"{path.name} was not opened", "info")

    # -- zones ----------------------------------------------------------------------------------------------

    def set_zones(
        self,
        form: QWidget | None,
        stage: QWidget,
        results: QWidget | None = None,
        *,
        stretch: tuple[int, int] = (3, 1),
    ) -> None:
        """Put the panel's widgets in place: form left, stage in the middle, results below it, help right.

        stretch: how stage and results share the height.
        """
        if form is not None:
            scroll = QScrollArea()
            scroll.setFrameShape(QFrame.Shape.NoFrame)
            scroll.setWidgetResizable(True)
            scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            scroll.setWidget(form)
            wanted = form.minimumSizeHint().width() + scroll.verticalScrollBar().sizeHint().width()
            scroll.setMinimumWidth(min(max(220, wanted), FORM_MOST))
            self._zones["form"] = scroll
            self._columns.insertWidget(0, scroll)
        self._rows.addWidget(stage)
        if results is not None:
            self._zones["results"] = results
            self._rows.addWidget(results)
            self._rows.setStretchFactor(1, stretch[1])
        self._rows.setStretchFactor(0, stretch[0])
        self._columns.setStretchFactor(self._columns.indexOf(self._middle), 1)
        self._columns.setSizes([296, 900, 320] if form is not None else [900, 320])
        total = sum(stretch)
        self._rows.setSizes([600 * stretch[0] // total, 600 * stretch[1] // total])
        self._form_button.setVisible(form is not None)
        self._settle_zones()

    def add_to_header(self, widget: QWidget) -> None:
        """Put a control into the panel's head, left of the Run button."""
        self._header_row.insertWidget(self._header_row.indexOf(self.run_button), widget)

    def toggle_zone(self, zone: Zone) -> None:
        """Show or hide a zone; the choice is kept with the session."""
        if zone in self._zones:
            self._asked[zone] = not self._zones[zone].isVisibleTo(self)
            self._settle_zones()

    def show_help(self) -> None:
        """Open help beside the work, or close it again."""
        self.toggle_zone("help")

    def layout_state(self) -> dict[str, Any]:
        """Sizes and visibility of the zones, as JSON."""
        return {
            "columns": self._columns.sizes(),
            "rows": self._rows.sizes(),
            "asked": {str(zone): shown for zone, shown in self._asked.items()},
        }

    def restore_layout(self, state: dict[str, Any]) -> None:
        """Take up what `layout_state` said; what does not fit is ignored."""
        asked = state.get("asked")
        if isinstance(asked, dict):
            self._asked = {zone: bool(asked[zone]) for zone in self._zones if zone in asked}
        for splitter, key in ((self._columns, "columns"), (self._rows, "rows")):
            sizes = state.get(key)
            if not isinstance(sizes, list) or len(sizes) != splitter.count():
                continue
            if all(isinstance(s, int) and s >= 0 for s in sizes) and sum(sizes) > 0:
                splitter.setSizes(sizes)
        self._settle_zones()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle_zones()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Keys arrive here only when the focused control had no use for them.
        if event.key() == Qt.Key.Key_Space and not event.modifiers() and not event.isAutoRepeat():
            self.run_button.press()
        elif event.key() == Qt.Key.Key_Escape and not event.modifiers():
            self.stop()
        else:
            super().keyPressEvent(event)

    def _why_no_run(self) -> str:
        if self.run_button.state != "idle":
            return "It is running already."
        return "" if self.run_button.isEnabled() else self.run_button.toolTip()

    def _why_no_stop(self) -> str:
        return "" if self._jobs else "Nothing is running."

    def _settle_zones(self) -> None:
        """Show each zone as asked for, else by the room there is."""
        by_room: dict[Zone, bool] = {
            "form": self.width() >= FORM_FROM, "results": True, "help": self.width() >= HELP_FROM
        }  # fmt: skip
        for zone, widget in self._zones.items():
            shown = self._asked.get(zone, by_room[zone])
            if zone == "help" and shown and isinstance(widget, HelpPane) and not widget.topic:
                widget.show_topic(self.info.topic)
            widget.setVisible(shown)
        self._form_button.setChecked("form" in self._zones and self._zones["form"].isVisibleTo(self))
        self._help_button.setChecked(self._zones["help"].isVisibleTo(self))

    def _build_frame(self) -> None:
        header = QFrame()
        set_role(header, "header")
        self._header_row = row = QHBoxLayout(header)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID)
        self._form_button = icon_button(
            "sidebar",
            "Show or hide the settings (Ctrl+Shift+S)",
            lambda: self.toggle_zone("form"),
            checkable=True,
        )
        row.addWidget(self._form_button)
        row.addWidget(label(self.info.title, "heading"))
        paper = ElidedLabel(self.info.paper)
        set_role(paper, "muted")
        row.addWidget(paper, 1)
        row.addWidget(self.run_button)
        self.export_button = QToolButton()
        self.export_button.setIcon(icons.icon("export"))
        self.export_button.setIconSize(QSize(18, 18))
        self.export_button.setToolTip("Export pictures and tables")
        self.export_button.setAccessibleName("Export")
        self.export_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.export_button)
        menu.aboutToShow.connect(self._fill_export_menu)
        self.export_button.setMenu(menu)
        row.addWidget(self.export_button)
        self._help_button = icon_button("help", "Help on this panel (F1)", self.show_help, checkable=True)
        row.addWidget(self._help_button)

        self._rows = QSplitter(Qt.Orientation.Vertical)
        self._rows.setChildrenCollapsible(False)
        self._columns = QSplitter(Qt.Orientation.Horizontal)
        self._columns.setChildrenCollapsible(False)
        # A stage that needs more room than there is scrolls; it must not push the form aside or the window wider.
        self._middle = QScrollArea()
        self._middle.setFrameShape(QFrame.Shape.NoFrame)
        self._middle.setWidgetResizable(True)
        self._middle.setWidget(self._rows)
        self._middle.setMinimumWidth(200)
        self._columns.addWidget(self._middle)
        help_pane = HelpPane(self.services.theme)
        help_pane.setMinimumWidth(200)
        self._zones["help"] = help_pane
        self._columns.addWidget(help_pane)
        for splitter in (self._rows, self._columns):
            splitter.setHandleWidth(GRID // 2)

        pile = QVBoxLayout()
        pile.setContentsMargins(GRID, 0, GRID, 0)
        pile.addWidget(self.messages)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(header)
        rows.addLayout(pile)
        rows.addWidget(self._columns, 1)

    def _fill_export_menu(self) -> None:
        menu = self.export_button.menu()
        menu.clear()
        menu.setToolTipsVisible(True)
        for export in self.exports():
            action = menu.addAction(f"{export.text}…", later(self.export, export))
            reason = export.why_disabled()
            action.setEnabled(not reason)
            action.setToolTip(reason)
        if menu.isEmpty():
            menu.addAction("Nothing to export yet").setEnabled(False)
