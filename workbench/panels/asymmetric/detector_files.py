"""Files of trained detectors: a bank, its card, and the classifiers that lie beside it, kept or exported together."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from engines.asymmetric.setting import PLAIN_SUFFIX, ROBUST_SUFFIX
from engines.core import atomic, paths
from engines.core.weights import read_card
from workbench.panels.kept import free_name


def keep(weights: Path) -> str:
    """Copy trained detectors, and the classifiers beside them, among the user's models; returns their name there."""
    card = read_card(weights)
    data = Path(card.data).name or card.data or "own"
    name = free_name(f"detectors-{data}")
    number_of = name.rsplit("-", 1)[-1]
    title = card.title + (f", run {number_of}" if name != f"detectors-{data}" else "")
    copy_bank(weights, paths.user_weights_folder() / f"{name}.safetensors", name, title)
    return name


def copy_bank(weights: Path, target: Path, name: str, title: str) -> None:
    """Copy a file of detectors with its card, and the companions that lie beside it. title: "" keeps the card's."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in ("", PLAIN_SUFFIX, ROBUST_SUFFIX):
        source = weights.with_name(f"{weights.stem}{suffix}.safetensors")
        if not source.is_file():
            continue
        card = replace(read_card(source), name=f"{name}{suffix}")
        if title and not suffix:
            card = replace(card, title=title)
        end = target.with_name(f"{target.stem}{suffix}.safetensors")
        unfinished = end.with_suffix(".part")
        shutil.copyfile(source, unfinished)
        unfinished.replace(end)
        atomic.write_json(end.with_suffix(".json"), card.to_json())
