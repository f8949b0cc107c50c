"""The swap map: what every first move is worth, and so when to swap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from engines.core.errors import UserError
from engines.hex.coordinates import cell_name
from engines.hex.snapshots import OpeningsSnapshot
from engines.hex.spec import OpeningsSpec
from workbench.panels.base import Export
from workbench.panels.hex.opening_map import OpeningMap
from workbench.panels.hex.opening_model import summary
from workbench.panels.hex.settings_form import known_networks
from workbench.panels.hex.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import label
from workbench.widgets.exports import painted_by, save_csv, save_png, save_svg
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel
    from workbench.runner import JobHandle

READING = "Numbers: Red’s chance to win in %; W and L: proven."
FIELDS = ("size", "simulations", "weights", "n0", "c_puct", "average_rotation", "seed", "device")


class OpeningsView(Stage):
    """Run searches the position after each first move; a click on a cell plays it on the Board tab."""

    run_text = "Map the openings"

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
        self.form: SpecForm[OpeningsSpec] = SpecForm(
            OpeningsSpec,
            fields=FIELDS,
            choices={"weights": known_networks(), "device": panel.services.devices},
            start={"size": panel.model.size},
            preset=panel.services.settings.preset,
        )
        self._latest: OpeningsSnapshot | None = None
        self.map = OpeningMap()
        self.map.set_rotation(panel.board_view.board.rotation)
        self.map.opening_chosen.connect(self._open)
        self.summary = label("Red opens, Blue may swap. The map shows Red's chances after each opening.", wrap=True)
        box = self.settings_beside(self.form)
        right = QVBoxLayout()
        right.addWidget(self.summary)
        right.addWidget(self.map, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, GRID // 2, 0, 0)
        row.addWidget(box)
        row.addLayout(right, 1)

    def start(self) -> None:
        self.take(self.panel.start("hex.openings", self.form.read()))

    def show_snapshot(self, snapshot: Any) -> None:
        if not isinstance(snapshot, OpeningsSnapshot):
            return
        self._latest = snapshot
        self.map.set_openings(snapshot)
        self.summary.setText(f"{summary(snapshot)} {READING}")

    def show_end(self, handle: JobHandle) -> None:
        if handle.state == "done":
            result = handle.result
            self.show_snapshot(OpeningsSnapshot(result.size, result.value, result.exact))

    def exports(self) -> list[Export]:
        def none() -> str:
            return "" if self._latest is not None else "Map the openings first."

        return [
            Export("openings-png", "Swap map as PNG", ".png", self._write_picture, none),
            Export("openings-svg", "Swap map as SVG", ".svg", self._write_picture, none),
            Export("openings-csv", "Swap map as CSV", ".csv", self._write_table, none),
        ]

    def _write_picture(self, path: Path) -> None:
        save = save_svg if path.suffix.lower() == ".svg" else save_png
        save(painted_by(self.map), self.map.size(), path)

    def _write_table(self, path: Path) -> None:
        if self._latest is not None:
            seen = self._latest
            names = np.array([cell_name(cell, seen.size) for cell in range(seen.size**2)])
            save_csv({"opening": names, "red_win_percent": 50 * (1 + seen.value), "exact": seen.exact}, path)

    def save_state(self) -> dict[str, Any]:
        spec = self.form.spec()
        return {} if spec is None else {name: spec.model_dump(mode="json")[name] for name in FIELDS}

    def restore_state(self, state: dict[str, Any]) -> None:
        try:
            self.form.set_spec(OpeningsSpec.checked({k: v for k, v in state.items() if k in FIELDS}))
        except UserError:
            return

    def _open(self, cell: int) -> None:
        spec = self.form.spec()
        if spec is not None:
            self.panel.new_game(spec.size, self.panel.model.swap)
            self.panel.tabs.setCurrentIndex(0)
            self.panel.play(cell)
