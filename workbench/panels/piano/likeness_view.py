"""How alike the result is to the style: eight features as Gaussians, the area they share, in the paper's measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano.features import FEATURES, UNITS, Profile, profile, similarity
from engines.piano.notes import Notes
from workbench.panels.base import Export
from workbench.theme import GRID
from workbench.widgets.basics import label, number, percent
from workbench.widgets.exports import save_csv, save_png
from workbench.widgets.gaussians_view import Feature, GaussiansView

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel

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
        self._short = ""
        self.said = label("", wrap=True)
        self.view = GaussiansView(panel.services.theme, "Features of style and result")
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, GRID, 0, 0)
        rows.addWidget(self.said)
        rows.addWidget(self.view, 1)
        panel.takes.changed.connect(self.refresh)
        panel.form.styles_changed.connect(self.refresh)
        self.refresh()

    def curves(self) -> list[tuple[str, Profile]]:
        """What is compared, the style first; pieces too short are left out."""
        panel, found, self._short = self.panel, [], ""
        take = panel.takes.current
        pieces: list[tuple[str, Notes | None]] = []
        for key, name in zip(panel.form.style_keys, ("Style A", "Style B"), strict=True):
            piece = panel.shelf.find(key) if key else None
            pieces.append((name, piece.notes if piece is not None else None))
        result = take.voice if take is not None and take.done else None
        pieces.insert(1, ("Result", result.notes if result is not None else None))
        for name, notes in pieces:
            if notes is None:
                continue
            try:
                found.append((name, profile(notes)))
            except UserError:
                if name == "Result":
                    self._short = " The result is too short to be described: four seconds of notes are needed."
        return found

    def refresh(self) -> None:
        """Draw anew, if it is seen; a growing take is drawn once it is complete."""
        take = self.panel.takes.current
        if not self.isVisible() or (take is not None and not take.done and take.voices):
            return
        curves = self.curves()
        if not curves:
            self.view.set_features((), ())
            self.said.setText("Nothing on the desk is long enough to be described (four seconds).")
            return
        first = curves[0][1]
        likes = [similarity(first, other) for _, other in curves]
        features = [
            Feature(
                name.capitalize(), unit, np.array([p.mean[i] for _, p in curves]),
                np.array([p.deviation[i] for _, p in curves]),
                np.array([np.nan, *(like.overlaps[i] for like in likes[1:])]), help_text,
            )
            for i, (name, unit, help_text) in enumerate(zip(FEATURES, UNITS, HELPS, strict=True))
        ]  # fmt: skip
        self.view.set_features(features, [name for name, _ in curves])
        said = [
            f"{name}: mean overlapping area {percent(like.overlap)}, KL {number(like.kl)} nats, MMD {number(like.mmd)}"
            for (name, _), like in zip(curves[1:], likes[1:], strict=True)
        ]
        self.said.setText(
            "Against style A, in windows of two seconds. " + ". ".join(said) + ("." if said else "")
            + (self._short if self._short or "Result" in dict(curves) else " Compose something to see how alike it is.")
        )  # fmt: skip

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
        return {}

    def restore_state(self, state: dict[str, Any]) -> None:
        """Nothing is kept."""

    def close_stage(self) -> None:
        """Nothing runs here."""
