"""Pictures and tables out of the window: PNG, SVG, CSV, clipboard. Files are replaced whole."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from engines.core import atomic

if TYPE_CHECKING:
    import numpy as np

INCH = 96.0
"""Logical pixels of an inch."""
Paint = Callable[[QPainter, QRect], None]
"""Draws a picture into a rectangle of logical pixels."""


def painted_by(widget: QWidget) -> Paint:
    """How a widget draws itself, for the functions below."""

    def paint(painter: QPainter, target: QRect) -> None:
        widget.render(painter, target.topLeft())

    return paint


def picture(paint: Paint, size: QSize, *, scale: float = 2.0) -> QImage:
    """A picture of `size` logical pixels, with `scale` device pixels for each."""
    image = QImage(size * scale, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(scale)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint(painter, QRect(0, 0, size.width(), size.height()))
    painter.end()
    return image


def save_png(paint: Paint, size: QSize, path: Path, *, scale: float = 2.0, dpi: float = 0.0) -> None:
    """Write a PNG. dpi: dots an inch, which the file then states, for a picture whose logical pixels are 1/96 inch; it
    takes the place of `scale`. Raises OSError."""
    image = picture(paint, size, scale=dpi / INCH if dpi else scale)
    if dpi:
        image.setDotsPerMeterX(round(dpi / 0.0254))
        image.setDotsPerMeterY(round(dpi / 0.0254))
    with _beside(path) as unfinished:
        if not image.save(str(unfinished)):
            raise OSError(f"the picture could not be written to {path.parent}")


def save_svg(paint: Paint, size: QSize, path: Path, *, title: str = "") -> None:
    """Write an SVG with text as text. Raises OSError."""
    with _beside(path) as unfinished:
        generator = QSvgGenerator()
        generator.setFileName(str(unfinished))
        generator.setSize(size)
        generator.setViewBox(QRect(0, 0, size.width(), size.height()))
        generator.setTitle(title)
        painter = QPainter()
        if not painter.begin(generator):
            raise OSError(f"the picture could not be written to {path.parent}")
        paint(painter, QRect(0, 0, size.width(), size.height()))
        painter.end()


def csv_text(columns: Mapping[str, np.ndarray]) -> str:
    """Columns as CSV with a header; shorter ones end in empty cells, NaN is an empty cell."""
    cells = [[_cell(v) for v in column.tolist()] for column in columns.values()]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in range(max(map(len, cells), default=0)):
        writer.writerow([c[row] if row < len(c) else "" for c in cells])
    return out.getvalue()


def save_csv(columns: Mapping[str, np.ndarray], path: Path) -> None:
    """Write columns as a CSV file. Raises OSError."""
    atomic.write_text(path, csv_text(columns))


def save_tables(tables: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> list[Path]:
    """Write each table as a CSV: one at `path`, several as "<stem>-<name>.csv" beside it. Raises OSError."""
    several = len(tables) > 1
    written = []
    for name, columns in tables.items():
        target = path.with_name(f"{path.stem}-{name}{path.suffix or '.csv'}") if several else path
        save_csv(columns, target)
        written.append(target)
    return written


def copy_picture(paint: Paint, size: QSize) -> None:
    """Put a picture on the clipboard."""
    QGuiApplication.clipboard().setImage(picture(paint, size))


def copy_text(text: str) -> None:
    """Put text on the clipboard."""
    QGuiApplication.clipboard().setText(text)


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if value != value else f"{value:.9g}"
    return value


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name in the same folder that becomes `path` if all goes well and vanishes if not."""
    handle, name = tempfile.mkstemp(prefix=path.stem, suffix=path.suffix or ".tmp", dir=path.parent)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
