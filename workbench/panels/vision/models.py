"""The models that the vision panels offer, and those of the user's: looked into, tried, added, forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from engines.core.errors import UserError
from engines.vision.jobs.models import InspectSpec
from engines.vision.jobs.pictures import TrySpec
from engines.vision.nets.models import ModelInfo, list_models
from engines.vision.own import SUFFIXES, OwnModel, add_own_model, remove_own_model
from workbench.widgets.own_model_answers import Answers, OwnModelTools, Question, Refused, Stop

if TYPE_CHECKING:
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle
    from workbench.widgets.model_list import ModelPicker

TOPIC: Final = "vision"
_SHORTER: Final = (
    (re.compile(r",? trained on turns to (±[\d.]+°)"), r" \1"),
    (re.compile(r",? turns to (±[\d.]+°)"), r" \1"),
    (re.compile(r",? adversarially trained, (ε [\d./]+)"), r" AT \1"),
    (re.compile(r"with batch normalisation"), "with BN"),
    (re.compile(r"Residual network"), "ResNet"),
)
"""What every list and legend would repeat, and narrow ones cut off."""


def short_title(title: str) -> str:
    """A title for narrow places: "Plain CNN, trained on turns to ±60°" is "Plain CNN ±60°"."""
    for pattern, text in _SHORTER:
        title = pattern.sub(text, title)
    return title


def model_items(shape: tuple[int, int, int] | None = None, topic: str = TOPIC) -> list[ModelInfo]:
    """What a `ModelPicker` lists, under short titles: shipped models first, grey ones before coloured, then trained
    ones, then the user's own files.

    shape: only models of that input (C, H, W). Reads cards only, so it may be called in the window.
    """
    found = [replace(info, title=short_title(info.title)) for info in list_models(shape, topic)]
    return sorted(found, key=lambda info: (info.is_own, not info.is_shipped, info.input_shape))


class OwnModels(QObject):
    """Makes the picker's "Add your own…" work, with the jobs "vision.inspect" and "vision.try".

    changed(str): a model was added or trained (its name), or forgotten (""); the picker is listed anew by then.
    """

    changed = Signal(str)

    def __init__(self, panel: Panel, picker: ModelPicker, items: Callable[[], list[ModelInfo]] = model_items) -> None:
        super().__init__(panel)
        self._panel, self._picker, self._items = panel, picker, items
        self._asked: dict[JobHandle, tuple[Callable[[Any], None], Refused]] = {}
        self.tools = OwnModelTools(self._inspect, self._save, self._try, SUFFIXES)
        picker.set_own_model_tools(self.tools)
        picker.model_added.connect(lambda name: self.refresh(name, tick=True))
        picker.remove_requested.connect(self.remove)
        picker.set_models(items(), [])

    def refresh(self, name: str = "", *, tick: bool = False) -> None:
        """List the models anew; tick the one called `name` besides those that are ticked."""
        chosen = self._picker.selection()
        self._picker.set_models(self._items(), [*chosen, name] if tick and name else chosen)
        self.changed.emit(name)

    def remove(self, name: str) -> None:
        """Forget one of the user's models; its file stays."""
        try:
            remove_own_model(name)
        except UserError as error:
            self._panel.show_message(error.what, "error", error.remedy, cause="own model")
            return
        self._panel.messages.withdraw("own model")
        self.refresh()
        self._panel.status_message.emit(f"Forgot {name}; its file stays where it is", "ok")

    def accepts(self, path: Path) -> bool:
        """Whether the file may be a model of the user's."""
        return path.suffix.lower() in SUFFIXES

    def open_path(self, path: Path) -> None:
        """Begin to add a model file that was dropped. Raises UserError where it is none."""
        if not path.is_file():
            raise UserError(f"{path.name} is no file", "drop a model file")
        dialog = self._picker.add_own(str(path))
        if dialog is None:
            raise UserError("no model can be added yet", "wait until the engine has started")
        self._panel.opens_later(path)
        dialog.saved.connect(lambda answers: self._panel.was_opened(Path(answers.path), f"Added {answers.name}"))
        dialog.rejected.connect(lambda: self._panel.was_not_opened(path))

    def close(self) -> None:
        """End what was asked and is not wanted any more."""
        for handle in list(self._asked):
            self._stop(handle)

    # -- the tools --------------------------------------------------------------------------------------------

    def _inspect(self, question: Question, found: Callable[[Any], None], refused: Refused) -> Stop:
        values = {
            "path": question.path, "kind": question.kind, "colours": question.colours, "height": question.height,
            "width": question.width,
        }  # fmt: skip
        return self._ask("vision.inspect", InspectSpec, values, found, refused)

    def _try(
        self, answers: Answers, picture: Path, said: Callable[[list[tuple[str, float]]], None], refused: Refused
    ) -> Stop:
        def tell(result: Any) -> None:
            said(list(zip(result.classes, result.confidence.tolist(), strict=True)))

        values = {"model": json.dumps(asdict(_own(answers))), "picture": str(picture)}
        return self._ask("vision.try", TrySpec, values, tell, refused)

    def _save(self, answers: Answers) -> None:
        add_own_model(_own(answers))

    def _ask(
        self, name: str, spec_class: Any, values: dict[str, Any], found: Callable[[Any], None], refused: Refused
    ) -> Stop:
        try:
            spec = spec_class.checked(values)
        except UserError as error:
            refused(error.what, error.remedy)
            return lambda: None
        handle = self._panel.services.runner.submit(name, spec, lane="interactive", record=False)
        self._asked[handle] = found, refused
        handle.ended.connect(self._answered)
        return lambda: self._stop(handle)

    def _stop(self, handle: JobHandle) -> None:
        if self._asked.pop(handle, None) is not None:
            handle.ended.disconnect(self._answered)
            handle.cancel()

    def _answered(self, handle: JobHandle) -> None:
        waiting = self._asked.pop(handle, None)
        if waiting is None:
            return
        handle.ended.disconnect(self._answered)
        found, refused = waiting
        if handle.state == "done":
            found(handle.result)
        elif handle.error is not None:
            refused(handle.error.what, handle.error.remedy)
        else:
            refused("the engine was stopped before it could look into the file", "try once more")


def _own(answers: Answers) -> OwnModel:
    values = {name: getattr(answers, name) for name in OwnModel.__dataclass_fields__}
    return OwnModel(**values)
