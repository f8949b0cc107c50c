"""Readers of the published file formats: IDX, CIFAR's binary batches, packed colour arrays, Hex game lists.

Every reader checks the whole file before it returns anything and raises UserError with the file's name.
"""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engines.core.data.places import nothing
from engines.core.errors import UserError

CIFAR_RECORD = 1 + 3 * 32 * 32
_DAMAGED = "the file is damaged; delete it and fetch the set again"
_COLUMNS = "abcdefghijklmnopqrstuvwxyz"


def read_idx(path: Path) -> np.ndarray:
    """A gzip-packed IDX file of unsigned bytes (LeCun's format) as uint8 of whatever shape it states."""
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path.name} cannot be unpacked: {error}", _DAMAGED) from None
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise UserError(f"{path.name} is not an IDX file of bytes", _DAMAGED)
    rank = raw[3]
    start = 4 + 4 * rank
    shape = tuple(int(n) for n in np.frombuffer(raw[4:start], ">u4"))
    if len(shape) != rank or len(raw) - start != int(np.prod(shape, dtype=np.int64)):
        raise UserError(f"{path.name}: expected {shape} bytes, got {max(len(raw) - start, 0)}", _DAMAGED)
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def read_cifar_archive(
    path: Path, members: Sequence[str], check: Callable[[], None] = nothing
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [N, 32, 32, 3] and labels int64 [N] of the named batches of cifar-10-binary.tar.gz.

    Only the members asked for are read, in memory; nothing is unpacked to disk. Source: Krizhevsky 2009, the
    "binary version" on the set's page: one label byte, then 1024 red, 1024 green and 1024 blue ones.
    """
    found: dict[str, np.ndarray] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for entry in archive:
                check()
                name = entry.name.rsplit("/", 1)[-1]
                stream = archive.extractfile(entry) if entry.isfile() and name in members else None
                if stream is not None:
                    found[name] = np.frombuffer(stream.read(), np.uint8)
                if len(found) == len(members):
                    break
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path.name} cannot be unpacked: {error}", _DAMAGED) from None
    missing = [m for m in members if m not in found or len(found[m]) == 0 or len(found[m]) % CIFAR_RECORD]
    if missing:
        raise UserError(f"{path.name} has no whole {', '.join(missing)}", _DAMAGED)
    records = np.concatenate([found[m].reshape(-1, CIFAR_RECORD) for m in members])
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), records[:, 0].astype(np.int64)


def read_packed(path: Path, check: Callable[[], None] = nothing) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images uint8 [N, H, W, 3], labels int64 [N] and classes of a file of packed colour differences.

    The member ``d``, uint8 [3, N, H, W], holds red - green, green and blue - green, each differenced along
    rows and columns modulo 256; two running sums undo that exactly.
    """
    try:
        with np.load(path, allow_pickle=False) as packed:
            differences, labels = packed["d"], packed["labels"].astype(np.int64)
            classes = tuple(c.decode() if isinstance(c, bytes) else str(c) for c in packed["classes"])
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise UserError(f"{path.name} cannot be read: {error}", _DAMAGED) from None
    if differences.dtype != np.uint8 or differences.ndim != 4 or differences.shape[:2] != (3, len(labels)):
        raise UserError(f"{path.name}: expected uint8 [3, {len(labels)}, H, W], got {differences.shape}", _DAMAGED)
    images = np.empty((len(labels), *differences.shape[2:], 3), np.uint8)
    for start in range(0, len(labels), 1000):
        check()
        part = differences[:, start : start + 1000]
        planes = part.cumsum(2, dtype=np.uint8).cumsum(3, dtype=np.uint8)
        planes[0] += planes[1]
        planes[2] += planes[1]
        images[start : start + 1000] = planes.transpose(1, 2, 3, 0)
    return images, labels, classes


def read_hex_games(path: Path, size: int) -> tuple[np.ndarray, ...]:
    """Games, one int16 array of cells each, from a gzip-packed list with moves such as "f4" (column f, row
    4)."""
    try:
        lines = gzip.decompress(path.read_bytes()).decode("ascii").splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise UserError(f"{path.name} cannot be unpacked: {error}", _DAMAGED) from None
    cells = {f"{_COLUMNS[c]}{r + 1}": r * size + c for r in range(size) for c in range(size)}
    games = []
    for number, line in enumerate(lines, start=1):
        try:
            game = np.array([cells[move] for move in line.split()], np.int16)
        except KeyError as error:
            raise UserError(f"{path.name}, line {number}: {error} is no cell of {size}x{size}", _DAMAGED) from None
        if len(game):
            games.append(game)
    return tuple(games)


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits: images uint8 [1797, 8, 8, 1] (0-16 spread over 0-255) and labels int64
    [1797]."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    return images, bunch.target.astype(np.int64)
