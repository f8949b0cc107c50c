"""Training of a bank of detectors, with progress, snapshots, checkpoints and weights on disk ("asymmetric.train")."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engines.asymmetric.drawn import SOURCE as DRAWN_FROM
from engines.asymmetric.drawn import drawn_digits
from engines.asymmetric.images import EMBEDDED, Parts, shape_of, test_images, training_images
from engines.asymmetric.metrics import auc, threshold_at
from engines.asymmetric.results import TrainResult
from engines.asymmetric.setting import PLAIN_SUFFIX, ROBUST_SUFFIX, fit_classifier, load_bank
from engines.asymmetric.snapshots import TrainSnapshot
from engines.asymmetric.spec import TrainSpec
from engines.core import data
from engines.core.device import choose, describe
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.weights import ModelCard

if TYPE_CHECKING:
    from engines.asymmetric.fit import Fit, FitSettings
    from engines.vision.images import Pool
    from engines.vision.nets.zoo import ImageNet

_SHOW_S = 0.5
_MOST_TEST = 2000
_DRAWN_TEST = 1000


@job("asymmetric.train", TrainSpec, title="Train detectors")
def train(spec: TrainSpec, ctx: JobContext) -> TrainResult:
    """Train one detector a class, all at once, against negatives that move within a ball."""
    from engines.asymmetric.fit import Fit

    device = choose(spec.device)
    ctx.progress(0, 1, "Reading images")
    parts = training_images(
        spec.data, side=spec.side, limit=spec.limit, held_out=spec.held_out, seed=spec.seed,
        with_digits=spec.with_digits, with_drawn=spec.with_drawn, check=ctx.check,
    )  # fmt: skip
    net = _network(spec, len(parts.classes)).to(device)
    images, _ = parts.train.tensors(device)
    validation, _ = parts.validation.tensors(device)
    fit = Fit(
        net, settings_of(spec), images, parts.train.labels, (validation, parts.validation.labels), seed=spec.seed,
        most_validation=spec.validation_images,
    )  # fmt: skip
    seconds = 0.0
    if ctx.resume:
        fit.restore(ctx.resume["fit"])
        seconds = float(ctx.resume["seconds"])
    show = _Show(fit, ctx)
    while fit.epoch < spec.epochs:
        began = time.monotonic()
        for step in range(spec.updates):
            show(fit.epoch + step / spec.updates)
            loss = fit.update(ctx.check)
            if not np.isfinite(loss).all():
                raise UserError(f"the loss became {loss.max()} in update {fit.update_count}", "lower the learning rate")
        ctx.progress(fit.epoch + 0.95, spec.epochs, f"Epoch {fit.epoch + 1}: validation under attack")
        fit.validate(ctx.check)
        seconds += time.monotonic() - began
        ctx.checkpoint({"fit": fit.state(), "seconds": seconds})
        ctx.publish(show.snapshot(), keep=True)
    return _finish(spec, ctx, fit, parts, seconds)


def _network(spec: TrainSpec, classes: int) -> ImageNet:
    """Untrained detectors of the spec, or those it starts from. Raises UserError where these do not fit the data."""
    from engines.vision.nets.zoo import build

    shape = shape_of(spec.data, spec.side)
    if not spec.start_from:
        return build(
            {
                "kind": "detectors", "input_shape": shape, "classes": classes, "filters": spec.filters,
                "hidden": spec.hidden, "stride": spec.stride,
            },
            seed=spec.seed,
        )  # fmt: skip
    start = load_bank(spec.start_from, spec.data, "cpu").net
    if start.input_shape != shape or start.classes != classes:
        raise UserError(
            f"{spec.start_from} are {start.classes} detectors of images {list(start.input_shape)}, the data has "
            f"{classes} classes and images {list(shape)}",
            "start from detectors of the same data, or anew",
        )
    return start.requires_grad_(True)


def settings_of(spec: TrainSpec) -> FitSettings:
    """The spec as the fit takes it."""
    from engines.asymmetric.fit import FitSettings
    from engines.asymmetric.method import Ascent

    return FitSettings(
        Ascent(spec.eps, spec.steps, spec.step_size, spec.norm, spec.optimiser, random_start=True),
        Ascent(spec.eps, spec.validation_steps, spec.validation_step_size, spec.norm, spec.optimiser),
        epochs=spec.epochs,
        updates=spec.updates,
        positives=spec.positives,
        negatives=spec.negatives,
        rate=spec.rate,
        decay=spec.decay,
        ramp=spec.ramp,
    )


class _Show:
    """Publishes a snapshot twice a second: making one costs a forward pass."""

    def __init__(self, fit: Fit, ctx: JobContext) -> None:
        self.fit, self.ctx = fit, ctx
        self._at = 0.0

    def __call__(self, done: float) -> None:
        if time.monotonic() - self._at < _SHOW_S:
            return
        losses = self.fit.losses
        text = f"Epoch {self.fit.epoch + 1}: loss {float(np.mean(losses[-20:])):.3f}" if losses else "Training"
        self.ctx.progress(done, self.fit.settings.epochs, text)
        if losses:
            self.ctx.publish(self.snapshot())
        self._at = time.monotonic()

    def snapshot(self) -> TrainSnapshot:
        import torch

        fit = self.fit
        k = fit.net.classes
        before, after = fit.sample
        z = np.zeros((2, len(before)), np.float32)
        if len(before):
            fit.net.eval()
            with torch.no_grad():
                z = np.stack([fit.net.each(x[:, None])[:, 0].cpu().numpy() for x in (before, after)])
        return TrainSnapshot(
            epoch=fit.epoch,
            epochs=fit.settings.epochs,
            losses=np.array(fit.losses, np.float32).reshape(-1, k),
            auc=np.array(fit.curve, np.float64).reshape(-1, k),
            best=fit.best_epoch.copy(),
            images=before.cpu().numpy(),
            attacked=after.cpu().numpy(),
            z_before=z[0],
            z_after=z[1],
        )


def _finish(spec: TrainSpec, ctx: JobContext, fit: Fit, parts: Parts, seconds: float) -> TrainResult:
    classes = parts.classes
    ctx.progress(spec.epochs, spec.epochs, "Measuring on test images")
    fit.use_best()
    net = fit.net.half().float() if spec.half else fit.net
    pool = test_images(spec.data, net.input_shape, _MOST_TEST, check=ctx.check)
    z = logits(net, pool, ctx.check)
    natural = np.array([auc(z[pool.labels == k, k], z[pool.labels != k, k]) for k in range(len(classes))])
    accuracy = float((z.argmax(1) == pool.labels).mean())
    threshold = threshold_at(z.max(1))
    written = _save(spec, ctx, fit, classes, len(pool), {
        "validation_auc": [round(float(a), 5) for a in fit.best_auc],
        "mean_validation_auc": round(float(fit.best_auc.mean()), 5),
        "natural_auc": [round(float(a), 5) for a in natural],
        "generative_accuracy": round(accuracy, 4),
        "test_images": len(pool),
        **(_drawn_figures(net, ctx.check) if spec.with_drawn else {}),
    })  # fmt: skip
    if spec.companions and written:
        ctx.progress(spec.epochs, spec.epochs, "Training the classifiers beside them")
        _save_companions(spec, ctx, Path(written), parts, net)
    return TrainResult(
        classes=classes,
        losses=np.array(fit.losses, np.float32).reshape(-1, len(classes)),
        auc=np.array(fit.curve, np.float64).reshape(-1, len(classes)),
        best_epoch=fit.best_epoch,
        best_auc=fit.best_auc,
        natural_auc=natural,
        generative_accuracy=accuracy,
        threshold=threshold,
        weights_path=written,
        seconds=seconds,
    )


def _drawn_figures(net: ImageNet, check: Callable[[], None]) -> dict[str, object]:
    """What share of drawn digits the detectors name rightly, on digits of MNIST's test part."""
    pool = drawn_digits(_DRAWN_TEST, 0, "test", check)
    right = logits(net, pool, check).argmax(1) == pool.labels
    return {"drawn_accuracy": round(float(right.mean()), 4), "drawn_images": len(pool)}


