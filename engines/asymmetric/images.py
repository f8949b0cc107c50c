"""Which images a bank is trained and measured on: a data set by name, in the bank's own shape. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.core import data
from engines.core.errors import UserError
from engines.vision.images import Pool, load_pool

EMBEDDED = "digits8"
"""scikit-learn's digits in their own 8×8 pixels."""
_SHAPES = {EMBEDDED: (1, 8, 8), "digits": (1, 28, 28), "mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28),
           "cifar10": (3, 32, 32)}  # fmt: skip
_TEST_SHARE = 0.2
DIGITS_REPEATED = 8
"""How often the 1,258 embedded digits come among a larger set's images, where they are added."""


@dataclass(frozen=True)
class Parts:
    """Images for training and for choosing the best epoch, labelled 0..K-1. classes: K names."""

    train: Pool
    validation: Pool
    classes: tuple[str, ...]


def nothing() -> None:
    """The default of callbacks."""


def shape_of(source: str, side: int = 28) -> tuple[int, int, int]:
    """(C, H, W) in which a source is trained on: its own for data sets, grey `side`×`side` for folders."""
    return _SHAPES.get(source, (1, side, side))


def training_images(
    source: str, *, side: int = 28, limit: int = 0, held_out: float = 0.1, seed: int = 0, with_digits: bool = False,
    check: Callable[[], None] = nothing,
) -> Parts:  # fmt: skip
    """Images for training and validation: a set's own parts where it has both, else its training part cut in two
    (`held_out` of every class). A folder keeps a fifth of each class back for tests.

    with_digits: add the enlarged embedded digits, several times, so that they count for something.
    Raises UserError where the source is missing, has no classes, or only one.
    """
    pool = _labelled(source, shape_of(source, side), "train", check)
    rng = np.random.default_rng(seed)
    if limit:
        pool = pool.take(np.sort(rng.permutation(len(pool))[:limit]))
    if source in (EMBEDDED, "digits"):
        return Parts(pool, _labelled(source, pool.shape, "validation", check), pool.classes)
    order = rng.permutation(len(pool))
    held = np.zeros(len(pool), bool)
    for k in pool.present:  # the same share of every class, at least one image
        members = order[pool.labels[order] == k]
        held[members[: max(1, round(held_out * len(members)))]] = True
    if not (~held).any() or not held.any():
        raise UserError(f"{source} has too few images for training and validation", "add images")
    train, validation = pool.take(np.flatnonzero(~held)), pool.take(np.flatnonzero(held))
    if with_digits:
        extra = training_images("digits", check=check)
        if pool.shape != extra.train.shape or len(pool.classes) != len(extra.classes):
            raise UserError(f"{source} cannot take the embedded digits in", "only sets of 28×28 grey digits can")
        train = _joined(train, *[extra.train] * DIGITS_REPEATED)
        validation = _joined(validation, extra.validation)
    return Parts(train, validation, pool.classes)


def _joined(first: Pool, *others: Pool) -> Pool:
    """All images of several pools with the same classes."""
    pools = (first, *others)
    return replace(
        first,
        images=np.concatenate([p.images for p in pools]),
        labels=np.concatenate([p.labels for p in pools]),
        keys=tuple(key for p in pools for key in p.keys),
    )


def test_images(
    source: str, shape: tuple[int, int, int], count: int, seed: int = 0, check: Callable[[], None] = nothing
) -> Pool:
    """`count` labelled test images (0: all) of a source, evenly over its classes, in a bank's shape."""
    pool = _labelled(source, shape, "test", check)
    if not count or count >= len(pool):
        return pool
    rng = np.random.default_rng(seed)
    members = [rng.permutation(np.flatnonzero(pool.labels == k)) for k in pool.present]
    turns = [m[i] for i in range(max(map(len, members))) for m in members if i < len(m)]
    return pool.take(np.sort(np.array(turns[:count])))


def _labelled(source: str, shape: tuple[int, int, int], split: str, check: Callable[[], None]) -> Pool:
    """A split with labels, a folder cut by a hash of its file names."""
    name = "digits" if source == EMBEDDED else source
    is_folder = Path(source).expanduser().is_dir() and source not in _SHAPES
    if is_folder:
        pool = load_pool(source, shape, 0, 0, "all", check)
        part = data.images.assign_parts(pool.keys, pool.labels, (_TEST_SHARE, 1 - _TEST_SHARE))
        pool = pool.take(np.flatnonzero(part == (0 if split == "test" else 1)))
    else:
        pool = load_pool(name, shape, 0, 0, split, check)
    if len(pool.classes) < 2 or not pool.is_labelled:
        raise UserError(
            f"{source} has {len(pool.present)} classes, and a bank needs at least two",
            "choose a labelled data set, or a folder with one sub-folder for each class",
        )
    if len(pool.present) < len(pool.classes):
        missing = [name for k, name in enumerate(pool.classes) if k not in pool.present]
        raise UserError(f"{source} holds no image of {', '.join(missing)}", "add some, or remove the empty class")
    return replace(pool, source=source)
