"""The legend of a colour map: a bar with its ends and zero, and the unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from workbench.colormaps import Colormap
from workbench.theme import Colours, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import image_of

BAR: Final = 8.0  # thickness of the bar in pixels


def bar_height() -> float:
    """Pixels that `paint_bar` takes."""
    return BAR + 3 + QFontMetricsF(font("small")).height()


def paint_bar(
    painter: QPainter,
    room: QRectF,
    colormap: Colormap,
    low: float,
    high: float,
    colours: Colours,
    *,
    unit: str = "",
    shown: Callable[[float], str] = number,
) -> None:
    """Draw a horizontal bar at the top of `room` with numbers below: both ends, and zero (or the middle) if
    there is room."""
    painter.save()
    bar = QRectF(room.left(), room.top(), room.width(), BAR)
    row = colormap.rgba(np.linspace(low, high, 256), low, high)[None]
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(bar, image_of(row))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(QColor(colours.border), 0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(bar)
    painter.setFont(font("small"))
    painter.setPen(QColor(colours.muted))
    metrics = QFontMetricsF(font("small"))
    baseline = bar.bottom() + 2 + metrics.ascent()
    left, right = shown(low), shown(high) + (f" {unit}" if unit else "")
    middle = shown((low + high) / 2)
    widths = [metrics.horizontalAdvance(text) for text in (left, middle, right)]
    painter.drawText(bar.topLeft() + QPointF(0, baseline - bar.top()), left)
    painter.drawText(bar.topLeft() + QPointF(bar.width() - widths[2], baseline - bar.top()), right)
    start = bar.width() / 2 - widths[1] / 2
    if widths[0] + 6 < start and start + widths[1] + 6 < bar.width() - widths[2]:
        painter.drawText(bar.topLeft() + QPointF(start, baseline - bar.top()), middle)
    painter.restore()
