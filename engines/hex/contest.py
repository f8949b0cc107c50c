"""Games between two networks in lockstep, for the Elo of checkpoints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from engines.hex.lockstep import Lockstep, connected


def opening_cells(size: int, count: int) -> np.ndarray:
    """`count` different first moves spread over the board, int64 [count]; balanced and lopsided ones alike."""
    cells = np.arange(size**2)
    return cells[np.linspace(0, len(cells) - 1, min(count, len(cells))).round().astype(int)]


@torch.inference_mode()
def contest(
    first: Lockstep, second: Lockstep, size: int, openings: np.ndarray, *, check: Callable[[], None] = lambda: None
) -> np.ndarray:
    """Play every opening twice with colours exchanged, without randomness.

    openings: int [K] first moves of Black. Returns bool [2, K]: whether `first` won as Black, as White.
    """
    device = first.evaluator.device
    won = np.zeros((2, len(openings)), bool)
    for colour in (0, 1):
        cells = torch.zeros(len(openings), size, size, dtype=torch.int8, device=device)
        cells.view(len(openings), -1)[torch.arange(len(openings)), torch.as_tensor(openings)] = 1
        alive = np.arange(len(openings))
        black, white = (first, second) if colour == 0 else (second, first)
        mover = 2
        while len(alive):
            check()
            movers = torch.full((len(alive),), mover, dtype=torch.int8, device=device)
            result = (black if mover == 1 else white).search(cells, movers)
            rows = torch.arange(len(alive), device=device)
            cells.view(len(alive), -1)[rows, result.choice] = mover
            ended = connected(cells == mover, rows=torch.full_like(rows, mover == 1, dtype=torch.bool))
            winner = torch.where(ended | (result.status == 1), mover, torch.where(result.status == -1, 3 - mover, 0))
            by = winner.cpu().numpy()
            won[colour, alive[by > 0]] = by[by > 0] == colour + 1
            left = np.flatnonzero(by == 0)
            cells, alive = cells[torch.as_tensor(left, device=device)], alive[left]
            mover = 3 - mover
    return won
