"""The window: navigation, pages, palette, drops, session. The only place that knows all panels, by metadata.

It is shown before the engines exist: `attach` gives it the services once the first picture is on the screen,
and a panel is imported and built when it is first shown.
"""

from __future__ import annotations

import logging
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QByteArray, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QIcon,
    QKeyEvent,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engines.core import paths
from engines.core.errors import UserError
from workbench import drops
from workbench.commands import Command
from workbench.home import HomePage
from workbench.navigation import HOME, Navigation
from workbench.painted import Painted
from workbench.panels import registry
from workbench.panels.registry import PANELS, PanelInfo
from workbench.session import Session, save_session
from workbench.settings import Settings, save_settings
from workbench.status_bar import WindowStatusBar
from workbench.theme import GRID, Theme
from workbench.widgets.command_palette import CommandPalette
from workbench.widgets.message_bar import MessageBar, MessageKind
from workbench.window_commands import CommandActions, window_commands

if TYPE_CHECKING:
    from engines.core.store import RunRecord
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle
    from workbench.services import Services
    from workbench.widgets.help_pane import HelpPane
    from workbench.window_jobs import WindowJobs

log = logging.getLogger(__name__)
FOLD_BELOW: Final = 1000  # logical pixels of width under which the navigation folds by itself
KEYS_OF_FOCUS: Final = (
    "Space",
    "Esc",
)  # taken by the panel only where the focused control has no use for them


