"""Training a network on one's own music: settings, live curves, a sample to listen to, stop and go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano.models import list_models
from engines.piano.notes import Notes
from engines.piano.results import TrainResult, TrainSnapshot
from engines.piano.spec import TrainSpec
from workbench.panels.base import Export
from workbench.panels.kept import keep_as
from workbench.panels.piano.auditions import Auditions
from workbench.panels.piano.roll_box import RollBox, text_button
from workbench.panels.training_stage import TrainingStage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, duration, number, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm
from workbench.widgets.timeline import Timeline

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel
    from workbench.runner import JobHandle

SOURCES: Final = ("walks", "library", "pop909", "piano-midi-de")


class PianoTraining(TrainingStage[TrainSpec]):
    """Run trains by the settings on the left; Stop keeps the last checkpoint, from which it can go on."""

    run_text = "Train"
    job = "piano.train"
    spec = TrainSpec
    reached = "checkpoint"

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.desk_panel = panel
        self.ear = Auditions(panel, "training")
        self._last: TrainSnapshot | TrainResult | None = None
        self.form: SpecForm[TrainSpec] = SpecForm(
            TrainSpec, leave_out=("save_as",), preset=panel.services.settings.preset,
            choices={"device": panel.services.devices, "source": SOURCES, "start_from": _networks()},
        )  # fmt: skip
        self.status = ElidedLabel("“walks” are made by code and train in minutes; no data set is needed.")
        self.use_button = QPushButton("Compose with this network")
        self.use_button.clicked.connect(self.use_model)
        set_enabled(self.use_button, "Train a network first")
        self.nll = Plot(theme, title="Surprise", x="step", y="surprise", y_unit="nats / token")
        self.steps = Plot(
            theme, title="Surprise in the latest steps", x="step", y="surprise", y_unit="nats / token", legend=False
        )
        self.timeline = Timeline(self)
        self.sample = RollBox(
            theme,
            self.timeline,
            "What it composes now",
            "Press Train: what the network composes by then comes here each time it is measured",
        )
        self.listen = text_button("Hear", "Play this sample")
        set_enabled(self.listen, "There is no sample yet")
        self.listen.clicked.connect(self._hear)
        self.ear.changed.connect(self._show_heard)
        self._heard: object = None
        self._weights: Path | None = None
        self._spec: TrainSpec | None = None
        self._build()
        self.watch_runs()

    def _build(self) -> None:
        self.sample.add(self.listen)
        plots = QSplitter(Qt.Orientation.Horizontal)
        plots.addWidget(self.nll)
        plots.addWidget(self.steps)
        plots.setChildrenCollapsible(False)
        right = QSplitter(Qt.Orientation.Vertical)
        right.addWidget(plots)
        right.addWidget(self.sample)
        right.setChildrenCollapsible(False)
        foot = QWidget()
        column = QVBoxLayout(right_side := QWidget())
        column.setContentsMargins(0, GRID, 0, 0)
        line = QHBoxLayout(foot)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.status, 1)
        line.addWidget(self.use_button)
        column.addWidget(foot)
        column.addWidget(right, 1)
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.addWidget(self.settings_beside(self.form, self.resume_button))
        columns.addWidget(right_side, 1)

    # -- stage ------------------------------------------------------------------------------------------------

    def begin(self, handle: JobHandle, spec: TrainSpec) -> None:
        self._clear()
        self._spec = spec
        super().begin(handle, spec)
        self.status.setText("Reading the music …")

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, TrainSnapshot):
            return
        self._last = snapshot
        losses = snapshot.losses
        now = float(np.mean(losses[-20:])) if len(losses) else float("nan")
        self.status.setText(f"Step {snapshot.step:,} of {snapshot.steps:,}, {number(now)} nats a token")
        self._draw(snapshot.history, losses, snapshot.step, snapshot.sample)

    def show_end(self, handle: JobHandle) -> None:
        self.offer_resuming()
        if handle.state == "done":
            result: TrainResult = handle.result
            self._last = result
            losses = np.zeros(0)
            self._draw(result.history, losses, 0, result.sample)
            self.status.setText(
                f"{number(result.held_out_nll)} nats a token on pieces not trained on; "
                f"{result.tokens:,} tokens in {duration(result.seconds)}"
            )
            self._weights = Path(result.weights_path) if result.weights_path else None
            set_enabled(self.use_button, "" if self._weights is not None else "The run kept no weights")
        elif handle.state == "cancelled":
            kept = "The last checkpoint is kept with the run." if handle.can_resume else "There was no checkpoint yet."
            self.status.setText(f"Stopped. {kept}")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def use_model(self) -> None:
        """Put the trained weights among the user's networks and choose them."""
        if self._weights is None or self._spec is None:
            return
        try:
            spec = self._spec
            begun = Path(spec.start_from).stem or f"piano-{spec.mode}"
            name = keep_as(self._weights, f"{begun}-{Path(spec.source).name}", _title(spec))
        except UserError as error:
            self.panel.show_message(error.what, "error", error.remedy)
            return
        self._weights = None
        set_enabled(self.use_button, f"It is kept as {name}")
        self.desk_panel.form.refresh_models(name)
        self.form.set_choices("start_from", _networks())
        self.panel.status_message.emit(f"Kept as {name}, and chosen on the left", "ok")

    def exports(self) -> list[Export]:
        def curves(path: Path) -> None:
            if self._last is None:
                raise UserError("nothing was trained yet", "press Train")
            save_csv(self._last.history, path)

        return [Export("curves", "Training curves as CSV", ".csv", curves,
                       lambda: "" if self._last is not None else "Train a network first.")]  # fmt: skip

    # -- inside -----------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._last = self._weights = None
        set_enabled(self.use_button, "Train a network first")
        for plot in (self.nll, self.steps):
            plot.clear()
        self.sample.roll.set_notes(None)

    def _draw(self, history: dict[str, np.ndarray], losses: np.ndarray, step: int, sample: np.ndarray) -> None:
        x = np.asarray(history.get("step", ()), float)
        for name, text, colour in (("loss", "training", 6), ("held_out", "not trained on", 0),
                                   ("other_style", "with another piece's style", 3)):  # fmt: skip
            y = np.asarray(history.get(name, ()), float)
            if len(x) and len(y) == len(x) and np.isfinite(y).any():
                self.nll.set_curve(name, x, y, name=text, colour=colour)
        if len(losses):
            self.steps.set_curve("loss", np.arange(step - len(losses), step) + 1.0, np.asarray(losses, float))
        if len(sample):
            self.sample.roll.set_notes(Notes.of(sample))
            set_enabled(self.listen, "", "Play this sample")

    def _hear(self) -> None:
        found = self.sample.roll.notes
        if not len(found):
            return
        if self.ear.is_playing or (self.ear.heard and found is self._heard):
            self.ear.toggle()
            return
        self._heard = found
        self.ear.put("sample", Notes(found.start, found.end, found.pitch, found.velocity))
        self.ear.hear("sample")

    def _show_heard(self) -> None:
        self.listen.setText("Pause" if self.ear.is_playing else "Hear")
        self.timeline.set_playhead(self.ear.position)

    def hideEvent(self, event: QHideEvent) -> None:
        self.ear.leave()
        self._show_heard()
        super().hideEvent(event)


def _title(spec: TrainSpec) -> str:
    """For lists: "melody+performance on pop909", "piano-style, then walks"."""
    source = Path(spec.source).name
    return f"{spec.start_from}, then {source}" if spec.start_from else f"{spec.mode} on {source}"


def _networks() -> tuple[str, ...]:
    """Names of weights to start from, after the empty one."""
    return ("", *(card.name for card in list_models()))
