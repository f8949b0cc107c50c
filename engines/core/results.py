"""A job's result as files that other programs read: result.json, its arrays as npz, its tables as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engines.core import atomic
from engines.core.job import to_tables

_INLINE: Final = 64
"""Arrays up to this many entries are also spelled out in result.json."""


def plain(value: Any, arrays: dict[str, np.ndarray] | None = None, name: str = "") -> Any:
    """`value` (dataclasses, dicts, lists, arrays) as JSON values.

    Larger arrays become {"array": key, "shape", "dtype"}, and are put into `arrays` under that key where
    given.
    """
    if is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, dict):
        return {str(k): plain(v, arrays, f"{name}.{k}" if name else str(k)) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        if value.size <= _INLINE:
            return atomic.strict(value)
        if arrays is not None:
            arrays[name] = value
        return {"array": name, "shape": list(value.shape), "dtype": str(value.dtype)}
    if isinstance(value, list | tuple):
        return [plain(item, arrays, f"{name}.{i}") for i, item in enumerate(value)]
    return atomic.strict(value)


def scalars(result: Any) -> dict[str, Any]:
    """The result's own numbers, truth values and short strings: what a list of runs shows."""
    if not is_dataclass(result):
        return {}
    values = {f.name: getattr(result, f.name) for f in fields(result)}
    return {
        key: atomic.strict(value)
        for key, value in values.items()
        if isinstance(value, bool | int | float | np.number) or (isinstance(value, str) and len(value) <= 200)
    }


def write_result(folder: Path, result: Any, about: dict[str, Any]) -> list[Path]:
    """Write result.json ({**about, "result": …}), result.npz where there are larger arrays, and tables/*.csv.

    Returns the files, result.json last: where it exists, the others are complete.
    """
    arrays: dict[str, np.ndarray] = {}
    value = plain(result, arrays)
    written: list[Path] = []
    if is_dataclass(result):
        for name, columns in to_tables(result).items():
            if columns:
                written.append(folder / "tables" / f"{name}.csv")
                atomic.write_text(written[-1], table_text(columns))
    if arrays:
        body = io.BytesIO()
        np.savez_compressed(body, allow_pickle=False, **arrays)
        written.append(folder / "result.npz")
        atomic.write_bytes(written[-1], body.getbuffer())
    written.append(folder / "result.json")
    atomic.write_json(written[-1], {**about, "result": value})
    return written


def table_text(columns: dict[str, np.ndarray]) -> str:
    """Columns as CSV; one with more dimensions becomes several, short ones end in empty cells."""
    flat: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        array = np.asarray(column)
        if array.ndim <= 1:
            flat[name] = np.atleast_1d(array)
            continue
        for index in np.ndindex(array.shape[1:]):
            flat[f"{name}[{','.join(map(str, index))}]"] = array[(slice(None), *index)]
    lists = {name: array.tolist() for name, array in flat.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(lists)
    for row in range(max(map(len, lists.values()), default=0)):
        writer.writerow([_cell(values[row]) if row < len(values) else "" for values in lists.values()])
    return text.getvalue()


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and value != value else value
