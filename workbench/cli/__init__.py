"""``paper-workbench``: the window without a command, everything else by command, all of it without a display.

This module stays light: with no command the window must show at once, so typer and rich are imported only
when a command is given, and torch only by the commands that compute.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (`argv`, or the process's own) and return the exit code.

    0 it worked, 1 it failed, 2 bad input, 130 stopped by Ctrl+C.
    """
    multiprocessing.freeze_support()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if opens_window(arguments):
        return open_window(arguments)
    from workbench.cli.root import run

    return run(arguments)


def opens_window(arguments: Sequence[str]) -> bool:
    """Whether these arguments are none at all, or only files to open (as a desktop passes them)."""
    return all(not a.startswith("-") and Path(a).is_file() for a in arguments)


def open_window(arguments: Sequence[str]) -> int:
    """Show the window, with files to open, and return its exit code once it was closed."""
    from workbench.app import main as show

    return int(show(list(arguments)) or 0)
