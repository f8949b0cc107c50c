"""What is behind one cell of the bench: perturbed images, each accepted, rejected or fooling, and one close up."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.asymmetric.metrics import FOOLED, REJECTED
from engines.asymmetric.results import RULES, BenchResult
from workbench.theme import Theme
from workbench.widgets.basics import ElidedLabel, number
from workbench.widgets.frames import Frame
from workbench.widgets.gallery import Gallery, Tile
from workbench.widgets.image_view import ImageView, link

WORDS: Final = {"ok": "named rightly", "fooled": "fools the system", "rejected": "rejected"}
SHORT: Final = {"ok": "right", "fooled": "fooled", "rejected": "rejected"}
"""The same on buttons that stand beside each other."""


class CellView(QWidget):
    """The images that one attack made against one rule, as that rule sees them at a threshold."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: BenchResult | None = None
        self.cell: tuple[int, int] | None = None
        self._threshold = 0.0
        self.title = ElidedLabel("Click a cell to see its images")
        self.gallery = Gallery(theme, "Images of the cell", thumb=40, empty="Click a cell of the matrix")
        self.gallery.set_frame_words(**SHORT)
        self.gallery.setMinimumHeight(96)
        self.views = tuple(
            ImageView(theme, name, empty="", legend=False) for name in ("Clean image", "Perturbed image", "Change")
        )
        link(list(self.views))
        self.said = ElidedLabel()
        close = QHBoxLayout()
        close.setSpacing(4)
        for view in self.views:
            view.setMinimumSize(64, 84)
            close.addWidget(view)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(4)
        rows.addWidget(self.title)
        rows.addWidget(self.gallery, 3)
        rows.addLayout(close, 2)
        rows.addWidget(self.said)
        self.gallery.selected.connect(self._selected)

    def clear(self) -> None:
        """Nothing is chosen."""
        self._result = self.cell = None
        self.title.setText("Click a cell to see its images")
        self.gallery.set_tiles([])
        self._selected(-1)

    def show_cell(self, result: BenchResult, attack: int, rule: int, threshold: float) -> None:
        """The images of a cell at a threshold."""
        self._result, self.cell, self._threshold = result, (attack, rule), threshold
        self.title.setText(f"{result.attacks[attack]} against the {RULES[rule]} rule")
        frames = self._frames()
        names = [result.classes[k] for k in result.attacked_named[attack, rule]]
        pictures = result.attacked[attack, rule]
        self.gallery.set_tiles([
            Tile(picture, f"{result.classes[y]}→{name}", frame)
            for picture, name, frame, y in zip(pictures, names, frames, result.labels, strict=True)
        ])  # fmt: skip
        first = frames.index("fooled") if "fooled" in frames else 0
        self.gallery.select(first)

    def show_threshold(self, threshold: float, rule: int) -> None:
        """Another threshold of this rule: other frames around the same images."""
        if self._result is None or self.cell is None or self.cell[1] != rule:
            return
        self._threshold = threshold
        for k, frame in enumerate(self._frames()):
            if self.gallery.tiles[k].frame != frame:
                self.gallery.set_frame(k, frame)
        self._selected(self.gallery.current)

    def _frames(self) -> list[Frame]:
        assert self._result is not None and self.cell is not None
        found = self._result.outcomes(*self.cell, self._threshold)
        words: dict[int, Frame] = {FOOLED: "fooled", REJECTED: "rejected"}
        return [words.get(int(value), "ok") for value in found]

    def _selected(self, k: int) -> None:
        if self._result is None or self.cell is None or k < 0:
            for view in self.views:
                view.clear()
            self.said.setText("")
            return
        r, (a, rule) = self._result, self.cell
        clean, moved = r.images[k], r.attacked[a, rule, k]
        self.views[0].set_picture(clean, r.classes[r.labels[k]])
        self.views[1].set_picture(moved, r.classes[r.attacked_named[a, rule, k]])
        limit = r.eps if r.norm == "linf" else None
        size = float(np.abs(moved - clean).max())
        self.views[2].set_difference(moved - clean, f"|δ|∞ {number(size, 2)}", limit=limit)
        score = float(r.attacked_score[a, rule, k])
        self.said.setText(
            f"z {number(float(r.score[rule, k]))} before, {number(score)} after; T {number(self._threshold)}: "
            f"{WORDS[self._frames()[k]]}"
        )
