"""Weights of a training run as a model of the user's: a file and a card in the folder that lists look into."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

from engines.core import atomic, paths
from engines.core.errors import UserError
from engines.core.weights import list_weights, read_card
from engines.vision.spec import TrainSpec


def name_of(spec: TrainSpec) -> str:
    """A file name that says how a network was trained: "gcnn-digits-rot60-pgd0.1"."""
    parts = [spec.kind, re.sub(r"[^\w.-]+", "-", Path(spec.data).name or spec.data)]
    if spec.width != 1:
        parts.append(f"w{spec.width:g}")
    if spec.rotation:
        parts.append(f"rot{spec.rotation:g}")
    if spec.adversarial != "none":
        parts.append(f"{spec.adversarial}{spec.eps:.3g}")
    return "-".join(parts)[:70].strip("-. ")


def title_of(spec: TrainSpec) -> str:
    """The same for people: "gcnn on digits, turns to ±60°, PGD ε 0.1"."""
    said = [f"{spec.kind} on {Path(spec.data).name or spec.data}"]
    if spec.rotation:
        said.append(f"turns to ±{spec.rotation:g}°")
    if spec.adversarial != "none":
        said.append(f"{spec.adversarial.upper() if spec.adversarial != 'fast' else 'fast'} ε {spec.eps:.3g}")
    return ", ".join(said)


def keep(weights: Path, spec: TrainSpec, *, name: str = "", title: str = "") -> str:
    """Copy trained weights among the user's models; returns the name under which `load_model` finds them.

    name, title: other ones than the settings give.

    Raises UserError where the file is gone or cannot be copied.
    """
    taken = {card.name for card in list_weights()}
    base = name or name_of(spec)
    name = next(n for n in (base, *(f"{base}-{i}" for i in range(2, 10_000))) if n not in taken)
    title = (title or title_of(spec)) + (name[len(base) :].replace("-", ", run ") if name != base else "")
    target = paths.user_weights_folder() / f"{name}.safetensors"
    try:
        card = replace(read_card(weights), name=name, title=title)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        shutil.copyfile(weights, unfinished)
        unfinished.replace(target)
        atomic.write_json(target.with_suffix(".json"), card.to_json())
    except OSError as error:
        raise UserError(f"{weights.name} could not be kept: {error.strerror or error}", "train it again") from None
    return name
