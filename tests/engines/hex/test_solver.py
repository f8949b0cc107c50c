"""The exact solver against exhaustive play, published opening lists, and itself."""

from __future__ import annotations

import numpy as np
import pytest

from engines.core.errors import Cancelled, UserError
from engines.hex.bitboard import geometry
from engines.hex.connections import bridges
from engines.hex.rules import BLACK, WHITE, Position, cell_name, parse_cell, transpose_cell
from engines.hex.solver import Solver, solve

OPENINGS = {
    2: "b1 a2",
    3: "c1 a2 b2 c2 a3",
    4: "d1 c2 b3 a4",
    5: "e1 b2 c2 d2 e2 b3 c3 d3 a4 b4 c4 d4 a5",
}
"""Black (top and bottom) wins by opening here. The paper file, section 9.1, has these sets mirrored in the
long diagonal, as the list it quotes has a first player who joins left and right; 2×2 and 4×4 are their own
mirror."""


def exhaustive(position: Position, known: dict[int, bool]) -> bool:
    """Whether the player to move wins, by trying everything."""
    if position.winner:
        return position.winner == position.to_move
    if position.key not in known:
        wins = False
        for move in position.legal_moves():
            position.play(move)
            wins = not exhaustive(position, known)
            position.undo()
            if wins:
                break
        known[position.key] = wins
    return known[position.key]


def random_position(size: int, stones: int, rng: np.random.Generator) -> Position:
    """An unfinished position after that many random moves."""
    while True:
        position = Position(size, "none")
        for move in rng.permutation(size * size)[:stones].tolist():
            position.play(move)
            if position.winner:
                break
        else:
            return position


@pytest.fixture(scope="module")
def solved_5x5() -> tuple[Solver, np.ndarray]:
    """A solver that knows the empty 5×5 board, and its opening values."""
    solver = Solver(5)
    return solver, solver.solve(np.zeros((5, 5), np.int8), BLACK).moves


@pytest.mark.parametrize("size", [2, 3, 4])
def test_check_9_1_winning_openings(size: int) -> None:
    solution = solve(np.zeros((size, size), np.int8), BLACK)
    winning = [cell_name(cell, size) for cell in np.flatnonzero(solution.moves > 0)]
    assert winning == OPENINGS[size].split()
    assert solution.value == 1
    assert np.array_equal(solution.moves, solution.moves[::-1])
    if size < 4:
        known: dict[int, bool] = {}
        for cell in range(size * size):
            position = Position.from_moves(size, [cell], "none")
            assert exhaustive(position, known) == (solution.moves[cell] < 0)


def test_check_9_1_winning_openings_on_5x5(solved_5x5: tuple[Solver, np.ndarray]) -> None:
    _, moves = solved_5x5
    assert [cell_name(cell, 5) for cell in np.flatnonzero(moves > 0)] == OPENINGS[5].split()
    assert np.array_equal(moves, moves[::-1])


def test_check_9_1_the_lists_of_the_paper_file_are_these_mirrored() -> None:
    """With White, who joins left and right, to begin, the sets are the paper file's own."""
    theirs = {3: "b1 c1 b2 a3 b3", 4: "d1 c2 b3 a4"}
    for size, names in theirs.items():
        moves = solve(np.zeros((size, size), np.int8), WHITE).moves
        assert [cell_name(cell, size) for cell in np.flatnonzero(moves > 0)] == names.split()
    listed = "d1 e1 b2 c2 d2 b3 c3 d3 b4 c4 d4 a5 b5"
    ours = {transpose_cell(parse_cell(name, 5), 5) for name in OPENINGS[5].split()}
    assert ours == {parse_cell(name, 5) for name in listed.split()}


