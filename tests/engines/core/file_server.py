"""A small web server on 127.0.0.1 that can misbehave in the ways downloads have to survive."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FileServer:
    """Serves `files` by path. ranges: resume is supported. cut: end the next answers after so many bytes
    each.
    pause_s: wait between blocks of `block` bytes. stall: stop sending after the first block until
    released."""

    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cut: list[int] = field(default_factory=list)
    pause_s: float = 0.0
    block: int = 1 << 16
    stall: bool = False
    status: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def url(self, path: str) -> str:
        return f"{self.address}/{path}"

    def start(self) -> ThreadingHTTPServer:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range", "")
        self.requests.append((request.path, wanted))
        body = self.files.get(request.path.lstrip("/"))
        if self.status or body is None:
            request.send_error(self.status or 404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        request.send_response(206 if wanted and self.ranges else 200)
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        stop = min(len(body), start + self.cut.pop(0)) if self.cut else len(body)
        try:
            for at in range(start, stop, self.block):
                request.wfile.write(body[at : min(at + self.block, stop)])
                if self.stall:
                    self.released.wait(30)
                    return
                time.sleep(self.pause_s)
        except OSError:
            return  # the client left
