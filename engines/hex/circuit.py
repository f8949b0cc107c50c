"""Which cells matter: the board as an electric circuit between a player's two edges.

Source: Shannon's analogue Hex machine as described by Anshelevich 2002, section 5: own stones conduct,
empty cells resist, the rival's insulate. Cells that carry much current are worth playing.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from engines.hex.rules import BLACK, WHITE, neighbours

STONE_RESISTANCE: Final = 0.1
"""Of an own stone, an empty cell being 1: small, and still leaving differences between stones."""
RIVAL_WEIGHT: Final = 0.7
"""How much the rival's current counts beside the mover's; found best for the solver on 5×5 among 0.7, 1,
1.4."""


@cache
def _links(size: int) -> np.ndarray:
    """Which nodes touch, float64 [2, N+2, N+2]: for Black and White, nodes N and N+1 being the player's
    edges."""
    area = size * size
    links = np.zeros((2, area + 2, area + 2))
    for cell, cells in enumerate(neighbours(size)):
        links[:, cell, list(cells)] = 1
        for colour, line in enumerate(divmod(cell, size)):
            for node, at in ((area, 0), (area + 1, size - 1)):
                if line == at:
                    links[colour, cell, node] = links[colour, node, cell] = 1
    return links


def current(cells: np.ndarray, to_move: int) -> np.ndarray:
    """The current through every cell, the mover's plus `RIVAL_WEIGHT` times the rival's: float64 [N].

    cells: int [n, n] of 0, 1 (Black), 2 (White). One volt lies between the edges of each player.
    """
    size = len(cells)
    area = size * size
    stones = cells.ravel()
    resistance = np.full((2, area + 2), STONE_RESISTANCE)
    conducts = np.ones((2, area + 2))
    for colour in (BLACK, WHITE):
        resistance[colour - 1, :area][stones != colour] = 1.0
        conducts[colour - 1, :area][stones == 3 - colour] = 0.0
    conductance = _links(size) / (resistance[:, :, None] + resistance[:, None, :])
    conductance *= conducts[:, :, None] * conducts[:, None, :]
    laplacian = -conductance[:, :area, :area]
    diagonal = np.arange(area)
    laplacian[:, diagonal, diagonal] = conductance[:, :area].sum(2) + 1e-9  # insulated cells stay solvable
    volts = np.zeros((2, area + 2))
    volts[:, area] = 1.0
    volts[:, :area] = np.linalg.solve(laplacian, conductance[:, :area, area, None])[..., 0]
    flow = (conductance * np.abs(volts[:, :, None] - volts[:, None, :])).sum(2)[:, :area]
    return flow[to_move - 1] + RIVAL_WEIGHT * flow[2 - to_move]
