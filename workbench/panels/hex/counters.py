"""What a search has cost so far: simulations, network calls and what n0 saves of them."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from engines.hex.snapshots import AnalysisSnapshot
from workbench.panels.hex.overlays import short_count
from workbench.theme import GRID, font
from workbench.widgets.basics import label

_CELLS = (
    ("simulations", "sims", "Simulations of this search."),
    ("calls", "net calls", "Positions that the network was called for."),
    (
        "ratio",
        "sims / call",
        "Simulations for each network call: above 1 the stored q values are saving calls.",
    ),
    ("depth", "depth", "Moves of the longest line searched."),
    ("hits", "cache hits", "Evaluations that were found in the cache instead of computed."),
    ("speed", "sims / s", "Simulations per second since this search began."),
)


def counts(snapshot: AnalysisSnapshot) -> dict[str, str]:
    """The counters as texts; what cannot be known yet is a dash."""
    calls, sims = snapshot.net_calls, snapshot.simulations
    ratio = sims / calls if calls else math.nan
    speed = sims / snapshot.seconds if snapshot.seconds > 0 and sims else math.nan
    return {
        "simulations": short_count(sims),
        "calls": short_count(calls),
        "ratio": "–" if math.isnan(ratio) else f"{ratio:.1f}",
        "depth": str(snapshot.depth),
        "hits": short_count(snapshot.cache_hits),
        "speed": "–" if math.isnan(speed) else short_count(round(speed)),
    }


class SearchCounters(QWidget):
    """Six numbers with their names below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: dict[str, QLabel] = {}
        self._captions: dict[str, QLabel] = {}
        self._columns = 0
        self._grid = grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(0)
        for key, name, help_text in _CELLS:
            value = label("–", "strong")
            value.setFont(font("heading"))
            value.setAlignment(Qt.AlignmentFlag.AlignCenter)
            caption = label(name, "small", muted=True)
            caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
            for part in (value, caption):
                part.setToolTip(help_text)
            self._values[key], self._captions[key] = value, caption
        self._wide = sum(max(c.sizeHint().width(), 30) + GRID for c in self._captions.values())
        self._arrange(len(_CELLS))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Search counters")

    def set_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        """Show a snapshot's counters, or dashes."""
        texts = counts(snapshot) if snapshot is not None else dict.fromkeys(self._values, "–")
        for key, text in texts.items():
            self._values[key].setText(text)
        self.setAccessibleDescription(", ".join(f"{name} {texts[key]}" for key, name, _ in _CELLS))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._wide // 2, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(len(_CELLS) if self.width() >= self._wide else len(_CELLS) // 2)

    def _arrange(self, columns: int) -> None:
        """All in one row, or in two where that is too narrow."""
        if columns == self._columns:
            return
        self._columns = columns
        for number, key in enumerate(self._values):
            row, column = divmod(number, columns)
            self._grid.addWidget(self._values[key], 2 * row, column)
            self._grid.addWidget(self._captions[key], 2 * row + 1, column)
        for column in range(len(_CELLS)):
            self._grid.setColumnStretch(column, int(column < columns))
        self.updateGeometry()

    def texts(self) -> dict[str, str]:
        """What is shown, by counter."""
        return {key: value.text() for key, value in self._values.items()}
