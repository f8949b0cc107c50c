"""Passes that are as large as the time allows."""

from __future__ import annotations

import pytest

from engines.vision.pace import FIRST, LONG_S, Pace


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def walk(seconds_an_image: float, count: int, most: int = 128) -> list[tuple[int, float]]:
    """(images, seconds) of each pass through a network of that speed; every image comes once, in order."""
    clock, passes, seen = Clock(), [], []
    for part in Pace(most, clock).parts(count):
        images = list(range(count))[part]
        seen += images
        clock.now += len(images) * seconds_an_image
        passes.append((len(images), len(images) * seconds_an_image))
    assert seen == list(range(count))
    return passes


def test_a_fast_network_gets_large_passes_and_a_slow_one_small_ones() -> None:
    fast, slow = walk(0.0001, 2000), walk(0.01, 200)
    assert fast[0][0] <= FIRST and 100 <= max(n for n, _ in fast) <= 128
    assert all(took <= LONG_S for _, took in slow[1:]) and all(n >= 3 for n, _ in slow[:-1])
    assert {n for n, _ in walk(5.0, 40)[1:]} == {1}  # never none


def test_sizes_are_kept_between_walks_and_a_few_images_teach_nothing() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    for _ in range(3):
        for _ in pace.parts(FIRST // 2 - 1):
            clock.now += 0.001
    assert pace.size == FIRST
    for _ in pace.parts(FIRST):
        clock.now += 0.001
    assert pace.size == 2 * FIRST
    assert list(pace.parts(0)) == []


def test_no_pass_is_larger_than_the_largest() -> None:
    assert [n for n, _ in walk(0.0, 10, most=4)] == [4, 3, 3]  # and what is left is shared out
    with pytest.raises(ValueError, match="at least one image"):
        Pace(0)
