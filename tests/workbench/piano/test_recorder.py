"""Recording by hand, with a clock of the test's."""

from __future__ import annotations

from engines.piano.notes import Notes
from workbench.panels.piano.recorder import LONGEST_S, Recorder


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_times_count_from_the_first_key_and_held_keys_end_with_the_recording() -> None:
    clock, found = Clock(), []
    recorder = Recorder(now=clock)
    recorder.recorded.connect(lambda name, notes: found.append((name, notes)))
    recorder.press(60, 80)  # not begun yet
    recorder.begin("style")
    clock.now = 107.0
    recorder.press(60, 80)
    clock.now = 107.5
    recorder.press(64, 200)
    recorder.press(5, 80)  # no key of a piano
    recorder.release(60)
    recorder.release(61)  # was never down
    clock.now = 108.5
    recorder.end()
    ((name, notes),) = found
    assert name == "style" and notes.same(Notes.of([(0.0, 0.5, 60, 80), (0.5, 1.5, 64, 127)]), 1e-9)
    assert recorder.name == ""


def test_a_key_struck_again_ends_its_note_and_ten_minutes_end_the_recording() -> None:
    clock, found = Clock(), []
    recorder = Recorder(now=clock)
    recorder.recorded.connect(lambda name, notes: found.append(notes))
    recorder.begin("melody")
    recorder.press(60, 80)
    clock.now += 1
    recorder.press(60, 90)
    clock.now += LONGEST_S
    recorder.press(62, 90)
    assert recorder.name == "" and found[0].velocity.tolist() == [80, 90]
    assert found[0].end[0] == found[0].start[1]


def test_nothing_played_hands_out_nothing() -> None:
    recorder = Recorder()
    recorder.recorded.connect(lambda *_: 1 / 0)
    recorder.begin("melody")
    recorder.end()
