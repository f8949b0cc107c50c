"""Commands: what the palette, menus and shortcuts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def always() -> str:
    """No reason against it."""
    return ""


def later(call: Callable[..., object], *arguments: object) -> Callable[[], None]:
    """`call` with these arguments, to be called without any (Qt hands a `partial` its own besides)."""

    def run() -> None:
        call(*arguments)

    return run


@dataclass(frozen=True)
class Command:
    """Something the user can do by name.

    id: "topic.verb", unique in a window. run: does it, called without arguments. shortcut: as "Ctrl+K"; Space
    and Esc are taken only where the focused control has no use for them. why_disabled: the reason it cannot
    be done now, shown to the user, or "".
    group: heading under which the palette shows it.
    """

    id: str
    text: str
    run: Callable[[], object]
    shortcut: str = ""
    why_disabled: Callable[[], str] = always
    group: str = ""
    icon: str = ""
