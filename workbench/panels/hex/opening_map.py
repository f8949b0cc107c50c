"""The swap map as a picture: every opening in the colour of whom it favours, with the 50 % contour."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from engines.hex.coordinates import cell_name
from engines.hex.snapshots import OpeningsSnapshot
from workbench.panels.hex.opening_model import contour, opening_heat, red_percent, summary
from workbench.widgets.hexboard import FLAT, BoardGeometry, BoardPainter, Heat, look_for


class OpeningMap(QWidget):
    """`opening_chosen(cell)`: a click, or Enter after walking there with the arrow keys."""

    opening_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._snapshot: OpeningsSnapshot | None = None
        self._heat: Heat | None = None
        self._rotation = FLAT
        self._cell = -1
        self._picture: QPixmap | None = None
        self._geometry: BoardGeometry | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Swap map")

    @property
    def heat(self) -> Heat | None:
        """What is drawn, for a legend."""
        return self._heat

    def set_openings(self, snapshot: OpeningsSnapshot | None) -> None:
        """Show a map as far as it has come, or nothing."""
        if self._snapshot is None or snapshot is None or snapshot.size != self._snapshot.size:
            self._geometry = None
            self._cell = -1
        self._snapshot = snapshot
        self.setAccessibleDescription(summary(snapshot) if snapshot is not None else "")
        self._redraw()

    def set_rotation(self, hour: int) -> None:
        """Turn it like the board, 1..12."""
        self._rotation = hour
        self._geometry = None
        self._redraw()

    def sizeHint(self) -> QSize:
        return QSize(320, 220)

    def paint_into(self, painter: QPainter, target: QRect, pixel_ratio: float = 0.0) -> None:
        """Draw the map with any painter, for pictures."""
        if self._snapshot is None or self._heat is None:
            return
        geometry = BoardGeometry(self._snapshot.size, target.width(), target.height(), self._rotation)
        tools = BoardPainter(geometry, look_for(self.palette()), self.font(), pixel_ratio)
        painter.save()
        painter.translate(target.topLeft())
        tools.paint_board(painter)
        tools.paint_coordinates(painter)
        tools.paint_heat(painter, self._heat)
        tools.paint_contour(painter, contour(red_percent(self._snapshot), self._snapshot.size))
        tools.paint_heat_texts(painter, self._heat)
        painter.restore()

    def describe(self, cell: int) -> str:
        """An opening in words."""
        if self._snapshot is None:
            return ""
        name, value = cell_name(cell, self._snapshot.size), red_percent(self._snapshot)[cell]
        if math.isnan(value):
            return f"{name}: not valued yet"
        said = f"proven {'win' if value > 50 else 'loss'}" if self._snapshot.exact[cell] else f"{value:.1f} %"
        return f"{name}: {said} for Red, so {'swap' if value >= 50 else 'do not swap'}"

    # -- painting and pointing -------------------------------------------------------------------------------

    def _redraw(self) -> None:
        self._picture = None
        if self._snapshot is not None:
            self._heat = opening_heat(self._snapshot, dark=look_for(self.palette()).dark)
        else:
            self._heat = None
        self.update()

    def _places(self) -> BoardGeometry | None:
        if self._geometry is None and self._snapshot is not None:
            self._geometry = BoardGeometry(self._snapshot.size, self.width(), self.height(), self._rotation)
        return self._geometry

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._snapshot is None:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "No openings valued yet")
            painter.end()
            return
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatioF() != ratio:
            self._picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._picture)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            self.paint_into(inner, self.rect(), ratio)
            inner.end()
        painter.drawPixmap(0, 0, self._picture)
        geometry = self._places()
        if self._cell >= 0 and self.hasFocus() and geometry is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            BoardPainter(geometry, look_for(self.palette()), self.font()).paint_cursor(painter, self._cell, 1)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        geometry = self._places()
        cell = geometry.cell_at(event.position().x(), event.position().y()) if geometry else -1
        if cell >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.opening_chosen.emit(cell)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        geometry, key = self._places(), event.key()
        ways = {
            Qt.Key.Key_Left: (-1.0, 0.0),
            Qt.Key.Key_Right: (1.0, 0.0),
            Qt.Key.Key_Up: (0.0, -1.0),
            Qt.Key.Key_Down: (0.0, 1.0),
        }
        if geometry is not None and key in ways:
            middle = geometry.size**2 // 2
            self._cell = geometry.step(self._cell, ways[Qt.Key(key)]) if self._cell >= 0 else middle
            self.setAccessibleDescription(self.describe(self._cell))
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cell >= 0:
            self.opening_chosen.emit(self._cell)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            geometry = self._places()
            cell = geometry.cell_at(event.pos().x(), event.pos().y()) if geometry else -1
            QToolTip.showText(event.globalPos(), self.describe(cell) if cell >= 0 else "", self)
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._geometry = None
        self._picture = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._redraw()
        super().changeEvent(event)