def logits(net: ImageNet, pool: Pool, check: Callable[[], None]) -> np.ndarray:
    """float32 [N, K] of clean images, in batches."""
    import torch

    device = next(net.parameters()).device
    found = []
    with torch.no_grad():
        for at in range(0, len(pool), 100):
            check()
            found.append(net(torch.from_numpy(pool.images[at : at + 100]).to(device)).cpu().numpy())
    return np.concatenate(found)


def _save(
    spec: TrainSpec, ctx: JobContext, fit: Fit, classes: tuple[str, ...], tested: int, metrics: dict[str, object]
) -> str:
    from engines.vision.nets.models import save_model

    if spec.save_as:
        path = Path(spec.save_as).expanduser()
    elif ctx.folder is not None:
        path = ctx.folder / "detectors.safetensors"
    else:
        return ""
    net = fit.net.half() if spec.half else fit.net
    ball = f"{'l∞' if spec.norm == 'linf' else 'l2'} ε {spec.eps:g}"
    card = ModelCard(
        name=path.stem,
        topic="asymmetric",
        title=f"{len(classes)} detectors, {spec.data}, {ball}",
        classes=classes,
        data=spec.data,
        licence=licence_of(spec.data, *_added(spec)),
        metrics={"eps": spec.eps, "norm": spec.norm, **metrics},
        command="paper-workbench run asymmetric.train " + " ".join(_settings(spec)),
        date=datetime.now(UTC).date().isoformat(),
        hardware=describe()[0].title,
        notes=f"Asymmetrical adversarial training, {fit.update_count} updates with {spec.positives} positives and "
        f"{spec.negatives} negatives, attacked with {spec.steps} steps of {spec.step_size:g}. Best epoch of each "
        f"detector by the AUC of at most {spec.validation_images} validation images of each kind under "
        f"{spec.validation_steps} steps of {spec.validation_step_size:g}. Clean figures on {tested} test images."
        + (f" Started from {Path(spec.start_from).stem}." if spec.start_from else "")
        + (" With the enlarged embedded digits among the images." if spec.with_digits else "")
        + (" With drawn digits, made from MNIST, among the images." if spec.with_drawn else "")
        + (" Stored with 16 bits." if spec.half else ""),
    )
    save_model(path, net, card)
    fit.net.float()
    return str(path if path.suffix == ".safetensors" else path.with_name(path.name + ".safetensors"))


