"""The dialog that makes a model file of the user's usable: what was found in it, and what has to be said besides."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engines.core.data.pictures import SUFFIXES as PICTURES
from engines.core.errors import UserError
from workbench.theme import GRID, Theme, set_role
from workbench.widgets.basics import label, number, percent, plain_buttons, repolish, sentence, set_enabled
from workbench.widgets.message_bar import MessageBar
from workbench.widgets.own_model_answers import (
    NORMALISATIONS,
    PIXEL_RANGES,
    Answers,
    FoundLike,
    OwnModelTools,
    Question,
    Stop,
    class_names,
    free_name,
    numbers,
    pixel_range,
    written,
)

__all__ = ["Answers", "OwnModelDialog", "OwnModelTools", "Question"]

WIDTH: Final = 560


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
        self._build_form()
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
        rows.addWidget(self._facts)
        rows.addWidget(self.messages)
        rows.addWidget(self._form)
        rows.addWidget(self._trial)
        rows.addStretch(1)
        rows.addWidget(self.buttons)
        self._show_state()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, max(super().sizeHint().height(), 520))

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

    def _build_form(self) -> None:
        self._form = QWidget()
        form = QFormLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(GRID)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.name = QLineEdit()
        self.kind = QComboBox()
        self.kind.currentTextChanged.connect(lambda _: self._ask_again())
        self.colours = QComboBox()
        for text, count in (("grey", 1), ("colour", 3)):
            self.colours.addItem(text, count)
        self.height_box, self.width_box = QSpinBox(), QSpinBox()
        for box, what in ((self.width_box, "Width"), (self.height_box, "Height")):
            box.setRange(4, 1024)
            box.setValue(28)
            box.setSuffix(" px")
            box.setAccessibleName(f"{what} of the input in pixels")
            box.editingFinished.connect(self._ask_again)
        self.colours.setAccessibleName("Colours of the input")
        self.colours.activated.connect(lambda _: self._ask_again())
        self.classes = QPlainTextEdit()
        self.classes.setTabChangesFocus(True)
        self.classes.setFixedHeight(64)
        self.classes.setPlaceholderText("One a line, or separated by commas")
        self.range = QComboBox()
        self.range.setEditable(True)
        self.range.addItems(list(PIXEL_RANGES))
        self.usual = QComboBox()
        self.usual.addItems([*NORMALISATIONS, "other"])
        self.usual.setAccessibleName("Usual mean and deviation")
        self.usual.activated.connect(lambda _: self._fill_usual())
        self.mean, self.std = QLineEdit("0"), QLineEdit("1")
        for line in (self.mean, self.std):
            line.textEdited.connect(lambda _: self.usual.setCurrentText("other"))
        self.outputs = QComboBox()
        self.outputs.addItems(["logits", "probabilities"])
        rows: tuple[tuple[str, QWidget | QHBoxLayout, QWidget, str], ...] = (
            ("Name", self.name, self.name, "How the lists call it"),
            ("Architecture", self.kind, self.kind, "Which of the workbench's architectures the weights belong to"),
            ("Input", _row(self.width_box, QLabel("×"), self.height_box, self.colours), self.width_box,
             "Size and colours of the pictures it takes"),
            ("Classes", self.classes, self.classes, "Names of its answers, in their order"),
            ("Pixels from", self.range, self.range, "What black and white are to the network"),
            ("Normalisation", self.usual, self.usual, "Usual values, taken off after the pixels are in range"),
            ("Mean", self.mean, self.mean, "One number, or one for each colour, in units of the pixel range"),
            ("Deviation", self.std, self.std, "One number, or one for each colour, above 0"),
            ("It answers with", self.outputs, self.outputs, "Logits, or probabilities that sum to one"),
        )  # fmt: skip
        for text, content, control, tip in rows:
            caption = QLabel(text)
            caption.setBuddy(control)
            control.setAccessibleName(control.accessibleName() or text)
            control.setAccessibleDescription(tip)
            control.setToolTip(tip)
            form.addRow(caption, content)
        self._rows = form

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
            self.name.clear()
            self._ask(Question(path))

    def _ask_again(self) -> None:
        """Another architecture or size was said: does the file bear it?"""
        if self._found is None or not self._form.isVisible():
            return
        question = Question(
            self.path.text().strip(), self.kind.currentText(), int(self.colours.currentData()),
            self.height_box.value(), self.width_box.value(),
        )  # fmt: skip
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
            self._fill(found)
        else:
            self._fill_shape(found)
        self._show_state()

    def _fill(self, found: FoundLike) -> None:
        """Put what the file says into the form."""
        if not self.name.text():
            self.name.setText(free_name(Path(self.path.text().strip())))
        quiet = self.kind.blockSignals(True)
        self.kind.clear()
        self.kind.addItems(list(found.candidates))
        self.kind.setCurrentText(found.architecture_kind)
        self.kind.blockSignals(quiet)
        self._rows.setRowVisible(self.kind, not found.is_program)
        self._fill_shape(found)
        names = found.class_names or tuple(map(str, range(found.classes)))
        self.classes.setPlainText(", ".join(names))
        self.outputs.setCurrentText(str(found.outputs))

    def _fill_shape(self, found: FoundLike) -> None:
        colours, height, width = (int(v) for v in found.input_shape)
        if colours:
            self.colours.setCurrentIndex(max(self.colours.findData(colours), 0))
        if width and height:
            self.width_box.setValue(width)
            self.height_box.setValue(height)
        told = self._asked_for.width or self._asked_for.height
        for box in (self.width_box, self.height_box, self.colours):
            set_enabled(box, "The file says this itself" if width and height and not told else "")
        if found.classes and not self.classes.toPlainText().strip():
            self.classes.setPlainText(", ".join(found.class_names or map(str, range(found.classes))))

    def _refuse(self, what: str, remedy: str) -> None:
        self._answered()
        self._facts.setText("")
        self.messages.clear()
        self.messages.show_message(what, "error", remedy)
        self._show_state()

    # -- the answers ------------------------------------------------------------------------------------------

    def answers(self) -> Answers:
        """What the form says. Marks what is wrong and raises UserError."""
        for field in (self.name, self.classes, self.range, self.mean, self.std):
            _mark(field, False)
        if self._found is None:
            raise UserError("no model file is chosen yet", "choose one above")
        colours = int(self.colours.currentData())
        name = self.name.text().strip()
        shape = (colours, self.height_box.value(), self.width_box.value())
        if not name:
            _mark(self.name, True)
            raise UserError("the model has no name yet", "type one, for the lists")
        names = self._read(self.classes, lambda: class_names(self.classes.toPlainText(), self._classes()))
        architecture: dict[str, Any] = {}
        if not self._found.is_program:
            kind = self.kind.currentText()
            known = self._found.architecture if self._found.architecture.get("kind") == kind else {"kind": kind}
            architecture = {**known, "input_shape": list(shape), "classes": len(names)}
        std = self._read(self.std, lambda: numbers(self.std.text(), "deviation", colours))
        if min(std) <= 0:
            _mark(self.std, True)
            raise UserError("expected deviations above 0", "1 leaves the pixels as they are")
        return Answers(
            name=name,
            path=self.path.text().strip(),
            classes=names,
            input_shape=shape,
            title=name,
            mean=self._read(self.mean, lambda: numbers(self.mean.text(), "mean", colours)),
            std=std,
            pixel_range=self._read(self.range, lambda: pixel_range(self.range.currentText())),
            outputs=self.outputs.currentText(),
            architecture=architecture,
        )

    def _classes(self) -> int:
        return self._found.classes if self._found is not None else 0

    def _read(self, control: QWidget, read: Any) -> Any:
        try:
            return read()
        except UserError:
            _mark(control, True)
            control.setFocus()
            raise

    def _fill_usual(self) -> None:
        values = NORMALISATIONS.get(self.usual.currentText())
        if values is not None:
            self.mean.setText(written(values[0]))
            self.std.setText(written(values[1]))

    def _save(self) -> None:
        self.messages.clear()
        try:
            answers = self.answers()
            self._tools.save(answers)
        except UserError as error:
            self.messages.show_message(error.what, "error", error.remedy)
            return
        self.saved.emit(answers)
        self.accept()

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
            self.messages.show_message(error.what, "error", error.remedy)
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
        self._form.setVisible(known)
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


def _row(*parts: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(GRID // 2)
    for part in parts:
        row.addWidget(part)
    row.addStretch(1)
    return row


def _mark(control: QWidget, invalid: bool) -> None:
    if bool(control.property("invalid")) != invalid:
        control.setProperty("invalid", invalid)
        repolish(control)
