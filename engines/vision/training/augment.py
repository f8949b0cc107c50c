"""Turning, shifting, mirroring and cropping batches of images, each image by its own amount.

Images are float [B, C, H, W]; what comes in from outside is 0 (black). Amounts are drawn by the caller's generator.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def rotate(images: Tensor, degrees: Tensor | float, *, mode: str = "nearest") -> Tensor:
    """Each image turned counter-clockwise by its angle about the centre of the pixel grid; corners become 0.

    images: [B, C, H, W]. degrees: [B], or one number for all. mode: "nearest" (as in the paper's code) or
    "bilinear". Multiples of 90° of square images are exact: they move pixels and compute nothing.
    """
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"expected nearest or bilinear, got {mode!r}")
    batch, _, height, width = images.shape
    angle = torch.as_tensor(degrees, dtype=torch.float64).expand(batch).cpu()
    cos, sin = _exact(angle + 90.0), _exact(angle)  # cos(a) = sin(a + 90°)
    cos, sin = (t.to(images.device, torch.float32).view(-1, 1, 1) for t in (cos, sin))
    down = torch.arange(height, device=images.device, dtype=torch.float32).view(1, -1, 1) - (height - 1) / 2
    right = torch.arange(width, device=images.device, dtype=torch.float32).view(1, 1, -1) - (width - 1) / 2
    # Where the pixel at (right, down) came from; y grows downwards, so counter-clockwise has these signs.
    x = right * cos - down * sin + (width - 1) / 2  # [B, H, W]
    y = right * sin + down * cos + (height - 1) / 2
    if mode == "nearest":
        return _taken(images, torch.floor(x + 0.5).long(), torch.floor(y + 0.5).long())
    left, top = torch.floor(x), torch.floor(y)
    fx, fy = (x - left).unsqueeze(1), (y - top).unsqueeze(1)
    i, j = left.long(), top.long()
    upper = _taken(images, i, j) * (1 - fx) + _taken(images, i + 1, j) * fx
    lower = _taken(images, i, j + 1) * (1 - fx) + _taken(images, i + 1, j + 1) * fx
    return upper * (1 - fy) + lower * fy


def _exact(degrees: Tensor) -> Tensor:
    """Sine of float64 degrees, exactly 0 or ±1 at multiples of 90°."""
    turns = torch.remainder(degrees, 360.0)
    sine = torch.sin(torch.deg2rad(turns))
    for at, value in ((0.0, 0.0), (90.0, 1.0), (180.0, 0.0), (270.0, -1.0)):
        sine = torch.where(turns == at, torch.full_like(sine, value), sine)
    return sine


def _taken(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Pixels at columns x and rows y, int64 [B, H', W'], 0 where these lie outside."""
    batch, channels, height, width = images.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).view(batch, 1, -1)
    found = images.flatten(2).gather(2, index.expand(-1, channels, -1))
    return (found * inside.view(batch, 1, -1)).view(batch, channels, *x.shape[1:])


def translate(images: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Each image moved by whole pixels, int64 [B] each; what is left free becomes 0."""
    batch, _, height, width = images.shape
    x = torch.arange(width, device=images.device).view(1, 1, -1) - right.view(-1, 1, 1)
    y = torch.arange(height, device=images.device).view(1, -1, 1) - down.view(-1, 1, 1)
    return _taken(images, x.expand(batch, height, width), y.expand(batch, height, width))


def flip(images: Tensor, chosen: Tensor) -> Tensor:
    """The `chosen` images (bool [B]) mirrored left-right."""
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(-1), images)


@dataclass(frozen=True)
class Augmentation:
    """What is drawn anew for each image and epoch.

    rotation: largest angle, degrees; drawn uniformly from both sides. translation: largest shift as a share of a
    side. crop: largest shift in pixels (a crop from the zero-padded image). mirror: half of the images left-right.
    """

    rotation: float = 0.0
    translation: float = 0.0
    crop: int = 0
    mirror: bool = False

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """images: [B, C, H, W]; generator: on the CPU, consumed."""
        batch, _, height, width = images.shape
        if self.mirror:
            images = flip(images, (torch.rand(batch, generator=generator) < 0.5).to(images.device))
        far_x, far_y = self.crop + round(self.translation * width), self.crop + round(self.translation * height)
        if far_x or far_y:
            right = torch.randint(-far_x, far_x + 1, (batch,), generator=generator).to(images.device)
            down = torch.randint(-far_y, far_y + 1, (batch,), generator=generator).to(images.device)
            images = translate(images, right, down)
        if self.rotation:
            angles = (torch.rand(batch, generator=generator) * 2 - 1) * self.rotation
            images = rotate(images, angles)
        return images
