"""One question to the engine at a time, so that the window never waits; a newer question replaces an older one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from engines.core.spec import Spec
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle


class Errand(QObject):
    """What fails is shown by the panel, as with every job of its own; Stop ends it, too."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._panel = panel
        self._handle: JobHandle | None = None
        self._then: Callable[[Any], None] | None = None
        self._otherwise: Callable[[], None] | None = None

    @property
    def is_out(self) -> bool:
        """Whether an answer is awaited."""
        return self._handle is not None

    def send(
        self,
        job: str,
        spec: Spec,
        then: Callable[[Any], None],
        otherwise: Callable[[], None] | None = None,
        *,
        handed: Any = None,
    ) -> None:
        """Ask. then: called with the job's result. otherwise: called when there will be none, unless for a newer
        question. handed: what a session gets besides its spec."""
        self.give_up()
        handle = self._panel.services.runner.submit(job, spec, lane="interactive", record=False)
        self._handle, self._then, self._otherwise = handle, then, otherwise
        handle.ended.connect(self._ended)
        self._panel.follow(handle, main=False)
        if handed is not None:
            handle.request(handed)

    def give_up(self) -> None:
        """Wait for the answer no more; nothing is called."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.ended.disconnect(self._ended)
            handle.cancel()

    def _ended(self, handle: JobHandle) -> None:
        if handle is not self._handle:
            return
        self._handle = None
        if handle.state == "done":
            assert self._then is not None
            self._then(handle.result)
        elif self._otherwise is not None:
            self._otherwise()
