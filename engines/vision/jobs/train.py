"""Training one network on images: epochs with progress, snapshots, checkpoints and the weights on disk.

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.atomic import write_json
from engines.core.device import choose, describe
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.weights import ModelCard, load_weights, save_weights
from engines.vision.results import TrainResult, TrainSnapshot
from engines.vision.spec import TrainSpec

if TYPE_CHECKING:
    from engines.vision.training.fit import Settings, Trainer
    from engines.vision.training.sets import TrainingData

SHOW_S: Final = 1 / 15
"""Between two snapshots: nobody sees more, and making one costs."""
SHOWN_STEPS: Final = 2000
COLLAPSE: Final = 0.2
"""A fall of the held-out robust accuracy by more than this is catastrophic overfitting (Wong, Rice, Kolter 2020):
training on one-step attacks does not come back from it."""


@job("vision.train", TrainSpec, title="Train an image network")
def train(spec: TrainSpec, ctx: JobContext) -> TrainResult:
    """Train a network on a data set: plainly, on turned images, or against an adversary."""
    trainer, found, ended = fit(spec, ctx)
    path = ""
    if spec.save_as or ctx.folder is not None:
        place = (
            Path(spec.save_as).expanduser() if spec.save_as else Path(ctx.folder or ".") / f"{spec.kind}.safetensors"
        )
        written = save_weights(place, trainer.tensors(), card(spec, trainer, found, command=command(spec)))
        path = str(place.with_name(f"{written.name}.safetensors"))  # A dot in the name ends no stem: "net-0.1".
    if ctx.folder is not None:
        write_json(ctx.folder / "history.json", trainer.history)  # NaN becomes null
    ctx.progress(spec.epochs, spec.epochs, "Done")
    curves = {name: np.asarray(v, np.float64) for name, v in trainer.history.items()}
    return TrainResult(
        history=curves,
        weights_path=path,
        parameters=sum(p.numel() for p in trainer.net.parameters()),
        accuracy=float(curves["accuracy"][-1]),
        robust_accuracy=float(curves["robust_accuracy"][-1]),
        seconds=trainer.seconds,
        ended=ended,
    )


def fit(spec: TrainSpec, ctx: JobContext) -> tuple[Trainer, TrainingData, str]:
    """The trained trainer, its data, and why it ended. Goes on from `ctx.resume`; a checkpoint after each epoch."""
    from engines.vision.training.fit import Trainer
    from engines.vision.training.sets import load_training, network

    if spec.adversarial != "none" and spec.eps <= 0:
        raise UserError("an adversary needs eps above 0", "0.1 to 0.3 for MNIST, 8/255 = 0.031 for colour")
    device = choose(spec.device)
    ctx.progress(0, spec.epochs, "Loading images")
    found = load_training(spec, ctx.check)
    net = network(spec, found)
    if spec.start_from:
        tensors, start = load_weights(spec.start_from)
        try:
            net.load_state_dict(tensors)
        except RuntimeError:
            raise UserError(
                f"{spec.start_from} is no {spec.kind} of these settings: {start.architecture or 'unknown'}",
                "set the kind and widths to those of the weights",
            ) from None
    trainer = Trainer(net, _settings(spec), device)
    best: dict[str, object] = {}
    if ctx.resume:
        best = ctx.resume.get("best") or {}
        trainer.restore(ctx.resume["trainer"])
    show = _Show(trainer, spec, ctx)
    while trainer.epochs_done < spec.epochs:
        trainer.epoch(found.train, found.held_out, check=ctx.check, show=show)
        show.at_once()
        robust = trainer.history["robust_accuracy"]
        if spec.adversarial == "fast" and found.held_out.labels.size:
            if len(robust) > 1 and robust[-1] < max(robust) - COLLAPSE:
                trainer.restore_net(best)
                collapsed, cut = len(robust), int(np.argmax(robust)) + 1
                for values in trainer.history.values():
                    del values[cut:]
                return trainer, found, f"until one-step training collapsed in epoch {collapsed}; kept epoch {cut}"
            if robust[-1] == max(robust):
                best = {"net": trainer.state()["net"]}
        ctx.checkpoint({"trainer": trainer.state(), "best": best})
    return trainer, found, f"for {spec.epochs} epochs"


def card(spec: TrainSpec, trainer: Trainer, found: TrainingData, *, command: str, title: str = "") -> ModelCard:
    """The card of the trained network. Its metrics are the held-out figures until `vision.measure` adds more."""
    net = trainer.net
    c, h, w = net.input_shape
    curves = {k: v[-1] for k, v in trainer.history.items() if v and np.isfinite(v[-1])}
    held = {f"held_out_{k}": round(v, 4) for k, v in curves.items() if k.endswith("accuracy") and k != "train_accuracy"}
    return ModelCard(
        name="",
        topic="vision",
        title=title or f"{spec.kind} on {spec.data}",
        architecture=net.architecture,
        classes=found.classes,
        input=f"float32 [B, {c}, {h}, {w}] in [0, 1], {'grey, 0 black' if c == 1 else 'RGB'}",
        normalisation=f"inside the model: mean {list(found.mean)}, std {list(found.std)}",
        data=found.said + _trained_how(spec),
        licence=found.licence,
        metrics={**held, "epochs": len(trainer.history["epoch"]), "training_seconds": round(trainer.seconds, 1)},
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        hardware=describe()[0].title,
    )


def command(spec: TrainSpec) -> str:
    """The command line that trains this again."""
    changed = {k: v for k, v in spec.model_dump(mode="json").items() if v != _plain(type(spec).model_fields[k].default)}
    changed.pop("save_as", None)
    said = [f"--set {k}={','.join(map(str, v)) if isinstance(v, list) else v}" for k, v in changed.items()]
    return " ".join(["paper-workbench run vision.train", *said])


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _trained_how(spec: TrainSpec) -> str:
    said = []
    if spec.rotation:
        said.append(f"turned by up to ±{spec.rotation:g}°")
    if spec.crop or spec.translation or spec.mirror:
        said.append("shifted" + (" and mirrored" if spec.mirror else ""))
    if spec.adversarial != "none":
        said.append(f"attacked ({spec.adversarial}, l∞ {spec.eps:.3g})")
    return f"; trained on images {', '.join(said)}" if said else ""


def _settings(spec: TrainSpec) -> Settings:
    from dataclasses import fields

    from engines.vision.training.augment import Augmentation
    from engines.vision.training.fit import Settings

    own = {f.name: getattr(spec, f.name) for f in fields(Settings) if f.name != "augmentation"}
    turn = Augmentation(spec.rotation, spec.translation, spec.crop, spec.mirror)
    return Settings(augmentation=turn, **own)


class _Show:
    """Progress and snapshots, not faster than anybody can see."""

    def __init__(self, trainer: Trainer, spec: TrainSpec, ctx: JobContext) -> None:
        self.trainer, self.spec, self.ctx = trainer, spec, ctx
        self._at = 0.0
        self._step, self._steps = 0, 1

    def __call__(self, step: int, steps: int) -> None:
        self._step, self._steps = step, steps
        now = time.monotonic()
        if now - self._at < SHOW_S:
            return
        done = self.trainer.epochs_done + step / steps
        self.ctx.progress(done, self.spec.epochs, f"Epoch {self.trainer.epochs_done + 1}")
        self.ctx.publish(self._snapshot())
        self._at = time.monotonic()

    def at_once(self) -> None:
        """After an epoch: a snapshot that is kept with the run."""
        self._step = 0
        self.ctx.progress(self.trainer.epochs_done, self.spec.epochs, f"Epoch {self.trainer.epochs_done} measured")
        self.ctx.publish(self._snapshot(), keep=True)

    def _snapshot(self) -> TrainSnapshot:
        t = self.trainer
        return TrainSnapshot(
            epoch=t.epochs_done,
            epochs=self.spec.epochs,
            step=self._step,
            steps=self._steps,
            history={name: np.asarray(v, np.float64) for name, v in t.history.items()},
            step_losses=np.asarray(t.step_losses[-SHOWN_STEPS:], np.float32),
            samples=t.samples.contiguous().cpu().numpy().copy(),
        )
