"""The scale of an overlay: a colour bar with ticks and unit, or swatches with words."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.widgets.hexboard.heat import Heat, Scale

_BAR = 12.0
"""Height of the colour bar in pixels."""


class HeatLegend(QWidget):
    """A flat strip to put under the board. Empty, it keeps its height, so that the board does not jump."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heat: Heat | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(160)
        self.setAccessibleName("Overlay scale")

    def set_heat(self, heat: Heat | None) -> None:
        """Explain an overlay, or nothing."""
        self._heat = heat
        said = self.text()
        self.setAccessibleDescription(said)
        self.setToolTip(said)
        self.update()

    def text(self) -> str:
        """What the strip says, as one line."""
        if self._heat is None:
            return ""
        scale = self._heat.scale
        if self._heat.empty_note:
            return f"{scale.title}: {self._heat.empty_note}"
        if scale.swatches:
            return f"{scale.title}, {scale.unit}: " + ", ".join(word for _, word in scale.swatches)
        return f"{scale.title}, {scale.unit}: {scale.ticks[0][1]} to {scale.ticks[-1][1]}"

    def sizeHint(self) -> QSize:
        return QSize(420, round(QFontMetricsF(self.font()).height() * 2 + _BAR + 8))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._heat is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        room = QRectF(self.rect()).adjusted(14, 2, -14, -2)
        scale = self._heat.scale
        line = QFontMetricsF(self.font()).height()
        if self._heat.empty_note and not scale.swatches:  # no bar to show: the note has the whole strip
            how = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(room, how, f"{scale.title}  ·  {self._heat.empty_note}")
            painter.end()
            return
        note = self._heat.empty_note or scale.unit
        head = QFontMetricsF(self.font()).elidedText(
            f"{scale.title}  ·  {note}", Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(QRectF(room.left(), room.top(), room.width(), line), Qt.AlignmentFlag.AlignCenter, head)
        body = QRectF(room.left(), room.top() + line + 2, room.width(), room.height() - line - 2)
        if scale.swatches:
            self._paint_swatches(painter, body, scale)
        else:
            self._paint_bar(painter, body, scale, line)
        painter.end()

    def _paint_bar(self, painter: QPainter, room: QRectF, scale: Scale, line: float) -> None:
        width = min(room.width(), 460.0)
        bar = QRectF(room.center().x() - width / 2, room.top() + 1, width, _BAR)
        row = np.ascontiguousarray(scale.colours[None, :, :])
        image = QImage(row.tobytes(), row.shape[1], 1, row.shape[1] * 3, QImage.Format.Format_RGB888)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, image)
        metrics = QFontMetricsF(self.font())
        for place, text in scale.ticks:
            x = bar.left() + place * bar.width()
            painter.drawLine(QPointF(x, bar.bottom()), QPointF(x, bar.bottom() + 3))
            half = metrics.horizontalAdvance(text) / 2
            left = min(max(x - half, 1.0), self.width() - 2 * half - 1)
            painter.drawText(QPointF(left, bar.bottom() + 3 + metrics.ascent()), text)

    def _paint_swatches(self, painter: QPainter, room: QRectF, scale: Scale) -> None:
        metrics = QFontMetricsF(self.font())
        widths = [metrics.horizontalAdvance(word) + 34 for _, word in scale.swatches]
        x = room.center().x() - sum(widths) / 2
        for (colour, word), width in zip(scale.swatches, widths, strict=True):
            painter.save()
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*colour))
            painter.drawRoundedRect(QRectF(x, room.top() + 3, 14, 14), 3, 3)
            painter.restore()
            painter.drawText(QPointF(x + 20, room.top() + 10 + metrics.capHeight() / 2), word)
            x += width
