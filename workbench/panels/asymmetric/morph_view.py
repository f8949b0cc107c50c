"""The morph desk: one image pushed towards a class by the detectors and by a classifier, judged at every step."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from engines.asymmetric.snapshots import LiveMorph, LiveRequest, LiveVerdict
from engines.core import atomic
from workbench.panels.asymmetric.morph_controls import MorphControls
from workbench.panels.asymmetric.twin_view import TwinView
from workbench.panels.asymmetric.verdict_view import VerdictView
from workbench.panels.base import Export
from workbench.panels.vision.picture_box import PictureBox
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel
from workbench.widgets.exports import painted_by, save_csv, save_png
from workbench.widgets.frames import Frame

if TYPE_CHECKING:
    from engines.vision.images import Pool
    from engines.vision.nets.models import ModelInfo
    from workbench.panels.asymmetric.panel import DetectionPanel

WIDE: Final = 820
"""Pixels of width from which pictures, twins and verdict stand beside each other."""
NOISE_STEPS, RUBBISH_STEPS = 60, 200
TITLES: Final = {"morph": "Towards", "noise": "Made from noise, as", "rubbish": "Gaussian noise, towards"}


class MorphView(QScrollArea):
    """The first tab. It needs no Run: whatever is changed is computed anew at once.

    controls, pictures, twins, verdict: its parts. image: what is pushed; label: its class, -1 where not known.
    kind: "morph", or "noise" and "rubbish", which begin elsewhere.
    """

    run_text = "Run bench"

    def __init__(self, panel: DetectionPanel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.live = panel.live
        self.image: np.ndarray | None = None
        self.label = -1
        self.kind = "morph"
        self._seed = 0
        self._classes: tuple[str, ...] = ()
        self.controls = MorphControls()
        self.pictures = PictureBox(theme)
        self.twins = TwinView(theme)
        self.verdict = VerdictView(theme)
        self.status = ElidedLabel("Choose a picture, a class and a radius.")
        self._build()
        self.controls.changed.connect(self.ask)
        self.controls.slid.connect(lambda: self.ask(fresh=False))
        self.controls.asked_for.connect(self.begin)
        self.twins.stepped.connect(self._stepped)
        self.pictures.picture_changed.connect(self.show_image)

    # -- what it is given -------------------------------------------------------------------------------------

    @property
    def shown(self) -> LiveMorph | None:
        """The way that is drawn, None while there is none."""
        return self.twins.shown

    def set_bank(self, bank: ModelInfo | None) -> None:
        """Other detectors: their classes, their ball, the shape of their images."""
        if bank is None:
            return
        self.pictures.set_shape(bank.input_shape)
        self.controls.set_bank(bank)
        self._classes = bank.classes

    def show_pool(self, pool: Pool) -> None:
        self.pictures.show_pool(pool)

    def ask(self, *, fresh: bool = True) -> None:
        """Compute what is shown anew. fresh: pictures of the former request are of no use any more."""
        bank = self.panel.form.bank
        if bank is None or not self.panel.shows(self):  # the session answers one view at a time
            return
        if self.kind == "morph" and (self.image is None or self.image.shape != bank.input_shape):
            return
        # The paper's radius 30 and step 0.5 are for 28×28; both grow with the root of the number of pixels.
        scale = (float(np.prod(bank.input_shape)) / 784) ** 0.5
        ball = self.controls.ball
        values: dict[str, Any] = {
            "morph": {"image": self.image, "eps": ball.radius, "norm": ball.norm, "steps": self.controls.steps.value(),
                      "step_size": 0.0},
            "noise": {"eps": 30 * scale, "steps": NOISE_STEPS, "step_size": 0.5 * scale},
            "rubbish": {"steps": RUBBISH_STEPS, "step_size": 0.5 * scale},
        }[self.kind]  # fmt: skip
        if fresh:
            self.twins.at_end = True
        self.live.ask(
            LiveRequest(self.kind, 0, target=max(self.controls.target.currentIndex(), 0), seed=self._seed,
                        data=self.panel.live_data(), **self.panel.form.names(), **values), fresh=fresh,
        )  # fmt: skip

    # -- answers ----------------------------------------------------------------------------------------------

    def show_morph(self, morph: LiveMorph) -> None:
        """Draw a way as far as it is known, and have the last image judged."""
        if morph.kind != self.kind:
            return
        ball = self.controls.ball
        limit = ball.radius if morph.kind == "morph" and ball.norm == "linf" else None
        self.twins.show_morph(morph, ball.norm, limit)
        self.status.setText(
            f"{TITLES[morph.kind]} “{morph.classes[morph.target]}”, {morph.step} of {morph.total} steps in "
            f"{morph.milliseconds:.0f} ms  ·  detectors: {morph.detectors.title}  ·  twin: {morph.rival.title}"
        )
        if morph.final:
            self._judge()

    def show_verdict(self, verdict: LiveVerdict) -> None:
        self.verdict.show_verdict(verdict, self.label if self.kind == "morph" else -1)
        outcomes = {d.outcome for d in self.verdict.decisions or ()}
        frame: Frame = "fooled" if "fooled" in outcomes else "rejected" if "rejected" in outcomes else "ok"
        self.twins.views[0].set_frame("none" if "waiting" in outcomes else frame)

    def show_note(self, text: str) -> None:
        self.status.setText(text)

    def show_mode(self, mode: str) -> None:
        if mode == "starting":
            self.status.setText("The engine is starting…")

    def _stepped(self) -> None:
        if self.shown is not None and self.shown.final and self.live.mode in ("resting", "working"):
            self._judge()

    def _judge(self) -> None:
        """Ask what both rules make of the detectors' image that is shown."""
        image = self.twins.image()
        if image is not None and self.panel.shows(self):
            self.live.ask(
                LiveRequest("judge", 0, image=image, data=self.panel.live_data(), **self.panel.form.names()), fresh=True
            )

    # -- what the user does -----------------------------------------------------------------------------------

    def show_image(self, image: np.ndarray, truth: str) -> None:
        """Another picture; truth: its class, "" where not known."""
        self.image = image
        folded = [name.casefold() for name in self._classes]
        self.label = folded.index(truth.casefold()) if truth.casefold() in folded else -1
        self.controls.leave(self.label)
        self.begin("morph")

    def begin(self, kind: str) -> None:
        """From the picture ("morph"), or from another sample of "noise" or "rubbish" each time."""
        self._seed += kind != "morph"
        self.kind = kind
        self.twins.clear()
        self.verdict.clear()
        self.controls.show_kind(kind)
        self.ask()

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
        return self.controls.save_state()

    def restore_state(self, state: dict[str, Any]) -> None:
        self.controls.restore_state(state)
        self.ask()

    def close_stage(self) -> None:
        self.twins.scrubber.pause()

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.pictures.setMinimumHeight(240)
        self._right = QWidget()
        side = QVBoxLayout(self._right)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(GRID)
        side.addWidget(self.verdict, 3)
        side.addWidget(self.twins.trace, 2)
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

    def _place(self, wide: bool) -> None:
        """Three columns, or below each other where there is no room."""
        if wide == self._wide:
            return
        self._wide = wide
        for part in (self.pictures, self.twins, self._right):
            self._grid.removeWidget(part)
        for column in range(3):
            self._grid.setColumnStretch(column, 0)
        if wide:
            for column, (part, share) in enumerate(((self.pictures, 3), (self.twins, 8), (self._right, 5))):
                self._grid.addWidget(part, 0, column)
                self._grid.setColumnStretch(column, share)
        else:
            self._grid.addWidget(self.twins, 0, 0, 1, 2)
            self._grid.addWidget(self.pictures, 1, 0)
            self._grid.addWidget(self._right, 1, 1)
            self._grid.setColumnStretch(0, 2)
            self._grid.setColumnStretch(1, 3)
        self.controls.place(wide=wide)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(self.viewport().width() >= WIDE)
