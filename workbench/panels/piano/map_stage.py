"""Where styles lie: vectors of many performances on a plane; a click hears one, the puck composes between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.piano import library
from engines.piano.desk import ReadPiece
from engines.piano.features import FEATURES, SHORT
from engines.piano.library import Item
from engines.piano.results import StylesResult
from engines.piano.spec import ReadSpec, StylesSpec
from workbench.panels.base import Export
from workbench.panels.piano.auditions import Auditions
from workbench.panels.piano.errand import Errand
from workbench.panels.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import ElidedLabel, label, percent, set_enabled
from workbench.widgets.exports import save_csv, save_png
from workbench.widgets.plots import Plot
from workbench.widgets.style_map import StyleMap

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel
    from workbench.runner import JobHandle

LIBRARY, FOLDER = "library", "folder"
MOST_READ: Final = 32
"""Files of the map whose notes are kept."""
LEAST_SHARE: Final = 0.02
"""Pieces with a smaller share of the puck's blend are left out."""
MEANING: Final = (
    f"The network keeps one list of numbers (a vector) of each piece. R² says how well a feature of a piece is told "
    f"from its vector alone: 1 is exactly, 0 not at all. "
    f"{', '.join(f'{short} {name}' for short, name in zip(SHORT, FEATURES, strict=True))}."
)


