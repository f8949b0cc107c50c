"""One editor for each kind of setting: `value()`, `set_value()`, `edited`. None of them clamps silently."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSlider,
    QWidget,
)

from engines.core.spec import FieldView
from workbench.theme import GRID
from workbench.widgets.basics import icon_button, repolish

SLIDER_STEPS: Final = 1000
MOST_FOR_A_SLIDER: Final = 5_000_000  # a wider range cannot be aimed at with a mouse
FACTORS_FROM: Final = 2000  # a range wider than this moves in factors even if the setting does not ask for it


class Editor(QWidget):
    """Base: one setting's control. `edited` says that the user changed it; `value` may be unchecked text."""

    edited = Signal()

    def __init__(self, view: FieldView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(GRID // 2)

    def value(self) -> Any:
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        raise NotImplementedError

    def control(self) -> QWidget:
        """The widget that has the focus and is marked when the value is wrong."""
        raise NotImplementedError

    def set_invalid(self, invalid: bool) -> None:
        """Mark the control."""
        control = self.control()
        if bool(control.property("invalid")) != invalid:
            control.setProperty("invalid", invalid)
            repolish(control)

    def _adopt(self, control: QWidget) -> None:
        self._row.addWidget(control, 1)
        self.setFocusProxy(control)
        control.setAccessibleName(self.view.label)
        control.setAccessibleDescription(self.view.help)
        control.setAcceptDrops(False)  # a dropped file belongs to the panel


class BoolEditor(Editor):
    def __init__(self, view: FieldView) -> None:
        super().__init__(view)
        self._box = QCheckBox()
        self._adopt(self._box)
        self._box.toggled.connect(lambda _: self.edited.emit())

    def value(self) -> bool:
        return self._box.isChecked()

    def set_value(self, value: Any) -> None:
        self._box.setChecked(bool(value))

    def control(self) -> QWidget:
        return self._box


class ChoiceEditor(Editor):
    """A list of choices; with `free` other text may be typed too."""

    def __init__(self, view: FieldView, choices: Sequence[str] = (), *, free: bool = False) -> None:
        super().__init__(view)
        self._free = free
        self._box = QComboBox()
        self._box.setEditable(free)
        self._box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._box.setMinimumContentsLength(6)
        self._adopt(self._box)
        self.set_choices(choices or view.choices)
        self._box.currentTextChanged.connect(lambda _: self.edited.emit())
        self._box.installEventFilter(self)

    def set_choices(self, choices: Sequence[str]) -> None:
        """Offer these; the value stays where it is still among them."""
        kept, quiet = self.value(), self._box.blockSignals(True)
        self._box.clear()
        for choice in choices:
            self._box.addItem(choice if self._free else choice.replace("_", " "), choice)
        self._box.blockSignals(quiet)
        if kept:
            self.set_value(kept)

    def value(self) -> str:
        if self._free:
            return self._box.currentText()
        return self._box.currentData() or ""

    def set_value(self, value: Any) -> None:
        place = self._box.findData(str(value))
        if self._free:
            self._box.setCurrentText(str(value))
        elif place >= 0:
            self._box.setCurrentIndex(place)

    def control(self) -> QWidget:
        return self._box

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Scrolling a long form must not change what lies under the mouse.
        if isinstance(event, QWheelEvent) and not self._box.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


class TextEditor(Editor):
    """Text, or comma-separated numbers for "ints" and "floats". Empty means none where that is allowed."""

    def __init__(self, view: FieldView) -> None:
        super().__init__(view)
        self._line = QLineEdit()
        if view.optional:
            self._line.setPlaceholderText("none")
        elif view.kind in ("ints", "floats"):
            self._line.setPlaceholderText("numbers, separated by commas")
        self._adopt(self._line)
        self._line.textChanged.connect(lambda _: self.edited.emit())

    def value(self) -> Any:
        text = self._line.text().strip()
        if self.view.optional and not text:
            return None
        if self.view.kind in ("ints", "floats"):
            return [part.strip() for part in text.split(",") if part.strip()]
        return text

    def set_value(self, value: Any) -> None:
        if value is None:
            text = ""
        elif isinstance(value, (list, tuple)):
            text = ", ".join(plain_number(v) if isinstance(v, float) else str(v) for v in value)
        else:
            text = str(value)
        if text != self._line.text():
            self._line.setText(text)
            self._line.setCursorPosition(0)  # a long list is read from its beginning

    def control(self) -> QWidget:
        return self._line


class PathEditor(TextEditor):
    """A path with a button to choose it; `folder` chooses folders."""

    def __init__(self, view: FieldView, *, folder: bool = False) -> None:
        super().__init__(view)
        self._folder = folder
        self._row.addWidget(icon_button("folder", f"Choose: {view.label}", self._choose))

    def value(self) -> Any:
        text = self._line.text().strip()
        return (None if self.view.optional else "") if not text else Path(text).expanduser()

    def _choose(self) -> None:
        now = self._line.text()
        if self._folder:
            chosen = QFileDialog.getExistingDirectory(self, self.view.label, now)
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, self.view.label, now)
        if chosen:
            self._line.setText(chosen)


class NumberEditor(Editor):
    """A number as text; `slider` is for whoever lays the editor out, None where unwanted or without sense.

    Up and Down step the number.
    """

    def __init__(self, view: FieldView, *, slider: bool = True) -> None:
        super().__init__(view)
        self._line = _NumberLine()
        self._exact: tuple[str, Any] = ("", None)  # what the text stands for when it shows fewer digits
        self._line.stepped.connect(self._step)
        self._adopt(self._line)
        self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._line.textChanged.connect(self._typed)
        self.slider = _slider(view, self) if slider else None
        self._travel = view  # the range that the slider covers
        if self.slider is not None:
            self.slider.setAccessibleName(f"{view.label} (slider)")
            self.slider.setAccessibleDescription(view.help)
            self.slider.valueChanged.connect(self._slid)

    def value(self) -> Any:
        text = self._line.text().strip().replace("\u2212", "-")
        if not text and self.view.optional:
            return None
        if text == self._exact[0].replace("\u2212", "-"):
            return self._exact[1]
        try:
            return parse_number(text, whole=self.view.kind == "int")
        except ValueError:
            return text

    def set_value(self, value: Any) -> None:
        text = "" if value is None else plain_number(value)
        self._exact = (text, value)
        if text != self._line.text():
            self._line.setText(text)

    def exclude_minimum(self) -> None:
        """The lower end itself is not allowed: the slider ends a little above it."""
        low, high = limits(self.view)
        in_factors = low <= 0 and _in_factors(self.view)
        above = _floor(self.view) if in_factors else low + (high - low) / SLIDER_STEPS
        self._travel = replace(self.view, minimum=above)

    def set_reach(self, high: float) -> None:
        """Where the slider ends, below what the setting allows: the usual values take its whole length and step in
        their own measure. Larger numbers may still be typed; the slider then stands at its end."""
        self._travel = replace(self._travel, maximum=min(high, limits(self.view)[1]))
        quiet = self.blockSignals(True)
        self._typed()
        self.blockSignals(quiet)

    def control(self) -> QWidget:
        return self._line

    def _typed(self) -> None:
        value = self.value()
        if self.slider is not None and isinstance(value, (int, float)):
            quiet = self.slider.blockSignals(True)
            self.slider.setValue(round(place_of(value, self._travel) * SLIDER_STEPS))
            self.slider.blockSignals(quiet)
        self.edited.emit()

    def _slid(self, place: int) -> None:
        value = value_at(place / SLIDER_STEPS, self._travel)
        self._line.setText(plain_number(round(value) if self.view.kind == "int" else rounded(value)))

    def _step(self, steps: int) -> None:
        value = self.value()
        if not isinstance(value, (int, float)):
            return
        if self.view.kind == "int" and not self.view.log:
            changed: float = value + steps
        elif self.view.log and value > 0:
            changed = value * 1.25**steps
            changed = round(changed) or 1 if self.view.kind == "int" else rounded(changed)
        else:
            low, high = limits(self.view)[0], limits(self._travel)[1]
            unit = 10.0 ** math.floor(math.log10(max(high - low, 1e-12))) / 100 if high > low else 0.1
            changed = rounded(value + steps * unit)
        low, high = limits(self.view)
        self.set_value(min(max(changed, low), high))


class _NumberLine(QLineEdit):
    """Up, Down (±1) and Page Up, Page Down (±10) ask to step; so does the wheel while focused."""

    stepped = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        keys = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        if event.key() in keys and not event.modifiers():
            self.stepped.emit(keys[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus() and event.angleDelta().y():
            self.stepped.emit(1 if event.angleDelta().y() > 0 else -1)
            event.accept()
        else:
            event.ignore()


class _Slider(QSlider):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def editor_for(view: FieldView, choices: Sequence[str] = (), *, slider: bool = True) -> Editor:
    """The editor that suits a setting; `choices` makes a text setting a list with free text."""
    if choices and view.kind in ("text", "path"):
        return ChoiceEditor(view, choices, free=True)
    match view.kind:
        case "bool":
            return BoolEditor(view)
        case "choice":
            return ChoiceEditor(view)
        case "int" | "float":
            return NumberEditor(view, slider=slider)
        case "path":
            return PathEditor(view)
        case _:
            return TextEditor(view)


def parse_number(text: str, *, whole: bool) -> float:
    """A number as typed: 1e-3, 8/255, 1 000. Raises ValueError."""
    text = text.replace("\u202f", "").replace(" ", "").replace("_", "")
    if whole:
        try:
            return int(text)
        except ValueError:
            value = float(text)
            if value != int(value):
                raise
            return int(value)
    if "/" in text:
        above, below = text.split("/", 1)
        if float(below) == 0:
            raise ValueError("division by zero")
        return float(above) / float(below)
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


def plain_number(value: float) -> str:
    """A number as one would type it."""
    if isinstance(value, int) or (value == int(value) and abs(value) < 1e15):
        return str(int(value))
    return f"{value:.5g}"


def rounded(value: float) -> float:
    """Three significant digits, what a slider can aim at."""
    return float(f"{value:.3g}")


def limits(view: FieldView) -> tuple[float, float]:
    """Both ends of a setting's range, infinite where open."""
    low = -math.inf if view.minimum is None else view.minimum
    return low, math.inf if view.maximum is None else view.maximum


def place_of(value: float, view: FieldView) -> float:
    """Where on its slider a value lies, in [0, 1]."""
    low, high = limits(view)
    if not _in_factors(view):
        return min(max((value - low) / (high - low), 0.0), 1.0)
    floor = _floor(view)
    if low <= 0:  # the first hundredth is zero itself
        return 0.0 if value < floor else 0.01 + 0.99 * math.log(min(value, high) / floor) / math.log(high / floor)
    return min(max(math.log(max(value, low) / low) / math.log(high / low), 0.0), 1.0)


def value_at(place: float, view: FieldView) -> float:
    """The value at a place of the slider; inverse of `place_of`."""
    low, high = limits(view)
    if not _in_factors(view):
        return low + place * (high - low)
    if low <= 0:
        floor = _floor(view)
        return low if place < 0.01 else floor * (high / floor) ** ((place - 0.01) / 0.99)
    return low * (high / low) ** place


def _in_factors(view: FieldView) -> bool:
    low, high = limits(view)
    return low >= 0 and (view.log or high - low > FACTORS_FROM)


def _floor(view: FieldView) -> float:
    """The smallest value above zero that a slider in factors reaches."""
    return 1.0 if view.kind == "int" else limits(view)[1] * 1e-6


def _slider(view: FieldView, parent: QWidget) -> QSlider | None:
    low, high = limits(view)
    if not (math.isfinite(low) and math.isfinite(high)) or not 0 < high - low <= MOST_FOR_A_SLIDER:
        return None
    slider = _Slider(Qt.Orientation.Horizontal, parent)
    slider.setRange(0, SLIDER_STEPS)
    whole_steps = view.kind == "int" and high - low < SLIDER_STEPS and not _in_factors(view)
    slider.setSingleStep(max(1, round(SLIDER_STEPS / (high - low))) if whole_steps else SLIDER_STEPS // 100)
    slider.setPageStep(SLIDER_STEPS // 10)
    return slider
