"""SoundFonts made by the tests: a sine per zone, so that pitch, gain and loops can be heard exactly."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Layer:
    """One sample and the generators of its zone. samples: int16."""

    samples: np.ndarray
    rate: int = 22_050
    root: int = 60
    correction: int = 0
    loop: tuple[int, int] = (0, 0)
    kind: int = 1
    gens: list[tuple[int, int]] = field(default_factory=list)


def sine(hz: float, rate: int = 22_050, seconds: float = 1.0, size: float = 0.5) -> np.ndarray:
    return (np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate) * size * 32767).astype(np.int16)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(kind: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", kind + b"".join(chunks))


def write_font(
    path: Path,
    layers: list[Layer],
    *,
    shared: list[tuple[int, int]] | None = None,
    outer: list[tuple[int, int]] | None = None,
) -> Path:
    """An .sf2 file with one preset of one instrument. shared: generators of its global zone; outer: of the preset's
    zone."""
    pool, headers, place = b"", b"", 0
    for layer in layers:
        data = np.concatenate([layer.samples, np.zeros(46, np.int16)])
        end = place + len(layer.samples)
        headers += struct.pack(
            "<20s5IBbHH", b"tone", place, end, place + layer.loop[0], place + layer.loop[1],
            layer.rate, layer.root, layer.correction, 0, layer.kind,
        )  # fmt: skip
        pool += data.astype("<i2").tobytes()
        place += len(data)
    headers += struct.pack("<20s5IBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    zones = ([shared] if shared else []) + [[*layer.gens, (53, i)] for i, layer in enumerate(layers)]
    ibag = igen = b""
    count = 0
    for gens in zones:
        ibag += struct.pack("<HH", count, 0)
        igen += b"".join(struct.pack("<HH", oper, amount & 0xFFFF) for oper, amount in gens)
        count += len(gens)
    ibag += struct.pack("<HH", count, 0)
    igen += struct.pack("<HH", 0, 0)
    presets = [*(outer or []), (41, 0)]
    pdta = _list(
        b"pdta",
        _chunk(b"phdr", struct.pack("<20sHHH12x", b"Piano", 0, 0, 0) + struct.pack("<20sHHH12x", b"EOP", 0, 0, 1)),
        _chunk(b"pbag", struct.pack("<HHHH", 0, 0, len(presets), 0)),
        _chunk(b"pmod", b"\0" * 10),
        _chunk(b"pgen", b"".join(struct.pack("<HH", o, a & 0xFFFF) for o, a in presets) + struct.pack("<HH", 0, 0)),
        _chunk(b"inst", struct.pack("<20sH", b"Piano", 0) + struct.pack("<20sH", b"EOI", len(zones))),
        _chunk(b"ibag", ibag),
        _chunk(b"imod", b"\0" * 10),
        _chunk(b"igen", igen),
        _chunk(b"shdr", headers),
    )
    body = b"sfbk" + _list(b"INFO", _chunk(b"ifil", b"\2\0\4\0")) + _list(b"sdta", _chunk(b"smpl", pool)) + pdta
    path.write_bytes(_chunk(b"RIFF", body))
    return path
