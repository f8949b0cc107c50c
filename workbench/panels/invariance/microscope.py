"""The boundary microscope: a plane through the image, coloured by the class that a model names there."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from engines.invariance.results import PlaneSlice
from engines.invariance.snapshots import SliceRequest
from workbench.theme import GRID, Theme, font, set_role
from workbench.widgets.basics import ElidedLabel, label, number, percent
from workbench.widgets.field_view import FieldView

SIZE: Final = 49
ASK_MS: Final = 60
"""Between two requests while a slider is dragged."""
U, V = "along the adversary", "along the turn"


class SliceField(FieldView):
    """A `PlaneSlice` as regions, with the image in the middle, the adversary, the turn and DeepFool's way out."""

    def __init__(self, theme: Theme, name: str = "Slice through the decision regions") -> None:
        super().__init__(theme, name, x=U, y=V, x_unit="px", y_unit="px", legend=False)

    def show_slice(self, found: PlaneSlice) -> None:
        """Draw a slice."""
        reach = found.extent * (1 + 1 / len(found.classes))  # the outermost samples are the middles of cells
        self.set_extent(-reach, reach, -reach, reach)
        sure = 1 - np.exp(-np.maximum(found.margin, 0.0) / 2)
        self.set_classes(found.classes, found.names, sure)
        self.set_handle("image", 0.0, 0.0, colour="text", movable=False)
        for key, point, text in (("adversary", found.adversary, "attacked"), ("turned", found.turned, "turned 10°")):
            if np.abs(point).max() <= reach:
                self.set_handle(key, *point, text=text, colour="text", movable=False, size=3.0)
            else:
                self.remove(key)
        if np.isfinite(found.distance):
            self.set_arrow("deepfool", (0.0, 0.0), found.arrow[:2], name="DeepFool", colour="text", width=2.5)
        else:
            self.remove("deepfool")


def arrow_text(found: PlaneSlice) -> str:
    """DeepFool's distance in words."""
    if not np.isfinite(found.distance):
        return "DeepFool: looking, or it never flips"
    seen = min(float(np.hypot(*found.arrow[:2])) / found.distance, 1.0) if found.distance else 1.0
    return f"DeepFool: {number(found.distance)} px to the boundary; {percent(seen, 0)} of it lies in this plane"


class Microscope(QWidget):
    """Asks for slices with `requested(SliceRequest)`; `show_slice` draws what came, coarse first."""

    requested = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.shown: PlaneSlice | None = None
        self.model = QComboBox()
        self.model.setAccessibleName("Model whose decision regions are shown")
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.setMinimumContentsLength(8)
        self.extent, self._extent_text = _slider(5, 120, 40, "Half the side of the slice, Euclidean, in tenths")
        self.eps, self._eps_text = _slider(1, 60, 20, "Strength of the attack that gives the direction, in 1/200")
        self.field = SliceField(theme)
        self.field.set_note("The slice comes with the first picture")
        self.said = small_line()
        self.said.setAccessibleName("Distance to the boundary")
        self._later = QTimer(self, singleShot=True, interval=ASK_MS)
        self._later.timeout.connect(self._ask_moved)
        self._has_moved = False
        self.model.activated.connect(lambda _: self.ask())
        for slider in (self.extent, self.eps):
            slider.valueChanged.connect(lambda _: self._moved())
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID // 2)
        grid.addWidget(self.model, 0, 0, 1, 6)
        for column, (text, slider, value) in enumerate(
            (("Reach", self.extent, self._extent_text), ("Attack ε", self.eps, self._eps_text))
        ):
            caption = QLabel(text)
            caption.setBuddy(slider)
            grid.addWidget(caption, 1, 3 * column)
            grid.addWidget(slider, 1, 3 * column + 1)
            grid.addWidget(value, 1, 3 * column + 2)
            grid.setColumnStretch(3 * column + 1, 1)
        head = QHBoxLayout()
        head.addWidget(label("Boundary microscope", "strong"))
        head.addStretch(1)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(GRID // 2)
        rows.addLayout(head)
        rows.addLayout(grid)
        rows.addWidget(self.field, 1)
        rows.addWidget(self.said)
        self._write()

    # -- what is asked ----------------------------------------------------------------------------------------

    def set_models(self, models: list[tuple[str, str]], preferred: str = "") -> bool:
        """Offer these (name, title); says whether another one is chosen now."""
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
            self.show_problem("Tick a model")
        return self.model.currentData() != before

    def request(self) -> SliceRequest | None:
        """What is wanted now, None without a model."""
        name = self.model.currentData()
        return SliceRequest(name, self.extent.value() / 10, SIZE, self.eps.value() / 200) if name else None

    def ask(self) -> None:
        wanted = self.request()
        if wanted is not None:
            self.requested.emit(wanted)

    def _moved(self) -> None:
        """The first move is asked at once; while the hand goes on, the newest place every ASK_MS."""
        self._write()
        self._has_moved = True
        if not self._later.isActive():
            self._ask_moved()

    def _ask_moved(self) -> None:
        if self._has_moved:
            self._has_moved = False
            self.ask()
            self._later.start()

    def _write(self) -> None:
        self._extent_text.setText(f"{self.extent.value() / 10:.1f} px")
        self._eps_text.setText(f"{self.eps.value() / 200:.3g}")

    def close(self) -> bool:
        self._later.stop()
        return super().close()

    def save_state(self) -> dict[str, object]:
        return {"extent": self.extent.value(), "eps": self.eps.value()}

    def restore_state(self, state: dict[str, object]) -> None:
        for name, slider in (("extent", self.extent), ("eps", self.eps)):
            value = state.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                with QSignalBlocker(slider):
                    slider.setValue(value)
        self._write()

    # -- what came --------------------------------------------------------------------------------------------

    def show_problem(self, text: str) -> None:
        """Say why there is no slice."""
        self.shown = None
        self.field.clear_field()
        self.field.clear_marks()
        self.field.set_note(text)
        self.said.setText(text)

    def show_slice(self, found: PlaneSlice) -> None:
        """Draw it, unless another model was chosen meanwhile."""
        if found.model != self.model.currentData():
            return
        self.shown = found
        self.field.show_slice(found)
        self.said.setText(f"Named {found.names[found.label]} in the middle. {arrow_text(found)}.")


def small_line() -> ElidedLabel:
    """A muted line of small text that ends in "…" where there is no room. Text that wraps would ask for more height
    than the whole view has."""
    made = ElidedLabel()
    made.setFont(font("small"))
    set_role(made, "muted")
    return made


def _slider(low: int, high: int, value: int, help_text: str) -> tuple[QSlider, QLabel]:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(low, high)
    slider.setValue(value)
    slider.setAccessibleName(help_text)
    slider.setToolTip(help_text)
    text = label("", "small", muted=True)
    text.setMinimumWidth(52)
    return slider, text
