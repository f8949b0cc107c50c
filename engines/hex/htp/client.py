"""Other programs' Hex engines: started, asked and ended from here, whatever they do.

Every wait is bounded. An engine that is silent for too long, dies, or does not speak the protocol is ended
with all its children and reported as `EngineFailed`; a `?` answer is `EngineRefused` and harmless.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import shlex
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import psutil

from engines.core.errors import UserError

log = logging.getLogger(__name__)

Failure = Literal["missing", "hung", "died", "garbage", "illegal"]
MOST_NOISE = 200
"""Lines outside of any answer that are forgiven: some engines greet on standard output."""
MOST_ANSWER = 20_000
"""Lines of one answer; an engine that floods is taken for broken."""
LONGEST_LINE = 1 << 20
"""Characters."""
COMPLAINT_S = 0.25
"""How long a refusal of an interrupt is waited for."""
WAIT_S = 0.05
"""How long a wait for the engine goes before `check` is asked again."""


class EngineFailed(UserError):
    """The engine cannot be used any more; it has been ended. kind: how it failed."""

    def __init__(self, kind: Failure, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.kind = kind


class EngineRefused(UserError):
    """The engine answered "?": it did not do what was asked, and goes on."""


@dataclass(frozen=True)
class Spoken:
    """A line of the transcript. seconds: since the start. direction: ">" to it, "<" from it, "!" errors."""

    seconds: float
    direction: str
    text: str


def split_command(command: str | Sequence[str]) -> list[str]:
    """A command line as a program and its arguments. Raises UserError for an empty one or an open quote."""
    if not isinstance(command, str):
        words = list(command)
    elif os.name == "nt":  # backslashes are part of paths there
        words = [word.strip('"') for word in shlex.split(command, posix=False)] if command.strip() else []
    else:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UserError(f"the engine's command line is not complete: {error}") from None
    if not words:
        raise UserError("expected the command line of a Hex engine, got nothing", "for example: mohex")
    return words


class HtpClient:
    """One engine process.

    command: a command line or its words. name: for messages. timeout_s: for an ordinary answer. check: called
    while waiting; what it raises (a cancel) leaves the engine amid a command, so it is ended then.
    log_file: gets the whole transcript; the last `keep` lines are in `transcript`.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        name: str = "",
        timeout_s: float = 30.0,
        check: Callable[[], None] = lambda: None,
        log_file: Path | None = None,
        folder: Path | None = None,
        keep: int = 2000,
    ) -> None:
        self.words = split_command(command)
        self.name = name or Path(self.words[0]).stem
        self.timeout_s = timeout_s
        self.check = check
        self.folder = folder
        self.transcript: deque[Spoken] = deque(maxlen=keep)
        self.commands: frozenset[str] = frozenset()
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._family: psutil.Process | None = None
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=50_000)
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._started = time.monotonic()

    def __enter__(self) -> HtpClient:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs and has not failed."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_s: float | None = None) -> None:
        """Start the process (again) and ask for its name and commands. Raises EngineFailed."""
        self.close()
        self._closing = threading.Event()
        self._lines = queue.Queue(maxsize=50_000)
        self._started = time.monotonic()
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        try:
            self._process = subprocess.Popen(
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                cwd=self.folder, creationflags=flags, start_new_session=os.name == "posix",
            )  # fmt: skip
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise EngineFailed(
                "missing", f"cannot start {self.words[0]}: {reason}", "check the engine's command line"
            ) from None
        with suppress(psutil.Error):
            self._family = psutil.Process(self._process.pid)
        out, errors = self._process.stdout, self._process.stderr
        assert out is not None and errors is not None
        self._threads = [
            threading.Thread(target=self._listen, args=(out, self._lines, self._closing), name="htp-out", daemon=True),
            threading.Thread(target=self._listen, args=(errors, None, self._closing), name="htp-err", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        said = self.ask("name", timeout_s=timeout_s)
        self.name = said or self.name
        self.commands = frozenset(self.ask("list_commands", may_refuse=True).split())

    def ask(
        self,
        command: str,
        *,
        timeout_s: float | None = None,
        may_refuse: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> str:
        """Send one command and return its answer without the "= ".

        may_refuse: return "" for a "?" answer. stop: asked while waiting; once true, "# interrupt" is sent,
        and engines that know it answer with the best they have. Raises EngineRefused, EngineFailed.
        """
        self._send(command)
        return self._answer(command, self._deadline(timeout_s), may_refuse, stop)

    def stream(self, command: str, on_line: Callable[[str], None], stop: Callable[[], bool]) -> None:
        """Send a command that goes on writing (kata-analyze) and pass its lines on until `stop()` is true.

        Raises EngineRefused, and EngineFailed also when nothing at all comes for `timeout_s`.
        """
        self._send(command)
        deadline, stopped, begun = self._deadline(), False, False
        while True:
            if not stopped and stop():
                stopped, deadline = True, self._deadline()
                self._send("protocol_version")  # any command ends an analysis, and this one harms nobody
            line = self._next(command, deadline, [])
            if line is None:
                continue
            if not stopped:
                deadline = self._deadline()
            if line[:1] in ("=", "?") and not begun:
                if line[0] == "?":
                    self._skip_answer(deadline)
                    self._told(command, [line], False)
                begun, line = True, line[1:].lstrip("0123456789").strip()
                if not line:
                    continue
            if line:
                on_line(line)
            elif begun:  # the analysis has ended, asked or not
                if stopped:
                    self._answer("protocol_version", self._deadline(), True, None)
                return

    def _deadline(self, timeout_s: float | None = None) -> float:
        return time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)

    def _drop_complaint(self) -> None:
        """Engines that do not know comments answer "# interrupt" too, with a refusal that nobody wants."""
        until = time.monotonic() + COMPLAINT_S
        while time.monotonic() < until:
            line = self._next("# interrupt", self._deadline(), [])
            if line is not None and line.startswith("?"):
                self._skip_answer(self._deadline())
                return

    def _skip_answer(self, deadline: float) -> None:
        """Read to the empty line that ends the present answer."""
        while self._next("", deadline, []) != "":
            pass

    def _answer(self, command: str, deadline: float, may_refuse: bool, stop: Callable[[], bool] | None) -> str:
        """The next answer, whatever lines and pictures come before it."""
        answer: list[str] = []
        noise: list[str] = []
        picture = interrupted = False
        while True:
            if stop is not None and not interrupted and stop():
                interrupted = True
                self._send("# interrupt")
            line = self._next(command, deadline, noise)
            if line is None:
                continue
            if answer and not line:
                if interrupted:
                    self._drop_complaint()
                return self._told(command, answer, may_refuse)
            if answer or (line[:1] in ("=", "?") and not picture and not _BINARY.search(line)):
                if _BINARY.search(line):
                    raise self._fail("garbage", f"{self.name} does not write text: {_short(line)}")
                answer.append(line)
                if len(answer) > MOST_ANSWER:
                    raise self._fail("garbage", f"{self.name} answers {command!r} without end")
                continue
            picture = bool(line) and (picture or line.startswith("gogui-gfx:"))
            if line and not picture:
                noise.append(line)
                if len(noise) > MOST_NOISE:
                    said = f"{self.name} does not speak the Hex Text Protocol: {_short(noise[0])}"
                    raise self._fail("garbage", said)

    def close(self, patience_s: float = 1.0) -> None:
        """End the process and all its children: politely, then by force. Safe to call at any time."""
        process, self._process = self._process, None
        if process is None:
            return
        self._closing.set()
        family = self._relatives()
        with suppress(OSError, ValueError):
            if process.stdin is not None:
                if process.poll() is None:
                    os.set_blocking(process.stdin.fileno(), False) if os.name == "posix" else None
                    process.stdin.write(b"quit\n")
                process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
        family += [child for child in self._relatives() if child not in family]
        if process.poll() is None:
            process.kill()
        for child in family:
            with suppress(psutil.Error):
                child.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5.0)
        psutil.wait_procs(family, timeout=2.0)
        for thread in self._threads:
            thread.join(2.0)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None and not any(thread.is_alive() for thread in self._threads):
                pipe.close()
        self._threads = []

    def _relatives(self) -> list[psutil.Process]:
        if self._family is None:
            return []
        try:
            return self._family.children(recursive=True)
        except psutil.Error:
            return []

    def _send(self, text: str) -> None:
        process = self._process
        if process is None or process.stdin is None:
            raise EngineFailed("died", f"{self.name} is not running", "start it again")
        self._note(">", text)
        try:
            process.stdin.write(f"{text}\n".encode())
        except (OSError, ValueError):
            raise self._fail("died", self._epitaph()) from None

    def _next(self, command: str, deadline: float, noise: list[str]) -> str | None:
        """The next line, or None after a short wait. Raises when the engine hangs or dies, or on a cancel."""
        try:
            self.check()
        except BaseException:
            self.close(0.0)  # its answer would be taken for that to the next command
            raise
        try:
            line = self._lines.get(timeout=WAIT_S)
        except queue.Empty:
            if time.monotonic() < deadline:
                return None
            if noise:
                what = f"{self.name} answered {command!r} with what is no answer: {_short(noise[0])}"
                raise self._fail("garbage", what) from None
            what = f"{self.name} did not answer {command!r} in time and was ended"
            raise self._fail("hung", what, "start it again, or give it more time") from None
        if line is None:
            raise self._fail("died", self._epitaph())
        if time.monotonic() > deadline:
            raise self._fail("hung", f"{self.name} goes on writing but does not finish {command!r}")
        return line

    def _told(self, command: str, answer: list[str], may_refuse: bool) -> str:
        head = answer[0][1:].lstrip("0123456789").strip()
        text = "\n".join([head, *answer[1:]]).strip()
        if answer[0][0] == "=":
            return text
        if may_refuse:
            return ""
        raise EngineRefused(f"{self.name} refused {command!r}: {text or 'no reason given'}")

    def _fail(self, kind: Failure, what: str, remedy: str = "start it again") -> EngineFailed:
        self.close(0.0)
        return EngineFailed(kind, what, remedy)

    def _epitaph(self) -> str:
        process = self._process
        code = None
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(0.5)
        for thread in self._threads:
            thread.join(0.2)
        last = next((entry.text for entry in reversed(self.transcript) if entry.direction == "!" and entry.text), "")
        ended = "ended" if code is None else f"ended with exit code {code}"
        return f"{self.name} {ended}" + (f", its last words: {_short(last)}" if last else "")

    def _listen(self, pipe: IO[bytes], lines: queue.Queue[str | None] | None, closing: threading.Event) -> None:
        """Read a pipe to its end, line by line, into the queue (standard output) and the transcript."""
        rest = b""
        try:
            while chunk := os.read(pipe.fileno(), 1 << 16):
                *whole, rest = (rest + chunk).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    whole, rest = [*whole, rest], b""
                for raw in whole:
                    self._heard(raw, lines, closing)
        except (OSError, ValueError) as error:
            log.debug("a pipe of %s ended: %s", self.name, error)
        if rest:
            self._heard(rest, lines, closing)
        if lines is not None:
            _put(lines, None, closing)

    def _heard(self, raw: bytes, lines: queue.Queue[str | None] | None, closing: threading.Event) -> None:
        text = raw.decode("utf-8", errors="replace").replace("\t", " ").rstrip("\r\n ")
        self._note("<" if lines is not None else "!", text)
        if lines is not None:
            _put(lines, text, closing)

    def _note(self, direction: str, text: str) -> None:
        entry = Spoken(time.monotonic() - self._started, direction, text[:4000])
        self.transcript.append(entry)
        if self._log_file is not None:
            try:
                with self._log_file.open("a", encoding="utf-8") as out:
                    out.write(f"{entry.seconds:9.3f} {direction} {entry.text}\n")
            except OSError as error:
                log.warning("no longer writing %s: %s", self._log_file, error)
                self._log_file = None


def _put(lines: queue.Queue[str | None], line: str | None, closing: threading.Event) -> None:
    """Hand a line over; while nobody takes it, the engine waits in its pipe."""
    while not closing.is_set():
        with suppress(queue.Full):
            lines.put(line, timeout=0.2)
            return


_BINARY = re.compile(r"[\x00-\x08\x0b-\x1a\x1c-\x1f]")
"""Control characters that no program writes as text (the escape of terminal colours is forgiven)."""


def _short(text: str, most: int = 120) -> str:
    return repr(text if len(text) <= most else text[: most - 1] + "…")
