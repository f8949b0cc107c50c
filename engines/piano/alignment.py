"""Tokens against time and notes: what kind each is, when it takes effect, and which one struck a note."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.piano.crops import steps
from engines.piano.notes import LOWEST, Notes
from engines.piano.vocabulary import KEYS, OFF, ON, SHIFT, STEPS_PER_SECOND, VELOCITY, steps_of

KINDS: Final = ("reserved", "note on", "note off", "time shift", "velocity")


def kinds_of(tokens: np.ndarray) -> np.ndarray:
    """int64 [n]: which of `KINDS` each token is."""
    return np.searchsorted((ON, OFF, SHIFT, VELOCITY), np.asarray(tokens), "right")


def moments(tokens: np.ndarray) -> np.ndarray:
    """float64 [n]: seconds at which each token has taken effect; never falling."""
    return np.cumsum(steps(np.asarray(tokens, np.int64))) / STEPS_PER_SECOND


def pitches_of(tokens: np.ndarray) -> np.ndarray:
    """int64 [n]: the pitch that a token strikes or releases, -1 for other tokens."""
    tokens = np.asarray(tokens, np.int64)
    return np.where((tokens >= ON) & (tokens < SHIFT), (tokens - ON) % KEYS + LOWEST, -1)


def strikes_of(notes: Notes, tokens: np.ndarray) -> np.ndarray:
    """int64 [N]: the token that struck each note, -1 where none did; times are compared in steps of 10 ms.

    Of several strikes of one key in one step, the first is taken.
    """
    tokens = np.asarray(tokens, np.int64)
    strikes = np.flatnonzero((tokens >= ON) & (tokens < OFF))
    if not len(strikes) or not len(notes):
        return np.full(len(notes), -1, np.int64)
    at = np.cumsum(steps(tokens))[strikes] * KEYS + tokens[strikes] - ON
    order = np.argsort(at, kind="stable")
    wanted = steps_of(notes.start) * KEYS + notes.pitch.astype(np.int64) - LOWEST
    place = np.minimum(np.searchsorted(at[order], wanted), len(at) - 1)
    found = order[place]
    return np.where(at[found] == wanted, strikes[found], -1)


def of_notes(notes: Notes, tokens: np.ndarray, values: np.ndarray) -> np.ndarray:
    """float64 [N]: the value, float [n] beside `tokens`, of the token that struck each note; NaN where none did."""
    struck = strikes_of(notes, tokens)
    values = np.append(np.asarray(values, np.float64), np.nan)
    return values[np.where(struck < 0, len(values) - 1, struck)]
