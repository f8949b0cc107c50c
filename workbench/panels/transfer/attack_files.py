"""One attack as files: its picture, its arrays, and the log of its iterations."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from engines.core import atomic
from engines.core.errors import UserError
from engines.transfer.snapshots import Verdicts, Walk
from engines.vision.attacks.recipe import Recipe
from workbench.widgets.exports import save_csv


def write_pixels(path: Path, walk: Walk, clean: np.ndarray | None) -> None:
    """The attacked image as PNG: rounded to eight bits, the nearest levels that lie within ε of the clean one.

    Raises UserError where some pixel has no level within it, as `eight_bit` of engines/transfer does.
    """
    from PIL import Image

    adv, eps = walk.x[-1], walk.eps
    base = (clean if clean is not None else walk.x[0]).astype(np.float64)
    low = np.ceil((base - eps) * 255 - 1e-4).clip(0, 255)
    high = np.floor((base + eps) * 255 + 1e-4).clip(0, 255)
    if (low > high).any():
        raise UserError(f"eight-bit files cannot hold a change of at most {eps:.2g}", "choose an ε of 1/255 or more")
    pixels = np.clip(np.rint(adv.astype(np.float64) * 255), low, high).astype(np.uint8)
    body = io.BytesIO()
    shown = pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
    Image.fromarray(shown).save(body, "PNG")
    atomic.write_bytes(path, body.getbuffer())


def write_npz(path: Path, walk: Walk, verdicts: Verdicts, clean: np.ndarray | None, recipe: Recipe) -> None:
    """x, x_adv: float32 [1, C, H, W]; iterates: float32 [T + 1, C, H, W]; what each model made of the last one."""
    body = io.BytesIO()
    np.savez_compressed(
        body, allow_pickle=False, x=(walk.x[0] if clean is None else clean)[None], x_adv=walk.x[-1:],
        iterates=walk.x, models=np.array(verdicts.models), fooled=verdicts.fooled[:, -1], labels=verdicts.labels,
        eps=np.float64(walk.eps), recipe=np.array(walk.title), recipe_json=np.array(json.dumps(asdict(recipe))),
    )  # fmt: skip
    atomic.write_bytes(path, body.getbuffer())


def write_log(path: Path, walk: Walk, verdicts: Verdicts | None) -> None:
    """One row an iteration."""
    columns = {
        "iteration": np.arange(1, len(walk.loss) + 1),
        "loss": walk.loss,
        "gradient_size": walk.scale,
        "lookahead_steps": walk.reach,
        "share_at_eps": walk.changed,
        "vanished": walk.vanished,
    }
    if verdicts is not None:
        for i, model in enumerate(verdicts.models):
            columns[f"{model}: probability of the label"] = verdicts.truth[i, 1:]
    save_csv(columns, path)
