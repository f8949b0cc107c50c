"""Checkpoints of one run in its folder: numbered, written whole or not at all, the last two kept."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final

from engines.core import atomic, packing
from engines.core.errors import UserError

KEEP: Final = 2
"""The newest, and the one before in case a disk fault takes the newest."""


def save(folder: Path, state: dict[str, Any]) -> Path:
    """Store `state` as the newest checkpoint and forget all but the last two.

    Raises UserError when the disk is full or not writable (the previous ones stay); TypeError for what
    `packing` cannot hold.
    """
    head, body = packing.pack(state)
    existing = _numbered(folder)
    number = existing[-1][0] + 1 if existing else 1
    path = folder / f"checkpoint-{number:08d}.state"
    try:
        atomic.write_bytes(path, head, body)
    except OSError as error:
        raise UserError(
            f"the checkpoint could not be written to {folder}: {error.strerror}",
            "free some disk space; the run can go on from its previous checkpoint",
        ) from error
    for _, old in existing[: len(existing) + 1 - KEEP]:
        with contextlib.suppress(OSError):  # A reader on Windows holds it open: it goes next time.
            old.unlink()
    return path


def load(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The newest whole checkpoint, or None, and a sentence about each newer one that was damaged."""
    remarks: list[str] = []
    for _, path in reversed(_numbered(folder)):
        try:
            return packing.unpack(path.read_bytes()), remarks
        except FileNotFoundError:
            continue
        except (packing.Damaged, OSError) as error:
            remarks.append(f"{path.name} was skipped: {error}")
    return None, remarks


def exist(folder: Path) -> bool:
    """Whether there is any checkpoint, whole or not."""
    return bool(_numbered(folder))


def discard(folder: Path) -> None:
    """Remove all checkpoints of a run that ended well, and what a killed writer left."""
    for _, path in _numbered(folder):
        with contextlib.suppress(OSError):
            path.unlink()
    atomic.sweep(folder)


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    """Checkpoints with their numbers, oldest first."""
    found = []
    for path in folder.glob("checkpoint-*.state"):
        digits = path.stem.removeprefix("checkpoint-")
        if digits.isdigit():
            found.append((int(digits), path))
    return sorted(found)
