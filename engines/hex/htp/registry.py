"""The table of commands: functions of the session and the arguments that return the answer's text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engines.core.errors import UserError
from engines.hex.htp.session import Session

Handler = Callable[[Session, Sequence[str]], str | None]
"""None: the handler has begun its answer itself (`Session.begin`); only the closing empty line is wanted."""

COMMANDS: dict[str, Handler] = {}


def command(name: str, *, low: int = 0, high: int | None = None) -> Callable[[Handler], Handler]:
    """Register a handler that takes from `low` to `high` arguments (None: as many as one likes)."""

    def register(function: Handler) -> Handler:
        def checked(session: Session, words: Sequence[str]) -> str | None:
            if len(words) < low or (high is not None and len(words) > high):
                wanted = f"{low}" if high == low else f"{low} to {high}" if high else f"at least {low}"
                raise UserError(f"{name} expects {wanted} arguments, got {len(words)}")
            return function(session, words)

        checked.__doc__ = function.__doc__
        COMMANDS[name] = checked
        return function

    return register
