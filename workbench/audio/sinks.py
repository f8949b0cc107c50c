"""Where blocks of sound go: a sound card through PortAudio, or nowhere at the same pace."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

log = logging.getLogger(__name__)

BLOCK: Final = 512
DEPTHS_S: Final = (0.12, 0.3, 0.6)
"""Music that waits in the sound card, at least. With the first, what is played is heard within 0.2 s. What drivers call
high is 35 ms with some; on a machine with three times more work than cores a thread was seen to wait 160 ms for its
turn, and each miss then cost up to 1.9 s until the driver had recovered. So a card that asks too late gets the next."""
Fill = Callable[[np.ndarray, float, float | None], None]
"""``fill(out, latency_s, at)``: write float32 [n, 2] that is heard `latency_s` after the moment `at`."""
_CATCH_UP_S: Final = 0.25
_NARROW: Final = 0.7
"""Of what waits in the card: a block that is asked for so long after the one before came just in time."""


class Sink(Protocol):
    """Asks for blocks. name: for people. reason: why it is not a sound card, with the remedy; else empty."""

    name: str
    reason: str
    is_silent: bool

    def start(self, fill: Fill) -> None:
        """Begin to ask. Raises OSError where it cannot."""

    def stop(self) -> None:
        """Ask no more; when this returns no call is under way."""

    def tick(self) -> None:
        """Called 60 times a second by the window; a sink without a thread of its own asks now."""

    @property
    def is_alive(self) -> bool:
        """Whether it still asks: a sound card may be unplugged."""

    @property
    def late(self) -> int:
        """Blocks that came too late for the sound card."""

    @property
    def narrow(self) -> int:
        """Blocks that nearly came too late."""


class SilentSink:
    """No sound card: blocks are asked for at the right pace and thrown away, so that the playhead moves."""

    is_silent = True

    def __init__(
        self, reason: str = "", rate: int = 44_100, now: Callable[[], float] = time.monotonic, block: int = BLOCK
    ) -> None:
        self.name = "No sound"
        self.reason = reason
        self.late = self.narrow = 0
        self._rate, self._now = rate, now
        self._out = np.zeros((block, 2), np.float32)
        self._fill: Fill | None = None
        self._asked_until = 0.0

    def start(self, fill: Fill) -> None:
        self._fill = fill
        self._asked_until = self._now()

    def stop(self) -> None:
        self._fill = None

    @property
    def is_alive(self) -> bool:
        return self._fill is not None

    def tick(self) -> None:
        """Ask for the blocks that are due. After a long pause of the window it goes on from now."""
        now = self._now()
        if now - self._asked_until > _CATCH_UP_S:
            self._asked_until = now - _CATCH_UP_S
        step = len(self._out) / self._rate
        while self._fill is not None and self._asked_until <= now:
            self._fill(self._out, 0.0, self._asked_until)
            self._asked_until += step


class CardSink:
    """A sound card through PortAudio, in a thread of its own. Raises OSError when it cannot be opened.

    Blocks of 512 frames, `depth_s` ahead or as much as the driver calls high: music is played to, not by, this program,
    so that robustness counts for more.
    """

    is_silent = False
    reason = ""

    def __init__(
        self, rate: int = 44_100, device: int | None = None, depth_s: float = DEPTHS_S[0], block: int = BLOCK
    ) -> None:
        self._module = _sounddevice()
        self._late = self._narrow = 0
        self._asked_at: float | None = None
        self._has_failed = False
        self._fill: Fill | None = None
        self._stream: Any = None
        self._rate, self._device, self._block = rate, device, block
        try:
            about = self._module.query_devices(device, "output")
            self.name = str(about["name"])
            self._latency_s = max(depth_s, float(about["default_high_output_latency"]))
            self._module.check_output_settings(device=device, channels=2, dtype="float32", samplerate=rate)
        except Exception as error:
            # PortAudioError can only be named once the library is loaded; ValueError is an unknown device.
            raise OSError(_said(error)) from error

    def start(self, fill: Fill) -> None:
        self._fill = fill
        try:
            self._stream = self._module.OutputStream(
                samplerate=self._rate,
                blocksize=self._block,
                device=self._device,
                channels=2,
                dtype="float32",
                latency=self._latency_s,
                callback=self._callback,
            )
            self._stream.start()
        except Exception as error:  # As above.
            self._stream = None
            raise OSError(_said(error)) from error

    def _callback(self, out: np.ndarray, frames: int, times: Any, status: Any) -> None:
        if status.output_underflow:
            self._late += 1
        at = time.monotonic()
        if self._asked_at is not None and at - self._asked_at > _NARROW * self._latency_s:
            self._narrow += 1
        self._asked_at = at
        fill = self._fill
        if fill is None:
            out[:] = 0
            return
        latency = float(times.outputBufferDacTime - times.currentTime)
        # Some drivers leave these times at zero.
        if not 0 < latency < 5:
            latency = float(self._stream.latency) if self._stream is not None else 0.0
        try:
            fill(out, latency, at)
        except Exception:
            # PortAudio would end the stream, and the music with it; a block of silence is the smaller harm.
            out[:] = 0
            self._late += 1
            if not self._has_failed:
                self._has_failed = True
                log.exception("a block could not be filled")

    def stop(self) -> None:
        self._fill = None
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def tick(self) -> None:
        """It has its own thread."""

    @property
    def is_alive(self) -> bool:
        return self._stream is not None and bool(self._stream.active)

    @property
    def late(self) -> int:
        return self._late

    @property
    def narrow(self) -> int:
        return self._narrow


@dataclass(frozen=True)
class Device:
    """An output of this machine. number: for `CardSink`."""

    number: int
    name: str
    is_default: bool


def devices() -> tuple[Device, ...]:
    """The outputs, or none where PortAudio or a sound card is missing. Takes up to a second."""
    try:
        module = _sounddevice()
        found = module.query_devices()
        default = module.default.device[1]
    except Exception:  # noqa: BLE001 - see CardSink; `open_sink` says why
        return ()
    return tuple(Device(i, str(d["name"]), i == default) for i, d in enumerate(found) if d["max_output_channels"] >= 2)


def open_sink(
    fill: Fill,
    rate: int = 44_100,
    device: int | None = None,
    depth_s: float = DEPTHS_S[0],
    now: Callable[[], float] = time.monotonic,
) -> Sink:
    """The sound card, started; or silence at the same pace, and the reason."""
    try:
        card = CardSink(rate, device, depth_s)
        card.start(fill)
        return card
    except (OSError, ImportError) as error:
        silent = SilentSink(explained(error), rate, now)
        silent.start(fill)
        return silent


def explained(error: BaseException) -> str:
    """Why there is no sound, and what helps."""
    text = str(error).strip().rstrip(".")
    if isinstance(error, ImportError):
        return f"sounddevice is not installed: {text} (pip install sounddevice)"
    if "PortAudio library" in text:
        return f"{text} (on Debian and Ubuntu: apt install libportaudio2; Windows and macOS bring it along)"
    if "querying device" in text or "No Default Output" in text or "Invalid device" in text:
        return "no sound card was found"
    return f"The sound card cannot be opened: {text} (look at the system's sound settings)"


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _sounddevice() -> Any:
    """The module. Raises ImportError, or OSError where PortAudio is missing."""
    import sounddevice

    return sounddevice
