"""A session that runs in a thread while a test talks to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from engines.core.errors import Cancelled
from engines.core.job import LocalContext, run_job
from engines.core.spec import Spec


@contextmanager
def running_session(job: str, spec: Spec) -> Iterator[tuple[LocalContext, list[Any], threading.Thread]]:
    """Its context, what it published so far, and its thread. Leaving cancels it, and it has to end."""
    heard: list[Any] = []
    ctx = LocalContext(on_snapshot=lambda s, keep: heard.append(s))

    def run() -> None:
        with pytest.raises(Cancelled):
            run_job(job, spec, ctx)

    thread = threading.Thread(target=run)
    thread.start()
    yield ctx, heard, thread
    ctx.cancel()
    thread.join(20)
    assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it, a minute at most."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
