"""Every number a user may change when networks on images are trained and measured."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param

Kind = Literal[
    "stdcnn", "gcnn", "p4m-gcnn", "lenet", "lenet-small", "mlp", "bncnn", "vgg", "resnet", "wideresnet", "p4m-resnet"
]


class TrainSpec(Spec):
    """Train one network on one data set: plainly, on turned images, or against an adversary."""

    data: str = param("digits", "Name of a data set (digits, mnist, cifar10 …), or a folder of pictures.", group="Data")
    side: int = param(32, "Pixels a side, for folders of pictures.", ge=8, le=256, unit="px", group="Data")
    limit: int = param(0, "Training images used at most; 0 uses all.", ge=0, le=10_000_000, group="Data")
    held_out: int = param(
        200, "Training images kept back to measure on after each epoch.", ge=0, le=50_000, group="Data"
    )
    with_digits: bool = param(
        False, "Add the embedded 8×8 digits, enlarged, to the training images.", group="Data", advanced=True
    )

    kind: Kind = param("stdcnn", "Architecture.", group="Network")
    width: float = param(
        1.0, "Factor on the filters (plain CNN and the equivariant ones).", gt=0, le=16, group="Network"
    )
    widths: tuple[int, ...] = param(
        (), "Filters of each stage; empty takes the architecture's own.", group="Network", advanced=True
    )
    kernel: int = param(
        5, "Filter size of the CNN with batch normalisation.", ge=1, le=11, group="Network", advanced=True
    )
    blocks: int = param(1, "Residual blocks of each stage.", ge=1, le=18, group="Network", advanced=True)
    pool_stem: bool = param(
        False, "Halve the image after the first convolution of residual networks.", group="Network", advanced=True
    )
    start_from: str = param("", "Weights to start from instead of random ones.", group="Network", advanced=True)

    rotation: float = param(0.0, "Largest angle of the random turns.", ge=0, le=180, unit="°", group="Augmentation")
    translation: float = param(
        0.0, "Largest random shift, as a share of a side.", ge=0, le=0.5, group="Augmentation", advanced=True
    )
    crop: int = param(0, "Padding of random crops.", ge=0, le=32, unit="px", group="Augmentation", advanced=True)
    mirror: bool = param(False, "Mirror half of the images left-right.", group="Augmentation", advanced=True)

    adversarial: Literal["none", "pgd", "trades", "fast"] = param(
        "none", "Train on attacked images: PGD, TRADES, or one step from a random start.", group="Adversary"
    )
    eps: float = param(0.1, "Largest change of a pixel by the adversary.", ge=0, le=1, group="Adversary", label="ε")
    steps: int = param(7, "Steps of PGD and TRADES.", ge=1, le=200, group="Adversary")
    step_size: float = param(
        0.0, "Length of a step; 0 takes 2.5 ε / steps (fast: 1.25 ε).", ge=0, le=1, group="Adversary", advanced=True
    )
    eps_ramp: float = param(
        0.0, "Epochs over which ε grows to its value.", ge=0, le=1000, group="Adversary", label="ε ramp", advanced=True
    )
    beta: float = param(6.0, "Weight of TRADES' divergence.", ge=0, le=100, group="Adversary", label="β", advanced=True)

    epochs: int = param(20, "Rounds over the training images.", ge=1, le=10_000, group="Training")
    batch: int = param(32, "Images in a training step.", ge=2, le=65_536, group="Training")
    optimiser: Literal["adam", "sgd"] = param(
        "adam", "Adam, or SGD with momentum 0.9.", group="Training", advanced=True
    )
    rate: float = param(3e-3, "Learning rate; the highest one of a cycle.", gt=0, le=10, log=True, group="Training")
    schedule: Literal["one-cycle", "constant"] = param(
        "one-cycle", "How the rate goes: up and down to 0 once, or constant.", group="Training", advanced=True
    )
    weight_decay: float = param(0.0, "Weight decay.", ge=0, le=1, log=True, group="Training", advanced=True)
    label_smoothing: float = param(
        0.0, "Share of the label given to all classes.", ge=0, lt=1, group="Training", advanced=True
    )
    save_as: str = param(
        "", "File for the weights; empty keeps them with the run only.", group="Training", advanced=True
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {},
        "full": {"data": "mnist", "epochs": 10, "held_out": 5000, "batch": 128},
    }


class MeasureSpec(Spec):
    """Clean, rotated and robust accuracy of one network, for its card."""

    weights: str = param("mnist-stdcnn", "Name of weights, or a file.", group="Network")
    data: str = param("", "Data set; empty takes what fits the network's input.", group="Data")
    images: int = param(2000, "Test images for clean and rotated accuracy.", ge=10, le=100_000, group="Data")
    attacked: int = param(200, "Of these, how many are attacked.", ge=0, le=10_000, group="Data")
    angles: tuple[float, ...] = param((30.0, 90.0, 180.0), "Largest angles of random turns.", unit="°", group="Measure")
    eps: tuple[float, ...] = param(
        (), "Attack strengths; empty takes the usual two for the input.", group="Measure", label="ε"
    )
    steps: int = param(20, "Steps of PGD.", ge=1, le=1000, group="Measure")
    strong: bool = param(True, "Also attack with APGD (cross entropy and targeted DLR).", group="Measure")
    write: bool = param(False, "Write the figures into the weights' card.", group="Measure", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {"quick": {"images": 500, "attacked": 100}, "full": {}}


class ShipSpec(Spec):
    """Train the models that ship with the program, one after the other."""

    names: str = param("all", "Which: all, mnist, cifar, or names separated by commas.")
    folder: str = param("", "Where to; empty takes the program's own folder of weights.")
    redo: bool = param(False, "Train also those whose file is there already.")
    measure: bool = param(True, "Measure each one after its training and write the figures into its card.")
