"""Settings of other programs' engines."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from engines.core.spec import Spec, param
from engines.hex.spec import SearchSpec


class ExternalSpec(Spec):
    """Another program's Hex engine, spoken to over the Hex Text Protocol."""

    command: str = param("", "Command line that starts the engine, e.g. /opt/benzene/mohex --quiet.")
    start_s: float = param(
        30.0, "Time for the engine to start and say its name.", ge=0.5, le=600, unit="s", advanced=True
    )
    answer_s: float = param(20.0, "Silence after which the engine is taken to hang.", ge=0.5, le=3600, unit="s")
    move_s: float = param(60.0, "Longest wait for a move without a time of its own.", ge=0.5, le=86_400, unit="s")
    grace_s: float = param(5.0, "How far a move may run over its time.", ge=0.1, le=600,
                           unit="s", advanced=True)  # fmt: skip


class ExternalMatchSpec(SearchSpec):
    """Games between our engine and another program's, every opening played twice with colours exchanged."""

    command: str = param("", "Command line that starts the engine.")
    size: int = param(9, "Board size.", ge=3, le=19, unit="cells")
    openings: int = param(8, "Different first moves; each gives two games.", ge=1, le=361, group="Match")
    simulations: int = param(400, "Ours: simulations for each move.", ge=1, le=1_000_000, group="Match")
    equal: Literal["simulations", "time"] = param(
        "simulations",
        "Ours gets its simulations, or the time of the other's latest move.",
        group="Match",
    )
    answer_s: float = param(60.0, "Silence after which the engine is taken to hang.", ge=0.5, le=3600, unit="s")

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "quick": {"size": 7, "openings": 3, "simulations": 100},
        "full": {"size": 11, "openings": 25, "simulations": 800},
    }
