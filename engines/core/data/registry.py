"""What a data set is to the workbench: its terms, its files, its splits, and who reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from engines.core.errors import UserError

Read = Callable[[tuple[Path, ...], str, Callable[[], None]], tuple[np.ndarray, np.ndarray]]
"""``read(paths, split, check)`` gives images uint8 [N, H, W, C] and labels int64 [N] of one split."""


@dataclass(frozen=True)
class DataFile:
    """One published file. path: relative to any data folder. size: bytes. urls: the first that answers is
    used."""

    path: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Layout:
    """One way in which a set is published. needs: the files that each split is read from, none if it is
    embedded.

    decoded_copy: reading is slow, so a plain copy of the arrays is kept in the cache.
    """

    needs: Mapping[str, tuple[DataFile, ...]]
    read: Read
    decoded_copy: bool = False

    @property
    def files(self) -> tuple[DataFile, ...]:
        """Every file once, in the order of the splits."""
        return tuple(dict.fromkeys(f for files in self.needs.values() for f in files))

    @property
    def downloadable(self) -> bool:
        return bool(self.files) and all(f.urls for f in self.files)


@dataclass(frozen=True)
class DataSet:
    """A registry entry. kind: what `load` (images) or `load_games` (games) returns; of music
    `locate` gives the files, and engines/piano reads them.

    licence: the terms, and what is known where none were stated. citation: authors, title, year.
    splits: the published ones; "all" joins them. layouts: tried in this order; `fetch` takes the last.
    """

    name: str
    title: str
    kind: Literal["images", "games", "music"]
    licence: str
    citation: str
    page: str
    splits: tuple[str, ...]
    layouts: tuple[Layout, ...]
    classes: tuple[str, ...] = ()
    shape: tuple[int, int, int] = (0, 0, 0)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether it comes with the installed packages and needs no file."""
        return not self.layouts[-1].files

    @property
    def files(self) -> tuple[DataFile, ...]:
        """What `fetch` brings; for a set without address, what has to be put into a data folder."""
        return self.layouts[-1].files

    @property
    def size(self) -> int:
        """Bytes of `files`."""
        return sum(f.size for f in self.files)

    @property
    def downloadable(self) -> bool:
        return self.layouts[-1].downloadable


_sets: dict[str, DataSet] = {}


def register(entry: DataSet) -> DataSet:
    """Add a set. A name is registered once."""
    if entry.name in _sets:
        raise ValueError(f"two data sets are called {entry.name!r}")
    _sets[entry.name] = entry
    return entry


def list_sets() -> tuple[DataSet, ...]:
    """All registered sets in the order of registration, the embedded ones first."""
    return tuple(_sets.values())


def find(name: str) -> DataSet:
    """The set of that name (case and "_" do not matter). Raises UserError for an unknown one."""
    plain = name.strip().lower().replace("_", "-")
    if plain not in _sets:
        raise UserError(f"there is no data set {name!r}", f"known: {', '.join(_sets)}; or a folder of images")
    return _sets[plain]
