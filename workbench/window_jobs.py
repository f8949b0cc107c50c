"""What the window knows of jobs: how many run, what was run before, and what this computer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMessageBox, QWidget

from engines.core.errors import UserError
from workbench.home import HomePage
from workbench.services import Services
from workbench.status_bar import WindowStatusBar

if TYPE_CHECKING:
    from engines.core.store import RunRecord
    from workbench.runner import JobHandle


class WindowJobs(QObject):
    """Follows the runner for home page and status bar. machine: the look at this computer, once asked for."""

    def __init__(self, services: Services, home: HomePage, bar: WindowStatusBar, window: QWidget) -> None:
        super().__init__(window)
        self._services, self._home, self._bar, self._window = services, home, bar, window
        self.machine: JobHandle | None = None
        runner = services.runner
        runner.job_added.connect(self._added)
        runner.job_removed.connect(self.count)
        runner.stuck.connect(self._offer_to_end)
        runner.resumable_changed.connect(self.show_runs)
        self.show_runs()

    def active(self) -> list[JobHandle]:
        """Ordinary jobs of the panels that wait or run."""
        jobs = self._services.runner.jobs()
        return [j for j in jobs if not j.has_ended and not j.is_session and j is not self.machine]

    def count(self, _job: object = None) -> None:
        """Say how many there are; after the last the home page lists it as a run."""
        active = self.active()
        self._bar.set_jobs(len(active))
        if not active and self._home.isVisible():
            self.show_runs()

    def show_runs(self) -> None:
        """List the latest runs on the home page."""
        store = self._services.store
        if store is None:
            return
        try:
            runs: list[RunRecord] = store.runs()
        except (UserError, OSError) as error:
            self._bar.say(f"The record of runs cannot be read: {error}")
            return
        latest = sorted(runs, key=lambda run: run.updated, reverse=True)
        self._home.show_runs(latest, list(self._services.runner.resumable()))

    def look_at_machine(self) -> None:
        """Ask the engines what this computer has; home page and status bar show the answer."""
        from workbench.machine import MachineSpec

        self.machine = self._services.runner.submit(
            "workbench.machine", MachineSpec(), lane="interactive", record=False
        )
        self.machine.ended.connect(self._machine_seen)
        self.count()

    def may_close(self) -> bool:
        """Ask whether running jobs may be stopped; True when there are none."""
        # What answers a slider or looks at the computer is no work that could be lost.
        running = [job for job in self.active() if job.lane == "batch"]
        if not running:
            return True
        titles = "\n".join(f"• {job.title}" for job in running[:6])
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Jobs are running")
        box.setText("1 job is running." if len(running) == 1 else f"{len(running)} jobs are running.")
        box.setInformativeText(f"{titles}\n\nRecorded runs can be resumed from their last checkpoint.")
        stop = box.addButton("Stop and close", QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton("Keep working", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.exec()
        chosen = box.clickedButton()
        box.deleteLater()
        return chosen is stop

    def _added(self, handle: JobHandle) -> None:
        handle.state_changed.connect(self.count)
        self.count()

    def _offer_to_end(self, handle: JobHandle) -> None:
        from workbench.widgets.failure_dialog import offer_to_end

        offer_to_end(handle, self._window)

    def _machine_seen(self, handle: JobHandle) -> None:
        report = handle.result
        if report is None:
            what = handle.error.what if handle.error is not None else "the engine did not answer"
            self._home.show_machine_problem(f"The engines could not say what this computer has: {what}.")
            self._bar.set_device("Device unknown")
            return
        self._home.show_machine(report)
        usable = [d for d in report.devices if d[2]]
        self._services.devices[:] = ["auto", *(d[0] for d in usable)]
        self._services.runner.forget(handle)
        preferred = self._services.settings.device
        shown = preferred if preferred != "auto" else usable[0][0] if usable else "no device"
        threads = f"{report.threads} thread{'s' if report.threads != 1 else ''}"
        self._bar.set_device(f"{shown}, {threads}", "\n".join(f"{d[0]}: {d[1]}" for d in report.devices))
