"""Performances from MIDI files and back into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.core.atomic import write_bytes
from engines.core.errors import UserError
from engines.piano.notes import Notes, concatenate, joined_spans
from engines.piano.pedal import presses, sustained
from engines.piano.smf import EVENTS_A_CHECK, MOST_BYTES, RawFile, RawTrack, compose, parse

LONGEST_S: Final = 4 * 3600.0
MOST_NOTES: Final = 500_000
"""Longer or fuller files are refused: nothing here is made for them, and they are usually damaged."""
SUFFIXES: Final = frozenset({".mid", ".midi", ".kar", ".rmi"})
TICKS_PER_QUARTER, MICROSECONDS_PER_QUARTER = 500, 500_000
"""What is written: 120 quarters a minute, so that one tick is one millisecond."""
_DRUMS: Final = 9
_SUSTAIN: Final = 64


@dataclass(frozen=True)
class Track:
    """The notes of one channel in one track. channel: 0 to 15. program: 0 to 127, General MIDI.

    notes: with the presses of their channel's pedal.
    """

    name: str
    channel: int
    program: int
    notes: Notes

    @property
    def is_drums(self) -> bool:
        return self.channel == _DRUMS


@dataclass(frozen=True)
class Tempo:
    """Quarter notes a minute: at the beginning, the slowest and the fastest; changes: how often it changes."""

    first: float
    slowest: float
    fastest: float
    changes: int


@dataclass(frozen=True)
class Performance:
    """What a MIDI file holds.

    notes: of all tracks but drums. Where all sounding channels share one pedal it is kept in `notes.pedal`;
        where they differ, each track's own has been applied to its notes already and none is left.
    pedal: float64 [P, 2], all presses, to be looked at. tracks: those with notes, drums included.
    remarks: what was odd about the file and how it was read all the same.
    """

    name: str
    notes: Notes
    pedal: np.ndarray
    tracks: tuple[Track, ...]
    tempo: Tempo
    remarks: tuple[str, ...] = ()

    def track(self, name: str) -> Track | None:
        """The first track of that name (case does not matter), or None."""
        return next((t for t in self.tracks if t.name.casefold() == name.casefold()), None)


def read_midi(path: Path | str, check: Callable[[], None] = lambda: None) -> Performance:
    """Read a Standard MIDI File (format 0 or 1, also inside RIFF), up to 32 MB, 4 hours and 500,000 notes.

    Damaged files give what they still hold, with a remark. Raises UserError when there is nothing to play:
    no MIDI file, empty, drums only, several separate pieces (format 2), or beyond the limits. check: called every
    100 ms or oftener; what it raises ends the reading.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{path.name} has {path.stat().st_size / 1e6:.0f} MB", "choose a MIDI file below 32 MB")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "check its name and permissions") from None
    return read_midi_bytes(data, path.name, check)


def read_midi_bytes(data: bytes, name: str, check: Callable[[], None] = lambda: None) -> Performance:
    """`read_midi` of a file's content. name: shown in errors."""
    try:
        return _performance(parse(data, check), name, check)
    except UserError as error:
        raise UserError(f"{name}: {error.what}", error.remedy) from None


def write_midi(path: Path | str, notes: Notes) -> None:
    """Write notes and pedal as a MIDI file whose ticks are milliseconds (500 a quarter note, 120 a minute).

    A file cannot hold two notes of one pitch at once: the earlier one is cut where the later one begins.
    Raises UserError when it cannot be written.
    """
    try:
        write_bytes(Path(path), midi_bytes(notes))
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "choose another folder") from None


def midi_bytes(notes: Notes) -> bytes:
    """What `write_midi` writes. Times before 0 s are moved to it; every note lasts at least 1 ms."""
    start = np.maximum(np.floor(notes.start * 1000 + 0.5), 0).astype(np.int64)
    end = np.maximum(np.floor(notes.end * 1000 + 0.5).astype(np.int64), start + 1)
    order = np.lexsort((start, notes.pitch))
    same = notes.pitch[order][1:] == notes.pitch[order][:-1]
    end[order[:-1]] = np.where(same, np.minimum(end[order[:-1]], start[order[1:]]), end[order[:-1]])
    kept = np.flatnonzero(end > start)  # of notes struck at once on one key the last one remains

    # At one moment: the pedal, then releases, then strikes, as `pedal.sustained` reads them.
    events: list[tuple[int, int, bytes]] = []
    for down, up in np.maximum(np.floor(notes.pedal * 1000 + 0.5), 0).astype(np.int64).tolist():
        if up > down:
            events += ((down, 1, bytes((0xB0, _SUSTAIN, 127))), (up, 0, bytes((0xB0, _SUSTAIN, 0))))
    for i in kept.tolist():
        pitch = int(notes.pitch[i])
        events.append((int(start[i]), 3, bytes((0x90, pitch, int(notes.velocity[i])))))
        events.append((int(end[i]), 2, bytes((0x80, pitch, 64))))
    events.sort(key=lambda event: event[:2])
    return compose(TICKS_PER_QUARTER, MICROSECONDS_PER_QUARTER, [(tick, message) for tick, _, message in events])


