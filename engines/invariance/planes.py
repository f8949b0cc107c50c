"""A plane through an image: along an adversarial direction and along the turn, coloured by the class that is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from engines.vision.attacks.base import Net, logits, nothing
from engines.vision.pace import Pace
from engines.vision.training.augment import rotate

_PARALLEL = 1e-4
"""Sine of the angle below which two directions count as parallel."""


@dataclass(frozen=True)
class Plane:
    """origin: [C, H, W]. u, v: orthonormal directions of that shape. A point (a, b) is origin + a u + b v."""

    origin: Tensor
    u: Tensor
    v: Tensor

    def at(self, a: Tensor, b: Tensor) -> Tensor:
        """Images [n, C, H, W] at coordinates [n]. Not cut to [0, 1]: a boundary is where it is."""
        return self.origin + a.view(-1, 1, 1, 1) * self.u + b.view(-1, 1, 1, 1) * self.v

    def coordinates(self, change: Tensor) -> tuple[float, float, float]:
        """Where origin + change lies: along u, along v, and how far off the plane."""
        a, b = float((change * self.u).sum()), float((change * self.v).sum())
        return a, b, float((change - a * self.u - b * self.v).norm())


def turn_tangent(x: Tensor, degrees: float = 2.0) -> Tensor:
    """The direction in which an image [C, H, W] moves as it is turned counter-clockwise: a central difference, not
    normalised, per degree. Zero for an image that turning does not change."""
    both = rotate(torch.stack([x, x]), torch.tensor([degrees, -degrees]), mode="bilinear")
    return (both[0] - both[1]) / (2 * degrees)


def plane_through(x: Tensor, first: Tensor, second: Tensor) -> Plane:
    """The plane through x [C, H, W] along `first` and the part of `second` that is at right angles to it.

    A direction that vanishes (or is parallel) is replaced by the unit vector of the pixel that is least in the other.
    """
    u = _unit(first, torch.zeros_like(first))
    rest = second - (second * u).sum() * u
    if float(rest.norm()) <= _PARALLEL * float(second.norm()):  # Rounding alone is left, which points anywhere.
        rest = torch.zeros_like(rest)
    return Plane(x, u, _unit(rest, u))


def _unit(direction: Tensor, other: Tensor) -> Tensor:
    length = float(direction.norm())
    if length > 1e-8:
        return direction / length
    replacement = torch.zeros_like(direction).flatten()
    replacement[int(other.abs().flatten().argmin())] = 1.0
    replacement = replacement.view_as(direction)
    replacement = replacement - (replacement * other).sum() * other
    return replacement / replacement.norm()


def axis(extent: float, size: int) -> Tensor:
    """`size` (odd) coordinates from -extent to extent, 0 in the middle."""
    return torch.linspace(-extent, extent, size)


def regions(
    net: Net,
    plane: Plane,
    extent: float,
    size: int,
    check: Callable[[], None] = nothing,
    *,
    known: tuple[Tensor, Tensor] | None = None,
    pace: Pace | None = None,
) -> tuple[Tensor, Tensor]:
    """The class named on a grid of the plane, int64 [size, size], and its margin over the next one, [size, size].

    Rows go along v from -extent, columns along u from -extent; distances are Euclidean, in pixels. known: what was
    found on a coarser grid of the same plane and extent; points of it that are among these are not asked again. pace:
    of this net, if it was asked before; `check` is called before each of its passes.
    """
    device = plane.origin.device
    line = axis(extent, size).to(device)
    b, a = (grid.flatten() for grid in torch.meshgrid(line, line, indexing="ij"))
    classes = torch.full((size, size), -1, dtype=torch.int64, device=device)
    margin = torch.zeros(size, size, dtype=plane.origin.dtype, device=device)
    if known is not None and len(known[0]) > 1 and (size - 1) % (len(known[0]) - 1) == 0:
        step = (size - 1) // (len(known[0]) - 1)
        classes[::step, ::step], margin[::step, ::step] = known[0].to(device), known[1].to(margin)
    todo = (classes.flatten() < 0).nonzero().squeeze(1)
    for part in (pace or Pace()).parts(len(todo)):
        check()
        points = todo[part]
        out = logits(net, plane.at(a[points], b[points]))
        top = out.topk(min(2, out.shape[1]), dim=1)
        classes.view(-1)[points] = top.indices[:, 0]
        margin.view(-1)[points] = top.values[:, 0] - top.values[:, -1]
    return classes, margin
