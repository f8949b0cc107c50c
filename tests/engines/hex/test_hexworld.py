"""HexWorld links, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.hex.gametree import GameTree
from engines.hex.hexworld import is_link, read_link, read_moves, write_link, write_moves
from engines.hex.rules import BLACK, PASS, RESIGN, SWAP, WHITE, parse_cell
from tests.engines.hex.trees import game_trees


def moves(tree: GameTree) -> list[tuple[int, int | None]]:
    return [(node.colour, node.move) for node in tree.main_line()[1:]]


def test_the_link_of_the_paper_file() -> None:
    tree = read_link("https://hexworld.org/board/#11c1,a3:sf6g7")
    assert tree.size == 11 and tree.link_options == "c1" and tree.swap == "pieces"
    cells = [parse_cell(name, 11) for name in ("a3", "f6", "g7")]
    assert moves(tree) == [(BLACK, cells[0]), (WHITE, SWAP), (BLACK, cells[1]), (WHITE, cells[2])]
    assert tree.cursor is tree.root.last
    assert tree.position().cells[0, 2] == WHITE
    assert write_link(tree) == "https://hexworld.org/board/#11c1,a3:sf6g7"


def test_the_second_comma_is_the_cursor_and_what_follows_is_still_ahead() -> None:
    link = "https://hexworld.org/board/#13nr9c1,d10j9,d5:p"
    tree = read_link(link)
    assert tree.cursor.depth == 2 and len(tree.main_line()) == 5 and tree.link_options == "nr9c1"
    assert write_link(tree) == link
    tree.cursor = tree.root
    assert write_link(tree) == "https://hexworld.org/board/#13nr9c1,,d10j9d5:p"
    assert read_link(write_link(tree)).cursor.depth == 0


@pytest.mark.parametrize(
    "text",
    ["11c1,a3b4", "#11c1,a3b4", " https://www.hexworld.org/board/#11c1,A3B4 ", "11,a3%20b4", "11,a3.b4"],
)
def test_a_link_may_come_without_its_address_in_capitals_or_encoded(text: str) -> None:
    assert is_link(text)
    assert moves(read_link(text)) == [(BLACK, 22), (WHITE, 34)]


def test_a_link_without_moves_is_an_empty_board() -> None:
    for text in ("https://hexworld.org/board/#9", "9c1,", "9,,"):
        assert read_link(text).size == 9 and not read_link(text).root.children


@pytest.mark.parametrize(
    "end, colour, forfeit",
    [(":rb", BLACK, False), (":rw", WHITE, False), (":fb", BLACK, True), (":fw", WHITE, True)],
)
def test_resignations_and_forfeits_name_the_loser(end: str, colour: int, forfeit: bool) -> None:
    for start in ("5c1,a1", "5c1,a1b2"):
        tree = read_link(start + end)
        last = tree.root.last
        assert (last.move, last.colour, last.forfeit) == (RESIGN, colour, forfeit)
        assert tree.position().winner == 3 - colour
        assert write_link(tree).endswith(start + end)


def test_swap_sides_leaves_the_stone() -> None:
    tree = read_link("5c1,a2:Sc3")
    assert tree.swap == "sides" and tree.position().cells[1, 0] == BLACK
    assert moves(tree)[2][0] == WHITE
    assert write_link(tree).endswith("5c1,a2:Sc3")


def test_a_pass_lets_one_colour_move_twice_and_white_begin() -> None:
    assert read_link("5,a1:pb1").position().cells[0].tolist() == [BLACK, BLACK, 0, 0, 0]
    assert read_link("5,:pa1").position().cells[0, 0] == WHITE


def test_setup_stones_become_moves_with_passes() -> None:
    tree = GameTree(5)
    tree.root.setup, tree.root.to_move = {0: BLACK, 1: BLACK, 2: WHITE}, WHITE
    tree.cursor = tree.add(tree.root, 12)
    assert write_link(tree).endswith("#5c1,a1:pb1c1:pc3")
    assert read_link(write_link(tree)).position().key == tree.position().key
    tree.root.setup[3] = 0
    with pytest.raises(UserError, match="SGF"):
        write_link(tree)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "expected a board size"),
        ("https://example.org/", "expected a board size"),
        ("5x6c1,a1", "5×6"),
        ("31c1,a1", "1 to 30"),
        ("0,a1", "1 to 30"),
        ("5c1,a1,b2,c3", "one comma too many"),
        ("5c1,f1", "at character 5"),
        ("5c1,a1b2a1", "a1 is taken"),
        ("5c1,a1:x", "':x'"),
        ("5c1,a1:s:S", "both :s and :S"),
        ("5c1,a1 !", "'!'"),
    ],
)
def test_a_bad_link_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read_link(text)
    assert said in str(caught.value)


def test_lists_of_moves_may_be_spaced() -> None:
    assert read_moves("c1 :s b4, :p", 5) == (2, SWAP, 16, PASS)
    assert read_moves("c1:sb4:rb", 5) == (2, SWAP, 16, RESIGN)
    assert read_moves("  ", 5) == ()
    assert write_moves((2, SWAP, 16, PASS, RESIGN), 5) == "c1 :s b4 :p :rb"
    with pytest.raises(UserError):
        read_moves("c1 z9", 5)


@given(st.lists(st.integers(0, 168) | st.sampled_from([SWAP, PASS, RESIGN]), max_size=30))
def test_lists_of_moves_read_back(played: list[int]) -> None:
    assert read_moves(write_moves(played, 13), 13) == tuple(played)


@given(game_trees(extras=False))
@settings(max_examples=100, deadline=None)
def test_a_written_link_leads_back_to_the_position_and_the_line(tree: GameTree) -> None:
    again = read_link(write_link(tree))
    assert again.position().key == tree.position().key
    assert again.position().winner == tree.position().winner
    assert write_link(again) == write_link(tree)


@given(st.text(st.sampled_from("abcz019,:sSprbwfxn#% .\\é"), max_size=40))
@settings(max_examples=250, deadline=None)
def test_random_text_is_read_or_refused_never_worse(text: str) -> None:
    for candidate in (text, "5c1," + text, "https://hexworld.org/board/#11c1," + text):
        try:
            write_link(read_link(candidate))
        except UserError as error:
            assert error.what
