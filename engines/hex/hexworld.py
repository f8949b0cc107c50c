"""Links to HexWorld's board, ``https://hexworld.org/board/#11c1,a3:sf6g7``, read and written.

After "#" come the size, display options (n: move numbers, m: mirrored, rK: rotation, cK: colours), a comma,
the moves run together, and after a second comma those that are still ahead of the one looked at. ``:s`` is
swap-pieces, ``:S`` swap-sides, ``:p`` a pass, ``:rb :rw`` a resignation and ``:fb :fw`` a forfeit of Black
(HexWorld's red, who begins) or White.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from engines.core.errors import UserError
from engines.hex.coordinates import cell_name, parse_cell
from engines.hex.gametree import GameTree, Node
from engines.hex.rules import BLACK, MAX_SIZE, PASS, RESIGN, SWAP, WHITE, IllegalMove, opponent

BOARD_URL: Final = "https://hexworld.org/board/#"
DEFAULT_OPTIONS: Final = "c1"

_HEAD: Final = re.compile(r"(\d{1,4})(?:x(\d{1,4}))?((?:r\d+|c\d+|n|m)*)", re.IGNORECASE | re.ASCII)
_TOKEN: Final = re.compile(r"[a-zA-Z]{1,2}[0-9]{1,3}|:(?:[sSpP]|[rRfF][bBwW])", re.ASCII)
_IGNORED: Final = re.compile(r"[\s\\.,]*")


def is_link(text: str) -> bool:
    """Whether a text looks like a HexWorld link, or like the part of one behind the "#"."""
    return "hexworld.org/" in text.lower() or _HEAD.fullmatch(_fragment(text).split(",")[0]) is not None


def read_link(text: str) -> GameTree:
    """The game of a link, or of the part behind its "#"; the cursor stands where the link's does.

    Raises UserError naming the offending part and its place among the link's characters.
    """
    fragment = _fragment(text)
    head, _, moves = fragment.partition(",")
    found = _HEAD.fullmatch(head)
    if found is None:
        raise UserError(
            f"expected a board size such as 11c1 at the beginning, got {head[:30]!r}",
            f"a link looks like {BOARD_URL}11c1,a3:sf6",
        )
    columns, rows = int(found[1]), int(found[2] or found[1])
    if columns != rows:
        raise UserError(f"this board is {columns}×{rows}", "only boards with equal sides can be opened")
    if not 1 <= columns <= MAX_SIZE:
        raise UserError(f"expected a board size from 1 to {MAX_SIZE}, got {columns}")
    played, _, ahead = moves.partition(",")
    if "," in ahead:
        raise UserError("there is one comma too many", "at most two: before the moves, and at the cursor")
    tokens = _tokens(played, columns, len(head) + 1)
    continuation = _tokens(ahead, columns, len(head) + len(played) + 2)
    both = {text for text, _ in tokens + continuation} & {":s", ":S"}
    if len(both) > 1:
        raise UserError("this link uses both :s and :S", "one game can have only one meaning of swap")
    tree = GameTree(columns, "sides" if ":S" in both else "pieces")
    tree.link_options = found[3].lower()
    tree.cursor = _append(tree, tree.root, tokens)
    _append(tree, tree.cursor, continuation)
    return tree


def write_link(tree: GameTree) -> str:
    """The link to the line through the cursor, with what follows after it.

    Set-up stones are written as moves, with passes in between. Raises UserError when stones were taken away.
    """
    line = tree.current_line()
    at = tree.cursor.depth
    turn = BLACK
    before: list[str] = []
    after: list[str] = []
    for index, node in enumerate(line):
        texts, turn = _node_tokens(tree, node, turn)
        (before if index <= at else after).extend(texts)
    text = f"{BOARD_URL}{tree.size}{tree.link_options or DEFAULT_OPTIONS},{''.join(before)}"
    return f"{text},{''.join(after)}" if after else text


def read_moves(text: str, size: int) -> tuple[int, ...]:
    """Moves as in a link, with or without spaces and commas between them: cells, SWAP, PASS, RESIGN.

    Raises UserError.
    """
    return tuple(_meaning(token, size) for token, _ in _tokens(text, size, 0))


def write_moves(moves: tuple[int, ...] | list[int], size: int) -> str:
    """Moves as `read_moves` reads them, one blank between two."""
    words: list[str] = []
    turn = BLACK
    for move in moves:
        words.append(_word(move, size, turn))
        turn = turn if move == RESIGN else opponent(turn)
    return " ".join(words)


def _fragment(text: str) -> str:
    text = text.strip()
    if "#" in text:
        text = text.rsplit("#", 1)[1]
    return unquote(text).strip()


def _tokens(text: str, size: int, offset: int) -> list[tuple[str, int]]:
    """The moves of a text with the place of each, cells checked."""
    tokens: list[tuple[str, int]] = []
    blank = _IGNORED.match(text)
    place = blank.end() if blank else 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        where = f"at character {offset + place + 1} of the link"
        if found is None:
            raise UserError(
                f"expected a move {where}, got {text[place : place + 12]!r}",
                "moves: a1, :s, :p, :rb, :rw, :fb, :fw",
            )
        try:
            _meaning(found[0], size)
        except UserError as error:
            raise UserError(f"{error.what} ({where})", error.remedy) from None
        word = found[0] if found[0] == ":S" else found[0].lower()
        tokens.append((word, offset + place))
        blank = _IGNORED.match(text, found.end())
        place = blank.end() if blank else found.end()
    return tokens


def _meaning(token: str, size: int) -> int:
    if token[0] != ":":
        return parse_cell(token, size)
    return {"s": SWAP, "p": PASS}.get(token[1].lower(), RESIGN)


def _append(tree: GameTree, node: Node, tokens: list[tuple[str, int]]) -> Node:
    """Hang the moves below `node`, one under the other. Raises UserError for an illegal one. Returns the
    last."""
    position = tree.position(node)
    for token, place in tokens:
        move = _meaning(token, tree.size)
        colour = position.to_move
        if move == RESIGN:
            colour = BLACK if token[2] == "b" else WHITE
        child = Node(node, move, colour, forfeit=token.startswith(":f"))
        try:
            position = tree.advance(position, child)
        except IllegalMove as error:
            raise UserError(f"{error.what} ({token!r} at character {place + 1} of the link)", error.remedy) from None
        node.children.append(child)
        node = child
    return node


def _node_tokens(tree: GameTree, node: Node, turn: int) -> tuple[list[str], int]:
    """The moves that stand for a node, and whose turn it is after them."""
    texts: list[str] = []
    for cell, stone in sorted(node.setup.items()):
        if stone not in (BLACK, WHITE):
            raise UserError("a HexWorld link cannot take stones away", "save the game as SGF")
        texts += [":p"] * (stone != turn) + [cell_name(cell, tree.size)]
        turn = opponent(stone)
    if node.to_move and node.to_move != turn:
        texts.append(":p")
        turn = node.to_move
    if node.move is None:
        return texts, turn
    if node.move == RESIGN:
        word = _word(RESIGN, tree.size, node.colour)
        return [*texts, word.replace("r", "f", 1) if node.forfeit else word], turn
    if node.move != SWAP and node.colour != turn:
        texts.append(":p")
    if node.move == SWAP and tree.swap == "sides":
        return [*texts, ":S"], node.colour
    return [*texts, _word(node.move, tree.size, node.colour)], opponent(node.colour)


def _word(move: int, size: int, colour: int) -> str:
    if move == RESIGN:
        return ":rb" if colour == BLACK else ":rw"
    return {SWAP: ":s", PASS: ":p"}.get(move) or cell_name(move, size)
