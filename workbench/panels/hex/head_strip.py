"""What the three heads and the search say of one position, on one axis; how far they disagree is the loss's
consistency term."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engines.hex.snapshots import AnalysisSnapshot
from workbench.panels.hex.overlays import win_percent
from workbench.theme import DARK, LIGHT, font
from workbench.widgets.hexboard.look import PLAYER_NAMES, is_dark

Shape = Literal["triangle", "diamond", "square", "circle"]


@dataclass(frozen=True)
class Reading:
    """One opinion. value: in [-1, 1] for the player to move, NaN if there is none. series: colour in the
    theme."""

    name: str
    help: str
    value: float
    shape: Shape
    series: int


def readings(snapshot: AnalysisSnapshot) -> tuple[Reading, ...]:
    """The four opinions of a snapshot in a fixed order: v, −min q, Σ p(−q), search."""
    searched = snapshot.value if snapshot.simulations > 0 else math.nan
    return (
        Reading("v", "the value head", snapshot.net_value, "triangle", 0),
        Reading("−min q", "the best move's value by the q-head", snapshot.min_q, "diamond", 1),
        Reading("Σ p(−q)", "the q-head's values weighted by the policy", snapshot.mean_q, "square", 2),
        Reading("search", "the search's value", searched, "circle", 3),
    )


def inconsistency(snapshot: AnalysisSnapshot) -> float:
    """|min q + v|, in [0, 2]: its square is the penalty that training puts on heads that disagree."""
    return abs(snapshot.net_value - snapshot.min_q)


class HeadStrip(QWidget):
    """Marks on an axis of win %, for the player to move or always for Red."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._snapshot: AnalysisSnapshot | None = None
        self._always_red = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Head agreement")

    def set_snapshot(self, snapshot: AnalysisSnapshot | None) -> None:
        """Show a snapshot, or nothing."""
        self._snapshot = snapshot
        self._tell()

    def set_always_red(self, always_red: bool) -> None:
        self._always_red = always_red
        self._tell()

    def text(self) -> str:
        """All readings as one line."""
        if self._snapshot is None:
            return "no analysis yet"
        said = [
            f"{reading.name} {self._percent(reading.value):.1f} %"
            for reading in readings(self._snapshot)
            if math.isfinite(reading.value)
        ]
        return ", ".join([*said, self._spread_text()])

    def sizeHint(self) -> QSize:
        return QSize(360, round(6.3 * QFontMetricsF(font("small")).height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(220, self.sizeHint().height())

    def _tell(self) -> None:
        self.setAccessibleDescription(self.text())
        helps = "" if self._snapshot is None else "\n".join(
            f"{reading.name}: {reading.help}" for reading in readings(self._snapshot)
        )  # fmt: skip
        self.setToolTip(f"{helps}\n|min q + v| is trained towards 0.".strip())
        self.update()

    def _percent(self, value: float) -> float:
        to_move = self._snapshot.to_move if self._snapshot is not None else 1
        return float(win_percent(value, to_move, always_red=self._always_red))

    def _spread_text(self) -> str:
        if self._snapshot is None:
            return ""
        gap = inconsistency(self._snapshot)
        return "no q-head" if math.isnan(gap) else f"|min q + v| = {gap:.2f}"

    # -- painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font("small"))
        metrics = QFontMetricsF(font("small"))
        line = metrics.height()
        axis = QRectF(18, 3.1 * line, self.width() - 36, 1)
        self._paint_head(painter, line)
        self._paint_axis(painter, axis, metrics)
        if self._snapshot is not None:
            self._paint_spread(painter, axis)
            self._paint_readings(painter, axis, metrics)
        painter.end()

    def _paint_head(self, painter: QPainter, line: float) -> None:
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(muted)
        room = QRectF(18, 0, self.width() - 36, line)
        if self._snapshot is None:
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft, "Heads: no analysis yet")
            return
        who = "Red" if self._always_red else f"{PLAYER_NAMES[self._snapshot.to_move]}, to move"
        metrics, spread = QFontMetricsF(font("small")), self._spread_text()
        left = room.width() - metrics.horizontalAdvance(spread) - 12
        said = metrics.elidedText(f"win % for {who}", Qt.TextElideMode.ElideRight, max(left, 0.0))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft, said)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight, spread)

    def _paint_axis(self, painter: QPainter, axis: QRectF, metrics: QFontMetricsF) -> None:
        muted = self.palette().color(QPalette.ColorRole.PlaceholderText)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 2))
        painter.drawLine(axis.topLeft(), axis.topRight())
        for percent in (0, 25, 50, 75, 100):
            x = axis.left() + axis.width() * percent / 100
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
            painter.drawLine(QPointF(x, axis.top() - 4), QPointF(x, axis.top() + 4))
            painter.setPen(muted)
            text = str(percent)
            wide = metrics.horizontalAdvance(text)
            painter.drawText(QPointF(x - wide / 2, axis.top() + 6 + metrics.ascent()), text)

    def _x(self, axis: QRectF, value: float) -> float:
        return axis.left() + axis.width() * min(max(self._percent(value), 0.0), 100.0) / 100

    def _paint_spread(self, painter: QPainter, axis: QRectF) -> None:
        """A band from v to −min q: the gap that the consistency penalty closes."""
        assert self._snapshot is not None
        ends = (self._snapshot.net_value, self._snapshot.min_q)
        if not all(math.isfinite(end) for end in ends):
            return
        left, right = sorted(self._x(axis, end) for end in ends)
        colour = QColor(self.palette().color(QPalette.ColorRole.Highlight))
        colour.setAlpha(70)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(left, axis.top() - 4, max(right - left, 1), 8), 4, 4)

    def _paint_readings(self, painter: QPainter, axis: QRectF, metrics: QFontMetricsF) -> None:
        assert self._snapshot is not None
        series = (DARK if is_dark(self.palette()) else LIGHT).series
        shown = [r for r in readings(self._snapshot) if math.isfinite(r.value)]
        for reading in shown:
            colour = QColor(series[reading.series])
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Window), 1.5))
            painter.setBrush(colour)
            painter.drawPath(_shape(reading.shape, self._x(axis, reading.value), axis.top(), 6.0))
        rows = (
            (shown[0::2], axis.top() - 9 - metrics.descent()),
            (shown[1::2], axis.top() + 2.3 * metrics.height()),
        )
        for part, base in rows:
            texts = [f"{reading.name} {self._percent(reading.value):.0f}" for reading in part]
            wide = [metrics.horizontalAdvance(text) + 14 for text in texts]
            places = spread_out([self._x(axis, r.value) for r in part], wide, 4.0, self.width() - 4.0)
            for reading, text, width, x in zip(part, texts, wide, places, strict=True):
                colour = QColor(series[reading.series])
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour)
                painter.drawPath(_shape(reading.shape, x - width / 2 + 5, base - metrics.capHeight() / 2, 4.0))
                painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
                painter.drawText(QPointF(x - width / 2 + 12, base), text)


