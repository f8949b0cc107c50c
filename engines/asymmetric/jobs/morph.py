"""The morph desk's grid ("asymmetric.morph"): one image of each class perturbed towards every class, beside a rival.

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from engines.asymmetric.images import members_of
from engines.asymmetric.results import MorphResult
from engines.asymmetric.setting import Loaded, classifier_for, images_for, load_bank, step_of, training_of
from engines.asymmetric.snapshots import MorphSnapshot
from engines.asymmetric.spec import MorphSpec
from engines.core.device import choose
from engines.core.job import JobContext, job

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.images import Pool

_SHOW_S = 0.15
_READER_IMAGES = 5000
READER_NEIGHBOURS = 5


@job("asymmetric.morph", MorphSpec, title="Morph grid")
def morph(spec: MorphSpec, ctx: JobContext) -> MorphResult:
    """Perturb one image of every class towards every class, once by the detectors and once by a classifier."""
    import torch

    from engines.asymmetric.method import Ascent, climb, of_class
    from engines.asymmetric.morph import frame_steps

    began = time.monotonic()
    device = choose(spec.device)
    ctx.progress(0, 1, "Loading models and images")
    bank = load_bank(spec.detectors, spec.data, device)
    rival = classifier_for(spec.rival, bank, robust=True, seed=spec.seed, device=device, check=ctx.check)
    pool = one_of_each(bank, spec.seed, ctx.check)
    k = bank.net.classes
    plan = Ascent(spec.eps, spec.steps, step_of(spec), spec.norm, spec.optimiser)
    kept = frame_steps(spec.steps, spec.frames)
    images = torch.from_numpy(pool.images).to(device)
    target_first = images.expand(k, *images.shape)  # [target, image, C, H, W]
    clean = images[:, None].expand(k, k, *images.shape[1:])
    show = _Show(ctx, spec.steps, clean, device)
    frames: list[list[Tensor]] = [[], []]
    logit: list[list[Tensor]] = [[], []]
    steps: list[int] = []
    final: list[Tensor] = []

    for step, moved, value in climb(bank.net.each, target_first, plan, lead=2):
        ctx.check()
        now = moved.transpose(0, 1)
        if value is None or step in kept:
            with torch.no_grad():
                z = (bank.net.each(moved) if value is None else value).T
            steps.append(step)
            frames[0].append(now)
            logit[0].append(z)
            show(step, 0, now, z)
        if value is None:
            final.append(now)
        ctx.progress(step, 2 * spec.steps, "Detectors")

    targets = torch.arange(k, device=device).repeat(k)  # image-major, as the grid is
    flat = images.repeat_interleave(k, 0)
    for step, moved, value in climb(lambda v: of_class(rival.net(v), targets), flat, plan):
        ctx.check()
        now = moved.unflatten(0, (k, k))
        if value is None or step in kept:
            with torch.no_grad():
                found = of_class(rival.net(moved), targets) if value is None else value
            frames[1].append(now)
            logit[1].append(found.unflatten(0, (k, k)))
            show(step, 1, now, None)
        if value is None:
            final.append(now)
        ctx.progress(spec.steps + step, 2 * spec.steps, rival.title)

    ctx.progress(1, 1, "Asking a reader")
    ends = np.stack([v.cpu().numpy() for v in final])
    read_as, still_true = _read(bank, ends, pool.labels, ctx.check)
    return MorphResult(
        classes=bank.classes,
        titles=(bank.card.title or bank.card.name, rival.title),
        images=pool.images,
        steps=np.array(steps, np.int32),
        detectors=_bytes(torch.stack(frames[0])),
        rival=_bytes(torch.stack(frames[1])),
        z=torch.stack(logit[0]).cpu().numpy(),
        rival_logit=torch.stack(logit[1]).cpu().numpy(),
        final=ends,
        read_as=read_as,
        still_true=still_true,
        eps=spec.eps,
        norm=spec.norm,
        seconds=time.monotonic() - began,
    )


class _Show:
    """Publishes the grid's newest frame, a few times a second."""

    def __init__(self, ctx: JobContext, steps: int, clean: Tensor, device: object) -> None:
        import torch

        self.ctx, self.steps = ctx, steps
        self.grids = [_bytes(clean), _bytes(clean)]
        self.z = torch.zeros(clean.shape[:2]).numpy()
        self._at = 0.0

    def __call__(self, step: int, which: int, images: Tensor, z: Tensor | None) -> None:
        if z is not None:
            self.z = z.cpu().numpy()
        if step < self.steps and time.monotonic() - self._at < _SHOW_S:
            return
        self.grids[which] = _bytes(images)
        self.ctx.publish(MorphSnapshot(step, self.steps, self.grids[0], self.grids[1], self.z))
        self._at = time.monotonic()


def one_of_each(bank: Loaded, seed: int, check: Callable[[], None]) -> Pool:
    """One test image of each class, drawn with `seed`, preferably one that the detectors name rightly."""
    from engines.asymmetric.jobs.train import logits

    pool = images_for(bank, 20 * bank.net.classes, seed, check)
    right = logits(bank.net, pool, check).argmax(1) == pool.labels
    chosen = []
    for k in range(bank.net.classes):
        members = members_of(pool, k)
        good = members[right[members]]
        chosen.append(int(good[0] if len(good) else members[0]))
    return pool.take(np.array(chosen))


def _read(
    bank: Loaded, ends: np.ndarray, labels: np.ndarray, check: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """Shares [2] of perturbed images (towards another class) that the reader takes for the target, and for what they
    were. ends: float32 [2, K, K, C, H, W]."""
    train = training_of(bank, check).train
    train = train.take(np.arange(min(len(train), _READER_IMAGES)))
    k = len(labels)
    off = ~np.eye(k, dtype=bool)
    read = np.stack([nearest(train, grid.reshape(k * k, *grid.shape[2:])).reshape(k, k) for grid in ends])
    target = np.broadcast_to(np.arange(k), (k, k))
    return (
        np.array([float((r == target)[off].mean()) for r in read]),
        np.array([float((r == labels[:, None])[off].mean()) for r in read]),
    )


def nearest(train: Pool, images: np.ndarray) -> np.ndarray:
    """int64 [N]: the commonest class among the nearest training images (l2 on pixels), ties to the nearest.

    A reader that knows only clean images, no gradient and no network: a stand-in for "a person would call it a 7".
    """
    flat = images.reshape(len(images), -1).astype(np.float32)
    known = train.images.reshape(len(train), -1)
    distance = (flat**2).sum(1)[:, None] - 2 * flat @ known.T + (known**2).sum(1)
    order = np.argsort(distance, axis=1)[:, :READER_NEIGHBOURS]
    votes = train.labels[order]
    counts = np.stack([(votes == k).sum(1) for k in range(len(train.classes))], 1).astype(np.float64)
    counts[np.arange(len(votes)), votes[:, 0]] += 0.5
    return np.asarray(counts.argmax(1), np.int64)


def _bytes(images: Tensor) -> np.ndarray:
    """uint8 of images in [0, 1], for the eye."""
    found: np.ndarray = (images * 255).round().byte().cpu().numpy()
    return found