def _save_companions(spec: TrainSpec, ctx: JobContext, path: Path, parts: Parts, net: ImageNet) -> None:
    """A plain and a robust classifier of the same images, beside the detectors."""
    from engines.vision.nets.models import save_model

    device = next(net.parameters()).device
    pool = test_images(spec.data, net.input_shape, _MOST_TEST, check=ctx.check)
    # l2 balls have no counterpart here: the robust one then defends pixels by what an even spread would allow.
    eps = spec.eps if spec.norm == "linf" else spec.eps / float(np.prod(net.input_shape)) ** 0.5
    for suffix, radius in ((PLAIN_SUFFIX, 0.0), (ROBUST_SUFFIX, eps)):
        classifier = fit_classifier(parts, eps=radius, seed=spec.seed, device=str(device), check=ctx.check)
        accuracy = float((logits(classifier, pool, ctx.check).argmax(1) == pool.labels).mean())
        robust = f", trained against l∞ ε {radius:g}" if radius else ""
        card = ModelCard(
            name=path.stem + suffix,
            topic="asymmetric",
            title=f"Classifier of {spec.data}{robust}",
            classes=parts.classes,
            data=spec.data,
            licence=licence_of(spec.data, *_added(spec)),
            metrics={"accuracy": round(accuracy, 4), "test_images": len(pool), "eps": radius}
            | (_drawn_figures(classifier, ctx.check) if spec.with_drawn else {}),
            command="paper-workbench run asymmetric.train " + " ".join(_settings(spec)),
            date=datetime.now(UTC).date().isoformat(),
            hardware=describe()[0].title,
            notes=f"Trained beside the detectors {path.stem}.",
        )
        save_model(path.with_name(path.stem + suffix + ".safetensors"), classifier, card)


def licence_of(source: str, *added: str) -> str:
    """Terms of weights trained on a source, and on sets added to it, for a card."""
    try:
        entries = [data.find(name if name != EMBEDDED else "digits") for name in (source, *added)]
    except UserError:
        return "as the pictures of the folder allow"
    if not added:
        return f"Apache-2.0; customary for weights trained on this set, whose own licence is: {entries[0].licence}"
    own = "; ".join(f"{entry.name}: {entry.licence}" for entry in entries)
    return f"Apache-2.0; customary for weights trained on these sets, whose own licences are: {own}"


def _added(spec: TrainSpec) -> tuple[str, ...]:
    """Sets whose images come beside those of the source."""
    return (*(("digits",) if spec.with_digits else ()), *((DRAWN_FROM,) if spec.with_drawn else ()))


def _settings(spec: TrainSpec) -> list[str]:
    """The preset that explains most, and `--set k=v` for the rest."""
    values = spec.model_dump(mode="json", exclude={"save_as", "device"})

    def changed(name: str) -> dict[str, object]:
        base = TrainSpec.preset(name).model_dump(mode="json")
        return {k: v for k, v in values.items() if v != base[k]}

    best = min(TrainSpec.presets, key=lambda name: len(changed(name)))
    said = [f"--set {k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in changed(best).items()]
    return [f"--preset {best}", *said]
