"""A panel with the shared parts of the vision panels and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tests.workbench.windows import opened_window
from workbench.main_window import MainWindow
from workbench.panels.base import Panel
from workbench.panels.registry import PanelInfo
from workbench.panels.vision.models import OwnModels
from workbench.panels.vision.pools import Pools
from workbench.panels.vision.training import TrainingView
from workbench.services import Services
from workbench.widgets.model_list import ModelPicker
from workbench.widgets.source_picker import SourcePicker

PATIENCE_MS = 60_000
SMALL = PanelInfo(
    "small", "Small", "Vision", "image", "Nobody: Nothing, 1900", "Looks.", "tests.workbench.vision.small_panel:Small"
)


class Small(Panel):
    """Pickers on the left, the training view in the middle."""

    def __init__(self, services: Services, info: PanelInfo) -> None:
        super().__init__(services, info)
        self.picker = ModelPicker(services.theme)
        self.own = OwnModels(self, self.picker)
        self.source_picker = SourcePicker(services.theme)
        self.pools = Pools(self, self.source_picker, count=20)
        self.training = TrainingView(self)
        self.training.model_kept.connect(lambda name: self.own.refresh(name, tick=True))
        form = QWidget()
        rows = QVBoxLayout(form)
        rows.addWidget(self.picker)
        rows.addWidget(self.source_picker)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.training, "Training lab")
        self.set_zones(form, self.tabs)

    def run(self) -> None:
        self.training.start()

    def accepts(self, path: Path) -> bool:
        return self.own.accepts(path) or self.pools.accepts(path)

    def open_path(self, path: Path) -> None:
        (self.own if self.own.accepts(path) else self.pools).open_path(path)

    def close_panel(self) -> None:
        self.training.close_stage()
        self.own.close()
        self.pools.close()
        super().close_panel()


@contextmanager
def opened_small(qtbot: QtBot) -> Iterator[tuple[MainWindow, Small]]:
    """A window that shows it, with engines in threads."""
    with opened_window(qtbot, panels=(SMALL,), size=(1200, 800)) as window:
        window.show_panel("small")
        panel = window.panel("small")
        assert isinstance(panel, Small)
        yield window, panel
