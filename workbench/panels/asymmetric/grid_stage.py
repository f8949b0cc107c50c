"""The morph grid: an image of every class pushed towards every class, beside the same attack on a classifier."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from engines.asymmetric.results import MorphResult
from engines.asymmetric.snapshots import MorphSnapshot
from engines.asymmetric.spec import MorphSpec
from engines.core import atomic
from workbench.panels.asymmetric.radius import keep_reach
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, number, percent
from workbench.widgets.exports import save_tables
from workbench.widgets.image_view import ImageView, link
from workbench.widgets.scrubber import Scrubber
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.asymmetric.panel import DetectionPanel
    from workbench.runner import JobHandle

GAP = 1
"""Pixels between two images of the sheet."""


class GridStage(Stage):
    """Run computes both grids; the slider then moves all images through the attack together."""

    run_text = "Run grid"
    panel: DetectionPanel

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: MorphResult | None = None
        self._classes: tuple[str, ...] = ()
        self.form: SpecForm[MorphSpec] = SpecForm(
            MorphSpec, fields=("norm", "eps", "steps", "step_size", "frames", "optimiser", "seed", "device"),
            choices={"device": panel.services.devices}, preset=panel.services.settings.preset,
        )  # fmt: skip
        keep_reach(self.form)
        self.status = ElidedLabel("Run pushes an image of every class (rows) towards every class (columns).")
        self.titles = tuple(ElidedLabel(text) for text in ("Detectors", "Twin: a classifier"))
        self.sheets = tuple(
            ImageView(theme, f"Grid of the {who}", legend=False, empty="Run fills this grid")
            for who in ("detectors", "twin")
        )
        self.said = tuple(label("", "small", muted=True, wrap=True) for _ in range(2))
        self.scrubber = Scrubber(theme, "Frames of the attack", unit="frame", speed=4)
        link(list(self.sheets))
        self._build()
        self.scrubber.frame_changed.connect(lambda _: self._draw_frame())
        for k, sheet in enumerate(self.sheets):
            sheet.pixel_hovered.connect(lambda row, column, k=k: self._hovered(k, row, column))

    # -- stage ------------------------------------------------------------------------------------------------

    def set_bank(self, bank: Any) -> None:
        """Other detectors: their ball is the form's."""
        if bank is not None and self.result is None and str(bank.metrics.get("norm", "linf")) != "linf":
            self.form.set_values({"norm": "l2", "eps": float(bank.metrics.get("eps", 2.5))})

    def start(self) -> None:
        """Raises UserError where something does not fit."""
        names = self.panel.form.names()
        spec = self.form.read().changed(
            detectors=names["detectors"], rival=names["rival"], data=self.panel.data_text()
        )  # fmt: skip
        handle = self.panel.start("asymmetric.morph", spec)
        self.take(handle)
        handle.progressed.connect(self._progressed)
        self.result = None
        bank = self.panel.form.bank
        self._classes = bank.classes if bank is not None else ()
        self.scrubber.set_count(0)
        for view, said in zip(self.sheets, self.said, strict=True):
            view.clear()
            said.setText("")
        self.status.setText("Waiting for the engine…")

    def close_stage(self) -> None:
        self.scrubber.pause()
        if self.handle is not None and not self.handle.has_ended:
            self.handle.progressed.disconnect(self._progressed)
        super().close_stage()

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, MorphSnapshot) and self.result is None:
            for view, grid in zip(self.sheets, (snapshot.detectors, snapshot.rival), strict=True):
                view.set_picture(sheet_of(grid), f"step {snapshot.step} of {snapshot.steps}")

    def show_end(self, handle: JobHandle) -> None:
        handle.progressed.disconnect(self._progressed)
        if handle.state == "done":
            self.show_result(handle.result)
        elif handle.state == "cancelled":
            self.status.setText("Stopped; the images stay where they had come to.")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def show_result(self, result: MorphResult) -> None:
        """Both grids at their last frame."""
        self.result, self._classes = result, result.classes
        with QSignalBlocker(self.scrubber):
            self.scrubber.set_count(len(result.steps), follow=True)
            self.scrubber.set_labels([f"step {s}" for s in result.steps])
            self.scrubber.set_frame(len(result.steps) - 1)
        pairs = len(result.classes) * (len(result.classes) - 1)
        for k, said in enumerate(self.said):
            self.titles[k].setText(f"{'Detectors' if k == 0 else 'Twin'}: {result.titles[k]}")
            read, still = percent(float(result.read_as[k])), percent(float(result.still_true[k]))
            said.setText(
                f"A nearest-neighbour reader, who knows only clean images, takes {read} of {pairs} perturbed images "
                f"for the target and {still} for what they were."
            )
        norm = "l∞" if result.norm == "linf" else "l2"
        self.status.setText(
            f"{norm} ε {result.eps:g}, {int(result.steps[-1])} steps. Rows: the image; columns: the class it is pushed "
            f"towards, {result.classes[0]} to {result.classes[-1]}. Would a person say so?"
        )
        self._draw_frame()

    def _progressed(self, progress: Any) -> None:
        self.status.setText(f"{progress.text}…" if progress.text else "Pushing…")

    def _draw_frame(self) -> None:
        result = self.result
        if result is None:
            return
        at = min(self.scrubber.frame, len(result.steps) - 1)
        for view, grid, logit in zip(
            self.sheets, (result.detectors, result.rival), (result.z, result.rival_logit), strict=True
        ):
            mean = number(float(logit[at].mean()))
            view.set_picture(sheet_of(grid[at]), f"step {int(result.steps[at])}, mean target logit {mean}")

    def _hovered(self, k: int, row: int, column: int) -> None:
        result = self.result
        if result is None or row < 0:
            return
        height, width = result.images.shape[2] + GAP, result.images.shape[3] + GAP
        i, t = row // height, column // width
        if i >= len(result.classes) or t >= len(result.classes):
            return
        at = min(self.scrubber.frame, len(result.steps) - 1)
        logit = (result.z, result.rival_logit)[k][at, i, t]
        self.status.setText(
            f"A “{result.classes[i]}” pushed towards “{result.classes[t]}”: logit {number(float(logit))}"
        )

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Run the grid first."

        return [
            Export("grid-png", "Detectors' grid as PNG", ".png", self.sheets[0].save, none),
            Export("twin-grid-png", "Twin's grid as PNG", ".png", self.sheets[1].save, none),
            Export("grid-npz", "Both grids as NPZ, every frame", ".npz", self._write_npz, none),
            Export("grid-csv", "Reader and logit trace as CSV", ".csv", self._write_csv, none),
        ]

    def _write_npz(self, path: Path) -> None:
        assert self.result is not None
        r = self.result
        body = io.BytesIO()
        np.savez_compressed(body, allow_pickle=False, x=r.images, steps=r.steps, detectors=r.detectors, twin=r.rival,
                            z=r.z, twin_logit=r.rival_logit, final=r.final, classes=np.array(r.classes),
                            eps=np.float64(r.eps))  # fmt: skip
        atomic.write_bytes(path, body.getbuffer())

    def _write_csv(self, path: Path) -> str:
        assert self.result is not None
        return f"Saved {len(save_tables(self.result.to_tables(), path))} tables beside {path.name}"

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("form"), dict):
            self.form.restore_state(state["form"])

    def _build(self) -> None:
        body = QWidget()
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        for k in (0, 1):
            grid.addWidget(self.titles[k], 0, k)
            self.sheets[k].setMinimumSize(180, 200)
            grid.addWidget(self.sheets[k], 1, k)
            grid.addWidget(self.said[k], 2, k)
            grid.setColumnStretch(k, 1)
        grid.setRowStretch(1, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.status)
        rows.addWidget(body, 1)
        rows.addWidget(self.scrubber)


def sheet_of(grid: np.ndarray) -> np.ndarray:
    """uint8 [H', W', C]: images [R, K, C, H, W] side by side with a grey line between them."""
    rows, columns, colours, height, width = grid.shape
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, colours), 110, np.uint8)
    for r in range(rows):
        for c in range(columns):
            top, left = r * (height + GAP), c * (width + GAP)
            sheet[top : top + height, left : left + width] = np.moveaxis(grid[r, c], 0, -1)
    return sheet
