"""Painted parts of a piano roll, kept while they are good, so that playing copies pictures and paints little."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPixmap

from workbench.widgets.roll_geometry import RollGeometry

SIDE: Final = 256
"""Logical pixels: narrow enough that one more strip while scrolling is painted within a frame."""
SPARE: Final = 6
"""Strips kept beyond those seen."""

Draw = Callable[[QPainter, RollGeometry], None]


class Tiles:
    """Strips of `SIDE` pixels, made by `draw` when first seen; other zooms, heights and scales begin anew."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._shape: tuple[float, ...] = ()
        self._kept: OrderedDict[int, QPixmap] = OrderedDict()
        self.painted = 0  # how many were painted so far

    def clear(self) -> None:
        """Forget all: colours or contents have changed."""
        self._kept.clear()

    def spoil(self, g: RollGeometry, start: float, end: float) -> None:
        """Forget those that show a stretch in seconds; a note's rim reaches a little further."""
        scale = g.pixels_per_second
        first, last = (start * scale - 6) // SIDE, (end * scale + 6) // SIDE
        for index in [k for k in self._kept if first <= k <= last]:
            del self._kept[index]

    def seen(
        self, g: RollGeometry, left: float, right: float, patience_s: float = math.inf
    ) -> Iterator[tuple[float, QPixmap | None]]:
        """(x, strip) for all that meet left..right in pixels of the widget.

        After `patience_s` of painting, and one strip at least, the others are None: the window shall go on, and they
        come with the next looks.
        """
        if g.shared_shape() != self._shape:
            self._shape = g.shared_shape()
            self._kept.clear()
        until, before = time.perf_counter() + patience_s, self.painted
        offset = g.snapped(g.start * g.pixels_per_second) - g.left
        first, last = math.floor((left + offset) / SIDE), math.floor((right + offset - 1e-6) / SIDE)
        for index in range(max(first, 0), last + 1):
            is_late = index not in self._kept and self.painted > before and time.perf_counter() > until
            yield index * SIDE - offset, None if is_late else self._tile(g, index)
        most = math.ceil(g.width / SIDE) + 1 + SPARE
        while len(self._kept) > most:
            self._kept.popitem(last=False)

    def _tile(self, g: RollGeometry, index: int) -> QPixmap:
        kept = self._kept.get(index)
        if kept is not None:
            self._kept.move_to_end(index)
            return kept
        made = QPixmap(round(SIDE * g.ratio), max(round((g.height - g.top) * g.ratio), 1))
        made.setDevicePixelRatio(g.ratio)
        painter = QPainter(made)
        self._draw(painter, g.tile(index, SIDE))
        painter.end()
        self._kept[index] = made
        self.painted += 1
        return made


class Kept:
    """One picture of a part that stands still, painted anew when what it depends on changes."""

    def __init__(self) -> None:
        self._key: object = None
        self._picture: QPixmap | None = None

    def get(self, key: object, room: QRectF, g: RollGeometry, draw: Draw) -> QPixmap:
        """The picture of a part of the widget; `draw` paints in the widget's coordinates."""
        if self._picture is None or key != self._key:
            picture = QPixmap(math.ceil(room.width() * g.ratio), math.ceil(room.height() * g.ratio))
            picture.setDevicePixelRatio(g.ratio)
            painter = QPainter(picture)
            painter.translate(-room.topLeft())
            draw(painter, g)
            painter.end()
            self._key, self._picture = key, picture
        return self._picture
