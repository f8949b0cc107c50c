"""One image under attack: before and after, the change and its spectrum, every model's verdict, and each step."""

from __future__ import annotations

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
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from engines.core import data
from engines.transfer.frequency import spectrum
from engines.transfer.snapshots import LiveSnapshot, Verdicts, Walk
from engines.vision.images import SOURCES
from workbench.panels.base import Export
from workbench.panels.transfer.attack_files import write_log, write_npz, write_pixels
from workbench.panels.transfer.step_player import StepPlayer
from workbench.panels.transfer.verdict_board import VerdictBoard, rows_of
from workbench.panels.vision.picture_box import PictureBox
from workbench.theme import GRID, set_role
from workbench.widgets.basics import ElidedLabel, label, number
from workbench.widgets.exports import painted_by, save_png
from workbench.widgets.image_view import ImageView, link
from workbench.widgets.scrubber import Scrubber
from workbench.widgets.source_picker import DRAWING

if TYPE_CHECKING:
    from engines.vision.images import Pool
    from engines.vision.nets.models import ModelInfo
    from workbench.panels.transfer.panel import TransferPanel

SPECTRUM_TIP: Final = "log₁₀(1 + |F|) of the change, low frequencies in the middle"
WIDE: Final = 640
"""Pixels of width from which pictures and verdicts stand beside each other."""


