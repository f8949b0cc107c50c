"""Performance tokens and melody tokens: the paper's language, there and back.

A performance is a text of events at 100 steps a second: keys going down and up, time passing, loudness changing.
Source: note-seq 0.0.5 (`performance_lib`) and magenta `score2perf`, whose tokens these equal.
"""

from __future__ import annotations

import numpy as np

from engines.piano.notes import LOWEST, Notes
from engines.piano.pedal import sustained
from engines.piano.stream import Decoder, Note, grammar_mask, notes_of
from engines.piano.vocabulary import (
    DEFAULT_VELOCITY,
    EOS,
    KEYS,
    MAX_SHIFT,
    MELODY_NO_EVENT,
    MELODY_OFF,
    MELODY_ON,
    MELODY_STEPS_PER_SECOND,
    MELODY_VELOCITY,
    MELODY_VOCABULARY,
    OFF,
    ON,
    PAD,
    SHIFT,
    STEPS_PER_SECOND,
    VELOCITY,
    VOCABULARY,
    bin_of,
    checked,
    describe,
    describe_melody,
    steps_of,
    velocity_of,
)

__all__ = [
    "EOS",
    "MELODY_VOCABULARY",
    "PAD",
    "VOCABULARY",
    "Decoder",
    "Note",
    "decode",
    "decode_melody",
    "describe",
    "describe_melody",
    "duration_of",
    "encode",
    "encode_melody",
    "grammar_mask",
    "notes_of",
]


def encode(notes: Notes) -> np.ndarray:
    """int32 [L]: a performance as tokens.

    The pedal is applied first, pitches off the keyboard are left out, and what begins before 0 s is taken to
    begin there. Notes of no length get one step. At one step, events come in the order of their notes (start,
    then pitch), a note's own release last. Equal to note-seq's tokens.
    """
    notes = sustained(notes).on_keys()
    n = len(notes)
    if not n:
        return np.zeros(0, np.int32)
    first = np.maximum(steps_of(notes.start), 0)
    last = np.maximum(steps_of(notes.end), first + 1)

    # One sort of one integer per event: (step, note, release after strike).
    width = int(2 * n - 1).bit_length()
    code = np.arange(2 * n, dtype=np.int64)
    key = np.empty(2 * n, np.int64)
    key[0::2], key[1::2] = first, last
    key <<= width
    key |= code
    key.sort()
    code = key & ((1 << width) - 1)
    step = key >> width
    is_off = (code & 1).astype(bool)
    note = code >> 1

    gap = np.diff(step, prepend=0)
    shifts = (gap + (MAX_SHIFT - 1)) // MAX_SHIFT
    loudness = bin_of(notes.velocity).astype(np.int64)
    changes = np.zeros(2 * n, bool)
    changes[~is_off] = np.diff(loudness, prepend=0) != 0  # strikes come in the order of the notes

    at = np.cumsum(shifts + changes + 1) - 1
    tokens = np.full(at[-1] + 1, SHIFT + MAX_SHIFT - 1, np.int32)  # all but the last shift of a gap are full
    pitch = notes.pitch.astype(np.int64) - LOWEST
    tokens[at] = pitch[note] + np.where(is_off, OFF, ON)
    tokens[at[changes] - 1] = VELOCITY + loudness[note[changes]] - 1
    moves = shifts > 0
    rest = gap[moves] - MAX_SHIFT * (shifts[moves] - 1)
    tokens[(at - changes)[moves] - 1] = SHIFT + rest - 1
    return tokens


