"""How a piano roll looks: rows, grid, notes, ghosts, melody, pedal, lane. Draws with any painter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from workbench.theme import Colours, Theme
from workbench.widgets.pixels import wants_light_ink
from workbench.widgets.roll_dense import is_crowded, paint_crowd
from workbench.widgets.roll_geometry import RollGeometry, tick_step, tick_times
from workbench.widgets.roll_ink import melody_colour, mixed, sized
from workbench.widgets.roll_notes import (
    LEVELS,
    RollNotes,
    clock_text,
    is_black,
    level_of,
    pitch_class_rgb,
    pitch_name,
    unknown_rgb,
    value_rgb,
    velocity_level,
    velocity_rgb,
)

Colouring = Literal["velocity", "pitch class", "values"]
ROUND_FROM: Final = 6.0  # pixels of a row: below, corners are not seen and cost much
MOST_ROUND: Final = 700  # notes on a strip: paths of more are slower than what they add
NUMBER_ROOM: Final = 72.0  # pixels between numbers of the ruler
LEAST_PEDAL: Final = 2.0


@dataclass(frozen=True)
class Lane:
    """Numbers in time, drawn as stems on a strip below the notes.

    times, values: float64 [M]; NaN draws nothing. low, high: ends of the strip. name and unit are written at
    its left and in the tooltip.
    """

    times: np.ndarray
    values: np.ndarray
    name: str
    unit: str = ""
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class RollContent:
    """All that a roll shows.

    values: float64 [N] beside `notes`, for the colouring "values"; NaN, or None for all, is not known. value_name,
    value_unit: what they are, in words. value_range: the ends of their colours.
    """

    notes: RollNotes = field(default_factory=RollNotes.empty)
    ghost: RollNotes | None = None
    melody: RollNotes | None = None
    colouring: Colouring = "velocity"
    values: np.ndarray | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    value_name: str = ""
    value_unit: str = ""
    lane: Lane | None = None
    is_dimmed: bool = False

    @property
    def duration(self) -> float:
        return max(self.notes.duration, self.melody.duration if self.melody else 0.0)

    def note_colours(self, dark: bool) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [K, 3] colours, and int [N] which of them each note has."""
        if self.colouring == "pitch class":
            return pitch_class_rgb(dark), self.notes.pitch.astype(int) % 12
        if self.colouring == "values":
            rgb = np.vstack([value_rgb(dark), unknown_rgb(dark)])
            values = self.known_values
            levels = np.where(np.isnan(values), LEVELS, level_of(values, *self.value_range))
            return rgb, levels
        return velocity_rgb(dark), velocity_level(self.notes.velocity)

    @property
    def known_values(self) -> np.ndarray:
        """float64 [N], NaN for notes without a value."""
        if self.values is None or len(self.values) != len(self.notes):
            return np.full(len(self.notes), np.nan)
        return self.values

    def part(self, index: np.ndarray) -> RollContent:
        """The same with some of its notes: colours of a strip need not be found for hours of music."""
        values = None if self.values is None else self.known_values[index]
        return replace(self, notes=self.notes.taken(index), values=values)

    def in_words(self) -> str:
        """How many notes, from where to where, how long; "" without notes."""
        if not len(self.notes):
            return ""
        low, high = (pitch_name(p) for p in self.notes.pitch_range)
        said = f"{len(self.notes)} notes from {low} to {high}, {clock_text(self.notes.duration, 0.1)} long"
        return said + (f"; melody of {len(self.melody)} notes" if self.melody else "")

    def columns(self) -> dict[str, np.ndarray]:
        """The notes as columns; empty without notes."""
        notes = self.notes
        if not len(notes):
            return {}
        found = {
            "start (s)": notes.start,
            "end (s)": notes.end,
            "pitch": notes.pitch,
            "name": np.array([pitch_name(int(p)) for p in notes.pitch]),
            "velocity": notes.velocity,
        }
        if self.values is not None:
            found[f"{self.value_name or 'value'} ({self.value_unit})".replace(" ()", "")] = self.known_values
        return found


