"""How the shipped networks play, against perfect play on 5×5."""

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.hex.coordinates import cell_name
from engines.hex.peers import NetworkMover
from engines.hex.rules import Position
from engines.hex.search_settings import SearchSettings
from engines.hex.solver import Solver
from engines.hex.spec import SHIPPED_THREE_HEAD

SIMULATIONS = 400


@pytest.fixture(scope="module")
def mover() -> NetworkMover:
    from engines.hex.evaluator import load_evaluator

    try:
        return NetworkMover(load_evaluator(SHIPPED_THREE_HEAD, "cpu"), SearchSettings(), simulations=SIMULATIONS)
    except UserError as error:
        pytest.skip(f"the shipped weights are not here: {error}")


def lost(
    mover: NetworkMover, solver: Solver, openings: list[int], colour: int, rng: np.random.Generator | None
) -> list[str]:
    """The openings from which the network, playing `colour`, loses to the solver. rng: breaks the solver's ties."""
    names = []
    for opening in openings:
        position = Position(5, swap="none")
        position.play(opening)
        mover.new_game(5)
        while not position.winner:
            if position.to_move == colour:
                position.play(mover.move(position.moves, 0.0).move)
            else:
                position.play(solver.best_move(position.cells, position.to_move, rng=rng))
        if position.winner != colour:
            names.append(cell_name(opening, 5))
    return names


@pytest.mark.slow
def test_on_5x5_the_network_wins_every_won_opening_against_the_best_defence(mover: NetworkMover) -> None:
    """Every first move of Black's: the network has the side that wins, 400 simulations a move, and the solver defends,
    with a fixed choice among equal defences for Black's openings, and with a random one for all."""
    solver = Solver(5)
    values = solver.solve(np.zeros((5, 5), np.int8), 1).moves
    winning, losing = (np.flatnonzero(values == value).tolist() for value in (1, -1))
    assert len(winning) == 13
    assert lost(mover, solver, winning, 1, None) == []
    rng = np.random.default_rng(0)
    assert lost(mover, solver, winning, 1, rng) == []
    assert lost(mover, solver, losing, 2, rng) == []
