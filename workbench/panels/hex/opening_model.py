"""The swap map: what every opening is worth, and which of them the second player should take over. Knows no
Qt."""

from __future__ import annotations

import numpy as np

from engines.hex.coordinates import cell_name
from engines.hex.snapshots import OpeningsSnapshot
from workbench.panels.hex.overlays import percent_ticks
from workbench.widgets.hexboard.colourmaps import colours, table
from workbench.widgets.hexboard.geometry import BoardGeometry
from workbench.widgets.hexboard.heat import Heat, Scale


def red_percent(snapshot: OpeningsSnapshot) -> np.ndarray:
    """float64 [N]: Red's win % after each opening, NaN where unknown; proven ones are 0 or 100."""
    known = np.where(snapshot.exact != 0, snapshot.exact, snapshot.value.astype(float))
    return 50.0 * (1.0 + known)


def opening_heat(snapshot: OpeningsSnapshot, *, dark: bool) -> Heat:
    """The map as an overlay: red openings win for the first player (swap!), blue ones lose."""
    percent = red_percent(snapshot)
    known = np.isfinite(percent)
    fills = np.zeros((len(percent), 4), np.uint8)
    fills[:, :3] = colours("players", percent / 100, dark=dark)
    fills[known, 3] = 245
    proofs = {1: "W", -1: "L"}
    texts = tuple(
        "" if np.isnan(value) else proofs.get(int(proof), f"{value:.0f}")
        for value, proof in zip(percent, snapshot.exact, strict=True)
    )
    scale = Scale("Openings", "win % for Red without swap", table("players", dark), percent_ticks())
    note = "" if known.any() else "no opening valued yet"
    return Heat(percent.astype(np.float32), fills, texts, ("",) * len(percent), scale, -1, note)


def contour(percent: np.ndarray, size: int, level: float = 50.0) -> tuple[tuple[int, int], ...]:
    """Pairs of neighbouring cells that lie on different sides of `level`; unknown cells have no side."""
    g = BoardGeometry(size, 100, 100)
    return tuple(
        (cell, other)
        for cell in range(size * size)
        for other in g.neighbours(cell)
        if other > cell
        and np.isfinite(percent[cell])
        and np.isfinite(percent[other])
        and (percent[cell] >= level) != (percent[other] >= level)
    )


def summary(snapshot: OpeningsSnapshot) -> str:
    """How many openings to swap, how much of that is proven, and the fairest of the others."""
    percent = red_percent(snapshot)
    known = np.isfinite(percent)
    if not known.any():
        return "No opening valued yet"
    proven = snapshot.exact != 0
    said = f"{int((percent[known] >= 50).sum())} of {int(known.sum())} openings win for Red: swap those."
    if proven.all():
        return f"Proven: {said}"
    if proven.any():
        said += f" {int(proven.sum())} of {len(percent)} are proven."
    if (known & ~proven).any():
        fairest = int(np.nanargmin(np.where(proven, np.nan, np.abs(percent - 50))))
        said += f" Fairest: {cell_name(fairest, snapshot.size)} with {percent[fairest]:.0f} %."
    return said


def opening_columns(snapshot: OpeningsSnapshot) -> dict[str, np.ndarray]:
    """The map as columns for CSV."""
    cells = range(snapshot.size**2)
    return {
        "opening": np.array([cell_name(cell, snapshot.size) for cell in cells]),
        "red_win_percent": red_percent(snapshot),
        "proven": snapshot.exact.astype(int),
    }
