"""The commands and how they end: exit codes, errors in one place, options common to all."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import engines
from engines.core.errors import Cancelled, UserError
from workbench.cli import data, doctor, job_commands, models, output, runs, sweep
from workbench.cli.stopping import EXIT_STOPPED

app = typer.Typer(
    name="paper-workbench",
    help="Methods of papers to play with, measure and use on your own files. Without a command: the window.",
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command("run")(job_commands.run)
app.command("sweep")(sweep.sweep)
app.command("claims")(job_commands.claims)
app.command("bench")(job_commands.bench)
app.command("runs")(runs.runs)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of data sets, searched before the download cache.")
    ] = None,
    lanes: Annotated[
        str | None, typer.Option(help="Where the window's jobs run: process, or inline for debugging.")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Say the version and stop.")] = False,
) -> None:
    """What all commands share."""
    if version:
        output.say(f"paper-workbench {engines.__version__}")
        raise typer.Exit
    if data_dir is not None:
        if not data_dir.is_dir():
            raise UserError(f"there is no folder {data_dir}", "give --data-dir an existing folder")
        os.environ["WORKBENCH_DATA"] = str(data_dir.absolute())
    if lanes is not None and lanes not in ("process", "inline"):
        raise UserError(f"expected lanes out of process, inline, got {lanes!r}")
    if ctx.invoked_subcommand is None:
        from workbench.cli import open_window

        raise typer.Exit(open_window(["--lanes", lanes] if lanes else []))


@app.command()
def tour(
    out: Annotated[Path, typer.Option(help="Folder for the pictures and summary.json.")],
    panel: Annotated[list[str] | None, typer.Option(help="Only this panel; may be given several times.")] = None,
) -> None:
    """Build the real window, run every panel's demo, and leave pictures and figures."""
    from workbench.tour import run_tour

    raise typer.Exit(int(run_tour(out, list(panel or ()))))


@app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def htp(ctx: typer.Context) -> None:
    """The Hex engine on standard input and output, for HexGui and other programs (htp --help: options)."""
    from engines.hex.htp import main

    raise typer.Exit(int(main(ctx.args)))


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code."""
    output.forgive_streams()
    as_json = "--json" in arguments
    try:
        typer.main.get_command(app).main(args=list(arguments), prog_name="paper-workbench")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except UserError as error:
        output.complain(error, as_json=as_json)
        return 2
    except (Cancelled, KeyboardInterrupt):
        output.remark("Stopped.")
        return EXIT_STOPPED
    except Exception as error:  # noqa: BLE001  (the outermost door: a bug is reported whole, once)
        if as_json:
            output.emit({"error": {"what": repr(error), "remedy": "", "details": traceback.format_exc()}})
        elif sys.stderr is not None:
            traceback.print_exc()
        return 1
    return 0
