"""The training laboratory: settings, loss terms, accuracies, live games, and a slider over checkpoints."""

from __future__ import annotations

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

from engines.core.errors import UserError
from engines.hex.snapshots import TrainSnapshot
from engines.hex.spec import ProbeSpec, TrainSpec
from workbench.panels.hex.probe_board import ProbeBoard
from workbench.panels.hex.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import label, set_enabled
from workbench.widgets.hexboard.wall import MiniBoardWall
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
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
        self.form: SpecForm[TrainSpec] = SpecForm(TrainSpec)
        self.status = label("Train a network from nothing: the quick preset learns 4×4 in a few minutes.", wrap=True)
        self.resume_button = QPushButton("Go on from the last checkpoint")
        self.resume_button.clicked.connect(self.resume)
        set_enabled(self.resume_button, "No stopped run to go on with")
        self.use_button = QPushButton("Use this network on the board")
        self.use_button.clicked.connect(self.use_network)
        set_enabled(self.use_button, "Train a network first")
        self.losses = Plot(theme, title="Loss terms", x="iteration", y="mean loss")
        self.accuracy = Plot(theme, title="Against the exact solution", x="iteration", y="share", y_unit="%")
        self.steps = Plot(theme, title="Latest steps", x="step", y="loss")
        self.speed = Plot(theme, title="Consistency and Elo", x="network calls", y="|min q + v|")
        self.wall = MiniBoardWall()
        self.probe = ProbeBoard(theme)
        self._build()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._begin(None)

    def resume(self) -> None:
        """Go on with the run that was stopped."""
        if self._run_id is not None:
            self.panel._try(lambda: self._begin(self._run_id))

    def _begin(self, run: str | None) -> None:
        spec = self.form.read()
        self._paths = []
        set_enabled(self.resume_button, "The run is under way")
        self.take(self.panel.start("hex.train", spec, resume_run=run))
        self.status.setText("Waiting for the training lane…")

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, TrainSnapshot):
            return
        self._last = snapshot
        self._run_id = self.handle.run_id if self.handle is not None else None
        self.status.setText(_status(snapshot))
        self._draw_curves(snapshot)
        self.wall.set_boards(snapshot.boards, snapshot.last_moves)
        self._find_checkpoints(snapshot.iteration)
        if self._scrubber.value() >= len(self._paths):
            self.probe.show_values(snapshot.probe_prior, snapshot.probe_q, snapshot.probe_value, "now")

    def show_end(self, handle: JobHandle) -> None:
        self._run_id = handle.run_id
        can_go_on = handle.state in ("cancelled", "interrupted") and self._run_id is not None and handle.can_resume
        set_enabled(self.resume_button, "" if can_go_on else "No stopped run to go on with")
        if handle.state == "done":
            self.status.setText(
                f"Done: {handle.result.games:,} games, {handle.result.net_calls:,} network calls, "
                f"{handle.result.seconds:.0f} s."
            )
        elif handle.state == "cancelled":
            self.status.setText("Stopped. The last checkpoint is kept with the run.")

    def save_state(self) -> dict[str, Any]:
        spec = self.form.spec()
        return {} if spec is None else spec.model_dump(mode="json")

    def restore_state(self, state: dict[str, Any]) -> None:
        try:
            self.form.set_spec(TrainSpec.checked({k: v for k, v in state.items() if k in TrainSpec.model_fields}))
        except UserError:
            return

    # -- checkpoints ------------------------------------------------------------------------------------------

    def _find_checkpoints(self, iteration: int) -> None:
        store = self.panel.services.store
        if store is None or self._run_id is None or iteration == len(self._paths):
            return
        self._paths = sorted((store.folder(self._run_id) / "iterations").glob("*.safetensors"))
        at_end = self._scrubber.value() == self._scrubber.maximum()
        self._scrubber.setMaximum(len(self._paths))
        if at_end:
            self._scrubber.setValue(len(self._paths))
        set_enabled(self._scrubber, "" if self._paths else "No checkpoint yet")
        set_enabled(self.use_button, "" if self._paths else "Train a network first")

    def _scrubbed(self, place: int) -> None:
        if place >= len(self._paths) or self._last is None:
            self._place.setText("now")
            return
        self._place.setText(f"after {place + 1}")
        size = round(len(self._last.probe_prior) ** 0.5)
        handle = self.panel.start(
            "hex.probe", ProbeSpec(weights=str(self._paths[place]), size=size), lane="interactive", main=False,
            record=False,
        )  # fmt: skip
        handle.ended.connect(self._probed)

    def _probed(self, handle: JobHandle) -> None:
        if handle.state == "done":
            found = handle.result
            self.probe.show_values(found.prior, found.q, found.value, self._place.text())

    def use_network(self) -> None:
        """Play and analyse with the checkpoint that the slider shows."""
        if self._paths:
            place = min(self._scrubber.value(), len(self._paths) - 1)
            self.panel.form.engine.set_values({"weights": str(self._paths[place])})
            self.panel.tabs.setCurrentIndex(0)

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
                self.speed.set_curve("consistency", history["net_calls"], history["consistency"], name="|min q + v|")
            if np.isfinite(history["elo"]).any():
                self.speed.set_labels(y="Elo against the first network")
                self.speed.remove("consistency")
                self.speed.set_curve("elo", history["net_calls"], history["elo"], name="Elo")
        steps = snapshot.step_losses
        if len(steps):
            for number, title in enumerate(STEP_NAMES):
                self.steps.set_curve(title, np.arange(len(steps)), steps[:, number], name=title, colour=number)

    def _build(self) -> None:
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.form)
        scroll.setMinimumWidth(270)
        left = QVBoxLayout()
        left.setContentsMargins(0, 0, 0, 0)
        left.addWidget(scroll, 1)
        left.addWidget(self.resume_button)
        left.addWidget(self.use_button)
        settings = QWidget()
        settings.setLayout(left)
        curves = QWidget()
        grid = QGridLayout(curves)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        for number, plot in enumerate((self.losses, self.accuracy, self.steps, self.speed)):
            grid.addWidget(plot, number // 2, number % 2)
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.addWidget(label("Games being played", "small", muted=True))
        right.addWidget(self.wall, 2)
        right.addWidget(label("The empty board, as the network sees it", "small", muted=True))
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
        for widget in (settings, curves, live):
            split.addWidget(widget)
        split.setSizes([280, 620, 300])
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, GRID // 2, 0, 0)
        rows.addWidget(self.status)
        rows.addWidget(split, 1)


def _status(snapshot: TrainSnapshot) -> str:
    history = snapshot.history
    said = [f"Iteration {snapshot.iteration + 1} of {snapshot.iterations}: {snapshot.phase}"]
    if len(history["games"]):
        said.append(
            f"{history['games'][-1]:,.0f} games, {history['games_per_s'][-1]:.1f} games/s, "
            f"{history['net_calls'][-1]:,.0f} network calls, {history['samples'][-1]:,.0f} samples in the window"
        )
    return "  ·  ".join(said)
