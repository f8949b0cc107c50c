"""Lanes, engine processes and the list of jobs: the only place that knows threads and processes.

Engine processes import `workbench.runner.engine`, so this file must not import Qt; the names below are
looked up on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.runner.handle import JobHandle
    from workbench.runner.messages import ErrorInfo, Progress
    from workbench.runner.runner import Runner

_HOMES = {
    "ErrorInfo": "workbench.runner.messages",
    "JobHandle": "workbench.runner.handle",
    "Progress": "workbench.runner.messages",
    "Runner": "workbench.runner.runner",
}

__all__ = ["ErrorInfo", "JobHandle", "Progress", "Runner"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
