"""Notes as a piano roll needs them: arrays, names, colours. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, Protocol

import numpy as np

from workbench import colormaps
from workbench.oklab import from_oklab

LEVELS: Final = 16
"""Steps of a colour scale for notes. The eye tells about as many apart, and each costs one call to draw."""
LOWEST, HIGHEST = 21, 108
"""MIDI numbers of the ends of a piano's keyboard, A0 and C8."""
_NAMES: Final = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_BLACK: Final = np.array([0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0], bool)


class HasNotes(Protocol):
    """Anything with these arrays of one length; `pedal`, float [P, 2] (down, up) in seconds, may be there too."""

    @property
    def start(self) -> np.ndarray: ...
    @property
    def end(self) -> np.ndarray: ...
    @property
    def pitch(self) -> np.ndarray: ...
    @property
    def velocity(self) -> np.ndarray: ...


def _no_pedal() -> np.ndarray:
    return np.zeros((0, 2))


@dataclass(frozen=True)
class RollNotes:
    """Notes in order of (start, pitch).

    start, end: float64 [N], seconds, end > start. pitch: int16 [N], MIDI 0..127. velocity: int16 [N], 1..127.
    pedal: float64 [P, 2], when the sustain pedal goes down and up.
    """

    start: np.ndarray
    end: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray
    pedal: np.ndarray = field(default_factory=_no_pedal)

    @staticmethod
    def of(notes: HasNotes) -> RollNotes:
        """Checked and put in order. Raises ValueError for arrays of different lengths, for a time that is not a
        number, and for pitches outside 0..127."""
        if isinstance(notes, RollNotes):
            return notes
        start, end = np.asarray(notes.start, np.float64), np.asarray(notes.end, np.float64)
        pitch, velocity = np.asarray(notes.pitch, np.int16), np.asarray(notes.velocity, np.int16)
        shapes = {a.shape for a in (start, end, pitch, velocity)}
        if len(shapes) > 1 or start.ndim != 1:
            raise ValueError(f"expected four arrays of one length, got {sorted(shapes)}")
        if not (np.isfinite(start).all() and np.isfinite(end).all()):
            raise ValueError("expected finite times, got NaN or infinity")
        if len(pitch) and not (pitch.min() >= 0 and pitch.max() <= 127):
            raise ValueError(f"expected pitches in 0..127, got {pitch.min()}..{pitch.max()}")
        pedal = np.asarray(getattr(notes, "pedal", _no_pedal()), np.float64).reshape(-1, 2)
        velocity = np.clip(velocity, 1, 127)
        apart = np.diff(start)
        if bool(((apart > 0) | ((apart == 0) & (np.diff(pitch) >= 0))).all()):
            return RollNotes(start, end, pitch, velocity, pedal)
        order = np.lexsort((pitch, start))
        return RollNotes(start[order], end[order], pitch[order], velocity[order], pedal)

    @staticmethod
    def empty() -> RollNotes:
        return RollNotes(np.zeros(0), np.zeros(0), np.zeros(0, np.int16), np.zeros(0, np.int16))

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def duration(self) -> float:
        """When the last note or pedal ends, in seconds."""
        return max(float(self.end.max(initial=0.0)), float(self.pedal.max(initial=0.0)))

    @cached_property
    def pitch_range(self) -> tuple[int, int]:
        """Lowest and highest pitch; middle C's octave if there is no note."""
        return (int(self.pitch.min()), int(self.pitch.max())) if len(self) else (60, 72)

    def sounding(self, at: float) -> np.ndarray:
        """Indices int [k] of the notes that sound at a time."""
        return np.flatnonzero((self.start <= at) & (at < self.end))

    def within(self, start: float, end: float) -> np.ndarray:
        """Indices int [k] of the notes that sound somewhere in a stretch."""
        last = int(np.searchsorted(self.start, end, "right"))
        return np.flatnonzero(self.end[:last] >= start)

    def taken(self, index: np.ndarray) -> RollNotes:
        """Some of the notes, with the whole pedal."""
        return RollNotes(self.start[index], self.end[index], self.pitch[index], self.velocity[index], self.pedal)


def changed_stretch(before: RollNotes, after: RollNotes) -> tuple[float, float] | None:
    """The seconds outside which both look the same; None where they are equal. Notes that are finished while a
    piece is composed come near its end, so a view has little to draw anew."""
    if not len(before) or not len(after):  # one of them may be hours long, and nothing of it need be compared
        some = [notes for notes in (before, after) if len(notes) or len(notes.pedal)]
        if not some or (len(before) == len(after) and np.array_equal(before.pedal, after.pedal)):
            return None
        begins = [float(times.min()) for notes in some for times in (notes.start, notes.pedal) if len(times)]
        return min(begins), max(notes.duration for notes in some)
    old = np.stack([before.start, before.end, before.pitch, before.velocity], axis=1)
    new = np.stack([after.start, after.end, after.pitch, after.velocity], axis=1)
    least = min(len(old), len(new))
    same = (old[:least] == new[:least]).all(axis=1)
    head = least if same.all() else int(np.argmin(same))
    back = (old[len(old) - least + head :][::-1] == new[len(new) - least + head :][::-1]).all(axis=1)
    tail = len(back) if back.all() else int(np.argmin(back))
    changed = np.concatenate([old[head : len(old) - tail], new[head : len(new) - tail]])
    found = [(float(changed[:, 0].min()), float(changed[:, 1].max()))] if len(changed) else []
    if before.pedal.shape != after.pedal.shape or (before.pedal != after.pedal).any():
        found.append(_pedal_change(before.pedal, after.pedal))
    return (min(a for a, _ in found), max(b for _, b in found)) if found else None


