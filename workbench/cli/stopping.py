"""Ctrl+C asks a job to stop and end cleanly; pressed again it ends the program at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from workbench.cli.output import remark

if TYPE_CHECKING:
    from engines.core.job import LocalContext

EXIT_STOPPED = 130


@contextmanager
def cancelled_by_signals(ctx: LocalContext) -> Iterator[None]:
    """While the body runs, the first SIGINT or SIGTERM cancels `ctx`, the next one interrupts the program."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Only the main thread may set handlers; whoever runs commands elsewhere cancels `ctx` itself.
        return

    def asked(number: int, frame: FrameType | None) -> None:
        for each, old in before.items():
            signal.signal(each, old)
        ctx.cancel()
        remark("Stopping … (press Ctrl+C again to end at once)")

    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in before:
        signal.signal(each, asked)
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)
