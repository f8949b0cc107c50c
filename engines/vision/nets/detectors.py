"""K one-logit networks as one batched module: a bank of detectors.

Every parameter carries the network's number in its first axis, so that K networks cost one call of each layer instead
of K: `bmm` for dense layers, grouped convolutions for images. Nothing is shared between the networks, and the gradient
of a sum over them is each one's own.

Source: Yin, Kolouri, Rohde 2020 (ICLR, SJeQEp4YDH): conv32 5×5, max-pool, conv64 5×5, max-pool, fc1024, one logit, for
each class. Widths are free here, and strided convolutions may take the place of convolution and pooling.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.vision.nets.bodies import Body, TooSmall

Shape = tuple[int, int, int]


class Detectors(Body):
    """K networks of equal settings. Calling it shows every image to all of them; `each` gives each its own.

    shape: (C, H, W) of an image. count: K. filters: of the convolutions, empty for dense networks. hidden: widths of
    the dense layers before the logit. stride: convolutions step by 2 instead of being followed by a 2×2 maximum (about
    five times cheaper). kernel: side of the filters, odd. Raises TooSmall where no pixel would be left.
    """

    def __init__(
        self,
        shape: Shape,
        count: int,
        filters: tuple[int, ...],
        hidden: tuple[int, ...],
        *,
        stride: bool = False,
        kernel: int = 5,
    ) -> None:
        super().__init__([], nn.Identity())
        self.count = count
        self.stride = stride
        self.settings = (shape, filters, hidden, kernel)
        channels, height, width = shape
        self.kernels = nn.ParameterList()  # [K·out, in, s, s]
        self.kernel_biases = nn.ParameterList()  # [K·out]
        for out in filters:
            self.kernels.append(nn.Parameter(torch.empty(count * out, channels, kernel, kernel)))
            self.kernel_biases.append(nn.Parameter(torch.empty(count * out)))
            channels, height, width = out, self._halved(height), self._halved(width)
        sizes = [channels * height * width, *hidden, 1]
        self.weights = nn.ParameterList(nn.Parameter(torch.empty(count, a, b)) for a, b in pairwise(sizes))
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(count, 1, b)) for b in sizes[1:])
        self.reset()

    def _halved(self, side: int) -> int:
        half = (side + 1) // 2 if self.stride else side // 2
        if half < 1:
            raise TooSmall("nothing would be left after its convolutions")
        return half

    @torch.no_grad()
    def reset(self) -> None:
        """Draw all parameters anew, uniform in ±1/√(inputs of the unit), from torch's generator."""
        for weight, bias in zip(self.kernels, self.kernel_biases, strict=True):
            bound = 1 / math.sqrt(weight[0].numel())
            weight.uniform_(-bound, bound)
            bias.uniform_(-bound, bound)
        for weight, bias in zip(self.weights, self.biases, strict=True):
            bound = 1 / math.sqrt(weight.shape[1])
            weight.uniform_(-bound, bound)
            bias.uniform_(-bound, bound)

    def forward(self, x: Tensor) -> Tensor:
        """Every detector on the same images [B, C, H, W]: logits [B, K]."""
        if not len(self.kernels):
            return self._dense(x.flatten(1).expand(self.count, -1, -1)).t()
        return self._dense(self._convolve(x, groups=1)).t()

    def each(self, x: Tensor) -> Tensor:
        """Detector k on its own images x[k]. x: [K, B, C, H, W]. Returns [K, B]."""
        if not len(self.kernels):
            return self._dense(x.flatten(2))
        return self._dense(self._convolve(x.transpose(0, 1).flatten(1, 2), groups=self.count))

    def only(self, index: int) -> Detectors:
        """A bank of the one detector `index`, its weights copied and fixed: for attacks on it alone."""
        shape, filters, hidden, kernel = self.settings
        with torch.random.fork_rng(devices=[]):  # its first weights are thrown away
            part = Detectors(shape, 1, filters, hidden, stride=self.stride, kernel=kernel)
        part.to(self.weights[0].device, self.weights[0].dtype)
        with torch.no_grad():
            for mine, theirs in zip(part.parameters(), self.parameters(), strict=True):
                mine.copy_(theirs.view(self.count, -1)[index].view(mine.shape))
        part.requires_grad_(False)
        return part.eval()

    @torch.no_grad()
    def copy_detector(self, index: int, other: Detectors) -> None:
        """Take detector `index` over from another bank with the same settings."""
        for mine, theirs in zip(self.parameters(), other.parameters(), strict=True):
            mine.view(self.count, -1)[index].copy_(theirs.view(self.count, -1)[index])

    def _convolve(self, x: Tensor, groups: int) -> Tensor:
        """Features [K, B, d] of x [B, C, H, W] (groups 1: all see the same) or [B, K·C, H, W] (groups K)."""
        for weight, bias in zip(self.kernels, self.kernel_biases, strict=True):
            x = F.conv2d(x, weight, bias, stride=2 if self.stride else 1, padding=weight.shape[-1] // 2, groups=groups)
            if not self.stride:
                x = F.max_pool2d(x, 2)  # before the ReLU: the same values, on a quarter of the units
            x, groups = F.relu(x), self.count
        return x.reshape(len(x), self.count, -1).transpose(0, 1)

    def _dense(self, h: Tensor) -> Tensor:
        """[K, B, d] to logits [K, B]."""
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            h = torch.baddbmm(bias, h, weight)
            if layer < last:
                h = F.relu(h)
        return h.squeeze(2)
