"""Jobs that only tests know; importable by name, so that a cluster's workers find them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.spec import Spec, param


class CountSpec(Spec):
    """A job that counts."""

    steps: int = param(5, "Steps.", ge=1, le=100_000)
    pause_ms: int = param(0, "Pause after each step.", ge=0, le=10_000)
    every: int = param(0, "Steps between checkpoints; 0 makes none.", ge=0)
    trouble: Literal["none", "user", "bug", "deaf", "exit"] = param("none", "What goes wrong.")


@dataclass(frozen=True)
class Counted:
    """total: sum of the steps' numbers. start: step it began at. pid: where it ended."""

    total: int
    start: int
    pid: int
    squares: np.ndarray


@job("cluster.count", CountSpec)
def count(spec: CountSpec, ctx: JobContext) -> Counted:
    """Count up to `steps`."""
    state: dict[str, Any] = ctx.resume or {"step": 0, "squares": np.zeros(spec.steps)}
    squares: np.ndarray = state["squares"]
    if spec.trouble == "user":
        raise UserError("expected another wish", "wish again")
    if spec.trouble == "bug":
        raise KeyError("a bug")
    if spec.trouble == "exit":
        os._exit(3)
    if spec.trouble == "deaf":
        ctx.progress(0, 1, "deaf from here")
        time.sleep(60)
    for step in range(state["step"], spec.steps):
        ctx.check()
        time.sleep(spec.pause_ms / 1000)
        squares[step] = step * step
        ctx.progress(step + 1, spec.steps, f"step {step}")
        ctx.publish(squares[: step + 1])
        if ctx.folder is not None:
            with (ctx.folder / "log.txt").open("a") as log:
                log.write(f"{step}\n")
        if spec.every and (step + 1) % spec.every == 0:
            ctx.checkpoint({"step": step + 1, "squares": squares})
    return Counted(sum(range(spec.steps)), state["step"], os.getpid(), squares)


@job("cluster.session", CountSpec, session=True)
def session(spec: CountSpec, ctx: JobContext) -> None:
    """Wait for requests."""
    while True:
        ctx.latest_request(0.1)


def square(value: int) -> int:
    """For `map`."""
    return value * value


def scaled(value: int, weights: np.ndarray) -> float:
    """For `map` with a shared argument."""
    return float(value * weights.sum())


def refuse(value: int) -> int:
    """Refuses odd numbers."""
    if value % 2:
        raise UserError(f"{value} is odd", "choose an even one")
    return value


def dies_once(folder: str) -> int:
    """Ends its process at the first call, as if the machine had failed, and works at the second."""
    from pathlib import Path

    mark = Path(folder) / "died"
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return os.getpid()
