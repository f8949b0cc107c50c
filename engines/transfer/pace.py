"""How many images go through a network at once, so that whoever waits is heard in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FIRST: Final = 32
"""Images of the first pass; most networks here take 2 to 30 ms for them on one core."""
_LONG_S, _SHORT_S = 0.09, 0.045
"""A longer pass is halved, a shorter one doubled: a newer request then waits for less than a tenth of a second. Smaller
passes would not fill a processor: those of 30 to 70 ms are a tenth slower on residual networks."""
_LEAST: Final = 4


class Pace:
    """Sizes of successive passes: of the network that is asked and the load of the machine, found while they run.

    most: the largest.
    """

    def __init__(self, most: int = 128) -> None:
        if most < 1:
            raise ValueError(f"expected at least one image a pass, got {most}")
        self._most = most
        self.size = min(FIRST, most)

    @contextmanager
    def one(self) -> Iterator[int]:
        """Around a pass: gives how many images it takes, and times it. It must wait for the result."""
        began, size = time.perf_counter(), self.size
        yield size
        took = time.perf_counter() - began
        if took > _LONG_S:
            self.size = max(min(_LEAST, self._most), size // 2)
        elif took < _SHORT_S:
            self.size = min(self._most, size * 2)
