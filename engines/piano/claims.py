"""The claims of the paper on musical style, measured on networks trained here for each seed.

Source: Choi et al. 2020, sections 5 and 6. The paper trains on MAESTRO and a private corpus; here small networks learn
from POP909, or, at the quick preset and without its files, from synthetic walks whose pieces differ in density,
register, loudness and touch. ASAP, classical performances by people, only evaluates. All networks of a seed have one
size and read as many crops, so what they are told is all that differs. Paper values are its note-wise test NLL on
MAESTRO in nats per token, and overlapping areas.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.core.claims import Claim, ClaimResult, Verdict, measured
from engines.core.job import JobContext, run_job
from engines.core.parts import Place
from engines.piano.corpus import sources
from engines.piano.features import SHORT
from engines.piano.results import LikenessResult, MeasureResult, MorphResult
from engines.piano.spec import LikenessSpec, MeasureSpec, MorphSpec, TrainSpec

LEARNT, UNSEEN = "pop909", "asap"
SMOOTH = 0.03
"""How far the way from one style to another may fall back between two neighbouring alphas."""
RISE = 0.1
"""How much the share of the second style must rise in all."""
COLLAPSE = 0.5
"""A network without pooling copies when its NLL is below this share of the pooled one's."""

CLAIMS = (
    Claim(
        "a",
        "Told a style, the decoder predicts unseen pieces better than untold.",
        paper="1.799 against 1.840 nats per token",
        measure="Test NLL of the unconditional network minus that of the performance autoencoder.",
        expected="Above zero for every seed (partly: on average).",
    ),
    Claim(
        "b",
        "Style and melody beat melody alone, which beats style alone.",
        paper="1.706, 1.786, 1.799",
        measure="The smaller of the two gaps in test NLL: style minus melody, melody minus both (sum).",
        expected="Above zero for every seed (partly: both together are best).",
    ),
    Claim(
        "c",
        "How style and melody are merged matters less than having both.",
        paper="sum, concat, tile 1.706, 1.713, 1.709; the better of the two alone 1.786",
        measure="What both bring over the better one alone (mean of the merges), minus the range of the three merges.",
        expected="Above zero for every seed (partly: on average).",
    ),
    Claim(
        "d",
        "Told a style, the decoder composes music that is more like its source, in every feature.",
        paper="mean overlapping area 0.67 against 0.46",
        measure="Mean overlap with the source over eight features: performance autoencoder minus unconditional.",
        expected="Above zero in the mean and in all eight features (partly: in the mean and in five).",
    ),
    Claim(
        "e",
        "On the line from one style to another, the music's likeness moves smoothly from the first to the second.",
        paper="shown in a figure",
        measure="Share of the second source in the overlaps, at alpha 1 minus at alpha 0.",
        expected=f"Rises by {RISE} and never falls by over {SMOOTH} between neighbours (partly: rises by half that).",
    ),
    Claim(
        "f",
        "Without pooling the network copies what it is told.",
        paper="NLL near 0",
        measure="Test NLL without pooling as a share of that with it.",
        expected=f"At most {COLLAPSE} for every seed (partly: below 0.9).",
    ),
    Claim(
        "g",
        "The style is used: with another piece's style the prediction is worse than with none.",
        paper="not in the paper; added here",
        measure="Test NLL of the performance autoencoder with swapped styles minus the unconditional network's.",
        expected="Above zero for every seed (partly: swapping costs at all).",
    ),
    Claim(
        "h",
        "Told a style, the decoder predicts music of a kind that it never learnt from better than untold.",
        paper="not in the paper; added here",
        measure="NLL on classical performances (ASAP) of the unconditional network minus that of the performance one.",
        expected="Above zero for every seed (partly: on average).",
    ),
)


@dataclass(frozen=True)
class Plan:
    """How large the measurement is.

    train: fields of every TrainSpec. crops, items, pairs, tokens: of measuring. unseen: a source of another kind, to
    measure on only; empty for none.
    """

    train: dict[str, Any]
    crops: int = 120
    items: int = 24
    pairs: int = 12
    tokens: int = 400
    alphas: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    unseen: str = ""


