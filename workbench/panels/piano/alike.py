"""How alike the variations of a finished take are to their style, in the paper's measure; the engine compares."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from engines.piano.desk import Compared
from engines.piano.spec import CompareSpec
from workbench.panels.piano.errand import Errand
from workbench.panels.piano.metrics import style_told
from workbench.panels.piano.takes import Take

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel


class Judge(QObject):
    """judged(): the newest take is judged, as far as that can be."""

    judged = Signal()

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._errand = Errand(panel)
        panel.takes.kept.connect(self._begin)

    def close(self) -> None:
        """The window goes."""
        self._errand.give_up()

    def _begin(self) -> None:
        take = self._panel.takes.newest
        style = None if take is None else style_told(self._panel, take)
        if style is None or take is None:
            self.judged.emit()
            return
        self._errand.send(
            "piano.compare", CompareSpec(), partial(self._take_in, take), self.judged.emit,
            handed=(style, *(voice.notes for voice in take.voices)),
        )  # fmt: skip

    def _take_in(self, take: Take, found: Compared) -> None:
        newest = self._panel.takes.newest
        if newest is not None and newest.voices is take.voices:
            self._panel.takes.judge({k: each.overlap for k, each in enumerate(found.alike[1:]) if each is not None})
        self.judged.emit()
