"""What the commands say: tables and sentences for people, JSON for machines, progress on standard error.

All of it is silent where the streams are None, as in a frozen windowed program.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engines.core.atomic import strict
from engines.core.errors import UserError

_PIPE_WIDTH: Final = 140
"""Columns where the output is no terminal, so that tables in a log keep their words whole."""
_LOG_EVERY_S: Final = 20.0


class Ticker(Protocol):
    """Hears how far something is; what `JobContext.progress` takes."""

    def __call__(self, done: float, total: float, text: str = "") -> None: ...


def forgive_streams() -> None:
    """Let characters that the terminal lacks be replaced instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with contextlib.suppress(OSError, ValueError):
                reconfigure(errors="replace")


def say(text: str) -> None:
    """A sentence on standard output; text as it is, no markup."""
    _console(sys.stdout).print(escape(text), highlight=False, soft_wrap=True)


def remark(text: str) -> None:
    """A sentence on standard error, beside the output proper."""
    _console(sys.stderr).print(escape(text), highlight=False, soft_wrap=True, style="dim")


def emit(value: Any) -> None:
    """One JSON value on standard output, NaN as null, in ASCII so that every pipe carries it."""
    if sys.stdout is not None:
        sys.stdout.write(json.dumps(strict(value), indent=1, allow_nan=False) + "\n")
        sys.stdout.flush()


def complain(error: UserError, *, as_json: bool) -> None:
    """What is wrong and what to do, on standard error, or as JSON on standard output."""
    if as_json:
        emit({"error": {"what": error.what, "remedy": error.remedy}})
        return
    console = _console(sys.stderr)
    console.print(f"[bold red]{escape(error.what)}[/]", highlight=False, soft_wrap=True)
    if error.remedy:
        console.print(escape(error.remedy), highlight=False, soft_wrap=True)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[int] = ()) -> None:
    """A table on standard output. right: indices of columns of figures."""
    drawn = Table(title=escape(title) or None, title_justify="left", header_style="bold", pad_edge=False)
    figures = set(right)
    for index, name in enumerate(columns):
        drawn.add_column(escape(name), justify="right" if index in figures else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(escape(cell(value)) for value in row))
    _console(sys.stdout).print(drawn)


def cell(value: Any) -> str:
    """A value as a table shows it: nothing for None, four figures for a float, yes or no."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def megabytes(size: int) -> str:
    """A size in bytes for people."""
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Ticker]:
    """A bar on standard error; in a log file a line now and then; with `quiet` nothing."""
    console = _console(sys.stderr)
    if quiet or sys.stderr is None:
        yield lambda done, total, text="": None
    elif console.is_terminal:
        with _bar(title, console) as tick:
            yield tick
    else:
        yield _Log(title, console)


@contextmanager
def _bar(title: str, console: Console) -> Iterator[Ticker]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as bar:
        task = bar.add_task(escape(title), total=None)

        def tick(done: float, total: float, text: str = "") -> None:
            words = escape(f"{title}: {text}" if text else title)
            bar.update(task, completed=done, total=total or None, description=words)

        yield tick


class _Log:
    """Progress as lines with the time of day, at most one every `_LOG_EVERY_S`."""

    def __init__(self, title: str, console: Console) -> None:
        self._title = title
        self._console = console
        self._next = 0.0

    def __call__(self, done: float, total: float, text: str = "") -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _LOG_EVERY_S
        share = f"{done:g}/{total:g}" if total else f"{done:g}"
        line = f"{time.strftime('%H:%M:%S')} {self._title} {share} {text}".rstrip()
        self._console.print(escape(line), highlight=False, soft_wrap=True)


def _console(stream: TextIO | None) -> Console:
    """Made anew each time, because tests and frozen programs exchange the streams."""
    if stream is None:
        return Console(quiet=True)
    return Console(file=stream, width=None if stream.isatty() else _PIPE_WIDTH)
