"""What crosses from the engine to the window: frozen, picklable, numpy only. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.vision.results import TrainSnapshot


@dataclass(frozen=True)
class Trained:
    """How a model was trained, as far as its card says. kind: architecture. theta: largest angle of random turns in
    degrees. eps: of the adversary, pixels; 0 where there was none. family: models of one family differ in theta or in
    eps only, so that a trail connects them; one that was trained stage by stage (CuSP) is in a family of its own."""

    name: str
    title: str
    kind: str
    theta: float
    eps: float
    family: str

    @property
    def is_by_curriculum(self) -> bool:
        """Whether wider turns and stronger adversaries came stage by stage (CuSP)."""
        return "curriculum" in self.family


@dataclass(frozen=True)
class ProfileResult:
    """Profiles of M models; also their state while they are being measured, with NaN for what is to come.

    models: M entries. thetas: float64 [T], degrees. accuracy, invariance: float64 [M, T]. epsilons: float64 [E].
    fooled, robust: float64 [M, E], fooling rate and robust accuracy. fooled_shared: float64 [M, E],
    fooling rate among the `shared` images that every model names rightly without an attack: it cannot fall or rise
    because a model is better or worse to begin with. clean: float64 [M], accuracy without turn or
    attack; with accuracy and robust NaN where no label is known. images, attacked: how many. source: of them.
    attack: "pgd-20" or "fgsm". notes: what to know, e.g. labels of one class only.
    """

    models: tuple[Trained, ...]
    thetas: np.ndarray
    accuracy: np.ndarray
    invariance: np.ndarray
    epsilons: np.ndarray
    fooled: np.ndarray
    robust: np.ndarray
    fooled_shared: np.ndarray
    clean: np.ndarray
    images: int
    attacked: int
    shared: int
    source: str
    attack: str
    notes: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every model is measured."""
        return not (np.isnan(self.invariance).any() or np.isnan(self.fooled).any())

    def at(self, theta: float, eps: float) -> tuple[np.ndarray, np.ndarray]:
        """The trade-off plane: inv(theta) and 1 - fool(eps) of each model, float64 [M] each, between the measured
        points along straight lines."""
        x = np.array([np.interp(theta, self.thetas, row) for row in self.invariance])
        y = np.array([1 - np.interp(eps, self.epsilons, row) for row in self.fooled])
        return x, y

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """Both profiles in long form, a row a model and point."""
        names = np.array([m.name for m in self.models])
        turns, attacks = len(self.thetas), len(self.epsilons)
        return {
            "turns": {
                "model": np.repeat(names, turns),
                "theta": np.tile(self.thetas, len(names)),
                "accuracy": self.accuracy.ravel(),
                "invariance": self.invariance.ravel(),
            },
            "attacks": {
                "model": np.repeat(names, attacks),
                "eps": np.tile(self.epsilons, len(names)),
                "fooled": self.fooled.ravel(),
                "robust_accuracy": self.robust.ravel(),
                "fooled_shared": self.fooled_shared.ravel(),
            },
            "models": {
                "model": names,
                "kind": np.array([m.kind for m in self.models]),
                "trained_theta": np.array([m.theta for m in self.models]),
                "trained_eps": np.array([m.eps for m in self.models]),
                "clean_accuracy": self.clean,
            },
        }


@dataclass(frozen=True)
class PlaneSlice:
    """A plane through one image. classes: int64 [S, S], rows along v (the turn) from -extent, columns along u (the
    adversary). margin: float32 [S, S], logit of the named class over the next. extent: half a side, Euclidean.
    arrow: (u, v, off the plane) of DeepFool's point, NaN where it never flips; distance: its length. names: classes.
    adversary, turned: (u, v) of the attacked image and of the image turned by 10 degrees. label: class at the centre.
    """

    model: str
    classes: np.ndarray
    margin: np.ndarray
    extent: float
    arrow: tuple[float, float, float]
    distance: float
    adversary: tuple[float, float]
    turned: tuple[float, float]
    label: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class BoundaryResult:
    """Distances to the decision boundary of N images for M models; NaN rows are still to come.

    distances: float64 [M, N], Euclidean in pixels; NaN for images left out and for those that never flip. relative:
    the same over the image's own length. flipped, wrong, never: int64 [M], images that did flip, that were wrong from
    the start, and that never flip. mean, median, mean_relative: float64 [M], of those that count. clipped: whether
    pixels stayed in [0, 1]. wrong_as: "exclude" or "zero". slices: one a finished model, through `image` [C, H, W].
    """

    models: tuple[Trained, ...]
    distances: np.ndarray
    relative: np.ndarray
    flipped: np.ndarray
    wrong: np.ndarray
    never: np.ndarray
    mean: np.ndarray
    median: np.ndarray
    mean_relative: np.ndarray
    clipped: bool
    wrong_as: str
    image: np.ndarray
    slices: tuple[PlaneSlice, ...]
    source: str
    notes: tuple[str, ...] = ()

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """A row a model, and a row an image with a column a model."""
        names = [m.name for m in self.models]
        return {
            "models": {
                "model": np.array(names), "mean": self.mean, "median": self.median, "mean_relative": self.mean_relative,
                "flipped": self.flipped, "wrong": self.wrong, "never_flipped": self.never,
            },
            "distances": {"image": np.arange(self.distances.shape[1]), **dict(zip(names, self.distances, strict=True))},
        }  # fmt: skip


