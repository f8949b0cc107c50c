"""What every model says of the image at the dial's angle: a class, how sure it is, whether the turn changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import percent
from workbench.widgets.canvas import Canvas
from workbench.widgets.class_colours import class_rgb

LINE: Final = 40


@dataclass(frozen=True)
class Verdict:
    """model: its title. says: class name, "" while not known. number: of the class, for its colour. confidence: in
    [0, 1]. changed: another class than without a turn. right: whether it is the true class, None where that is not
    known. problem: why the model cannot be asked."""

    model: str
    says: str = ""
    number: int = -1
    confidence: float = float("nan")
    changed: bool = False
    right: bool | None = None
    problem: str = ""

    def text(self) -> str:
        """In words."""
        if self.problem:
            return f"{self.model}: {self.problem}"
        if not self.says:
            return f"{self.model}: not known yet"
        more = ", changed by the turn" if self.changed else ""
        wrong = ", wrong" if self.right is False else ""
        return f"{self.model}: {self.says}, {percent(self.confidence, 0)}{more}{wrong}"


class Verdicts(Canvas):
    """A line a model: the class as a chip in its colour, the title, and a bar of confidence."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Verdicts", parent)
        self._rows: tuple[Verdict, ...] = ()
        self._classes = 10
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        return self._rows

    def set_verdicts(self, verdicts: tuple[Verdict, ...], classes: int) -> None:
        """Show these. classes: how many there are, so that colours are the dial's."""
        if len(verdicts) != len(self._rows):
            self._rows = verdicts
            self.updateGeometry()
            self.setMinimumHeight(self.sizeHint().height())
        self._rows, self._classes = verdicts, max(classes, 1)
        self.setAccessibleDescription("; ".join(verdict.text() for verdict in verdicts))
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(240, max(1, len(self._rows)) * LINE)

    def minimumSizeHint(self) -> QSize:
        return QSize(170, max(1, len(self._rows)) * LINE)

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self._rows:
            return {}
        return {
            "model": np.array([row.model for row in self._rows]),
            "class": np.array([row.says for row in self._rows]),
            "confidence": np.array([row.confidence for row in self._rows]),
            "changed by the turn": np.array([row.changed for row in self._rows]),
        }

    def tip_at(self, at: QPointF) -> str:
        number = int(at.y() // LINE)
        return self._rows[number].text() if 0 <= number < len(self._rows) else ""

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        colours = class_rgb(self._classes, self.theme.is_dark)
        if not self._rows:
            painter.setPen(QColor(self.colours.muted))
            painter.setFont(font("small"))
            painter.drawText(target, int(Qt.AlignmentFlag.AlignCenter), "Tick models on the left")
            return
        for number, row in enumerate(self._rows):
            room = QRectF(target.left(), target.top() + number * LINE, target.width(), LINE)
            self._paint_row(painter, room, row, colours)

    def _paint_row(self, painter: QPainter, room: QRectF, row: Verdict, colours: np.ndarray) -> None:
        strong, small = font("strong"), font("small")
        chip = QRectF(room.left(), room.top() + 6, 40, LINE - 12)
        known = row.number >= 0 and bool(row.says)
        ground = QColor(*colours[row.number % len(colours)].tolist()) if known else QColor(self.colours.sunken)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(chip, 4, 4)
        light = ground.lightnessF() > 0.55
        painter.setPen(QColor("#1b1f27" if light else "#ffffff") if known else QColor(self.colours.muted))
        painter.setFont(strong if len(row.says) <= 3 else small)
        said = row.says if known else ("!" if row.problem else "…")
        metrics = QFontMetrics(painter.font())
        painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter),
                         metrics.elidedText(said, Qt.TextElideMode.ElideRight, int(chip.width()) - 2))  # fmt: skip
        left = chip.right() + GRID
        width = room.right() - left
        painter.setFont(small)
        metrics = QFontMetrics(small)
        share = "" if row.problem or not np.isfinite(row.confidence) else percent(row.confidence, 0)
        note = "changed" if row.changed else ""
        tail = metrics.horizontalAdvance("100 %") + 4
        flag = metrics.horizontalAdvance(note) + GRID if note else 0
        painter.setPen(QColor(self.colours.text))
        line = QRectF(left, room.top() + 4, width - tail - flag, LINE / 2 - 4)
        # The end tells a series apart: how far each was turned in training.
        title = metrics.elidedText(row.model, Qt.TextElideMode.ElideMiddle, int(line.width()))
        painter.drawText(line, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), title)
        if note:
            painter.setPen(QColor(self.colours.warn))
            painter.drawText(QRectF(line.right(), line.top(), flag, line.height()),
                             int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), note)  # fmt: skip
        painter.setPen(QColor(self.colours.error if row.right is False else self.colours.muted))
        painter.drawText(QRectF(room.right() - tail, line.top(), tail, line.height()),
                         int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), share)  # fmt: skip
        bar = QRectF(left, room.top() + LINE / 2 + 4, width, 5)
        if row.problem:
            painter.setPen(QColor(self.colours.muted))
            text = metrics.elidedText(row.problem, Qt.TextElideMode.ElideRight, int(width))
            painter.drawText(QRectF(left, bar.top() - 4, width, 16), int(Qt.AlignmentFlag.AlignLeft), text)
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.sunken))
        painter.drawRoundedRect(bar, 2.5, 2.5)
        if np.isfinite(row.confidence) and known:
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * row.confidence, bar.height()), 2.5, 2.5)
