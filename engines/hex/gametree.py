"""A game with its variations, comments, marks and set-up stones, as files keep it and a window edits it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engines.core.errors import UserError
from engines.hex.rules import BLACK, EMPTY, PASS, RESIGN, SWAP, WHITE, IllegalMove, Position, Swap, opponent

MARKS = {"TR": "triangle", "SQ": "square", "CR": "circle", "MA": "cross"}
"""Marks of a cell by their names in files."""


@dataclass(eq=False, repr=False)
class Node:
    """One step of a game: possibly a move, possibly stones put or taken away by hand, and what was said
    about it.

    move: a cell, SWAP, RESIGN or PASS, or None where nothing was played; colour: who played it (0 without a
    move).
    forfeit: the RESIGN was a loss on time or by absence.
    setup: cell → BLACK, WHITE or EMPTY, changed before the move; to_move: who is said to be on turn then
    (0: unsaid).
    marks: cell → "TR", "SQ", "CR" or "MA". labels: cell → text.
    properties: everything of a file that we do not interpret, name → values as written there.
    children: the first one is the main line.
    """

    parent: Node | None = None
    move: int | None = None
    colour: int = 0
    forfeit: bool = False
    comment: str = ""
    setup: dict[int, int] = field(default_factory=dict)
    to_move: int = 0
    marks: dict[int, str] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    properties: dict[str, list[str]] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    @property
    def path(self) -> list[Node]:
        """The nodes from the root to this one, both included."""
        nodes = [self]
        while nodes[-1].parent is not None:
            nodes.append(nodes[-1].parent)
        return nodes[::-1]

    @property
    def depth(self) -> int:
        """How many nodes lie above this one."""
        return len(self.path) - 1

    @property
    def last(self) -> Node:
        """Where following first children from here ends."""
        node = self
        while node.children:
            node = node.children[0]
        return node

    def walk(self) -> Iterator[Node]:
        """This node and all below, parents first, main lines first."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


