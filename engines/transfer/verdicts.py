"""Verdicts on the claims from what the seeds gave: tolerances first, stated before the runs.

Rates are in per cent and differences in percentage points. A setting is a family of networks on one kind of images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engines.core.claims import ClaimResult, Verdict, measured
from engines.transfer.reference import ON_INCEPTION_V3, black_box_mean
from engines.transfer.results import MatrixResult, RaceResult, ScalesResult

SIM_GAIN = 10.0
"""Claim 3: percentage points that scale copies bring at least; with `SIM_PARTLY` it counts as partly."""
SIM_PARTLY = 2.0
WHITE_BOX = 95.0
"""Claim 5: white-box success, in per cent, that counts as "about 100"."""
WHITE_PARTLY = 85.0
FLAT = 0.5
"""Claim 6: the mean cross-entropy may vary by this much (nats) on [0.1, 1.3], where 2.3 is chance for ten classes."""
ORDER, ORDER_PARTLY = 0.6, 0.2
"""Kendall's tau between the methods' order here and in the paper."""
RECIPES = ("FGSM", "I-FGSM", "PGD", "MI-FGSM", "NI-FGSM", "SI-NI-FGSM", "TIM", "DIM", "TI-DIM", "SI-NI-TI-DIM")
PAPER = {key: black_box_mean(key) for key in ON_INCEPTION_V3}
"""The paper's mean success on black boxes, in per cent."""


@dataclass(frozen=True)
class Seed:
    """What one seed gave in one setting: all recipes about mid-grey; SI-NI-FGSM about black; MI against NI from every
    normal source; and the losses against scale about mid-grey and about black."""

    matrix: MatrixResult
    about_black: MatrixResult
    races: tuple[RaceResult, ...]
    scales: ScalesResult
    scales_black: ScalesResult


Found = dict[str, list[Seed]]


def judge(found: Found) -> list[ClaimResult]:
    """The verdicts on what the seeds gave."""
    found = {title: seeds for title, seeds in found.items() if seeds}
    judges = (claim_1, claim_2, claim_3, claim_4, claim_5, claim_6, claim_order)
    models = "; ".join(
        f"{title}: {', '.join(t.name for t in seeds[0].matrix.targets)} (ε {seeds[0].matrix.eps:.3g}, "
        f"{seeds[0].matrix.count} images)"
        for title, seeds in found.items()
    )
    results = [judge_one(found) for judge_one in judges]
    return [replace(r, note=f"{r.note} Models: {models}." if r.id == "1" else r.note) for r in results]


def claim_1(found: Found) -> ClaimResult:
    """Iterating against a single step."""
    white = _per_seed(found, lambda s: _success(s, "I-FGSM", white=True) - _success(s, "FGSM", white=True))
    black = _per_seed(found, lambda s: _success(s, "I-FGSM") - _success(s, "FGSM"))
    good = [_mean(white[t]) > 0 > _mean(black[t]) for t in found]
    return _result(
        "1", black, _verdict(good), "{:+.1f} points on black boxes",
        f"White box {_listed(white, '{:+.1f}')} points, black box {_listed(black, '{:+.1f}')}.",
        white=_overall(white), black=_overall(black),
    )  # fmt: skip


def claim_2(found: Found) -> ClaimResult:
    """The look-ahead's gain over iterations."""
    last = _per_seed(found, lambda s: float(_gap_curve(s)[-1]))
    slope = _per_seed(found, lambda s: float(np.polyfit(np.arange(4, 17), _gap_curve(s)[4:17], 1)[0]))
    early = _per_seed(found, lambda s: float(_gap_curve(s)[4]))
    gaps = [_mean(last[t]) > 0 for t in found]
    verdict: Verdict = "not reproduced"
    if any(gaps):
        verdict = "reproduced" if all(gaps) and all(_mean(slope[t]) > 0 for t in found) else "partly"
    return _result(
        "2", last, verdict, "{:+.1f} points at T = 16",
        f"Gap at T = 4: {_listed(early, '{:+.1f}')}, at T = 16: {_listed(last, '{:+.1f}')}; slope "
        f"{_listed(slope, '{:+.2f}')} points an iteration.",
        slope=_overall(slope), gap_4=_overall(early), gap_16=_overall(last),
    )  # fmt: skip


