"""A small sheet to draw a digit on, as a network would see it: brush, eraser, undo, paste."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from workbench.theme import GRID, Theme
from workbench.widgets.basics import icon_button, set_enabled
from workbench.widgets.drawing_sheet import Sheet


class DrawingPad(QWidget):
    """A sheet with its tools.

    Signals: `drawn(pixels)` with uint8 [side, side] after each stroke, undo, clear and paste; `drawing(pixels)`
    the same while a stroke goes on. Keys: Ctrl+Z and Ctrl+Y, [ and ] for the brush, E for the eraser, Delete
    clears, Ctrl+V pastes a picture.
    """

    drawn = Signal(object)
    drawing = Signal(object)

    def __init__(self, theme: Theme, *, side: int = 28, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Drawing pad")
        self.sheet = Sheet(theme, side)
        self._brush = icon_button("brush", "Brush (B)", lambda: self.set_erasing(False), checkable=True)
        self._eraser = icon_button("eraser", "Eraser (E)", lambda: self.set_erasing(True), checkable=True)
        self._size = QSlider(Qt.Orientation.Horizontal)
        self._size.setRange(5, 60)
        self._size.setValue(round(self.sheet.brush * 10))
        self._size.setAccessibleName("Brush size in tenths of a pixel")
        self._size.setMinimumWidth(48)
        self._size.valueChanged.connect(self._resized)
        self._undo = icon_button("undo", "Undo (Ctrl+Z)", self.sheet.undo)
        self._redo = icon_button("redo", "Redo (Ctrl+Y)", self.sheet.redo)
        self._grid = icon_button("eye", f"Show it as the network sees it, {side}×{side} (P)", checkable=True)
        self._grid.toggled.connect(self._show_pixels)
        self._clear = icon_button("trash", "Clear (Delete)", self.sheet.clear)
        bar = QWidget()
        bar.setMaximumWidth(360)
        tools = QHBoxLayout(bar)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(2)
        for button in (self._brush, self._eraser):
            tools.addWidget(button)
        tools.addWidget(self._size, 1)
        for button in (self._grid, self._undo, self._redo, self._clear):
            tools.addWidget(button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.sheet, 1)
        centred = QHBoxLayout()
        centred.addWidget(bar)
        rows.addLayout(centred)
        self.setFocusProxy(self.sheet)
        self.sheet.changed.connect(self._changed)
        self.sheet.stroked.connect(lambda: self.drawing.emit(self.sheet.pixels()))
        self.set_erasing(False)
        self._resized(self._size.value())
        self._show_what_can_be()

    def sizeHint(self) -> QSize:
        return QSize(260, 296)

    def pixels(self) -> np.ndarray:
        """uint8 [side, side]: ink 0..255, light on dark."""
        return self.sheet.pixels()

    def set_pixels(self, pixels: np.ndarray) -> None:
        """Put a drawing uint8 [H, W] on the sheet; can be undone."""
        self.sheet.set_pixels(pixels)

    def clear(self) -> None:
        self.sheet.clear()

    def set_erasing(self, erasing: bool) -> None:
        """Take the eraser, or the brush."""
        self.sheet.is_erasing = erasing
        self._brush.setChecked(not erasing)
        self._eraser.setChecked(erasing)
        self.sheet.update()

    def set_brush(self, diameter: float) -> None:
        """Brush size in pixels of the drawing, 0.5 to 6."""
        self._size.setValue(round(10 * diameter))

    def _resized(self, tenths: int) -> None:
        self.sheet.brush = tenths / 10
        self._size.setToolTip(f"Brush: {tenths / 10:.1f} pixels wide ([ and ])")
        self.sheet.update()

    def _show_pixels(self, shown: bool) -> None:
        self.sheet.shows_pixels = shown
        self.sheet.refresh()

    def _changed(self) -> None:
        self._show_what_can_be()
        self.drawn.emit(self.sheet.pixels())

    def _show_what_can_be(self) -> None:
        set_enabled(self._undo, "" if self.sheet.can_undo else "Nothing to undo", "Undo (Ctrl+Z)")
        set_enabled(self._redo, "" if self.sheet.can_redo else "Nothing to redo", "Redo (Ctrl+Y)")
        set_enabled(self._clear, "The sheet is empty" if self.sheet.is_empty else "", "Clear (Delete)")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match Qt.Key(event.key()):
            case Qt.Key.Key_BracketLeft:
                self._size.setValue(self._size.value() - 3)
            case Qt.Key.Key_BracketRight:
                self._size.setValue(self._size.value() + 3)
            case Qt.Key.Key_E:
                self.set_erasing(not self.sheet.is_erasing)
            case Qt.Key.Key_B:
                self.set_erasing(False)
            case Qt.Key.Key_P:
                self._grid.toggle()
            case _:
                super().keyPressEvent(event)
