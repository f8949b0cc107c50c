"""How much of an axis of shares a plot shows: AUCs lie so near to 1 that the whole axis would hide what they do."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from workbench.theme import GRID
from workbench.widgets.plots import Plot

FLOORS: Final = (0.0, 0.5, 0.9, 0.95, 0.99)
FIT: Final = -1.0


class AxisRange(QComboBox):
    """Chooses the lower end of a plot's upward axis; the upper end is `top`. By itself ("Fit") it is the highest end
    that hides nothing, so that plots of different runs can still be compared.

    top: 1 for shares, 100 for percent. fit: whether "Fit" is offered, and chosen at first.
    """

    def __init__(self, plot: Plot, name: str, *, top: float = 1.0, fit: bool = True) -> None:
        super().__init__()
        self._plot, self._top = plot, top
        self._lowest = 0.0
        self.setAccessibleName(f"Axis of {name}")
        self.setToolTip(f"How much of the axis of {name} is shown; the wheel over the plot zooms freely")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        if fit:
            self.addItem("Fit the axis", FIT)
        for floor in FLOORS:
            unit = "\u202f%" if top == 100 else ""
            self.addItem(f"{name} {floor * top:g} to {top:g}{unit}", floor * top)
        self.currentIndexChanged.connect(lambda _: self.apply())

    @property
    def floor(self) -> float:
        """The lower end that is shown."""
        chosen = float(self.currentData())
        if chosen != FIT:
            return chosen
        return max((f * self._top for f in FLOORS if f * self._top <= self._lowest), default=0.0)

    def show_lowest(self, lowest: float) -> None:
        """The smallest value of the plot is another one."""
        self._lowest = lowest
        if self.currentData() == FIT:
            self.apply()

    def apply(self) -> None:
        """Show the axis as it is chosen."""
        self._plot.set_range(y=(self.floor, self._top), padding=0.03)


def over(plot: Plot, chooser: QWidget) -> QWidget:
    """The plot with its chooser in the upper right corner, beside the title."""
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.addWidget(plot, 0, 0)
    corner = QWidget()
    inner = QGridLayout(corner)
    inner.setContentsMargins(0, GRID // 4, GRID // 2, 0)
    inner.addWidget(chooser)
    grid.addWidget(corner, 0, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
    return box
