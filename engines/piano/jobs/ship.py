"""Training the networks that come with the program ("piano.ship"); each is written as it finishes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engines.core import paths
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.parts import Resumable
from engines.core.weights import save_weights
from engines.piano.jobs.measure import measure
from engines.piano.jobs.train import card, fit
from engines.piano.results import ShipResult
from engines.piano.spec import MeasureSpec, ShipSpec

if TYPE_CHECKING:
    from torch import Tensor

TRAINING: Final = 0.95
"""Share of a network's time that goes by before it is measured."""


@job("piano.ship", ShipSpec, title="Train the shipped piano networks")
def ship(spec: ShipSpec, ctx: JobContext) -> ShipResult:
    """Train the networks that come with the program, one after the other, and write weights and cards."""
    from engines.piano.shipped import TABLE, spec_of

    folder = Path(spec.folder).expanduser() if spec.folder else paths.shipped_weights_folder()
    names = chosen(spec.names, tuple(TABLE))
    before = ctx.resume or {}
    trained, nll, skipped = (list(before.get(key, [])) for key in ("trained", "nll", "skipped"))
    for number, name in enumerate(names):
        if name in trained or name in skipped:
            continue
        if (folder / f"{name}.json").is_file() and not spec.redo and name != before.get("name"):
            skipped.append(name)
            continue
        kept: dict[str, Any] = {"trained": [*trained], "nll": [*nll], "skipped": [*skipped], "name": name}
        if before.get("written") != name:
            part = Resumable(ctx, (number, number + TRAINING), len(names), name, kept)
            one = spec_of(
                name, seed=spec.seed, device=spec.device, steps=spec.steps, minutes=spec.minutes, rate=spec.rate,
                go_on=spec.go_on,
            )  # fmt: skip
            trainer, corpus, _ = fit(one, part)
            made = card(one, trainer, corpus, command=_command(name, spec), title=TABLE[name][0])
            made = replace(made, notes="stored in half precision, computed in single")
            save_weights(folder / f"{name}.safetensors", halved(trainer.tensors()), made)
            kept = {**kept, "validation": trainer.history["held_out"][-1], "written": name}
            # Stopped while it is measured, it shall not be taken for what its training went on from.
            ctx.checkpoint(kept)
        nll.append(kept["validation"] if "validation" in kept else before["validation"])
        if spec.measure:
            part = Resumable(ctx, (number + TRAINING, number + 1), len(names), name, kept)
            wanted = MeasureSpec(weights=str(folder / f"{name}.safetensors"), device=spec.device, write=True)
            nll[-1] = measure(wanted, part).own
        trained.append(name)
        ctx.checkpoint({"trained": [*trained], "nll": [*nll], "skipped": [*skipped]})
    ctx.progress(len(names), len(names), "Done")
    return ShipResult(tuple(trained), tuple(skipped), np.asarray(nll, np.float64))


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in half precision: half the size to carry, and the NLL changes by less than 0.001."""
    return {name: tensor.half() for name, tensor in tensors.items()}


def chosen(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Names in the table's order. Raises UserError for unknown ones."""
    wanted = {part.strip() for part in text.split(",") if part.strip()}
    unknown = wanted - set(known) - {"all"}
    if unknown or not wanted:
        said = ", ".join(sorted(unknown)) or repr(text)
        raise UserError(f"no shipped network is called {said}", f"known: {', '.join(known)}")
    return tuple(name for name in known if name in wanted or "all" in wanted)


def _command(name: str, spec: ShipSpec) -> str:
    changed = {"minutes": spec.minutes, "steps": spec.steps, "seed": spec.seed, "rate": spec.rate}
    said = [f"--set {field}={value:g}" for field, value in changed.items() if value]
    said += ["--set go_on=true"] * spec.go_on
    return " ".join(["paper-workbench run piano.ship", f"--set names={name}", *said])
