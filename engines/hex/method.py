"""The three-head loss and the merging of duplicate samples, as printed in the papers.

Source: Gao et al. 2019 (ICLR 2020 submission), loss with AND term and consistency penalty; C. Gao et al., IJCAI
2018, for the action-value head. Two terms of the authors' code are mended here: the minimum over q ignores stones
(the code fills them so that one can win the minimum), and the AND mean divides by the number of empty cells. One
more deviation: merged samples weigh the AND term by the mean of max(-z, 0), not by max(-mean z, 0), so that a position
with results of both kinds keeps some of it, with their mean as its target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

STONE = 3.0
"""Added to q on stones before a minimum: above any legal value by more than 1."""


@dataclass(frozen=True)
class LossTerms:
    """Batch means. total: the weighted sum, differentiable; the rest are the terms before weighting."""

    total: Tensor
    policy: Tensor
    value: Tensor
    q: Tensor
    all_q: Tensor
    penalty: Tensor


def three_head_loss(
    logits: Tensor,
    value: Tensor,
    q: Tensor | None,
    *,
    stones: Tensor,
    pi: Tensor,
    action: Tensor,
    z: Tensor,
    lam_v: float = 1.0,
    lam_q: float = 1.0,
    lam_all: float = 1.0,
    lam_pen: float = 1.0,
    and_weight: Tensor | None = None,
    exact: Tensor | None = None,
) -> LossTerms:
    """The loss without its L2 term (that is the optimiser's weight decay).

    logits, q: [B, N]; value: [B]; stones: bool [B, N], True where a move is illegal; pi: [B, N] target policy;
    action: int64 [B], the move played; z: [B] in [-1, 1], result for the player to move.
    and_weight: [B], the mean of max(-z, 0) over merged samples; max(-z, 0) when None.
    exact: [B, N], what each move is worth to the mover, +1 or -1, by a solver; in a row that is not all zero the
    term of q is the mean of (exact + q)^2 over all legal moves, and there is no AND term, which that includes (ours).
    q None (two heads) leaves the last three terms zero. Source: section 2 of the paper, "Loss".
    """
    log_p = torch.log_softmax(logits.masked_fill(stones, -torch.inf), dim=1)
    policy = -(pi * log_p.masked_fill(stones, 0.0)).sum(1).mean()
    value_term = ((z - value) ** 2).mean()
    zero = value_term.new_zeros(())
    if q is None:
        return LossTerms(policy + lam_v * value_term, policy, value_term, zero, zero, zero)
    q_played = q.gather(1, action.unsqueeze(1)).squeeze(1)  # [B]
    q_errors = (z + q_played) ** 2  # [B]
    legal = (~stones).to(q.dtype)
    lost = torch.clamp(-z, min=0.0) if and_weight is None else and_weight
    if exact is not None:
        solved = (exact != 0).any(1)
        q_errors = torch.where(solved, over_legal((exact + q) ** 2, legal), q_errors)
        lost = lost.masked_fill(solved, 0.0)
    q_term = q_errors.mean()
    all_term = (lost * over_legal((z.unsqueeze(1) + q) ** 2, legal)).mean()
    least = (q + STONE * stones.to(q.dtype)).amin(1)
    penalty = ((least + value) ** 2).mean()
    total = policy + lam_v * value_term + lam_q * q_term + lam_all * all_term + lam_pen * penalty
    return LossTerms(total, policy, value_term, q_term, all_term, penalty)


def over_legal(terms: Tensor, legal: Tensor) -> Tensor:
    """Mean of `terms` [B, N] over the legal moves, `legal` [B, N] of 0 and 1. Returns [B]."""
    return (terms * legal).sum(1) / legal.sum(1).clamp(min=1.0)


def distance(
    logits: Tensor,
    value: Tensor,
    q: Tensor | None,
    teacher_logits: Tensor,
    teacher_value: Tensor,
    teacher_q: Tensor | None,
    stones: Tensor,
) -> Tensor:
    """How far a network's outputs lie from a teacher's, a scalar: KL divergence of the policies over empty cells, plus
    the squared differences of v and, in the mean over legal moves, of q (where both have one).

    Shapes as in `three_head_loss`. Source: Hinton, Vinyals, Dean 2015 (distillation), at temperature 1.
    """
    log_p = torch.log_softmax(logits.masked_fill(stones, -torch.inf), dim=1).masked_fill(stones, 0.0)
    log_t = torch.log_softmax(teacher_logits.masked_fill(stones, -torch.inf), dim=1).masked_fill(stones, 0.0)
    far = (log_t.exp() * (~stones) * (log_t - log_p)).sum(1) + (value - teacher_value) ** 2  # [B]
    if q is not None and teacher_q is not None:
        far = far + over_legal((q - teacher_q) ** 2, (~stones).to(q.dtype))
    return far.mean()


def tabular_q_optimum(pi: np.ndarray, win: np.ndarray, *, lam_q: float = 1.0, lam_all: float = 1.0) -> np.ndarray:
    """The q that minimises the expected loss of one position without penalty, float64 [A].

    pi: probability that each move is played; win: probability that the mover then wins. Shows the critique of the
    AND term: a legal move that is never played gets +1, lost for the mover, whatever it is worth.
    """
    z = 2 * win - 1
    m = float((pi * (1 - win)).sum())
    share = lam_all * m / len(pi)
    return (share - lam_q * pi * z) / (lam_q * pi + share)


def average_duplicates(after: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Merge samples whose board *after the move* is the same.

    after: int8 [S, N], boards after the played move; z: float [S]. Returns (kept int64 [K]: the first sample of each
    group, in order; mean z float32 [K]; mean of max(-z, 0) float32 [K]). Source: the authors' "compute_average", which
    takes max(-mean z, 0) for the last.
    """
    packed = np.ascontiguousarray(after).view(np.dtype((np.void, after.shape[1]))).ravel()
    _, first, group = np.unique(packed, return_index=True, return_inverse=True)
    count = np.bincount(group)
    mean_z = np.bincount(group, weights=z) / count
    mean_lost = np.bincount(group, weights=np.maximum(-z, 0)) / count
    order = np.argsort(first)
    return first[order], mean_z[order].astype(np.float32), mean_lost[order].astype(np.float32)
