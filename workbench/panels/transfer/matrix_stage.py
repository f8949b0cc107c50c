"""The transfer matrix: sources against targets, filling live, a gallery behind each cell, a table of recipes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from engines.core import atomic
from engines.transfer.recipes import names_of
from engines.transfer.results import MatrixResult
from engines.transfer.spec import OWN, MatrixSpec
from engines.vision.attacks.recipe import RECIPES
from workbench.commands import later
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.panels.transfer.ablation import Ablation
from workbench.panels.transfer.cell_view import CellView
from workbench.panels.vision.models import short_title
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, duration, label, percent
from workbench.widgets.exports import save_csv
from workbench.widgets.matrix_view import MatrixView

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel
    from workbench.runner import JobHandle

LADDER: Final = ("FGSM", "I-FGSM", "MI-FGSM", "NI-FGSM", "SI-NI-FGSM", "DIM", "TIM", "SI-NI-TI-DIM")
"""The recipes of the ablation."""
CONVENTIONS: Final = (
    ("all", "of all images", "As in the official scripts: crafted images that the target names wrongly, of all images"),
    ("right", "of those right before", "Only images that the target named rightly when they were clean"),
)
ENSEMBLES: Final = (
    ("none", "single models", "Every ticked model is attacked by itself"),
    ("normal", "and all normal ones together", "Besides, the mean logits of all that were not adversarially trained"),
    ("leave-one-out", "and all but one together", "Besides, for each model the mean logits of all others"),
)


class MatrixStage(Stage):
    """Run crafts on every source with the chosen recipes and shows the images to every target."""

    run_text = "Run matrix"
    panel: TransferPanel

    def __init__(self, panel: TransferPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: MatrixResult | None = None
        self.spec: MatrixSpec | None = None
        self.matrix = MatrixView(theme, "Transfer matrix", row_title="attacked", column_title="shown to",
                                 empty="Run measures every pair of ticked models")  # fmt: skip
        self.matrix.set_tips(self._tip)
        self.cell = CellView(theme)
        self.ablation = Ablation()
        self.status = ElidedLabel("Run attacks every ticked model with the recipe above and shows the result to all.")
        self.shown = QComboBox()
        self.convention = _combo("Counted", CONVENTIONS)
        self.ensembles = _combo("Sources", ENSEMBLES)
        self.recipes = QPushButton()
        self._actions: dict[str, QAction] = {}
        self._build()
        self.matrix.cell_clicked.connect(self.open_cell)
        self.shown.activated.connect(lambda _: self._draw())
        self.convention.activated.connect(lambda _: self._draw())
        self.ablation.table.row_chosen.connect(self._row_chosen)

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where models, images or settings do not fit."""
        self.begin(self.wanted())

    def wanted(self) -> MatrixSpec:
        """What Run would measure."""
        sources = self.panel.choice.names()
        kind = self.ensembles.currentData()
        normal = self.panel.choice.normal_names()
        if kind == "normal" and len(normal) > 1:
            sources = [*sources, "+".join(normal)]
        elif kind == "leave-one-out" and len(sources) > 2:
            every = list(sources)
            sources = [*every, *("+".join(n for n in every if n != left) for left in every)]
        return self.panel.experiment().changed(
            sources=",".join(sources),
            targets=",".join(self.panel.choice.names()),
            recipes=",".join(self.chosen_recipes()),
        )

    def begin(self, spec: MatrixSpec) -> JobHandle:
        """Measure this."""
        handle = self.panel.start("transfer.matrix", spec)
        self.spec = spec
        self.take(handle)
        self.status.setText("Waiting for the engine…")
        handle.progressed.connect(self._progressed)
        return handle

    def close_stage(self) -> None:
        if self.handle is not None and not self.handle.has_ended:
            self.handle.progressed.disconnect(self._progressed)
        super().close_stage()

    def chosen_recipes(self) -> list[str]:
        """Names for a spec, the recipe of the bar first; that one alone where nothing is ticked."""
        return [name for name, action in self._actions.items() if action.isChecked()] or [OWN]

    def choose_recipes(self, names: tuple[str, ...]) -> None:
        """Tick these and no others."""
        for name, action in self._actions.items():
            action.setChecked(name in names)
        self._name_recipes()

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, MatrixResult):
            self._show(snapshot)

    def show_end(self, handle: JobHandle) -> None:
        handle.progressed.disconnect(self._progressed)
        self.matrix.set_running(None)
        if handle.state == "done":
            self._show(handle.result)
            self.status.setText(_summary(handle.result))
        elif handle.state == "cancelled":
            self.status.setText("Stopped; what was measured stays." if self.result is not None else "Stopped.")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def _progressed(self, progress: Any) -> None:
        self.status.setText(f"{progress.text}…" if progress.text else "Measuring…")

    def save_state(self) -> dict[str, Any]:
        return {"recipes": self.chosen_recipes(), "ensembles": self.ensembles.currentData(),
                "convention": self.convention.currentData(), "paper": self.ablation.overlay.isChecked()}  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        names = state.get("recipes")
        if isinstance(names, list):
            self.choose_recipes(tuple(name for name in names if isinstance(name, str)))
        for key, box in (("ensembles", self.ensembles), ("convention", self.convention)):
            at = box.findData(state.get(key))
            if at >= 0:
                box.setCurrentIndex(at)
        self.ablation.overlay.setChecked(state.get("paper") is True)

    # -- showing ----------------------------------------------------------------------------------------------

    @property
    def of_right(self) -> bool:
        """Whether only images count that the target named rightly before."""
        return bool(self.convention.currentData() == "right")

    def _show(self, result: MatrixResult) -> None:
        fresh = self.result is None or self.result.recipes != result.recipes or self.result.sources != result.sources
        fresh = fresh or self.result is None or self.result.targets != result.targets
        self.result = result
        if fresh:
            with QSignalBlocker(self.shown):
                self.shown.clear()
                self.shown.addItems(list(result.recipes))
            self.cell.clear()
            self.matrix.set_chosen(None)
        elif self.handle is not None and not self.handle.has_ended:
            self._follow(result)
        self._draw()
        if self.cell.cell is not None and not fresh:
            self.cell.show_cell(result, *self.cell.cell)

    def _follow(self, result: MatrixResult) -> None:
        """While it runs show the recipe that is being measured."""
        done = (result.wrong >= 0).reshape(len(result.recipes), -1)
        begun = np.flatnonzero(done.any(1))
        if len(begun) and self.cell.cell is None:
            with QSignalBlocker(self.shown):
                self.shown.setCurrentIndex(int(begun[-1]))

    def _draw(self) -> None:
        result = self.result
        if result is None:
            return
        r = max(self.shown.currentIndex(), 0)
        rates = (result.rate_of_right if self.of_right else result.rate)[r]
        pairs = [(s, t) for s in range(len(result.sources)) for t in range(len(result.targets))]
        ends = np.array([result.interval(r, s, t, of_right=self.of_right) for s, t in pairs]).reshape(*rates.shape, 2)
        self.matrix.set_headers([_short(s.title, s.name) for s in result.sources],
                                [_marked(t.title, t.is_robust) for t in result.targets])  # fmt: skip
        self.matrix.set_values(rates, ends[..., 0], ends[..., 1])
        self.matrix.set_hatch(result.white_box, "white box")
        waits = np.argwhere(~np.isfinite(rates).all(1))
        running = self.handle is not None and not self.handle.has_ended and len(waits)
        self.matrix.set_running((int(waits[0, 0]), 0) if running else None)
        self.ablation.show_result(result, self.of_right)
        self.ablation.table.choose(self._row_of(r))
        cell = self.cell.cell
        if cell is not None and cell[0] != r:
            self.cell.show_cell(result, r, cell[1], cell[2])

    def _rows(self) -> list[int]:
        """The recipe of each row of the table."""
        if self.result is None:
            return []
        joined = ["+" in source.name for source in self.result.sources]
        each = int(not all(joined)) + int(any(joined))
        return [r for r in range(len(self.result.recipes)) for _ in range(each)]

    def _row_of(self, recipe: int) -> int:
        rows = self._rows()
        return rows.index(recipe) if recipe in rows else -1

    def _row_chosen(self, row: int) -> None:
        rows = self._rows()
        if 0 <= row < len(rows) and rows[row] != self.shown.currentIndex():
            self.shown.setCurrentIndex(rows[row])
            self._draw()

    def open_cell(self, source: int, target: int) -> None:
        """Show the images behind a cell."""
        if self.result is not None:
            self.matrix.set_chosen((source, target))
            self.cell.show_cell(self.result, max(self.shown.currentIndex(), 0), source, target)

    def _tip(self, source: int, target: int) -> str:
        result = self.result
        if result is None:
            return ""
        r = max(self.shown.currentIndex(), 0)
        wrong, of_right = int(result.wrong[r, source, target]), int(result.wrong_of_right[r, source, target])
        if wrong < 0:
            return "not measured yet"
        lines = [
            f"{wrong} of {result.count} images are named wrongly",
            f"{of_right} of the {int(result.right[target])} that were right before",
            "brackets: 95 % Wilson interval",
        ]
        if result.vanished[r, source] > 0:
            lines.append(f"the gradient vanished at some step for {int(result.vanished[r, source])} images")
        return "\n".join(lines)

    # -- exports ----------------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Run the matrix first."

        def no_images() -> str:
            kept = self.result is not None and len(self.result.images)
            return "" if kept else "Run the matrix first, with images kept."

        return [
            Export("matrix-csv", "Matrix as CSV, every recipe, with intervals", ".csv", self._write_csv, none),
            Export("recipes-csv", "Table of recipes as CSV", ".csv", self._write_recipes, none),
            Export("matrix-png", "Matrix as PNG", ".png", self.matrix.save, none),
            Export("matrix-svg", "Matrix as SVG", ".svg", self.matrix.save, none),
            Export("crafted-npz", "Crafted images as NPZ (x, x_adv)", ".npz", self._write_npz, no_images),
            Export("recipe-json", "Recipe as JSON", ".json", self.panel.crafting.write_recipe),
            Export("run-json", "Settings of the run as JSON", ".json", self._write_spec, none),
        ]

    def _write_csv(self, path: Path) -> None:
        """One row for each recipe, source and target; clean accuracies follow from `right` and `images`."""
        assert self.result is not None
        save_csv(self.result.to_tables()["success"], path)

    def _write_recipes(self, path: Path) -> None:
        save_csv(self.ablation.columns(), path)

    def _write_npz(self, path: Path) -> None:
        """x_adv: float32 [R, S, G, C, H, W], the first G images of every recipe and source."""
        assert self.result is not None
        result = self.result
        body = io.BytesIO()
        np.savez_compressed(
            body, allow_pickle=False, x=result.images, x_adv=result.crafted, recipes=np.array(result.recipes),
            sources=np.array([s.name for s in result.sources]), targets=np.array([t.name for t in result.targets]),
            labels=result.labels[:, : len(result.images)], named=result.named[..., : len(result.images)],
            eps=np.float64(result.eps),
        )  # fmt: skip
        atomic.write_bytes(path, body.getbuffer())

    def _write_spec(self, path: Path) -> None:
        assert self.spec is not None
        atomic.write_text(path, json.dumps(self.spec.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.shown.setAccessibleName("Recipe that the matrix shows")
        self.shown.setToolTip("Recipe that the matrix shows, where several were run")
        self.shown.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.shown.setMinimumContentsLength(10)
        menu = QMenu(self.recipes)
        menu.addAction("Only the recipe above", later(self.choose_recipes, (OWN,)))
        menu.addAction("The ladder from FGSM to SI-NI-TI-DIM", later(self.choose_recipes, LADDER))
        menu.addAction("All that the paper names", later(self.choose_recipes, tuple(RECIPES)))
        menu.addSeparator()
        for name in (OWN, *RECIPES):
            action = menu.addAction("The recipe above" if name == OWN else name)
            action.setCheckable(True)
            action.setChecked(name == OWN)
            action.toggled.connect(lambda _: self._name_recipes())
            self._actions[name] = action
        self.recipes.setMenu(menu)
        self.recipes.setAccessibleName("Recipes to run")
        self.recipes.setToolTip("Which recipes Run measures; numbers such as ε and T are those above")
        self._name_recipes()
        first, second = QHBoxLayout(), QHBoxLayout()
        for row, pairs in (
            (first, (("Run", self.recipes), ("on", self.ensembles))),
            (second, (("Show", self.shown), ("success", self.convention))),
        ):
            row.setSpacing(GRID // 2)
            for text, widget in pairs:
                row.addWidget(label(text, "small", muted=True))
                row.addWidget(widget, int(isinstance(widget, QComboBox)))
            row.addStretch(0)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(first)
        column.addLayout(second)
        column.addWidget(self.matrix, 1)
        self.matrix.setMinimumHeight(200)
        above = QSplitter(Qt.Orientation.Horizontal)
        above.setChildrenCollapsible(False)
        above.addWidget(left)
        above.addWidget(self.cell)
        above.setStretchFactor(0, 3)
        above.setStretchFactor(1, 2)
        above.setSizes([480, 320])
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(above)
        rows.addWidget(self.ablation)
        rows.setStretchFactor(0, 3)
        rows.setSizes([460, 170])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.status)
        whole.addWidget(rows, 1)

    def _name_recipes(self) -> None:
        names = self.chosen_recipes()
        text = "the recipe above" if names == [OWN] else names[0] if len(names) == 1 else f"{len(names)} recipes"
        self.recipes.setText(text)


def _combo(name: str, entries: tuple[tuple[str, str, str], ...]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(10)
    for key, text, tip in entries:
        box.addItem(text, key)
        box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
    box.setToolTip("\n".join(f"{text}: {tip}" for _, text, tip in entries))
    return box


def _short(title: str, name: str) -> str:
    """An ensemble's row says how many are in it rather than all their titles."""
    members = len(names_of(name.replace("+", ",")))
    return f"{members} together" if members > 1 else short_title(title)


def _marked(title: str, is_robust: bool) -> str:
    """A column's head; robust ones that do not say so carry a lozenge."""
    return f"{short_title(title)} ◆" if is_robust and "dversarial" not in title else short_title(title)


def _summary(result: MatrixResult) -> str:
    pairs = int((~result.white_box).sum())
    best = ""
    black = result.mean(white=False)
    if np.isfinite(black).any():
        r = int(np.nanargmax(black))
        best = f"; {result.recipes[r]} fools black boxes with {percent(float(black[r]))} of images on average"
    said = (
        f"{len(result.sources)} × {len(result.targets)} models, {result.count} images of {result.data}, "
        f"ε {result.eps:.3f}, {pairs} black-box pairs{best}; {duration(float(np.nansum(result.seconds)))} of crafting."
    )
    return said + "".join(f" {note}" for note in result.notes)
