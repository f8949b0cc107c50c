"""The boundary tab: how far images are from being called something else, for each model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from engines.invariance.results import BoundaryResult
from engines.invariance.spec import BoundarySpec
from workbench.panels.base import Export
from workbench.panels.invariance.choices import source_name
from workbench.panels.invariance.microscope import SliceField, arrow_text
from workbench.panels.invariance.tradeoff import restore_form
from workbench.panels.invariance.trails import blend, colours_of, trained_text
from workbench.panels.stage import Stage
from workbench.panels.vision.figure_table import Cell, FigureTable
from workbench.panels.vision.models import short_title
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, number, percent
from workbench.widgets.exports import save_tables
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.panels.invariance.panel import InvariancePanel
    from workbench.runner import JobHandle

BINS: Final = 24
HEADERS: Final = (
    ("Model", "Its title"),
    ("Trained", "Largest turn and strength of the adversary in training"),
    ("Mean", "Mean Euclidean distance to the boundary, with half the 95 % interval of the mean"),
    ("Median", "Median Euclidean distance"),
    ("Relative", "Mean distance over the image's own length"),
    ("Flipped", "Images that DeepFool flipped: these count"),
    ("Wrong", "Images that were wrong from the start"),
    ("Never", "Images that never flipped; they are in no mean"),
)


class BoundaryView(Stage):
    """Run measures DeepFool distances of the ticked models on the same images."""

    run_text = "Measure distances"
    panel: InvariancePanel

    def __init__(self, panel: InvariancePanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: BoundaryResult | None = None
        self.form: SpecForm[BoundarySpec] = SpecForm(
            BoundarySpec, leave_out=("models", "data", "slice_image"), choices={"device": panel.services.devices},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.status = ElidedLabel("Measure distances to see whether boundaries come closer as larger turns are learnt.")
        self.histogram = Plot(theme, title="Distances to the boundary", x="DeepFool distance", y="share of images",
                              x_unit="px, Euclidean", y_unit="%", legend=False)  # fmt: skip
        self.relative = QCheckBox("Over the image's own length")
        self.relative.setToolTip("Distances relative to the Euclidean length of the image")
        self.relative.toggled.connect(lambda _: self._draw())
        self.slice = SliceField(theme, "Slice of the chosen model")
        self.slice.set_note("The decision regions round the first image appear here. Press Measure distances.")
        self.slice_text = label("", "small", muted=True, wrap=True)
        self.table = FigureTable("Distances to the boundary", HEADERS)
        self.table.row_chosen.connect(lambda _: self._draw())
        theme.changed.connect(lambda _: self._draw())
        self._build()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where models or images do not fit."""
        spec = self.form.read().changed(models=self.panel.models_text(), data=self.panel.source_text())
        self.take(self.panel.start("invariance.boundary", spec))
        self.status.setText("Measuring…")
        self.slice.set_note("The slice follows when the first model is measured.")

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, BoundaryResult):
            self.result = snapshot
            self._draw()
            self.status.setText(f"{len(snapshot.slices)} of {len(snapshot.models)} models measured…")

    def show_end(self, handle: JobHandle) -> None:
        if handle.state == "done":
            self.result = handle.result
            self._draw()
            self.status.setText(_summary(handle.result))
        elif handle.state == "cancelled":
            self.status.setText("Stopped; what was measured stays." if self.result else "Stopped.")
            self.slice.set_note("Stopped before the first model was measured.")
        elif handle.error is not None:
            self.status.setText(handle.error.what)
            self.slice.set_note("Nothing was measured.")

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        restore_form(self.form, state.get("form"))

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Measure distances first."

        return [
            Export("distances-csv", "Distances as CSV, two tables", ".csv", self._write, none),
            Export("histogram-png", "Histogram as PNG", ".png", self.histogram.save, none),
            Export("boundary-slice-png", "Slice of the chosen model as PNG", ".png", self.slice.save, none),
        ]

    def _write(self, path: Path) -> str:
        assert self.result is not None
        return f"Saved {', '.join(p.name for p in save_tables(self.result.to_tables(), path))}"

    # -- showing ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        result = self.result
        if result is None:
            return
        chosen = self.table.current_row()
        colours = colours_of(result.models, self.panel.services.theme.colours.series,
                             self.panel.services.theme.colours.surface)  # fmt: skip
        self._draw_histogram(result, colours, chosen)
        rows = []
        for i, model in enumerate(result.models):
            known = np.isfinite(result.distances[i])
            count = int(known.sum())
            half = 1.96 * float(np.std(result.distances[i][known], ddof=1)) / count**0.5 if count > 1 else float("nan")
            head = Cell(short_title(model.title), tip=f"{model.title} ({model.name})")
            trained = Cell(trained_text(model), model.theta + 1000 * model.eps)
            if not count:
                rows.append([head, trained, *[Cell("–", float("nan"), "not measured")] * 6])
                continue
            tip = f"mean of {count} images; ± is half the 95\u202f% interval of the mean"
            rows.append([
                head,
                trained,
                Cell(f"{number(result.mean[i])} ±{number(half, 2)}", float(result.mean[i]), tip),
                Cell(number(result.median[i]), float(result.median[i])),
                Cell(percent(result.mean_relative[i]), float(result.mean_relative[i])),
                *(Cell(str(int(v[i])), int(v[i])) for v in (result.flipped, result.wrong, result.never)),
            ])  # fmt: skip
        self.table.set_rows(rows, colours)
        self._draw_slice(result, chosen)

    def _draw_histogram(self, result: BoundaryResult, colours: list[str], chosen: int) -> None:
        self.histogram.clear()
        values = result.relative if self.relative.isChecked() else result.distances
        unit = "share of the image's length" if self.relative.isChecked() else "px, Euclidean"
        self.histogram.set_labels(x="DeepFool distance", x_unit=unit)
        known = values[np.isfinite(values)]
        if not known.size:
            return
        edges = np.linspace(0.0, float(np.quantile(known, 0.995)) or 1.0, BINS + 1)
        middles = (edges[1:] + edges[:-1]) / 2
        highest = 1.0
        for i, model in enumerate(result.models):
            row = values[i][np.isfinite(values[i])]
            if not row.size:
                continue
            share = 100 * np.histogram(np.clip(row, edges[0], edges[-1]), edges)[0] / row.size
            highest = max(highest, float(share.max()))
            # Eight outlines are a thicket: the chosen one stands out, the others stay to compare with.
            ink = colours[i] if chosen in (-1, i) else blend(colours[i], self.panel.services.theme.colours.surface, 0.3)
            self.histogram.set_curve(str(i), middles, share, name=model.title, colour=ink, style="steps")
        self.histogram.set_range(x=(0.0, float(edges[-1])), y=(0.0, highest * 1.05))
        for i in range(len(result.models)):
            row = values[i][np.isfinite(values[i])]
            if row.size and (i == chosen or (chosen < 0 and len(result.models) <= 3)):
                self.histogram.set_mark(f"mean{i}", float(row.mean()), text=f"mean {number(float(row.mean()))}",
                                        colour=colours[i])  # fmt: skip

    def _draw_slice(self, result: BoundaryResult, chosen: int) -> None:
        index = chosen if 0 <= chosen < len(result.slices) else 0
        if not result.slices:
            self.slice_text.setText("The slice follows with the first model.")
            return
        found = result.slices[index]
        self.slice.show_slice(found)
        title = result.models[index].title
        self.slice_text.setText(f"{title}, through the first image. {arrow_text(found)}. Choose a row for its slice.")

    def _build(self) -> None:
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.histogram, 1)
        column.addWidget(self.relative)
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(GRID // 2)
        head = QHBoxLayout()
        head.addWidget(label("Slice through one image", "strong"))
        beside.addLayout(head)
        beside.addWidget(self.slice, 1)
        beside.addWidget(self.slice_text)
        above = QSplitter(Qt.Orientation.Horizontal)
        above.setChildrenCollapsible(False)
        above.addWidget(left)
        above.addWidget(right)
        above.setSizes([460, 340])
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(above)
        rows.addWidget(self.table)
        rows.setSizes([440, 200])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.status)
        whole.addWidget(rows, 1)


def _summary(result: BoundaryResult) -> str:
    clip = "pixels kept in [0, 1]" if result.clipped else "pixels not clipped"
    wrong = "left out" if result.wrong_as == "exclude" else "counted as 0"
    never = int(result.never.sum())
    lost = f"; {never} never flipped and are in no mean" if never else ""
    return (
        f"{len(result.models)} models on {result.distances.shape[1]} images of {source_name(result.source)}; "
        f"DeepFool, {clip}; wrong from the start: {wrong}{lost}." + "".join(f" {note}" for note in result.notes)
    )
