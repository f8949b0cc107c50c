"""The curriculum tab: one network trained on wider turns and against stronger attacks, stage by stage (CuSP)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.invariance.jobs.cusp import stages_of
from engines.invariance.results import CuspResult, CuspSnapshot
from engines.invariance.spec import CuspSpec
from workbench.panels.base import Export
from workbench.panels.invariance.tradeoff import restore_form
from workbench.panels.training_stage import TrainingStage
from workbench.panels.vision.figure_table import Cell, FigureTable, share_cell
from workbench.panels.vision.kept import keep, name_of
from workbench.panels.vision.training import ACCURACIES, DATA
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, duration, percent, set_enabled
from workbench.widgets.exports import save_tables
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.invariance.panel import InvariancePanel
    from workbench.runner import JobHandle

HEADERS: Final = (
    ("Stage", "Each begins with the weights of the one before, at half its learning rate"),
    ("θ [°]", "Largest turn of the training images"),
    ("ε", "Strength of the adversary in training, pixels of [0, 1]"),
    ("Epochs", "Passes over the training images"),
    ("Held out [%]", "Accuracy on held-out images after the stage, with half the 95 % interval"),
    ("Under PGD-10 [%]", "The same under PGD-10 at the stage's ε"),
)


class CurriculumView(TrainingStage[CuspSpec]):
    """Run trains all stages; Stop keeps the last finished epoch, from which it can go on.

    model_kept(name): the trained weights were put among the user's models; its dot in the trade-off plane says CuSP.
    """

    run_text = "Train the stages"
    job = "invariance.cusp"
    spec = CuspSpec
    resume_text = "Go on where it stopped"
    model_kept = Signal(str)
    panel: InvariancePanel

    def __init__(self, panel: InvariancePanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self._spec: CuspSpec | None = None
        self._shown: CuspSnapshot | CuspResult | None = None
        self._weights: Path | None = None
        self.form: SpecForm[CuspSpec] = SpecForm(
            CuspSpec, leave_out=("save_as",), choices={"device": panel.services.devices, "data": DATA},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.status = ElidedLabel(
            "One network learns wide turns and strong attacks at once, each stage harder than the one before. The "
            "embedded digits need no download."
        )
        self.curves = Plot(theme, title="Accuracy over all stages", x="epoch", y="share right", y_unit="%")
        self.table = FigureTable("Stages", HEADERS)
        self.use_button = QPushButton("Use this model")
        self.use_button.clicked.connect(self.use_model)
        set_enabled(self.use_button, "Train the stages first")
        theme.changed.connect(lambda _: self._draw())
        self.form.changed.connect(lambda *_: self._draw())
        self._build()
        self.watch_runs()
        self._draw()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where the stages make no curriculum."""
        stages_of(self.form.read())
        super().start()

    def begin(self, handle: JobHandle, spec: CuspSpec) -> None:
        self._spec, self._weights, self._shown = spec, None, None
        set_enabled(self.use_button, "It is being trained")
        super().begin(handle, spec)
        self.status.setText("Waiting for the training to begin…")
        self._draw()

    def show_snapshot(self, snapshot: Any) -> None:
        if isinstance(snapshot, CuspSnapshot):
            self._shown = snapshot
            part = snapshot.part
            self.status.setText(
                f"Stage {snapshot.stage + 1} of {len(snapshot.accuracy)}  ·  epoch "
                f"{min(part.epoch + 1, part.epochs)} of {part.epochs}"
            )
            self._draw()

    def show_end(self, handle: JobHandle) -> None:
        self.offer_resuming()
        if handle.state == "done":
            self._show_result(handle.result)
        elif handle.state == "cancelled":
            kept = "The last epoch is kept with the run." if handle.can_resume else "No epoch was finished."
            self.status.setText(f"Stopped. {kept}")
        elif handle.error is not None:
            self.status.setText(handle.error.what)
        if handle.state != "done":
            set_enabled(self.use_button, "Train all stages first")

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        restore_form(self.form, state.get("form"))

    def use_model(self) -> None:
        """Put the trained weights among the user's models."""
        if self._weights is None or self._spec is None:
            return
        last = stages_of(self._spec)[-1]
        title = f"CuSP {last.kind} on {Path(last.data).name or last.data}, ±{last.rotation:g}°, ε {last.eps:.3g}"
        try:
            name = keep(self._weights, last, name=f"cusp-{name_of(last)}", title=title)
        except UserError as error:
            self.panel.show_message(error.what, "error", error.remedy)
            return
        self._weights = None
        set_enabled(self.use_button, f"It is kept as {name}")
        self.panel.status_message.emit(f"Kept as {name}", "ok")
        self.model_kept.emit(name)

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if isinstance(self._shown, CuspResult) else "Train all stages first."

        return [
            Export("curriculum-csv", "Stages and curves as CSV, two tables", ".csv", self._write, none),
            Export("curriculum-png", "Curves as PNG", ".png", self.curves.save, none),
        ]

    def _write(self, path: Path) -> str:
        assert isinstance(self._shown, CuspResult)
        return f"Saved {', '.join(p.name for p in save_tables(self._shown.to_tables(), path))}"

    # -- inside -----------------------------------------------------------------------------------------------

    def _show_result(self, result: CuspResult) -> None:
        self._shown = result
        self._draw()
        held = self._spec.held_out if self._spec is not None else 0
        self.status.setText(
            f"Done: {percent(result.accuracy[-1])} right, {percent(result.robust_accuracy[-1])} under attack, of "
            f"{held} held-out images, trained in {duration(result.seconds)}. Use this model, then measure profiles: "
            "its dot says CuSP."
        )
        path = Path(result.weights_path) if result.weights_path else None
        self._weights = path if path is not None and path.is_file() else None
        reason = "" if self._weights is not None else "The weights were not kept: the run has no folder"
        set_enabled(self.use_button, reason, "Put it among your models, ticked, in every panel for images")

    def _draw(self) -> None:
        """Curves and table of what is known; before a run, the stages that the form asks for."""
        self.curves.clear()
        shown, spec = self._shown, self._spec or self.form.spec()
        if spec is None or len({len(spec.thetas), len(spec.epsilons), len(spec.epochs)}) > 1 or not spec.epochs:
            self.table.set_rows([], [])
            return
        count = len(spec.epochs)
        done = shown.accuracy if shown is not None else np.full(count, np.nan)
        robust = shown.robust_accuracy if shown is not None else np.full(count, np.nan)
        series = self.panel.services.theme.colours.series
        self.table.set_rows(
            [
                [Cell(f"{n + 1}", n + 1), Cell(f"±{spec.thetas[n]:g}", spec.thetas[n]),
                 Cell(f"{spec.epsilons[n]:.3g}", spec.epsilons[n]), Cell(str(spec.epochs[n]), spec.epochs[n]),
                 share_cell(float(done[n]), spec.held_out, "held-out images"),
                 share_cell(float(robust[n]), spec.held_out, "attacked held-out images")]
                for n in range(count)
            ],
            [series[n % len(series)] for n in range(count)],
        )  # fmt: skip
        self.curves.set_range(x=(0.5, sum(spec.epochs) + 0.5), y=(0.0, 100.0))
        for n in range(count - 1):  # an end is one on whichever side of its line the text stands
            self.curves.set_mark(f"stage{n}", sum(spec.epochs[: n + 1]) + 0.5, text=f"end of stage {n + 1}")
        history = shown.history if shown is not None else {}
        for name, title, colour in ACCURACIES:
            values = history.get(name, np.zeros(0))
            if np.isfinite(values).any():
                self.curves.set_curve(name, history["epoch"], 100 * values, name=title, colour=colour,
                                      style="line and points")  # fmt: skip

    def _build(self) -> None:
        settings = self.settings_beside(self.form, self.resume_button, self.use_button)
        self.curves.setMinimumHeight(180)
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(self.curves)
        rows.addWidget(self.table)
        rows.setSizes([460, 180])
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(rows)
        beside = QHBoxLayout()
        beside.addWidget(settings)
        beside.addWidget(right, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.status)
        whole.addLayout(beside, 1)
