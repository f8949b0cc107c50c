"""The training laboratory: settings, loss terms, accuracies, live games, and a slider over checkpoints."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSlider,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from engines.core import atomic
from engines.core.errors import UserError
from engines.hex.snapshots import TrainSnapshot
from engines.hex.spec import ProbeSpec, TrainSpec
from workbench.panels.base import Export
from workbench.panels.hex.network_export import save_onnx, why_no_onnx
from workbench.panels.hex.probe_board import ProbeBoard
from workbench.panels.hex.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.hexboard.wall import MiniBoardWall
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from engines.core.records import RunRecord
    from workbench.panels.hex.panel import HexPanel
    from workbench.runner import JobHandle

LOSSES: Final = (("loss_policy", "policy"), ("loss_value", "value"), ("loss_q", "played q"), ("loss_all", "all q"),
                 ("loss_pen", "consistency"))  # fmt: skip
ACCURACIES: Final = (("policy_top1", "policy wins"), ("v_sign", "v sign"), ("q_sign", "q sign"))
STEP_NAMES: Final = ("total", "policy", "value", "played q", "all q", "consistency")


class LabView(Stage):
    """Run trains by the settings on the left; Stop keeps the last checkpoint, from which it can go on."""

    run_text = "Train"

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self._run_id: str | None = None
        self._paths: list[Path] = []
        self._last: TrainSnapshot | None = None
        self._before: JobHandle | RunRecord | None = None
        self._probing: JobHandle | None = None
        self.form: SpecForm[TrainSpec] = SpecForm(
            TrainSpec, choices={"device": panel.services.devices}, preset=panel.services.settings.preset
        )
        self.status = ElidedLabel("Train a network from nothing: the quick preset learns 4×4 in a few minutes.")
        self.resume_button = QPushButton("Go on from the last checkpoint")
        self.resume_button.clicked.connect(self.resume)
        set_enabled(self.resume_button, "No stopped run to go on with")
        self.use_button = QPushButton("Use this network on the board")
        self.use_button.clicked.connect(self.use_network)
        set_enabled(self.use_button, "Train a network first")
        self.losses = Plot(theme, title="Loss terms", x="iteration", y="mean loss")
        self.accuracy = Plot(theme, title="Against the exact solution", x="iteration", y="share", y_unit="%")
        self.steps = Plot(theme, title="Latest steps", x="step", y="loss")
        self.consistency = Plot(theme, title="Consistency", x="network calls", y="|min q + v|", legend=False)
        self.strength = Plot(theme, title="Games and Elo", x="iteration", y="games per second")
        self.wall = MiniBoardWall()
        self.probe = ProbeBoard(theme)
        self._build()
        panel.services.runner.resumable_changed.connect(self._offer_resuming)
        self._offer_resuming()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._follow(self.panel.start("hex.train", self.form.read()))

    def resume(self) -> None:
        """Go on with the run that was stopped, with the settings it began with."""
        if self._before is None:
            return
        resumed = self.go_on(self._before, TrainSpec)
        if resumed is not None:
            handle, spec = resumed
            self.form.set_spec(spec)
            self._follow(handle)

    def _follow(self, handle: JobHandle) -> None:
        self._before = None
        self._run_id = handle.run_id
        self._paths = []
        set_enabled(self.resume_button, "The run is under way")
        self.take(handle)
        self.status.setText("Waiting for the training to begin…")

    def _offer_resuming(self) -> None:
        """The run that was stopped here, else one that an earlier window left unfinished."""
        if self.handle is not None and not self.handle.has_ended:
            return
        last = self.handle
        if last is not None and last.state in ("cancelled", "interrupted") and last.run_id and last.can_resume:
            self._before = last
        else:
            runs = [run for run in self.panel.services.runner.resumable() if run.name == "hex.train"]
            self._before = runs[0] if runs else None  # newest first
        reason = "" if self._before is not None else "There is no stopped run with a checkpoint"
        set_enabled(self.resume_button, reason, "With the settings that the run began with")

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, TrainSnapshot):
            return
        self._last = snapshot
        self._run_id = self.handle.run_id if self.handle is not None else None
        self.status.setText(_status(snapshot))
        self._draw_curves(snapshot)
        self.wall.set_boards(snapshot.boards, snapshot.last_moves)
        if snapshot.iteration != len(self._paths):
            self._find_checkpoints()
        if self._scrubber.value() >= len(self._paths):
            self.probe.show_values(snapshot.probe_prior, snapshot.probe_q, snapshot.probe_value, "now")

    def show_end(self, handle: JobHandle) -> None:
        self._run_id = handle.run_id
        self._find_checkpoints()
        self._offer_resuming()
        if handle.state == "done":
            self.status.setText(
                f"Done: {handle.result.games:,} games, {handle.result.net_calls:,} network calls, "
                f"{handle.result.seconds:.0f} s."
            )
        elif handle.state == "cancelled":
            kept = "The last checkpoint is kept with the run." if handle.can_resume else "No iteration was finished."
            self.status.setText(f"Stopped. {kept}")
        else:
            self.status.setText("The run has ended.")

    def close_stage(self) -> None:
        super().close_stage()
        if self._probing is not None:
            self._probing.ended.disconnect(self._probed)
            self._probing = None

    def save_state(self) -> dict[str, Any]:
        spec = self.form.spec()
        return {} if spec is None else spec.model_dump(mode="json")

    def restore_state(self, state: dict[str, Any]) -> None:
        try:
            self.form.set_spec(TrainSpec.checked({k: v for k, v in state.items() if k in TrainSpec.model_fields}))
        except UserError:
            return

    # -- checkpoints ------------------------------------------------------------------------------------------

    def _find_checkpoints(self) -> None:
        store = self.panel.services.store
        if store is None or self._run_id is None:
            return
        at_end = self._scrubber.value() == self._scrubber.maximum()
        self._paths = sorted((store.folder(self._run_id) / "iterations").glob("*.safetensors"))
        self._scrubber.setMaximum(len(self._paths))
        if at_end:
            self._scrubber.setValue(len(self._paths))
        set_enabled(self._scrubber, "" if self._paths else "No checkpoint yet")
        set_enabled(self.use_button, "" if self._paths else "Train a network first")

    def _scrubbed(self, place: int) -> None:
        if self._last is None:
            return
        if place >= len(self._paths):
            self._place.setText("now")
            last = self._last
            self.probe.show_values(last.probe_prior, last.probe_q, last.probe_value, "now")
            return
        if self._probing is not None and not self._probing.has_ended:
            self._probing.cancel()
        self._place.setText(f"after {place + 1}")
        size = round(len(self._last.probe_prior) ** 0.5)
        handle = self.panel.start(
            "hex.probe", ProbeSpec(weights=str(self._paths[place]), size=size), lane="interactive", main=False,
            record=False,
        )  # fmt: skip
        self._probing = handle
        handle.ended.connect(self._probed)

    def _probed(self, handle: JobHandle) -> None:
        if handle is self._probing and handle.state == "done":
            found = handle.result
            self.probe.show_values(found.prior, found.q, found.value, self._place.text())

    def use_network(self) -> None:
        """Play and analyse with the checkpoint that the slider shows."""
        if self._paths:
            self.panel.form.engine.set_values({"weights": str(self._shown_path())})
            self.panel.tabs.setCurrentIndex(0)

    # -- exports ----------------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def no_curves() -> str:
            known = self._last is not None and len(self._last.history["iteration"])
            return "" if known else "Train a network first."

        def no_weights() -> str:
            return "" if self._paths else "Train a network first."

        def no_onnx() -> str:
            return no_weights() or why_no_onnx()

        return [
            Export("training-csv", "Training curves as CSV", ".csv", self._write_csv, no_curves),
            Export("training-json", "Training curves as JSON", ".json", self._write_json, no_curves),
            Export("losses-png", "Loss terms as PNG", ".png", self.losses.save, no_curves),
            Export("network", "Network of the checkpoint shown", ".safetensors", self._write_weights, no_weights),
            Export("network-onnx", "Network of the checkpoint shown as ONNX", ".onnx", self._write_onnx, no_onnx),
        ]

    def _write_csv(self, path: Path) -> None:
        if self._last is not None:
            save_csv(self._last.history, path)

    def _write_json(self, path: Path) -> None:
        spec = self.form.spec()
        if self._last is not None:
            curves = {k: [None if np.isnan(x) else float(x) for x in v] for k, v in self._last.history.items()}
            said = {"spec": spec.model_dump(mode="json") if spec else None, "history": curves}
            atomic.write_bytes(path, json.dumps(said, indent=1).encode())

    def _write_weights(self, path: Path) -> None:
        """The card travels inside the file, too."""
        shutil.copyfile(self._shown_path(), path)

    def _write_onnx(self, path: Path) -> str:
        return save_onnx(self.panel, self._shown_path(), path)

    def _shown_path(self) -> Path:
        return self._paths[min(self._scrubber.value(), len(self._paths) - 1)]

    # -- drawing ----------------------------------------------------------------------------------------------

    def _draw_curves(self, snapshot: TrainSnapshot) -> None:
        history = snapshot.history
        x = history["iteration"]
        if len(x):
            for number, (name, title) in enumerate(LOSSES):
                self.losses.set_curve(name, x, history[name], name=title, colour=number)
            for number, (name, title) in enumerate(ACCURACIES):
                if np.isfinite(history[name]).any():
                    self.accuracy.set_curve(name, x, 100 * history[name], name=title, colour=number)
            if np.isfinite(history["consistency"]).any():
                self.consistency.set_curve("gap", history["net_calls"], history["consistency"], name="|min q + v|")
            if np.isfinite(history["elo"]).any() and np.ptp(np.nan_to_num(history["elo"])) > 0:
                self.strength.set_labels(y="Elo")
                self.strength.remove("games")
                self.strength.set_curve("elo", x, history["elo"], name="Elo against the first network", colour=1)
            else:
                self.strength.set_curve("games", x, history["games_per_s"], name="games per second")
        steps = snapshot.step_losses
        if len(steps):
            for number, title in enumerate(STEP_NAMES):
                self.steps.set_curve(title, np.arange(len(steps)), steps[:, number], name=title, colour=number)

    def _build(self) -> None:
        settings = self.settings_beside(self.form, self.resume_button, self.use_button)
        curves = QWidget()
        grid = QGridLayout(curves)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        plots = (self.losses, self.accuracy, self.steps, self.consistency, self.strength)
        for number, plot in enumerate(plots):
            plot.setMinimumHeight(160)
            grid.addWidget(plot, number // 2, number % 2, 1, 2 if number == len(plots) - 1 else 1)
        curve_scroll = QScrollArea()
        curve_scroll.setWidgetResizable(True)
        curve_scroll.setFrameShape(QFrame.Shape.NoFrame)
        curve_scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        curve_scroll.setWidget(curves)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.addWidget(label("Games being played", "small", muted=True))
        right.addWidget(self.wall, 2)
        right.addWidget(label("The network’s view", "small", muted=True))
        right.addWidget(self.probe, 2)
        row = QHBoxLayout()
        self._scrubber = QSlider(Qt.Orientation.Horizontal)
        self._scrubber.setRange(0, 0)
        self._scrubber.setAccessibleName("Checkpoint whose view is shown")
        set_enabled(self._scrubber, "No checkpoint yet")
        self._scrubber.valueChanged.connect(self._scrubbed)
        self._place = label("now", "small", muted=True)
        self._place.setFixedWidth(56)
        row.addWidget(self._scrubber, 1)
        row.addWidget(self._place)
        right.addLayout(row)
        live = QWidget()
        live.setLayout(right)
        split = QSplitter()
        split.setChildrenCollapsible(False)
        for widget in (curve_scroll, live):
            split.addWidget(widget)
        split.setSizes([620, 300])
        beside = QHBoxLayout()
        beside.addWidget(settings)
        beside.addWidget(split, 1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        rows.addWidget(self.status)
        rows.addLayout(beside, 1)


def _status(snapshot: TrainSnapshot) -> str:
    history = snapshot.history
    said = [f"Iteration {snapshot.iteration + 1} of {snapshot.iterations}: {snapshot.phase}"]
    if len(history["games"]):
        said.append(
            f"{history['games'][-1]:,.0f} games, {history['games_per_s'][-1]:.1f} games/s, "
            f"{history['net_calls'][-1]:,.0f} network calls, {history['samples'][-1]:,.0f} samples in the window"
        )
    return "  ·  ".join(said)
