"""Exact values in training samples, against exhaustive search."""

import numpy as np
import pytest
import torch

from engines.hex.bitboard import Stones
from engines.hex.evaluator import Evaluator
from engines.hex.lockstep import Lockstep
from engines.hex.nets import HexNet, NetConfig
from engines.hex.perfect import Perfect
from engines.hex.samples import Samples, join
from engines.hex.selfplay import SelfPlay
from tests.engines.hex.oracles import empty_cells, exact_value, random_position


def random_samples(size: int, stones: range, count: int, seed: int) -> Samples:
    """Open positions with a random move, a random policy, and a result that means nothing."""
    rng = np.random.default_rng(seed)
    cells = np.stack([random_position(size, int(rng.choice(stones)), rng).ravel() for _ in range(count)])
    mover = (1 + (cells != 0).sum(1) % 2).astype(np.int8)
    pi = np.where(cells == 0, rng.random(cells.shape) ** 4, 0.0)
    pi[: count // 4] = 0  # a search that saw one move only
    pi[np.arange(count // 4), [rng.choice(np.flatnonzero(row == 0)) for row in cells[: count // 4]]] = 1
    action = np.array([rng.choice(np.flatnonzero(row == 0)) for row in cells], np.int16)
    z = rng.choice(np.array([-1, 1], np.float32), count)
    pi = (pi / pi.sum(1, keepdims=True)).astype(np.float16)
    return Samples(size, cells, mover, pi, action, z, np.maximum(-z, 0), np.zeros_like(cells))


@pytest.mark.parametrize(("size", "stones"), [(3, range(7)), (4, range(9, 14))])
def test_rescored_samples_say_what_exhaustive_search_says(size: int, stones: range) -> None:
    before = random_samples(size, stones, 150, seed=size)
    after = Perfect(size).rescored(before)
    for i in range(len(before)):
        position = Stones.of(before.cells[i].reshape(size, size), int(before.mover[i]))
        moves = empty_cells(position)
        wins = [move for move in moves if exact_value(position.play(move)) < 0]
        expected = np.zeros(size * size, np.int8)
        expected[moves] = -1
        expected[wins] = 1
        np.testing.assert_array_equal(after.exact[i], expected)
        assert after.z[i] == exact_value(position) == (1 if wins else -1)
        assert after.lost[i] == max(-after.z[i], 0)
        old, new = (s.pi[i].astype(np.float64) for s in (before, after))
        if not wins:
            np.testing.assert_array_equal(new, old)
            assert after.action[i] == before.action[i]
            continue
        assert after.action[i] in wins
        assert after.action[i] == before.action[i] or before.action[i] not in wins
        share = old[wins] / old[wins].sum() if old[wins].any() else np.full(len(wins), 1 / len(wins))
        np.testing.assert_allclose(new[wins], share, atol=2e-3)
        assert new.sum() == pytest.approx(1, abs=2e-3)
    assert {-1.0, 1.0} == set(after.z.tolist())
    assert (after.z != before.z).any()


def test_a_board_and_its_half_turn_are_solved_once_and_told_apart() -> None:
    perfect = Perfect(3)
    samples = random_samples(3, range(1, 5), 40, seed=9)
    once = perfect.rescored(samples)
    solved = perfect._solver.nodes
    turned = perfect.rescored(samples.turned(np.ones(len(samples), bool)))
    assert perfect._solver.nodes == solved
    np.testing.assert_array_equal(turned.exact, once.exact[:, ::-1])


def test_only_samples_that_were_played_are_merged() -> None:
    corner, other = np.zeros((2, 9), np.int8)
    corner[[0, 1]] = 1, 2
    other[[4, 1]] = 1, 2
    cells = np.stack([corner, other, corner])
    action = np.array([4, 0, 8], np.int16)  # the first two lead to one board
    pi = np.eye(9, dtype=np.float16)[action]
    z = np.array([1, -1, 1], np.float32)
    played = Samples(3, cells, np.ones(3, np.int8), pi, action, z, np.maximum(-z, 0), np.zeros_like(cells))
    solved = Perfect(3).rescored(played)
    assert played.merged().z.tolist() == [0, 1]
    assert solved.merged() is solved
    both = join([solved, played]).merged()
    assert len(both) == 5
    assert both.z.tolist() == [0, 1, *solved.z]
    assert both.exact.any(1).tolist() == [False, False, True, True, True]


def test_the_solver_defends_for_the_side_that_its_opening_lost() -> None:
    """The network, untrained, must beat the best defence and rarely can; the defender never gives a win away."""
    torch.manual_seed(0)
    search = Lockstep(Evaluator(HexNet(NetConfig(1, 8))), simulations=4)
    perfect = Perfect(4)
    player = SelfPlay(4, 16, sampled_moves=0, seed=3, random_moves=2, defended=1.0, perfect=perfect)
    for cells, mover, defender in zip(player.cells.numpy(), player.mover.tolist(), player.defender, strict=True):
        wins = (perfect.values(cells.ravel(), mover) > 0).any()
        assert defender == (3 - mover if wins else mover)
    batch = player.play(search, 16, refill=False)
    assert batch.games == 16
    samples = batch.samples
    values = np.stack([perfect.values(c, int(m)) for c, m in zip(samples.cells, samples.mover, strict=True)])
    blunders = (values.max(1) > 0) & (values[np.arange(len(samples)), samples.action] < 0)
    assert blunders.any()  # the network's
    assert not defenders_blunders(samples, values)


def defenders_blunders(samples: Samples, values: np.ndarray) -> list[int]:
    """Samples where a win was given away by the side that had lost after the opening, which the solver played."""
    stones = (samples.cells != 0).sum(1)
    starts = np.flatnonzero(np.append(True, np.diff(stones) <= 0))
    found = []
    for first, last in zip(starts, np.append(starts[1:], len(samples)), strict=True):
        opener = int(samples.mover[first])
        winner = opener if values[first].max() > 0 else 3 - opener
        for i in range(first, last):
            blunder = values[i].max() > 0 and values[i, samples.action[i]] < 0
            if blunder and int(samples.mover[i]) != winner:
                found.append(i)
    return found
