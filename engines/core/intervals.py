"""How sure a share of successes is."""

from __future__ import annotations

import math

Z95 = 1.959964
"""Two-sided 95 % of a normal distribution."""


def wilson(successes: float, trials: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval of a share: (low, high) in [0, 1]; (0, 1) without trials.

    Source: E. B. Wilson 1927.
    """
    if trials <= 0:
        return 0.0, 1.0
    rate, square = successes / trials, z * z
    middle = (rate + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * math.sqrt(rate * (1 - rate) / trials + square / (4 * trials * trials))
    return max(0.0, middle - half), min(1.0, middle + half)
