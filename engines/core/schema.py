"""The tables of the run store and how older ones become the present ones."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from engines.core.errors import UserError

COLUMNS: Final = (
    "id",
    "name",
    "spec",
    "seeds",
    "device",
    "code_version",
    "status",
    "metrics",
    "error",
    "created",
    "updated",
    "owner_pid",
    "owner_born",
)

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            spec TEXT NOT NULL,
            seeds TEXT NOT NULL DEFAULT '[]',
            device TEXT NOT NULL DEFAULT '',
            code_version TEXT NOT NULL DEFAULT '',
            status TEXT NOT NULL,
            metrics TEXT NOT NULL DEFAULT '{}',
            error TEXT NOT NULL DEFAULT '{}',
            created REAL NOT NULL,
            updated REAL NOT NULL)""",
        "CREATE INDEX runs_by_name ON runs (name, created)",
        "CREATE INDEX runs_by_status ON runs (status, created)",
    ),
    (
        "ALTER TABLE runs ADD COLUMN owner_pid INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE runs ADD COLUMN owner_born REAL NOT NULL DEFAULT 0",
    ),
)
"""Statements that lead from version i to i + 1. Only ever add a step; never change one that was released."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the database to the present version, step by step, all of them or none.

    Raises UserError when a later version of the program wrote it; it is then left as it is.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise UserError(
            f"the list of runs {path} was written by a later version of the program (its version {version},"
            f" this program knows {len(STEPS)})",
            "update the program, or set WORKBENCH_HOME to another folder",
        )
    if version == len(STEPS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for step in STEPS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
