"""Training one network ("piano.train"): steps with progress, snapshots to listen to, checkpoints, weights on disk.

The window imports this module to unpack results, so torch is left to the functions.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.device import choose, describe
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.weights import ModelCard, find_weights, read_card, save_weights
from engines.piano.corpus import Corpus, reading, refuse_training, tokens_of
from engines.piano.results import NO_NOTES, TrainResult, TrainSnapshot
from engines.piano.spec import SIZES, TrainSpec

if TYPE_CHECKING:
    from engines.piano.crops import Crops
    from engines.piano.nets.transformer import StyleAutoencoder, StyleConfig
    from engines.piano.training import Settings, Trainer

SHOW_S: Final = 1 / 15
"""Between two snapshots: nobody sees more, and making one costs."""
SHOWN_STEPS: Final = 2000
_NAMES: Final = {"pop909": "POP909", "walks": "synthetic scale walks", "library": "pieces made by code"}


@job("piano.train", TrainSpec, title="Train a style autoencoder")
def train(spec: TrainSpec, ctx: JobContext) -> TrainResult:
    """Train a style autoencoder, or one of its baselines, on performances."""
    trainer, corpus, show = fit(spec, ctx)
    path = ""
    if spec.save_as or ctx.folder is not None:
        place = Path(spec.save_as).expanduser() if spec.save_as else Path(ctx.folder or ".") / "piano.safetensors"
        written = save_weights(place, trainer.tensors(), card(spec, trainer, corpus, command=command(spec)))
        path = str(place.with_name(f"{written.name}.safetensors"))
    ctx.progress(1, 1, "Done")
    curves = {name: np.asarray(v, np.float64) for name, v in trainer.history.items()}
    return TrainResult(
        history=curves,
        weights_path=path,
        parameters=sum(p.numel() for p in trainer.net.parameters()),
        held_out_nll=float(curves["held_out"][-1]),
        tokens=trainer.tokens,
        seconds=trainer.seconds,
        sample=show.sample,
        style=show.style,
    )


def fit(spec: TrainSpec, ctx: JobContext) -> tuple[Trainer, Corpus, Show]:
    """The trained trainer, its corpus and what was shown last. Goes on from `ctx.resume`; checkpoints every few
    minutes. Raises UserError for a source that may not be trained on or holds too little, and for weights to start
    from that are not of this topic."""
    from engines.piano.training import Trainer

    refuse_training(spec.source)
    device = choose(spec.device)
    ctx.progress(0, 1, "Reading music")
    corpus = tokens_of(spec.source, ctx.check, progress=reading(ctx))
    net = begun(spec)
    train_crops, held_out = crops_of(net.config, corpus)
    trainer = Trainer(net, train_crops, held_out, settings_of(spec), device)
    if ctx.resume:
        trainer.restore(ctx.resume["trainer"])
    show = Show(trainer, spec, ctx)
    kept_at = time.monotonic()
    while not trainer.is_over:
        measured = len(trainer.history["step"])
        trainer.step(ctx.check)
        if len(trainer.history["step"]) > measured:
            show.measured()
        else:
            show()
        if time.monotonic() - kept_at > 60 * spec.checkpoint_minutes:
            ctx.checkpoint({"trainer": trainer.state()})
            kept_at = time.monotonic()
    return trainer, corpus, show


def begun(spec: TrainSpec) -> StyleAutoencoder:
    """The network as training finds it: new, or the weights that the spec starts from, in single precision."""
    from engines.piano.models import load_model
    from engines.piano.nets.transformer import build

    if spec.start_from:
        return load_model(spec.start_from, "cpu").net.float()
    return build(config_of(spec), seed=spec.seed)


def config_of(spec: TrainSpec) -> StyleConfig:
    """The network that the spec describes."""
    from engines.piano.nets.transformer import StyleConfig

    return StyleConfig(
        **SIZES[spec.size],
        R=spec.reach or max(1, spec.length // 2),
        R_enc=spec.reach_encoder,
        clock=spec.clock,
        dropout=spec.dropout,
        mode=spec.mode,
        merge=spec.merge,
        encoder_relative=spec.encoder_relative,
        length=spec.length,
        melody_length=max(8, spec.length // 2),
    )


def settings_of(spec: TrainSpec) -> Settings:
    """How the spec trains."""
    from dataclasses import fields

    from engines.piano.training import Settings

    return Settings(**{f.name: getattr(spec, f.name) for f in fields(Settings)})


def crops_of(config: StyleConfig, corpus: Corpus) -> tuple[Crops, Crops | None]:
    """Crops of the training pieces, and of the validation pieces."""
    from engines.piano.crops import Crops

    parts = [corpus.part("train"), corpus.part("validation")]
    if not len(parts[0]):
        raise UserError(f"{corpus.title} has {len(corpus)} pieces, too few to train on", "choose at least three files")
    train_crops, held_out = (
        Crops(p.pieces, p.melodies, config.length, config.melody_length) if len(p) else None for p in parts
    )
    assert train_crops is not None
    return train_crops, held_out


def card(spec: TrainSpec, trainer: Trainer, corpus: Corpus, *, command: str, title: str = "") -> ModelCard:
    """The card of the trained network."""
    last = {name: values[-1] for name, values in trainer.history.items() if values}
    metrics = {
        "validation_nll": round(last["held_out"], 4),
        "validation_nll_other_style": round(last["other_style"], 4),
        "training_nll": round(last["loss"], 4),
        "steps": trainer.steps_done,
        "tokens": trainer.tokens,
        "training_seconds": round(trainer.seconds, 1),
    }
    said = _NAMES.get(spec.source, corpus.title)
    pieces = len(corpus.part("train"))
    config = trainer.net.config
    licence = _licence(spec.source)
    data = f"{said}, {pieces} training pieces, {corpus.part('train').tokens} tokens"
    if spec.augment:
        data += ", stretched by up to 5 % and transposed by up to 3 semitones"
    if spec.start_from:
        before = read_card(find_weights(spec.start_from))
        metrics["steps_before"] = int(before.metrics.get("steps", 0) + before.metrics.get("steps_before", 0))
        if not before.data.startswith(f"{said},"):
            data += f"; begun with {before.name}, which learnt from {before.data}"
            licence += f"; of the weights it began with: {before.licence}"
        command = f"{command}, after: {before.command}"
    return ModelCard(
        name="",
        topic="piano",
        title=title or f"Piano, {config.mode}, {said}",
        architecture=config.to_json(),
        input=f"performance tokens (310) at 100 steps a second, {config.length} at a time; melody tokens (92) at 10",
        normalisation="none; the pedal is applied before tokens are made",
        data=data,
        licence=licence,
        metrics={name: value for name, value in metrics.items() if np.isfinite(value)},
        command=command,
        date=datetime.now(UTC).date().isoformat(),
        hardware=describe()[0].title,
    )


def _licence(source: str) -> str:
    """Of weights that learnt from a source."""
    if source == "pop909":
        return "Apache-2.0; learnt from POP909 (Wang et al. 2020, MIT); the songs belong to their writers"
    if source == "piano-midi-de":
        return "CC BY-SA 3.0 DE, as the music learnt from: Bernd Krueger, http://www.piano-midi.de"
    return "Apache-2.0" if source in _NAMES else "as that of the files it was trained on"


def command(spec: TrainSpec) -> str:
    """The command line that trains this again."""
    changed = {k: v for k, v in spec.model_dump(mode="json").items() if v != type(spec).model_fields[k].default}
    changed.pop("save_as", None)
    said = (word for name, value in changed.items() for word in ("--set", f"{name}={value}"))
    return shlex.join(["paper-workbench", "run", "piano.train", *said])


class Show:
    """Progress and snapshots, not faster than anybody can see, and a piece composed at each measuring."""

    def __init__(self, trainer: Trainer, spec: TrainSpec, ctx: JobContext) -> None:
        self.trainer, self.spec, self.ctx = trainer, spec, ctx
        self.sample, self.style = NO_NOTES, NO_NOTES
        self._at = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if now - self._at < SHOW_S:
            return
        self._tell()
        self.ctx.publish(self._snapshot())
        self._at = time.monotonic()

    def measured(self) -> None:
        """After a measuring: a snapshot that is kept with the run."""
        if self.spec.sample_tokens and self.trainer.measured is not None:
            self.sample, self.style = _composed(self.trainer, self.spec, self.ctx.check)
        self._tell()
        self.ctx.publish(self._snapshot(), keep=True)

    def _tell(self) -> None:
        t = self.trainer
        text = f"Step {t.steps_done}"
        if t.history["held_out"]:
            text += f", {t.history['held_out'][-1]:.3f} nats per token on pieces not seen"
        self.ctx.progress(t.share, 1, text)

    def _snapshot(self) -> TrainSnapshot:
        t = self.trainer
        return TrainSnapshot(
            step=t.steps_done,
            steps=self.spec.steps,
            share=t.share,
            history={name: np.asarray(v, np.float64) for name, v in t.history.items()},
            losses=np.asarray(t.losses[-SHOWN_STEPS:], np.float32),
            sample=self.sample,
            style=self.style,
        )


def _composed(trainer: Trainer, spec: TrainSpec, check: Callable[[], None]) -> tuple[np.ndarray, np.ndarray]:
    """What the network composes now, in the style and on the melody of a held-out crop; and that crop's notes."""
    import torch

    from engines.piano.codec import decode
    from engines.piano.grammar import Rows
    from engines.piano.nets.transformer import PAD
    from engines.piano.sampling import Sampler

    assert trainer.measured is not None
    turn = len(trainer.history["step"]) % len(trainer.measured.target)
    text = trainer.measured.performance[turn]
    text = text[text != PAD]
    net, device = trainer.net.eval(), trainer.device
    with torch.inference_mode():
        performance = torch.as_tensor(text, device=device)[None]
        z = None
        if net.config.reads_performance:
            z = net.encode(performance) if net.config.mode == "unpooled" else net.style(performance)
        melody = torch.as_tensor(trainer.measured.melody[turn], device=device)
        generator = torch.Generator(device=device).manual_seed(spec.seed)
        sampler = Sampler(net, 1, z, melody, generator=generator, top_p=0.95, mask=Rows(1))
        for _ in range(spec.sample_tokens):
            check()
            sampler.step()
    return decode(sampler.tokens[0].cpu().numpy()).rows, decode(text).rows
