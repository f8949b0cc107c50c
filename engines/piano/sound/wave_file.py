"""Samples as a WAV file that every program reads."""

from __future__ import annotations

import io
import itertools
import wave
from pathlib import Path

import numpy as np

from engines.core import atomic
from engines.core.errors import UserError

_MOST_BYTES = (1 << 32) - 4096
_BLOCK = 1 << 18
"""Frames that are made into bytes at once, some six seconds: an hour of music need not stand in memory four times."""


def write_wav(path: Path, samples: np.ndarray, rate: int, *, bits: int = 16) -> Path:
    """Write float32 [n, channels] in [-1, 1] as PCM of 16 or 24 bits; whole or not at all.

    Raises UserError where the file would pass the 4 GB that the format can say.
    """
    samples = np.atleast_2d(np.asarray(samples, np.float32))
    if bits not in (16, 24):
        raise UserError(f"expected 16 or 24 bits a sample, got {bits}")
    if samples.size * bits // 8 > _MOST_BYTES:
        raise UserError("a WAV file cannot be longer than 4 GB", "export a part, or use 16 bits")
    head = io.BytesIO()
    with wave.open(head, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        file.setnframes(len(samples))
        file.writeframesraw(b"")
        header = head.getvalue()  # taken before closing, which puts in the count of frames that went through here: 0
    blocks = (samples[at : at + _BLOCK] for at in range(0, len(samples), _BLOCK))
    atomic.write_parts(path, itertools.chain((header,), (_pcm(block, bits) for block in blocks)))
    return path


def _pcm(samples: np.ndarray, bits: int) -> bytes:
    """float32 [n, channels] as little-endian whole numbers."""
    top = float(2 ** (bits - 1) - 1)
    whole = np.rint(np.clip(samples, -1, 1) * np.float64(top)).astype("<i4")
    if bits == 16:
        return whole.astype("<i2").tobytes()
    return np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def read_wav(path: Path) -> tuple[np.ndarray, int]:
    """A 16- or 24-bit WAV as float32 [n, channels] and its rate. Raises UserError."""
    try:
        with wave.open(str(path), "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            data = np.frombuffer(file.readframes(file.getnframes()), np.uint8)
    except (OSError, EOFError, wave.Error) as error:
        raise UserError(f"{path.name} is no WAV file that can be read: {error}") from error
    if width not in (2, 3):
        raise UserError(f"expected 16 or 24 bits a sample, got {8 * width}")
    padded = np.zeros((len(data) // width, 4), np.uint8)
    padded[:, 4 - width :] = data.reshape(-1, width)
    return (padded.view("<i4").reshape(-1, channels) / np.float64(2**31)).astype(np.float32), rate
