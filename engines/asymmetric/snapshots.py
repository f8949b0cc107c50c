"""What crosses from the engine of asymmetrical training to a window: frozen, picklable, numpy only.

K classes; z are detector logits, f the classifier's; images are float32 [C, H, W] in [0, 1] unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class ToySnapshot:
    """The toy theatre as it stands.

    generation: of the request it answers (0 for the job). update, updates: done and planned (0: no plan). phase:
    "plain", "adversarial", "ascending" or "idle". losses: float32 [update], and LN2 is what a perfect game ends at.
    heat: float32 [G, G], z at ((column + 0.5) / G, (row + 0.5) / G), row 0 at y = 0; for the density [1, G].
    points: float32 [P, D], the target set (at most 1,000); D is 2, or 1 for the density.
    negatives: float32 [S+1, M, D], the path of some negatives through the inner ascent, first to last step.
    share: of noise points that the ascent carries to within 0.03 of the target; NaN while not measured.
    shares: float64 [n, 2], (update, share) so far. ascent: float32 [F, A, D], frames of the last ascent, or None.
    density: float32 [2, G], exp(z)/integral and the truth, for the density only, else None. note: what went wrong.
    """

    generation: int
    update: int
    updates: int
    phase: str
    losses: np.ndarray
    heat: np.ndarray
    points: np.ndarray
    negatives: np.ndarray
    share: float
    shares: np.ndarray
    ascent: np.ndarray | None = None
    density: np.ndarray | None = None
    eps: float = 0.0
    is_running: bool = True
    note: str = ""


@dataclass(frozen=True)
class TheatreRequest:
    """What the toy theatre ("asymmetric.theatre") shall do; the training under way goes on unless told otherwise.

    kind: "start" (anew, with `changes` to ToySpec's defaults), "change" (`changes` of eps, norm, steps, step_size,
    rate, updates, while it trains; the network stays), "ascend" (carry `count` noise points uphill and show it),
    "pause", "resume", or "idle". generation: any number of the asker's; snapshots carry it back.
    """

    kind: str
    generation: int
    changes: dict[str, object] = field(default_factory=dict)
    count: int = 2000


@dataclass(frozen=True)
class TrainSnapshot:
    """A training run as it stands. epoch, epochs: validated and planned. losses: float32 [updates, K].

    auc: float64 [epoch, K], validation AUC under attack after each epoch. best: int64 [K], epoch each detector is
    taken from (1 is the first, 0 none yet). images, attacked: float32 [K, C, H, W], a negative of each detector
    before and after its attack; z_before, z_after: float32 [K].
    """

    epoch: int
    epochs: int
    losses: np.ndarray
    auc: np.ndarray
    best: np.ndarray
    images: np.ndarray
    attacked: np.ndarray
    z_before: np.ndarray
    z_after: np.ndarray


@dataclass(frozen=True)
class BenchSnapshot:
    """The system bench as it fills. attacks, rules: names of the rows and columns of error.

    error: float64 [A, 2], error at the chosen TPR, NaN where not reached. fooled: float64 [A], share whose class f
    names wrongly. done: attacks finished.
    """

    attacks: tuple[str, ...]
    rules: tuple[str, ...]
    error: np.ndarray
    fooled: np.ndarray
    done: int


@dataclass(frozen=True)
class MorphSnapshot:
    """The 10×10 grid while it is computed: its latest frame. step: of steps.

    detectors, rival: uint8 [K, K, C, H, W], image i perturbed towards class t at [i, t]; the rival's may be still
    clean. z: float32 [K, K], the target's logit.
    """

    step: int
    steps: int
    detectors: np.ndarray
    rival: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class LiveRequest:
    """What the live desk ("asymmetric.live") shall do next; it replaces whatever it was doing.

    kind: "judge" (logits and decisions of `image`), "morph" (perturb `image` towards `target`), "noise" (synthesis of
    `target` from noise of the training images' mean and covariance), "rubbish" (one Gaussian noise image,
    unconstrained l2 steps), "anatomy" (z of detector `target` on natural, other and attacked images; AUC against
    steps), "sample" (a test image of class `target`, drawn with `seed`, then judged), or "idle".
    generation: any number of the asker's; snapshots carry it back.
    detectors, rival, classifier: names or files of models; empty takes what fits the embedded data. rival: of the
    twin view. image: float32 [C, H, W] in [0, 1] of the bank's shape, or None for a test image.
    eps, norm, steps, step_size, optimiser: of the attack ("noise" and "rubbish" take l2 steps of `step_size`, "noise"
    within the radius `eps`); step_size 0 takes 2.5 eps / steps. count: images for the anatomy.
    data: images of "sample", "noise" and "anatomy"; empty takes what the detectors were trained on.
    """

    kind: str
    generation: int
    image: np.ndarray | None = None
    target: int = 0
    detectors: str = ""
    rival: str = ""
    classifier: str = ""
    data: str = ""
    eps: float = 0.3
    norm: str = "linf"
    steps: int = 100
    step_size: float = 0.01
    optimiser: str = "normgrad"
    seed: int = 0
    count: int = 100


@dataclass(frozen=True)
class Track:
    """One model's way from an image to a target. title: of the model.

    frames: float32 [S, C, H, W]; steps: int32 [S], after how many steps; logit: float32 [S], the target's;
    others: float32 [S], the largest other one; named: int64 [S], the class of the largest logit.
    trace: float32 [n], the target's logit before every step so far.
    """

    title: str
    frames: np.ndarray
    steps: np.ndarray
    logit: np.ndarray
    others: np.ndarray
    named: np.ndarray
    trace: np.ndarray


@dataclass(frozen=True)
class LiveMorph:
    """A morph, a synthesis or the rubbish test, so far. kind: as asked for; final: it is complete.

    image: where it began. detectors, rival: both ways, of equal steps. classes: K names. milliseconds: since the
    request was taken.
    """

    generation: int
    kind: str
    target: int
    classes: tuple[str, ...]
    image: np.ndarray
    detectors: Track
    rival: Track
    step: int
    total: int
    final: bool
    milliseconds: float
    note: str = ""


@dataclass(frozen=True)
class LiveVerdict:
    """What both models say of one image. z, f, rival: float32 [K]. threshold: float64 [2] at 95 % TPR, of the
    integrated and the generative rule, on test images. label: of the image, -1 unknown."""

    generation: int
    classes: tuple[str, ...]
    image: np.ndarray
    label: int
    z: np.ndarray
    f: np.ndarray
    rival: np.ndarray
    threshold: np.ndarray
    titles: tuple[str, str, str]
    milliseconds: float
    note: str = ""


@dataclass(frozen=True)
class LiveAnatomy:
    """One detector's logits, so far. natural, others, attacked: float32 [n], of its class, of others, and of others
    perturbed with the request's attack (NaN where not reached). steps: int64 [m], auc: float64 [m], NaN where not
    reached: AUC under attacks of so many steps."""

    generation: int
    target: int
    classes: tuple[str, ...]
    natural: np.ndarray
    others: np.ndarray
    attacked: np.ndarray
    steps: np.ndarray
    auc: np.ndarray
    final: bool
    milliseconds: float
    note: str = ""


@dataclass(frozen=True)
class LiveNote:
    """An answer without a picture: the note says why (a refusal), or that the desk is idle."""

    generation: int
    note: str
