"""A piano roll to look at: what is shown, kept strips, and repainting no more than what the playhead touches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QRegion
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Colours, Theme, font
from workbench.widgets.canvas import Canvas, paint_ring
from workbench.widgets.roll_frame import FramePainter
from workbench.widgets.roll_geometry import LEAST_NOTE, RollGeometry, fitting_pitches
from workbench.widgets.roll_ink import melody_colour
from workbench.widgets.roll_notes import HasNotes, RollNotes, changed_stretch
from workbench.widgets.roll_painting import Colouring, Lane, RollContent, RollPainter
from workbench.widgets.roll_tiles import SIDE, Kept, Tiles
from workbench.widgets.timeline import Timeline

KEYS: Final = 46.0  # pixels
PEDAL: Final = 15.0
LANE: Final = 36.0
FLASH_S: Final = 0.15
"""Seconds in which the flash of an onset fades."""
MANY: Final = 20_000
"""Notes from which strips take so long that the window goes on between them, after …"""
PATIENCE_S: Final = 0.016
MARGIN: Final = 8
"""Pixels that the playhead's head and a halo reach beyond themselves."""


class RollCanvas(Canvas):
    """Notes over time and pitch, with keys, ruler and pedal. `PianoRoll` adds what mouse and keyboard do.

    timeline: shared by the rolls that scroll together; one of its own if none is given. hint: said in the
    middle while there is no note. Signals: `colouring_changed()` when notes are coloured by something else, or what
    the colours stand for has changed.
    """

    colouring_changed = Signal()

    def __init__(
        self,
        theme: Theme,
        name: str = "Piano roll",
        *,
        timeline: Timeline | None = None,
        hint: str = "No notes yet",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, name, parent)
        self.timeline = timeline if timeline is not None else Timeline(self)
        self.hint = hint
        self._content = RollContent()
        self._hidden_ghost: RollNotes | None = None
        self._pitches = fitting_pitches(60, 72)
        self._is_fitted_to_pitches = True
        self._is_audible = True
        self._sounding = np.zeros(0, int)
        self._pressed: dict[int, int] = {}
        self._ruler_picture, self._keys_picture = Kept(), Kept()
        self._coloured: tuple[tuple[RollContent, bool], tuple[np.ndarray, np.ndarray]] | None = None
        self._drawer = RollPainter(theme)
        self._frame = FramePainter(theme)
        self._tiles = Tiles(lambda painter, g: self._drawer.paint_strip(painter, g, self._content))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 110)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.timeline.view_changed.connect(self.update)
        self.timeline.loop_changed.connect(self.update)
        self.timeline.playhead_moved.connect(self._playhead_moved)
        self.describe_content()

    def sizeHint(self) -> QSize:
        return QSize(900, 260)

    # -- what it shows ----------------------------------------------------------------------------------------

    @property
    def notes(self) -> RollNotes:
        return self._content.notes

    @property
    def melody(self) -> RollNotes | None:
        return self._content.melody

    @property
    def content(self) -> RollContent:
        return self._content

    def set_notes(self, notes: HasNotes | None, values: np.ndarray | None = None) -> None:
        """Show notes; only the strips that differ are painted anew, so a piece may grow several times a second.

        values: float [N], of the notes in order of (start, pitch), as in `set_values`; a note keeps its value while a
        piece grows. Without them none are known any more.
        Raises ValueError as `RollNotes.of`, and for another number of values.
        """
        new = RollNotes.empty() if notes is None else RollNotes.of(notes)
        if values is not None and len(values) != len(new):
            raise ValueError(f"expected {len(new)} values, got {len(values)}")
        old = self._content
        changed = changed_stretch(old.notes, new)
        if changed is None:
            if values is not None:
                low, high = old.value_range
                self.set_values(values, old.value_name, old.value_unit, low=low, high=high)
            return
        self._content = replace(old, notes=new, values=values)
        if self._is_fitted_to_pitches:
            self.fit_pitches()
        self._spoil(changed, old.duration)
        self._sounding = self._sounding_now()
        self.describe_content()
        self.update()

    def _spoil(self, changed: tuple[float, float], was_long: float) -> None:
        """Forget the strips that show a stretch. Beyond the end the ground is darker, so another length changes
        all that comes after the earlier end."""
        start, end = changed
        if was_long != self._content.duration:
            start, end = min(start, was_long, self._content.duration), math.inf
        self._tiles.spoil(self.geometry_now(), start, end)
        self.timeline.set_duration(self._content.duration, of=id(self))

    def set_ghost(self, notes: HasNotes | None) -> None:
        """Another piece's notes below these, as outlines."""
        ghost = None if notes is None else RollNotes.of(notes)
        self._hidden_ghost = None
        self._change(replace(self._content, ghost=ghost))

    def set_melody(self, notes: HasNotes | None) -> None:
        """A melody above the notes in a colour of its own; None takes it away."""
        self.show_melody(None if notes is None else RollNotes.of(notes))

    def show_melody(self, melody: RollNotes | None) -> None:
        """Draw another melody; only the strips that differ are painted anew."""
        old = self._content.melody
        if melody is None or old is None:
            self._change(replace(self._content, melody=melody))
            return
        changed = changed_stretch(old, melody)
        if changed is None:
            return
        was_long, self._content = self._content.duration, replace(self._content, melody=melody)
        # The line between notes bridges rests of a second.
        self._spoil((changed[0] - 1.0, changed[1] + 1.0), was_long)
        self.describe_content()
        self.update()

    def set_colouring(
        self, by: Colouring, values: np.ndarray | None = None, *, low: float = 0.0, high: float = 1.0
    ) -> None:
        """Colour notes by velocity, by pitch class, or by values: float [N] between low and high, or else those that
        `set_values` gave; grey where there are none.

        Raises ValueError if there are not as many values as notes.
        """
        before = self._content
        if values is not None:
            self._content = replace(before, values=self._checked(values), value_range=(low, high))
        if by != before.colouring or values is not None:
            self._change(replace(self._content, colouring=by))
            self.colouring_changed.emit()

    def set_values(
        self, values: np.ndarray | None, name: str, unit: str = "", *, low: float = 0.0, high: float = 1.0
    ) -> None:
        """A number for each note, float [N], NaN where none is known, that notes may be coloured by and that is told;
        None for no numbers. name, unit: in words. low, high: the ends of the colours.

        Raises ValueError if there are not as many values as notes.
        """
        old = self._content
        kept = None if values is None else self._checked(values)
        new = replace(old, values=kept, value_name=name, value_unit=unit, value_range=(low, high))
        same = (old.values is None and kept is None) or (
            old.values is not None and kept is not None and np.array_equal(old.values, kept, equal_nan=True)
        )
        if same and (old.value_name, old.value_unit, old.value_range) == (name, unit, (low, high)):
            return
        if new.colouring == "values":
            self._change(new)
        else:
            self._content = new  # No colour that is seen has changed.
        self.colouring_changed.emit()

    def _checked(self, values: np.ndarray) -> np.ndarray:
        if len(values) != len(self.notes):
            raise ValueError(f"expected {len(self.notes)} values, got {len(values)}")
        return np.asarray(values, np.float64)

    def set_lane(self, lane: Lane | None) -> None:
        """Numbers in time on a strip below the notes; None takes it away."""
        self._change(replace(self._content, lane=lane))

    def set_dimmed(self, dimmed: bool) -> None:
        """Let the notes step back behind the melody."""
        self._change(replace(self._content, is_dimmed=dimmed))

    def set_audible(self, audible: bool) -> None:
        """Whether this roll is the one that is heard: only then its notes glow."""
        self._is_audible = audible
        self._sounding = self._sounding_now()
        self.update()

    def set_pressed(self, pitches: Mapping[int, int]) -> None:
        """Keys held down by hand, pitch → velocity; they are lit with those that sound."""
        if dict(pitches) != self._pressed:
            self._pressed = dict(pitches)
            self.update(QRect(0, 0, math.ceil(KEYS), self.height()))

    def _change(self, content: RollContent) -> None:
        self._content = content
        self.timeline.set_duration(content.duration, of=id(self))
        if self._is_fitted_to_pitches:
            self.fit_pitches()
        self._tiles.clear()
        self.describe_content()
        self.update()

    # -- where things are -------------------------------------------------------------------------------------

    @property
    def ruler_height(self) -> float:
        return math.ceil(QFontMetricsF(font("small")).capHeight()) + 19.0  # the playhead's head below the numbers

    def geometry_now(self) -> RollGeometry:
        """Where everything lies in the widget as it is."""
        return self._geometry_in(self.width(), self.height(), self.devicePixelRatioF())

    def _geometry_in(self, width: float, height: float, ratio: float) -> RollGeometry:
        small = height < 150
        return RollGeometry(
            width=width,
            height=height,
            start=self.timeline.start,
            span=self.timeline.span,
            low=self._pitches[0],
            high=self._pitches[1],
            left=KEYS,
            top=self.ruler_height,
            pedal=PEDAL if len(self.notes.pedal) and not small else 0.0,
            lane=LANE if self._content.lane is not None and not small else 0.0,
            ratio=ratio,
        )

    def show_pitches(self, low: float, high: float) -> None:
        """Look at the rows between two edges, within 0..128 and not less than an octave."""
        least = max(high - low, 12.0)
        middle = (low + high) / 2
        low = min(max(middle - least / 2, 0.0), 128.0 - min(least, 128.0))
        high = min(low + least, 128.0)
        if (low, high) != self._pitches:
            self._pitches = (low, high)
            self._is_fitted_to_pitches = False
            self.update()

    def fit_pitches(self) -> None:
        """Look at all the pitches that there are, and stay so while notes are added."""
        found = [n.pitch_range for n in (self.notes, self.melody) if n is not None and len(n)]
        low, high = (min(a for a, _ in found), max(b for _, b in found)) if found else (60, 72)
        self._pitches = fitting_pitches(low, high)
        self._is_fitted_to_pitches = True
        self.update()

    def fit(self) -> None:
        """Look at everything."""
        self.timeline.fit()
        self.fit_pitches()

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

    def _sounding_now(self) -> np.ndarray:
        if not self._is_audible or self.timeline.playhead <= 0:
            return np.zeros(0, int)
        return self.notes.sounding(self.timeline.playhead)

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

    # -- in words and numbers ---------------------------------------------------------------------------------

    def describe_content(self) -> None:
        """Say in the accessible description what is shown."""
        self.setAccessibleDescription(self.in_words())

    def in_words(self) -> str:
        """What is shown: how many notes, from where to where, how long."""
        return self._content.in_words() or self.hint

    def columns(self) -> Mapping[str, np.ndarray]:
        return self._content.columns()

    def refresh(self) -> None:
        self._tiles.clear()
        super().refresh()

    def _recolour(self, colours: Colours) -> None:
        self.refresh()

    def note_at(self, at: QPoint, notes: RollNotes | None = None) -> int:
        """Index of the note under a place, the one that starts last where several lie; -1 for none."""
        searched = self.notes if notes is None else notes
        g = self.geometry_now()
        if not (at.x() >= g.left and g.top <= at.y() < g.bottom) or not len(searched):
            return -1
        near = searched.within(g.time_of(at.x() - 2 - LEAST_NOTE), g.time_of(at.x() + 2))
        near = near[searched.pitch[near] == g.pitch_of(at.y())]
        boxes = g.rects(searched.taken(near))
        found = near[(boxes[:, 0] - 1 <= at.x()) & (at.x() <= boxes[:, 0] + boxes[:, 2] + 1)]
        return int(found[-1]) if len(found) else -1
