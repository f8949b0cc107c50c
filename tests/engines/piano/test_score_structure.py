"""Sheet music against the structure that notation programs expect, for random pieces.

Source: W3C MusicXML 4.0, the content model of `note` and `measure` (order of elements), and what MuseScore reports as a
corrupt file: a measure whose voices do not add up to its length, or whose cursor does not end at its end.
"""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.piano.musicxml import PER_BAR, PER_QUARTER, musicxml
from engines.piano.notes import Notes
from tests.engines.piano.unhurried import unhurried

ORDER = ("chord", "pitch", "rest", "duration", "tie", "voice", "type", "dot", "staff", "notations")
QUARTERS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
rows = st.lists(
    st.tuples(
        st.floats(-3, 30),
        st.sampled_from([0.0, 0.001, 0.05, 0.1, 0.3, 0.5, 1.0, 2.7, 9.0, 20.0]),
        st.integers(0, 127),
        st.integers(1, 127),
    ),
    min_size=1,
    max_size=40,
)


def names_in_order(element: ElementTree.Element) -> None:
    places = [ORDER.index(child.tag) for child in element]
    assert places == sorted(places)


def cursor_of(measure: ElementTree.Element) -> tuple[int, dict[str, int]]:
    """Where the cursor ends, and how much each voice fills. Notes of a chord and of a voice must agree."""
    at, filled, last = 0, dict.fromkeys(("1", "5"), 0), 0
    for element in measure:
        if element.tag == "backup":
            at -= int(element.findtext("duration", ""))
            assert at >= 0 and [child.tag for child in element] == ["duration"]
        elif element.tag == "note":
            names_in_order(element)
            length = int(element.findtext("duration", ""))
            quarters = QUARTERS[element.findtext("type", "")] * (1.5 if element.find("dot") is not None else 1)
            assert length == quarters * PER_QUARTER > 0, "the written value is the duration"
            if element.find("chord") is not None:
                assert length == last and element.find("pitch") is not None
                continue
            voice, staff = element.findtext("voice", ""), element.findtext("staff", "")
            assert (voice, staff) in (("1", "1"), ("5", "2"))
            at, last = at + length, length
            filled[voice] += length
            assert at <= PER_BAR, "no note crosses a bar line"
        else:
            assert element.tag in ("attributes", "direction")
    return at, filled


def check(text: str) -> ElementTree.Element:
    """The score. Every measure must be whole, and every tie have both its ends on neighbouring notes."""
    root = ElementTree.fromstring(text)
    assert root.tag == "score-partwise" and [p.get("id") for p in root.iter("score-part")] == ["P1"]
    (part,) = root.findall("part")
    assert part.get("id") == "P1"
    measures = part.findall("measure")
    assert [m.get("number") for m in measures] == [str(k + 1) for k in range(len(measures))]
    first = measures[0].find("attributes")
    assert [child.tag for child in first] == ["divisions", "key", "time", "staves", "clef", "clef"]
    assert first.findtext("divisions") == str(PER_QUARTER) and first.findtext("staves") == "2"
    going_on: dict[str, set[tuple[str, ...]]] = {"1": set(), "5": set()}
    for number, measure in enumerate(measures):
        assert (measure.find("attributes") is None) == (number > 0)
        assert cursor_of(measure) == (PER_BAR, {"1": PER_BAR, "5": PER_BAR})
        going_on = ties(measure, going_on)
    assert not any(going_on.values()), "a tie goes nowhere"
    return root


def ties(measure: ElementTree.Element, before: dict[str, set[tuple[str, ...]]]) -> dict[str, set[tuple[str, ...]]]:
    """The pitches of each voice that are tied over the end of the measure."""
    waiting = dict(before)
    chord: list[ElementTree.Element] = []
    notes = measure.findall("note")
    for place, note in enumerate(notes):
        chord.append(note)
        if place + 1 < len(notes) and notes[place + 1].find("chord") is not None:
            continue
        voice = chord[0].findtext("voice", "")
        stop, start = (
            {pitch_of(n) for n in chord if any(t.get("type") == kind for t in n.findall("tie"))}
            for kind in ("stop", "start")
        )
        assert stop == waiting[voice], "a tie ends on the next chord of its voice"
        for n in chord:
            assert [t.get("type") for t in n.findall("tie")] == [t.get("type") for t in n.findall("notations/tied")]
        waiting[voice] = start
        chord = []
    return waiting


def pitch_of(note: ElementTree.Element) -> tuple[str, ...]:
    return tuple(note.findtext(f"pitch/{name}", "") for name in ("step", "alter", "octave"))


@settings(unhurried, max_examples=200)
@given(rows, st.sampled_from([40.0, 90.0, 120.0, 173.5, 400.0]))
def test_every_measure_of_any_piece_is_whole(table: list[tuple[float, float, int, int]], bpm: float) -> None:
    notes = Notes.of([(start, start + length, pitch, velocity) for start, length, pitch, velocity in table])
    if not len(notes.on_keys()):
        with pytest.raises(UserError, match="no notes"):
            musicxml(notes, bpm)
        return
    root = check(musicxml(notes, bpm))
    octaves = [int(o.text or "") for o in root.iter("octave")]
    assert min(octaves) >= 0 and max(octaves) <= 9, "the format knows no others"
    # Every onset on the grid and pitch stands there once, as the beginning of a note.
    grid = 15 / bpm
    onsets = {(int(np.floor(n.start / grid + 0.5)), n.pitch) for n in map(_Row, notes.on_keys().rows)}
    begun = sum(1 for n in root.iter("note") if n.find("pitch") is not None and not stopped(n))
    assert begun == len(onsets)


class _Row:
    def __init__(self, row: np.ndarray) -> None:
        self.start, self.pitch = float(row[0]), int(row[2])


def stopped(note: ElementTree.Element) -> bool:
    return any(tie.get("type") == "stop" for tie in note.findall("tie"))


@pytest.mark.parametrize("bpm", [10.0, 60.0, 400.0])
def test_everything_at_once_is_one_chord_in_each_staff(bpm: float) -> None:
    keys = np.arange(21, 109)
    root = check(musicxml(Notes(np.zeros(88), np.full(88, 0.5), keys, np.full(88, 64)), bpm))
    measure = root.find("part/measure")
    heads = [n for n in measure.findall("note") if n.find("pitch") is not None and n.find("chord") is None]
    assert len({n.findtext("staff") for n in heads}) == 2
