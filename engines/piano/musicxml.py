"""A performance as sheet music that notation programs open: rounded to sixteenths, two staves, 4/4.

Source: W3C MusicXML 4.0; the key by C. Krumhansl's profiles (Cognitive Foundations of Musical Pitch, 1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

import numpy as np

from engines.core.errors import UserError
from engines.piano.notes import Notes

PER_QUARTER: Final = 4
PER_BAR: Final = 16
MOST_BARS: Final = 3000
SPLIT: Final = 60
"""Notes from middle C on stand in the upper staff."""
_LENGTHS: Final = {
    16: ("whole", 0),
    12: ("half", 1),
    8: ("half", 0),
    6: ("quarter", 1),
    4: ("quarter", 0),
    3: ("eighth", 1),
    2: ("eighth", 0),
    1: ("16th", 0),
}
_MAJOR: Final = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR: Final = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_HEAD: Final = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">
<score-partwise version="4.0">
<work><work-title>{title}</work-title></work>
<part-list><score-part id="P1"><part-name>Piano</part-name></score-part></part-list>
<part id="P1">
"""


@dataclass(frozen=True)
class _Event:
    """A chord, or a rest when there is no pitch. Times in sixteenths; tied to what comes before and after."""

    start: int
    length: int
    pitches: tuple[int, ...]
    velocity: int = 0
    from_before: bool = False
    goes_on: bool = False


