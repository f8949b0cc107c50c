"""A piano roll to look at: kept strips, and repainting no more than what the playhead touches."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QWidget

from workbench.theme import Colours, Theme, font
from workbench.widgets.canvas import paint_ring
from workbench.widgets.roll_frame import FramePainter
from workbench.widgets.roll_geometry import RollGeometry
from workbench.widgets.roll_ink import melody_colour
from workbench.widgets.roll_painting import RollContent
from workbench.widgets.roll_tiles import SIDE, Kept
from workbench.widgets.roll_view import KEYS, RollView
from workbench.widgets.timeline import Timeline

FLASH_S: Final = 0.15
"""Seconds in which the flash of an onset fades."""
MANY: Final = 20_000
"""Notes from which strips take so long that the window goes on between them, after …"""
PATIENCE_S: Final = 0.016
MARGIN: Final = 8
"""Pixels that the playhead's head and a halo reach beyond themselves."""


class RollCanvas(RollView):
    """Notes over time and pitch, with keys, ruler and pedal. `PianoRoll` adds what mouse and keyboard do."""

    def __init__(
        self,
        theme: Theme,
        name: str = "Piano roll",
        *,
        timeline: Timeline | None = None,
        hint: str = "No notes yet",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, timeline=timeline, hint=hint, parent=parent)
        self._ruler_picture, self._keys_picture = Kept(), Kept()
        self._coloured: tuple[tuple[RollContent, bool], tuple[np.ndarray, np.ndarray]] | None = None
        self._frame = FramePainter(theme)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.timeline.view_changed.connect(self.update)
        self.timeline.loop_changed.connect(self.update)
        self.timeline.playhead_moved.connect(self._playhead_moved)

    # -- painting ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        g = self.geometry_now()
        region, dirty = event.region(), QRectF(event.rect())
        painter = QPainter(self)
        painter.setFont(self.font())
        if not self.isEnabled():
            painter.fillRect(dirty, QColor(self.colours.surface))
            painter.setOpacity(0.45)
        if dirty.right() > g.left and dirty.bottom() > g.top:
            painter.save()
            painter.setClipRect(QRectF(g.left, g.top, g.width - g.left, g.height - g.top))
            patience = PATIENCE_S if len(self.notes) > MANY else math.inf
            for x, strip in self._tiles.seen(g, max(dirty.left(), g.left), min(dirty.right(), g.width), patience):
                if strip is not None:
                    painter.drawPixmap(QPointF(x, g.top), strip)
                else:
                    room = QRectF(x, g.top, SIDE, g.height - g.top)
                    painter.fillRect(room, QColor(self.colours.surface))
                    self.update(room.toAlignedRect())
            painter.restore()
        if self.timeline.loop is not None:
            self._frame.paint_loop(painter, g, self.timeline.loop)
        self._paint_hint(painter, g)
        self.paint_over(painter)
        # Ruler and keys change seldom while a piece plays, and their many small strokes cost most.
        shape, dark = g.shared_shape(), self.theme.colours
        ruler = QRectF(g.left, 0, g.width - g.left, g.top)
        if region.intersects(ruler.toAlignedRect()):
            key = (shape, dark, g.start, g.width, self.timeline.loop, self.font().key())
            painter.drawPixmap(ruler.topLeft(), self._ruler_picture.get(key, ruler, g, self._paint_ruler))
            self._paint_head(painter, g)
        keys = QRectF(0, 0, g.left, g.height)
        if region.intersects(keys.toAlignedRect()):
            lit = self._lit()
            lit_key = (
                shape,
                dark,
                tuple((p, c.rgb()) for p, c in lit.items()),
                self._strip_names(g),
                self.font().key(),
            )
            painter.drawPixmap(0, 0, self._keys_picture.get(lit_key, keys, g, lambda p, g: self._paint_keys(p, g, lit)))
        if self._has_ring and self.hasFocus():
            paint_ring(painter, QRectF(self.rect()), QColor(self.colours.accent))
        painter.end()

    def _paint_ruler(self, painter: QPainter, g: RollGeometry) -> None:
        self._frame.paint_ruler(painter, g, self.timeline.loop)

    def _paint_keys(self, painter: QPainter, g: RollGeometry, lit: dict[int, QColor]) -> None:
        self._frame.paint_keys(painter, g, lit, self._strip_names(g))

    def _strip_names(self, g: RollGeometry) -> tuple[tuple[str, float, float], ...]:
        """(name, top, height) of the strips below the notes."""
        lane = self._content.lane
        names = [("Pedal", g.bottom, g.pedal)] if g.pedal else []
        return (*names, (lane.name, g.height - g.lane, g.lane)) if g.lane and lane is not None else tuple(names)

    def _paint_hint(self, painter: QPainter, g: RollGeometry) -> None:
        if not len(self.notes) and not self.melody and self.hint:
            painter.setPen(QPen(QColor(self.colours.muted)))
            painter.setFont(font("body"))
            room = QRectF(g.left, g.top, g.width - g.left, g.bottom - g.top)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.hint)

    def _paint_head(self, painter: QPainter, g: RollGeometry) -> None:
        if self._content.duration > 0:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setClipRect(QRectF(g.left, 0, g.width - g.left, g.top + 1))
            self._frame.paint_head(painter, g, self.timeline.playhead)
            painter.restore()

    def paint_into(self, painter: QPainter, target: QRect) -> None:
        """The same without kept strips, so that an SVG has its notes as shapes."""
        g = self._geometry_in(target.width(), target.height(), 1.0)
        painter.save()
        painter.translate(target.topLeft())
        self._drawer.paint_strip(painter, g, self._content)
        self._paint_hint(painter, g)
        self._paint_ruler(painter, g)
        self._paint_keys(painter, g, {})
        painter.restore()

    def paint_over(self, painter: QPainter) -> None:
        g = self.geometry_now()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(QRectF(g.left, g.top, g.width - g.left, g.height - g.top))
        self._paint_sounding(painter, g)
        self.paint_marks(painter, g)
        if self._content.duration > 0:
            self._frame.paint_playhead(painter, g, self.timeline.playhead)
        painter.restore()

    def paint_marks(self, painter: QPainter, g: RollGeometry) -> None:
        """Draw what mouse and keyboard have chosen, between the notes and the playhead."""

    def _paint_sounding(self, painter: QPainter, g: RollGeometry) -> None:
        if not len(self._sounding):
            return
        rgb, which = self._note_colours()
        notes, now = self.notes, self.timeline.playhead
        painter.save()
        painter.setClipRect(QRectF(g.left, g.top, g.width - g.left, g.bottom - g.top))
        melody = self.melody
        for k, box in zip(self._sounding, g.rects(notes.taken(self._sounding)).tolist(), strict=True):
            strength = math.exp(-max(now - notes.start[k], 0.0) / FLASH_S)
            self._frame.paint_glow(painter, g, QRectF(*box), QColor(*(int(v) for v in rgb[which[k]])), strength)
        if melody is not None:
            on_top = melody.taken(melody.sounding(now))
            for start, box in zip(on_top.start.tolist(), g.rects(on_top).tolist(), strict=True):
                strength = math.exp(-max(now - start, 0.0) / FLASH_S)
                self._frame.paint_glow(painter, g, QRectF(*box), melody_colour(self.theme.is_dark), strength)
        painter.restore()

    def _note_colours(self) -> tuple[np.ndarray, np.ndarray]:
        """As `RollContent.note_colours`, kept for as long as they hold."""
        key = (self._content, self.theme.is_dark)
        if self._coloured is None or self._coloured[0][0] is not key[0] or self._coloured[0][1] != key[1]:
            self._coloured = (key, self._content.note_colours(self.theme.is_dark))
        return self._coloured[1]

    def _lit(self) -> dict[int, QColor]:
        """Colours of the keys that sound or are held."""
        if not len(self._sounding) and not self._pressed:
            return {}
        rgb, which = self._note_colours()
        lit = {int(self.notes.pitch[k]): QColor(*(int(v) for v in rgb[which[k]])) for k in self._sounding}
        lit.update({pitch: QColor(self.colours.accent) for pitch in self._pressed})
        return lit

    # -- the playhead -----------------------------------------------------------------------------------------

    def _playhead_moved(self, before: float, now: float) -> None:
        g = self.geometry_now()
        old, self._sounding = self._sounding, self._sounding_now()
        region = QRegion()
        for seconds in (before, now):
            region += QRect(round(g.x_of(seconds)) - MARGIN, 0, 2 * MARGIN, self.height())
        touched = np.union1d(old[old < len(self.notes)], self._sounding)
        if len(touched):
            for left, top, width, height in g.rects(self.notes.taken(touched)).tolist():
                region += QRectF(left, top, width, height).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN).toAlignedRect()
        if len(old) != len(self._sounding) or (old != self._sounding).any():
            region += QRect(0, 0, math.ceil(KEYS), self.height())
        self.update(region)

    def refresh(self) -> None:
        self._tiles.clear()
        super().refresh()

    def _recolour(self, colours: Colours) -> None:
        self.refresh()
