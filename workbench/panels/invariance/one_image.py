"""One image under the hand: the dial of all models, their verdicts, the feature maps and the slice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QElapsedTimer, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.invariance.snapshots import Dial, LiveSnapshot
from workbench.panels.base import Export
from workbench.panels.invariance.inspector import Inspector
from workbench.panels.invariance.live import LiveImage
from workbench.panels.invariance.microscope import Microscope, small_line
from workbench.panels.invariance.verdicts import Verdict, Verdicts
from workbench.panels.vision.models import short_title
from workbench.panels.vision.picture_box import PictureBox
from workbench.theme import GRID
from workbench.widgets.basics import label
from workbench.widgets.polar import PolarDial, Ring

if TYPE_CHECKING:
    from engines.vision.images import Pool
    from engines.vision.nets.models import ModelInfo
    from workbench.panels.base import Panel

WIDE: Final = 700
"""Pixels of width from which picture, dial and verdicts stand beside each other."""
NO_MAPS: Final = ("mlp",)
MOST_RINGS: Final = 8
ROUND_MS: Final = 8000
"""Of a turn all round: slow enough to read which answer changes where."""
TICK_MS: Final = 40
_ACROSS, _DOWN = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
RINGS: Final = (
    "Outermost ring: the first model. Colours are classes, pale where a model is unsure; red: not the true class."
)


class OneImageView(QScrollArea):
    """The first tab. Whatever is changed is answered at once; Run turns the image once round by itself.

    turning_changed(bool): it began or ceased to turn by itself.
    """

    run_text = "Turn it round"
    turning_changed = Signal(bool)

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.live = LiveImage(panel)
        self._clock = QTimer(self, interval=TICK_MS)
        self._clock.timeout.connect(self._tick)
        self._since, self._from = QElapsedTimer(), 0.0
        self._names: tuple[str, ...] = ()
        self._truth = ""
        self._infos: dict[str, ModelInfo] = {}
        self.pictures = PictureBox(theme)
        self.dial = PolarDial(theme, legend=False)
        self.verdicts = Verdicts(theme)
        self.inspector = Inspector(theme)
        self.microscope = Microscope(theme)
        self.status = small_line()
        self._build()
        self.pictures.picture_changed.connect(self._picture)
        self.dial.angle_changing.connect(self._turned)
        self.dial.angle_changed.connect(self._turned)
        self.inspector.requested.connect(self.live.inspect)
        self.microscope.requested.connect(self.live.cut)
        self.live.answered.connect(self._answered)
        self.live.mode_changed.connect(lambda _: self._say())
        self.live.lost.connect(lambda text: panel.show_message(text, "warn"))

    # -- what it is given -------------------------------------------------------------------------------------

    def set_models(self, infos: list[ModelInfo]) -> None:
        """Ask these models; they share an input shape."""
        infos = [info for info in infos if not info.problem]
        names = tuple(info.name for info in infos)
        self._infos = {info.name: info for info in infos}
        inspected = [(i.name, i.title) for i in infos if i.kind not in NO_MAPS and not (i.is_own and not i.kind)]
        group = next((i.name for i in infos if "gcnn" in i.kind or "p4m" in i.kind), "")
        self.inspector.set_models([m for m in inspected if self._infos[m[0]].kind != "own program"], group)
        self.microscope.set_models([(i.name, i.title) for i in infos], group)
        if infos:
            self.pictures.set_shape(infos[0].input_shape)
        self._names = names[:MOST_RINGS]
        self.verdicts.set_verdicts(tuple(Verdict(self._infos[n].title) for n in self._names), 10)
        image = self.live.image
        if infos and image is not None and image.shape == infos[0].input_shape:
            self.live.ask(fresh=True, models=self._names, **self._parts(), first="dial")
        elif not infos:
            self.stop_turning()
            self.dial.set_rings((), ())
        self._say()

    def show_pool(self, pool: Pool) -> None:
        """Offer the pictures of a pool."""
        self.pictures.show_pool(pool)

    # -- asking -----------------------------------------------------------------------------------------------

    def _parts(self) -> dict[str, Any]:
        return {"inspect": self.inspector.request(), "plane": self.microscope.request()}

    def _picture(self, image: np.ndarray, truth: str) -> None:
        self._truth = truth
        self.dial.set_picture(image if not self.dial.angle else None)
        fits = all(info.input_shape == image.shape for info in self._infos.values())
        names = self._names if fits else ()
        self.live.set_image(image, models=names, angle=self.dial.angle, first="dial", **self._parts())
        self._say()

    def _turned(self, degrees: float) -> None:
        """The hand has taken the dial."""
        self.stop_turning()
        self._ask_angle(degrees)

    def _ask_angle(self, degrees: float) -> None:
        self.live.ask(angle=degrees, first="dial")

    # -- answers ----------------------------------------------------------------------------------------------

    def _answered(self, snapshot: LiveSnapshot) -> None:
        if snapshot.dial is not None:
            self._show_dial(snapshot.dial)
        if snapshot.inspection is not None:
            self.inspector.show_inspection(snapshot.inspection)
        elif snapshot.done and snapshot.notes and self.inspector.request() is not None:
            self.inspector.show_problem(snapshot.notes[-1])
        if snapshot.plane is not None:
            self.microscope.show_slice(snapshot.plane)
        elif snapshot.done and snapshot.notes and self.microscope.request() is not None:
            self.microscope.show_problem(snapshot.notes[-1])

    def _show_dial(self, dial: Dial) -> None:
        problems = dict(dial.problems)
        union = list(dict.fromkeys(name for names in dial.names for name in names))
        place = {name: i for i, name in enumerate(union)}
        rings, verdicts = [], []
        for i, title in enumerate(map(short_title, dial.titles)):
            table = np.array([*(place[name] for name in dial.names[i]), -1])
            rings.append(Ring(title, table[dial.classes[i, :-1]], dial.confidence[i, :-1]))
            now = int(table[dial.now_classes[i]])
            at_zero = int(table[dial.classes[i, 0]])
            says = union[now] if now >= 0 else ""
            known = self._truth and self._truth.casefold() in {name.casefold() for name in dial.names[i]}
            verdicts.append(
                Verdict(
                    title,
                    says,
                    now,
                    float(dial.now_confidence[i]),
                    changed=now >= 0 and at_zero >= 0 and now != at_zero,
                    right=says.casefold() == self._truth.casefold() if known and says else None,
                    problem=problems.get(dial.models[i], ""),
                )
            )
        truth = next((i for i, name in enumerate(union) if name.casefold() == self._truth.casefold()), -1)
        self.dial.set_rings(rings, union, label=truth)
        if not self.dial.angle or abs(dial.angle - self.dial.angle) < 45:
            self.dial.set_picture(dial.turned)
        self.verdicts.set_verdicts(tuple(verdicts), len(union))

    def _say(self) -> None:
        mode = self.live.mode
        left_out = len(self._infos) - len(self._names)
        text = {"starting": "The engine is starting…", "working": "Working…"}.get(mode, "")
        if not self._infos:
            text = "Tick models on the left to see what they say."
        elif not text and left_out > 0:
            text = f"The first {MOST_RINGS} of {len(self._infos)} ticked models."
        self.status.setText(text or RINGS)

    # -- turning by itself ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Turn the image once round. Raises UserError where there is nothing to turn or nobody to ask."""
        if not self._names:
            raise UserError("no model is ticked", "tick one or more on the left")
        if self.live.image is None:
            raise UserError("there is no picture yet", "choose one, or draw a digit")
        self._from = self.dial.angle
        self._since.start()
        self._clock.start()
        self.turning_changed.emit(True)

    def stop_turning(self) -> None:
        """Stay at the angle that is shown."""
        if self._clock.isActive():
            self._clock.stop()
            self.turning_changed.emit(False)

    def _tick(self) -> None:
        """The angle of this moment: a slow machine shows fewer angles, and is not later."""
        turned = 360.0 * self._since.elapsed() / ROUND_MS
        self.dial.set_angle(self._from if turned >= 360.0 else float(round(self._from + turned)))
        self._ask_angle(self.dial.angle)
        if turned >= 360.0:
            self.stop_turning()

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.dial.rings else "Choose a picture and models first."

        def no_slice() -> str:
            return "" if self.microscope.shown is not None else "There is no slice yet."

        def no_maps() -> str:
            return "" if self.inspector.shown is not None else "There are no feature maps yet."

        return [
            Export("dial-png", "Rotation dial as PNG", ".png", self.dial.save, none),
            Export("dial-csv", "Classes round the dial as CSV", ".csv", self.dial.save, none),
            Export("slice-png", "Slice as PNG", ".png", self.microscope.field.save, no_slice),
            Export("slice-csv", "Slice as CSV", ".csv", self.microscope.field.save, no_slice),
            Export("maps-png", "Feature maps as PNG", ".png", self._save_maps, no_maps),
        ]

    def _save_maps(self, path: Path) -> None:
        self.inspector.board.save(path)

    def save_state(self) -> dict[str, Any]:
        return {"angle": self.dial.angle, "slice": self.microscope.save_state()}

    def restore_state(self, state: dict[str, Any]) -> None:
        angle = state.get("angle")
        if isinstance(angle, (int, float)) and not isinstance(angle, bool) and np.isfinite(angle):
            self.dial.set_angle(float(angle))
        if isinstance(state.get("slice"), dict):
            self.microscope.restore_state(state["slice"])

    def close_stage(self) -> None:
        """The window goes."""
        self._clock.stop()
        self.microscope.close()
        self.live.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_T and not event.modifiers():
            self.inspector.turn()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.live.resume()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.stop_turning()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _build(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._right = QWidget()
        column = QVBoxLayout(self._right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(label("What they say at this angle", "strong"))
        column.addWidget(self.verdicts)
        column.addStretch(1)
        self._is_wide: bool | None = None
        self._above, self._below = QBoxLayout(_ACROSS), QBoxLayout(_ACROSS)
        for part, stretch in ((self.pictures, 3), (self.dial, 4), (self._right, 3)):
            self._above.addWidget(part, stretch)
        for part in (self.inspector, self.microscope):
            part.setMinimumHeight(290)
            self._below.addWidget(part, 1)
        self.pictures.setMinimumWidth(180)
        self.dial.setMinimumSize(220, 230)
        content = QWidget()
        rows = QVBoxLayout(content)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID)
        rows.setSpacing(GRID)
        for row in (self._above, self._below):
            row.setSpacing(2 * GRID)
        rows.addLayout(self._above, 5)
        rows.addWidget(self.status)
        rows.addLayout(self._below, 6)
        self.setWidget(content)
        self._arrange()

    def _arrange(self) -> None:
        wide = self.viewport().width() >= WIDE
        if wide == self._is_wide:
            return
        self._is_wide = wide
        for row in (self._above, self._below):
            row.setDirection(_ACROSS if wide else _DOWN)
