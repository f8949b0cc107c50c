"""The claims of the three-head papers, measured on boards small enough to know the truth.

Source: Gao, Mueller, Hayward, Yao, Jui 2019 (ICLR 2020 submission BJxvH1BtDS) and Gao, Mueller, Hayward 2018
(IJCAI), abstracts: their tables could not be read, so no printed value is shown. Wu's critique: leela-zero
issue 1109.

Each seed trains three configurations once, and all claims share them: two heads, n0 = 0; three heads, n0 = 0,
with a two-head twin that sees the same samples; and three heads with delayed expansion, n0 = 2. Tolerances
are constants, stated before the runs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.core.claims import Claim, ClaimResult, Verdict, measured
from engines.core.device import choose
from engines.core.job import JobContext, run_job
from engines.core.paths import data_sets_folder
from engines.hex.arena import wilson
from engines.hex.heldout import Damned, Errors, damned_moves, errors, recorded, self_played
from engines.hex.spec import SHIPPED_THREE_HEAD, SHIPPED_TWO_HEAD, MatchSpec, TrainSpec

Q_TOLERANCE, Q_PARTLY = 1.10, 1.25
"""Claim a: q's error over the two-head v's may be this much."""
V_TOLERANCE, V_PARTLY = 1.02, 1.05
"""Claim e: the three-head v's error over the two-head v's may be this much."""
CURVE_GAIN = 0.01
"""Claim d: mean gain of accuracy along the curve that counts as above."""
DAMNED_SHARE, DAMNED_GAP = 0.5, 0.2
"""Wu's critique: at least this share of the hardly played winning moves is called lost, and this much more
than of the played ones."""
RECORDED_POSITIONS = 8000
_ON_RECORDED = "Shipped networks on recorded 9×9 games:"

CLAIMS = (
    Claim(
        "a",
        "The q-head foretells the result after the played move about as well as a two-head network's v does.",
        measure="Mean squared error of q(s, a) on new games over that of a two-head v(s) trained on the same "
        "samples. On 4×4 many positions of new games were met in training; recorded games are stricter.",
        expected=f"Ratio at most {Q_TOLERANCE} (partly: {Q_PARTLY}).",
    ),
    Claim(
        "b",
        "In the same search with the same time, three heads with n0 > 0 beat two heads.",
        measure="Score of three heads (n0 = 10) against their two-head twin (n0 = 0), every opening with "
        "both colours, at equal network calls and at equal time.",
        expected="Above one half at both, with the pooled 95 % interval above it (partly: above at one).",
    ),
    Claim(
        "d",
        "Learning from zero is faster with three heads: its curve lies above the two-head one.",
        measure="Mean difference of the curves of v's sign and of the policy's top move against the exact "
        "solution, n0 = 2 with three heads minus n0 = 0 with two, at equal network calls and equal "
        "seconds of the processor.",
        expected=f"At least {CURVE_GAIN} by calls in the mean and above zero for each seed, and not below "
        "zero by seconds (partly: by calls only).",
    ),
    Claim(
        "e",
        "The q terms are no burden for v: its error is no worse with them.",
        measure="Mean squared error of v on new games, three heads over their two-head twin.",
        expected=f"Ratio at most {V_TOLERANCE} (partly: {V_PARTLY}).",
    ),
    Claim(
        "wu",
        "Critique: a legal move that is never played gets q = +1 (lost for its mover) whatever its worth.",
        paper="near-equal Go moves shown below 1 %",
        measure="Share of exactly winning moves that q calls lost: those with a prior below 1 % against "
        "those with 10 % or more.",
        expected=f"At least {DAMNED_SHARE:.0%} of the rare ones, {DAMNED_GAP:.0%} more than of the common.",
    ),
)


@dataclass(frozen=True)
class Plan:
    """How large the measurement is.

    train: changes to TrainSpec for all configurations; delayed_n0: of the third. games: held out, for a seed.
    match: changes to MatchSpec; calls, milliseconds: budgets of its two matches.
    """

    train: dict[str, Any] = field(default_factory=dict)
    delayed_n0: int = 2
    games: int = 256
    match: dict[str, Any] = field(default_factory=lambda: {"size": 5, "openings": 12, "n0": 10, "batch": 4})
    calls: int = 40
    milliseconds: int = 40


PLANS = {
    "quick": Plan(),
    "full": Plan(
        train={"iterations": 40, "games": 256, "simulations": 64, "blocks": 6},
        games=1024,
        match={"size": 6, "openings": 18, "n0": 10, "batch": 4},
        calls=100,
        milliseconds=100,
    ),
}


@dataclass(frozen=True)
class Seed:
    """What one seed gave.

    two, delayed: learning curves by name, float64 [iterations]. three_errors, twin_errors: on the same
    held-out games. calls_won, time_won: games won at equal calls and at equal time, of `match_games` each.
    sims_per_call, twin_sims_per_call: simulations for each call of the match at equal calls.
    """

    two: dict[str, np.ndarray]
    delayed: dict[str, np.ndarray]
    three_errors: Errors
    twin_errors: Errors
    damned: Damned
    calls_won: int
    time_won: int
    match_games: int
    sims_per_call: float
    twin_sims_per_call: float


class _Part:
    """A context for a job inside the measurement: same cancel, own folder, its part of the progress."""

    resume: Any = None

    def __init__(self, ctx: JobContext, folder: Path, tell: Callable[[float, str], None]) -> None:
        self.ctx, self.tell = ctx, tell
        self.folder: Path | None = folder
        self.cpu_seconds: list[float] = []
        self._began = time.process_time()

    def check(self) -> None:
        self.ctx.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        self.tell(done / total if total else 0.0, text)

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        """A training run's pictures are nobody's here."""

    def checkpoint(self, state: dict[str, Any]) -> None:
        """Called after every iteration: the processor's time so far (a stopped claim is measured anew)."""
        self.cpu_seconds.append(time.process_time() - self._began)

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return None


