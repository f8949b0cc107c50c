"""What the stages beside the board have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.panels import stage

if TYPE_CHECKING:
    from workbench.panels.hex.panel import HexPanel


class Stage(stage.Stage):
    """A tab of the Hex panel."""

    panel: HexPanel

    def __init__(self, panel: HexPanel) -> None:
        super().__init__(panel)
