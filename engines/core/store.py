"""The record of runs: a row each in SQLite (WAL), with a folder for checkpoints, results and artifacts
beside it.

Each folder also holds its row as run.json, so a damaged database is set aside and rebuilt from the folders.
Several processes may use one store at the same time; an object may be shared by threads and pickled.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal, get_args

from engines.core import atomic, checkpoints, packing, paths, records, results
from engines.core.errors import UserError
from engines.core.records import RunRecord
from engines.core.schema import COLUMNS, migrate

Status = Literal["waiting", "running", "done", "failed", "cancelled", "interrupted"]
STATUSES: Final[tuple[str, ...]] = get_args(Status)
_LIVE: Final = ("waiting", "running")
_CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Store:
    """Runs below `folder` (the user's data folder by default).

    notices: sentences for the user about what was found damaged and how it was mended.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.root = folder if folder is not None else paths.data_folder()
        self.notices: list[str] = []
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._connection_pid = 0
        with self._lock, self._database():
            pass

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "runs.sqlite3"

    def close(self) -> None:
        """Let go of the database file. The store opens it again when it is used again."""
        with self._lock:
            if self._connection is not None and self._connection_pid == os.getpid():
                self._connection.close()
            self._connection = None

    def folder(self, run_id: str) -> Path:
        """Where a run's files are; made on first asking. Raises UserError for an id that is none."""
        if not run_id or run_id != Path(run_id).name or run_id.startswith("."):
            raise UserError(f"expected the id of a run, got {run_id!r}")
        place = self.root / "runs" / run_id
        self._make(place)
        return place

    def create(
        self,
        name: str,
        spec: dict[str, Any],
        seeds: tuple[int, ...] | list[int] = (),
        device: str = "",
        code_version: str = "",
        *,
        status: Status = "running",
    ) -> str:
        """Record a new run of the job `name`, owned by this process, and return its id."""
        now = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
        run_id = f"{stamp}-{name.replace('.', '-')}-{secrets.token_hex(3)}"
        pid, born = records.this_process()
        record = RunRecord(
            run_id,
            name,
            atomic.strict(spec),
            tuple(seeds),
            device,
            code_version,
            status,
            created=now,
            updated=now,
            owner_pid=pid,
            owner_born=born,
        )
        self._write(record)
        return run_id

    def run(self, run_id: str) -> RunRecord:
        """The record of one run. Raises UserError when there is none."""
        rows = self._query("SELECT * FROM runs WHERE id = ?", (run_id,))
        if not rows:
            known = [r.id for r in self.runs(limit=3)]
            raise UserError(f"there is no run {run_id!r}", f"the latest: {', '.join(known)}" if known else "")
        return records.from_row(rows[0])

    def runs(self, status: str | None = None, name: str | None = None, *, limit: int | None = None) -> list[RunRecord]:
        """Runs, newest first, of one status and job name where given."""
        rows = self._query(
            "SELECT * FROM runs WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR name = ?2)"
            " ORDER BY created DESC, id DESC LIMIT ?3",
            (status, name, -1 if limit is None else limit),
        )
        return [records.from_row(row) for row in rows]

    def set_status(
        self,
        run_id: str,
        status: str,
        metrics: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
        *,
        device: str | None = None,
    ) -> None:
        """Change a run's status, metrics and error where given. "running" makes this process its owner;
        "done" lets the checkpoints go.
        """
        if status not in STATUSES:
            raise ValueError(f"expected a status out of {', '.join(STATUSES)}, got {status!r}")
        old = self.run(run_id)
        new = replace(
            old,
            status=status,
            updated=time.time(),
            device=old.device if device is None else device,
            metrics=old.metrics if metrics is None else atomic.strict(metrics),
            error=({} if status in _LIVE else old.error) if error is None else atomic.strict(error),
        )
        if status in _LIVE:
            pid, born = records.this_process()
            new = replace(new, owner_pid=pid, owner_born=born)
        self._write(new)
        if status == "done":
            checkpoints.discard(self.folder(run_id))

    def mark_interrupted(self, alive: set[str] | frozenset[str] = frozenset()) -> list[str]:
        """Mark runs as interrupted that claim to be under way but are not: neither in `alive` nor owned by
        another process that still lives. Returns their ids. Call it at start, before submitting anything.
        """
        this, _ = records.this_process()
        ended = [
            record.id
            for status in _LIVE
            for record in self.runs(status=status)
            if record.id not in alive and (record.owner_pid == this or not records.lives(record))
        ]
        for run_id in ended:
            self.set_status_of_dead(run_id)
        return ended

    def is_alive(self, record: RunRecord) -> bool:
        """Whether the process that owns a run still exists."""
        return records.lives(record)

    def set_status_of_dead(self, run_id: str) -> None:
        """Mark one run as interrupted because its process is gone, and clear what that left half-written."""
        self.set_status(run_id, "interrupted")
        atomic.sweep(self.folder(run_id))

    def save_checkpoint(self, run_id: str, state: dict[str, Any]) -> None:
        """Store what the run needs to go on: numbers, strings, lists, dicts and numpy arrays (see `packing`).

        Whenever the process or machine ends, the newest or the one before is whole. Raises UserError (disk
        full).
        """
        checkpoints.save(self.folder(run_id), state)

    def load_checkpoint(self, run_id: str) -> dict[str, Any] | None:
        """The newest whole checkpoint, or None. Damaged newer ones are skipped and reported in `notices`."""
        state, remarks = checkpoints.load(self.folder(run_id))
        self.notices += [f"Run {run_id}: {remark}" for remark in remarks]
        return state

    def has_checkpoint(self, run_id: str) -> bool:
        """Whether an interrupted run has something to go on from."""
        return checkpoints.exist(self.folder(run_id))

    def save_result(self, run_id: str, result: Any) -> list[Path]:
        """Write result.json, its larger arrays as npz and its tables as CSV into the run's folder."""
        record = self.run(run_id)
        about = {"run": run_id, "job": record.name, "spec": record.spec, "code_version": record.code_version}
        try:
            return results.write_result(self.folder(run_id), result, about)
        except OSError as error:
            raise UserError(
                f"the result could not be written to {self.folder(run_id)}: {error.strerror}",
                "free some space",
            ) from error

    def keep_snapshot(self, run_id: str, snapshot: Any) -> Path:
        """Keep an intermediate picture (a dataclass or dict) with the run, numbered in order."""
        place = self.folder(run_id) / "snapshots"
        number = sum(1 for _ in place.glob("*.state")) + 1 if place.is_dir() else 1
        path = place / f"{number:06d}.state"
        atomic.write_bytes(path, *packing.pack(packing.as_state(snapshot)))
        return path

    def snapshots(self, run_id: str) -> list[dict[str, Any]]:
        """The kept pictures in order, as dicts of their fields; damaged ones are left out and reported."""
        found = []
        for path in sorted((self.folder(run_id) / "snapshots").glob("*.state")):
            try:
                found.append(packing.unpack(path.read_bytes()))
            except (packing.Damaged, OSError) as error:
                self.notices.append(f"Run {run_id}: snapshot {path.name} was skipped: {error}")
        return found

    def delete(self, run_id: str) -> None:
        """Forget a run and remove its files. Raises UserError while it is under way elsewhere."""
        record = self.run(run_id)
        if record.status in _LIVE and records.lives(record):
            raise UserError(f"run {run_id} is under way", "cancel it first")
        shutil.rmtree(self.folder(run_id), ignore_errors=True)
        self._query("DELETE FROM runs WHERE id = ?", (run_id,))

    # -- the database

    def _write(self, record: RunRecord) -> None:
        """The row and its copy in the folder; the copy first, because rows can be rebuilt from copies."""
        row = records.values(record)
        try:
            atomic.write_json(self.folder(record.id) / "run.json", row)
        except OSError as error:
            raise UserError(
                f"the run could not be recorded in {self.root}: {error.strerror}",
                "free some disk space, or set WORKBENCH_HOME to a folder that can be written",
            ) from error
        self._query(_UPSERT, tuple(records.cell(row[name]) for name in COLUMNS))

    def _query(self, sql: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        """Run one statement in its own transaction; a database found damaged is rebuilt and asked again."""
        with self._lock:
            try:
                with self._database() as database:
                    return database.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                if not _is_corrupt(error):
                    raise self._unusable(error) from error
                self._set_aside(error)
                with self._database() as database:
                    return database.execute(sql, values).fetchall()

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The open connection, in a transaction that ends well or not at all."""
        if self._connection is None or self._connection_pid != os.getpid():
            try:
                self._connection = self._open()
            except sqlite3.DatabaseError as error:
                if not _is_corrupt(error):
                    raise self._unusable(error) from error
                self._set_aside(error)
            self._connection_pid = os.getpid()
        assert self._connection is not None
        with self._connection:
            yield self._connection

    def _open(self) -> sqlite3.Connection:
        self._make(self.root)
        connection = sqlite3.connect(self.database, timeout=15.0, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise _corruption(found)
            migrate(connection, self.database)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        """Move the damaged database away, make a fresh one, and fill it from the folders of the runs."""
        self.close()
        backup = self.root / f"runs.damaged-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}.sqlite3"
        for suffix in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.database}{suffix}").replace(f"{backup}{suffix}")
        self._connection = self._open()
        self._connection_pid = os.getpid()
        rebuilt = 0
        with self._connection:
            for record in self._from_folders():
                self._connection.execute(_UPSERT, tuple(records.cell(records.values(record)[name]) for name in COLUMNS))
                rebuilt += 1
        self.notices.append(
            f"The list of runs was damaged ({error}). It was kept as {backup.name} and made anew from the"
            f" runs' own folders: {rebuilt} found."
        )

    def _from_folders(self) -> Iterator[RunRecord]:
        for path in sorted((self.root / "runs").glob("*/run.json")):
            try:
                record = records.from_row(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, KeyError, TypeError) as error:
                self.notices.append(f"Run {path.parent.name} could not be read back: {error}")
                continue
            if record.id == path.parent.name and record.status in STATUSES:
                yield record

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"the folder {folder} cannot be made: {error.strerror}",
                "set WORKBENCH_HOME to a folder that can be written",
            ) from error

    def _unusable(self, error: sqlite3.Error) -> UserError:
        return UserError(
            f"the list of runs {self.database} cannot be used: {error}",
            "check that its folder can be written and has space, or set WORKBENCH_HOME to another",
        )


_UPSERT: Final = (
    f"INSERT INTO runs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    f" ON CONFLICT(id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS)}"
)


def _is_corrupt(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CORRUPT


def _corruption(said: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(said)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error
