"""Images for experiments, as a model takes them: from a data set, a folder, one picture file or a drawing. No torch.

Whatever the source, a pool holds float32 [N, C, H, W] in [0, 1] of the shape asked for: grey or colour is converted,
odd sizes are scaled, and what cannot be read is named in `skipped`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from engines.core import data
from engines.core.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, int, int]
UNKNOWN: Final = -1
SOURCES: Final = ("digits", "mnist", "fashion-mnist", "cifar10", "photos")
MOST_BYTES: Final = 2 << 30
_FIGURE: Final = 20
"""Pixels of the longer side of a digit within its 28 × 28 field. Source: LeCun et al. 1998, the MNIST page."""
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""Grey from red, green and blue (ITU-R BT.601), as Pillow's mode L."""


def nothing() -> None:
    """The check of callers that cannot be cancelled."""


@dataclass(frozen=True)
class Pool:
    """Images ready for a model.

    images: float32 [N, C, H, W] in [0, 1]. labels: int64 [N], index into classes, -1 where unknown. classes: their
    names, may be empty. keys: a name for each image. source: as asked for. skipped: what could not be read, and why.
    notes: what was done to the pictures that cannot be told by looking at them, in sentences.
    """

    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    keys: tuple[str, ...]
    source: str
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    @property
    def shape(self) -> Shape:
        """(C, H, W) of every image."""
        colours, height, width = self.images.shape[1:]
        return colours, height, width

    @property
    def is_labelled(self) -> bool:
        """Whether every label is known."""
        return bool((self.labels >= 0).all()) and len(self.labels) > 0

    @property
    def present(self) -> tuple[int, ...]:
        """The labels that occur, without the unknown one."""
        return tuple(int(label) for label in np.unique(self.labels) if label >= 0)

    def take(self, indices: Sequence[int] | np.ndarray | slice) -> Self:
        """The images at `indices`, in that order."""
        keys = tuple(np.asarray(self.keys, dtype=object)[indices])
        return replace(self, images=self.images[indices], labels=self.labels[indices], keys=keys)

    def labels_for(self, classes: Sequence[str]) -> np.ndarray:
        """int64 [N]: the labels as indices into a model's classes, matched by name (case does not matter).

        -1 for classes that the model does not know: a pool of clothes says nothing about a model of digits.
        """
        places = {name.strip().casefold(): i for i, name in enumerate(classes)}
        table = np.array([places.get(name.strip().casefold(), UNKNOWN) for name in self.classes] + [UNKNOWN], np.int64)
        return table[np.where(self.labels >= 0, self.labels, len(self.classes))]

    def tensors(self, device: Any = "cpu") -> tuple[Tensor, Tensor]:
        """Images float32 [N, C, H, W] and labels int64 [N] on a device."""
        import torch

        return torch.from_numpy(self.images).to(device), torch.from_numpy(self.labels).to(device)


def load_pool(
    source: str,
    shape: Shape,
    count: int = 0,
    seed: int = 0,
    split: str = "test",
    check: Callable[[], None] = nothing,
    data_dir: Path | str | None = None,
) -> Pool:
    """`count` images of a source (all of them for 0), drawn with `seed`, as float32 of `shape` (C, H, W).

    source: one of SOURCES, "" for the best one on this machine, a folder of pictures (a sub-folder a class), or one
    picture file. split: of a data set ("train", "test", "all"); folders and files are taken whole.
    Raises UserError for an unknown or empty source, a missing data set, or a picture that cannot be read.
    """
    _check_shape(shape)
    if count < 0:
        raise UserError(f"expected a number of images from 0 (all), got {count}", "0 takes all of them")
    source = source.strip() or best_source(shape)
    rng = np.random.default_rng(seed)
    path = Path(source).expanduser()
    if source.lower().replace("_", "-") in SOURCES:
        name = source.lower().replace("_", "-")
        if name == "photos":
            return _photos(shape, count, rng, check)
        return _from_set(name, shape, count, rng, split, check, data_dir)
    if path.is_dir():
        return _from_folder(path, shape, count, rng, check)
    if path.is_file():
        return _from_file(path, shape)
    raise UserError(
        f"there are no images called {source!r}",
        f"choose {', '.join(SOURCES)}, a folder of pictures, or a picture file",
    )


def best_source(shape: Shape, data_dir: Path | str | None = None) -> str:
    """What suits a shape best on this machine: MNIST, else the embedded digits, for grey; CIFAR-10, else the sample
    photographs, for colour."""
    wanted, embedded = ("mnist", "digits") if shape[0] == 1 else ("cifar10", "photos")
    return wanted if data.status(wanted, data_dir=data_dir).state == "ready" else embedded


