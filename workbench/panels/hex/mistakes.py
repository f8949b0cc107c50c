"""How a game went: Red's chances move by move, and which moves threw them away. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engines.hex.snapshots import PASS, RESIGN, SWAP, ReviewSnapshot

Severity = Literal["fine", "inaccuracy", "mistake", "blunder"]
SEVERITIES: tuple[Severity, ...] = ("fine", "inaccuracy", "mistake", "blunder")


@dataclass(frozen=True)
class Thresholds:
    """From how many lost points of win % on (0..100) a move counts as what; rising."""

    inaccuracy: float = 5.0
    mistake: float = 12.0
    blunder: float = 25.0

    def __post_init__(self) -> None:
        if not 0 < self.inaccuracy <= self.mistake <= self.blunder <= 100:
            raise ValueError(
                "expected 0 < inaccuracy <= mistake <= blunder <= 100, "
                f"got {self.inaccuracy}, {self.mistake}, {self.blunder}"
            )

    def severity(self, loss: float) -> Severity:
        """What a loss of so many points is; NaN is fine."""
        if loss >= self.blunder:
            return "blunder"
        if loss >= self.mistake:
            return "mistake"
        return "inaccuracy" if loss >= self.inaccuracy else "fine"


@dataclass(frozen=True)
class WinCurve:
    """A game of k moves in win %.

    red: float64 [k + 1], the first player's win % at each position, NaN where unknown.
    loss: float64 [k], points that the mover lost by each move (never below 0), NaN where unknown.
    player: int8 [k], 1 or 2, who moved. move: int32 [k], the cell, SWAP, RESIGN or PASS. best: int32 [k], the
    move the engine preferred, -4 where unknown.
    """

    red: np.ndarray
    loss: np.ndarray
    player: np.ndarray
    move: np.ndarray
    best: np.ndarray

    @property
    def length(self) -> int:
        return len(self.move)


@dataclass(frozen=True)
class Mistake:
    """A move that lost points. ply: number of positions before it, so that `ply` shows the board it was
    played on."""

    ply: int
    player: int
    move: int
    best: int
    loss: float
    severity: Severity


def curve_of_review(review: ReviewSnapshot) -> WinCurve:
    """The curve of a review, as far as it has come.

    The engine's own choice loses nothing: where its value falls after it, the engine has changed its mind.
    """
    count = len(review.black_value) - 1
    red = 50.0 * (1.0 + review.black_value.astype(np.float64))
    loss = np.full(count, np.nan)
    player = np.where(np.arange(count) % 2 == 0, 1, 2).astype(np.int8)
    move, best = np.full(count, -4, np.int32), np.full(count, -4, np.int32)
    for reviewed in review.moves:
        loss[reviewed.index] = 0.0 if reviewed.move == reviewed.best else max(100.0 * reviewed.loss, 0.0)
        player[reviewed.index] = reviewed.player
        move[reviewed.index] = reviewed.move
        best[reviewed.index] = reviewed.best
    return WinCurve(red, loss, player, move, best)


def curve_of_values(
    black_value: np.ndarray, player: Sequence[int], move: Sequence[int], best: Sequence[int] | None = None
) -> WinCurve:
    """A curve from the values [-1, 1] for the first player that live analysis has left at each position."""
    red = 50.0 * (1.0 + np.asarray(black_value, np.float64))
    movers = np.asarray(player, np.int8)
    if len(red) != len(movers) + 1:
        raise ValueError(f"expected {len(movers) + 1} values for {len(movers)} moves, got {len(red)}")
    moves = np.asarray(move, np.int32)
    change = np.where(movers == 1, red[:-1] - red[1:], red[1:] - red[:-1])
    # Giving up or passing is not judged, and a swap is judged like any other choice.
    change = np.where((moves == RESIGN) | (moves == PASS), np.nan, change)
    wanted = np.full(len(moves), -4, np.int32) if best is None else np.asarray(best, np.int32)
    return WinCurve(red, np.maximum(change, 0.0), movers, moves, wanted)


def biggest_mistakes(
    curve: WinCurve, thresholds: Thresholds, *, count: int = 10, player: int = 0
) -> tuple[Mistake, ...]:
    """The moves that lost most, worst first, none below the first threshold. player: only that one's (0:
    both)."""
    order = np.argsort(-np.nan_to_num(curve.loss, nan=-1.0), kind="stable")
    found = [
        Mistake(
            ply,
            int(curve.player[ply]),
            int(curve.move[ply]),
            int(curve.best[ply]),
            float(curve.loss[ply]),
            thresholds.severity(float(curve.loss[ply])),
        )
        for ply in order.tolist()
        if curve.loss[ply] >= thresholds.inaccuracy and (not player or curve.player[ply] == player)
    ]
    return tuple(found[:count])


def tally(curve: WinCurve, thresholds: Thresholds, player: int) -> dict[Severity, int]:
    """How many moves of each kind a player made, unknown ones left out."""
    losses = curve.loss[(curve.player == player) & np.isfinite(curve.loss)]
    kinds = [thresholds.severity(float(loss)) for loss in losses]
    return {kind: kinds.count(kind) for kind in SEVERITIES}


def mean_loss(curve: WinCurve, player: int) -> float:
    """Points of win % that a player lost per judged move; NaN if none was judged."""
    losses = curve.loss[(curve.player == player) & np.isfinite(curve.loss) & (curve.move != SWAP)]
    return float(losses.mean()) if len(losses) else float("nan")
