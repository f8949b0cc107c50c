from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engines.piano.notes import Notes
from engines.piano.pedal import presses, sustained
from tests.engines.piano.unhurried import unhurried


def _pedalled(rows: list[tuple[float, float, int]], pedal: list[tuple[float, float]]) -> Notes:
    table = np.array(rows, float).reshape(-1, 3)
    return Notes(table[:, 0], table[:, 1], table[:, 2].astype(int), np.full(len(table), 64), np.array(pedal, float))


def _ends(notes: Notes) -> list[tuple[float, float, int]]:
    return [(s, e, p) for s, e, p, _ in sustained(notes).rows.tolist()]


def test_a_released_key_sounds_until_the_pedal_goes_up() -> None:
    assert _ends(_pedalled([(0, 1, 60), (0, 3, 64)], [(0.5, 2)])) == [(0, 2, 60), (0, 3, 64)]


def test_a_key_struck_again_ends_its_earlier_note() -> None:
    assert _ends(_pedalled([(0, 1, 60), (1.5, 1.7, 60)], [(0.5, 2)])) == [(0, 1.5, 60), (1.5, 2, 60)]


def test_two_strikes_of_a_key_at_once_under_the_pedal_leave_one() -> None:
    assert _ends(_pedalled([(0, 1, 60), (0, 2, 60)], [(0, 3)])) == [(0, 3, 60)]


def test_without_the_pedal_overlapping_notes_stay_as_they_are() -> None:
    assert _ends(_pedalled([(0, 2, 60), (1, 3, 60)], [(5, 6)])) == [(0, 2, 60), (1, 3, 60)]


def test_the_pedal_is_handled_before_keys_at_one_moment() -> None:
    # Down at the very release holds the note; up at the very release does not.
    assert _ends(_pedalled([(0, 1, 60)], [(1, 2)])) == [(0, 2, 60)]
    assert _ends(_pedalled([(0, 1, 60)], [(0, 1)])) == [(0, 1, 60)]


def test_nothing_is_left_of_the_pedal() -> None:
    notes = sustained(_pedalled([(0, 1, 60)], [(0, 2)]))
    assert len(notes.pedal) == 0 and sustained(notes) is notes
    assert len(sustained(_pedalled([], [(0, 1)]))) == 0


def test_control_changes_become_presses() -> None:
    time = np.array([0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0])
    value = np.array([0, 64, 127, 63, 10, 100, 90])
    assert presses(time, value, 9.0).tolist() == [[1.0, 2.0], [4.0, 9.0]]
    assert presses(np.array([1.0, 1.0]), np.array([0, 127]), 2.0).tolist() == [], "down counts before up"
    assert presses(np.array([1.0, 2.0, 2.0, 3.0]), np.array([127, 127, 0, 0]), 4.0).tolist() == [[1.0, 2.0]]
    assert presses(np.zeros(0), np.zeros(0), 1.0).shape == (0, 2)


def _by_walking(notes: Notes) -> list[tuple[float, float, int]]:
    """The same by walking from event to event, as it is defined."""
    events: list[tuple[float, int, int]] = []
    for index, (down, up) in enumerate(notes.pedal.tolist()):
        events += [(down, 0, index), (up, 1, index)]
    for index, (start, end) in enumerate(zip(notes.start.tolist(), notes.end.tolist(), strict=True)):
        events += [(start, 2, index), (end, 3, index)]
    sounding: dict[int, bool] = {}  # note -> still held
    ends, down = {}, False
    for time, kind, index in sorted(events):
        if kind == 0:
            down = True
        elif kind == 1:
            down = False
            for note in [n for n, held in sounding.items() if not held]:
                ends[note] = time
                del sounding[note]
        elif kind == 2:
            if down:
                for note in [n for n in sounding if notes.pitch[n] == notes.pitch[index]]:
                    ends[note] = time
                    del sounding[note]
            sounding[index] = True
        elif index in sounding:
            if down:
                sounding[index] = False
            else:
                ends[index] = time
                del sounding[index]
    last = max(e[0] for e in events)
    for note in sounding:
        ends[note] = last
    # A key struck twice at once under the pedal leaves a note of no length behind, which is dropped.
    gone = {n for n, end in ends.items() if end == notes.start[n]}
    return sorted((float(notes.start[n]), end, int(notes.pitch[n])) for n, end in ends.items() if n not in gone)


@unhurried
@given(st.data())
def test_one_sort_gives_what_walking_from_event_to_event_gives(data: st.DataObject) -> None:
    tick = st.integers(0, 12)
    rows = data.draw(st.lists(st.tuples(tick, st.integers(1, 6), st.integers(60, 62)), min_size=1, max_size=12))
    marks = sorted(data.draw(st.sets(st.integers(0, 20), max_size=6)))
    marks = marks[: len(marks) // 2 * 2]
    pedal = list(zip(marks[::2], marks[1::2], strict=True))
    notes = _pedalled([(s, s + length, p) for s, length, p in rows], pedal)  # type: ignore[misc]
    if len(notes.pedal):
        assert sorted(_ends(notes)) == _by_walking(notes)
