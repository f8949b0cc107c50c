"""What the rings of a dial say at its angle, in words beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from workbench.theme import Colours, font
from workbench.widgets.basics import percent

MOST: Final = 240.0
"""Pixels of a line at most: a name and its answer belong together."""


@dataclass(frozen=True)
class Ring:
    """What one network answers round the dial. classes: int [A], -1 where not known yet; confidence: float [A]
    in [0, 1]; sample k is at k · 360 / A degrees."""

    name: str
    classes: np.ndarray
    confidence: np.ndarray

    def at(self, degrees: float) -> tuple[int, float]:
        """Class and confidence of the sample nearest to an angle."""
        k = round(degrees / 360 * len(self.classes)) % len(self.classes)
        return int(self.classes[k]), float(self.confidence[k])


@dataclass(frozen=True)
class Legend:
    """What a legend tells of. names, short: of the classes, and as the rings write them. label: the true class, -1
    where it is not known. angle: degrees at which the rings are read."""

    rings: tuple[Ring, ...]
    names: tuple[str, ...]
    short: tuple[str, ...]
    label: int
    angle: float

    @property
    def names_classes(self) -> bool:
        """Whether a line says what the rings' short names stand for."""
        return self.short != self.names


def _line() -> float:
    return QFontMetricsF(font("small")).height() + 3


def legend_height(legend: Legend) -> float:
    """Pixels that all lines take."""
    return (len(legend.rings) + legend.names_classes + (legend.label >= 0)) * _line() + 4


def paint_legend(painter: QPainter, where: QRectF, legend: Legend, rgb: np.ndarray, colours: Colours) -> None:
    """A line a ring: its colour now, its name, its answer; then what the red line means and what short names mean.

    rgb: uint8 [classes, 3].
    """
    metrics = QFontMetricsF(font("small"))
    painter.setFont(font("small"))
    room = QRectF(where.left(), where.top(), where.width(), _line())
    for ring in legend.rings:
        _paint_ring(painter, room, ring, legend, rgb, colours)
        room.translate(0, room.height())
    painter.setPen(QColor(colours.muted))
    if legend.label >= 0:
        painter.setPen(QPen(QColor(colours.error), 2))
        painter.drawLine(QPointF(room.left(), room.center().y()), QPointF(room.left() + 10, room.center().y()))
        painter.setPen(QColor(colours.muted))
        text = f"not “{legend.names[legend.label]}”, the true class"
        painter.drawText(room.adjusted(16, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter,
                         metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width() - 16))  # fmt: skip
        room.translate(0, room.height())
    if legend.names_classes:
        seen = sorted({int(c) for ring in legend.rings for c in np.unique(ring.classes) if c >= 0})
        text = "   ".join(f"{legend.short[c]} {legend.names[c]}" for c in seen)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter,
                         metrics.elidedText(text, Qt.TextElideMode.ElideRight, room.width()))  # fmt: skip


def _paint_ring(painter: QPainter, room: QRectF, ring: Ring, legend: Legend, rgb: np.ndarray, colours: Colours) -> None:
    metrics, left = QFontMetricsF(font("small")), room.left()
    number, confidence = ring.at(legend.angle)
    said = "…" if number < 0 else f"{legend.names[number]}  {percent(confidence, 0)}"
    is_wrong = legend.label >= 0 and number not in (-1, legend.label)
    if number >= 0:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*(int(v) for v in rgb[number])))
        painter.drawRoundedRect(QRectF(left, room.center().y() - 5, 10, 10), 2, 2)
    painter.setPen(QColor(colours.error if is_wrong else colours.text))
    width, column = min(metrics.horizontalAdvance(said), room.width() * 0.6), min(room.width(), MOST)
    painter.drawText(QRectF(left + column - width, room.top(), width + 2, room.height()),
                     Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)  # fmt: skip
    painter.setPen(QColor(colours.text))
    name = metrics.elidedText(ring.name, Qt.TextElideMode.ElideRight, column - width - 26)
    painter.drawText(QRectF(left + 16, room.top(), column - width - 20, room.height()),
                     Qt.AlignmentFlag.AlignVCenter, name)  # fmt: skip
