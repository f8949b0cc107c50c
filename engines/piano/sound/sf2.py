"""SoundFont 2 files: which samples a key plays, and the tone they give.

What a piano needs of the format: zones by key and velocity, tuning, loops, pan, attenuation, the volume envelope, and
the low-pass, which stays where its envelope puts it at first. No modulators, vibrato, chorus or reverb. Source:
SoundFont Technical Specification 2.04 (Creative, 2006), sections 7 (chunks) and 8 (generators).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.core.errors import UserError

_LARGEST: Final = 4 << 30
_TYPES: Final = {
    b"phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")]),
    b"pbag": np.dtype([("gen", "<u2"), ("mod", "<u2")]),
    b"pgen": np.dtype([("oper", "<u2"), ("amount", "<u2")]),
    b"inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    b"ibag": np.dtype([("gen", "<u2"), ("mod", "<u2")]),
    b"igen": np.dtype([("oper", "<u2"), ("amount", "<u2")]),
    b"shdr": np.dtype(
        [
            ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"),
            ("rate", "<u4"), ("pitch", "u1"), ("correction", "i1"), ("link", "<u2"), ("kind", "<u2"),
        ]
    ),
}  # fmt: skip
# Generators by their numbers in section 8.1.2.
_START, _END, _LOOP_START, _LOOP_END, _START_COARSE = 0, 1, 2, 3, 4
_FILTER, _FILTER_ENVELOPE, _END_COARSE, _PAN = 8, 11, 12, 17
_DELAY, _ATTACK, _HOLD, _DECAY, _SUSTAIN, _RELEASE, _KEY_HOLD, _KEY_DECAY = 33, 34, 35, 36, 37, 38, 39, 40
_INSTRUMENT, _KEYS, _VELOCITIES, _LOOP_START_COARSE = 41, 43, 44, 45
_ATTENUATION, _LOOP_END_COARSE, _COARSE, _FINE, _SAMPLE, _MODES, _SCALE, _ROOT = 48, 50, 51, 52, 53, 54, 56, 58
_DEFAULTS: Final = {
    _FILTER: 13_500, _DELAY: -12_000, _ATTACK: -12_000, _HOLD: -12_000, _DECAY: -12_000, _RELEASE: -12_000,
    _SCALE: 100, _ROOT: -1,
}  # fmt: skip
_NOT_ADDED: Final = {_START, _END, _LOOP_START, _LOOP_END, _START_COARSE, _END_COARSE, _LOOP_START_COARSE,
                     _LOOP_END_COARSE, _MODES, _ROOT, _SAMPLE, _INSTRUMENT, _KEYS, _VELOCITIES}  # fmt: skip
_COMPRESSED: Final = 0x10
"""Bit of a sample's kind in .sf3 files: Ogg Vorbis instead of samples."""
_FILTER_TAPS: Final = 256
"""At most."""
_MOST_ZONES: Final = 4096


@dataclass(frozen=True)
class Zone:
    """One sample over a range of keys and velocities (inclusive).

    start, end: of the sample in the file's pool; loop: (start, end) or None. rate: Hz of the sample. cents: tuning at
    key 0, so that key k plays cents + scale * k above the sample's own pitch. pan: -0.5 … 0.5. gain: linear.
    delay_s … sustain_db: volume envelope; hold_keys, decay_keys: timecents a key. cutoff_hz: of the low-pass, 0 for
    none.
    """

    keys: tuple[int, int]
    velocities: tuple[int, int]
    start: int
    end: int
    loop: tuple[int, int] | None
    rate: int
    cents: float
    scale: float
    pan: float
    gain: float
    delay_s: float
    attack_s: float
    hold_s: float
    decay_s: float
    sustain_db: float
    release_s: float
    hold_keys: float
    decay_keys: float
    cutoff_hz: float


class Compressed(UserError):
    """The samples are compressed (.sf3)."""


