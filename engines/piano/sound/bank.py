"""The built-in piano: every tone computed from partials, so that there is always an instrument.

A tone is the sum of two strings per partial: f_k = k f0 sqrt(1 + B k^2), B = 4e-4 * 2^(0.8 (p - 60) / 12), amplitude
k^-1.2 (steeper when played softly), decay (0.6 + 0.35 k) sqrt(f0 / 262) per second, 3 ms attack. Departures from that
recipe: bass tones get up to 40 partials instead of 12, and each has a second, slightly sharp string that dies away
three times slower, as the two polarisations of a real string do.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import lru_cache
from typing import Final, Protocol

import numpy as np

RATE: Final = 44_100
"""Samples a second of everything that sounds."""
LOWEST, HIGHEST = 0, 127
LAYERS: Final = (36, 64, 92, 127)
"""Velocities at which tones are computed; a note takes the nearest one at or above its own."""
_LONGEST_S: Final = 20.0
_FIRST_S: Final = 1.0
_ATTACK_S: Final = 0.003
_BLOCK: Final = 512
_BLOCKS: Final = 86
_TOP_HZ: Final = 9_000.0
LOUDNESS: Final = 0.18
"""Root mean square of a tone's first fifth of a second at full velocity. The pieces of the library then have peaks from
0.1 (soft and sparse) to just above the limiter's knee (a march), and lie around -25 dB."""
_KEPT: Final = 96 << 20
"""Bytes of tones kept: sixty pitches in four layers of two seconds."""


class Instrument(Protocol):
    """Something that has a tone for every key.

    name: for people. rate: samples a second. release_s: time constant of the fall after a key is let go.
    """

    name: str
    rate: int
    release_s: float

    def tone(self, pitch: int, velocity: int, frames: int) -> np.ndarray:
        """The held tone from its onset, at full gain, float32 [2, n], or [1, n] for one that `placed` puts somewhere.

        n >= `frames` unless it has died away before, or twenty seconds are over. The same key always gives the same
        samples, whatever was asked before; only n may differ. Read-only.
        """


class ToneStore:
    """Tones by key, made longer when needed, forgotten when too many (least recently used first). For any thread."""

    def __init__(self, kept_bytes: int = _KEPT) -> None:
        self._tones: OrderedDict[tuple[int, int], tuple[np.ndarray, bool]] = OrderedDict()
        self._kept = kept_bytes
        self._held = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int], frames: int) -> np.ndarray | None:
        """The tone, if one is kept that is long enough or whole."""
        with self._lock:
            found = self._tones.get(key)
            if found is None or (found[0].shape[1] < frames and not found[1]):
                return None
            self._tones.move_to_end(key)
            return found[0]

    def put(self, key: tuple[int, int], tone: np.ndarray, whole: bool) -> np.ndarray:
        """Keep a tone; whole: nothing would follow if it were computed longer."""
        tone = np.ascontiguousarray(tone, np.float32)
        tone.setflags(write=False)
        with self._lock:
            old = self._tones.pop(key, None)
            self._held += tone.nbytes - (old[0].nbytes if old is not None else 0)
            self._tones[key] = tone, whole
            while self._held > self._kept and len(self._tones) > 1:
                _, (gone, _) = self._tones.popitem(last=False)
                self._held -= gone.nbytes
        return tone


class PianoBank:
    """The computed piano; tones are made when first asked for (a few milliseconds each)."""

    release_s = 0.06

    def __init__(self, rate: int = RATE) -> None:
        self.name = "Built-in piano"
        self.rate = rate
        self._store = ToneStore()

    def tone(self, pitch: int, velocity: int, frames: int) -> np.ndarray:
        """See `Instrument.tone`."""
        key = int(pitch), layer_of(velocity)
        frames = min(frames, int(_LONGEST_S * self.rate))
        found = self._store.get(key, frames)
        if found is not None:
            return found
        asked = rounded_length(frames, self.rate)
        mono = tone(key[0], LAYERS[key[1]], asked, self.rate)
        whole = len(mono) < asked or asked >= int(_LONGEST_S * self.rate)
        return self._store.put(key, mono[None], whole)


