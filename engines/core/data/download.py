"""Downloads that may be cancelled, go on where they stopped, and never leave a wrong file under the right
name."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engines.core.data.places import nothing
from engines.core.data.registry import DataFile
from engines.core.errors import UserError

Progress = Callable[[float, float, str], None]

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 20.0
"""A server that sends nothing for this long is given up; the next one, or the next try, goes on from
there."""
_CHUNK = 1 << 16


def silent(done: float, total: float, text: str) -> None:
    """The progress of callers that do not ask for it."""


def fetch_file(
    file: DataFile,
    folder: Path,
    *,
    progress: Callable[[int], None] = lambda done: None,
    check: Callable[[], None] = nothing,
) -> Path:
    """Bring one file into `folder` and return its path. The file appears there whole and with the right
    sha256, or not at all; what arrived so far waits beside it as ``.part`` for the next try.

    progress: gets the bytes of this file so far. check: may raise to cancel; called at least every 50 ms.
    Raises UserError when no address serves the right file.
    """
    import pooch

    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    pooch.get_logger().setLevel("ERROR")
    reasons = []
    with _only_one(target.with_name(target.name + ".lock"), check):
        if target.is_file() and pooch.file_hash(str(target)) == file.sha256:
            return target  # another process was faster
        target.unlink(missing_ok=True)
        for url in file.urls:
            bring = _Resumable(part, file.size, progress, check)
            for _attempt in (0, 1):  # a stale .part is thrown away, and the file fetched afresh
                try:
                    pooch.retrieve(url, f"sha256:{file.sha256}", target.name, target.parent, downloader=bring)
                    return target
                except ValueError:
                    reasons.append(f"{_host(url)} sent a file with another checksum")
                    if not bring.resumed:
                        break
                except OSError as error:  # requests' exceptions are OSErrors, too
                    reasons.append(f"{_host(url)}: {_short(error)}")
                    break
    raise UserError(
        f"could not download {file.name}: {'; '.join(reasons) or 'no address is known'}",
        f"check the connection and try again, or put the file at {target}",
    )


class _Resumable:
    """A downloader for pooch: asks the server for what `part` still lacks, and only then hands the file
    over."""

    def __init__(self, part: Path, size: int, progress: Callable[[int], None], check: Callable[[], None]) -> None:
        self.part, self.size, self.progress, self.check = part, size, progress, check
        self.resumed = False

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        have = self.part.stat().st_size if self.part.is_file() else 0
        if have > self.size:
            have = 0
        self.resumed = have > 0
        if have < self.size:
            with self.part.open("r+b" if have else "wb") as stream:
                self._receive(url, have, stream)
        self.part.replace(output_file)  # pooch compares the checksum before it renames that

    def _receive(self, url: str, have: int, stream: Any) -> None:
        for kind, value in _chunks(url, have, self.check):
            if kind == "start":  # the server says where it starts: at `have`, or at 0 if it cannot resume
                self.resumed = value > 0
                have = value
                stream.seek(have)
                stream.truncate()
            else:
                stream.write(value)
                have += len(value)
                if have > self.size:
                    self.part.unlink()
                    raise ValueError("longer than the file that is known")
            self.progress(have)
        if have < self.size:
            raise ConnectionError(f"the connection ended after {have} of {self.size} bytes")


def _chunks(url: str, start: int, check: Callable[[], None]) -> Iterator[tuple[str, Any]]:
    """("start", first byte) and then ("bytes", chunk)... of a download that runs in a thread of its own, so
    that even a silent server does not delay `check`. The thread ends with the iteration, or with its next
    time-out."""
    mail: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=64)
    stop = threading.Event()

    def post(kind: str, value: Any) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                mail.put((kind, value), timeout=0.1)
                return

    def receive() -> None:
        import requests

        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
        try:
            with requests.get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)) as answer:
                answer.raise_for_status()
                post("start", start if answer.status_code == 206 else 0)
                for chunk in answer.iter_content(_CHUNK):
                    if stop.is_set():
                        return
                    post("bytes", chunk)
            post("end", None)
        except (OSError, ValueError) as error:
            post("error", error)

    thread = threading.Thread(target=receive, name="download", daemon=True)
    thread.start()
    try:
        while True:
            check()
            with suppress(queue.Empty):
                kind, value = mail.get(timeout=0.05)
                if kind == "end":
                    return
                if kind == "error":
                    raise value if isinstance(value, OSError) else ConnectionError(str(value))
                yield kind, value
    finally:
        stop.set()
        thread.join(0.3)


@contextmanager
def _only_one(lock: Path, check: Callable[[], None]) -> Iterator[None]:
    """Hold `lock` against other processes and threads; the lock of a process that is gone is taken over."""
    while True:
        try:
            handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
            break
        except FileExistsError:
            check()
            if _is_stale(lock):
                lock.unlink(missing_ok=True)
            else:
                time.sleep(0.05)
    try:
        os.write(handle, str(os.getpid()).encode())
        os.close(handle)
        yield
    finally:
        lock.unlink(missing_ok=True)


def _is_stale(lock: Path) -> bool:
    import psutil

    try:
        owner = lock.read_text()
        if owner.isdigit():
            return psutil.Process(int(owner)).create_time() > lock.stat().st_mtime + 1
        return time.time() - lock.stat().st_mtime > 5  # its maker died before it could write
    except psutil.NoSuchProcess:
        return True
    except (OSError, psutil.Error):
        return False


def _host(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0]


def _short(error: OSError) -> str:
    """The cause without the nested wrapping of connection errors."""
    answer = getattr(error, "response", None)
    if answer is not None:
        return f"it answered {answer.status_code} {answer.reason}"
    name = type(error).__name__
    if "Timeout" in name:
        return "it did not answer in time"
    if error.args and not isinstance(error.args[0], str):
        return "no connection"
    return str(error) or name
