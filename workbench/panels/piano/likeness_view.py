"""How alike the result is to the style: eight features as Gaussians, the area they share, in the paper's measure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from engines.piano.desk import Compared
from engines.piano.features import FEATURES, UNITS, Similarity
from engines.piano.notes import Notes
from engines.piano.spec import CompareSpec
from workbench.panels.base import Export
from workbench.panels.piano.errand import Errand
from workbench.theme import GRID
from workbench.widgets.basics import label, number, percent
from workbench.widgets.exports import save_csv, save_png
from workbench.widgets.gaussians_view import Feature, GaussiansView

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

STYLES: Final = ("Style A", "Style B")
HELPS: Final = (
    "Notes that begin in a second", "Highest minus lowest pitch", "Mean of the pitches", "Spread of the pitches",
    "Mean of the key velocities", "Spread of the key velocities", "Mean length of a note", "Spread of the lengths",
)  # fmt: skip


class LikenessView(QWidget):
    """Shows what is on the desk; needs no Run. Windows of two seconds, as in the paper."""

    run_text = "Compose"

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__()
        self.panel = panel
        self._errand = Errand(panel)
        self._pieces: list[tuple[str, Notes]] = []
        self.figures: dict[str, Similarity] = {}
        self.said = label("", wrap=True)
        self.view = GaussiansView(panel.services.theme, "Features of style and result")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, GRID, 0, 0)
        self.histograms = QCheckBox("Histograms")
        self.histograms.setToolTip("Show how the windows' values are spread behind the curves of style A and the next")
        self.histograms.setChecked(True)
        self.histograms.toggled.connect(self.view.show_histograms)
        head = QHBoxLayout()
        head.addWidget(self.said, 1)
        head.addWidget(self.histograms, 0, Qt.AlignmentFlag.AlignTop)
        rows.addLayout(head)
        rows.addWidget(self.view, 1)
        panel.takes.changed.connect(self.refresh)
        panel.form.styles_changed.connect(self.refresh)
        self.refresh()

    def pieces(self) -> list[tuple[str, Notes]]:
        """What is compared, the style first."""
        panel, take = self.panel, self.panel.takes.current
        found = [(name, panel.shelf.find(key)) for key, name in zip(panel.form.style_keys, STYLES, strict=True) if key]
        named = [(name, piece.style) for name, piece in found if piece is not None]
        result = take.voice if take is not None and take.done else None
        if result is not None:
            named.insert(1, ("Result", result.notes))
        return named

    def refresh(self) -> None:
        """Compare anew, if it is seen; a growing take is compared once it is complete."""
        take = self.panel.takes.current
        if not self.isVisible() or (take is not None and not take.done and take.voices):
            return
        pieces = self.pieces()
        if [(name, id(notes)) for name, notes in pieces] == [(name, id(notes)) for name, notes in self._pieces]:
            return
        self._pieces = pieces
        if not pieces:
            self._errand.give_up()
            self._show([], Compared((), ()))
            return
        self._errand.send(
            "piano.compare", CompareSpec(), partial(self._show, [name for name, _ in pieces]), self._forget,
            handed=tuple(notes for _, notes in pieces),
        )  # fmt: skip

    def _forget(self) -> None:
        """There is no answer: the next look asks again."""
        self._pieces = []

    def _show(self, names: list[str], found: Compared) -> None:
        """Draw the features of what is long enough to have some."""
        known = [k for k, profile in enumerate(found.profiles) if profile is not None]
        if not known:
            self.view.set_features((), ())
            self.said.setText("Nothing on the desk is long enough to be described (four seconds).")
            return
        profiles = [profile for profile in found.profiles if profile is not None]
        likes = [found.alike[k] for k in known]
        features = [
            Feature(
                name.capitalize(), unit, np.array([p.mean[i] for p in profiles]),
                np.array([p.deviation[i] for p in profiles]),
                np.array([np.nan, *(np.nan if like is None else like.overlaps[i] for like in likes[1:])]), help_text,
                tuple(p.values[:, i] for p in profiles),
            )
            for i, (name, unit, help_text) in enumerate(zip(FEATURES, UNITS, HELPS, strict=True))
        ]  # fmt: skip
        self.view.set_features(features, [names[k] for k in known])
        self.figures = {names[k]: like for k, like in zip(known, likes, strict=True) if k and like is not None}
        said = [
            f"{name}: {percent(like.overlap)} mean overlapping area, divergence {number(like.kl)} nats, "
            f"discrepancy {number(like.mmd)}"
            for name, like in self.figures.items()
        ]
        if 0 not in known:
            rest = "Style A is too short for it: four seconds of notes are needed."
        elif "Result" not in names:
            rest = "Compose something to see how alike it is."
        elif "Result" not in self.figures:
            rest = "The result is too short to be described: four seconds of notes are needed."
        else:
            rest = ""
        against = "Held against style A, in windows of two seconds (the same would be 100 %, 0 nats and 0)."
        self.said.setText(" ".join((against, *(f"{text}." for text in said), rest)).strip())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def exports(self) -> list[Export]:
        return [
            Export("features", "Features as CSV", ".csv", lambda path: save_csv(dict(self.view.columns()), path)),
            Export(
                "features-picture",
                "Features as a picture",
                ".png",
                lambda path: save_png(self.view.paint_into, self.view.size(), path),
            ),
        ]

    def save_state(self) -> dict[str, Any]:
        return {"histograms": self.histograms.isChecked()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.histograms.setChecked(state.get("histograms") is not False)

    def close_stage(self) -> None:
        """The window goes."""
        self._errand.give_up()
