"""Thousands of small pictures in a grid, framed by what became of them; only those in sight are drawn."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QButtonGroup,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.commands import later
from workbench.theme import GRID, Theme, font
from workbench.widgets.canvas import image_of
from workbench.widgets.frames import ORDER, WORDS, Frame, paint_frame
from workbench.widgets.gallery_export import copy_tile, save_sheet, save_tile
from workbench.widgets.gallery_list import TileList, TilePainter
from workbench.widgets.gallery_model import GalleryModel, Index, Tile
from workbench.widgets.pixels import channels_last, reach, rgba_of, signed_rgba

__all__ = ["Frame", "Gallery", "Tile"]

MOST_BYTES: Final = 48 << 20  # of drawn tiles that are kept
SIZES: Final = (28, 32, 40, 48, 56, 64, 80, 96, 128, 160)


@dataclass
class _Look:
    """How thumbnails are drawn. limit: half the range of a difference, None for plain pictures."""

    side: int = 56
    limit: float | None = None
    kept: OrderedDict[tuple[int, float], QPixmap] = field(default_factory=OrderedDict)


class Gallery(QWidget):
    """A grid of thumbnails with captions and frames.

    Signals: `selected(number)` for the current picture, -1 for none; `activated(number)` for a double click or
    Enter; `selection_changed(numbers)` where several may be chosen. Numbers count the tiles as they were given,
    whatever the filter shows. Above the grid stand chips that show only one kind of frame, as soon as two kinds
    are there.
    """

    selected = Signal(int)
    activated = Signal(int)
    selection_changed = Signal(object)

    def __init__(
        self,
        theme: Theme,
        name: str = "Pictures",
        *,
        thumb: int = 56,
        several: bool = False,
        empty: str = "No pictures yet",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._look, self._empty = _Look(thumb), empty
        self._words: dict[str, str] = dict(WORDS)
        self.model = GalleryModel(self)
        self.list = TileList(self)
        self.list.setModel(self.model)
        self.list.setItemDelegate(TilePainter(self))
        modes = QAbstractItemView.SelectionMode
        self.list.setSelectionMode(modes.ExtendedSelection if several else modes.SingleSelection)
        self.list.setAccessibleName(name)
        self.setAccessibleName(name)
        self.setFocusProxy(self.list)
        self._chips = QWidget()
        self._row = QHBoxLayout(self._chips)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID // 2)
        self._buttons: dict[Frame | None, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        for frame in (None, *ORDER):
            self._add_chip(frame)
        self._row.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self._chips)
        rows.addWidget(self.list, 1)
        chosen = self.list.selectionModel()
        chosen.currentChanged.connect(lambda now, _: self.selected.emit(self._number(now)))
        chosen.selectionChanged.connect(lambda *_: self.selection_changed.emit(self.selection()))
        self.list.activated.connect(lambda index: self.activated.emit(self._number(index)))
        theme.changed.connect(self._recolour)
        self.fit_grid()
        self._count()

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def tiles(self) -> list[Tile]:
        return self.model.tiles

    @property
    def current(self) -> int:
        """The number of the current picture, -1 for none."""
        return self._number(self.list.currentIndex())

    @property
    def thumb(self) -> int:
        """Logical pixels of a thumbnail's side."""
        return self._look.side

    def selection(self) -> list[int]:
        """Numbers of the chosen pictures, ascending."""
        return sorted(self._number(index) for index in self.list.selectionModel().selectedIndexes())

    def set_tiles(self, tiles: Sequence[Tile], *, limit: float | None = None, signed: bool = False) -> None:
        """Show other pictures. signed: they are differences; limit: what the ends of their map stand for, the
        largest absolute value of all by default."""
        if signed and limit is None:
            limit = max((reach(tile.picture) for tile in tiles), default=1.0)
        self._look.limit = limit if signed else None
        self._look.kept.clear()
        had = self.current
        self.model.set_tiles(tiles)
        self.fit_grid()
        self._count()
        if had >= 0:
            self.selected.emit(-1)

    def set_pictures(
        self,
        pictures: np.ndarray | Sequence[np.ndarray],
        captions: Sequence[str] = (),
        frames: Sequence[Frame] = (),
        *,
        signed: bool = False,
        limit: float | None = None,
    ) -> None:
        """The same from a batch [N, C, H, W] or a list, with captions and frames for all or none of them."""
        count = len(pictures)
        for given, what in ((captions, "captions"), (frames, "frames")):
            if len(given) not in (0, count):
                raise ValueError(f"expected {count} {what} or none, got {len(given)}")
        self.set_tiles(
            [
                Tile(picture, captions[i] if captions else "", frames[i] if frames else "none")
                for i, picture in enumerate(pictures)
            ],
            signed=signed,
            limit=limit,
        )

    def append(self, tiles: Sequence[Tile]) -> None:
        """Add pictures at the end, while a run goes on; selection and scrolling stay."""
        had_captions = self._has_captions()
        self.model.append(tiles)
        if not had_captions and self._has_captions():
            self.fit_grid()
        self._count()

    def set_tile(self, number: int, tile: Tile) -> None:
        """Replace one picture, caption or frame."""
        for key in [key for key in self._look.kept if key[0] == number]:
            del self._look.kept[key]
        self.model.change(number, tile)
        self._count()

    def set_frame(self, number: int, frame: Frame) -> None:
        """Say what became of one picture."""
        self.set_tile(number, replace(self.tiles[number], frame=frame))

    def set_frame_words(self, **words: str) -> None:
        """Other words for frames on the chips, such as ok="accepted"."""
        self._words.update(words)
        self._count()

    def select(self, number: int) -> None:
        """Make a picture the current one and scroll to it; -1 for none. One that the filter hides brings all
        back."""
        if number < 0:
            self.list.selectionModel().clear()
            self.list.setCurrentIndex(QModelIndex())
            return
        if number not in self.model.shown:
            self.show_only(None)
        index = self.model.index(self.model.shown.index(number))
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.list.selectionModel().setCurrentIndex(index, flags)
        self.list.scrollTo(index)

    def show_only(self, frame: Frame | None) -> None:
        """Show only pictures with this frame, or all; the current one stays if it can."""
        had = self.current
        self._buttons[frame].setChecked(True)
        self.model.show_only(frame)
        if had in self.model.shown:
            self.select(had)
        elif had >= 0:
            self.selected.emit(-1)
        self.list.viewport().update()

    def set_thumb(self, side: int) -> None:
        """Thumbnails of `side` logical pixels."""
        self._look.side = side
        self._look.kept.clear()
        self.fit_grid()

    def step_thumb(self, steps: int) -> None:
        """The next larger or smaller size."""
        at = min(range(len(SIZES)), key=lambda i: abs(SIZES[i] - self.thumb))
        self.set_thumb(SIZES[min(max(at + steps, 0), len(SIZES) - 1)])

    def empty_text(self) -> str:
        """What stands where no picture is."""
        return self._empty if not self.tiles else f"None is {self._words[self.model.only or 'none']}"

    # -- drawing ----------------------------------------------------------------------------------------------

    def drawn_tile(self, number: int, ratio: float) -> QPixmap:
        """Picture, frame and caption of a tile on nothing; kept for a while, so that scrolling draws only what
        comes into sight."""
        kept, key = self._look.kept, (number, ratio)
        if key in kept:
            kept.move_to_end(key)
            return kept[key]
        size, tile = self.list.gridSize(), self.tiles[number]
        made = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
        made.setDevicePixelRatio(ratio)
        made.fill(Qt.GlobalColor.transparent)
        painter = QPainter(made)
        side, picture = self.drawn_side(), self.pixmap(number, ratio)
        shape = picture.deviceIndependentSize()
        left, top = (size.width() - shape.width()) / 2, GRID + (side - shape.height()) / 2
        room = QRectF(round(left * ratio) / ratio, round(top * ratio) / ratio, shape.width(), shape.height())
        painter.drawPixmap(room, picture, QRectF(picture.rect()))
        paint_frame(painter, room, tile.frame, self.theme.colours)
        if tile.caption:
            small = font("small")
            metrics = QFontMetricsF(small)
            line = QRectF(3, GRID + side + 4, size.width() - 6, metrics.height())
            painter.setFont(small)
            painter.setPen(QColor(self.theme.colours.text))
            text = metrics.elidedText(tile.caption, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignCenter, text)
        painter.end()
        kept[key] = made
        most = max(MOST_BYTES // (4 * made.width() * made.height()), 50)
        while len(kept) > most:
            kept.popitem(last=False)
        return made

    def pixmap(self, number: int, ratio: float) -> QPixmap:
        """The thumbnail of a tile, magnified by whole device pixels or shrunk smoothly."""
        image = image_of(self._rgba(self.tiles[number].picture))
        longest, modes = max(image.width(), image.height()), Qt.TransformationMode
        wanted = _device_side(longest, self.thumb * ratio)
        mode = modes.FastTransformation if wanted >= longest else modes.SmoothTransformation
        width, height = (max(round(v * wanted / longest), 1) for v in (image.width(), image.height()))
        made = QPixmap.fromImage(image.scaled(width, height, Qt.AspectRatioMode.IgnoreAspectRatio, mode))
        made.setDevicePixelRatio(ratio)
        return made

    def tile_size(self) -> QSize:
        """Room of a tile: picture, margins, and a line of caption where any has one."""
        caption = round(QFontMetricsF(font("small")).height()) + 4 if self._has_captions() else 0
        side = self.drawn_side()
        least = max(side + 2 * GRID, 40)
        bar = self.list.verticalScrollBar().sizeHint().width()  # kept free, or it would come and go by itself
        across = max(self.list.maximumViewportSize().width() - bar - 1, least)  # Qt wraps where nothing is spare
        return QSize(across // (across // least), side + 2 * GRID + caption)

    def drawn_side(self) -> int:
        """Logical pixels that thumbnails really take: small pictures are magnified by whole factors only."""
        if not self.tiles:
            return self.thumb
        ratio = self.devicePixelRatioF()
        longest = max(channels_last(self.tiles[0].picture).shape[:2])
        return math.ceil(_device_side(longest, self.thumb * ratio) / ratio)

    def _rgba(self, picture: np.ndarray) -> np.ndarray:
        if self._look.limit is None:
            return rgba_of(picture)
        return signed_rgba(picture, self._look.limit, self.theme.diverging())

    def _has_captions(self) -> bool:
        return any(tile.caption for tile in self.tiles)

    def fit_grid(self) -> None:
        """Spread the columns over the width that there is."""
        size = self.tile_size()
        if size != self.list.gridSize():
            self._look.kept.clear()
            self.list.setGridSize(size)
        self.list.verticalScrollBar().setSingleStep(size.height() // 2)
        self.list.viewport().update()

    def _number(self, index: Index) -> int:
        return self.model.shown[index.row()] if index.isValid() and index.row() < len(self.model.shown) else -1

    def _recolour(self, _: object) -> None:
        self._look.kept.clear()
        self.list.viewport().update()

    # -- chips ------------------------------------------------------------------------------------------------

    def _add_chip(self, frame: Frame | None) -> None:
        chip = QPushButton()
        chip.setCheckable(True)
        chip.setChecked(frame is None)
        chip.clicked.connect(later(self.show_only, frame))
        self._group.addButton(chip)
        self._row.addWidget(chip)
        self._buttons[frame] = chip

    def _count(self) -> None:
        counts: dict[Frame | None, int] = {None: len(self.tiles)}
        for tile in self.tiles:
            counts[tile.frame] = counts.get(tile.frame, 0) + 1
        kinds = [frame for frame in ORDER if counts.get(frame)]
        self._chips.setVisible(len(kinds) > 1 or (len(kinds) == 1 and counts[kinds[0]] < len(self.tiles)))
        for frame, chip in self._buttons.items():
            word = "All" if frame is None else self._words[frame].capitalize()
            chip.setText(f"{word} {counts.get(frame, 0)}")
            chip.setAccessibleName(f"Show {word.lower()}: {counts.get(frame, 0)} pictures")
            chip.setVisible(frame is None or frame in kinds)
        if self.model.only is not None and self.model.only not in kinds:
            self.show_only(None)
        said = ", ".join(f"{counts[frame]} {self._words[frame]}" for frame in kinds)
        self.list.setAccessibleDescription(f"{len(self.tiles)} pictures{': ' + said if said else ''}")

    # -- taking pictures out ----------------------------------------------------------------------------------

    def copy_current(self) -> None:
        """Put the current picture on the clipboard, pixel for pixel."""
        if self.current >= 0:
            copy_tile(self._rgba(self.tiles[self.current].picture))

    def context_menu(self) -> QMenu:
        """Copy and save; made anew each time, owned by the gallery."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        one = [
            menu.addAction("Copy picture", self.copy_current),
            menu.addAction("Save picture as PNG…", self._save_one),
        ]
        for action in one:
            action.setEnabled(self.current >= 0)
        sheet = menu.addAction("Save all shown as one PNG…", self._save_all)
        sheet.setEnabled(bool(self.model.shown))
        menu.addSeparator()
        menu.addAction("Larger", lambda: self.step_thumb(1))
        menu.addAction("Smaller", lambda: self.step_thumb(-1))
        return menu

    def open_menu(self, at: QPoint) -> None:
        self.context_menu().popup(at)

    def _save_one(self) -> None:
        save_tile(self, self._rgba(self.tiles[self.current].picture), f"picture-{self.current + 1}.png")

    def _save_all(self) -> None:
        save_sheet(self, [self._rgba(self.tiles[i].picture) for i in self.model.shown], "pictures.png")

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.FontChange:
            self.fit_grid()
        super().changeEvent(event)


def _device_side(longest: int, wanted: float) -> int:
    """The side of a thumbnail in device pixels: the whole multiple of the picture's longer side nearest to what
    is wanted, or what is wanted itself where the picture has to shrink."""
    return longest * max(round(wanted / longest), 1) if longest <= 1.5 * wanted else round(wanted)
