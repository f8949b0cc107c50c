"""Opening the sound card without the window waiting for it: PortAudio may look for devices for a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np

from engines.piano.sound.soundfont import choose
from workbench.audio.sinks import Fill, Sink
from workbench.audio.transport import Transport

Opener = Callable[[Fill, int, int | None, float], Sink]
"""``opener(fill, rate, device, depth_s)``: a started sink, as `sinks.open_sink` gives."""


class Opened:
    """A sink that was started with its mouth shut: it asks for silence until `go`."""

    def __init__(self, opener: Opener, transport: Transport, device: int | None, depth_s: float) -> None:
        self._fill: Fill | None = None
        self._transport = transport
        self.sink = opener(self._ask, transport.rate, device, depth_s)

    def _ask(self, out: np.ndarray, latency_s: float, at: float | None) -> None:
        fill = self._fill
        if fill is None:
            out[:] = 0
        else:
            fill(out, latency_s, at)

    def go(self) -> None:
        self._fill = self._transport.fill


class Opening:
    """The sound card being opened, in a thread that ends with it."""

    def __init__(
        self, opener: Opener, transport: Transport, device: int | None, depth_s: float, instrument: str
    ) -> None:
        self.sink: Opened | None = None
        self._instrument = instrument
        self._arguments = opener, transport, device, depth_s
        self._is_unwanted = False
        self._thread = threading.Thread(target=self._run, name="sound card", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        choose(self._instrument)  # Kept by `choose`: the window, which may have to render, finds it loaded.
        opened = Opened(*self._arguments)
        if self._is_unwanted:
            opened.sink.stop()
        self.sink = opened

    @property
    def is_done(self) -> bool:
        return self.sink is not None and not self._thread.is_alive()

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self._is_unwanted = True
        self._thread.join(2.0)
        if self.sink is not None:
            self.sink.sink.stop()
