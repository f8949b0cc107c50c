"""The syntax of SGF (FF[4]), whatever the game: text into nodes of named values and back.

Source: Hollosi, SGF File Format FF[4], "Basics". Anything before the first "(;" is skipped, as mail headers
and byte-order marks stand there; lower-case letters in property names (FF[3]) are dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NoReturn

from engines.core.errors import UserError

_START: Final = re.compile(r"\(\s*;")
_NAME: Final = re.compile(r"[A-Za-z]+")
_SPACE: Final = re.compile(r"\s+")
# A value up to its closing bracket; a backslash takes the next character with it, whatever it is.
_VALUE: Final = re.compile(r"\[([^\]\\]*(?:\\.[^\]\\]*)*)\]", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(\r\n|\n\r|.)", re.DOTALL)
_BREAKS: Final = ("\r\n", "\n\r", "\n", "\r")


@dataclass(eq=False)
class RawNode:
    """A node of a file. values: name → values as written, escapes included. places: name → offset of each
    value."""

    place: int
    values: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, list[int]] = field(default_factory=dict)
    children: list[RawNode] = field(default_factory=list)


def fault(text: str, place: int, what: str, remedy: str = "") -> UserError:
    """The error at an offset of a file, with its line and column counted from 1."""
    before = text[:place]
    line, column = before.count("\n") + 1, place - before.rfind("\n")
    return UserError(f"line {line}, column {column}: {what}", remedy)


def parse(text: str) -> list[RawNode]:
    """The roots of all games in a file. Raises UserError with line and column where it is damaged."""
    roots: list[RawNode] = []
    place = 0
    while (start := _START.search(text, place)) is not None:
        root, place = _game(text, start.start())
        roots.append(root)
    if not roots:
        raise UserError("there is no SGF game in this text", 'a game begins with "(;"')
    return roots


def _game(text: str, place: int) -> tuple[RawNode, int]:
    """The game that opens at `place`, and the offset behind it."""
    base = RawNode(place)  # holds the root as its only child
    last = base
    open_at: list[tuple[int, RawNode]] = []
    while place < len(text):
        sign = text[place]
        if sign == "(":
            open_at.append((place, last))
            place += 1
        elif sign == ")":
            if last is open_at[-1][1]:
                raise fault(text, place, "a variation without a move or comment ends here")
            last = open_at.pop()[1]
            place += 1
            if not open_at:
                return base.children[0], place
        elif sign == ";":
            node = RawNode(place)
            last.children.append(node)
            last = node
            place += 1
        elif found := _SPACE.match(text, place):
            place = found.end()
        elif found := _NAME.match(text, place):
            if last is base or (open_at and last is open_at[-1][1]):
                raise fault(text, place, f'expected ";" before {found[0]!r}')
            place = _property(text, place, found, last)
        else:
            _unexpected(text, place)
    line = text.count("\n", 0, open_at[-1][0]) + 1
    what = f'the file ends inside the game or variation of line {line}, ")" is missing'
    raise fault(text, len(text), what, "it may have been cut off")


def _property(text: str, place: int, name: re.Match[str], node: RawNode) -> int:
    """Read one property with all its values into `node`; returns the offset behind it."""
    key = "".join(letter for letter in name[0] if letter.isupper())
    if not key:
        raise fault(text, place, f"expected a property name in capitals, got {name[0]!r}")
    place = name.end()
    values, places = node.values.setdefault(key, []), node.places.setdefault(key, [])
    first = True
    while True:
        if space := _SPACE.match(text, place):
            place = space.end()
        if not text.startswith("[", place):
            if first:
                raise fault(text, place, f'expected "[" after {key}, got {text[place : place + 1]!r}')
            return place
        value = _VALUE.match(text, place)
        if value is None:
            raise fault(text, place, f'a value of {key} begins here and never ends, "]" is missing')
        values.append(value[1])
        places.append(place + 1)
        place, first = value.end(), False


def _unexpected(text: str, place: int) -> NoReturn:
    raise fault(text, place, f'expected ";", "(", ")" or a property, got {text[place]!r}')


def full_text(value: str) -> str:
    """A value of type Text (a comment): escapes resolved, line breaks kept unless escaped."""
    value = _ESCAPED.sub(lambda found: "" if found[1] in _BREAKS else found[1], value)
    value = value.replace("\r\n", "\n").replace("\n\r", "\n").replace("\r", "\n")
    return re.sub(r"[\t\v\f]", " ", value)


def simple_text(value: str) -> str:
    """A value of type SimpleText: like Text, on one line."""
    return full_text(value).replace("\n", " ")


def split(value: str) -> tuple[str, str | None]:
    """The two parts of a composed value ("a1:text"), still escaped; the second is None without a colon."""
    found = re.match(r"((?:[^:\\]|\\.)*):(.*)", value, re.DOTALL)
    return (found[1], found[2]) if found else (value, None)


def escape(text: str, *, composed: bool = False) -> str:
    """Text as a value; `composed` values also escape the colon."""
    return re.sub(r"([\]\\:])" if composed else r"([\]\\])", r"\\\1", text)
