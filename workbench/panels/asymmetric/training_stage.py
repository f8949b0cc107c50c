"""Training a detector for each class: settings, live curves, negatives before and after, use and export."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from engines.asymmetric.results import TrainResult
from engines.asymmetric.setting import PLAIN_SUFFIX, ROBUST_SUFFIX
from engines.asymmetric.snapshots import TrainSnapshot
from engines.asymmetric.spec import TrainSpec
from engines.core import atomic, paths
from engines.core.errors import UserError
from engines.core.weights import list_weights, read_card
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, duration, label, number, percent, set_enabled
from workbench.widgets.exports import save_csv, save_tables
from workbench.widgets.gallery import Gallery, Tile
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from engines.core.records import RunRecord
    from workbench.panels.asymmetric.panel import DetectionPanel
    from workbench.runner import JobHandle

JOB: Final = "asymmetric.train"
DATA: Final = ("digits8", "digits", "mnist", "fashion-mnist", "cifar10")
MOST_CURVES: Final = 10


class TrainingStage(Stage):
    """Run trains all detectors together; Stop keeps the last finished epoch, from which it goes on."""

    run_text = "Train"
    panel: DetectionPanel

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self._before: JobHandle | RunRecord | None = None
        self._last: TrainSnapshot | None = None
        self.result: TrainResult | None = None
        self._drawn = False
        self._curves: list[str] = []
        self.form: SpecForm[TrainSpec] = SpecForm(
            TrainSpec, leave_out=("save_as",), choices={"device": panel.services.devices, "data": DATA},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.status = ElidedLabel("The embedded 8×8 digits train in half a minute; no data set is needed.")
        self.folder = QPushButton("Folder of classes…")
        self.folder.setToolTip("Pictures of your own: a sub-folder for each class")
        self.resume_button = QPushButton("Go on from the last epoch")
        self.use_button = QPushButton("Use these detectors")
        set_enabled(self.use_button, "Train detectors first")
        self.losses = Plot(theme, title="Mean loss of all detectors", x="update", y="cross entropy")
        self.aucs = Plot(theme, title="Validation AUC under attack", x="epoch", y="AUC")
        self.samples = Gallery(theme, "Negatives before and after their attack", thumb=48,
                               empty="A negative of each detector, before and after its attack")  # fmt: skip
        self._build()
        self.folder.clicked.connect(self._choose_folder)
        self.resume_button.clicked.connect(self.resume)
        self.use_button.clicked.connect(self.use)
        panel.services.runner.resumable_changed.connect(self._offer_resuming)
        self._offer_resuming()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Raises UserError where the settings do not fit."""
        spec = self.form.read()
        self._clear()
        self._follow(self.panel.start(JOB, spec))

    def resume(self) -> None:
        """Go on with the run that was stopped, with the settings it began with."""
        if self._before is None:
            return
        handle = self.panel.services.runner.resume(self._before)
        self.panel.follow(handle)
        spec = TrainSpec.checked(handle.spec) if isinstance(handle.spec, dict) else handle.spec
        self.form.set_spec(spec)  # type: ignore[arg-type]
        self._follow(handle)

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, TrainSnapshot):
            return
        self._last = snapshot
        losses, auc = snapshot.losses, snapshot.auc
        if len(losses):
            self._drawn = True
            mean = losses.mean(1)
            width = max(1, len(mean) // 200)
            whole = mean[: len(mean) // width * width].reshape(-1, width).mean(1)
            self.losses.set_curve("loss", (np.arange(len(whole)) + 0.5) * width, whole, name="loss", colour=0)
            self.losses.set_curve("ln2", [0, len(mean)], [np.log(2)] * 2, name="ln 2", colour="muted", style="dashed")
        if len(auc):
            epochs = np.arange(1, len(auc) + 1)
            self._curves = ["mean", *(f"k{k}" for k in range(min(auc.shape[1], MOST_CURVES)))]
            self.aucs.set_curve("mean", epochs, auc.mean(1), name="mean", colour="text", style="line and points")
            for k in range(min(auc.shape[1], MOST_CURVES)):
                self.aucs.set_curve(f"k{k}", epochs, auc[:, k], name=f"detector {k}", colour=k, style="points")
        said = [f"Epoch {min(snapshot.epoch + 1, snapshot.epochs)} of {snapshot.epochs}"]
        if len(losses):
            said.append(f"update {number(len(losses))}, loss {float(losses[-20:].mean()):.3f}")
        if len(auc):
            said.append(f"mean AUC under attack {float(auc[-1].mean()):.4f}")
        self.status.setText("  ·  ".join(said))
        tiles = []
        for k, (clean, moved) in enumerate(zip(snapshot.images, snapshot.attacked, strict=True)):
            tiles += [Tile(clean, f"z {number(float(snapshot.z_before[k]), 2)}"),
                      Tile(moved, f"→{number(float(snapshot.z_after[k]), 2)}")]  # fmt: skip
        if tiles:
            self.samples.set_tiles(tiles)

    def show_end(self, handle: JobHandle) -> None:
        self._offer_resuming()
        if handle.state == "done":
            self._show_result(handle.result)
        elif handle.state == "cancelled":
            kept = "The last epoch is kept with the run." if handle.can_resume else "No epoch was finished."
            self.status.setText(f"Stopped. {kept}")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def _show_result(self, result: TrainResult) -> None:
        self.result = result
        self.status.setText(
            f"Done in {duration(result.seconds)}: mean AUC under attack {float(result.best_auc.mean()):.4f}, on clean "
            f"images {float(result.natural_auc.mean()):.4f}; the generative rule names "
            f"{percent(result.generative_accuracy)} rightly."
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

    def save_state(self) -> dict[str, Any]:
        spec = self.form.spec()
        return {} if spec is None else spec.model_dump(mode="json")

    def restore_state(self, state: dict[str, Any]) -> None:
        try:
            self.form.set_spec(TrainSpec.checked({k: v for k, v in state.items() if k in TrainSpec.model_fields}))
        except UserError:
            return

    def close_stage(self) -> None:
        super().close_stage()
        self.panel.services.runner.resumable_changed.disconnect(self._offer_resuming)

    # -- inside -----------------------------------------------------------------------------------------------

    def take(self, handle: JobHandle) -> None:
        super().close_stage()
        self.handle = handle
        handle.published.connect(self._published)
        handle.ended.connect(self._ended)

    def _follow(self, handle: JobHandle) -> None:
        self._before = None
        set_enabled(self.resume_button, "The run is under way")
        set_enabled(self.use_button, "They are being trained")
        self.take(handle)
        self.status.setText("Waiting for the training lane…")

    def _clear(self) -> None:
        self._last = self.result = None
        if self._drawn:
            self.losses.set_curve("loss", [], [])
        for key in self._curves:
            self.aucs.set_curve(key, [], [])
        self.samples.set_tiles([])

    def _choose_folder(self, folder: str = "") -> None:
        chosen = folder or QFileDialog.getExistingDirectory(self, "A folder with a sub-folder for each class")
        if chosen:
            self.form.set_values({"data": chosen})

    def _offer_resuming(self) -> None:
        """The run that was stopped here, else one that an earlier window left unfinished."""
        if self.handle is not None and not self.handle.has_ended:
            return
        last = self.handle
        if last is not None and last.state in ("cancelled", "interrupted") and last.run_id and last.can_resume:
            self._before = last
        else:
            runs = [run for run in self.panel.services.runner.resumable() if run.name == JOB]
            self._before = runs[0] if runs else None
        reason = "" if self._before is not None else "There is no stopped run with a finished epoch"
        set_enabled(self.resume_button, reason, "With the settings that the run began with")

    def _build(self) -> None:
        settings = self.settings_beside(self.form, self.folder, self.resume_button, self.use_button)
        curves = QSplitter(Qt.Orientation.Vertical)
        curves.setChildrenCollapsible(False)
        for plot in (self.losses, self.aucs):
            plot.setMinimumHeight(130)
            curves.addWidget(plot)
        column = QWidget()
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(curves, 1)
        rows.addWidget(label("A negative of each detector, before and after its attack, with its logit", "small",
                             muted=True, wrap=True))  # fmt: skip
        self.samples.setFixedHeight(104)
        rows.addWidget(self.samples)
        beside = QHBoxLayout()
        beside.addWidget(settings)
        beside.addWidget(column, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.status)
        whole.addLayout(beside, 1)


def keep(weights: Path) -> str:
    """Copy trained detectors, and the classifiers beside them, among the user's models; returns their name there."""
    card = read_card(weights)
    taken = {known.name for known in list_weights()}
    data = Path(card.data).name or card.data or "own"
    name = next(
        n for n in (f"detectors-{data}", *(f"detectors-{data}-{i}" for i in range(2, 10_000))) if n not in taken
    )
    number_of = name.rsplit("-", 1)[-1]
    title = card.title + (f", run {number_of}" if name != f"detectors-{data}" else "")
    copy_bank(weights, paths.user_weights_folder() / f"{name}.safetensors", name, title)
    return name


def copy_bank(weights: Path, target: Path, name: str, title: str) -> None:
    """Copy a file of detectors with its card, and the companions that lie beside it. title: "" keeps the card's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", PLAIN_SUFFIX, ROBUST_SUFFIX):
        source = weights.with_name(f"{weights.stem}{suffix}.safetensors")
        if not source.is_file():
            continue
        card = replace(read_card(source), name=f"{name}{suffix}")
        if title and not suffix:
            card = replace(card, title=title)
        end = target.with_name(f"{target.stem}{suffix}.safetensors")
        unfinished = end.with_suffix(".part")
        shutil.copyfile(source, unfinished)
        unfinished.replace(end)
        atomic.write_json(end.with_suffix(".json"), card.to_json())
