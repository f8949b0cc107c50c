"""The game on the board as Qt sees it: a `Record` that tells of its changes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from engines.core import atomic
from engines.core.errors import UserError
from engines.hex.gametree import MARKS
from engines.hex.rules import Swap
from engines.hex.sgf import decode, read_sgf
from workbench.panels.hex.record import Record
from workbench.widgets.hexboard import HexBoard, Mark


class GameModel(QObject, Record):
    """Everything a `Record` can do, with signals.

    position_changed(): the board shows something else. tree_changed(): nodes, comments or marks changed.
    game_replaced(): another game, perhaps of another size, comes before the two others.
    dirty_changed(bool): whether there is something to save.
    """

    position_changed = Signal()
    tree_changed = Signal()
    game_replaced = Signal()
    dirty_changed = Signal(bool)

    def __init__(self, size: int = 11, swap: Swap = "pieces", parent: QObject | None = None) -> None:
        QObject.__init__(self, parent)
        Record.__init__(self, size, swap)
        self._was_dirty = False
        self.path: Path | None = None

    # -- files -----------------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Open an SGF file. Raises UserError and changes nothing when it cannot be read or is damaged."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path.name} cannot be read: {error.strerror or error}") from None
        try:
            tree = read_sgf(decode(data))
        except UserError as error:
            raise UserError(f"{path.name}: {error.what}", error.remedy) from None
        self.load_tree(tree, is_saved=True)
        self.path = path

    def save(self, path: Path) -> None:
        """Write the game as SGF, beside first and then in place. Raises UserError when that fails."""
        try:
            atomic.write_bytes(path, self.to_sgf().encode())
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"{path} cannot be written: {why}", "choose another folder") from None
        self.path = path
        self.mark_saved()

    # -- the board -------------------------------------------------------------------------------------------

    def marks(self) -> dict[int, Mark]:
        """What is noted on the cells here, and the sign of a swap just made."""
        found = {cell: Mark(MARKS[kind]) for cell, kind in self.node.marks.items()}
        found |= {cell: Mark("label", text) for cell, text in self.node.labels.items()}
        swapped = self.swapped_cell()
        if swapped >= 0 and len(self.position.moves) == 2:
            found.setdefault(swapped, Mark("swap"))
        return found

    def show_on(self, board: HexBoard, *, numbers: bool = False) -> None:
        """Let a board show the position looked at."""
        position = self.position
        board.set_position(
            position.cells,
            position.to_move,
            last_move=position.last_cell,
            winning_path=position.winning_path(),
            marks=self.marks(),
            numbers=self.move_numbers() if numbers else None,
        )

    # -- telling ---------------------------------------------------------------------------------------------

    def _moved(self) -> None:
        self.position_changed.emit()

    def _edited(self) -> None:
        self.tree_changed.emit()
        if self.is_dirty != self._was_dirty:
            self._was_dirty = self.is_dirty
            self.dirty_changed.emit(self._was_dirty)

    def _replaced(self) -> None:
        self.path = None
        self.game_replaced.emit()