def write_musicxml(path: Path | str, notes: Notes, bpm: float = 120.0) -> None:
    """Write notes as sheet music: sixteenths at `bpm` quarter notes a minute, 4/4, two staves; see
    `musicxml`. Raises UserError."""
    from engines.piano.musicxml import musicxml

    try:
        write_bytes(Path(path), musicxml(notes, bpm).encode())
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}", "choose another folder") from None


def midi_files(folder: Path | str, check: Callable[[], None] = lambda: None) -> list[Path]:
    """MIDI files below a folder, sorted by path. Raises UserError when it is none or holds none."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder", "choose a folder of MIDI files")
    found = []
    for path in sorted(folder.rglob("*")):
        check()
        if path.suffix.lower() in SUFFIXES and path.is_file():
            found.append(path)
    if not found:
        raise UserError(f"{folder} holds no MIDI file", f"expected files ending in {', '.join(sorted(SUFFIXES))}")
    return found


def _performance(raw: RawFile, name: str, check: Callable[[], None]) -> Performance:
    last = max((track.end for track in raw.tracks), default=0)
    length = float(raw.seconds(np.array([last]))[0])
    changes = [event for track in raw.tracks for event in track.events if event[1] & 0xF0 == 0xB0]
    pedals = {}
    for channel in {event[1] & 0x0F for event in changes if event[2] == _SUSTAIN}:
        mine = [(e[0], e[3]) for e in changes if e[1] & 0x0F == channel and e[2] == _SUSTAIN]
        moments = raw.seconds(np.array([tick for tick, _ in mine]))
        pedals[channel] = presses(moments, np.array([value for _, value in mine]), length)

    remarks = list(raw.remarks)
    tracks: list[Track] = []
    unreleased = 0
    for track in raw.tracks:
        found, left_open = _paired(track, check)
        unreleased += left_open
        for channel, (program, rows) in sorted(found.items()):
            table = np.array(rows, np.int64)
            notes = Notes(
                raw.seconds(table[:, 0]),
                raw.seconds(table[:, 1]),
                table[:, 2].astype(np.int16),
                table[:, 3].astype(np.int16),
                pedals.get(channel, np.zeros((0, 2))),
            )
            tracks.append(Track(track.name, channel, program, notes))
    if unreleased:
        remarks.append(f"{unreleased} notes are never released; they end with their track")
    playing = [track for track in tracks if not track.is_drums]
    if not playing:
        what = "it holds drums only" if tracks else "it holds no notes"
        if remarks and not tracks:
            what = f"it is damaged and holds no notes ({remarks[0]})"
        raise UserError(what, "choose a file with a piano part")
    if len(playing) < len(tracks):
        remarks.append("drums were left out")
    count = sum(len(track.notes) for track in playing)
    if count > MOST_NOTES:
        raise UserError(f"it has {count:,} notes; {MOST_NOTES:,} is the limit", "cut it into pieces")
    longest = max(track.notes.duration for track in playing)
    if longest > LONGEST_S:
        raise UserError(
            f"it lasts {longest / 3600:.1f} hours; {LONGEST_S / 3600:.0f} is the limit", "cut it into pieces"
        )

    used = {track.channel for track in playing}
    pedal = joined_spans(np.concatenate([pedals.get(channel, np.zeros((0, 2))) for channel in sorted(used)]))
    shared = len(used) == 1 or not len(pedal)
    merged = concatenate([track.notes if shared else sustained(track.notes) for track in playing])
    return Performance(name, merged, pedal, tuple(tracks), _tempo(raw), tuple(remarks))


def _paired(
    track: RawTrack, check: Callable[[], None]
) -> tuple[dict[int, tuple[int, list[tuple[int, int, int, int]]]], int]:
    """Per channel its first program and its notes as (start tick, end tick, pitch, velocity), and how many
    were never released.

    A release ends every open note of its key but those struck at that very tick, as pretty_midi does; when
    only such are open, it ends them.
    """
    found: dict[int, tuple[int, list[tuple[int, int, int, int]]]] = {}
    programs: dict[int, int] = {}
    waiting: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for number, (tick, status, first, second) in enumerate(track.events):
        if not number % EVENTS_A_CHECK:
            check()
        kind, channel = status & 0xF0, status & 0x0F
        if kind == 0xC0:
            programs.setdefault(channel, first)
        elif kind == 0x90 and second:
            waiting.setdefault((channel, first), []).append((tick, second))
        elif kind in (0x80, 0x90):
            struck = waiting.get((channel, first))
            if not struck:
                continue
            fresh = [note for note in struck if note[0] == tick]
            ended = [note for note in struck if note[0] != tick]
            if not ended:
                fresh, ended = [], fresh
            waiting[channel, first] = fresh
            rows = found.setdefault(channel, (0, []))[1]
            rows += [(start, tick, first, velocity) for start, velocity in ended]
    unreleased = 0
    for (channel, pitch), struck in waiting.items():
        unreleased += len(struck)
        rows = found.setdefault(channel, (0, []))[1]
        rows += [(start, track.end, pitch, velocity) for start, velocity in struck]
    return {c: (programs.get(c, 0), rows) for c, (_, rows) in found.items() if rows}, unreleased


def _tempo(raw: RawFile) -> Tempo:
    rates = [60e6 / tempo for _, tempo in raw.tempos]
    if not raw.tempos or raw.tempos[0][0] > 0:
        rates.insert(0, 120.0)
    return Tempo(rates[0], min(rates), max(rates), len(rates) - 1)
