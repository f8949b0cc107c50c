"""Finding, checking, fetching and loading what the registry knows."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from engines.core.data.download import Progress, fetch_file, silent
from engines.core.data.images import GameSet, ImageSet
from engines.core.data.places import cache_folder, nothing, search_folders, sha256_of
from engines.core.data.registry import DataFile, DataSet, Layout, find
from engines.core.errors import UserError

Check = Callable[[], None]
State = Literal["embedded", "ready", "partial", "missing"]


class MissingData(UserError):
    """A set whose files are not on this machine. `entry` says how large it is and whether `fetch` can bring
    it."""

    def __init__(self, entry: DataSet, split: str, trouble: str = "") -> None:
        cache = cache_folder() / entry.files[0].path
        by_hand = f"put the files into a data folder (--data-dir or WORKBENCH_DATA), or at {cache.parent}"
        remedy = f"paper-workbench data fetch {entry.name}; or {by_hand}" if entry.downloadable else by_hand
        super().__init__(
            trouble or f"{entry.title} ({entry.size / 1e6:.1f} MB) is not on this machine ({split} needs it)",
            remedy,
        )
        self.entry = entry


@dataclass(frozen=True)
class FileReport:
    """One file of `verify`. path: where it lies, or where it was looked for last; seen: its sha256, "" if
    missing."""

    file: DataFile
    path: Path
    state: Literal["ok", "missing", "damaged"]
    seen: str = ""


@dataclass(frozen=True)
class SetStatus:
    """Where a set stands by the sizes of its files (checksums are `verify`'s). folder: the first file's
    place."""

    entry: DataSet
    state: State
    folder: Path | None
    missing: tuple[DataFile, ...] = ()


def status(name: str, *, data_dir: Path | str | None = None) -> SetStatus:
    """Whether a set is here, judged by names and sizes only, so at once."""
    entry = find(name)
    if entry.embedded:
        return SetStatus(entry, "embedded", None)
    folders = search_folders(data_dir)
    best: tuple[Layout, list[Path | None]] | None = None
    for layout in entry.layouts:
        places = [_first(file, folders) for file in layout.files]
        if all(places):
            return SetStatus(entry, "ready", places[0].parent if places[0] else None)
        if any(places) and best is None:
            best = layout, places
    if best is None:
        return SetStatus(entry, "missing", None, entry.files)
    layout, places = best
    lacking = tuple(file for file, place in zip(layout.files, places, strict=True) if place is None)
    return SetStatus(entry, "partial", next(p.parent for p in places if p), lacking)


def verify(
    name: str, *, data_dir: Path | str | None = None, progress: Progress = silent, check: Check = nothing
) -> tuple[FileReport, ...]:
    """Read every file of a set and compare checksums; the layout that is here is checked, else what `fetch`
    brings. Empty for an embedded set. Progress is in bytes."""
    entry = find(name)
    folders = search_folders(data_dir)
    layout = next((x for x in entry.layouts if any(_first(f, folders) for f in x.files)), entry.layouts[-1])
    total, done, reports = sum(f.size for f in layout.files), 0, []
    for file in layout.files:
        progress(done, total, file.name)
        reports.append(_report(file, folders, check))
        done += file.size
    progress(total, total, "")
    return tuple(reports)


def fetch(
    name: str, *, progress: Progress = silent, check: Check = nothing, data_dir: Path | str | None = None
) -> Path:
    """See that a set is on this machine, downloading into the user's cache what is missing or damaged;
    returns the folder of its first file.

    progress: gets (bytes so far, bytes in all, file), like `JobContext.progress`. check: may raise Cancelled;
    the part that arrived is kept and the next fetch goes on from there. Raises UserError when it cannot be
    had.
    """
    entry = find(name)
    if entry.embedded:
        return cache_folder()
    folders = search_folders(data_dir)
    for layout in entry.layouts:
        places = [_good(file, folders, check) for file in layout.files]
        if all(places):
            return next(p.parent for p in places if p)
    if not entry.downloadable:
        raise MissingData(entry, "all")
    cache = cache_folder()
    wanted = [file for file in entry.files if _good(file, folders, check) is None]
    total, done = sum(f.size for f in wanted), 0
    _need_room(cache, total)
    for file in wanted:
        before, label = done, file.name
        progress(before, total, label)
        fetch_file(
            file,
            cache,
            progress=_shifted(progress, before, total, label),
            check=check,
        )
        done += file.size
    progress(total, total, entry.title)
    return (cache / entry.files[0].path).parent


def load(
    name: str,
    split: str = "train",
    *,
    data_dir: Path | str | None = None,
    size: int = 64,
    progress: Progress = silent,
    check: Check = nothing,
) -> ImageSet:
    """Images of one split of a registered set, or of a folder of pictures when `name` is one's path.

    split: one of the set's, or "all" for all of them joined. size: pixels a side, for folders only.
    Files are compared with their checksums once per process. Never downloads: raises MissingData (a UserError
    that names the size and the way to get it), or UserError for an unknown set or split.
    """
    if os.sep in name or "/" in name or name.startswith(("~", ".")):
        from engines.core.data.folders import load_folder

        return load_folder(name, split, size=size, progress=progress, check=check)
    entry = find(name)
    if entry.kind != "images":
        raise UserError(f"{entry.name} holds no images", "choose another set")
    if split == "all" and split not in entry.splits:
        return _joined([load(name, s, data_dir=data_dir, check=check) for s in entry.splits])
    if split not in entry.splits:
        raise UserError(f"{entry.name} has no split {split!r}", f"known: {', '.join(entry.splits)}, all")
    layout, paths = _find_files(entry, split, data_dir, check)
    images, labels = _read(entry, layout, split, paths, check)
    _check_shape(entry, split, images)
    keys = tuple(f"{split}/{i}" for i in range(len(labels)))
    return ImageSet(entry.name, split, images, labels, entry.classes, keys)


def load_games(name: str = "hex-games", *, data_dir: Path | str | None = None, check: Check = nothing) -> GameSet:
    """Recorded games. Raises MissingData or UserError like `load`."""
    from engines.core.data.readers import read_hex_games

    entry = find(name)
    if entry.kind != "games":
        raise UserError(f"{entry.name} holds no games", "choose hex-games")
    _, paths = _find_files(entry, "all", data_dir, check)
    return GameSet(entry.name, 9, read_hex_games(paths[0], 9))


def locate(
    name: str, split: str = "all", *, data_dir: Path | str | None = None, check: Check = nothing
) -> tuple[Path, ...]:
    """The files of a split, with the right checksums, for a reader of its own. Raises MissingData or UserError."""
    entry = find(name)
    if split not in entry.splits:
        raise UserError(f"{entry.name} has no split {split!r}", f"known: {', '.join(entry.splits)}")
    return _find_files(entry, split, data_dir, check)[1]


def _find_files(
    entry: DataSet, split: str, data_dir: Path | str | None, check: Check
) -> tuple[Layout, tuple[Path, ...]]:
    """The first layout whose files for `split` are all here and whole."""
    folders = search_folders(data_dir)
    damaged: list[Path] = []
    for layout in entry.layouts:
        files = layout.needs[split]
        paths = [path for file in files if (path := _good(file, folders, check, damaged)) is not None]
        if len(paths) == len(files):
            return layout, tuple(paths)
    trouble = f"{damaged[0]} is damaged: its checksum is not the published one" if damaged else ""
    raise MissingData(entry, split, trouble)


def _read(
    entry: DataSet, layout: Layout, split: str, paths: tuple[Path, ...], check: Check
) -> tuple[np.ndarray, np.ndarray]:
    if not layout.decoded_copy:
        return layout.read(paths, split, check)
    stamp = "".join(f.sha256[:4] for f in layout.needs[split])
    copy = cache_folder() / "decoded" / f"{entry.name}-{split}-{stamp}.npz"
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile), np.load(copy) as kept:
        return kept["images"], kept["labels"]
    images, labels = layout.read(paths, split, check)
    with suppress(OSError):  # a full or read-only disk costs time on the next load, nothing else
        copy.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=copy.parent, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                np.savez(stream, images=images, labels=labels)
            Path(beside).replace(copy)
        finally:
            Path(beside).unlink(missing_ok=True)
    return images, labels


def _check_shape(entry: DataSet, split: str, images: np.ndarray) -> None:
    expected = entry.counts.get(split, len(images)), *entry.shape
    if any(entry.shape) and images.shape != expected:
        raise UserError(f"{entry.name} {split}: expected images {expected}, got {images.shape}", "fetch it again")


def _shifted(progress: Progress, before: int, total: int, label: str) -> Callable[[int], None]:
    """Progress of one file as progress of them all."""
    return lambda now: progress(before + now, total, label)


def _joined(parts: list[ImageSet]) -> ImageSet:
    first = parts[0]
    return ImageSet(
        first.name,
        "all",
        np.concatenate([p.images for p in parts]),
        np.concatenate([p.labels for p in parts]),
        first.classes,
        tuple(key for p in parts for key in p.keys),
    )


def _first(file: DataFile, folders: tuple[Path, ...]) -> Path | None:
    """The first file of that name and size."""
    for folder in folders:
        path = folder / file.path
        if path.is_file() and path.stat().st_size == file.size:
            return path
    return None


def _good(file: DataFile, folders: tuple[Path, ...], check: Check, damaged: list[Path] | None = None) -> Path | None:
    """The first file of that name with the right checksum; the others are added to `damaged`."""
    for folder in folders:
        path = folder / file.path
        if not path.is_file():
            continue
        try:
            if path.stat().st_size == file.size and sha256_of(path, check) == file.sha256:
                return path
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}", "check its permissions") from None
        if damaged is not None:
            damaged.append(path)
    return None


def _report(file: DataFile, folders: tuple[Path, ...], check: Check) -> FileReport:
    damaged: list[Path] = []
    path = _good(file, folders, check, damaged)
    if path is not None:
        return FileReport(file, path, "ok", file.sha256)
    if damaged:
        return FileReport(file, damaged[0], "damaged", sha256_of(damaged[0], check))
    return FileReport(file, folders[-1] / file.path, "missing")


def _need_room(folder: Path, size: int) -> None:
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < size + (64 << 20):
        raise UserError(
            f"{size / 1e6:.0f} MB do not fit: {existing} has {free / 1e6:.0f} MB free",
            "make room, or move the cache with WORKBENCH_HOME",
        )
