"""Accuracy of one network on clean, turned and attacked test images: the figures of its card.

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.weights import find_weights, load_weights, read_card, save_weights
from engines.vision.images import best_source, load_pool
from engines.vision.results import MeasureResult
from engines.vision.spec import MeasureSpec

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.models import Model

BATCH: Final = 100
USUAL_EPS: Final = {1: (0.1, 0.3), 3: (2 / 255, 8 / 255)}
"""By colours: where plain networks already fail, and the size that robust ones are trained for."""
STRONG_STEPS, STRONG_TARGETS = 40, 4


@job("vision.measure", MeasureSpec, title="Measure an image network")
def measure(spec: MeasureSpec, ctx: JobContext) -> MeasureResult:
    """Clean accuracy, accuracy on randomly turned images, and robust accuracy under PGD and APGD."""
    import torch

    from engines.core.device import choose
    from engines.vision.nets.models import load_model

    model = load_model(spec.weights, spec.device)
    source = spec.data.strip() or best_source(model.input_shape)
    pool = load_pool(source, model.input_shape, spec.images, spec.seed, check=ctx.check)
    labels = pool.labels_for(model.classes)
    known = labels >= 0
    if not known.any():
        raise UserError(
            f"none of the images of {pool.source} has a class that {spec.weights} knows", "choose another data set"
        )
    device = choose(spec.device)
    x, y = torch.from_numpy(pool.images[known]).to(device), torch.from_numpy(labels[known]).to(device)
    eps = spec.eps or USUAL_EPS[model.input_shape[0]]
    stages = 1 + len(spec.angles) + len(eps) * (1 + spec.strong) + 1
    run = _Run(model, ctx, stages)
    metrics: dict[str, float] = {"images": len(x)}
    metrics["clean_accuracy"] = run.accuracy(x, y, "clean")
    for angle in spec.angles:
        metrics[f"rotated_{angle:g}"] = run.accuracy(_turned(x, angle, spec.seed), y, f"turned up to ±{angle:g}°")
    few, wanted = x[: spec.attacked], y[: spec.attacked]
    if len(few):
        metrics["attacked_images"] = len(few)
        for size in eps:
            name = eps_text(size)
            metrics[f"pgd{spec.steps}_{name}"] = run.under_pgd(few, wanted, size, spec, name)
            if spec.strong:
                metrics[f"apgd_{name}"] = run.under_apgd(few, wanted, size, spec, name)
    if source == "mnist":  # what the program shows where MNIST is missing
        digits = load_pool("digits", model.input_shape, check=ctx.check)
        run.stages += 1
        # By name, as above: a model may count its classes in another order, or know some of them only.
        truth = digits.labels_for(model.classes)
        dx = torch.from_numpy(digits.images[truth >= 0]).to(device)
        dy = torch.from_numpy(truth[truth >= 0]).to(device)
        metrics["digits_accuracy"] = run.accuracy(dx, dy, "embedded digits")
        metrics["digits_images"] = len(dx)
    metrics = {name: round(value, 4) for name, value in metrics.items()}
    if spec.write:
        _write(spec.weights, metrics)
    ctx.progress(1, 1, "Done")
    return MeasureResult(spec.weights, pool.source, metrics)


def eps_text(eps: float) -> str:
    """How an attack strength is named: "0.1" on the pixel scale, or "8/255" where it is a small whole level."""
    levels = eps * 255
    return f"{round(levels)}/255" if eps < 0.1 and abs(levels - round(levels)) < 1e-6 else f"{eps:g}"


class _Run:
    """Counts right answers of one model, stage after stage, with progress and checks."""

    def __init__(self, model: Model, ctx: JobContext, stages: int) -> None:
        self.model, self.ctx, self.stages = model, ctx, stages
        self._stage = 0

    def accuracy(self, x: Tensor, y: Tensor, what: str) -> float:
        return self._share(x, y, what, lambda a, b: a)

    def under_pgd(self, x: Tensor, y: Tensor, eps: float, spec: MeasureSpec, name: str) -> float:
        from engines.vision.attacks.pgd import pgd

        generator = _generator(spec.seed)
        return self._share(
            x, y, f"PGD-{spec.steps}, ε {name}",
            lambda a, b: pgd(
                self.model.net, a, b, eps=eps, steps=spec.steps, generator=generator, check=self.ctx.check
            ).adv,
        )  # fmt: skip

    def under_apgd(self, x: Tensor, y: Tensor, eps: float, spec: MeasureSpec, name: str) -> float:
        from engines.vision.attacks.apgd import strong_attack

        generator = _generator(spec.seed)
        return self._share(
            x, y, f"APGD, ε {name}",
            lambda a, b: strong_attack(
                self.model.net, a, b, eps, steps=STRONG_STEPS, targets=STRONG_TARGETS, generator=generator,
                check=self.ctx.check,
            ).adv,
        )  # fmt: skip

    def _share(self, x: Tensor, y: Tensor, what: str, change: Any) -> float:
        """Share of images that are still called y after `change`."""
        import torch

        right = 0
        for at in range(0, len(x), BATCH):
            self.ctx.check()
            self.ctx.progress(self._stage + at / len(x), self.stages, what)
            changed = change(x[at : at + BATCH], y[at : at + BATCH])
            with torch.no_grad():
                right += int((self.model.logits(changed).argmax(1) == y[at : at + BATCH]).sum())
        self._stage += 1
        return right / len(x)


def _turned(x: Tensor, angle: float, seed: int) -> Tensor:
    """Each image by its own random angle within ±angle; the same angles for every model."""
    import torch

    from engines.vision.training.augment import rotate

    return rotate(x, (torch.rand(len(x), generator=_generator(seed)) * 2 - 1) * angle)


def _generator(seed: int) -> Any:
    import torch

    return torch.Generator().manual_seed(seed)


def _write(name: str, metrics: dict[str, float]) -> None:
    """Put the figures into the card, both beside the weights and inside the file; training's own stay."""
    path = find_weights(name)
    card = read_card(path)
    kept = {k: v for k, v in card.metrics.items() if k.startswith(("held_out", "epochs", "training"))}
    tensors, _ = load_weights(path)
    save_weights(path, tensors, replace(card, metrics={**metrics, **kept}))
