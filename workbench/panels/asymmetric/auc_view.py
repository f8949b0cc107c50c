"""AUC of every detector in the bench: a table with a row a class, and the same against the attack's steps."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter

from engines.asymmetric.results import BenchResult
from workbench.panels.asymmetric.axis_range import AxisRange, over
from workbench.panels.vision.figure_table import Cell, FigureTable
from workbench.theme import Theme
from workbench.widgets.plots import Plot

TIP: Final = "How often an image of the class has a larger logit than another class's image under attack"


class AucView(QSplitter):
    """table: natural AUC and one under each budget; plot: mean over the detectors, and each of them."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setChildrenCollapsible(False)
        self.table = FigureTable("AUC of every detector", (("Class", "Whose detector"),))
        self.plot = Plot(theme, title="AUC under attack", x="steps", y="AUC")
        self.plot.setToolTip(TIP)
        self.axis = AxisRange(self.plot, "AUC")
        self.addWidget(self.table)
        self.addWidget(over(self.plot, self.axis))
        self.setSizes([260, 260])

    def show_result(self, result: BenchResult) -> None:
        """Draw what was measured; without AUC images only natural ones are known."""
        names = ["Class", "Natural", *(f"{s} steps" for s in result.auc_steps)]
        self.table.setColumnCount(len(names))
        self.table._names = names
        self.table.setHorizontalHeaderLabels(names)
        self.table.set_rows([
            [Cell(name), _cell(float(result.natural_auc[k])), *(_cell(float(row[k])) for row in result.auc)]
            for k, name in enumerate(result.classes)
        ])  # fmt: skip
        self.plot.clear()
        known = result.auc[np.isfinite(result.auc)]
        if not known.size:
            return
        steps = np.asarray(result.auc_steps, np.float64)
        each = np.repeat(steps, result.auc.shape[1])
        self.plot.set_curve("each", each, result.auc.ravel(), name="each detector", colour="muted", style="points")
        self.plot.set_curve("mean", steps, result.auc.mean(1), name="mean", colour=1, style="line and points")
        self.axis.show_lowest(float(known.min()))


def _cell(value: float) -> Cell:
    return Cell("–" if not np.isfinite(value) else f"{value:.4f}", value)
