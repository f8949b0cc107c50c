"""Games as the text fields of specs write them."""

from __future__ import annotations

import re

from engines.hex.coordinates import parse_move

_WORD = re.compile(r":[rf][bw]|:[a-z]|[^:\s,;0-9]+[0-9]+|[^\s,;]+")


def moves_of(text: str, size: int) -> tuple[int, ...]:
    """Moves as on HexWorld, with or without spaces or commas: "c1 :s b4", "c1:sb4". Raises UserError."""
    words = _WORD.findall(text.strip().lower())
    return tuple(parse_move(":r" if re.fullmatch(":[rf][bw]", word) else word, size) for word in words)
