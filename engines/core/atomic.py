"""Files that are either the old ones or the new ones, never half of each, whatever ends the program."""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write_bytes(path: Path, *parts: bytes | memoryview) -> None:
    """Write `parts` one after another to `path`, see `write_parts`."""
    write_parts(path, parts)


def write_parts(path: Path, parts: Iterable[bytes | memoryview]) -> None:
    """Write `parts`, made one by one, to `path`: into a neighbour, to the disk, then in its place.

    Raises OSError (disk full, no permission), and what making a part raises; the old file is then untouched and the
    neighbour gone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        with beside.open("xb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON that every reader accepts: NaN and infinities become null."""
    write_text(path, json.dumps(strict(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def strict(value: Any) -> Any:
    """`value` with NaN and infinities as None, numpy scalars and paths as plain values, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):
        return strict(value.tolist())
    if isinstance(value, Iterable):
        return [strict(item) for item in value]
    return str(value)


def sweep(folder: Path) -> None:
    """Remove the neighbours that a killed writer left in `folder`. Only call while nobody writes there."""
    for left in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            left.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself durable, where the system lets folders be opened."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # Some network file systems refuse; the file itself is on the disk.
        return
    finally:
        os.close(handle)
