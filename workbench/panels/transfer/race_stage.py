"""Two recipes side by side: success on every target after each iteration, and the images on their way."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engines.core import atomic
from engines.core.errors import UserError
from engines.core.intervals import wilson
from engines.transfer.reference import FIGURE_2
from engines.transfer.results import RaceResult, class_name
from engines.transfer.spec import OWN, RaceSpec
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.panels.transfer.ablation import NOT_EXPECTED
from workbench.panels.transfer.empty_page import EmptyPage
from workbench.panels.transfer.run_choice import recipe_box
from workbench.panels.vision.models import short_title
from workbench.theme import GRID
from workbench.widgets.basics import label, number, percent, sentence
from workbench.widgets.exports import save_tables
from workbench.widgets.image_view import ImageView
from workbench.widgets.plots import Plot
from workbench.widgets.scrubber import Scrubber

if TYPE_CHECKING:
    from workbench.panels.transfer.panel import TransferPanel
    from workbench.runner import JobHandle

SIDES: Final = ("left", "right")
SIDE_BY_SIDE: Final = 640
"""Pixels of width from which pictures stand beside the curves."""
LEAST_WIDE: Final = 400
WHAT_COMES: Final = (
    "Two recipes attack the same images of the white box, step by step. After each iteration all ticked models name "
    "the images: two plots will show the share each one names wrongly, a third the mean over black boxes with its "
    "interval, and beside them an image on its way."
)


class RaceStage(Stage):
    """Run lets both recipes attack the white box of the bar and scores both on all ticked models as they go."""

    run_text = "Race"
    panel: TransferPanel

    def __init__(self, panel: TransferPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: RaceResult | None = None
        self.status = label("", wrap=True)
        self.sketch = Plot(theme, title="Mean over black boxes", x="iteration", y="success", y_unit="%")
        self.empty = EmptyPage("Which recipe climbs faster?", WHAT_COMES, self.run_text, self.sketch)
        self.choices = tuple(recipe_box(f"Recipe on the {side}") for side in SIDES)
        self.choices[0].setCurrentIndex(self.choices[0].findData("MI-FGSM"))
        self.choices[1].setCurrentIndex(self.choices[1].findData("NI-FGSM"))
        self.axis = QComboBox()
        self.axis.setAccessibleName("Cost axis")
        self.axis.setToolTip("Gradient passes are the honest cost: with m scale copies an iteration is m times dearer")
        self.axis.addItem("by iteration", "iterations")
        self.axis.addItem("by gradient passes", "passes")
        self.paper = QCheckBox("Figure 2")
        self.paper.setToolTip(f"Inception-v3 → Inception-v4 for MI and NI at T = 4 … 16: {NOT_EXPECTED}")
        self.plots = tuple(
            Plot(theme, title=side, x="iteration", y="success", y_unit="%") for side in ("Left", "Right")
        )
        self.mean = Plot(theme, title="Mean over black boxes", x="iteration", y="success", y_unit="%")
        self.scrubber = Scrubber(theme, "Iterations of the race", unit="t", speed=4)
        self.which = QComboBox()
        self.which.setAccessibleName("Image that is shown")
        self.which.setToolTip("Which of the images that were kept is shown")
        self.views = tuple(ImageView(theme, f"Image on the {side}", empty="No image kept") for side in SIDES)
        self.changes = tuple(
            ImageView(theme, f"Perturbation on the {side}", legend=False, empty="No image kept") for side in SIDES
        )
        self.said = tuple(label("", "small", wrap=True) for _ in SIDES)
        self._build()
        self.empty.run_requested.connect(panel.run)
        for box in self.choices:
            box.activated.connect(lambda _: self.show_plan())
        self.axis.activated.connect(lambda _: self._draw())
        self.paper.toggled.connect(lambda _: self._draw())
        self.scrubber.frame_changed.connect(lambda _: self._draw_frame())
        self.which.activated.connect(lambda _: self._draw_frame())

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where models, images or settings do not fit."""
        handle = self.panel.start("transfer.race", self.wanted())
        self.take(handle)
        self._tell("Waiting for the engine…")
        self.pages.setCurrentIndex(1)

    def wanted(self) -> RaceSpec:
        """What Run would measure. Raises UserError where something does not fit."""
        size = self.panel.experiment()
        common = {k: v for k, v in size.model_dump().items() if k in RaceSpec.model_fields}
        return RaceSpec.checked(
            {**common, "source": self.panel.choice.source_name(), "targets": ",".join(self.panel.choice.names()),
             "left": self.choices[0].currentData(), "right": self.choices[1].currentData()}
        )  # fmt: skip

    def show_plan(self) -> None:
        """Before the first run: what Run would do now."""
        if self.result is not None:
            return
        try:
            spec = self.wanted()
        except UserError as error:
            self.empty.set_plan("", f"{sentence(error.what)} {sentence(error.remedy)}".strip())
            return
        left, right = (self.panel.recipe.title if r == OWN else r for r in (spec.left, spec.right))
        white = next((title for name, title in self.panel.choice.offered() if name == spec.source), spec.source)
        self.empty.set_plan(
            f"{left} against {right} on {white}: {spec.images} images, scored on {len(spec.targets.split(','))} models "
            f"after each of {spec.steps} iterations."
        )
        self.sketch.set_range(x=(0, spec.steps), y=(0, 100))

    def _tell(self, text: str) -> None:
        self.status.setText(text)
        self.status.setVisible(bool(text))

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, RaceResult):
            self._show(snapshot)
            reached = int((snapshot.wrong[:, :, 0] >= 0).sum(1).max()) - 1
            self._tell(f"After iteration {reached} of {snapshot.wrong.shape[1] - 1}, {snapshot.count} images…")

    def show_end(self, handle: JobHandle) -> None:
        if handle.state == "done":
            self._show(handle.result)
            self._tell(_summary(handle.result))
        elif handle.state == "cancelled":
            self._tell("Stopped; what was measured stays." if self.result is not None else "Stopped.")
        elif handle.error is not None:
            self._tell(handle.error.what)
        self.pages.setCurrentIndex(int(self.result is not None))
        self.show_plan()

    def save_state(self) -> dict[str, Any]:
        return {"left": self.choices[0].currentData(), "right": self.choices[1].currentData(),
                "axis": self.axis.currentData(), "paper": self.paper.isChecked()}  # fmt: skip

    def restore_state(self, state: dict[str, Any]) -> None:
        for key, box in (("left", self.choices[0]), ("right", self.choices[1]), ("axis", self.axis)):
            at = box.findData(state.get(key))
            if at >= 0:
                box.setCurrentIndex(at)
        self.paper.setChecked(state.get("paper") is True)

    # -- showing ----------------------------------------------------------------------------------------------

    def _show(self, result: RaceResult) -> None:
        fresh = self.result is None or self.result.targets != result.targets or self.result.recipes != result.recipes
        self.result = result
        if fresh:
            for plot in (*self.plots, self.mean):
                plot.clear()
        with QSignalBlocker(self.which):
            at = max(self.which.currentIndex(), 0)
            kept = result.frames.shape[2]
            if self.which.count() != kept:
                self.which.clear()
                self.which.addItems([f"image {n + 1}" for n in range(kept)])
            self.which.setCurrentIndex(min(at, kept - 1))
        reached = int((result.wrong[:, :, 0] >= 0).sum(1).max())
        with QSignalBlocker(self.scrubber):
            self.scrubber.set_count(reached, follow=True)
        self._draw()

    @property
    def by_passes(self) -> bool:
        """Whether the axis says gradient passes."""
        return bool(self.axis.currentData() == "passes")

    def _cost(self, side: int) -> np.ndarray:
        assert self.result is not None
        passes = self.result.passes[side].astype(np.float64)
        known = passes >= 0
        places = np.arange(len(passes), dtype=np.float64)
        return np.where(known, passes if self.by_passes else places, np.nan)

    def _draw(self) -> None:
        result = self.result
        if result is None:
            return
        unit = "gradient passes an image" if self.by_passes else "iteration"
        rate = 100 * result.rate
        longest = max(float(np.nanmax(self._cost(side))) for side in (0, 1))
        for side, plot in enumerate(self.plots):
            x = self._cost(side)
            known = np.isfinite(x)
            plot.set_labels(x=unit)
            plot.set_title(result.recipes[side])
            for t, target in enumerate(result.targets):
                name = f"{short_title(target.title)}{' (white box)' if result.white_box[t] else ''}"
                plot.set_curve(target.name, x[known], rate[side, known, t], name=name, colour=t,
                               style="dashed" if result.white_box[t] else "line")  # fmt: skip
            plot.set_range(x=(0, max(longest, 1)), y=(0, 100))
        self._draw_mean(rate, unit)
        self._draw_frame()

    def _draw_mean(self, rate: np.ndarray, unit: str) -> None:
        result = self.result
        assert result is not None
        black = ~result.white_box
        self.mean.set_labels(x=unit)
        for side, recipe in enumerate(result.recipes):
            x = self._cost(side)
            if not black.any():
                break
            mean = rate[side][:, black].mean(1)
            known = np.isfinite(x) & np.isfinite(mean)
            # Targets share the images: the interval is that of so many images, not of images times targets.
            ends = np.array([wilson(m / 100 * result.count, result.count) for m in mean[known]]).reshape(-1, 2)
            self.mean.set_curve(f"mean {side}", x[known], mean[known], name=recipe, colour=side)
            self.mean.set_band(
                f"band {side}", x[known], 100 * ends[:, 0], 100 * ends[:, 1], name=f"{recipe}, 95 %", colour=side
            )
        for k, recipe in enumerate(("MI-FGSM", "NI-FGSM")):
            key = f"paper {recipe}"
            if self.paper.isChecked() and not self.by_passes:
                self.mean.set_curve(key, FIGURE_2["T"], FIGURE_2[recipe], name=f"{recipe}, {NOT_EXPECTED}",
                                    colour=("muted", "text")[k], style="dashed")  # fmt: skip
            else:
                self.mean.remove(key)

    def _draw_frame(self) -> None:
        result = self.result
        if result is None:
            return
        t = self.scrubber.frame
        n = self.which.currentIndex()
        for side in (0, 1):
            shown = min(t, int((result.passes[side] >= 0).sum()) - 1)
            mark = self._cost(side)[shown] if shown >= 0 else 0.0
            self.plots[side].set_mark("t", float(mark), text="")
            if n < 0 or shown < 0 or not np.isfinite(result.frames[side, shown, n]).all():
                self.views[side].clear()
                self.changes[side].clear()
                continue
            picture, clean = result.frames[side, shown, n], result.frames[side, 0, n]
            named, labels = result.named[side, shown, :, n], result.labels[:, n]
            fooled = named != labels
            self.views[side].set_picture(picture, f"{result.recipes[side]}, t = {shown}")
            self.views[side].set_frame("fooled" if fooled.any() else "ok")
            self.changes[side].set_difference(picture - clean, f"change, ±{number(result.eps, 2)}", limit=result.eps)
            who = [
                f"{short_title(target.title)} says {class_name(target.classes, int(named[k]))}"
                for k, target in enumerate(result.targets) if fooled[k]
            ]  # fmt: skip
            told = f"{result.recipes[side]} fools {len(who)} of {len(result.targets)}"
            told += f": {', '.join(who)}" if who else ""
            reach = float(result.reach[side, shown])
            ahead = f"; look-ahead {reach:.1f} steps" if np.isfinite(reach) and reach >= 0.05 else ""
            self.said[side].setText(told + ahead)
        self.mean.set_mark("t", float(t) if not self.by_passes else None)

    # -- exports ----------------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Run the race first."

        return [
            Export("race-csv", "Race as CSV, every iteration and target", ".csv", self._write_csv, none),
            Export("race-png", "Mean over black boxes as PNG", ".png", self.mean.save, none),
            Export("race-left-png", "Left plot as PNG", ".png", self.plots[0].save, none),
            Export("race-right-png", "Right plot as PNG", ".png", self.plots[1].save, none),
            Export("race-npz", "Iterates as NPZ", ".npz", self._write_npz, none),
            Export("recipe-json", "Recipe as JSON", ".json", self.panel.crafting.write_recipe),
        ]

    def _write_csv(self, path: Path) -> None:
        assert self.result is not None
        save_tables(self.result.to_tables(), path)

    def _write_npz(self, path: Path) -> None:
        assert self.result is not None
        body = io.BytesIO()
        np.savez_compressed(
            body, allow_pickle=False, iterates=self.result.frames, recipes=np.array(self.result.recipes),
            labels=self.result.labels, named=self.result.named, eps=np.float64(self.result.eps),
        )  # fmt: skip
        atomic.write_bytes(path, body.getbuffer())

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._head = QGridLayout()
        self._head.setSpacing(GRID // 2)
        self._against = [label(text, "small", muted=True) for text in ("Left", "against right")]
        curves = QWidget()
        self._curves = QGridLayout(curves)
        self._curves.setContentsMargins(0, 0, 0, 0)
        self._curves.setSpacing(GRID)
        for plot in self.plots:
            plot.setMinimumHeight(150)
        self.mean.setMinimumHeight(140)
        frames = QWidget()
        column = QVBoxLayout(frames)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.which)
        for side in (0, 1):
            row = QHBoxLayout()
            for view in (self.views[side], self.changes[side]):
                view.setMinimumSize(96, 116)
                view.setMaximumHeight(200)
                row.addWidget(view)
            column.addLayout(row, 1)
            column.addWidget(self.said[side])
            column.addSpacing(GRID)
        column.addStretch(1)
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(curves)
        self.split.addWidget(frames)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([560, 260])
        work = QWidget()
        rows = QVBoxLayout(work)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.split, 1)
        rows.addWidget(self.scrubber)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(work)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addLayout(self._head)
        whole.addWidget(self.status)
        whole.addWidget(self.pages, 1)
        self._tell("")
        self._wide: bool | None = None
        self._arrange(True)

    def minimumSizeHint(self) -> QSize:
        """Narrower than what stands side by side, so that it comes to stand below each other."""
        return QSize(LEAST_WIDE, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange(self.width() >= SIDE_BY_SIDE)

    def _arrange(self, wide: bool) -> None:
        """Beside each other, or, where that would cut what is said, below each other."""
        if wide == self._wide:
            return
        self._wide = wide
        left, right = self._against
        across = ((left, 0, 0), (self.choices[0], 0, 1), (right, 0, 2), (self.choices[1], 0, 3), (self.axis, 0, 4),
                  (self.paper, 0, 5))  # fmt: skip
        below = ((left, 0, 0), (self.choices[0], 0, 1), (right, 0, 2), (self.choices[1], 0, 3), (self.axis, 1, 1),
                 (self.paper, 1, 3))  # fmt: skip
        for widget, row, column in across if wide else below:
            self._head.addWidget(widget, row, column)
        for column in range(6):
            self._head.setColumnStretch(column, int(column in (1, 3) or (wide and column == 4)))
        for k, plot in enumerate(self.plots):
            self._curves.addWidget(plot, 0 if wide else k, k if wide else 0)
        self._curves.addWidget(self.mean, 1 if wide else 2, 0, 1, 2 if wide else 1)
        self.split.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)


def _summary(result: RaceResult) -> str:
    black = ~result.white_box
    said = [f"{result.source.title} attacked with {result.count} images of {result.data}, ε {result.eps:.3f}"]
    if black.any():
        for side, recipe in enumerate(result.recipes):
            known = np.flatnonzero(result.passes[side] >= 0)
            end = float(result.rate[side, known[-1]][black].mean())
            said.append(f"{recipe} fools black boxes with {percent(end)} after {int(result.passes[side].max())} passes")
    else:
        said.append("there is no black box among the ticked models")
    return "; ".join(said) + "." + "".join(f" {note}" for note in result.notes)
