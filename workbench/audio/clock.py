"""Which frame is being heard: the sound card's own count is the clock, a moment's time only goes on from it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

_BLOCKS: Final = 256
"""Blocks remembered: three seconds of 512 frames, more than any sound card's delay."""

_VOTES: Final = 31


@dataclass(frozen=True)
class Piece:
    """Part of a block. begin, count: its frames within the block. seconds: of the music, at its first frame. speed:
    seconds of music a second; 0 while nothing plays."""

    begin: int
    count: int
    seconds: float
    speed: float


@dataclass(frozen=True)
class _Block:
    first: int
    count: int
    at: float
    latency_s: float
    pieces: tuple[Piece, ...]


class Clock:
    """Filled by the callback (`handed`), asked by the window (`heard`).

    Frame f of a block that was handed over at time t is heard at t + latency + f / rate.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._offset_s = 0.0
        self._blocks: deque[_Block] = deque(maxlen=_BLOCKS)
        self._total = 0
        self._last = -1.0

    def handed(self, count: int, at: float, latency_s: float, pieces: tuple[Piece, ...]) -> None:
        """A block of `count` frames was handed over at time `at`."""
        self._blocks.append(_Block(self._total, count, at, latency_s, pieces))
        self._total += count

    @property
    def offset_s(self) -> float:
        """The user's correction: positive when sound comes later than the system says (Bluetooth)."""
        return self._offset_s

    @offset_s.setter
    def offset_s(self, seconds: float) -> None:
        self._offset_s = seconds
        self._last = -1.0

    def reset(self) -> None:
        """The sound card changed: what was handed over is not going to be heard."""
        self._blocks.clear()
        self._last = -1.0

    def heard(self, now: float) -> float | None:
        """Seconds of music that are heard at time `now`; None before anything was handed over."""
        place = self.frame(now)
        return None if place is None else self.seconds(place)

    def frame(self, now: float) -> float | None:
        """The frame that is heard at time `now`, counted from the first one handed over; it never goes back."""
        blocks = tuple(self._blocks)
        if not blocks:
            return None
        last = blocks[-1]
        # Each block says when frame 0 was heard; drivers ask in bursts, so the middle one of the latest is believed.
        said = sorted(b.at + b.latency_s - b.first / self.rate for b in blocks[-_VOTES:])
        place = (now - said[len(said) // 2] - self._offset_s) * self.rate
        # Without news from the callback nothing is heard but what it handed over.
        place = min(place, last.first + last.count - max(self._offset_s, 0.0) * self.rate)
        self._last = max(place, self._last, 0.0)
        return self._last

    def seconds(self, place: float) -> float:
        """The moment of the music that frame `place` belongs to."""
        blocks = tuple(self._blocks)
        block = next((block for block in reversed(blocks) if block.first <= place), blocks[0])
        offset = max(place - block.first, 0.0)
        piece = next(piece for piece in reversed(block.pieces) if piece.begin <= offset)
        return piece.seconds + piece.speed * min(offset - piece.begin, piece.count) / self.rate
