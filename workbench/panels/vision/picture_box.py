"""Where the one image comes from: the gallery of the chosen pictures, or a drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.vision.images import Pool, from_pixels
from workbench.theme import GRID, Theme
from workbench.widgets.basics import label
from workbench.widgets.drawing_pad import DrawingPad
from workbench.widgets.gallery import Gallery


class PictureBox(QWidget):
    """`picture_changed(image, class name)`: float32 [C, H, W], and its true class where that is known, else ""."""

    picture_changed = Signal(object, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pool: Pool | None = None
        self._shape = (1, 28, 28)
        self.gallery = Gallery(theme, "Pictures to choose from", thumb=40, empty="Loading pictures…")
        self.pad = DrawingPad(theme)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.gallery, "Pictures")
        self.tabs.addTab(self.pad, "Draw")
        self.tabs.setTabToolTip(0, "Choose one of the pictures that the source on the left has")
        self.tabs.setTabToolTip(1, "Draw a digit; it is centred and scaled as MNIST does it")
        self.note = label("", "small", muted=True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.tabs, 1)
        rows.addWidget(self.note)
        self.gallery.selected.connect(self._selected)
        self.pad.drawn.connect(self._drawn)
        self.pad.drawing.connect(self._drawn)
        self.tabs.currentChanged.connect(lambda _: self._again())

    @property
    def index(self) -> int:
        """Which picture of the pool is shown, -1 for a drawing."""
        return self.gallery.current if self.tabs.currentIndex() == 0 else -1

    def set_shape(self, shape: tuple[int, int, int]) -> None:
        """What the models take; a drawing is made for it."""
        self._shape = shape

    def show_pool(self, pool: Pool) -> None:
        """Show the pictures of a pool and choose the first, or the one that was chosen before of the same source."""
        same = self._pool is not None and self._pool.source == pool.source
        at = self.gallery.current if same else 0
        self._pool = pool
        names = [pool.classes[n] if 0 <= n < len(pool.classes) else "" for n in pool.labels.tolist()]
        short = max(map(len, names), default=0) <= 2
        captions = names if short and any(names) else []
        self.gallery.set_pictures(list(pool.images), captions)
        self.gallery.select(min(max(at, 0), len(pool) - 1))

    def show_note(self, text: str) -> None:
        """What the gallery says while it has no pictures."""
        self.note.setText(text)

    def save_state(self) -> dict[str, Any]:
        return {"index": self.gallery.current, "draws": self.tabs.currentIndex() == 1}

    def _selected(self, number: int) -> None:
        if self._pool is None or number < 0 or self.tabs.currentIndex() != 0:
            return
        mark = int(self._pool.labels[number])
        name = self._pool.classes[mark] if 0 <= mark < len(self._pool.classes) else ""
        key = self._pool.keys[number]
        self.note.setText(f"{number + 1} of {len(self._pool)}: {f'a “{name}”' if name else key}")
        self.picture_changed.emit(self._pool.images[number], name)

    def _drawn(self, pixels: np.ndarray) -> None:
        if self.tabs.currentIndex() != 1:
            return
        try:
            image = from_pixels(pixels, self._shape)
        except UserError:
            self.note.setText("Draw a digit with the mouse.")
            return
        self.note.setText("As the models see it, centred and scaled.")
        self.picture_changed.emit(image, "")

    def _again(self) -> None:
        if self.tabs.currentIndex() == 0:
            self._selected(self.gallery.current)
        else:
            self._drawn(self.pad.pixels())
