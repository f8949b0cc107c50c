"""What was so when the window had been painted for the first time; imports nothing slow."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Painted:
    """at: `time.monotonic()`. modules: names of everything that had been imported."""

    at: float
    modules: frozenset[str]

    @classmethod
    def now(cls) -> Painted:
        return cls(time.monotonic(), frozenset(sys.modules))
