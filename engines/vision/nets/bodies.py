"""The networks themselves: a trunk of named stages that give feature maps, and a head that gives logits.

Inputs are normalised already; `zoo.ImageNet` puts the normalisation in front.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from engines.vision.nets.groupconv import GroupBatchNorm, GroupPool, InvariantHead, P4Conv, P4Lift, P4MConv, P4MLift

Shape = tuple[int, int, int]


class TooSmall(ValueError):
    """The input has too few pixels for the network's convolutions and pools."""


class Body(nn.Module):
    """trunk: stages by name, empty for a network without feature maps. group: 1, 4 or 8 elements."""

    def __init__(self, trunk: Iterable[tuple[str, nn.Module]], head: nn.Module, *, group: int = 1) -> None:
        super().__init__()
        self.trunk = nn.Sequential(OrderedDict(trunk))
        self.head = head
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.trunk(x))


def stdcnn(shape: Shape, classes: int, width: float) -> Body:
    """conv-conv-pool-conv-conv-pool-fc50-dropout-fc with valid 3×3 convolutions (paper 02, section 3)."""
    few, many = max(1, round(10 * width)), max(1, round(20 * width))
    channels, height, side = shape
    rows, columns = _after_two_pools(height), _after_two_pools(side)
    trunk = [
        ("conv1", _stage(nn.Conv2d(channels, few, 3), nn.ReLU())),
        ("conv2", _stage(nn.Conv2d(few, few, 3), nn.ReLU(), nn.MaxPool2d(2))),
        ("conv3", _stage(nn.Conv2d(few, many, 3), nn.ReLU())),
        ("conv4", _stage(nn.Conv2d(many, many, 3), nn.ReLU(), nn.MaxPool2d(2))),
    ]
    return Body(trunk, _dense(many * rows * columns, 50, classes, dropout=0.5))


def gcnn(shape: Shape, classes: int, width: float, *, mirrors: bool, invariant: bool) -> Body:
    """`stdcnn` with its convolutions over p4 or p4m. The dense layers see the group axis flattened, as published:
    features are equivariant, the output is not invariant unless `invariant` pools over the group."""
    few, many = max(1, round(10 * width)), max(1, round(20 * width))
    lift, conv, group = (P4MLift, P4MConv, 8) if mirrors else (P4Lift, P4Conv, 4)
    channels, height, side = shape
    rows, columns = _after_two_pools(height), _after_two_pools(side)
    trunk = [
        ("conv1", _stage(lift(channels, few, 3), nn.ReLU())),
        ("conv2", _stage(conv(few, few, 3), nn.ReLU(), GroupPool(2))),
        ("conv3", _stage(conv(few, many, 3), nn.ReLU())),
        ("conv4", _stage(conv(many, many, 3), nn.ReLU(), GroupPool(2))),
    ]
    if invariant:
        return Body(trunk, InvariantHead(many, classes, "max"), group=group)
    return Body(trunk, _dense(many * group * rows * columns, 50, classes, dropout=0.5), group=group)


