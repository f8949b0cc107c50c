"""The HTP engine's loop: lines in, answers out; it never ends by an error of its own or another's."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from engines.core.errors import UserError
from engines.hex.htp import commands_game, commands_net  # noqa: F401  (they register the commands)
from engines.hex.htp.game import Game
from engines.hex.htp.players import Player
from engines.hex.htp.protocol import Command, answer, is_interrupt, parse_line
from engines.hex.htp.registry import COMMANDS
from engines.hex.htp.session import DEFAULT_SECONDS, Limits, Session, State
from engines.hex.rules import Swap

log = logging.getLogger(__name__)
LONGEST_LINE = 1 << 20
"""Bytes after which a line without an end is taken as it is, so that no input can fill the memory."""


class Inbox:
    """Lines that a thread reads ahead, so that a running command can see that the next one has come.

    read: returns the next bytes, b"" at the end.
    """

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._lines: deque[str] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._fill, name="htp-input", daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        rest = b""
        try:
            while chunk := self._read():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    lines, rest = [*lines, rest], b""
                self._put(lines)
        except (OSError, ValueError) as error:  # the other side has gone, or the stream was closed under us
            log.info("input ended: %s", error)
        self._put([rest] if rest else [], ended=True)

    def _put(self, lines: list[bytes], ended: bool = False) -> None:
        with self._changed:
            self._lines.extend(line.decode("utf-8", errors="replace") for line in lines)
            self._ended = self._ended or ended
            self._changed.notify_all()

    def next(self) -> str | None:
        """The next line, waiting for it; None at the end of input."""
        with self._changed:
            while not self._lines and not self._ended:
                self._changed.wait()
            return self._lines.popleft() if self._lines else None

    def waiting(self) -> bool:
        """Whether a line, or the end of input, has come."""
        return bool(self._lines) or self._ended

    def broken_off(self) -> bool:
        """Whether "# interrupt" is the next line, or nobody is listening any more."""
        with self._changed:
            return is_interrupt(self._lines[0]) if self._lines else self._ended


class Server:
    """One engine on one pair of streams.

    read: the next bytes of input, b"" at its end. write: takes all bytes and sends them on at once.
    """

    def __init__(
        self,
        player: Player,
        read: Callable[[], bytes],
        write: Callable[[bytes], object],
        *,
        size: int = 11,
        swap: Swap = "pieces",
        limits: Limits | None = None,
        little_golem: bool = False,
    ) -> None:
        state = State(Game.new(size, swap), limits or Limits(seconds=DEFAULT_SECONDS), little_golem)
        self._write = write
        self._inbox = Inbox(read)
        self.session = Session(player, state, self._inbox.waiting, self._inbox.broken_off, self._emit)

    def run(self) -> None:
        """Answer until quit or the end of input."""
        try:
            while not self.session.quitting:
                line = self._inbox.next()
                if line is None:
                    return
                asked = parse_line(line)
                if asked is not None:
                    self._emit(self.answer(asked))
        except (BrokenPipeError, ConnectionError) as error:
            log.info("output ended: %s", error)
        except KeyboardInterrupt:
            log.info("interrupted from the keyboard")

    def answer(self, asked: Command) -> str:
        """The whole answer of one command (or its end, where it began it itself)."""
        session, before, begun = self.session, self.session.state, []

        def begin() -> None:
            begun.append(True)
            self._emit(f"={asked.id} \n")

        session.begin = begin
        handler = COMMANDS.get(asked.name)
        try:
            if not asked.name:
                raise UserError("syntax error: no command")
            if handler is None:
                raise UserError(f"unknown command: {asked.name}")
            text = handler(session, asked.words)
        except (BrokenPipeError, ConnectionError):
            raise
        except UserError as error:
            session.state = before
            return "\n" if begun else answer(asked.id, str(error).replace("\n", " "), ok=False)
        except Exception as error:
            log.exception("a bug in %s", asked.name)
            session.state = before
            said = f"internal error: {type(error).__name__}: {error}".replace("\n", " ")
            return "\n" if begun else answer(asked.id, said, ok=False)
        return "\n" if text is None else answer(asked.id, text)

    def _emit(self, text: str) -> None:
        self._write(text.encode("utf-8", errors="replace"))
