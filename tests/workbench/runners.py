"""What the runner's tests share: waiting for a job, and the jobs of `sample_jobs`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from workbench.runner import JobHandle, Runner

PATIENCE_MS = 20_000
"""A process starts in half a second; a busy machine takes its time."""

MakeRunner = Callable[..., Runner]


def shared_memory_left() -> set[str]:
    """Names of our segments on this machine (Linux shows them)."""
    return {path.name for path in Path("/dev/shm").glob("pw*-*")} if Path("/dev/shm").is_dir() else set()


def wait_end(qtbot: QtBot, handle: JobHandle, timeout: int = PATIENCE_MS) -> JobHandle:
    """Wait until `handle` has ended, without missing an end that came before."""
    if not handle.has_ended:
        with qtbot.waitSignal(handle.ended, timeout=timeout, check_params_cb=lambda ended: ended is handle):
            pass
    return handle


def wait_state(qtbot: QtBot, handle: JobHandle, state: str, timeout: int = PATIENCE_MS) -> None:
    """Wait for a state that the job passes through."""
    if handle.state != state:
        with qtbot.waitSignal(handle.state_changed, timeout=timeout, check_params_cb=lambda now: now == state):
            pass


def wait_picture(
    qtbot: QtBot,
    handle: JobHandle,
    wanted: Callable[[Any], bool] = lambda _: True,
    timeout: int = PATIENCE_MS,
) -> Any:
    """The first snapshot from now on (or the latest one) that is `wanted`."""
    if handle.latest is None or not wanted(handle.latest):
        with qtbot.waitSignal(handle.published, timeout=timeout, check_params_cb=wanted):
            pass
    return handle.latest
