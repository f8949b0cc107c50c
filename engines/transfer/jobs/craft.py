"""Craft images and save them ("transfer.craft")."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.core import atomic
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.transfer.jobs.common import answers, craft_all, named, named_source
from engines.transfer.recipes import eps_of, recipe_of
from engines.transfer.results import CraftResult, class_name
from engines.transfer.setting import Setting, Source, default_models, prepare
from engines.transfer.spec import CraftSpec
from engines.vision.attacks.recipe import Recipe, name, passes

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.models import Model


@job("transfer.craft", CraftSpec, title="Craft and save images")
def craft_images(spec: CraftSpec, ctx: JobContext) -> CraftResult:
    """Attack images, round them to eight bits within the ball, score both again, and write NPZ, PNG and the recipe."""
    import torch

    from engines.transfer.method import eight_bit

    setting = prepare(spec, spec.source or default_models(spec.data)[0], spec.targets, ctx)
    source, models = setting.sources[0], _asked(setting)
    target = _class_of(spec.target_class, source)
    eps = eps_of(spec, setting.shape)
    recipe = recipe_of(spec, eps, spec.recipe, targeted=target is not None)
    aim = None if target is None else torch.full_like(setting.source_labels[0], target)
    images = setting.pool.images
    eight_bit(images, images, eps)  # Where files cannot hold such small changes, say so before the work.

    def tell(share: float) -> None:
        ctx.progress(share * 0.9, 1, f"{name(recipe)} on {source.title}")

    crafted, vanished = craft_all(setting, 0, recipe, spec.seed, spec.batch, ctx, tell, aim)
    ctx.progress(0.9, 1, "Scoring")
    exact = crafted.cpu().numpy()
    saved = eight_bit(exact, images, eps)
    labels = np.stack([_labels(setting, model).cpu().numpy() for model in models])
    said = [_asked_all(models, shown, ctx) for shown in (setting.x, crafted, _pixels(saved, crafted))]
    wanted = None if target is None else np.array([[_same_class(source, target, model)] for model in models])
    result = CraftResult(
        source=named_source(source),
        targets=tuple(map(named, models)),
        keys=setting.pool.keys,
        images=images,
        crafted=exact,
        saved=saved,
        labels=labels,
        clean=said[0],
        named=said[1],
        named_saved=said[2],
        fooled=said[1] != labels if wanted is None else said[1] == wanted,
        fooled_saved=said[2] != labels if wanted is None else said[2] == wanted,
        vanished=vanished.cpu().numpy(),
        eps=eps,
        largest=float(np.abs(exact - images).max()),
        largest_saved=float(np.abs(saved / np.float32(255) - images).max()),
        recipe=name(recipe),
        recipe_json=recipe_json(recipe, source, spec, setting),
        data=setting.pool.source,
        notes=setting.notes,
    )
    folder = Path(spec.folder).expanduser() if spec.folder else ctx.folder
    if folder is not None:
        ctx.progress(0.95, 1, "Writing")
        result = replace(result, folder=str(folder), files=write(folder, result, spec.pictures, ctx))
    ctx.progress(1, 1, "Done")
    return result


def write(folder: Path, result: CraftResult, pictures: bool, ctx: JobContext) -> int:
    """Write crafted.npz, recipe.json and, with `pictures`, one PNG an image; returns the number of files.

    Raises UserError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        body = io.BytesIO()
        np.savez_compressed(
            body, allow_pickle=False, x_adv=result.crafted, x_adv_uint8=result.saved, x=result.images,
            keys=np.array(result.keys), labels=result.labels, fooled=result.fooled, fooled_uint8=result.fooled_saved,
            models=np.array([t.name for t in result.targets]), eps=np.float64(result.eps),
        )  # fmt: skip
        atomic.write_bytes(folder / "crafted.npz", body.getbuffer())
        atomic.write_text(folder / "recipe.json", result.recipe_json + "\n")
        files = 2
        for k, key in enumerate(result.keys if pictures else ()):
            ctx.check()
            answer = class_name(result.targets[0].classes, int(result.named_saved[0, k]))
            atomic.write_bytes(folder / f"{k:05d}_{_plain(key)}_{_plain(answer)}.png", png(result.saved[k]))
            files += 1
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written: {error.strerror or error}", "choose a folder of your own"
        ) from None
    return files


def png(pixels: np.ndarray) -> bytes:
    """A picture uint8 [1 or 3, H, W] as a PNG, which loses nothing."""
    from PIL import Image

    body = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(
        body, "PNG"
    )
    return body.getvalue()


def recipe_json(recipe: Recipe, source: Source, spec: CraftSpec, setting: Setting) -> str:
    """Everything that is needed to craft these images again."""
    about = {
        "name": name(recipe),
        "recipe": asdict(recipe),
        "step_size": recipe.step_size,
        "passes": passes(recipe),
        "source": source.name,
        "target_class": spec.target_class,
        "labels": spec.labels,
        "data": setting.pool.source,
        "seed": spec.seed,
        "paper": "Lin et al. 2020, arXiv 1908.06281",
    }
    return json.dumps(atomic.strict(about), indent=2, ensure_ascii=False)


def _asked(setting: Setting) -> list[Model]:
    """The source's models, then the other targets, each once."""
    return list({model.name: model for model in (*setting.sources[0].models, *setting.targets)}.values())


def _labels(setting: Setting, model: Model) -> Tensor:
    """The labels of the images as a model counts classes; those of the source are what the attack leaves."""
    place = {target.name: t for t, target in enumerate(setting.targets)}.get(model.name)
    return setting.source_labels[0] if place is None else setting.labels[place]


def _asked_all(models: list[Model], images: Tensor, ctx: JobContext) -> np.ndarray:
    return np.stack([answers(model, images, ctx).cpu().numpy() for model in models])


def _pixels(saved: np.ndarray, like: Tensor) -> Tensor:
    """What a program that reads the files sees."""
    import torch

    return torch.from_numpy(saved.astype(np.float32) / 255).to(like)


def _class_of(text: str, source: Source) -> int | None:
    """The index of a class's name, or None where none was given. Raises UserError for an unknown one."""
    if not text.strip():
        return None
    places = {title.strip().casefold(): k for k, title in enumerate(source.classes)}
    if text.strip().casefold() not in places:
        raise UserError(f"{source.title} knows no class {text!r}", f"known: {', '.join(source.classes[:20])}")
    return places[text.strip().casefold()]


def _same_class(source: Source, index: int, model: Model) -> int:
    """A class of the source as another model counts it, -1 where it has none of that name."""
    places = {title.strip().casefold(): k for k, title in enumerate(model.classes)}
    return places.get(source.classes[index].strip().casefold(), -1)


def _plain(text: str) -> str:
    """A name that any file system takes."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:60] or "image"