def run_claims(preset: str, seeds: tuple[int, ...], ctx: JobContext) -> list[ClaimResult]:
    """Measure all claims with these seeds; each is published again after every seed."""
    return measure(PLANS[preset], seeds, ctx, shipped_errors())


def shipped_errors() -> tuple[Errors, Errors] | None:
    """The shipped three-head network and its twin on recorded 9×9 games, where both are at hand."""
    from engines.core.weights import list_weights
    from engines.hex.evaluator import load_evaluator

    folder = data_sets_folder()
    path = folder / "hex" / "games_9x9.txt.gz" if folder else None
    names = (SHIPPED_THREE_HEAD, SHIPPED_TWO_HEAD)
    if path is None or not path.is_file() or not {card.name for card in list_weights()}.issuperset(names):
        return None
    played = recorded(path, most=RECORDED_POSITIONS)
    three, two = (errors(load_evaluator(name), played) for name in names)
    return three, two


def measure(
    plan: Plan, seeds: Sequence[int], ctx: JobContext, shipped: tuple[Errors, Errors] | None = None
) -> list[ClaimResult]:
    """Train and measure seed by seed. What stands after a seed is published, so that a stop loses little.

    shipped: what `shipped_errors` found; it is added to notes, not to verdicts.
    """
    found: list[Seed] = []
    results: list[ClaimResult] = []
    keep = nullcontext(str(ctx.folder)) if ctx.folder else tempfile.TemporaryDirectory(prefix="hex-claims-")
    with keep as folder:
        for index, seed in enumerate(seeds):
            found.append(measure_seed(plan, seed, Path(folder) / f"seed-{seed}", ctx, index, len(seeds)))
            results = judge(found, shipped)
            for result in results:
                ctx.publish(result, keep=True)
    ctx.progress(len(seeds), len(seeds), "Done")
    return results


def measure_seed(plan: Plan, seed: int, folder: Path, ctx: JobContext, index: int = 0, total: int = 1) -> Seed:
    """Train the three configurations of a seed and measure with them. Raises Cancelled."""
    from engines.hex.evaluator import load_evaluator
    from engines.hex.probes import Probes

    def part(name: str, first: float, last: float) -> _Part:
        path = folder / name
        path.mkdir(parents=True, exist_ok=True)

        def tell(share: float, text: str) -> None:
            ctx.progress(index + first + share * (last - first), total, f"Seed {seed}, {name}: {text}".rstrip(": "))

        return _Part(ctx, path, tell)

    base = TrainSpec.checked({**plan.train, "seed": seed})
    two = curves(two_heads(base), part("two heads", 0.0, 0.25))
    three = run_job("hex.train", base.changed(twin=True), part("three heads", 0.25, 0.6))
    delayed = curves(base.changed(n0=plan.delayed_n0), part("delayed expansion", 0.6, 0.8))

    evaluator, twin = (load_evaluator(path, base.device) for path in (three.weights_path, three.twin_path))
    size = base.sizes[0]
    played = self_played(
        evaluator, size, plan.games, simulations=base.simulations, seed=seed + 1_000_003, check=ctx.check
    )
    probes = Probes.random(min(size, 4), max(base.probes, 100), seed=seed + 7, check=ctx.check)
    spec = MatchSpec.checked(
        {
            **plan.match,
            "weights": three.weights_path,
            "rival_weights": three.twin_path,
            "rival_n0": 0,
            "seed": seed,
        }
    )
    by_calls = run_job("hex.match", spec.changed(equal="calls", budget=plan.calls), part("equal calls", 0.8, 0.9))
    by_time = run_job("hex.match", spec.changed(equal="time", budget=plan.milliseconds), part("equal time", 0.9, 1.0))
    return Seed(
        two=two,
        delayed=delayed,
        three_errors=errors(evaluator, played),
        twin_errors=errors(twin, played),
        damned=damned_moves(evaluator, probes),
        calls_won=int((by_calls.winners == 0).sum()),
        time_won=int((by_time.winners == 0).sum()),
        match_games=len(by_calls.winners),
        sims_per_call=by_calls.simulations[0] / max(by_calls.calls[0], 1),
        twin_sims_per_call=by_calls.simulations[1] / max(by_calls.calls[1], 1),
    )


def two_heads(spec: TrainSpec) -> TrainSpec:
    """The two-head configuration of section 2: no q terms, and no q to begin a move with."""
    return spec.changed(heads="two", fpu="zero", lam_q=0.0, lam_all=0.0, lam_pen=0.0)


def curves(spec: TrainSpec, part: _Part) -> dict[str, np.ndarray]:
    """The learning curves of a run. On a processor `seconds` are its own, so that other programs do not count."""
    history: dict[str, np.ndarray] = run_job("hex.train", spec, part).history
    if choose(spec.device).type == "cpu":
        history = {**history, "seconds": np.array(part.cpu_seconds)}
    return history


def judge(found: Sequence[Seed], shipped: tuple[Errors, Errors] | None = None) -> list[ClaimResult]:
    """The verdicts on what the seeds gave."""
    return [claim_a(found, shipped), claim_b(found), claim_d(found), claim_e(found, shipped), claim_wu(found)]


def claim_a(found: Sequence[Seed], shipped: tuple[Errors, Errors] | None = None) -> ClaimResult:
    """q's error against the twin's v error."""
    ratios = [s.three_errors.q / s.twin_errors.v for s in found]
    after = _mean([s.three_errors.q / s.twin_errors.v_after for s in found])
    verdict = _at_most(_mean(ratios), Q_TOLERANCE, Q_PARTLY)
    within = f"{sum(r <= Q_TOLERANCE for r in ratios)} of {len(ratios)} seeds within the tolerance."
    q, v = _mean([s.three_errors.q for s in found]), _mean([s.twin_errors.v for s in found])
    note = f"q's error {q:.3f}, the two-head v's {v:.3f}. Over v after the move: {after:.3f}. {within}"
    figures = {"q_mse": q, "v_mse": v, "ratio_after": after}
    if shipped:
        figures |= {"shipped_q_mse": shipped[0].q, "shipped_v_mse": shipped[1].v}
        note += f" {_ON_RECORDED} q {shipped[0].q:.3f}, two-head v {shipped[1].v:.3f}."
    return replace(measured("a", ratios, verdict, shown="{:.2f} × the error", note=note), figures=figures)


def claim_b(found: Sequence[Seed]) -> ClaimResult:
    """Three heads with delayed expansion against their twin."""
    games = sum(s.match_games for s in found)
    calls, clock = sum(s.calls_won for s in found), sum(s.time_won for s in found)
    low, high = wilson(calls + clock, 2 * games)
    above = (calls / games > 0.5) + (clock / games > 0.5)
    verdict: Verdict = "not reproduced"
    if above:
        verdict = "reproduced" if above == 2 and low > 0.5 else "partly"
    per_call, twin_per_call = (_mean([getattr(s, k) for s in found]) for k in ("sims_per_call", "twin_sims_per_call"))
    return measured(
        "b", [s.calls_won / s.match_games for s in found], verdict, shown="{:.0%} of games",
        note=f"At equal calls {calls} of {games} games, at equal time {clock} of {games}; pooled 95 % "
        f"interval {low:.2f} to {high:.2f}. {per_call:.1f} simulations a call against {twin_per_call:.1f}.",
        score_calls=calls / games, score_time=clock / games, low=low, high=high,
        simulations_per_call=per_call, twin_simulations_per_call=twin_per_call,
    )  # fmt: skip


