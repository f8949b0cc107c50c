"""A small empty board with a network's policy or q-head on it, without a search."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from engines.hex.snapshots import AnalysisSnapshot
from workbench.panels.hex.overlays import OverlayOptions, overlay
from workbench.theme import GRID, Theme
from workbench.widgets.basics import label
from workbench.widgets.hexboard import HexBoard


class ProbeBoard(QWidget):
    """Shows what `show_values` was given; the user chooses which head."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._seen: AnalysisSnapshot | None = None
        self.board = HexBoard(size=5)
        self.board.set_locked("This board shows what the network thinks")
        self._head = QComboBox()
        self._head.addItem("Policy", "prior")
        self._head.addItem("q-head", "q_head")
        self._head.setAccessibleName("Head that is shown")
        self._head.currentIndexChanged.connect(lambda _: self._draw())
        self._text = label("", "small", muted=True)
        row = QHBoxLayout()
        row.addWidget(self._head)
        row.addWidget(self._text, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(row)
        rows.addWidget(self.board, 1)

    def show_values(self, prior: np.ndarray, q: np.ndarray, value: float, when: str) -> None:
        """prior, q: float32 [N] of the empty board; q for the mover, NaN without a q-head. value: of the mover."""
        size = round(len(prior) ** 0.5)
        if self.board.board_size != size:
            self.board.set_position(np.zeros((size, size), np.int8), 1)
        nothing = np.full(len(prior), np.nan, np.float32)
        self._seen = AnalysisSnapshot(
            generation=0, size=size, to_move=1, prior=prior, visits=np.zeros(len(prior), np.int32), search_q=nothing,
            q_head=q, proven=np.zeros(len(prior), np.int8), value=value, net_value=value, min_q=value, mean_q=value,
            simulations=0, net_calls=1, cache_hits=0, depth=0, seconds=0.0,
        )  # fmt: skip
        self._text.setText(f"{when}: Red wins {50 * (1 + value):.0f} %")
        self._draw()

    def _draw(self) -> None:
        if self._seen is not None:
            options = OverlayOptions(0, False, self._theme.is_dark)
            self.board.set_heat(overlay(self._head.currentData(), self._seen, options))
