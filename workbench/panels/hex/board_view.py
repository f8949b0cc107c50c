"""The board with everything around its edge: overlays on top, the way through the game below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engines.core.errors import UserError
from engines.hex.snapshots import AnalysisSnapshot, ExactSnapshot
from workbench.panels.hex.marks_menu import marks_menu
from workbench.panels.hex.overlays import OVERLAYS, OverlayName, OverlayOptions, exact_overlay, overlay
from workbench.theme import GRID, set_role
from workbench.widgets.basics import ElidedLabel, icon_button, label, line, set_enabled
from workbench.widgets.hexboard import HexBoard

if TYPE_CHECKING:
    from workbench.panels.hex.game import GameModel

PLAYER: Final = {1: "Red", 2: "Blue"}


class OverlayBar(QWidget):
    """One button an overlay, one at a time or none. `chosen` carries the name or ""."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)  # one or none; Qt's exclusive groups always have one
        for number, info in enumerate(OVERLAYS):
            button = QPushButton(info.title)
            button.setCheckable(True)
            button.setToolTip(f"{info.help} (key {info.key})")
            button.setAccessibleName(f"Overlay: {info.title}")
            button.setStyleSheet("padding: 4px 7px;")
            self._group.addButton(button, number)
            row.addWidget(button)
        row.addStretch(1)
        self._group.idToggled.connect(self._toggled)

    def current(self) -> OverlayName | str:
        """The overlay that is on, or ""."""
        return next((info.name for n, info in enumerate(OVERLAYS) if self._group.button(n).isChecked()), "")

    def set_current(self, name: str) -> None:
        for number, info in enumerate(OVERLAYS):
            if info.name == name or not name:
                self._group.button(number).setChecked(info.name == name)

    def toggle(self, name: str) -> None:
        """What the overlay's key does: on, or off when it is on."""
        self.set_current("" if self.current() == name else name)

    def set_locked(self, reason: str) -> None:
        """Disable all with a reason, or enable them with ""."""
        for number, info in enumerate(OVERLAYS):
            set_enabled(self._group.button(number), reason, f"{info.help} (key {info.key})")

    def _toggled(self, number: int, on: bool) -> None:
        if on:
            for other in range(len(OVERLAYS)):
                if other != number:
                    with QSignalBlocker(self._group):
                        self._group.button(other).setChecked(False)
        self.chosen.emit(self.current())


class SetupBar(QWidget):
    """Which stone the mouse paints in set-up mode. `colour_chosen`: 1, 2 or 0 (erase); None leaves set-up."""

    colour_chosen = Signal(object)
    turn_chosen = Signal(int)
    clear_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(label("Set up:", muted=True))
        self._group = QButtonGroup(self)
        for colour, text in ((1, "Red stones"), (2, "Blue stones"), (0, "Erase")):
            button = QPushButton(text)
            button.setCheckable(True)
            self._group.addButton(button, colour)
            row.addWidget(button)
        self._group.button(1).setChecked(True)
        self._group.idClicked.connect(lambda colour: self.colour_chosen.emit(colour))
        self._turn = QComboBox()
        self._turn.addItem("Red to move", 1)
        self._turn.addItem("Blue to move", 2)
        self._turn.setAccessibleName("Who is to move in the set-up position")
        self._turn.activated.connect(lambda _: self.turn_chosen.emit(self._turn.currentData()))
        row.addWidget(self._turn)
        clear = QPushButton("Clear")
        clear.clicked.connect(lambda: self.clear_requested.emit())
        row.addWidget(clear)
        row.addStretch(1)
        done = QPushButton("Done")
        done.clicked.connect(lambda: self.colour_chosen.emit(None))
        row.addWidget(done)

    def colour(self) -> int:
        return self._group.checkedId()

    def show_turn(self, colour: int) -> None:
        with QSignalBlocker(self._turn):
            self._turn.setCurrentIndex(self._turn.findData(colour))


