"""A curriculum for both kinds of robustness ("invariance.cusp"): wider turns and stronger adversaries, stage by stage.

Source: Kamath, Deshpande, Subrahmanyam, Balasubramanian 2021, "Can we have it all?" (CuSP). Theirs: VGG16 on CIFAR-10
for 120 epochs, the rate falling at epochs 75, 90 and 100. Here each stage is a run of `vision.train` that starts from
the one before, with a lower rate.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job, run_job
from engines.core.weights import load_weights, save_weights
from engines.invariance.models import CURRICULUM
from engines.invariance.results import CuspResult, CuspSnapshot
from engines.invariance.spec import CuspSpec
from engines.vision.results import TrainResult, TrainSnapshot
from engines.vision.spec import TrainSpec


@job("invariance.cusp", CuspSpec, title="Curriculum for turns and adversaries")
def cusp(spec: CuspSpec, ctx: JobContext) -> CuspResult:
    """Train one network on wider and wider turns and against stronger and stronger adversaries at once."""
    stages = stages_of(spec)
    said = ", ".join(f"±{s.rotation:g}° with ε {s.eps:.3g} for {s.epochs} epochs" for s in stages)
    keep = nullcontext(str(ctx.folder)) if ctx.folder else tempfile.TemporaryDirectory(prefix="cusp-")
    total, done = sum(stage.epochs for stage in stages), 0
    results: list[TrainResult] = list(_finished(ctx))
    with keep as folder:
        path = ""
        for number, stage in enumerate(stages):
            place = Path(folder) / f"stage-{number + 1}"
            if number >= len(results):
                part = _Stage(ctx, number, len(stages), done, total, results)
                results.append(run_job("vision.train", stage.changed(start_from=path, save_as=str(place)), part))
                ctx.checkpoint({"stages": [_stored(result) for result in results]})
            path = results[number].weights_path
            done += stage.epochs
        tensors, card = load_weights(path)
        title = f"{stages[0].kind} by curriculum (CuSP)"
        card = replace(card, title=title, data=f"{card.data}; {CURRICULUM} {said}", command=_command(spec))
        target = Path(spec.save_as).expanduser() if spec.save_as else (ctx.folder or Path(folder)) / "cusp"
        name = save_weights(target, tensors, card).name
        weights = str(target.with_name(f"{name}.safetensors")) if spec.save_as or ctx.folder else ""
    ctx.progress(total, total, "Done")
    return CuspResult(
        thetas=np.array([stage.rotation for stage in stages]),
        epsilons=np.array([stage.eps for stage in stages]),
        epochs=np.array([stage.epochs for stage in stages]),
        accuracy=np.array([result.accuracy for result in results]),
        robust_accuracy=np.array([result.robust_accuracy for result in results]),
        history=joined([result.history for result in results]),
        weights_path=weights,
        seconds=sum(result.seconds for result in results),
    )


def stages_of(spec: CuspSpec) -> list[TrainSpec]:
    """The stages as training runs. Raises UserError where their numbers differ or they do not grow."""
    rows = spec.thetas, spec.epsilons, spec.epochs
    if len({len(row) for row in rows}) != 1 or not spec.thetas:
        raise UserError(
            f"expected as many θ as ε as epochs, got {', '.join(str(len(row)) for row in rows)}", "one for each stage"
        )
    for what, values in (("θ", spec.thetas), ("ε", spec.epsilons)):
        if list(values) != sorted(values):
            raise UserError(f"a curriculum's {what} grow, got {', '.join(f'{v:g}' for v in values)}")
    if min(spec.epsilons) <= 0 or max(spec.thetas) > 180 or min(spec.thetas) < 0 or min(spec.epochs) < 1:
        raise UserError("expected ε above 0, θ from 0 to 180 and at least 1 epoch in each stage")
    same = ("data", "limit", "held_out", "kind", "width", "adversarial", "steps", "seed", "device")
    common = {name: getattr(spec, name) for name in same}
    return [
        TrainSpec.checked({**common, "rotation": theta, "eps": eps, "epochs": epochs, "rate": spec.rate * 0.5**number})
        for number, (theta, eps, epochs) in enumerate(zip(*rows, strict=True))
    ]


def joined(histories: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Curves by name of stages that follow each other as one; epochs and seconds are counted on."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in (histories[0] if histories else {})}
    for history in histories:
        for name, parts in found.items():
            before = parts[-1][-1] if name in ("epoch", "seconds") and parts and len(parts[-1]) else 0.0
            parts.append(np.asarray(history[name], np.float64) + before)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _stored(result: TrainResult) -> dict[str, Any]:
    return {"history": result.history, "weights_path": result.weights_path, "parameters": result.parameters,
            "accuracy": result.accuracy, "robust_accuracy": result.robust_accuracy, "seconds": result.seconds,
            "ended": result.ended}  # fmt: skip


def _finished(ctx: JobContext) -> list[TrainResult]:
    """Stages of an interrupted run whose weights are still there."""
    stored = (ctx.resume or {}).get("stages", []) if ctx.folder else []
    found = [TrainResult(**values) for values in stored]
    return found if all(Path(result.weights_path).is_file() for result in found) else []


def _command(spec: CuspSpec) -> str:
    changed = {k: v for k, v in spec.model_dump(mode="json").items() if v != _plain(type(spec).model_fields[k].default)}
    changed.pop("save_as", None)
    said = [f"--set {k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in changed.items()]
    return " ".join(["paper-workbench run invariance.cusp", *said])


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


class _Stage:
    """The context of one stage: its own part of the progress; a checkpoint within it says which stages stand."""

    def __init__(
        self, ctx: JobContext, number: int, stages: int, before: int, total: int, results: list[TrainResult]
    ) -> None:
        self.folder: Path | None = None
        self._finished, self._stages = tuple(results), stages
        self._ctx, self._number, self._before, self._total = ctx, number, before, total
        self._stored = [_stored(result) for result in results]
        resume = ctx.resume or {}
        self.resume: Any = resume.get("part") if resume.get("stage") == number and ctx.folder else None

    def check(self) -> None:
        self._ctx.check()

    def progress(self, done: float, total: float, text: str = "") -> None:
        self._ctx.progress(self._before + done, self._total, f"Stage {self._number + 1}: {text}")

    def publish(self, snapshot: Any, *, keep: bool = False) -> None:
        if isinstance(snapshot, TrainSnapshot):
            missing = [math.nan] * (self._stages - self._number)
            snapshot = CuspSnapshot(
                stage=self._number,
                history=joined([*(result.history for result in self._finished), snapshot.history]),
                accuracy=np.array([*(result.accuracy for result in self._finished), *missing]),
                robust_accuracy=np.array([*(result.robust_accuracy for result in self._finished), *missing]),
                part=snapshot,
            )
        self._ctx.publish(snapshot, keep=keep)

    def checkpoint(self, state: dict[str, Any]) -> None:
        self._ctx.checkpoint({"stages": self._stored, "stage": self._number, "part": state})

    def latest_request(self, timeout_s: float = 0.0) -> Any | None:
        return self._ctx.latest_request(timeout_s)
