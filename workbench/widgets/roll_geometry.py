"""Where seconds and pitches lie in a piano roll, in logical pixels. Knows no Qt."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from workbench.widgets.roll_notes import RollNotes

LEAST_NOTE: Final = 2.0
"""Pixels: a grace note in the view of ten minutes must still be seen."""
_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


@dataclass(frozen=True)
class RollGeometry:
    """One view of a roll.

    width, height: of the widget. left: width of the keys at the left; top: height of the ruler; pedal, lane:
    heights of the strips at the bottom, 0 for none. start, span: seconds that are seen. low, high: the edges of
    the pitches seen; the row of pitch p lies between p and p + 1. ratio: device pixels for each logical one.
    """

    width: float
    height: float
    start: float
    span: float
    low: float
    high: float
    left: float = 0.0
    top: float = 0.0
    pedal: float = 0.0
    lane: float = 0.0
    ratio: float = 1.0

    @cached_property
    def bottom(self) -> float:
        """Where the rows end."""
        return max(self.height - self.pedal - self.lane, self.top + 1.0)

    @cached_property
    def pixels_per_second(self) -> float:
        return max(self.width - self.left, 1.0) / self.span

    @cached_property
    def row(self) -> float:
        """Height of a pitch."""
        return (self.bottom - self.top) / max(self.high - self.low, 1e-9)

    @property
    def end(self) -> float:
        return self.start + self.span

    def x_of(self, seconds: float) -> float:
        return self.left + (seconds - self.start) * self.pixels_per_second

    def time_of(self, x: float) -> float:
        return self.start + (x - self.left) / self.pixels_per_second

    def y_of(self, pitch: float) -> float:
        """Where the lower edge of a pitch's row is, on a whole device pixel so that rows are sharp."""
        return self.snapped(self.top + (self.high - pitch) * self.row)

    def pitch_of(self, y: float) -> int:
        """The pitch whose row holds a place."""
        return math.floor(self.exact_pitch_of(y))

    def exact_pitch_of(self, y: float) -> float:
        return self.high - (y - self.top) / self.row

    def snapped(self, value: float) -> float:
        return round(value * self.ratio) / self.ratio

    def pitches(self) -> range:
        """The rows that are seen, also in part."""
        return range(max(math.floor(self.low), 0), min(math.ceil(self.high), 128))

    def tile(self, index: int, side: float) -> RollGeometry:
        """A strip `side` pixels wide of the endless roll at this zoom, without keys and ruler."""
        seconds = side / self.pixels_per_second
        return replace(
            self, width=side, start=index * seconds, span=seconds, left=0.0, top=0.0, height=self.height - self.top
        )

    def rects(self, notes: RollNotes) -> np.ndarray:
        """float64 [N, 4]: left, top, width, height of each note."""
        scale, gap = self.pixels_per_second, 1.0 if self.row >= 5 else 0.0
        left = self.left + (notes.start - self.start) * scale
        width = np.maximum((notes.end - notes.start) * scale - 1.0, LEAST_NOTE)
        pitch = notes.pitch.astype(np.float64)
        top = np.round((self.top + (self.high - pitch - 1) * self.row) * self.ratio) / self.ratio
        bottom = np.round((self.top + (self.high - pitch) * self.row) * self.ratio) / self.ratio
        return np.stack([left, top, width, np.maximum(bottom - top - gap, 1.0)], axis=1)

    def shared_shape(self) -> tuple[float, ...]:
        """Everything that a painted strip depends on, besides its place in time."""
        return (self.pixels_per_second, self.height, self.top, self.low, self.high, self.pedal, self.lane, self.ratio)


def tick_step(pixels_per_second: float, room: float) -> tuple[float, int]:
    """Seconds between numbers at least `room` pixels apart, and how many unnumbered steps lie between them."""
    step = next((s for s in _STEPS if s * pixels_per_second >= room), _STEPS[-1])
    parts = {0.01: 2, 0.1: 2, 1: 4, 2: 4, 10: 5, 15: 3, 30: 6, 60: 4, 120: 4, 900: 3, 1800: 6, 3600: 4, 7200: 4}
    return float(step), parts.get(step, 4 if str(step).strip("0.").startswith("2") else 5)


def tick_times(start: float, end: float, step: float) -> Iterator[tuple[int, float]]:
    """(number, seconds) of the ticks in a stretch."""
    for k in range(math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9) + 1):
        yield k, k * step


def fitting_pitches(low: int, high: int, least: int = 24) -> tuple[float, float]:
    """Edges that show pitches low..high with a row or two to spare, at least `least` rows."""
    bottom, top = float(low - 2), float(high + 3)
    missing = max(least - (top - bottom), 0.0)
    bottom, top = bottom - math.floor(missing / 2), top + math.ceil(missing / 2)
    bottom, top = bottom - max(top - 128, 0), top - min(bottom, 0)
    return max(bottom, 0.0), min(top, 128.0)
