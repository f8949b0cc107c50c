"""SGF: the standard, two dialects, damage, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.core.errors import UserError
from engines.hex.gametree import GameTree
from engines.hex.hexworld import read_link, write_link
from engines.hex.rules import BLACK, PASS, RESIGN, SWAP, WHITE, parse_cell
from engines.hex.sgf import decode, read_collection, read_sgf, write_collection, write_sgf
from tests.engines.hex.trees import content, game_trees


def moves(tree: GameTree) -> list[tuple[int, int | None]]:
    return [(node.colour, node.move) for node in tree.main_line()[1:]]


def test_a_plain_game_is_read() -> None:
    tree = read_sgf("(;FF[4]GM[11]SZ[5]PB[Ann]PW[Bob];B[b4];W[SWAP-Pieces];B[C3]C[centre];W[resign])")
    assert tree.size == 5 and tree.swap == "pieces"
    b4, c3 = parse_cell("b4", 5), parse_cell("c3", 5)
    assert moves(tree) == [(BLACK, b4), (WHITE, SWAP), (BLACK, c3), (WHITE, RESIGN)]
    assert tree.info("PB") == "Ann" and tree.main_line()[3].comment == "centre"
    assert tree.position(tree.root.last).winner == BLACK


def test_the_board_is_11x11_where_a_file_does_not_say() -> None:
    assert read_sgf("(;GM[11];B[k11])").size == 11


def test_variations_stay_in_order() -> None:
    tree = read_sgf("(;SZ[5];B[a1](;W[b2];B[c3])(;W[c2](;B[d4])(;B[e5]C[here]))(;W[d1]))")
    first = tree.root.children[0]
    assert [child.move for child in first.children] == [6, 7, 3]
    assert [child.move for child in first.children[1].children] == [18, 24]
    assert content(read_sgf(write_sgf(tree))) == content(tree)


def test_escapes_and_line_breaks_in_comments() -> None:
    tree = read_sgf("(;SZ[5]C[a\\]b\\\\c\\:d \\\nsoft\r\nhard\tend]N[x\\]y])")
    assert tree.root.comment == "a]b\\c:d soft\nhard end"
    assert tree.root.properties["N"] == ["x\\]y"]


def test_marks_labels_and_stones_with_rectangles() -> None:
    tree = read_sgf("(;SZ[5]AB[a1][b2:c3]AW[d4]AE[c3]PL[W]LB[a1:x:y\\]][b5:2]TR[a2]SQ[a3]CR[a4]MA[a5])")
    root = tree.root
    assert root.setup == {0: 1, 6: 1, 7: 1, 11: 1, 12: 0, 18: 2} and root.to_move == WHITE
    assert root.labels == {0: "x:y]", 21: "2"}
    assert root.marks == {5: "TR", 10: "SQ", 15: "CR", 20: "MA"}
    assert tree.position(tree.root).cells[2].tolist() == [0, 1, 0, 0, 0]


def test_unknown_properties_come_back_as_they_were() -> None:
    text = "(;SZ[5]XY[a\\:b][c\\]d]RE[B+];B[a1]BL[12.5]KO[])"
    again = read_sgf(write_sgf(read_sgf(text)))
    assert again.root.properties == {"XY": ["a\\:b", "c\\]d"], "RE": ["B+"]}
    assert again.root.children[0].properties == {"BL": ["12.5"], "KO": [""]}


def test_columns_past_z_have_two_letters() -> None:
    tree = read_sgf("(;SZ[28];B[aA27];W[ab3])")
    assert moves(tree) == [(BLACK, 26 * 28 + 26), (WHITE, 2 * 28 + 27)]
    assert "B[aa27]" in write_sgf(tree)


def test_old_hexgui_files_say_swap_pieces_for_swap_sides() -> None:
    for version, swap in (("0.9", "sides"), ("0.9.GIT", "sides"), ("0.2", "sides"), ("0.10.GIT", "pieces"),
                          ("1.0.", "pieces")):  # fmt: skip
        tree = read_sgf(f"(;AP[HexGui:{version}]FF[4]GM[11]SZ[5];B[a2];W[swap-pieces])")
        assert tree.swap == swap
        assert (tree.position(tree.root.last).cells[1, 0] == BLACK) == (swap == "sides")
        assert read_sgf(write_sgf(tree)).swap == swap


def test_littlegolem_files_use_go_points_and_let_white_begin() -> None:
    tree = read_sgf(
        "(;FF[4]EV[hex.mc]PB[P]PW[Q]SZ[13]RE[B]GC[ game #1]SO[http://www.littlegolem.com]"
        ";W[lb];B[swap];W[gg];B[fi];W[resign])"
    )
    assert tree.swap == "pieces"
    first = parse_cell("l2", 13)
    assert moves(tree)[:3] == [(WHITE, first), (BLACK, SWAP), (WHITE, parse_cell("g7", 13))]
    end = tree.position(tree.root.last)
    assert end.cells[11, 1] == BLACK and end.cells[1, 11] == 0 and end.winner == BLACK
    assert PASS not in end.moves


def test_the_first_game_of_several_is_opened_and_all_are_kept() -> None:
    text = "From: someone\n\n(;SZ[3];B[a1])  junk (;SZ[4];B[b2]) tail"
    assert [tree.size for tree in read_collection(text)] == [3, 4]
    assert read_sgf(text).size == 3
    assert [tree.size for tree in read_collection(write_collection(read_collection(text)))] == [3, 4]


def test_two_moves_in_one_node_are_played_one_after_the_other() -> None:
    assert moves(read_sgf("(;SZ[5];B[a1]W[b2];B[c3])")) == [(BLACK, 0), (WHITE, 6), (BLACK, 12)]


def test_a_forfeit_is_told_from_a_resignation() -> None:
    tree = read_sgf("(;SZ[5];B[a1];W[forfeit])")
    assert tree.root.last.forfeit and "W[forfeit]" in write_sgf(tree)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no SGF"),
        ("hello", "no SGF"),
        ("(;SZ[5];B[a1]", "line 1, column 14"),
        ("(;SZ[5]\n;B[a1)", "line 2, column 3"),
        ("(;SZ[5]\n;B[a1]\n;W[a1])", "line 3, column 1: a1 is taken"),
        ("(;SZ[5]\n;B[f1])", "line 2, column 4: f1 is off"),
        ("(;SZ[5];B[x])", "line 1, column 11: expected a cell"),
        ("(;SZ[11:13];B[a1])", "11 columns and 13 rows"),
        ("(;SZ[31])", "1 to 30"),
        ("(;SZ[0])", "1 to 30"),
        ("(;SZ[five])", "expected a board size"),
        ("(;GM[1]SZ[19];B[aa])", "expected a game of Hex"),
        ("(;SZ[5];B[a1];W[swap-pieces];B[a2](;W[swap-sides]))", "both swap-pieces and swap-sides"),
        ("(;SZ[5]LB[a1])", "a colon"),
        ("(;SZ[5]PL[x])", "expected B or W"),
        ("(;SZ[5];B a1)", 'expected "["'),
        ("(;SZ[5](B[a1]))", 'expected ";"'),
        ("(;SZ[5]())", "without a move"),
        ("(;SZ[5]!;B[a1])", "line 1, column 8"),
        ("(;SZ[5];black[a1])", "in capitals"),
    ],
)
def test_damage_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read_sgf(text)
    assert said in str(caught.value)


def test_a_damaged_second_game_is_not_passed_over() -> None:
    with pytest.raises(UserError, match="line 2"):
        read_sgf("(;SZ[3];B[a1])\n(;SZ[3];B[z9])")


def test_bytes_of_any_encoding_become_text() -> None:
    assert decode("(;C[é])".encode()) == "(;C[é])"
    assert decode(b"\xef\xbb\xbf(;C[x])") == "(;C[x])"
    assert decode("(;CA[ISO-8859-1]C[é])".encode("latin-1")) == "(;CA[ISO-8859-1]C[é])"
    assert decode("(;CA[KOI8-R]C[я])".encode("koi8-r")) == "(;CA[KOI8-R]C[я])"
    assert decode(b"(;CA[nonsense]C[\xff])") == "(;CA[nonsense]C[ÿ])"


def test_a_tree_of_thousands_of_nested_variations_is_no_problem() -> None:
    tree = GameTree(19)
    node = tree.root
    for depth in range(300):
        tree.add(node, 360 - depth % 10)
        node = tree.add(node, depth)
    text = write_sgf(tree)
    assert content(read_sgf(text))[0:2] == (19, "pieces") and write_sgf(read_sgf(text)) == text
    deep = "(;SZ[5]" + "(;C[x]" * 5000 + ")" * 5001
    assert sum(1 for _ in read_sgf(deep).root.walk()) == 5001


@given(game_trees())
@settings(max_examples=80, deadline=None)
def test_what_is_written_reads_back_with_every_variation_mark_and_word(tree: GameTree) -> None:
    assert content(read_sgf(write_sgf(tree))) == content(tree)


@given(game_trees(extras=False))
@settings(max_examples=80, deadline=None)
def test_check_9_3_sgf_and_hexworld_round_trip(tree: GameTree) -> None:
    """The line through the cursor survives SGF → link → SGF with moves, colours, swap and cursor."""
    linked = read_link(write_link(read_sgf(write_sgf(tree))))
    assert [(n.colour, n.move) for n in linked.main_line()] == moves_with_root(read_sgf(write_sgf(tree)))
    here = read_link(write_link(tree))
    assert [(n.colour, n.move, n.forfeit) for n in here.current_line()] == [
        (n.colour, n.move, n.forfeit) for n in tree.current_line()
    ]
    assert here.cursor.depth == tree.cursor.depth
    again = read_sgf(write_sgf(here))
    assert again.position(again.root.last).key == tree.position(tree.cursor.last).key


def moves_with_root(tree: GameTree) -> list[tuple[int, int | None]]:
    return [(node.colour, node.move) for node in tree.main_line()]


@given(st.text(st.sampled_from("();[]\\:BWACLSZRabc123 \n\tswap-resign"), max_size=60))
@settings(max_examples=250, deadline=None)
def test_random_text_is_read_or_refused_never_worse(text: str) -> None:
    for candidate in (text, "(;SZ[5]" + text, "(;SZ[5];B[a1]" + text + ")"):
        try:
            write_sgf(read_sgf(candidate))
        except UserError as error:
            assert error.what


@given(game_trees(), st.data())
@settings(max_examples=80, deadline=None)
def test_a_file_with_bytes_cut_changed_or_doubled_is_read_or_refused_never_worse(
    tree: GameTree, data: st.DataObject
) -> None:
    text = write_sgf(tree)
    start, end = sorted((data.draw(st.integers(0, len(text))), data.draw(st.integers(0, len(text)))))
    middle = data.draw(st.sampled_from(["", text[start:end] * 2, "]", "(", "\\", "[", ";B[", "\x00"]))
    try:
        read_sgf(text[:start] + middle + text[end:])
    except UserError as error:
        assert error.what


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused_never_worse(data: bytes) -> None:
    try:
        read_sgf(decode(data))
    except UserError as error:
        assert error.what
