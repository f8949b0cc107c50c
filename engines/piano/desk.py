"""What a desk with pieces on it wants to know of them: what a file holds, its melody, how alike pieces are.

Each may take seconds for hours of music, so an engine process does it; see `engines.piano.jobs.desk`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.codec import encode
from engines.piano.features import Profile, Similarity, profile, similarity
from engines.piano.melody import MOST_FRAMES, melody_of
from engines.piano.midi import read_midi
from engines.piano.notes import Notes
from engines.piano.pedal import sustained

STYLE_S: Final = 600.0
"""Of a long piece so much gives the style, and is compared: the network reads all of it before it composes."""
MELODY_S: Final = 600.0
"""No melody is longer: nothing longer is composed."""
OVERLAP_S: Final = 0.03
"""Notes that overlap by less are played after one another."""


@dataclass(frozen=True, eq=False)
class ReadPiece:
    """What a file holds. notes: with their pedal. sounding: with the pedal in their ends. style: its first ten minutes,
    and tokens: int32 [L], those as text. tracks: how many have notes. remarks: what was odd about it."""

    title: str
    notes: Notes
    sounding: Notes
    style: Notes
    tokens: np.ndarray
    tracks: int
    remarks: tuple[str, ...]


def read_piece(path: Path, check: Callable[[], None] = lambda: None) -> ReadPiece:
    """Read a MIDI file. Raises UserError as `read_midi`, and for fewer than two notes."""
    performance = read_midi(path, check)
    notes = performance.notes
    if len(notes) < 2:
        raise UserError(
            f"{path.name} holds {len(notes)} note{'s' if len(notes) != 1 else ''}", "choose a piece with a few bars"
        )
    check()
    style = opening(notes, STYLE_S)
    remarks = performance.remarks
    if style is not notes:
        remarks = (*remarks, f"the first {STYLE_S / 60:.0f} minutes give the style")
    return ReadPiece(path.stem, notes, sustained(notes), style, encode(style), len(performance.tracks), remarks)


def opening(notes: Notes, seconds: float) -> Notes:
    """What begins in the first `seconds`; the notes themselves where that is all."""
    return notes if notes.duration <= seconds else notes.between(0.0, seconds)


def lone_voice(notes: Notes) -> Notes | None:
    """A piece that is a melody itself, as one note sounds at a time, up to ten minutes of it; None for others."""
    if len(notes) >= 2 and bool((notes.start[1:] < notes.end[:-1] - OVERLAP_S).any()):
        return None
    return opening(notes, MELODY_S)


def find_melody(notes: Notes, seconds: float, check: Callable[[], None] = lambda: None) -> Notes:
    """The melody of the first `seconds`, or of less where they are too dense for the model."""
    alone = lone_voice(notes)
    if alone is not None:
        return alone
    part = opening(sustained(notes), seconds)
    moments = np.unique(np.concatenate((part.start, part.end)))
    if len(moments) >= MOST_FRAMES:
        part = part.between(0.0, float(moments[MOST_FRAMES - 2]))
    return melody_of(part, check)


@dataclass(frozen=True, eq=False)
class Compared:
    """profiles: of each piece, None for one that is too short. alike: of each with the first, None where either is."""

    profiles: tuple[Profile | None, ...]
    alike: tuple[Similarity | None, ...]


def compare(pieces: Sequence[Notes], check: Callable[[], None] = lambda: None) -> Compared:
    """Describe pieces and hold them against the first one, by the first ten minutes of each."""
    profiles: list[Profile | None] = []
    for notes in pieces:
        check()
        try:
            profiles.append(profile(opening(notes, STYLE_S)))
        except UserError:
            profiles.append(None)
    alike: list[Similarity | None] = []
    for other in profiles:
        check()
        first = profiles[0]
        alike.append(similarity(first, other) if first is not None and other is not None else None)
    return Compared(tuple(profiles), tuple(alike))