class GameTree:
    """All games of one record from one empty board.

    size: cells on a side. swap: what swap does in this record. root: a Node, usually without a move.
    cursor: the node looked at. link_options: display options of the HexWorld link it came from, e.g. "r9c1".
    """

    def __init__(self, size: int, swap: Swap = "pieces") -> None:
        Position(size, swap)  # refuses what is no board
        self.size = size
        self.swap: Swap = swap
        self.root = Node()
        self.cursor = self.root
        self.link_options = ""

    @classmethod
    def from_moves(cls, size: int, moves: list[int] | tuple[int, ...], swap: Swap = "pieces") -> GameTree:
        """A record of one line from the empty board, the cursor at its end. Raises IllegalMove."""
        tree = cls(size, swap)
        for move in moves:
            tree.cursor = tree.add(tree.cursor, move)
        return tree

    @classmethod
    def from_position(cls, position: Position) -> GameTree:
        """A record of a position: its set-up stones in the root, then its moves; the cursor at the end."""
        tree = cls(position.size, position.swap)
        if position.setup is not None:
            stones = position.setup.ravel().tolist()
            tree.root.setup = {cell: stone for cell, stone in enumerate(stones) if stone}
            tree.root.to_move = position.setup_to_move
        for move in position.moves:
            tree.cursor = tree.add(tree.cursor, move)
        return tree

    def position(self, node: Node | None = None) -> Position:
        """The position after `node` (default: the cursor). Raises IllegalMove if its line cannot be played.

        Its `moves` hold a PASS wherever the record lets one colour move twice, and start anew
        (`Position.setup`) at set-up stones and at whatever the rules do not foresee: a stone after the end,
        a late swap.
        """
        position = Position(self.size, self.swap)
        for step in (node or self.cursor).path:
            position = self.advance(position, step)
        return position

    def advance(self, position: Position, node: Node) -> Position:
        """The position after `node`, given the one before it, which may be changed and returned.

        Raises IllegalMove when a stone is put on another.
        """
        if node.setup or node.to_move or node.parent is None:
            position = self._set_up(position, node)
        if node.move is None:
            return position
        if node.move >= 0 and position.winner:
            position = Position.from_cells(position.cells, node.colour)
            return _replaced(position, node.move, node.colour)
        if position.winner and node.move == SWAP:
            raise IllegalMove("there is nothing to swap after the end of the game")
        if position.winner:
            return position
        if position.to_move != node.colour and not (node.move == SWAP and position.can_swap):
            position.play(PASS)
        if node.move == SWAP and not position.can_swap:
            return self._late_swap(position, node)
        position.play(node.move)
        return position

    def add(self, node: Node, move: int, colour: int = 0) -> Node:
        """The child of `node` with that move, made if there is none yet. colour: who plays it (0: who is on
        turn).

        Raises IllegalMove when the rules forbid the move there.
        """
        position = self.position(node)
        colour = colour or position.to_move
        for child in node.children:
            if child.move == move and child.colour == colour:
                return child
        if colour != position.to_move and not position.winner:
            position.play(PASS)
        position.play(move)
        child = Node(node, move, colour)
        node.children.append(child)
        return child

    def remove(self, node: Node) -> Node:
        """Cut `node` and all below; the cursor moves up if it was there. Returns the parent.

        Raises UserError for the root.
        """
        if node.parent is None:
            raise UserError("the beginning of a game cannot be removed")
        if node in self.cursor.path:
            self.cursor = node.parent
        node.parent.children.remove(node)
        return node.parent

    def promote(self, node: Node) -> None:
        """Make the line through `node` the main line."""
        for step in node.path[1:]:
            assert step.parent is not None
            step.parent.children.remove(step)
            step.parent.children.insert(0, step)

    def main_line(self) -> list[Node]:
        """The nodes from the root along first children to the end."""
        return self.root.last.path

    def current_line(self) -> list[Node]:
        """The nodes from the root through the cursor and on along first children to the end."""
        return self.cursor.last.path

    def info(self, name: str) -> str:
        """A property of the game, such as PB, PW, RE, EV, DT, as plain text; empty when missing."""
        from engines.hex.sgf_syntax import simple_text

        values = self.root.properties.get(name, [""])
        return simple_text(values[0]) if values else ""

    def set_info(self, name: str, text: str) -> None:
        """Set such a property; an empty text removes it."""
        from engines.hex.sgf_syntax import escape

        if text:
            self.root.properties[name] = [escape(text)]
        else:
            self.root.properties.pop(name, None)

    def check(self) -> None:
        """Play every variation once. Raises IllegalMove, with the node as its `node`, at the first that
        fails."""
        waiting = [(self.root, Position(self.size, self.swap))]
        while waiting:
            node, before = waiting.pop()
            try:
                after = self.advance(before, node)
            except UserError as error:
                error.node = node  # type: ignore[attr-defined]
                raise
            # The last child may have the position itself, its siblings need their own.
            for index, child in enumerate(node.children):
                waiting.append((child, after.copy() if index else after))

    def _set_up(self, position: Position, node: Node) -> Position:
        cells = position.cells
        for cell, stone in node.setup.items():
            cells.flat[cell] = stone
        turn = node.to_move
        if not turn and node.parent is None:
            turn = _first_colour(node) or _balanced(cells)
        return Position.from_cells(cells, turn or position.to_move, self.swap)

    def _late_swap(self, position: Position, node: Node) -> Position:
        """A swap where the rules have none: the whole board is mirrored and changes colour, or only the
        sides."""
        if self.swap != "pieces":
            return Position.from_cells(position.cells, position.to_move)
        cells = position.cells.T
        mirrored = np.where(cells == EMPTY, EMPTY, 3 - cells).astype(np.int8)
        return Position.from_cells(mirrored, opponent(node.colour))


def _replaced(position: Position, cell: int, colour: int) -> Position:
    """A finished position with one more stone."""
    cells = position.cells
    if cells.flat[cell]:
        raise IllegalMove("there is a stone already")
    cells.flat[cell] = colour
    return Position.from_cells(cells, opponent(colour))


def _first_colour(root: Node) -> int:
    """Who moves first below a root that says nothing of it."""
    node: Node | None = root
    while node is not None:
        if node.move is not None and node.move != RESIGN:
            return node.colour
        node = node.children[0] if node.children else None
    return 0


def _balanced(cells: np.ndarray) -> int:
    """Who is on turn where nobody says it: White with one stone less than Black, else Black."""
    return WHITE if np.count_nonzero(cells == BLACK) == np.count_nonzero(cells == WHITE) + 1 else BLACK
