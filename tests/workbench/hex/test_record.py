import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.hex.gametree import GameTree
from engines.hex.rules import BLACK, RESIGN, SWAP, WHITE, IllegalMove
from workbench.panels.hex.record import Record, tree_from_text


def played(*moves: int, size: int = 5) -> Record:
    record = Record(size)
    for move in moves:
        record.play(move)
    return record


def picture(record: Record) -> tuple:
    return record.position.cells.tobytes(), record.position.to_move, record.to_sgf()


def test_playing_places_stones_in_turn() -> None:
    record = played(0, 6, 12)
    assert record.position.cells[0, 0] == BLACK
    assert record.position.cells[1, 1] == WHITE
    assert record.position.cells[2, 2] == BLACK
    assert record.to_move == WHITE
    assert record.ply == 3


def test_an_illegal_move_changes_nothing() -> None:
    record = played(0, 6)
    before = picture(record)
    for move in (0, 6, 25, SWAP):
        with pytest.raises(IllegalMove):
            record.play(move)
    assert picture(record) == before
    assert record.undo_text == "move b2"


def test_going_back_and_playing_something_else_keeps_both_variations() -> None:
    record = played(0, 6, 12)
    record.back(2)
    record.play(7)
    assert len(record.tree.root.children[0].children) == 2
    record.next_variation()
    assert record.node.move == 6
    record.next_variation(-1)
    assert record.node.move == 7


def test_playing_a_known_move_only_goes_there() -> None:
    record = played(0, 6)
    record.back()
    before = record.to_sgf()
    record.play(6)
    assert record.to_sgf() == before
    assert record.ply == 2


def test_forward_returns_along_the_branch_one_came_from() -> None:
    record = played(0, 6, 12)
    record.back(2)
    record.play(7)
    record.play(8)
    record.to_start()
    record.to_end()
    assert [node.move for node in record.line()] == [None, 0, 7, 8]
    assert record.node.move == 8
    record.jump_to_ply(-5)
    assert record.ply == 0
    record.jump_to_ply(2)
    assert record.node.move == 7


def test_undo_takes_a_new_move_out_of_the_tree_and_redo_puts_it_back() -> None:
    record = played(0, 6)
    before = picture(record)
    record.play(12)
    after = picture(record)
    record.undo()
    assert picture(record) == before
    assert record.redo_text == "move c3"
    record.redo()
    assert picture(record) == after


def test_a_deleted_branch_comes_back_in_its_old_place() -> None:
    record = played(0, 6, 12)
    record.back(2)
    record.play(7)
    record.back()
    before = record.to_sgf()
    first = record.node.children[0]
    record.delete_branch(first)
    assert [child.move for child in record.node.children] == [7]
    record.undo()
    assert record.to_sgf() == before


def test_deleting_the_branch_looked_at_goes_to_its_parent() -> None:
    record = played(0, 6, 12)
    record.delete_branch(record.node.parent)
    assert record.node.move == 0
    with pytest.raises(UserError, match="beginning"):
        record.delete_branch(record.tree.root)


def test_the_line_ends_here_once_what_came_next_is_deleted() -> None:
    record = played(0, 6, 12)
    record.back(1)
    record.delete_branch()
    assert [node.move for node in record.line()] == [None, 0]
    record.to_end()
    assert record.node.move == 0, "the end of the game, not of what was deleted"


def test_taking_back_two_moves_is_one_edit() -> None:
    record = played(0, 6, 12)
    record.take_back(2)
    assert record.ply == 1
    record.undo()
    assert record.ply == 3


def test_promoting_a_variation_makes_it_the_main_line_and_can_be_undone() -> None:
    record = played(0, 6)
    record.back()
    record.play(7)
    record.promote()
    assert [node.move for node in record.tree.main_line()] == [None, 0, 7]
    record.undo()
    assert [node.move for node in record.tree.main_line()] == [None, 0, 6]


def test_swap_pieces_mirrors_the_stone_and_is_marked() -> None:
    record = played(1)
    assert record.swapped_cell() == -1
    record.swap_now()
    assert record.position.cells[1, 0] == WHITE
    assert record.position.cells[0, 1] == 0
    assert record.swapped_cell() == 5
    assert record.move_numbers() == {5: 2}
    assert record.to_move == BLACK


def test_resigning_ends_the_game() -> None:
    record = played(0)
    record.resign()
    assert record.position.winner == BLACK
    assert record.node.move == RESIGN
    with pytest.raises(IllegalMove):
        record.play(3)
    record.back()
    record.play(3)
    assert record.position.winner == 0


def test_setup_before_the_first_move_goes_into_the_beginning() -> None:
    record = Record(5)
    record.set_stone(3, BLACK)
    record.set_stone(4, WHITE)
    record.set_to_move(WHITE)
    assert record.node is record.tree.root
    assert record.to_move == WHITE
    assert record.engine_position()["setup"][0, 4] == WHITE
    assert record.engine_position()["setup_to_move"] == WHITE
    record.set_stone(3, 0)
    assert record.tree.root.setup == {4: WHITE}


def test_setup_after_moves_is_a_node_of_its_own() -> None:
    record = played(0, 6)
    record.set_stone(0, 0)
    record.set_stone(12, WHITE)
    assert record.node.move is None
    assert record.node.setup == {0: 0, 12: WHITE}
    assert record.ply == 3
    record.back()
    assert record.position.cells[0, 0] == BLACK
    assert len(record.node.children) == 1


