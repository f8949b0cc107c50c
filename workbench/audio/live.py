"""Keys played by hand: tones that begin with the next block, whatever else is playing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

MOST: Final = 32
"""Tones at a time; the oldest ends for a new one."""
_RELEASES: Final = 7.0


@dataclass
class _Voice:
    pitch: int
    tone: np.ndarray
    gain: np.ndarray
    fall_frames: float
    at: int = 0
    released: int | None = None


@dataclass(frozen=True)
class _Down:
    pitch: int
    tone: np.ndarray
    gain: np.ndarray
    release_s: float


@dataclass(frozen=True)
class _Longer:
    pitch: int
    tone: np.ndarray


class Voices:
    """`press` and `release` are for one thread, `add` for the sound card's; between them is one queue."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._events: deque[_Down | _Longer | int | None] = deque(maxlen=256)
        self._voices: list[_Voice] = []

    def press(self, pitch: int, tone: np.ndarray, gain: np.ndarray, release_s: float) -> None:
        """A key goes down. tone: float32 [1 or 2, n], not changed afterwards; gain: float32 [2], left and right."""
        self._events.append(_Down(pitch, tone, gain, release_s))

    def lengthen(self, pitch: int, tone: np.ndarray) -> None:
        """The key is still down: here is more of its tone, with the same beginning."""
        self._events.append(_Longer(pitch, tone))

    def release(self, pitch: int) -> None:
        """The key goes up; nothing happens where it is not down."""
        self._events.append(pitch)

    def release_all(self) -> None:
        """All keys go up."""
        self._events.append(None)

    @property
    def is_awake(self) -> bool:
        """Whether `add` has anything to do."""
        return bool(self._voices or self._events)

    @property
    def count(self) -> int:
        """Tones that still sound."""
        return len(self._voices)

    def add(self, out: np.ndarray) -> None:
        """Take the events since the last block and add what sounds to float32 [n, 2]."""
        while self._events:
            self._obey(self._events.popleft())
        if self._voices:
            self._voices = [voice for voice in self._voices if self._sounds(voice, out)]

    def _obey(self, event: _Down | _Longer | int | None) -> None:
        if isinstance(event, _Longer):
            for voice in self._voices:
                if voice.pitch == event.pitch and len(voice.tone) == len(event.tone):
                    voice.tone = event.tone
            return
        for voice in self._voices:
            is_meant = event is None or voice.pitch == (event.pitch if isinstance(event, _Down) else event)
            if is_meant and voice.released is None:
                voice.released = voice.at
        if isinstance(event, _Down):
            self._voices.append(_Voice(event.pitch, event.tone, event.gain, event.release_s * self.rate))
            for voice in self._voices[:-MOST]:
                # Fades within a few milliseconds.
                voice.released = voice.at if voice.released is None else voice.released
                voice.fall_frames = min(voice.fall_frames, 0.002 * self.rate)

    def _sounds(self, voice: _Voice, out: np.ndarray) -> bool:
        """Add a voice; whether it goes on after this block."""
        count = min(len(out), voice.tone.shape[1] - voice.at)
        samples = voice.tone[:, voice.at : voice.at + count]
        if voice.released is not None:
            since = np.arange(voice.at - voice.released, voice.at - voice.released + count, dtype=np.float32)
            samples = samples * np.exp(-since / np.float32(voice.fall_frames))
        for side in (0, 1):
            out[:count, side] += samples[side % len(samples)] * voice.gain[side]
        voice.at += count
        if voice.at >= voice.tone.shape[1]:
            return False
        return voice.released is None or voice.at - voice.released < _RELEASES * voice.fall_frames
