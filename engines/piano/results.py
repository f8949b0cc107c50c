"""What the training and measuring jobs of the piano topic give back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

NO_NOTES = np.zeros((0, 4))


@dataclass(frozen=True)
class TrainSnapshot:
    """A training under way.

    step, steps: done and at most. share: of the training that is over, 0 to 1. history: curves, float64 [K] each, by
    the names in `engines.piano.training.CURVES`. losses: float32 [≤ 2000], of the newest steps. sample: float64 [N, 4],
    a piece that the network just composed: start, end (s), pitch, velocity. style: float64 [M, 4], the performance
    whose style it was given.
    """

    step: int
    steps: int
    share: float
    history: dict[str, np.ndarray]
    losses: np.ndarray
    sample: np.ndarray = field(default_factory=NO_NOTES.copy)
    style: np.ndarray = field(default_factory=NO_NOTES.copy)


@dataclass(frozen=True)
class TrainResult:
    """A network that was trained.

    history: curves as in the snapshot. weights_path: empty where nobody keeps them. held_out_nll: nats per token of
    validation pieces. tokens: read in training. sample, style: as in the snapshot.
    """

    history: dict[str, np.ndarray]
    weights_path: str
    parameters: int
    held_out_nll: float
    tokens: int
    seconds: float
    sample: np.ndarray
    style: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"curves": self.history}


@dataclass(frozen=True)
class ShipResult:
    """trained, skipped: names. nll: float64, of each trained one: test NLL in nats per token."""

    trained: tuple[str, ...]
    skipped: tuple[str, ...]
    nll: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"shipped": {"name": np.array(self.trained), "nll": self.nll}}


@dataclass(frozen=True)
class MeasureResult:
    """NLL of one network in nats per token, over all tokens of crops; one set of crops is the same for all networks.

    own: told what it was trained to be told; the style is read from the very crop that is predicted, as in the paper.
    elsewhere: the style read from another stretch of the same piece; NaN where it reads none, or a piece has no two
    stretches. other_style: told another piece's performance; other_melody: another's
    melody; NaN where it reads none, or where all crops are of one piece. per_crop: float64 [C], of `own`.
    """

    weights: str
    mode: str
    source: str
    part: str
    crops: int
    tokens: int
    own: float
    other_style: float
    other_melody: float
    per_crop: np.ndarray
    elsewhere: float = float("nan")

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        kinds = ("own", "elsewhere", "other_style", "other_melody")
        values: list[Any] = [getattr(self, kind) for kind in kinds]
        return {
            "nll": {"conditioning": np.array(kinds), "nats_per_token": np.array(values)},
            "crops": {"nats_per_token": self.per_crop},
        }


@dataclass(frozen=True)
class LikenessResult:
    """How much of each feature's normal curve a composed piece shares with its source.

    names: K sources. overlaps: float64 [K, 8], one column for each of `features.FEATURES`; NaN where a piece has no
    value of a feature. overlap: their mean. by_feature: float64 [8], means over the pieces. seconds: float64 [K], of
    what was composed. followed: float64 [K], the share of the source's melody that it plays, which a network that
    reads no melody can only meet by chance.
    """

    weights: str
    mode: str
    overlap: float
    names: tuple[str, ...]
    overlaps: np.ndarray
    by_feature: np.ndarray
    seconds: np.ndarray
    followed: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        from engines.piano.features import FEATURES

        columns = {name: self.overlaps[:, k] for k, name in enumerate(FEATURES)}
        return {
            "pieces": {"source": np.array(self.names), **columns, "seconds": self.seconds, "melody": self.followed},
            "features": {"feature": np.array(FEATURES), "overlap": self.by_feature},
        }


@dataclass(frozen=True)
class MorphResult:
    """Music on the way from one style to another.

    alphas: float64 [A]. pairs: K names of (first, second). to_first, to_second: float64 [K, A], mean overlap of what
    was composed with either source. towards: float64 [A], mean over pairs of to_second / (to_first + to_second).
    """

    weights: str
    alphas: np.ndarray
    pairs: tuple[tuple[str, str], ...]
    to_first: np.ndarray
    to_second: np.ndarray
    towards: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "morph": {
                "alpha": self.alphas,
                "to_first": np.nanmean(self.to_first, 0),
                "to_second": np.nanmean(self.to_second, 0),
                "towards_second": self.towards,
            }
        }


@dataclass(frozen=True)
class WriteResult:
    """Pieces that were composed.

    files: MIDI files, tokens and style vector as .npy; empty where nobody keeps them. notes: int64 [K], of each piece.
    nll: float64 [K], mean nats per token under the network's own distribution. overlap: float64 [K], mean overlap of
    features with the first style; NaN where a piece is too short. followed: float64 [K], the share of the melody that
    is played; NaN without one.
    """

    weights: str
    files: tuple[str, ...]
    seconds: float
    notes: np.ndarray
    nll: np.ndarray
    overlap: np.ndarray
    followed: np.ndarray
    tokens_per_second: float
    remarks: tuple[str, ...] = ()

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "pieces": {
                "notes": self.notes,
                "nats_per_token": self.nll,
                "overlap": self.overlap,
                "melody": self.followed,
            }
        }


@dataclass(frozen=True)
class StylesResult:
    """Style vectors of N performances and a map of them.

    names: N. z: float32 [N, d]. map: float64 [N, 2], z on the two directions in which they differ most. mean: float32
    [d], basis: float32 [2, d]: map = (z - mean) · basis. variance: float64 [2], the share of all variance that each
    direction holds. features: float64 [N, 8], each piece's means, NaN where it has none. readable: float64 [8], how
    much of each feature's variance over the pieces a linear probe reads from z of a piece it was not fitted on (R²,
    below 0 is worse than the mean; NaN with fewer than ten pieces).
    """

    weights: str
    names: tuple[str, ...]
    z: np.ndarray
    map: np.ndarray
    mean: np.ndarray
    basis: np.ndarray
    variance: np.ndarray
    features: np.ndarray
    readable: np.ndarray
    remarks: tuple[str, ...] = ()

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        from engines.piano.features import FEATURES

        return {
            "map": {"name": np.array(self.names), "x": self.map[:, 0], "y": self.map[:, 1]},
            "probes": {"feature": np.array(FEATURES), "r2": self.readable},
        }


@dataclass(frozen=True)
class RecitalResult:
    """Longest runs of melody steps shared with the tunes that a network learnt.

    composed: int64 [K], of pieces by the network. played: int64 [K], their melody notes. people: int64 [M], of pieces
    by people that it never saw, each cut to as many melody notes. mean, longest: of both. worst: of the network's
    longest run, the tune that holds it.
    """

    weights: str
    tunes: int
    mean: float
    mean_of_people: float
    longest: int
    longest_of_people: int
    composed: np.ndarray
    played: np.ndarray
    people: np.ndarray
    worst: str

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "composed": {"notes": self.played, "steps": self.composed},
            "people": {"steps": self.people},
        }
