"""The questions about a model file of the user's that the file does not answer itself, as a form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from engines.core.errors import UserError
from workbench.theme import GRID
from workbench.widgets.basics import repolish, set_enabled
from workbench.widgets.own_model_answers import (
    NORMALISATIONS,
    PIXEL_RANGES,
    Answers,
    FoundLike,
    Question,
    class_names,
    free_name,
    numbers,
    pixel_range,
    written,
)


class OwnModelForm(QWidget):
    """Name, architecture, input, classes, preprocessing and outputs. `said_otherwise`: another architecture or size was
    chosen, which the file may not bear."""

    said_otherwise = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(GRID)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.name = QLineEdit()
        self.kind = QComboBox()
        self.kind.currentTextChanged.connect(lambda _: self.said_otherwise.emit())
        self.colours = QComboBox()
        for text, count in (("grey", 1), ("colour", 3)):
            self.colours.addItem(text, count)
        self.height_box, self.width_box = QSpinBox(), QSpinBox()
        for box, what in ((self.width_box, "Width"), (self.height_box, "Height")):
            box.setRange(4, 1024)
            box.setValue(28)
            box.setSuffix(" px")
            box.setAccessibleName(f"{what} of the input in pixels")
            box.editingFinished.connect(self.said_otherwise)
        self.colours.setAccessibleName("Colours of the input")
        self.colours.activated.connect(lambda _: self.said_otherwise.emit())
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
        for choice in (self.kind, self.range, self.usual, self.outputs):
            choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(8)
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

    def question(self, path: str) -> Question:
        """What to ask the file now."""
        colours = int(self.colours.currentData())
        return Question(path, self.kind.currentText(), colours, self.height_box.value(), self.width_box.value())

    def fill(self, found: FoundLike, path: str, asked: Question) -> None:
        """Put what the file says into the form. asked: what it was asked for."""
        if not self.name.text():
            self.name.setText(free_name(Path(path)))
        quiet = self.kind.blockSignals(True)
        self.kind.clear()
        self.kind.addItems(list(found.candidates))
        self.kind.setCurrentText(found.architecture_kind)
        self.kind.blockSignals(quiet)
        self._rows.setRowVisible(self.kind, not found.is_program)
        self.fill_shape(found, asked)
        names = found.class_names or tuple(map(str, range(found.classes)))
        self.classes.setPlainText(", ".join(names))
        self.outputs.setCurrentText(str(found.outputs))

    def fill_shape(self, found: FoundLike, asked: Question) -> None:
        """Put in the input that the file bears, open where the user says it."""
        colours, height, width = (int(v) for v in found.input_shape)
        if colours:
            self.colours.setCurrentIndex(max(self.colours.findData(colours), 0))
        if width and height:
            self.width_box.setValue(width)
            self.height_box.setValue(height)
        told = asked.width or asked.height
        for box in (self.width_box, self.height_box, self.colours):
            set_enabled(box, "The file says this itself" if width and height and not told else "")
        if found.classes and not self.classes.toPlainText().strip():
            self.classes.setPlainText(", ".join(found.class_names or map(str, range(found.classes))))

    def answers(self, found: FoundLike, path: str) -> Answers:
        """What the form says of the file. Marks what is wrong and raises UserError."""
        for field in (self.name, self.classes, self.range, self.mean, self.std):
            _mark(field, False)
        colours = int(self.colours.currentData())
        name = self.name.text().strip()
        shape = (colours, self.height_box.value(), self.width_box.value())
        if not name:
            _mark(self.name, True)
            self.name.setFocus()
            raise UserError("the model has no name yet", "type one, for the lists")
        names = self._read(self.classes, lambda: class_names(self.classes.toPlainText(), found.classes))
        architecture: dict[str, Any] = {}
        if not found.is_program:
            kind = self.kind.currentText()
            known = found.architecture if found.architecture.get("kind") == kind else {"kind": kind}
            architecture = {**known, "input_shape": list(shape), "classes": len(names)}
        std = self._read(self.std, lambda: numbers(self.std.text(), "deviation", colours))
        if min(std) <= 0:
            _mark(self.std, True)
            self.std.setFocus()
            raise UserError("expected deviations above 0", "1 leaves the pixels as they are")
        return Answers(
            name=name,
            path=path,
            classes=names,
            input_shape=shape,
            title=name,
            mean=self._read(self.mean, lambda: numbers(self.mean.text(), "mean", colours)),
            std=std,
            pixel_range=self._read(self.range, lambda: pixel_range(self.range.currentText())),
            outputs=self.outputs.currentText(),
            architecture=architecture,
        )

    def _read(self, control: QWidget, read: Callable[[], Any]) -> Any:
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
