"""Singular directions of adversaries and of turns ("invariance.orthogonality")."""

from __future__ import annotations

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.invariance.models import images_for, load_models, names_of, shape_of
from engines.invariance.results import OrthogonalityResult
from engines.invariance.spec import OrthogonalitySpec
from engines.vision.nets.models import list_models


@job("invariance.orthogonality", OrthogonalitySpec, title="Adversarial and turning directions")
def orthogonality(spec: OrthogonalitySpec, ctx: JobContext) -> OrthogonalityResult:
    """Compare the directions in which attacks change images with those in which small turns do."""
    import torch

    from engines.invariance import directions as d
    from engines.invariance.method import attacked
    from engines.vision.attacks.base import predict
    from engines.vision.training.augment import rotate

    if spec.angle == 0 or spec.angle % 360 == 0:
        raise UserError("expected a turn, got an angle of 0", "5° is usual")
    ctx.progress(0, 5, "Loading the model and images")
    model = load_models(_first(spec.model, spec.data), spec.data, spec.device, ctx.check)[0]
    pool, x, _, notes = images_for([model], spec.data, spec.images, spec.seed, ctx.check)
    ctx.progress(1, 5, "Attacking")
    labels = predict(model.net, x, check=ctx.check)
    adversarial = attacked(model.net, x, labels, spec.eps, "pgd", spec.steps, spec.seed, check=ctx.check)
    fooled = float((predict(model.net, adversarial, check=ctx.check) != labels).double().mean())
    ctx.progress(2, 5, "Turning")
    turned = rotate(x, spec.angle, mode="bilinear")
    a, a_kept = d.unit_rows((adversarial - x).cpu())
    r, r_kept = d.unit_rows((turned - x).cpu())
    both = a_kept & r_kept
    if len(x) < 2 or not both.any():
        raise UserError("fewer than two images are changed by both the attack and the turn", "choose other images")
    ctx.progress(3, 5, "Finding directions")
    generator = torch.Generator().manual_seed(spec.seed)
    draws = [d.unit_rows(d.differences(x, len(x), generator).cpu())[0] for _ in range(spec.draws)]
    k = min(spec.k, *(min(rows.shape) for rows in (a, r, *draws)))
    if k < 1:
        raise UserError("all images are the same: they differ in no direction", "choose other images")
    if k < spec.k:
        notes = (*notes, f"Only {k} directions: there are no more images.")
    frame_a, frame_r = d.frame(a, k), d.frame(r, k)
    overlaps, data = [], frame_a
    for number, rows in enumerate(reversed(draws)):
        ctx.check()
        ctx.progress(4 + number / len(draws), 5, "Directions of differences of images")
        data = d.frame(rows, k)
        overlaps.append(torch.stack([d.overlaps(f.vectors, data.vectors) for f in (frame_a, frame_r)]))
    stacked = torch.stack(overlaps)
    pairs = d.unit_rows((adversarial - x).cpu()[both])[0], d.unit_rows((turned - x).cpu()[both])[0]
    size = a.shape[1]
    centred = x.cpu().flatten(1).double()
    filled = d.effective_dimension(torch.linalg.svdvals(centred - centred.mean(0)))
    ctx.progress(5, 5, "Done")

    def pictures(frame: d.Frame) -> np.ndarray:
        return frame.vectors.T.reshape(k, *model.input_shape).float().numpy()

    shared = min(len(pairs[0]), len(draws[0]))
    return OrthogonalityResult(
        model=model.name,
        cosines=d.cosines(frame_a.vectors, frame_r.vectors).numpy(),
        overlap=d.overlaps(frame_a.vectors, frame_r.vectors).numpy(),
        chance_overlap=np.array([d.chance_overlap(size, n) for n in range(1, k + 1)]),
        data_overlap=stacked.mean(0).numpy(),
        data_spread=stacked.std(0).numpy(),
        angles=d.principal_angles(frame_a.vectors, frame_r.vectors).numpy(),
        point_cosines=(pairs[0] * pairs[1]).sum(1).numpy(),
        data_cosines=(pairs[0][:shared] * draws[0][:shared]).sum(1).numpy(),
        chance_cosine=d.chance_cosine(size),
        effective_cosine=d.chance_cosine(filled),
        effective_dimension=filled,
        dimension=size,
        adversarial=pictures(frame_a),
        turning=pictures(frame_r),
        data=pictures(data),
        singular_a=frame_a.values[:k].numpy(),
        singular_r=frame_r.values[:k].numpy(),
        fooled=fooled,
        left_out=int((~both).sum()),
        eps=spec.eps,
        angle=spec.angle,
        source=pool.source,
        notes=notes,
    )


def _first(name: str, source: str) -> str:
    """The model asked for, or else the first of the list, so that only that one is loaded."""
    chosen = names_of(name)
    if len(chosen) > 1:
        raise UserError(f"expected one model, got {len(chosen)}", "compare models in the profiles")
    usable = [info.name for info in list_models(shape_of(source)) if not info.problem]
    return chosen[0] if chosen else (usable[0] if usable else "")
