"""Files from outside: which panel takes one, and how a drop anywhere gets to the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from workbench.panels.registry import PanelInfo


def files_of(mime: QMimeData) -> list[Path]:
    """The files on this machine that are dragged; none for text and web addresses."""
    if not mime.hasUrls():
        return []
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def weigh(event: QDragEnterEvent | QDragMoveEvent | QDropEvent) -> list[Path]:
    """Take a drag if it brings files, and refuse it otherwise; returns them."""
    files = files_of(event.mimeData())
    if files:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
    else:
        event.ignore()
    return files


def let_through(panel: QWidget) -> None:
    """Drops on text fields and views reach the window, unless a widget says that it keeps them."""
    for child in panel.findChildren(QWidget):
        if child.acceptDrops() and not child.property("keepsDrops"):
            child.setAcceptDrops(False)


def what_can_be_opened(panels: tuple[PanelInfo, ...]) -> str:
    """One sentence on the files that panels take; empty when none takes any."""
    taken = [info for info in panels if info.accepts]
    known = "; ".join(f"{info.title}: {info.accepts_text or ', '.join(info.accepts)}" for info in taken)
    return f"What can be opened: {known}." if known else ""