def from_pixels(pixels: np.ndarray, shape: Shape) -> np.ndarray:
    """A drawn digit, uint8 [H, W] (white ink on black), as float32 of `shape`, placed as MNIST places its digits.

    The ink's box is scaled to 20 pixels (of 28; in 8 × 8 to all of them) on its longer side and put so that its centre
    of mass lies in the middle. Source: LeCun et al. 1998. Raises UserError where nothing is drawn.
    """
    _check_shape(shape)
    values = np.asarray(pixels)
    if values.dtype != np.uint8 or values.ndim != 2:
        raise ValueError(f"expected uint8 [H, W], got {values.dtype} {values.shape}")
    ink = values > 25  # A tenth of white: softer edges do not move the box.
    if not ink.any():
        raise UserError("nothing is drawn yet", "draw a digit with the mouse")
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    figure = values[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    _, height, width = shape
    # scikit-learn's 8 × 8 digits have no margin: they fill their rows.
    side = 8 if (height, width) == (8, 8) else max(1, round(min(height, width) * _FIGURE / 28))
    factor = side / max(figure.shape)
    size = tuple(max(1, round(n * factor)) for n in figure.shape)
    small = _resized(figure[None, :, :, None], (size[0], size[1]))[0, :, :, 0]
    field = np.zeros((height, width), np.float32)
    mass = float(small.sum()) or 1.0
    centre = ((small.sum(1) @ np.arange(size[0])) / mass, (small.sum(0) @ np.arange(size[1])) / mass)
    top = int(np.clip(round((height - 1) / 2 - centre[0]), 0, height - size[0]))
    left = int(np.clip(round((width - 1) / 2 - centre[1]), 0, width - size[1]))
    field[top : top + size[0], left : left + size[1]] = small
    return np.repeat(field[None], shape[0], axis=0)


def as_shape(images: np.ndarray, shape: Shape, check: Callable[[], None] = nothing) -> np.ndarray:
    """uint8 [N, H, W, 1 or 3] as float32 [N, C, H, W] in [0, 1] of `shape`: colours converted, then scaled.

    scikit-learn's 8 × 8 digits become 20 × 20 in a black frame, so that they look like MNIST's.
    """
    _check_shape(shape)
    colours, height, width = shape
    # Conversion on full-range floats: rounding to 8 bits in between would cost levels.
    pixels = images.astype(np.float32) / 255
    if pixels.shape[3] == 3 and colours == 1:
        pixels = (pixels @ _LUMA)[..., None]
    elif pixels.shape[3] == 1 and colours == 3:
        pixels = np.repeat(pixels, 3, axis=3)
    if pixels.shape[1:3] == (8, 8) and (height, width) != (8, 8):
        figure = max(1, round(min(height, width) * _FIGURE / 28))
        small = _resized_floats(pixels, (figure, figure), check)
        pixels = np.zeros((len(images), height, width, colours), np.float32)
        top, left = (height - figure) // 2, (width - figure) // 2
        pixels[:, top : top + figure, left : left + figure] = small
    elif pixels.shape[1:3] != (height, width):
        pixels = _resized_floats(pixels, (height, width), check)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def _from_set(
    name: str,
    shape: Shape,
    count: int,
    rng: np.random.Generator,
    split: str,
    check: Callable[[], None],
    data_dir: Path | str | None,
) -> Pool:
    loaded = data.load(name, split, data_dir=data_dir, check=check)
    if count:
        loaded = loaded.take(np.sort(rng.permutation(len(loaded))[:count]))
    _need_memory(len(loaded), shape)
    return Pool(as_shape(loaded.images, shape, check), loaded.labels, loaded.classes, loaded.keys, name)


def _from_folder(path: Path, shape: Shape, count: int, rng: np.random.Generator, check: Callable[[], None]) -> Pool:
    scan = data.scan_folder(path)
    chosen = np.arange(len(scan.files))
    if count and count < len(chosen):
        # Some more than asked for, as some may turn out unreadable; the reading stops at `count`.
        chosen = rng.permutation(len(scan.files))
    _need_memory(min(count or len(chosen), len(chosen)), shape)
    images, labels, keys, skipped = [], [], [], list(scan.skipped)
    papers: Counter[str] = Counter()
    for index in chosen:
        check()
        key = scan.files[index].relative_to(scan.root).as_posix()
        try:
            image, paper = _picture(scan.files[index], shape)
        except UserError as error:
            skipped.append(f"{key}: {error.what}")
            continue
        images.append(image)
        papers[paper] += 1
        labels.append(scan.labels[index])
        keys.append(key)
        if count and len(images) >= count:
            break
    if not images:
        raise UserError(f"no picture in {path} can be read: {skipped[-1]}", "check the files")
    order = np.argsort(np.array(keys, dtype=object))
    whole = Pool(
        np.stack(images),
        np.asarray(labels, np.int64),
        scan.classes,
        tuple(keys),
        str(path),
        tuple(skipped),
        _behind(papers),
    )
    return whole.take(order)


def _from_file(path: Path, shape: Shape) -> Pool:
    try:
        image, paper = _picture(path, shape)
    except UserError as error:
        remedy = error.remedy or "choose a PNG, JPEG or TIFF picture"
        raise UserError(f"{path.name} cannot be read: {error.what}", remedy) from None
    notes = _behind(Counter([paper]))
    return Pool(image[None], np.array([UNKNOWN], np.int64), (), (path.name,), str(path), notes=notes)


def _behind(papers: Counter[str]) -> tuple[str, ...]:
    """What was laid behind how many pictures."""
    said = []
    for paper in ("white", "black"):
        count = papers[paper]
        if count:
            has = "1 picture has" if count == 1 else f"{count} pictures have"
            said.append(f"{has} transparent parts: they are {paper} here.")
    return tuple(said)


def _picture(path: Path, shape: Shape) -> tuple[np.ndarray, str]:
    """One file as float32 of `shape`: its middle, scaled; and what lies behind its transparent parts, "" without any.
    A grey one of exactly the shape is taken as it is."""
    colours, height, width = shape
    pixels, paper = data.read_on_paper(path, channels=3 if colours == 3 else 1)
    if min(pixels.shape[:2]) < 2:
        raise UserError(
            f"it is {pixels.shape[1]} × {pixels.shape[0]} pixels, too small",
            "choose a picture of 2 pixels a side or more",
        )
    rows, columns = pixels.shape[:2]
    # The largest middle part of the wanted proportions, as a person would crop it.
    part = min(rows / height, columns / width)
    keep = max(1, round(height * part)), max(1, round(width * part))
    top, left = (rows - keep[0]) // 2, (columns - keep[1]) // 2
    middle = pixels[top : top + keep[0], left : left + keep[1]]
    if middle.shape[:2] == (height, width):
        return np.ascontiguousarray(middle.transpose(2, 0, 1)).astype(np.float32) / 255, paper
    return np.ascontiguousarray(_resized(middle[None], (height, width))[0].transpose(2, 0, 1)), paper


def _photos(shape: Shape, count: int, rng: np.random.Generator, check: Callable[[], None]) -> Pool:
    """The sample photographs: each as a whole, then, where more are asked for, cut-outs of them."""
    names = data.photo_names()
    colours, height, width = shape
    _need_memory(count or len(names), shape)
    whole = [data.load_photo(name, size=256, channels=colours) for name in names]
    images = [_resized(photo[None], (height, width))[0] for photo in whole]
    keys = list(names)
    while len(images) < count:
        check()
        index = len(images) % len(names)
        side = int(rng.integers(96, 193))
        top, left = rng.integers(0, 257 - side, 2)
        cut = whole[index][top : top + side, left : left + side]
        images.append(_resized(cut[None], (height, width))[0])
        keys.append(f"{names[index]}, part {len(images) // len(names)}")
    stacked = np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2))
    pool = Pool(stacked, np.full(len(images), UNKNOWN, np.int64), (), tuple(keys), "photos")
    return pool.take(slice(0, count)) if count else pool


