"""The Hex board and its relatives."""

from workbench.widgets.hexboard.board import HexBoard
from workbench.widgets.hexboard.display import BoardDisplay
from workbench.widgets.hexboard.geometry import DIAMOND, FLAT, BoardGeometry, cell_label
from workbench.widgets.hexboard.heat import Heat, Scale
from workbench.widgets.hexboard.legend import HeatLegend
from workbench.widgets.hexboard.look import BLACK, PLAYER_NAMES, WHITE, Look, look_for
from workbench.widgets.hexboard.painter import BoardPainter, Mark
from workbench.widgets.hexboard.wall import MiniBoardWall

__all__ = [
    "BLACK",
    "DIAMOND",
    "FLAT",
    "PLAYER_NAMES",
    "WHITE",
    "BoardDisplay",
    "BoardGeometry",
    "BoardPainter",
    "Heat",
    "HeatLegend",
    "HexBoard",
    "Look",
    "Mark",
    "MiniBoardWall",
    "Scale",
    "cell_label",
    "look_for",
]
