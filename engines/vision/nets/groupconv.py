"""Convolutions over p4 (four turns) and p4m (turns and mirrors), as one ordinary convolution each.

Elements are numbers: ``g = 4 m + r`` turns by r quarter turns, counter-clockwise, after m left-right mirrors. p4 has
0..3, p4m 0..7. Feature maps over a group G are [B, C, G, H, W].

Source: Cohen & Welling 2016, "Group Equivariant Convolutional Networks"; used in Kamath, Deshpande, Subrahmanyam
2020, "Invariance vs Robustness of Neural Networks". Deviation from GrouPy: the fan-in of the initial weights counts
the group axis.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def product(g: int, h: int) -> int:
    """The element that acts like h and then g: (m, r)(m', r') = (m + m' mod 2, r + (-1)^m r' mod 4)."""
    (m, r), (n, s) = divmod(g, 4), divmod(h, 4)
    return 4 * ((m + n) % 2) + (r + (-s if m else s)) % 4


def inverse(g: int) -> int:
    """The element that undoes g; a mirrored one undoes itself."""
    return g if g >= 4 else (-g) % 4


def act(x: Tensor, g: int) -> Tensor:
    """Element g on the last two axes of x, about the centre of the pixel grid."""
    if not 0 <= g < 8:
        raise ValueError(f"expected an element 0..7, got {g}")
    m, r = divmod(g, 4)
    if m:
        x = x.flip(-1)
    return torch.rot90(x, r, (-2, -1)) if r else x


def act_features(x: Tensor, g: int) -> Tensor:
    """Element g on feature maps [B, C, G, H, W]: (g F)[h] = act_g(F[g⁻¹ h]). G is 4 or 8, g < G."""
    size = x.shape[2]
    if not 0 <= g < size:
        raise ValueError(f"expected an element 0..{size - 1} of the group, got {g}")
    return act(x[:, :, _shift(g, size)], g)


def _shift(g: int, size: int) -> list[int]:
    """g⁻¹ h for each h of the group."""
    return [product(inverse(g), h) for h in range(size)]


class _GroupConv(nn.Module):
    """What lifting and group layers share: one weight, one bias per output channel, and the cached filter bank.

    The bank [out·G, in(·G), k, k] is kept in eval mode while weights cannot get a gradient (they are frozen, or
    gradients are off), and made anew when a weight was changed.
    """

    group: int
    """Elements of the output's group: 4 or 8."""

    def __init__(
        self, channels: int, out: int, kernel: int, *, padding: int = 0, bias: bool = True, inner: int = 1
    ) -> None:
        super().__init__()
        self.padding = padding
        shape = (out, channels, kernel, kernel) if inner == 1 else (out, channels, inner, kernel, kernel)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.empty(out)) if bias else None
        fan_in = channels * inner * kernel**2
        # As nn.Conv2d does, whose fan-in has no group axis: U(-1/sqrt(fan), 1/sqrt(fan)).
        nn.init.uniform_(self.weight, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
        if self.bias is not None:
            nn.init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
        self._cached: tuple[object, Tensor, Tensor | None] | None = None

    def filters(self) -> Tensor:
        """The filter bank [out·G, in, k, k] or [out·G, in·G, k, k], differentiable in the weight."""
        raise NotImplementedError

    def bank(self) -> tuple[Tensor, Tensor | None]:
        """Filters and biases [out·G] as the one convolution takes them; cached where that is right."""
        wants_gradient = torch.is_grad_enabled() and self.weight.requires_grad
        if self.training or wants_gradient or self.weight.is_inference():
            return self.filters(), self._biases()
        key: tuple[object, ...] = (self.weight.data_ptr(), self.weight._version, self.weight.dtype, self.weight.device)
        if self.bias is not None:
            key += (self.bias.data_ptr(), self.bias._version)
        if self._cached is None or self._cached[0] != key:
            # A tensor made in inference mode could not serve an attack's backward pass later.
            with torch.inference_mode(False), torch.no_grad():
                self._cached = (key, self.filters().contiguous(), self._biases())
        return self._cached[1], self._cached[2]

    def _biases(self) -> Tensor | None:
        return None if self.bias is None else self.bias.repeat_interleave(self.group)

    def train(self, mode: bool = True) -> _GroupConv:
        self._cached = None
        super().train(mode)
        return self

    def _convolve(self, x: Tensor) -> Tensor:
        """x: [B, in(·G), H, W]. Returns [B, out, G, H', W']."""
        filters, biases = self.bank()
        y = F.conv2d(x, filters, biases, padding=self.padding)
        return y.view(y.shape[0], -1, self.group, y.shape[2], y.shape[3])

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_cached": None}


class _Lift(_GroupConv):
    """Image [B, in, H, W] to feature maps [B, out, G, H', W']; weight [out, in, k, k]."""

    def filters(self) -> Tensor:
        turned = [act(self.weight, g) for g in range(self.group)]
        return torch.stack(turned, dim=1).flatten(0, 1)  # [out·G, in, k, k]

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x)


class _Group(_GroupConv):
    """Feature maps [B, in, G, H, W] to [B, out, G, H', W']; weight [out, in, G, k, k]."""

    def __init__(self, channels: int, out: int, kernel: int, *, padding: int = 0, bias: bool = True) -> None:
        super().__init__(channels, out, kernel, padding=padding, bias=bias, inner=self.group)

    def filters(self) -> Tensor:
        """W_g[h] = act_g(psi[g⁻¹ h])."""
        turned = [act(self.weight[:, :, _shift(g, self.group)], g) for g in range(self.group)]
        return torch.stack(turned, dim=1).flatten(2, 3).flatten(0, 1)  # [out·G, in·G, k, k]

    def forward(self, x: Tensor) -> Tensor:
        return self._convolve(x.flatten(1, 2))


class P4Lift(_Lift):
    """Image to p4 feature maps: channel r sees the image through the filter turned by r quarter turns."""

    group = 4


class P4Conv(_Group):
    """p4 feature maps to p4 feature maps."""

    group = 4


class P4MLift(_Lift):
    """Image to p4m feature maps."""

    group = 8


class P4MConv(_Group):
    """p4m feature maps to p4m feature maps."""

    group = 8


class GroupBatchNorm(nn.BatchNorm3d):
    """Batch normalisation of [B, C, G, H, W] with statistics shared over the group axis, so that it commutes with
    the group."""


class GroupPool(nn.Module):
    """Spatial pooling of [B, C, G, H, W] for each channel and element. Exactly equivariant only where `size`
    divides H and W: a window that leaves a border out favours one side."""

    def __init__(self, size: int = 2, *, mean: bool = False) -> None:
        super().__init__()
        self.size, self.mean = size, mean

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(1, 2)
        y = F.avg_pool2d(y, self.size) if self.mean else F.max_pool2d(y, self.size)
        return y.view(*x.shape[:3], *y.shape[2:])


class InvariantHead(nn.Module):
    """Logits [B, K] that no element of the group changes: maximum or mean over group and space, then linear."""

    def __init__(self, channels: int, classes: int, how: str = "mean") -> None:
        super().__init__()
        if how not in ("mean", "max"):
            raise ValueError(f"expected mean or max, got {how!r}")
        self.how = how
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(2)
        return self.linear(flat.mean(2) if self.how == "mean" else flat.amax(2))