_COMMON: dict[str, Any] = {"optimiser": "muon", "rate": 1e-2, "warm_up": 50, "sample_tokens": 0, "perturbation": "none"}
PLANS = {
    "quick": Plan(
        {**_COMMON, "source": LEARNT, "size": "tiny", "length": 192, "batch": 8, "steps": 500}, unseen=UNSEEN
    ),
    "full": Plan(
        {**_COMMON, "source": LEARNT, "size": "medium", "length": 1024, "batch": 8, "steps": 20_000, "dropout": 0.1},
        crops=500, items=80, pairs=40, tokens=1024, unseen=UNSEEN,
    ),
}  # fmt: skip

NETWORKS: dict[str, dict[str, Any]] = {
    "none": {"mode": "unconditional"},
    "style": {"mode": "performance"},
    "melody": {"mode": "melody"},
    "sum": {"mode": "melody+performance", "merge": "sum"},
    "concat": {"mode": "melody+performance", "merge": "concat"},
    "tile": {"mode": "melody+performance", "merge": "tile"},
    "unpooled": {"mode": "unpooled"},
}
"""What each network is told, in the order in which they are trained."""


@dataclass
class Seed:
    """What one seed has shown so far. nll: by the names of NETWORKS."""

    nll: dict[str, MeasureResult] = field(default_factory=dict)
    like: dict[str, LikenessResult] = field(default_factory=dict)
    morph: MorphResult | None = None
    unseen: dict[str, MeasureResult] = field(default_factory=dict)

    @property
    def shown(self) -> set[str]:
        """Names of the networks that were measured; "… unseen" for those also measured on music of another kind."""
        return set(self.nll) | {f"{name} unseen" for name in self.unseen}


def run_claims(preset: str, seeds: tuple[int, ...], ctx: JobContext) -> list[ClaimResult]:
    """Measure all claims with these seeds; those that stand are published again after every network."""
    here = {source.name for source in sources() if source.is_here}
    return measure(with_what_is_here(PLANS[preset], here, preset == "quick"), seeds, ctx)


def with_what_is_here(plan: Plan, here: set[str], may_replace: bool) -> Plan:
    """The plan without music whose files are missing. may_replace: learn from walks then; else it is an error later."""
    train = dict(plan.train)
    if may_replace and train["source"] not in here:
        train["source"] = "walks"
    return replace(plan, train=train, unseen=plan.unseen if plan.unseen in here else "")


def measure(plan: Plan, seeds: Sequence[int], ctx: JobContext) -> list[ClaimResult]:
    """Seed by seed and network by network. Weights are kept only as long as they are measured."""
    found: list[Seed] = []
    results: list[ClaimResult] = []
    total = len(seeds) * len(NETWORKS)
    with tempfile.TemporaryDirectory() as folder:
        for index, seed in enumerate(seeds):
            found.append(Seed())
            for number, (name, told) in enumerate(NETWORKS.items()):
                place = index * len(NETWORKS) + number
                _measure_one(
                    plan, seed, name, told, Path(folder), found[-1], Place(ctx, place, total, f"Seed {seed}, {name}")
                )
                results = [_with_music(result, plan) for result in judge(found)]
                for result in results:
                    ctx.publish(result, keep=True)
    ctx.progress(1, 1, "Done")
    if not plan.unseen:
        results.append(ClaimResult("h", "", "not run", note="ASAP's files are not here; only they can tell."))
    return results


def _with_music(result: ClaimResult, plan: Plan) -> ClaimResult:
    """The result with what was learnt from: verdicts on walks say little about music."""
    train = plan.train
    learnt = f"Learnt from {train['source']}, {train['steps']:,} steps of {train['batch']} crops"
    return replace(result, note=f"{result.note} {learnt} of {train['length']} tokens.")


