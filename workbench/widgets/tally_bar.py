"""Counts of two sides and of those that took neither, as one bar."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_ink import ink_on


class TallyBar(Canvas):
    """The first side at the left, the second at the right, the undecided grey between them; names stand above."""

    def __init__(self, theme: Theme, name: str = "Tally", parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._names = ("", "")
        self._counts = (0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(160, self.sizeHint().height())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        return QSize(420, round(2 * QFontMetricsF(font("body")).height()) + 12)

    def set_counts(self, first: str, second: str, counts: tuple[int, int, int]) -> None:
        """Names of the sides; how many took the first, neither, the second. Raises ValueError for negative counts."""
        if min(counts) < 0:
            raise ValueError(f"expected counts from 0, got {counts}")
        self._names, self._counts = (first, second), counts
        self.setAccessibleDescription(f"{first}: {counts[0]}, can't tell: {counts[1]}, {second}: {counts[2]}")
        self.refresh()

    def columns(self) -> Mapping[str, np.ndarray]:
        if not sum(self._counts):
            return {}
        return {
            "side": np.array([self._names[0], "can't tell", self._names[1]]), "answers": np.array(self._counts)
        }  # fmt: skip

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        c, total = self.colours, sum(self._counts)
        line = QFontMetricsF(font("body")).height()
        room = QRectF(target).adjusted(0, line + 6, 0, -2)
        painter.setFont(font("body"))
        half = target.width() / 2 - 8
        metrics = QFontMetricsF(font("body"))
        for name, align in zip(self._names, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True):
            painter.setPen(QColor(c.text))
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, half)
            painter.drawText(QRectF(target.left(), target.top(), target.width(), line), align, text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(c.sunken))
        painter.drawRoundedRect(room, 4, 4)
        x = room.left()
        colours = (self.theme.series(0), QColor(c.border), self.theme.series(1))
        for count, colour in zip(self._counts, colours, strict=True):
            if not count:
                continue
            width = room.width() * count / total
            part = QRectF(x, room.top(), max(width - 1, 1), room.height())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(part, 4, 4)
            painter.setPen(ink_on(colour))
            painter.setFont(font("strong"))
            painter.drawText(part, Qt.AlignmentFlag.AlignCenter, str(count))
            x += width
