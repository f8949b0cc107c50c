"""Random game trees and a comparison, shared by the tests of the formats."""

from __future__ import annotations

from hypothesis import strategies as st

from engines.hex.gametree import MARKS, GameTree, Node
from engines.hex.rules import PASS, RESIGN, SWAP

# What a file can hold: no carriage returns, tabs or other control characters, which SGF turns into blanks.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n]\\:;()[")).map(str.strip)
LINE_TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=12)


@st.composite
def game_trees(draw: st.DrawFn, *, extras: bool = True) -> GameTree:
    """A tree grown by legal moves at random nodes; `extras`: with comments, marks, labels, set-up stones."""
    size = draw(st.integers(1, 30) if extras else st.integers(2, 19))
    tree = GameTree(size, draw(st.sampled_from(["pieces", "sides", "none"])))
    cells = st.integers(0, size * size - 1)
    if extras and draw(st.booleans()):
        tree.root.setup = draw(st.dictionaries(cells, st.sampled_from([1, 2]), max_size=4))
        tree.root.to_move = draw(st.sampled_from([1, 2]))
    nodes = [tree.root]
    for _ in range(draw(st.integers(0, 15))):
        node = draw(st.sampled_from(nodes[-3:]))
        position = tree.position(node)
        if position.winner:
            continue
        if position.can_swap and draw(st.booleans()):
            move = SWAP
        else:
            move = draw(st.sampled_from([*position.legal_moves(), PASS, RESIGN]))
        child = tree.add(node, move)
        if child not in nodes:
            nodes.append(child)
        if move == RESIGN:
            child.forfeit = draw(st.booleans())
    if extras:
        for node in draw(st.lists(st.sampled_from(nodes), max_size=4)):
            node.comment = draw(TEXTS)
            node.marks = draw(st.dictionaries(cells, st.sampled_from(list(MARKS)), max_size=3))
            node.labels = draw(st.dictionaries(cells, LINE_TEXTS, max_size=3))
            node.properties = draw(st.sampled_from([{}, {"XX": ["a\\]b", "c"]}, {"BL": ["12.5"], "V": [""]}]))
    tree.cursor = draw(st.sampled_from(nodes))
    return tree


def content(tree: GameTree) -> tuple:
    """Everything that a file keeps, comparable."""
    return tree.size, tree.swap, _node(tree.root)


def _node(node: Node) -> tuple:
    return (
        node.move,
        node.colour,
        node.forfeit,
        node.comment,
        node.setup,
        node.to_move,
        node.marks,
        node.labels,
        node.properties,
        [_node(child) for child in node.children],
    )
