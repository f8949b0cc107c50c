"""data list|fetch|verify: the data sets the panels use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engines.core.errors import Cancelled
from workbench.cli import output
from workbench.cli.stopping import EXIT_STOPPED, cancelled_by_signals

if TYPE_CHECKING:
    from engines.core.data import SetStatus

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Names = Annotated[list[str] | None, typer.Argument(help="Names from the list; none means all that are here.")]

app = typer.Typer(help="Data sets: what is known, what is here, fetching, checking.", no_args_is_help=True)


@app.command("list")
def list_data(as_json: AsJson = False) -> None:
    """All known data sets, whether each is here, its size and licence."""
    from engines.core import data

    found = [data.status(entry.name) for entry in data.list_sets()]
    if as_json:
        output.emit({"sets": [_as_json(status) for status in found]})
        return
    rows = [
        (
            s.entry.name,
            s.entry.title,
            s.state,
            output.megabytes(s.entry.size) if s.entry.size else "",
            s.entry.licence,
        )
        for s in found
    ]
    output.table("Data sets", ("name", "what", "here", "size", "licence"), rows, right=(3,))


@app.command()
def fetch(names: Annotated[list[str], typer.Argument(help="Names from the list.")], as_json: AsJson = False) -> None:
    """Download data sets into the user's cache, checking each file. Ctrl+C keeps what has arrived."""
    from engines.core import data
    from engines.core.job import LocalContext

    context = LocalContext()
    folders: dict[str, str] = {}
    for entry in [data.find(name) for name in names]:
        try:
            title = f"Fetching {entry.title}"
            with output.progress(title, quiet=as_json) as tick, cancelled_by_signals(context):
                folders[entry.name] = str(data.fetch(entry.name, progress=tick, check=context.check))
        except Cancelled:
            output.remark("Stopped; what has arrived is kept, and the next fetch goes on from there.")
            raise typer.Exit(EXIT_STOPPED) from None
        if not as_json:
            output.say(f"{entry.title} is in {folders[entry.name]}")
    if as_json:
        output.emit({"fetched": folders})


@app.command()
def verify(names: Names = None, as_json: AsJson = False) -> None:
    """Read data sets' files and compare their checksums; exit code 1 if one is missing or damaged."""
    from engines.core import data
    from engines.core.job import LocalContext

    here = [entry for entry in data.list_sets() if _is_here(entry.name)]
    chosen = [data.find(name) for name in names] if names else here
    context = LocalContext()
    rows: list[dict[str, Any]] = []
    with output.progress("Verifying", quiet=as_json) as tick, cancelled_by_signals(context):
        for entry in chosen:
            for report in data.verify(entry.name, progress=tick, check=context.check):
                rows.append(
                    {
                        "set": entry.name,
                        "file": report.file.name,
                        "state": report.state,
                        "path": str(report.path),
                    }
                )
    if as_json:
        output.emit({"files": rows})
    else:
        output.table("Files", ("set", "file", "state", "path"), [tuple(row.values()) for row in rows])
    if any(row["state"] != "ok" for row in rows):
        raise typer.Exit(1)


def _is_here(name: str) -> bool:
    from engines.core import data

    return data.status(name).state in ("ready", "partial")


def _as_json(status: SetStatus) -> dict[str, Any]:
    entry = status.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "state": status.state,
        "folder": None if status.folder is None else str(status.folder),
        "missing": [file.path for file in status.missing],
        "bytes": entry.size,
        "downloadable": entry.downloadable,
        "licence": entry.licence,
        "citation": entry.citation,
    }
