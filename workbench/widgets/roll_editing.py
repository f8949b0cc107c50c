"""A melody that is edited: one note at a time sounds, and every step can be taken back. Knows no Qt."""

from __future__ import annotations

from typing import Final

import numpy as np

from workbench.widgets.roll_notes import HIGHEST, LOWEST, RollNotes

MOST_UNDONE: Final = 200
VELOCITY: Final = 127
"""A melody's notes have no velocity of their own: its tokens say pitch and time alone."""


class MelodyDraft:
    """Notes with a history. grid: seconds that edits by hand snap to, 0 for none.

    Each edit returns the index of the edited note. The edited note wins: what it covers is cut short or goes.
    Between `hold` and `drop` edits start anew from what was held and become one step, as a drag of the mouse.
    """

    def __init__(self, notes: RollNotes, grid: float = 0.1) -> None:
        self.notes = notes
        self.grid = grid
        self._past: list[RollNotes] = []
        self._future: list[RollNotes] = []
        self._held: RollNotes | None = None

    # -- history ----------------------------------------------------------------------------------------------

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> bool:
        """Take the last step back; False if there is none."""
        if not self._past or self._held is not None:
            return False
        self._future.append(self.notes)
        self.notes = self._past.pop()
        return True

    def redo(self) -> bool:
        """Do again what was taken back; False if there is nothing."""
        if not self._future or self._held is not None:
            return False
        self._past.append(self.notes)
        self.notes = self._future.pop()
        return True

    def hold(self) -> None:
        """A drag begins."""
        self._held = self.notes

    def drop(self) -> bool:
        """A drag ends; whether it changed anything."""
        held, self._held = self._held, None
        if held is None or same_notes(held, self.notes):
            return False
        self._remember(held)
        return True

    def give_up(self) -> None:
        """A drag ends as if it had not begun."""
        if self._held is not None:
            self.notes, self._held = self._held, None

    def _remember(self, before: RollNotes) -> None:
        self._past.append(before)
        del self._past[:-MOST_UNDONE]
        self._future.clear()

    # -- edits ------------------------------------------------------------------------------------------------

    def add(self, start: float, end: float, pitch: int) -> int:
        """A new note; at least one step of the grid long."""
        return self._put(self.base, -1, start, end, pitch)

    def move(self, index: int, seconds: float, semitones: int) -> int:
        """Move a note in time and pitch; its length stays."""
        base = self.base
        start = max(float(base.start[index]) + seconds, 0.0)
        return self._put(base, index, start, start + float(base.end[index] - base.start[index]),
                         int(base.pitch[index]) + semitones)  # fmt: skip

    def set_end(self, index: int, end: float) -> int:
        """Make a note end at another time."""
        base = self.base
        return self._put(base, index, float(base.start[index]), end, int(base.pitch[index]))

    def set_start(self, index: int, start: float) -> int:
        """Make a note begin at another time; its end stays."""
        base = self.base
        end = float(base.end[index])
        return self._put(base, index, min(start, end - self._least), end, int(base.pitch[index]))

    def remove(self, index: np.ndarray) -> None:
        """Take notes away."""
        if len(index):
            self._take(self.notes.taken(np.setdiff1d(np.arange(len(self.notes)), index)))

    def snapped(self, seconds: float) -> float:
        """The nearest time of the grid, not before the beginning."""
        return max(round(seconds / self.grid) * self.grid if self.grid else seconds, 0.0)

    @property
    def _least(self) -> float:
        return self.grid or 0.01

    @property
    def base(self) -> RollNotes:
        """What edits start from: the notes, or those at the beginning of a drag."""
        return self.notes if self._held is None else self._held

    def _put(self, base: RollNotes, index: int, start: float, end: float, pitch: int) -> int:
        start = max(start, 0.0)
        end = max(end, start + self._least)
        pitch = min(max(pitch, LOWEST), HIGHEST)
        others = base.taken(np.setdiff1d(np.arange(len(base)), [index]))
        before = others.start < start
        ends = np.where(before, np.minimum(others.end, start), others.end)
        starts = np.where(before, others.start, np.where(others.end > end, np.maximum(others.start, end), others.start))
        # A rest shorter than a hundredth would be heard as a click and written as nothing.
        kept = np.flatnonzero((ends - starts > 0.005) & (before | (starts >= end - 1e-9)))
        at = int(np.searchsorted(starts[kept], start))
        self._take(
            RollNotes(
                np.insert(starts[kept], at, start),
                np.insert(ends[kept], at, end),
                np.insert(others.pitch[kept], at, pitch),
                np.insert(others.velocity[kept], at, VELOCITY),
                base.pedal,
            )
        )
        return at

    def _take(self, notes: RollNotes) -> None:
        if self._held is None and not same_notes(notes, self.notes):
            self._remember(self.notes)
        self.notes = notes


def same_notes(a: RollNotes, b: RollNotes) -> bool:
    """Whether two have the same notes."""
    return a is b or (
        len(a) == len(b) and bool((a.start == b.start).all() and (a.end == b.end).all() and (a.pitch == b.pitch).all())
    )