@dataclass(frozen=True)
class OrthogonalityResult:
    """Directions of adversaries (A) and of turns (R).

    cosines: float64 [k, k], |V_A^T V_R|, row a of A. overlap: float64 [k], o_1 … o_k of A with R. chance_overlap: [k],
    k/d. data_overlap: [2, k], o_k of A and of R with differences of images, mean over the draws; data_spread: [2, k],
    their standard deviation. angles: [k], principal angles in degrees. point_cosines: [N], a_i · r_i, signed.
    data_cosines: [N], a_i · (difference of two images). chance_cosine: E|cos| in d dimensions; effective_cosine: in as
    many as the images fill. effective_dimension: that number, of d. adversarial, turning, data: float32 [k, C, H, W],
    the directions as images. singular_a, singular_r: [k]. fooled: share of images that the attack fooled. left_out:
    images whose turn or attack changed nothing. notes: what to know.
    """

    model: str
    cosines: np.ndarray
    overlap: np.ndarray
    chance_overlap: np.ndarray
    data_overlap: np.ndarray
    data_spread: np.ndarray
    angles: np.ndarray
    point_cosines: np.ndarray
    data_cosines: np.ndarray
    chance_cosine: float
    effective_cosine: float
    effective_dimension: float
    dimension: int
    adversarial: np.ndarray
    turning: np.ndarray
    data: np.ndarray
    singular_a: np.ndarray
    singular_r: np.ndarray
    fooled: float
    left_out: int
    eps: float
    angle: float
    source: str
    notes: tuple[str, ...] = ()

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """A row a k, a row an image, and the heat map."""
        count = len(self.overlap)
        return {
            "overlap": {
                "k": np.arange(1, count + 1), "overlap": self.overlap, "chance": self.chance_overlap,
                "adversary_data": self.data_overlap[0], "turn_data": self.data_overlap[1], "angle": self.angles,
                "singular_adversary": self.singular_a, "singular_turn": self.singular_r,
            },
            "points": {"cosine": self.point_cosines, "data_cosine": self.data_cosines},
            "cosines": {"adversary": np.arange(1, count + 1), "turn": self.cosines},
        }  # fmt: skip


@dataclass(frozen=True)
class CuspSnapshot:
    """A curriculum of S stages as it stands.

    stage: the one under way, from 0. history: curves by name over the epochs of all stages so far, float64 [E], their
    epochs counted on. accuracy, robust_accuracy: float64 [S] as in `CuspResult`, NaN for what is to come. part: the
    training of the stage under way.
    """

    stage: int
    history: dict[str, np.ndarray]
    accuracy: np.ndarray
    robust_accuracy: np.ndarray
    part: TrainSnapshot


@dataclass(frozen=True)
class CuspResult:
    """A network trained by curriculum, S stages. thetas, epsilons, epochs: [S]. accuracy, robust_accuracy: float64 [S],
    held out, after each stage (the latter under PGD-10 at that stage's eps). history: as in `CuspSnapshot`.
    weights_path: "" where nobody keeps it."""

    thetas: np.ndarray
    epsilons: np.ndarray
    epochs: np.ndarray
    accuracy: np.ndarray
    robust_accuracy: np.ndarray
    history: dict[str, np.ndarray]
    weights_path: str
    seconds: float

    def to_tables(self) -> dict[str, dict[str, np.ndarray]]:
        """A row a stage, and a row an epoch."""
        return {
            "stages": {
                "theta": self.thetas, "eps": self.epsilons, "epochs": self.epochs, "accuracy": self.accuracy,
                "robust_accuracy": self.robust_accuracy,
            },
            "history": self.history,
        }  # fmt: skip
