"""More notes on a strip than it has pixels: one picture from arrays, where a shape for each would take seconds."""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from workbench.widgets.canvas import image_of
from workbench.widgets.roll_geometry import LEAST_NOTE, RollGeometry
from workbench.widgets.roll_notes import RollNotes

CROWDED: Final = 8.0
"""Notes for each pixel of width from which shapes would mostly cover one another."""


def is_crowded(g: RollGeometry, notes: RollNotes) -> bool:
    """Whether notes that are seen are better painted as one picture."""
    return len(notes) > CROWDED * max(g.width - g.left, 1.0)


def crowd(g: RollGeometry, notes: RollNotes, which: np.ndarray) -> np.ndarray:
    """uint8 [pitches that are seen, lowest first; device pixels of width]: 1 + the largest `which` (int [N], below 255)
    of the notes there, 0 where there is none."""
    pitches, columns = g.pitches(), max(round((g.width - g.left) * g.ratio), 1)
    scale = g.pixels_per_second * g.ratio
    first = np.floor((notes.start - g.start) * scale).astype(np.int64)
    last = np.floor((notes.end - g.start) * scale - g.ratio).astype(np.int64)
    last = np.maximum(last, first + round(LEAST_NOTE * g.ratio))
    seen = (last > 0) & (first < columns) & (notes.pitch >= pitches.start) & (notes.pitch < pitches.stop)
    level = (which[seen] + 1).astype(np.uint8)
    order = np.argsort(level, kind="stable")  # where two meet the later one counts
    first, last = first[seen][order].clip(0), last[seen][order].clip(max=columns)
    row = notes.pitch[seen][order].astype(np.int64) - pitches.start
    width = last - first
    place = np.repeat(row * columns + first - np.cumsum(width) + width, width) + np.arange(width.sum())
    out = np.zeros(len(pitches) * columns, np.uint8)
    out[place] = np.repeat(level[order], width)
    return out.reshape(len(pitches), columns)


def paint_crowd(painter: QPainter, g: RollGeometry, notes: RollNotes, rgb: np.ndarray, which: np.ndarray) -> None:
    """Draw notes as a picture; rgb: uint8 [K, 3], which: int [N] of them is each note's."""
    rows = crowd(g, notes, which)[::-1]
    pitches = g.pitches()[::-1]
    edges = np.rint(np.array([g.y_of(p + 1) for p in pitches] + [g.y_of(pitches[-1])]) * g.ratio).astype(int)
    gap = round(g.ratio) if g.row >= 5 else 0
    height = np.diff(edges)
    which_row = np.repeat(np.arange(len(rows)), height)
    picture = rows[which_row]
    if gap:
        for lower in edges[1:] - edges[0]:
            picture[max(lower - gap, 0) : lower] = 0
    table = np.zeros((len(rgb) + 1, 4), np.uint8)
    table[1:, :3], table[1:, 3] = rgb, 255
    place = QRectF(g.left, edges[0] / g.ratio, picture.shape[1] / g.ratio, picture.shape[0] / g.ratio)
    painter.drawImage(place, image_of(table[picture]))
