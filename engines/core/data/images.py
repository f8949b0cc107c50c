"""What a loader hands over: labelled images of one size, and recorded Hex games."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np


@dataclass(frozen=True)
class ImageSet:
    """N images of one size.

    images: uint8 [N, H, W, C], C is 1 (grey) or 3 (RGB), 0 black to 255.
    labels: int64 [N], index into `classes`, -1 where an image has none.
    keys: what names each image for ever (a file's path, or its number in the set), N texts.
    skipped: "file: reason" for everything a loader had to leave out.
    """

    name: str
    split: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] not in (1, 3):
            raise ValueError(f"expected uint8 [N, H, W, 1 or 3], got {self.images.dtype} {self.images.shape}")
        if self.labels.shape != self.images.shape[:1] or len(self.keys) not in (0, len(self.images)):
            raise ValueError(f"{len(self.images)} images, {self.labels.shape} labels, {len(self.keys)} keys")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every image."""
        height, width, channels = self.images.shape[1:]
        return height, width, channels

    def take(self, indices: np.ndarray | Sequence[int] | slice, *, split: str | None = None) -> Self:
        """The images at `indices`, in that order."""
        keys = self.keys
        if keys:
            keys = tuple(np.asarray(keys, dtype=object)[indices])
        return replace(
            self,
            images=self.images[indices],
            labels=self.labels[indices],
            keys=keys,
            split=split or self.split,
        )

    def sample(self, count: int, rng: np.random.Generator) -> Self:
        """`count` different images (all of them if there are fewer), drawn with `rng`, in the set's order."""
        return self.take(np.sort(rng.permutation(len(self))[:count]))

    def divide(self, *shares: float, names: Sequence[str] = ()) -> tuple[Self, ...]:
        """Disjoint parts of about these shares of every class, always the same ones for the same images.

        Shares that sum to less than 1 leave the remaining images out. An image's part depends on its key and
        its class's size only, so the order of the set does not matter.
        """
        if not shares or min(shares) < 0 or sum(shares) > 1 + 1e-9:
            raise ValueError(f"expected shares that sum to at most 1, got {shares}")
        part = assign_parts(self.keys or map(str, range(len(self))), self.labels, shares)
        titles = [*names, *(f"part {i + 1}" for i in range(len(names), len(shares)))]
        return tuple(self.take(np.flatnonzero(part == i), split=titles[i]) for i in range(len(shares)))


def assign_parts(keys: Iterable[str], labels: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """int64 [N]: which part each image falls into, -1 for none. Within a class, images are ordered by a hash
    of their key and cut at the cumulated shares."""
    digests = np.array([hashlib.sha256(key.encode("utf8", "surrogatepass")).digest()[:8] for key in keys], dtype="S8")
    part = np.full(len(labels), -1, dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[np.argsort(digests[members], kind="stable")]
        cuts = np.round(np.cumsum(shares) * len(members)).astype(int)
        for i, (start, stop) in enumerate(zip([0, *cuts[:-1]], cuts, strict=True)):
            part[members[start:stop]] = i
    return part


@dataclass(frozen=True)
class GameSet:
    """Recorded games of Hex on one board size.

    games: one int16 array of cells per game (row * size + column); the first player is Black, there is no
    swap.
    """

    name: str
    size: int
    games: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.games)
