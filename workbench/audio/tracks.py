"""Rendered samples of one piece of music, in chunks that come in any order; and several pieces at one tempo."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

CHUNK: Final = 8192
"""Frames a chunk (0.19 s): what is rendered, kept and thrown away together."""
ENDLESS: Final = 1 << 60


class Track:
    """One piece of music as samples, float32 [frames, 2].

    frames: how many of them are settled: the whole length once `complete`, until then as far as notes were written.
    One thread writes (`put`, `drop`, `grow`), the audio callback reads. Chunks are replaced whole, never changed.
    """

    def __init__(self, frames: int, *, complete: bool = True) -> None:
        self.frames = frames
        self.complete = complete
        self._chunks: dict[int, np.ndarray] = {}

    def grow(self, frames: int, *, complete: bool) -> None:
        """More was written (never less)."""
        self.frames = max(frames, self.frames)
        self.complete = complete

    def put(self, begin: int, samples: np.ndarray) -> None:
        """Take samples from frame `begin`, which must be the first of a chunk; the last chunk may be a part of one."""
        if begin % CHUNK:
            raise ValueError(f"expected a multiple of {CHUNK}, got {begin}")
        for at in range(0, len(samples), CHUNK):
            self._chunks[(begin + at) // CHUNK] = samples[at : at + CHUNK]

    def take_over(self, other: Track, until: int) -> None:
        """Take the samples of a track that is the same up to frame `until`."""
        for index, chunk in other._chunks.items():
            if index * CHUNK + len(chunk) <= until:
                self._chunks[index] = chunk

    def ready(self, begin: int) -> int:
        """How many frames from `begin` on can be played; endless past the end of a complete piece."""
        at = begin
        while True:
            if at >= self.frames:
                return ENDLESS if self.complete else max(0, self.frames - begin)
            chunk = self._chunks.get(at // CHUNK)
            end = at - at % CHUNK + (0 if chunk is None else len(chunk))
            if end <= at:
                return at - begin
            at = end
            if at - begin > 16 * CHUNK:
                return at - begin

    def read(self, begin: int, count: int) -> np.ndarray | None:
        """The frames [begin, begin + count), zero where none are; None where all are. May be a view: do not change."""
        first, last = begin // CHUNK, (begin + count - 1) // CHUNK
        if first == last:
            chunk = self._chunks.get(first)
            at = begin - first * CHUNK
            if chunk is None or at >= len(chunk):
                return None
            if at + count <= len(chunk):
                return chunk[at : at + count]
        out = np.zeros((count, 2), np.float32)
        for index in range(first, last + 1):
            chunk = self._chunks.get(index)
            if chunk is None:
                continue
            a = max(begin, index * CHUNK)
            b = min(begin + count, index * CHUNK + len(chunk))
            if a < b:
                out[a - begin : b - begin] = chunk[a - index * CHUNK : b - index * CHUNK]
        return out

    def missing(self, begin: int, end: int) -> int | None:
        """First frame of the first chunk within [begin, end) that is not all there, or None."""
        end = min(end, self.frames)
        for index in range(max(begin, 0) // CHUNK, -(-end // CHUNK)):
            chunk = self._chunks.get(index)
            if chunk is None or index * CHUNK + len(chunk) < min((index + 1) * CHUNK, self.frames):
                return index * CHUNK
        return None

    @property
    def held_frames(self) -> int:
        """Frames in memory; each takes 8 bytes."""
        return sum(len(chunk) for chunk in tuple(self._chunks.values()))

    def drop(self, begin: int, end: int) -> None:
        """Forget what lies outside [begin, end)."""
        for index in [i for i in self._chunks if not begin <= i * CHUNK < end]:
            del self._chunks[index]


@dataclass(frozen=True, eq=False)
class Program:
    """What can be played now: tracks by name on one time axis. tempo: 2 is twice as fast. rate: frames a second."""

    rate: int
    tempo: float = 1.0
    tracks: Mapping[str, Track] = field(default_factory=dict)

    def frame(self, seconds: float) -> int:
        """The frame of a moment of the music (seconds at tempo 1)."""
        return round(seconds / self.tempo * self.rate)

    def seconds(self, frame: float) -> float:
        """The moment of the music of a frame."""
        return frame / self.rate * self.tempo
