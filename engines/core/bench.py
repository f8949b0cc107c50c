"""Speed measures by name: functions registered in ``engines/<topic>/bench.py`` or ``workbench/bench.py``.

Everything is a ratio within one run where it can be, because the machines are shared.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from engines.core import job
from engines.core.atomic import strict
from engines.core.errors import UserError
from engines.core.job import JobContext

WINDOW_BENCHES = "workbench.bench"
"""Module of the measures that need a window; named, not imported, because engines know no Qt."""


@dataclass(frozen=True)
class Measure:
    """One line of a benchmark.

    measure: what, in words. ours, peer, limit: in `unit`; peer: another program's, limit: the best possible.
    of: what `ratio` compares ours with; "none" where the target is on ours itself. target: for the ratio, or
    for ours. better: whether more or less of ours is better; decides `meets`. note: what a reader must know.
    """

    measure: str
    ours: float | None
    peer: float | None = None
    limit: float | None = None
    target: float | None = None
    unit: str = ""
    better: Literal["more", "less"] = "more"
    of: Literal["limit", "peer", "none"] = "limit"
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """ours / limit or ours / peer, None where either is missing."""
        other = {"limit": self.limit, "peer": self.peer, "none": None}[self.of]
        return self.ours / other if self.ours is not None and other else None

    @property
    def meets(self) -> bool | None:
        """Whether the target is met, None where there is none or nothing was measured."""
        value = self.ours if self.of == "none" else self.ratio
        if value is None or self.target is None:
            return None
        return value >= self.target if self.better == "more" else value <= self.target

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = strict(
            {
                "measure": self.measure,
                "ours": self.ours,
                "peer": self.peer,
                "limit": self.limit,
                "ratio": self.ratio,
                "target": self.target,
                "meets": self.meets,
                "unit": self.unit,
                "better": self.better,
                "of": self.of,
                "note": self.note,
            }
        )
        return plain


@dataclass(frozen=True)
class Bench:
    """A registered benchmark. name: e.g. "hex-search"; function: ``(ctx) -> list[Measure]``."""

    name: str
    title: str
    function: Callable[[JobContext], list[Measure]]


_benches: dict[str, Bench] = {}
F = TypeVar("F", bound=Callable[[JobContext], list[Measure]])


def bench(name: str, title: str = "") -> Callable[[F], F]:
    """Register ``function(ctx) -> list[Measure]`` as the benchmark `name`; it calls ctx.check() like jobs."""

    def register(function: F) -> F:
        if name in _benches and _benches[name].function.__module__ != function.__module__:
            raise ValueError(f"two benchmarks are called {name!r}")
        first_line = (function.__doc__ or name).strip().splitlines()[0]
        _benches[name] = Bench(name, title or first_line.rstrip("."), function)
        return function

    return register


def find_bench(name: str) -> Bench:
    """The benchmark of that name. Its topic's module is imported first, the others only if it is not there.

    Raises UserError naming those that exist.
    """
    for module in sorted(_modules(), key=lambda m: not m.startswith(f"engines.{name.split('-')[0]}.")):
        _load(module)
        if name in _benches:
            return _benches[name]
    raise UserError(f"there is no benchmark {name!r}", f"known: {', '.join(sorted(_benches)) or 'none'}")


def all_benches() -> tuple[Bench, ...]:
    """Every benchmark, by name. Imports all modules that declare some."""
    for module in _modules():
        _load(module)
    return tuple(_benches[name] for name in sorted(_benches))


def report(name: str, measures: list[Measure]) -> dict[str, Any]:
    """Measures as the JSON that `paper-workbench bench --json` prints."""
    return {"name": name, "measures": [m.to_json() for m in measures]}


def _modules() -> list[str]:
    return [*(f"engines.{topic}.bench" for topic in job.TOPICS), WINDOW_BENCHES]


def _load(module: str) -> None:
    """Import a module of benchmarks; a topic without one has none."""
    if importlib.util.find_spec(module) is not None:
        importlib.import_module(module)
