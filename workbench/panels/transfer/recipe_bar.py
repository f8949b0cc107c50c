"""The strip above the work: which recipe, from which model, how strong, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QPushButton, QSlider, QSpinBox, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.transfer.spec import RecipeSpec
from engines.vision.attacks.recipe import RECIPES
from workbench.commands import later
from workbench.panels.transfer.recipe_model import RecipeModel
from workbench.theme import GRID, Theme, set_role
from workbench.widgets.basics import ElidedLabel, label

STEPS: Final = 250
"""Positions of the ε slider."""
CHIPS: Final = (
    ("lookahead", "N", "Look-ahead", "N, Nesterov: take the gradient where the momentum leads (x + a·μ·g)"),
    ("scales", "S", "Scale copies", "S, scale invariance: add the gradients of copies at 1, 1/2, 1/4 …"),
    ("diverse", "D", "Random resize", "D, diverse inputs: resize and pad at random before each gradient"),
    ("smooth", "T", "Smooth gradient", "T, translation invariance: smooth the gradient with a Gaussian"),
)
WORDS_FROM: Final = 860
"""Width of the bar from which chips carry words."""
MIXTURE: Final = "Own mixture"


class RecipeBar(QFrame):
    """Edits a `RecipeModel`. source_changed(str): another white box was chosen, as a spec names it.
    refused(what, remedy): a number fits no attack."""

    source_changed = Signal(str)
    refused = Signal(str, str)

    def __init__(self, model: RecipeModel, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self.theme = model, theme
        self.setAccessibleName("Recipe")
        self.presets = QComboBox()
        self.presets.setAccessibleName("Named recipe")
        self.presets.setToolTip("A recipe of the literature; its parts light up beside it")
        self.presets.addItems([*RECIPES, MIXTURE])
        self.presets.activated.connect(self._chosen)
        self.chips: dict[str, QPushButton] = {}
        for field, letter, words, tip in CHIPS:
            chip = QPushButton(letter)
            chip.setCheckable(True)
            chip.setToolTip(tip)
            chip.setAccessibleName(words)
            chip.clicked.connect(later(self._toggled, field))
            self.chips[field] = chip
        self.name = label("", "strong")
        self.name.setAccessibleName("Name of the recipe")
        self.cost = ElidedLabel()
        set_role(self.cost, "muted")
        self.source = QComboBox()
        self.source.setAccessibleName("White box")
        self.source.setToolTip("The model that is attacked. All other ticked models only see the result")
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(11)  # “Small LeNet”
        self.source.activated.connect(lambda _: self.source_changed.emit(self.source.currentData() or ""))
        self.eps = QSlider(Qt.Orientation.Horizontal)
        self.eps.setRange(1, STEPS)
        self.eps.setPageStep(STEPS // 25)
        self.eps.setMinimumWidth(90)
        self.eps.setAccessibleName("ε, largest change of a pixel")
        self.eps.setToolTip("ε: no pixel changes by more than this; black to white is 1")
        self.eps.valueChanged.connect(self._slid)
        self.eps_text = label("", "small")
        self.steps = QSpinBox()
        self.steps.setRange(1, 200)
        self.steps.setPrefix("T ")
        self.steps.setAccessibleName("T, iterations")
        self.steps.setToolTip("T: iterations of the attack. One makes every recipe a single step")
        self.steps.setKeyboardTracking(False)
        self.steps.valueChanged.connect(lambda value: self._change(steps=value))
        self._words = False
        self._build()
        model.changed.connect(self.show_spec)
        self.show_spec(model.spec)

    def set_sources(self, sources: Sequence[tuple[str, str]], chosen: str) -> None:
        """Offer these white boxes (name as in a spec, title) and show the chosen one; tells nobody."""
        with QSignalBlocker(self.source):
            self.source.clear()
            for name, title in sources:
                self.source.addItem(title, name)
                self.source.setItemData(self.source.count() - 1, title, Qt.ItemDataRole.ToolTipRole)
            self.source.setCurrentIndex(max(self.source.findData(chosen), 0))
        self.source.setEnabled(bool(sources))
        self.source.setToolTip(
            "The model that is attacked. All other ticked models only see the result"
            if sources else "Tick a model on the left first"
        )  # fmt: skip

    def show_spec(self, spec: RecipeSpec) -> None:
        """Follow the model."""
        title, cost = self.model.title, self.model.passes
        for field, chip in self.chips.items():
            chip.setChecked(bool(getattr(spec, field)))
        with QSignalBlocker(self.presets), QSignalBlocker(self.steps), QSignalBlocker(self.eps):
            matching = self.model.matching()
            self.presets.setCurrentText(matching or MIXTURE)
            self.steps.setValue(spec.steps)
            self.eps.setValue(max(1, round(self.model.eps / self.model.most_eps * STEPS)))
        eps = self.model.eps
        self.eps_text.setText(f"ε {eps:.3f} = {eps * 255:.1f}/255")
        self.name.setText(title)
        self.name.setVisible(not matching)  # The list of recipes says it already.
        copies = spec.copies if spec.scales else 1
        each = f"{spec.steps}\u202f×\u202f{copies}" if copies > 1 else ""
        self.cost.setText(f"{cost} gradient pass{'es' if cost != 1 else ''} an image{f' ({each})' if each else ''}")

    # -- inside -----------------------------------------------------------------------------------------------

    def _toggled(self, field: str) -> None:
        values: dict[str, object] = {field: self.chips[field].isChecked()}
        spec = self.model.spec
        # A part that is switched on does something: with one copy, or with p = 0, it would not.
        if values[field]:
            extra: dict[str, dict[str, object]] = {
                "scales": {"copies": max(spec.copies, 2)},
                "diverse": {"di_p": spec.di_p or 0.5},
                "smooth": {"ti_kernel": max(spec.ti_kernel, 3)},
                "lookahead": {"mu": spec.mu or 1.0},
            }
            values |= extra[field]
        self._change(**values)

    def _chosen(self, index: int) -> None:
        title = self.presets.itemText(index)
        if title in RECIPES:
            self.model.choose(title)
        self.show_spec(self.model.spec)

    def _slid(self, place: int) -> None:
        self._change(eps=round(place / STEPS * self.model.most_eps, 6))

    def _change(self, **values: object) -> None:
        try:
            self.model.change(**values)
        except UserError as error:
            self.refused.emit(error.what, error.remedy)
            self.show_spec(self.model.spec)

    def _build(self) -> None:
        self._first, self._second = QHBoxLayout(), QHBoxLayout()
        for row in (self._first, self._second):
            row.setSpacing(GRID // 2)
        self._first.addWidget(self.presets)
        self._first.addSpacing(GRID // 2)
        for chip in self.chips.values():
            self._first.addWidget(chip)
        self._first.addSpacing(GRID)
        self._first.addWidget(self.name)
        self._first.addWidget(self.cost, 1)
        box = label("White box", "small", muted=True)
        box.setBuddy(self.source)
        self._second.addWidget(box)
        self._second.addWidget(self.source, 1)
        self._second.addSpacing(GRID)
        self._second.addWidget(self.eps, 2)
        self._second.addWidget(self.eps_text)
        self._second.addSpacing(GRID)
        self._second.addWidget(self.steps)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        rows.setSpacing(GRID // 2)
        rows.addLayout(self._first)
        rows.addLayout(self._second)
        self._settle()

    def _settle(self) -> None:
        self._words = self.width() >= WORDS_FROM
        metrics = self.fontMetrics()
        for field, letter, words, _ in CHIPS:
            text = words if self._words else letter
            self.chips[field].setText(text)
            if not self._words:
                self.chips[field].setMaximumWidth(metrics.horizontalAdvance("W") + 3 * GRID)
            else:
                self.chips[field].setMaximumWidth(16_777_215)
        self.eps_text.setMinimumWidth(metrics.horizontalAdvance("ε 0.000 = 000.0/255"))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if (self.width() >= WORDS_FROM) != self._words:
            self._settle()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "_words"):
            self._settle()
