"""sweep: one job for every combination of some settings, on a Ray cluster; each task is a run of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engines.core.errors import Cancelled, UserError
from workbench.cli import output
from workbench.cli.job_commands import AsJson, Out, parse_settings
from workbench.cli.stopping import EXIT_STOPPED, cancelled_by_signals

if TYPE_CHECKING:
    from engines.core.cluster import TaskEvent
    from engines.core.spec import Spec
    from engines.core.store import Store


def sweep(
    job: Annotated[str, typer.Argument(help="TOPIC.JOB, e.g. hex.train.")],
    over: Annotated[
        list[str] | None, typer.Option("--over", metavar="NAME=A;B;C", help="Values of one setting, by semicolons.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Settings to start from.")] = "quick",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change one setting.")] = None,
    cluster: Annotated[
        str, typer.Option(help="Address of the cluster: host:6379, ray://host:10001, auto; empty starts one here.")
    ] = "",
    cpus: Annotated[float, typer.Option(min=0.1, help="Processors that each task reserves.")] = 1.0,
    gpus: Annotated[float, typer.Option(min=0.0, help="Accelerators that each task reserves.")] = 0.0,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Run a job for all combinations of settings on a Ray cluster (the optional extra "cluster")."""
    from engines.core.cluster import ClusterExecutor, grid
    from engines.core.job import LocalContext, find_job
    from engines.core.store import Store

    found = find_job(job)
    values = {name: text.split(";") for name, text in parse_settings(over or []).items()}
    specs = grid(found.spec.preset(preset, **parse_settings(set_ or [])), **values)
    store = Store()
    context = LocalContext()
    tasks = _Tasks(store, job, specs)
    try:
        with (
            ClusterExecutor(cluster, cpus=cpus, gpus=gpus) as executor,
            output.progress(f"{job}, {len(specs)} tasks", quiet=as_json) as tick,
            cancelled_by_signals(context),
        ):
            for event in executor.sweep(job, specs, check=context.check):
                tasks.take(event)
                tick(tasks.done, len(specs), tasks.latest)
    except (Cancelled, KeyboardInterrupt):
        tasks.stop()
        raise typer.Exit(EXIT_STOPPED) from None
    finally:
        store.close()
    _report(tasks, specs, list(values), out, as_json=as_json)


class _Tasks:
    """Keeps every task as a run of the store."""

    def __init__(self, store: Store, job: str, specs: tuple[Spec, ...]) -> None:
        from engines.core.execute import code_version

        self.store = store
        self.runs = [
            store.create(job, spec.model_dump(mode="json"), (spec.seed,), spec.device, code_version()) for spec in specs
        ]
        self.states = ["waiting"] * len(specs)
        self.figures: list[dict[str, Any]] = [{} for _ in specs]
        self.latest = ""

    @property
    def done(self) -> int:
        return sum(state in ("done", "failed", "cancelled") for state in self.states)

    def take(self, event: TaskEvent) -> None:
        from engines.core.results import scalars

        run = self.runs[event.task]
        self.latest = f"task {event.task + 1} {event.kind} {event.text}".rstrip()
        if event.kind in ("checkpoint", "done"):
            event.write_artifacts(self.store.folder(run))
        if event.kind == "checkpoint":
            self.store.save_checkpoint(run, event.payload)
        elif event.kind == "started":
            self._say(event.task, "running")
        elif event.kind == "lost":
            output.remark(f"Task {event.task + 1} has lost its worker and runs again.")
        elif event.kind == "done":
            self.figures[event.task] = scalars(event.payload) if event.payload is not None else {}
            if event.payload is not None:
                self.store.save_result(run, event.payload)
            self._say(event.task, "done", self.figures[event.task])
        elif event.kind == "failed":
            kind = "bug" if event.is_bug else "user"
            error = {"kind": kind, "what": event.text, "remedy": event.remedy, "details": event.details}
            self.states[event.task] = "failed"
            self.store.set_status(run, "failed", error=error)
            output.remark(f"Task {event.task + 1} failed: {event.text}")
        elif event.kind == "cancelled":
            self._say(event.task, "cancelled")

    def stop(self) -> None:
        """What has not ended was stopped; it can go on from its checkpoint."""
        for task, state in enumerate(self.states):
            if state in ("waiting", "running"):
                self._say(task, "cancelled")

    def _say(self, task: int, state: str, metrics: dict[str, Any] | None = None) -> None:
        self.states[task] = state
        self.store.set_status(self.runs[task], state, metrics)


def _report(tasks: _Tasks, specs: tuple[Spec, ...], names: list[str], out: Path | None, *, as_json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "task": number + 1,
            "run": tasks.runs[number],
            "status": tasks.states[number],
            "settings": {name: spec.model_dump(mode="json")[name] for name in names},
            "figures": tasks.figures[number],
        }
        for number, spec in enumerate(specs)
    ]
    if out is not None:
        from engines.core import atomic

        try:
            atomic.write_json(out / "sweep.json", {"tasks": rows})
        except OSError as error:
            raise UserError(f"{out} cannot be written: {error.strerror}", "give --out another folder") from error
    if as_json:
        output.emit({"tasks": rows})
    else:
        figures = list(dict.fromkeys(name for row in tasks.figures for name in row))[:6]
        output.table(
            "Sweep",
            ("task", "run", "status", *names, *figures),
            [
                (row["task"], row["run"], row["status"], *(str(row["settings"][n]) for n in names),
                 *(tasks.figures[i].get(f) for f in figures))
                for i, row in enumerate(rows)
            ],
        )  # fmt: skip
    if "failed" in tasks.states:
        raise typer.Exit(1)
