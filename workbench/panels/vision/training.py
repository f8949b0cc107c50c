"""Training image networks: settings, live curves, what the network sees, stop and go on, use what came out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QPushButton, QScrollArea, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.vision.results import TrainResult, TrainSnapshot
from engines.vision.spec import TrainSpec
from engines.vision.training.shipped import TABLE, spec_of
from workbench.panels.base import Export
from workbench.panels.training_stage import TrainingStage
from workbench.panels.vision.kept import keep
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, duration, label, number, percent, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.gallery import Gallery
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle

JOB: Final = "vision.train"
ACCURACIES: Final = (
    ("train_accuracy", "training", 6), ("accuracy", "held out", 0), ("rotated_accuracy", "turned", 1),
    ("robust_accuracy", "under PGD-10", 3),
)  # fmt: skip
"""Curve of the history, its name in the legend, its colour."""
DATA: Final = ("digits", "mnist", "fashion-mnist", "cifar10")


class TrainingView(TrainingStage[TrainSpec]):
    """Run trains by the settings on the left; Stop keeps the last finished epoch, from which it can go on.

    model_kept(name): the trained weights were put among the user's models; list them anew and perhaps tick it.

    start: values of the form to begin with. hint: what the status line says before anything was trained.
    """

    run_text = "Train"
    job = JOB
    spec = TrainSpec
    model_kept = Signal(str)

    def __init__(self, panel: Panel, *, start: Mapping[str, Any] | None = None, hint: str = "") -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self._spec: TrainSpec | None = None
        self._last: TrainSnapshot | None = None
        self._weights: Path | None = None
        self.form = SpecForm(
            TrainSpec,
            leave_out=("save_as", "start_from"),
            choices={"device": panel.services.devices, "data": DATA},
            start=start,
            preset=panel.services.settings.preset,
        )
        self.recipes = QComboBox()
        self.recipes.setAccessibleName("Settings of a shipped model")
        self.recipes.setToolTip("Fill the form with the settings that trained one of the shipped models")
        self.recipes.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.recipes.setMinimumContentsLength(12)
        self.recipes.addItem("Settings of a shipped model…", "")
        for name, (title, _) in sorted(TABLE.items()):
            self.recipes.addItem(f"{name}: {title}", name)
        self.recipes.activated.connect(lambda _: self._fill_recipe())
        self.status = ElidedLabel(hint or "The embedded digits train in a minute; no data set is needed.")
        self.use_button = QPushButton("Use this model")
        self.use_button.clicked.connect(self.use_model)
        set_enabled(self.use_button, "Train a network first")
        self.accuracy = Plot(theme, title="Accuracy", x="epoch", y="share right", y_unit="%")
        self.losses = Plot(theme, title="Mean loss", x="epoch", y="cross entropy", legend=False)
        self.steps = Plot(theme, title="Loss of the latest steps", x="step", y="cross entropy", legend=False)
        self.samples = Gallery(theme, "What the network saw", thumb=56, empty="Images as the network sees them")
        self._build()
        self.watch_runs()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.form.read()  # what does not fit leaves the curves as they are
        self._clear()
        super().start()

    def begin(self, handle: JobHandle, spec: TrainSpec) -> None:
        self._spec, self._weights = spec, None
        set_enabled(self.use_button, "It is being trained")
        super().begin(handle, spec)
        self.status.setText("Waiting for the training to begin…")

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, TrainSnapshot):
            return
        self._last = snapshot
        self.status.setText(_status(snapshot))
        self._draw(snapshot)

    def show_end(self, handle: JobHandle) -> None:
        self.offer_resuming()
        if handle.state == "done":
            self._show_result(handle.result)
        elif handle.state == "cancelled":
            kept = "The last epoch is kept with the run." if handle.can_resume else "No epoch was finished."
            self.status.setText(f"Stopped. {kept}")
        elif handle.error is not None:
            self.status.setText(handle.error.what)
        else:
            self.status.setText("The run has ended.")

    def use_model(self) -> None:
        """Put the trained weights among the user's models."""
        if self._weights is None or self._spec is None:
            return
        try:
            name = keep(self._weights, self._spec)
        except UserError as error:
            self.panel.show_message(error.what, "error", error.remedy, cause="keep")
            return
        self.panel.messages.withdraw("keep")
        self._weights = None
        set_enabled(self.use_button, f"It is kept as {name}")
        self.panel.status_message.emit(f"Kept as {name}", "ok")
        self.model_kept.emit(name)

    # -- exports ----------------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self._last is not None and len(self._last.history["epoch"]) else "Train a network first."

        return [
            Export("training-csv", "Training curves as CSV", ".csv", self._write_csv, none),
            Export("training-png", "Accuracy curves as PNG", ".png", self.accuracy.save, none),
        ]

    def _write_csv(self, path: Path) -> None:
        if self._last is not None:
            save_csv(self._last.history, path)

    # -- inside -----------------------------------------------------------------------------------------------

    def _fill_recipe(self) -> None:
        name = self.recipes.currentData()
        self.recipes.setCurrentIndex(0)
        if name:
            spec = spec_of(name)
            known = {k: v for k, v in spec.model_dump().items() if k not in ("device", "start_from", "save_as")}
            self.form.set_values(known)
            self.status.setText(f"The settings of {name}: {TABLE[name][0]}.")

    def _clear(self) -> None:
        self._last, self._weights = None, None
        for plot in (self.accuracy, self.losses, self.steps):
            plot.clear()
        self.samples.set_tiles([])
        set_enabled(self.use_button, "It is being trained")

    def _show_result(self, result: TrainResult) -> None:
        robust = f", {percent(result.robust_accuracy)} under attack" if np.isfinite(result.robust_accuracy) else ""
        held = self._spec.held_out if self._spec is not None else 0
        self.status.setText(
            f"Done: {percent(result.accuracy)} right{robust} of {number(held)} held-out images, "
            f"{number(result.parameters, 4)} parameters, trained in {duration(result.seconds)} ({result.ended})."
        )
        path = Path(result.weights_path) if result.weights_path else None
        self._weights = path if path is not None and path.is_file() else None
        reason = "" if self._weights is not None else "The weights were not kept: the run has no folder"
        set_enabled(self.use_button, reason, "Put it among your models, ready in every panel for images")

    def _draw(self, snapshot: TrainSnapshot) -> None:
        history = snapshot.history
        x = history["epoch"]
        if len(x):
            for name, title, colour in ACCURACIES:
                if np.isfinite(history[name]).any():
                    self.accuracy.set_curve(name, x, 100 * history[name], name=title, colour=colour, style=_style(x))
            self.losses.set_curve("loss", x, history["loss"], style=_style(x))
        if len(snapshot.step_losses):
            self.steps.set_curve("loss", np.arange(len(snapshot.step_losses)), snapshot.step_losses)
        if len(snapshot.samples):
            self.samples.set_pictures(list(snapshot.samples))

    def _build(self) -> None:
        settings = self.settings_beside(self.form, self.recipes, self.resume_button, self.use_button)
        column = QWidget()
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID)
        lower = QSplitter(Qt.Orientation.Horizontal)
        lower.setChildrenCollapsible(False)
        for plot in (self.losses, self.steps):
            plot.setMinimumHeight(150)
            lower.addWidget(plot)
        self.accuracy.setMinimumHeight(180)
        rows.addWidget(self.accuracy, 3)
        rows.addWidget(lower, 2)
        rows.addWidget(label("Images of the latest step, as the network saw them", "small", muted=True))
        self.samples.setFixedHeight(88)
        rows.addWidget(self.samples)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(column)
        beside = QHBoxLayout()
        beside.addWidget(settings)
        beside.addWidget(scroll, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.status)
        whole.addLayout(beside, 1)


def _style(x: np.ndarray) -> Any:
    """A curve of one point is nothing without a dot."""
    return "line and points" if len(x) < 30 else "line"


def _status(snapshot: TrainSnapshot) -> str:
    said = [f"Epoch {min(snapshot.epoch + 1, snapshot.epochs)} of {snapshot.epochs}"]
    if snapshot.step:
        said.append(f"step {number(snapshot.step)} of {number(snapshot.steps)}")
    history = snapshot.history
    if len(history["epoch"]):
        said.append(f"held out {percent(float(history['accuracy'][-1]))} right")
        robust = float(history["robust_accuracy"][-1])
        if np.isfinite(robust):
            said.append(f"{percent(robust)} under attack")
    return "  ·  ".join(said)
