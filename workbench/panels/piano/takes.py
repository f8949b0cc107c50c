"""What was composed, take by take: kept with its seeds, to go back to and to compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import numpy as np
from PySide6.QtCore import QObject, Signal

from engines.piano.codec import Decoder, notes_of
from engines.piano.crops import steps
from engines.piano.notes import Notes
from engines.piano.requests import ComposeRequest, ComposeSnapshot
from engines.piano.vocabulary import STEPS_PER_SECOND

MOST_TAKES: Final = 30
MOST_SEEDS: Final = 2**31


@dataclass(frozen=True, eq=False)
class Voice:
    """One variation. tokens: int16 [n]; nll: float32 [n] nats; notes: with open ones held to the clock. horizon:
    seconds up to which all of it is known. top, shares: the likeliest tokens of the newest draw."""

    tokens: np.ndarray
    nll: np.ndarray
    notes: Notes
    clock: float
    horizon: float
    top: np.ndarray
    shares: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """float64 [n]: seconds at which each token has taken effect."""
        return np.cumsum(steps(self.tokens.astype(int))) / STEPS_PER_SECOND


@dataclass(frozen=True, eq=False)
class Take:
    """One press of Compose. title: settings in words. seed: of the take. done: nothing more comes. z: float32 [d].
    alike: overlapping area of variations with the style, by number, once it is known. request: what was asked for,
    None where nobody said."""

    title: str
    seed: int
    voices: tuple[Voice, ...] = ()
    chosen: int = 0
    done: bool = False
    z: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    loudness: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    tokens_per_second: float = 0.0
    remarks: tuple[str, ...] = ()
    alike: dict[int, float] = field(default_factory=dict)
    request: ComposeRequest | None = None

    @property
    def voice(self) -> Voice | None:
        """The chosen variation."""
        return self.voices[self.chosen] if self.chosen < len(self.voices) else None


class Takes(QObject):
    """The history. changed(): another take is shown, the newest has grown or was judged. kept(): one was finished."""

    changed = Signal()
    kept = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._takes: list[Take] = []
        self._at = -1
        self._reading = Reading()

    def __len__(self) -> int:
        return len(self._takes)

    @property
    def current(self) -> Take | None:
        """The take that is shown."""
        return self._takes[self._at] if 0 <= self._at < len(self._takes) else None

    @property
    def newest(self) -> Take | None:
        """The last take that was begun."""
        return self._takes[-1] if self._takes else None

    @property
    def all(self) -> tuple[Take, ...]:
        """Every take, the oldest first."""
        return tuple(self._takes)

    @property
    def place(self) -> tuple[int, int]:
        """Number of the take that is shown, from 1, and how many there are."""
        return self._at + 1, len(self._takes)

    def fresh_seed(self, request: ComposeRequest) -> int:
        """The request's seed; where the newest take was just that, the next one with which it has not been composed
        yet, for the same notes would come again. A seed that somebody has put into the form is left as it is."""
        alike = [take for take in self._takes if take.voices and _is_same_but_seed(take.request, request)]
        seed = request.seed
        if not alike or alike[-1] is not self._takes[-1] or alike[-1].seed != seed:
            return seed
        used = {take.seed for take in alike}
        while seed in used:
            seed = (seed + 1) % MOST_SEEDS
        return seed

    def begin(self, title: str, seed: int, request: ComposeRequest | None = None) -> None:
        """A new take comes after the one that is shown; an empty one before it is dropped."""
        if self._takes and not self._takes[-1].voices:
            self._takes.pop()
        self._takes = [*self._takes, Take(title, seed, request=request)][-MOST_TAKES:]
        self._at = len(self._takes) - 1
        self._reading = Reading()
        self.changed.emit()

    def put(self, take: Take) -> None:
        """Show a take that was composed elsewhere. One that is being composed stays the newest."""
        growing = [one for one in self._takes[-1:] if not one.done]
        done = self._takes[: len(self._takes) - len(growing)]
        self._takes = [*[*done, take][len(growing) - MOST_TAKES :], *growing]
        self._at = len(self._takes) - len(growing) - 1
        self.changed.emit()

    def restore(self, takes: Sequence[Take]) -> None:
        """Takes of a former session, all done, come first; the last one is shown."""
        if takes:
            self._takes = [*takes, *self._takes][-MOST_TAKES:]
            self._at = len(self._takes) - 1
            self.changed.emit()

    def grow(self, snapshot: ComposeSnapshot) -> None:
        """The newest take so far."""
        if not self._takes:
            return
        voices = self._reading.voices(snapshot)
        old = self._takes[-1]
        self._takes[-1] = replace(
            old, voices=voices, chosen=min(old.chosen, max(len(voices) - 1, 0)), done=snapshot.done, z=snapshot.z,
            loudness=snapshot.loudness, tokens_per_second=snapshot.tokens_per_second, remarks=snapshot.remarks,
        )  # fmt: skip
        self.changed.emit()
        if snapshot.done:
            self.kept.emit()

    def judge(self, alike: dict[int, float]) -> None:
        """How alike the variations of the newest take are to the style."""
        if self._takes:
            self._takes[-1] = replace(self._takes[-1], alike=alike)
            self.changed.emit()

    def stop(self) -> None:
        """No more will come for the newest take; what there is stays, and one without a note goes."""
        if not self._takes or self._takes[-1].done:
            return
        if not any(len(voice.notes) for voice in self._takes[-1].voices):
            self._takes.pop()
            self._at = min(self._at, len(self._takes) - 1)
        else:
            self._takes[-1] = replace(self._takes[-1], done=True)
        self.changed.emit()

    def choose(self, variation: int) -> None:
        """Show another variation of the take."""
        take = self.current
        if take is not None and 0 <= variation < len(take.voices) and variation != take.chosen:
            self._takes[self._at] = replace(take, chosen=variation)
            self.changed.emit()

    def why_no_variation(self, step: int) -> str:
        """Why there is no variation before (-1) or after (1); empty where there is."""
        take = self.current
        if take is None or not take.voices:
            return "Nothing is composed yet."
        if 0 <= take.chosen + step < len(take.voices):
            return ""
        return "This is the first variation." if step < 0 else "This is the last variation."

    def step_variation(self, step: int) -> None:
        """Show the variation before (-1) or after (1)."""
        if self.current is not None:
            self.choose(self.current.chosen + step)

    def go(self, step: int) -> None:
        """Show the take before (-1) or after (1)."""
        at = min(max(self._at + step, 0), len(self._takes) - 1)
        if at != self._at and at >= 0:
            self._at = at
            self.changed.emit()

    def why_not(self, step: int) -> str:
        """Why there is no take that way; empty where there is."""
        if not 0 <= self._at + step < len(self._takes):
            return "There is no take before this one." if step < 0 else "This is the newest take."
        return "" if not self._takes or self._takes[-1].done else "It is composing."


def _is_same_but_seed(one: ComposeRequest | None, other: ComposeRequest) -> bool:
    """Whether both ask for the same, whatever their seeds and numbers are."""
    if one is None or len(one.styles) != len(other.styles):
        return False
    tokens = ((one.melody, other.melody), (one.primer, other.primer), *zip(one.styles, other.styles, strict=True))
    return all(np.array_equal(a, b) for a, b in tokens) and plain(one) == plain(other)


def plain(request: ComposeRequest) -> dict[str, Any]:
    """What a request says in plain numbers and words."""
    left_out = ("generation", "seed", "styles", "melody", "primer")
    return {f.name: getattr(request, f.name) for f in fields(request) if f.name not in left_out}


class Reading:
    """Follows the answers to one request: what is growing is read token by token."""

    @staticmethod
    def whole(tokens: np.ndarray, clock: float) -> Notes:
        """Notes of a variation that is complete at `clock` seconds."""
        return _Reader().read(tokens, clock, True)

    def __init__(self) -> None:
        self._readers: list[_Reader] = []

    def voices(self, snapshot: ComposeSnapshot) -> tuple[Voice, ...]:
        """The variations of the newest answer."""
        if len(self._readers) != len(snapshot.variations):
            self._readers = [_Reader() for _ in snapshot.variations]
        return tuple(
            Voice(v.tokens, v.nll, reader.read(v.tokens, v.clock, snapshot.done), v.clock,
                  v.clock if snapshot.done else min(v.clock, reader.known_until), v.top, v.shares)
            for v, reader in zip(snapshot.variations, self._readers, strict=True)
        )  # fmt: skip


class _Reader:
    """Follows the tokens of one variation; each is read once."""

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._read = 0
        self._ended: list = []

    @property
    def known_until(self) -> float:
        """Seconds up to which every note is known to the end of what was read."""
        return self._decoder.clock

    def read(self, tokens: Sequence[int] | np.ndarray, clock: float, done: bool) -> Notes:
        """Notes after all `tokens`, open ones held to the clock; nothing beyond `clock`."""
        for token in np.asarray(tokens)[self._read :].tolist():
            self._ended += self._decoder.feed(token)
        self._read = len(tokens)
        now = [note for note in self._decoder.open_notes if note.end > note.start]
        notes = notes_of([*self._ended, *now])
        return notes.between(0.0, clock) if len(notes) and done else notes
