"""The game on the board: its tree, the place looked at, and every edit with the way back. Knows no Qt.

Going through a game is not an edit. Playing a new move, deleting a branch, setting up stones, comments and
opening
another game are: each is one step of `undo` and `redo`, and nothing is ever lost by a wrong click.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.core.errors import UserError
from engines.hex.coordinates import move_name, transpose_cell
from engines.hex.gametree import GameTree, Node
from engines.hex.hexworld import is_link, read_link, write_link
from engines.hex.rules import PASS, RESIGN, SWAP, Position, Swap
from engines.hex.sgf import read_sgf, write_sgf

SMALLEST, LARGEST = 3, 19
"""Board sizes that the panel plays on."""
UNDO_DEPTH = 500
_MARK_KEYS = ("TR", "SQ", "CR", "MA")


@dataclass(frozen=True)
class _Edit:
    """One step of the undo stack. cursor_before, cursor_after: where to look after undoing and redoing."""

    text: str
    undo: Callable[[], None]
    redo: Callable[[], None]
    cursor_before: Node
    cursor_after: Node
    stroke: int = 0


class Record:
    """A game that is played, looked through and edited.

    `node` is the place looked at, `position` what stands on the board there. Subclasses hear of changes
    through `_moved` (another place), `_edited` (the tree changed) and `_replaced` (another game or board
    size).
    """

    def __init__(self, size: int = 11, swap: Swap = "pieces") -> None:
        self.tree = GameTree(size, swap)
        self._position: Position | None = None
        self._tip: Node = self.tree.root
        self._edits: list[_Edit] = []
        self._undone: list[_Edit] = []
        self._saved: _Edit | None = None
        self._stroke = 0
        self._is_stroking = False

    # -- what stands where -----------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        return self.tree.size

    @property
    def swap(self) -> Swap:
        """What swap means in this game."""
        return self.tree.swap

    @property
    def node(self) -> Node:
        return self.tree.cursor

    @property
    def position(self) -> Position:
        """The position at `node`. Belongs to this record: copy it before playing on it."""
        if self._position is None:
            self._position = self.tree.position()
        return self._position

    @property
    def to_move(self) -> int:
        return self.position.to_move

    @property
    def ply(self) -> int:
        """How many nodes lie between the beginning and here."""
        return self.node.depth

    def line(self) -> list[Node]:
        """The nodes from the beginning through here to the end of the branch that was looked at last."""
        if self.node in self._tip.path:
            return self._tip.last.path
        return self.node.last.path

    def engine_position(self) -> dict[str, Any]:
        """The position as `EngineRequest` wants it: size, moves, swap, setup, setup_to_move."""
        position = self.position
        return {
            "size": self.size,
            "moves": position.moves,
            "swap": self.swap,
            "setup": position.setup,
            "setup_to_move": position.setup_to_move,
        }

    def moves_text(self) -> str:
        """The moves of `line` to its end as text for `ReviewSpec.moves`. Raises UserError after set-up
        stones."""
        line = self.line()
        if any(node.setup for node in line):
            raise UserError("this game begins from set-up stones", "review needs the empty board")
        names = {SWAP: ":s", PASS: ":p", RESIGN: ":r"}
        moves = self.tree.position(line[-1]).moves
        return " ".join(names.get(move) or move_name(move, self.size) for move in moves)

    def move_numbers(self) -> dict[int, int]:
        """Cell → number of the move whose stone lies there (after swap-pieces the mirrored cell has number
        2)."""
        numbers: dict[int, int] = {}
        for number, move in enumerate(self.position.moves, 1):
            if move >= 0:
                numbers[move] = number
            elif move == SWAP and self.swap == "pieces":
                first = self.position.moves[0]
                numbers.pop(first, None)
                numbers[transpose_cell(first, self.size)] = number
        return numbers

    def swapped_cell(self) -> int:
        """The stone that a swap has put on the board or taken over, -1 if there was none."""
        moves = self.position.moves
        if len(moves) < 2 or moves[1] != SWAP or self.position.setup is not None:
            return -1
        return transpose_cell(moves[0], self.size) if self.swap == "pieces" else moves[0]

    # -- playing ---------------------------------------------------------------------------------------------

    def play(self, move: int) -> Node:
        """Play a cell, SWAP, RESIGN or PASS here. A move that is in the tree already is only gone to.

        Raises IllegalMove and changes nothing when the rules forbid it.
        """
        parent = self.node
        mover = self.to_move
        known = [child for child in parent.children if child.move == move and child.colour == mover]
        if known:
            self.jump(known[0])
            return known[0]
        child = self.tree.add(parent, move)
        parent.children.remove(child)
        self._do(
            f"move {move_name(move, self.size)}",
            lambda: parent.children.append(child),
            lambda: parent.children.remove(child),
            child,
        )
        return child

    def swap_now(self) -> Node:
        return self.play(SWAP)

    def resign(self) -> Node:
        return self.play(RESIGN)

    def take_back(self, moves: int = 1) -> None:
        """Remove the last `moves` moves and whatever follows them, as one edit."""
        node = self.node
        for _ in range(moves - 1):
            if node.parent is not None and node.parent.parent is not None:
                node = node.parent
        self.delete_branch(node)

    # -- going through the game ------------------------------------------------------------------------------

    def jump(self, node: Node) -> None:
        """Look at another node of this tree."""
        if node.path[0] is not self.tree.root:
            raise ValueError("expected a node of this game")
        if node is self.node:
            return
        self._look_at(node)
        self._moved()

    def jump_to_ply(self, ply: int) -> None:
        """Look at the position after `ply` nodes of the current line; beyond its ends, at the ends."""
        line = self.line()
        self.jump(line[min(max(ply, 0), len(line) - 1)])

    def back(self, steps: int = 1) -> None:
        self.jump_to_ply(self.ply - steps)

    def forward(self, steps: int = 1) -> None:
        self.jump_to_ply(self.ply + steps)

    def to_start(self) -> None:
        self.jump_to_ply(0)

    def to_end(self) -> None:
        self.jump_to_ply(len(self.line()))

    def next_variation(self, step: int = 1) -> None:
        """Look at the next (-1: the previous) alternative to this move, round and round."""
        parent = self.node.parent
        if parent is not None and len(parent.children) > 1:
            index = (parent.children.index(self.node) + step) % len(parent.children)
            self.jump(parent.children[index])

    # -- editing the tree ------------------------------------------------------------------------------------

    def delete_branch(self, node: Node | None = None) -> None:
        """Cut a node (default: this one) and all that follows. Raises UserError for the beginning."""
        node = node or self.node
        parent = node.parent
        if parent is None:
            raise UserError("the beginning of a game cannot be deleted", "start a new game instead")
        index = parent.children.index(node)
        inside = node in self.node.path
        self._do(
            "delete branch",
            lambda: parent.children.remove(node),
            lambda: parent.children.insert(index, node),
            parent if inside else self.node,
        )

    def promote(self, node: Node | None = None) -> None:
        """Make the line through a node (default: this one) the main line."""
        node = node or self.node
        steps = [(step.parent, list(step.parent.children), step) for step in node.path if step.parent]
        if all(children[0] is step for _, children, step in steps):
            return

        def restore() -> None:
            for parent, children, _ in steps:
                parent.children[:] = children

        self._do("make main line", lambda: self.tree.promote(node), restore, self.node)

    def set_comment(self, text: str, node: Node | None = None) -> None:
        node = node or self.node
        if text != node.comment:
            self._set_fields("comment", node, comment=text)

    def set_mark(self, cell: int, mark: str) -> None:
        """Put a mark on a cell: "TR", "SQ", "CR" or "MA", any other text as a label, "" for nothing."""
        marks = {key: value for key, value in self.node.marks.items() if key != cell}
        labels = {key: value for key, value in self.node.labels.items() if key != cell}
        if mark in _MARK_KEYS:
            marks[cell] = mark
        elif mark:
            labels[cell] = mark
        self._set_fields("mark", self.node, marks=marks, labels=labels)

    # -- setting up ------------------------------------------------------------------------------------------

    def begin_stroke(self) -> None:
        """Stones painted until `end_stroke` are one step of undo."""
        self._stroke += 1
        self._is_stroking = True

    def end_stroke(self) -> None:
        self._is_stroking = False

    def set_stone(self, cell: int, colour: int) -> None:
        """Put a stone (1, 2) on a cell, or take it away (0), in a node of its own after the moves played."""
        if int(self.position.cells.flat[cell]) == colour:
            return
        self._set_up(cell=cell, colour=colour)

    def set_to_move(self, colour: int) -> None:
        """Say who is on turn here."""
        if colour != self.to_move:
            self._set_up(to_move=colour)

    def clear_board(self) -> None:
        """Take all stones away, as set-up."""
        if self.position.cells.any():
            self.begin_stroke()
            for cell in np.flatnonzero(self.position.cells).tolist():
                self._set_up(cell=cell, colour=0)
            self.end_stroke()

    def _set_up(self, cell: int = -1, colour: int = 0, to_move: int = 0) -> None:
        alone = not self._is_stroking
        if alone:
            self.begin_stroke()
        turn = to_move or self.to_move
        node = self.node
        if node.move is not None or node.children:
            self._add_setup_node(node, turn)
            node = self.node
        setup = dict(node.setup)
        if cell >= 0:
            before = self.tree.position(node.parent).cells.flat[cell] if node.parent else 0
            setup.pop(cell, None)
            if int(before) != colour:
                setup[cell] = colour
        self._set_fields("set up", node, setup=setup, to_move=turn)
        if alone:
            self.end_stroke()

    def _add_setup_node(self, parent: Node, turn: int) -> None:
        node = Node(parent, to_move=turn)
        self._do("set up", lambda: parent.children.append(node), lambda: parent.children.remove(node), node)

    # -- other games -----------------------------------------------------------------------------------------

    def new_game(self, size: int | None = None, swap: Swap | None = None) -> None:
        """Begin again, on another board if asked. Raises UserError for a size that is not played."""
        size = size or self.size
        _check_size(size)
        self._replace(GameTree(size, swap or self.swap), "new game")
        self.mark_saved()

    def set_swap(self, swap: Swap) -> None:
        """Change what swap means. Raises UserError once somebody has swapped."""
        if swap == self.swap:
            return
        if any(node.move == SWAP for node in self.tree.root.walk()):
            raise UserError("this game has a swap already", "start a new game to change what swap means")
        tree, before = self.tree, self.swap

        def put(value: Swap) -> None:
            tree.swap = value

        self._do("swap rule", lambda: put(swap), lambda: put(before), self.node)

    def load_text(self, text: str) -> None:
        """Open a game from SGF or a HexWorld link. Raises UserError, changing nothing, if it is neither."""
        self.load_tree(tree_from_text(text))

    def load_tree(self, tree: GameTree, *, is_saved: bool = False) -> None:
        """Show another game, checked whole before anything changes. is_saved: it is as in its file."""
        _check_size(tree.size)
        tree.check()
        tree.position()
        self._replace(tree, "open game")
        if is_saved:
            self.mark_saved()

    def to_sgf(self) -> str:
        return write_sgf(self.tree)

    def to_link(self) -> str:
        """A HexWorld link to the current line, with the cursor in it."""
        return write_link(self.tree)

    def link_rotation(self) -> int | None:
        """The rotation (hour 1..12) that the HexWorld link asked for, if this game came from one that did."""
        found = re.search(r"r(\d+)", self.tree.link_options)
        return int(found[1]) if found and 1 <= int(found[1]) <= 12 else None

    def _replace(self, tree: GameTree, text: str) -> None:
        old = self.tree

        def show(which: GameTree) -> None:
            self.tree = which
            self._look_at(which.cursor)
            self._replaced()

        self._do(text, lambda: show(tree), lambda: show(old), tree.cursor)

    # -- the way back ----------------------------------------------------------------------------------------

    @property
    def is_dirty(self) -> bool:
        """Whether there are edits since the game was saved, opened or begun."""
        return (self._edits[-1] if self._edits else None) is not self._saved

    def mark_saved(self) -> None:
        self._saved = self._edits[-1] if self._edits else None
        self._edited()

    @property
    def undo_text(self) -> str:
        """What `undo` would undo, empty if nothing."""
        return self._edits[-1].text if self._edits else ""

    @property
    def redo_text(self) -> str:
        return self._undone[-1].text if self._undone else ""

    def undo(self) -> None:
        """Undo the last edit, or the whole stroke of set-up stones."""
        self._go(self._edits, self._undone, lambda edit: (edit.undo, edit.cursor_before))

    def redo(self) -> None:
        self._go(self._undone, self._edits, lambda edit: (edit.redo, edit.cursor_after))

    def _go(
        self,
        source: list[_Edit],
        target: list[_Edit],
        how: Callable[[_Edit], tuple[Callable[[], None], Node]],
    ) -> None:
        if not source:
            return
        stroke = source[-1].stroke
        while source:
            edit = source.pop()
            action, cursor = how(edit)
            action()
            target.append(edit)
            self._look_at(cursor)
            if not stroke or not source or source[-1].stroke != stroke:
                break
        self._edited()
        self._moved()

    def _do(self, text: str, redo: Callable[[], None], undo: Callable[[], None], cursor: Node) -> None:
        stroke = self._stroke if self._is_stroking else 0
        edit = _Edit(text, undo, redo, self.node, cursor, stroke)
        redo()
        self._edits.append(edit)
        del self._edits[:-UNDO_DEPTH]
        self._undone.clear()
        self._look_at(cursor)
        self._edited()
        self._moved()

    def _set_fields(self, text: str, node: Node, **values: Any) -> None:
        before = {name: getattr(node, name) for name in values}

        def put(fields: dict[str, Any]) -> None:
            for name, value in fields.items():
                setattr(node, name, value)

        self._do(text, lambda: put(values), lambda: put(before), self.node)

    def _look_at(self, node: Node) -> None:
        self.tree.cursor = node
        self._position = None
        path = self._tip.path
        is_cut = any(step.parent is not None and step not in step.parent.children for step in path)
        if is_cut or node not in path or path[0] is not self.tree.root:
            self._tip = node.last

    # -- for those who listen --------------------------------------------------------------------------------

    def _moved(self) -> None:
        """Another place is looked at, or what stands there changed."""

    def _edited(self) -> None:
        """The tree changed, or whether it is saved."""

    def _replaced(self) -> None:
        """This is another game now."""


def tree_from_text(text: str) -> GameTree:
    """The game of an SGF text or a HexWorld link. Raises UserError with what is wrong."""
    text = text.strip()
    if not text:
        raise UserError("there is nothing to open", "expected an SGF game or a HexWorld link")
    if text.startswith(("(", "\ufeff(", ";")):
        return read_sgf(text)
    if is_link(text):
        return read_link(text)
    return read_sgf(text)


def _check_size(size: int) -> None:
    if not SMALLEST <= size <= LARGEST:
        raise UserError(
            f"expected a board of {SMALLEST}×{SMALLEST} to {LARGEST}×{LARGEST}, got {size}×{size}",
            "the networks play no other sizes",
        )
