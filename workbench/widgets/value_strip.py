"""A number for each event of a piece, as bars on the time axis of a piano roll; point at one to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.basics import number
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_canvas import KEYS
from workbench.widgets.roll_ink import mixed, sized
from workbench.widgets.roll_notes import clock_text
from workbench.widgets.timeline import Timeline

WIDEST: Final = 4.0
"""Pixels between two events of one moment, where there is room for them side by side."""
REACH: Final = 7.0
FAINT: Final = 0.3
CROWDED: Final = 2.0
"""Bars for each pixel of width from which those that others cover are left out."""


class ValueStrip(Canvas):
    """Events of one moment stand side by side, from that moment on, where the next moment leaves room.

    low, high: ends of the axis; what lies beyond is cut off and still told. With a low below zero, bars above and below
    zero have the two colours of the theme's diverging map; otherwise the colour of their group. indent: pixels at the
    left that belong to the keys of the roll above.

    Signals: `event_chosen(index)` by a click near a bar and by the arrow keys; `seek_requested(seconds)` by a click
    elsewhere; `play_requested()` by Space.
    """

    event_chosen = Signal(int)
    seek_requested = Signal(float)
    play_requested = Signal()

    def __init__(
        self,
        theme: Theme,
        timeline: Timeline,
        name: str,
        *,
        unit: str = "",
        low: float = 0.0,
        high: float = 1.0,
        hint: str = "",
        indent: float = KEYS,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self.timeline, self.unit, self.hint, self.indent = timeline, unit, hint, indent
        self.low, self.high = low, high
        self.times = self.values = np.zeros(0)
        self.groups = np.zeros(0, int)
        self.group_names: tuple[str, ...] = ()
        self.marked: np.ndarray | None = None
        self.chosen = -1
        self._say: Callable[[int], str] | None = None
        self._rank = self._count = np.zeros(0, int)
        self._gap = np.zeros(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(44)
        timeline.view_changed.connect(self.refresh)
        timeline.playhead_moved.connect(self._playhead_moved)
        self.describe_content()

    def sizeHint(self) -> QSize:
        return QSize(600, 60)

    # -- what it shows ----------------------------------------------------------------------------------------

    def set_values(
        self, times: np.ndarray, values: np.ndarray, groups: np.ndarray | None = None, group_names: Sequence[str] = ()
    ) -> None:
        """Show M events. times: float [M], seconds, never falling. values: float [M], NaN for none. groups: int [M],
        which of `group_names`. Raises ValueError for arrays of other lengths."""
        times, values = np.asarray(times, np.float64), np.asarray(values, np.float64)
        groups = np.zeros(len(times), int) if groups is None else np.asarray(groups, int)
        if not len(times) == len(values) == len(groups):
            raise ValueError(f"expected {len(times)} values and groups, got {len(values)} and {len(groups)}")
        self.times, self.values, self.groups, self.group_names = times, values, groups, tuple(group_names)
        first = np.searchsorted(times, times, "left")
        last = np.searchsorted(times, times, "right")
        self._rank, self._count = np.arange(len(times)) - first, last - first
        following = np.append(times, np.inf)[last]
        self._gap = following - times
        self.chosen = self.chosen if self.chosen < len(times) else -1
        if self.marked is not None and len(self.marked) != len(times):
            self.marked = None
        self.describe_content()
        self.refresh()

    def set_axis(self, name: str, unit: str, low: float, high: float) -> None:
        """Show something else: its name, unit, and the ends of its axis."""
        self.unit, self.low, self.high = unit, low, high
        self.setAccessibleName(name)
        self.refresh()

    def set_tips(self, say: Callable[[int], str] | None) -> None:
        """What a tooltip says of an event, instead of its value and time."""
        self._say = say

    def show_chosen(self, index: int) -> None:
        """Mark an event that was chosen elsewhere, -1 for none; says nothing."""
        self.chosen = index if 0 <= index < len(self.times) else -1
        self.update()

    def set_marked(self, marked: np.ndarray | None) -> None:
        """Let all events but those of bool [M] step back; None ends it."""
        self.marked = None if marked is None or len(marked) != len(self.times) else np.asarray(marked, bool)
        self.refresh()

    def describe_content(self) -> None:
        """Say in the accessible description what is shown."""
        known = self.values[np.isfinite(self.values)]
        said = f"{len(known)} values, mean {number(float(known.mean()))} {self.unit}" if len(known) else self.hint
        self.setAccessibleDescription(said.strip())

    def describe(self, index: int) -> str:
        """An event in words."""
        if self._say is not None:
            return self._say(index)
        value = f"{number(float(self.values[index]))}\u202f{self.unit}".strip()
        return f"{self.accessibleName()} {value} at {clock_text(float(self.times[index]), 0.01)}"

    def columns(self) -> Mapping[str, np.ndarray]:
        if not len(self.times):
            return {}
        found = {"time (s)": self.times, f"{self.accessibleName()} ({self.unit})".replace(" ()", ""): self.values}
        if self.group_names:
            found["kind"] = np.array([self.group_names[k] for k in self.groups])
        return found

    # -- where things are -------------------------------------------------------------------------------------

    def _scale(self, width: float) -> float:
        """Pixels a second."""
        return max(width - self.indent, 1.0) / self.timeline.span

    def x_of(self, index: np.ndarray | int, width: float | None = None) -> np.ndarray:
        """Where the bars of events begin, in pixels."""
        scale = self._scale(self.width() if width is None else width)
        step = np.minimum(WIDEST, self._gap[index] * scale / np.maximum(self._count[index], 1))
        return self.indent + (self.times[index] - self.timeline.start) * scale + self._rank[index] * step

    def _y_of(self, values: np.ndarray | float, target: QRect) -> np.ndarray:
        share = np.clip((np.asarray(values) - self.low) / ((self.high - self.low) or 1.0), 0, 1)
        return target.bottom() - 2 - share * (target.height() - 6)

    def index_at(self, at: QPointF) -> int:
        """The event whose bar is nearest to a place, -1 where none is near."""
        known = np.flatnonzero(np.isfinite(self.values))
        if not len(known) or at.x() < self.indent - 2:
            return -1
        away = np.abs(self.x_of(known) + 1 - at.x())
        k = int(np.argmin(away))
        return int(known[k]) if away[k] <= REACH else -1

    # -- painting ---------------------------------------------------------------------------------------------

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        c = self.colours
        painter.save()
        painter.translate(target.topLeft())
        target = QRect(0, 0, target.width(), target.height())
        body = QRectF(self.indent, 0, target.width() - self.indent, target.height())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(body, QColor(c.surface))
        painter.fillRect(QRectF(0, 0, self.indent, target.height()), QColor(c.window))
        zero = float(self._y_of(max(self.low, 0.0), target))
        painter.setPen(QPen(QColor(c.border), 1))
        painter.drawLine(QLineF(self.indent, zero, target.width(), zero))
        self._paint_axis(painter, target)
        if len(self.times):
            painter.setClipRect(body, Qt.ClipOperation.IntersectClip)
            self._paint_bars(painter, target, zero)
        elif self.hint:
            painter.setPen(QColor(c.muted))
            painter.setFont(font("small"))
            painter.drawText(body, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)
        painter.restore()

    def _paint_axis(self, painter: QPainter, target: QRect) -> None:
        painter.setFont(sized(10.0))
        painter.setPen(QColor(self.colours.muted))
        metrics = QFontMetricsF(painter.font())
        room = QRectF(2, 0, self.indent - 6, target.height())
        right = Qt.AlignmentFlag.AlignRight
        painter.drawText(room, right | Qt.AlignmentFlag.AlignTop, number(self.high))
        painter.drawText(room, right | Qt.AlignmentFlag.AlignBottom, number(self.low))
        if target.height() >= 3.2 * metrics.height():
            painter.drawText(room, right | Qt.AlignmentFlag.AlignVCenter, self.unit)

    def _paint_bars(self, painter: QPainter, target: QRect, zero: float) -> None:
        scale = self._scale(target.width())
        first = int(np.searchsorted(self.times, self.timeline.start - 8 / scale))
        last = int(np.searchsorted(self.times, self.timeline.end + 8 / scale))
        seen = np.arange(first, last)[np.isfinite(self.values[first:last])]
        if not len(seen):
            return
        x, y = self.x_of(seen, target.width()), self._y_of(self.values[seen], target)
        step = np.minimum(WIDEST, self._gap[seen] * scale / np.maximum(self._count[seen], 1))
        thick = np.clip(np.floor(step) - 1, 1, WIDEST - 1).astype(int)
        if len(seen) > CROWDED * target.width():
            kept = self._tallest(seen, x)
            seen, x, y, thick = seen[kept], x[kept], y[kept], thick[kept]
        faint = np.zeros(len(seen), bool) if self.marked is None else ~self.marked[seen]
        which = self.groups[seen] if self.low >= 0 else (self.values[seen] > 0).astype(int)
        for k, width, back in sorted(set(zip(which.tolist(), thick.tolist(), faint.tolist(), strict=True))):
            some = (which == k) & (thick == width) & (faint == back)
            colour = self._colour(k)
            painter.setPen(QPen(mixed(self.colours.surface, colour, FAINT) if back else colour, width,
                                c=Qt.PenCapStyle.FlatCap))  # fmt: skip
            at = x[some] + width / 2
            painter.drawLines([QLineF(a, zero, a, b) for a, b in zip(at.tolist(), y[some].tolist(), strict=True)])

    def _tallest(self, seen: np.ndarray, x: np.ndarray) -> np.ndarray:
        """int [k]: of bars of one colour on one pixel, the farthest from zero, which covers the others."""
        side = self.groups[seen] if self.low >= 0 else (self.values[seen] > 0).astype(int)
        faint = 0 if self.marked is None else (~self.marked[seen]).astype(int)
        key = (np.floor(x).astype(int) * (int(side.max(initial=0)) + 1) + side) * 2 + faint
        order = np.lexsort((np.abs(self.values[seen]), key))
        return order[np.append(np.diff(key[order]) != 0, True)]

    def _colour(self, group: int) -> QColor:
        if self.low >= 0:
            return self.theme.series(group)
        return QColor(self.theme.diverging().hex(0.92 if group else 0.08))

    def paint_over(self, painter: QPainter) -> None:
        c, height = self.colours, self.height()
        painter.setClipRect(QRectF(self.indent, 0, self.width() - self.indent, height))
        if 0 <= self.chosen < len(self.times):
            x = float(self.x_of(self.chosen))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(c.accent), 2))
            painter.drawRoundedRect(QRectF(x - 2.5, 1, 8, height - 2), 3, 3)
        if len(self.times):
            x = self.indent + (self.timeline.playhead - self.timeline.start) * self._scale(self.width())
            painter.setPen(QPen(QColor(c.text), 1.5))
            painter.drawLine(QPointF(x, 0), QPointF(x, height))

    def _playhead_moved(self, before: float, now: float) -> None:
        scale = self._scale(self.width())
        for seconds in (before, now):
            x = round(self.indent + (seconds - self.timeline.start) * scale)
            self.update(QRect(x - 3, 0, 6, self.height()))

    def tip_at(self, at: QPointF) -> str:
        index = self.index_at(at)
        return self.describe(index) if index >= 0 else ""

    # -- mouse and keyboard -----------------------------------------------------------------------------------

    def choose(self, index: int) -> None:
        """Choose an event, and say so."""
        if not len(self.times):
            return
        self.chosen = min(max(index, 0), len(self.times) - 1)
        self.setAccessibleDescription(self.describe(self.chosen))
        self.update()
        self.event_chosen.emit(self.chosen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or event.position().x() < self.indent:
            return
        index = self.index_at(event.position())
        if index >= 0:
            self.choose(index)
        else:
            seconds = self.timeline.start + (event.position().x() - self.indent) / self._scale(self.width())
            self.seek_requested.emit(min(max(seconds, 0.0), self.timeline.duration))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        key = Qt.Key(event.key())
        if key in steps and len(self.times):
            now = int(np.searchsorted(self.times, self.timeline.playhead, "right")) - 1
            self.choose((self.chosen if self.chosen >= 0 else now) + steps[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and len(self.times):
            self.choose(0 if key == Qt.Key.Key_Home else len(self.times) - 1)
        elif key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.play_requested.emit()
        else:
            super().keyPressEvent(event)
