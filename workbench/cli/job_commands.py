"""run, claims and bench: what computes, with progress and a stop that loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engines.core.errors import Cancelled, UserError
from workbench.cli import output
from workbench.cli.stopping import EXIT_STOPPED, cancelled_by_signals

if TYPE_CHECKING:
    from engines.core.claims import ClaimResult
    from engines.core.execute import Execution
    from engines.core.job import Job
    from engines.core.spec import FieldView, Spec
    from engines.core.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the files; made where it is missing.")]


def run(
    job: Annotated[str, typer.Argument(help="TOPIC.JOB, e.g. hex.train; leave it out for a list.")] = "",
    preset: Annotated[str, typer.Option(help="Settings to start from: quick or full.")] = "quick",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Change one setting.")] = None,
    out: Out = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Go on with a run that was stopped or killed.")
    ] = None,
    fields: Annotated[bool, typer.Option("--fields", help="List the job's settings and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a job without a window; the run is kept, and copied to --out."""
    from engines.core.job import find_job
    from engines.core.store import Store

    if not job:
        _list_jobs(as_json=as_json)
        return
    found = find_job(job)
    if fields:
        _list_fields(found, preset, as_json=as_json)
        return
    if found.session:
        raise UserError(f"{job} is a live session of the window", "choose a job of paper-workbench run")
    changes = parse_settings(set_ or [])
    store = Store()
    for notice in store.notices:
        output.remark(notice)
    store.mark_interrupted()
    try:
        if resume is None:
            spec = found.spec.preset(preset, **changes)
        else:
            spec = _spec_to_resume(store, resume, job, changes)
        _run(store, found, spec, resume, out, as_json=as_json)
    finally:
        store.close()


def parse_settings(texts: list[str]) -> dict[str, str]:
    """``["a=1", "b=x=y"]`` as {"a": "1", "b": "x=y"}. Raises UserError for a missing or repeated name."""
    settings: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or not name:
            raise UserError(f"expected --set NAME=VALUE, got {text!r}")
        if name in settings:
            raise UserError(f"--set {name} was given twice")
        settings[name] = value.strip()
    return settings