def spread_out(places: list[float], widths: list[float], low: float, high: float) -> list[float]:
    """Centres for labels of `widths`, near `places`, that fit side by side between `low` and `high`."""
    order = sorted(range(len(places)), key=lambda i: places[i])
    found = list(places)
    edge = low
    for i in order:  # push to the right, off each other
        found[i] = max(found[i], edge + widths[i] / 2)
        edge = found[i] + widths[i] / 2
    edge = high
    for i in reversed(order):  # and back from the right end
        found[i] = min(found[i], edge - widths[i] / 2)
        edge = found[i] - widths[i] / 2
    return found


def _shape(shape: Shape, x: float, y: float, r: float) -> QPainterPath:
    path = QPainterPath()
    if shape == "circle":
        path.addEllipse(QPointF(x, y), r, r)
    elif shape == "square":
        path.addRect(QRectF(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r))
    else:
        points = [(0.0, -1.15), (1.0, 0.0), (0.0, 1.15), (-1.0, 0.0)]
        if shape == "triangle":
            points = [(0.0, 0.9), (1.05, -0.85), (-1.05, -0.85)]
        path.moveTo(x + points[0][0] * r, y + points[0][1] * r)
        for dx, dy in points[1:]:
            path.lineTo(x + dx * r, y + dy * r)
        path.closeSubpath()
    return path
