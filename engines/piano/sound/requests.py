"""Questions to the rendering session and its answers: frozen, picklable, numpy only."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NO_SAMPLES = np.zeros((0, 2), np.float32)


@dataclass(frozen=True)
class StretchRequest:
    """The frames [begin, end) of some music, please.

    ticket: comes back with the answer. start, end_s: float64 [N] seconds at tempo 1, of the notes that may sound there,
    with the pedal in their ends; pitch, velocity: int16 [N]. tempo: 2 is twice as fast. instrument: for `choose`.
    Without frames (begin = end) only the instrument is loaded. wav: a file to write them to instead of answering with
    them; bits: 16 or 24 a sample.
    """

    ticket: int
    start: np.ndarray
    end_s: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    begin: int
    end: int
    tempo: float = 1.0
    instrument: str = ""
    wav: str = ""
    bits: int = 16


@dataclass(frozen=True)
class StretchAnswer:
    """The samples, float32 [end - begin, 2].

    instrument: what played. remarks: why it is not a better one. problem: why there are no samples. milliseconds: how
    long it took. written: the file that was asked for.
    """

    ticket: int
    begin: int
    samples: np.ndarray = field(default_factory=lambda: NO_SAMPLES)
    instrument: str = ""
    remarks: tuple[str, ...] = ()
    problem: str = ""
    milliseconds: float = 0.0
    written: str = ""
