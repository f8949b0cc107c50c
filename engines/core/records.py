"""One run as a frozen record, as a row of the database, and the process that owns it."""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass, field
from typing import Any

import psutil

from engines.core.schema import COLUMNS


@dataclass(frozen=True)
class RunRecord:
    """One run. created, updated: seconds since 1970. owner_pid, owner_born: the process that runs it, and
    when that process started, so that a later one with the same number is not taken for it.
    """

    id: str
    name: str
    spec: dict[str, Any]
    seeds: tuple[int, ...] = ()
    device: str = ""
    code_version: str = ""
    status: str = "running"
    metrics: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0
    updated: float = 0.0
    owner_pid: int = 0
    owner_born: float = 0.0


def values(record: RunRecord) -> dict[str, Any]:
    """The columns of a record's row, lists and dicts as they are."""
    return {name: getattr(record, name) for name in COLUMNS}


def cell(value: Any) -> Any:
    """Lists and dicts are kept as JSON text."""
    return json.dumps(value) if isinstance(value, dict | list | tuple) else value


def from_row(row: sqlite3.Row | dict[str, Any]) -> RunRecord:
    """The record of a row, or of `values`. Raises KeyError, ValueError or TypeError for a damaged one."""
    found = {name: row[name] for name in COLUMNS}
    for name in ("spec", "seeds", "metrics", "error"):
        if isinstance(found[name], str):
            found[name] = json.loads(found[name])
    found["seeds"] = tuple(found["seeds"])
    return RunRecord(**found)


def this_process() -> tuple[int, float]:
    """This process's number and when it started, in seconds since 1970."""
    return os.getpid(), psutil.Process().create_time()


def lives(record: RunRecord) -> bool:
    """Whether the process that owns a run is still there (another may have its number by now)."""
    if record.owner_pid <= 0:
        return False
    try:
        process = psutil.Process(record.owner_pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - record.owner_born) < 2.0
    except psutil.Error:
        return False