def test_a_stroke_of_stones_is_one_step_of_undo() -> None:
    record = played(0)
    before = picture(record)
    record.begin_stroke()
    for cell in (10, 11, 12):
        record.set_stone(cell, WHITE)
    record.end_stroke()
    after = picture(record)
    record.undo()
    assert picture(record) == before
    record.redo()
    assert picture(record) == after
    record.clear_board()
    assert not record.position.cells.any()
    record.undo()
    assert picture(record) == after


def test_one_stone_set_up_after_moves_is_one_step_of_undo() -> None:
    record = played(0)
    before = picture(record)
    record.set_stone(12, WHITE)
    record.undo()
    assert picture(record) == before


def test_comments_and_marks_are_edits_and_survive_a_file() -> None:
    record = played(0, 6)
    record.set_comment("a bad corner")
    record.set_mark(3, "TR")
    record.set_mark(4, "x")
    again = Record(5)
    again.load_text(record.to_sgf())
    again.to_end()
    assert again.node.comment == "a bad corner"
    assert again.node.marks == {3: "TR"}
    assert again.node.labels == {4: "x"}
    record.undo()
    record.undo()
    assert record.node.marks == {}
    assert record.undo_text == "comment"


def test_dirty_follows_edits_saving_and_undo() -> None:
    record = Record(5)
    assert not record.is_dirty
    record.play(3)
    assert record.is_dirty
    record.back()
    record.mark_saved()
    assert not record.is_dirty
    record.undo()
    assert record.is_dirty
    record.redo()
    assert not record.is_dirty


def test_opening_another_game_can_be_undone() -> None:
    record = played(0, 6)
    before = picture(record)
    record.load_text("https://hexworld.org/board/#11r9c1,a3:sf6,g7")
    assert record.size == 11
    assert record.link_rotation() == 9
    assert [node.move for node in record.line()] == [None, 22, SWAP, 60, 72]
    assert record.ply == 3
    record.undo()
    assert picture(record) == before
    record.new_game(7, "none")
    assert (record.size, record.swap, record.is_dirty) == (7, "none", False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "(;GM[1]SZ[9])",
        "(;FF[4]GM[11]SZ[5];B[z9])",
        "https://hexworld.org/board/#11c1,zz9",
        "https://hexworld.org/board/#2c1,a1",
    ],
)
def test_a_bad_text_changes_nothing(text: str) -> None:
    record = played(0, 6)
    before = picture(record)
    with pytest.raises(UserError):
        record.load_text(text)
    assert picture(record) == before
    assert record.size == 5


def test_the_current_line_is_a_hexworld_link_and_comes_back() -> None:
    record = played(1, SWAP, 12, 7)
    record.back()
    again = Record(3)
    again.load_text(record.to_link())
    assert again.ply == 3
    assert [node.move for node in again.line()] == [None, 1, SWAP, 12, 7]


def test_swap_rule_can_change_until_somebody_swapped() -> None:
    record = played(1)
    record.set_swap("sides")
    record.swap_now()
    assert record.position.sides_swapped
    assert record.swapped_cell() == 1
    with pytest.raises(UserError, match="swap already"):
        record.set_swap("pieces")
    record.undo()
    record.undo()
    assert record.swap == "pieces"


def test_review_gets_the_whole_line_and_refuses_setups() -> None:
    record = played(1, SWAP, 12)
    record.to_start()
    assert record.moves_text() == "b1 :s c3"
    record.set_stone(0, BLACK)
    with pytest.raises(UserError, match="set-up"):
        record.moves_text()


def test_jumping_into_another_game_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="this game"):
        Record(5).jump(GameTree(5).root)


@pytest.mark.parametrize("size", [2, 20])
def test_boards_that_are_not_played_are_refused(size: int) -> None:
    record = played(3)
    with pytest.raises(UserError, match="3×3 to 19×19"):
        record.new_game(size)
    assert record.size == 5


def test_pasted_text_is_recognised() -> None:
    assert tree_from_text("  (;FF[4]GM[11]SZ[5];B[a1])\n").size == 5
    assert tree_from_text("#7c1,a1b2").size == 7


_ACTIONS = ["play", "back", "delete", "promote", "stone", "comment", "mark"]
_STEPS = st.lists(st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 15)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_undoing_all_leads_to_the_beginning_and_redoing_to_the_end(
    steps: list[tuple[str, int]],
) -> None:
    record = Record(4)
    start = record.to_sgf()
    for what, number in steps:
        try:
            _act(record, what, number)
        except UserError:
            continue
    end, count = picture(record), len(record._edits)
    while record.undo_text:
        record.undo()
    assert record.to_sgf() == start
    assert not record.is_dirty
    while record.redo_text:
        record.redo()
    assert record.to_sgf() == end[2]
    assert len(record._edits) == count
    record.tree.check()


def _act(record: Record, what: str, number: int) -> None:
    if what == "play":
        record.play(number)
    elif what == "back":
        record.back(number % 4)
    elif what == "delete":
        record.delete_branch()
    elif what == "promote":
        record.promote()
    elif what == "stone":
        record.set_stone(number, int(np.array([0, 1, 2])[number % 3]))
    elif what == "comment":
        record.set_comment(f"note {number}")
    else:
        record.set_mark(number, "TR")
