"""Where data lies: the folder given by hand, then the user's cache. Nothing here downloads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from engines.core.errors import UserError

DATA_VARIABLE = "WORKBENCH_DATA"
HOME_VARIABLE = "WORKBENCH_HOME"
_CHUNK = 1 << 20

_hashes: dict[tuple[str, int, int], str] = {}
"""sha256 by (path, size, modification time): a file is read once per process, not once per load."""


def nothing() -> None:
    """The check of callers that cannot be cancelled."""


def given_folder(data_dir: Path | str | None = None) -> Path | None:
    """`data_dir`, or what WORKBENCH_DATA names, or None. Raises UserError when it is no folder."""
    text = str(data_dir) if data_dir is not None else os.environ.get(DATA_VARIABLE, "")
    if not text:
        return None
    folder = Path(text).expanduser()
    if not folder.is_dir():
        source = "--data-dir" if data_dir is not None else DATA_VARIABLE
        raise UserError(f"expected {source} to be a folder, got {text!r}", "name an existing folder or leave it out")
    return folder


def cache_folder() -> Path:
    """The user's cache for downloads; it need not exist yet. WORKBENCH_HOME moves it."""
    home = os.environ.get(HOME_VARIABLE, "")
    if home:
        return Path(home).expanduser() / "cache" / "data"
    import platformdirs

    return Path(platformdirs.user_cache_dir("paper-workbench", appauthor=False)) / "data"


def search_folders(data_dir: Path | str | None = None) -> tuple[Path, ...]:
    """The folders in which a data set's files are looked for, first match first."""
    given = given_folder(data_dir)
    return (cache_folder(),) if given is None else (given, cache_folder())


def sha256_of(path: Path, check: Callable[[], None] = nothing) -> str:
    """The file's sha256 as hex. `check` is called for every mebibyte."""
    facts = path.stat()
    key = (str(path.resolve()), facts.st_size, facts.st_mtime_ns)
    if key not in _hashes:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                check()
                digest.update(chunk)
        _hashes[key] = digest.hexdigest()
    return _hashes[key]
