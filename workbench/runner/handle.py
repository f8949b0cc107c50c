"""What the window holds of a job: its state, its newest picture, and the ways to stop it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engines.core.spec import Spec
from workbench.runner.messages import ENDED, ErrorInfo, Progress, State

if TYPE_CHECKING:
    from workbench.runner.runner import Runner


class JobHandle(QObject):
    """One submitted job. Belongs to the window's thread; the runner feeds it.

    spec: as it was submitted; a dict for a run of an earlier window. lane: "interactive" or "batch".
    state: waiting, running, stopping, then done, failed, cancelled or interrupted.
    latest: the newest snapshot. result: of a done job. error: of a failed or interrupted one.
    run_id: of a recorded job once it runs. can_resume: the run went far enough to have something to resume.
    """

    state_changed = Signal(str)
    progressed = Signal(object)
    published = Signal(object)
    stuck = Signal(object)
    ended = Signal(object)

    def __init__(
        self, number: int, name: str, spec: Spec | dict[str, Any], *, lane: str, key: str, runner: Runner
    ) -> None:
        super().__init__()
        self.id = number
        self.name = name
        self.spec = spec
        self.lane = lane
        self.place = lane
        self.key = key
        self.title = name.split(".", 1)[-1].replace("_", " ").capitalize()
        self.state: State = "waiting"
        self.progress: Progress | None = None
        self.latest: Any = None
        self.result: Any = None
        self.error: ErrorInfo | None = None
        self.run_id: str | None = None
        self.is_session = False
        self.can_resume = False
        self.generation = 0
        self.oldest_wanted = 0
        self.started_at: float | None = None
        self.stopping_since: float | None = None
        self._seconds: float | None = None
        self._runner = runner

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def seconds(self) -> float:
        """How long it has run, or ran."""
        if self._seconds is not None:
            return self._seconds
        return 0.0 if self.started_at is None else time.monotonic() - self.started_at

    def cancel(self) -> None:
        """Ask it to stop. "stopping" until it has answered; nothing happens when it has ended."""
        self._runner.cancel(self)

    def kill(self) -> None:
        """End its process at once, with all that runs there; a fresh one takes the waiting jobs."""
        self._runner.kill(self)

    def request(self, payload: Any, *, keep_older: bool = False) -> int:
        """Give a session its next request (the newest wins); returns its generation, counting from 1.

        Snapshots that answer earlier requests are dropped from now on, unless `keep_older`.
        """
        return self._runner.request(self, payload, keep_older)

    # -- called by the runner

    def set_state(self, state: State) -> None:
        if state == self.state:
            return
        now = time.monotonic()
        if state == "running":
            self.started_at = now
        elif state == "stopping":
            self.stopping_since = now
        elif state in ENDED:
            self._seconds = self.seconds
        self.state = state
        self.state_changed.emit(state)
