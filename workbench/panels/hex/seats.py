"""Who plays which colour, how strong the network plays, and which external program takes part."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from workbench.theme import GRID
from workbench.widgets.basics import label

Seat = Literal["human", "network", "external"]
SEATS: Final[tuple[tuple[Seat, str, str], ...]] = (
    ("human", "You", "Moves are made with the mouse or the arrow keys and Enter"),
    ("network", "Network", "The three-head network and its search play this colour"),
    ("external", "Other", "Any Hex program that speaks HTP plays this colour"),
)
COLOURS: Final = {1: "Red", 2: "Blue"}
Limit = Literal["simulations", "milliseconds"]


@dataclass(frozen=True)
class Seats:
    """red, blue: who plays. limit, amount: what the network gets for a move. temperature: 0 plays the most visited
    move; 1 draws by visits, which makes games differ and play weaker. command: of the external engine."""

    red: Seat = "human"
    blue: Seat = "network"
    limit: Limit = "simulations"
    amount: int = 400
    temperature: float = 0.0
    command: str = ""

    def of(self, colour: int) -> Seat:
        """Who plays colour 1 (Red) or 2 (Blue)."""
        return self.red if colour == 1 else self.blue

    @property
    def simulations(self) -> int:
        return self.amount if self.limit == "simulations" else 0

    @property
    def milliseconds(self) -> int:
        return self.amount if self.limit == "milliseconds" else 0

    def as_state(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of_state(state: object) -> Seats:
        """From a session file; what does not fit is left at its default."""
        known = {"red": str, "blue": str, "limit": str, "amount": int, "temperature": (int, float), "command": str}
        values = dict(state) if isinstance(state, dict) else {}
        fits = {k: v for k, v in values.items() if k in known and isinstance(v, known[k])}  # type: ignore[arg-type]
        names = tuple(name for name, _, _ in SEATS)
        for key, allowed in (("red", names), ("blue", names), ("limit", ("simulations", "milliseconds"))):
            if fits.get(key) not in allowed:
                fits.pop(key, None)
        return Seats(**fits)


class SeatsBox(QWidget):
    """The seats as buttons. `changed` carries the new Seats; `move_requested` asks the network to move now."""

    changed = Signal(object)
    move_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(GRID, 0, GRID, 0)
        rows.setSpacing(GRID)
        self._groups: dict[int, QButtonGroup] = {}
        for colour, name in COLOURS.items():
            rows.addLayout(self._seat_row(colour, name))
        self.command = QLineEdit()
        self.command.setPlaceholderText("program and arguments, e.g. mohex --use-logfile=0")
        self.command.setAccessibleName("Command of the other engine")
        self.command.setToolTip("Started when it is its turn; it must speak HTP on standard input and output")
        self.command.editingFinished.connect(self._tell)
        rows.addWidget(self.command)
        strength = QFormLayout()
        strength.setContentsMargins(0, 0, 0, 0)
        strength.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.amount = QSpinBox()
        self.amount.setRange(1, 1_000_000)
        self.amount.setGroupSeparatorShown(True)
        self.amount.setAccessibleName("How much the network may think for a move")
        self.limit = QComboBox()
        self.limit.addItem("sims", "simulations")
        self.limit.addItem("ms", "milliseconds")
        self.limit.setAccessibleName("Unit of thinking")
        both = QHBoxLayout()
        both.setSpacing(GRID // 2)
        both.addWidget(self.amount, 1)
        both.addWidget(self.limit)
        strength.addRow("Thinks for", both)
        self.temperature = QDoubleSpinBox()
        self.temperature.setRange(0.0, 5.0)
        self.temperature.setSingleStep(0.1)
        self.temperature.setAccessibleName("Temperature of the network's moves")
        self.temperature.setToolTip("0 plays the most visited move; higher draws by visits: other games, weaker play")
        strength.addRow("Temperature", self.temperature)
        rows.addLayout(strength)
        self.move_button = QPushButton("Let the network move")
        self.move_button.setToolTip("The network plays for the side to move (Ctrl+M)")
        self.move_button.clicked.connect(lambda: self.move_requested.emit())
        rows.addWidget(self.move_button)
        self.set_seats(Seats())
        self.amount.valueChanged.connect(lambda _: self._tell())
        self.limit.currentIndexChanged.connect(lambda _: self._tell())
        self.temperature.valueChanged.connect(lambda _: self._tell())

    def seats(self) -> Seats:
        """What is chosen."""
        return Seats(
            red=SEATS[self._groups[1].checkedId()][0],
            blue=SEATS[self._groups[2].checkedId()][0],
            limit=self.limit.currentData(),
            amount=self.amount.value(),
            temperature=self.temperature.value(),
            command=self.command.text().strip(),
        )

    def set_seats(self, seats: Seats) -> None:
        """Show `seats` without saying `changed`."""
        blocked = [QSignalBlocker(w) for w in (self.amount, self.limit, self.temperature, *self._groups.values())]
        names = [name for name, _, _ in SEATS]
        for colour, group in self._groups.items():
            group.button(names.index(seats.of(colour))).setChecked(True)
        self.limit.setCurrentIndex(self.limit.findData(seats.limit))
        self.amount.setValue(seats.amount)
        self.temperature.setValue(seats.temperature)
        self.command.setText(seats.command)
        self._show_command()
        del blocked

    def _seat_row(self, colour: int, name: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(0)
        caption = label(name)
        caption.setFixedWidth(36)
        row.addWidget(caption)
        group = self._groups[colour] = QButtonGroup(self)
        for number, (_, text, help_text) in enumerate(SEATS):
            button = QPushButton(text)
            button.setCheckable(True)
            button.setToolTip(f"{name}: {help_text}")
            button.setAccessibleName(f"{name}: {text}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setStyleSheet("padding: 4px 6px;")
            button.setMinimumWidth(48)
            group.addButton(button, number)
            row.addWidget(button, 1)
        group.setExclusive(True)
        group.idClicked.connect(lambda _: self._tell())
        return row

    def _show_command(self) -> None:
        self.command.setVisible(any(self.seats().of(colour) == "external" for colour in COLOURS))

    def _tell(self) -> None:
        self._show_command()
        self.changed.emit(self.seats())


def split_command(text: str) -> list[str]:
    """A command line as the shell would split it. Raises ValueError for an open quotation."""
    return shlex.split(text)
