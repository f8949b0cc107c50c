"""The left side of the Hex panel: the game, who plays, the network and its search, teaching, and the view."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engines.core.errors import UserError
from engines.hex.spec import SHIPPED_THREE_HEAD, SHIPPED_TWO_HEAD, EngineSpec
from workbench.panels.hex.seats import SeatsBox
from workbench.theme import GRID
from workbench.widgets.basics import Collapsible
from workbench.widgets.spec_form import SpecForm

SIZES: Final = (3, 19)
TOP: Final = 12
"""Best moves that get a number: in a lopsided position the rest would be a carpet of noughts and ones."""
SWAPS: Final = (
    ("pieces", "Swap pieces", "The second player may take over the first move, mirrored onto the own side"),
    ("sides", "Swap sides", "The second player may change colours with the first"),
    ("none", "No swap", "The first player has a large advantage"),
)
ENGINE_FIELDS: Final = (
    "weights", "n0", "c_puct", "batch", "fpu", "use_q_leaf", "gumbel", "noise", "alpha", "average_rotation",
    "cache_positions", "seed", "device",
)  # fmt: skip


@dataclass(frozen=True)
class ViewOptions:
    """always_red: win % from Red's side. top: best moves that get numbers, 0 all. numbers, coordinates: on the board.
    rotation: hour 1..12 of the board's orientation. pv_length: moves of a previewed variation."""

    always_red: bool = False
    top: int = TOP
    numbers: bool = False
    coordinates: bool = True
    rotation: int = 10
    pv_length: int = 8

    @staticmethod
    def of_state(state: object) -> ViewOptions:
        """From a session file; what does not fit is left at its default."""
        default = ViewOptions()
        if not isinstance(state, dict):
            return default
        values = {k: state[k] for k, v in asdict(default).items() if isinstance(state.get(k), type(v))}
        return ViewOptions(**values)