def musicxml(notes: Notes, bpm: float = 120.0, *, title: str = "Performance") -> str:
    """The score as text. bpm: quarter notes a minute that a sixteenth is measured by.

    Keys as they were pressed, without the pedal; pitches that a piano has no key for are left out (the lowest have
    octaves that the format does not know). In each staff a chord ends where the next one begins. Whole bars
    of silence at the beginning are left out. Raises UserError for no notes, or for more than 3,000 bars.
    """
    if not 10 <= bpm <= 400:
        raise UserError(f"expected 10 to 400 quarter notes a minute, got {bpm}")
    notes = notes.on_keys()
    if not len(notes):
        raise UserError("there are no notes to write down", "compose or open something first")
    grid = 60 / bpm / PER_QUARTER
    first = np.floor(notes.start / grid + 0.5).astype(int)
    last = np.maximum(np.floor(notes.end / grid + 0.5).astype(int), first + 1)
    silent = int(first.min()) // PER_BAR * PER_BAR
    first, last = first - silent, last - silent
    bars = -(-int(last.max()) // PER_BAR)
    if bars > MOST_BARS:
        raise UserError(f"it would have {bars:,} bars; {MOST_BARS:,} is the limit", "choose a lower tempo or a part")
    fifths = key_of(notes)
    upper = notes.pitch >= SPLIT
    staves = []
    for mine in (upper, ~upper):
        chords = _chords(first[mine], last[mine], notes.pitch[mine], notes.velocity[mine])
        staves.append(_by_bar(chords, bars))
    text = [_HEAD.format(title=escape(title))]
    for bar in range(bars):
        text.append(f'<measure number="{bar + 1}">\n')
        if bar == 0:
            text.append(_attributes(fifths, bpm))
        for staff, events in enumerate(staves, start=1):
            if staff == 2:
                text.append(f"<backup><duration>{PER_BAR}</duration></backup>\n")
            text += [_written(event, staff, fifths) for event in events[bar]]
        text.append("</measure>\n")
    text.append("</part>\n</score-partwise>\n")
    return "".join(text)


def key_of(notes: Notes) -> int:
    """Sharps (flats when negative) of the key that fits best, -6 to 6; a minor key counts as its signature."""
    weight = np.bincount(notes.pitch % 12, np.maximum(notes.end - notes.start, 0.05), minlength=12)
    best, signature = -np.inf, 0
    for tonic in range(12):
        for shape, away in ((_MAJOR, 0), (_MINOR, 3)):
            fit = float(np.corrcoef(weight, np.roll(shape, tonic))[0, 1]) if weight.std() else 0.0
            if fit > best + 1e-9:
                fifths = (tonic + away) * 7 % 12
                best, signature = fit, fifths - 12 if fifths > 6 else fifths
    return signature


def spelled(pitch: int, fifths: int) -> tuple[str, int, int]:
    """Letter, alteration (-1 flat, 1 sharp) and octave that a pitch is written with in a key."""
    lowest = min(max(fifths - 3, -7), 1)  # no double flats or sharps
    on_line = (pitch * 7 - lowest) % 12 + lowest  # place on the line of fifths, C = 0
    alter = (on_line + 1) // 7
    return "FCGDAEB"[(on_line + 1) % 7], alter, (pitch - alter) // 12 - 1


def _chords(first: np.ndarray, last: np.ndarray, pitch: np.ndarray, velocity: np.ndarray) -> list[_Event]:
    """Notes that begin together, each chord cut where the next begins."""
    starts = np.unique(first).tolist()
    chords = []
    for start, following in zip(starts, [*starts[1:], PER_BAR * MOST_BARS][: len(starts)], strict=True):
        mine = first == start
        length = min(int(last[mine].max()), following) - start
        pitches = tuple(int(p) for p in np.unique(pitch[mine]))
        chords.append(_Event(start, length, pitches, int(velocity[mine].max())))
    return chords


def _by_bar(chords: list[_Event], bars: int) -> list[list[_Event]]:
    """The events of each bar with rests between, cut at bar lines and into lengths that have a name."""
    rows: list[list[_Event]] = [[] for _ in range(bars)]
    now = 0

    def put(start: int, end: int, pitches: tuple[int, ...], velocity: int) -> None:
        at = start
        while at < end:
            room = min(end, (at // PER_BAR + 1) * PER_BAR) - at
            length = next(size for size in _LENGTHS if size <= room)
            tied = bool(pitches)
            rows[at // PER_BAR].append(
                _Event(at, length, pitches, velocity, tied and at > start, tied and at + length < end)
            )
            at += length

    for chord in chords:
        put(now, chord.start, (), 0)
        now = chord.start + chord.length
        put(chord.start, now, chord.pitches, chord.velocity)
    put(now, bars * PER_BAR, (), 0)
    return rows


def _attributes(fifths: int, bpm: float) -> str:
    return (
        f"<attributes><divisions>{PER_QUARTER}</divisions><key><fifths>{fifths}</fifths></key>"
        "<time><beats>4</beats><beat-type>4</beat-type></time><staves>2</staves>"
        '<clef number="1"><sign>G</sign><line>2</line></clef><clef number="2"><sign>F</sign><line>4</line></clef>'
        "</attributes>\n"
        '<direction placement="above"><direction-type><metronome><beat-unit>quarter</beat-unit>'
        f"<per-minute>{bpm:g}</per-minute></metronome></direction-type><staff>1</staff>"
        f'<sound tempo="{bpm:g}"/></direction>\n'
    )


def _written(event: _Event, staff: int, fifths: int) -> str:
    name, dots = _LENGTHS[event.length]
    length = f"<duration>{event.length}</duration>"
    tail = f"<voice>{1 if staff == 1 else 5}</voice><type>{name}</type>{'<dot/>' * dots}<staff>{staff}</staff>"
    if not event.pitches:
        whole = event.length == PER_BAR
        rest = '<rest measure="yes"/>' if whole else "<rest/>"
        return f"<note>{rest}{length}{tail}</note>\n"
    ties = (["stop"] if event.from_before else []) + (["start"] if event.goes_on else [])
    tie = "".join(f'<tie type="{kind}"/>' for kind in ties)
    tied = "".join(f'<tied type="{kind}"/>' for kind in ties)
    notation = f"<notations>{tied}</notations>" if ties else ""
    out = []
    for number, pitch in enumerate(event.pitches):
        letter, alter, octave = spelled(pitch, fifths)
        altered = f"<alter>{alter}</alter>" if alter else ""
        out.append(
            f'<note dynamics="{100 * event.velocity / 90:.0f}">{"<chord/>" if number else ""}'
            f"<pitch><step>{letter}</step>{altered}<octave>{octave}</octave></pitch>{length}{tie}{tail}{notation}</note>\n"
        )
    return "".join(out)
