"""The search's own boards agree with the rules."""

from __future__ import annotations

import numpy as np
import pytest

from engines.hex.bitboard import Stones, to_arrays
from engines.hex.rules import Position
from engines.hex.snapshots import PASS


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9, 13, 19])
def test_random_games_agree_with_the_rules_in_every_position(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(6):
        rules, stones = Position(size, "none"), Stones.of(np.zeros((size, size), np.int8), 1)
        for move in rng.permutation(size * size):
            rules.play(int(move))
            stones = stones.play(int(move))
            assert stones.won == bool(rules.winner)
            assert stones.winner == rules.winner
            if rules.winner:
                break
        cells, to_move = to_arrays([stones])
        np.testing.assert_array_equal(cells[0], rules.cells)
        assert to_move[0] == 3 - rules.winner
        assert Stones.of(cells[0], int(to_move[0])).ends == stones.ends


def test_a_batch_keeps_its_order() -> None:
    start = Stones.of(np.zeros((4, 4), np.int8), 1)
    line = [start, start.play(5), start.play(5).play(10)]
    cells, to_move = to_arrays(line)
    assert cells.shape == (3, 4, 4)
    assert cells.dtype == np.int8
    assert to_move.tolist() == [1, 2, 1]
    assert cells.reshape(3, 16)[:, 5].tolist() == [0, 1, 1]
    assert cells.reshape(3, 16)[:, 10].tolist() == [0, 0, 2]


def test_a_pass_changes_the_player_and_nothing_else() -> None:
    start = Stones.of(np.zeros((4, 4), np.int8), 1).play(3)
    passed = start.play(PASS)
    assert passed.to_move == 1
    assert passed.key != start.key
    assert passed.play(PASS).key == start.key
    assert (passed.black, passed.white) == (start.black, start.white)


def test_a_set_up_board_knows_its_winner() -> None:
    cells = np.zeros((4, 4), np.int8)
    cells[2, :] = 2
    assert Stones.of(cells, 1).winner == 2
    assert Stones.of(cells.T.copy(), 1).winner == 0


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_winning_cells_are_those_whose_move_wins(size: int) -> None:
    rng = np.random.default_rng(size)
    found = 0
    for _ in range(40):
        stones = Stones.of(np.zeros((size, size), np.int8), 1)
        for move in rng.permutation(size * size):
            wins = stones.winning_cells()
            taken = stones.black | stones.white
            for cell, bit in enumerate(stones.geometry.bit):
                if not taken & bit:
                    assert bool(wins & bit) == stones.play(cell).won
                    found += bool(wins & bit)
            assert stones.opponent_winning_cells() == stones.play(PASS).winning_cells()
            stones = stones.play(int(move))
            if stones.won:
                break
        assert not wins & taken
    assert found > 0
