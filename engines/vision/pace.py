"""How many images go through a network at once, so that a stop or a newer wish is heard in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

FIRST: Final = 16
"""Images of the first pass, when nothing is known of the network: 2 to 15 ms of one core for those that ship."""
LONG_S: Final = 0.06
SHORT_S: Final = 0.025
"""A longer pass is followed by smaller ones, a shorter pass by one twice as large. Passes of 25 to 60 ms cost little
more than the largest, and whoever waits is heard within a tenth of a second, also where the machine is shared."""


class Pace:
    """Sizes of successive passes through one network, found while they run. most: images of the largest."""

    def __init__(self, most: int = 128, clock: Callable[[], float] = time.perf_counter) -> None:
        if most < 1:
            raise ValueError(f"expected at least one image a pass, got {most}")
        self._most, self._clock = most, clock
        self.size = min(FIRST, most)

    def parts(self, count: int) -> Iterator[slice]:
        """Slices that cover `count` images. What the caller does with a slice is timed, so it has to wait for the
        answers there."""
        first = 0
        while first < count:
            began, size = self._clock(), self.size
            yield slice(first, min(first + size, count))
            took, first = self._clock() - began, first + size
            if took > LONG_S:
                self.size = max(1, min(size // 2, int(size * LONG_S / took)))
            elif took < SHORT_S and first <= count:  # A part of what was left over says little.
                self.size = min(self._most, size * 2)
