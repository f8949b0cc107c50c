"""Pictures of a gallery out of the window: one pixel for pixel, or all of them as a contact sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtWidgets import QFileDialog, QWidget

from workbench.widgets import exports
from workbench.widgets.canvas import image_of, tell_unsaved

GAP: Final = 2  # pixels between the pictures of a sheet
MOST_COLUMNS: Final = 50


def copy_tile(rgba: np.ndarray) -> None:
    """Put uint8 [H, W, 4] on the clipboard as it is."""
    QGuiApplication.clipboard().setImage(image_of(rgba))


def save_tile(owner: QWidget, rgba: np.ndarray, name: str) -> None:
    """Ask for a file and write uint8 [H, W, 4] as PNG, pixel for pixel."""
    _ask(owner, rgba, name)


def save_sheet(owner: QWidget, pictures: Sequence[np.ndarray], name: str) -> None:
    """Ask for a file and write all pictures side by side as one PNG."""
    _ask(owner, sheet(pictures), name)


def sheet(pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures uint8 [H, W, 4] in a grid about twice as wide as high, transparent between them."""
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (0, 1))
    columns = min(max(math.ceil(math.sqrt(2 * len(pictures))), 1), MOST_COLUMNS)
    rows = math.ceil(len(pictures) / columns)
    columns = min(columns, len(pictures))
    out = np.zeros((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 4), np.uint8)
    for i, picture in enumerate(pictures):
        top, left = (i // columns) * (height + GAP), (i % columns) * (width + GAP)
        out[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return out


def write(rgba: np.ndarray, path: Path) -> None:
    """Write uint8 [H, W, 4] as PNG, pixel for pixel. Raises OSError."""
    image = image_of(rgba)

    def paint(painter: QPainter, target: QRect) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawImage(target, image)

    exports.save_png(paint, QSize(image.width(), image.height()), path, scale=1.0)


def _ask(owner: QWidget, rgba: np.ndarray, name: str) -> None:
    chosen, _ = QFileDialog.getSaveFileName(owner, "Save as PNG", name, "*.png")
    if not chosen:
        return
    path = Path(chosen)
    try:
        write(rgba, path if path.suffix.lower() == ".png" else path.with_name(path.name + ".png"))
    except OSError as error:
        tell_unsaved(owner, path, error)