def lenet(shape: Shape, classes: int, filters: tuple[int, ...], hidden: int) -> Body:
    """5×5 convolutions with same padding, each with a pool, then one hidden dense layer."""
    channels, height, side = shape
    trunk = []
    for number, width in enumerate(filters, 1):
        trunk.append((f"conv{number}", _stage(nn.Conv2d(channels, width, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2))))
        channels, height, side = width, _enough(height // 2), _enough(side // 2)
    return Body(trunk, _dense(channels * height * side, hidden, classes))


def strided(shape: Shape, classes: int, filters: tuple[int, ...], hidden: int) -> Body:
    """4×4 convolutions with stride 2 and padding 1, then one hidden dense layer."""
    channels, height, side = shape
    trunk = []
    for number, width in enumerate(filters, 1):
        trunk.append((f"conv{number}", _stage(nn.Conv2d(channels, width, 4, stride=2, padding=1), nn.ReLU())))
        channels, height, side = width, _enough(height // 2), _enough(side // 2)
    return Body(trunk, _dense(channels * height * side, hidden, classes))


def mlp(shape: Shape, classes: int, hidden: tuple[int, ...]) -> Body:
    """Dense layers only."""
    sizes = [shape[0] * shape[1] * shape[2], *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for inner, outer in pairwise(sizes):
        layers += [nn.Linear(inner, outer), nn.ReLU()]
    return Body([], nn.Sequential(*layers, nn.Linear(sizes[-1], classes)))


def vgg(shape: Shape, classes: int, widths: tuple[int, ...], *, convolutions: int, kernel: int) -> Body:
    """Stages of convolution, batch norm and ReLU with a pool in each but the last, which the global mean ends.

    The pool comes before the last batch norm of its stage: as good, and that batch norm costs a quarter.
    """
    channels, height, side = shape
    trunk = []
    for number, width in enumerate(widths, 1):
        layers: list[nn.Module] = []
        for at in range(convolutions):
            layers.append(_he(nn.Conv2d(channels, width, kernel, padding=kernel // 2, bias=False)))
            if number < len(widths) and at == convolutions - 1:
                layers.append(nn.MaxPool2d(2))
                height, side = _enough(height // 2), _enough(side // 2)
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        trunk.append((f"stage{number}", _stage(*layers)))
    return Body(trunk, _global(channels, classes))


def resnet(shape: Shape, classes: int, widths: tuple[int, ...], blocks: int, *, pool_stem: bool) -> Body:
    """Stem, stages of `Residual` blocks that begin with a stride from the second on, global mean."""
    _enough(min(shape[1:]) // (2 ** (len(widths) - 1 + pool_stem)))
    pool: list[nn.Module] = [nn.MaxPool2d(2)] if pool_stem else []
    trunk = [("stem", _stage(_conv(shape[0], widths[0]), *pool, nn.BatchNorm2d(widths[0]), nn.ReLU()))]
    channels = widths[0]
    for number, width in enumerate(widths, 1):
        layers = []
        for block in range(blocks):
            layers.append(Residual(channels, width, stride=2 if number > 1 and block == 0 else 1))
            channels = width
        trunk.append((f"stage{number}", _stage(*layers)))
    return Body(trunk, _global(channels, classes))


def wideresnet(shape: Shape, classes: int, base: int, widen: int, blocks: int, *, pool_stem: bool) -> Body:
    """Stem, three stages of `Preactivated` blocks, a last batch norm, global mean."""
    _enough(min(shape[1:]) // 2 ** (2 + pool_stem))
    trunk = [("stem", _stage(_conv(shape[0], base), *([nn.MaxPool2d(2)] if pool_stem else [])))]
    channels = base
    for number in (1, 2, 3):
        width, layers = base * widen * 2 ** (number - 1), []
        for block in range(blocks):
            layers.append(Preactivated(channels, width, stride=2 if number > 1 and block == 0 else 1))
            channels = width
        trunk.append((f"stage{number}", _stage(*layers)))
    trunk.append(("last", _stage(nn.BatchNorm2d(channels), nn.ReLU())))
    return Body(trunk, _global(channels, classes))


def group_resnet(
    shape: Shape, classes: int, widths: tuple[int, ...], blocks: int, *, pool_stem: bool, invariant: bool
) -> Body:
    """`resnet` over p4m with mean pools between the stages, 3×3 filters and zero padding."""
    height, side = shape[1:]
    pools = len(widths) - 1 + pool_stem
    _enough(min(height, side) // 2**pools)
    lift = P4MLift(shape[0], widths[0], 3, padding=1, bias=False)
    nn.init.kaiming_normal_(lift.weight, nonlinearity="relu")
    pool: list[nn.Module] = [GroupPool(2)] if pool_stem else []
    trunk = [("stem", _stage(lift, *pool, GroupBatchNorm(widths[0]), nn.ReLU()))]
    channels = widths[0]
    for number, width in enumerate(widths, 1):
        layers: list[nn.Module] = [GroupPool(2, mean=True)] if number > 1 else []
        for _ in range(blocks):
            layers.append(GroupResidual(channels, width))
            channels = width
        trunk.append((f"stage{number}", _stage(*layers)))
    head: nn.Module = InvariantHead(channels, classes) if invariant else _GroupMean(channels, classes)
    return Body(trunk, head, group=8)


class Residual(nn.Module):
    """conv-BN-ReLU-conv-BN plus skip, then ReLU; a 1×1 convolution where the shape changes."""

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(channels, width, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _conv(width, width), nn.BatchNorm2d(width)
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.skip = nn.Sequential(_he(_Pointwise(channels, width, stride)), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.skip(x))


class Preactivated(nn.Module):
    """BN-ReLU-conv-BN-ReLU-conv plus skip."""

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(channels), _conv(channels, width, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(width), _conv(width, width)
        self.skip: nn.Module | None = None
        if stride != 1 or channels != width:
            self.skip = _he(_Pointwise(channels, width, stride))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(x))
        short = x if self.skip is None else self.skip(y)
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + short


class _Pointwise(nn.Conv2d):
    """A 1×1 convolution of every `step`-th pixel.

    The same as a stride, without using one: in torch 2.13 the backward pass of a strided 1×1 convolution with
    channels last and 4 input channels writes beyond its memory on a CPU, which ends the process.
    """

    def __init__(self, channels: int, width: int, step: int) -> None:
        super().__init__(channels, width, 1, bias=False)
        self.step = step

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if self.step == 1 else x[:, :, :: self.step, :: self.step])


class GroupResidual(nn.Module):
    """`Residual` over p4m, never strided."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = P4MConv(channels, width, 3, padding=1, bias=False), GroupBatchNorm(width)
        self.conv2, self.bn2 = P4MConv(width, width, 3, padding=1, bias=False), GroupBatchNorm(width)
        self.skip: nn.Module = nn.Identity()
        if channels != width:
            self.skip = nn.Sequential(P4MConv(channels, width, 1, bias=False), GroupBatchNorm(width))
        for module in self.modules():
            if isinstance(module, P4MConv):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.skip(x))


class _GroupMean(nn.Module):
    """Mean over space, all group elements flattened into the dense layer (as in the official code)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(8 * channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.mean((3, 4)).flatten(1))


def _stage(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


def _dense(inner: int, hidden: int, classes: int, *, dropout: float = 0.0) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(inner, hidden), nn.ReLU()]
    return nn.Sequential(*layers, *([nn.Dropout(dropout)] if dropout else []), nn.Linear(hidden, classes))


def _global(channels: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def _conv(channels: int, width: int, stride: int = 1) -> nn.Conv2d:
    return _he(nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False))


def _he(conv: nn.Conv2d) -> nn.Conv2d:
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


def _after_two_pools(size: int) -> int:
    return _enough((_enough((size - 4) // 2) - 4) // 2)


def _enough(size: int) -> int:
    if size < 1:
        raise TooSmall("nothing would be left after its convolutions and pools")
    return size
