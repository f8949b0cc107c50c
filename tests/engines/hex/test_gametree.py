"""Variations, editing and positions of a game record."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from engines.core.errors import UserError
from engines.hex.gametree import GameTree, Node
from engines.hex.rules import BLACK, PASS, RESIGN, SWAP, WHITE, IllegalMove, Position
from tests.engines.hex.trees import game_trees


def test_playing_a_known_move_again_follows_the_variation() -> None:
    tree = GameTree(5)
    first = tree.add(tree.root, 7)
    assert tree.add(tree.root, 7) is first
    second = tree.add(tree.root, 8)
    assert tree.root.children == [first, second]


def test_an_illegal_move_adds_nothing() -> None:
    tree = GameTree.from_moves(5, [7])
    for move in (7, 25, -9):
        with pytest.raises(IllegalMove):
            tree.add(tree.cursor, move)
    assert tree.cursor.children == []


def test_a_colour_may_move_twice_through_a_pass() -> None:
    tree = GameTree.from_moves(5, [7])
    node = tree.add(tree.cursor, 8, BLACK)
    assert tree.position(node).moves == (7, PASS, 8)
    assert tree.position(node).cells[1, 3] == BLACK


def test_removing_a_variation_takes_the_cursor_along() -> None:
    tree = GameTree.from_moves(5, [7, 8, 9])
    parent = tree.remove(tree.main_line()[2])
    assert tree.cursor is parent and [n.move for n in tree.main_line()] == [None, 7]
    with pytest.raises(UserError):
        tree.remove(tree.root)


def test_promoting_makes_a_variation_the_main_line() -> None:
    tree = GameTree.from_moves(5, [7, 8])
    other = tree.add(tree.add(tree.root, 3), 4)
    tree.promote(other)
    assert [n.move for n in tree.main_line()] == [None, 3, 4]
    assert [n.move for n in tree.current_line()] == [None, 7, 8]


def test_setup_stones_start_the_position_and_the_turn_is_guessed_from_their_number() -> None:
    tree = GameTree(3)
    tree.root.setup = {4: BLACK}
    position = tree.position(tree.root)
    assert position.to_move == WHITE and position.cells[1, 1] == BLACK
    tree.root.to_move = BLACK
    assert tree.position(tree.root).to_move == BLACK
    assert np.array_equal(tree.position(tree.root).setup, position.cells)


def test_stones_can_be_taken_away_in_the_middle_of_a_game() -> None:
    tree = GameTree.from_moves(3, [4, 0])
    node = Node(tree.cursor, setup={4: 0, 8: WHITE})
    tree.cursor.children.append(node)
    assert tree.position(node).cells.tolist() == [[2, 0, 0], [0, 0, 0], [0, 0, 2]]


def test_a_white_first_game_needs_no_pass_and_may_be_swapped() -> None:
    tree = GameTree(5)
    first = tree.add(tree.root, 8, WHITE)
    assert tree.position(first).moves == (8,) and tree.position(first).setup_to_move == WHITE
    assert tree.position(tree.root).to_move == WHITE
    swapped = tree.add(first, SWAP)
    assert swapped.colour == BLACK and tree.position(swapped).cells[3, 1] == BLACK


def test_stones_after_the_end_are_shown() -> None:
    tree = GameTree.from_moves(2, [0, 1, 2])
    assert tree.position().winner == BLACK
    node = Node(tree.cursor, 3, WHITE)
    tree.cursor.children.append(node)
    assert tree.position(node).cells.tolist() == [[1, 2], [1, 2]] and tree.position(node).winner == BLACK
    node.move = 1
    with pytest.raises(IllegalMove):
        tree.check()


def test_a_late_swap_mirrors_the_board_and_its_colours() -> None:
    tree = GameTree.from_moves(3, [1, 5, 8])
    node = Node(tree.cursor, SWAP, WHITE)
    tree.cursor.children.append(node)
    position = tree.position(node)
    assert position.cells.tolist() == [[0, 0, 0], [2, 0, 0], [0, 1, 2]] and position.to_move == BLACK


def test_a_resignation_out_of_turn_is_that_colours() -> None:
    tree = GameTree.from_moves(3, [4])
    node = Node(tree.cursor, RESIGN, BLACK)
    tree.cursor.children.append(node)
    assert tree.position(node).winner == WHITE


def test_game_information_keeps_brackets_and_backslashes() -> None:
    tree = GameTree(3)
    tree.set_info("PB", r"A [b] \ c")
    assert tree.info("PB") == r"A [b] \ c"
    tree.set_info("PB", "")
    assert tree.info("PB") == "" and "PB" not in tree.root.properties


@given(game_trees())
@settings(max_examples=40, deadline=None)
def test_every_line_of_a_tree_replays_and_a_tree_from_its_position_has_the_same(tree: GameTree) -> None:
    tree.check()
    position = tree.position()
    again = GameTree.from_position(position)
    assert again.position().cells.tolist() == position.cells.tolist()
    assert again.position().to_move == position.to_move and again.position().moves == position.moves


def test_a_tree_of_a_position_without_moves_has_only_its_stones() -> None:
    cells = np.array([[0, 1], [2, 0]], np.int8)
    tree = GameTree.from_position(Position.from_cells(cells, WHITE))
    assert tree.root.setup == {1: BLACK, 2: WHITE} and tree.root.to_move == WHITE and not tree.root.children
