"""What tests of the window share: a window with the toy panel and engines in this process, closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.workbench.sample_jobs import SampleSpec
from tests.workbench.toy_panel import SAMPLE_JOBS, TOY, ToyPanel
from workbench.app import make_services
from workbench.main_window import MainWindow
from workbench.panels.registry import PanelInfo
from workbench.services import Services
from workbench.session import Session
from workbench.settings import Settings
from workbench.theme import Theme

__all__ = ["SampleSpec", "light_theme", "opened_panel", "opened_window"]


def light_theme() -> Theme:
    """The light theme, applied, whatever the desktop says."""
    theme = Theme("light", scheme=lambda: Qt.ColorScheme.Light)
    theme.apply()
    return theme


@contextmanager
def opened_window(
    qtbot: QtBot,
    *,
    panels: tuple[PanelInfo, ...] = (TOY,),
    settings: Settings | None = None,
    session: Session | None = None,
    attach: bool = True,
    size: tuple[int, int] = (1200, 800),
) -> Iterator[MainWindow]:
    """A window on the screen with its engines in threads; closed without questions at the end."""
    window = MainWindow(light_theme(), settings or Settings(autosave_s=0), session or Session(), panels=panels)
    window.resize(*size)
    with qtbot.waitExposed(window):
        window.show()
    if attach:
        attach_services(window)
    try:
        yield window
    finally:
        window.settings.confirm_close = False
        window.close()
        window.deleteLater()
        QApplication.clipboard().clear()


def attach_services(window: MainWindow) -> Services:
    """Give the window engines in threads of this process."""
    services = make_services(window, inline=True, extra_modules=(SAMPLE_JOBS,))
    window.attach(services)
    services.runner.start_lanes()
    return services


@contextmanager
def opened_panel(qtbot: QtBot, **values: object) -> Iterator[tuple[MainWindow, ToyPanel]]:
    """A window that shows the toy panel, its form filled with `values`."""
    with opened_window(qtbot) as window:
        window.show_panel("toy")
        panel = window.panel("toy")
        assert isinstance(panel, ToyPanel)
        panel.form.set_values(values)
        yield window, panel