@pytest.mark.parametrize("size, games", [(2, 30), (3, 150), (4, 60)])
def test_random_positions_have_the_value_and_the_moves_of_exhaustive_play(size: int, games: int) -> None:
    rng = np.random.default_rng(size)
    solver, known = Solver(size), {}
    for _ in range(games):
        fewest = 0 if size < 4 else 5
        position = random_position(size, int(rng.integers(fewest, size * size - size)), rng)
        solution = solver.solve(position.cells, position.to_move)
        for move in position.legal_moves():
            position.play(move)
            assert (solution.moves[move] > 0) == (not exhaustive(position, known))
            position.undo()
        assert solution.value == (1 if exhaustive(position, known) else -1)
        assert np.array_equal(solution.moves == 0, position.cells.ravel() != 0)


def test_positions_with_any_numbers_of_stones_are_solved_for_either_player() -> None:
    rng = np.random.default_rng(8)
    solver, known = Solver(3), {}
    for _ in range(200):
        cells = rng.choice([0, 0, 1, 2], (3, 3)).astype(np.int8)
        position = Position.from_cells(cells, int(rng.integers(1, 3)))
        if not position.winner:
            assert (solver.value(cells, position.to_move) > 0) == exhaustive(position, known)


def test_what_was_learnt_on_other_boards_never_changes_an_answer(
    solved_5x5: tuple[Solver, np.ndarray],
) -> None:
    """A solver full of reasons and a fresh one agree on random 5×5 positions, move by move."""
    rng = np.random.default_rng(55)
    learnt, _ = solved_5x5
    for _ in range(40):
        position = random_position(5, int(rng.integers(8, 17)), rng)
        with_past = learnt.solve(position.cells, position.to_move)
        assert np.array_equal(with_past.moves, Solver(5).solve(position.cells, position.to_move).moves)


def test_mirrored_positions_with_colours_exchanged_have_mirrored_solutions() -> None:
    rng = np.random.default_rng(3)
    for _ in range(8):
        position = random_position(4, int(rng.integers(0, 9)), rng)
        here = solve(position.cells, position.to_move)
        cells = position.cells.T
        there = solve(np.where(cells == 0, 0, 3 - cells), 3 - position.to_move)
        assert here.value == there.value
        assert np.array_equal(here.moves.reshape(4, 4), there.moves.reshape(4, 4).T)


@pytest.mark.parametrize("size", [3, 4, 5])
def test_the_winner_never_loses_to_the_best_defence(size: int, solved_5x5: tuple[Solver, np.ndarray]) -> None:
    """From every winning opening Black wins with the solver on both sides; from every other one White
    does."""
    solver = solved_5x5[0] if size == 5 else Solver(size)
    for cell in range(size * size):
        if size == 5 and cell > 12:
            break  # the rotated half
        position = Position.from_moves(size, [cell], "none")
        while not position.winner:
            move = solver.best_move(position.cells, position.to_move)
            assert position.is_legal(move)
            position.play(move)
        assert (position.winner == BLACK) == (cell_name(cell, size) in OPENINGS[size].split())


def test_the_best_defence_leaves_the_fewest_winning_replies() -> None:
    solver = Solver(4)
    position = Position.from_moves(4, [parse_cell("c2", 4)], "none")  # lost for White
    move = solver.best_move(position.cells, WHITE)
    left = {}
    for cell in position.legal_moves():
        position.play(cell)
        left[cell] = int((solver.solve(position.cells, BLACK).moves > 0).sum())
        position.undo()
    assert left[move] == min(left.values()) > 0


def test_ties_between_defences_are_drawn_by_the_generator() -> None:
    solver, cells = Solver(3), Position.from_moves(3, [4], "none").cells
    drawn = [solver.best_move(cells, WHITE, rng=np.random.default_rng(seed)) for seed in range(20)]
    again = [solver.best_move(cells, WHITE, rng=np.random.default_rng(seed)) for seed in range(20)]
    assert drawn == again and len(set(drawn)) > 1


def test_a_win_that_is_there_is_taken_at_once() -> None:
    position = Position.from_moves(4, [parse_cell(m, 4) for m in ("b1", "a1", "b2", "a2", "b3", "a3")], "none")
    assert Solver(4).best_move(position.cells, BLACK) in (parse_cell("a4", 4), parse_cell("b4", 4))


