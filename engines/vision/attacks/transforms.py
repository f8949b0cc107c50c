"""The transforms of the family: scale copies (SI), random resize and pad (DI), the Gaussian over gradients (TI)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def scaled(x: Tensor, i: int, pivot: float) -> Tensor:
    """S_i(x) = pivot + (x - pivot) / 2^i, on pixels."""
    factor = 2.0**-i
    return x if i == 0 else (x * factor).add_(pivot * (1 - factor))


class Draw:
    """One draw of the random resize and pad D(·; p), as two index maps: source rows and columns, -1 where padded.

    Resize to r × r, pad to R × R, resize back, all by nearest neighbour, come to one picking of pixels. A batch shares
    the draw (as in the official code), which makes it a plain indexing that gradients flow through.
    """

    def __init__(self, height: int, width: int, p: float, rate: float, generator: torch.Generator) -> None:
        """r is uniform in [W, R), R = round(rate · W); the offsets are uniform in [0, R - r). Higher than wide (or
        wider than high) images keep their shape."""
        full = round(rate * width)
        self.is_identity = True
        self.rows = self.columns = torch.empty(0, dtype=torch.int64)
        if full <= width or not _uniform(generator) < p:
            return
        self.is_identity = False
        size = width + int(_uniform(generator) * (full - width))
        full_height, size_height = round(full * height / width), round(size * height / width)
        top = int(_uniform(generator) * max(full_height - size_height, 1))
        left = int(_uniform(generator) * (full - size))
        self.rows = _pick(height, size_height, max(full_height, size_height), top)
        self.columns = _pick(width, size, full, left)

    def __call__(self, x: Tensor, pad: float) -> Tensor:
        """The image [..., H, W] resized and padded with the value `pad`; `x` itself where the draw changes nothing."""
        if self.is_identity:
            return x
        rows, columns = self.rows.to(x.device), self.columns.to(x.device)
        inside = (rows >= 0)[:, None] & (columns >= 0)
        picked = x.index_select(-2, rows.clamp_min(0)).index_select(-1, columns.clamp_min(0))
        return torch.where(inside, picked, pad)


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator, device=generator.device))


def _pick(old: int, size: int, full: int, offset: int) -> Tensor:
    """Where each of `old` pixels comes from after: resize to `size`, pad to `full` at `offset`, resize back."""
    at = torch.arange(old) * full // old - offset
    return torch.where((at >= 0) & (at < size), at.clamp(0, size - 1) * old // size, -1)


def gaussian(width: int, like: Tensor) -> Tensor:
    """K: the Gaussian at `width` points from -3 to 3, times itself, sum 1: [width, width].

    Its sigma is (width - 1) / 6 pixels. Source: Dong et al. 2019, official code.
    """
    if width == 1:
        return torch.ones(1, 1, dtype=like.dtype, device=like.device)
    at = torch.linspace(-3, 3, width, dtype=torch.float64)
    line = torch.exp(-at.square() / 2) / math.sqrt(2 * math.pi)
    line = line / line.sum()
    return torch.outer(line, line).to(like)


def smoothed(gradient: Tensor, kernel: Tensor) -> Tensor:
    """K * G, each channel by itself, zeros outside the image: [B, C, H, W]."""
    flat = gradient.flatten(0, 1).unsqueeze(1)
    return F.conv2d(flat, kernel[None, None], padding="same").view_as(gradient)
