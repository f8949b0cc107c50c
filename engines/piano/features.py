"""How alike two performances are: eight features in windows of two seconds, Gaussians, and what they share.

Source: Choi et al. 2020, section 5.2, after L. Yang and A. Lerch, "On the evaluation of generative models in music",
2020. The paper leaves hop and estimator open; here windows do not overlap and variances are population variances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.notes import Notes
from engines.piano.pedal import sustained

WINDOW_S: Final = 2.0
FEATURES: Final = (
    "note density",
    "pitch range",
    "mean pitch",
    "pitch variation",
    "mean velocity",
    "velocity variation",
    "mean duration",
    "duration variation",
)
SHORT: Final = ("ND", "PR", "MP", "VP", "MV", "VV", "MD", "VD")
UNITS: Final = ("notes/s", "semitones", "MIDI pitch", "semitones", "MIDI velocity", "MIDI velocity", "s", "s")
FLOOR: Final = (0.25, 0.5, 0.5, 0.25, 1.0, 0.5, 0.02, 0.02)
"""Least standard deviation of each feature: half of what a single note more, a semitone, a velocity bin or a step of
the clock changes it by, roughly. Without one, a metronomic piece would share nothing with its own copy."""
FEWEST_WINDOWS: Final = 2
_ROWS: Final = 256
"""Windows that are compared with all others at once."""


@dataclass(frozen=True)
class Profile:
    """A performance as eight Gaussians.

    values: float64 [W, 8], one row per window; nan where the window has too few notes for the feature. mean,
    deviation: float64 [8]; nan and the floor where no window has a value.
    """

    values: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray


def windows(notes: Notes, window: float = WINDOW_S) -> np.ndarray:
    """float64 [W, 8]: the features of each window, in the order of FEATURES, for notes as they sound.

    A note belongs to the window it begins in. Windows run from the first onset to the last. Means and the range
    need one note, variations (standard deviations) two; nan otherwise. An empty window has density 0.
    """
    notes = sustained(notes)
    if not len(notes):
        return np.zeros((0, len(FEATURES)))
    where = np.floor((notes.start - notes.start[0]) / window).astype(np.int64)
    count = np.bincount(where)
    columns = [count / window]
    pitch, velocity = notes.pitch.astype(np.float64), notes.velocity.astype(np.float64)
    highest, lowest = np.full(len(count), -np.inf), np.full(len(count), np.inf)
    np.maximum.at(highest, where, pitch)
    np.minimum.at(lowest, where, pitch)
    one, two = count >= 1, count >= 2
    columns.append(np.where(one, highest - np.where(one, lowest, 0), np.nan))
    for value in (pitch, velocity, notes.end - notes.start):
        mean = np.bincount(where, value) / np.maximum(count, 1)
        spread = np.sqrt(np.bincount(where, (value - mean[where]) ** 2) / np.maximum(count, 1))
        columns += [np.where(one, mean, np.nan), np.where(two, spread, np.nan)]
    return np.column_stack(columns)


def profile(notes: Notes) -> Profile:
    """The eight Gaussians of a performance. Raises UserError for less than four seconds of music."""
    values = windows(notes)
    if np.isfinite(values[:, 2]).sum() < FEWEST_WINDOWS:
        raise UserError(
            "it is too short to be described", f"choose more than {FEWEST_WINDOWS * WINDOW_S:.0f} s of music"
        )
    mean, deviation = np.full(len(FEATURES), np.nan), np.array(FLOOR)
    for i in range(len(FEATURES)):
        known = values[np.isfinite(values[:, i]) & np.isfinite(values[:, 2]), i]
        if len(known):
            mean[i] = known.mean()
            deviation[i] = max(known.std(), FLOOR[i])
    return Profile(values, mean, deviation)


def overlap(mean_a: float, deviation_a: float, mean_b: float, deviation_b: float) -> float:
    """The area under both of two normal densities, 0 to 1. Exact: with unequal deviations the densities cross twice.

    Source: paper file 08, 2.6 (the paper's own form assumes one crossing). Raises ValueError for a deviation of 0.
    """
    if not (deviation_a > 0 and deviation_b > 0):
        raise ValueError(f"expected deviations above 0, got {deviation_a} and {deviation_b}")
    if (deviation_a, mean_a) > (deviation_b, mean_b):
        mean_a, deviation_a, mean_b, deviation_b = mean_b, deviation_b, mean_a, deviation_a
    apart = mean_b - mean_a
    if deviation_a == deviation_b:
        return math.erfc(abs(apart) / (2 * math.sqrt(2) * deviation_a))
    # Logarithms of the densities are parabolas; with a's mean as origin they cross where wide x² - 2 half x + rest = 0.
    va, vb = deviation_a**2, deviation_b**2
    wide = (deviation_b - deviation_a) * (deviation_b + deviation_a)
    half = -apart * va
    rest = -va * (apart**2 + 2 * vb * math.log1p((deviation_b - deviation_a) / deviation_a))
    # The root that loses no digits first; the other one from their product.
    sure = half + math.copysign(math.sqrt(half**2 - wide * rest), half)
    low, high = sorted((mean_a + sure / wide, mean_a + rest / sure))

    def below(x: float, mean: float, deviation: float) -> float:
        return 0.5 * math.erfc((mean - x) / (deviation * math.sqrt(2)))

    def above(x: float, mean: float, deviation: float) -> float:
        return 0.5 * math.erfc((x - mean) / (deviation * math.sqrt(2)))

    middle = below(high, mean_b, deviation_b) - below(low, mean_b, deviation_b)
    return min(1.0, below(low, mean_a, deviation_a) + middle + above(high, mean_a, deviation_a))


def kl(mean_a: float, deviation_a: float, mean_b: float, deviation_b: float) -> float:
    """Kullback-Leibler divergence of the normal distribution b from a, in nats: how badly b describes a."""
    ratio = deviation_a / deviation_b
    return 0.5 * (ratio**2 + ((mean_a - mean_b) / deviation_b) ** 2 - 1) - math.log(ratio)


def symmetric_kl(mean_a: float, deviation_a: float, mean_b: float, deviation_b: float) -> float:
    """Mean of `kl` both ways, in nats."""
    forth, back = kl(mean_a, deviation_a, mean_b, deviation_b), kl(mean_b, deviation_b, mean_a, deviation_a)
    return 0.5 * (forth + back)


def mmd_imq(a: np.ndarray, b: np.ndarray, scale: float | None = None) -> float:
    """Squared maximum mean discrepancy of two samples with the kernel C / (C + |x - y|²); at least 0.

    a: float [N, D]. b: float [M, D]. scale: C; 2 D where the columns have unit variance, as after `similarity`'s
    scaling. The biased estimate, which is 0 for a sample and itself. Source: I. Tolstikhin et al., Wasserstein
    auto-encoders, 2018.
    """
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (a, b))
    if not len(a) or not len(b) or a.shape[1] != b.shape[1]:
        raise ValueError(f"expected samples of one width, got {a.shape} and {b.shape}")
    c = 2.0 * a.shape[1] if scale is None else scale

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        total = 0.0
        for begin in range(0, len(x), _ROWS):  # Hours of music would need gigabytes at once.
            square = ((x[begin : begin + _ROWS, None, :] - y[None, :, :]) ** 2).sum(axis=2)
            total += float((c / (c + square)).sum())
        return total / (len(x) * len(y))

    return max(0.0, kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))


@dataclass(frozen=True)
class Similarity:
    """Of two performances. overlaps: float64 [8], the area that each feature's Gaussians share; nan where one has no
    value. overlap: their mean, the paper's headline, 0 to 1. kl: symmetric, mean over features, nats. mmd: squared, of
    the windows, features scaled to unit variance over both."""

    overlaps: np.ndarray
    overlap: float
    kl: float
    mmd: float


def similarity(a: Notes | Profile, b: Notes | Profile) -> Similarity:
    """Compare two performances. Symmetric. Raises UserError when one is too short."""
    first, second = (x if isinstance(x, Profile) else profile(x) for x in (a, b))
    overlaps, divergences = np.full(len(FEATURES), np.nan), []
    for i in range(len(FEATURES)):
        if np.isfinite(first.mean[i]) and np.isfinite(second.mean[i]):
            pair = first.mean[i], first.deviation[i], second.mean[i], second.deviation[i]
            overlaps[i] = overlap(*pair)
            divergences.append(symmetric_kl(*pair))
    return Similarity(overlaps, float(np.nanmean(overlaps)), float(np.mean(divergences)), _window_mmd(first, second))


def _window_mmd(first: Profile, second: Profile) -> float:
    """MMD over the features that every window can have: all but the variations."""
    columns = [0, 1, 2, 4, 6]
    a, b = (p.values[np.isfinite(p.values[:, 2])][:, columns] for p in (first, second))
    both = np.concatenate((a, b))
    deviation = np.maximum(both.std(axis=0), np.array(FLOOR)[columns])
    return mmd_imq(a / deviation, b / deviation)
