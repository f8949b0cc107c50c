"""The toy theatre: a detector on the plane or the line, trained while one looks and turns its numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QVBoxLayout

from engines.asymmetric.snapshots import ToySnapshot
from engines.asymmetric.spec import ToySpec
from engines.asymmetric.toy_sets import target_set
from engines.core import atomic
from engines.core.errors import UserError
from workbench.commands import Command
from workbench.panels.asymmetric.live import Theatre
from workbench.panels.asymmetric.strokes import Strokes
from workbench.panels.asymmetric.toy_pictures import LN2, ToyPictures
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, percent, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.asymmetric.panel import DetectionPanel

ASCENDED: Final = 2000
STOPS: Final = 100
LIVE: Final = ("norm", "steps", "step_size", "rate", "updates")
"""Fields that may change while it trains; ε has a slider of its own."""


class TheatreStage(Stage):
    """Run starts anew with the settings; Stop pauses. Everything else is answered at once."""

    run_text = "Train toy"
    panel: DetectionPanel

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.theatre = Theatre(panel)
        self.shown: ToySnapshot | None = None
        self.strokes = Strokes(self)
        self.form: SpecForm[ToySpec] = SpecForm(
            ToySpec, leave_out=("drawn", "eps", "noise", "grid"), choices={"device": panel.services.devices},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.eps = QSlider(Qt.Orientation.Horizontal)
        self.eps_text = label("", "small")
        self.draw = QPushButton("Draw a target")
        self.wipe = QPushButton("Clear")
        self.resume_button = QPushButton("Go on")
        self.ascend_button = QPushButton(f"Ascend {ASCENDED:,} points")
        self.status = ElidedLabel("Run trains a detector to tell these points from red ones that may move by ε.")
        self.pictures = ToyPictures(theme)
        self._stroke_count = 0
        self._build()
        self._connect()
        self._say_eps()
        self._settle()
        self._preview()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin anew. Raises UserError where something does not fit."""
        values = self.form.read().model_dump()
        if self.strokes.any:
            values["target"] = "drawn"
        elif values["target"] == "drawn":
            raise UserError("nothing is drawn yet", "press “Draw a target” and draw on the plane, or choose a set")
        values |= {"drawn": self.strokes.flat(), "eps": self.radius}
        self.pictures.field.set_drawing(False)
        self.draw.setChecked(False)
        self.pictures.begin()
        self.status.setText("The engine is starting…")
        self.theatre.ask("start", fresh=True, **values)
        self.panel.show_running()

    def pause(self) -> None:
        """Stop training; the detector stays as it is."""
        if self.theatre.is_running:
            began = self.theatre.latest is not None
            self.theatre.ask("pause")
            if not began:
                self.status.setText("Stopped before it began.")
            self.panel.show_running()

    def ascend(self) -> None:
        """Carry noise uphill on z, and show where it lands."""
        if self.theatre.latest is not None and self.theatre.latest.update:
            self.theatre.ask("ascend", count=ASCENDED)

    @property
    def radius(self) -> float:
        """ε of the slider, in widths of the square."""
        return self.eps.value() / STOPS

    def show_toy(self, toy: ToySnapshot) -> None:
        """Draw a snapshot."""
        self.shown = toy
        if toy.ascent is not None:
            self.pictures.show_ascent(toy, play=self.isVisible())
        if not self.isVisible():
            return
        self.panel.show_running()
        self._settle()
        if toy.note:
            self.panel.show_message(toy.note, "error")
        self.pictures.show_toy(toy)
        if toy.update or len(toy.points):
            self._say(toy)

    def _preview(self) -> None:
        """Before the first training: what Run will learn, so that the plane isn't empty."""
        spec = self.form.spec()
        if self.theatre.latest is not None or spec is None or spec.target == "drawn" or self.strokes.any:
            return
        self.pictures.show_target(target_set(spec.target, spec.points, np.random.default_rng(spec.seed)))

    def _say(self, toy: ToySnapshot) -> None:
        said = [f"Update {toy.update:,} of {toy.updates:,}"]
        if not toy.is_running:
            said.append("paused" if toy.update < toy.updates else "finished")
        share = self.pictures.share
        if np.isfinite(share):
            said.append(f"{percent(share)} of {ASCENDED:,} ascended points landed within 0.03 of the target")
        if len(toy.losses):
            said.append(f"loss {float(toy.losses[-50:].mean()):.3f} (ln 2 is {LN2:.3f})")
        phase = {"plain": "an ordinary classifier so far", "adversarial": "negatives move"}.get(toy.phase, "")
        said.append(f"ε {toy.eps:g}")
        said += [phase] if phase and toy.eps else ["negatives stay: an ordinary classifier"] if not toy.eps else []
        self.status.setText("  ·  ".join(said))

    # -- what the user does -----------------------------------------------------------------------------------

    def _eps_moved(self) -> None:
        self._say_eps()
        if self.theatre.latest is not None and self.theatre.latest.update:
            self.pictures.drop_ascent()
            self.theatre.ask("change", eps=self.radius)

    def _say_eps(self) -> None:
        self.eps_text.setText(f"ε {self.radius:.2f}" + (" (plain classifier)" if not self.eps.value() else ""))

    def _field_changed(self, name: str) -> None:
        spec = self.form.spec()
        if spec is not None and name in LIVE and self.theatre.latest is not None and self.theatre.latest.update:
            self.theatre.ask("change", **{name: getattr(spec, name)})
        if name == "target" and spec is not None and spec.target != "drawn":
            self.strokes.clear()
        if name in ("target", "points", "seed") and not self.draw.isChecked():
            self._preview()

    def _draws(self, on: bool) -> None:
        self.pictures.field.set_drawing(on)
        if on:
            self.pause()
            self.pictures.clear_plane()
            self.shown = None
            self.status.setText("Draw lines with the mouse, well away from the border; then press Run. Ctrl+Z undoes.")
            self.strokes.redraw()

    def strokes_changed(self) -> None:
        """A stroke came or went."""
        self.pictures.show_strokes(self.strokes.lines, self._stroke_count)
        self._stroke_count = len(self.strokes.lines)
        self._settle()
        self.panel.commands_changed.emit()

    def _settle(self) -> None:
        trained = self.theatre.latest is not None and self.theatre.latest.update > 0
        set_enabled(self.ascend_button, "" if trained else "Train a detector first",
                    "Carry noise uphill on z: does it land on the target?")  # fmt: skip
        runs = self.theatre.is_running
        can = trained and not runs
        set_enabled(self.resume_button, "" if can else "It is training" if runs else "Train a detector first",
                    "Go on where it was paused; 1,000 updates more where it was finished")  # fmt: skip
        set_enabled(self.wipe, "" if self.strokes.any else "Nothing is drawn", "Take the whole drawing away")

    def _resume(self) -> None:
        toy = self.theatre.latest
        if toy is None:
            return
        self.pictures.drop_ascent()
        if toy.update >= toy.updates:
            self.theatre.ask("change", updates=toy.updates + 1000)
        else:
            self.theatre.ask("resume")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.shown is not None:
            self.show_toy(self.shown) if self.shown.ascent is None else self._say(self.shown)

    # -- surroundings -----------------------------------------------------------------------------------------

    def commands(self) -> list[Command]:
        group = self.panel.info.title
        return [
            Command("asymmetric.undo", "Undo the last stroke", self.strokes.undo, "Ctrl+Z", self.strokes.why_no_undo,
                    group, "undo"),
            Command("asymmetric.redo", "Redo the stroke", self.strokes.redo, "Ctrl+Y", self.strokes.why_no_redo, group,
                    "redo"),
            Command("asymmetric.ascend", f"Ascend {ASCENDED:,} points", self.ascend, group=group, icon="up"),
        ]  # fmt: skip

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.shown is not None and self.shown.update else "Train a toy first."

        def no_ascent() -> str:
            return "" if self.pictures.ascent is not None else "Ascend first."

        return [
            Export("toy-csv", "Loss curve as CSV", ".csv", self._write_losses, none),
            Export("toy-png", "The plane as PNG", ".png", self.pictures.field.save, none),
            Export("toy-npz", "Heat map, target and negatives as NPZ", ".npz", self._write_npz, none),
            Export("ascent-npz", "Ascended points as NPZ", ".npz", self._write_ascent, no_ascent),
        ]

    def _write_losses(self, path: Path) -> None:
        assert self.shown is not None
        save_csv({"update": np.arange(1, len(self.shown.losses) + 1), "loss": self.shown.losses}, path)

    def _write_npz(self, path: Path) -> None:
        assert self.shown is not None
        t = self.shown
        body = io.BytesIO()
        np.savez_compressed(body, allow_pickle=False, z=t.heat, target=t.points, negatives=t.negatives,
                            losses=t.losses, eps=np.float64(t.eps))  # fmt: skip
        atomic.write_bytes(path, body.getbuffer())

    def _write_ascent(self, path: Path) -> None:
        body = io.BytesIO()
        assert self.pictures.ascent is not None
        np.savez_compressed(
            body, allow_pickle=False, frames=self.pictures.ascent, share=np.float64(self.pictures.share)
        )
        atomic.write_bytes(path, body.getbuffer())

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state(), "eps": self.radius, "strokes": self.strokes.save_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("form"), dict):
            self.form.restore_state(state["form"])
            self._preview()
        eps = state.get("eps")
        if isinstance(eps, (int, float)) and not isinstance(eps, bool) and 0 <= eps <= 1:
            self.eps.setValue(round(eps * STOPS))
        self.strokes.restore_state(state.get("strokes"))

    def close_stage(self) -> None:
        self.pictures.rest()
        self.theatre.close()
        super().close_stage()

    # -- building ---------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self.theatre.shown.connect(self.show_toy)
        self.theatre.lost.connect(lambda text: self.panel.show_message(text, "warn"))
        self.theatre.mode_changed.connect(lambda _: self.panel.show_running())
        self.eps.valueChanged.connect(lambda _: self._eps_moved())
        self.form.field_changed.connect(self._field_changed)
        self.draw.toggled.connect(self._draws)
        self.wipe.clicked.connect(self.strokes.clear)
        self.resume_button.clicked.connect(self._resume)
        self.ascend_button.clicked.connect(self.ascend)
        self.pictures.field.stroke_drawn.connect(self.strokes.add)

    def _build(self) -> None:
        self.eps.setRange(0, STOPS)
        self.eps.setValue(50)
        self.eps.setAccessibleName("Radius ε")
        self.eps.setToolTip("How far a negative may move, in widths of the square; 0 is an ordinary classifier")
        self.eps.setMinimumWidth(80)
        self.draw.setCheckable(True)
        self.draw.setToolTip("Draw a target set of your own on the plane")
        bar = QHBoxLayout()
        bar.setSpacing(GRID // 2)
        for widget in (self.draw, self.wipe, self.eps, self.eps_text):
            bar.addWidget(widget, 1 if widget is self.eps else 0)
        says = QHBoxLayout()
        says.setSpacing(GRID // 2)
        says.addWidget(self.status, 1)
        says.addWidget(self.resume_button)
        says.addWidget(self.ascend_button)
        work = QVBoxLayout()
        work.addLayout(bar)
        work.addLayout(says)
        work.addWidget(self.pictures, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.settings_beside(self.form))
        whole.addLayout(work, 1)
