"""Every number a user may change in the topic of asymmetrical adversarial training."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param

SHIPPED = "mnist-aat-03"
"""Ten detectors for MNIST, trained with an l-infinity radius of 0.3."""
SHIPPED_DIGITS = "digits-aat"
"""Ten detectors for the embedded 8×8 digits."""

ToySet = Literal["ring", "grid", "spirals", "checkerboard", "drawn", "density"]
NormName = Literal["linf", "l2"]
Optimiser = Literal["adam", "normgrad"]


class ToySpec(Spec):
    """The toy theatre: one detector in one or two dimensions (section 2, "Toy densities")."""

    target: ToySet = param("ring", "The target set; density is the mixture on a line.", group="Target")
    drawn: tuple[float, ...] = param(
        (), "Your own target set: x, y, x, y … in the unit square.", group="Target", advanced=True
    )
    points: int = param(1000, "Points of the target set, and as many negatives.", ge=16, le=100_000, group="Target")

    eps: float = param(0.5, "Radius within which negatives move; 0 is an ordinary classifier.", ge=0, le=1,
                       group="Adversary", label="ε")  # fmt: skip
    norm: NormName = param("linf", "Norm of the ball.", group="Adversary", advanced=True)
    steps: int = param(10, "Steps of the inner ascent.", ge=1, le=500, group="Adversary")
    step_size: float = param(0.05, "Rate of the inner Adam.", gt=0, le=1, log=True, group="Adversary")

    width: int = param(96, "Units of each hidden layer.", ge=4, le=1024, group="Training")
    layers: int = param(3, "Hidden layers.", ge=1, le=8, group="Training", advanced=True)
    rate: float = param(2e-3, "Learning rate of Adam.", gt=0, le=1, log=True, group="Training")
    batch: int = param(128, "Positives, and negatives, in an update; 0 takes all.", ge=0, le=10_000, group="Training")
    plain: int = param(200, "Updates without an adversary at the beginning.", ge=0, le=100_000, group="Training")
    updates: int = param(2000, "Updates in all.", ge=1, le=1_000_000, group="Training")

    noise: int = param(1000, "Noise points that are carried uphill at the end.", ge=0, le=20_000, group="Measure")
    grid: int = param(64, "Points a side of the picture of z.", ge=8, le=512, group="Measure", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {},
        "full": {"updates": 20_000, "width": 256, "layers": 4, "batch": 512},
    }


class TrainSpec(Spec):
    """Train K detectors, one a class, each against negatives that may move (section 2)."""

    data: str = param("digits8", "digits8 (embedded, 8×8), digits (28×28), mnist, cifar10 …, or a folder of classes.",
                      group="Data")  # fmt: skip
    side: int = param(28, "Pixels a side, for folders of pictures.", ge=8, le=128, unit="px", group="Data")
    limit: int = param(0, "Training images used at most; 0 uses all.", ge=0, le=10_000_000, group="Data", advanced=True)
    with_digits: bool = param(
        False, "Add the embedded digits, enlarged, to a set of 28×28 digits.", group="Data", advanced=True
    )
    with_drawn: bool = param(
        False, "Add digits as the drawing sheet gives them (made from MNIST) to the 8×8 ones.", group="Data",
        advanced=True,
    )  # fmt: skip
    held_out: float = param(
        0.1, "Share of the training images kept for validation.", gt=0, lt=0.9, group="Data", advanced=True
    )

    filters: tuple[int, ...] = param((), "Filters of the convolutions; empty for dense layers only.", group="Network")
    hidden: tuple[int, ...] = param((96, 96), "Widths of the dense layers.", group="Network")
    stride: bool = param(
        False, "Strided convolutions instead of pooling: about five times cheaper.", group="Network", advanced=True
    )
    start_from: str = param(
        "", "Detectors to start from instead of random ones; the network's form is then theirs.", group="Network",
        advanced=True,
    )  # fmt: skip

    norm: NormName = param("linf", "Norm of the ball.", group="Adversary")
    eps: float = param(0.3, "Radius within which negatives move.", ge=0, le=50, group="Adversary", label="ε")
    steps: int = param(12, "Steps of the training attack.", ge=1, le=1000, group="Adversary")
    step_size: float = param(0.05, "Step of the training attack.", gt=0, le=10, log=True, group="Adversary")
    optimiser: Optimiser = param(
        "adam", "Adam with fresh moments, or normalised gradient steps.", group="Adversary", advanced=True
    )
    ramp: float = param(
        0.0, "Share of the updates over which the radius grows.", ge=0, le=1, group="Adversary", advanced=True
    )
    validation_steps: int = param(
        40, "Steps of the attack that chooses the best epoch.", ge=1, le=10_000, group="Adversary", advanced=True
    )
    validation_step_size: float = param(
        0.02, "Step of that attack.", gt=0, le=10, log=True, group="Adversary", advanced=True
    )
    validation_images: int = param(
        100, "Images of each kind and class it sees.", ge=5, le=10_000, group="Adversary", advanced=True
    )

    epochs: int = param(6, "Epochs; the best one of each detector is kept.", ge=1, le=10_000, group="Training")
    updates: int = param(150, "Updates in an epoch.", ge=1, le=100_000, group="Training")
    positives: int = param(48, "Images of the class in an update.", ge=1, le=4096, group="Training")
    negatives: int = param(48, "Attacked images of other classes in an update.", ge=1, le=4096, group="Training")
    rate: float = param(2e-3, "Learning rate of Adam.", gt=0, le=1, log=True, group="Training")
    decay: float = param(
        1.0, "Share of the rate that is left at the end (half cosine).", gt=0, le=1, group="Training", advanced=True
    )
    companions: bool = param(
        True, "Also train a plain classifier f and a robust one on the same images, for bench and twin view.",
        group="Training",
    )  # fmt: skip
    save_as: str = param("", "File for the detectors; empty keeps them with the run only.", group="Training",
                         advanced=True)  # fmt: skip
    half: bool = param(
        False, "Store the weights with 16 bits; the figures are measured on the stored ones.", group="Training",
        advanced=True,
    )  # fmt: skip

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {},
        "full": {
            "data": "mnist", "filters": (32, 64), "hidden": (1024,), "steps": 100, "step_size": 0.01,
            "validation_steps": 200, "validation_step_size": 0.01, "positives": 32, "negatives": 32,
            "updates": 156, "epochs": 20, "rate": 5e-4, "held_out": 1 / 6,
        },
        "ship": {
            "data": "mnist", "filters": (16, 32), "hidden": (96,), "stride": True, "steps": 10, "step_size": 0.06,
            "validation_steps": 60, "validation_step_size": 0.02, "validation_images": 60,
            "positives": 16, "negatives": 16, "updates": 150, "epochs": 20, "rate": 2e-3, "decay": 0.05, "ramp": 0.3,
            "held_out": 1 / 6, "half": True, "companions": False,
        },
    }  # fmt: skip


class BankSpec(Spec):
    """What all measurements of a trained bank share: the bank, the classifier, the images, the ball."""

    detectors: str = param(
        "", "Name or file of detectors; empty takes the shipped ones that fit the data here.", group="Models"
    )
    classifier: str = param(
        "", "The classifier f that the detectors vet; empty trains a small one on the spot.", group="Models"
    )
    data: str = param("", "Data set or folder; empty takes what the detectors were trained on.", group="Data")
    images: int = param(200, "Test images.", ge=10, le=10_000, group="Data")
    norm: NormName = param("linf", "Norm of the ball.", group="Attack")
    eps: float = param(0.3, "Radius of the ball.", ge=0, le=50, group="Attack", label="ε")
    steps: int = param(100, "Steps of each attack.", ge=1, le=10_000, group="Attack")
    step_size: float = param(0.01, "Step of each attack; 0 takes 2.5 ε / steps.", ge=0, le=10, group="Attack")
    optimiser: Optimiser = param("normgrad", "Normalised gradient steps, or Adam with fresh moments.", group="Attack",
                                 advanced=True)  # fmt: skip


class BenchSpec(BankSpec):
    """The system bench: attacks on classifier and detectors together, under both decision rules."""

    attacks: tuple[str, ...] = param(
        ("classifier", "detectors", "combined", "multi-targeted"),
        "Out of classifier, detectors, combined, combined-cw, detectors-ce, detectors-cw, targeted, multi-targeted.",
        group="Attack",
    )
    keep: Literal["last", "best"] = param(
        "last", "The last iterate, as the paper does, or the worst one by the final decision.", group="Attack"
    )
    restarts: int = param(1, "Attempts, the worst of which counts (keep best).", ge=1, le=50, group="Attack")
    random_start: bool = param(False, "Begin somewhere in the ball.", group="Attack", advanced=True)
    tpr: float = param(0.95, "Share of natural images that the threshold lets pass.", gt=0, lt=1, group="Rule")
    calibrate: bool = param(
        False,
        "Add an offset to each detector, so that all pass the same share of their class (ours, not the paper's).",
        group="Rule",
        advanced=True,
    )
    auc_images: int = param(100, "Images of each class for the AUC table; 0 leaves it out.", ge=0, le=5000,
                            group="Rule", advanced=True)  # fmt: skip
    auc_steps: tuple[int, ...] = param(
        (10, 40, 100), "Budgets of the AUC curve; each step is 2.5 ε / steps long.", group="Rule",
        advanced=True,
    )  # fmt: skip

    write: bool = param(False, "Write the figures into the detectors' card.", group="Rule", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"images": 100, "steps": 60, "step_size": 0.0, "auc_images": 50},
        "full": {"images": 1000, "steps": 200, "auc_images": 500, "auc_steps": (10, 40, 100, 200, 500, 1000)},
    }


class MorphSpec(BankSpec):
    """The morph desk's grid: images of every class, perturbed towards every class."""

    rival: str = param(
        "", "Robust or plain classifier for the twin view; empty trains a small robust one.", group="Models"
    )
    eps: float = param(0.4, "Radius of the ball.", ge=0, le=50, group="Attack", label="ε")
    frames: int = param(11, "Frames of the animation.", ge=2, le=101, group="Attack")

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {}, "full": {"frames": 101}}


