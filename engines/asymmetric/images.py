"""Which images a bank is trained and measured on: a data set by name, in the bank's own shape. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engines.asymmetric.drawn import drawn_digits
from engines.core import data
from engines.core.errors import UserError
from engines.vision.images import Pool, load_pool

EMBEDDED = "digits8"
"""scikit-learn's digits in their own 8×8 pixels."""
_SHAPES = {EMBEDDED: (1, 8, 8), "digits": (1, 28, 28), "mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28),
           "cifar10": (3, 32, 32)}  # fmt: skip
_TEST_SHARE = 0.2
FEWEST = 3
"""Pictures that each class of a folder needs."""
DIGITS_REPEATED = 8
"""How often the 1,258 embedded digits come among a larger set's images, where they are added."""
DRAWN, DRAWN_HELD = 4000, 400
"""Drawn digits that are added to the embedded ones, for training and for validation."""


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
    with_drawn: bool = False, check: Callable[[], None] = nothing,
) -> Parts:  # fmt: skip
    """Images for training and validation: a set's own parts where it has both, else its training part cut in two
    (`held_out` of every class). A folder keeps a fifth of each class back for tests.

    with_digits: add the enlarged embedded digits, several times, so that they count for something. with_drawn: add
    drawn digits (see `drawn`) to the 8×8 ones, which then come twice. limit: at most so many, evenly over the classes.
    Raises UserError where the source is missing, has no classes, only one, or too few images of one.
    """
    pool = _labelled(source, shape_of(source, side), "train", check)
    rng = np.random.default_rng(seed)
    if limit:
        pool = evenly(pool, limit, rng)
    if with_drawn and source != EMBEDDED:
        raise UserError(f"{source} cannot take drawn digits in", f"only {EMBEDDED} can")
    if source in (EMBEDDED, "digits"):
        train, validation = pool, _labelled(source, pool.shape, "validation", check)
        if with_drawn:
            drawn = drawn_digits(DRAWN + DRAWN_HELD, seed, "train", check)
            train = _joined(pool, pool, drawn.take(slice(DRAWN)))
            validation = _joined(validation, drawn.take(slice(DRAWN, None)))
    else:
        train, validation = _cut(pool, held_out, rng)
    if with_digits:
        extra = training_images("digits", check=check)
        if pool.shape != extra.train.shape or len(pool.classes) != len(extra.classes):
            raise UserError(f"{source} cannot take the embedded digits in", "only sets of 28×28 grey digits can")
        train = _joined(train, *[extra.train] * DIGITS_REPEATED)
        validation = _joined(validation, extra.validation)
    for part in (train, validation):
        if missing := _missing(part):
            why = f"with at most {limit} images " if limit else ""
            raise UserError(f"{why}{source} has too few images of {missing}", "allow more images, or add some")
    return Parts(train, validation, pool.classes)


def _cut(pool: Pool, held_out: float, rng: np.random.Generator) -> tuple[Pool, Pool]:
    """Training and validation: the same share of every class, at least one image; of folders in any order, as their
    own is that of the classes."""
    order = rng.permutation(len(pool))
    held = np.zeros(len(pool), bool)
    for k in pool.present:
        members = order[pool.labels[order] == k]
        held[members[: max(1, round(held_out * len(members)))]] = True
    if pool.source in _SHAPES:
        order = np.arange(len(pool))
    return pool.take(order[~held[order]]), pool.take(order[held[order]])


def evenly(pool: Pool, count: int, rng: np.random.Generator) -> Pool:
    """`count` labelled images of a pool, in its order, as evenly over its classes as they allow; all if fewer."""
    if count >= len(pool):
        return pool
    members = [rng.permutation(np.flatnonzero(pool.labels == k)) for k in pool.present]
    turns = [m[i] for i in range(max(map(len, members))) for m in members if i < len(m)]
    return pool.take(np.sort(np.array(turns[:count])))


def members_of(pool: Pool, k: int) -> np.ndarray:
    """int64: which images are of class k. Raises UserError where there is none."""
    found = np.flatnonzero(pool.labels == k)
    if not len(found):
        name = pool.classes[k] if k < len(pool.classes) else str(k)
        raise UserError(f"{pool.source} holds no image of {name}", "choose another class, or add images of it")
    return found


def _missing(pool: Pool) -> str:
    """Names of the classes without an image, "" where each has one."""
    return ", ".join(name for k, name in enumerate(pool.classes) if k not in pool.present)


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
    return evenly(pool, count, np.random.default_rng(seed)) if count else pool


def _labelled(source: str, shape: tuple[int, int, int], split: str, check: Callable[[], None]) -> Pool:
    """A split with labels, a folder cut by a hash of its file names.

    Each class of a folder needs FEWEST images, whatever the split: better now than after the training.
    """
    name = "digits" if source == EMBEDDED else source
    is_folder = Path(source).expanduser().is_dir() and source not in _SHAPES
    if is_folder:
        pool = load_pool(source, shape, 0, 0, "all", check)
        _need_some_of_each(pool)
        part = data.images.assign_parts(pool.keys, pool.labels, (_TEST_SHARE, 1 - _TEST_SHARE))
        pool = pool.take(np.flatnonzero(part == (0 if split == "test" else 1)))
    else:
        pool = load_pool(name, shape, 0, 0, split, check)
    if len(pool.classes) < 2 or not pool.is_labelled:
        count = len(pool.present)
        raise UserError(
            f"{source} has {count} {'class' if count == 1 else 'classes'}, and a bank needs at least two",
            "choose a labelled data set, or a folder with one sub-folder for each class",
        )
    if missing := _missing(pool):
        raise UserError(f"{source} holds no image of {missing}", "add some, or remove the empty class")
    return replace(pool, source=source)


def _need_some_of_each(pool: Pool) -> None:
    """Raises UserError where a class of a folder is too small to be parted."""
    small = [f"{name} ({n})" for k, name in enumerate(pool.classes) if (n := int((pool.labels == k).sum())) < FEWEST]
    if small and len(pool.classes) > 1:
        raise UserError(
            f"{pool.source} has too few readable pictures of {', '.join(small)}",
            f"each class needs at least {FEWEST}: one to train, one to validate, one to test",
        )