class SettingsForm(QWidget):
    """Signals carry what was chosen; nothing here acts.

    new_game_asked(size, swap). swap_changed(swap). engine_changed(EngineSpec or None while a field is wrong).
    view_changed(ViewOptions). teaching_changed(on, tolerance in points of win %, hint after seconds).
    """

    new_game_asked = Signal(int, str)
    swap_changed = Signal(str)
    engine_changed = Signal(object)
    view_changed = Signal(object)
    teaching_changed = Signal(bool, int, int)

    def __init__(self, weights: list[str], devices: list[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.seats = SeatsBox()
        self._always_red, self._numbers, self._coordinates = QCheckBox(), QCheckBox(), QCheckBox()
        self._top = _spin(0, 50, TOP, "", "Moves that get numbers in an overlay; 0 for all")
        self._pv = _spin(1, 40, 8, " moves", "Length of a previewed variation")
        self.engine = SpecForm(
            EngineSpec,
            fields=ENGINE_FIELDS,
            show_presets=False,
            choices={"weights": weights, "device": devices},
        )
        self.engine.changed.connect(self.engine_changed)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, GRID)
        rows.setSpacing(0)
        parts = (
            ("Game", self._game(), True),
            ("Players", self.seats, True),
            ("Network and search", self.engine, True),
            ("Teaching", self._teaching(), False),
            ("View", self._view(10), False),
        )
        self.sections: dict[str, Collapsible] = {}
        for title, content, is_open in parts:
            self.sections[title] = Collapsible(title, content, is_open=is_open)
            rows.addWidget(self.sections[title])
        rows.addStretch(1)

    # -- values -----------------------------------------------------------------------------------------------

    def show_game(self, size: int, swap: str) -> None:
        """Follow the game on the board."""
        with QSignalBlocker(self._size), QSignalBlocker(self._swap):
            self._size.setValue(size)
            self._swap.setCurrentIndex(self._swap.findData(swap))

    def engine_spec(self) -> EngineSpec:
        """Raises UserError naming the field that is wrong."""
        return self.engine.read()

    def set_engine(self, values: object) -> None:
        """From a session file; what does not fit is ignored."""
        if isinstance(values, dict):
            known = {k: v for k, v in values.items() if k in EngineSpec.model_fields}
            try:
                self.engine.set_spec(EngineSpec.checked(known))
            except UserError:
                return

    def view(self) -> ViewOptions:
        return ViewOptions(
            self._always_red.isChecked(),
            self._top.value(),
            self._numbers.isChecked(),
            self._coordinates.isChecked(),
            self._rotation,
            self._pv.value(),
        )

    def set_view(self, view: ViewOptions) -> None:
        widgets = (self._always_red, self._top, self._numbers, self._coordinates, self._pv)
        blocked = [QSignalBlocker(w) for w in widgets]
        self._always_red.setChecked(view.always_red)
        self._top.setValue(view.top)
        self._numbers.setChecked(view.numbers)
        self._coordinates.setChecked(view.coordinates)
        self._pv.setValue(view.pv_length)
        self._rotation = view.rotation
        del blocked
        self.view_changed.emit(self.view())

    def teaching(self) -> dict[str, Any]:
        return {"on": self.teach.isChecked(), "tolerance": self._tolerance.value(), "hint": self._hint.value()}

    def set_teaching(self, state: object) -> None:
        if isinstance(state, dict):
            if isinstance(state.get("tolerance"), int):
                self._tolerance.setValue(state["tolerance"])
            if isinstance(state.get("hint"), int):
                self._hint.setValue(state["hint"])
            self.teach.setChecked(state.get("on") is True)

    def turn_board(self, step: int) -> None:
        """Rotate the board by `step` times 30 degrees."""
        self._rotation = (self._rotation - 1 + step) % 12 + 1
        self.view_changed.emit(self.view())

    # -- parts ------------------------------------------------------------------------------------------------

    def _game(self) -> QWidget:
        box = QWidget()
        form = _form(box)
        self._size = QSpinBox()
        self._size.setRange(*SIZES)
        self._size.setValue(11)
        self._size.setAccessibleName("Board size of a new game")
        self._size.setToolTip("Cells on a side, 3 to 19; the shipped networks were trained up to 11")
        self._swap = QComboBox()
        for value, text, help_text in SWAPS:
            self._swap.addItem(text, value)
            self._swap.setItemData(self._swap.count() - 1, help_text, 3)
        self._swap.setAccessibleName("Swap rule")
        self._swap.activated.connect(lambda _: self.swap_changed.emit(self._swap.currentData()))
        form.addRow("Board size", self._size)
        form.addRow("Swap rule", self._swap)
        button = QPushButton("New game")
        button.setToolTip("Begin again on a board of this size (Ctrl+N)")
        button.clicked.connect(self.ask_new_game)
        form.addRow(button)
        return box

    def ask_new_game(self) -> None:
        """What the button does."""
        self.new_game_asked.emit(self._size.value(), self._swap.currentData())

    def _teaching(self) -> QWidget:
        box = QWidget()
        form = _form(box)
        self.teach = QCheckBox("Take back moves that lose too much")
        self.teach.setToolTip("Overlays stay off while it is your turn; the network watches and objects")
        self._tolerance = _spin(1, 100, 15, " % of winning chances", "Loss from which a move is taken back")
        self._hint = _spin(0, 600, 20, " s", "Time after which the best move is shown; 0 never")
        form.addRow(self.teach)
        form.addRow("From a loss of", self._tolerance)
        form.addRow("Hint after", self._hint)
        self.quiz_button = QPushButton("Quiz from my mistakes")
        form.addRow(self.quiz_button)
        for signal in (self.teach.toggled, self._tolerance.valueChanged, self._hint.valueChanged):
            signal.connect(lambda _: self._tell_teaching())
        return box

    def _tell_teaching(self) -> None:
        self.teaching_changed.emit(self.teach.isChecked(), self._tolerance.value(), self._hint.value())

    def _view(self, rotation: int) -> QWidget:
        box = QWidget()
        form = _form(box)
        self._rotation = rotation
        self._always_red.setText("Win % always for Red")
        self._always_red.setToolTip("Off: for the side to move")
        self._numbers.setText("Move numbers on stones")
        self._coordinates.setText("Coordinates")
        self._coordinates.setChecked(True)
        self._top.setSpecialValueText("all")
        turn = QHBoxLayout()
        for text, step, name in (("⟲", -1, "Turn the board left"), ("⟳", 1, "Turn the board right")):
            button = QPushButton(text)
            button.setAccessibleName(name)
            button.setToolTip(f"{name} by 30°")
            button.clicked.connect(lambda _=False, step=step: self.turn_board(step))
            turn.addWidget(button)
        for widget in (self._always_red, self._numbers, self._coordinates):
            form.addRow(widget)
            widget.toggled.connect(lambda _: self.view_changed.emit(self.view()))
        form.addRow("Show the best", self._top)
        form.addRow("Variations of", self._pv)
        form.addRow("Turn the board", turn)
        for spin in (self._top, self._pv):
            spin.valueChanged.connect(lambda _: self.view_changed.emit(self.view()))
        return box


def _form(box: QWidget) -> QFormLayout:
    form = QFormLayout(box)
    form.setContentsMargins(GRID, 0, GRID, 0)
    form.setVerticalSpacing(GRID)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


def _spin(low: int, high: int, value: int, suffix: str, help_text: str) -> QSpinBox:
    spin = QSpinBox()
    spin.setRange(low, high)
    spin.setValue(value)
    spin.setSuffix(suffix)
    spin.setToolTip(help_text)
    spin.setAccessibleName(help_text)
    return spin


def known_networks() -> list[str]:
    """Names of the Hex networks that are here, the shipped ones first."""
    from engines.core.weights import list_weights

    others = [card.name for card in list_weights() if card.topic == "hex"]
    return list(dict.fromkeys((SHIPPED_THREE_HEAD, SHIPPED_TWO_HEAD, *others)))