class DistortionSpec(BankSpec):
    """Smallest l2 distortion that fools the generative classifier at a given TPR (section 2)."""

    images: int = param(50, "Test images.", ge=1, le=10_000, group="Data")
    steps: int = param(100, "Adam steps of each trial.", ge=1, le=10_000, group="Attack")
    step_size: float = param(0.05, "Rate of that Adam (the official code takes 1.0).", gt=0, le=10, group="Attack")
    bisections: int = param(10, "Trials of the factor c.", ge=1, le=40, group="Attack")
    largest: float = param(8.0, "Largest factor c.", gt=0, le=1000, group="Attack", advanced=True)
    tpr: float = param(0.95, "Share of natural images that the threshold lets pass.", gt=0, lt=1, group="Rule")

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"images": 20, "steps": 60, "bisections": 8},
        "full": {"images": 500, "steps": 1000, "bisections": 20},
    }


class LiveSpec(Spec):
    """The morph desk's session: one image at a time, answered while the slider moves."""

    publish_hz: float = param(15.0, "Snapshots sent to the window.", ge=1.0, le=30.0, unit="1/s", advanced=True)


class TheatreSpec(Spec):
    """The toy theatre's session: training that goes on while its numbers are changed."""

    publish_hz: float = param(12.0, "Snapshots sent to the window.", ge=1.0, le=30.0, unit="1/s", advanced=True)
