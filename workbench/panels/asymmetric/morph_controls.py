"""The morph desk's controls: where to, how far, in how many steps, and from which beginning."""

from __future__ import annotations

from typing import Any, Final, Literal

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPushButton, QSpinBox, QWidget

from engines.vision.nets.models import ModelInfo
from workbench.panels.asymmetric.radius import RadiusSlider
from workbench.theme import GRID
from workbench.widgets.basics import label, set_enabled

Kind = Literal["morph", "noise", "rubbish"]
TIPS: Final = {
    "target": "The class whose logit is raised: its detector's on the left, the twin's on the right",
    "eps": "How far each pixel may move (l∞), or all together (l2), in pixels of [0, 1]",
    "steps": "Steps of the attack, each 2.5 ε / steps long",
    "noise": "Begin with noise of the mean and covariance of the class's training images, and climb its logit",
    "rubbish": "One image of Gaussian noise, moved without any bound: does the model end at a digit, or at rubbish?",
    "back": "Push the picture again, within ε",
}
FREE: Final = "Noise is moved freely; go back to the picture to set it"
USUAL_TARGET: Final = 7


class MorphControls(QWidget):
    """changed: another class; slid: ε or the steps, so older pictures still serve; asked_for(kind): a beginning.

    target: the list of classes; ball: the radius; steps: of the attack; noise, rubbish, back: buttons.
    """

    changed = Signal()
    slid = Signal()
    asked_for = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._classes: tuple[str, ...] = ()
        self.target = QComboBox()
        self.target.setMinimumContentsLength(4)
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.ball = RadiusSlider(TIPS["eps"])
        self.steps = QSpinBox()
        self.steps.setRange(1, 500)
        self.steps.setValue(60)
        self.steps.setSuffix(" steps")
        for widget, name, tip in ((self.target, "Target class", "target"), (self.steps, "Steps", "steps")):
            widget.setAccessibleName(name)
            widget.setToolTip(TIPS[tip])
        self.noise, self.rubbish = QPushButton("Noise to image"), QPushButton("Rubbish test")
        self.back = QPushButton("Back to the picture")
        self.noise.setToolTip(TIPS["noise"])
        self.rubbish.setToolTip(TIPS["rubbish"])
        self._buttons = QWidget()
        line = QHBoxLayout(self._buttons)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GRID // 2)
        for button in (self.noise, self.rubbish, self.back):
            line.addWidget(button)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GRID // 2)
        first = (label("Towards", "small", muted=True), self.target, self.ball, self.steps)
        for at, control in enumerate(first):
            self._grid.addWidget(control, 0, at)
        self._grid.setColumnStretch(first.index(self.ball), 1)
        self._columns = len(first)
        self.place(wide=True)
        self.target.activated.connect(lambda _: self.changed.emit())
        self.ball.moved.connect(self.slid)
        self.steps.valueChanged.connect(lambda _: self.slid.emit())
        for button, kind in ((self.noise, "noise"), (self.rubbish, "rubbish"), (self.back, "morph")):
            button.clicked.connect(lambda _=False, kind=kind: self.asked_for.emit(kind))
        self.show_kind("morph")

    def set_bank(self, bank: ModelInfo) -> None:
        """Other detectors: their ball and classes. Emits nothing."""
        self.ball.set_bank(bank)
        if bank.classes == self._classes:
            return
        self._classes = bank.classes
        kept = self.target.currentIndex()
        with QSignalBlocker(self.target):
            self.target.clear()
            self.target.addItems(list(bank.classes))
            usual = min(USUAL_TARGET, len(bank.classes) - 1)
            self.target.setCurrentIndex(kept if 0 <= kept < len(bank.classes) else usual)

    def leave(self, label_of: int) -> None:
        """Aim at the next class where the target is the picture's own: there would be no way to go."""
        if label_of >= 0 and self.target.currentIndex() == label_of:
            with QSignalBlocker(self.target):
                self.target.setCurrentIndex((label_of + 1) % max(self.target.count(), 1))

    def show_kind(self, kind: str) -> None:
        """Which controls mean something now."""
        is_morph = kind == "morph"
        set_enabled(self.ball.slider, "" if is_morph else FREE, TIPS["eps"])
        set_enabled(self.steps, "" if is_morph else FREE, TIPS["steps"])
        set_enabled(self.back, "The picture is shown already" if is_morph else "", TIPS["back"])

    def place(self, *, wide: bool) -> None:
        """The buttons beside the rest, or below it."""
        self._grid.removeWidget(self._buttons)
        if wide:
            self._grid.addWidget(self._buttons, 0, self._columns)
        else:
            self._grid.addWidget(self._buttons, 1, 0, 1, self._columns)

    def save_state(self) -> dict[str, Any]:
        return {"target": self.target.currentIndex(), "eps": self.ball.radius, "steps": self.steps.value()}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Take up what fits. Emits nothing."""
        target, steps = state.get("target"), state.get("steps")
        with QSignalBlocker(self.target), QSignalBlocker(self.steps):
            if isinstance(target, int) and 0 <= target < self.target.count():
                self.target.setCurrentIndex(target)
            if isinstance(steps, int) and not isinstance(steps, bool):
                self.steps.setValue(steps)
        self.ball.restore(state.get("eps"))
