"""Which card the music goes to: opened deeper where it asks too late, silence where it is gone. Cards are fakes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.workbench.audio.fakes import RATE, FakeClock, noise, playing
from workbench.audio.output import GONE, Output
from workbench.audio.sinks import DEPTHS_S, Fill, SilentSink
from workbench.audio.transport import Transport


class Card:
    name, reason, is_silent = "Card", "", False

    def __init__(self, fill: Fill, depth_s: float) -> None:
        self.fill, self.depth_s = fill, depth_s
        self.late = self.narrow = 0
        self.is_alive = True

    def start(self, fill: Fill) -> None:
        """It is started when it is made."""

    def stop(self) -> None:
        self.is_alive = False

    def tick(self) -> None:
        """It has its own pace."""

    def ask(self, frames: int = 512) -> np.ndarray:
        out = np.zeros((frames, 2), np.float32)
        self.fill(out, self.depth_s, None)
        return out


class Shop:
    """Opens cards; `refuses` from the given one on, as a card does that only one stream may have."""

    def __init__(self, clock: FakeClock, refuses: int = 99) -> None:
        self.clock, self.refuses = clock, refuses
        self.cards: list[Any] = []

    def __call__(self, fill: Fill, rate: int, device: int | None, depth_s: float) -> Any:
        made: Any = Card(fill, depth_s)
        if len(self.cards) >= self.refuses:
            made = SilentSink("busy", rate, self.clock)
            made.start(fill)
        self.cards.append(made)
        return made


@pytest.fixture
def transport() -> Transport:
    return playing(noise(20.0))[0]


def until(output: Output, done: Callable[[], bool]) -> None:
    for _ in range(1000):
        output.tick()
        if done():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never came")


def opened(transport: Transport, refuses: int = 99) -> tuple[Output, Shop]:
    clock = FakeClock()
    shop = Shop(clock, refuses)
    output = Output(transport, shop, clock)
    assert output.open(None, "built-in") and not output.open(None, "built-in")
    assert not output.has_sound
    until(output, lambda: output.has_sound)
    return output, shop


def test_a_card_that_asks_too_late_is_opened_deeper_while_it_plays(transport: Transport) -> None:
    output, shop = opened(transport)
    transport.play()
    first = shop.cards[0]
    assert first.depth_s == output.depth_s == DEPTHS_S[0] and np.any(first.ask(2048))
    first.late = 1
    output.tick()
    assert not output.is_opening
    first.late = 2
    output.tick()
    assert output.is_opening and np.any(first.ask())
    until(output, lambda: len(shop.cards) == 2 and not first.is_alive)
    second = shop.cards[1]
    assert second.depth_s == output.depth_s == DEPTHS_S[1]
    at = round(transport.mark.position * RATE)
    assert second.ask().any() and transport.mark.position == pytest.approx((at + 512) / RATE)
    assert output.late == 2
    second.late = 2
    until(output, lambda: not second.is_alive)
    deepest = shop.cards[2]
    deepest.late = 9
    output.tick()
    assert not output.is_opening and output.late == 13 and output.depth_s == DEPTHS_S[-1]
    output.close()
    assert not deepest.is_alive


def test_a_card_that_cannot_be_opened_twice_goes_on(transport: Transport) -> None:
    output, shop = opened(transport, refuses=1)
    transport.play()
    shop.cards[0].late = 2
    until(output, lambda: len(shop.cards) == 2 and not output.is_opening)
    assert output.has_sound and shop.cards[0].is_alive and not shop.cards[1].is_alive
    assert output.depth_s == DEPTHS_S[0]
    shop.cards[0].late = 20
    output.tick()
    assert not output.is_opening and len(shop.cards) == 2
    output.close()


def test_a_card_that_nearly_asks_too_late_is_opened_deeper_before_anybody_hears_it(transport: Transport) -> None:
    output, shop = opened(transport)
    transport.play()
    output.tick()
    shop.cards[0].narrow = 2
    output.tick()
    assert not output.is_opening
    shop.cards[0].narrow = 3
    output.tick()
    assert output.is_opening and output.late == 0
    until(output, lambda: not shop.cards[0].is_alive)
    assert shop.cards[1].depth_s == DEPTHS_S[1]
    output.close()


def test_what_is_late_in_silence_is_nobodys_interruption(transport: Transport) -> None:
    """While a window builds itself nothing plays; a card opened deeper for that would only answer later."""
    output, shop = opened(transport)
    shop.cards[0].late = 5
    output.tick()
    shop.cards[0].late = 9
    output.listen()
    transport.play()
    output.tick()
    assert output.late == 0 and not output.is_opening
    shop.cards[0].late = 11
    output.tick()
    assert output.late == 2 and output.is_opening
    output.close()


def test_an_unplugged_card_becomes_the_silent_clock_and_can_be_looked_for_again(transport: Transport) -> None:
    output, shop = opened(transport)
    transport.play()
    shop.cards[0].ask()
    shop.cards[0].late = 1
    shop.cards[0].is_alive = False
    assert output.tick() and output.about == ("No sound", GONE) and not output.has_sound
    before = transport.mark.position
    for _ in range(10):
        shop.clock.now += 0.016
        output.tick()
    assert transport.mark.position - before == pytest.approx(0.16, abs=0.02)
    output.reopen("built-in")
    until(output, lambda: output.has_sound)
    assert output.about == ("Card", "") and shop.cards[1].depth_s == DEPTHS_S[0] and output.late == 1
    output.close()


def test_closing_while_it_opens_leaves_no_card_open(transport: Transport) -> None:
    clock = FakeClock()
    shop = Shop(clock)
    output = Output(transport, shop, clock)
    output.open(None, "built-in")
    output.close()
    assert all(not card.is_alive for card in shop.cards) and not output.is_opening
