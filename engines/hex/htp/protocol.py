"""Lines of the Hex Text Protocol (GTP 2 with Hex's commands): reading commands, writing answers.

Source: GTP 2 draft (Farnebäck 2002), section 2.5, and the way HexGui reads it: an answer always begins with
two characters ("= " or "? "), it ends with the first empty line, and "# interrupt" ends what is under way.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from engines.core.errors import UserError
from engines.hex.rules import BLACK, WHITE, Swap, cell_name, parse_cell
from engines.hex.snapshots import PASS, RESIGN, SWAP

COLOUR_LETTERS = {BLACK: "B", WHITE: "W"}
COLOUR_NAMES = {BLACK: "black", WHITE: "white"}
_COLOURS = {"b": BLACK, "black": BLACK, "red": BLACK, "w": WHITE, "white": WHITE, "blue": WHITE}
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COMMAND = re.compile(r"(?:([0-9]+)(?:\s+|$))?(.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One input line. id: its digits or "". name: empty when a line holds only an id. words: arguments."""

    id: str
    name: str
    words: tuple[str, ...]


def clean_line(line: str) -> str:
    """The line as GTP wants it read: no control characters, tabs as spaces, no comment, no outer spaces."""
    text = line.replace("\t", " ").replace("\n", " ")
    return _CONTROL.sub("", text).split("#", 1)[0].strip()


def is_interrupt(line: str) -> bool:
    """Whether it is the comment by which HexGui stops a running command."""
    text = _CONTROL.sub("", line.replace("\t", " ")).strip()
    return text.startswith("#") and text[1:].strip().lower() == "interrupt"


def parse_line(line: str) -> Command | None:
    """The command of a line, or None for an empty one or a comment."""
    text = clean_line(line)
    if not text:
        return None
    match = _COMMAND.match(text)
    assert match is not None  # the pattern accepts every text
    words = split_words(match[2])
    return Command(match[1] or "", words[0].lower() if words else "", tuple(words[1:]))


def split_words(text: str) -> list[str]:
    """Words at spaces; double quotes hold a file name together."""
    if '"' not in text:
        return text.split()
    reader = shlex.shlex(text, posix=True)
    reader.whitespace_split = True
    reader.quotes = '"'
    reader.escape = ""
    reader.commenters = ""
    try:
        return list(reader)
    except ValueError:  # an open quote is an ordinary character
        return text.split()


def answer(id: str, text: str, *, ok: bool = True) -> str:
    """A whole answer with its closing empty line; empty lines inside would end it early and are dropped."""
    lines = [_CONTROL.sub("", line.replace("\t", " ")).rstrip() for line in text.splitlines()]
    lines = [line for i, line in enumerate(lines) if line or i == 0]
    return f"{'=' if ok else '?'}{id} " + "\n".join(lines) + "\n\n"


def parse_colour(word: str) -> int:
    """BLACK or WHITE. Raises UserError."""
    colour = _COLOURS.get(word.lower())
    if colour is None:
        raise UserError(f"expected a colour (black or white), got {word!r}")
    return colour


@dataclass(frozen=True)
class SpokenMove:
    """A move as written. move: cell, SWAP, RESIGN or PASS. convention: of swap, None where unsaid."""

    move: int
    convention: Swap | None = None


def parse_move(word: str, size: int) -> SpokenMove:
    """The move that a word means on a board of `size`. Raises UserError."""
    spoken = {
        "swap": SpokenMove(SWAP),
        "swap-pieces": SpokenMove(SWAP, "pieces"),
        "swap-sides": SpokenMove(SWAP, "sides"),
        "resign": SpokenMove(RESIGN),
        "forfeit": SpokenMove(RESIGN),
        "pass": SpokenMove(PASS),
    }.get(word.lower())
    return spoken or SpokenMove(parse_cell(word.lower(), size))


def move_name(move: int, size: int, *, swap: str = "pieces", little_golem: bool = False) -> str:
    """The word for a move; swap: the convention in force. LittleGolem knows only the bare ``swap``."""
    if move == SWAP:
        return "swap" if little_golem else f"swap-{swap if swap == 'sides' else 'pieces'}"
    if move == RESIGN:
        return "resign"
    return "pass" if move == PASS else cell_name(move, size)


def parse_int(word: str, name: str, low: int, high: int) -> int:
    """An integer in [low, high]. Raises UserError."""
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", word) or not low <= int(word) <= high:
        raise UserError(f"expected {name} from {low} to {high}, got {word!r}")
    return int(word)


def parse_number(word: str, name: str, low: float, high: float) -> float:
    """A number in [low, high]. Raises UserError."""
    if not re.fullmatch(r"[+-]?([0-9]{1,12}\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,2})?", word.lower()):
        raise UserError(f"expected {name} as a number, got {word!r}")
    value = float(word)
    if not low <= value <= high:
        raise UserError(f"expected {name} from {low:g} to {high:g}, got {word!r}")
    return value


def parse_bool(word: str, name: str) -> bool:
    """True for 1/true/on, False for 0/false/off. Raises UserError."""
    known = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
    if word.lower() not in known:
        raise UserError(f"expected {name} as 0 or 1, got {word!r}")
    return known[word.lower()]
