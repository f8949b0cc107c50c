"""The Transfer panel: build a recipe, attack one image live, and measure how attacks carry over to other models."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.transfer.setting import default_models
from engines.transfer.snapshots import LiveSnapshot
from engines.transfer.spec import MatrixSpec, RecipeSpec
from engines.vision.images import Pool
from workbench.commands import Command, later
from workbench.panels.base import Export, Panel, Zone
from workbench.panels.registry import PanelInfo
from workbench.panels.transfer.attack_view import AttackView
from workbench.panels.transfer.crafting import Crafting
from workbench.panels.transfer.demo import Demonstration
from workbench.panels.transfer.files import pool_of, read_recipe
from workbench.panels.transfer.kept_state import kept_state, take_up
from workbench.panels.transfer.live import LiveAttack
from workbench.panels.transfer.microscope import PLANE, MicroscopeView
from workbench.panels.transfer.model_choice import ModelChoice
from workbench.panels.transfer.recipe_bar import RecipeBar
from workbench.panels.transfer.recipe_model import RecipeModel
from workbench.panels.transfer.settings_form import NUMBERS, SettingsForm
from workbench.panels.vision.models import OwnModels, model_items
from workbench.panels.vision.pools import Pools
from workbench.services import Services
from workbench.theme import GRID

FORM_FROM: Final = 900
"""Width of the panel from which the choices are shown beside the work by themselves."""
TABS: Final = (
    ("Attack", "", "One image under attack, step by step, and what every model makes of it"),
    ("Transfer matrix", "workbench.panels.transfer.matrix_stage:MatrixStage", "Every model against every other"),
    ("Race", "workbench.panels.transfer.race_stage:RaceStage", "Two recipes side by side, iteration by iteration"),
    ("Microscope", "", "The look-ahead in a slice of the loss, and the loss against scale"),
    ("Training lab", "workbench.panels.vision.training:TrainingView", "Train another model for the zoo"),
)
"""Title, "module:class" of what is imported when first shown, tooltip."""
ATTACK, MATRIX, RACE, MICROSCOPE, TRAINING = range(5)


class TransferPanel(Panel):
    """Wires pickers, the recipe and the tabs together; each tab draws its own."""

    def __init__(self, services: Services, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(services, info, parent)
        self.recipe = RecipeModel(self)
        self.live = LiveAttack(self)
        self.form = SettingsForm(services)
        self.choice = ModelChoice(self.form.models)
        self.own = OwnModels(self, self.form.models)
        self.pools = Pools(self, self.form.source)
        self.bar = RecipeBar(self.recipe, services.theme)
        self.attack = AttackView(self)
        self.microscope = MicroscopeView(self)
        self.demonstration = Demonstration(self)
        self.crafting = Crafting(self)
        self._truth = ""
        self._index_wanted = -1
        self._stages: dict[int, Any] = {}
        self._stage_states: dict[str, Any] = {}
        self._build()
        self._connect()
        self._first_models()
        self._recipe_changed(self.recipe.spec)
        self._tab_shown(ATTACK)

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views of the Transfer panel")
        self._pages: list[QWidget] = []
        own = {ATTACK: self.attack, MICROSCOPE: self.microscope}
        for number, (title, _, tip) in enumerate(TABS):
            page: QWidget = own.get(number) or QWidget()
            if number not in own:
                QVBoxLayout(page).setContentsMargins(0, GRID // 4, 0, 0)
            self._pages.append(page)
            self.tabs.setTabToolTip(self.tabs.addTab(page, title), tip)
        stage = QWidget()
        rows = QVBoxLayout(stage)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.bar)
        rows.addWidget(self.tabs, 1)
        self.set_zones(self.form, stage)

    def _connect(self) -> None:
        self.recipe.changed.connect(self._recipe_changed)
        self.bar.source_changed.connect(self.set_source)
        self.bar.refused.connect(lambda what, remedy: self.show_message(what, "error", remedy))
        self.form.recipe.field_changed.connect(self._number_changed)
        self.form.models.selection_changed.connect(lambda _: self._models_changed())
        self.own.changed.connect(lambda _: self._models_changed())
        self.form.experiment.field_changed.connect(lambda _: self._plan())
        self.pools.loaded.connect(self._pool_loaded)
        self.pools.loading.connect(lambda: self.attack.pictures.show_note("Loading pictures…"))
        self.pools.failed.connect(self._pool_failed)
        self.attack.pictures.picture_changed.connect(self._picture)
        self.attack.aim.activated.connect(lambda _: self._ask())
        self.microscope.literal.toggled.connect(
            lambda on: self.recipe.change(normaliser="l1" if on else "mean")
        )  # fmt: skip
        self.microscope.step.valueChanged.connect(lambda _: self._ask())
        self.live.answered.connect(self._answered)
        self.live.mode_changed.connect(self.attack.show_mode)
        self.live.lost.connect(lambda text: self.show_message(text, "warn"))
        self.live.lost.connect(self.demonstration.fail)
        self.tabs.currentChanged.connect(self._tab_shown)

    def _first_models(self) -> None:
        try:
            chosen = list(default_models(""))
        except UserError as error:
            self.show_message(error.what, "warn", error.remedy)
            chosen = []
        self.form.models.set_models(model_items(), chosen)
        self._models_changed()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.pools.pool is None:
            self.pools.load()
        self.live.resume()

    # -- what tabs ask ----------------------------------------------------------------------------------------

    def choose_models(self, white_box: str = "") -> None:
        """Follow the ticks. white_box: attack this one, if it is among them."""
        self.choice.source = white_box or self.choice.source
        self._models_changed()

    def experiment(self) -> MatrixSpec:
        """Recipe, pictures and size of an experiment. Raises UserError where something does not fit."""
        size = self.form.experiment.read()
        recipe = {k: v for k, v in self.recipe.spec.model_dump().items() if k not in ("seed", "device")}
        return size.changed(**recipe, data=self.pools.for_spec())

    def stage(self, number: int) -> Any:
        """What a tab shows, built when first asked for."""
        if number in (ATTACK, MICROSCOPE):
            return self.attack if number == ATTACK else self.microscope
        if number not in self._stages:
            module, _, name = TABS[number][1].partition(":")
            made = getattr(importlib.import_module(module), name)
            if number == TRAINING:
                view = made(self, start={"kind": "bncnn", "data": "digits"})
                view.model_kept.connect(lambda kept: self.own.refresh(kept, tick=True))
            else:
                view = made(self)
            self._pages[number].layout().addWidget(view)  # type: ignore[union-attr]
            self._stages[number] = view
            state = self._stage_states.get(TABS[number][0])
            if isinstance(state, dict):
                view.restore_state(state)
        return self._stages[number]

    def built(self) -> dict[str, Any]:
        """The tabs that were shown so far, by title."""
        return {TABS[number][0]: self.stage(number) for number in (ATTACK, MICROSCOPE, *self._stages)}

    def restore_stages(self, states: dict[str, Any]) -> None:
        """States of tabs by title; those of tabs that are not built yet wait."""
        self._stage_states = states
        for title, view in self.built().items():
            if isinstance(states.get(title), dict):
                view.restore_state(states[title])

    def want_picture(self, number: int) -> None:
        """Show this one of the pictures that are being loaded."""
        self._index_wanted = number

    # -- the panel contract -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Start what the tab is for; from the live tabs, the matrix."""
        number = self.tabs.currentIndex()
        if number in (ATTACK, MICROSCOPE):
            number = MATRIX
            self.tabs.setCurrentIndex(number)
        self.attempt(self.stage(number).start)

    def demo(self) -> None:
        """A live attack on one image, then a small matrix."""
        self.demonstration.start()

    def close_panel(self) -> None:
        self.demonstration.end()
        for view in (self.attack, self.microscope, *self._stages.values()):
            view.close_stage()
        self.own.close()
        self.pools.close()
        self.live.close()
        super().close_panel()

    def stop(self) -> None:
        """Stop every job; the session under the image goes on."""
        for handle in list(self._jobs):
            if handle is not self.live.handle:
                handle.cancel()

    def accepts(self, path: Path) -> bool:
        known = path.suffix.lower() in (".npz", ".json")
        return path.is_dir() or known or self.own.accepts(path) or self.pools.accepts(path)

    def open_path(self, path: Path) -> None:
        """A model, a picture, a folder of pictures, images in an NPZ, or a recipe.json."""
        suffix = path.suffix.lower()
        if path.is_dir() or self.pools.accepts(path):
            self.pools.open_path(path)
        elif suffix == ".json":
            self._take_recipe(path)
        elif suffix == ".npz":
            self._pool_loaded(pool_of(path, self.pools.shape))
        elif self.own.accepts(path):
            self.own.open_path(path)
            return
        else:
            raise UserError(f"{path.name} is no picture, model or recipe", "drop a picture, a folder or a model file")
        self.tabs.setCurrentIndex(ATTACK)

    def save_state(self) -> dict[str, Any]:
        return kept_state(self, self._stage_states)

    def restore_state(self, state: dict[str, Any]) -> None:
        take_up(self, state)

    def exports(self) -> list[Export]:
        return list(self.stage(self.tabs.currentIndex()).exports())

    def commands(self) -> list[Command]:
        group = self.info.title
        views = [
            Command(f"transfer.tab{number}", f"Show {title}", later(self.tabs.setCurrentIndex, number), "",
                    group=group, icon="eye")
            for number, (title, _, _) in enumerate(TABS)
        ]  # fmt: skip
        return [
            *super().commands(),
            Command("transfer.undo", "Undo the change of the recipe", self.recipe.undo, "Ctrl+Z",
                    self.recipe.why_no_undo, group, "undo"),
            Command("transfer.redo", "Redo the change of the recipe", self.recipe.redo, "Ctrl+Y",
                    self.recipe.why_no_redo, group, "redo"),
            *views,
            Command("transfer.craft", "Craft and save images with this recipe…", self.crafting.craft, group=group,
                    icon="save"),
            Command("transfer.own", "Add a model of your own…", lambda: self.form.models.add_own(), group=group,
                    icon="plus"),
        ]  # fmt: skip

    # -- zones ------------------------------------------------------------------------------------------------

    def toggle_zone(self, zone: Zone) -> None:
        """The training lab has settings of its own."""
        if zone == "form" and self.tabs.currentIndex() == TRAINING:
            self.stage(TRAINING).toggle_settings()
            self._settle_zones()
        else:
            super().toggle_zone(zone)

    def _settle_zones(self) -> None:
        super()._settle_zones()
        if not hasattr(self, "tabs") or "form" not in self._zones:
            return
        training = self.tabs.currentIndex() == TRAINING
        asked = self._asked.get("form")
        shown = self.width() >= FORM_FROM if asked is None else asked
        self._zones["form"].setVisible(shown and not training)
        self.bar.setVisible(not training)
        view = self._stages.get(TRAINING)
        on = view.settings.isVisibleTo(view) if training and view is not None else self._zones["form"].isVisibleTo(self)
        self._form_button.setChecked(on)

    # -- inside -----------------------------------------------------------------------------------------------

    def attempt(self, action: Callable[[], object]) -> bool:
        """Do something; what the user can mend is shown as a message. Says whether it was done."""
        try:
            action()
        except UserError as error:
            self.show_message(error.what, "error", error.remedy)
            return False
        return True

    def _tab_shown(self, number: int) -> None:
        self.run_button.set_text(self.stage(number).run_text)
        self._settle_zones()
        self._ask()
        self.commands_changed.emit()

    def _plan(self) -> None:
        """A tab without a result says what its run would do."""
        number = self.tabs.currentIndex()
        if number in (MATRIX, RACE):
            self.stage(number).show_plan()

    def _recipe_changed(self, spec: RecipeSpec) -> None:
        self.form.show_recipe(spec)
        self.microscope.show_recipe(spec.steps, spec.normaliser == "l1")
        self._ask()
        self.commands_changed.emit()

    def _number_changed(self, field: str) -> None:
        """A number of the form; while it is wrong the form says so beside it and nothing else happens."""
        spec = self.form.recipe.spec()
        if (
            spec is not None
            and field in NUMBERS
            and not self.attempt(lambda: self.recipe.change(**{field: getattr(spec, field)}))
        ):
            self.form.show_recipe(self.recipe.spec)

    def set_source(self, name: str) -> None:
        """Attack this model, or the mean logits of several joined by +."""
        self.choice.source = name
        self._show_sources()
        self._ask(fresh=True)

    def _take_recipe(self, path: Path) -> None:
        values = read_recipe(path)
        refused = self.recipe.load(values)
        if refused:
            more = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
            said = f"{path.name}: {refused[0]}{more}"
            if len(refused) == len(values):
                raise UserError(said, "nothing was taken from it: drop a recipe.json that this panel exported")
            self.show_message(said, "warn", "These stay as they were, the rest was taken; Ctrl+Z goes back.")

    def _models_changed(self) -> None:
        chosen = self.choice.chosen()
        self._show_sources()
        if chosen and chosen[0].input_shape != self.pools.shape:
            self.recipe.set_shape(chosen[0].input_shape)
            self.attack.pictures.set_shape(chosen[0].input_shape)
            self.pools.set_shape(chosen[0].input_shape)
        self._ask(fresh=True)

    def _show_sources(self) -> None:
        self.bar.set_sources(self.choice.offered(), self.choice.source)
        self.attack.set_models(self.choice.chosen(), self.choice.source_classes())

    def _picture(self, image: np.ndarray, truth: str) -> None:
        self._truth = truth
        self.attack.show_image(image)
        self.microscope.forget()
        fits = all(info.input_shape == image.shape for info in self.choice.chosen())
        self.live.set_image(image, **{**self._wanted(), **({} if fits else {"source": ""})})

    def _wanted(self) -> dict[str, Any]:
        """What the tab that is shown needs of the session."""
        classes = [name.casefold() for name in self.choice.source_classes()]
        label = classes.index(self._truth.casefold()) if self._truth.casefold() in classes else -1
        deep = self.tabs.currentIndex() == MICROSCOPE
        return {
            "source": self.choice.source if classes else "",
            "targets": tuple(info.name for info in self.choice.chosen()),
            "recipe": self.recipe.recipe(),
            "label": label,
            "target_class": self.attack.target_class if self.attack.target_class < len(classes) else -1,
            "step": self.microscope.step.value(),
            "plane_size": PLANE if deep else 0,
            "scales": deep,
        }

    def _ask(self, *, fresh: bool = False) -> None:
        self._plan()
        if self.isVisible() and self.tabs.currentIndex() in (ATTACK, MICROSCOPE):
            image, infos = self.live.image, self.choice.chosen()
            if image is not None and any(info.input_shape != image.shape for info in infos):
                return  # Pictures of the other shape are on their way.
            self.live.ask(fresh=fresh, **self._wanted())

    def _answered(self, snapshot: LiveSnapshot) -> None:
        self.attack.show_answer(snapshot)
        self.microscope.show_answer(snapshot)

    def _pool_loaded(self, pool: Pool) -> None:
        self.attack.show_pool(pool)
        if 0 <= self._index_wanted < len(pool):
            self.attack.pictures.gallery.select(self._index_wanted)
        self._index_wanted = -1
        self._plan()

    def _pool_failed(self, text: str) -> None:
        if not self.attack.keep_pictures(self.pools.source, self.pools.shape, text):
            self._truth = ""
            self.live.forget()
            self.microscope.forget()
        self.demonstration.fail(text)