class RollPainter:
    """Draws a `RollContent` into a `RollGeometry` in the colours of the theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme

    @property
    def colours(self) -> Colours:
        return self.theme.colours

    # -- everything that scrolls ------------------------------------------------------------------------------

    def paint_strip(self, painter: QPainter, g: RollGeometry, content: RollContent) -> None:
        """Rows, grid, notes and what is below them, between g.left and g.width."""
        painter.save()
        painter.setClipRect(QRectF(g.left, g.top, g.width - g.left, g.height - g.top), Qt.ClipOperation.IntersectClip)
        self._paint_rows(painter, g, content)
        body = QRectF(g.left, g.top, g.width - g.left, g.bottom - g.top)
        painter.save()
        painter.setClipRect(body, Qt.ClipOperation.IntersectClip)
        if content.ghost is not None:
            self._paint_ghost(painter, g, content.ghost)
        painter.setOpacity(painter.opacity() * (0.42 if content.is_dimmed else 1.0))
        shown = content.part(content.notes.within(g.time_of(g.left - 3), g.time_of(g.width + 3)))
        self._paint_notes(painter, g, shown.notes, *shown.note_colours(self.theme.is_dark))
        painter.restore()
        if content.melody is not None:
            painter.save()
            painter.setClipRect(body, Qt.ClipOperation.IntersectClip)
            self._paint_melody(painter, g, content.melody)
            painter.restore()
        self._paint_pedal(painter, g, content.notes.pedal)
        if content.lane is not None:
            self._paint_lane(painter, g, content.lane)
        painter.restore()

    def _paint_rows(self, painter: QPainter, g: RollGeometry, content: RollContent) -> None:
        """Ground, rows of black keys, a line below each C, the lines of time."""
        c = self.colours
        left, right = g.left, g.width
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(left, g.top, right - left, g.height - g.top), QColor(c.surface))
        shade = mixed(c.surface, c.sunken, 0.62 if not self.theme.is_dark else 0.8)
        for pitch in g.pitches():
            upper, lower = g.y_of(pitch + 1), g.y_of(pitch)
            if is_black(pitch):
                painter.fillRect(QRectF(left, upper, right - left, lower - upper), shade)
        rule = mixed(c.surface, c.border, 0.75)
        for pitch in g.pitches():
            if pitch % 12 == 0:
                painter.fillRect(QRectF(left, g.y_of(pitch), right - left, 1 / g.ratio), QColor(c.border))
            elif pitch % 12 == 5 and g.row >= ROUND_FROM:  # between E and F no black key tells rows apart
                painter.fillRect(QRectF(left, g.y_of(pitch), right - left, 1 / g.ratio), rule)
        step, parts = tick_step(g.pixels_per_second, NUMBER_ROOM)
        faint = mixed(c.surface, c.border, 0.55)
        for k, seconds in tick_times(g.time_of(left), g.time_of(right), step / parts):
            if k % parts == 0 or step / parts * g.pixels_per_second >= 12:
                x = g.snapped(g.x_of(seconds))
                colour = QColor(c.border) if k % parts == 0 else faint
                painter.fillRect(QRectF(x, g.top, 1 / g.ratio, g.bottom - g.top), colour)
        after = g.x_of(content.duration)
        if content.duration > 0 and after < right:
            beyond = QColor(c.window)
            beyond.setAlpha(170)
            painter.fillRect(QRectF(max(after, left), g.top, right - max(after, left), g.height - g.top), beyond)

    def _paint_notes(
        self, painter: QPainter, g: RollGeometry, notes: RollNotes, rgb: np.ndarray, which: np.ndarray
    ) -> None:
        if not len(notes):
            return
        if is_crowded(g, notes):
            paint_crowd(painter, g, notes, rgb, which)
            return
        boxes = g.rects(notes)
        rounds = g.row >= ROUND_FROM and len(notes) <= MOST_ROUND
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, rounds)
        radius = min(3.0, g.row / 4)
        # Soft ones first: where two voices meet, the loud one is heard and seen.
        for k in np.unique(which):
            painter.setBrush(QColor(*(int(v) for v in rgb[k])))
            some = list(map(QRectF, *boxes[which == k].T.tolist()))
            if rounds:
                path = QPainterPath()
                path.setFillRule(Qt.FillRule.WindingFill)
                for box in some:
                    corner = min(radius, box.width() / 4)  # a short note stays a note and is no bead
                    path.addRoundedRect(box, corner, corner)
                painter.drawPath(path)
            else:
                painter.drawRects(some)
        if g.row >= 13:
            self._paint_names(painter, g, notes, boxes, rgb[which])

    def _paint_names(
        self, painter: QPainter, g: RollGeometry, notes: RollNotes, boxes: np.ndarray, rgb: np.ndarray
    ) -> None:
        """Names in notes that have room for them."""
        small = sized(min(g.row - 4, 12.0))
        metrics = QFontMetricsF(small)
        painter.setFont(small)
        light = wants_light_ink(rgb)
        for k in np.flatnonzero(boxes[:, 2] >= metrics.horizontalAdvance("G♯4") + 8):
            left, top, width, height = boxes[k]
            painter.setPen(QColor("#ffffff" if light[k] else "#14161b"))
            room = QRectF(left + 4, top, width - 6, height)
            painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, pitch_name(int(notes.pitch[k])))

    def _paint_ghost(self, painter: QPainter, g: RollGeometry, notes: RollNotes) -> None:
        """Another piece's notes, as outlines."""
        seen = notes.within(g.time_of(g.left - 3), g.time_of(g.width + 3))
        if not len(seen):
            return
        fill, edge = QColor(self.colours.muted), QColor(self.colours.muted)
        fill.setAlpha(46 if g.row >= 4 else 130)  # thin rows have no outline that would show them
        edge.setAlpha(165)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(fill)
        painter.setPen(QPen(edge, 1) if g.row >= 4 else Qt.PenStyle.NoPen)
        boxes = g.rects(notes.taken(seen))
        boxes[:, 2:] = np.maximum(boxes[:, 2:] - 1, 1)  # an outline reaches a pixel further than a fill
        painter.drawRects([QRectF(*box) for box in boxes.tolist()])

    def _paint_melody(self, painter: QPainter, g: RollGeometry, notes: RollNotes) -> None:
        """The melody: full notes with a rim, tied by a line, so that its form is seen and not its colour alone."""
        seen = notes.within(g.time_of(g.left - 3), g.time_of(g.width + 3))
        if not len(seen):
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = melody_colour(self.theme.is_dark)
        # The neighbours on both sides, so that the line goes on beyond the strip.
        wide = np.arange(max(int(seen[0]) - 1, 0), min(int(seen[-1]) + 2, len(notes)))
        self._paint_contour(painter, g, notes.taken(wide), colour)
        shown = notes.taken(seen)
        boxes = g.rects(shown)
        radius = min(3.0, g.row / 4)
        painter.setBrush(colour)
        painter.setPen(QPen(QColor(self.colours.surface), 1.5 if g.row >= ROUND_FROM else 1.0))
        for left, top, width, height in boxes.tolist():
            extra = 0.5 if g.row >= ROUND_FROM else 1.0
            painter.drawRoundedRect(QRectF(left - 0.5, top - extra, width + 1, height + 2 * extra), radius, radius)
        if g.row >= 13:
            ink = np.array([[colour.red(), colour.green(), colour.blue()]] * len(shown))
            self._paint_names(painter, g, shown, boxes, ink)

    def _paint_contour(self, painter: QPainter, g: RollGeometry, notes: RollNotes, colour: QColor) -> None:
        line = QColor(colour)
        line.setAlpha(150)
        painter.setPen(QPen(line, 1.5))
        boxes = g.rects(notes)
        for before, after, gap in zip(boxes[:-1], boxes[1:], notes.start[1:] - notes.end[:-1], strict=True):
            if gap < 1.0:  # a second of silence is the end of a phrase
                painter.drawLine(
                    QPointF(before[0] + before[2], before[1] + before[3] / 2),
                    QPointF(after[0], after[1] + after[3] / 2),
                )

    def _paint_pedal(self, painter: QPainter, g: RollGeometry, pedal: np.ndarray) -> None:
        if g.pedal <= 0:
            return
        c = self.colours
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(g.left, g.bottom, g.width - g.left, g.pedal), mixed(c.surface, c.window, 0.6))
        painter.fillRect(QRectF(g.left, g.bottom, g.width - g.left, 1 / g.ratio), QColor(c.border))
        seen = (pedal[:, 1] >= g.time_of(g.left)) & (pedal[:, 0] <= g.time_of(g.width))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(mixed(c.surface, c.muted, 0.55))
        for down, up in pedal[seen].tolist():
            x, width = g.x_of(down), max((up - down) * g.pixels_per_second - 1, LEAST_PEDAL)
            painter.drawRoundedRect(QRectF(x, g.bottom + 4, width, g.pedal - 7), 2, 2)

    def _paint_lane(self, painter: QPainter, g: RollGeometry, lane: Lane) -> None:
        c = self.colours
        top, bottom = g.height - g.lane, g.height
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.fillRect(QRectF(g.left, top, g.width - g.left, g.lane), QColor(c.surface))
        painter.fillRect(QRectF(g.left, top, g.width - g.left, 1 / g.ratio), QColor(c.border))
        seen = (lane.times >= g.time_of(g.left - 3)) & (lane.times <= g.time_of(g.width + 3)) & np.isfinite(lane.values)
        times, values = lane.times[seen], lane.values[seen]
        share = np.clip((values - lane.low) / ((lane.high - lane.low) or 1.0), 0, 1)
        x = g.left + (times - g.start) * g.pixels_per_second
        y = bottom - share * (g.lane - 5)
        levels, rgb = level_of(share, 0, 1), value_rgb(self.theme.is_dark)
        for k in np.unique(levels):
            painter.setPen(QPen(QColor(*(int(v) for v in rgb[k])), 2))
            some = levels == k
            painter.drawLines(
                [QLineF(a, bottom, a, b) for a, b in zip(x[some].tolist(), y[some].tolist(), strict=True)]
            )
