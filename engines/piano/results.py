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
    """NLL of one network in nats per token, mean over crops; crops of one set are the same for every network.

    own: told what it was trained to be told. other_style: told another piece's performance; other_melody: another's
    melody; NaN where it reads none. per_crop: float64 [C], of `own`. names: what each is, for the table.
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

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        kinds = ("own", "other_style", "other_melody")
        values: list[Any] = [getattr(self, kind) for kind in kinds]
        return {
            "nll": {"conditioning": np.array(kinds), "nats_per_token": np.array(values)},
            "crops": {"nats_per_token": self.per_crop},
        }
