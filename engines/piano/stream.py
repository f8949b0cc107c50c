"""Decoding token by token, as they are sampled, and which token makes sense next."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from engines.piano.notes import LOWEST, Notes
from engines.piano.vocabulary import (
    DEFAULT_VELOCITY,
    EOS,
    KEYS,
    OFF,
    ON,
    PAD,
    SHIFT,
    STEPS_PER_SECOND,
    VELOCITY,
    VOCABULARY,
    velocity_of,
)


@dataclass(frozen=True, slots=True)
class Note:
    """One note. start, end: seconds; end is the clock so far for an open one. pitch: MIDI. velocity: 1 to 127."""

    start: float
    end: float
    pitch: int
    velocity: int


class Decoder:
    """Reads performance tokens one at a time; after all of them, `finish` completes what `decode` would give.

    clock: seconds passed so far. velocity: what the next note is struck with.
    """

    def __init__(self) -> None:
        self.velocity = DEFAULT_VELOCITY
        self._step = 0
        self._open: list[deque[tuple[int, int]]] = [deque() for _ in range(KEYS)]
        self._fresh: list[int] = []
        self._allowed = np.ones(VOCABULARY, bool)
        self._allowed[[PAD, EOS]] = False
        self._allowed[OFF:SHIFT] = False

    @property
    def clock(self) -> float:
        return self._step / STEPS_PER_SECOND

    @property
    def open_notes(self) -> list[Note]:
        """Notes struck and not yet released, by pitch; each ends at the clock for now."""
        return [
            Note(start / STEPS_PER_SECOND, self.clock, key + LOWEST, velocity)
            for key, waiting in enumerate(self._open)
            for start, velocity in waiting
        ]

    def feed(self, token: int) -> list[Note]:
        """Take one token; the notes that it ended (none or one). Raises ValueError for what is no token."""
        token = int(token)
        if not 0 <= token < VOCABULARY:
            raise ValueError(f"expected a token 0 to {VOCABULARY - 1}, got {token}")
        if token < ON:
            return []
        if token < OFF:
            self._strike(token - ON)
        elif token < SHIFT:
            return self._release(token - OFF)
        elif token < VELOCITY:
            self._step += token - SHIFT + 1
            for key in self._fresh:
                self._allowed[OFF + key] = bool(self._open[key])
            self._fresh.clear()
        else:
            self.velocity = int(velocity_of(token - VELOCITY + 1))
        return []

    def finish(self) -> list[Note]:
        """The open notes, ended by the clock; those of no length are dropped. Nothing is open afterwards."""
        ended = [note for note in self.open_notes if note.end > note.start]
        for waiting in self._open:
            waiting.clear()
        self._fresh.clear()
        self._allowed[ON:OFF] = True
        self._allowed[OFF:SHIFT] = False
        return ended

    def _strike(self, key: int) -> None:
        self._open[key].append((self._step, self.velocity))
        self._fresh.append(key)
        self._allowed[ON + key] = False

    def _release(self, key: int) -> list[Note]:
        waiting = self._open[key]
        if not waiting:
            return []
        start, velocity = waiting.popleft()
        if not waiting:
            self._allowed[ON + key] = True
            self._allowed[OFF + key] = False
        else:
            self._allowed[OFF + key] = waiting[0][0] < self._step
        if start == self._step:
            return []
        return [Note(start / STEPS_PER_SECOND, self.clock, key + LOWEST, velocity)]


def grammar_mask(state: Decoder) -> np.ndarray:
    """bool [310]: which tokens keep the text sensible after what `state` has read; a read-only view, kept up to
    date by `feed`.

    Not allowed: PAD and EOS, releasing a key that is not down or went down in this very step (such a note
    would vanish), and striking a key that is down.
    """
    view = state._allowed.view()
    view.flags.writeable = False
    return view


def notes_of(notes: list[Note]) -> Notes:
    """Single notes as arrays."""
    return Notes.of((n.start, n.end, n.pitch, n.velocity) for n in notes)
