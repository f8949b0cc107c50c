"""The dialog that makes a model file of the user's usable: what was found in it, and what has to be said besides."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engines.core.data.pictures import SUFFIXES as PICTURES
from engines.core.errors import UserError
from workbench.theme import GRID, Theme, set_role
from workbench.widgets.basics import label, number, percent, plain_buttons, sentence, set_enabled
from workbench.widgets.message_bar import MessageBar
from workbench.widgets.own_model_answers import Answers, FoundLike, OwnModelTools, Question, Stop
from workbench.widgets.own_model_form import OwnModelForm

__all__ = ["Answers", "OwnModelDialog", "OwnModelTools", "Question"]

WIDTH: Final = 560
LEAST_SEEN: Final = 96
"""Pixels of the form that even the smallest dialog shows."""


class OwnModelDialog(QDialog):
    """File, what is in it, what it does not say, a test picture, and then it is saved.

    `saved(answers)` after `tools.save` took them. A refusal of any step stands in the dialog, and the dialog
    stays open.
    """

    saved = Signal(object)

    def __init__(self, theme: Theme, tools: OwnModelTools, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme, self._tools = theme, tools
        self._found: FoundLike | None = None
        self._stop: Stop | None = None
        self._asked = 0
        self._is_waiting = False
        self._asked_for = Question("")
        self.setWindowTitle("Add your own model")
        self.messages = MessageBar()
        self._build_file()
        self.form = OwnModelForm()
        self.form.said_otherwise.connect(self._ask_again)
        self._build_trial()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.add_button = QPushButton("Add model")
        set_role(self.add_button, "primary")
        self.buttons.addButton(self.add_button, QDialogButtonBox.ButtonRole.AcceptRole)
        plain_buttons(self.buttons)
        self.buttons.rejected.connect(self.reject)
        self.add_button.clicked.connect(self._save)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        rows.setSpacing(GRID)
        rows.addWidget(label(
            "A program saved with torch.export (.pt2), or weights (.safetensors, .pt) of an architecture that the "
            "workbench knows. Files that could run code are refused.", muted=True, wrap=True,
        ))  # fmt: skip
        rows.addLayout(self._file_row)
        rows.addWidget(self.messages)
        self._column, self._area = self._scrolling(self._facts, self.form, self._trial)
        rows.addWidget(self._area, 1)
        rows.addWidget(self.buttons)
        self._show_state()

    def sizeHint(self) -> QSize:
        around = super().sizeHint().height() - self._area.sizeHint().height()
        return QSize(WIDTH, max(around + self._column.sizeHint().height(), 520))

    @staticmethod
    def _scrolling(*parts: QWidget) -> tuple[QWidget, QScrollArea]:
        """The parts one below the other: a small screen shows some of them, and the buttons always."""
        column = QWidget()
        rows = QVBoxLayout(column)
        rows.setContentsMargins(0, 0, GRID // 2, 0)
        rows.setSpacing(GRID)
        for part in parts:
            rows.addWidget(part)
        rows.addStretch(1)
        area = QScrollArea()
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(column)
        widest = max(part.minimumSizeHint().width() for part in parts)
        area.setMinimumWidth(widest + GRID + area.verticalScrollBar().sizeHint().width())
        area.setMinimumHeight(LEAST_SEEN)
        return column, area

    # -- parts ------------------------------------------------------------------------------------------------

    def _build_file(self) -> None:
        self.path = QLineEdit()
        self.path.setPlaceholderText("Model file")
        self.path.setAccessibleName("Model file")
        self.path.editingFinished.connect(self._look)
        choose = QPushButton("Choose…")
        choose.clicked.connect(lambda: self._choose())
        self._file_row = QHBoxLayout()
        self._file_row.setSpacing(GRID)
        self._file_row.addWidget(self.path, 1)
        self._file_row.addWidget(choose)
        self._facts = label("", wrap=True)
        self._facts.setAccessibleName("What was found in the file")

    def _build_trial(self) -> None:
        self._trial = QWidget()
        self.try_button = QPushButton("Try a picture…")
        self.try_button.clicked.connect(lambda: self._choose_picture())
        self.verdict = label("", wrap=True)
        self.verdict.setAccessibleName("What it says to the test picture")
        row = QHBoxLayout(self._trial)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.try_button)
        row.addWidget(self.verdict, 1)

    # -- the file ---------------------------------------------------------------------------------------------

    def set_path(self, path: str) -> None:
        """Look into this file, once more if it was looked into before."""
        self.path.setText(path)
        self._asked_for = Question("")
        self._look()

    def _choose(self) -> None:
        masks = " ".join(f"*{suffix}" for suffix in self._tools.suffixes)
        chosen, _ = QFileDialog.getOpenFileName(self, "Model file", self.path.text(), f"Models ({masks})")
        if chosen:
            self.set_path(chosen)

    def _look(self) -> None:
        path = self.path.text().strip()
        if path and path != self._asked_for.path:  # leaving the line asks nothing anew
            self._found = None
            self.form.name.clear()
            self._ask(Question(path))

    def _ask_again(self) -> None:
        """Another architecture or size was said: does the file bear it?"""
        if self._found is None or not self.form.isVisible():
            return
        question = self.form.question(self.path.text().strip())
        if question != self._asked_for:
            self._ask(question)

    def _ask(self, question: Question) -> None:
        self._end()
        self._asked_for = question
        self._asked += 1
        turn = self._asked
        self.messages.clear()
        self.verdict.setText("")
        self._facts.setText("Looking into the file…")
        self._is_waiting = True
        stop = self._tools.inspect(
            question,
            lambda found: self._show_found(found) if turn == self._asked else None,
            lambda what, remedy: self._refuse(what, remedy) if turn == self._asked else None,
        )
        self._stop = stop if self._is_waiting else None  # it may have answered at once
        self._show_state()

    def _show_found(self, found: FoundLike) -> None:
        first = self._found is None
        self._found = found
        self._answered()
        what = f"A program of {number(found.operations)} operations" if found.is_program else "Weights"
        if found.architecture_kind:
            what += f" of the architecture “{found.architecture_kind}”"
        parts = [f"{what} with {number(found.parameters)} numbers"]
        if found.classes:
            parts.append(f"{found.classes} classes, answers with {found.outputs}")
        self._facts.setText(sentence("; ".join(parts)) + " " + " ".join(sentence(note) for note in found.notes))
        if first:
            self.form.fill(found, self.path.text().strip(), self._asked_for)
        else:
            self.form.fill_shape(found, self._asked_for)
        self._show_state()

    def _refuse(self, what: str, remedy: str) -> None:
        self._answered()
        self._facts.setText("")
        self.messages.clear()
        self.messages.show_message(what, "error", remedy)
        self._show_state()

    # -- the answers ------------------------------------------------------------------------------------------

    def answers(self) -> Answers:
        """What the form says. Marks what is wrong and raises UserError."""
        if self._found is None:
            raise UserError("no model file is chosen yet", "choose one above")
        return self.form.answers(self._found, self.path.text().strip())

    def _save(self) -> None:
        self.messages.clear()
        try:
            answers = self.answers()
            self._tools.save(answers)
        except UserError as error:
            self._say_wrong(error)
            return
        self.saved.emit(answers)
        self.accept()

    def _say_wrong(self, error: UserError) -> None:
        self.messages.show_message(error.what, "error", error.remedy)
        focused = self.focusWidget()
        if focused is not None and self._column.isAncestorOf(focused):
            layout = self.layout()
            if layout is not None:
                layout.activate()  # the message takes room from the form
            self._area.ensureWidgetVisible(focused)

    # -- the test picture -------------------------------------------------------------------------------------

    def _choose_picture(self) -> None:
        masks = " ".join(f"*{suffix}" for suffix in sorted(PICTURES))
        chosen, _ = QFileDialog.getOpenFileName(self, "Test picture", "", f"Pictures ({masks})")
        if chosen:
            self.try_picture(Path(chosen))

    def try_picture(self, path: Path) -> None:
        """Ask the network what a picture shows."""
        if self._tools.predict is None:
            return
        self.messages.clear()
        try:
            answers = self.answers()
        except UserError as error:
            self._say_wrong(error)
            return
        self._end()
        self._asked += 1
        turn = self._asked
        self.verdict.setText(f"Trying {path.name}…")
        self._is_waiting = True
        stop = self._tools.predict(
            answers,
            path,
            lambda said: self._show_verdict(path, said) if turn == self._asked else None,
            lambda what, remedy: self._refuse_picture(what, remedy) if turn == self._asked else None,
        )
        self._stop = stop if self._is_waiting else None

    def _show_verdict(self, path: Path, said: list[tuple[str, float]]) -> None:
        self._answered()
        best = ", ".join(f"{name} ({percent(share, 0)})" for name, share in said[:3])
        self.verdict.setText(f"{path.name}: {best}")

    def _refuse_picture(self, what: str, remedy: str) -> None:
        self._answered()
        self.verdict.setText("")
        self.messages.show_message(what, "error", remedy)

    # -- surroundings -----------------------------------------------------------------------------------------

    def _show_state(self) -> None:
        known = self._found is not None
        self.form.setVisible(known)
        self._trial.setVisible(known and self._tools.predict is not None)
        self._facts.setVisible(bool(self._facts.text()))
        busy = self._stop is not None
        set_enabled(
            self.add_button, "The file is being looked into" if busy else "" if known else "Choose a file first"
        )

    def _answered(self) -> None:
        self._stop, self._is_waiting = None, False
        self._show_state()

    def _end(self) -> None:
        if self._stop is not None:
            self._stop()
        self._stop, self._is_waiting = None, False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Enter in a line means that line; Qt would press the dialog's first button.
        focused = self.focusWidget()
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif isinstance(focused, QPushButton):
            focused.click()

    def done(self, result: int) -> None:
        self._asked += 1  # answers that are still on their way are not wanted
        self._end()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._asked += 1
        self._end()
        super().closeEvent(event)
