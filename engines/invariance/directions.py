"""Do adversaries and turns push images in the same directions? Singular vectors of both, and what chance would give.

    A rows: a_i / |a_i|, the adversarial change of image i        R rows: r_i / |r_i|, r_i = Rot_phi(x_i) - x_i
    V_A, V_R: the k first right singular vectors, without centring
    principal angles: arccos of the singular values of V_A^T V_R         overlap o_k = |V_A^T V_R|_F^2 / k

Chance: random frames have E o_k = k / d. But images fill few of the d dimensions (the border of a digit never
changes), so differences x_i - x_j of images are shown beside: directions that are "nearly orthogonal" by less than
those are, are no finding.

Source: the procedure follows ksandeshk/svd-uap, of the authors of Kamath, Deshpande, Subrahmanyam 2020; details and
the second baseline are ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

SMALL: Final = 1e-8
"""Rows shorter than this have no direction and are left out."""


@dataclass(frozen=True)
class Frame:
    """The k first right singular vectors. vectors: [d, k], orthonormal. values: [min(N, d)], all singular values."""

    vectors: Tensor
    values: Tensor


def unit_rows(changes: Tensor) -> tuple[Tensor, Tensor]:
    """Changes [N, …] as rows of length 1, float64 [M, d], and which were long enough to keep, bool [N]."""
    flat = changes.flatten(1).double()
    length = flat.norm(dim=1)
    kept = length > SMALL
    return flat[kept] / length[kept, None], kept


def frame(rows: Tensor, k: int) -> Frame:
    """The k directions in which the rows [N, d] point most, not centred. Raises ValueError for more than there are."""
    if not 1 <= k <= min(rows.shape):
        raise ValueError(f"expected k from 1 to {min(rows.shape)}, got {k}")
    # The sign of a singular vector means nothing: it is set so that most of the rows point along, not against, it.
    _, values, vectors = torch.linalg.svd(rows, full_matrices=False)
    top = vectors[:k].T
    signs = torch.where((rows @ top).sum(0) < 0, -1.0, 1.0)
    return Frame(top * signs, values)


def random_frame(d: int, k: int, generator: torch.Generator) -> Tensor:
    """k random orthonormal directions, float64 [d, k], uniform over all such frames."""
    return torch.linalg.qr(torch.randn(d, k, generator=generator, dtype=torch.float64))[0]


def cosines(first: Tensor, second: Tensor) -> Tensor:
    """|V_A^T V_R|, [k, k]: how much each direction of one is in each of the other."""
    return (first.T @ second).abs()


def principal_angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles between two frames [d, k] in degrees, smallest first, [k]. Source: Björck & Golub 1973."""
    return torch.rad2deg(torch.arccos(torch.linalg.svdvals(first.T @ second).clamp(0.0, 1.0)))


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """o_k = |V_A^T V_R|_F^2 / k of the k first directions of two frames [d, K], for k = 1 … K."""
    squared = (first.T @ second).square()
    sums = squared.cumsum(0).cumsum(1).diagonal()
    return sums / torch.arange(1, len(sums) + 1, dtype=sums.dtype)


def chance_overlap(d: int, k: int) -> float:
    """E o_k of two independent random frames in d dimensions."""
    return k / d


def chance_cosine(d: float) -> float:
    """E |cos| of two independent random directions in d dimensions: sqrt(2 / (pi d)), exact for large d."""
    return math.sqrt(2 / (math.pi * d))


def effective_dimension(values: Tensor) -> float:
    """Participation ratio of singular values, (sum s^2)^2 / sum s^4: how many directions rows really fill."""
    power = values.square()
    return float(power.sum().square() / power.square().sum())


def differences(x: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """x_i - x_j of `count` random pairs of different images, [count, …]. Needs 2 images."""
    if len(x) < 2:
        raise ValueError("expected at least two images")
    i = torch.randint(len(x), (count,), generator=generator)
    j = (i + torch.randint(1, len(x), (count,), generator=generator)) % len(x)
    return x[i.to(x.device)] - x[j.to(x.device)]
