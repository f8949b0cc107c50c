"""runs: what the store remembers."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from engines.core.errors import UserError
from workbench.cli import output


def runs(
    status: Annotated[str | None, typer.Option(help="Only runs of this status, e.g. interrupted.")] = None,
    job: Annotated[str | None, typer.Option(help="Only runs of this job.")] = None,
    last: Annotated[int, typer.Option(help="At most so many, the newest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """List recorded runs, and which of them can go on."""
    from engines.core.store import STATUSES, Store

    if status is not None and status not in STATUSES:
        raise UserError(f"expected a status out of {', '.join(STATUSES)}, got {status!r}")
    store = Store()
    try:
        store.mark_interrupted()
        rows = [
            {
                "run": record.id,
                "job": record.name,
                "status": record.status,
                "started": time.strftime("%Y-%m-%d %H:%M", time.localtime(record.created)),
                "resumable": record.status != "done" and store.has_checkpoint(record.id),
                "metrics": record.metrics,
                "error": record.error,
                "folder": str(store.folder(record.id)),
            }
            for record in store.runs(status, job, limit=last)
        ]
    finally:
        store.close()
    if as_json:
        output.emit({"runs": rows, "notices": store.notices})
        return
    for notice in store.notices:
        output.remark(notice)
    columns = ("run", "job", "status", "started", "resumable")
    output.table("Runs", columns, [tuple(row[key] for key in columns) for row in rows])
