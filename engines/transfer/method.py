"""What the study of transfer needs beside the attacks: counting success, eight-bit images, spectra, scaled losses, and
the plane in which a look-ahead can be seen. Source: Lin et al. 2020, sections 3 and 4, and the official scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engines.core.errors import UserError
from engines.transfer.pace import Pace
from engines.vision.attacks.base import Check, Net, cross_entropy, nothing

FACTORS = tuple(round(0.1 * k, 1) for k in range(1, 21))
"""Global scales of figure 1: 0.1 to 2.0."""


def eight_bit(adv: np.ndarray, x: np.ndarray, eps: float) -> np.ndarray:
    """Crafted images as uint8 that still lie within eps of the clean ones: rounded, then clipped again.

    adv, x: float32 [N, C, H, W] in [0, 1]. Rounding moves a pixel by up to half a level, which may leave the ball; the
    levels allowed are those within it. Raises UserError where some pixel has no level within it, which takes an eps
    below half a level.
    """
    slack = 1e-4  # Of a level: float32 pixels that mean a whole level must count as one.
    low = np.ceil((x.astype(np.float64) - eps) * 255 - slack).clip(0, 255)
    high = np.floor((x.astype(np.float64) + eps) * 255 + slack).clip(0, 255)
    if (low > high).any():
        raise UserError(f"eight-bit files cannot hold a change of at most {eps:.2g}", "choose an eps of 1/255 or more")
    return np.clip(np.rint(adv.astype(np.float64) * 255), low, high).astype(np.uint8)


def scaled_losses(
    net: Net,
    x: Tensor,
    y: Tensor,
    pivot: float,
    factors: tuple[float, ...] = FACTORS,
    *,
    batch: int = 128,
    check: Check = nothing,
) -> np.ndarray:
    """Mean cross-entropy at pivot + s · (x - pivot) for each factor s: float64 [factors]. Not clipped, as the copies
    of the attack are not. x: [N, C, H, W], y: int64 [N]. batch: images a pass at most; see `Pace`."""
    means = np.full(len(factors), np.nan)
    for _, means in growing_losses(net, x, y, pivot, factors, batch=batch, check=check):  # noqa: B007
        pass
    return means


def growing_losses(
    net: Net,
    x: Tensor,
    y: Tensor,
    pivot: float,
    factors: tuple[float, ...] = FACTORS,
    *,
    batch: int = 128,
    check: Check = nothing,
) -> Iterator[tuple[int, np.ndarray]]:
    """`scaled_losses` of the first n images as n grows: (n, float64 [factors]) after each pass that finishes one; the
    last is of all."""
    scales = torch.tensor(factors, dtype=x.dtype, device=x.device).view(-1, 1, 1, 1)
    pace, sums, done = Pace(batch), np.zeros(len(factors)), 0
    while done < len(x):
        first = 0
        while first < len(factors):  # In one pass, but where it has no room for all scales of an image.
            check()
            with torch.no_grad(), pace.one() as size:
                part = scales[first : first + size]
                images = x[done : done + max(1, size // len(factors)) if not first else done + 1, None]
                out = net((pivot + part * (images - pivot)).flatten(0, 1))
                losses = cross_entropy(out, y[done : done + len(images)].repeat_interleave(len(part)))
                sums[first : first + len(part)] += losses.view(-1, len(part)).double().sum(0).cpu().numpy()
            first += len(part)
        done += len(images)
        yield done, sums / done


@dataclass(frozen=True)
class Plane:
    """A plane through a clean image, in which paths of attacks are drawn.

    origin, u, v: float [C, H, W]; u and v are orthogonal and of length eps·sqrt(D), so that a coordinate of 1 means
    that pixels moved by eps on (quadratic) average.
    """

    origin: Tensor
    u: Tensor
    v: Tensor

    def at(self, places: Tensor) -> Tensor:
        """The images at coordinates [P, 2]: [P, C, H, W]."""
        a, b = (places[:, k].view(-1, 1, 1, 1) for k in (0, 1))
        return self.origin + a * self.u + b * self.v

    def project(self, images: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates float64 [P, 2] of images [P, C, H, W], and how far each is off the plane, in the same unit."""
        moved = (images - self.origin).flatten(1).double()
        u, v = self.u.flatten().double(), self.v.flatten().double()
        unit = float(u.norm())
        places = torch.stack([moved @ u, moved @ v], 1) / unit**2
        rest = moved - places @ torch.stack([u, v])
        return places.cpu().numpy(), (rest.norm(dim=1) / unit).cpu().numpy()


def plane_of(origin: Tensor, end: Tensor, direction: Tensor, eps: float, generator: torch.Generator) -> Plane:
    """The plane spanned by the way from `origin` to `end` and by `direction` (each [C, H, W]).

    Where one of them vanishes or both are parallel, a random direction takes its place.
    """
    unit = eps * origin.numel() ** 0.5

    def apart(candidate: Tensor, others: tuple[Tensor, ...]) -> Tensor | None:
        """What of a candidate is orthogonal to the others, of length one, or None when nothing is left."""
        before = candidate.norm()
        for other in others:
            candidate = candidate - (candidate * other).sum() * other
        length = candidate.norm()
        return candidate / length if float(length) > 1e-3 * max(float(before), 1e-9) and float(before) > 0 else None

    axes: tuple[Tensor, ...] = ()
    for wish in (end - origin, direction):
        axis = apart(wish.double(), axes)
        while axis is None:
            noise = torch.randn(origin.shape, generator=generator, dtype=torch.float64, device=generator.device)
            axis = apart(noise.to(origin.device), axes)
        axes = (*axes, axis)
    return Plane(origin, (axes[0] * unit).to(origin), (axes[1] * unit).to(origin))


def losses_on(
    net: Net, y: Tensor, plane: Plane, a: np.ndarray, b: np.ndarray, *, batch: int = 128, check: Check = nothing
) -> np.ndarray:
    """Cross-entropy of label y (int64 []) on the grid a × b of a plane: float32 [len(b), len(a)], b upwards.

    batch: points a pass at most; see `Pace`."""
    grid = np.stack(np.meshgrid(a, b), axis=-1).reshape(-1, 2)
    places = torch.from_numpy(grid).to(plane.origin)
    pace, losses, done = Pace(batch), np.empty(len(grid), np.float32), 0
    while done < len(grid):
        check()
        with torch.no_grad(), pace.one() as size:
            part = places[done : done + size]
            losses[done : done + size] = cross_entropy(net(plane.at(part)), y.expand(len(part))).float().cpu().numpy()
        done += len(part)
    return losses.reshape(len(b), len(a))


def fooled(named: Tensor, y: Tensor, clean: Tensor) -> tuple[int, int, int]:
    """Success on one target, by both conventions: (wrong answers, wrong answers to images that were answered rightly
    before, such images). named, clean, y: int64 [N], the answers to crafted and clean images and the labels.

    The first over N is the official scripts' rate; it counts images that the target got wrong without any attack.
    """
    wrong, right = named != y, clean == y
    return int(wrong.sum()), int((wrong & right).sum()), int(right.sum())


def mean_look_ahead(before: Tensor, ahead: Tensor, step_size: float) -> float:
    """How far the look-ahead reaches, in steps: mean |n - x| / a."""
    return float((ahead - before).abs().mean()) / step_size
