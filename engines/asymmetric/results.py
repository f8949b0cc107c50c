"""What the jobs of asymmetrical training return: frozen, numpy only, and light to import."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.asymmetric.metrics import Rates, outcomes, rates

RULES = ("integrated", "generative")
"""Decision rules, in the order of every axis that runs over them."""


@dataclass(frozen=True)
class ToyResult:
    """A finished toy. losses: float32 [updates]; heat: float32 [G, G] (or [1, G]), z as in ToySnapshot.

    points: float32 [P, D]. share: of noise points that ascent carries to within 0.03 of the target; plain_share: the
    same after the plain updates. ascent: float32 [F, A, D], frames of that ascent. density: float32 [2, G], exp(z)
    normalised and the truth, or None. mass: share of normalised exp(z) within 0.03 of the modes (density), else NaN.
    auc: of target against attacked negatives, under a finer attack than the training's.
    """

    losses: np.ndarray
    heat: np.ndarray
    points: np.ndarray
    share: float
    plain_share: float
    shares: np.ndarray
    ascent: np.ndarray
    density: np.ndarray | None
    mass: float
    auc: float
    seconds: float

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        tables = {
            "result": {
                name: np.array([getattr(self, name)]) for name in ("share", "plain_share", "mass", "auc", "seconds")
            },
            "loss": {"update": np.arange(1, len(self.losses) + 1), "loss": self.losses},
        }
        if self.density is not None:
            grid = (np.arange(self.density.shape[1]) + 0.5) / self.density.shape[1]
            tables["density"] = {"x": grid, "model": self.density[0], "truth": self.density[1]}
        return tables


@dataclass(frozen=True)
class TrainResult:
    """A trained bank. classes: K names. losses: float32 [updates, K]; auc: float64 [epochs, K], validation AUC under
    attack; best_epoch: int64 [K], which epoch each detector is from; best_auc: float64 [K].

    natural_auc: float64 [K] and generative_accuracy: on clean test images. threshold: of the generative rule at 95 %
    TPR. weights_path: the file, empty where nobody keeps the run.
    """

    classes: tuple[str, ...]
    losses: np.ndarray
    auc: np.ndarray
    best_epoch: np.ndarray
    best_auc: np.ndarray
    natural_auc: np.ndarray
    generative_accuracy: float
    threshold: float
    weights_path: str
    seconds: float

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "detectors": {
                "class": np.array(self.classes),
                "validation_auc": self.best_auc,
                "natural_auc": self.natural_auc,
                "epoch": self.best_epoch,
            },
            "losses": {"update": np.arange(1, len(self.losses) + 1), "loss": self.losses},
            "epochs": {"epoch": np.arange(1, len(self.auc) + 1), "auc": self.auc},
        }


@dataclass(frozen=True)
class BenchResult:
    """The system bench. N images, A attacks, 2 rules (see RULES), K classes.

    images: float32 [N, C, H, W]; labels: int64 [N]; f, z: float32 [N, K], logits of classifier and detectors.
    attacked: float32 [A, 2, N, C, H, W], what each attack made (against each rule); attacked_f, attacked_z: float32
    [A, 2, N, K]. tpr: chosen; threshold: float64 [2], of each rule there. error: float64 [A, 2] at that threshold;
    eer, eer_threshold: float64 [A, 2]. fooled: float64 [A], share whose class f names wrongly (integrated images).
    named, score: int64 and float32 [2, N], clean decisions; attacked_named, attacked_score: [A, 2, N].
    auc: float64 [m, K], of each detector under attacks of auc_steps int64 [m] steps; natural_auc: float64 [K].
    offsets: float32 [K], added to the detectors (zeros unless calibrated). titles: of detectors and classifier.
    """

    attacks: tuple[str, ...]
    classes: tuple[str, ...]
    titles: tuple[str, str]
    images: np.ndarray
    labels: np.ndarray
    f: np.ndarray
    z: np.ndarray
    named: np.ndarray
    score: np.ndarray
    attacked: np.ndarray
    attacked_f: np.ndarray
    attacked_z: np.ndarray
    attacked_named: np.ndarray
    attacked_score: np.ndarray
    tpr: float
    threshold: np.ndarray
    error: np.ndarray
    eer: np.ndarray
    eer_threshold: np.ndarray
    fooled: np.ndarray
    auc_steps: np.ndarray
    auc: np.ndarray
    natural_auc: np.ndarray
    offsets: np.ndarray
    eps: float
    norm: str
    seconds: float

    def rates(self, attack: int, rule: int) -> Rates:
        """The four rates of one cell over all thresholds."""
        return rates(
            self.score[rule],
            self.named[rule] == self.labels,
            self.attacked_score[attack, rule],
            self.attacked_named[attack, rule] != self.labels,
        )

    def outcomes(self, attack: int, rule: int, threshold: float) -> np.ndarray:
        """int8 [N]: ACCEPTED_RIGHT, REJECTED or FOOLED for each perturbed image at a threshold (see metrics)."""
        return outcomes(self.attacked_named[attack, rule], self.attacked_score[attack, rule], self.labels, threshold)

    def clean_outcomes(self, rule: int, threshold: float) -> np.ndarray:
        """The same for the clean images."""
        return outcomes(self.named[rule], self.score[rule], self.labels, threshold)

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        cells = [(a, r) for a in range(len(self.attacks)) for r in range(len(RULES))]
        tables: dict[str, dict[str, np.ndarray]] = {
            "system": {
                "attack": np.array([self.attacks[a] for a, _ in cells]),
                "rule": np.array([RULES[r] for _, r in cells]),
                "error": np.array([self.error[c] for c in cells]),
                "threshold": np.array([self.threshold[r] for _, r in cells]),
                "eer": np.array([self.eer[c] for c in cells]),
                "f_fooled": np.array([self.fooled[a] for a, _ in cells]),
            },
            "detectors": {"class": np.array(self.classes), "natural_auc": self.natural_auc, "offset": self.offsets}
            | {f"auc_{steps}_steps": row for steps, row in zip(self.auc_steps, self.auc, strict=True)},
        }
        for a, r in cells:
            found = self.rates(a, r)
            tables[f"curve_{self.attacks[a]}_{RULES[r]}"] = {
                "threshold": found.threshold, "tpr": found.tpr, "fpr": found.fpr, "accuracy": found.accuracy,
                "error": found.error,
            }  # fmt: skip
        return tables


@dataclass(frozen=True)
class MorphResult:
    """The target grid: K images (one a class) perturbed towards K targets, by the detectors' and the rival's logits.

    images: float32 [K, C, H, W]; steps: int32 [S], of the frames. detectors, rival: uint8 [S, K, K, C, H, W], image i
    towards class t at [:, i, t]. z: float32 [S, K, K], the target's logit of the detectors on their own images;
    rival_logit: the same of the rival on its own. final: float32 [2, K, K, C, H, W], unrounded, detectors' and rival's.
    read_as: float64 [2], share of perturbed images (i ≠ t) that a nearest-neighbour reader, who knows only clean
    training images, reads as the target; still_true: float64 [2], share it still reads as what they were.
    """

    classes: tuple[str, ...]
    titles: tuple[str, str]
    images: np.ndarray
    steps: np.ndarray
    detectors: np.ndarray
    rival: np.ndarray
    z: np.ndarray
    rival_logit: np.ndarray
    final: np.ndarray
    read_as: np.ndarray
    still_true: np.ndarray
    eps: float
    norm: str
    seconds: float

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "reader": {
                "model": np.array(self.titles), "read_as_target": self.read_as, "still_read_as_before": self.still_true,
            },
            "trace": {
                "step": self.steps, "detector_logit": self.z.mean((1, 2)), "rival_logit": self.rival_logit.mean((1, 2)),
            },
        }  # fmt: skip


@dataclass(frozen=True)
class DistortionResult:
    """Smallest l2 distortions. distance: float64 [N], NaN where no trial succeeded; target: int64 [N]; labels: int64
    [N]; images, attacked: float32 [N, C, H, W]. mean: over successes; success_rate: their share. threshold: T."""

    images: np.ndarray
    attacked: np.ndarray
    labels: np.ndarray
    target: np.ndarray
    distance: np.ndarray
    mean: float
    success_rate: float
    threshold: float
    seconds: float

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        return {
            "images": {"label": self.labels, "target": self.target, "distance": self.distance},
            "result": {
                name: np.array([getattr(self, name)]) for name in ("mean", "success_rate", "threshold", "seconds")
            },
        }
