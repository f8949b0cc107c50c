"""Figures of detection: rank AUC, the four rates over all thresholds, their summaries. numpy only.

Source: Yin et al. 2020, section 4 (TPR, FPR, Accuracy, Error); EER and the error at 95 % TPR are ours. Everything ranks
and thresholds *logits*: sigmoids saturate to 1 in float32 above 17.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive's score is above a negative's, ties counted half (Mann-Whitney). NaN where empty.

    positive [P], negative [N]: scores. Raises ValueError for NaN scores.
    """
    positive, negative = np.asarray(positive, np.float64), np.sort(np.asarray(negative, np.float64))
    if np.isnan(positive).any() or np.isnan(negative).any():
        raise ValueError("expected scores, got NaN")
    if not len(positive) or not len(negative):
        return float("nan")
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


@dataclass(frozen=True)
class Rates:
    """The four rates at every threshold T, rising; each is float64 [T] and does not rise with T.

    tpr: share of natural images with a score of T or more. accuracy: of natural ones, so and named right.
    error: share of perturbed images with a score of T or more and named wrong. fpr: the same event, of the paper's
    detection curve; its denominator is all N, so that it need not reach 1.
    """

    threshold: np.ndarray
    tpr: np.ndarray
    accuracy: np.ndarray
    error: np.ndarray

    @property
    def fpr(self) -> np.ndarray:
        return self.error


def rates(
    natural_score: np.ndarray, natural_right: np.ndarray, attacked_score: np.ndarray, attacked_wrong: np.ndarray
) -> Rates:
    """Rates over all distinct scores and one threshold above them all.

    natural_score, attacked_score: float [N], [M]; natural_right: bool [N], class named rightly; attacked_wrong: bool
    [M]. Raises ValueError for NaN scores or no image.
    """
    natural, attacked = np.asarray(natural_score, np.float64), np.asarray(attacked_score, np.float64)
    if not len(natural) or not len(attacked):
        raise ValueError("expected at least one natural and one perturbed image")
    if np.isnan(natural).any() or np.isnan(attacked).any():
        raise ValueError("expected scores, got NaN")
    distinct = np.unique(np.concatenate([natural, attacked]))
    threshold = np.append(distinct, np.nextafter(distinct[-1], np.inf))
    return Rates(
        threshold,
        _kept(natural, threshold) / len(natural),
        _kept(natural[np.asarray(natural_right, bool)], threshold) / len(natural),
        _kept(attacked[np.asarray(attacked_wrong, bool)], threshold) / len(attacked),
    )


def _kept(scores: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    """How many scores are at or above each threshold."""
    ordered = np.sort(scores)
    return len(ordered) - np.searchsorted(ordered, threshold, side="left")


def threshold_at(natural_score: np.ndarray, tpr: float = 0.95) -> float:
    """The largest T that at least the share `tpr` of natural scores reaches."""
    ordered = np.sort(np.asarray(natural_score, np.float64))
    rejected = int(np.floor((1 - tpr) * len(ordered) + 1e-9))
    return float(ordered[min(rejected, len(ordered) - 1)])


def error_at(found: Rates, tpr: float = 0.95) -> float:
    """Error at the largest threshold whose TPR is at least `tpr`."""
    return float(found.error[np.flatnonzero(found.tpr >= tpr - 1e-12)[-1]])


def equal_error_rate(found: Rates) -> tuple[float, float]:
    """(rate, threshold) where 1 - TPR = FPR, both taken as straight lines between thresholds."""
    gap = (1 - found.tpr) - found.fpr  # rises from -FPR to 1
    after = int(np.argmax(gap >= 0))
    if after == 0:
        return float(found.fpr[0]), float(found.threshold[0])
    low, high = gap[after - 1], gap[after]
    share = -low / (high - low)
    rate = found.fpr[after - 1] + share * (found.fpr[after] - found.fpr[after - 1])
    threshold = found.threshold[after - 1] + share * (found.threshold[after] - found.threshold[after - 1])
    return float(rate), float(threshold)


ACCEPTED_RIGHT, REJECTED, FOOLED = 0, 1, 2
"""Outcomes of an image under a rule and a threshold; REJECTED counts as handled."""


def outcomes(named: np.ndarray, score: np.ndarray, labels: np.ndarray, threshold: float) -> np.ndarray:
    """int8 [...]: what becomes of each image. named, score: [..., N]; labels: [N]."""
    wrong = np.where(named != labels, FOOLED, ACCEPTED_RIGHT)
    return np.where(score >= threshold, wrong, REJECTED).astype(np.int8)
