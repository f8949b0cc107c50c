"""What every model calls the image before and after the attack, the white box marked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from engines.transfer.snapshots import Verdicts
from workbench.panels.vision.models import short_title
from workbench.theme import GRID, Theme, font
from workbench.widgets.basics import percent
from workbench.widgets.canvas import Canvas
from workbench.widgets.class_colours import class_rgb
from workbench.widgets.frames import paint_sign

LINE: Final = 54
CHIP: Final = 34
TREND_FROM: Final = 330
"""Width from which the way of the label's probability over the iterations is drawn too."""


@dataclass(frozen=True)
class Row:
    """One model. clean, attacked: class names, "" while not known; numbers: theirs, for the colours; sure: their
    probabilities. trend: float32 [T + 1], the label's probability at every iterate. fooled: at this iterate; was_right:
    it named the clean image as the label says. problem: why it cannot be asked."""

    model: str
    white_box: bool = False
    clean: str = ""
    attacked: str = ""
    numbers: tuple[int, int] = (-1, -1)
    sure: tuple[float, float] = (float("nan"), float("nan"))
    trend: np.ndarray | None = None
    fooled: bool = False
    was_right: bool = True
    problem: str = ""

    def text(self) -> str:
        """In words."""
        who = f"{self.model} (white box)" if self.white_box else self.model
        if self.problem:
            return f"{who}: {self.problem}"
        if not self.clean:
            return f"{who}: not asked yet"
        end = "fooled" if self.fooled else "not fooled"
        if not self.was_right:
            end = "wrong already without the attack"
        return (
            f"{who}: clean {self.clean} ({percent(self.sure[0], 0)}), "
            f"attacked {self.attacked} ({percent(self.sure[1], 0)}), {end}"
        )


def rows_of(verdicts: Verdicts, step: int, waiting: tuple[str, ...] = ()) -> list[Row]:
    """Rows at iterate `step`; waiting: titles of models that were not heard yet."""
    rows = []
    problems = dict(verdicts.problems)
    fooled = verdicts.fooled
    for i, title in enumerate(verdicts.titles):
        at = min(step, verdicts.named.shape[1] - 1)
        first, now = int(verdicts.named[i, 0]), int(verdicts.named[i, at])
        names = verdicts.names[i]
        rows.append(
            Row(
                short_title(title),
                bool(verdicts.white_box[i]),
                names[first] if 0 <= first < len(names) else "",
                names[now] if 0 <= now < len(names) else "",
                (first, now),
                (float(verdicts.confidence[i, 0]), float(verdicts.confidence[i, at])),
                verdicts.truth[i],
                bool(fooled[i, at]),
                not bool(fooled[i, 0]),
            )
        )
    rows += [Row(name, problem=text) for name, text in problems.items()]
    return rows + [Row(title) for title in waiting]


