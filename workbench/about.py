"""What this program is, on what it stands, and where its files are."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QSize, QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication, QIcon
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from engines import __version__
from engines.core import paths
from workbench.theme import GRID
from workbench.widgets.basics import label, plain_buttons


def about_text() -> str:
    """Versions and folders, to read and to copy into a report."""
    parts = [f"Paper Workbench {__version__}", f"Python {platform.python_version()}, Qt {qVersion()}"]
    for name in ("PySide6-Essentials", "torch", "numpy", "pyqtgraph", "pydantic"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    parts += [
        f"{platform.system()} {platform.release()} on {platform.machine()}",
        f"Settings: {paths.config_folder()}",
        f"Runs and weights: {paths.data_folder()}",
        f"Cache: {paths.cache_folder()}",
        f"Log of faults: {paths.data_folder() / 'workbench.log'}",
        f"Program: {sys.executable}",
    ]
    return "\n".join(parts)


class About(QDialog):
    """A small dialog with the versions, and buttons to copy them and to open the data folder."""

    def __init__(self, icon: QIcon, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About the Paper Workbench")
        sign = QLabel()
        sign.setPixmap(icon.pixmap(QSize(64, 64)))
        name = label("Paper Workbench", "title")
        aim = label("Methods of research papers, to play with, measure and use on your own files.", wrap=True)
        self.details = label(about_text(), "small", muted=True)
        self.details.setTextInteractionFlags(
            self.details.textInteractionFlags() | self.details.textInteractionFlags().TextSelectableByMouse
        )
        licence = label("Apache License 2.0. The papers belong to their authors.", "small", muted=True)
        head = QHBoxLayout()
        head.setSpacing(GRID * 2)
        head.addWidget(sign)
        texts = QVBoxLayout()
        texts.addWidget(name)
        texts.addWidget(aim)
        head.addLayout(texts, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy details", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(about_text()))
        folder = buttons.addButton("Open data folder", QDialogButtonBox.ButtonRole.ActionRole)
        folder.clicked.connect(self._open_folder)
        buttons.rejected.connect(self.reject)
        plain_buttons(buttons)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID * 3, GRID * 3, GRID * 3, GRID * 2)
        rows.setSpacing(GRID * 2)
        rows.addLayout(head)
        rows.addWidget(self.details)
        rows.addWidget(licence)
        rows.addWidget(buttons)

    def _open_folder(self) -> None:
        folder = paths.data_folder()
        folder.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
