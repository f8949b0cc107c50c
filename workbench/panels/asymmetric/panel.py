"""The Detection panel: push images towards classes, judge them, and measure what a whole system lets through."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from engines.asymmetric.images import EMBEDDED
from engines.asymmetric.spec import SHIPPED_DIGITS
from engines.core.errors import UserError
from engines.core.weights import read_card
from engines.vision.images import Pool
from workbench.commands import Command, later
from workbench.panels.asymmetric.bank_form import KIND, BankForm, classifiers, misfit
from workbench.panels.asymmetric.demo import Demonstration
from workbench.panels.asymmetric.live import LiveDesk
from workbench.panels.asymmetric.morph_view import MorphView
from workbench.panels.base import Export, Panel, Zone
from workbench.panels.registry import PanelInfo
from workbench.panels.vision.models import OwnModels
from workbench.panels.vision.pools import Pools
from workbench.services import Services
from workbench.theme import GRID
from workbench.widgets.message_bar import Message
from workbench.widgets.source_picker import DRAWING

FORM_FROM: Final = 900
"""Width of the panel from which the choices are shown beside the work by themselves."""
ROOM: Final = "workbench.panels.asymmetric."
TABS: Final = (
    ("Morph desk", "", "One image pushed towards a class, step by step, and what both rules make of it"),
    ("System bench", f"{ROOM}bench_stage:BenchStage", "Attacks on the whole system against both decision rules"),
    ("Toy theatre", f"{ROOM}theatre_stage:TheatreStage", "A detector on the plane, its negatives swimming uphill"),
    ("Detector anatomy", f"{ROOM}anatomy_view:AnatomyView", "One detector's logits, and its AUC under longer attacks"),
    ("Morph grid", f"{ROOM}grid_stage:GridStage", "An image of every class pushed towards every class"),
    ("Training", f"{ROOM}training_stage:DetectorTraining", "Train a detector for each class, on your own pictures too"),
)
"""Title, "module:class" of what is imported when first shown, tooltip."""
MORPH, BENCH, TOY, ANATOMY, GRID_TAB, TRAINING = range(6)
OWN_SETTINGS: Final = (TOY, TRAINING)
"""Tabs that have nothing to do with the chosen detectors."""
LIVE: Final = (MORPH, ANATOMY)


class DetectionPanel(Panel):
    """Wires the choices, the session and the tabs together; each tab draws its own."""

    def __init__(self, services: Services, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(services, info, parent)
        self.live = LiveDesk(self)
        self.form = BankForm(services.theme)
        bank = self.form.bank
        self.own = OwnModels(self, self.form.models, self._classifiers)
        self.pools = Pools(self, self.form.source, bank.input_shape if bank is not None else (1, 28, 28))
        self.morph = MorphView(self)
        self.demonstration = Demonstration(self)
        self._stages: dict[int, Any] = {}
        self._stage_states: dict[str, Any] = {}
        self._index_wanted = -1
        self._misfit: Message | None = None
        self._build()
        self._connect()
        self._bank_changed()
        self._tab_shown(MORPH)

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views of the Detection panel")
        self._pages: list[QWidget] = []
        for number, (title, _, tip) in enumerate(TABS):
            page: QWidget = self.morph if number == MORPH else QWidget()
            if number != MORPH:
                QVBoxLayout(page).setContentsMargins(0, GRID // 4, 0, 0)
            self._pages.append(page)
            self.tabs.setTabToolTip(self.tabs.addTab(page, title), tip)
        self.form.add_note(
            TABS[MORPH][0], "The desk needs no Run: every change is answered at once. Run measures the whole system."
        )
        self.set_zones(self.form, self.tabs)

    def _connect(self) -> None:
        self.form.changed.connect(self._bank_changed)
        self.form.models.selection_changed.connect(lambda _: self._ask())
        self.own.changed.connect(lambda _: self._ask())
        self.pools.loaded.connect(self._pool_loaded)
        self.pools.loading.connect(self._tell_misfit)
        self.pools.loading.connect(lambda: self.morph.pictures.show_note("Loading pictures…"))
        self.pools.failed.connect(self._pool_failed)
        self.live.morphed.connect(self.morph.show_morph)
        self.live.judged.connect(self._judged)
        self.live.dissected.connect(self._dissected)
        self.live.noted.connect(self._noted)
        self.live.mode_changed.connect(self.morph.show_mode)
        self.live.lost.connect(lambda text: self.show_message(text, "warn"))
        self.live.lost.connect(self.demonstration.fail)
        self.tabs.currentChanged.connect(self._tab_shown)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.pools.pool is None:
            self.pools.load()
        if self.live.handle is None:
            self._ask()

    def _classifiers(self) -> list[Any]:
        bank = self.form.bank
        if bank is None:
            return []
        return [info for info in classifiers(bank.input_shape) if len(info.classes) == len(bank.classes)]

    # -- what tabs ask ----------------------------------------------------------------------------------------

    def live_data(self) -> str:
        """Where the session takes images for thresholds and noise: the chosen set, else the detectors' own."""
        source = self.pools.source
        if source == DRAWING or not self.pools.picker.is_ready() or Path(source).is_file():
            return ""
        return self._named(source)

    def data_text(self) -> str:
        """The pictures as an experiment's spec names them. Raises UserError where they cannot be had."""
        source = self.pools.for_spec()
        if Path(source).is_file():
            raise UserError("an experiment needs more than one picture", "choose a data set or a folder of classes")
        return self._named(source)

    def _named(self, source: str) -> str:
        # The embedded digits have two shapes, and two names for them.
        return EMBEDDED if source == "digits" and self.pools.shape == (1, 8, 8) else source

    def stage(self, number: int) -> Any:
        """What a tab shows, built when first asked for."""
        if number == MORPH:
            return self.morph
        if number not in self._stages:
            module, _, name = TABS[number][1].partition(":")
            view = getattr(importlib.import_module(module), name)(self)
            self._pages[number].layout().addWidget(view)  # type: ignore[union-attr]
            self._stages[number] = view
            form = getattr(view, "form", None)
            if number not in OWN_SETTINGS and form is not None:
                self.form.add_settings(TABS[number][0], form)
            if hasattr(view, "set_bank"):
                view.set_bank(self.form.bank)
            state = self._stage_states.get(TABS[number][0])
            if isinstance(state, dict):
                view.restore_state(state)
        return self._stages[number]

    # -- the panel contract -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Start what the tab is for; from the live tabs, the bench."""
        number = self.tabs.currentIndex()
        if number in LIVE:
            number = BENCH
            self.tabs.setCurrentIndex(number)
        try:
            self.stage(number).start()
        except UserError as error:
            self.show_message(error.what, "error", error.remedy)

    def demo(self) -> None:
        """A morph of one image, then a small bench."""
        self.demonstration.start()

    def close_panel(self) -> None:
        self.demonstration.end()
        for view in (self.morph, *self._stages.values()):
            view.close_stage()
        self.own.close()
        self.pools.close()
        self.live.close()
        super().close_panel()

    def stop(self) -> None:
        """Stop every job, and pause the theatre; the sessions themselves go on."""
        theatre = self._stages.get(TOY)
        if theatre is not None:
            theatre.pause()
        sessions = (self.live.handle, None if theatre is None else theatre.theatre.handle)
        for handle in list(self._jobs):
            if handle not in sessions:
                handle.cancel()

    def accepts(self, path: Path) -> bool:
        return path.is_dir() or self.own.accepts(path) or self.pools.accepts(path)

    def open_path(self, path: Path) -> None:
        """Detectors, a classifier, a picture, or a folder of pictures (a sub-folder a class)."""
        if path.is_dir() or self.pools.accepts(path):
            self.pools.open_path(path)
        elif path.suffix.lower() == ".safetensors" and path.is_file() and _is_bank(path):
            self.form.add_file(path)
        elif self.own.accepts(path):
            self.own.open_path(path)
            return
        else:
            raise UserError(f"{path.name} is no picture and no model", "drop a picture, a folder or a model file")
        self.tabs.setCurrentIndex(MORPH)

    def use_detectors(self, path: Path) -> None:
        """Take detectors that were just trained or exported."""
        self.form.add_file(path)

    def save_state(self) -> dict[str, Any]:
        stages = dict(self._stage_states)
        for number in (MORPH, *self._stages):
            stages[TABS[number][0]] = self.stage(number).save_state()
        return {
            "detectors": self.form.detectors.currentData(),
            "classifier": self.form.classifier,
            "rival": self.form.rival.currentData(),
            "source": self.pools.source,
            "picture": self.morph.pictures.index,
            "stages": stages,
            "tab": self.tabs.currentIndex(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        detectors = state.get("detectors")
        if isinstance(detectors, str) and detectors:
            self._restore_detectors(detectors)
        names = [state.get(key) if isinstance(state.get(key), str) else "" for key in ("classifier", "rival")]
        self.form.choose_classifiers(*names)  # type: ignore[arg-type]
        self._bank_changed()
        if isinstance(state.get("source"), str) and state["source"]:
            self.pools.set_source(state["source"])
        picture = state.get("picture")
        if isinstance(picture, int) and not isinstance(picture, bool):
            self._index_wanted = picture
        if isinstance(state.get("stages"), dict):
            self._stage_states = state["stages"]
            for number in (MORPH, *self._stages):
                kept = self._stage_states.get(TABS[number][0])
                if isinstance(kept, dict):
                    self.stage(number).restore_state(kept)
        tab = state.get("tab")
        if isinstance(tab, int) and not isinstance(tab, bool) and 0 <= tab < self.tabs.count():
            self.tabs.setCurrentIndex(tab)

    def _restore_detectors(self, name: str) -> None:
        if self.form.detectors.findData(name) >= 0:
            self.form.refresh(name)
        elif Path(name).is_file():
            try:
                self.form.add_file(Path(name))
            except UserError:
                return  # the file has changed since; the default stays

    def exports(self) -> list[Export]:
        return list(self.stage(self.tabs.currentIndex()).exports())

    def commands(self) -> list[Command]:
        group = self.info.title
        views = [
            Command(f"asymmetric.tab{number}", f"Show {title}", later(self.tabs.setCurrentIndex, number), "",
                    group=group, icon="eye")
            for number, (title, _, _) in enumerate(TABS)
        ]  # fmt: skip
        more = [command for number in self._stages for command in getattr(self._stages[number], "commands", list)()]
        return [
            *super().commands(),
            *views,
            Command("asymmetric.noise", "Make an image from noise", lambda: self._on_desk("noise"), group=group,
                    icon="play"),
            Command("asymmetric.rubbish", "Run the rubbish test", lambda: self._on_desk("rubbish"), group=group,
                    icon="play"),
            Command("asymmetric.own", "Add a classifier of your own…", lambda: self.form.models.add_own(), group=group,
                    icon="plus"),
            *more,
        ]  # fmt: skip

    def _on_desk(self, kind: str) -> None:
        self.tabs.setCurrentIndex(MORPH)
        self.morph.begin(kind)

    # -- zones ------------------------------------------------------------------------------------------------

    def toggle_zone(self, zone: Zone) -> None:
        """The theatre and the training have settings of their own."""
        number = self.tabs.currentIndex()
        if zone == "form" and number in OWN_SETTINGS:
            self.stage(number).toggle_settings()
            self._settle_zones()
        else:
            super().toggle_zone(zone)

    def _settle_zones(self) -> None:
        super()._settle_zones()
        if not hasattr(self, "tabs") or "form" not in self._zones:
            return
        number = self.tabs.currentIndex()
        asked = self._asked.get("form")
        shown = self.width() >= FORM_FROM if asked is None else asked
        self._zones["form"].setVisible(shown and number not in OWN_SETTINGS)
        view = self._stages.get(number) if number in OWN_SETTINGS else None
        on = view.settings.isVisibleTo(view) if view is not None else self._zones["form"].isVisibleTo(self)
        self._form_button.setChecked(on)

    # -- inside -----------------------------------------------------------------------------------------------

    def shows(self, view: QWidget) -> bool:
        """Whether this live view is the one that is looked at."""
        number = self.tabs.currentIndex()
        return self.isVisible() and number in LIVE and self.stage(number) is view

    def _tab_shown(self, number: int) -> None:
        stage = self.stage(number)
        self.run_button.set_text(stage.run_text)
        self.form.show_settings(TABS[number][0])
        self.show_running()
        self._settle_zones()
        if number in LIVE:
            self._ask()
        self.commands_changed.emit()

    def show_running(self) -> None:
        """The Run button stops the theatre too, while that is shown."""
        if self._main_job is not None:
            return
        theatre = self._stages.get(TOY)
        runs = self.tabs.currentIndex() == TOY and theatre is not None and theatre.theatre.is_running
        self.run_button.set_state("running" if runs else "idle")

    def _bank_changed(self) -> None:
        bank = self.form.bank
        for view in (self.morph, *self._stages.values()):
            if hasattr(view, "set_bank"):
                view.set_bank(bank)
        if bank is None:
            self.show_message("There are no trained detectors here.", "info", "Train some: half a minute is enough.",
                              ("Train now", self._train_now))  # fmt: skip
            return
        if bank.input_shape != self.pools.shape:
            self.pools.set_shape(bank.input_shape)
        self._tell_misfit()
        self._ask()

    def _tell_misfit(self) -> None:
        """Say so where the detectors do not know the pictures, and offer those that do."""
        if self._misfit is not None:
            self.messages.remove(self._misfit)
            self._misfit = None
        bank = self.form.bank
        why = "" if bank is None else misfit(bank, self.pools.source)
        if why:
            offered = ("Take the 8×8 detectors", self._take_small) if self.pools.source == "digits" else None
            self._misfit = self.show_message(why, "warn", "Choose other detectors or pictures.", offered)

    def _take_small(self) -> None:
        self.form.refresh(SHIPPED_DIGITS)
        self.form.changed.emit()

    def _train_now(self) -> None:
        self.tabs.setCurrentIndex(TRAINING)
        self.run()

    def _ask(self) -> None:
        number = self.tabs.currentIndex()
        if self.isVisible() and number in LIVE and self.form.bank is not None:
            self.stage(number).ask()

    def _judged(self, verdict: Any) -> None:
        self.morph.show_verdict(verdict)
        self.demonstration.judged(verdict)

    def _dissected(self, anatomy: Any) -> None:
        if ANATOMY in self._stages:
            self._stages[ANATOMY].show_anatomy(anatomy)

    def _noted(self, text: str) -> None:
        self.stage(self.tabs.currentIndex() if self.tabs.currentIndex() in LIVE else MORPH).show_note(text)
        self.demonstration.noted(text)

    def _pool_loaded(self, pool: Pool) -> None:
        self.morph.show_pool(pool)
        at = self._index_wanted
        if not 0 <= at < len(pool):
            # A picture of another class than the target, so that the morph has a way to go.
            others = np.flatnonzero(pool.labels != self.morph.controls.target.currentIndex())
            at = int(others[0]) if pool.is_labelled and len(others) and self.morph.pictures.gallery.current <= 0 else -1
        if at > 0:
            self.morph.pictures.gallery.select(at)
        self._index_wanted = -1

    def _pool_failed(self, text: str) -> None:
        self.morph.pictures.show_note(text)
        self.demonstration.fail(text)


def _is_bank(path: Path) -> bool:
    return bool(read_card(path).architecture.get("kind") == KIND)