def decode(tokens: np.ndarray) -> Notes:
    """The notes of any token text; times in whole steps, velocities at the lower edges of their bins.

    A release ends the oldest open note of its pitch and means nothing when there is none. A note released in
    the step it was struck is dropped. Notes still open end with the clock. PAD and EOS mean nothing. Raises
    ValueError for a number that is no token.
    """
    tokens = checked(tokens)
    is_shift = (tokens >= SHIFT) & (tokens < VELOCITY)
    clock = np.cumsum(np.where(is_shift, tokens - SHIFT + 1, 0))
    if not len(tokens):
        return Notes.empty()
    total = int(clock[-1])

    is_velocity = tokens >= VELOCITY
    latest = np.maximum.accumulate(np.where(is_velocity, np.arange(len(tokens)), -1))
    velocity = np.where(latest >= 0, velocity_of(tokens[latest] - VELOCITY + 1), DEFAULT_VELOCITY)

    keys = np.flatnonzero((tokens >= ON) & (tokens < SHIFT))
    pitch = (tokens[keys] - ON) % KEYS
    order = np.argsort(pitch, kind="stable")
    keys, pitch = keys[order], pitch[order]
    struck = tokens[keys] < OFF
    released = ~struck & ~_orphans(pitch, struck)

    strikes, releases = keys[struck], keys[released]
    # The k-th release of a pitch ends its k-th strike.
    struck_pitch, released_pitch = pitch[struck], pitch[released]
    rank = np.arange(len(releases)) - np.searchsorted(released_pitch, released_pitch)
    ended = np.searchsorted(struck_pitch, released_pitch) + rank
    start = clock[strikes]
    end = np.full(len(strikes), total)
    end[ended] = clock[releases]

    kept = np.flatnonzero(end > start)
    kept = kept[np.argsort(strikes[kept])]  # equal notes keep the order of their tokens
    return Notes(
        start[kept] / STEPS_PER_SECOND,
        end[kept] / STEPS_PER_SECOND,
        (struck_pitch[kept] + LOWEST).astype(np.int16),
        velocity[strikes[kept]].astype(np.int16),
    )


def _orphans(pitch: np.ndarray, struck: np.ndarray) -> np.ndarray:
    """bool: releases without an open note, for events grouped by pitch. Where a running count of strikes less
    releases reaches a new low below its start, nothing was open."""
    if not len(pitch):
        return np.zeros(0, bool)
    apart = len(pitch) + 1
    first = np.concatenate(([True], pitch[1:] != pitch[:-1]))
    group = np.cumsum(first)
    count = np.cumsum(np.where(struck, 1, -1))
    before = count - np.where(struck, 1, -1)
    floor = before[first][group - 1]  # each pitch begins at 0 again, and below every earlier pitch
    count = count - floor - group * apart
    lowest = np.minimum.accumulate(np.minimum(count, -group * apart))
    previous = np.concatenate(([0], lowest[:-1]))
    return ~struck & (count < np.minimum(previous, -group * apart))


def duration_of(tokens: np.ndarray) -> float:
    """Seconds that the shifts of a performance text add up to."""
    tokens = checked(tokens)
    shifts = tokens[(tokens >= SHIFT) & (tokens < VELOCITY)]
    return float((shifts - SHIFT + 1).sum()) / STEPS_PER_SECOND


def encode_melody(notes: Notes, *, seconds: float | None = None) -> np.ndarray:
    """int32 [T]: a melody on a grid of 10 steps a second.

    Each step holds the pitch that begins there, MELODY_OFF where a note ends, or MELODY_NO_EVENT. Notes are
    written in order, so where two meet in a step the later one stays; pitches off the keyboard are left out.
    seconds: the grid's length when it shall not end with the last note; a release at the grid's very end is
    not written.
    """
    notes = notes.on_keys()
    first = np.maximum(steps_of(notes.start, MELODY_STEPS_PER_SECOND), 0)
    last = np.maximum(steps_of(notes.end, MELODY_STEPS_PER_SECOND), first + 1)
    if seconds is None:
        length = int(last.max()) if len(notes) else 0
    else:
        length = int(steps_of(np.array(seconds), MELODY_STEPS_PER_SECOND))
    grid = np.full(length, MELODY_NO_EVENT, np.int32)
    for begin, end, pitch in zip(first.tolist(), last.tolist(), notes.pitch.tolist(), strict=True):
        if begin < length:
            grid[begin] = MELODY_ON + pitch - LOWEST
        if end < length:
            grid[end] = MELODY_OFF
    return grid


def decode_melody(tokens: np.ndarray) -> Notes:
    """The melody of a grid: a note lasts until the next one, a release, or the grid's end; velocity 127."""
    tokens = checked(tokens, MELODY_VOCABULARY)
    events = np.flatnonzero(tokens >= MELODY_OFF)
    end = np.append(events, len(tokens))[1:]
    notes = tokens[events] >= MELODY_ON
    start, end = events[notes], end[notes]
    pitch = (tokens[start] - MELODY_ON + LOWEST).astype(np.int16)
    rate = MELODY_STEPS_PER_SECOND
    return Notes(start / rate, end / rate, pitch, np.full(len(start), MELODY_VELOCITY, np.int16))
