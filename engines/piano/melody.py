"""Which notes of a performance are its melody: a hidden Markov model, not the highest voice.

Source: note-seq 0.0.5 `melody_inference` (the paper's pipeline calls it), whose notes these equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.notes import Notes
from engines.piano.pedal import sustained

MOST_FRAMES: Final = 10_000
VELOCITY: Final = 127
"""Of every melody note."""
REST_PROBABILITY: Final = 0.1
INTERVAL_SCALE: Final = 2.0
"""Semitones at which a step's weight has fallen to half."""
_FOREIGN: Final = 1e-15
"""Weight of the melody being something else than the highest note, and of holding a note that is silent."""
_PITCHES: Final = 128


def melody_of(notes: Notes, check: Callable[[], None] = lambda: None) -> Notes:
    """The melody of notes (as they sound, so the pedal is applied first), as notes of velocity 127.

    The piece is cut into frames at every onset and end. In each the melody rests, begins a pitch or holds one; the
    likeliest course is found by Viterbi's algorithm, with each frame's evidence raised to its duration in seconds.
    Raises UserError above 10,000 frames (5 to 15 minutes of dense music).
    """
    notes = sustained(notes)
    if not len(notes):
        return Notes.empty()
    total = notes.duration
    times = np.unique(np.concatenate((notes.start, notes.end)))
    times = times[(times != 0.0) & (times != total)]
    if len(times) + 1 > MOST_FRAMES:
        raise UserError(
            f"its melody cannot be inferred: {len(times) + 1:,} moments, {MOST_FRAMES:,} are the limit",
            "cut it into pieces",
        )
    pitches, column = np.unique(notes.pitch, return_inverse=True)
    starts, sounds = _frames(notes, column, len(pitches), times)
    moments = np.concatenate(([0.0], times, [total]))
    path = _viterbi(pitches, *_evidence(starts, sounds, np.diff(moments)), check)
    return _read_off(path, pitches, moments)


def _frames(notes: Notes, column: np.ndarray, width: int, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """bool [F, P] twice: whether a note of that pitch begins in the frame, and whether one sounds."""
    first = np.searchsorted(times, notes.start, side="right")
    last = np.searchsorted(times, notes.end, side="left")
    starts = np.zeros((len(times) + 1, width), bool)
    starts[first, column] = True
    change = np.zeros((len(times) + 2, width), np.int32)
    np.add.at(change, (first, column), 1)
    np.add.at(change, (last + 1, column), -1)
    return starts, np.cumsum(change, axis=0)[:-1] > 0


def _evidence(starts: np.ndarray, sounds: np.ndarray, lasts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log weights of a frame for resting [F], beginning a pitch [F, P] and holding one [F, P]."""
    above = np.cumsum(sounds[:, ::-1], axis=1)[:, ::-1] - sounds > 0
    top = np.where(above, _FOREIGN, 1 - _FOREIGN)
    seconds = lasts[:, None]
    with np.errstate(divide="ignore"):
        rest = lasts * np.log(np.where(sounds.any(axis=1), 0.0, 1.0))
        begin = seconds * np.log(starts * top)
        hold = seconds * np.log(~starts * top * np.where(sounds, 1 - _FOREIGN, _FOREIGN))
    return rest, begin, hold


def _steps(pitches: np.ndarray) -> np.ndarray:
    """float64 [P, P]: log weight of going from one pitch (row) to the beginning of another."""
    every = np.arange(_PITCHES)
    weight = 1 / (1 + ((every[None, :] - every[:, None]) / INTERVAL_SCALE) ** 2)
    weight /= weight.sum(axis=1)[:, None]
    weight *= 1 - REST_PROBABILITY
    chosen: np.ndarray = np.log(weight[np.ix_(pitches, pitches)])
    return chosen


def _viterbi(
    pitches: np.ndarray, rest: np.ndarray, begin: np.ndarray, hold: np.ndarray, check: Callable[[], None]
) -> np.ndarray:
    """int64 [F]: the likeliest states. 0 rests, 1 + p begins the p-th pitch, 1 + P + p holds it.

    Only pitches that begin in a frame can be begun in it, so of the transitions to a beginning only those columns
    are looked at. Of equally likely predecessors the first counts.
    """
    frames, width = begin.shape
    step = _steps(pitches)
    leave, enter = np.log(REST_PROBABILITY), np.log(1 / _PITCHES)
    back = np.zeros((frames, 1 + 2 * width), np.int16)
    columns = np.arange(width)

    score_rest = rest[0]
    score_begin, score_hold = enter + begin[0], np.full(width, -np.inf)
    for frame in range(1, frames):
        if frame % 500 == 0:
            check()
        held = score_hold > score_begin
        best = np.where(held, score_hold, score_begin)
        state = columns + 1 + held * width
        row = back[frame]

        last = int(best.argmax())
        to_rest = best[last] + leave
        if to_rest > score_rest:
            # As one search over (rest, beginnings, holdings) would: the first of the best, beginnings first.
            where = np.flatnonzero(best == best[last])
            row[0] = state[where].min()
        next_rest = max(score_rest, to_rest) + rest[frame]

        next_begin = np.full(width, -np.inf)
        for column in np.flatnonzero(begin[frame] > -np.inf):
            ways = best + step[:, column]
            way = int(ways.argmax())
            if ways[way] > score_rest + enter:
                row[1 + column] = state[np.flatnonzero(ways == ways[way])].min()
                next_begin[column] = ways[way] + begin[frame, column]
            else:
                next_begin[column] = score_rest + enter + begin[frame, column]

        row[1 + width :] = state
        score_rest, score_begin, score_hold = next_rest, next_begin, best + hold[frame]

    path = np.empty(frames, np.int64)
    path[-1] = np.concatenate(([score_rest], score_begin, score_hold)).argmax()
    for frame in range(frames - 1, 0, -1):
        path[frame - 1] = back[frame, path[frame]]
    return path


def _read_off(path: np.ndarray, pitches: np.ndarray, moments: np.ndarray) -> Notes:
    """Notes of a course of states: each lasts from its beginning to the next beginning, rest, or the end."""
    changes = np.flatnonzero(path <= len(pitches))
    until = np.append(changes, len(path))[1:]
    begins = path[changes] > 0
    start, end = changes[begins], until[begins]
    pitch = pitches[path[start] - 1]
    return Notes(moments[start], moments[end], pitch, np.full(len(start), VELOCITY, np.int16))
