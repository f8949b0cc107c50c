"""Training a detector for each class: settings, live curves, negatives before and after, use and export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout

from engines.asymmetric.results import TrainResult
from engines.asymmetric.snapshots import TrainSnapshot
from engines.asymmetric.spec import TrainSpec
from engines.core.errors import UserError
from workbench.panels.asymmetric.axis_range import AxisRange, over
from workbench.panels.asymmetric.detector_files import copy_bank, keep
from workbench.panels.asymmetric.pairs_view import PairsView
from workbench.panels.asymmetric.radius import keep_reach
from workbench.panels.base import Export
from workbench.panels.training_stage import TrainingStage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, duration, percent, set_enabled
from workbench.widgets.exports import save_csv, save_tables
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.asymmetric.panel import DetectionPanel
    from workbench.runner import JobHandle

DATA: Final = ("digits8", "digits", "mnist", "fashion-mnist", "cifar10")
MOST_TICKS: Final = 12
BEFORE: Final = "Train learns a detector for each class. The embedded 8×8 digits need no data set, and a minute or two."
STOPPED: Final = "A run was stopped before its end; it can go on from its last epoch."


class DetectorTraining(TrainingStage[TrainSpec]):
    """Run trains all detectors together; Stop keeps the last finished epoch, from which it goes on."""

    run_text = "Train"
    job = "asymmetric.train"
    spec = TrainSpec
    resume_text = "Go on"
    resume_tip = "Go on from the last finished epoch, with the settings that the run began with"
    panel: DetectionPanel

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self._last: TrainSnapshot | None = None
        self.result: TrainResult | None = None
        self._planned = 0
        self.form: SpecForm[TrainSpec] = SpecForm(
            TrainSpec, leave_out=("save_as",), choices={"device": panel.services.devices, "data": DATA},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        keep_reach(self.form)
        self.status = ElidedLabel(BEFORE)
        self.folder = QPushButton("Folder of classes…")
        self.folder.setToolTip("Pictures of your own: a sub-folder for each class, with three pictures or more")
        self.use_button = QPushButton("Use these detectors")
        set_enabled(self.use_button, "Train detectors first")
        self.losses = Plot(theme, title="Mean loss of all detectors", x="update", y="cross entropy")
        self.aucs = Plot(theme, title="Validation AUC under attack", x="epoch", y="AUC")
        self.axis = AxisRange(self.aucs, "AUC")
        self.samples = PairsView(theme)
        self._build()
        self.folder.clicked.connect(self._choose_folder)
        self.use_button.clicked.connect(self.use)
        self.form.changed.connect(lambda _: self._fit_fields())
        self._fit_fields()
        self.watch_runs()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where the settings do not fit."""
        spec = self.form.read()
        self._clear()
        self.begin(self.panel.start(self.job, spec), spec)

    def begin(self, handle: JobHandle, spec: TrainSpec) -> None:
        self._planned = spec.epochs * spec.updates
        set_enabled(self.use_button, "They are being trained")
        super().begin(handle, spec)
        self.status.setText("Waiting for the training lane…")

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, TrainSnapshot):
            return
        self._last = snapshot
        if len(snapshot.losses):
            self._draw_losses(snapshot.losses)
        if len(snapshot.auc):
            self._draw_aucs(snapshot.auc, snapshot.epochs)
        self.samples.show_snapshot(snapshot)
        if self.handle is None or not self.handle.has_ended:  # seen late, it must not take the end's place
            self._say(snapshot)

    def _say(self, snapshot: TrainSnapshot) -> None:
        said = [f"Epoch {min(snapshot.epoch + 1, snapshot.epochs)} of {snapshot.epochs}"]
        if len(snapshot.losses):
            done = len(snapshot.losses)
            of = f" of {self._planned:,}" if self._planned else ""
            said.append(f"update {done:,}{of}, loss {float(snapshot.losses[-20:].mean()):.3f}")
        if len(snapshot.auc):
            said.append(f"mean AUC under attack {float(snapshot.auc[-1].mean()):.4f}")
        self.status.setText("  ·  ".join(said))

    def _draw_losses(self, losses: np.ndarray) -> None:
        mean = losses.mean(1)
        width = max(1, len(mean) // 200)
        whole = mean[: len(mean) // width * width].reshape(-1, width).mean(1)
        end = max(self._planned, len(mean))
        self.losses.set_curve("loss", (np.arange(len(whole)) + 0.5) * width, whole, name="loss", colour=0)
        self.losses.set_curve("ln2", [0, end], [np.log(2)] * 2, name="ln 2", colour="muted", style="dashed")
        self.losses.set_range(x=(0, end))

    def _draw_aucs(self, auc: np.ndarray, epochs: int) -> None:
        """Mean, range and each detector; auc: float64 [epochs so far, K]."""
        at = np.arange(1, len(auc) + 1)
        if len(at) > 1:
            self.aucs.set_band("range", at, auc.min(1), auc.max(1), name="weakest to best", colour=0)
        self.aucs.set_curve("each", np.repeat(at, auc.shape[1]), auc.ravel(), name="each detector", colour="muted",
                            style="points")  # fmt: skip
        self.aucs.set_curve("mean", at, auc.mean(1), name="mean", colour=1, style="line and points")
        step = -(-epochs // MOST_TICKS)
        self.aucs.set_ticks("bottom", [(float(e), str(e)) for e in range(step, epochs + 1, step)])
        self.aucs.set_range(x=(0.5, epochs + 0.5))
        self.axis.show_lowest(float(auc.min()))

    def _progressed(self, progress: Any) -> None:
        """After the last epoch there is more to do, of which no picture tells."""
        last = self._last
        if progress.text and (last is None or last.epoch >= last.epochs):
            self.status.setText(f"{progress.text}…")

    def show_end(self, handle: JobHandle) -> None:
        handle.progressed.disconnect(self._progressed)
        self.offer_resuming()
        set_enabled(self.use_button, "" if self.result is not None else "Train detectors to the end first")
        if handle.state == "done":
            self._show_result(handle.result)
        elif handle.state == "cancelled":
            kept = "The last epoch is kept with the run." if handle.can_resume else "No epoch was finished."
            self.status.setText(f"Stopped. {kept}")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def _show_result(self, result: TrainResult) -> None:
        self.result = result
        weakest = int(result.best_auc.argmin())
        self.status.setText(
            f"Done in {duration(result.seconds)}: mean AUC under attack {float(result.best_auc.mean()):.4f} (weakest: "
            f"“{result.classes[weakest]}”, {float(result.best_auc[weakest]):.4f}), on clean images "
            f"{float(result.natural_auc.mean()):.4f}; the generative rule names {percent(result.generative_accuracy)} "
            "rightly"
        )
        there = bool(result.weights_path) and Path(result.weights_path).is_file()
        set_enabled(self.use_button, "" if there else "The weights were not kept: the run has no folder",
                    "Put them among your models, and take them in every tab")  # fmt: skip

    def use(self) -> None:
        """Keep the trained detectors among the user's models, and take them."""
        if self.result is None or not self.result.weights_path:
            return
        try:
            name = keep(Path(self.result.weights_path))
        except (UserError, OSError) as error:
            what = error.what if isinstance(error, UserError) else f"the detectors could not be kept: {error}"
            self.panel.show_message(what, "error", "Train them again.")
            return
        set_enabled(self.use_button, f"They are kept as {name}")
        self.panel.status_message.emit(f"Kept as {name}", "ok")
        self.panel.form.refresh(name)
        self.panel.form.changed.emit()

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Train detectors first."

        def no_curve() -> str:
            return "" if self._last is not None and len(self._last.losses) else "Train detectors first."

        return [
            Export("detectors", "Detectors as safetensors, with their card", ".safetensors", self._write_weights, none),
            Export("training-csv", "Training curves as CSV", ".csv", self._write_curves, no_curve),
            Export("detectors-csv", "Figures of every detector as CSV", ".csv", self._write_figures, none),
        ]

    def _write_weights(self, path: Path) -> None:
        assert self.result is not None
        source = Path(self.result.weights_path)
        if not source.is_file():
            raise UserError("the weights of this run are gone", "train again")
        copy_bank(source, path, path.stem, "")

    def _write_curves(self, path: Path) -> None:
        assert self._last is not None
        losses = self._last.losses
        columns = {f"detector_{k}": losses[:, k] for k in range(losses.shape[1])}
        save_csv({"update": np.arange(1, len(losses) + 1), **columns}, path)

    def _write_figures(self, path: Path) -> str:
        assert self.result is not None
        return f"Saved {len(save_tables(self.result.to_tables(), path))} tables beside {path.name}"

    def close_stage(self) -> None:
        self._let_go()
        super().close_stage()

    # -- inside -----------------------------------------------------------------------------------------------

    def take(self, handle: JobHandle) -> None:
        self._let_go()
        super().take(handle)
        handle.progressed.connect(self._progressed)

    def _let_go(self) -> None:
        if self.handle is not None and not self.handle.has_ended:
            self.handle.progressed.disconnect(self._progressed)

    def _clear(self) -> None:
        self._last = self.result = None
        self.losses.clear()
        self.aucs.clear()
        self.samples.show_snapshot(None)

    def _fit_fields(self) -> None:
        """Settings that mean something for some data only."""
        source = str(self.form.values().get("data", ""))
        for name, reason in (
            ("side", "Data sets have a size of their own; this is for folders" if source in DATA else ""),
            ("with_digits", "" if source == "mnist" else "Only MNIST can take the enlarged digits in"),
            ("with_drawn", "" if source == "digits8" else "Only the 8×8 digits can take drawn ones in"),
        ):
            self.form.set_reason(name, reason)

    def _choose_folder(self, folder: str = "") -> None:
        chosen = folder or QFileDialog.getExistingDirectory(self, "A folder with a sub-folder for each class")
        if chosen:
            self.form.set_values({"data": chosen})

    def offer_resuming(self) -> None:
        super().offer_resuming()
        if self.resumable is not None and self.handle is None and self._last is None:
            self.status.setText(STOPPED)

    def _build(self) -> None:
        settings = self.settings_beside(self.form, self.folder)
        says = QHBoxLayout()
        says.setSpacing(GRID // 2)
        says.addWidget(self.status, 1)
        says.addWidget(self.resume_button)
        says.addWidget(self.use_button)
        curves = QSplitter(Qt.Orientation.Vertical)
        curves.setChildrenCollapsible(False)
        for plot in (self.losses, self.aucs):
            plot.setMinimumHeight(130)
        curves.addWidget(self.losses)
        curves.addWidget(over(self.aucs, self.axis))
        rows = QVBoxLayout()
        rows.setSpacing(GRID // 2)
        rows.addLayout(says)
        rows.addWidget(curves, 1)
        rows.addWidget(self.samples)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(settings)
        whole.addLayout(rows, 1)
