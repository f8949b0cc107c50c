"""The radius ε of the ball: a slider for the live tabs, and how far the sliders of forms go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from workbench.theme import GRID
from workbench.widgets.basics import label
from workbench.widgets.editors import NumberEditor
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from engines.vision.nets.models import ModelInfo

STOPS: Final = 200
FORM_REACH: Final = {"linf": 1.0, "l2": 10.0}
"""Where a form's slider ends: a pixel cannot move farther than 1, and 10 is a third of the way through 28×28."""
USUAL: Final = 0.3


class RadiusSlider(QWidget):
    """ε in pixels of [0, 1]. norm: "linf" or "l2", as the detectors were trained. `moved`: the user, or `set_radius`,
    changed it."""

    moved = Signal()

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.norm = "linf"
        self.most = 0.6
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STOPS)
        self.slider.setMinimumWidth(80)
        self.slider.setAccessibleName("Radius ε")
        self.slider.setToolTip(tip)
        self.text = label("", "small")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(self.slider, 1)
        row.addWidget(self.text)
        self.setFocusProxy(self.slider)
        self.slider.valueChanged.connect(lambda _: self._moved())
        self._say()

    @property
    def radius(self) -> float:
        return self.most * self.slider.value() / STOPS

    def set_radius(self, eps: float) -> None:
        """Move the slider as near to ε as its stops allow."""
        self.slider.setValue(round(eps / self.most * STOPS))

    def set_bank(self, bank: ModelInfo) -> None:
        """Go to the radius of these detectors' training, with room beyond it. Emits nothing."""
        self.norm = str(bank.metrics.get("norm", "linf"))
        eps = bank.metrics.get("eps", USUAL)
        eps = float(eps) if isinstance(eps, (int, float)) and eps > 0 else USUAL
        self.most = max(0.6, 1.5 * eps) if self.norm == "linf" else 2 * eps
        with QSignalBlocker(self.slider):
            self.slider.setValue(max(1, round(eps / self.most * STOPS)))
        self._say()

    def restore(self, eps: object) -> None:
        """Take up a saved radius; what is none, or too large, changes nothing. Emits nothing."""
        if isinstance(eps, (int, float)) and not isinstance(eps, bool) and 0 <= eps <= self.most:
            with QSignalBlocker(self.slider):
                self.set_radius(float(eps))
            self._say()

    def _moved(self) -> None:
        self._say()
        self.moved.emit()

    def _say(self) -> None:
        is_linf = self.norm == "linf"
        self.text.setText(f"ε {self.radius:.3f} (l∞)" if is_linf else f"ε {self.radius:.2f} (l2)")


def keep_reach(form: SpecForm[Any]) -> None:
    """Let the slider of a form's ε end where balls of its norm are usual; larger radii are typed."""

    def fit() -> None:
        editor = form.editor("eps")
        if isinstance(editor, NumberEditor):
            editor.set_reach(FORM_REACH.get(str(form.values().get("norm")), FORM_REACH["l2"]))

    form.changed.connect(lambda _: fit())
    fit()
