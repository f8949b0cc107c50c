"""Requests to the live session and its answers: frozen, picklable, numpy only. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engines.vision.attacks.recipe import Recipe


@dataclass(frozen=True)
class LiveRequest:
    """What the panel wants now; the newest request replaces the one under way.

    generation: comes back with every answer. image: float32 [C, H, W] in [0, 1]. source: name of the attacked model;
    a+b attacks the mean logits of both. targets: names of models that are asked too. recipe: the attack (its
    `targeted` is set by target_class). label: index into the source's classes, -1 takes the source's own answer.
    target_class: index into the source's classes that the image shall be called, -1 for any wrong one.
    step: the iteration (1 … T) whose gradient spans the plane, 0 the last. plane_size: points a side of the plane at
    the end, 0 leaves it out. scales: whether the scale curve is wanted. seed: of random parts.
    """

    generation: int
    image: np.ndarray
    source: str
    targets: tuple[str, ...] = ()
    recipe: Recipe = field(default_factory=Recipe)
    label: int = -1
    target_class: int = -1
    step: int = 0
    plane_size: int = 33
    scales: bool = True
    seed: int = 0


@dataclass(frozen=True)
class Walk:
    """An attack on one image, iteration by iteration (T of them).

    title: the recipe's name. passes: gradient passes in all. x: float32 [T + 1, C, H, W], the clean image (or the
    random start) and every iterate. lookahead: where each gradient was taken, gradient: it, after smoothing;
    momentum: g; all float32 [T, C, h, w]. copies: float32 [T, m, C, h, w], each scale copy's share of the gradient
    before smoothing. These four are averaged down to at most 64 pixels a side (`shrink` times smaller).
    loss: float32 [T], cross-entropy of the class left (or wanted), mean over copies, at the look-ahead. scale:
    float32 [T], what the gradient was divided by. reach: float32 [T], how far the look-ahead lies from the iterate, in
    steps. vanished: bool [T], gradient was zero. changed: float32 [T], share of pixels at the edge of the ball.
    label, aim: the class left and the one wanted (-1).
    """

    title: str
    passes: int
    step_size: float
    eps: float
    x: np.ndarray
    lookahead: np.ndarray
    gradient: np.ndarray
    momentum: np.ndarray
    copies: np.ndarray
    shrink: int
    loss: np.ndarray
    scale: np.ndarray
    reach: np.ndarray
    vanished: np.ndarray
    changed: np.ndarray
    label: int
    aim: int = -1


@dataclass(frozen=True)
class Verdicts:
    """What models call every iterate.

    models: names; titles; names: class names of each. named: int64 [M, T + 1], the class, -1 while missing;
    confidence: float32 [M, T + 1], its probability; truth: float32 [M, T + 1], the probability of the label; labels:
    int64 [M], that label as each model counts. problems: (model, why it cannot be asked).
    white_box: bool [M].
    """

    models: tuple[str, ...]
    titles: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    named: np.ndarray
    confidence: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    white_box: np.ndarray
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def fooled(self) -> np.ndarray:
        """Whether each model's answer is not the label, bool [M, T + 1]; False while missing."""
        return (self.named >= 0) & (self.named != self.labels[:, None])


@dataclass(frozen=True)
class Perturbation:
    """The whole change x_T - x.

    delta: float32 [C, H, W]. spectrum: float32 [H, W], log10(1 + magnitude), zero frequency in the middle. rings:
    float64 [16], share of the energy in rings of rising frequency. linf, l2: its sizes.
    """

    delta: np.ndarray
    spectrum: np.ndarray
    rings: np.ndarray
    linf: float
    l2: float


@dataclass(frozen=True)
class PlaneView:
    """The source's loss in a plane through the clean image, with the paths of the attack and of its twin in it.

    The first axis points to the last iterate, the second along the sign of the gradient of iteration `step`, as far
    as it is orthogonal. Unit: eps times the root of the number of values, so that 1 means pixels moved by eps.
    a, b: float32 [n], coordinates; loss: float32 [n, n], rows along b; NaN while missing.
    path, ahead: float32 [T + 1, 2] and [T, 2], iterates and look-ahead points of the attack; rival_*: of the same
    recipe with the look-ahead switched, empty while missing. off, rival_off: float32 [T + 1], how far iterates lie off
    the plane. titles: of both.
    """

    step: int
    a: np.ndarray
    b: np.ndarray
    loss: np.ndarray
    path: np.ndarray
    ahead: np.ndarray
    off: np.ndarray
    rival_path: np.ndarray
    rival_ahead: np.ndarray
    rival_off: np.ndarray
    titles: tuple[str, str]


@dataclass(frozen=True)
class ScaleCurve:
    """Cross-entropy against a global scale about the recipe's pivot.

    factors: float64 [K]. image: float64 [M, K], of this image; sample: float64 [M, K], mean over `count` images of the
    data; NaN while missing. marks: float64 [m], the scales of the copies. models, titles: as in Verdicts.
    """

    models: tuple[str, ...]
    titles: tuple[str, ...]
    factors: np.ndarray
    image: np.ndarray
    sample: np.ndarray
    marks: np.ndarray
    pivot: float
    count: int


@dataclass(frozen=True)
class LiveSnapshot:
    """The answer as far as it stands: first the walk with the source's verdict and the perturbation, then the other
    verdicts, the plane and the scale curve. preview: the walk is a first look, with fewer iterations than were asked
    for; the whole one follows. done: nothing is left to do. notes: what cannot be done, and why.
    milliseconds: since the request was taken."""

    generation: int
    done: bool = False
    preview: bool = False
    walk: Walk | None = None
    verdicts: Verdicts | None = None
    perturbation: Perturbation | None = None
    plane: PlaneView | None = None
    scales: ScaleCurve | None = None
    notes: tuple[str, ...] = ()
    milliseconds: float = 0.0
