"""Rules of Hex: moves, swap, undo, winners and paths."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.hex.coordinates import column_name, parse_column
from engines.hex.floodfill import winners
from engines.hex.rules import (
    BLACK,
    PASS,
    RESIGN,
    SWAP,
    WHITE,
    IllegalMove,
    Position,
    cell_name,
    move_name,
    neighbours,
    parse_cell,
    parse_move,
    rotate_cell,
    transpose_cell,
)


def random_game(size: int, rng: np.random.Generator) -> list[int]:
    """Moves of a random game up to the winning one."""
    position, moves = Position(size, "none"), []
    for move in rng.permutation(size * size).tolist():
        position.play(move)
        moves.append(move)
        if position.winner:
            break
    return moves


def state(position: Position) -> tuple:
    return (
        position.cells.tobytes(),
        position.to_move,
        position.winner,
        position.key,
        position.rotated_key,
        position.sides_swapped,
        position.moves,
        position.can_swap,
    )


def test_pitfall_7_a2_is_the_second_row_and_b1_the_second_column() -> None:
    assert parse_cell("a2", 5) == 5 and parse_cell("b1", 5) == 1
    assert cell_name(5, 5) == "a2" and cell_name(1, 5) == "b1"
    position = Position(5)
    position.play(parse_cell("a2", 5))
    assert position.cells[1, 0] == BLACK and position.cells[0, 1] == 0


@pytest.mark.parametrize("column, name", [(0, "a"), (25, "z"), (26, "aa"), (27, "ab"), (52, "ba")])
def test_columns_go_on_after_z_with_two_letters(column: int, name: str) -> None:
    assert column_name(column) == name and parse_column(name.upper()) == column


@given(st.integers(1, 40), st.data())
def test_cell_names_read_back_in_either_case(size: int, data: st.DataObject) -> None:
    cell = data.draw(st.integers(0, size * size - 1))
    assert parse_cell(cell_name(cell, size).upper(), size) == cell


@pytest.mark.parametrize("text", ["", "a", "4", "a0", "f1", "a6", "aaa1", "a1b", "é1", "a１"])
def test_a_bad_cell_name_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse_cell(text, 5)


def test_moves_have_names_of_their_own() -> None:
    assert parse_move("SWAP-pieces", 5) == SWAP and parse_move("forfeit", 5) == RESIGN
    assert [move_name(m, 5) for m in (SWAP, RESIGN, PASS, 7)] == ["swap", "resign", "pass", "c2"]


def test_inner_cells_have_six_neighbours_and_the_two_sharp_corners_two() -> None:
    near = neighbours(3)
    assert set(near[4]) == {1, 2, 3, 5, 6, 7}
    assert set(near[0]) == {1, 3} and set(near[8]) == {5, 7}
    assert set(near[2]) == {1, 4, 5} and set(near[6]) == {3, 4, 7}


def test_black_joins_top_and_bottom_and_white_left_and_right() -> None:
    black = Position.from_moves(3, [parse_cell(m, 3) for m in ("b1", "a1", "b2", "a2", "b3")])
    assert black.winner == BLACK and black.legal_moves() == []
    white = Position.from_moves(3, [parse_cell(m, 3) for m in ("a1", "a2", "b1", "b2", "c1", "c2")])
    assert white.winner == WHITE


def test_pitfall_8_one_stone_may_join_both_edges() -> None:
    position = Position(1)
    position.play(0)
    assert position.winner == BLACK and position.winning_path() == (0,) and not position.can_swap


def test_pitfall_8_swap_pieces_mirrors_the_stone_and_undo_brings_it_back() -> None:
    position = Position(5, "pieces")
    position.play(parse_cell("d2", 5))
    before = state(position)
    assert position.can_swap
    position.play(SWAP)
    assert position.cells.nonzero() == ([3], [1]) and position.cells[3, 1] == WHITE
    assert position.to_move == BLACK and not position.can_swap
    assert position.last_cell == parse_cell("b4", 5)
    assert position.undo() == SWAP
    assert state(position) == before


def test_pitfall_8_swap_on_the_diagonal_changes_only_the_colour() -> None:
    position = Position.from_moves(5, [parse_cell("c3", 5), SWAP], "pieces")
    assert position.cells[2, 2] == WHITE and np.count_nonzero(position.cells) == 1


def test_swap_sides_leaves_the_board_and_exchanges_the_players() -> None:
    position = Position.from_moves(5, [7], "sides")
    before = position.cells
    position.play(SWAP)
    assert np.array_equal(position.cells, before)
    assert position.sides_swapped and position.to_move == WHITE
    position.undo()
    assert not position.sides_swapped and position.can_swap


def test_where_white_began_swap_pieces_makes_the_stone_black() -> None:
    position = Position.from_cells(np.zeros((5, 5), np.int8), WHITE, "pieces")
    position.play(parse_cell("d2", 5))
    before = state(position)
    position.play(SWAP)
    assert position.cells[3, 1] == BLACK and position.to_move == WHITE
    position.undo()
    assert state(position) == before


def test_a_position_tells_what_its_moves_start_from() -> None:
    assert Position.from_moves(4, [1, SWAP, 2]).setup is None
    cells = np.zeros((4, 4), np.int8)
    cells[1, 1] = BLACK
    position = Position.from_cells(cells, WHITE)
    position.play(0)
    assert np.array_equal(position.setup, cells) and position.setup_to_move == WHITE
    assert position.moves == (0,)


@pytest.mark.parametrize(
    "swap, moves",
    [("none", [7]), ("pieces", []), ("pieces", [7, 8]), ("sides", [7, SWAP]), ("pieces", [PASS])],
)
def test_swap_is_refused_except_right_after_the_first_stone(swap: str, moves: list[int]) -> None:
    position = Position.from_moves(5, moves, swap)  # type: ignore[arg-type]
    before = state(position)
    with pytest.raises(IllegalMove):
        position.play(SWAP)
    assert state(position) == before


@pytest.mark.parametrize("move", [7, 25, -4, -100, 10**9])
def test_an_illegal_move_changes_nothing(move: int) -> None:
    position = Position.from_moves(5, [7], "pieces")
    before = state(position)
    assert not position.is_legal(move)
    with pytest.raises(IllegalMove):
        position.play(move)
    assert state(position) == before


def test_resigning_gives_the_game_to_the_opponent_and_can_be_taken_back() -> None:
    position = Position.from_moves(5, [7, RESIGN])
    assert position.winner == BLACK and position.winning_path() == ()
    with pytest.raises(IllegalMove):
        position.play(3)
    position.undo()
    assert position.winner == 0 and position.to_move == WHITE


def test_a_pass_gives_the_turn_away_and_back() -> None:
    position = Position.from_moves(5, [7, PASS])
    assert position.to_move == BLACK and position.last_cell == 7
    position.undo()
    assert position.to_move == WHITE


def test_undo_without_a_move_is_refused() -> None:
    with pytest.raises(IllegalMove):
        Position(5).undo()


@pytest.mark.parametrize("size", [0, -1, 31])
def test_an_impossible_board_size_is_refused(size: int) -> None:
    with pytest.raises(UserError):
        Position(size)


def test_a_setup_refuses_bad_arrays_and_knows_a_finished_board() -> None:
    for cells in (np.zeros((2, 3)), np.full((2, 2), 3), np.zeros(4)):
        with pytest.raises(UserError):
            Position.from_cells(cells)
    cells = np.array([[0, 0, 0], [2, 2, 2], [1, 0, 1]], np.int8)
    position = Position.from_cells(cells, BLACK)
    assert position.winner == WHITE and position.winning_path() == (3, 4, 5)
    assert np.array_equal(position.cells, cells)


def test_a_setup_has_the_key_of_the_game_that_leads_to_it() -> None:
    game = Position.from_moves(5, [7, 3, 12])
    setup = Position.from_cells(game.cells, game.to_move)
    assert setup.key == game.key and setup.rotated_key == game.rotated_key
    assert Position.from_cells(game.cells, BLACK).key != game.key


def test_a_copy_lives_its_own_life() -> None:
    position = Position.from_moves(5, [7, 8])
    other = position.copy()
    before = state(position)
    other.undo()
    other.play(9)
    assert state(position) == before and other.moves == (7, 9)


def test_the_winning_path_is_a_shortest_chain() -> None:
    cells = np.zeros((4, 4), np.int8)
    cells[:, 3] = BLACK  # straight down: 4 stones
    cells[:2, 0] = BLACK
    assert Position.from_cells(cells).winning_path() == (3, 7, 11, 15)
    cells = np.zeros((4, 4), np.int8)
    for row, column in ((0, 3), (1, 2), (2, 1), (3, 0), (0, 1), (1, 1)):
        cells[row, column] = WHITE  # the long diagonal joins all four edges
    assert Position.from_cells(cells).winning_path() == (12, 9, 6, 3)


@pytest.mark.parametrize("size", range(2, 20))
def test_undo_unwinds_a_whole_game_state_by_state_on_every_size(size: int) -> None:
    rng = np.random.default_rng(size)
    position, states = Position(size, "pieces"), []
    for ply, move in enumerate(random_game(size, rng)):
        states.append(state(position))
        if ply == 1 and size % 2:
            position.play(SWAP)
        elif position.is_legal(move):
            position.play(move)
        else:
            states.pop()
        if position.winner:
            break
    for before in reversed(states):
        position.undo()
        assert state(position) == before


@given(st.integers(2, 9), st.randoms(use_true_random=False), st.sampled_from(["pieces", "sides", "none"]))
@settings(max_examples=60, deadline=None)
def test_check_9_3_swap_and_undo_round_trip(size: int, source, swap: str) -> None:
    """Random play, swap, pass and undo always agree with replaying the remaining moves from the start."""
    position = Position(size, swap)  # type: ignore[arg-type]
    for _ in range(60):
        if position.ply and source.random() < 0.4:
            position.undo()
        elif position.can_swap and source.random() < 0.5:
            position.play(SWAP)
        elif legal := position.legal_moves():
            position.play(PASS if source.random() < 0.05 else source.choice(legal))
        again = Position.from_moves(size, position.moves, position.swap)
        assert state(position) == state(again)


@pytest.mark.parametrize("size", range(2, 20))
def test_check_9_3_mirrored_games_have_the_opposite_winner_and_rotated_ones_the_same(size: int) -> None:
    rng = np.random.default_rng(100 + size)
    for _ in range(10):
        moves = random_game(size, rng)
        game = Position.from_moves(size, moves, "none")
        rotated = Position.from_moves(size, [rotate_cell(m, size) for m in moves], "none")
        assert rotated.winner == game.winner
        assert (rotated.key, rotated.rotated_key) == (game.rotated_key, game.key)
        mirrored = Position.from_moves(size, [PASS, *(transpose_cell(m, size) for m in moves)], "none")
        assert mirrored.winner == 3 - game.winner
        assert len(mirrored.winning_path()) == len(game.winning_path())


def test_pitfall_8_rotating_a_swapped_game_keeps_its_winner() -> None:
    rng = np.random.default_rng(5)
    for size in (3, 4, 5, 7):
        for _ in range(20):
            cells = rng.permutation(size * size).tolist()
            game, rotated = Position(size), Position(size)
            for move in (cells[0], SWAP, *cells[1:], cells[0]):
                if game.is_legal(move):
                    game.play(move)
                    rotated.play(rotate_cell(move, size))
            assert game.winner and game.winner == rotated.winner
            assert np.array_equal(game.cells, rotated.cells[::-1, ::-1])


def test_check_9_3_union_find_equals_flood_fill_on_ten_thousand_random_games() -> None:
    rng = np.random.default_rng(93)
    for size in range(2, 12):
        boards, found = [], []
        for _ in range(1000):
            position = Position(size, "none")
            for move in rng.permutation(size * size).tolist():
                if position.winner:
                    break
                position.play(move)
            boards.append(position.cells)
            found.append(position.winner)
            position.undo()
            boards.append(position.cells)
            found.append(0)
        assert np.array_equal(winners(np.stack(boards)), found)


def test_check_9_3_union_find_equals_open_spiel_on_ten_thousand_random_games() -> None:
    pyspiel = pytest.importorskip("pyspiel", reason="open_spiel is not installed")
    rng = np.random.default_rng(39)
    for size, games in ((3, 3000), (4, 3000), (5, 2500), (7, 1000), (9, 400), (11, 100)):
        peer_game = pyspiel.load_game(f"hex(board_size={size})")
        for _ in range(games):
            ours, peer = Position(size, "none"), peer_game.new_initial_state()
            for move in rng.permutation(size * size).tolist():
                ours.play(move)
                peer.apply_action(move)
                assert peer.is_terminal() == bool(ours.winner)
                if ours.winner:
                    break
            assert peer.returns()[0] == (1 if ours.winner == BLACK else -1)


def test_open_spiel_agrees_on_the_legal_moves() -> None:
    pyspiel = pytest.importorskip("pyspiel", reason="open_spiel is not installed")
    rng = np.random.default_rng(2)
    ours, peer = Position(6, "none"), pyspiel.load_game("hex(board_size=6)").new_initial_state()
    while not ours.winner:
        assert ours.legal_moves() == peer.legal_actions()
        move = int(rng.choice(ours.legal_moves()))
        ours.play(move)
        peer.apply_action(move)


def recorded_games() -> list[list[int]]:
    """The recorded 9×9 games as cells."""
    folder = os.environ.get("WORKBENCH_DATA")
    if not folder:
        pytest.skip("WORKBENCH_DATA is not set")
    with gzip.open(Path(folder) / "hex" / "games_9x9.txt.gz", "rt") as lines:
        return [[parse_cell(name, 9) for name in line.split()] for line in lines]


def test_all_recorded_games_replay_without_a_disagreement() -> None:
    games = recorded_games()
    assert len(games) == 23_665
    boards, found, last = [], [], []
    for moves in games:
        position = Position(9, "none")
        for move in moves:
            assert position.is_legal(move)
            position.play(move)
        boards.append(position.cells)
        found.append(position.winner)
        last.append(3 - position.to_move)
    by_fill = winners(np.stack(boards))
    assert np.array_equal(by_fill, found)
    finished = by_fill > 0
    assert finished.sum() == 786
    assert np.array_equal(by_fill[finished], np.array(last)[finished])
