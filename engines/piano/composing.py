"""Writing piano music by rule: chords, tunes and a sheet that is performed with a little human looseness."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engines.piano.notes import HIGHEST, LOWEST, Notes

_PITCH_CLASSES: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_QUALITIES: Final = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "6": (0, 4, 7, 9),
    "9": (0, 4, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "m9": (0, 3, 7, 10, 14),
    "sus": (0, 5, 7),
}
MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
MINOR: Final = (0, 2, 3, 5, 7, 8, 10)
HARMONIC_MINOR: Final = (0, 2, 3, 5, 7, 8, 11)
BLUES: Final = (0, 3, 5, 6, 7, 10)
PENTATONIC: Final = (0, 2, 4, 7, 9)


def pitch_of(name: str) -> int:
    """MIDI pitch of "C4", "F#5" or "Bb3". Raises ValueError."""
    found = re.fullmatch(r"([A-G])([#b]?)(-?\d)", name)
    if found is None:
        raise ValueError(f"expected a pitch such as C4 or F#5, got {name!r}")
    letter, sign, octave = found.groups()
    return 12 * (int(octave) + 1) + _PITCH_CLASSES[letter] + {"#": 1, "b": -1, "": 0}[sign]


@dataclass(frozen=True)
class Chord:
    """root: pitch class 0 to 11. shape: semitones above it."""

    root: int
    shape: tuple[int, ...]

    @classmethod
    def of(cls, symbol: str) -> Chord:
        """From "Am7", "G7", "Ebmaj7" …"""
        found = re.fullmatch(r"([A-G])([#b]?)(.*)", symbol)
        if found is None or found[3] not in _QUALITIES:
            raise ValueError(f"expected a chord such as Am7, got {symbol!r}")
        sign = {"#": 1, "b": -1, "": 0}[found[2]]
        return cls((_PITCH_CLASSES[found[1]] + sign) % 12, _QUALITIES[found[3]])

    def bass(self, lowest: int) -> int:
        """Its root at or above `lowest`."""
        return lowest + (self.root - lowest) % 12

    def tones(self, lowest: int, count: int) -> list[int]:
        """Its first `count` tones at or above `lowest`, ascending."""
        classes = {(self.root + step) % 12 for step in self.shape}
        return [p for p in range(lowest, lowest + 12 * (count + 1)) if p % 12 in classes][:count]

    def nearest(self, pitch: int) -> int:
        """The tone closest to `pitch`, the upper one of two."""
        classes = {(self.root + step) % 12 for step in self.shape}
        return min((p for p in range(pitch - 6, pitch + 7) if p % 12 in classes), key=lambda p: (abs(p - pitch), -p))


def chords(text: str) -> list[Chord]:
    """From symbols between spaces and bar lines."""
    return [Chord.of(symbol) for symbol in text.replace("|", " ").split()]


def line(text: str) -> list[tuple[float, float, int]]:
    """A melody as (beat, beats long, pitch) from "E4 F4/2 r/1.5 …"; one beat when no length is given."""
    out, beat = [], 0.0
    for word in text.replace("|", " ").split():
        name, _, length = word.partition("/")
        beats = float(length or 1)
        if name != "r":
            out.append((beat, beats, pitch_of(name)))
        beat += beats
    return out


@dataclass
class Sheet:
    """Music in beats, before anyone plays it. rows: (beat, beats long, pitch, velocity); presses: (beat, beat)."""

    rows: list[tuple[float, float, int, float]] = field(default_factory=list)
    presses: list[tuple[float, float]] = field(default_factory=list)

    def note(self, beat: float, length: float, pitch: int, velocity: float) -> None:
        """Add one note; a pitch off the keyboard is moved by octaves."""
        while pitch < LOWEST:
            pitch += 12
        while pitch > HIGHEST:
            pitch -= 12
        self.rows.append((beat, length, pitch, velocity))

    def chord(self, beat: float, length: float, pitches: Iterable[int], velocity: float, *, roll: float = 0.0) -> None:
        """Add several notes at once, or each `roll` beats after the one below it."""
        for i, pitch in enumerate(pitches):
            self.note(beat + i * roll, length - i * roll, pitch, velocity)

    def pedal(self, down: float, up: float) -> None:
        self.presses.append((down, up))

    def performed(
        self,
        bpm: float,
        rng: np.random.Generator,
        *,
        swing: float = 0.0,
        sway: float = 0.0,
        phrase: float = 16.0,
        loose_ms: float = 7.0,
        uneven: float = 3.0,
    ) -> Notes:
        """The sheet as played at `bpm` beats a minute.

        swing: 0 plays halves of a beat evenly, 1 as two to one. sway: how much slower than `bpm` the ends of a
        `phrase` (beats) are, as a share; the middle is as much faster. loose_ms: spread of the moments.
        uneven: spread of the velocities. A key struck again ends its earlier note.
        """
        table = np.array(sorted(self.rows), np.float64)
        beats = np.concatenate((table[:, 0], table[:, 0] + table[:, 1], np.ravel(self.presses)))
        whole = np.floor(beats)
        inside = beats - whole
        middle = 0.5 + swing / 6
        inside = np.where(inside < 0.5, inside * middle / 0.5, middle + (inside - 0.5) * (1 - middle) / 0.5)
        beats = whole + inside
        beats = beats + sway * phrase / (2 * np.pi) * np.sin(2 * np.pi * beats / phrase)
        seconds = beats * 60 / bpm
        n = len(table)
        late = rng.normal(0, loose_ms / 1000, n)
        start = np.maximum(seconds[:n] + late, 0.0)
        end = np.maximum(seconds[n : 2 * n] + late, start + 0.04)
        velocity = np.clip(np.rint(table[:, 3] + rng.normal(0, uneven, n)), 8, 124).astype(np.int16)
        pitch = table[:, 2].astype(np.int16)
        order = np.lexsort((start, pitch))
        start, end, pitch, velocity = start[order], end[order], pitch[order], velocity[order]
        again = np.append(pitch[1:] == pitch[:-1], False)
        end = np.where(again, np.minimum(end, np.append(start[1:], np.inf)), end)
        kept = end - start > 0.01
        presses = seconds[2 * n :].reshape(-1, 2)
        start, end, presses = (np.rint(1000 * x) / 1000 for x in (start, end, presses))  # as a MIDI file keeps them
        return Notes(start[kept], end[kept], pitch[kept], velocity[kept], presses)


def tune(
    harmony: Sequence[Chord],
    rng: np.random.Generator,
    *,
    bar: float,
    rhythms: Sequence[Sequence[float]],
    scale: Sequence[int],
    tonic: int,
    centre: int,
) -> list[tuple[float, float, int]]:
    """A tune of one bar per chord as (beat, beats long, pitch).

    rhythms: lengths that fill a bar, taken in turn; a negative one is a rest. Bars with the same rhythm share one
    contour, so the tune has motifs. The first note of a bar is a tone of its chord, the others walk on the
    scale; the last bar holds the tonic.
    """
    keys = [p for p in range(centre - 16, centre + 17) if (p - tonic) % 12 in scale]
    contours = [rng.choice([-2, -1, -1, 1, 1, 2], len(rhythm)) for rhythm in rhythms]
    out: list[tuple[float, float, int]] = []
    at = keys.index(min(keys, key=lambda p: abs(p - centre)))
    for number, chord in enumerate(harmony):
        beat = number * bar
        if number == len(harmony) - 1:
            home = Chord(tonic, (0,)).nearest(keys[at])
            out.append((beat, bar, home))
            break
        rhythm, contour = rhythms[number % len(rhythms)], contours[number % len(rhythms)]
        # Motifs return to the middle of the voice instead of wandering off.
        target = chord.nearest(keys[at] + (1 if keys[at] < centre - 5 else -1 if keys[at] > centre + 5 else 0) * 5)
        at = min(range(len(keys)), key=lambda i: abs(keys[i] - target))
        first = True
        for length, step in zip(rhythm, contour, strict=True):
            if length < 0:
                beat -= length
                continue
            if not first:
                at = min(max(at + int(step), 0), len(keys) - 1)
            out.append((beat, length, target if first else keys[at]))
            beat += length
            first = False
    return out
