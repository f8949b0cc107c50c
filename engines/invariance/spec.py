"""Every number a user may change when invariance and robustness are measured."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param
from engines.vision.spec import Kind

THETAS = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 105.0, 120.0, 135.0, 150.0, 165.0, 180.0)
"""Every seventh of these, 30° apart, is one of the paper's."""
GREY_EPS = (0.0, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3)
COLOUR_EPS = (0.0, 0.5 / 255, 1 / 255, 2 / 255, 4 / 255, 6 / 255, 8 / 255)
_MODELS = "Names or files of models, separated by commas; empty takes all that fit the images."
_SOURCE = "Data set, folder of pictures or picture file; empty takes the best one here."


class ProfileSpec(Spec):
    """Rates of invariance over random turns, and of fooling over attack strengths, for several models."""

    models: str = param("", _MODELS, group="Models")
    data: str = param("", _SOURCE, group="Images")
    images: int = param(400, "Test images, the same for all models.", ge=2, le=100_000, group="Images")
    thetas: tuple[float, ...] = param(THETAS, "Largest angles of the random turns.", unit="°", group="Turns", label="θ")
    repeats: int = param(1, "Random turns of each image at each θ.", ge=1, le=20, group="Turns")
    resample: Literal["nearest", "bilinear"] = param(
        "nearest", "How turned pixels are taken; the paper takes the nearest.", group="Turns", advanced=True
    )
    epsilons: tuple[float, ...] = param(
        (),
        "Attack strengths in pixels of [0, 1]; empty takes those usual for grey or colour.",
        group="Attack",
        label="ε",
    )
    attack: Literal["pgd", "fgsm"] = param("pgd", "PGD from a random start, or one signed step.", group="Attack")
    steps: int = param(20, "Steps of PGD, each 2.5 ε / steps.", ge=1, le=1000, group="Attack")
    attacked: int = param(
        0, "Of the images, how many are attacked; 0 attacks all.", ge=0, le=100_000, group="Attack", advanced=True
    )
    turn_first: float = param(
        0.0, "Turn the images by up to this angle before the attack (the earlier study did).",
        ge=0, le=180, unit="°", group="Attack", advanced=True,
    )  # fmt: skip

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"images": 200, "attacked": 80, "steps": 10},
        "full": {"images": 2000, "attacked": 1000, "repeats": 3, "steps": 40},
    }


class BoundarySpec(Spec):
    """Distances of images to the decision boundary (DeepFool), for several models, and a slice through one image."""

    models: str = param("", _MODELS, group="Models")
    data: str = param("", _SOURCE, group="Images")
    images: int = param(200, "Test images, the same for all models.", ge=1, le=10_000, group="Images")
    steps: int = param(50, "Steps of DeepFool at most.", ge=1, le=500, group="DeepFool")
    overshoot: float = param(0.02, "How far beyond the boundary, as a share.", ge=0, le=1, group="DeepFool")
    candidates: int = param(10, "Likeliest classes considered.", ge=2, le=1000, group="DeepFool")
    clip: bool = param(False, "Keep pixels within [0, 1] while looking for the boundary.", group="DeepFool")
    wrong: Literal["exclude", "zero"] = param(
        "exclude", "Images that are wrong from the start: left out, or at distance 0.", group="DeepFool"
    )
    slice_image: int = param(0, "Which of the images the slice goes through.", ge=0, le=10_000, group="Slice")
    extent: float = param(4.0, "Half the slice's side, Euclidean.", gt=0, le=100, group="Slice")
    resolution: int = param(41, "Points a side.", ge=5, le=201, group="Slice")
    eps: float = param(
        0.1, "Strength of the attack that gives the slice its direction.", gt=0, le=1, group="Slice", label="ε"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"images": 100, "resolution": 25},
        "full": {"images": 1000, "resolution": 61},
    }


class OrthogonalitySpec(Spec):
    """Do the adversarial changes of many images point where their turns do?"""

    model: str = param("", "Name or file of a model; empty takes the first that fits the images.", group="Model")
    data: str = param("", _SOURCE, group="Images")
    images: int = param(500, "Test images.", ge=10, le=5000, group="Images")
    eps: float = param(0.1, "Strength of PGD, pixels of [0, 1].", gt=0, le=1, group="Attack", label="ε")
    steps: int = param(20, "Steps of PGD.", ge=1, le=1000, group="Attack")
    angle: float = param(5.0, "Angle of the small turn.", ge=-180, le=180, unit="°", group="Turn")
    k: int = param(20, "Directions compared.", ge=1, le=200, group="Directions")
    draws: int = param(5, "Draws of the data-aware baseline.", ge=2, le=50, group="Directions", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"images": 200, "steps": 10},
        "full": {"images": 1000, "steps": 40},
    }


class CuspSpec(Spec):
    """Train one network by a curriculum: in each stage wider turns and a stronger adversary (CuSP)."""

    data: str = param("digits", "Name of a data set, or a folder of pictures.", group="Data")
    limit: int = param(0, "Training images used at most; 0 uses all.", ge=0, le=10_000_000, group="Data")
    held_out: int = param(200, "Training images kept back to measure on.", ge=0, le=50_000, group="Data")
    kind: Kind = param("lenet-small", "Architecture.", group="Network")
    width: float = param(1.0, "Factor on the filters.", gt=0, le=16, group="Network")
    thetas: tuple[float, ...] = param(
        (120.0, 150.0, 180.0), "Largest turns, one for each stage.", unit="°", group="Stages", label="θ"
    )
    epsilons: tuple[float, ...] = param(
        (0.05, 0.1, 0.2), "The adversary's strength, one for each stage.", group="Stages", label="ε"
    )
    epochs: tuple[int, ...] = param((8, 4, 4), "Epochs of each stage.", group="Stages")
    adversarial: Literal["pgd", "trades", "fast"] = param("pgd", "How the network is attacked.", group="Adversary")
    steps: int = param(7, "Steps of the attack.", ge=1, le=200, group="Adversary")
    rate: float = param(3e-3, "Learning rate of the first stage; each later one has half.", gt=0, le=10, log=True)
    save_as: str = param("", "File for the weights; empty keeps them with the run only.", advanced=True)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {},
        "full": {
            "data": "cifar10", "kind": "vgg", "held_out": 1000, "epochs": (74, 15, 31), "steps": 10, "rate": 1e-3,
            "epsilons": (2 / 255, 4 / 255, 8 / 255),
        },
    }  # fmt: skip


class LiveSpec(Spec):
    """One image under the hand: the dial, the feature maps, and the slice, answered as they are asked for."""

    resample: Literal["nearest", "bilinear"] = param(
        "bilinear", "How turned pixels are taken under the hand; quarter turns are exact either way.", advanced=True
    )
    models_kept: int = param(16, "Models that stay loaded.", ge=1, le=64, advanced=True)
