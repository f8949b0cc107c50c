"""Requests to the live session and its answers: frozen, picklable, numpy only. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engines.invariance.results import PlaneSlice

Part = Literal["dial", "inspect", "slice"]


@dataclass(frozen=True)
class InspectRequest:
    """Which feature maps to show.

    model: name. stage: of its stages, "" the last. channel: of that stage. turns: quarter turns, counter-clockwise.
    odd: add one row and one column to the image, which breaks the symmetry of pooling.
    """

    model: str
    stage: str = ""
    channel: int = 0
    turns: int = 1
    odd: bool = False


@dataclass(frozen=True)
class SliceRequest:
    """Which plane to show. model: name. extent: half its side, Euclidean. size: points a side at the end (odd).
    eps: of the attack that gives its first direction."""

    model: str
    extent: float = 4.0
    size: int = 33
    eps: float = 0.1


@dataclass(frozen=True)
class LiveRequest:
    """What the panel wants now; the newest request replaces the one under way.

    generation: comes back with every answer. image: float32 [C, H, W] in [0, 1]. models: names or files of the dial.
    angle: degrees, counter-clockwise. dial_points: angles round the dial (a multiple of 4). inspect, plane: None while
    those views are hidden. first: the part that is answered first.
    """

    generation: int
    image: np.ndarray
    models: tuple[str, ...]
    angle: float = 0.0
    dial_points: int = 72
    inspect: InspectRequest | None = None
    plane: SliceRequest | None = None
    first: Part = "dial"


@dataclass(frozen=True)
class Dial:
    """What M models say round the dial.

    models: names; titles: for people. names: class names of each. angles: float64 [A], 0 … 360. classes: int64 [M, A],
    -1 where not yet known; confidence: float32 [M, A], softmax of the named class, NaN likewise. flips: bool [M, A],
    another class than at 0 degrees. angle: the one asked for; turned: float32 [C, H, W], the image at it. now_classes:
    int64 [M], now_confidence: float32 [M], there. problems: (model, reason) of those that cannot be asked; they have -1
    throughout.
    """

    models: tuple[str, ...]
    titles: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    angles: np.ndarray
    classes: np.ndarray
    confidence: np.ndarray
    flips: np.ndarray
    angle: float
    turned: np.ndarray
    now_classes: np.ndarray
    now_confidence: np.ndarray
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Feature maps of one channel before and after quarter turns.

    stages: of the model. stage, channel, channels: shown one and how many. group: 4 or 8 elements, 1 for an ordinary
    network. image, turned: float32 [C, H, W]. before, after, expected: float32 [G, H', W'], maps of the image, of the
    turned image, and the maps of the image acted on by the exact quarter turn (turned and cycled). residual: largest
    |after - expected| over all channels of the stage; relative: over the largest |before|. each: float32 [G], of the
    channel shown. is_equivariant: relative below 1e-4, what rounding leaves in float32.
    """

    model: str
    stages: tuple[str, ...]
    stage: str
    channel: int
    channels: int
    group: int
    turns: int
    odd: bool
    image: np.ndarray
    turned: np.ndarray
    before: np.ndarray
    after: np.ndarray
    expected: np.ndarray
    residual: float
    relative: float
    each: np.ndarray
    is_equivariant: bool


@dataclass(frozen=True)
class LiveSnapshot:
    """What is known of a request so far. done: nothing more will come for it. plane: coarse first,
    then finer. milliseconds: since the request was taken. notes: why a part is missing, for people."""

    generation: int
    done: bool
    dial: Dial | None = None
    inspection: Inspection | None = None
    plane: PlaneSlice | None = None
    milliseconds: float = 0.0
    notes: tuple[str, ...] = field(default=())