def claims(
    topic: Annotated[str, typer.Argument(help="The paper's topic, e.g. hex.")],
    preset: Annotated[str, typer.Option(help="quick or full.")] = "quick",
    seeds: Annotated[int, typer.Option(help="How many seeds, from 0 on.")] = 3,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure a paper's claims again: its value, ours, spread over seeds, verdict."""
    from engines.core import atomic
    from engines.core import claims as papers
    from engines.core.job import LocalContext

    context = LocalContext()
    with output.progress(f"Claims of {topic}", quiet=as_json) as tick, cancelled_by_signals(context):
        results, complete = papers.run_claims(
            topic, preset, seeds, on_progress=tick, on_result=None if as_json else _announce, ctx=context
        )
    report = {**papers.report(topic, results), "preset": preset, "complete": complete}
    if out is not None:
        _write(lambda: atomic.write_json(out / f"claims-{topic}.json", report), out)
    if as_json:
        output.emit(report)
    else:
        output.table(
            f"Claims of {topic}, preset {preset}",
            ("", "claim", "paper", "ours", "spread", "seeds", "verdict", "note"),
            [
                tuple(c[k] for k in ("id", "claim", "paper", "ours", "spread", "seeds", "verdict", "note"))
                for c in report["claims"]
            ],
            right=(4, 5),
        )
    if not complete:
        raise typer.Exit(EXIT_STOPPED)


def bench(
    name: Annotated[str, typer.Argument(help="Which measure; leave it out for a list.")] = "",
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Measure speed as ratios within one run: ours, the peer's, the limit, and whether the target is met."""
    from engines.core import atomic
    from engines.core import bench as benches
    from engines.core.job import LocalContext

    if not name:
        known = benches.all_benches()
        if as_json:
            output.emit({"benches": [{"name": b.name, "title": b.title} for b in known]})
        else:
            output.table("Benchmarks", ("name", "what"), [(b.name, b.title) for b in known])
        return
    found = benches.find_bench(name)
    context = LocalContext()
    with output.progress(found.title, quiet=as_json) as tick, cancelled_by_signals(context):
        context.on_progress = tick
        report = benches.report(name, found.function(context))
    if out is not None:
        _write(lambda: atomic.write_json(out / f"bench-{name}.json", report), out)
    if as_json:
        output.emit(report)
        return
    columns = ("measure", "ours", "peer", "limit", "unit", "ratio", "target", "meets", "note")
    rows = [tuple(m[k] for k in columns) for m in report["measures"]]
    output.table(found.title, columns, rows, right=(1, 2, 3, 5, 6))


def _run(store: Store, job: Job, spec: Spec, resume: str | None, out: Path | None, *, as_json: bool) -> None:
    """Execute, say how it ended, and copy the files; a stopped run says how to go on."""
    from engines.core.execute import execute, export
    from engines.core.job import LocalContext

    context = LocalContext()
    before = {record.id for record in store.runs(name=job.name)}
    try:
        with output.progress(job.title, quiet=as_json) as tick, cancelled_by_signals(context):
            context.on_progress = tick
            done = execute(job.name, spec, store, context, resume_run=resume)
    except (Cancelled, KeyboardInterrupt):
        run_id = resume or next((r.id for r in store.runs(name=job.name) if r.id not in before), "")
        _say_stopped(store, job.name, run_id, out, as_json=as_json)
        raise typer.Exit(EXIT_STOPPED) from None
    copied = export(store, done.run_id, out) if out is not None else list(done.files)
    for notice in store.notices:
        output.remark(notice)
    _say_done(job, done, out or done.folder, copied, as_json=as_json)


def _say_done(job: Job, done: Execution, place: Path, files: list[Path], *, as_json: bool) -> None:
    from engines.core.results import plain, scalars

    if as_json:
        output.emit(
            {
                "job": job.name,
                "run": done.run_id,
                "status": "done",
                "resumed": done.resumed,
                "folder": str(place),
                "files": [str(path) for path in files],
                "result": plain(done.result),
            }
        )
        return
    output.table(job.title, ("figure", "value"), scalars(done.result).items())
    output.say(f"Run {done.run_id} is done; {len(files)} files in {place}")


def _say_stopped(store: Store, name: str, run_id: str, out: Path | None, *, as_json: bool) -> None:
    from engines.core.execute import export

    copied = export(store, run_id, out) if out is not None and run_id else []
    resumable = bool(run_id) and store.has_checkpoint(run_id)
    if as_json:
        status = store.run(run_id).status if run_id else "cancelled"
        output.emit({"job": name, "run": run_id, "status": status, "resumable": resumable, "files": map(str, copied)})
        return
    output.remark(f"Run {run_id} was stopped.")
    if resumable:
        output.remark(f"Go on with: paper-workbench run {name} --resume {run_id}")


def _spec_to_resume(store: Store, run_id: str, job: str, changes: dict[str, str]) -> Spec:
    from engines.core.execute import resumable

    if changes:
        raise UserError("a resumed run keeps its settings", "leave out --set, or start a new run")
    _, spec = resumable(store, run_id, job)
    return spec


def _list_jobs(*, as_json: bool) -> None:
    from engines.core.job import all_jobs

    jobs = [job for job in all_jobs() if not job.session]
    if as_json:
        output.emit({"jobs": [{"name": job.name, "title": job.title} for job in jobs]})
        return
    output.table("Jobs", ("name", "what"), [(job.name, job.title) for job in jobs])
    output.say("paper-workbench run NAME --fields lists a job's settings.")


def _list_fields(job: Job, preset: str, *, as_json: bool) -> None:
    values = job.spec.preset(preset).model_dump(mode="json")
    views = job.spec.views()
    if as_json:
        rows = [
            {
                "name": v.name,
                "kind": v.kind,
                "value": values[v.name],
                "range": limits(v),
                "unit": v.unit,
                "help": v.help,
            }
            for v in views
        ]
        output.emit({"job": job.name, "preset": preset, "fields": rows})
        return
    output.table(
        f"Settings of {job.name}, preset {preset}",
        ("name", "value", "range", "unit", "what"),
        [(v.name, _shown(values[v.name]), limits(v), v.unit, v.help) for v in views],
    )


def limits(view: FieldView) -> str:
    """A field's choices or range in words."""
    if view.choices:
        return ", ".join(view.choices)
    low, high = view.minimum, view.maximum
    if low is None and high is None:
        return ""
    return f"{_figure(low)} … {_figure(high)}".strip()


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else f"{value:g}"


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else output.cell(value)


def _announce(result: ClaimResult) -> None:
    output.remark(f"Claim {result.id}: {result.ours or '-'}, {result.verdict}")


def _write(write: Any, place: Path) -> None:
    try:
        write()
    except OSError as error:
        raise UserError(f"{place} cannot be written: {error.strerror}", "give --out another folder") from error