def claim_d(found: Sequence[Seed]) -> ClaimResult:
    """Learning curves by network calls and by seconds."""
    gains = {
        by: [[gain(s.delayed, s.two, by, curve) for curve in ("v_sign", "policy_top1")] for s in found]
        for by in ("net_calls", "seconds")
    }
    by_calls = [_mean(pair) for pair in gains["net_calls"]]
    if not np.isfinite(by_calls).all():
        return ClaimResult("d", "", "not run", note="The runs are too short to share a number of network calls.")
    each_time = [_mean(pair) for pair in gains["seconds"]]
    by_time = _mean(each_time)
    verdict: Verdict = "not reproduced"
    if _mean(by_calls) >= CURVE_GAIN and min(by_calls) > 0:
        verdict = "reproduced" if by_time >= 0 else "partly"
    share = _mean([float(s.delayed["net_calls"][-1] / s.two["net_calls"][-1]) for s in found])
    value, policy = (_mean([pair[k] for pair in gains["net_calls"]]) for k in (0, 1))
    return measured(
        "d", by_calls, verdict, shown="{:+.3f} accuracy",
        note=f"By calls: v's sign {value:+.3f}, top move {policy:+.3f}; by seconds {by_time:+.3f} "
        f"({_listed(each_time)}). The delayed runs made {share:.0%} of the calls of the two-head runs.",
        by_calls_value=value, by_calls_policy=policy, by_seconds=by_time, calls_share=share,
    )  # fmt: skip


def claim_e(found: Sequence[Seed], shipped: tuple[Errors, Errors] | None = None) -> ClaimResult:
    """v's error with and without the q terms."""
    ratios = [s.three_errors.v / s.twin_errors.v for s in found]
    three, twin = _mean([s.three_errors.v for s in found]), _mean([s.twin_errors.v for s in found])
    signs = [_mean([getattr(s, name).v_sign for s in found]) for name in ("three_errors", "twin_errors")]
    verdict = _at_most(_mean(ratios), V_TOLERANCE, V_PARTLY)
    within = f"{sum(r <= V_TOLERANCE for r in ratios)} of {len(ratios)} seeds within the tolerance."
    note = f"v's error {three:.3f} with the q terms, {twin:.3f} without; "
    note += f"right sign {signs[0]:.1%} and {signs[1]:.1%}. {within}"
    figures = {"three_mse": three, "twin_mse": twin, "three_sign": signs[0], "twin_sign": signs[1]}
    if shipped:
        figures |= {"shipped_three_mse": shipped[0].v, "shipped_two_mse": shipped[1].v}
        note += f" {_ON_RECORDED} {shipped[0].v:.3f} and {shipped[1].v:.3f}."
    return replace(measured("e", ratios, verdict, shown="{:.2f} × the error", note=note), figures=figures)


def claim_wu(found: Sequence[Seed]) -> ClaimResult:
    """Winning moves that q calls lost because nobody plays them."""
    found = [s for s in found if s.damned.rare_moves and s.damned.common_moves]
    if not found:
        return ClaimResult("wu", "", "not run", note="No winning move is hardly ever played.")
    rare, common = _mean([s.damned.rare for s in found]), _mean([s.damned.common for s in found])
    verdict: Verdict = "not reproduced"
    if rare - common >= DAMNED_GAP:
        verdict = "reproduced" if rare >= DAMNED_SHARE else "partly"
    moves = sum(s.damned.rare_moves for s in found)
    rare_q, common_q = _mean([s.damned.rare_q for s in found]), _mean([s.damned.common_q for s in found])
    return measured(
        "wu", [s.damned.rare for s in found], verdict, shown="{:.0%} called lost",
        note=f"{rare:.0%} of {moves} hardly played winning moves are called lost (mean q {rare_q:+.2f}), "
        f"{common:.0%} of the played ones (mean q {common_q:+.2f}).",
        rare=rare, common=common, rare_q=rare_q, common_q=common_q,
    )  # fmt: skip


def gain(ours: dict[str, np.ndarray], other: dict[str, np.ndarray], by: str, curve: str, points: int = 50) -> float:
    """Mean of ours - other along the part of the `by` axis that both curves cover; NaN where they share none.

    Curves are float64 [iterations] with increasing `by`; between points they are straight lines.
    """
    low, high = max(ours[by][0], other[by][0]), min(ours[by][-1], other[by][-1])
    if high <= low:
        return float("nan")
    grid = np.linspace(low, high, points)
    return float(np.mean(np.interp(grid, ours[by], ours[curve]) - np.interp(grid, other[by], other[curve])))


def _listed(values: Sequence[float]) -> str:
    """One figure a seed."""
    return ", ".join(f"{value:+.3f}" for value in values)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _at_most(value: float, tolerance: float, partly: float) -> Verdict:
    if not value <= partly:
        return "not reproduced"
    return "reproduced" if value <= tolerance else "partly"
