"""The toy theatre: a detector on the plane or the line, trained while one looks and turns its numbers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from engines.asymmetric.snapshots import ToySnapshot
from engines.asymmetric.spec import ToySpec
from engines.core import atomic
from engines.core.errors import UserError
from workbench.commands import Command
from workbench.panels.asymmetric.live import Theatre
from workbench.panels.asymmetric.strokes import Strokes
from workbench.panels.base import Export
from workbench.panels.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, percent, set_enabled
from workbench.widgets.exports import save_csv
from workbench.widgets.field_view import FieldView
from workbench.widgets.plots import Plot
from workbench.widgets.scrubber import Scrubber
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.asymmetric.panel import DetectionPanel

LN2: Final = float(np.log(2))
ASCENDED: Final = 2000
STOPS: Final = 100
SWIM_MS: Final = 90
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
        self.ascent: np.ndarray | None = None
        self._share = float("nan")
        self.strokes = Strokes(self)
        self.form: SpecForm[ToySpec] = SpecForm(
            ToySpec, leave_out=("drawn", "eps", "noise", "grid"), choices={"device": panel.services.devices},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.eps = QSlider(Qt.Orientation.Horizontal)
        self.eps_text = label("", "small")
        self.draw = QPushButton("Draw a target")
        self.wipe = QPushButton("Clear")
        self.go_on = QPushButton("Go on")
        self.ascend_button = QPushButton(f"Ascend {ASCENDED:,} points")
        self.status = ElidedLabel("Run trains a detector to tell the blue points from red ones that may move by ε.")
        self.field = FieldView(theme, "Detector's logit z on the plane", x="x", y="y", extent=(0.0, 1.0, 0.0, 1.0))
        self.density = Plot(theme, title="exp z, normalised, against the density", x="x", y="density")
        self.scrubber = Scrubber(theme, "Frames of the ascent", unit="frame", speed=15)
        self.losses = Plot(theme, title="Loss against ln 2", x="update", y="cross entropy")
        self.shares = Plot(theme, title="Ascended points that land", x="update", y="share", y_unit="%",
                           legend=False)  # fmt: skip
        self._swim = QTimer(self)
        self._swim.setInterval(SWIM_MS)
        self._step = 0
        self._build()
        self._connect()
        self._say_eps()
        self._settle()

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin anew. Raises UserError where something does not fit."""
        values = self.form.read().model_dump()
        if self.strokes.any:
            values["target"] = "drawn"
        elif values["target"] == "drawn":
            raise UserError("nothing is drawn yet", "press “Draw a target” and draw on the plane, or choose a set")
        values |= {"drawn": self.strokes.flat(), "eps": self.radius}
        self.field.set_drawing(False)
        self.draw.setChecked(False)
        self._drop_ascent()
        if self.shown is not None:
            self.losses.set_curve("loss", [], [])
            self.shares.set_curve("share", [], [])
        self.status.setText("The engine is starting…")
        self.theatre.ask("start", fresh=True, **values)

    def pause(self) -> None:
        """Stop training; the detector stays as it is."""
        if self.theatre.is_running:
            self.theatre.ask("pause")

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
            self._show_ascent(toy)
        if not self.isVisible():
            return
        self.panel.show_running()
        self._settle()
        if toy.note:
            self.panel.show_message(toy.note, "error")
        if not toy.update and not len(toy.points):
            return
        is_line = toy.density is not None
        self.stack.setCurrentIndex(1 if is_line else 0)
        if is_line:
            self._draw_density(toy)
        else:
            self._draw_plane(toy)
        self._draw_curves(toy)
        self._say(toy)

    def _say(self, toy: ToySnapshot) -> None:
        phase = {"plain": "an ordinary classifier so far", "adversarial": "negatives move"}.get(toy.phase, "")
        said = [f"Update {toy.update:,} of {toy.updates:,}", f"ε {toy.eps:g}"]
        said += [phase] if phase and toy.eps else ["negatives stay: an ordinary classifier"] if not toy.eps else []
        if len(toy.losses):
            said.append(f"loss {float(toy.losses[-50:].mean()):.3f} (ln 2 is {LN2:.3f})")
        if np.isfinite(self._share):
            said.append(f"{percent(self._share)} of {ASCENDED:,} ascended points landed within 0.03 of the target")
        if not toy.is_running:
            said.append("paused" if toy.update < toy.updates else "finished")
        self.status.setText("  ·  ".join(said))

    def _draw_plane(self, toy: ToySnapshot) -> None:
        known = toy.heat[np.isfinite(toy.heat)]
        reach = max(float(np.quantile(np.abs(known), 0.98)), 0.1) if known.size else 1.0
        self.field.set_scalar(toy.heat, low=-reach, high=reach, diverging=True, unit="logit")
        self.field.set_points("target", toy.points, name="target", colour="text", size=2.0)
        if self.ascent is None:
            self.field.remove("ascended")
            self._draw_negatives()

    def _draw_negatives(self) -> None:
        toy = self.shown
        if toy is None or toy.density is not None or self.ascent is not None or not toy.negatives.size:
            return
        at = min(self._step, len(toy.negatives) - 1)
        self.field.set_points("negatives", toy.negatives[at], name=f"negatives, step {at}", colour="error", size=2.5)

    def _swum(self) -> None:
        """The next step of the inner ascent; it rests for a while at the end."""
        if self.shown is None:
            return
        steps = max(len(self.shown.negatives), 1)
        self._step = (self._step + 1) % (steps + 6)
        self._draw_negatives()

    def _draw_density(self, toy: ToySnapshot) -> None:
        assert toy.density is not None
        count = toy.density.shape[1]
        x = (np.arange(count) + 0.5) / count
        self.density.set_curve("model", x, toy.density[0], name="exp z / integral", colour=0)
        self.density.set_curve("truth", x, toy.density[1], name="true density", colour="text", style="dashed")

    def _draw_curves(self, toy: ToySnapshot) -> None:
        losses = toy.losses
        if len(losses):
            width = max(1, len(losses) // 200)
            whole = losses[: len(losses) // width * width].reshape(-1, width).mean(1)
            self.losses.set_curve("loss", (np.arange(len(whole)) + 0.5) * width, whole, name="loss", colour=0)
            # The moment negatives begin to move is a peak that would squeeze what comes after it.
            self.losses.set_range(y=(0.0, min(max(1.0, float(whole.max())), 1.5)))
            self.losses.set_curve("ln2", [0, max(toy.updates, 1)], [LN2, LN2], name="ln 2", colour="muted",
                                  style="dashed")  # fmt: skip
        if len(toy.shares):
            self.shares.set_curve("share", toy.shares[:, 0], 100 * toy.shares[:, 1], style="line and points", colour=2)
            self.shares.set_range(x=(0, max(toy.updates, 1)), y=(0, 100))

    # -- ascent -----------------------------------------------------------------------------------------------

    def _show_ascent(self, toy: ToySnapshot) -> None:
        self.ascent, self._share = toy.ascent, toy.share
        assert self.ascent is not None
        self.field.remove("negatives")
        self.scrubber.setVisible(True)
        with QSignalBlocker(self.scrubber):
            self.scrubber.set_count(len(self.ascent), follow=False)
            self.scrubber.set_frame(0)
        self._draw_ascent(0)
        if self.isVisible():
            self.scrubber.play()

    def _draw_ascent(self, frame: int) -> None:
        if self.ascent is None:
            return
        points = self.ascent[min(frame, len(self.ascent) - 1)]
        if points.shape[1] == 2:
            self.field.set_points("ascended", points, name=f"{len(points):,} noise points", colour=3, size=1.6)
        else:
            height, edges = np.histogram(points[:, 0], bins=100, range=(0, 1), density=True)
            self.density.set_curve("ascended", (edges[1:] + edges[:-1]) / 2, height, name="ascended noise", colour=3,
                                   style="steps")  # fmt: skip

    def _drop_ascent(self) -> None:
        self.ascent, self._share = None, float("nan")
        self.scrubber.pause()
        self.scrubber.setVisible(False)
        self.field.remove("ascended")
        if self.shown is not None and self.shown.density is not None:
            self.density.set_curve("ascended", [0.005], [0.0], name="ascended noise", colour=3, style="steps")

    # -- what the user does -----------------------------------------------------------------------------------

    def _eps_moved(self) -> None:
        self._say_eps()
        if self.theatre.latest is not None and self.theatre.latest.update:
            self._drop_ascent()
            self.theatre.ask("change", eps=self.radius)

    def _say_eps(self) -> None:
        self.eps_text.setText(f"ε {self.radius:.2f}" + (" (plain classifier)" if not self.eps.value() else ""))

    def _field_changed(self, name: str) -> None:
        spec = self.form.spec()
        if spec is not None and name in LIVE and self.theatre.latest is not None and self.theatre.latest.update:
            self.theatre.ask("change", **{name: getattr(spec, name)})
        if name == "target" and spec is not None and spec.target != "drawn":
            self.strokes.clear()

    def _draws(self, on: bool) -> None:
        self.field.set_drawing(on)
        if on:
            self.pause()
            self._drop_ascent()
            self.stack.setCurrentIndex(0)
            self.shown = None
            for key in ("negatives", "target"):
                self.field.remove(key)
            self.field.clear_field()
            self.status.setText("Draw lines with the mouse, well away from the border; then press Run. Ctrl+Z undoes.")
            self.strokes.redraw()

    def strokes_changed(self) -> None:
        """A stroke came or went."""
        for key in [k for k in self.field._marks if k.startswith("stroke")]:
            self.field.remove(key)
        for k, line in enumerate(self.strokes.lines):
            self.field.set_path(f"stroke{k}", line, colour=0, width=3.0)
        self._settle()
        self.panel.commands_changed.emit()

    def _settle(self) -> None:
        trained = self.theatre.latest is not None and self.theatre.latest.update > 0
        set_enabled(self.ascend_button, "" if trained else "Train a detector first",
                    "Carry noise uphill on z: does it land on the target?")  # fmt: skip
        runs = self.theatre.is_running
        can = trained and not runs
        set_enabled(self.go_on, "" if can else "It is training" if runs else "Train a detector first",
                    "Go on where it was paused; 1,000 updates more where it was finished")  # fmt: skip
        set_enabled(self.wipe, "" if self.strokes.any else "Nothing is drawn", "Take the whole drawing away")

    def _resume(self) -> None:
        toy = self.theatre.latest
        if toy is None:
            return
        self._drop_ascent()
        if toy.update >= toy.updates:
            self.theatre.ask("change", updates=toy.updates + 1000)
        else:
            self.theatre.ask("resume")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._swim.start()
        if self.shown is not None:
            self.show_toy(self.shown) if self.shown.ascent is None else self._say(self.shown)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._swim.stop()

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
            return "" if self.ascent is not None else "Ascend first."

        return [
            Export("toy-csv", "Loss curve as CSV", ".csv", self._write_losses, none),
            Export("toy-png", "The plane as PNG", ".png", self.field.save, none),
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
        assert self.ascent is not None
        body = io.BytesIO()
        np.savez_compressed(body, allow_pickle=False, frames=self.ascent, share=np.float64(self._share))
        atomic.write_bytes(path, body.getbuffer())

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state(), "eps": self.radius, "strokes": self.strokes.save_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        if isinstance(state.get("form"), dict):
            self.form.restore_state(state["form"])
        eps = state.get("eps")
        if isinstance(eps, (int, float)) and not isinstance(eps, bool) and 0 <= eps <= 1:
            self.eps.setValue(round(eps * STOPS))
        self.strokes.restore_state(state.get("strokes"))

    def close_stage(self) -> None:
        self._swim.stop()
        self.scrubber.pause()
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
        self.go_on.clicked.connect(self._resume)
        self.ascend_button.clicked.connect(self.ascend)
        self.field.stroke_drawn.connect(self.strokes.add)
        self.scrubber.frame_changed.connect(self._draw_ascent)
        self._swim.timeout.connect(self._swum)

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
        says.addWidget(self.go_on)
        says.addWidget(self.ascend_button)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.field)
        self.stack.addWidget(self.density)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.stack, 1)
        column.addWidget(self.scrubber)
        self.scrubber.setVisible(False)
        curves = QSplitter(Qt.Orientation.Vertical)
        curves.setChildrenCollapsible(False)
        for plot in (self.losses, self.shares):
            plot.setMinimumHeight(110)
            curves.addWidget(plot)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(left)
        split.addWidget(curves)
        split.setSizes([520, 320])
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        work = QVBoxLayout()
        work.addLayout(bar)
        work.addLayout(says)
        work.addWidget(split, 1)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.addWidget(self.settings_beside(self.form))
        whole.addLayout(work, 1)