def _measure_one(plan: Plan, seed: int, name: str, told: dict[str, Any], folder: Path, into: Seed, part: Place) -> None:
    """Train one network, measure it, and compose with it where a claim needs that."""
    weights = str(folder / f"{name}.safetensors")
    run_job("piano.train", TrainSpec(**plan.train, **told, seed=seed, save_as=weights), part.step(0.0, 0.8))
    where = {"weights": weights, "source": plan.train["source"], "seed": seed}
    into.nll[name] = run_job("piano.measure", MeasureSpec(**where, crops=plan.crops), part.step(0.8, 0.85))
    if name in ("none", "style"):
        if plan.unseen:
            other = MeasureSpec(**{**where, "source": plan.unseen}, crops=plan.crops)
            into.unseen[name] = run_job("piano.measure", other, part.step(0.85, 0.85))
        spec = LikenessSpec(**where, items=plan.items, tokens=plan.tokens)
        into.like[name] = run_job("piano.likeness", spec, part.step(0.85, 0.92))
    if name == "style":
        between = MorphSpec(**where, items=plan.pairs, tokens=plan.tokens, alphas=plan.alphas)
        into.morph = run_job("piano.morph", between, part.step(0.92, 1.0))


def judge(found: Sequence[Seed]) -> list[ClaimResult]:
    """The claims that what was found so far can speak of, in their order."""
    results = []
    for claim in CLAIMS:
        needs, verdict = _JUDGES[claim.id]
        known = [seed for seed in found if needs <= seed.shown]
        if known:
            results.append(verdict(known))
    return results


def _nll(seeds: Sequence[Seed], name: str) -> list[float]:
    return [seed.nll[name].own for seed in seeds]


def _gaps(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(first, second, strict=True)]


def _above_zero(values: Sequence[float], partly: bool | None = None) -> Verdict:
    """Reproduced where all are above zero; partly where `partly` says so, else where their mean is."""
    if min(values) > 0:
        return "reproduced"
    return "partly" if (float(np.mean(values)) > 0 if partly is None else partly) else "not reproduced"


def _style_helps(seeds: Sequence[Seed]) -> ClaimResult:
    gaps = _gaps(_nll(seeds, "none"), _nll(seeds, "style"))
    return measured(
        "a", gaps, _above_zero(gaps), shown="{:+.3f} nats", none=_mean(_nll(seeds, "none")),
        style=_mean(_nll(seeds, "style")), note=_said(seeds, "none", "style"),
    )  # fmt: skip


def _order(seeds: Sequence[Seed]) -> ClaimResult:
    style, melody, both = (_nll(seeds, name) for name in ("style", "melody", "sum"))
    least = [min(pair) for pair in zip(_gaps(style, melody), _gaps(melody, both), strict=True)]
    best = _mean(both) < min(_mean(style), _mean(melody))
    return measured(
        "b", least, _above_zero(least, partly=best), shown="{:+.3f} nats", note=_said(seeds, "style", "melody", "sum"),
        style=_mean(style), melody=_mean(melody), both=_mean(both),
    )  # fmt: skip


def _merges(seeds: Sequence[Seed]) -> ClaimResult:
    values = []
    for seed in seeds:
        merges = [seed.nll[name].own for name in ("sum", "concat", "tile")]
        alone = min(seed.nll[name].own for name in ("style", "melody"))
        values.append(alone - _mean(merges) - (max(merges) - min(merges)))
    note = _said(seeds, "sum", "concat", "tile")
    return measured("c", values, _above_zero(values), shown="{:+.3f} nats", note=note)