def _resized(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 [N, H, W, C] as float32 in [0, 1], scaled to `size` (rows, columns)."""
    return _resized_floats(images.astype(np.float32) / 255, size, nothing)


def _resized_floats(images: np.ndarray, size: tuple[int, int], check: Callable[[], None]) -> np.ndarray:
    """float32 [N, H, W, C] scaled to `size`, smoothed where it shrinks (Pillow's bilinear, on floats)."""
    from PIL import Image

    count, _, _, colours = images.shape
    out = np.empty((count, *size, colours), np.float32)
    for i in range(count):
        if i % 64 == 0:
            check()
        for c in range(colours):
            plane = Image.fromarray(np.ascontiguousarray(images[i, :, :, c]))
            out[i, :, :, c] = np.asarray(plane.resize((size[1], size[0]), Image.Resampling.BILINEAR))
    return np.clip(out, 0.0, 1.0, out=out)


def _check_shape(shape: Shape) -> None:
    if len(shape) != 3 or shape[0] not in (1, 3) or not all(4 <= n <= 1024 for n in shape[1:]):
        raise UserError(
            f"expected images of 1 or 3 colours and 4 to 1024 pixels a side, got {tuple(shape)}",
            "choose a model for such images, or scale them",
        )


def _need_memory(count: int, shape: Shape) -> None:
    need = count * int(np.prod(shape)) * 4
    if need > MOST_BYTES:
        raise UserError(
            f"{count} images of {shape[2]} × {shape[1]} pixels need {need / 2**30:.1f} GB of memory",
            "choose fewer images or a model for smaller ones",
        )
