"""Which models take part: the ticked ones, and the white box among them."""

from __future__ import annotations

from typing import Final

from engines.core.errors import UserError
from engines.transfer.setting import JOINED, is_robust
from engines.vision.nets.models import ModelInfo
from workbench.widgets.model_list import ModelPicker

WHITE_BOX: Final = "mnist-lenet"
"""Attacked at first, where it is here: quick enough for the slider, and not the weakest."""


class ModelChoice:
    """Reads the ticks of a picker. source: the white box as a spec names it; several joined by + are attacked through
    their mean logits; "" while nothing is ticked."""

    def __init__(self, picker: ModelPicker) -> None:
        self._picker = picker
        self.source = WHITE_BOX

    def chosen(self) -> list[ModelInfo]:
        """The ticked models that can be used."""
        return [i for i in self._picker.models() if isinstance(i, ModelInfo) and not i.problem]

    def names(self) -> list[str]:
        """Names of the ticked models. Raises UserError where none is ticked."""
        found = [info.name for info in self.chosen()]
        if not found:
            raise UserError("no model is ticked", "tick two or more on the left: one is attacked, the others are asked")
        return found

    def normal_names(self) -> list[str]:
        """Of these, the ones that were not trained against an adversary and share the first one's classes."""
        normal = [info for info in self.chosen() if not is_robust(info)]
        return [info.name for info in normal if info.classes == normal[0].classes]

    def offered(self) -> list[tuple[str, str]]:
        """What can be the white box: (as a spec names it, title). One that is no longer ticked gives way."""
        found = [(info.name, info.title) for info in self.chosen()]
        normal = self.normal_names()
        if len(normal) > 1:
            found.append((JOINED.join(normal), f"{len(normal)} normal models together"))
        known = [name for name, _ in found]
        if self.source not in known:
            self.source = WHITE_BOX if WHITE_BOX in known else known[0] if known else ""
        return found

    def source_name(self) -> str:
        """The white box as a spec names it. Raises UserError where none is ticked."""
        self.names()
        return self.source

    def source_classes(self) -> tuple[str, ...]:
        """Class names of the white box, () without one."""
        by_name = {info.name: info for info in self.chosen()}
        return next((by_name[part].classes for part in self.source.split(JOINED) if part in by_name), ())
