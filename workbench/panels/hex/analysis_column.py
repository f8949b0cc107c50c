"""What the search thinks, beside the board: the legend, the heads on one axis, the counters, n0, the moves."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from engines.hex.rules import Position
from engines.hex.snapshots import AnalysisSnapshot
from workbench.panels.hex.counters import SearchCounters
from workbench.panels.hex.head_strip import HeadStrip
from workbench.panels.hex.move_table import MoveTable
from workbench.theme import GRID, Theme, set_role
from workbench.widgets.basics import label, line
from workbench.widgets.hexboard.heat import Heat
from workbench.widgets.hexboard.legend import HeatLegend

N0_STEPS = (0, 1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 50, 100)
"""Stops of the slider; small numbers matter most."""


class AnalysisColumn(QWidget):
    """Signals: line_hovered(cells), move_chosen(cell) from the table; n0_changed(n0) from the slider."""

    line_hovered = Signal(object)
    move_chosen = Signal(int)
    n0_changed = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(280)
        self.legend = HeatLegend()
        self.strip = HeadStrip()
        self.counters = SearchCounters()
        self.table = MoveTable()
        self._note = label("", "small", muted=True, wrap=True)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID // 2, GRID // 2, GRID, GRID // 2)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.legend)
        rows.addWidget(self.strip)
        rows.addWidget(line())
        rows.addWidget(self.counters)
        rows.addLayout(self._slider())
        rows.addWidget(line())
        rows.addWidget(self._note)
        rows.addWidget(self.table, 1)
        # Forty rows are read five times a second at most, and in a turn of their own: the board goes first.
        self._waiting: AnalysisSnapshot | None = None
        self._table_later = QTimer(self, singleShot=True, interval=200)
        self._table_later.timeout.connect(lambda: self.table.set_snapshot(self._waiting))
        self.table.line_hovered.connect(self.line_hovered)
        self.table.move_chosen.connect(self.move_chosen)
        self.show_n0(10)
        self.set_teaching(False)
        self.show_snapshot(None)

    def show_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        """Everything of one search, or nothing."""
        self.strip.set_snapshot(snapshot)
        self.counters.set_snapshot(snapshot)
        self._waiting = snapshot
        if snapshot is None or snapshot.final or not self.table.rows:
            self._table_later.stop()
            self.table.set_snapshot(snapshot)
        elif not self._table_later.isActive():
            self._table_later.start()
        if snapshot is not None and snapshot.note:
            self._say(snapshot.note)
        elif snapshot is not None:
            self._say("")

    def show_heat(self, heat: Heat | None) -> None:
        """The legend of the overlay on the board."""
        self.legend.set_heat(heat)

    def show_position(self, position: Position) -> None:
        """Another position is on the board; the numbers of the one before are taken away."""
        self.show_snapshot(None)
        self._say(self._invitation if not position.winner else "The game is over.")

    def set_options(self, always_red: bool, top: int) -> None:
        """top: moves that get numbers on the board; the table lists more of them."""
        self.strip.set_always_red(always_red)
        self.table.always_red, self.table.top = always_red, max(top, 40)
        self.table.refresh()

    def set_teaching(self, on: bool) -> None:
        self._invitation = (
            "Teaching is on: play your move. The network watches."
            if on
            else "Press Space to analyse this position, or just play."
        )
        self._say(self._invitation)

    def show_n0(self, n0: int) -> None:
        """Follow the form."""
        with QSignalBlocker(self._n0):
            self._n0.setValue(min(range(len(N0_STEPS)), key=lambda i: abs(N0_STEPS[i] - n0)))
        self._n0_text.setText(f"n₀ = {n0}")

    def _slider(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GRID)
        self._n0_text = QLabel()
        self._n0_text.setFixedWidth(64)
        self._n0 = QSlider(Qt.Orientation.Horizontal)
        self._n0.setRange(0, len(N0_STEPS) - 1)
        self._n0.setPageStep(1)
        self._n0.setAccessibleName("n0: visits a leaf needs before the network is called")
        self._n0.setToolTip(
            "Visits a leaf needs before the network is called for it. Until then its value is the q that one call at "
            "its parent gave: more simulations for each call. 0 calls at every leaf, as two heads must."
        )
        set_role(self._n0_text, "muted")
        self._n0.valueChanged.connect(self._slid)
        row.addWidget(self._n0_text)
        row.addWidget(self._n0, 1)
        return row

    def _slid(self, place: int) -> None:
        self._n0_text.setText(f"n₀ = {N0_STEPS[place]}")
        self.n0_changed.emit(N0_STEPS[place])

    def _say(self, text: str) -> None:
        self._note.setText(text)
        self._note.setVisible(bool(text))
