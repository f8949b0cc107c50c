"""The morph desk: one image pushed towards a class by the detectors and by a classifier, judged at every step."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engines.asymmetric.snapshots import LiveMorph, LiveRequest, LiveVerdict
from engines.core import atomic
from workbench.panels.asymmetric.verdict_view import VerdictView
from workbench.panels.base import Export
from workbench.panels.vision.picture_box import PictureBox
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, number
from workbench.widgets.exports import painted_by, save_csv, save_png
from workbench.widgets.frames import Frame
from workbench.widgets.image_view import ImageView, link
from workbench.widgets.plots import Plot
from workbench.widgets.scrubber import Scrubber

if TYPE_CHECKING:
    from engines.vision.images import Pool
    from engines.vision.nets.models import ModelInfo
    from workbench.panels.asymmetric.panel import DetectionPanel

WIDE: Final = 820
"""Pixels of width from which pictures, twins and verdict stand beside each other."""
STOPS: Final = 200
TRACES: Final = ("detectors", "twin")
NOISE_STEPS, RUBBISH_STEPS = 60, 200
TITLES: Final = {"morph": "towards", "noise": "made from noise, as", "rubbish": "Gaussian noise, towards"}


class MorphView(QScrollArea):
    """The first tab. It needs no Run: whatever is changed is computed anew at once."""

    run_text = "Run bench"

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.live = panel.live
        self.shown: LiveMorph | None = None
        self.image: np.ndarray | None = None
        self.label = -1
        self.kind = "morph"
        self._truth = ""
        self._seed = 0
        self._most = 0.6
        self._norm = "linf"
        self._classes: tuple[str, ...] = ()
        self._at_end = True
        self.pictures = PictureBox(theme)
        self.target = QComboBox()
        self.eps = QSlider(Qt.Orientation.Horizontal)
        self.eps_text = label("", "small")
        self.steps = QSpinBox()
        self.noise = QPushButton("Noise to image")
        self.rubbish = QPushButton("Rubbish test")
        self.back = QPushButton("Back to the picture")
        self.views = tuple(ImageView(theme, f"Image of the {who}") for who in ("detectors", "twin"))
        self.changes = tuple(
            ImageView(theme, f"Perturbation of the {who}", empty="No perturbation yet") for who in ("detectors", "twin")
        )
        self.said = tuple(label("", "small", wrap=True) for _ in range(2))
        self.scrubber = Scrubber(theme, "Steps of the attack", unit="frame", speed=8)
        self.trace = Plot(theme, title="Logit of the target", x="step", y="logit")
        self.verdict = VerdictView(theme)
        self.status = ElidedLabel("Choose a picture, a class and a radius.")
        link([*self.views, *self.changes])
        self._build()
        self._connect()

    # -- what it is given -------------------------------------------------------------------------------------

    def set_bank(self, bank: ModelInfo | None) -> None:
        """Other detectors: their classes, their ball, the shape of their images."""
        if bank is None:
            return
        self.pictures.set_shape(bank.input_shape)
        self._norm = str(bank.metrics.get("norm", "linf"))
        eps = bank.metrics.get("eps", 0.3)
        eps = float(eps) if isinstance(eps, (int, float)) and eps > 0 else 0.3
        self._most = max(0.6, 1.5 * eps) if self._norm == "linf" else 2 * eps
        with QSignalBlocker(self.eps):
            self.eps.setValue(max(1, round(eps / self._most * STOPS)))
        if bank.classes != self._classes:
            self._classes = bank.classes
            kept = self.target.currentIndex()
            with QSignalBlocker(self.target):
                self.target.clear()
                self.target.addItems(list(bank.classes))
                self.target.setCurrentIndex(kept if 0 <= kept < len(bank.classes) else min(7, len(bank.classes) - 1))
        self._say_eps()

    def show_pool(self, pool: Pool) -> None:
        self.pictures.show_pool(pool)

    @property
    def radius(self) -> float:
        """ε of the slider, in pixels of [0, 1]."""
        return self._most * self.eps.value() / STOPS

    def set_radius(self, eps: float) -> None:
        """Move the slider as near to ε as its stops allow."""
        self.eps.setValue(round(eps / self._most * STOPS))

    def ask(self, *, fresh: bool = True) -> None:
        """Compute what is shown anew. fresh: pictures of the former request are of no use any more."""
        bank = self.panel.form.bank
        if bank is None or not self.panel.shows(self):  # the session answers one view at a time
            return
        if self.kind == "morph" and (self.image is None or self.image.shape != bank.input_shape):
            return
        # The paper's radius 30 and step 0.5 are for 28×28; both grow with the root of the number of pixels.
        scale = (float(np.prod(bank.input_shape)) / 784) ** 0.5
        values: dict[str, Any] = {
            "morph": {"image": self.image, "eps": self.radius, "norm": self._norm, "steps": self.steps.value(),
                      "step_size": 0.0},
            "noise": {"eps": 30 * scale, "steps": NOISE_STEPS, "step_size": 0.5 * scale},
            "rubbish": {"steps": RUBBISH_STEPS, "step_size": 0.5 * scale},
        }[self.kind]  # fmt: skip
        names = self.panel.form.names()
        if fresh:
            self._at_end = True
        self.live.ask(
            LiveRequest(self.kind, 0, target=max(self.target.currentIndex(), 0), seed=self._seed,
                        data=self.panel.live_data(), **names, **values), fresh=fresh,
        )  # fmt: skip

    # -- answers ----------------------------------------------------------------------------------------------

    def show_morph(self, morph: LiveMorph) -> None:
        """Draw a way as far as it is known, and have the last image judged."""
        if morph.kind != self.kind:
            return
        self.shown = morph
        count = min(len(morph.detectors.frames), len(morph.rival.frames))
        with QSignalBlocker(self.scrubber):
            self.scrubber.set_count(count, follow=self._at_end)
            if self._at_end:
                self.scrubber.set_frame(count - 1)
            self.scrubber.set_labels([f"step {s}" for s in morph.detectors.steps[:count]])
        for key, track, colour in (("detectors", morph.detectors, 0), ("twin", morph.rival, 1)):
            values = track.trace if len(track.trace) else track.logit
            self.trace.set_curve(key, np.arange(len(values)), values, name=key, colour=colour)
        self.trace.set_title(f"Logit of “{morph.classes[morph.target]}”")
        self._draw_frame()
        self.status.setText(
            f"{TITLES[morph.kind].capitalize() if morph.kind != 'rubbish' else TITLES[morph.kind]} “"
            f"{morph.classes[morph.target]}”, {morph.step} of {morph.total} steps in {morph.milliseconds:.0f} ms  ·  "
            f"detectors: {morph.detectors.title}  ·  twin: {morph.rival.title}"
        )
        if morph.final:
            self._judge()

    def show_verdict(self, verdict: LiveVerdict) -> None:
        self.verdict.show_verdict(verdict, self.label if self.kind == "morph" else -1)
        outcomes = {d.outcome for d in self.verdict.decisions or ()}
        frame: Frame = "fooled" if "fooled" in outcomes else "rejected" if "rejected" in outcomes else "ok"
        self.views[0].set_frame("none" if "waiting" in outcomes else frame)

    def show_note(self, text: str) -> None:
        self.status.setText(text)

    def show_mode(self, mode: str) -> None:
        if mode == "starting":
            self.status.setText("The engine is starting…")

    def _stepped(self, _frame: int) -> None:
        self._at_end = self.shown is not None and self.scrubber.frame >= self.scrubber.count - 1
        self._draw_frame()
        if self.shown is not None and self.shown.final and self.live.mode in ("resting", "working"):
            self._judge()

    def _judge(self) -> None:
        """Ask what both rules make of the detectors' image that is shown."""
        if self.shown is None or not self.panel.shows(self):
            return
        frames = self.shown.detectors.frames
        at = min(self.scrubber.frame, len(frames) - 1)
        image = np.clip(frames[at], 0, 1)
        self.live.ask(
            LiveRequest("judge", 0, image=image, data=self.panel.live_data(), **self.panel.form.names()), fresh=True
        )

    def _draw_frame(self) -> None:
        morph = self.shown
        if morph is None:
            return
        limit = self.radius if morph.kind == "morph" and self._norm == "linf" else None
        for k, track in enumerate((morph.detectors, morph.rival)):
            at = min(self.scrubber.frame, len(track.frames) - 1)
            self.views[k].set_picture(np.clip(track.frames[at], 0, 1), f"step {int(track.steps[at])}")
            delta = track.frames[at] - morph.image
            size = float(np.abs(delta).max()) if self._norm == "linf" else float(np.sqrt((delta**2).sum()))
            sign = "∞" if self._norm == "linf" else "₂"
            self.changes[k].set_difference(delta, f"change, |δ|{sign} {number(size, 2)}", limit=limit)
            self.said[k].setText(
                f"{'Detectors' if k == 0 else 'Twin'}: “{morph.classes[int(track.named[at])]}” leads, target "
                f"{number(float(track.logit[at]))}, best other {number(float(track.others[at]))}"
            )
        self.trace.set_mark(
            "now", float(morph.detectors.steps[min(self.scrubber.frame, len(morph.detectors.steps) - 1)])
        )

    # -- what the user does -----------------------------------------------------------------------------------

    def show_image(self, image: np.ndarray, truth: str) -> None:
        """Another picture; truth: its class, "" where not known."""
        self.image, self._truth = image, truth
        folded = [name.casefold() for name in self._classes]
        self.label = folded.index(truth.casefold()) if truth.casefold() in folded else -1
        self.kind = "morph"
        if self.label >= 0 and self.target.currentIndex() == self.label:
            with QSignalBlocker(self.target):
                self.target.setCurrentIndex((self.label + 1) % len(self._classes))
        self._forget()
        self.ask()

    def synthesise(self, kind: str) -> None:
        """ "noise" or "rubbish": another sample each time."""
        self._seed += 1
        self.kind = kind
        self._forget()
        self.ask()

    def show_picture(self) -> None:
        """Back from noise to the picture."""
        self.kind = "morph"
        self._forget()
        self.ask()

    def _forget(self) -> None:
        self.shown = None
        for view in (*self.views, *self.changes):
            view.clear()
        self.views[0].set_frame("none")
        for key in TRACES:
            self.trace.set_curve(key, [], [], name=key, colour=TRACES.index(key))
        self.verdict.clear()
        self._say_kind()

    def _say_kind(self) -> None:
        is_morph = self.kind == "morph"
        for widget in (self.eps, self.steps):
            widget.setEnabled(is_morph)
            widget.setToolTip(
                TIPS[widget.accessibleName()] if is_morph else "Noise is moved freely; go back to the picture to set it"
            )
        self.back.setEnabled(not is_morph)
        self.back.setToolTip("" if not is_morph else "The picture is shown already")

    def _eps_moved(self) -> None:
        self._say_eps()
        self.ask(fresh=False)

    def _say_eps(self) -> None:
        is_linf = self._norm == "linf"
        self.eps_text.setText(f"ε {self.radius:.3f} (l∞)" if is_linf else f"ε {self.radius:.2f} (l2)")

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.shown is not None else "Choose a picture first."

        def unjudged() -> str:
            return "" if self.verdict.verdict is not None else "Nothing was judged yet."

        return [
            Export("morph-npz", "Morph as NPZ (both ways, every frame)", ".npz", self._write_npz, none),
            Export("trace-csv", "Logit trace as CSV", ".csv", self._write_trace, none),
            Export("verdict-csv", "Logits of the image as CSV", ".csv", self.verdict.save, unjudged),
            Export("view-png", "This view as PNG", ".png", self._write_view, none),
        ]

    def _write_npz(self, path: Path) -> None:
        assert self.shown is not None
        m = self.shown
        body = io.BytesIO()
        np.savez_compressed(
            body, allow_pickle=False, x=m.image, target=np.int64(m.target), classes=np.array(m.classes),
            kind=np.array(m.kind), detectors=m.detectors.frames, detectors_steps=m.detectors.steps,
            detectors_logit=m.detectors.logit, twin=m.rival.frames, twin_logit=m.rival.logit,
        )  # fmt: skip
        atomic.write_bytes(path, body.getbuffer())

    def _write_trace(self, path: Path) -> None:
        assert self.shown is not None
        own, twin = self.shown.detectors.trace, self.shown.rival.trace
        count = min(len(own), len(twin))
        save_csv({"step": np.arange(count), "detectors": own[:count], "twin": twin[:count]}, path)

    def _write_view(self, path: Path) -> None:
        save_png(painted_by(self._content), self._content.size(), path)

    def save_state(self) -> dict[str, Any]:
        return {"target": self.target.currentIndex(), "eps": self.radius, "steps": self.steps.value()}

    def restore_state(self, state: dict[str, Any]) -> None:
        target, eps, steps = state.get("target"), state.get("eps"), state.get("steps")
        with QSignalBlocker(self.target), QSignalBlocker(self.eps), QSignalBlocker(self.steps):
            if isinstance(target, int) and 0 <= target < self.target.count():
                self.target.setCurrentIndex(target)
            if isinstance(eps, (int, float)) and not isinstance(eps, bool) and 0 <= eps <= self._most:
                self.set_radius(float(eps))
            if isinstance(steps, int) and not isinstance(steps, bool):
                self.steps.setValue(steps)
        self._say_eps()
        self.ask()

    def close_stage(self) -> None:
        self.scrubber.pause()

    # -- building ---------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self.target.activated.connect(lambda _: self.ask())
        self.eps.valueChanged.connect(lambda _: self._eps_moved())
        self.steps.valueChanged.connect(lambda _: self.ask(fresh=False))
        self.scrubber.frame_changed.connect(self._stepped)
        self.noise.clicked.connect(lambda: self.synthesise("noise"))
        self.rubbish.clicked.connect(lambda: self.synthesise("rubbish"))
        self.back.clicked.connect(self.show_picture)
        self.pictures.picture_changed.connect(self.show_image)

    def _build(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        for widget, name in ((self.target, "Target class"), (self.eps, "Radius ε"), (self.steps, "Steps")):
            widget.setAccessibleName(name)
            widget.setToolTip(TIPS[name])
        self.eps.setRange(0, STOPS)
        self.eps.setMinimumWidth(90)
        self.steps.setRange(1, 500)
        self.steps.setValue(60)
        self.steps.setSuffix(" steps")
        self.target.setMinimumContentsLength(4)
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.noise.setToolTip(
            "Begin with noise of the mean and covariance of the class's training images, and climb its logit"
        )
        self.rubbish.setToolTip(
            "One image of Gaussian noise, moved without any bound: does the model end at a digit, or at rubbish?"
        )
        self.controls = QWidget()
        self._control_grid = QGridLayout(self.controls)
        self._control_grid.setContentsMargins(0, 0, 0, 0)
        self._control_grid.setSpacing(GRID // 2)
        toward = label("Towards", "small", muted=True)
        first = (toward, self.target, self.eps, self.eps_text, self.steps)
        self._columns = len(first)
        for at, control in enumerate(first):
            self._control_grid.addWidget(control, 0, at)
        self._control_grid.setColumnStretch(2, 1)
        self._buttons = QWidget()
        line = QHBoxLayout(self._buttons)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GRID // 2)
        for button in (self.noise, self.rubbish, self.back):
            line.addWidget(button)
        self.left, self.middle, self.right = QWidget(), QWidget(), QWidget()
        column = QVBoxLayout(self.left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.pictures)
        self.pictures.setMinimumHeight(240)
        grid = QGridLayout(self.middle)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        for k, title in enumerate(("Detectors", "Twin: a classifier")):
            grid.addWidget(label(title, "strong"), 0, k)
            for row, view in ((1, self.views[k]), (2, self.changes[k])):
                view.setMinimumSize(110, 130)
                grid.addWidget(view, row, k)
                grid.setRowStretch(row, 1)
            grid.addWidget(self.said[k], 3, k)
            grid.setColumnStretch(k, 1)
        grid.addWidget(self.scrubber, 4, 0, 1, 2)
        side = QVBoxLayout(self.right)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(GRID)
        self.trace.setMinimumHeight(130)
        side.addWidget(self.verdict, 3)
        side.addWidget(self.trace, 2)
        self._content = content = QWidget()
        self._grid = QGridLayout()
        self._grid.setSpacing(GRID)
        rows = QVBoxLayout(content)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.controls)
        rows.addWidget(self.status)
        rows.addLayout(self._grid, 1)
        self.setWidget(content)
        self._wide: bool | None = None
        self._place(True)
        self._say_kind()

    def _place(self, wide: bool) -> None:
        """Three columns, or below each other where there is no room."""
        if wide == self._wide:
            return
        self._wide = wide
        for part in (self.left, self.middle, self.right):
            self._grid.removeWidget(part)
        for column in range(3):
            self._grid.setColumnStretch(column, 0)
        if wide:
            for column, (part, share) in enumerate(((self.left, 2), (self.middle, 4), (self.right, 3))):
                self._grid.addWidget(part, 0, column)
                self._grid.setColumnStretch(column, share)
        else:
            self._grid.addWidget(self.middle, 0, 0, 1, 2)
            self._grid.addWidget(self.left, 1, 0)
            self._grid.addWidget(self.right, 1, 1)
            self._grid.setColumnStretch(0, 2)
            self._grid.setColumnStretch(1, 3)
        self._control_grid.removeWidget(self._buttons)
        if wide:
            self._control_grid.addWidget(self._buttons, 0, self._columns)
        else:
            self._control_grid.addWidget(self._buttons, 1, 0, 1, self._columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(self.viewport().width() >= WIDE)


TIPS: Final = {
    "Target class": "The class whose logit is raised: its detector's on the left, the twin's on the right",
    "Radius ε": "How far each pixel may move (l∞), or all together (l2), in pixels of [0, 1]",
    "Steps": "Steps of the attack, each 2.5 ε / steps long",
}
