"""The Invariance panel: turn one image, measure what invariance costs, look at boundaries and directions, train."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.invariance.results import ProfileResult
from engines.invariance.snapshots import LiveSnapshot
from engines.invariance.spec import ProfileSpec
from engines.vision.images import Pool
from engines.vision.nets.models import ModelInfo
from workbench.commands import Command, later
from workbench.panels.base import Export, Panel, Zone
from workbench.panels.invariance.choices import Choices
from workbench.panels.invariance.one_image import OneImageView
from workbench.panels.registry import PanelInfo
from workbench.panels.vision.models import OwnModels, model_items
from workbench.panels.vision.pools import Pools
from workbench.services import Services
from workbench.theme import GRID

FORM_FROM: Final = 900
"""Width of the panel from which the choices are shown beside the work by themselves."""
TABS: Final = (
    ("One image", "", "Turn one image and see what every model says of it"),
    ("Trade-off", "workbench.panels.invariance.tradeoff:TradeOffView", "What invariance costs robustness"),
    ("Boundary", "workbench.panels.invariance.boundary_view:BoundaryView", "How far the decision boundary is"),
    ("Orthogonality", "workbench.panels.invariance.orthogonality_view:OrthogonalityView",
     "Whether attacks and turns point the same way"),
    ("Training lab", "workbench.panels.vision.training:TrainingView", "Train a network of your own on turned images"),
    ("Curriculum", "workbench.panels.invariance.curriculum:CurriculumView",
     "Train one network on wider turns and stronger attacks, stage by stage (CuSP)"),
)  # fmt: skip
"""Title, "module:class" of what is imported when first shown, tooltip."""
ONE, TRADE_OFF, ORTHOGONALITY, TRAINING, CURRICULUM = 0, 1, 3, 4, 5
OWN_SETTINGS: Final = (TRAINING, CURRICULUM)
"""Tabs that need neither models nor pictures."""
START: Final = (
    "mnist-stdcnn", "mnist-stdcnn-rot60", "mnist-stdcnn-rot180", "mnist-gcnn", "mnist-gcnn-rot60", "mnist-gcnn-rot180",
    "mnist-lenet", "mnist-lenet-at01",
)  # fmt: skip
"""Ticked at first, as far as they are here: the two series over turns and the one over adversaries."""
DEMO_MODELS: Final = 3
DEMO: Final = {"images": 100, "attacked": 50, "steps": 5, "thetas": (0.0, 30.0, 60.0, 90.0, 135.0, 180.0),
               "epsilons": (0.0, 0.05, 0.1, 0.2, 0.3)}  # fmt: skip


class InvariancePanel(Panel):
    """Wires pickers and tabs together; each tab draws its own."""

    def __init__(self, services: Services, info: PanelInfo, parent: QWidget | None = None) -> None:
        super().__init__(services, info, parent)
        self.form = Choices(services.theme)
        self.own = OwnModels(self, self.form.models)
        self.pools = Pools(self, self.form.source)
        self.one = OneImageView(self)
        self._stages: dict[int, Any] = {}
        self._stage_states: dict[str, Any] = {}
        self._index_wanted = -1
        self._demo: list[str] | None = None
        self._demo_figures: dict[str, Any] = {}
        self._build()
        self._connect()
        self.form.models.set_models(model_items(), START)
        if not self.form.models.selection():
            items = [i for i in model_items((1, 28, 28)) if not i.problem]
            self.form.models.set_selection([i.name for i in items[:DEMO_MODELS]])
        self._models_changed()
        self._tab_shown(0)

    # -- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views of the Invariance panel")
        self._pages: list[QWidget] = []
        for number, (title, _, tip) in enumerate(TABS):
            page: QWidget = self.one if number == ONE else QWidget()
            if number != ONE:
                QVBoxLayout(page).setContentsMargins(0, GRID // 4, 0, 0)
            self._pages.append(page)
            self.tabs.setTabToolTip(self.tabs.addTab(page, title), tip)
        self.form.add_note(
            TABS[ONE][0],
            "Nothing to set here: every change beside is answered at once. “Turn it round” turns the image by itself.",
        )
        self.set_zones(self.form, self.tabs)

    def _connect(self) -> None:
        self.form.models.selection_changed.connect(lambda _: self._models_changed())
        self.own.changed.connect(lambda _: self._models_changed())
        self.pools.loaded.connect(self._pool_loaded)
        self.pools.loading.connect(lambda: self.one.pictures.show_note("Loading pictures…"))
        self.pools.failed.connect(self._pool_failed)
        self.one.live.answered.connect(self._live_answered)
        self.one.live.lost.connect(self._fail_demo)
        self.one.turning_changed.connect(self._turning)
        self.tabs.currentChanged.connect(self._tab_shown)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.pools.pool is None:
            self.pools.load()

    # -- what tabs ask ----------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) that the ticked models take."""
        return self.pools.shape

    def chosen(self) -> list[ModelInfo]:
        """The ticked models."""
        return [info for info in self.form.models.models() if isinstance(info, ModelInfo)]

    def models_text(self) -> str:
        """The ticked models as a spec names them. Raises UserError where none is ticked, or all at once is too
        much."""
        names = [info.name for info in self.chosen()]
        if not names:
            raise UserError("no model is ticked", "tick one or more on the left")
        return ",".join(names)

    def source_text(self) -> str:
        """The pictures as a spec names them. Raises UserError where they cannot be had."""
        return self.pools.for_spec()

    def stage(self, number: int) -> Any:
        """What a tab shows, built when first asked for."""
        if number == ONE:
            return self.one
        if number not in self._stages:
            module, _, name = TABS[number][1].partition(":")
            made = getattr(importlib.import_module(module), name)
            title = TABS[number][0]
            if number == TRAINING:
                view = made(self, start={"kind": "gcnn", "width": 0.5, "rotation": 60.0})
            elif number == CURRICULUM:
                view = made(self)
            else:
                view = made(self)
                self.form.add_settings(title, view.form)
            if number in OWN_SETTINGS:
                view.model_kept.connect(lambda kept: self.own.refresh(kept, tick=True))
            self._pages[number].layout().addWidget(view)  # type: ignore[union-attr]
            self._stages[number] = view
            if number == ORTHOGONALITY:
                view.set_models(self.chosen())
            state = self._stage_states.get(title)
            if isinstance(state, dict):
                view.restore_state(state)
        return self._stages[number]

    # -- the panel contract -----------------------------------------------------------------------------------

    def run(self) -> None:
        """Start what the tab in front is for; the button says what that is."""
        self._try(self.stage(self.tabs.currentIndex()).start)

    def demo(self) -> None:
        """One image under the dial, then quick profiles of a few models."""
        self._demo, self._demo_figures = ["image", "profile"], {}
        self.tabs.setCurrentIndex(ONE)
        if not self.chosen():
            self._fail_demo("there is no trained model yet")
            return
        if self.one.live.latest is not None and self.one.live.latest.dial is not None:
            self._live_answered(self.one.live.latest)
        elif self.pools.pool is None:
            self.pools.load()
        else:
            self._pool_loaded(self.pools.pool)

    def close_panel(self) -> None:
        self.one.close_stage()
        for view in self._stages.values():
            view.close_stage()
        self.own.close()
        self.pools.close()
        super().close_panel()

    def stop(self) -> None:
        """Stop every job, and the image if it turns by itself; the session under it goes on."""
        self.one.stop_turning()
        for handle in list(self._jobs):
            if handle is not self.one.live.handle:
                handle.cancel()

    def accepts(self, path: Path) -> bool:
        return path.is_dir() or self.own.accepts(path) or self.pools.accepts(path)

    def open_path(self, path: Path) -> None:
        """A model file, a picture or a folder of pictures."""
        if not path.is_dir() and self.own.accepts(path):
            self.own.open_path(path)
        elif self.pools.accepts(path):
            self.pools.open_path(path)
            self.tabs.setCurrentIndex(ONE)
        else:
            raise UserError(f"{path.name} is neither a picture nor a model", "drop a picture, a folder or a .pt2 file")

    def save_state(self) -> dict[str, Any]:
        stages = dict(self._stage_states)
        for number, view in self._stages.items():
            stages[TABS[number][0]] = view.save_state()
        return {
            "models": self.form.models.selection(),
            "source": self.pools.source,
            "picture": self.one.pictures.index,
            "one": self.one.save_state(),
            "stages": stages,
            "tab": self.tabs.currentIndex(),
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        models = state.get("models")
        if isinstance(models, list) and all(isinstance(name, str) for name in models):
            self.form.models.set_selection(models)
            self._models_changed()
        if isinstance(state.get("source"), str) and state["source"]:
            self.pools.set_source(state["source"])
        if isinstance(state.get("picture"), int):
            self._index_wanted = state["picture"]
        if isinstance(state.get("one"), dict):
            self.one.restore_state(state["one"])
        if isinstance(state.get("stages"), dict):
            self._stage_states = state["stages"]
            for number, view in self._stages.items():
                if isinstance(self._stage_states.get(TABS[number][0]), dict):
                    view.restore_state(self._stage_states[TABS[number][0]])
        if isinstance(state.get("tab"), int) and 0 <= state["tab"] < self.tabs.count():
            self.tabs.setCurrentIndex(state["tab"])

    def exports(self) -> list[Export]:
        return list(self.stage(self.tabs.currentIndex()).exports())

    def commands(self) -> list[Command]:
        group = self.info.title
        views = [
            Command(f"invariance.tab{number}", f"Show {title}", later(self.tabs.setCurrentIndex, number), "",
                    group=group, icon="eye")
            for number, (title, _, _) in enumerate(TABS)
        ]  # fmt: skip
        return [
            *super().commands(),
            *views,
            Command("invariance.turn", "Turn the inspected image by 90°", self.one.inspector.turn, group=group,
                    icon="rotate"),
            Command("invariance.own", "Add a model of your own…", lambda: self.form.models.add_own(), group=group,
                    icon="plus"),
        ]  # fmt: skip

    # -- zones ------------------------------------------------------------------------------------------------

    def toggle_zone(self, zone: Zone) -> None:
        """Where networks are trained the tab has settings of its own."""
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
        training = number in OWN_SETTINGS
        asked = self._asked.get("form")
        shown = self.width() >= FORM_FROM if asked is None else asked
        self._zones["form"].setVisible(shown and not training)
        view = self._stages.get(number)
        on = view.settings.isVisibleTo(view) if training and view is not None else self._zones["form"].isVisibleTo(self)
        self._form_button.setChecked(on)

    # -- inside -----------------------------------------------------------------------------------------------

    def _try(self, action: Any) -> bool:
        try:
            action()
        except UserError as error:
            self.show_message(error.what, "error", error.remedy)
            return False
        return True

    def _tab_shown(self, number: int) -> None:
        view = self.stage(number)
        self.form.show_settings(TABS[number][0])
        self.run_button.set_text(view.run_text)
        self._settle_zones()
        self.commands_changed.emit()

    def _turning(self, turning: bool) -> None:
        """While the image turns by itself the button stops it; a job's Stop goes first."""
        if not self.is_busy():
            self.run_button.set_state("running" if turning else "idle")

    def _models_changed(self) -> None:
        chosen = self.chosen()
        self.one.set_models(chosen)
        if chosen and chosen[0].input_shape != self.pools.shape:
            self.pools.set_shape(chosen[0].input_shape)
        if ORTHOGONALITY in self._stages:
            self._stages[ORTHOGONALITY].set_models(chosen)

    def _pool_loaded(self, pool: Pool) -> None:
        self.one.show_pool(pool)
        if 0 <= self._index_wanted < len(pool):
            self.one.pictures.gallery.select(self._index_wanted)
        self._index_wanted = -1

    def _pool_failed(self, text: str) -> None:
        self.one.pictures.show_note(text)
        self._fail_demo(text)

    # -- the demonstration ------------------------------------------------------------------------------------

    def _live_answered(self, snapshot: LiveSnapshot) -> None:
        if self._demo is None or self._demo[:1] != ["image"] or snapshot.dial is None:
            return
        if (snapshot.dial.classes < 0).any() and not snapshot.done:
            return
        self._demo = ["profile"]
        dial = snapshot.dial
        flipping = int(dial.flips[:, :-1].any(1).sum())
        self._demo_figures = {"models": len(dial.models), "models_that_flip": flipping}
        if snapshot.inspection is not None:
            self._demo_figures["residual"] = float(snapshot.inspection.relative)
        self.tabs.setCurrentIndex(TRADE_OFF)
        view = self.stage(TRADE_OFF)
        names = ",".join(_spread([info.name for info in self.chosen()], DEMO_MODELS))
        spec = ProfileSpec.preset("quick", **DEMO).changed(models=names, data=self.source_text())
        handle = self.start("invariance.profile", spec)
        view.take(handle)
        handle.ended.connect(self._demo_ended, Qt.ConnectionType.QueuedConnection)

    def _demo_ended(self, handle: Any) -> None:
        if self._demo is None:
            return
        if handle.state != "done":
            self._fail_demo(f"the profile ended as {handle.state}")
            return
        self._demo = None
        result: ProfileResult = handle.result
        x, y = result.at(60.0, 0.1)
        self._demo_figures |= {
            "images": result.images,
            "source": result.source,
            **{f"inv60 {m.name}": round(float(v), 4) for m, v in zip(result.models, x, strict=True)},
            **{f"robust01 {m.name}": round(float(v), 4) for m, v in zip(result.models, y, strict=True)},
        }
        self.demo_done.emit(self._demo_figures)

    def _fail_demo(self, why: str) -> None:
        if self._demo is not None:
            self._demo = None
            self.demo_failed.emit(why)


def _spread(names: list[str], count: int) -> list[str]:
    """`count` of the names, from the first to the last."""
    if len(names) <= count:
        return names
    return [names[round(i * (len(names) - 1) / (count - 1))] for i in range(count)]
