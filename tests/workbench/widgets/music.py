"""Small pieces for tests of the music widgets."""

from __future__ import annotations

import numpy as np

from workbench.widgets.roll_notes import RollNotes


def notes_of(*rows: tuple[float, float, int, int], pedal: tuple[tuple[float, float], ...] = ()) -> RollNotes:
    """Notes of (start, end, pitch, velocity)."""
    table = np.array(rows, np.float64).reshape(-1, 4)
    return RollNotes(
        table[:, 0], table[:, 1], table[:, 2].astype(np.int16), table[:, 3].astype(np.int16),
        np.array(pedal, np.float64).reshape(-1, 2),
    )  # fmt: skip


def scale(count: int = 16, step: float = 0.5) -> RollNotes:
    """Notes one after the other from C4 upwards, growing louder, with two presses of the pedal."""
    major = (0, 2, 4, 5, 7, 9, 11)
    rows = [
        (k * step, k * step + 0.8 * step, 60 + 12 * (k // 7) + major[k % 7], 30 + 90 * k // max(count - 1, 1))
        for k in range(count)
    ]
    return notes_of(*rows, pedal=((0.0, 1.5), (2.0, 3.5)))


def dense(count: int, seconds: float, seed: int = 0) -> RollNotes:
    """Random notes, as many as a long performance has."""
    rng = np.random.default_rng(seed)
    start = np.sort(rng.uniform(0, seconds, count))
    pitch, velocity = rng.integers(30, 100, count), rng.integers(20, 120, count)
    return RollNotes(start, start + rng.gamma(2, 0.25, count), pitch.astype(np.int16), velocity.astype(np.int16))
