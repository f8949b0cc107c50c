"""The models that ship with the program, as settings. `vision.ship` trains them; nothing else says how."""

from __future__ import annotations

from typing import Any, Final

from engines.vision.spec import TrainSpec

_MNIST: Final[dict[str, Any]] = {
    "data": "mnist", "with_digits": True, "held_out": 2000, "batch": 128, "epochs": 3, "rate": 3e-3,
}  # fmt: skip
_CIFAR: Final[dict[str, Any]] = {
    "data": "cifar10", "held_out": 500, "batch": 64, "optimiser": "sgd", "rate": 0.06, "weight_decay": 5e-4,
    "crop": 2, "mirror": True, "label_smoothing": 0.05, "epochs": 16,
}  # fmt: skip
_LENET: Final[dict[str, Any]] = {**_MNIST, "kind": "lenet-small", "epochs": 5}
_PGD: Final[dict[str, Any]] = {**_LENET, "adversarial": "pgd", "steps": 5, "rate": 2e-3, "held_out": 500}
"""One-step training was tried at 0.3: its networks answered 90 % of one-step attacks and 15 % of PGD-10."""
_RESNET: Final[dict[str, Any]] = {**_CIFAR, "kind": "resnet", "widths": (16, 32, 64, 128), "pool_stem": True}


def _series(kind: str, width: float, degrees: int) -> dict[str, Any]:
    """One of the rotation series: wider ranges are harder to learn, so ±180° gets more epochs."""
    return {**_MNIST, "kind": kind, "width": width, "rotation": float(degrees), "epochs": 8 if degrees > 60 else 2}


TABLE: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "mnist-stdcnn": ("Plain CNN", {**_series("stdcnn", 1.0, 0), "epochs": 3}),
    "mnist-lenet": ("Small LeNet", _LENET),
    "mnist-mlp": ("Dense network", {**_MNIST, "kind": "mlp", "rate": 2e-3, "epochs": 6}),
    "mnist-lenet-at01": (
        "Small LeNet, adversarially trained, ε 0.1",
        {**_LENET, "adversarial": "pgd", "steps": 5, "eps": 0.1, "eps_ramp": 1.0, "epochs": 2},
    ),
    "cifar-resnet": ("Residual network", _RESNET),
    "cifar-cnn": (
        "CNN with batch normalisation",
        {**_CIFAR, "kind": "bncnn", "widths": (16, 32, 64, 128), "kernel": 3, "epochs": 20},
    ),
    "mnist-gcnn": ("Equivariant CNN (p4)", _series("gcnn", 0.5, 0)),
    "cifar-resnet-at": (
        "Residual network, adversarially trained, ε 8/255",
        {**_RESNET, "adversarial": "fast", "eps": 8 / 255, "label_smoothing": 0.0, "seed": 1},
    ),
    "mnist-lenet-at03": (
        "Small LeNet, adversarially trained, ε 0.3",
        {**_PGD, "eps": 0.3, "start_from": "mnist-lenet-at01", "eps_ramp": 1.0, "epochs": 4},
    ),
    "mnist-stdcnn-rot180": ("Plain CNN, trained on turns to ±180°", _series("stdcnn", 1.0, 180)),
    "cifar-vgg": ("Narrow VGG", {**_CIFAR, "kind": "vgg", "widths": (8, 24, 48, 96)}),
    "mnist-lenet-at02": (
        "Small LeNet, adversarially trained, ε 0.2",
        {**_PGD, "eps": 0.2, "start_from": "mnist-lenet-at01", "epochs": 2},
    ),
    "mnist-bncnn": (
        "CNN with batch normalisation", {**_MNIST, "kind": "bncnn", "widths": (16, 32, 48), "kernel": 3},
    ),
    "cifar-p4m-resnet": (
        "Equivariant residual network (p4m)",
        {**_CIFAR, "kind": "p4m-resnet", "widths": (2, 4, 8, 12), "pool_stem": True},
    ),
    "cifar-wideresnet": ("Wide residual network", {**_CIFAR, "kind": "wideresnet", "pool_stem": True, "epochs": 12}),
    "mnist-gcnn-rot180": ("Equivariant CNN (p4), turns to ±180°", _series("gcnn", 0.5, 180)),
    "mnist-stdcnn-rot60": ("Plain CNN, trained on turns to ±60°", _series("stdcnn", 1.0, 60)),
    "mnist-resnet": (
        "Residual network",
        {**_MNIST, "kind": "resnet", "widths": (12, 24, 48), "pool_stem": True, "batch": 64, "epochs": 2},
    ),
    "cifar-resnet-rot": (
        "Residual network, trained on turns to ±180°", {**_RESNET, "rotation": 180.0, "seed": 2, "epochs": 20},
    ),
    "mnist-gcnn-rot60": ("Equivariant CNN (p4), turns to ±60°", _series("gcnn", 0.5, 60)),
}  # fmt: skip
"""name → title and the fields of its TrainSpec, in the order in which they are trained."""


def spec_of(name: str, *, seed: int = 0, device: str = "auto") -> TrainSpec:
    """The training of the shipped model `name`. seed: added to the table's own."""
    fields = TABLE[name][1]
    return TrainSpec(**{**fields, "seed": fields.get("seed", 0) + seed, "device": device})
