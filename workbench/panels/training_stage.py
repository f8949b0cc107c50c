"""A tab whose job leaves checkpoints: what was stopped, here or in an earlier window, goes on from the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from PySide6.QtWidgets import QPushButton

from engines.core.errors import UserError
from engines.core.spec import Spec
from workbench.panels.stage import Stage
from workbench.widgets.basics import set_enabled
from workbench.widgets.spec_form import SpecForm

if TYPE_CHECKING:
    from engines.core.records import RunRecord
    from workbench.panels.base import Panel
    from workbench.runner import JobHandle

S = TypeVar("S", bound=Spec)


class TrainingStage(Stage, Generic[S]):
    """What stages that train have in common: the form, and the way to go on.

    A subclass names its `job`, the `spec` it takes and what a run has to have `reached` to be resumed; it builds a
    `form` and then calls `watch_runs`; `begin` follows a job that was started or resumed. resume_text: of the button;
    empty says what was reached. resume_tip: its tooltip while there is something to resume.
    """

    job: ClassVar[str]
    spec: ClassVar[type[Spec]]
    reached: ClassVar[str] = "finished epoch"
    resume_text: ClassVar[str] = ""
    resume_tip: ClassVar[str] = "With the settings that the run began with"
    form: SpecForm[S]

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.resumable: JobHandle | RunRecord | None = None
        self.resume_button = QPushButton(self.resume_text or f"Go on from the last {self.reached.split()[-1]}")
        self.resume_button.clicked.connect(self.resume)

    def begin(self, handle: JobHandle, spec: S) -> None:
        """Follow a job with these settings; extend it with what has to be cleared."""
        self.resumable = None
        set_enabled(self.resume_button, "The run is under way")
        self.take(handle)

    def watch_runs(self) -> None:
        """Offer to go on with what was stopped, from now until the window goes."""
        self.panel.services.runner.resumable_changed.connect(self.offer_resuming)
        self.offer_resuming()

    def start(self) -> None:
        spec = self.form.read()
        self.begin(self.panel.start(self.job, spec), spec)

    def resume(self) -> None:
        """Go on with the run that was stopped, with the settings it began with."""
        if self.resumable is None:
            return
        resumed = self.go_on(self.resumable, self.spec)
        if resumed is not None:
            handle, spec = resumed
            self.form.set_spec(spec)  # type: ignore[arg-type]
            self.begin(handle, spec)  # type: ignore[arg-type]

    def offer_resuming(self) -> None:
        """The run that was stopped here, else one that an earlier window left unfinished."""
        last = self.handle
        if last is not None and not last.has_ended:
            return
        if last is not None and last.state in ("cancelled", "interrupted") and last.run_id and last.can_resume:
            self.resumable = last
        else:
            runs = [run for run in self.panel.services.runner.resumable() if run.name == self.job]
            self.resumable = runs[0] if runs else None  # newest first
        reason = "" if self.resumable is not None else f"There is no stopped run with a {self.reached}"
        set_enabled(self.resume_button, reason, self.resume_tip)

    def take(self, handle: JobHandle) -> None:
        """Follow a job that was just started. Runs are watched on."""
        super().close_stage()
        self.handle = handle
        handle.published.connect(self._published)
        handle.ended.connect(self._ended)

    def close_stage(self) -> None:
        super().close_stage()
        self.panel.services.runner.resumable_changed.disconnect(self.offer_resuming)

    def save_state(self) -> dict[str, Any]:
        spec = self.form.spec()
        return {} if spec is None else spec.model_dump(mode="json")

    def restore_state(self, state: dict[str, Any]) -> None:
        known: Any = {key: value for key, value in state.items() if key in self.spec.model_fields}
        try:
            known = self.spec.checked(known)
        except UserError:
            return
        self.form.set_spec(known)
