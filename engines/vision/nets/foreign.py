"""A network from elsewhere behind the workbench's contract: pixels in [0, 1] in, logits out, gradients all the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.vision.own import OwnModel

LEAST_PROBABILITY = 1e-12
"""Probabilities are raised to this before their logarithm is taken, so that a zero has a finite logit."""


class Foreign(nn.Module):
    """`inner` with its preprocessing in front, and logarithms behind probabilities (their softmax is the same again).

    A pixel p in [0, 1] becomes (black + p (white - black) - mean) / std, in one multiplication and one addition.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, inner: nn.Module, own: OwnModel) -> None:
        super().__init__()
        self.inner = inner
        self.is_probability = own.outputs == "probabilities"
        self.architecture: dict[str, Any] = {"kind": "own", "classes": len(own.classes)}
        self.input_shape = own.input_shape
        self.classes = len(own.classes)
        self.stages: tuple[str, ...] = ()
        self.group = 1
        black, white = own.pixel_range
        colours = own.input_shape[0]
        mean, std = (
            torch.tensor(v, dtype=torch.float64).expand(colours).view(1, -1, 1, 1) for v in (own.mean, own.std)
        )
        self.register_buffer("scale", ((white - black) / std).float())
        self.register_buffer("shift", ((black - mean) / std).float())

    def forward(self, x: Tensor) -> Tensor:
        """Pixels [B, C, H, W] to logits [B, K]."""
        out: Tensor = self.inner(x * self.scale + self.shift)
        return out.clamp_min(LEAST_PROBABILITY).log() if self.is_probability else out

    def features(self, x: Tensor, stage: str = "") -> Tensor:
        """Raises UserError: the inside of a foreign network is not known."""
        raise UserError("the feature maps of an own model are not known", "choose a network of the workbench's")


@dataclass(frozen=True)
class Probe:
    """What a few images told. classes: numbers an image. sums_to_one: whether they look like probabilities.

    largest: the largest answer in size. gradient: the largest slope of an answer along a pixel.
    """

    classes: int
    sums_to_one: bool
    largest: float
    gradient: float


def probe(net: nn.Module, shape: tuple[int, int, int], name: str) -> Probe:
    """Try a network on black, white, grey and noise. Raises UserError where it does not run, does not classify,
    answers NaN, mixes the images of a batch, or lets no gradient through."""
    noise = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0))
    images = torch.stack([torch.zeros(shape), torch.ones(shape), torch.full(shape, 0.5), *noise])
    net = net.eval()
    out = _run(net, images, name)
    if out.dim() != 2 or len(out) != len(images) or not out.is_floating_point():
        raise UserError(
            f"{name} answers {list(out.shape)} to {len(images)} images, expected one row of class scores each",
            "export the classifier with its last layer, and nothing behind it",
        )
    if not bool(torch.isfinite(out).all()):
        raise UserError(f"{name} answers with NaN or infinity", "check its weights and its preprocessing")
    alone = _run(net, images[3:4], name)
    if alone.shape != out[3:4].shape or not torch.allclose(alone, out[3:4], rtol=1e-2, atol=1e-3):
        raise UserError(
            f"{name} answers differently to an image when others are in its batch", "call net.eval() before the export"
        )
    with torch.no_grad():
        chances = bool((out >= 0).all()) and torch.allclose(out.sum(1), torch.ones(len(out)), atol=1e-3)
    gradient = _slope(net, images, name)
    return Probe(out.shape[1], chances and out.shape[1] > 1, float(out.abs().max()), gradient)


def _run(net: nn.Module, images: Tensor, name: str) -> Tensor:
    try:
        with torch.no_grad():
            return net(images)
    except (RuntimeError, IndexError, TypeError, ValueError, KeyError, NotImplementedError, MemoryError) as error:
        said = (str(error) or type(error).__name__).strip().splitlines()[0][:200]
        raise UserError(
            f"{name} does not run on images {list(images.shape[1:])}: {said}",
            "check the input shape, and export it with a dynamic batch size",
        ) from None


def _slope(net: nn.Module, images: Tensor, name: str) -> float:
    with torch.enable_grad():
        point = images.clone().requires_grad_(True)
        try:
            out = net(point)
            gradient = torch.autograd.grad(out.sum(), point)[0] if out.requires_grad else None
            spread = torch.autograd.grad(net(point).square().sum(), point)[0] if out.requires_grad else None
        except RuntimeError as error:
            said = str(error).strip().splitlines()[0][:200]
            raise UserError(f"no gradient flows through {name}: {said}", "attacks need one") from None
    if gradient is None or spread is None:
        raise UserError(
            f"no gradient flows through {name}: its answers do not follow the pixels smoothly",
            "leave rounding, torch.no_grad and argmax out of forward",
        )
    largest = max(float(gradient.abs().max()), float(spread.abs().max()))
    if not largest < float("inf"):
        raise UserError(f"the gradient of {name} is NaN or infinite", "attacks need a finite one")
    if largest == 0.0:
        if bool((out == out[:1]).all()):
            raise UserError(f"the answers of {name} do not depend on the pixels", "is it the trained network?")
        raise UserError(
            f"the gradient of {name} vanishes: its probabilities are exactly 0 and 1", "export its logits instead"
        )
    return largest
