"""Lines that were drawn on the plane, as a target set, with undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from workbench.panels.asymmetric.theatre_stage import TheatreStage

MOST_POINTS: Final = 4000
SPACING: Final = 0.004
"""Distance of the points that a stroke is made into, in widths of the square."""


class Strokes:
    """lines: float [N, 2] each, in the unit square. Tells the stage of every change."""

    def __init__(self, stage: TheatreStage) -> None:
        self._stage = stage
        self.lines: tuple[np.ndarray, ...] = ()
        self._before: list[tuple[np.ndarray, ...]] = []
        self._after: list[tuple[np.ndarray, ...]] = []

    @property
    def any(self) -> bool:
        return bool(self.lines)

    def add(self, points: np.ndarray) -> None:
        """One more line as the hand drew it; points are spread evenly over it."""
        self._set((*self.lines, _even(np.clip(np.asarray(points, np.float64), 0, 1))))

    def clear(self) -> None:
        if self.lines:
            self._set(())

    def undo(self) -> None:
        if self._before:
            self._after.append(self.lines)
            self._show(self._before.pop())

    def redo(self) -> None:
        if self._after:
            self._before.append(self.lines)
            self._show(self._after.pop())

    def why_no_undo(self) -> str:
        return "" if self._before else "Nothing was drawn."

    def why_no_redo(self) -> str:
        return "" if self._after else "Nothing was undone."

    def redraw(self) -> None:
        self._show(self.lines)

    def flat(self) -> tuple[float, ...]:
        """x, y, x, y … as ToySpec takes it."""
        if not self.lines:
            return ()
        every = np.concatenate(self.lines)
        keep = np.linspace(0, len(every) - 1, min(len(every), MOST_POINTS)).round().astype(int)
        return tuple(every[keep].ravel().round(5).tolist())

    def save_state(self) -> list[list[list[float]]]:
        return [line.round(4).tolist() for line in self.lines]

    def restore_state(self, state: object) -> None:
        """Take up lines that were saved; anything else changes nothing."""
        if not isinstance(state, list):
            return
        lines = []
        for given in state:
            try:
                line = np.asarray(given, np.float64)
            except (TypeError, ValueError):
                return
            if line.ndim != 2 or line.shape[1] != 2 or not np.isfinite(line).all():
                return
            lines.append(np.clip(line, 0, 1))
        self._show(tuple(lines))

    def _set(self, lines: tuple[np.ndarray, ...]) -> None:
        self._before.append(self.lines)
        self._after.clear()
        self._show(lines)

    def _show(self, lines: tuple[np.ndarray, ...]) -> None:
        self.lines = lines
        self._stage.strokes_changed()


def _even(points: np.ndarray) -> np.ndarray:
    """Points of even distance along a line; the line itself where it is too short."""
    gone = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    count = max(3, int(gone[-1] / SPACING) + 1)
    at = np.linspace(0, gone[-1], count)
    return np.stack([np.interp(at, gone, points[:, k]) for k in (0, 1)], axis=1)
