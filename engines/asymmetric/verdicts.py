"""What the measured figures say of each claim: numbers in, verdicts out. Tolerances are constants, stated before the
runs.

Source: Yin, Kolouri, Rohde, ICLR 2020 (SJeQEp4YDH), section 4; the later attack: Tramer et al. 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engines.core.claims import ClaimResult, Verdict, measured

AUC_DROP, AUC_PARTLY = 0.001, 0.006
"""Claim 1: mean AUC may fall by this much under ten times the steps (the paper's MNIST and CIFAR figures)."""
CAUGHT = 0.05
"""Claim 2: error that counts as caught almost perfectly."""
SAME = 0.01
"""Claims 2, 3, 4: errors that differ by less are equal."""
EPS_FACTOR = 4 / 3
"""Claim 5: the radius beyond the training's (0.4 over 0.3)."""
ROBUST_GAP = 0.2
"""Claim 5: by how much the other classifier's error must be higher."""
READ_GAP = 0.1
"""Claim 6: by how much more perturbed images must be read as the target."""
BROKEN = 0.05
"""Later: by how much the multi-targeted attack must surpass the paper's strongest."""
PAPER_ATTACKS = ("classifier", "detectors", "combined", "combined-cw", "detectors-ce", "detectors-cw")
INTEGRATED, GENERATIVE = 0, 1


@dataclass(frozen=True)
class Seed:
    """What one set of models gave. error: attack name to its errors at 95 % TPR (integrated, generative).

    auc: mean AUC at the two budgets. beyond: generative error beyond the radius, the highest over attacks; robust,
    robust_inside: error of the robust classifier beyond and at the radius; read: shares read as the target, of
    detectors and robust classifier; accuracy: clean, of f and of the generative rule.
    """

    error: dict[str, tuple[float, float]]
    auc: tuple[float, float]
    beyond: float
    robust: float
    robust_inside: float
    read: tuple[float, float]
    accuracy: tuple[float, float]

    def strongest(self, rule: int) -> float:
        """The highest error of the paper's attacks under a rule."""
        return max(self.error[name][rule] for name in PAPER_ATTACKS)


def judge(found: Sequence[Seed], shipped: Seed | None = None) -> list[ClaimResult]:
    """The verdicts on what the seeds gave; the shipped bank's figures are added to notes, not to verdicts."""
    claims = (claim_1, claim_2, claim_3, claim_4, claim_5, claim_6, claim_later)
    results = [claim(found) for claim in claims]
    if shipped is None:
        return results
    beside = [claim([shipped]) for claim in claims]
    return [
        replace(
            ours,
            note=f"{ours.note} Shipped detectors on MNIST, ε 0.3: {theirs.ours}; {theirs.note}",
            figures=ours.figures | {f"shipped_{key}": value for key, value in theirs.figures.items()}
            | {"shipped": theirs.values[0]},
        )
        for ours, theirs in zip(results, beside, strict=True)
    ]  # fmt: skip


def claim_1(found: Sequence[Seed]) -> ClaimResult:
    """AUC under a stronger attack."""
    drops = [s.auc[0] - s.auc[1] for s in found]
    before, after = (_mean([s.auc[i] for s in found]) for i in range(2))
    return measured(
        "1", drops, _at_most(_mean(drops), AUC_DROP, AUC_PARTLY), shown="AUC falls by {:.4f}",
        note=f"Mean AUC {before:.4f}, then {after:.4f}.", auc=before, auc_stronger=after,
    )  # fmt: skip


def claim_2(found: Sequence[Seed]) -> ClaimResult:
    """The integrated rule under the paper's attacks."""
    error = {name: _mean([s.error[name][INTEGRATED] for s in found]) for name in PAPER_ATTACKS}
    caught = error["classifier"] <= CAUGHT
    worst = error["combined"] >= max(error.values()) - SAME
    verdict: Verdict = "reproduced" if caught and worst else "partly" if caught or worst else "not reproduced"
    listed = ", ".join(f"{name} {value:.3f}" for name, value in error.items())
    return measured(
        "2", [s.error["classifier"][INTEGRATED] for s in found], verdict, shown="error {:.3f} under (9)",
        note=f"Errors: {listed}.", **{f"error_{name}": value for name, value in error.items()},
    )  # fmt: skip


def claim_3(found: Sequence[Seed]) -> ClaimResult:
    """Loss (10) against CE and CW on the generative rule."""
    names = ("detectors", "detectors-ce", "detectors-cw")
    error = {name: _mean([s.error[name][GENERATIVE] for s in found]) for name in names}
    gains = [s.error[names[0]][1] - max(s.error[names[1]][1], s.error[names[2]][1]) for s in found]
    verdict: Verdict = "not reproduced"
    if _mean(gains) > -SAME:
        verdict = "reproduced" if _mean(gains) > 0 else "partly"
    return measured(
        "3", gains, verdict, shown="{:+.3f} error",
        note=f"Errors: (10) {error[names[0]]:.3f}, cross-entropy {error[names[1]]:.3f}, "
        f"Carlini-Wagner {error[names[2]]:.3f}.",
        loss_10=error[names[0]], ce=error[names[1]], cw=error[names[2]],
    )  # fmt: skip


def claim_4(found: Sequence[Seed]) -> ClaimResult:
    """The generative against the integrated rule."""
    gaps = [s.strongest(INTEGRATED) - s.strongest(GENERATIVE) for s in found]
    verdict: Verdict = "not reproduced"
    if _mean(gaps) >= -SAME:
        verdict = "reproduced" if _mean(gaps) > SAME else "partly"
    both = [_mean([s.strongest(rule) for s in found]) for rule in range(2)]
    after = [_mean([s.error["multi-targeted"][rule] for s in found]) for rule in range(2)]
    return measured(
        "4", gaps, verdict, shown="{:+.3f} error",
        note=f"Integrated {both[0]:.3f}, generative {both[1]:.3f}; under the later multi-targeted "
        f"attack {after[0]:.3f} and {after[1]:.3f}.",
        integrated=both[0], generative=both[1], integrated_later=after[0], generative_later=after[1],
    )  # fmt: skip


def claim_5(found: Sequence[Seed]) -> ClaimResult:
    """Beyond the training radius."""
    gaps = [s.robust - s.beyond for s in found]
    verdict: Verdict = "not reproduced"
    if _mean(gaps) > 0:
        verdict = "reproduced" if _mean(gaps) >= ROBUST_GAP else "partly"
    ours, robust, inside = (_mean([getattr(s, n) for s in found]) for n in ("beyond", "robust", "robust_inside"))
    return measured(
        "5", gaps, verdict, shown="{:+.3f} error",
        note=f"Generative error {ours:.3f}; robust classifier {robust:.3f} (at its own radius {inside:.3f}).",
        generative=ours, robust=robust, robust_inside=inside,
    )  # fmt: skip


def claim_6(found: Sequence[Seed]) -> ClaimResult:
    """Features of the target, as the reader sees them."""
    gaps = [s.read[0] - s.read[1] for s in found]
    verdict: Verdict = "not reproduced"
    if _mean(gaps) > 0:
        verdict = "reproduced" if _mean(gaps) >= READ_GAP else "partly"
    ours, theirs = (_mean([s.read[i] for s in found]) for i in range(2))
    return measured(
        "6", gaps, verdict, shown="{:+.1%} read as the target",
        note=f"Detectors {ours:.1%}, robust classifier {theirs:.1%} of 90 images.", detectors=ours, robust=theirs,
    )  # fmt: skip


def claim_later(found: Sequence[Seed]) -> ClaimResult:
    """The multi-targeted attack against the paper's strongest."""
    gains = [[s.error["multi-targeted"][rule] - s.strongest(rule) for s in found] for rule in range(2)]
    broken = sum(_mean(g) >= BROKEN for g in gains)
    verdict: Verdict = ("not reproduced", "partly", "reproduced")[broken]  # type: ignore[assignment]
    after = [_mean([s.error["multi-targeted"][rule] for s in found]) for rule in range(2)]
    before = [_mean([s.strongest(rule) for s in found]) for rule in range(2)]
    return measured(
        "later", [_mean([a, b]) for a, b in zip(*gains, strict=True)], verdict, shown="{:+.3f} error",
        note=f"Integrated {before[0]:.3f} to {after[0]:.3f}, generative {before[1]:.3f} to {after[1]:.3f}.",
        integrated=after[0], generative=after[1], integrated_before=before[0], generative_before=before[1],
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _at_most(value: float, tolerance: float, partly: float) -> Verdict:
    if not value <= partly:
        return "not reproduced"
    return "reproduced" if value <= tolerance else "partly"
