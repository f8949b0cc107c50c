"""What crosses from training and measuring to a window: frozen, picklable, numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TrainSnapshot:
    """A training run as it stands.

    epoch: finished ones, of epochs. step, steps: within the one under way. history: curves by name, float64
    [epoch] (see `engines.vision.training.fit.CURVES`). step_losses: float32 [n], one a step, the latest 2000.
    samples: float32 [up to 8, C, H, W] in [0, 1], images of the latest step as the network saw them (turned,
    attacked).
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    history: dict[str, np.ndarray]
    step_losses: np.ndarray
    samples: np.ndarray


@dataclass(frozen=True)
class TrainResult:
    """A finished run. history: curves by name, float64 [epochs]. weights_path: the file, empty where nobody keeps
    the run. ended: why, in words. seconds: of training, without measuring."""

    history: dict[str, np.ndarray]
    weights_path: str
    parameters: int
    accuracy: float
    robust_accuracy: float
    seconds: float
    ended: str

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"history": self.history}


@dataclass(frozen=True)
class MeasureResult:
    """Accuracy of one network. metrics: figures by name as on the card, e.g. clean_accuracy, rotated_180,
    pgd20_0.1, apgd_0.1; each share is of the number of images beside it (`images`, `attacked_images`)."""

    weights: str
    data: str
    metrics: dict[str, float]

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "metrics": {
                "name": np.array(list(self.metrics)),
                "value": np.array(list(self.metrics.values()), np.float64),
            }
        }


@dataclass(frozen=True)
class ShipResult:
    """Models that were trained now, and those that were there already. accuracy: held-out, one for each trained."""

    trained: tuple[str, ...]
    skipped: tuple[str, ...]
    accuracy: np.ndarray

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {"trained": {"name": np.array(self.trained), "accuracy": self.accuracy}}
