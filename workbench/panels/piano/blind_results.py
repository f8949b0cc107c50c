"""What came of a listening test: the count, what it is worth, and every round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from engines.piano.listening import Tally
from workbench.theme import GRID, Theme
from workbench.widgets.basics import label
from workbench.widgets.tally_bar import TallyBar

if TYPE_CHECKING:
    from workbench.panels.piano.blind_test import Kept

PEEKED: Final = (
    "Answers were looked at before the end: a test that is ended by what was seen shows less than its p says."
)
HEADS: Final = ("Round", "Source", "A was", "B was", "You said closer")


class BlindResults(QWidget):
    """The newest test of what is kept, and all tests of its pair."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.bar = TallyBar(theme, "Answers of the test")
        self.said = label("", wrap=True)
        self.before = label("", "small", muted=True, wrap=True)
        self.table = QTableWidget(0, len(HEADS))
        self.table.setAccessibleName("Rounds of the test")
        self.table.setHorizontalHeaderLabels(HEADS)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.verticalHeader().setVisible(False)
        self.table.setShowGrid(False)
        self.table.setAlternatingRowColors(True)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, GRID, 0, 0)
        rows.setSpacing(GRID)
        rows.addWidget(label("Your last test", "strong"))
        for widget in (self.bar, self.said, self.before):
            rows.addWidget(widget)
        rows.addWidget(self.table, 1)

    def show_kept(self, kept: Kept) -> None:
        """Draw the newest test."""
        rows = kept.newest
        if not rows:
            return
        first, second = rows[0]["first"], rows[0]["second"]
        tally, every = Tally.of([row["answer"] for row in rows]), kept.tally(rows[0]["key"])
        self.bar.set_counts(first, second, (tally.first, tally.neither, tally.second))
        self.said.setText(tally.in_words(first, second))
        said = [PEEKED] if any(row["peeked"] for row in rows) else []
        if every != tally:
            undecided = f", {every.neither} undecided" if every.neither else ""
            said.insert(0, f"With your earlier tests of this pair, {every.first} to {every.second}{undecided}: "
                           f"{every.in_words(first, second)}")  # fmt: skip
        self.before.setText(" ".join(said))
        self.before.setVisible(bool(said))
        self.table.setRowCount(len(rows))
        for at, row in enumerate(rows):
            for column, text in enumerate(_cells(row)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.table.setItem(at, column, item)


def columns_of(kept: Kept) -> dict[str, np.ndarray]:
    """All answers for CSV, a row for each."""

    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in kept.rows])

    out = {name: column(name) for name in ("test", "round", "source")}
    out["A"] = np.array([row[row["a"]] for row in kept.rows])
    out["B"] = np.array([row[_other(row["a"])] for row in kept.rows])
    out["closer"] = np.array([row.get(row["answer"], "can't tell") for row in kept.rows])
    out.update({"first contestant": column("first"), "second contestant": column("second")})
    out.update({"seed": column("seed"), "seconds": column("seconds"), "looked before the end": column("peeked")})
    return out


def _other(side: str) -> str:
    return "second" if side == "first" else "first"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    closer = row.get(row["answer"], "can't tell")
    return str(row["round"]), row["source"], row[row["a"]], row[_other(row["a"])], closer
