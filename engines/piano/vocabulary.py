"""What each token means: 310 for performances, 92 for melodies.

Ids 2 to 89 strike a key, 90 to 177 release it, 178 to 277 let 1 to 100 steps of 10 ms pass, 278 to 309 set the loudness
of the notes that follow. Source: note-seq 0.0.5 and magenta `score2perf`.
"""

from __future__ import annotations

import numpy as np

from engines.piano.notes import HIGHEST, LOWEST, pitch_name

PAD, EOS = 0, 1
KEYS = HIGHEST - LOWEST + 1
STEPS_PER_SECOND = 100
MAX_SHIFT = 100
"""Steps of the longest single shift of time: one second."""
VELOCITY_BINS = 32

ON = 2
"""NOTE_ON of the lowest key; the others follow in order."""
OFF = ON + KEYS
SHIFT = OFF + KEYS
"""A shift by one step; SHIFT + n - 1 is one by n steps."""
VELOCITY = SHIFT + MAX_SHIFT
VOCABULARY = VELOCITY + VELOCITY_BINS
DEFAULT_VELOCITY = 100
"""What a note struck before any VELOCITY token is played with."""

MELODY_STEPS_PER_SECOND = 10
MELODY_NO_EVENT, MELODY_OFF, MELODY_ON = 2, 3, 4
MELODY_VOCABULARY = MELODY_ON + KEYS
MELODY_VELOCITY = 127


def bin_of(velocity: np.ndarray) -> np.ndarray:
    """Bin 1 to 32 of velocities 1 to 127."""
    return (velocity - 1) // 4 + 1


def velocity_of(number: np.ndarray | int) -> np.ndarray | int:
    """The velocity that a bin (1 to 32) is played with: its lower edge, 1 to 125."""
    return 1 + 4 * (number - 1)


def steps_of(time: np.ndarray, rate: int = STEPS_PER_SECOND) -> np.ndarray:
    """int64: seconds as the nearest step, halves up."""
    return np.floor(np.asarray(time, np.float64) * rate + 0.5).astype(np.int64)


def checked(tokens: np.ndarray, vocabulary: int = VOCABULARY) -> np.ndarray:
    """int64 [L]. Raises ValueError for other shapes and for numbers that are no tokens."""
    tokens = np.asarray(tokens)
    if tokens.ndim != 1 or (len(tokens) and tokens.dtype.kind not in "iu"):
        raise ValueError(f"expected integers [L], got {tokens.dtype} {list(tokens.shape)}")
    tokens = tokens.astype(np.int64)
    if len(tokens) and (tokens.min() < 0 or tokens.max() >= vocabulary):
        raise ValueError(f"expected tokens 0 to {vocabulary - 1}, got {tokens.min()} to {tokens.max()}")
    return tokens


def describe(token: int) -> str:
    """A token in words: "strike C4", "release C4", "wait 500 ms", "velocity 61–64", "padding", "end"."""
    token = int(token)
    if not 0 <= token < VOCABULARY:
        raise ValueError(f"expected a token 0 to {VOCABULARY - 1}, got {token}")
    if token < ON:
        return ("padding", "end")[token]
    if token < OFF:
        return f"strike {pitch_name(token - ON + LOWEST)}"
    if token < SHIFT:
        return f"release {pitch_name(token - OFF + LOWEST)}"
    if token < VELOCITY:
        return f"wait {(token - SHIFT + 1) * 1000 // STEPS_PER_SECOND} ms"
    edge = int(velocity_of(token - VELOCITY + 1))
    return f"velocity {edge}–{min(edge + 3, 127)}"


def describe_melody(token: int) -> str:
    """A melody token in words: "C4", "rest", "–" for no event."""
    token = int(token)
    if not 0 <= token < MELODY_VOCABULARY:
        raise ValueError(f"expected a token 0 to {MELODY_VOCABULARY - 1}, got {token}")
    if token < MELODY_ON:
        return ("padding", "end", "–", "rest")[token]
    return pitch_name(token - MELODY_ON + LOWEST)
