"""What the colours of notes mean: a choice for several piano rolls at once, and the legend of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from PySide6.QtCore import QPointF, QRect, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas
from workbench.widgets.piano_roll import PianoRoll
from workbench.widgets.roll_ink import ink_on, sized
from workbench.widgets.roll_menu import colourings
from workbench.widgets.roll_notes import LEVELS, pitch_class_rgb, pitch_name, unknown_rgb, value_rgb, velocity_rgb
from workbench.widgets.roll_painting import Colouring

BAR: Final = 10.0
SWATCH: Final = QSize(19, 16)


class Legend(Canvas):
    """The colours of one roll, each named."""

    def __init__(self, theme: Theme, roll: PianoRoll) -> None:
        super().__init__(theme, "Colours of the notes")
        self.roll = roll
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it says nothing that the choice beside it does not say
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(12 * SWATCH.width(), SWATCH.height() + 2)

    def ends(self) -> tuple[str, str]:
        """What stands at either end of the bar."""
        content = self.roll.content
        if content.colouring == "velocity":
            return "soft", "loud"
        low, high = content.value_range
        return number(low), f"{number(high)} {content.value_unit}".strip()

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        if self.roll.content.colouring == "pitch class":
            self._paint_classes(painter, target)
        else:
            self._paint_bar(painter, target)

    def _paint_classes(self, painter: QPainter, target: QRect) -> None:
        painter.setFont(sized(10.0))
        width = target.width() / 12
        for k, rgb in enumerate(pitch_class_rgb(self.theme.is_dark)):
            colour = QColor(*(int(v) for v in rgb))
            box = QRectF(target.left() + k * width, target.top() + 1, width - 1, SWATCH.height())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(ink_on(colour))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, pitch_name(60 + k)[:-1])

    def _paint_bar(self, painter: QPainter, target: QRect) -> None:
        content, dark = self.roll.content, self.theme.is_dark
        rgb = velocity_rgb(dark) if content.colouring == "velocity" else value_rgb(dark)
        metrics = QFontMetricsF(font("small"))
        painter.setFont(font("small"))
        low, high = self.ends()
        unknown = "unknown" if content.colouring == "values" else ""
        taken = sum(metrics.horizontalAdvance(t) + 6 for t in (low, high, unknown) if t)
        x, top = float(target.left()), target.top() + (target.height() - BAR) / 2
        base = target.top() + (target.height() + metrics.capHeight()) / 2
        painter.setPen(QColor(self.colours.muted))
        painter.drawText(QPointF(x, base), low)
        x += metrics.horizontalAdvance(low) + 6
        bar = max(target.width() - taken - (BAR + 6 if unknown else 0), 24.0)
        for k, shade in enumerate(rgb):
            left, right = round(x + k * bar / LEVELS), round(x + (k + 1) * bar / LEVELS)
            painter.fillRect(QRectF(left, top, right - left, BAR), QColor(*(int(v) for v in shade)))
        x += bar + 6
        painter.drawText(QPointF(x, base), high)
        if unknown:
            x += metrics.horizontalAdvance(high) + 6
            painter.fillRect(QRectF(x, top, BAR, BAR), QColor(*(int(v) for v in unknown_rgb(dark))))
            painter.drawText(QPointF(x + BAR + 4, base), unknown)

    def tip_at(self, at: QPointF) -> str:
        content = self.roll.content
        if content.colouring == "pitch class":
            return "Pitch classes by colour; related ones, a fifth apart, have neighbouring hues"
        low, high = self.ends()
        what = "Velocity" if content.colouring == "velocity" else content.value_name
        return f"{what[:1].upper()}{what[1:]}, from {low} to {high}"


class ColourKey(QWidget):
    """Chooses by what the notes of `rolls` are coloured, and says what the colours mean; a choice in one roll's menu
    counts for all. The first roll names the numbers that notes can be coloured by."""

    def __init__(self, theme: Theme, rolls: Sequence[PianoRoll], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rolls = tuple(rolls)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Colour of the notes")
        self.choice.setToolTip("What the colour of notes stands for, in all rolls here")
        self.legend = Legend(theme, self.rolls[0])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.legend)
        row.addWidget(self.choice)
        self.choice.activated.connect(lambda _: self.colour_by(self.choice.currentData()))
        for roll in self.rolls:
            roll.colouring_changed.connect(lambda r=roll: self._changed(r))
        self._show()

    @property
    def colouring(self) -> Colouring:
        """What notes are coloured by."""
        return self.rolls[0].content.colouring

    def colour_by(self, by: Colouring) -> None:
        """Colour the notes of all rolls."""
        for roll in self.rolls:
            roll.set_colouring(by)
        self._show()

    def _changed(self, source: PianoRoll) -> None:
        by = source.content.colouring
        if any(roll.content.colouring != by for roll in self.rolls):
            self.colour_by(by)
        else:
            self._show()

    def _show(self) -> None:
        with QSignalBlocker(self.choice):
            rows = colourings(self.rolls[0])
            if [self.choice.itemData(k) for k in range(self.choice.count())] != [by for by, _ in rows]:
                self.choice.clear()
                for by, text in rows:
                    self.choice.addItem(text, by)
            self.choice.setCurrentIndex(max(self.choice.findData(self.colouring), 0))
        said = f"Notes are coloured by {self.choice.currentText().lower()}"
        self.choice.setAccessibleDescription(said)
        self.legend.refresh()

    def save_state(self) -> str:
        return self.colouring

    def restore_state(self, state: object) -> None:
        """Take up what `save_state` said; ignore what does not fit."""
        if state in [by for by, _ in colourings(self.rolls[0])]:
            self.colour_by(cast("Colouring", state))
