"""What is heard while a network composes or a machine is busy: a feeder that comes late, and how much it asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engines.piano.notes import Notes
from tests.workbench.audio.fakes import RATE, FakeClock, FakeSink, noise, playing
from workbench.audio.feeder import Feeder, Music, Stretch, music_of, same_until
from workbench.audio.tracks import CHUNK, Program, Track
from workbench.audio.transport import AHEAD_S, Transport


def composing(pace: float, seconds: float) -> tuple[Transport, list[str], float]:
    """Music written at `pace` seconds a second, rendered at once: the states on the way and when it ended."""
    music = noise(seconds)
    transport, sink, clock = playing(music)
    track = Track(0, complete=False)
    transport.set_program(Program(RATE, 1.0, {"a": track}))
    transport.play()
    start, written, states = clock.now, 0.0, [""]
    while transport.mark.state != "ended":
        written += pace * 0.1
        frames = min(round(written * RATE), len(music))
        track.put(0, music[:frames])
        track.grow(frames, complete=frames == len(music))
        sink.pump(round(0.1 * RATE))
        if transport.mark.state != states[-1]:
            states.append(transport.mark.state)
        assert clock.now - start < 10 * seconds
    return transport, states, clock.now - start


def test_music_that_is_written_fast_enough_never_waits() -> None:
    transport, states, _ = composing(1.3, 30.0)
    assert states == ["", "waiting", "playing", "ended"]
    assert (transport.mark.waits, transport.mark.underruns) == (0, 0)


def test_music_that_is_written_too_slowly_waits_longer_instead_of_more_often() -> None:
    """At half the pace, starting again with two seconds each time would break 40 s into ten pieces."""
    transport, states, took = composing(0.5, 40.0)
    assert transport.mark.underruns == 0 and "buffering" not in states
    assert 2 <= transport.mark.waits <= 5
    assert took < 40.0 / 0.5 + 12


def test_a_wait_says_how_much_is_missing_and_a_new_start_asks_for_less_again() -> None:
    music = noise(20.0)
    transport, sink, _ = playing(music)
    track = Track(0, complete=False)
    transport.set_program(Program(RATE, 1.0, {"a": track}))

    def written(seconds: float) -> None:
        track.put(0, music[: round(seconds * RATE)])
        track.grow(round(seconds * RATE), complete=False)

    written(0.5)
    transport.play()
    sink.pump(512)
    assert transport.mark.state == "waiting" and transport.mark.short_s == pytest.approx(AHEAD_S - 0.5, abs=1e-3)
    written(2.0)
    sink.pump(3 * RATE)
    assert transport.mark.waits == 1
    assert transport.mark.short_s == pytest.approx(2 * AHEAD_S - 0.2, abs=0.01)
    written(5.0)
    sink.pump(RATE)
    assert transport.mark.state == "waiting"
    transport.pause()
    sink.pump(1024)
    transport.play()
    sink.pump(RATE)
    assert transport.mark.state == "playing" and transport.mark.short_s == 0.0


def test_what_is_written_but_not_rendered_is_no_wait_for_the_composer() -> None:
    music = noise(20.0)
    transport, sink, _ = playing(music)
    track = Track(0, complete=False)
    track.grow(15 * RATE, complete=False)
    transport.set_program(Program(RATE, 1.0, {"a": track}))
    transport.play()
    sink.pump(2048)
    assert (transport.mark.state, transport.mark.short_s) == ("buffering", 0.0)
    track.put(0, music[: round(0.6 * RATE) // CHUNK * CHUNK + CHUNK])
    sink.pump(2048)
    assert transport.mark.state == "playing"


class Busy:
    """A feeder whose answers take `latency_s`, whatever is asked, and rendering 2 ms."""

    def __init__(self, latency_s: float, seconds: float = 60.0) -> None:
        self.clock = FakeClock()
        self.transport = Transport(RATE, self.clock)
        self.sink = FakeSink(self.transport, self.clock)
        self.feeder = Feeder(self.transport)
        start = np.arange(0.0, seconds, 0.25)
        self.feeder.set_music(
            music_of("a", Notes(start, start + 0.2, np.full(len(start), 60), np.full(len(start), 80)), None)
        )
        self.transport.set_gains({"a": 1.0})
        self.latency_s = latency_s
        self.asked: list[Stretch] = []

    def run(self, seconds: float) -> None:
        under_way: tuple[float, Stretch] | None = None
        for _ in range(round(seconds / 0.016)):
            if under_way is not None and self.clock.now >= under_way[0]:
                stretch = under_way[1]
                stretch.track.put(stretch.begin, np.zeros((stretch.end - stretch.begin, 2), np.float32))
                self.feeder.took(stretch, 0.002)
                under_way = None
            if under_way is None and (found := self.feeder.next()) is not None:
                self.asked.append(found)
                under_way = self.clock.now + self.latency_s, found
            self.sink.pump(round(0.016 * RATE))


@pytest.mark.parametrize("latency_s", [0.07, 0.45, 0.9])
def test_a_feeder_whose_answers_come_late_still_feeds(latency_s: float) -> None:
    """A starved engine process answers half a second later; then it has to be asked for more at once."""
    busy = Busy(latency_s)
    busy.transport.play()
    busy.run(2.5 * latency_s + 0.5)
    busy.run(30.0)
    assert busy.transport.mark.underruns <= (1 if latency_s > 0.5 else 0)
    lengths = [(s.end - s.begin) / RATE for s in busy.asked]
    # What is wanted first is short, so that sound begins early; then no slivers of the window that moves on.
    assert lengths[0] < 0.8 and min(lengths[2:-1]) > 0.9
    assert len(busy.asked) < 25


def piece(*rows: tuple[float, float, int, int], horizon_s: float | None = None) -> Music:
    return music_of("a", Notes.of(rows), horizon_s)


A, B, C = (0.0, 1.0, 60, 80), (1.0, 3.0, 64, 80), (2.5, 4.0, 67, 80)


@pytest.mark.parametrize(
    "old, new, seconds",
    [
        ((A, B, C), (A, B, C), 4.0),
        ((A, B, C), (A, B), 2.5),
        ((A, B), (A, B, C), 2.5),
        ((A, B, C), (A, (1.0, 2.0, 64, 80), C), 2.0),
        ((A, B, C), (A, (1.0, 3.0, 64, 81), C), 1.0),
        ((A, B), ((0.0, 1.0, 61, 80), B), 0.0),
        ((), (A,), 0.0),
    ],
)
def test_how_long_two_pieces_sound_the_same(old: tuple[Any, ...], new: tuple[Any, ...], seconds: float) -> None:
    assert same_until(piece(*old), piece(*new)) == same_until(piece(*new), piece(*old)) == seconds
    if len(old) == 3:
        assert same_until(piece(*old, horizon_s=1.5), piece(*new)) == pytest.approx(min(seconds, 1.45))


def test_a_change_later_in_the_piece_keeps_what_is_rendered_and_plays_on() -> None:
    """A network's last answer ends the notes that it held: what plays now must not be rendered anew for that."""
    busy = Busy(0.07, seconds=40.0)
    busy.transport.play()
    busy.run(3.0)
    old = busy.feeder.music("a")
    assert old is not None
    late = old.start > 30.0
    busy.feeder.set_music(
        music_of("a", Notes(old.start, old.end, np.where(late, 62, 60), np.full(len(late), 80)), None)
    )
    # Nobody renders from here on, and it plays on as far as was rendered before.
    ready = busy.transport.wish.program.tracks["a"].ready(round(busy.transport.mark.position * RATE))
    assert ready > 2 * RATE
    busy.sink.pump(RATE)
    assert busy.transport.mark.state == "playing" and busy.transport.current is busy.transport.wish.program
    busy.run(30.0)
    assert busy.transport.mark.underruns == 0
    assert any(stretch.begin > 29 * RATE for stretch in busy.asked[-3:])
