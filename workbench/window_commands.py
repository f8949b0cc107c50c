"""The window's own commands, its menus, and the keys of whatever panel is on top."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from workbench.commands import Command, later
from workbench.panels.registry import PanelInfo

if TYPE_CHECKING:
    from workbench.main_window import MainWindow

KEYS_OF_FOCUS: Final = ("Space", "Esc")
"""Taken by the panel only where the focused control has no use for them (`Panel.keyPressEvent`)."""


def window_commands(window: MainWindow, panels: tuple[PanelInfo, ...]) -> list[Command]:
    """What can be done anywhere."""
    group = "Window"
    open_panels = [
        Command(
            f"panel.{info.topic}",
            f"Open {info.title}",
            later(window.show_panel, info.topic),
            f"Ctrl+{place}" if place <= 9 else "",
            group="Panels",
            icon=info.icon,
        )
        for place, info in enumerate(panels, start=1)
    ]
    return [
        Command("window.home", "Home", window.show_home, "Ctrl+0", group="Panels", icon="home"),
        *open_panels,
        Command("window.open", "Open a file…", window.ask_for_file, "Ctrl+O", group=group, icon="open"),
        Command("window.jobs", "Show or hide the jobs", window.toggle_jobs, "Ctrl+J", window.why_not_attached,
                group, "jobs"),
        Command("window.help", "Help", window.toggle_help, "F1", group=group, icon="help"),
        Command("window.sidebar", "Fold or unfold the list of panels", window.toggle_sidebar, "Ctrl+B",
                group=group, icon="sidebar"),
        Command("window.full", "Full screen", window.toggle_full_screen, "F11", group=group,
                icon="full-screen"),
        Command("window.light", "Light theme", lambda: window.set_theme("light"), group="Theme", icon="sun"),
        Command("window.dark", "Dark theme", lambda: window.set_theme("dark"), group="Theme", icon="moon"),
        Command("window.system", "Theme of the desktop", lambda: window.set_theme("system"), group="Theme",
                icon="device"),
        Command("window.preferences", "Preferences…", window.show_preferences, "Ctrl+,", group=group,
                icon="settings"),
        Command("window.about", "About the Paper Workbench", window.show_about, group=group, icon="about"),
        Command("window.quit", "Quit", window.close, "Ctrl+Q", group=group, icon="quit"),
    ]  # fmt: skip


class CommandActions(QObject):
    """Makes menus and shortcuts from commands. The panel's are made anew by `follow_panel`."""

    def __init__(self, window: MainWindow, panels: tuple[PanelInfo, ...]) -> None:
        super().__init__(window)
        self._window = window
        self._of_panel: list[QAction] = []
        find = Command("window.palette", "Find a command…", window.open_palette, "Ctrl+K")
        by_id = {command.id: command for command in [*window_commands(window, panels), find]}
        file_menu = self._add_menu("&File", by_id, ["window.open", "", "window.preferences", "", "window.quit"])
        self._add_menu(
            "&View",
            by_id,
            ["window.palette", "", "window.home", *(f"panel.{info.topic}" for info in panels), "",
             "window.sidebar", "window.jobs", "window.full", "",
             "window.light", "window.dark", "window.system"],
        )  # fmt: skip
        self._recent_menu = QMenu("Open &recent", window)
        self._recent_menu.aboutToShow.connect(self._fill_recent_menu)
        file_menu.insertMenu(file_menu.actions()[1], self._recent_menu)
        self._panel_menu = QMenu("&Panel", window)
        self._panel_menu.setToolTipsVisible(True)
        self._panel_menu.aboutToShow.connect(self._fill_panel_menu)
        window.menuBar().addMenu(self._panel_menu)
        self._add_menu("&Help", by_id, ["window.help", "window.about"])

    def follow_panel(self) -> None:
        """Give the current panel's commands their keys, and take away those of the one before."""
        for action in self._of_panel:
            owner = action.parent()
            if isinstance(owner, QWidget):
                owner.removeAction(action)
            action.deleteLater()
        self._of_panel.clear()
        panel = self._window.current_panel()
        if panel is None:
            return
        taken = {command.shortcut for command in self._window.window_commands()}
        for command in panel.commands():
            if command.shortcut and command.shortcut not in KEYS_OF_FOCUS and command.shortcut not in taken:
                action = self._action(command, panel)
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                self._of_panel.append(action)

    def run(self, command: Command) -> None:
        """Do it, or say why it cannot be done."""
        reason = command.why_disabled()
        if reason:
            self._window.status(f"{command.text}: {reason}")
        else:
            command.run()

    def _add_menu(self, title: str, by_id: dict[str, Command], ids: list[str]) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        for name in ids:
            if name:
                menu.addAction(self._action(by_id[name], self._window))
            else:
                menu.addSeparator()
        return menu

    def _action(self, command: Command, owner: QWidget) -> QAction:
        action = QAction(command.text, owner)
        if command.shortcut:
            action.setShortcut(QKeySequence(command.shortcut))
        action.triggered.connect(lambda: self.run(command))
        owner.addAction(action)  # so that its key works while the menu bar is hidden
        return action

    def _fill_recent_menu(self) -> None:
        self._recent_menu.clear()
        for name in self._window.session.recent_files:
            self._recent_menu.addAction(name.replace("&", "&&"), later(self._window.open_path, Path(name)))
        if self._recent_menu.isEmpty():
            self._recent_menu.addAction("No file was opened yet").setEnabled(False)

    def _fill_panel_menu(self) -> None:
        self._panel_menu.clear()
        panel = self._window.current_panel()
        if panel is None:
            self._panel_menu.addAction("Open a panel first").setEnabled(False)
            return
        for command in panel.commands():
            reason = command.why_disabled()
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            text = command.text.replace("&", "&&") + (f"\t{keys}" if keys else "")
            action = self._panel_menu.addAction(text, later(self.run, command))
            action.setEnabled(not reason)
            action.setToolTip(reason)