class MainWindow(QMainWindow):
    """`first_painted` is emitted once, when the first picture is on the screen; `attached` with the services.

    panels: metadata of those that there are. session: what to bring back; kept up to date while open.
    """

    first_painted = Signal()
    attached = Signal()
    panel_shown = Signal(str)

    def __init__(
        self,
        theme: Theme,
        settings: Settings,
        session: Session,
        *,
        panels: tuple[PanelInfo, ...] = PANELS,
    ) -> None:
        super().__init__()
        self.theme, self.settings, self.session = theme, settings, session
        self.services: Services | None = None
        self._jobs: WindowJobs | None = None
        self._window_help: HelpPane | None = None
        self._started_with = settings.model_copy()
        self._infos = panels
        self._panels: dict[str, Panel] = {}
        self._waiting: Callable[[], None] | None = None
        self._painted = False
        self._closed = False
        self.painted: Painted | None = None
        self._current = HOME
        self.setWindowTitle("Paper Workbench")
        self.setWindowIcon(app_icon())
        self.setMinimumSize(QSize(640, 420))
        self.setAcceptDrops(True)
        self.setDockNestingEnabled(True)
        self._build()
        self.palette_box = CommandPalette(self)
        self._autosave = QTimer(self)
        self._autosave.timeout.connect(self.save_session)
        self._actions = CommandActions(self, self._infos)
        self._restore_window()

    # -- life -----------------------------------------------------------------------------------------------

    def attach(self, services: Services) -> None:
        """Give the window what panels need; a panel that was asked for before is shown now."""
        self.services = services
        from workbench.widgets.job_dock import JobDock
        from workbench.window_jobs import WindowJobs

        self._jobs = WindowJobs(services, self.home, self.status_bar, self)
        self.job_dock = JobDock(services.runner, self)
        self.job_dock.setVisible(False)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.job_dock)
        if self.session.docks:
            self.restoreState(_bytes(self.session.docks))
        if services.store is not None:
            for notice in services.store.notices:
                self.show_message(notice, "warn")
        self._set_autosave()
        self.attached.emit()
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting()

    def restore_last_panel(self) -> None:
        """Show the panel that was on top when the last session ended."""
        if any(info.topic == self.session.panel for info in self._infos):
            self.show_panel(self.session.panel)

    def look_at_machine(self) -> None:
        """Ask the engines what this computer has; home page and status bar show the answer."""
        if self._jobs is not None:
            self._jobs.look_at_machine()

    @property
    def machine_job(self) -> JobHandle | None:
        """The look at this computer, once it was asked for."""
        return self._jobs.machine if self._jobs is not None else None

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self._note_first_paint)

    def _note_first_paint(self) -> None:
        self.painted = Painted.now()
        self.first_painted.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._closed:
            event.accept()
            return
        if not self._may_close():
            event.ignore()
            return
        self._closed = True
        self.save_session()
        self._autosave.stop()
        for panel in self._panels.values():
            panel.close_panel()
        if self.services is not None:
            self.services.runner.close(5.0)
            if self.services.store is not None:
                self.services.store.close()
        event.accept()

    # -- pages ----------------------------------------------------------------------------------------------

    def current_panel(self) -> Panel | None:
        """The panel on top, or None on the home page."""
        return self._panels.get(self._current)

    def panel(self, topic: str) -> Panel | None:
        """A panel that was built already."""
        return self._panels.get(topic)

    def show_home(self) -> None:
        """Show the home page."""
        if self._jobs is not None:
            self._jobs.show_runs()
        self._set_page(HOME, self.home)

    def show_panel(self, topic: str, then: Callable[[Panel], object] | None = None) -> None:
        """Show a panel, building it first if need be; `then` is called with it."""
        if topic == HOME:
            self.show_home()
            return
        if self.services is None:
            self._waiting = lambda: self.show_panel(topic, then)
            self.status("The engines are starting…")
            return
        panel = self._panels.get(topic) or self._build_panel(registry.find(topic, self._infos))
        if panel is None:
            return
        self._set_page(topic, panel)
        if then is not None:
            then(panel)

    def show_demo(self, topic: str) -> None:
        """Show a panel and run its demonstration."""
        self.show_panel(topic, lambda panel: panel.demo())

    def _build_panel(self, info: PanelInfo) -> Panel | None:
        assert self.services is not None
        QApplication.setOverrideCursor(Qt.CursorShape.WaitCursor)
        try:
            panel = registry.build(info, self.services)
        except (ImportError, AttributeError, UserError, OSError) as error:
            log.exception("the panel %s could not be built", info.topic)
            self.show_message(f"“{info.title}” could not be opened: {error}", "error", "Reinstalling may help.",
                              cause=f"panel {info.topic}")  # fmt: skip
            return None
        finally:
            QApplication.restoreOverrideCursor()
        self.messages.withdraw(f"panel {info.topic}")
        self._panels[info.topic] = panel
        self._pages.addWidget(panel)
        panel.status_message.connect(self.status)
        panel.file_opened.connect(self._remember)
        panel.busy_changed.connect(lambda busy: self.navigation.set_busy(info.topic, busy))
        panel.commands_changed.connect(self._actions.follow_panel)
        drops.let_through(panel)
        saved = self.session.panels.get(info.topic, {})
        self._restore_panel(panel, saved)
        return panel

    def _restore_panel(self, panel: Panel, saved: dict[str, Any]) -> None:
        layout, state = saved.get("layout"), saved.get("state")
        try:
            if isinstance(layout, dict):
                panel.restore_layout(layout)
            if isinstance(state, dict):
                panel.restore_state(state)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, UserError, OSError) as error:
            log.exception("the saved state of %s does not fit", panel.info.topic)
            panel.show_message(f"The last session of this panel could not be restored: {error}", "warn",
                               cause="session")  # fmt: skip

    def _set_page(self, topic: str, page: QWidget) -> None:
        self._current = topic
        self._pages.setCurrentWidget(page)
        self.navigation.set_current(topic)
        title = "" if topic == HOME else f"{registry.find(topic, self._infos).title} – "
        self.setWindowTitle(f"{title}Paper Workbench")
        self._actions.follow_panel()
        if topic != HOME:
            page.setFocus(Qt.FocusReason.OtherFocusReason)
        self.panel_shown.emit(topic)

    # -- messages -------------------------------------------------------------------------------------------

    def show_message(
        self,
        text: str,
        kind: MessageKind = "info",
        remedy: str = "",
        action: tuple[str, Callable[[], None]] | None = None,
        *,
        cause: str = "",
    ) -> None:
        """Show an inline message above the page. The newest of a cause replaces the older."""
        self.messages.show_message(text, kind, remedy, action, cause=cause)

    def status(self, text: str, kind: str = "info") -> None:
        """Say something in the status bar for a while; what went wrong is shown inline instead."""
        if kind == "error":
            self.show_message(text, "error", cause="status")
            return
        if kind == "ok":  # something went well: the last failure is no news
            self.messages.withdraw("status")
        self.status_bar.say(text)

    def show_fault(self, what: str, details: str) -> None:
        """Tell of an exception nobody caught; the program goes on."""
        self.show_message(
            f"Something in the program went wrong: {what}",
            "error",
            "You can go on working.",
            ("Copy details", lambda: QApplication.clipboard().setText(details)),
            cause="fault",
        )

    # -- commands -------------------------------------------------------------------------------------------

    def window_commands(self) -> list[Command]:
        """What can be done anywhere."""
        return window_commands(self, self._infos)

    def all_commands(self) -> list[Command]:
        """What the palette offers now: the current panel's commands first."""
        panel = self.current_panel()
        return [*(panel.commands() if panel is not None else ()), *self.window_commands()]

    def open_palette(self) -> None:
        """Ctrl+K."""
        if self.palette_box.isVisible():
            self.palette_box.close_palette()
        else:
            self.palette_box.open_with(self.all_commands(), QApplication.focusWidget())

    def toggle_jobs(self) -> None:
        """Show or hide the job dock."""
        if self.services is not None:
            self.job_dock.setVisible(not self.job_dock.isVisible())

    def toggle_help(self) -> None:
        """Help on the current panel; on the home page the window's own help."""
        panel = self.current_panel()
        if panel is not None:
            panel.show_help()
            return
        from workbench.widgets.help_pane import HelpPane

        if self._window_help is None:
            pane = self._window_help = HelpPane(self.theme)
            pane.setFixedWidth(340)
            self._columns.addWidget(pane)
            pane.show_topic("workbench")
            pane.setVisible(True)
            self.panel_shown.connect(lambda _: pane.setVisible(False))
        else:
            self._window_help.setVisible(not self._window_help.isVisible())

    def toggle_sidebar(self) -> None:
        """Fold or unfold the navigation and remember it."""
        self.fold_sidebar(not self.navigation.is_folded)

    def fold_sidebar(self, folded: bool) -> None:
        self.session.sidebar_folded = folded
        self.navigation.set_folded(folded)

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def set_theme(self, mode: str) -> None:
        """Keep a scheme, or follow the system, and remember it."""
        self.apply_settings(self.settings.model_copy(update={"theme": mode}))

    def show_preferences(self) -> None:
        """Open the preferences dialog."""
        from workbench.preferences import Preferences

        devices = self.services.devices if self.services is not None else ["auto", "cpu"]
        dialog = Preferences(self.settings, devices, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.applied.connect(self.apply_settings)
        dialog.open()

    def show_about(self) -> None:
        """Open the about dialog."""
        from workbench.about import About

        dialog = About(self.windowIcon(), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def apply_settings(self, settings: Settings) -> None:
        """Take over new settings and save them."""
        later = [
            Settings.model_fields[name].title or name
            for name in Settings.model_fields
            if getattr(settings, name) != getattr(self._started_with, name) and Settings.needs_restart(name)
        ]
        for name in Settings.model_fields:  # panels hold this very object
            setattr(self.settings, name, getattr(settings, name))
        if settings.theme != self.theme.mode:
            self.theme.set_mode(settings.theme)
        if settings.accent != self.theme.accent:
            self.theme.set_accent(settings.accent)
        self._set_autosave()
        for cause in ("settings", "restart"):
            self.messages.withdraw(cause)
        try:
            save_settings(self.settings)
        except OSError as error:
            self.show_message(f"The settings could not be saved: {error.strerror or error}.", "error", cause="settings")
        if later:
            self.show_message(f"{', '.join(later)}: takes effect when the workbench is started again.", "info",
                              cause="restart")  # fmt: skip

    # -- files ----------------------------------------------------------------------------------------------

    def ask_for_file(self) -> None:
        """Let the user choose a file and give it to the panel that can use it."""
        suffixes = " ".join(f"*{s}" for info in self._infos for s in info.accepts)
        chosen, _ = QFileDialog.getOpenFileName(
            self, "Open a file", "", f"Files of the panels ({suffixes});;All files (*)"
        )
        if chosen:
            self.open_path(Path(chosen))

    def open_path(self, path: Path) -> bool:
        """Give a file to the current panel if it takes it, else to the first that does; else say so."""
        return self.open_paths([path])

    def open_paths(self, files: list[Path]) -> bool:
        """The same for several; says whether none was refused at once."""
        self.messages.withdraw("open")
        strange, taken = [], True
        for path in files:
            current = self.current_panel()
            if current is not None and current.accepts(path):
                taken = current.open_checked(path) and taken
            elif (topic := self._topic_for(path)) is not None:
                self.show_panel(topic, _opening(path))
            else:
                strange.append(path)
        if strange:
            names = ", ".join(f"“{path.name}”" for path in strange)
            can = drops.what_can_be_opened(self._infos)
            self.show_message(f"No panel can open {names}.", "warn", can, cause="open")
        return taken and not strange

    def _topic_for(self, path: Path) -> str | None:
        for info in self._infos:
            built = self._panels.get(info.topic)
            if built.accepts(path) if built is not None else path.suffix.lower() in info.accepts:
                return info.topic
        return None

    def _remember(self, path: Path) -> None:
        recent = [str(path), *(name for name in self.session.recent_files if name != str(path))]
        self.session.recent_files = recent[:12]

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        drops.weigh(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        drops.weigh(event)

    def dropEvent(self, event: QDropEvent) -> None:
        files = drops.weigh(event)
        # After the drop is over: the file manager waits for the answer, and opening may take a moment.
        QTimer.singleShot(0, self, lambda: self.open_paths(files))

    # -- session --------------------------------------------------------------------------------------------

    def save_session(self) -> None:
        """Write what is open to the session file."""
        session = self.session
        session.geometry = b64encode(bytes(self.saveGeometry().data())).decode()
        if self.services is not None:
            session.docks = b64encode(bytes(self.saveState().data())).decode()
        session.panel = self._current
        for topic, panel in self._panels.items():
            session.panels[topic] = {"layout": panel.layout_state(), "state": panel.save_state()}
        try:
            save_session(session)
        except OSError as error:
            self.status(f"The session could not be saved: {error.strerror or error}.")

    def _restore_window(self) -> None:
        screen = self.screen().availableGeometry().size()
        self.resize(QSize(1400, 900).boundedTo(screen))
        if self.session.geometry:
            self.restoreGeometry(_bytes(self.session.geometry))
        if self.session.sidebar_folded is not None:
            self.navigation.set_folded(self.session.sidebar_folded)

    def _set_autosave(self) -> None:
        if self.settings.autosave_s:
            self._autosave.start(self.settings.autosave_s * 1000)
        else:
            self._autosave.stop()

    def _may_close(self) -> bool:
        return self._jobs is None or not self.settings.confirm_close or self._jobs.may_close()

    def _resume(self, run: RunRecord) -> None:
        if self.services is not None:
            self.services.runner.resume(run)
            self.job_dock.setVisible(True)

    def why_not_attached(self) -> str:
        """Why nothing can be run yet; "" when it can."""
        return "" if self.services is not None else "The engines are starting."

    # -- building -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.navigation = Navigation(self._infos)
        self.navigation.chosen.connect(self.show_panel)
        self.navigation.fold_requested.connect(self.fold_sidebar)
        self.navigation.preferences_requested.connect(self.show_preferences)
        self.navigation.about_requested.connect(self.show_about)
        self.home = HomePage(self._infos, self.windowIcon())
        self.home.panel_chosen.connect(self.show_panel)
        self.home.demo_chosen.connect(self.show_demo)
        self.home.resume_chosen.connect(self._resume)
        self.messages = MessageBar()
        self._pages = QStackedWidget()
        self._pages.addWidget(self.home)
        middle = QVBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        pile = QVBoxLayout()
        pile.setContentsMargins(GRID, 0, GRID, 0)
        pile.addWidget(self.messages)
        middle.addLayout(pile)
        middle.addWidget(self._pages, 1)
        central = QWidget()
        self._columns = QHBoxLayout(central)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(0)
        self._columns.addWidget(self.navigation)
        self._columns.addLayout(middle, 1)
        self.setCentralWidget(central)
        self.status_bar = WindowStatusBar()
        self.status_bar.jobs_requested.connect(self.toggle_jobs)
        self.status_bar.palette_requested.connect(self.open_palette)
        self.setStatusBar(self.status_bar)
        self.navigation.set_current(HOME)

    # -- events ---------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        panel = self.current_panel()
        # Keys that no control wanted, with the focus outside the panel.
        if panel is not None and event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Escape):
            panel.keyPressEvent(event)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.session.sidebar_folded is None:
            self.navigation.set_folded(event.size().width() < FOLD_BELOW)
        if self.palette_box.isVisible():
            self.palette_box.close_palette()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self.menuBar().setVisible(not self.isFullScreen())


def app_icon() -> QIcon:
    """The program's icon in all sizes that ship."""
    folder = paths.resources_folder() / "icons"
    icon = QIcon()
    for side in (16, 24, 32, 48, 64, 128, 256, 512):
        file = folder / f"app-{side}.png"
        if file.exists():
            icon.addFile(str(file), QSize(side, side))
    return icon


def _opening(path: Path) -> Callable[[Panel], bool]:
    return lambda panel: panel.open_checked(path)


def _bytes(text: str) -> QByteArray:
    """What base64 says; nothing if it is none."""
    try:
        return QByteArray(b64decode(text, validate=True))
    except ValueError:
        return QByteArray()
