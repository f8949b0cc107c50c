"""How many images go through a network at once, so that a stop or a newer wish is heard in time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

FIRST: Final = 32
"""Images of the first pass, when nothing is known of the network: 3 to 20 ms of one core for those that ship."""
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
            # Equal parts of what is left: a last pass of a few images would cost almost as much as a full one.
            left, began = count - first, self._clock()
            size = math.ceil(left / math.ceil(left / self.size))
            yield slice(first, first + size)
            first += size
            if 2 * size >= self.size:  # A small part says little of a large one.
                self._learn((self._clock() - began) * self.size / size)

    def _learn(self, took: float) -> None:
        """took: seconds of a pass of the present size."""
        if took > LONG_S:
            self.size = max(1, min(self.size // 2, int(self.size * LONG_S / took)))
        elif took < SHORT_S:
            self.size = min(self._most, self.size * 2)
