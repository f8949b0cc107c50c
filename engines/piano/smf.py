"""Standard MIDI files as plain events: a reader that survives damaged files, and a writer.

Reading it ourselves keeps what a damaged file still holds and says what was wrong; the usual libraries refuse such
files whole. Source: MIDI Manufacturers Association, Standard MIDI Files 1.0 (1996).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.core.errors import UserError

MOST_BYTES: Final = 32_000_000
MOST_EVENTS: Final = 3_000_000
"""Larger files are refused. An hour of dense piano with pedal is about 300,000 events."""
EVENTS_A_CHECK: Final = 8192
"""A few milliseconds of reading."""
_EXPORT: Final = "export it again from the program that wrote it, as a Standard MIDI File (.mid)"
_DATA_BYTES: Final = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_SYSTEM_BYTES: Final = {0xF1: 1, 0xF2: 2, 0xF3: 1}
TEMPO: Final = 0x51
_NAME, _END = 0x03, 0x2F


@dataclass
class RawTrack:
    """Channel events of one track in file order. events: (tick, status, first data byte, second or 0)."""

    name: str = ""
    events: list[tuple[int, int, int, int]] = field(default_factory=list)
    end: int = 0


@dataclass(frozen=True)
class RawFile:
    """What a file says. division: ticks per quarter note, or 0 with `tick_seconds` set (SMPTE time).

    tempos: (tick, microseconds per quarter note) in order of ticks; none means 500,000 throughout.
    remarks: what was wrong and how it was read all the same.
    """

    kind: int
    division: int
    tick_seconds: float
    tracks: tuple[RawTrack, ...]
    tempos: tuple[tuple[int, int], ...]
    remarks: tuple[str, ...]

    def seconds(self, ticks: np.ndarray) -> np.ndarray:
        """float64: the moments of `ticks`."""
        ticks = np.asarray(ticks, np.int64)
        if not self.division:
            return ticks * self.tick_seconds
        at = np.array([0, *(tick for tick, _ in self.tempos)], np.int64)
        length = np.array([500_000, *(tempo for _, tempo in self.tempos)], np.int64)
        scale = 1_000_000 * self.division
        # Multiplied before divided, so that a grid of 10 ms comes out as the nearest numbers to its points.
        begins = np.concatenate(([0.0], np.cumsum(np.diff(at).astype(np.float64) * length[:-1] / scale)))
        piece = np.searchsorted(at, ticks, side="right") - 1
        return begins[piece] + (ticks - at[piece]).astype(np.float64) * length[piece] / scale


class _Damaged(Exception):
    """The rest of a track makes no sense."""


def parse(data: bytes, check: Callable[[], None] = lambda: None) -> RawFile:
    """Read a Standard MIDI File. Raises UserError for what is none, is too large, or holds separate pieces.

    check: called every few thousand events; what it raises ends the reading.
    """
    if len(data) > MOST_BYTES:
        raise UserError(
            f"it has {len(data) / 1e6:.0f} MB; {MOST_BYTES / 1e6:.0f} MB is the limit", "cut it into pieces"
        )
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        data = data[max(data.find(b"MThd"), 0) :]
    if data[:4] != b"MThd" or len(data) < 14:
        raise UserError("it is no MIDI file" if data else "it is empty", _EXPORT)
    header = int.from_bytes(data[4:8], "big")
    kind, count, division = (int.from_bytes(data[i : i + 2], "big") for i in (8, 10, 12))
    remarks: list[str] = []
    tick_seconds = 0.0
    if division & 0x8000:
        frames, parts = 256 - (division >> 8), division & 0xFF
        if frames not in (24, 25, 29, 30) or not parts:
            raise UserError(f"its time code of {frames} frames with {parts} parts is damaged", _EXPORT)
        tick_seconds, division = 1 / ((30000 / 1001 if frames == 29 else frames) * parts), 0
    elif not division:
        raise UserError("it states 0 ticks per quarter note", _EXPORT)

    tracks: list[RawTrack] = []
    tempos: list[tuple[int, int]] = []
    at, left = 8 + header, MOST_EVENTS
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        begin, at = at + 8, at + 8 + size
        if name != b"MTrk":
            continue
        if at > len(data):
            remarks.append(f"track {len(tracks) + 1} is cut off; what is there was read")
        track = RawTrack()
        try:
            _read_track(data[begin:at], track, tempos, left, check)
        except _Damaged as trouble:
            remarks.append(f"track {len(tracks) + 1} is damaged after {len(track.events)} events: {trouble}")
        left -= len(track.events)
        if left <= 0:
            raise UserError(f"it has more than {MOST_EVENTS / 1e6:.0f} million events", "cut it into pieces")
        tracks.append(track)
    if len(tracks) < count:
        remarks.append(f"{len(tracks)} of {count} tracks are there")
    if kind == 2 and sum(any(e[1] & 0xF0 == 0x90 for e in t.events) for t in tracks) > 1:
        raise UserError(
            f"it holds {len(tracks)} separate pieces (MIDI format 2)", "save the one you want as format 0 or 1"
        )
    good = [(tick, tempo) for tick, tempo in tempos if tempo > 0]
    if len(good) < len(tempos):
        remarks.append("a tempo of zero was passed over")
    good.sort(key=lambda pair: pair[0])
    return RawFile(kind, division, tick_seconds, tuple(tracks), tuple(good), tuple(remarks))


def _read_track(
    data: bytes, track: RawTrack, tempos: list[tuple[int, int]], left: int, check: Callable[[], None]
) -> None:
    """Fill `track` and add to `tempos`. Raises _Damaged; what came before is then in place."""
    at, tick, running, size, events = 0, 0, 0, len(data), track.events
    try:
        while at < size:
            # Time since the last event, 7 bits a byte; nearly always one byte.
            value = data[at]
            at += 1
            if value & 0x80:
                value, at = _rest_of_number(data, at, value & 0x7F)
            tick += value
            status = data[at]
            if status & 0x80:
                at += 1
            elif running:
                status = running
            else:
                raise _Damaged("data without an event")
            if status < 0xF0:
                running = status
                first = data[at]
                second = data[at + 1] if _DATA_BYTES[status & 0xF0] == 2 else 0
                at += _DATA_BYTES[status & 0xF0]
                if (first | second) & 0x80:
                    raise _Damaged("a data byte above 127")
                events.append((tick, status, first, second))
                if len(events) > left:
                    return
                if not len(events) % EVENTS_A_CHECK:
                    check()
            elif status in (0xFF, 0xF0, 0xF7):
                if status == 0xFF:
                    which = data[at]
                    at += 1
                length, at = _rest_of_number(data, at, 0)
                body = data[at : at + length]
                at += length
                running = 0
                if status != 0xFF:
                    continue
                if which == TEMPO and len(body) == 3:
                    tempos.append((tick, int.from_bytes(body, "big")))
                elif which == _NAME and not track.name:
                    track.name = _text(body)
                elif which == _END:
                    return
            else:
                at += _SYSTEM_BYTES.get(status, 0)
    except IndexError:
        raise _Damaged("it ends within an event") from None
    finally:
        track.end = tick


def _rest_of_number(data: bytes, at: int, value: int) -> tuple[int, int]:
    """A variable-length number whose first bits are `value`, and where it ends."""
    for _ in range(4):
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, at
    raise _Damaged("a number of more than four bytes")


def _text(body: bytes) -> str:
    for encoding in ("utf-8", "latin-1"):
        try:
            return "".join(c for c in body.decode(encoding) if c.isprintable()).strip()[:80]
        except UnicodeDecodeError:
            continue
    return ""


def number(value: int) -> bytes:
    """A variable-length number, 7 bits a byte, most significant first."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def compose(division: int, tempo: int, events: list[tuple[int, bytes]]) -> bytes:
    """A format-0 file. tempo: microseconds per quarter note. events: (tick, channel message) in order."""
    parts = [b"\x00\xff\x51\x03", tempo.to_bytes(3, "big")]
    now = 0
    for tick, message in events:
        parts += (number(tick - now), message)
        now = tick
    parts.append(b"\x00\xff\x2f\x00")
    body = b"".join(parts)
    header = (6).to_bytes(4, "big") + (0).to_bytes(2, "big") + (1).to_bytes(2, "big") + division.to_bytes(2, "big")
    return b"MThd" + header + b"MTrk" + len(body).to_bytes(4, "big") + body
