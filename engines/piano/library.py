"""Music that comes with the program, so that the first minute needs no file: made by code, always the same.

Performances in fifteen styles, ten melodies in the public domain, and scale walks to train on quickly.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np

from engines.core.errors import UserError
from engines.piano import patterns
from engines.piano.composing import line
from engines.piano.notes import Notes
from engines.piano.tunes import TUNES

MELODY_VELOCITY: Final = 84
WALKS: Final = 160
"""Pieces of `walks`."""

_STYLES: Final[dict[str, tuple[str, patterns.Composer]]] = {
    "ballad": ("Ballad in arpeggios", patterns.ballad),
    "ragtime": ("Ragtime", patterns.ragtime),
    "chorale": ("Chorale", patterns.chorale),
    "alberti": ("Sonatina with Alberti bass", patterns.alberti),
    "ambient": ("Sparse and ambient", patterns.ambient),
    "boogie": ("Boogie-woogie", patterns.boogie),
    "nocturne": ("Nocturne", patterns.nocturne),
    "staccato": ("Staccato étude", patterns.staccato),
    "waltz": ("Waltz", patterns.waltz),
    "toccata": ("Toccata", patterns.toccata),
    "stride": ("Stride piano", patterns.stride),
    "minimal": ("Minimal pulse", patterns.minimal),
    "march": ("March in octaves", patterns.march),
    "planing": ("Sliding ninth chords", patterns.planing),
    "lament": ("Lament", patterns.lament),
}


@dataclass(frozen=True, eq=False)
class Item:
    """A piece. name: short and fixed. title: to be shown. note: what it is like, or where it comes from."""

    name: str
    title: str
    note: str
    kind: Literal["style", "melody"]
    notes: Notes


def styles() -> list[Item]:
    """Short performances, 25 to 60 s each, that differ in density, register, loudness and touch."""
    return [_style(name) for name in _STYLES]


def melodies() -> list[Item]:
    """Single voices in the public domain."""
    return [_melody(name) for name in TUNES]


def item(name: str) -> Item:
    """The piece of that name. Raises UserError."""
    if name in _STYLES:
        return _style(name)
    if name in TUNES:
        return _melody(name)
    raise UserError(f"there is no piece {name!r}", f"known: {', '.join((*_STYLES, *TUNES))}")


def style_names() -> tuple[str, ...]:
    """Of `styles`, without making them."""
    return tuple(_STYLES)


def melody_names() -> tuple[str, ...]:
    """Of `melodies`, without making them."""
    return tuple(TUNES)


@cache
def _style(name: str) -> Item:
    title, compose = _STYLES[name]
    notes = compose(np.random.default_rng(zlib.crc32(name.encode())))
    return Item(name, title, (compose.__doc__ or "").strip(), "style", notes)


@cache
def _melody(name: str) -> Item:
    title, origin, bpm, text = TUNES[name]
    beat = 60 / bpm
    rows = ((at * beat, (at + 0.94 * length) * beat, pitch, MELODY_VELOCITY) for at, length, pitch in line(text))
    return Item(name, title, origin, "melody", Notes.of(rows))


def walks(pieces: int = WALKS, seed: int = 0, seconds: float = 45.0) -> Iterator[tuple[str, Notes, Notes]]:
    """Synthetic performances with their melodies: a walk on a scale, chords below it.

    Each piece keeps its own key, density (2.5 to 14 notes a second), register, loudness, touch and share of
    chords, so that a style can be told from any stretch of it. Gives (name, notes, melody) with times on a grid
    of 10 ms.
    """
    for number in range(pieces):
        rng = np.random.default_rng((seed, number))
        yield (f"walk-{number:03d}", *_walk(rng, seconds))


def _walk(rng: np.random.Generator, seconds: float) -> tuple[Notes, Notes]:
    density = float(np.exp(rng.uniform(np.log(2.5), np.log(14))))
    centre, loudness = int(rng.integers(45, 85)), float(rng.uniform(35, 105))
    touch, share, tonic = float(rng.uniform(0.25, 1.0)), float(rng.uniform(0, 0.6)), int(rng.integers(12))
    scale = patterns.MAJOR if rng.random() < 0.5 else patterns.MINOR
    keys = [p for p in range(max(24, centre - 15), min(105, centre + 15)) if (p - tonic) % 12 in scale]
    gap = max(2, round(100 * (1 + 2 * share) / density))
    rows: list[tuple[float, float, int, float]] = []
    tune: list[tuple[float, float, int, float]] = []
    step, at = 0, len(keys) // 2
    while step < 100 * seconds:
        wait = gap if rng.random() < 0.75 else 2 * gap
        at = min(max(at + int(rng.choice([-2, -1, -1, 0, 1, 1, 2])), 0), len(keys) - 1)
        velocity = float(np.clip(loudness + rng.normal(0, 5), 8, 124))
        end = step + max(2, round(touch * wait))
        tune.append((step / 100, end / 100, keys[at], round(velocity)))
        rows.append(tune[-1])
        if rng.random() < share:
            below = [keys[at - k] for k in (2, 4) if at - k >= 0]
            rows += [(step / 100, end / 100, pitch, round(max(8.0, velocity - 8))) for pitch in below]
        step += wait
    return Notes.of(rows), Notes.of(tune)
