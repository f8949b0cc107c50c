"""What a paper claims, and what came out here: ``engines/<topic>/claims.py`` declares CLAIMS and run_claims.

``CLAIMS: tuple[Claim, ...]``; ``run_claims(preset: str, seeds: tuple[int, ...], ctx: JobContext) ->
list[ClaimResult]`` calls jobs and publishes each result through ``ctx.publish`` as soon as it stands, so
that a stop loses none of them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from engines.core import job
from engines.core.atomic import strict
from engines.core.errors import Cancelled, UserError
from engines.core.job import JobContext, LocalContext
from engines.core.spec import Spec

Verdict = Literal["reproduced", "partly", "not reproduced", "not run"]


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper that can be measured.

    id: short, e.g. "a". claim: the sentence. paper: its value as printed, or "not available". measure: how
    it is measured here. expected: when it counts as reproduced, in words.
    """

    id: str
    claim: str
    paper: str = "not available"
    measure: str = ""
    expected: str = ""


@dataclass(frozen=True)
class ClaimResult:
    """One claim as measured. ours: the figure shown (with its unit), empty when it was not run.

    values: the figure for each seed; spread: their standard deviation. seeds: how many seeds.
    note: what a reader must know, e.g. the scale at which it was run. figures: further measured numbers.
    """

    id: str
    ours: str
    verdict: Verdict
    values: tuple[float, ...] = ()
    spread: float | None = None
    seeds: int = 0
    note: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in get_args(Verdict):
            raise ValueError(f"expected a verdict out of {', '.join(get_args(Verdict))}, got {self.verdict!r}")


def measured(
    id: str,
    values: Sequence[float],
    verdict: Verdict,
    *,
    shown: str = "{:.3f}",
    note: str = "",
    **figures: float,
) -> ClaimResult:
    """A result of one value a seed: their mean shown by the format `shown`, their sample standard deviation
    as spread.

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("expected at least one value")
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)) if len(values) > 1 else None
    ours = shown.format(mean)
    return ClaimResult(id, ours, verdict, tuple(map(float, values)), spread, len(values), note, dict(figures))


def claims_of(topic: str) -> tuple[Claim, ...]:
    """The claims of a topic. Raises UserError for an unknown topic or one without claims."""
    return tuple(_module(topic).CLAIMS)


def run_claims(
    topic: str,
    preset: str = "quick",
    seeds: int = 3,
    *,
    on_progress: Callable[[float, float, str], None] | None = None,
    on_result: Callable[[ClaimResult], None] | None = None,
    ctx: LocalContext | None = None,
) -> tuple[list[ClaimResult], bool]:
    """Measure a topic's claims with seeds 0 … seeds - 1; one result for each claim, in their order.

    The second value is False when it was cancelled through `ctx`: what was not reached yet says "not run".
    Raises UserError for a bad topic, preset or number of seeds.
    """
    if seeds < 1:
        raise UserError(f"expected at least one seed, got {seeds}")
    if preset not in Spec.presets:
        raise UserError(f"expected a preset out of {', '.join(Spec.presets)}, got {preset!r}")
    module = _module(topic)
    context = ctx or LocalContext()
    context.on_progress = on_progress
    found: dict[str, ClaimResult] = {}

    def hear(snapshot: Any, keep: bool) -> None:
        if isinstance(snapshot, ClaimResult):
            found[snapshot.id] = snapshot
            if on_result is not None:
                on_result(snapshot)

    context.on_snapshot = hear
    run: Callable[[str, tuple[int, ...], JobContext], list[ClaimResult]] = module.run_claims
    complete = True
    try:
        found.update({result.id: result for result in run(preset, tuple(range(seeds)), context)})
    except Cancelled:
        complete = False
    missing = "stopped before it was measured" if not complete else "not measured at this preset"
    return [
        found.get(claim.id, ClaimResult(claim.id, "", "not run", note=missing)) for claim in module.CLAIMS
    ], complete


def report(topic: str, results: Sequence[ClaimResult]) -> dict[str, Any]:
    """Claims and results as the JSON that `paper-workbench claims --json` prints."""
    by_id = {result.id: result for result in results}
    rows = []
    for claim in claims_of(topic):
        result = by_id.get(claim.id) or ClaimResult(claim.id, "", "not run")
        rows.append(
            {
                "id": claim.id,
                "claim": claim.claim,
                "paper": claim.paper,
                "ours": result.ours or None,
                "spread": result.spread,
                "seeds": result.seeds,
                "verdict": result.verdict,
                "values": result.values,
                "measure": claim.measure,
                "expected": claim.expected,
                "note": result.note,
                "figures": result.figures,
            }
        )
    plain: dict[str, Any] = strict({"topic": topic, "claims": rows})
    return plain


def _module(topic: str) -> Any:
    if topic not in job.TOPICS:
        raise UserError(f"expected a topic out of {', '.join(job.TOPICS)}, got {topic!r}")
    name = f"engines.{topic}.claims"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise UserError(f"{topic} has no claims to measure yet") from None
