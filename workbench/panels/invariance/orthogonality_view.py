"""The orthogonality tab: do adversarial changes of images point where their turns do?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QSlider, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.invariance.results import OrthogonalityResult
from engines.invariance.spec import OrthogonalitySpec
from workbench.panels.base import Export
from workbench.panels.invariance.choices import source_name
from workbench.panels.invariance.map_board import MapBoard, Row, Tile
from workbench.panels.invariance.tradeoff import restore_form
from workbench.panels.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, number, percent
from workbench.widgets.exports import save_tables
from workbench.widgets.matrix_view import MatrixView
from workbench.widgets.plots import Plot
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from pathlib import Path

    from engines.vision.nets.models import ModelInfo
    from workbench.panels.invariance.panel import InvariancePanel
    from workbench.runner import JobHandle

SHOWN: Final = 6
"""Directions drawn as pictures."""


class OrthogonalityView(Stage):
    """Run compares the two sets of directions for one model; the k slider reads the first k without measuring anew."""

    run_text = "Compare directions"
    panel: InvariancePanel

    def __init__(self, panel: InvariancePanel) -> None:
        super().__init__(panel)
        theme = panel.services.theme
        self.result: OrthogonalityResult | None = None
        self._titles: dict[str, str] = {}
        self.form: SpecForm[OrthogonalitySpec] = SpecForm(
            OrthogonalitySpec, leave_out=("model", "data"), choices={"device": panel.services.devices},
            preset=panel.services.settings.preset,
        )  # fmt: skip
        self.status = ElidedLabel("Do attacks change images in the directions in which small turns do?")
        self.model = QComboBox()
        self.model.setAccessibleName("Model whose directions are compared")
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.setMinimumContentsLength(14)
        self.k = QSlider(Qt.Orientation.Horizontal)
        self.k.setRange(1, 20)
        self.k.setValue(10)
        self.k.setAccessibleName("Directions that count, k")
        self.k.setToolTip("How many of the strongest directions are compared")
        self.k_text = label("k = 10", "small")
        self.board = MapBoard(theme, "Directions as pictures", empty="The directions appear here as pictures")
        self.matrix = MatrixView(
            theme, "Cosines of directions", row_title="adversary", column_title="turn", shown="number", square=True,
            empty="Nothing compared yet",
        )  # fmt: skip
        self.overlap = Plot(theme, title="Overlap", x="first k directions", y="overlap")
        self.cosines = Plot(theme, title="Image by image", x="|cos| of the two changes", y="images")
        self.angles = Plot(theme, title="Principal angles", x="number", y="angle", y_unit="°", legend=False)
        self.verdict = label("", wrap=True)
        self.k.valueChanged.connect(lambda _: self._read())
        theme.changed.connect(lambda _: self._draw())
        self._build()

    # -- stage ------------------------------------------------------------------------------------------------

    def set_models(self, infos: list[ModelInfo]) -> None:
        """Offer the ticked models."""
        before = self.model.currentData()
        self._titles |= {info.name: info.title for info in infos}
        with QSignalBlocker(self.model):
            self.model.clear()
            for info in infos:
                self.model.addItem(info.title, info.name)
            self.model.setCurrentIndex(max(self.model.findData(before), 0) if infos else -1)

    def start(self) -> None:
        """Raises UserError where model or images do not fit."""
        name = self.model.currentData()
        if not name:
            raise UserError("no model is ticked", "tick one on the left")
        spec = self.form.read().changed(model=name, data=self.panel.source_text())
        self.take(self.panel.start("invariance.orthogonality", spec))
        self.status.setText("Attacking, turning, and finding directions…")

    def show_end(self, handle: JobHandle) -> None:
        if handle.state == "done":
            self.result = handle.result
            with QSignalBlocker(self.k):
                self.k.setRange(1, len(handle.result.overlap))
            self._draw()
            self.status.setText(_summary(handle.result, self._titles.get(handle.result.model, handle.result.model)))
        elif handle.state == "cancelled":
            self.status.setText("Stopped.")
        elif handle.error is not None:
            self.status.setText(handle.error.what)

    def save_state(self) -> dict[str, Any]:
        return {"form": self.form.save_state(), "k": self.k.value()}

    def restore_state(self, state: dict[str, Any]) -> None:
        restore_form(self.form, state.get("form"))
        if isinstance(state.get("k"), int) and not isinstance(state["k"], bool):
            self.k.setValue(state["k"])

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self.result is not None else "Compare directions first."

        return [
            Export("directions-csv", "Overlaps, cosines and points as CSV", ".csv", self._write, none),
            Export("directions-png", "Directions as PNG", ".png", self.board.save, none),
            Export("cosines-png", "Heat map as PNG", ".png", self.matrix.save, none),
            Export("overlap-png", "Overlap as PNG", ".png", self.overlap.save, none),
        ]

    def _write(self, path: Path) -> str:
        assert self.result is not None
        return f"Saved {', '.join(p.name for p in save_tables(self.result.to_tables(), path))}"

    # -- showing ----------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        result = self.result
        if result is None:
            return
        count = min(SHOWN, len(result.overlap))
        rows = tuple(
            Row(title, tuple(Tile(picture, "difference") for picture in pictures[:count]))
            for title, pictures in (
                ("Adversarial changes", result.adversarial),
                (f"Turns by {result.angle:g}°", result.turning),
                ("Differences of two images (baseline)", result.data),
            )
        )
        limit = max(float(np.abs(p[:count]).max()) for p in (result.adversarial, result.turning, result.data))
        self.board.set_rows(rows, tuple(str(n + 1) for n in range(count)), limit=0.7 * limit)
        x = np.arange(1, len(result.overlap) + 1)
        plot = self.overlap
        plot.set_curve("ours", x, result.overlap, name="attack and turn", colour=0, style="line and points")
        for row, (name, colour) in enumerate((("attack and data", 1), ("turn and data", 2))):
            spread = result.data_spread[row]
            plot.set_band(f"{name} spread", x, result.data_overlap[row] - spread, result.data_overlap[row] + spread,
                          name=None, colour=colour)  # fmt: skip
            plot.set_curve(name, x, result.data_overlap[row], name=name, colour=colour)
        plot.set_curve("chance", x, result.chance_overlap, name="chance", colour=6, style="dashed")
        top = max(float(result.overlap.max()), float(result.data_overlap.max()), 0.05)
        plot.set_range(x=(0.5, len(x) + 0.5), y=(0.0, min(1.0, 1.1 * top)))
        edges = np.linspace(0.0, 1.0, 26)
        middles = (edges[1:] + edges[:-1]) / 2
        for key, values, name, colour in (
            ("points", result.point_cosines, "attack and turn", 0), ("data", result.data_cosines, "attack and data", 1),
        ):  # fmt: skip
            counts = np.histogram(np.abs(values), edges)[0]
            self.cosines.set_curve(key, middles, counts, name=name, colour=colour, style="steps")
        self.cosines.set_mark("chance", result.chance_cosine, colour="muted")
        self.cosines.set_mark("effective", result.effective_cosine, text="random", colour="accent")
        self.cosines.set_range(x=(0.0, 1.0))
        self._read()

    def _read(self) -> None:
        """The first k."""
        k = self.k.value()
        self.k_text.setText(f"k = {k}")
        result = self.result
        if result is None:
            return
        k = min(k, len(result.overlap))
        heads = [str(n + 1) for n in range(k)]
        self.matrix.set_headers(heads, heads)
        self.matrix.set_range(0.0, 1.0)
        self.matrix.set_values(result.cosines[:k, :k])
        shown = _angles(result, k)
        self.angles.clear()
        self.angles.set_bars("angles", np.arange(1, len(shown) + 1), shown, name="principal angle", colour=0)
        self.angles.set_range(x=(0.5, len(shown) + 0.5), y=(0.0, 90.0))
        ours, data = float(result.overlap[k - 1]), result.data_overlap[:, k - 1]
        chance = float(result.chance_overlap[k - 1])
        self.overlap.set_mark("k", float(k), text=f"k = {k}")
        if ours < data.min():
            word = "further from each other than from differences of images"
        elif ours > data.max():
            word = "nearer to each other than to differences of images"
        else:
            word = "about as near to each other as to differences of images"
        self.verdict.setText(
            f"The first {k} directions overlap by {percent(ours)}: chance alone gives {percent(chance)}, "
            f"differences of images {percent(float(data[0]))} with the attacks and {percent(float(data[1]))} with the "
            f"turns. Attacks and turns are {word}. Image by image, lines mark the mean |cos| of random changes: "
            f"{number(result.chance_cosine, 2)} in {result.dimension} dimensions, "
            f"{number(result.effective_cosine, 2)} in the {result.effective_dimension:.0f} that images fill."
        )

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(label("Model", "small"))
        head.addWidget(self.model, 2)
        head.addWidget(self.k_text)
        head.addWidget(self.k, 1)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(label("Directions, strongest first", "strong"))
        column.addWidget(self.board, 1)
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(GRID // 2)
        beside.addWidget(label("|cos| of each pair", "strong"))
        beside.addWidget(self.matrix, 1)
        above = QSplitter(Qt.Orientation.Horizontal)
        above.setChildrenCollapsible(False)
        above.addWidget(left)
        above.addWidget(right)
        above.setSizes([440, 340])
        below = QWidget()
        grid = QGridLayout(below)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        for column_number, plot in enumerate((self.overlap, self.cosines, self.angles)):
            plot.setMinimumHeight(150)
            grid.addWidget(plot, 0, column_number)
            grid.setColumnStretch(column_number, 1)
        rows = QSplitter(Qt.Orientation.Vertical)
        rows.setChildrenCollapsible(False)
        rows.addWidget(above)
        rows.addWidget(below)
        rows.setSizes([380, 230])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        whole.setSpacing(GRID // 2)
        whole.addWidget(self.status)
        whole.addLayout(head)
        whole.addWidget(rows, 1)
        whole.addWidget(self.verdict)


def _angles(result: OrthogonalityResult, k: int) -> np.ndarray:
    """Principal angles of the first k directions in degrees, from the pictures themselves: the heat map has lost the
    signs."""
    frames = [pictures[:k].reshape(k, -1).astype(np.float64) for pictures in (result.adversarial, result.turning)]
    values = np.linalg.svd(frames[0] @ frames[1].T, compute_uv=False)
    return np.degrees(np.arccos(np.clip(values, 0.0, 1.0)))


def _summary(result: OrthogonalityResult, title: str) -> str:
    """In a line; title: of the model."""
    lost = f"; {result.left_out} images that nothing changed are left out" if result.left_out else ""
    return (
        f"{title} on {len(result.point_cosines)} images of {source_name(result.source)}; "
        f"PGD at ε {result.eps:.3g} fooled {percent(result.fooled)}; the images fill "
        f"{number(result.effective_dimension)} of {result.dimension} dimensions{lost}."
        + "".join(f" {note}" for note in result.notes)
    )
