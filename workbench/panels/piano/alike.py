"""How alike results are to their style, in the paper's measure."""

from __future__ import annotations

from engines.core.errors import UserError
from engines.piano.features import profile, similarity
from engines.piano.notes import Notes


def likeness(style: Notes, results: list[Notes]) -> dict[int, float]:
    """Mean overlapping area, 0 to 1, of each result with the style; those too short to compare are left out."""
    try:
        source = profile(style)
    except UserError:
        return {}
    found = {}
    for number, notes in enumerate(results):
        try:
            found[number] = similarity(source, notes).overlap
        except UserError:
            continue
    return found