class MapStage(Stage):
    """Run embeds the pieces and lays them out; then the map is live."""

    run_text = "Map styles"

    def __init__(self, panel: PianoPanel) -> None:
        super().__init__(panel)
        self.piano = panel
        self.ear = Auditions(panel, "map")
        theme = panel.services.theme
        self.result: StylesResult | None = None
        self._folder: Path | None = None
        self._mapping: Path | None = None
        self._shown: Path | None = None
        self._errand = Errand(panel)
        self._read: dict[Path, ReadPiece] = {}
        self.source = QComboBox()
        self.source.setAccessibleName("Pieces on the map")
        self.source.addItem("Pieces that come with the program", LIBRARY)
        self.source.addItem("A folder of MIDI files…", FOLDER)
        self.map = StyleMap(theme)
        self.probes = Plot(
            theme, title="What the style vector knows", x="feature", y="how well it is told, R²", legend=False
        )
        self.meaning = label(MEANING, "small", muted=True, wrap=True)
        self.said = ElidedLabel("Press Map styles: pieces of like style lie close together. A few seconds.")
        self.blend = label("", "small", muted=True, wrap=True)
        self.compose = QPushButton("Compose here")
        set_enabled(self.compose, "Map some pieces first")
        self._build()
        self.source.activated.connect(self._source_chosen)
        self.map.puck_moved.connect(lambda *_: self._show_blend())
        self.map.puck_moving.connect(lambda *_: self._show_blend())
        self.map.point_chosen.connect(self._chosen)
        self.compose.clicked.connect(lambda: panel.attempt(self.compose_here))

    def _build(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.source)
        head.addWidget(self.said, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.blend, 1)
        foot.addWidget(self.compose)
        left = QWidget()
        rows = QVBoxLayout(left)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(self.map, 1)
        rows.addLayout(foot)
        parts = QSplitter(Qt.Orientation.Horizontal)
        parts.setChildrenCollapsible(False)
        parts.addWidget(left)
        right = QWidget()
        rows = QVBoxLayout(right)
        rows.setContentsMargins(0, 0, GRID, 0)
        rows.addWidget(self.probes, 1)
        rows.addWidget(self.meaning)
        parts.addWidget(right)
        parts.setSizes([600, 320])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, GRID, 0, 0)
        whole.addLayout(head)
        whole.addWidget(parts, 1)

    # -- stage ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        card = self.piano.form.card
        if card is None:
            raise UserError("there is no trained network yet", "train one in the tab “Training lab”")
        folder = self._folder if self.source.currentData() == FOLDER else None
        if self.handle is not None and not self.handle.has_ended:
            self.handle.cancel()
        self._mapping = folder
        self.take(self.panel.start("piano.styles", StylesSpec(weights=card.name, source=LIBRARY, folder=folder)))
        self.said.setText("Reading the pieces …")

    def show_end(self, handle: JobHandle) -> None:
        if handle.state == "done":
            self.show_result(handle.result)
        elif handle.state == "cancelled":
            self.said.setText("Stopped.")
        elif handle.error is not None:
            self.said.setText(handle.error.what)

    def show_result(self, result: StylesResult) -> None:
        """Draw a map."""
        self.result = result
        self._shown = self._mapping
        self._errand.give_up()
        self.map.set_points(result.map, [_title(name) for name in result.names])
        first, second = result.variance[:2]
        self.map.set_axes(f"1st direction ({percent(first, 0)} of the spread)", f"2nd ({percent(second, 0)})")
        known = np.isfinite(result.readable)
        self.probes.clear()
        if known.any():
            self.probes.set_bars("r2", np.flatnonzero(known).astype(float), result.readable[known])
            self.probes.set_ticks("bottom", [(float(k), SHORT[k]) for k in range(len(FEATURES))])
        self.said.setText(
            f"{len(result.names)} pieces, read by “{self._network(result.weights)}”. "
            "Click one to hear it; drag the puck between them."
            + (f" {' '.join(result.remarks)}" if result.remarks else "")
        )
        set_enabled(self.compose, "", "Compose in the blend of styles under the puck")
        self._show_blend()

    def show_folder(self, folder: Path) -> None:
        """Map the MIDI files of a folder."""
        self._folder = folder
        self.source.setCurrentIndex(self.source.findData(FOLDER))
        self.source.setItemText(self.source.currentIndex(), f"Folder: {folder.name}")
        self.piano.attempt(self.start)

    def exports(self) -> list[Export]:
        why = "" if self.result is not None else "Map some pieces first."

        def vectors(path: Path) -> None:
            assert self.result is not None
            np.savez(path, names=np.array(self.result.names), z=self.result.z, map=self.result.map)

        return [
            Export("map", "Map as CSV", ".csv", lambda path: save_csv(dict(self.map.columns()), path), lambda: why),
            Export(
                "map-picture",
                "Map as a picture",
                ".png",
                lambda path: save_png(self.map.paint_into, self.map.size(), path),
                lambda: why,
            ),
            Export("vectors", "Style vectors of the map (NPZ)", ".npz", vectors, lambda: why),
        ]

    def close_stage(self) -> None:
        self._errand.give_up()
        super().close_stage()

    def hideEvent(self, event: QHideEvent) -> None:
        self.ear.leave()
        super().hideEvent(event)

    def save_state(self) -> dict[str, Any]:
        return {"folder": str(self._folder) if self._folder is not None else ""}

    def restore_state(self, state: dict[str, Any]) -> None:
        folder = state.get("folder")
        try:
            if isinstance(folder, str) and folder and Path(folder).is_dir():
                self._folder = Path(folder)
        except (OSError, ValueError):
            return  # no name that this system could have

    # -- the puck ---------------------------------------------------------------------------------------------

    def compose_here(self) -> None:
        """Compose in the blend under the puck, once its pieces are read. Raises UserError where there is no map."""
        if self.result is None:
            raise UserError("there is no map yet", "press Map styles")
        which, shares = self.map.weights()
        kept = shares >= LEAST_SHARE
        blend, title = [float(s) for s in shares[kept]], self.map.in_words()

        def begin(pieces: list[ReadPiece | Item]) -> None:
            styles = [piece.style if isinstance(piece, ReadPiece) else piece.notes for piece in pieces]
            self.piano.attempt(lambda: self.piano.compose_blend(styles, blend, title))

        self._with_pieces([self._where(int(k)) for k in which[kept]], begin)

    def _network(self, name: str) -> str:
        """What the list of networks calls it."""
        boxes = self.piano.form.weights
        index = boxes.findData(name)
        return boxes.itemText(index) if index >= 0 else name

    def _show_blend(self) -> None:
        self.blend.setText(self.map.in_words() if self.result is not None else "")

    def _chosen(self, index: int) -> None:
        def hear(pieces: list[ReadPiece | Item]) -> None:
            piece = pieces[0]
            self.ear.put("piece", piece.sounding if isinstance(piece, ReadPiece) else piece.notes)
            self.ear.hear("piece")

        self._with_pieces([self._where(index)], hear)

    def _where(self, index: int) -> Path | str:
        """The file of a point, or the name of a piece of ours."""
        assert self.result is not None
        name = self.result.names[index]
        return name if self._shown is None else self._shown / name

    def _with_pieces(self, places: list[Path | str], then: Callable[[list[ReadPiece | Item]], None]) -> None:
        """Call `then` with pieces, once the engine has read those that are files. A newer wish takes its place."""
        self._errand.give_up()
        for place in places:
            if isinstance(place, Path) and place not in self._read:

                def keep(piece: ReadPiece, path: Path = place) -> None:
                    self._read[path] = piece
                    for old in list(self._read)[:-MOST_READ]:
                        del self._read[old]
                    self._with_pieces(places, then)

                self._errand.send("piano.read", ReadSpec(path=place), keep)
                return
        then([self._read[place] if isinstance(place, Path) else library.item(place) for place in places])

    def _source_chosen(self, _: int) -> None:
        if self.source.currentData() == FOLDER:
            chosen = QFileDialog.getExistingDirectory(self, "A folder of MIDI files", str(self._folder or ""))
            if chosen:
                self.show_folder(Path(chosen))
            else:
                self.source.setCurrentIndex(self.source.findData(LIBRARY if self._mapping is None else FOLDER))


def _title(name: str) -> str:
    """A name for people: the library's title, a file's stem."""
    if name in library.style_names() or name in library.melody_names():
        return library.item(name).title
    return Path(name).stem
