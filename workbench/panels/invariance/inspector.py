"""The equivariance inspector: feature maps of one channel upright and turned, and how far they are from an exact
quarter turn of each other."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engines.invariance.snapshots import Inspection, InspectRequest
from workbench import icons
from workbench.panels.invariance.map_board import MapBoard, Row, Tile
from workbench.panels.invariance.microscope import small_line
from workbench.theme import GRID, Theme, set_role
from workbench.widgets.basics import label, number, repolish

ANGLES: Final = ("0°", "90°", "180°", "270°")


class Inspector(QWidget):
    """Asks for feature maps with `requested(InspectRequest)`; `show_inspection` draws what came.

    Turn 90° turns the input by one quarter more; the maps of an equivariant network turn with it and change places.
    """

    requested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._turns = 1
        self.shown: Inspection | None = None
        self.model = QComboBox()
        self.model.setAccessibleName("Model whose feature maps are shown")
        self.model.setToolTip("Networks with convolutions have feature maps")
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.setMinimumContentsLength(8)
        self.stage = QComboBox()
        self.stage.setAccessibleName("Stage of the network")
        self.stage.setToolTip("After which stage of the network the maps are taken")
        self.channel = QSpinBox()
        self.channel.setPrefix("channel ")
        self.channel.setAccessibleName("Channel")
        self.channel.setToolTip("Which of the stage's channels is shown; the residual counts all of them")
        self.turn_button = QPushButton("Turn 90°")
        self.turn_button.setIcon(icons.icon("rotate"))
        self.turn_button.setToolTip("Turn the input by a quarter, counter-clockwise (T)")
        self.odd = QCheckBox("Odd size")
        self.odd.setToolTip(
            "Add one row and one column to the image: pooling then cuts another edge of the turned image, and the "
            "symmetry breaks"
        )
        self.board = MapBoard(theme, "Feature maps", empty="Tick a convolutional model")
        self.residual = label("", "strong")
        self.residual.setAccessibleName("Residual")
        self.note = small_line()
        self.model.activated.connect(lambda _: self._model_chosen())
        self.stage.activated.connect(lambda _: self.ask(keep_channel=False))
        self.channel.valueChanged.connect(lambda _: self.ask())
        self.odd.toggled.connect(lambda _: self.ask())
        self.turn_button.clicked.connect(self.turn)
        grid = QGridLayout()
        grid.setSpacing(GRID // 2)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.model, 0, 0, 1, 2)
        grid.addWidget(self.stage, 0, 2)
        grid.addWidget(self.channel, 1, 0)
        grid.addWidget(self.odd, 1, 1)
        grid.addWidget(self.turn_button, 1, 2)
        grid.setColumnStretch(1, 1)
        head = QHBoxLayout()
        head.addWidget(label("Equivariance inspector", "strong"))
        head.addStretch(1)
        head.addWidget(self.residual)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(head)
        rows.addLayout(grid)
        rows.addWidget(self.board, 1)
        rows.addWidget(self.note)

    # -- what is asked ----------------------------------------------------------------------------------------

    def set_models(self, models: list[tuple[str, str]], preferred: str = "") -> bool:
        """Offer these (name, title); the choice stays if it can, else `preferred` or the first. Says whether another
        one is chosen now."""
        before = self.model.currentData()
        with QSignalBlocker(self.model):
            self.model.clear()
            for name, title in models:
                self.model.addItem(title, name)
            at = self.model.findData(before)
            if at < 0:
                at = max(self.model.findData(preferred), 0)
            if models:
                self.model.setCurrentIndex(at)
        if not models:
            self.shown = None
            self.board.set_empty("Tick a convolutional model")
            self.residual.setText("")
        elif self.shown is None:
            self.board.set_empty("The maps come with the first picture")
        return self.model.currentData() != before

    def request(self) -> InspectRequest | None:
        """What is wanted now, None without a model."""
        name = self.model.currentData()
        if not name:
            return None
        return InspectRequest(
            name, self.stage.currentData() or "", self.channel.value(), self._turns, self.odd.isChecked()
        )

    def turn(self) -> None:
        """One quarter more."""
        self._turns = (self._turns + 1) % 4
        self.ask()

    def ask(self, *, keep_channel: bool = True) -> None:
        """Ask for what the controls say."""
        if not keep_channel:
            with QSignalBlocker(self.channel):
                self.channel.setValue(0)
        wanted = self.request()
        if wanted is not None:
            self.requested.emit(wanted)

    def _model_chosen(self) -> None:
        with QSignalBlocker(self.stage):
            self.stage.clear()
        self.ask(keep_channel=False)

    def save_state(self) -> dict[str, object]:
        return {"model": self.model.currentData() or "", "channel": self.channel.value(), "odd": self.odd.isChecked()}

    # -- what came --------------------------------------------------------------------------------------------

    def show_problem(self, text: str) -> None:
        """Say why there are no maps."""
        self.shown = None
        self.board.set_empty(text)
        self.residual.setText("")
        self.note.setText("")

    def show_inspection(self, found: Inspection) -> None:
        """Draw maps and residual."""
        if found.model != self.model.currentData():
            return
        self.shown = found
        self._follow(found)
        degrees = 90 * found.turns
        group = len(found.before)
        last = f" of {found.group} rotations" if found.group == 4 else " of 8 rotations and mirrors"
        gap = found.after - found.expected
        if group > 1:
            self._draw_group(found, gap, degrees)
        else:
            tiles = (
                Tile(found.image, "picture", "the input"),
                Tile(found.before[0]),
                Tile(found.turned, "picture", f"the input turned by {degrees}°"),
                Tile(found.after[0]),
                Tile(gap[0], "difference"),
            )
            heads = ("input", "its map", f"turned {degrees}°", "its map", "difference")
            self.board.set_rows((Row("An ordinary network: one map a channel", tiles),), heads)
        kind = "ok" if found.is_equivariant else "error"
        word = "equivariant" if found.is_equivariant else "broken" if group > 1 else "not equivariant"
        self.residual.setText(f"residual {number(found.relative, 2)}  {word}")
        set_role(self.residual, kind)
        repolish(self.residual)
        own = f"This channel has a map for each{last}; the frame is where the first has gone. " if group > 1 else ""
        self.note.setText(
            f"{own}Residual: largest difference over all {found.channels} channels, by the largest value; "
            "rounding leaves about 10⁻⁷."
        )

    def _draw_group(self, found: Inspection, gap: np.ndarray, degrees: int) -> None:
        """A map for each element of the group: upright, turned, and what is left of their difference."""
        rows = (
            Row("Upright", (Tile(found.image, "picture", "the input"), *(Tile(v) for v in found.before))),
            Row(
                f"Input turned by {degrees}°",
                (
                    Tile(found.turned, "picture", f"the input turned by {degrees}°"),
                    *(Tile(v, outlined=i == found.turns) for i, v in enumerate(found.after)),
                ),
            ),
            Row(
                "Less the upright maps, turned and moved on",
                (Tile(0 * found.turned, "difference", "no difference"), *(Tile(v, "difference") for v in gap)),
            ),
        )
        self.board.set_rows(rows, ("input", *_heads(found.group)))

    def _follow(self, found: Inspection) -> None:
        """Controls say what was answered."""
        with QSignalBlocker(self.stage), QSignalBlocker(self.channel):
            known = [self.stage.itemData(i) for i in range(self.stage.count())]
            if known != list(found.stages):
                self.stage.clear()
                for name in found.stages:
                    self.stage.addItem(name, name)
            self.stage.setCurrentIndex(self.stage.findData(found.stage))
            self.channel.setRange(0, found.channels - 1)
            self.channel.setValue(found.channel)


def _heads(group: int) -> tuple[str, ...]:
    return ANGLES if group == 4 else (*ANGLES, *(f"⇋ {angle}" for angle in ANGLES))
