"""Random positions of small boards with their exact solution, to measure a network by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engines.hex.evaluator import Evaluates


@dataclass(frozen=True)
class Probes:
    """K unfinished positions. cells: int8 [K, n, n]; mover: int8 [K]; value: int8 [K], +1 won for the mover, -1 lost;
    moves: int8 [K, N], +1 a winning move, -1 a losing one, 0 a stone."""

    cells: np.ndarray
    mover: np.ndarray
    value: np.ndarray
    moves: np.ndarray

    @staticmethod
    def random(size: int, count: int, *, seed: int, check: Callable[[], None] = lambda: None) -> Probes:
        """Positions after a uniformly random number of uniformly random moves, without finished ones."""
        from engines.hex.rules import Position
        from engines.hex.solver import Solver

        rng = np.random.default_rng(seed)
        solver = Solver(size)
        cells: list[np.ndarray] = []
        movers: list[int] = []
        values: list[int] = []
        moves: list[np.ndarray] = []
        while len(cells) < count:
            check()
            position = Position(size, swap="none")
            for cell in rng.permutation(size**2)[: rng.integers(0, size**2 - 1)]:
                position.play(int(cell))
                if position.winner:
                    break
            if position.winner:
                continue
            solution = solver.solve(position.cells, position.to_move, check=check)
            cells.append(position.cells.copy())
            movers.append(position.to_move)
            values.append(solution.value)
            moves.append(solution.moves)
        return Probes(np.array(cells), np.array(movers, np.int8), np.array(values, np.int8), np.array(moves))


def score(evaluator: Evaluates, probes: Probes) -> dict[str, float]:
    """How a network reads the probes.

    v_sign, q_sign: share of positions, and of legal moves, whose value has the right sign. policy_top1: share of won
    positions whose most likely move wins. consistency: mean of |min q + v|. NaN where there is no q-head.
    """
    out = evaluator.evaluate(probes.cells, probes.mover)
    won = probes.value > 0
    top = out.prior.argmax(1)
    legal = probes.moves != 0
    result = {
        "v_sign": float(((out.value > 0) == won).mean()),
        "policy_top1": float((probes.moves[np.arange(len(top)), top] > 0)[won].mean()),
        "q_sign": float("nan"),
        "consistency": float("nan"),
    }
    if out.q is not None:
        result["q_sign"] = float(((out.q < 0) == (probes.moves > 0))[legal].mean())
        least = np.where(legal, out.q, 3.0).min(1)
        result["consistency"] = float(np.abs(least + out.value).mean())
    return result
