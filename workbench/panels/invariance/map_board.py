"""Rows of small pictures side by side, as feature maps are read: one row upright, one turned, one of differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas, image_of
from workbench.widgets.pixels import rgba_of, signed_rgba

Kind = Literal["picture", "map", "difference"]
GAP: Final = 6


@dataclass(frozen=True)
class Tile:
    """values: [H, W] or [C, H, W]. kind: how its numbers become colours; maps share one scale, differences another.
    outlined: with a frame in the accent's colour."""

    values: np.ndarray
    kind: Kind = "map"
    tip: str = ""
    outlined: bool = False


@dataclass(frozen=True)
class Row:
    """title: written above its tiles."""

    title: str
    tiles: tuple[Tile, ...]


class MapBoard(Canvas):
    """Rows of tiles under column headings; tiles of one board are equally large."""

    def __init__(self, theme: Theme, name: str, *, empty: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._rows: tuple[Row, ...] = ()
        self._heads: tuple[str, ...] = ()
        self._limit = 1.0
        self._empty = empty
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 150)

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def set_rows(self, rows: tuple[Row, ...], heads: tuple[str, ...], *, limit: float | None = None) -> None:
        """Show these. limit: what the ends of the difference's map stand for; the largest map value by default."""
        self._rows, self._heads = rows, heads
        maps = [t.values for row in rows for t in row.tiles if t.kind == "map"]
        top = max((float(np.abs(values).max(initial=0.0)) for values in maps), default=1.0)
        self._limit = (limit if limit is not None else top) or 1.0
        self.setAccessibleDescription("; ".join(f"{row.title}: {len(row.tiles)} pictures" for row in rows))
        self.refresh()

    def set_empty(self, text: str) -> None:
        """Show no rows but this text."""
        self._rows, self._heads, self._empty = (), (), text
        self.setAccessibleDescription(text)
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(380, 300)

    def columns(self) -> dict[str, np.ndarray]:
        """Every map, flattened."""
        return {
            f"{row.title} {head}": tile.values.ravel()
            for row in self._rows
            for head, tile in zip(self._heads, row.tiles, strict=False)
            if tile.kind != "picture"
        }

    def tip_at(self, at: QPointF) -> str:
        for row, places in zip(self._rows, self._places(self.rect()), strict=True):
            for tile, place in zip(row.tiles, places, strict=True):
                if place.contains(at):
                    return tile.tip or self._value_at(tile, place, at)
        return ""

    def _value_at(self, tile: Tile, place: QRectF, at: QPointF) -> str:
        height, width = tile.values.shape[-2:]
        row = min(int((at.y() - place.top()) / place.height() * height), height - 1)
        column = min(int((at.x() - place.left()) / place.width() * width), width - 1)
        value = tile.values[..., row, column]
        return f"row {row}, column {column}: {number(float(np.ravel(value)[0]))}"

    def _places(self, target: QRect) -> list[list[QRectF]]:
        metrics = QFontMetrics(font("small"))
        head, count = metrics.height() + 2, max((len(row.tiles) for row in self._rows), default=1)
        lines = max(len(self._rows), 1)
        wide = (target.width() - (count - 1) * GAP) / count
        high = (target.height() - head - lines * (head + GAP)) / lines
        side = max(8.0, min(wide, high))
        left = target.left() + (target.width() - count * side - (count - 1) * GAP) / 2
        return [
            [
                QRectF(left + i * (side + GAP), target.top() + head + line * (side + head + GAP) + head, side, side)
                for i in range(len(row.tiles))
            ]
            for line, row in enumerate(self._rows)
        ]

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        painter.setFont(font("small"))
        metrics = QFontMetrics(painter.font())
        if not self._rows:
            painter.setPen(QColor(self.colours.muted))
            painter.drawText(target, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty)
            return
        places = self._places(target)
        longest = max(places, key=len)
        for head, place in zip(self._heads, longest, strict=False):
            painter.setPen(QColor(self.colours.muted))
            room = QRectF(place.left() - GAP, target.top(), place.width() + 2 * GAP, metrics.height() + 2)
            text = metrics.elidedText(head, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter), text)
        for row, row_places in zip(self._rows, places, strict=True):
            first = row_places[0]
            painter.setPen(QColor(self.colours.text))
            width = target.right() - first.left()
            line = QRectF(first.left(), first.top() - metrics.height() - 2, width, metrics.height() + 2)
            text = metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, int(width))
            painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)
            for tile, place in zip(row.tiles, row_places, strict=True):
                self._paint_tile(painter, tile, place)

    def _paint_tile(self, painter: QPainter, tile: Tile, place: QRectF) -> None:
        if tile.kind == "picture":
            rgba = rgba_of(tile.values)
        elif tile.kind == "difference":
            rgba = signed_rgba(tile.values, self._limit, self.theme.diverging())
        else:
            rgba = self.theme.sequential().rgba(np.asarray(tile.values, np.float64), 0.0, self._limit)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(place, image_of(rgba))
        colour = self.colours.accent if tile.outlined else self.colours.border
        painter.setPen(QPen(QColor(colour), 2.0 if tile.outlined else 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(place.adjusted(-GRID / 16, -GRID / 16, GRID / 16, GRID / 16))
