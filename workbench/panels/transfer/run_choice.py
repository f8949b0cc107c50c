"""What Run of the matrix measures: which recipes, on single models or on several together."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QPushButton, QWidget

from engines.transfer.setting import JOINED
from engines.transfer.spec import OWN
from engines.vision.attacks.recipe import RECIPES
from workbench.commands import later
from workbench.panels.transfer.model_choice import ModelChoice
from workbench.theme import GRID
from workbench.widgets.basics import label

LADDER: Final = ("FGSM", "I-FGSM", "MI-FGSM", "NI-FGSM", "SI-NI-FGSM", "DIM", "TIM", "SI-NI-TI-DIM")
"""The recipes of the ablation."""
ENSEMBLES: Final = (
    ("none", "single models", "Every ticked model is attacked by itself"),
    ("normal", "and all normal ones together", "Besides, the mean logits of all that were not adversarially trained"),
    ("leave-one-out", "and all but one together", "Besides, for each model the mean logits of all others"),
)


class RunChoice(QWidget):
    """changed(): another choice was made."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.ensembles = choice_box("Sources", ENSEMBLES)
        self.recipes = QPushButton()
        self._actions: dict[str, QAction] = {}
        menu = QMenu(self.recipes)
        menu.addAction("Only the recipe above", later(self.choose, (OWN,)))
        menu.addAction("The ladder from FGSM to SI-NI-TI-DIM", later(self.choose, LADDER))
        menu.addAction("All that the paper names", later(self.choose, tuple(RECIPES)))
        menu.addSeparator()
        for name in (OWN, *RECIPES):
            action = menu.addAction("The recipe above" if name == OWN else name)
            action.setCheckable(True)
            action.setChecked(name == OWN)
            action.toggled.connect(lambda _: self._name_recipes())
            self._actions[name] = action
        self.recipes.setMenu(menu)
        self.recipes.setAccessibleName("Recipes to run")
        self.recipes.setToolTip("Which recipes Run measures; numbers such as ε and T are those above")
        self.ensembles.activated.connect(lambda _: self.changed.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        for text, widget in (("Run", self.recipes), ("on", self.ensembles)):
            row.addWidget(label(text, "small", muted=True))
            row.addWidget(widget)
        row.addStretch(1)
        self._name_recipes()

    def chosen(self) -> list[str]:
        """Recipes as a spec names them, the one of the bar first; that one alone where nothing is ticked."""
        return [name for name, action in self._actions.items() if action.isChecked()] or [OWN]

    def choose(self, names: tuple[str, ...]) -> None:
        """Tick these recipes and no others."""
        for name, action in self._actions.items():
            action.setChecked(name in names)
        self._name_recipes()

    def sources(self, models: ModelChoice) -> list[str]:
        """What is attacked, as a spec names it. Raises UserError where no model is ticked."""
        single, normal, kind = models.names(), models.normal_names(), self.ensembles.currentData()
        if kind == "normal" and len(normal) > 1:
            return [*single, JOINED.join(normal)]
        if kind == "leave-one-out" and len(single) > 2:
            return [*single, *(JOINED.join(name for name in single if name != left) for left in single)]
        return single

    def _name_recipes(self) -> None:
        names = self.chosen()
        text = "the recipe above" if names == [OWN] else names[0] if len(names) == 1 else f"{len(names)} recipes"
        self.recipes.setText(text)
        self.changed.emit()


def choice_box(name: str, entries: tuple[tuple[str, str, str], ...]) -> QComboBox:
    """A list of (key, text, tooltip)."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setMinimumContentsLength(10)
    for key, text, tip in entries:
        box.addItem(text, key)
        box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
    box.setToolTip("\n".join(f"{text}: {tip}" for _, text, tip in entries))
    return box


def recipe_box(name: str) -> QComboBox:
    """A list of the recipe of the bar and all named ones."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setToolTip(f"{name}; numbers such as ε and T are those above")
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(9)
    box.addItem("The recipe above", OWN)
    for title in RECIPES:
        box.addItem(title, title)
    return box
