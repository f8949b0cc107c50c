"""Hex games in SGF: FF[4] GM[11] as it is defined, and as HexGui up to 0.9 and LittleGolem write it.

Source: Hollosi, SGF FF[4], "Hex (GM[11])". Deviations read: in HexGui ≤ 0.9 files swap-pieces means
swap-sides; LittleGolem writes points as on a Go board (two letters), lets White begin, and says swap for
swap-pieces. Written is the standard only.
"""

from __future__ import annotations

import re
from typing import Final

from engines import __version__
from engines.core.errors import UserError
from engines.hex.coordinates import cell_name, parse_cell, parse_column
from engines.hex.gametree import MARKS, GameTree, Node
from engines.hex.rules import BLACK, EMPTY, MAX_SIZE, PASS, RESIGN, SWAP, WHITE, Swap
from engines.hex.sgf_syntax import RawNode, escape, fault, full_text, parse, simple_text, split

DEFAULT_SIZE: Final = 11
"""Cells on a side where a file does not say (SGF FF[4], Hex)."""

_COLOURS: Final = {"B": BLACK, "W": WHITE}
_SETUP: Final = {"AB": BLACK, "AW": WHITE, "AE": EMPTY}
_OURS: Final = {"FF", "GM", "CA", "AP", "SZ"}
_SWAP_RULES: Final[dict[str, str]] = {"none": "no swap", "sides": "swap-sides"}
"""What RU says of swap; swap-pieces needs no mention."""

_GO_POINT: Final = re.compile(r"[A-Za-z]{2}", re.ASCII)
_OLD_HEXGUI: Final = re.compile(r"HexGui:0\.(\d+)", re.IGNORECASE)


def read_sgf(text: str) -> GameTree:
    """The first game of a file. Raises UserError with line and column for what is damaged or not Hex."""
    return read_collection(text)[0]


def read_collection(text: str) -> list[GameTree]:
    """All games of a file, at least one. Raises like `read_sgf`, also when only a later game is damaged."""
    return [_Reader(text, root).tree for root in parse(text)]


def decode(data: bytes) -> str:
    """The text of a file's bytes: UTF-8, else the encoding that it names in CA, else Latin-1; never fails."""
    named = re.search(rb"CA\s*\[([\w-]+)\]", data[:10_000])
    for encoding in ("utf-8-sig", named[1].decode("ascii", "replace") if named else "latin-1"):
        try:
            return data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return data.decode("latin-1")


def write_sgf(tree: GameTree) -> str:
    """The game as FF[4] with every variation, comment, mark and unknown property."""
    pieces: list[str] = []
    waiting: list[Node | str] = [tree.root]
    while waiting:
        step = waiting.pop()
        if isinstance(step, str):
            pieces.append(step)
            continue
        pieces.append(_write_node(tree, step))
        if len(step.children) == 1:
            waiting.append(step.children[0])
        else:
            for child in reversed(step.children):
                waiting += [")", child, "\n("]
    return f"({''.join(pieces)})\n"


def write_collection(trees: list[GameTree]) -> str:
    """Several games in one file."""
    return "\n".join(write_sgf(tree) for tree in trees)


