"""The left side of the Transfer panel: models, pictures, the recipe's numbers, and how large experiments are."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.transfer.spec import MatrixSpec, RecipeSpec
from workbench.services import Services
from workbench.theme import GRID
from workbench.widgets.basics import Collapsible
from workbench.widgets.model_list import ModelPicker
from workbench.widgets.source_picker import FILE, FOLDER, SourcePicker
from workbench.widgets.spec_form import SpecForm

NUMBERS = (
    "mu", "copies", "pivot", "di_p", "di_rate", "ti_kernel", "step_policy", "alpha", "normaliser", "random_start",
)  # fmt: skip
"""Fields of the recipe that the bar has no room for."""
EXPERIMENT = ("images", "choose", "labels", "gallery", "batch", "seed", "device")


class SettingsForm(QWidget):
    """models, source: the pickers. recipe: the recipe's numbers. experiment: size of the matrix and the race."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.models = ModelPicker(
            services.theme, metrics=(("clean_accuracy|held_out_accuracy", "Clean"),), most=8
        )  # fmt: skip
        self.source = SourcePicker(services.theme, own=(FOLDER, FILE))
        self.recipe: SpecForm[RecipeSpec] = SpecForm(RecipeSpec, fields=NUMBERS, show_presets=False)
        self.experiment: SpecForm[MatrixSpec] = SpecForm(
            MatrixSpec, fields=EXPERIMENT, choices={"device": services.devices}, preset=services.settings.preset
        )
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, GRID)
        rows.setSpacing(0)
        self.sections: dict[str, Collapsible] = {}
        parts = (("Models", self.models, True, GRID), ("Pictures", self.source, True, GRID),
                 ("Recipe: numbers", self.recipe, False, 0), ("Matrix and race", self.experiment, True, 0))  # fmt: skip
        for title, content, is_open, margin in parts:
            inner = QWidget()
            column = QVBoxLayout(inner)
            column.setContentsMargins(margin, 0, margin, margin)
            column.addWidget(content)
            self.sections[title] = Collapsible(title, inner, is_open=is_open)
            rows.addWidget(self.sections[title])
        rows.addStretch(1)

    def show_recipe(self, spec: RecipeSpec) -> None:
        """Follow the recipe, and say which numbers it does not use."""
        now = self.recipe.values()
        fresh = {key: value for key, value in spec.model_dump().items() if now.get(key) != value}
        if fresh:
            self.recipe.set_values(fresh)
        reasons = {
            "copies": "" if spec.scales else "Switch on “Scale copies” (S) above",
            "pivot": "" if spec.scales or spec.diverse else "Only scale copies (S) and random resizing (D) use it",
            "di_p": "" if spec.diverse else "Switch on “Random resize” (D) above",
            "di_rate": "" if spec.diverse else "Switch on “Random resize” (D) above",
            "ti_kernel": "" if spec.smooth else "Switch on “Smooth gradient” (T) above",
            "alpha": "" if spec.step_policy == "fixed" else "The step is ε/T; choose the fixed policy to set it",
        }
        for field, reason in reasons.items():
            self.recipe.set_reason(field, reason)
