"""Weights of a training run as a model of the user's: a file and a card in the folder that lists look into."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from engines.core import atomic, paths
from engines.core.errors import UserError
from engines.core.weights import list_weights, read_card


def free_name(name: str) -> str:
    """`name`, numbered where a model or a file is called so; a file without a readable card is in no list, and must
    not be written over either."""
    files = (path.stem for path in paths.user_weights_folder().glob("*.safetensors"))
    taken = {card.name for card in list_weights()}.union(files)
    return next(n for n in (name, *(f"{name}-{i}" for i in range(2, 10_000))) if n not in taken)


def keep_as(weights: Path, name: str, title: str) -> str:
    """Copy trained weights among the user's models; returns the name under which loaders find them.

    name: numbered where there is one already, and so is title. Raises UserError where the file is gone or cannot
    be copied.
    """
    found = free_name(name)
    title += found[len(name) :].replace("-", ", run ")
    target = paths.user_weights_folder() / f"{found}.safetensors"
    try:
        card = replace(read_card(weights), name=found, title=title)
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        shutil.copyfile(weights, unfinished)
        unfinished.replace(target)
        atomic.write_json(target.with_suffix(".json"), card.to_json())
    except OSError as error:
        raise UserError(f"{weights.name} could not be kept: {error.strerror or error}", "train it again") from None
    return found
