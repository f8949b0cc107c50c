"""Small networks trained within a test on the embedded digits, in seconds, and the images they are tried on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TRAINED_ON = 800


@cache
def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's digits enlarged to 20×20 within 28×28: float32 [1797, 1, 28, 28] in [0, 1], int64 [1797]."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    images = torch.tensor(loaded.images, dtype=torch.float32)[:, None] / 16
    large = F.interpolate(images, size=(20, 20), mode="bilinear", align_corners=False)
    return F.pad(large, (4, 4, 4, 4)).clamp(0, 1), torch.tensor(loaded.target, dtype=torch.int64)


def unseen(count: int, *, offset: int = 0) -> tuple[Tensor, Tensor]:
    """Digits that no network here was trained on."""
    images, labels = digits()
    first = TRAINED_ON + offset
    return images[first : first + count].clone(), labels[first : first + count].clone()


def small_cnn() -> nn.Sequential:
    """Two strided convolutions."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 5, stride=2), nn.ReLU(), nn.Conv2d(12, 24, 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Linear(24 * 25, 10),
    )  # fmt: skip


def small_bn_cnn() -> nn.Sequential:
    """Pooling and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 25, 10),
    )  # fmt: skip


def small_mlp() -> nn.Sequential:
    """One hidden layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))


@cache
def trained(make: Callable[[], nn.Module], seed: int = 0, epochs: int = 6) -> nn.Module:
    """A network of this make, trained on the first digits (above 85 % on the others) and set to eval mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make()
        images, labels = digits()
        optimiser = torch.optim.Adam(net.parameters(), 3e-3)
        for _ in range(epochs):
            for batch in torch.randperm(TRAINED_ON).split(32):
                loss = F.cross_entropy(net(images[batch]), labels[batch])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
    return net.eval()
