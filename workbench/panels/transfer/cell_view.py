"""What is behind one cell of the matrix: the images, fooled or not, and one of them close up."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSplitter, QVBoxLayout, QWidget

from engines.transfer.frequency import spectrum
from engines.transfer.results import MatrixResult, class_name
from workbench.panels.vision.models import short_title
from workbench.theme import GRID, Theme
from workbench.widgets.basics import ElidedLabel, label
from workbench.widgets.frames import Frame
from workbench.widgets.gallery import Gallery, Tile
from workbench.widgets.image_view import ImageView, link

WORDS: Final = {"ok": "not fooled", "fooled": "fooled", "rejected": "wrong before"}


class CellView(QWidget):
    """The crafted images of one recipe and source as one target sees them."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: MatrixResult | None = None
        self._cell: tuple[int, int, int] | None = None
        self.title = ElidedLabel("Click a cell to see its images")
        self.gallery = Gallery(theme, "Images of the cell", thumb=48, empty="Click a cell of the matrix")
        self.gallery.set_frame_words(**WORDS)
        self.clean = ImageView(theme, "Clean image", empty="")
        self.crafted = ImageView(theme, "Crafted image", empty="")
        self.change = ImageView(theme, "Perturbation, magnified", empty="")
        self.spectrum = ImageView(theme, "Spectrum of the perturbation", empty="")
        self.spectrum.setToolTip("log₁₀(1 + |F|) of the change, low frequencies in the middle")
        link([self.clean, self.crafted, self.change])
        close = QWidget()
        grid = QGridLayout(close)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        for k, view in enumerate((self.clean, self.crafted, self.change, self.spectrum)):
            view.setMinimumSize(84, 112)
            grid.addWidget(view, k // 2, k % 2)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.gallery)
        split.addWidget(close)
        split.setSizes([220, 260])
        self.gallery.setMinimumHeight(120)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(label("Behind the cell", "strong"))
        rows.addWidget(self.title)
        rows.addWidget(split, 1)
        self.gallery.selected.connect(self._selected)

    @property
    def cell(self) -> tuple[int, int, int] | None:
        """(recipe, source, target) that is shown."""
        return self._cell

    def clear(self) -> None:
        """Nothing chosen."""
        self._result, self._cell = None, None
        self.title.setText("Click a cell to see its images")
        self.gallery.set_tiles([])
        self._selected(-1)

    def show_cell(self, result: MatrixResult, recipe: int, source: int, target: int) -> None:
        """Show these images; the one that was looked at stays if it can."""
        at = self.gallery.current
        self._result, self._cell = result, (recipe, source, target)
        kept = len(result.images)
        who = (short_title(named.title) for named in (result.sources[source], result.targets[target]))
        told = f"{result.recipes[recipe]}: {' → '.join(who)}"
        if result.wrong[recipe, source, target] < 0:
            self.title.setText(f"{told}: not measured yet")
            self.gallery.set_tiles([])
            self._selected(-1)
            return
        self.title.setText(f"{told}, the first {kept} of {result.count}" if kept else f"{told}: no images were kept")
        self.gallery.set_tiles([self._tile(n) for n in range(kept)])
        if kept:
            self.gallery.select(at if 0 <= at < kept else self._first_fooled())

    def _outcome(self, n: int) -> tuple[str, str, str, Frame]:
        """(label, clean answer, answer, frame) of image n."""
        assert self._result is not None and self._cell is not None
        result, (r, s, t) = self._result, self._cell
        classes = result.targets[t].classes
        marks = int(result.labels[t, n]), int(result.clean[t, n]), int(result.named[r, s, t, n])
        words = tuple(class_name(classes, mark) for mark in marks)
        frame: Frame = "rejected" if marks[1] != marks[0] else "fooled" if marks[2] != marks[0] else "ok"
        return words[0], words[1], words[2], frame

    def _tile(self, n: int) -> Tile:
        assert self._result is not None and self._cell is not None
        truth, before, after, frame = self._outcome(n)
        short = f"{before[:3]}→{after[:3]}" if frame != "ok" else before[:6]
        tip = f"label {truth}; clean {before}, crafted {after}: {WORDS[frame]}"
        return Tile(self._result.crafted[self._cell[0], self._cell[1], n], short, frame, tip)

    def _first_fooled(self) -> int:
        frames = [tile.frame for tile in self.gallery.tiles]
        return frames.index("fooled") if "fooled" in frames else 0

    def _selected(self, n: int) -> None:
        if self._result is None or self._cell is None or not 0 <= n < len(self._result.images):
            for view in (self.clean, self.crafted, self.change, self.spectrum):
                view.clear()
                view.set_frame("none")
            return
        r, s, _ = self._cell
        clean, crafted = self._result.images[n], self._result.crafted[r, s, n]
        delta = crafted - clean
        _, before, after, frame = self._outcome(n)
        self.clean.set_picture(clean, f"clean: {before}")
        self.crafted.set_picture(crafted, f"crafted: {after}")
        self.crafted.set_frame(frame)
        self.change.set_difference(delta, f"change, |δ|∞ {np.abs(delta).max():.3f}", limit=self._result.eps)
        self.spectrum.set_values(spectrum(delta), "log spectrum")