class VerdictBoard(Canvas):
    """Two lines a model: its title and outcome; its clean answer, an arrow, its answer to the attacked image, each with
    a bar of confidence in the colour of the class."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Verdicts", parent)
        self._rows: tuple[Row, ...] = ()
        self._classes = 10
        self._step = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def rows(self) -> tuple[Row, ...]:
        return self._rows

    def set_rows(self, rows: list[Row], classes: int, step: int) -> None:
        """Show these. classes: how many there are; step: the iterate, marked on the trend."""
        grown = len(rows) != len(self._rows)
        self._rows, self._classes, self._step = tuple(rows), max(classes, 1), step
        if grown:
            self.updateGeometry()
        self.setAccessibleDescription("; ".join(row.text() for row in rows))
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(300, max(1, len(self._rows)) * LINE)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, max(1, len(self._rows)) * LINE)

    def columns(self) -> Mapping[str, np.ndarray]:
        rows = [row for row in self._rows if not row.problem]
        if not rows:
            return {}
        return {
            "model": np.array([row.model for row in rows]),
            "white_box": np.array([row.white_box for row in rows]),
            "clean": np.array([row.clean for row in rows]),
            "clean_confidence": np.array([row.sure[0] for row in rows]),
            "attacked": np.array([row.attacked for row in rows]),
            "attacked_confidence": np.array([row.sure[1] for row in rows]),
            "fooled": np.array([row.fooled for row in rows]),
        }

    def tip_at(self, at: QPointF) -> str:
        number = int(at.y() // LINE)
        return self._rows[number].text() if 0 <= number < len(self._rows) else ""

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        if not self._rows:
            painter.setPen(QColor(self.colours.muted))
            painter.setFont(font("small"))
            painter.drawText(target, int(Qt.AlignmentFlag.AlignCenter), "Tick models on the left")
            return
        colours = class_rgb(self._classes, self.theme.is_dark)
        for number, row in enumerate(self._rows):
            room = QRectF(target.left(), target.top() + number * LINE, target.width(), LINE)
            if number:
                painter.setPen(QColor(self.colours.border))
                painter.drawLine(room.topLeft(), room.topRight())
            self._paint_row(painter, room.adjusted(0, 4, 0, -4), row, colours)

    def _paint_row(self, painter: QPainter, room: QRectF, row: Row, colours: np.ndarray) -> None:
        small, strong = font("small"), font("strong")
        metrics = QFontMetricsF(small)
        line = metrics.height() + 2
        right = room.right()
        known = bool(row.clean) and not row.problem
        if known and row.was_right:
            paint_sign(painter, QRectF(right - 16, room.top(), 15, 15), "fooled" if row.fooled else "ok", self.colours)
        elif known:
            paint_sign(painter, QRectF(right - 16, room.top(), 15, 15), "rejected", self.colours)
        right -= 22
        if row.white_box:
            tag = "white box"
            width = metrics.horizontalAdvance(tag) + GRID
            box = QRectF(right - width, room.top(), width, line)
            painter.setPen(QPen(QColor(self.colours.accent), 1))
            painter.setBrush(QColor(self.colours.accent_soft))
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(QColor(self.colours.text))
            painter.setFont(small)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), tag)
            right = box.left() - 4
        painter.setFont(strong if row.white_box else small)
        painter.setPen(QColor(self.colours.text))
        title = QFontMetricsF(painter.font()).elidedText(row.model, Qt.TextElideMode.ElideRight, right - room.left())
        painter.drawText(QRectF(room.left(), room.top(), right - room.left(), line),
                         int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), title)  # fmt: skip
        below = QRectF(room.left(), room.top() + line + 3, room.width(), room.height() - line - 3)
        if row.problem or not known:
            painter.setFont(small)
            painter.setPen(QColor(self.colours.warn if row.problem else self.colours.muted))
            said = row.problem or "waiting for its answer…"
            painter.drawText(below, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop),
                             metrics.elidedText(said, Qt.TextElideMode.ElideRight, below.width()))  # fmt: skip
            return
        trend = 64.0 if room.width() >= TREND_FROM and row.trend is not None else 0.0
        half = (below.width() - trend - 22) / 2
        for part in (0, 1):
            spot = QRectF(below.left() + part * (half + 22), below.top(), half, below.height())
            self._paint_answer(painter, spot, (row.clean, row.attacked)[part], row.numbers[part], row.sure[part],
                               colours)  # fmt: skip
        self._paint_arrow(painter, QPointF(below.left() + half + 4, below.center().y()))
        if trend and row.trend is not None:
            spot = QRectF(below.right() - trend + 8, below.top() + 1, trend - 13, below.height() - 2)
            self._paint_trend(painter, spot, row.trend)

    def _paint_answer(
        self, painter: QPainter, room: QRectF, name: str, number: int, sure: float, colours: np.ndarray
    ) -> None:
        """A chip with the class, and a bar of confidence beside it with its number above."""
        ground = QColor(*colours[number % len(colours)].tolist())
        chip = QRectF(room.left(), room.top(), min(CHIP, room.width() / 2), room.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ground)
        painter.drawRoundedRect(chip, 4, 4)
        painter.setFont(font("strong") if len(name) <= 3 else font("small"))
        painter.setPen(QColor("#1b1f27" if ground.lightnessF() > 0.55 else "#ffffff"))
        metrics = QFontMetricsF(painter.font())
        painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter),
                         metrics.elidedText(name, Qt.TextElideMode.ElideRight, chip.width() - 2))  # fmt: skip
        left = chip.right() + 5
        bar = QRectF(left, room.bottom() - 5, max(room.right() - left, 4), 4)
        painter.setPen(QColor(self.colours.muted))
        painter.setFont(font("small"))
        painter.drawText(QRectF(left, room.top() - 1, bar.width(), room.height() - 5),
                         int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), percent(sure, 0))  # fmt: skip
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self.colours.sunken))
        painter.drawRoundedRect(bar, 2, 2)
        if np.isfinite(sure):
            painter.setBrush(ground)
            painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * sure, bar.height()), 2, 2)

    def _paint_arrow(self, painter: QPainter, at: QPointF) -> None:
        painter.setPen(QPen(QColor(self.colours.muted), 1.5, c=Qt.PenCapStyle.RoundCap))
        end = at + QPointF(13, 0)
        painter.drawLine(at, end)
        painter.drawLine(end, end + QPointF(-4, -4))
        painter.drawLine(end, end + QPointF(-4, 4))

    def _paint_trend(self, painter: QPainter, room: QRectF, trend: np.ndarray) -> None:
        """The label's probability over the iterations, 0 below and 1 above."""
        painter.setPen(QPen(QColor(self.colours.border), 1))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        steps = max(len(trend) - 1, 1)
        points = [
            QPointF(room.left() + k / steps * room.width(), room.bottom() - float(p) * room.height())
            for k, p in enumerate(np.nan_to_num(trend))
        ]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.colours.accent), 1.5))
        painter.drawPolyline(QPolygonF(points))
        painter.setBrush(QColor(self.colours.accent))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(points[min(self._step, len(points) - 1)], 3, 3)
