"""Several small piano rolls below one another on one time axis and one range of pitches, each with scores as bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_geometry import RollGeometry, fitting_pitches, tick_step, tick_times
from workbench.widgets.roll_notes import HasNotes, RollNotes, clock_text
from workbench.widgets.roll_painting import RollContent, RollPainter

_GAP: Final = 6.0
_NARROW: Final = 620
"""Pixels of width below which the bars take less room."""
_BAR: Final = 8.0
_STEPS: Final = {
    Qt.Key.Key_Up: -1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -1000,
    Qt.Key.Key_End: 1000,
}  # fmt: skip


@dataclass(frozen=True)
class StackRow:
    """One roll. title: at its left, short. notes: None before there are any. scores: in [0, 1], one for each name of
    the stack, NaN where unknown."""

    title: str
    notes: HasNotes | None = None
    scores: tuple[float, ...] = ()


class RollStack(Canvas):
    """row_pressed(int): a row was clicked. row_moved(int): the keyboard went to another row. play_pressed(): Space.

    Keys: arrows, Home and End choose a row, Space and Enter play it.
    """

    row_pressed = Signal(int)
    row_moved = Signal(int)
    play_pressed = Signal()

    def __init__(self, theme: Theme, name: str = "Rolls", *, hint: str = "", parent: QWidget | None = None) -> None:
        super().__init__(theme, name, parent)
        self._rows: tuple[StackRow, ...] = ()
        self._notes: tuple[RollNotes, ...] = ()
        self._scores: tuple[str, ...] = ()
        self._seconds = 1.0
        self._hint = hint
        self._chosen = 0
        self._playhead: float | None = None
        self._painter = RollPainter(theme)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(320, 240)
        self._describe()

    def sizeHint(self) -> QSize:
        return QSize(900, 560)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[StackRow, ...]:
        return self._rows

    @property
    def chosen(self) -> int:
        """Number of the chosen row, from 0."""
        return self._chosen

    def set_rows(self, rows: Sequence[StackRow], scores: Sequence[str], seconds: float) -> None:
        """Show rolls, `seconds` long, with scores of these names. Raises ValueError where they differ in number."""
        if any(len(row.scores) not in (0, len(scores)) for row in rows):
            raise ValueError(f"expected {len(scores)} scores in each row")
        self._rows, self._scores, self._seconds = tuple(rows), tuple(scores), max(seconds, 0.1)
        self._notes = tuple(RollNotes.empty() if row.notes is None else RollNotes.of(row.notes) for row in rows)
        self._chosen = min(self._chosen, max(len(rows) - 1, 0))
        self._describe()
        self.refresh()

    def choose(self, row: int) -> None:
        """Mark a row; emits nothing."""
        if 0 <= row < len(self._rows) and row != self._chosen:
            self._chosen = row
            self._describe()
            self.update()

    def set_playhead(self, seconds: float | None) -> None:
        """Where the chosen row is heard; None where it is not."""
        if seconds != self._playhead:
            self._playhead = seconds
            self.update()

    def set_hint(self, hint: str) -> None:
        """What stands here while there are no rows."""
        self._hint = hint
        self.refresh()

    def describe(self, index: int) -> str:
        """A row in words."""
        row, notes = self._rows[index], self._notes[index]
        said = f"{row.title}: {len(notes)} notes, {clock_text(notes.duration, 0.1)}" if len(notes) else row.title
        named = zip(self._scores, row.scores, strict=False)
        return "; ".join([said, *(f"{name} {score:.2f}" for name, score in named if not math.isnan(score))])

    def columns(self) -> Mapping[str, np.ndarray]:
        if not self._rows:
            return {}
        out = {
            "row": np.array([row.title for row in self._rows]), "notes": np.array([len(n) for n in self._notes])
        }  # fmt: skip
        for k, name in enumerate(self._scores):
            out[name] = np.array([row.scores[k] if row.scores else math.nan for row in self._rows])
        return out

    # -- where things are -------------------------------------------------------------------------------------

    def _head(self) -> float:
        return QFontMetricsF(font("small")).height() + 6

    def _left(self) -> float:
        metrics = QFontMetricsF(font("strong"))
        return max([metrics.horizontalAdvance(row.title) for row in self._rows], default=0.0) + 18

    def _bars(self, target: QRect) -> float:
        """Width of all bars."""
        return len(self._scores) * (76.0 if target.width() < _NARROW else 128.0)

    def _row_rect(self, target: QRect, index: int) -> QRectF:
        head, count = self._head(), len(self._rows)
        height = (target.height() - 2 * head) / count
        return QRectF(target.left(), target.top() + head + index * height, target.width(), height)

    def _roll_rect(self, target: QRect, index: int) -> QRectF:
        row, left = self._row_rect(target, index), self._left()
        return row.adjusted(left, _GAP / 2, -self._bars(target) - (10 if self._scores else 0), -_GAP / 2)

    def row_at(self, at: QPointF) -> int:
        """The row at a place, -1 for none."""
        hits = [k for k in range(len(self._rows)) if self._row_rect(self.rect(), k).contains(at)]
        return hits[0] if hits else -1

    def place_of(self, index: int) -> QPointF:
        """The middle of a row's roll."""
        return self._roll_rect(self.rect(), index).center()

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        painter.setFont(font("body"))
        if not self._rows:
            painter.setPen(QColor(self.colours.muted))
            box = QRectF(target).adjusted(24, 24, -24, -24)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._hint)
            return
        low = min((n.pitch_range[0] for n in self._notes if len(n)), default=48)
        high = max((n.pitch_range[1] for n in self._notes if len(n)), default=72)
        edges = fitting_pitches(low, high)
        for index, row in enumerate(self._rows):
            self._paint_roll(painter, self._roll_rect(target, index), self._notes[index], edges)
            self._paint_title(painter, target, index, row)
            self._paint_scores(painter, target, index, row)
        self._paint_heads(painter, target)
        self._paint_axis(painter, target)
        if not self.is_layer:
            self._paint_frame(painter, target)

    def _paint_roll(self, painter: QPainter, room: QRectF, notes: RollNotes, edges: tuple[float, float]) -> None:
        geometry = RollGeometry(
            room.width(), room.height(), 0.0, self._seconds, *edges, ratio=painter.device().devicePixelRatioF()
        )
        painter.save()
        painter.translate(room.topLeft())
        painter.setClipRect(QRectF(0, 0, room.width(), room.height()))
        self._painter.paint_strip(painter, geometry, RollContent(notes))
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.colours.border), 1))
        painter.drawRect(room)

    def _paint_title(self, painter: QPainter, target: QRect, index: int, row: StackRow) -> None:
        room = self._row_rect(target, index)
        painter.setFont(font("strong"))
        painter.setPen(QColor(self.colours.text))
        at = QRectF(room.left() + 4, room.top(), self._left() - 12, room.height())
        painter.drawText(at, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, row.title)

    def _score_rect(self, target: QRect, index: int, which: int) -> QRectF:
        room, width = self._row_rect(target, index), self._bars(target) / len(self._scores)
        return QRectF(target.right() + 1 - (len(self._scores) - which) * width, room.top(), width - 8, room.height())

    def _paint_scores(self, painter: QPainter, target: QRect, index: int, row: StackRow) -> None:
        painter.setFont(font("small"))
        metrics = QFontMetricsF(font("small"))
        number = metrics.horizontalAdvance("0.00") + 6
        for which in range(len(self._scores)):
            room = self._score_rect(target, index, which)
            track = QRectF(room.left(), room.center().y() - _BAR / 2, room.width() - number, _BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self.colours.sunken))
            painter.drawRoundedRect(track, 3, 3)
            score = row.scores[which] if row.scores else math.nan
            if not math.isnan(score):
                painter.setBrush(self.theme.series(which))
                track.setWidth(max(track.width() * min(max(score, 0.0), 1.0), 2.0))
                painter.drawRoundedRect(track, 3, 3)
            painter.setPen(QColor(self.colours.muted if math.isnan(score) else self.colours.text))
            said = "–" if math.isnan(score) else f"{score:.2f}"
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, said)

    def _paint_heads(self, painter: QPainter, target: QRect) -> None:
        """Names of the scores above their bars."""
        painter.setFont(font("small"))
        metrics = QFontMetricsF(font("small"))
        for which, name in enumerate(self._scores):
            room = self._score_rect(target, 0, which)
            room.setTop(target.top())
            room.setHeight(self._head() - 3)
            painter.setPen(QColor(self.colours.muted))
            text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_axis(self, painter: QPainter, target: QRect) -> None:
        room = self._roll_rect(target, len(self._rows) - 1)
        metrics = QFontMetricsF(font("small"))
        painter.setFont(font("small"))
        painter.setPen(QColor(self.colours.muted))
        scale = room.width() / self._seconds
        step, _ = tick_step(scale, 56)
        for k, seconds in tick_times(0.0, self._seconds, step):
            text = f"{seconds:g} s" if k else "0"
            width = metrics.horizontalAdvance(text)
            x = min(max(room.left() + seconds * scale - width / 2, room.left()), room.right() - width)
            painter.drawText(QPointF(x, target.bottom() - metrics.descent() - 1), text)

    def paint_over(self, painter: QPainter) -> None:
        if not self._rows:
            return
        self._paint_frame(painter, self.rect())
        if self._playhead is not None:
            room = self._roll_rect(self.rect(), self._chosen)
            x = room.left() + min(self._playhead / self._seconds, 1.0) * room.width()
            for colour, width in ((self.colours.surface, 3.5), (self.colours.text, 1.5)):
                painter.setPen(QPen(QColor(colour), width))
                painter.drawLine(QPointF(x, room.top() + 1), QPointF(x, room.bottom() - 1))

    def _paint_frame(self, painter: QPainter, target: QRect) -> None:
        """Around the chosen row."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(self.colours.accent), 2))
        painter.drawRoundedRect(self._roll_rect(target, self._chosen).adjusted(-1, -1, 1, 1), 3, 3)

    # -- mouse and keyboard -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and row >= 0:
            self.choose(row)
            self.row_pressed.emit(row)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = self.row_at(event.position()) >= 0
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._rows and key in _STEPS and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            row = min(max(self._chosen + _STEPS[key], 0), len(self._rows) - 1)
            if row != self._chosen:
                self.choose(row)
                self.row_moved.emit(row)
        elif self._rows and key in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.play_pressed.emit()
        else:
            super().keyPressEvent(event)

    def tip_at(self, at: QPointF) -> str:
        row = self.row_at(at)
        return f"{self.describe(row)}. Click to hear it." if row >= 0 else ""

    def _describe(self) -> None:
        chosen = f"Row {self._chosen + 1} of {len(self._rows)}. {self.describe(self._chosen)}" if self._rows else ""
        self.setAccessibleDescription(chosen or self._hint)
