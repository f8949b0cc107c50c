"""A session in a thread, as the window's process holds one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from engines.core.errors import Cancelled
from engines.core.job import LocalContext, run_job
from engines.core.spec import Spec


class Desk:
    """Runs a session job until the block ends, and keeps its snapshots with their times."""

    def __init__(self, name: str, spec: Spec) -> None:
        self.shots: list[Any] = []
        self.times: list[float] = []
        self.asked = 0.0
        self.error: BaseException | None = None
        self.ctx = LocalContext(on_snapshot=self._keep)
        self._thread = threading.Thread(target=self._run, args=(name, spec))

    def _keep(self, shot: Any, keep: bool) -> None:
        self.times.append(time.perf_counter())
        self.shots.append(shot)

    def _run(self, name: str, spec: Spec) -> None:
        try:
            run_job(name, spec, self.ctx)
        except BaseException as error:  # noqa: BLE001 - shown by the block's end
            self.error = error

    def ask(self, request: Any) -> None:
        self.asked = time.perf_counter()
        self.ctx.request(request)

    def wait(self, wanted: Callable[[Any], bool], seconds: float = 60.0) -> Any:
        """The first snapshot that is wanted."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and (self.error is None):
            for shot in list(self.shots):
                if wanted(shot):
                    return shot
            time.sleep(0.005)
        raise AssertionError(f"no such snapshot among {len(self.shots)}; error: {self.error!r}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ctx.cancel()
        self._thread.join(20)
        assert not self._thread.is_alive()
        if error is None:
            assert isinstance(self.error, Cancelled), self.error
