"""The vectorised flood fill, and the exact chances of random play that it lets us count."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from engines.hex.floodfill import joins_top_and_bottom, winners
from engines.hex.rules import Position


def test_a_snake_through_the_whole_board_is_followed_to_its_end() -> None:
    snake = np.array(
        [
            [1, 1, 1, 1, 1],
            [0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1],
            [1, 0, 0, 0, 0],
            [1, 1, 1, 1, 1],
        ],
        bool,
    )
    cut = snake.copy()
    cut[2, 2] = False
    assert joins_top_and_bottom(np.stack([snake, cut])).tolist() == [True, False]


def test_the_two_diagonals_differ_as_only_one_is_made_of_neighbours() -> None:
    falling, rising = np.eye(4, dtype=bool), np.eye(4, dtype=bool)[::-1]
    assert joins_top_and_bottom(np.stack([falling, rising])).tolist() == [False, True]


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 4), (1, 33, 33)])
def test_arrays_that_are_no_boards_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected boards"):
        winners(np.zeros(shape, np.int8))


def test_no_boards_have_no_winners() -> None:
    assert winners(np.zeros((0, 5, 5), np.int8)).shape == (0,)


@pytest.mark.parametrize("size", range(2, 20))
def test_check_9_2_any_filled_board_has_exactly_one_connected_side(size: int) -> None:
    rng = np.random.default_rng(size)
    black = rng.random((2000, size, size)) < 0.5
    by_black = joins_top_and_bottom(black)
    by_white = joins_top_and_bottom(~black.transpose(0, 2, 1))
    assert np.all(by_black != by_white)
    assert np.array_equal(winners(np.where(black, 1, 2)), np.where(by_black, 1, 2))


def fillings(size: int, stones: int) -> np.ndarray:
    """All ways to place that many black stones, bool [ways, size, size]."""
    cells = np.array(list(combinations(range(size * size), stones)))
    boards = np.zeros((len(cells), size * size), bool)
    boards[np.arange(len(cells))[:, None], cells] = True
    return boards.reshape(-1, size, size)


def test_check_9_2_uniform_play_on_3x3_is_won_84_times_in_126() -> None:
    won = joins_top_and_bottom(fillings(3, 5))
    assert (won.sum(), len(won)) == (84, 126)


@pytest.mark.parametrize("size", [2, 4])
def test_check_9_2_uniform_play_on_even_boards_is_won_half_the_time(size: int) -> None:
    won = joins_top_and_bottom(fillings(size, size * size // 2))
    assert 2 * won.sum() == len(won)


def test_check_9_2_uniform_play_on_5x5_is_won_2981241_times_in_5200300() -> None:
    """All fillings with 13 black stones, 2²⁰ words of 25 bits at a time."""
    won = total = 0
    for first in range(0, 1 << 25, 1 << 20):
        words = np.arange(first, first + (1 << 20), dtype="<u4")
        words = words[np.bitwise_count(words) == 13]
        bits = np.unpackbits(words.view(np.uint8).reshape(-1, 4), axis=1, bitorder="little")[:, :25]
        won += int(joins_top_and_bottom(bits.reshape(-1, 5, 5)).sum())
        total += len(words)
    assert (won, total) == (2_981_241, 5_200_300)


def test_check_9_2_stopping_at_the_win_changes_nothing() -> None:
    """Games stopped at the win, 5×5: within 4.5 standard errors of 2981241/5200300."""
    rng = np.random.default_rng(1)
    games, won = 20_000, 0
    for _ in range(games):
        position = Position(5, "none")
        for move in rng.permutation(25).tolist():
            position.play(move)
            if position.winner:
                break
        won += position.winner == 1
    chance = 2_981_241 / 5_200_300
    assert abs(won / games - chance) < 4.5 * (chance * (1 - chance) / games) ** 0.5
