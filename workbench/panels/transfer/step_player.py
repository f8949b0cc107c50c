"""One iteration taken apart: where the gradient was taken, what it was, what is remembered, and each scale copy."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engines.transfer.snapshots import Walk
from workbench.theme import GRID, Theme
from workbench.widgets.basics import ElidedLabel, label, number
from workbench.widgets.image_view import ImageView, link

COPY: Final = 64
CAPTION: Final = 22
LEAST_COPY: Final = 36
"""Logical pixels of a scale copy's picture, at most and at least: all of them are seen where there is room."""


class StepPlayer(QWidget):
    """Shows iteration t (1 … T) of a walk; t = 0 is the clean image, of which there is nothing to take apart."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._walk: Walk | None = None
        self.ahead = ImageView(theme, "Look-ahead point", empty="t = 0: no step yet")
        self.gradient = ImageView(theme, "Gradient", empty="t = 0: no step yet")
        self.momentum = ImageView(theme, "Momentum", empty="t = 0: no step yet")
        self.said = ElidedLabel()
        self.copies: list[tuple[ImageView, ImageView]] = []
        link([self.ahead, self.gradient, self.momentum])
        self._strip = QWidget()
        self._cells = QHBoxLayout(self._strip)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setSpacing(GRID)
        self._cells.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._strip)
        self._scroll = scroll
        self._title = label(
            "Scale copies of the look-ahead point, and what each adds to the gradient", "small", muted=True
        )
        parts = QGridLayout()
        parts.setSpacing(GRID)
        for column, view in enumerate((self.ahead, self.gradient, self.momentum)):
            view.setMinimumSize(96, 130)
            parts.addWidget(view, 0, column)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.said)
        rows.addLayout(parts, 1)
        rows.addWidget(self._title)
        rows.addWidget(scroll)
        self._show_copies(0)

    def show_step(self, walk: Walk | None, t: int, pivot: float) -> None:
        """Show iteration t of the walk. pivot: what scaling leaves alone, for the pictures of the copies."""
        self._walk = walk
        if walk is None or t < 1:
            for view in (self.ahead, self.gradient, self.momentum):
                view.clear()
            self._show_copies(0)
            self.said.setText("Move the slider to an iteration to take it apart." if walk is not None else "")
            return
        k = min(t, len(walk.lookahead)) - 1
        scale = float(walk.scale[k]) or 1.0
        ahead, gradient, momentum = walk.lookahead[k], walk.gradient[k] / scale, walk.momentum[k]
        self.ahead.set_picture(
            np.clip(ahead, 0, 1), "look-ahead point n" if walk.reach[k] > 0 else "n = x, no look-ahead"
        )
        self.gradient.set_difference(gradient, "gradient / its mean size")
        self.momentum.set_difference(momentum, "momentum g")
        gone = ", gradient vanished: the momentum stays" if walk.vanished[k] else ""
        self.said.setText(
            f"t = {k + 1} of {len(walk.lookahead)}: loss {number(float(walk.loss[k]))}, look-ahead "
            f"{number(float(walk.reach[k]), 2)} steps of {number(walk.step_size * 255, 2)}/255 ahead, "
            f"{100 * float(walk.changed[k]):.0f}\u202f% of pixels at ±ε{gone}"
        )
        copies = walk.copies[k]
        self._show_copies(len(copies) if len(copies) > 1 else 0)
        limit = float(np.abs(copies).max()) or 1.0
        for i, (picture, share) in enumerate(self.copies[: len(copies)] if len(copies) > 1 else ()):
            text = "1" if i == 0 else f"1/{2**i}"
            picture.set_picture(np.clip(pivot + (ahead - pivot) / 2**i, 0, 1), text)
            share.set_difference(copies[i], "adds", limit=limit)

    def _show_copies(self, count: int) -> None:
        self._count = count
        while len(self.copies) < count:
            pair = tuple(
                ImageView(self._theme, f"{what} {len(self.copies) + 1}", legend=False)
                for what in ("Scale copy", "Share of copy")
            )
            made = QWidget()
            row = QHBoxLayout(made)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(2)
            for view in pair:
                row.addWidget(view)
            self._cells.insertWidget(len(self.copies), made)
            self.copies.append(pair)  # type: ignore[arg-type]
        for i, (picture, _) in enumerate(self.copies):
            cell = picture.parentWidget()
            assert cell is not None  # It was made above.
            cell.setVisible(i < count)
        for widget in (self._title, self._scroll):
            widget.setVisible(count > 0)
        self._fit()

    def _fit(self) -> None:
        shown = self.copies[: self._count]
        room = self._scroll.viewport().width() - GRID * len(shown)
        side = min(COPY, max(LEAST_COPY, room // (2 * len(shown)) - 2)) if shown else COPY
        for pair in shown:
            for view in pair:
                view.setFixedSize(side, side + CAPTION)
        needs = 2 * side * len(shown) > room
        bar = self._scroll.horizontalScrollBar().sizeHint().height() if needs else 0
        self._scroll.setFixedHeight(side + CAPTION + 2 + bar)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
