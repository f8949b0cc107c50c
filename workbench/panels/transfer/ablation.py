"""What each part of a recipe is worth: a row a recipe, beside the paper's own numbers where they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from engines.transfer.reference import ON_ENSEMBLE, ON_INCEPTION_V3, ROBUST_FROM
from engines.transfer.results import MatrixResult
from engines.transfer.setting import JOINED
from workbench.panels.vision.figure_table import Cell, FigureTable, share_cell
from workbench.theme import GRID
from workbench.widgets.basics import label

NOT_EXPECTED: Final = "paper, ImageNet; not expected here"
HEADERS: Final = (
    ("Recipe", "Recipe, and which sources it was made on"),
    ("Passes", "Gradient passes for each image: T·m"),
    ("White box", "Mean success on the attacked models themselves, %"),
    ("Black box", "Mean success on models that were not attacked and not adversarially trained, %"),
    ("Robust", "Mean success on adversarially trained models that were not attacked, %"),
    ("White *", f"Inception-v3 itself ({NOT_EXPECTED})"),
    ("Black *", f"Mean over three normally trained ImageNet models ({NOT_EXPECTED})"),
    ("Robust *", f"Mean over three adversarially trained ensembles ({NOT_EXPECTED})"),
)
_PAPER: Final = (5, 6, 7)


class Ablation(QWidget):
    """The table, and the switch for the paper's columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = FigureTable("Recipes", HEADERS)
        self.overlay = QCheckBox(f"* {NOT_EXPECTED}")
        self.overlay.setToolTip(
            "Tables 1, 2 and 4 of the paper: ε 16/255, T 10, 1000 images of 299 × 299, crafted on Inception-v3. Other "
            "models, other images: compare the order, not the numbers"
        )
        self.overlay.toggled.connect(self._show_paper)
        head = QHBoxLayout()
        head.addWidget(label("Recipes", "strong"))
        head.addStretch(1)
        head.addWidget(self.overlay)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(head)
        rows.addWidget(self.table, 1)
        self._show_paper(False)

    def show_result(self, result: MatrixResult | None, of_right: bool) -> None:
        """A row for each recipe on single sources, and one on ensembles where there are some."""
        if result is None:
            self.table.set_rows([])
            return
        rates = result.rate_of_right if of_right else result.rate
        joined = np.array([JOINED in source.name for source in result.sources])
        robust = np.array([target.is_robust for target in result.targets])
        rows = []
        for r, recipe in enumerate(result.recipes):
            for ensemble in (False, True):
                chosen = joined == ensemble
                if not chosen.any():
                    continue
                masks = (
                    chosen[:, None] & result.white_box,
                    chosen[:, None] & ~result.white_box & ~robust[None],
                    chosen[:, None] & ~result.white_box & robust[None],
                )
                rows.append(
                    [
                        Cell(f"{recipe}, ensembles" if ensemble else recipe),
                        Cell(str(int(result.passes[r])), float(result.passes[r])),
                        *(self._mean(rates[r], mask, result.count) for mask in masks),
                        *(_paper(recipe, ensemble)),
                    ]
                )
        self.table.set_rows(rows)

    def columns(self) -> Mapping[str, np.ndarray]:
        """For CSV; the paper's columns only where they are shown."""
        found = self.table.columns_as_arrays()
        if self.overlay.isChecked():
            return {f"{key} ({NOT_EXPECTED})" if key.endswith("*") else key: v for key, v in found.items()}
        return {key: value for key, value in found.items() if not key.endswith("*")}

    def _mean(self, rates: np.ndarray, mask: np.ndarray, count: int) -> Cell:
        known = rates[mask]
        known = known[np.isfinite(known)]
        if not mask.any():
            return Cell("–", float("nan"), "There is no such pair of models")
        if not known.size:
            return Cell("…", float("nan"), "not measured yet")
        # The pairs share their images, so that more pairs do not make more images.
        return share_cell(float(known.mean()), count, f"images, mean over {known.size} of {int(mask.sum())} pairs")

    def _show_paper(self, shown: bool) -> None:
        for column in _PAPER:
            self.table.setColumnHidden(column, not shown)


def _paper(recipe: str, ensemble: bool) -> list[Cell]:
    """Cells of the paper's columns."""
    none = Cell("–", float("nan"), "The paper has no number for this recipe")
    if ensemble:
        row = ON_ENSEMBLE.get(recipe)
        tip = f"Table 2, crafted on four models together: {NOT_EXPECTED}"
        return [none, none, none if row is None else Cell(f"{np.mean(row):.1f}", float(np.mean(row)) / 100, tip)]
    row_of = ON_INCEPTION_V3.get(recipe)
    if row_of is None:
        return [none, none, none]
    values = row_of[0], float(np.mean(row_of[1:ROBUST_FROM])), float(np.mean(row_of[ROBUST_FROM:]))
    return [Cell(f"{v:.1f}", v / 100, f"Tables 1 and 4: {NOT_EXPECTED}") for v in values]
