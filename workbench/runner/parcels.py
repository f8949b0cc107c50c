"""Objects packed for the pipe: small ones as bytes, their large arrays through shared memory.

A segment lives for one parcel. The engine process writes it and keeps at most `Segments.LIMIT` unread; the
window copies it out, unlinks it at once and acknowledges. Names count up from a known prefix, so after a
process was killed the window can unlink what it left without listing anything.
"""

from __future__ import annotations

import os
import pickle
import threading
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np

LARGE = 64 * 1024
"""Bytes from which a buffer is worth a segment: a pipe carries less than this in one piece."""


@dataclass(frozen=True)
class Parcel:
    """A packed object.

    sizes: bytes of each out-of-band buffer, in order. segment: the number of the segment in which they lie.
    buffers: the same when no segment could be had.
    """

    data: bytes
    sizes: tuple[int, ...] = ()
    segment: int | None = None
    buffers: tuple[bytes, ...] = ()


class Segments:
    """The sending side of shared memory. prefix: of the names; empty packs all into the parcel itself."""

    LIMIT = 4

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._count = 0
        self._unread: dict[int, SharedMemory] = {}
        self._changed = threading.Condition()

    def pack(self, value: Any, wait_s: float | None = None) -> Parcel | None:
        """Pack `value`. Waits at most `wait_s` (None: for ever) for room; None when there was none.

        Raises what pickle raises for an object that cannot be packed.
        """
        large: list[memoryview] = []

        def in_band(buffer: pickle.PickleBuffer) -> bool:
            raw = buffer.raw()
            if raw.nbytes >= LARGE and self._prefix:
                large.append(raw)
                return False
            return True

        data = pickle.dumps(value, protocol=5, buffer_callback=in_band)
        if not large:
            return Parcel(data)
        sizes = tuple(raw.nbytes for raw in large)
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._unread) < self.LIMIT, wait_s):
                return None
            self._count += 1
            number = self._count
            try:
                segment = _create(f"{self._prefix}{number}", sum(sizes))
            except OSError:  # no room for shared memory: the pipe still works
                return Parcel(data, sizes, None, tuple(bytes(raw) for raw in large))
            self._unread[number] = segment
        _write(segment, large)
        return Parcel(data, sizes, number)

    def acknowledged(self, number: int) -> None:
        """The window has copied (and unlinked) that segment."""
        with self._changed:
            segment = self._unread.pop(number, None)
            self._changed.notify_all()
        if segment is not None:
            segment.close()

    def close(self) -> None:
        """Unlink what nobody read. Whoever still waits for room gets it."""
        with self._changed:
            left = list(self._unread.values())
            self._unread.clear()
            self._changed.notify_all()
        for segment in left:
            segment.close()
            _unlink(segment)


def unpack(parcel: Parcel, prefix: str = "") -> Any:
    """The object in a parcel; its segment is copied and unlinked. Raises what unpickling raises."""
    if parcel.segment is None:
        return pickle.loads(parcel.data, buffers=[bytearray(buffer) for buffer in parcel.buffers])
    segment = SharedMemory(f"{prefix}{parcel.segment}")
    try:
        buffers = _read(segment, parcel.sizes)
    finally:
        segment.close()
        _unlink(segment)
    return pickle.loads(parcel.data, buffers=buffers)


def sweep(prefix: str, last_read: int) -> int:
    """Unlink what a killed process left behind after its segment number `last_read`; how many there were."""
    found = 0
    for number in range(max(1, last_read - Segments.LIMIT), last_read + 2 * Segments.LIMIT + 1):
        try:
            segment = SharedMemory(f"{prefix}{number}")
        except (OSError, ValueError):  # ValueError: it was killed between creating and sizing it
            continue
        segment.close()
        _unlink(segment)
        found += 1
    return found


def _create(name: str, size: int) -> SharedMemory:
    """A segment whose memory is really there: writing into a full tmpfs would kill the process instead."""
    segment = SharedMemory(name, create=True, size=size)
    reserve = getattr(os, "posix_fallocate", None)
    descriptor = getattr(segment, "_fd", -1)
    if reserve is not None and descriptor >= 0:
        try:
            reserve(descriptor, 0, size)
        except OSError:
            segment.close()
            _unlink(segment)
            raise
    return segment


def _write(segment: SharedMemory, buffers: list[memoryview]) -> None:
    room = _bytes(segment)
    at = 0
    for buffer in buffers:
        room[at : at + buffer.nbytes] = np.frombuffer(buffer, np.uint8)
        at += buffer.nbytes


def _read(segment: SharedMemory, sizes: tuple[int, ...]) -> list[np.ndarray]:
    room = _bytes(segment)
    ends = np.cumsum(sizes)
    # numpy copies without the interpreter's lock, so the window goes on drawing meanwhile
    return [room[end - size : end].copy() for end, size in zip(ends, sizes, strict=True)]


def _bytes(segment: SharedMemory) -> np.ndarray:
    """Its memory, uint8. Must not outlive the caller, or the segment cannot be closed."""
    assert segment.buf is not None
    return np.frombuffer(segment.buf, np.uint8)


def _unlink(segment: SharedMemory) -> None:
    try:
        segment.unlink()
    except FileNotFoundError:
        return