def layer_of(velocity: int) -> int:
    """Index into LAYERS of the tone for a velocity of 1 … 127."""
    return next(i for i, top in enumerate(LAYERS) if velocity <= top or i == len(LAYERS) - 1)


def rounded_length(frames: int, rate: int) -> int:
    """Frames to compute when `frames` are asked for: 1, 2, 4, 8, 16 or 20 seconds."""
    length = _FIRST_S
    while length * rate < frames and length < _LONGEST_S:
        length *= 2
    return int(min(length, _LONGEST_S) * rate)


def frequency(pitch: int) -> float:
    """Hz of a MIDI pitch in equal temperament, A4 = 440."""
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


@lru_cache(maxsize=128)
def placed(pitch: int) -> np.ndarray:
    """Gains of left and right, float32 [2]: bass somewhat left, treble right, equal power."""
    angle = np.pi / 4 + 0.3 * np.clip((pitch - 60) / 48, -1, 1)
    return np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2) * 0.8)


def tone(pitch: int, velocity: int, frames: int, rate: int = RATE) -> np.ndarray:
    """One held tone, float32 [n], n <= frames: shorter where it falls below -80 dB of its start.

    Block m of 512 samples of a decaying partial is its first block times a constant, so the samples of one second are
    one matrix product: [86 blocks, 2 partials] times [2 partials, 512]. Its shape never changes, so that a tone asked
    for twice is the same to the last bit.
    """
    amplitude, hz, decay = _partials(pitch, velocity, rate)
    slowest = float(decay.min())
    frames = max(_BLOCK, min(frames, int(np.log(1e4) / slowest * rate)))
    products = -(-frames // (_BLOCK * _BLOCKS))
    phase = 2 * np.pi * np.modf(0.618034 * np.arange(1, len(hz) + 1))[0]
    step = (-decay + 2j * np.pi * hz) / rate
    first = amplitude * np.exp(1j * phase) * np.exp(step * np.arange(_BLOCK)[:, None])
    right = np.concatenate([first.real, first.imag], 1).astype(np.float32).T
    samples = np.empty((products, _BLOCKS, _BLOCK), np.float32)
    for i in range(products):
        later = np.exp(step * _BLOCK * np.arange(i * _BLOCKS, (i + 1) * _BLOCKS)[:, None])
        left = np.concatenate([later.real, -later.imag], 1).astype(np.float32)
        np.matmul(left, right, out=samples[i])
    samples = samples.reshape(-1)[:frames]
    rise = max(1, int(_ATTACK_S * rate))
    samples[:rise] *= np.sin(np.linspace(0, np.pi / 2, rise, endpoint=False, dtype=np.float32)) ** 2
    return samples


def _partials(pitch: int, velocity: int, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amplitudes, frequencies (Hz) and decay rates (1/s) of both strings' partials, float64 [2 K]."""
    f0 = frequency(pitch)
    k = np.arange(1, int(np.clip(_TOP_HZ / f0, 12, 40)) + 1, dtype=np.float64)
    stiffness = 4e-4 * 2.0 ** (0.8 * (pitch - 60) / 12)
    hz = k * f0 * np.sqrt(1 + stiffness * k**2)
    audible = hz < 0.45 * rate
    k, hz = k[audible], hz[audible]
    # Softer blows excite high partials less: 1.2 is the slope at full velocity.
    amplitude = k ** -(1.2 + 1.3 * (1 - velocity / 127))
    decay = (0.6 + 0.35 * k) * np.sqrt(f0 / 262)
    loud = np.sqrt(np.sum(amplitude**2 * (1 - np.exp(-0.4 * decay)) / (0.4 * decay)) / 2)
    amplitude = amplitude * (LOUDNESS / loud)
    sharp = 1 + 3e-4
    return (
        np.concatenate([0.8 * amplitude, 0.25 * amplitude]),
        np.concatenate([hz, hz * sharp]),
        np.concatenate([decay * 1.15, decay / 3]),
    )
