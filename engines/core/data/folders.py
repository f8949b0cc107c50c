"""A user's own pictures as a data set: a folder per class, or one folder without classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.core.data.images import ImageSet
from engines.core.data.pictures import SUFFIXES, Fit, read_picture
from engines.core.data.places import nothing
from engines.core.errors import UserError

MOST_BYTES = 4 << 30
_SPLITS = {"train": 0, "validation": 1, "test": 2}
_SHARES = (0.7, 0.1, 0.2)


@dataclass(frozen=True)
class FolderScan:
    """What lies in a folder, before anything is opened. files: paths; labels: index into classes, -1 when
    flat."""

    root: Path
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    skipped: tuple[str, ...]


def scan_folder(root: Path | str) -> FolderScan:
    """Find the pictures below `root`: its sub-folders are the classes; without any, the set has no classes.

    Hidden files are passed over in silence, other files are listed as skipped. Raises UserError when `root`
    is no folder or holds no picture.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise UserError(f"expected a folder of images, got {str(root)!r}", "name an existing folder")
    try:
        entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith("."))
        above = {root.resolve(), *root.resolve().parents}  # a link back up would repeat everything
        folders = [entry for entry in entries if entry.is_dir() and entry.resolve() not in above]
        by_class = {entry.name: sorted(_below(entry)) for entry in folders}
    except OSError as error:
        raise UserError(f"{root} cannot be read: {error.strerror}", "check its permissions") from None
    loose = [entry for entry in entries if entry.is_file()]
    classes = tuple(name for name, files in by_class.items() if any(map(_is_picture, files)))
    skipped: list[str] = []
    files: list[Path] = []
    labels: list[int] = []
    for name, members in (*by_class.items(), ("", loose)):
        for file in members:
            if not _is_picture(file):
                skipped.append(f"{file.relative_to(root).as_posix()}: not a picture file")
            elif name == "" and classes:
                skipped.append(f"{file.name}: it lies beside the class folders")
            else:
                files.append(file)
                labels.append(classes.index(name) if name else -1)
    if not files:
        raise UserError(
            f"there is no picture in {root}",
            f"it takes {', '.join(sorted(s[1:] for s in SUFFIXES))}, one folder per class or all in one",
        )
    return FolderScan(root, tuple(files), tuple(labels), classes, tuple(skipped))


def load_folder(
    root: Path | str,
    split: str = "all",
    *,
    size: int = 64,
    channels: int = 3,
    fit: Fit = "crop",
    progress: Callable[[float, float, str], None] = lambda done, total, text: None,
    check: Callable[[], None] = nothing,
) -> ImageSet:
    """The pictures below `root` as one ImageSet of `size` by `size` pixels, sorted by path.

    split: "all", or "train", "validation", "test": 70, 10 and 20 % of each class, chosen by a hash of each
    file's path in the folder, so that a picture keeps its part. A picture that cannot be read is left out and
    named in `skipped`. Raises UserError when nothing is left or all of it would not fit into memory.
    """
    if split != "all" and split not in _SPLITS:
        raise UserError(f"expected a split out of all, {', '.join(_SPLITS)}, got {split!r}")
    if not 4 <= size <= 2048:
        raise UserError(f"expected a size from 4 to 2048 pixels, got {size}")
    scan = scan_folder(root)
    need = len(scan.files) * size * size * channels
    if need > MOST_BYTES:
        raise UserError(
            f"{len(scan.files)} pictures of {size}x{size} need {need / 2**30:.1f} GB of memory",
            "choose a smaller size or fewer pictures",
        )
    images, labels, keys, skipped = [], [], [], list(scan.skipped)
    for done, (file, label) in enumerate(zip(scan.files, scan.labels, strict=True)):
        check()
        key = file.relative_to(scan.root).as_posix()
        try:
            images.append(read_picture(file, size=size, channels=channels, fit=fit))
            labels.append(label)
            keys.append(key)
        except UserError as error:
            skipped.append(f"{key}: {error.what}")
        progress(done + 1, len(scan.files), key)
    if not images:
        raise UserError(f"no picture in {scan.root} can be read: {skipped[-1]}", "check the files")
    whole = ImageSet(
        name=scan.root.name or str(scan.root),
        split="all",
        images=np.stack(images),
        labels=np.asarray(labels, np.int64),
        classes=scan.classes,
        keys=tuple(keys),
        skipped=tuple(skipped),
    )
    if split == "all":
        return whole
    part = whole.divide(*_SHARES, names=tuple(_SPLITS))[_SPLITS[split]]
    if not len(part):
        raise UserError(f"{scan.root} is too small for a {split} part", 'use the split "all" or add pictures')
    return part


def _below(folder: Path) -> list[Path]:
    """All files below `folder`; hidden ones and links to folders (which may form loops) are not followed."""
    found: list[Path] = []
    for entry in folder.iterdir():
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                found.extend(_below(entry))
        elif entry.is_file():
            found.append(entry)
    return found


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES
