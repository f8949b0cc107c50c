"""Clicks at the beats, added while playing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engines.core.errors import UserError


@dataclass(frozen=True)
class Metronome:
    """Beats at `first_s`, `first_s` + 60 / bpm, … seconds of music.

    bar: every so many a higher one; 0 for none. gain: 0 … 1.
    """

    bpm: float
    first_s: float = 0.0
    bar: int = 4
    gain: float = 0.5

    def __post_init__(self) -> None:
        if not 10 <= self.bpm <= 400:
            raise UserError(f"expected 10 to 400 beats a minute, got {self.bpm:g}")

    def add(self, out: np.ndarray, seconds: float, tempo: float, rate: int) -> None:
        """Add the clicks to float32 [n, 2], whose first frame is at `seconds` of the music played at `tempo`."""
        beat = 60.0 / self.bpm
        length = len(click(rate, True))
        reach = length / rate * tempo
        first = int(np.ceil((seconds - reach - self.first_s) / beat))
        last = int(np.floor((seconds + len(out) / rate * tempo - self.first_s) / beat))
        for index in range(max(first, 0), last + 1):
            sound = click(rate, self.bar > 0 and index % self.bar == 0)
            begin = round((self.first_s + index * beat - seconds) / tempo * rate)
            a, b = max(begin, 0), min(begin + length, len(out))
            if a < b:
                out[a:b] += sound[a - begin : b - begin, None] * np.float32(self.gain)


@lru_cache(maxsize=8)
def click(rate: int, accented: bool) -> np.ndarray:
    """One click, float32 [n] (30 ms): 1.76 kHz on a bar's first beat, else 1.17 kHz."""
    t = np.arange(int(0.03 * rate)) / rate
    sound = np.sin(2 * np.pi * (1760 if accented else 1175) * t) * np.exp(-t / 0.006) * np.minimum(t / 0.0005, 1)
    sound *= np.linspace(1, 0, len(t)) ** 0.5
    sound = sound.astype(np.float32)
    sound.setflags(write=False)
    return sound