class AttackView(QScrollArea):
    """The first tab. It needs no Run: whatever is changed is attacked anew at once."""

    run_text = "Run matrix"

    def __init__(self, panel: TransferPanel) -> None:
        super().__init__()
        self.panel = panel
        theme = panel.services.theme
        self.walk: Walk | None = None
        self.verdicts: Verdicts | None = None
        self._pool: Pool | None = None
        self._classes: tuple[str, ...] = ()
        self._titles: dict[str, str] = {}
        self._at_end = True
        self.is_preview = False
        self._held: Verdicts | None = None
        self.pictures = PictureBox(theme)
        self.clean = ImageView(theme, "Clean image", level=True)
        self.attacked = ImageView(theme, "Attacked image", level=True)
        self.change = ImageView(theme, "Perturbation, magnified", empty="No perturbation yet", level=True)
        self.spectrum = ImageView(theme, "Spectrum of the perturbation", empty="No spectrum yet", level=True)
        self.spectrum.setToolTip(SPECTRUM_TIP)
        link([self.clean, self.attacked, self.change])
        self.scrubber = Scrubber(theme, "Iterations of the attack", unit="t", speed=4)
        self.aim = QComboBox()
        self.aim.setAccessibleName("Aim of the attack")
        self.aim.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.aim.setMinimumContentsLength(12)  # “any wrong class”
        self.aim.setToolTip("Any wrong class, as in the paper, or one that the white box shall name (targeted)")
        self.board = VerdictBoard(theme)
        self.player = StepPlayer(theme)
        self.status = ElidedLabel()
        self.stale = label("", "small", wrap=True)
        self.stale.setVisible(False)
        # Two lines, whatever they say: height that follows width would give every row its wish rather than its need.
        policy = self.stale.sizePolicy()
        policy.setHeightForWidth(False)
        self.stale.setSizePolicy(policy)
        self.stale.setFixedHeight(2 * self.stale.fontMetrics().lineSpacing() + 2)
        set_role(self.stale, "error")
        self._build()
        self.scrubber.frame_changed.connect(self._stepped)

    # -- what it is given -------------------------------------------------------------------------------------

    def set_models(self, infos: list[ModelInfo], classes: tuple[str, ...]) -> None:
        """These are asked; classes: of the white box."""
        self._titles = {info.name: info.title for info in infos}
        if infos:
            self.pictures.set_shape(infos[0].input_shape)
        if classes != self._classes:
            self._classes = classes
            with QSignalBlocker(self.aim):
                self.aim.clear()
                self.aim.addItem("any wrong class", -1)
                for i, name in enumerate(classes):
                    self.aim.addItem(f"“{name}”", i)
        self._draw_board()

    def show_pool(self, pool: Pool) -> None:
        """Offer the pictures of a pool."""
        self._pool = pool
        self.stale.setVisible(False)
        self.pictures.show_pool(pool)

    def keep_pictures(self, wanted: str, shape: tuple[int, int, int], why: str) -> bool:
        """Pictures of the source `wanted` cannot be had. What is shown stays, and it is said what that is; False:
        nothing stays, because it does not fit models of this shape."""
        pool = self._pool
        fits = pool is not None and tuple(pool.images.shape[1:]) == tuple(shape)
        if fits and pool is not None:
            told = f"Still the pictures of {_title(pool.source)}: {_title(wanted)} could not be loaded."
        else:
            self._pool = None
            self.pictures.gallery.set_pictures([])
            self.show_image(None)
            told = f"There are no pictures: {_title(wanted)} could not be loaded. {why}"
            self.pictures.show_note("")
        self.stale.setText(told)
        self.stale.setVisible(True)
        return fits

    @property
    def target_class(self) -> int:
        """What the white box shall name, -1 for any wrong class."""
        found = self.aim.currentData()
        return -1 if found is None else int(found)

    def show_image(self, image: np.ndarray | None) -> None:
        """Another image, or none: what was known of the one before goes."""
        self.walk = self.verdicts = self._held = None
        self.is_preview = False
        self.clean.set_picture(image, "clean" if image is not None else "")
        for view in (self.attacked, self.change, self.spectrum):
            view.clear()
        self.attacked.set_frame("none")
        self.status.setText("" if image is None else "Attacking this image…")
        self.player.show_step(None, 0, 0.5)
        self._draw_board()

    # -- answers ----------------------------------------------------------------------------------------------

    def show_answer(self, snapshot: LiveSnapshot) -> None:
        """Draw what the session knows so far."""
        if snapshot.walk is None or snapshot.verdicts is None:
            if snapshot.done and snapshot.notes:
                self.status.setText(snapshot.notes[-1])
            return
        if snapshot.preview and not self._at_end:
            return  # A shorter attack has no iteration that is the one looked at.
        self.walk, self.is_preview = snapshot.walk, snapshot.preview
        # While ε is dragged, the white box answers first; the others keep their rows until theirs come.
        held = self._held or self.verdicts
        waits = held is not None and len(held.models) > len(snapshot.verdicts.models) and not snapshot.done
        self._held, self.verdicts = held if waits else None, snapshot.verdicts
        steps = len(snapshot.walk.x)
        if not snapshot.preview:
            with QSignalBlocker(self.scrubber):
                self.scrubber.set_count(steps, follow=self._at_end)
                if self._at_end:
                    self.scrubber.set_frame(steps - 1)
            fools = np.flatnonzero(snapshot.verdicts.fooled[0])
            self.scrubber.set_marks([int(fools[0])] if len(fools) else [])
        self._draw_step(self.scrubber.frame if not snapshot.preview else steps - 1)
        self._say(snapshot)

    def _say(self, snapshot: LiveSnapshot) -> None:
        verdicts, walk = snapshot.verdicts, snapshot.walk
        assert verdicts is not None and walk is not None
        if snapshot.preview:
            recipe = self.panel.recipe
            self.status.setText(
                f"{recipe.title}: a first look with {walk.passes} of {recipe.passes} passes; the whole attack follows…"
            )
            return
        black = ~verdicts.white_box
        fooled = verdicts.fooled[:, -1] & ~verdicts.fooled[:, 0]
        asked = int((black & ~verdicts.fooled[:, 0]).sum())
        said = [f"{walk.title} with {walk.passes} passes"]
        if snapshot.done or asked == len(self._titles) - int(verdicts.white_box.sum()):
            said.append(f"fools {int((fooled & black).sum())} of {asked} black boxes that were right")
        if walk.vanished.any():
            said.append(f"gradient vanished in {int(walk.vanished.sum())} of {len(walk.vanished)} iterations")
        said.append(f"answered in {snapshot.milliseconds:.0f} ms")
        said += list(snapshot.notes)
        self.status.setText("  ·  ".join(said))

    def _stepped(self, frame: int) -> None:
        self._at_end = self.walk is not None and frame >= len(self.walk.x) - 1
        self._draw_step(frame)

    def _draw_step(self, t: int) -> None:
        walk = self.walk
        if walk is None:
            return
        t = min(t, len(walk.x) - 1)
        x, clean = walk.x[t], self.panel.live.image
        if clean is None or clean.shape != x.shape:
            clean = walk.x[0]
        delta = x - clean
        self.clean.set_picture(clean, "clean")
        self.attacked.set_picture(x, "first look" if self.is_preview else f"attacked, t = {t}")
        size = float(np.abs(delta).max())
        self.change.set_difference(delta, f"change, |δ|∞ {number(size, 2)}", limit=walk.eps)
        self.spectrum.set_values(spectrum(delta), "log spectrum")
        if self.verdicts is not None:
            fooled = bool(self.verdicts.fooled[0, min(t, self.verdicts.named.shape[1] - 1)])
            self.attacked.set_frame("fooled" if fooled else "ok")
        if not self.is_preview:
            self.player.show_step(walk, t, self.panel.recipe.spec.pivot)
        self._draw_board()

    def _draw_board(self) -> None:
        if self.verdicts is None:
            rows = rows_of(_nobody(), 0, tuple(self._titles.values()))
            self.board.set_rows(rows, max(len(self._classes), 1), 0)
            return
        heard = {*self.verdicts.models, *(name for name, _ in self.verdicts.problems)}
        waiting = tuple(title for name, title in self._titles.items() if name not in heard)
        last = self.verdicts.named.shape[1] - 1
        step = last if self.is_preview else min(self.scrubber.frame, last)
        rows = rows_of(self.verdicts, step, waiting)
        if self._held is not None:
            before = rows_of(self._held, min(self.scrubber.frame, self._held.named.shape[1] - 1))
            rows = rows[: len(self.verdicts.models)] + before[len(self.verdicts.models) :]
        self.board.set_rows(rows, max(len(self._classes), 1), step)

    def show_mode(self, mode: str) -> None:
        """What the session is doing."""
        if not self._titles:
            self.status.setText("Tick models on the left: one is attacked, the others are asked too.")
        elif mode == "starting":
            self.status.setText("The engine is starting…")

    # -- surroundings -----------------------------------------------------------------------------------------

    def exports(self) -> list[Export]:
        def none() -> str:
            if self.is_preview:
                return "The whole attack is still under way."
            return "" if self.walk is not None else "Attack an image first."

        return [
            Export("attacked-png", "Attacked image as PNG, pixel for pixel", ".png", self._write_pixels, none),
            Export("attack-npz", "Attack as NPZ (x, x_adv, every iterate)", ".npz", self._write_npz, none),
            Export("recipe-json", "Recipe as JSON", ".json", self.panel.crafting.write_recipe),
            Export("verdicts-csv", "Verdicts as CSV", ".csv", self.board.save, none),
            Export("log-csv", "Log of the iterations as CSV", ".csv", self._write_log, none),
            Export("view-png", "This view as PNG", ".png", self._write_view, none),
        ]

    def _write_pixels(self, path: Path) -> None:
        assert self.walk is not None
        write_pixels(path, self.walk, self.panel.live.image)

    def _write_npz(self, path: Path) -> None:
        assert self.walk is not None and self.verdicts is not None
        write_npz(path, self.walk, self.verdicts, self.panel.live.image, self.panel.recipe.recipe())

    def _write_log(self, path: Path) -> None:
        assert self.walk is not None
        write_log(path, self.walk, self.verdicts)

    def _write_view(self, path: Path) -> None:
        content = self.widget()
        assert content is not None
        save_png(painted_by(content), content.size(), path)

    def save_state(self) -> dict[str, Any]:
        return {"picture": self.pictures.save_state(), "aim": self.target_class}

    def restore_state(self, state: dict[str, Any]) -> None:
        """The aim; the picture is chosen once its pool is there."""
        at = self.aim.findData(state.get("aim"))
        if at >= 0 and not isinstance(state.get("aim"), bool):
            self.aim.setCurrentIndex(at)

    def close_stage(self) -> None:
        """The window goes."""
        self.scrubber.pause()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _build(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._four = QWidget()
        self._four_grid = QGridLayout(self._four)
        self._four_grid.setContentsMargins(0, 0, 0, 0)
        self._four_grid.setSpacing(GRID)
        for view in (self.clean, self.attacked, self.change, self.spectrum):
            view.setMinimumSize(100, 130)
        self._right = QWidget()
        column = QVBoxLayout(self._right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        head = QHBoxLayout()
        head.addWidget(label("Verdicts", "strong"))
        head.addStretch(1)
        head.addWidget(label("aim", "small", muted=True))
        head.addWidget(self.aim)
        column.addLayout(head)
        column.addWidget(self.board)
        column.addStretch(1)
        self.pictures.setMinimumHeight(210)
        self.pictures.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._source = QWidget()
        source = QVBoxLayout(self._source)
        source.setContentsMargins(0, 0, 0, 0)
        source.setSpacing(GRID // 2)
        source.addWidget(self.stale)
        source.addWidget(self.pictures, 1)
        self._steps = QWidget()
        below = QVBoxLayout(self._steps)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(GRID // 2)
        below.addWidget(self.scrubber)
        below.addWidget(self.player, 1)
        content = QWidget()
        self._grid = QGridLayout(content)
        self._grid.setContentsMargins(GRID, GRID // 2, GRID, GRID)
        self._grid.setSpacing(GRID)
        self._arranged: tuple[bool, bool] | None = None
        self.setWidget(content)
        self._arrange()

    def _arrange(self) -> None:
        width = self.viewport().width()
        wide, strip = width >= WIDE, width >= 1.35 * WIDE
        if (wide, strip) == self._arranged:
            return
        self._arranged = (wide, strip)
        for i, view in enumerate((self.clean, self.attacked, self.change, self.spectrum)):
            self._four_grid.addWidget(view, i // (4 if strip else 2), i % (4 if strip else 2))
        parts = (self._four, self._right, self._steps, self._source, self.status)
        for part in parts:
            self._grid.removeWidget(part)
        places = (
            ((self._four, 0, 0, 3), (self._right, 0, 3, 2), (self.status, 1, 0, 5), (self._source, 2, 0, 2),
             (self._steps, 2, 2, 3))
            if wide else
            ((self._four, 0, 0, 5), (self.status, 1, 0, 5), (self._right, 2, 0, 5), (self._steps, 3, 0, 5),
             (self._source, 4, 0, 5))
        )  # fmt: skip
        for part, row, column, span in places:
            self._grid.addWidget(part, row, column, 1, span)
        for row in range(5):
            self._grid.setRowStretch(row, {0: 4, 2: 5}.get(row, 0) if wide else 0)
        for column in range(5):
            self._grid.setColumnStretch(column, 1)


def _nobody() -> Verdicts:
    """Verdicts of no model."""
    none = np.zeros((0, 1))
    return Verdicts((), (), (), none.astype(np.int64), none, none, np.zeros(0, np.int64), np.zeros(0, bool))


def _title(source: str) -> str:
    """What a source of pictures is called in a sentence."""
    if source == DRAWING:
        return "your drawing"
    return data.status(source).entry.title if source in SOURCES else f"“{Path(source).name}”"