class _Reader:
    """Turns the raw nodes of one game into a GameTree."""

    def __init__(self, text: str, root: RawNode) -> None:
        self.text = text
        self.size = self._size(root)
        application = simple_text(root.values.get("AP", [""])[0])
        old = _OLD_HEXGUI.match(application)
        self.swap_pieces_means: Swap = "sides" if old and int(old[1]) <= 9 else "pieces"
        self.swap: Swap | None = None
        self.tree = GameTree(self.size)
        self.raw: dict[Node, RawNode] = {}
        self._read_all(root)
        self.tree.swap = self.swap or self._agreed_swap()
        if self.tree.root.properties.get("RU") == [_SWAP_RULES.get(self.tree.swap)]:
            del self.tree.root.properties["RU"]  # said by the tree itself
        try:
            self.tree.check()
        except UserError as error:
            place = self.raw[error.node].place  # type: ignore[attr-defined]
            raise fault(text, place, error.what, error.remedy) from None

    def _size(self, root: RawNode) -> int:
        game = root.values.get("GM", ["11"])[0].strip()
        if game != "11":
            place = root.places["GM"][0]
            raise fault(self.text, place, f"expected a game of Hex (GM[11]), got GM[{game[:20]}]")
        if "SZ" not in root.values:
            return DEFAULT_SIZE
        value, place = root.values["SZ"][0].strip(), root.places["SZ"][0]
        found = re.fullmatch(r"(\d{1,4})\s*(?::\s*(\d{1,4}))?", value, re.ASCII)
        if found is None:
            raise fault(self.text, place, f"expected a board size, got SZ[{value[:20]}]")
        columns, rows = int(found[1]), int(found[2] or found[1])
        if columns != rows:
            raise fault(
                self.text, place, f"this board has {columns} columns and {rows} rows",
                "only boards with as many rows as columns can be opened",
            )  # fmt: skip
        if not 1 <= columns <= MAX_SIZE:
            raise fault(self.text, place, f"expected a board size from 1 to {MAX_SIZE}, got {columns}")
        return columns

    def _agreed_swap(self) -> Swap:
        rules = self.tree.info("RU").lower()
        return "none" if "no swap" in rules else "sides" if "swap-sides" in rules else "pieces"

    def _read_all(self, root: RawNode) -> None:
        waiting = [(root, self.tree.root)]
        while waiting:
            raw, node = waiting.pop()
            last = self._read(raw, node)
            for _ in raw.children:
                last.children.append(Node(last))
            waiting.extend(zip(raw.children, last.children, strict=True))

    def _read(self, raw: RawNode, node: Node) -> Node:
        """Fill a node. Returns it, or its only child if the file plays two moves at once."""
        self.raw[node] = raw
        last = node
        for name, values in raw.values.items():
            places = raw.places[name]
            if name in _COLOURS:
                for value, place in zip(values, places, strict=True):
                    if last.move is not None:
                        last.children.append(Node(last))
                        last = last.children[0]
                        self.raw[last] = raw
                    self._read_move(last, value, place, _COLOURS[name])
            elif name in _SETUP:
                for value, place in zip(values, places, strict=True):
                    node.setup.update(dict.fromkeys(self._cells(value, place), _SETUP[name]))
            elif name == "PL":
                node.to_move = self._player(values[0], places[0])
            elif name == "C":
                node.comment = "\n".join(map(full_text, values))
            elif name == "LB":
                for value, place in zip(values, places, strict=True):
                    self._read_label(node, value, place)
            elif name in MARKS:
                for value, place in zip(values, places, strict=True):
                    node.marks.update(dict.fromkeys(self._cells(value, place), name))
            elif node.parent is not None or name not in _OURS:
                node.properties[name] = list(values)
        return last

    def _read_move(self, node: Node, value: str, place: int, colour: int) -> None:
        word = simple_text(value).strip().lower()
        node.colour = colour
        if word in ("swap-pieces", "swap-sides", "swap"):
            node.move = SWAP
            meaning: Swap = "sides" if word == "swap-sides" else "pieces"
            self._note_swap(self.swap_pieces_means if word == "swap-pieces" else meaning, place)
        elif word in ("resign", "forfeit"):
            node.move, node.forfeit = RESIGN, word == "forfeit"
        elif word in ("pass", ""):
            node.move = PASS
        else:
            node.move = self._cell(value, place)

    def _note_swap(self, swap: Swap, place: int) -> None:
        if self.swap not in (None, swap):
            raise fault(
                self.text, place, "this file uses both swap-pieces and swap-sides",
                "one game can have only one meaning of swap",
            )  # fmt: skip
        self.swap = swap

    def _read_label(self, node: Node, value: str, place: int) -> None:
        point, label = split(value)
        if label is None:
            raise fault(self.text, place, f"expected a cell, a colon and a text in LB, got {value[:30]!r}")
        node.labels[self._cell(point, place)] = simple_text(label)

    def _player(self, value: str, place: int) -> int:
        word = value.strip().lower()
        if word not in ("b", "w", "black", "white", "1", "2"):
            raise fault(self.text, place, f"expected B or W in PL, got {value[:20]!r}")
        return BLACK if word in ("b", "black", "1") else WHITE

    def _cell(self, value: str, place: int) -> int:
        point = value.strip()
        try:
            if _GO_POINT.fullmatch(point):
                point = f"{point[0]}{parse_column(point[1]) + 1}"
            return parse_cell(point, self.size)
        except UserError as error:
            remedy = error.remedy or "a cell is a letter and a number"
            raise fault(self.text, place, error.what, remedy) from None

    def _cells(self, value: str, place: int) -> list[int]:
        """One cell, or all of a rectangle "a1:c2"."""
        first, second = split(value)
        if second is None:
            return [self._cell(value, place)]
        (top, left), (bottom, right) = (divmod(self._cell(corner, place), self.size) for corner in (first, second))
        rows = range(min(top, bottom), max(top, bottom) + 1)
        columns = range(min(left, right), max(left, right) + 1)
        return [row * self.size + column for row in rows for column in columns]


def _write_node(tree: GameTree, node: Node) -> str:
    size = tree.size
    parts = [";"]
    if node.parent is None:
        parts.append(f"FF[4]GM[11]CA[UTF-8]AP[Paper Workbench:{__version__}]SZ[{size}]")
        if "RU" not in node.properties and tree.swap in _SWAP_RULES:
            parts.append(f"RU[{_SWAP_RULES[tree.swap]}]")
    for name, stone in _SETUP.items():
        parts.append(_points(name, [cell for cell, put in node.setup.items() if put == stone], size))
    if node.to_move:
        parts.append(f"PL[{'BW'[node.to_move - 1]}]")
    if node.move is not None:
        parts.append(f"{'BW'[node.colour - 1]}[{_move_value(tree, node)}]")
    if node.comment:
        parts.append(f"C[{escape(node.comment)}]")
    for name in MARKS:
        parts.append(_points(name, [cell for cell, mark in node.marks.items() if mark == name], size))
    if node.labels:
        labels = (f"[{cell_name(cell, size)}:{escape(text)}]" for cell, text in sorted(node.labels.items()))
        parts.append("LB" + "".join(labels))
    for name, values in node.properties.items():
        parts.append(name + "".join(f"[{value}]" for value in values))
    text = "".join(parts)
    return text if node.parent is None or (node.move is not None and len(text) < 12) else f"\n{text}\n"


def _points(name: str, cells: list[int], size: int) -> str:
    return name + "".join(f"[{cell_name(cell, size)}]" for cell in sorted(cells)) if cells else ""


def _move_value(tree: GameTree, node: Node) -> str:
    if node.move == SWAP:
        return "swap-sides" if tree.swap == "sides" else "swap-pieces"
    if node.move == RESIGN:
        return "forfeit" if node.forfeit else "resign"
    return "pass" if node.move == PASS or node.move is None else cell_name(node.move, tree.size)
