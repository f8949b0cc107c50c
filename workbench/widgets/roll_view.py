"""What a piano roll shows and where it lies: notes, melody, ghost, numbers; which seconds and pitches are seen."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QSizePolicy, QWidget

from workbench.theme import Theme, font
from workbench.widgets.canvas import Canvas
from workbench.widgets.roll_geometry import LEAST_NOTE, RollGeometry, fitting_pitches
from workbench.widgets.roll_notes import HasNotes, RollNotes, changed_stretch
from workbench.widgets.roll_painting import Colouring, Lane, RollContent, RollPainter
from workbench.widgets.roll_tiles import Tiles
from workbench.widgets.timeline import Timeline

KEYS: Final = 46.0  # pixels
PEDAL: Final = 15.0
LANE: Final = 36.0


class RollView(Canvas):
    """The state of a roll and the strips that hold its picture; `RollCanvas` paints it.

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
        self._drawer = RollPainter(theme)
        self._tiles = Tiles(lambda painter, g: self._drawer.paint_strip(painter, g, self._content))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 110)
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

    def _sounding_now(self) -> np.ndarray:
        if not self._is_audible or self.timeline.playhead <= 0:
            return np.zeros(0, int)
        return self.notes.sounding(self.timeline.playhead)

    # -- in words and numbers ---------------------------------------------------------------------------------

    def describe_content(self) -> None:
        """Say in the accessible description what is shown."""
        self.setAccessibleDescription(self.in_words())

    def in_words(self) -> str:
        """What is shown: how many notes, from where to where, how long."""
        return self._content.in_words() or self.hint

    def columns(self) -> Mapping[str, np.ndarray]:
        return self._content.columns()
