"""The pictures of a gallery as a Qt model: all of them, or those of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtWidgets import (
    QWidget,
)

from workbench.widgets.frames import WORDS, Frame

ITEM: Final = Qt.ItemDataRole.UserRole + 1
"""The role under which a row says the number of its tile."""
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Tile:
    """One picture of a gallery. picture: [H, W], [C, H, W] or [H, W, C], real in [0, 1] or uint8; signed where
    the gallery shows differences. tip: for the mouse, the caption by default."""

    picture: np.ndarray
    caption: str = ""
    frame: Frame = "none"
    tip: str = ""


class GalleryModel(QAbstractListModel):
    """Tiles, or those of one frame. Rows are places in what is shown; `number` gives the tile's own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles: list[Tile] = []
        self.shown: list[int] = []
        self.only: Frame | None = None

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        self.beginResetModel()
        self.tiles = list(tiles)
        self._choose()
        self.endResetModel()

    def append(self, tiles: Sequence[Tile]) -> None:
        first = len(self.tiles)
        fresh = [first + i for i, tile in enumerate(tiles) if self.only in (None, tile.frame)]
        if fresh:
            self.beginInsertRows(QModelIndex(), len(self.shown), len(self.shown) + len(fresh) - 1)
        self.tiles.extend(tiles)
        self.shown.extend(fresh)
        if fresh:
            self.endInsertRows()

    def change(self, number: int, tile: Tile) -> None:
        self.tiles[number] = tile
        if number in self.shown:
            index = self.index(self.shown.index(number))
            self.dataChanged.emit(index, index)

    def show_only(self, frame: Frame | None) -> None:
        self.beginResetModel()
        self.only = frame
        self._choose()
        self.endResetModel()

    def _choose(self) -> None:
        self.shown = [i for i, tile in enumerate(self.tiles) if self.only in (None, tile.frame)]

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.shown):
            return None
        number = self.shown[index.row()]
        tile = self.tiles[number]
        if role == Qt.ItemDataRole.DisplayRole:
            return tile.caption
        if role == Qt.ItemDataRole.ToolTipRole:
            return tile.tip or tile.caption or None
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (f"picture {number + 1}", tile.caption, WORDS[tile.frame]) if part)
        return number if role == ITEM else None
