"""A clock that only the test moves, a sink that asks when told, and tracks whose samples say where they are from."""

from __future__ import annotations

import numpy as np

from workbench.audio.tracks import Program, Track
from workbench.audio.transport import Transport

RATE = 44_100


class FakeClock:
    """Seconds, as told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeSink:
    """A sound card that asks for `n` frames whenever the test says so; the clock goes on by as much."""

    def __init__(self, transport: Transport, clock: FakeClock, latency_s: float = 0.0, block: int = 512) -> None:
        self.transport, self.clock, self.latency_s, self.block = transport, clock, latency_s, block
        self.pumped = 0

    def pump(self, frames: int, block: int | None = None) -> np.ndarray:
        """The next `frames` frames, in blocks."""
        block, parts = block or self.block, []
        while frames > 0:
            out = np.full((min(block, frames), 2), np.nan, np.float32)
            self.transport.fill(out, self.latency_s)
            self.clock.now += len(out) / RATE
            parts.append(out)
            frames -= len(out)
            self.pumped += len(out)
        return np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)


def noise(seconds: float, seed: int = 0, size: float = 0.5) -> np.ndarray:
    """Samples no two stretches of which are alike."""
    return np.random.default_rng(seed).uniform(-size, size, (round(seconds * RATE), 2)).astype(np.float32)


def track_of(samples: np.ndarray, *, rendered: bool = True) -> Track:
    track = Track(len(samples))
    if rendered:
        track.put(0, samples)
    return track


def playing(*samples: np.ndarray, latency_s: float = 0.0, tempo: float = 1.0) -> tuple[Transport, FakeSink, FakeClock]:
    """A transport with tracks "a", "b", … of which the first is heard at full volume; not started."""
    clock = FakeClock()
    transport = Transport(RATE, clock)
    tracks = {name: track_of(s) for name, s in zip("abcd", samples, strict=False)}
    transport.set_program(Program(RATE, tempo, tracks))
    transport.set_gains({"a": 1.0})
    transport.set_volume(1.0)
    sink = FakeSink(transport, clock, latency_s)
    sink.pump(512)  # The volume's own fade.
    return transport, sink, clock