def claim_3(found: Found) -> ClaimResult:
    """What scale copies bring."""
    gain = _per_seed(found, lambda s: _success(s, "SI-NI-FGSM") - _success(s, "NI-FGSM"))
    about_black = _per_seed(found, lambda s: 100 * float(s.about_black.mean(white=False)[0]) - _success(s, "NI-FGSM"))
    means = [_mean(gain[t]) for t in found]
    verdict: Verdict = "not reproduced"
    if max(means) >= SIM_PARTLY:
        verdict = "reproduced" if min(means) >= SIM_GAIN else "partly"
    return _result(
        "3", gain, verdict, "{:+.1f} points",
        f"About mid-grey {_listed(gain, '{:+.1f}')} points; about black {_listed(about_black, '{:+.1f}')}.",
        mid_grey=_overall(gain), black=_overall(about_black),
    )  # fmt: skip


def claim_4(found: Found) -> ClaimResult:
    """Smoothed gradients against adversarially trained and normal targets."""
    having = {t: seeds for t, seeds in found.items() if any(m.is_robust for m in seeds[0].matrix.targets)}
    if not having:
        return ClaimResult("4", "", "not run", note="No adversarially trained model is at hand.")

    def gain(seed: Seed, robust: bool) -> float:
        both = [_from_normal(seed.matrix, key, robust) for key in ("TI-DIM", "DIM")]
        return both[0] - both[1]

    robust = _per_seed(having, lambda s: gain(s, True))
    normal = _per_seed(having, lambda s: gain(s, False))
    more = {t: [a - b for a, b in zip(robust[t], normal[t], strict=True)] for t in having}
    good = [_mean(robust[t]) > 0 and _mean(more[t]) > 0 for t in having]
    return _result(
        "4", more, _verdict(good), "{:+.1f} points more on adversarially trained targets",
        f"Adversarially trained targets {_listed(robust, '{:+.1f}')} points, normal {_listed(normal, '{:+.1f}')}.",
        robust=_overall(robust), normal=_overall(normal),
    )  # fmt: skip


def claim_5(found: Found) -> ClaimResult:
    """White-box success of the iterated methods."""

    def least(seed: Seed) -> float:
        m = seed.matrix
        normal = ~np.array([source.is_robust for source in m.sources])
        chosen = m.white_box & normal[:, None]
        return 100 * min(float(m.rate[r][chosen].mean()) for r, key in enumerate(m.recipes) if key != "FGSM")

    least_of = _per_seed(found, least)
    means = [_mean(least_of[t]) for t in found]
    verdict: Verdict = "not reproduced"
    if min(means) >= WHITE_PARTLY:
        verdict = "reproduced" if min(means) >= WHITE_BOX else "partly"
    worst = {t: _worst_white(found[t][0].matrix) for t in found}
    return _result(
        "5", least_of, verdict, "{:.1f} % at least",
        f"{_listed(least_of, '{:.1f}')} %; lowest: {', '.join(f'{t} {w}' for t, w in worst.items())}.",
        least=min(means),
    )  # fmt: skip


def claim_6(found: Found) -> ClaimResult:
    """The loss against a global scale."""

    def flat(s: ScalesResult) -> np.ndarray:
        inside = (s.factors > 0.05) & (s.factors < 1.35)
        return np.ptp(s.losses[:, inside], axis=1)

    def rise(s: ScalesResult) -> np.ndarray:
        return s.losses[:, -1] - s.losses[:, int(np.argmin(np.abs(s.factors - 1.3)))]

    span = _per_seed(found, lambda s: float(np.median(flat(s.scales))))
    climb = _per_seed(found, lambda s: float(np.median(rise(s.scales))))
    holds = {t: np.mean([(flat(s.scales) <= FLAT) & (rise(s.scales) > 0) for s in seeds]) for t, seeds in found.items()}
    verdict: Verdict = "not reproduced"
    if max(holds.values()) > 0:
        verdict = "reproduced" if min(holds.values()) > 0.5 else "partly"
    black = _per_seed(found, lambda s: float(np.median(flat(s.scales_black))))
    spared = _per_seed(found, lambda s: float(np.median(_flat_from(s.scales))))
    return _result(
        "6", span, verdict, "{:.2f} nats on [0.1, 1.3]",
        f"Range, median over models: {_listed(span, '{:.2f}')} nats; rise to 2: {_listed(climb, '{:+.2f}')}. Holds for "
        f"{', '.join(f'{t} {share:.0%}' for t, share in holds.items())} of models. The loss stays within {FLAT} nats "
        f"of its value at 1 from a scale of {_listed(spared, '{:.1f}')} on. About black the range is "
        f"{_listed(black, '{:.2f}')}.",
        **{f"holds_{t}": float(share) for t, share in holds.items()},
    )  # fmt: skip