def _pedal_change(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    least = min(len(before), len(after))
    same = (before[:least] == after[:least]).all(axis=1)
    head = least if same.all() else int(np.argmin(same))
    changed = np.concatenate([before[head:], after[head:]])
    return float(changed.min()), float(changed.max())


# -- names ----------------------------------------------------------------------------------------------------


def pitch_name(pitch: int) -> str:
    """MIDI 60 is "C4"."""
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def spoken_pitch(pitch: int) -> str:
    """The name as a screen reader says it: "E flat 4"."""
    return pitch_name(pitch).replace("♯", " sharp ").replace("♭", " flat ")


def is_black(pitch: int) -> bool:
    """Whether a pitch is a black key."""
    return bool(_BLACK[pitch % 12])


def clock_text(seconds: float, step: float = 1.0) -> str:
    """A time as "1:05", with the decimals that marks `step` seconds apart need."""
    decimals = 0 if step >= 1 else 1 if step >= 0.1 else 2 if step >= 0.01 else 3
    whole = round(seconds, decimals)
    minutes, rest = divmod(max(whole, 0.0), 60)
    width = 2 if not decimals else 3 + decimals
    if minutes >= 60:
        hours, minutes = divmod(int(minutes), 60)
        return f"{hours}:{minutes:02d}:{rest:0{width}.{decimals}f}"
    return f"{int(minutes)}:{rest:0{width}.{decimals}f}"


# -- colours --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def velocity_rgb(dark: bool = False) -> np.ndarray:
    """uint8 [LEVELS, 3], from soft to loud. Lightness alone orders them, so the colour-blind read them too."""
    way = (
        [(0.46, 0.10, 268), (0.58, 0.19, 312), (0.70, 0.18, 12), (0.80, 0.15, 55), (0.93, 0.13, 98)]
        if dark
        else [(0.80, 0.105, 70), (0.70, 0.155, 35), (0.585, 0.19, 8), (0.46, 0.175, 330), (0.32, 0.13, 290)]
    )
    return _way(way, LEVELS)


_CLASSES_LIGHT: Final = (
    "#009eac", "#004b56", "#adb8cb", "#4d54a5", "#380e83", "#8b66df", "#b295ff", "#926169", "#512700", "#b68200",
    "#675300", "#b9ba41",
)  # fmt: skip
_CLASSES_DARK: Final = (
    "#00fdfb", "#4589ff", "#464fc2", "#a074bd", "#734982", "#9c6a69", "#dbc0b4", "#ffa44c", "#535441", "#d2ec7a",
    "#547100", "#529b00",
)  # fmt: skip
"""Found by a search for the largest least distance in Oklab between any two, as seen with all cones, without the green
and without the red ones (Machado, Oliveira and Fernandes 2009): 0.1, where hues of like lightness had 0.01."""


@lru_cache(maxsize=8)
def pitch_class_rgb(dark: bool = False) -> np.ndarray:
    """uint8 [12, 3]: hues by fifths, so that notes that go together look related; lightness tells them apart where hue
    cannot."""
    table = _CLASSES_DARK if dark else _CLASSES_LIGHT
    by_fifths = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in table], np.uint8)
    return by_fifths[np.arange(12) * 7 % 12]


@lru_cache(maxsize=8)
def value_rgb(dark: bool = False) -> np.ndarray:
    """uint8 [LEVELS, 3]: the theme's map for quantities, without the end that sinks into the ground."""
    lut = colormaps.sequential(dark).lut
    return lut[np.linspace(60, 250, LEVELS).astype(int)]


@lru_cache(maxsize=8)
def unknown_rgb(dark: bool = False) -> np.ndarray:
    """uint8 [3]: a grey for what has no value; no quantity has a colour without a hue."""
    return np.array([110, 116, 128] if dark else [198, 202, 210], np.uint8)


def level_of(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """int [N] in 0..LEVELS - 1 for float [N]; NaN is the lowest."""
    share = (np.nan_to_num(np.asarray(values, np.float64), nan=low) - low) / ((high - low) or 1.0)
    return np.clip((share * LEVELS).astype(int), 0, LEVELS - 1)


def velocity_level(velocity: np.ndarray) -> np.ndarray:
    """int [N] in 0..LEVELS - 1. The scale spends its steps where pianists play, from pp to ff."""
    return level_of(velocity, 20, 116)


def _way(points: Sequence[tuple[float, float, float]], steps: int) -> np.ndarray:
    """uint8 [steps, 3] along (lightness, chroma, hue in degrees), in even steps of lightness."""
    light, chroma, hue = (np.array(v) for v in zip(*points, strict=True))
    turn = np.unwrap(np.deg2rad(hue))
    a, b = chroma * np.cos(turn), chroma * np.sin(turn)
    order = np.argsort(light)
    at = np.linspace(light[0], light[-1], steps)
    lab = np.stack([at, np.interp(at, light[order], a[order]), np.interp(at, light[order], b[order])], axis=1)
    return np.rint(from_oklab(lab) * 255).astype(np.uint8)
