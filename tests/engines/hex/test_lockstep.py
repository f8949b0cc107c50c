"""The lockstep search: bookkeeping, proofs, and equality with searching each board alone (check 9.7)."""

import numpy as np
import pytest
import torch

from engines.hex.evaluator import Evaluator
from engines.hex.lockstep import Lockstep, connected, considered_visits
from engines.hex.nets import HexNet, NetConfig

GAMES, SIZE = 6, 4


def evaluator(heads: str = "three") -> Evaluator:
    torch.manual_seed(1)
    return Evaluator(HexNet(NetConfig(1, 8, heads)))


def positions(count: int = GAMES, size: int = SIZE, stones: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    cells = np.zeros((count, size**2), np.int8)
    for row in cells:
        chosen = rng.permutation(size**2)[:stones]
        row[chosen] = 1 + np.arange(stones) % 2
    mover = torch.full((count,), 1 + stones % 2, dtype=torch.int8)
    return torch.as_tensor(cells).view(count, size, size), mover


@pytest.mark.parametrize("n0", [0, 2, 10])
@pytest.mark.parametrize("gumbel", [False, True])
def test_check_9_7_games_in_lockstep_equal_games_alone(n0: int, gumbel: bool) -> None:
    """With Gumbel the noise is drawn per batch, so it is switched off by drawing games one by one from one state."""
    cells, mover = positions()
    search = Lockstep(evaluator(), simulations=40, n0=n0, gumbel=False)
    together = search.search(cells, mover)
    for game in range(GAMES):
        alone = search.search(cells[game : game + 1], mover[game : game + 1])
        assert alone.visits[0].tolist() == together.visits[game].tolist()
        np.testing.assert_allclose(alone.q[0], together.q[game], atol=1e-5)
    if gumbel:
        drawn = Lockstep(evaluator(), simulations=40, n0=n0, gumbel=True)
        result = drawn.search(cells, mover, torch.Generator().manual_seed(0))
        taken = result.visits.sum(1)
        assert ((taken == 40) | (result.status != 0)).all()


@pytest.mark.parametrize("n0", [0, 3])
def test_check_9_7_visits_add_up_and_values_stay_in_range(n0: int) -> None:
    cells, mover = positions(stones=2)
    result = Lockstep(evaluator(), simulations=50, n0=n0).search(cells, mover)
    open_games = result.status == 0
    assert (result.visits.sum(1)[open_games] == 50).all()
    assert result.q.abs().max() <= 1
    assert (result.visits[cells.flatten(1) != 0] == 0).all()
    assert result.net_calls <= result.simulations + GAMES


def test_delayed_expansion_saves_network_calls() -> None:
    cells, mover = positions(stones=2)
    calls = [Lockstep(evaluator(), simulations=100, n0=n0).search(cells, mover).net_calls for n0 in (0, 2, 10)]
    assert calls[0] > 2 * calls[1] > 2 * calls[2]


def test_two_heads_search_with_n0_zero_whatever_is_asked() -> None:
    cells, mover = positions(stones=2)
    calls = [Lockstep(evaluator("two"), simulations=30, n0=n0).search(cells, mover).net_calls for n0 in (0, 10)]
    assert calls[0] == calls[1]


def test_check_9_7_proofs_agree_with_the_solver() -> None:
    from engines.hex.solver import Solver

    cells, mover = positions(40, 3, 3)
    result = Lockstep(evaluator(), simulations=300).search(cells, mover)
    solver = Solver(3)
    proven = 0
    for game in range(40):
        if connected(cells[game : game + 1] == 1, rows=torch.tensor([True])):
            continue
        exact = solver.solve(cells[game].numpy(), int(mover[game]))
        if result.status[game]:
            proven += 1
            assert int(result.status[game]) == exact.value
            if exact.value > 0:
                assert exact.moves[int(result.choice[game])] > 0
    assert proven > 20


def test_a_win_in_one_is_proven_and_chosen() -> None:
    cells = torch.zeros(1, 3, 3, dtype=torch.int8)
    cells[0, 0, 1] = cells[0, 1, 1] = 1
    cells[0, 0, 0] = cells[0, 1, 0] = 2
    result = Lockstep(evaluator(), simulations=20).search(cells, torch.ones(1, dtype=torch.int8))
    assert int(result.status[0]) == 1
    assert int(result.choice[0]) in (6, 7)
    assert float(result.improved[0, [6, 7]].sum()) == pytest.approx(1.0)


def test_connection_agrees_with_the_rules_on_random_fillings() -> None:
    from engines.hex.rules import Position

    rng = np.random.default_rng(5)
    for size in (2, 3, 5, 8):
        for _ in range(30):
            position = Position(size, swap="none")
            for cell in rng.permutation(size**2):
                if position.winner:
                    break
                position.play(int(cell))
            black = torch.as_tensor(position.cells[None] == 1)
            white = torch.as_tensor(position.cells[None] == 2)
            assert bool(connected(black, rows=torch.tensor([True]))) == (position.winner == 1)
            assert bool(connected(white, rows=torch.tensor([False]))) == (position.winner == 2)


def test_root_noise_changes_only_the_root_and_comes_from_the_generator() -> None:
    cells, mover = positions(stones=2)
    search = Lockstep(evaluator(), simulations=30, noise=0.5)
    first = search.search(cells, mover, torch.Generator().manual_seed(1)).visits
    again = search.search(cells, mover, torch.Generator().manual_seed(1)).visits
    other = search.search(cells, mover, torch.Generator().manual_seed(2)).visits
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_sequential_halving_gives_the_known_table() -> None:
    assert considered_visits(4, 8) == [0, 0, 0, 0, 1, 1, 2, 2]
    assert considered_visits(1, 3) == [0, 1, 2]
    assert len(considered_visits(16, 33)) == 33


@pytest.mark.parametrize("heads", ["three", "two"])
def test_the_gumbel_policy_is_that_of_the_interactive_search(heads: str) -> None:
    """Unvisited moves are completed by the q-head, or without one by the mixed value."""
    from engines.hex.gumbel import improved_policy

    cells, mover = positions(stones=2)
    net = evaluator(heads)
    search = Lockstep(net, simulations=12, gumbel=True, considered=4)
    result = search.search(cells, mover, torch.Generator().manual_seed(3))
    out = net.evaluate(cells.numpy(), mover.numpy())
    compared = 0
    for game in range(GAMES):
        if (search.S[search.base[game]] != 0).any():
            continue
        visits = result.visits[game].numpy()
        known = np.full(SIZE**2, np.nan) if out.q is None else -out.q[game].astype(np.float64)
        values = np.where(visits > 0, result.q[game].numpy(), known)
        expected = improved_policy(out.prior[game], visits, values, float(out.value[game]))
        np.testing.assert_allclose(result.improved[game].numpy(), expected, atol=1e-4)
        compared += 1
    assert compared >= 3


def test_a_gumbel_root_never_chooses_a_move_proven_to_lose_while_others_are_open() -> None:
    met = 0
    for seed in range(4):
        cells, mover = positions(40, 3, 3)
        search = Lockstep(evaluator(), simulations=9, gumbel=True, considered=4)
        result = search.search(cells, mover, torch.Generator().manual_seed(seed))
        lost = search.S[search.base] == -1
        open_games = result.status == 0
        top = result.visits == result.visits.amax(1, keepdim=True)
        met += int((open_games & ((top & lost).sum(1) == top.sum(1))).sum())
        chosen = lost.gather(1, result.choice.unsqueeze(1)).squeeze(1)
        assert not (chosen & open_games).any()
        assert (result.improved[open_games][lost[open_games]] == 0).all()
    assert met, "no position in which the most visited moves are all proven to lose"


def test_a_gumbel_root_without_a_generator_repeats_itself() -> None:
    cells, mover = positions(stones=2)
    search = Lockstep(evaluator(), simulations=12, gumbel=True, considered=4)
    first = search.search(cells, mover)
    torch.manual_seed(99)
    again = search.search(cells, mover)
    assert torch.equal(first.visits, again.visits)
    assert torch.equal(first.choice, again.choice)


def test_the_check_stops_a_search() -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        Lockstep(evaluator(), simulations=10, check=stop).search(*positions())