def claim_order(found: Found) -> ClaimResult:
    """The order of the methods against the paper's."""
    shared = [key for key in RECIPES if key in PAPER]
    paper = [PAPER[key] for key in shared]
    tau = _per_seed(found, lambda s: kendall(paper, [_success(s, key) for key in shared]))
    means = [_mean(tau[t]) for t in found]
    verdict: Verdict = "not reproduced"
    if max(means) >= ORDER_PARTLY:
        verdict = "reproduced" if min(means) >= ORDER else "partly"
    orders = []
    for title, seeds in found.items():
        mean = {key: _mean([_success(s, key) for s in seeds]) for key in RECIPES}
        orders.append(f"{title}: " + ", ".join(f"{key} {mean[key]:.1f}" for key in sorted(mean, key=mean.__getitem__)))
    return _result("order", tau, verdict, "tau {:.2f}", f"{'; '.join(orders)} (per cent, black boxes).")


# --- what they are made of ----------------------------------------------------------------------


def kendall(a: Sequence[float], b: Sequence[float]) -> float:
    """Kendall's tau-a: pairs in the same order minus pairs in the other, over all pairs; ties count for neither."""
    pairs = [(i, j) for i in range(len(a)) for j in range(i)]
    return sum(float(np.sign((a[i] - a[j]) * (b[i] - b[j]))) for i, j in pairs) / max(len(pairs), 1)


def _success(seed: Seed, recipe: str, *, white: bool = False) -> float:
    """Mean success of a recipe over the black-box (or the white-box) pairs, in per cent."""
    m = seed.matrix
    return 100 * float(m.mean(white=white)[m.recipes.index(recipe)])


def _from_normal(m: MatrixResult, recipe: str, robust: bool) -> float:
    """Mean black-box success from normal sources on robust, or on normal, targets, in per cent."""
    normal = ~np.array([source.is_robust for source in m.sources])
    wanted = np.array([target.is_robust for target in m.targets]) == robust
    chosen = ~m.white_box & normal[:, None] & wanted[None]
    return 100 * float(m.rate[m.recipes.index(recipe)][chosen].mean())


def _gap_curve(seed: Seed) -> np.ndarray:
    """NI minus MI on black boxes after each iteration, mean over sources and targets, in points: float64 [17]."""
    gaps = [(race.rate[1] - race.rate[0])[:, ~race.white_box] for race in seed.races]
    return 100 * np.concatenate(gaps, axis=1).mean(1)


def _worst_white(m: MatrixResult) -> str:
    cells = [
        (float(m.rate[r, s, t]), key, m.sources[s].name)
        for r, key in enumerate(m.recipes)
        for s, t in zip(*np.nonzero(m.white_box), strict=True)
        if key != "FGSM" and not m.sources[s].is_robust
    ]
    rate, key, source = min(cells)
    return f"{key} on {source} {rate:.0%}"


def _flat_from(scales: ScalesResult) -> np.ndarray:
    """Per model, the smallest scale from which on (up to 1) the loss stays within FLAT of its value at 1."""
    at_one = int(np.argmin(np.abs(scales.factors - 1.0)))
    near = np.abs(scales.losses - scales.losses[:, [at_one]]) <= FLAT
    starts = []
    for row in near:
        k = at_one
        while k > 0 and row[k - 1]:
            k -= 1
        starts.append(scales.factors[k])
    return np.array(starts)


def _per_seed(found: Found, value: Callable[[Seed], float]) -> dict[str, list[float]]:
    return {title: [float(value(seed)) for seed in seeds] for title, seeds in found.items()}


def _result(
    id: str, values: dict[str, list[float]], verdict: Verdict, shown: str, note: str, **figures: float
) -> ClaimResult:
    """One value a seed: the mean over settings. Where there are several, each is shown."""
    each = [_mean(row) for row in zip(*values.values(), strict=True)]
    result = measured(
        id, each, verdict, shown=shown, note=note, **{k: v for k, v in figures.items() if math.isfinite(v)}
    )
    if len(values) == 1:
        return replace(result, ours=f"{result.ours} ({next(iter(values))})")
    return replace(result, ours=", ".join(f"{t} {shown.format(_mean(row))}" for t, row in values.items()))


def _verdict(good: Sequence[bool]) -> Verdict:
    if all(good):
        return "reproduced"
    return "partly" if any(good) else "not reproduced"


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _overall(values: dict[str, list[float]]) -> float:
    return _mean([_mean(row) for row in values.values()])


def _listed(values: dict[str, list[float]], shown: str) -> str:
    """One mean a setting."""
    return ", ".join(f"{title} {shown.format(_mean(row))}" for title, row in values.items())
