"""Keys played by hand: which are down, and more of their tones the longer they are held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engines.piano.sound.bank import Instrument, placed
from engines.piano.sound.mixing import loudness
from workbench.audio.live import Voices

_PRESSED_S: Final = 0.9
"""Of a key's tone so much is computed before it sounds (4 ms); more while it is held, at most …"""
_HELD_S: Final = 8.0


class Hand:
    """For the window's thread. instrument: gives the one that plays, loaded."""

    def __init__(self, voices: Voices, instrument: Callable[[], Instrument], now: Callable[[], float]) -> None:
        self._voices, self._instrument, self._now = voices, instrument, now
        self._held: dict[int, tuple[int, float, float]] = {}
        """By pitch: velocity, since when, and how much of the tone was given."""

    @property
    def pitches(self) -> tuple[int, ...]:
        """The keys that are down, sorted."""
        return tuple(sorted(self._held))

    def press(self, pitch: int, velocity: int) -> None:
        """A key goes down. pitch: 0 … 127; velocity: 1 … 127."""
        player = self._instrument()
        tone = player.tone(pitch, velocity, int(_PRESSED_S * self._voices.rate))
        gain = loudness(np.array([velocity]))[0] * (placed(pitch) if len(tone) == 1 else np.ones(2, np.float32))
        self._voices.press(pitch, tone, gain, player.release_s)
        self._held[pitch] = velocity, self._now(), _PRESSED_S

    def release(self, pitch: int) -> None:
        """A key goes up; nothing happens where it is not down."""
        self._held.pop(pitch, None)
        self._voices.release(pitch)

    def release_all(self) -> None:
        self._held.clear()
        self._voices.release_all()

    def hold(self) -> None:
        """More of the tones of keys that are held long, one key a tick."""
        for pitch, (velocity, since, given) in self._held.items():
            if given < _HELD_S and self._now() - since > given / 2:
                longer = min(2 * given, _HELD_S)
                tone = self._instrument().tone(pitch, velocity, int(longer * self._voices.rate))
                self._voices.lengthen(pitch, tone)
                self._held[pitch] = velocity, since, longer
                return
