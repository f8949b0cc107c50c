"""A player follows a game: which tree it keeps, when it swaps, what it opens with."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.errors import UserError
from engines.hex.movetext import moves_of
from engines.hex.player import Player
from engines.hex.search import Limits, SearchSettings
from engines.hex.snapshots import PASS, RESIGN, SWAP
from tests.engines.hex.oracles import ExactEvaluator, HashEvaluator

THINK = Limits(simulations=80)


def player(evaluator: object | None = None, **settings: object) -> Player:
    return Player(evaluator or HashEvaluator(), SearchSettings(n0=0, **settings), cache_positions=0)


def test_the_tree_is_kept_along_a_game_and_back() -> None:
    mind = player()
    mind.set_position(5, (), "none")
    mind.think(THINK)
    first, visits = mind.search.root, mind.search.visits
    move = mind.decide()
    mind.set_position(5, (move,), "none")
    assert mind.search.visits.sum() > 0
    mind.think(THINK)
    deeper = mind.search.visits.sum()
    mind.set_position(5, (), "none")
    assert mind.search.root == first
    np.testing.assert_array_equal(mind.search.visits, visits)
    mind.set_position(5, (move,), "none")
    assert mind.search.visits.sum() == deeper


def test_another_game_gets_another_tree() -> None:
    mind = player()
    mind.set_position(5, (0, 7), "none")
    mind.think(THINK)
    mind.set_position(6, (0, 7), "none")
    assert mind.search.visits.sum() == 0
    assert mind.search.size == 6


def test_an_illegal_game_changes_nothing() -> None:
    mind = player()
    mind.set_position(5, (3,), "none")
    mind.think(THINK)
    visits = mind.search.visits
    with pytest.raises(UserError):
        mind.set_position(5, (3, 3), "none")
    np.testing.assert_array_equal(mind.search.visits, visits)
    assert mind.position.moves == (3,)


def test_it_swaps_a_winning_opening_and_not_a_losing_one() -> None:
    """3 × 3: the centre wins for Black, the corner a1 loses (check 9.1)."""
    mind = player(ExactEvaluator())
    for opening, answer in ((4, True), (0, False)):
        mind.set_position(3, (opening,), "pieces")
        mind.think(THINK)
        assert (mind.decide() == SWAP) is answer
        mind.set_position(3, (opening,), "none")
        mind.think(THINK)
        assert mind.decide() >= 0


@pytest.mark.parametrize("swap", ["pieces", "sides"])
def test_after_a_swap_the_search_sees_the_board_of_the_rules(swap: str) -> None:
    mind = player()
    mind.set_position(4, (1, SWAP), swap)
    assert mind.search.position.to_move == mind.position.to_move
    mind.think(Limits(simulations=200))
    move = mind.decide()
    mind.set_position(4, (1, SWAP, move), swap)
    assert mind.search.visits.sum() > 0
    expected = {cell for cell in range(16) if mind.position.cells.flat[cell]}
    taken = mind.search.position.black | mind.search.position.white
    bit = mind.search.position.geometry.bit
    assert {cell for cell in range(16) if taken & bit[cell]} == expected


def test_under_a_swap_rule_it_opens_fairly() -> None:
    class Leaning(HashEvaluator):
        """Only b2 and its rotation d4 are even; everything else is won by whoever has it."""

        def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> object:
            out = super().evaluate(cells, to_move)
            even = cells.reshape(len(cells), -1)[:, [6, 18]].any(1)
            return type(out)(out.prior, np.where(even, 0.01, -0.9).astype(np.float32), out.q)

    mind = player(Leaning())
    mind.set_position(5, (), "pieces")
    mind.think(Limits(simulations=5))
    assert {mind.decide() for _ in range(20)} == {6, 18}


def test_resignation_and_passes_are_followed() -> None:
    mind = player()
    mind.set_position(4, (0, PASS, 5), "none")
    assert mind.search.position.to_move == 2 == mind.position.to_move
    mind.set_position(4, (0, PASS, 5, RESIGN), "none")
    assert mind.is_over
    mind.think(THINK)
    assert mind.decide() == -4


def test_a_set_up_position_is_searched_for_the_player_given() -> None:
    cells = np.zeros((4, 4), np.int8)
    cells[1, 1] = cells[2, 2] = 1
    mind = player()
    mind.set_position(4, (), "none", cells, 1)
    mind.think(THINK)
    assert mind.search.visits[5] == 0
    assert mind.search.position.to_move == 1
    mind.change(SearchSettings(n0=3))
    assert mind.search.settings.n0 == 3
    np.testing.assert_array_equal(mind.position.cells, cells)


@pytest.mark.parametrize("text", ["c1 :s b4", "c1:sb4", "C1, swap, B4", "c1;:s;b4"])
def test_moves_are_read_in_any_spacing(text: str) -> None:
    assert moves_of(text, 5) == (2, SWAP, 16)


def test_moves_off_the_board_are_refused() -> None:
    with pytest.raises(UserError, match="off the"):
        moves_of("c1 z9", 5)
    with pytest.raises(UserError):
        moves_of("c1 hello", 5)
