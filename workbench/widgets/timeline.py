"""What is seen of a piece in time, shared by everything that draws it: the visible stretch, playhead and loop."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QObject, Signal

SHORTEST: Final = 0.25
"""Seconds: closer nobody needs to look, and 10 ms are then a finger wide."""
LEAST_FIT: Final = 4.0
"""Seconds that are shown at least, so that an empty piece has an axis."""
FOLLOW_AT: Final = 0.35
"""Where the playhead stands while the view follows it, as a share of the width: most of what is seen is to come."""
LOOP_LEAST: Final = 0.05
"""Seconds: a shorter loop is a slip of the hand."""


class Timeline(QObject):
    """Time in seconds for several views at once, so that they stay aligned.

    Signals: `view_changed()` when the visible stretch or the length changes; `playhead_moved(before, now)`;
    `loop_changed(loop)` with (from, to) or None; `following_changed(on)`.
    """

    view_changed = Signal()
    playhead_moved = Signal(float, float)
    loop_changed = Signal(object)
    following_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._start, self._span, self._duration = 0.0, LEAST_FIT, 0.0
        self._lengths: dict[object, float] = {}
        self._playhead = 0.0
        self._loop: tuple[float, float] | None = None
        self._is_following = True

    # -- what it says -----------------------------------------------------------------------------------------

    @property
    def start(self) -> float:
        """The first second that is seen."""
        return self._start

    @property
    def span(self) -> float:
        """How many seconds are seen."""
        return self._span

    @property
    def end(self) -> float:
        return self._start + self._span

    @property
    def duration(self) -> float:
        """Length of the longest piece in seconds."""
        return self._duration

    @property
    def playhead(self) -> float:
        return self._playhead

    @property
    def loop(self) -> tuple[float, float] | None:
        return self._loop

    @property
    def is_following(self) -> bool:
        """Whether the view goes along with the playhead. Scrolling by hand ends it, `follow` begins it again."""
        return self._is_following

    @property
    def is_fitted(self) -> bool:
        """Whether the whole piece is seen."""
        return self._start <= 0 and self._span >= self._whole() - 1e-9

    # -- what is seen -----------------------------------------------------------------------------------------

    def set_duration(self, seconds: float, of: object = None) -> None:
        """The length of one of the pieces; the longest counts. `of` names the piece, anything that can be a key.

        A view of the whole stays one, any other stays where it is.
        """
        self._lengths[of] = max(0.0, seconds) if math.isfinite(seconds) else 0.0
        longest = max(self._lengths.values())
        if longest == self._duration:
            return
        was_fitted = self.is_fitted
        self._duration = longest
        if was_fitted:
            self._start, self._span = 0.0, self._whole()
        else:
            self._start, self._span = self._clipped(self._start, self._span)
        if self._playhead > self._duration:
            self.set_playhead(self._duration)
        if self._loop is not None and self._loop[1] > self._duration:
            self.set_loop((self._loop[0], self._duration))
        self.view_changed.emit()

    def show_span(self, start: float, end: float) -> None:
        """Look at a stretch, within what there is."""
        start, span = self._clipped(min(start, end), abs(end - start))
        if (start, span) != (self._start, self._span):
            self._start, self._span = start, span
            self.view_changed.emit()

    def fit(self) -> None:
        """Look at everything."""
        self.show_span(0.0, self._whole())

    def zoom(self, factor: float, at: float) -> None:
        """See `factor` times as many seconds; the moment `at` keeps its place."""
        span = min(max(self._span * factor, SHORTEST), self._whole())
        share = (at - self._start) / self._span
        start = at - share * span
        self.show_span(start, start + span)

    def scroll(self, seconds: float) -> None:
        """Look at what comes later, or earlier for negative seconds; the view stops following."""
        self.set_following(False)
        self.show_span(self._start + seconds, self._start + seconds + self._span)

    def reveal(self, start: float, end: float) -> None:
        """Scroll as little as needed to see a stretch, and its beginning if it is too long."""
        if start < self._start or end - start > self._span:
            self.show_span(start, start + self._span)
        elif end > self.end:
            self.show_span(end - self._span, end)

    # -- playhead and loop ------------------------------------------------------------------------------------

    def set_playhead(self, seconds: float) -> None:
        """Move the playhead; the view goes along if it follows."""
        if not math.isfinite(seconds):
            return
        before, self._playhead = self._playhead, min(max(seconds, 0.0), max(self._duration, 0.0))
        if self._playhead != before:  # a playhead that stands still must not undo what zooming has shown
            self._follow()
            self.playhead_moved.emit(before, self._playhead)

    def _follow(self) -> None:
        """Bring the playhead to its place in the view, if the view follows it."""
        if self._is_following and not self.is_fitted:
            start, _ = self._clipped(self._playhead - FOLLOW_AT * self._span, self._span)
            if start != self._start:
                self._start = start
                self.view_changed.emit()

    def set_following(self, on: bool) -> None:
        """Whether the view goes along with the playhead."""
        if on != self._is_following:
            self._is_following = on
            self.following_changed.emit(on)
        if on:
            self._follow()

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Repeat a stretch in either order of its ends; None, or one too short, is no loop."""
        if loop is not None:
            a, b = sorted(min(max(t, 0.0), self._duration) for t in loop)
            loop = (a, b) if b - a >= LOOP_LEAST else None
        if loop != self._loop:
            self._loop = loop
            self.loop_changed.emit(loop)

    # -- inside -----------------------------------------------------------------------------------------------

    def _whole(self) -> float:
        """Seconds of the view of everything: a little air at the end."""
        return max(self._duration * 1.02, LEAST_FIT)

    def _clipped(self, start: float, span: float) -> tuple[float, float]:
        whole = self._whole()
        span = min(max(span, SHORTEST), whole)
        return min(max(start, 0.0), whole - span), span