class SoundFontFile:
    """The zones of a file's piano and its samples. Raises UserError for anything that is not a whole SoundFont."""

    def __init__(self, path: Path) -> None:
        chunks = _chunks(path)
        tables = {name: _table(path, chunks, name) for name in _TYPES}
        begin, size = _found(path, chunks, b"smpl")
        kinds = tables[b"shdr"]["kind"][:-1]
        if len(kinds) and (kinds & _COMPRESSED).any():
            raise Compressed(f"the samples of {path.name} are compressed", "choose an .sf2 file")
        if size < 2:
            raise UserError(f"{path.name} holds no samples", "choose another SoundFont")
        self.samples = np.memmap(path, "<i2", "r", begin, (size // 2,))
        self.zones, self.preset = _piano(path, tables, len(self.samples))

    def tone(self, pitch: int, velocity: int, frames: int, rate: int) -> np.ndarray:
        """The held key, float32 [2, frames]. Where no zone has the key, its nearest one plays."""
        out = np.zeros((2, frames), np.float32)
        for zone in self.zones_for(pitch, velocity):
            voice = self._voice(zone, pitch, frames, rate)
            angle = np.pi / 2 * (zone.pan + 0.5)
            for side, gain in enumerate((np.cos(angle), np.sin(angle))):
                out[side, : len(voice)] += voice * np.float32(gain * np.sqrt(2))
        return out

    def zones_for(self, pitch: int, velocity: int) -> list[Zone]:
        """The zones that a key plays."""
        far = [_outside(pitch, zone.keys) for zone in self.zones]
        near = [zone for zone, distance in zip(self.zones, far, strict=True) if distance == min(far)]
        hard = [_outside(velocity, zone.velocities) for zone in near]
        return [zone for zone, distance in zip(near, hard, strict=True) if distance == min(hard)]

    def _voice(self, zone: Zone, pitch: int, frames: int, rate: int) -> np.ndarray:
        """One zone at a pitch, float32 [n], n <= frames: less where a sample without a loop ends."""
        step = 2.0 ** ((zone.cents + zone.scale * pitch) / 1200) * zone.rate / rate
        place = np.arange(frames, dtype=np.float64) * step
        data = np.asarray(self.samples[zone.start : zone.end], np.float32) / np.float32(32_768)
        if zone.loop is None:
            place = place[: np.searchsorted(place, len(data) - 1)]
        else:
            data = _unrolled(data, zone.loop[0] - zone.start, zone.loop[1] - zone.start, int(frames * step) + 3)
        voice = _between(data, place)
        if zone.cutoff_hz:
            voice = _low_passed(voice, zone.cutoff_hz / rate)
        return voice * _envelope(zone, pitch, len(voice), rate) * np.float32(zone.gain)


def _unrolled(data: np.ndarray, first: int, last: int, length: int) -> np.ndarray:
    """The first `length` samples with the loop [first, last) repeated for ever."""
    turns = max(0, -(-(length - last) // (last - first)))
    return np.concatenate([data[:last], np.tile(data[first:last], turns)])[:length]


def _between(data: np.ndarray, place: np.ndarray) -> np.ndarray:
    """`data` at fractional places, float32, by a cubic through four samples (Catmull-Rom)."""
    index = place.astype(np.int64)
    t = (place - index).astype(np.float32)
    padded = np.concatenate([data[:1], data, data[-1:], data[-1:]])
    a, b, c, d = (np.take(padded, index + k) for k in range(4))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _envelope(zone: Zone, pitch: int, frames: int, rate: int) -> np.ndarray:
    """Gains until release, float32 [n]: delay, linear attack, hold, then a fall in dB to the sustain level."""
    t = np.arange(frames, dtype=np.float32) / np.float32(rate)
    hold = zone.hold_s * 2.0 ** ((60 - pitch) * zone.hold_keys / 1200)
    decay = zone.decay_s * 2.0 ** ((60 - pitch) * zone.decay_keys / 1200)
    # Half a millisecond at least, so that no sample begins with a click.
    attack = max(zone.attack_s, 0.0005)
    rise = np.clip((t - zone.delay_s) / attack, 0, 1)
    fallen = np.clip((t - (zone.delay_s + attack + hold)) * (100 / max(decay, 0.001)), 0, zone.sustain_db)
    return (rise * 10 ** (-fallen / 20)).astype(np.float32)


def _low_passed(voice: np.ndarray, cutoff: float) -> np.ndarray:
    """Two poles at `cutoff` (of the rate), by the first taps of their response."""
    w = 2 * np.pi * min(cutoff, 0.45) / np.sqrt(2)
    n = np.arange(1, int(min(_FILTER_TAPS, 8 / w)) + 2)
    taps = np.exp(-w * n) * np.sin(w * n)
    return np.convolve(voice, (taps / taps.sum()).astype(np.float32))[: len(voice)]


def _outside(value: int, bounds: tuple[int, int]) -> int:
    return max(bounds[0] - value, value - bounds[1], 0)


# --- reading ----------------------------------------------------------------------------------------------------------


def _chunks(path: Path) -> dict[bytes, tuple[int, int]]:
    """Place and size of each chunk below the lists of a RIFF file of kind sfbk."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] != b"RIFF" or head[8:12] != b"sfbk" or size > _LARGEST:
                raise UserError(f"{path.name} is not a SoundFont", "choose an .sf2 or .sf3 file of less than 4 GB")
            if int.from_bytes(head[4:8], "little") + 8 > size:
                raise UserError(f"{path.name} is cut off: {size} bytes are there", "download it again")
            found: dict[bytes, tuple[int, int]] = {}
            at = 12
            while at + 8 <= size and len(found) < 64:
                file.seek(at)
                name, length = _head(file.read(8))
                if name == b"LIST":
                    at += 12
                    continue
                found.setdefault(name, (at + 8, min(length, size - at - 8)))
                at += 8 + length + length % 2
    except OSError as error:
        raise UserError(f"{path.name} cannot be read: {error.strerror}", "choose another file") from error
    return found


def _head(data: bytes) -> tuple[bytes, int]:
    return data[:4], int.from_bytes(data[4:8], "little")


def _found(path: Path, chunks: dict[bytes, tuple[int, int]], name: bytes) -> tuple[int, int]:
    if name not in chunks:
        raise UserError(f"{path.name} is damaged: it lacks {name.decode()}", "download it again")
    return chunks[name]


def _table(path: Path, chunks: dict[bytes, tuple[int, int]], name: bytes) -> np.ndarray:
    begin, size = _found(path, chunks, name)
    kind = _TYPES[name]
    if size > 64 << 20 or size < kind.itemsize:
        raise UserError(f"{path.name} is damaged: {name.decode()} is empty or too large", "download it again")
    with path.open("rb") as file:
        file.seek(begin)
        return np.frombuffer(file.read(size - size % kind.itemsize), kind)


def _piano(path: Path, tables: dict[bytes, np.ndarray], length: int) -> tuple[tuple[Zone, ...], str]:
    """The zones of the preset at bank 0, program 0, or of the lowest one; and its name."""
    presets = tables[b"phdr"][:-1]
    if not len(presets):
        raise UserError(f"{path.name} holds no instruments", "choose another SoundFont")
    order = np.lexsort((presets["program"], presets["bank"]))
    number = int(order[0])
    zones: list[Zone] = []
    for outer in _zones(tables[b"phdr"], tables[b"pbag"], tables[b"pgen"], number, _INSTRUMENT):
        for inner in _zones(tables[b"inst"], tables[b"ibag"], tables[b"igen"], outer[_INSTRUMENT], _SAMPLE):
            zone = _zone(outer, inner, tables[b"shdr"], length)
            if zone is not None:
                zones.append(zone)
            if len(zones) > _MOST_ZONES:
                raise UserError(f"{path.name} has more than {_MOST_ZONES} zones", "choose a smaller SoundFont")
    if not zones:
        raise UserError(f"{path.name} has no playable samples in its first instrument", "choose another SoundFont")
    return tuple(zones), bytes(presets["name"][number]).split(b"\0")[0].decode("latin-1").strip()


def _zones(headers: np.ndarray, bags: np.ndarray, gens: np.ndarray, number: int, link: int) -> list[dict[int, Any]]:
    """The generators of each zone of a preset or instrument, the global zone's beneath; those with a `link` only."""
    if number + 1 >= len(headers):
        return []
    shared: dict[int, Any] = {}
    found = []
    for k, bag in enumerate(range(int(headers["bag"][number]), int(headers["bag"][number + 1]))):
        if bag + 1 >= len(bags):
            break
        own: dict[int, Any] = {}
        for gen in gens[int(bags["gen"][bag]) : int(bags["gen"][bag + 1])]:
            oper, amount = int(gen["oper"]), int(gen["amount"])
            if oper in (_KEYS, _VELOCITIES):
                own[oper] = (amount & 255, amount >> 8)
            elif oper in (_INSTRUMENT, _SAMPLE, _MODES):
                own[oper] = amount
            else:
                own[oper] = amount - 65_536 if amount >= 32_768 else amount
        if link in own:
            found.append({**shared, **own})
        elif k == 0:
            shared = own
    return found


def _zone(outer: dict[int, Any], inner: dict[int, Any], headers: np.ndarray, length: int) -> Zone | None:
    """Preset and instrument zone joined: ranges meet, values add (section 9.4). None where nothing can sound."""
    if inner[_SAMPLE] + 1 >= len(headers):
        return None
    sample = headers[inner[_SAMPLE]]

    def value(oper: int) -> float:
        added = 0 if oper in _NOT_ADDED else outer.get(oper, 0)
        return float(inner.get(oper, _DEFAULTS.get(oper, 0)) + added)

    def seconds(oper: int) -> float:
        return float(2.0 ** (np.clip(value(oper), -12_000, 8_000) / 1200)) if value(oper) > -12_000 else 0.0

    keys, velocities = (_met(outer.get(oper), inner.get(oper)) for oper in (_KEYS, _VELOCITIES))
    start = int(sample["start"] + value(_START) + 32_768 * value(_START_COARSE))
    end = int(sample["end"] + value(_END) + 32_768 * value(_END_COARSE))
    loop = (
        int(sample["loop_start"] + value(_LOOP_START) + 32_768 * value(_LOOP_START_COARSE)),
        int(sample["loop_end"] + value(_LOOP_END) + 32_768 * value(_LOOP_END_COARSE)),
    )
    is_looped = int(inner.get(_MODES, 0)) & 1 and start <= loop[0] and loop[0] + 8 < loop[1] <= end
    if keys is None or velocities is None or not (start >= 0 and start + 8 < end <= length) or not sample["rate"]:
        return None
    root = int(value(_ROOT)) if 0 <= value(_ROOT) <= 127 else int(sample["pitch"])
    root = root if root <= 127 else 60
    scale = value(_SCALE)
    cents = 100 * value(_COARSE) + value(_FINE) + int(sample["correction"]) - scale * root
    cutoff = 8.176 * 2 ** (np.clip(value(_FILTER) + max(value(_FILTER_ENVELOPE), 0), 1_500, 13_500) / 1200)
    return Zone(
        keys,
        velocities,
        start,
        end,
        loop if is_looped else None,
        int(sample["rate"]),
        float(cents),
        float(scale),
        float(np.clip(value(_PAN) / 1000, -0.5, 0.5)),
        # Like the cards that fonts were made for, four tenths of what is written.
        float(10 ** (-0.4 * np.clip(value(_ATTENUATION), 0, 1440) / 200)),
        min(seconds(_DELAY), 1.0),
        min(seconds(_ATTACK), 5.0),
        seconds(_HOLD),
        seconds(_DECAY),
        float(np.clip(value(_SUSTAIN) / 10, 0, 100)),
        seconds(_RELEASE),
        float(np.clip(value(_KEY_HOLD), -1200, 1200)),
        float(np.clip(value(_KEY_DECAY), -1200, 1200)),
        float(cutoff) if cutoff < 16_000 else 0.0,
    )


def _met(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    """What two ranges share, or None."""
    (a, b), (c, d) = one or (0, 127), other or (0, 127)
    low, high = max(a, c), min(b, d)
    return (low, high) if low <= high else None
