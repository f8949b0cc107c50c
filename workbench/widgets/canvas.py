"""The base of widgets that are painted by hand: theme, sharp layers, focus ring, pictures and tables out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox, QToolTip, QWidget

from workbench.commands import later
from workbench.theme import Colours, Theme
from workbench.widgets import exports

KEYBOARD_REASONS: Final = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)


class Canvas(QWidget):
    """A subclass says how it looks in `paint_into`, which is kept as a pixmap until `refresh`, and draws what
    follows mouse and keyboard in `paint_over`.

    name: the accessible name, and the start of file names.
    """

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._layer: QPixmap | None = None
        self._has_ring = False
        self.is_layer = False  # whether `paint_into` draws for the window, with `paint_over` to follow
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        theme.changed.connect(self._recolour)

    # -- for a widget to say ----------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        """Draw everything that stays, with any painter; exports call it too."""
        raise NotImplementedError

    def paint_over(self, painter: QPainter) -> None:
        """Draw what follows mouse and keyboard."""

    def columns(self) -> Mapping[str, np.ndarray]:
        """What is shown as columns for CSV; empty if there is nothing to say in numbers."""
        return {}

    def picture_size(self) -> QSize:
        """The size of a saved picture in logical pixels."""
        return self.size()

    def tip_at(self, at: QPointF) -> str:
        """The tooltip for a place; "" for none."""
        return ""

    def extend_menu(self, menu: QMenu) -> None:
        """Add actions to the context menu."""

    # -- painting ---------------------------------------------------------------------------------------------

    @property
    def colours(self) -> Colours:
        return self.theme.colours

    def refresh(self) -> None:
        """Paint everything anew."""
        self._layer = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        if self._layer is None or self._layer.devicePixelRatioF() != ratio:
            self._layer = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._layer.setDevicePixelRatio(ratio)
            self._layer.fill(Qt.GlobalColor.transparent)
            inner = QPainter(self._layer)
            inner.setRenderHint(QPainter.RenderHint.Antialiasing)
            inner.setFont(self.font())
            self.is_layer = True
            try:
                self.paint_into(inner, self.rect())
            finally:
                self.is_layer = False
                inner.end()
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(0.45)
        painter.drawPixmap(0, 0, self._layer)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.isEnabled():
            self.paint_over(painter)
        if self._has_ring and self.hasFocus():
            paint_ring(painter, QRectF(self.rect()), QColor(self.colours.accent))
        painter.end()

    def _recolour(self, colours: Colours) -> None:
        self.refresh()

    # -- taking things out ------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write PNG, SVG or CSV, by the suffix. Raises OSError, or ValueError for another suffix."""
        match path.suffix.lower():
            case ".png":
                exports.save_png(self._paint_on_ground, self.picture_size(), path)
            case ".svg":
                exports.save_svg(self._paint_on_ground, self.picture_size(), path, title=self.accessibleName())
            case ".csv":
                exports.save_csv(self.columns(), path)
            case other:
                raise ValueError(f"expected .png, .svg or .csv, got {other!r}")

    def copy_picture(self) -> None:
        """Put a picture on the clipboard."""
        exports.copy_picture(self._paint_on_ground, self.picture_size())

    def context_menu(self) -> QMenu:
        """Copy and save; made anew each time, owned by the widget."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy picture", self.copy_picture)
        suffixes = [".png", ".svg"]
        if self.columns():
            menu.addAction("Copy values as CSV", lambda: exports.copy_text(exports.csv_text(self.columns())))
            suffixes.append(".csv")
        menu.addSeparator()
        for suffix in suffixes:
            menu.addAction(f"Save as {suffix[1:].upper()}…", later(ask_and_save, self, suffix))
        self.extend_menu(menu)
        return menu

    def _paint_on_ground(self, painter: QPainter, target: QRect) -> None:
        painter.fillRect(target, QColor(self.colours.surface))
        painter.setFont(self.font())
        self.paint_into(painter, target)

    # -- surroundings -----------------------------------------------------------------------------------------

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu(event.globalPos())

    def _open_menu(self, at: QPoint) -> None:
        self.context_menu().popup(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_picture()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            said = self.tip_at(QPointF(event.pos()))
            if said:
                QToolTip.showText(event.globalPos(), said, self)
                return True
        if event.type() == QEvent.Type.KeyPress and not self._has_ring:
            self._has_ring = True
            self.update()
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._has_ring = event.reason() in KEYBOARD_REASONS
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._layer = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.EnabledChange, QEvent.Type.PaletteChange):
            self.refresh()
        super().changeEvent(event)


def paint_ring(painter: QPainter, room: QRectF, colour: QColor) -> None:
    """The ring around what has the keyboard."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 2))
    painter.drawRoundedRect(room.adjusted(1, 1, -1, -1), 4, 4)
    painter.restore()


def image_of(rgba: np.ndarray) -> QImage:
    """A picture uint8 [H, W, 4], copied, so that the array may go."""
    height, width = rgba.shape[:2]
    flat = np.ascontiguousarray(rgba, np.uint8)
    return QImage(flat.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def ask_and_save(canvas: Canvas, suffix: str) -> None:
    """Ask for a file and write `canvas` to it; says in a box why it could not be written."""
    name = (canvas.accessibleName() or "picture").lower().replace(" ", "-") + suffix
    chosen, _ = QFileDialog.getSaveFileName(canvas, f"Save as {suffix[1:].upper()}", name, f"*{suffix}")
    if not chosen:
        return
    path = Path(chosen)
    try:
        canvas.save(path if path.suffix.lower() == suffix else path.with_name(path.name + suffix))
    except OSError as error:
        tell_unsaved(canvas, path, error)


def tell_unsaved(owner: QWidget, path: Path, error: OSError) -> None:
    """Say that a file could not be written, and what to do."""
    box = QMessageBox(owner)
    box.setIcon(QMessageBox.Icon.Warning)
    box.setText("The file could not be saved.")
    box.setInformativeText(f"{path}: {error.strerror or error}. Choose another folder.")
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.open()
