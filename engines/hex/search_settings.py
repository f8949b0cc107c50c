"""How a search is set, when it ends, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.hex.spec import SearchSpec


def nothing() -> None:
    """A check that never stops anything."""


@dataclass(frozen=True)
class SearchSettings:
    """How to search; see SearchSpec for the meaning of the fields. prove: propagate proven results."""

    n0: int = 10
    c_puct: float = 1.5
    batch: int = 16
    fpu: Literal["q", "parent", "zero"] = "q"
    use_q_leaf: bool = True
    noise: float = 0.0
    alpha: float = 0.3
    gumbel: bool = False
    prove: bool = True

    @classmethod
    def of(cls, spec: SearchSpec) -> SearchSettings:
        """The settings of a spec."""
        names = ("n0", "c_puct", "batch", "fpu", "use_q_leaf", "noise", "alpha", "gumbel")
        return cls(**{name: getattr(spec, name) for name in names})


@dataclass(frozen=True)
class Limits:
    """When a run ends, whichever comes first; 0 sets no limit. All count from the start of that run.

    calls: positions that the network evaluates (cached ones are free).
    """

    simulations: int = 0
    calls: int = 0
    seconds: float = 0.0


@dataclass
class Counters:
    """Totals since the root was last set. depth: of the longest way down, in moves."""

    simulations: int = 0
    net_calls: int = 0
    cache_hits: int = 0
    depth: int = 0
    seconds: float = 0.0
