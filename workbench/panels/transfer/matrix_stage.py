"""The transfer matrix: sources against targets, filling live, a gallery behind each cell, a table of recipes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from engines.core import atomic
from engines.core.errors import UserError
from engines.transfer.recipes import names_of, recipes_of
from engines.transfer.results import MatrixResult
from engines.transfer.spec import OWN, MatrixSpec
from engines.vision.attacks.recipe import passes
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.panels.transfer.ablation import Ablation
from workbench.panels.transfer.cell_view import CellView
from workbench.panels.transfer.empty_page import EmptyPage, thousands
from workbench.panels.transfer.run_choice import RunChoice, choice_box
from workbench.panels.vision.models import short_title
from workbench.theme import GRID
from workbench.widgets.basics import duration, label, percent, sentence
from workbench.widgets.exports import save_csv
from workbench.widgets.matrix_canvas import MatrixCanvas
from workbench.widgets.matrix_view import MatrixView

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel
    from workbench.runner import JobHandle

LEAST_WIDE: Final = 400
WHAT_COMES: Final = (
    "Every ticked model is attacked with the recipe, and every one names the crafted images. A cell will say what "
    "share of them it names wrongly; a click on it shows the pictures. Hatched: the attacked model itself."
)
CONVENTIONS: Final = (
    ("all", "of all images", "As in the official scripts: crafted images that the target names wrongly, of all images"),
    ("right", "of those right before", "Only images that the target named rightly when they were clean"),
)
SIDE_BY_SIDE: Final = 600
"""Pixels of width from which the cell stands beside the matrix rather than below it."""


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
        self.status = label("", wrap=True)
        self.shown = QComboBox()
        self.convention = choice_box("Counted", CONVENTIONS)
        self.choice = RunChoice()
        self.sketch = MatrixCanvas(theme, "Matrix to come", row_title="attacked", column_title="shown to",
                                   empty="")  # fmt: skip
        self.empty = EmptyPage("Which attacks carry over?", WHAT_COMES, self.run_text, self.sketch)
        self._build()
        self.choice.changed.connect(self.show_plan)
        self.empty.run_requested.connect(panel.run)
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
        return self.panel.experiment().changed(
            sources=",".join(self.choice.sources(self.panel.choice)),
            targets=",".join(self.panel.choice.names()),
            recipes=",".join(self.choice.chosen()),
        )

    def show_plan(self) -> None:
        """Before the first run: what Run would do now."""
        if self.result is not None:
            return
        try:
            spec = self.wanted()
            cost = _cost(spec, self.panel.recipe.eps)
        except UserError as error:
            self.empty.set_plan("", f"{sentence(error.what)} {sentence(error.remedy)}".strip())
            self.sketch.set_headers([], [])
            return
        sources, targets = spec.sources.split(","), spec.targets.split(",")
        recipes = names_of(spec.recipes)
        named = self.panel.recipe.title if recipes == (OWN,) else recipes[0] if len(recipes) == 1 else ""
        self.empty.set_plan(
            f"{len(sources)} attacked × {len(targets)} asked, {named or f'{len(recipes)} recipes'}, "
            f"{spec.images} images: {thousands(cost)} gradient passes."
        )
        titles = {info.name: short_title(info.title) for info in self.panel.choice.chosen()}
        self.sketch.set_headers([titles.get(name, _short("", name)) for name in sources], list(titles.values()))
        self.sketch.set_hatch(np.array([[t in s.split("+") for t in targets] for s in sources]), "white box")

    def begin(self, spec: MatrixSpec) -> JobHandle:
        """Measure this."""
        handle = self.panel.start("transfer.matrix", spec)
        self.spec = spec
        self.take(handle)
        self._tell("Waiting for the engine…")
        self.pages.setCurrentIndex(1)
        handle.progressed.connect(self._progressed)
        return handle

    def close_stage(self) -> None:
        if self.handle is not None and not self.handle.has_ended:
            self.handle.progressed.disconnect(self._progressed)
        super().close_stage()

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, MatrixResult):
            self._show(snapshot)

    def show_end(self, handle: JobHandle) -> None:
        handle.progressed.disconnect(self._progressed)
        self.matrix.set_running(None)
        if handle.state == "done":
            self._show(handle.result)
            self._tell(_summary(handle.result))
        elif handle.state == "cancelled":
            self._tell("Stopped; what was measured stays." if self.result is not None else "Stopped.")
        elif handle.error is not None:
            self._tell(handle.error.what)
        self.pages.setCurrentIndex(int(self.result is not None))
        self.show_plan()

    def _tell(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def _progressed(self, progress: Any) -> None:
        self._tell(f"{progress.text}…" if progress.text else "Measuring…")

    def save_state(self) -> dict[str, Any]:
        return {"recipes": self.choice.chosen(), "ensembles": self.choice.ensembles.currentData(),
                "convention": self.convention.currentData(), "paper": self.ablation.overlay.isChecked()}  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        names = state.get("recipes")
        if isinstance(names, list):
            self.choice.choose(tuple(name for name in names if isinstance(name, str)))
        for key, box in (("ensembles", self.choice.ensembles), ("convention", self.convention)):
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
        second = QHBoxLayout()
        second.setSpacing(GRID // 2)
        for text, widget in (("Show", self.shown), ("success", self.convention)):
            second.addWidget(label(text, "small", muted=True))
            second.addWidget(widget)
        second.addStretch(1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(second)
        column.addWidget(self.matrix, 1)
        self.matrix.setMinimumHeight(200)
        self.above = QSplitter(Qt.Orientation.Horizontal)
        self.above.setChildrenCollapsible(False)
        self.above.addWidget(left)
        self.above.addWidget(self.cell)
        self.above.setStretchFactor(0, 3)
        self.above.setStretchFactor(1, 2)
        self.above.setSizes([480, 320])
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(self.above)
        rows.addWidget(self.ablation)
        rows.setStretchFactor(0, 3)
        rows.setSizes([460, 170])
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(rows)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.choice)
        whole.addWidget(self.status)
        whole.addWidget(self.pages, 1)
        self._tell("")

    def minimumSizeHint(self) -> QSize:
        """Narrower than what stands side by side, so that it comes to stand below each other."""
        return QSize(LEAST_WIDE, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= SIDE_BY_SIDE
        self.matrix.setMinimumHeight(200 if wide else 300)
        self.above.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)


def _cost(spec: MatrixSpec, eps: float) -> int:
    """Gradient passes in all, each model of an ensemble counted."""
    members = sum(len(source.split("+")) for source in spec.sources.split(","))
    return members * spec.images * sum(passes(recipe) for recipe in recipes_of(spec, eps, spec.recipes).values())


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
