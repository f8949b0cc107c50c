"""Samples of games, their window, and self-play itself."""

import numpy as np
import torch

from engines.hex.evaluator import Evaluator
from engines.hex.lockstep import Lockstep
from engines.hex.nets import HexNet, NetConfig
from engines.hex.rules import Position
from engines.hex.samples import Samples, Window, of_game
from engines.hex.selfplay import SelfPlay


def game(size: int = 3, winner: int = 1) -> Samples:
    actions = np.array([4, 0, 1, 3, 7])
    pi = np.eye(size**2, dtype=np.float16)[actions]
    return of_game(size, np.zeros(size**2, np.int8), 1, actions, pi, winner, skip=1)


def test_a_game_leaves_the_boards_before_each_move_without_the_random_opening() -> None:
    samples = game()
    assert samples.mover.tolist() == [2, 1, 2, 1]
    assert samples.z.tolist() == [-1, 1, -1, 1]
    assert samples.lost.tolist() == [1, 0, 1, 0]
    assert samples.cells[0].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert samples.cells[3].tolist() == [2, 1, 0, 2, 1, 0, 0, 0, 0]


def test_pitfall_6_turning_moves_board_policy_and_action_together() -> None:
    samples = game()
    turned = samples.turned(np.ones(len(samples), bool))
    assert turned.action.tolist() == [8, 7, 5, 1]
    np.testing.assert_array_equal(turned.cells, samples.cells[:, ::-1])
    assert (turned.pi.argmax(1) == turned.action).all()
    back = turned.turned(np.ones(len(samples), bool))
    np.testing.assert_array_equal(back.cells, samples.cells)
    np.testing.assert_array_equal(back.action, samples.action)


def test_merging_averages_the_results_of_equal_boards_after_the_move() -> None:
    won, lost = game(winner=1), game(winner=2)
    both = Samples(3, *(np.concatenate([getattr(won, k), getattr(lost, k)]) for k in won.arrays() if k != "size"))
    merged = both.merged()
    assert len(merged) == len(won)
    np.testing.assert_allclose(merged.z, 0)
    np.testing.assert_allclose(merged.lost, 0.5)


def test_the_window_forgets_and_survives_a_checkpoint() -> None:
    window = Window(2)
    for _ in range(3):
        window.add([game()])
    assert len(window) == 8
    other = Window(2)
    other.restore(window.state())
    first = [b.arrays() for b in window.batches(4, merge=False, rng=np.random.default_rng(1))]
    again = [b.arrays() for b in other.batches(4, merge=False, rng=np.random.default_rng(1))]
    assert len(first) == 2
    for a, b in zip(first, again, strict=True):
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_batches_hold_one_size_each() -> None:
    window = Window(1)
    large = Samples(4, np.zeros((9, 16), np.int8), np.ones(9, np.int8), np.full((9, 16), 1 / 16, np.float16),
                    np.arange(9, dtype=np.int16), np.ones(9, np.float32), np.zeros(9, np.float32),
                    np.zeros((9, 16), np.int8))  # fmt: skip
    window.add([game(), large])
    sizes = [b.size for b in window.batches(4, merge=False, rng=np.random.default_rng(0))]
    assert sorted(sizes) == [3, 4, 4]


def test_self_play_games_are_legal_finished_and_won_by_who_z_says() -> None:
    torch.manual_seed(0)
    search = Lockstep(Evaluator(HexNet(NetConfig(1, 8))), simulations=16, noise=0.25)
    player = SelfPlay(4, 8, sampled_moves=5, seed=1)
    batch = player.play(search, 20)
    assert batch.games >= 20
    samples = batch.samples
    np.testing.assert_allclose(samples.pi.astype(np.float32).sum(1), 1, atol=0.01)
    rows = np.arange(len(samples))
    assert (samples.cells[rows, samples.action] == 0).all()
    counts = (samples.cells == 1).sum(1) - (samples.cells == 2).sum(1)
    assert (counts == samples.mover - 1).all()
    # The last sample of a game is a proven win, or leads to one: playing on perfectly must agree with z.
    from engines.hex.solver import Solver

    solver = Solver(4)
    ends = np.flatnonzero(np.append(np.diff((samples.cells > 0).sum(1)) <= 0, True))
    for end in ends:
        cells = samples.cells[end].reshape(4, 4)
        position = Position.from_cells(cells, int(samples.mover[end]))
        position.play(int(samples.action[end]))
        mover = int(samples.mover[end])
        winner = position.winner
        if not winner:
            value = solver.solve(position.cells, position.to_move).value
            winner = position.to_move if value > 0 else 3 - position.to_move
        assert (winner == mover) == (samples.z[end] > 0)


def test_the_same_seed_plays_the_same_games() -> None:
    def actions() -> list[int]:
        torch.manual_seed(0)
        search = Lockstep(Evaluator(HexNet(NetConfig(1, 8))), simulations=8, noise=0.25)
        return SelfPlay(3, 4, sampled_moves=3, seed=9).play(search, 6).samples.action.tolist()

    assert actions() == actions()


def test_without_refill_every_board_is_played_to_its_end_once() -> None:
    search = Lockstep(Evaluator(HexNet(NetConfig(1, 8))), simulations=8)
    assert SelfPlay(3, 7, sampled_moves=9, seed=2).play(search, 7, refill=False).games == 7


def test_random_openings_leave_no_samples_and_keep_the_turns() -> None:
    torch.manual_seed(0)
    search = Lockstep(Evaluator(HexNet(NetConfig(1, 8))), simulations=8)
    player = SelfPlay(4, 16, sampled_moves=0, seed=3, random_moves=3)
    assert sorted(set(player.length.tolist())) == [1, 2, 3]
    stones = (player.cells.flatten(1) != 0).sum(1).numpy()
    np.testing.assert_array_equal(stones, player.length)
    np.testing.assert_array_equal(player.mover.numpy(), 1 + player.length % 2)
    samples = player.play(search, 16, refill=False).samples
    counts = (samples.cells == 1).sum(1) - (samples.cells == 2).sum(1)
    assert (counts == samples.mover - 1).all()
    np.testing.assert_allclose(samples.pi.astype(np.float32).sum(1), 1, atol=0.01)
