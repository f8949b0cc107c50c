"""The swap map: what every first move is worth, and so when to swap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.hex.coordinates import cell_name
from engines.hex.snapshots import OpeningsSnapshot
from engines.hex.spec import SHIPPED_THREE_HEAD, SHIPPED_TWO_HEAD, OpeningsSpec
from workbench.panels.hex.opening_map import OpeningMap
from workbench.panels.hex.stage import Stage
from workbench.theme import GRID
from workbench.widgets.basics import label
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel
    from workbench.runner import JobHandle

FIELDS = ("size", "simulations", "weights", "n0", "c_puct", "average_rotation", "seed", "device")


class OpeningsView(Stage):
    """Run searches the position after each first move; a click on a cell plays it on the Board tab."""

    run_text = "Map the openings"

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
        self.form: SpecForm[OpeningsSpec] = SpecForm(
            OpeningsSpec,
            fields=FIELDS,
            choices={"weights": [SHIPPED_THREE_HEAD, SHIPPED_TWO_HEAD]},
            start={"size": panel.model.size},
        )
        self.map = OpeningMap()
        self.map.set_rotation(panel.board_view.board.rotation)
        self.map.opening_chosen.connect(self._open)
        self.summary = label("Red opens, Blue may swap. The map shows Red's chances after each opening.", wrap=True)
        left = QVBoxLayout()
        left.addWidget(self.form)
        left.addStretch(1)
        box = QWidget()
        box.setLayout(left)
        box.setFixedWidth(260)
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
        self.map.set_openings(snapshot)
        known = np.flatnonzero(np.isfinite(snapshot.value))
        if len(known):
            fair = int(known[np.argmin(np.abs(snapshot.value[known]))])
            worth = 50 * (1 + float(snapshot.value[fair]))
            winning = int((snapshot.value[known] > 0).sum())
            self.summary.setText(
                f"{len(known)} of {snapshot.size**2} openings searched; Red is ahead after {winning}. The fairest so far "
                f"is {cell_name(fair, snapshot.size)} ({worth:.0f} % for Red). Swap where Red is above 50 %."
            )

    def show_end(self, handle: JobHandle) -> None:
        if handle.state == "done":
            result = handle.result
            self.show_snapshot(OpeningsSnapshot(result.size, result.value, result.exact))

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