class BoardView(QWidget):
    """The board of a `GameModel`, with its overlay and navigation. It asks; the panel decides.

    move_asked(cell): a cell was clicked for play. cell_hovered(cell). swap_asked, back_asked: buttons.
    """

    move_asked = Signal(int)
    cell_hovered = Signal(int)
    swap_asked = Signal()
    take_back_asked = Signal()
    overlay_changed = Signal(str)
    heat_changed = Signal(object)
    failed = Signal(str, str)

    def __init__(self, model: GameModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.board = HexBoard(size=model.size)
        self.overlays = OverlayBar()
        self.setup_bar = SetupBar()
        self.turn = ElidedLabel("")
        self.teaching = label("Teaching", "small")
        set_role(self.teaching, "key")
        self.teaching.setToolTip("Moves that lose too much are taken back, and the search is not shown (Ctrl+T)")
        self.teaching.setAccessibleName("Teaching mode is on")
        self.options = OverlayOptions()
        self._snapshot: AnalysisSnapshot | None = None
        self._exact: ExactSnapshot | None = None
        self._numbers = False
        self._thinking = ""
        self._stroking = False
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        rows.setSpacing(GRID // 2)
        rows.addWidget(self.overlays)
        rows.addWidget(self.setup_bar)
        self.setup_bar.setVisible(False)
        rows.addWidget(self.board, 1)
        rows.addWidget(line())
        rows.addLayout(self._navigation())
        self.board.cell_clicked.connect(self._clicked)
        self.board.cell_hovered.connect(self.cell_hovered)
        self.board.wheel_stepped.connect(model.forward)
        self.board.stone_painted.connect(self._painted)
        self.board.stroke_ended.connect(self._stroke_ended)
        self.overlays.chosen.connect(self._overlay_chosen)
        self.setup_bar.colour_chosen.connect(self.set_setup)
        self.setup_bar.turn_chosen.connect(model.set_to_move)
        self.setup_bar.clear_requested.connect(model.clear_board)
        model.position_changed.connect(self.refresh)
        model.tree_changed.connect(self.refresh)
        model.game_replaced.connect(self._game_replaced)
        self.refresh()

    # -- what it shows ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the model's position; a picture of another position's search is dropped."""
        model = self.model
        model.show_on(self.board, numbers=self._numbers)
        if self._snapshot is not None and self._snapshot.size != model.size:
            self._snapshot = None
        if self._exact is not None and self._exact.size != model.size:
            self._exact = None
        self._paint_heat()
        position = model.position
        self._swap.setVisible(model.swap != "none")
        set_enabled(self._swap, "" if position.can_swap else "Only the second move of a game can be a swap")
        at_start = "" if model.node.parent is not None else "This is the beginning of the game"
        at_end = "" if model.line()[model.ply + 1 :] else "This is the end of the line"
        set_enabled(self._take_back, at_start, "Remove the last move; against an engine, its answer too (Backspace)")
        for button, off in zip(self._ways, (at_start, at_start, at_end, at_end), strict=True):
            set_enabled(button, off, button.accessibleName())
        self._ply.setText(f"{model.ply} / {len(model.line()) - 1}")
        self.setup_bar.show_turn(position.to_move)

    def show_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        """Draw the overlay of a search of the position shown, or none."""
        self._snapshot = snapshot
        self._paint_heat()

    def show_exact(self, found: ExactSnapshot | None) -> None:
        """Draw what the exact solver has found of the position shown, where its overlay is on, or nothing."""
        self._exact = found
        if self.overlays.current() == "exact":
            self._paint_heat()

    @property
    def snapshot(self) -> AnalysisSnapshot | None:
        return self._snapshot

    def set_thinking(self, text: str) -> None:
        """Say who thinks and take no clicks meanwhile, or "" for nobody."""
        self._thinking = text
        self.board.set_locked(text)
        self.refresh()

    def set_teaching(self, on: bool) -> None:
        """Show on the game screen that teaching is on: it changes what a move does."""
        self.teaching.setVisible(on)
        reason = "Teaching is on: overlays would give the answer away" if on else ""
        self.overlays.set_locked(reason)

    def set_options(self, options: OverlayOptions) -> None:
        self.options = options
        self._paint_heat()

    def set_numbers(self, shown: bool) -> None:
        """Move numbers on the stones."""
        self._numbers = shown
        self.refresh()

    def set_setup(self, colour: int | None) -> None:
        """Paint stones of a colour (0 erases), or play again with None."""
        self.setup_bar.setVisible(colour is not None)
        self.board.set_setup(colour)

    @property
    def is_setting_up(self) -> bool:
        return self.setup_bar.isVisibleTo(self)

    def _paint_heat(self) -> None:
        name, snapshot = self.overlays.current(), self._snapshot
        heat = None
        if name == "exact":
            heat = exact_overlay(self._exact) if self._exact is not None else None
        elif name and snapshot is not None and snapshot.size == self.model.size:
            heat = overlay(name, snapshot, self.options)  # type: ignore[arg-type]
        self.board.set_heat(heat)
        self._say_turn(heat.empty_note if heat is not None and name == "exact" else "")
        self.heat_changed.emit(heat)

    def _say_turn(self, solving: str) -> None:
        """Whose turn it is, and how far the exact solver has come: the legend may be folded away."""
        position = self.model.position
        if position.winner:
            self.turn.setText(f"{PLAYER[position.winner]} has won.")
            return
        edges = "top and bottom" if position.to_move == 1 else "left and right"
        said = self._thinking or f"{PLAYER[position.to_move]} to move (joins {edges})"
        self.turn.setText(f"{said}  ·  Exact: {solving}" if solving else said)

    # -- what is done with it ---------------------------------------------------------------------------------

    def _clicked(self, cell: int, buttons: object) -> None:
        if self.is_setting_up:
            return
        if buttons == Qt.MouseButton.RightButton:
            self.show_menu(cell, self.board.mapToGlobal(self.board.cell_centre(cell)))
        elif buttons == Qt.MouseButton.LeftButton:
            self.move_asked.emit(cell)

    def show_menu(self, cell: int, at: QPoint) -> None:
        """What can be noted on a cell; `at` in global pixels."""
        menu = marks_menu(self.model, cell, self)
        menu.popup(at)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The menu key on the board; the mouse's right button comes as a click."""
        cell = self.board.keyboard_cell
        if event.reason() == QContextMenuEvent.Reason.Keyboard and cell >= 0 and not self.is_setting_up:
            self.show_menu(cell, self.board.mapToGlobal(self.board.cell_centre(cell)))

    def _painted(self, cell: int, colour: int) -> None:
        if not self._stroking:
            self._stroking = True
            self.model.begin_stroke()
        try:
            self.model.set_stone(cell, colour)
        except UserError as error:
            self.failed.emit(error.what, error.remedy)

    def _stroke_ended(self) -> None:
        self._stroking = False
        self.model.end_stroke()

    def _overlay_chosen(self, name: str) -> None:
        self._paint_heat()
        self.overlay_changed.emit(name)

    def _game_replaced(self) -> None:
        self._snapshot = None
        self.set_setup(None)
        hour = self.model.link_rotation()
        if hour is not None:
            self.board.set_rotation(hour)
        self.refresh()

    def _navigation(self) -> QHBoxLayout:
        model = self.model
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.teaching)
        self.teaching.setVisible(False)
        row.addWidget(self.turn, 1)
        self._swap = QPushButton("Swap")
        self._swap.setAccessibleName("Swap")
        self._swap.clicked.connect(lambda: self.swap_asked.emit())
        row.addWidget(self._swap)
        self._take_back = icon_button("undo", "Take back", self.take_back_asked.emit)
        row.addWidget(self._take_back)
        self._ways = [
            icon_button("first", "To the beginning (Home)", model.to_start),
            icon_button("previous", "Back one move (Page up)", model.back),
            icon_button("next", "Forward one move (Page down)", model.forward),
            icon_button("last", "To the end (End)", model.to_end),
        ]
        self._ply = label("", muted=True)
        self._ply.setAccessibleName("Move shown, of all moves")
        for button in self._ways[:2]:
            row.addWidget(button)
        row.addWidget(self._ply)
        for button in self._ways[2:]:
            row.addWidget(button)
        return row