def test_a_finished_game_has_a_value_and_no_moves() -> None:
    cells = np.array([[1, 2], [1, 0]], np.int8)
    for to_move, value in ((BLACK, 1), (WHITE, -1)):
        solution = solve(cells, to_move)
        assert solution.value == value and not solution.moves.any()
    with pytest.raises(UserError):
        Solver(2).best_move(cells, WHITE)


def test_boards_that_cannot_be_solved_are_refused() -> None:
    with pytest.raises(UserError):
        solve(np.zeros((8, 8), np.int8), BLACK)
    with pytest.raises(UserError):
        Solver(4).solve(np.zeros((5, 5), np.int8), BLACK)
    with pytest.raises(UserError):
        solve(np.zeros((3, 3), np.int8), 0)


def test_late_positions_on_7x7_are_solved() -> None:
    rng = np.random.default_rng(7)
    known: dict[int, bool] = {}
    solver = Solver(7)
    for _ in range(5):
        position = random_position(7, 40, rng)
        assert (solver.value(position.cells, position.to_move) > 0) == exhaustive(position, known)


@pytest.mark.parametrize("size, most", [(3, 9), (4, 9)])
def test_every_reason_learnt_wins_even_if_the_rival_has_all_other_cells(size: int, most: int) -> None:
    """Each reason is played out exhaustively on its worst board: carriers of at most `most` empty cells."""
    solver = Solver(size)
    solver.solve(np.zeros((size, size), np.int8), BLACK)
    rng = np.random.default_rng(size)
    known: dict[int, bool] = {}
    tested = 0
    for stores, winner_moves in ((solver._moving, True), (solver._waiting, False)):
        for colour, store in zip((BLACK, WHITE), stores, strict=True):
            for k in rng.permutation(store._count)[:150].tolist():
                stones, carrier = int(store._stones[k]), int(store._carriers[k])
                if (carrier & ~stones).bit_count() > most:
                    continue
                cells = np.full((size, size), 3 - colour, np.int8)
                for cell, bit in enumerate(geometry(size).bit):
                    if bit & stones:
                        cells.flat[cell] = colour
                    elif bit & carrier:
                        cells.flat[cell] = 0
                position = Position.from_cells(cells, colour if winner_moves else 3 - colour)
                assert exhaustive(position, known) == winner_moves
                tested += 1
    assert tested > 100


def test_stopping_leaves_a_solver_that_still_knows_the_truth() -> None:
    solver, calls = Solver(4), 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        solver.solve(np.zeros((4, 4), np.int8), BLACK, check)
    moves = solver.solve(np.zeros((4, 4), np.int8), BLACK).moves
    assert [cell_name(cell, 4) for cell in np.flatnonzero(moves > 0)] == OPENINGS[4].split()


def test_a_second_question_costs_next_to_nothing() -> None:
    solver, empty = Solver(4), np.zeros((4, 4), np.int8)
    solver.solve(empty, BLACK)
    nodes = solver.nodes
    solver.solve(empty, BLACK)
    assert solver.nodes == nodes
    solver.forget()
    solver.solve(empty, BLACK)
    assert solver.nodes == 2 * nodes


def test_bridges_are_seen_and_must_not_share_cells() -> None:
    board, n = geometry(4), 4

    def mask(*names: str) -> int:
        return sum(board.bit[parse_cell(name, n)] for name in names)

    find = bridges(4).win
    assert find(mask("b3", "c1"), 0, 0).carrier == mask("b2", "c2", "a4", "b4")
    assert find(mask("b3", "c1"), mask("b2"), 0) is None
    assert find(mask("b2", "b3"), 0, 0).carrier == mask("b1", "c1", "a4", "b4")
    # b2 to the top over b1, c1; a corner cell alone has no pair.
    assert find(mask("d2", "d3", "d4"), 0, 0) is None