def _likeness(seeds: Sequence[Seed]) -> ClaimResult:
    gaps = [seed.like["style"].overlap - seed.like["none"].overlap for seed in seeds]
    by_feature = np.nanmean([seed.like["style"].by_feature - seed.like["none"].by_feature for seed in seeds], axis=0)
    better = int((by_feature > 0).sum())
    verdict: Verdict = "not reproduced"
    if _mean(gaps) > 0:
        verdict = "reproduced" if better == len(SHORT) else "partly" if better >= 5 else "not reproduced"
    told, untold = (_mean([seed.like[name].overlap for seed in seeds]) for name in ("style", "none"))
    features = ", ".join(f"{name} {gap:+.2f}" for name, gap in zip(SHORT, by_feature, strict=True))
    return measured(
        "d", gaps, verdict, shown="{:+.3f}", told=told, untold=untold,
        note=f"Overlap {told:.2f} told the style, {untold:.2f} untold; higher in {better} of 8 features: {features}.",
    )  # fmt: skip


def _interpolation(seeds: Sequence[Seed]) -> ClaimResult:
    ways = np.stack([seed.morph.towards for seed in seeds if seed.morph is not None])
    rises = (ways[:, -1] - ways[:, 0]).tolist()
    way = ways.mean(0)
    back = float(-np.diff(way).min())
    smooth = way[-1] - way[0] >= RISE and back <= SMOOTH
    verdict: Verdict = "reproduced" if smooth else "partly" if way[-1] - way[0] >= RISE / 2 else "not reproduced"
    alphas = seeds[0].morph.alphas if seeds[0].morph is not None else np.zeros(0)
    said = ", ".join(f"{a:g}: {share:.3f}" for a, share in zip(alphas, way, strict=True))
    return measured("e", rises, verdict, shown="{:+.3f}", note=f"Share of the second source by alpha: {said}.")


def _copying(seeds: Sequence[Seed]) -> ClaimResult:
    shares = [a / b for a, b in zip(_nll(seeds, "unpooled"), _nll(seeds, "style"), strict=True)]
    verdict: Verdict = (
        "reproduced" if max(shares) <= COLLAPSE else "partly" if _mean(shares) < 0.9 else "not reproduced"
    )
    return measured("f", shares, verdict, shown="{:.2f} of it", note=_said(seeds, "unpooled", "style"))


def _swapped(seeds: Sequence[Seed]) -> ClaimResult:
    swapped = [seed.nll["style"].other_style for seed in seeds]
    gaps = _gaps(swapped, _nll(seeds, "none"))
    costs = _mean(swapped) > _mean(_nll(seeds, "style"))
    return measured(
        "g", gaps, _above_zero(gaps, partly=costs), shown="{:+.3f} nats", swapped=_mean(swapped),
        note=f"{_mean(swapped):.3f} with swapped styles; {_said(seeds, 'style', 'none')}",
    )  # fmt: skip


def _unseen(seeds: Sequence[Seed]) -> ClaimResult:
    none, style, swapped = (
        [getattr(seed.unseen[name], told) for seed in seeds]
        for name, told in (("none", "own"), ("style", "own"), ("style", "other_style"))
    )
    gaps = _gaps(none, style)
    return measured(
        "h", gaps, _above_zero(gaps), shown="{:+.3f} nats", none=_mean(none), style=_mean(style),
        note=f"NLL on ASAP: none {_mean(none):.3f}, style {_mean(style):.3f}, another piece's {_mean(swapped):.3f}.",
    )  # fmt: skip


_JUDGES: dict[str, tuple[set[str], Callable[[Sequence[Seed]], ClaimResult]]] = {
    "a": ({"none", "style"}, _style_helps),
    "b": ({"style", "melody", "sum"}, _order),
    "c": ({"style", "melody", "sum", "concat", "tile"}, _merges),
    "d": ({"none", "style"}, _likeness),
    "e": ({"style"}, _interpolation),
    "f": ({"style", "unpooled"}, _copying),
    "g": ({"none", "style"}, _swapped),
    "h": ({"none unseen", "style unseen"}, _unseen),
}
"""What a claim needs of `Seed.shown`, and how it is judged."""


def _said(seeds: Sequence[Seed], *names: str) -> str:
    """Test NLL of networks in words."""
    parts = [f"{name} {_mean(_nll(seeds, name)):.3f}" for name in names]
    return f"test NLL {', '.join(parts)} nats per token."


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
