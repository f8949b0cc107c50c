"""Notes of a performance as arrays: what every other part of the piano topic takes and gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

LOWEST, HIGHEST = 21, 108
"""The keys of a piano as MIDI pitches, A0 and C8."""
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")


def _no_pedal() -> np.ndarray:
    return np.zeros((0, 2))


@dataclass(frozen=True, eq=False)
class Notes:
    """N notes and P presses of the sustain pedal, in order of time.

    start, end: float64 [N], seconds, end >= start; the moments at which a key goes down and up.
    pitch: int16 [N], MIDI pitches 0 to 127 (60 is middle C). velocity: int16 [N], 1 to 127.
    pedal: float64 [P, 2], seconds at which the sustain pedal goes down and up, in order and apart. It has not
        yet been applied to `end`; `pedal.sustained` does that and leaves none.

    Whatever order the notes are given in, they are kept sorted by (start, pitch), equal ones as given. The
    arrays are read-only. Raises ValueError for arrays of other shapes, or numbers out of range.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    pedal: np.ndarray = field(default_factory=_no_pedal)

    def __post_init__(self) -> None:
        start, end = (np.asarray(x, np.float64) for x in (self.start, self.end))
        pitch, velocity = (np.asarray(x) for x in (self.pitch, self.velocity))
        pedal = np.asarray(self.pedal, np.float64).reshape(-1, 2)
        if start.ndim != 1 or not start.shape == end.shape == pitch.shape == velocity.shape:
            shapes = ", ".join(str(x.shape) for x in (start, end, pitch, velocity))
            raise ValueError(f"expected four arrays [N], got {shapes}")
        if len(start):
            if not (np.isfinite(start).all() and np.isfinite(end).all() and (end >= start).all()):
                raise ValueError("expected finite times with end >= start")
            if pitch.min() < 0 or pitch.max() > 127 or velocity.min() < 1 or velocity.max() > 127:
                raise ValueError("expected pitches 0 to 127 and velocities 1 to 127")
        if not (np.isfinite(pedal).all() and (np.diff(pedal.ravel()) >= 0).all()):
            raise ValueError("expected presses of the pedal in order and apart")
        if not _is_sorted(start, pitch):
            order = np.lexsort((pitch, start))
            start, end, pitch, velocity = start[order], end[order], pitch[order], velocity[order]
        for name, value in (
            ("start", start),
            ("end", end),
            ("pitch", pitch.astype(np.int16, copy=False)),
            ("velocity", velocity.astype(np.int16, copy=False)),
            ("pedal", pedal),
        ):
            view = value.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def empty(cls) -> Notes:
        """No note at all."""
        return cls(np.zeros(0), np.zeros(0), np.zeros(0, np.int16), np.zeros(0, np.int16))

    @classmethod
    def of(cls, rows: Iterable[Sequence[float]] | np.ndarray) -> Notes:
        """From rows (start, end, pitch, velocity), seconds."""
        plain = rows if isinstance(rows, np.ndarray) else np.array([tuple(row) for row in rows], np.float64)
        table = plain.reshape(-1, 4)
        return cls(table[:, 0], table[:, 1], table[:, 2].astype(np.int16), table[:, 3].astype(np.int16))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def rows(self) -> np.ndarray:
        """float64 [N, 4]: start, end, pitch, velocity."""
        return np.column_stack((self.start, self.end, self.pitch, self.velocity)).astype(np.float64)

    @property
    def duration(self) -> float:
        """Seconds from 0 to the end of the last note; the pedal may be held longer."""
        return float(self.end.max()) if len(self) else 0.0

    def same(self, other: Notes, tolerance: float = 0.0) -> bool:
        """Whether both hold the same notes and presses, times to within `tolerance` seconds."""
        if len(self) != len(other) or len(self.pedal) != len(other.pedal):
            return False
        times = np.concatenate((self.start - other.start, self.end - other.end, (self.pedal - other.pedal).ravel()))
        return bool(
            np.array_equal(self.pitch, other.pitch)
            and np.array_equal(self.velocity, other.velocity)
            and (np.abs(times) <= tolerance).all()
        )

    def take(self, chosen: np.ndarray | Sequence[int] | slice) -> Notes:
        """The notes at the indices or the boolean mask `chosen`; the pedal stays."""
        return Notes(self.start[chosen], self.end[chosen], self.pitch[chosen], self.velocity[chosen], self.pedal)

    def shifted(self, seconds: float) -> Notes:
        """Everything that much later (earlier when negative)."""
        return replace(self, start=self.start + seconds, end=self.end + seconds, pedal=self.pedal + seconds)

    def stretched(self, factor: float) -> Notes:
        """All times multiplied by `factor` > 0: 2 plays at half the speed."""
        if not factor > 0:
            raise ValueError(f"expected a factor above 0, got {factor}")
        return replace(self, start=self.start * factor, end=self.end * factor, pedal=self.pedal * factor)

    def transposed(self, semitones: int) -> Notes:
        """Every pitch moved. Raises ValueError when one would leave 0 to 127; see `fits`."""
        return replace(self, pitch=self.pitch + np.int16(semitones))

    def fits(self, semitones: int = 0) -> bool:
        """Whether all notes, moved by `semitones`, lie on the 88 keys."""
        if not len(self):
            return True
        return bool(self.pitch.min() + semitones >= LOWEST and self.pitch.max() + semitones <= HIGHEST)

    def on_keys(self) -> Notes:
        """Without the notes that a piano has no key for."""
        inside = (self.pitch >= LOWEST) & (self.pitch <= HIGHEST)
        return self if inside.all() else self.take(inside)

    def between(self, begin: float, until: float) -> Notes:
        """What starts in [begin, until), seconds, cut at `until`; times stay what they are.

        Notes that already sound at `begin` are left out; a press of the pedal is cut at both ends.
        """
        if until < begin:
            raise ValueError(f"expected an interval, got {begin} to {until}")
        chosen = (self.start >= begin) & (self.start < until)
        pedal = np.clip(self.pedal, begin, until)
        return Notes(
            self.start[chosen],
            np.minimum(self.end[chosen], until),
            self.pitch[chosen],
            self.velocity[chosen],
            pedal[pedal[:, 1] > pedal[:, 0]],
        )


