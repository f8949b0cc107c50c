"""Training the models that ship with the program; each is written as it finishes, so an end by force loses one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from engines.core import paths
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.parts import Resumable
from engines.core.weights import save_weights
from engines.vision.jobs.measure import measure
from engines.vision.jobs.train import card, fit
from engines.vision.results import ShipResult
from engines.vision.spec import MeasureSpec, ShipSpec

TRAINING: Final = 0.9
"""Share of a model's time that goes by before it is measured."""


@job("vision.ship", ShipSpec, title="Train the shipped image models")
def ship(spec: ShipSpec, ctx: JobContext) -> ShipResult:
    """Train the models that ship with the program, one after the other, and write weights and cards."""
    from engines.vision.training.shipped import TABLE, spec_of

    folder = Path(spec.folder).expanduser() if spec.folder else paths.shipped_weights_folder()
    names = _chosen(spec.names, tuple(TABLE))
    before = ctx.resume or {}
    trained, accuracy = list(before.get("trained", [])), list(before.get("accuracy", []))
    skipped = list(before.get("skipped", []))
    for number, name in enumerate(names):
        if name in trained or name in skipped:
            continue
        if (folder / f"{name}.json").is_file() and not spec.redo and name != before.get("name"):
            skipped.append(name)
            continue
        kept = {"trained": trained, "accuracy": accuracy, "skipped": skipped, "name": name}
        part = Resumable(ctx, (number, number + TRAINING), len(names), name, kept, keeps_pictures=False)
        one = spec_of(name, seed=spec.seed, device=spec.device)
        if (folder / f"{one.start_from}.safetensors").is_file():  # the one just trained, not the shipped one
            one = one.changed(start_from=str(folder / f"{one.start_from}.safetensors"))
        trainer, found, ended = fit(one, part)
        made = card(
            one, trainer, found, command=f"paper-workbench run vision.ship --set names={name}", title=TABLE[name][0]
        )
        save_weights(folder / f"{name}.safetensors", trainer.tensors(), replace(made, notes=f"trained {ended}"))
        if spec.measure:
            part = Resumable(ctx, (number + TRAINING, number + 1), len(names), name, kept, keeps_pictures=False)
            measure(MeasureSpec(weights=str(folder / f"{name}.safetensors"), device=spec.device, write=True), part)
        trained.append(name)
        accuracy.append(trainer.history["accuracy"][-1])
        ctx.checkpoint({"trained": trained, "accuracy": accuracy, "skipped": skipped})
    ctx.progress(len(names), len(names), "Done")
    return ShipResult(tuple(trained), tuple(skipped), np.asarray(accuracy, np.float64))


def _chosen(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Names in the table's order. Raises UserError for unknown ones."""
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    groups = {"all": known, **{g: tuple(n for n in known if n.startswith(f"{g}-")) for g in ("mnist", "cifar")}}
    unknown = [w for w in wanted if w not in groups and w not in known]
    if unknown or not wanted:
        raise UserError(f"no shipped model is called {', '.join(unknown) or text!r}", f"known: {', '.join(known)}")
    chosen = {name for w in wanted for name in groups.get(w, (w,))}
    return tuple(name for name in known if name in chosen)
