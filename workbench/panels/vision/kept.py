"""How a trained image network is called among the user's models."""

from __future__ import annotations

import re
from pathlib import Path

from engines.vision.spec import TrainSpec
from workbench.panels.kept import keep_as


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
    """Copy trained weights among the user's models, named by their settings where `name` and `title` are empty."""
    return keep_as(weights, name or name_of(spec), title or title_of(spec))