def concatenate(parts: Sequence[Notes], *, gap: float | None = None) -> Notes:
    """All the notes of `parts` in one.

    gap: None lays them over one another (hands of one piece; presses of the pedals are joined); otherwise
    each part begins that many seconds after the previous one has ended (the pedal included).
    """
    if gap is not None:
        placed, now = [], 0.0
        for part in parts:
            placed.append(part.shifted(now))
            released = float(part.pedal.max()) if len(part.pedal) else 0.0
            now += max(part.duration, released) + gap
        parts = placed
    if not parts:
        return Notes.empty()
    pedal = np.concatenate([part.pedal for part in parts])
    return Notes(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate([part.pitch for part in parts]),
        np.concatenate([part.velocity for part in parts]),
        joined_spans(pedal),
    )


def joined_spans(spans: np.ndarray) -> np.ndarray:
    """float64 [Q, 2]: the union of the half-open spans [P, 2], in order; those that touch are joined."""
    if not len(spans):
        return _no_pedal()
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    reach = np.maximum.accumulate(spans[:, 1])
    fresh = np.concatenate(([True], spans[1:, 0] > reach[:-1]))
    last = np.concatenate((np.flatnonzero(fresh)[1:] - 1, [len(spans) - 1]))
    return np.column_stack((spans[fresh, 0], reach[last]))


def pitch_name(pitch: int) -> str:
    """ "C4" for 60: the pitch class and the octave in which middle C is C4."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _is_sorted(start: np.ndarray, pitch: np.ndarray) -> bool:
    later, same = start[1:] > start[:-1], start[1:] == start[:-1]
    return bool((later | (same & (pitch[1:] >= pitch[:-1]))).all())
