"""How cells and moves are written: a column letter and a row number, a1 in the top left corner.

Cells are numbered row-major: on a board with n columns a2 is n and b1 is 1. After column z come aa, ab, ...
"""

from __future__ import annotations

import re
from typing import Final

from engines.core.errors import UserError
from engines.hex.snapshots import PASS, RESIGN, SWAP

_CELL: Final = re.compile(r"\s*([a-z]{1,2})\s*([0-9]{1,3})\s*", re.IGNORECASE | re.ASCII)
_WORDS: Final = {
    "swap": SWAP,
    "swap-pieces": SWAP,
    "swap-sides": SWAP,
    ":s": SWAP,
    "resign": RESIGN,
    ":r": RESIGN,
    "forfeit": RESIGN,
    "pass": PASS,
    ":p": PASS,
}
_NAMES: Final = {SWAP: "swap", RESIGN: "resign", PASS: "pass"}


def column_name(column: int) -> str:
    """The letters of a column counted from 0: 0 is a, 25 is z, 26 is aa, 27 is ab."""
    letters = ""
    column += 1
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(97 + rest) + letters
    return letters


def parse_column(letters: str) -> int:
    """The column, counted from 0, of its letters in either case."""
    column = 0
    for letter in letters.lower():
        column = column * 26 + ord(letter) - 96
    return column - 1


def cell_name(cell: int, size: int) -> str:
    """The name of a cell on a board of `size` columns: 0 is a1, 1 is b1, `size` is a2."""
    row, column = divmod(cell, size)
    return f"{column_name(column)}{row + 1}"


def parse_cell(text: str, size: int) -> int:
    """The cell of a name in either case. Raises UserError if it is none or lies off the board."""
    found = _CELL.fullmatch(text)
    if found is None:
        raise UserError(f"expected a cell such as c4, got {text!r}")
    column, row = parse_column(found[1]), int(found[2]) - 1
    if not (0 <= column < size and 0 <= row < size):
        last = cell_name(size * size - 1, size)
        raise UserError(f"{text.strip()} is off the {size}×{size} board", f"cells go from a1 to {last}")
    return row * size + column


def move_name(move: int, size: int) -> str:
    """A cell's name, or swap, resign, pass."""
    return _NAMES[move] if move in _NAMES else cell_name(move, size)


def parse_move(text: str, size: int) -> int:
    """A cell, or SWAP, RESIGN, PASS by their names in any program. Raises UserError otherwise."""
    word = text.strip().lower()
    return _WORDS[word] if word in _WORDS else parse_cell(text, size)


def rotate_cell(move: int, size: int) -> int:
    """The cell after turning the board by 180°, the only symmetry that keeps colours; SWAP, PASS … stay."""
    return size * size - 1 - move if move >= 0 else move


def transpose_cell(move: int, size: int) -> int:
    """The cell mirrored in the diagonal through a1, which exchanges the colours' edges; SWAP, PASS … stay."""
    return (move % size) * size + move // size if move >= 0 else move
