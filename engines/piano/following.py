"""How much of a melody a performance plays."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.piano.notes import Notes

TOLERANCE_S: Final = 0.15
"""How far from its moment a note may be struck: one and a half steps of the melody's grid."""


def followed(performance: Notes, melody: Notes, until: float | None = None) -> float:
    """The share of the melody's notes whose pitch the performance strikes at their moment, 0 to 1.

    until: seconds; later melody notes do not count. Default: the performance's last onset. NaN where no note counts.
    """
    if until is None:
        until = float(performance.start[-1]) if len(performance) else 0.0
    wanted = melody.start <= until
    if not wanted.any():
        return float("nan")
    hits = 0
    for start, pitch in zip(melody.start[wanted], melody.pitch[wanted], strict=True):
        # Onsets are sorted: only those around the moment are looked at.
        first, last = np.searchsorted(performance.start, (start - TOLERANCE_S, start + TOLERANCE_S + 1e-9))
        hits += bool((performance.pitch[first:last] == pitch).any())
    return hits / int(wanted.sum())
