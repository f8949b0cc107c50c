"""What the models of a live attack call each iterate: the white box first, then everybody else who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from engines.core.errors import UserError
from engines.transfer.setting import Source
from engines.transfer.snapshots import Verdicts

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.models import Model


class Jury:
    """The source's models and the targets, and what they say of the iterates.

    load: gives a model by name, or raises UserError. label: of the image, as the source counts classes.
    """

    def __init__(
        self, load: Callable[[str], Model], targets: tuple[str, ...], source: Source, label: int,
        check: Callable[[], None],
    ) -> None:  # fmt: skip
        self._load, self._source, self._check = load, source, check
        self.models: list[Model] = list(source.models)
        self.problems: list[tuple[str, str]] = []
        self._waiting = [name for name in targets if name not in {m.name for m in source.models}]
        self._label = label
        self.labels: list[int] = [label] * len(self.models)
        self._rows: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def ask(self, x: Tensor, *, only_source: bool) -> None:
        """Hear the source's models, or load and hear the targets, about the iterates [T + 1, C, H, W]."""
        from engines.transfer.walking import verdict

        if only_source:
            self._rows = [verdict(model, x, self._label) for model in self.models]
            return
        for name in self._waiting:
            try:
                model = self._load(name)
                label = self._label_for(model)
                row = verdict(model, x, label)
            except UserError as error:
                self.problems.append((name, str(error)))
                continue
            if label < 0:  # It has no such class: its own answer to the clean image stands for the truth.
                label = int(row[0][0])
                row = verdict(model, x, label)
            self.models.append(model)
            self.labels.append(label)
            self._rows.append(row)
            self._check()

    def verdicts(self) -> Verdicts:
        """What was heard so far."""
        named, confidence, truth = (np.stack([row[k] for row in self._rows]) for k in range(3))
        return Verdicts(
            models=tuple(model.name for model in self.models),
            titles=tuple(model.title for model in self.models),
            names=tuple(model.classes for model in self.models),
            named=named,
            confidence=confidence,
            truth=truth,
            labels=np.array(self.labels, np.int64),
            white_box=np.array([self._source.holds(model) for model in self.models]),
            problems=tuple(self.problems),
        )

    def _label_for(self, model: Model) -> int:
        """The label as another model counts classes, by name; -1 where it has none of that name."""
        wanted = self._source.classes[self._label].strip().casefold()
        places = {title.strip().casefold(): k for k, title in enumerate(model.classes)}
        return places.get(wanted, -1)
