"""Which sink the transport plays into: the sound card once it is open, silence at the same pace before and after.

A card that asks too late, or nearly so, because the machine is busy, is opened again with more music waiting in it; the
old one plays until the new one is there. A card that is gone becomes silence, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from workbench.audio.opening import Opener, Opening
from workbench.audio.sinks import DEPTHS_S, SilentSink, Sink
from workbench.audio.transport import Transport

GONE: Final = "The sound card stopped (it may have been unplugged; choose Reconnect)"
_LATE: Final = 2
"""Blocks of music that may come late before the card is opened deeper …"""
_NARROW: Final = 3
"""… or nearly: after a miss a driver was seen to be silent for a second and more."""


class Output:
    """For the window's thread."""

    def __init__(self, transport: Transport, opener: Opener, now: Callable[[], float]) -> None:
        self._transport, self._opener, self._now = transport, opener, now
        self._sink: Sink | None = None
        self._opening: Opening | None = None
        self._device: int | None = None
        self._instrument = ""
        self._depth = 0
        self._is_deepening, self._may_deepen = False, True
        self._late = self._seen_late = self._late_here = self._seen_narrow = self._narrow_here = 0

    def open(self, device: int | None, instrument: str) -> bool:
        """Begin to open that card (None is the system's usual one); whether that was needed.

        instrument: loaded by the same thread, so that the first key and the first stretch find it there.
        """
        if self._opening is not None or (self._sink is not None and device == self._device):
            return False
        self._device, self._instrument = device, instrument
        if self._sink is None:
            self._be_silent("")
        self._begin()
        return True

    def reopen(self, instrument: str) -> None:
        """Look for the card again, with as little music in it as at first."""
        if self._opening is not None:
            return
        self._drop()
        self._depth, self._may_deepen = 0, True
        self.open(self._device, instrument)

    def ensure(self, instrument: str) -> None:
        """Open what was last asked for, unless something is open."""
        if self._sink is None:
            self.open(self._device, instrument)

    def close(self) -> None:
        self._abandon()
        self._drop()

    @property
    def about(self) -> tuple[str, str]:
        """The card's name, and why there is none."""
        return ("", "") if self._sink is None else (self._sink.name, self._sink.reason)

    @property
    def has_sound(self) -> bool:
        return self._sink is not None and not self._sink.is_silent

    @property
    def is_opening(self) -> bool:
        return self._opening is not None

    @property
    def depth_s(self) -> float:
        """Seconds of music that wait in the card, at least."""
        return DEPTHS_S[self._depth]

    @property
    def late(self) -> int:
        """Blocks that came too late for the sound card while music played, of all cards so far."""
        return self._late

    def listen(self) -> None:
        """Music begins: blocks that were late until now were late in silence, which nobody heard."""
        if self._sink is not None:
            self._seen_late, self._seen_narrow = self._sink.late, self._sink.narrow

    def _count(self, sink: Sink) -> None:
        if self._transport.is_wanted:
            self._late += sink.late - self._seen_late
            self._late_here += sink.late - self._seen_late
            self._narrow_here += sink.narrow - self._seen_narrow
        self._seen_late, self._seen_narrow = sink.late, sink.narrow

    def tick(self) -> bool:
        """Take a card that is open by now, leave one that is gone or too shallow; whether `about` has changed."""
        changed = self._took()
        if self._sink is not None and self._opening is None and not self._sink.is_alive:
            self._drop()
            self._be_silent(GONE)
            changed = True
        if self._sink is not None:
            self._sink.tick()
            self._count(self._sink)
            self._deepen(self._sink)
        return changed

    def _took(self) -> bool:
        if self._opening is None or not self._opening.is_done:
            return False
        opened, self._opening = self._opening.sink, None
        assert opened is not None
        was_deepening, self._is_deepening = self._is_deepening, False
        if was_deepening and opened.sink.is_silent and self._sink is not None and self._sink.is_alive:
            # A card that only one stream may have: the one that plays is kept, and never asked again.
            opened.sink.stop()
            self._depth, self._may_deepen = self._depth - 1, False
            return False
        self._drop()
        opened.go()
        self._sink = opened.sink
        return True

    def _deepen(self, sink: Sink) -> None:
        is_steady = self._late_here < _LATE and self._narrow_here < _NARROW
        is_deepest = self._depth + 1 >= len(DEPTHS_S)
        if sink.is_silent or self._opening is not None or is_steady or is_deepest or not self._may_deepen:
            return
        self._depth += 1
        self._is_deepening = True
        self._begin()

    def _begin(self) -> None:
        self._opening = Opening(self._opener, self._transport, self._device, self.depth_s, self._instrument)

    def _be_silent(self, reason: str) -> None:
        self._sink = SilentSink(reason, self._transport.rate, self._now)
        self._sink.start(self._transport.fill)

    def _abandon(self) -> None:
        if self._opening is not None:
            self._opening.abandon()
            self._opening = None
        self._is_deepening = False

    def _drop(self) -> None:
        sink, self._sink = self._sink, None
        if sink is not None:
            self._count(sink)
            sink.stop()
        self._seen_late = self._late_here = self._seen_narrow = self._narrow_here = 0
        self._transport.clock.reset()
