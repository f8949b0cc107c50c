"""How well a network predicts pieces that it never saw, told the truth and told something else ("piano.measure")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engines.core import data
from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.core.weights import find_weights, save_weights
from engines.piano.corpus import tokens_of
from engines.piano.results import MeasureResult
from engines.piano.spec import MeasureSpec

if TYPE_CHECKING:
    from engines.piano.crops import Batch

CROP_SEED = 1912
"""Of the crops that are measured on: the same for every network of one length, so that figures can be compared."""


@job("piano.measure", MeasureSpec, title="NLL of a piano network")
def measure(spec: MeasureSpec, ctx: JobContext) -> MeasureResult:
    """NLL of weights on pieces not trained on: as trained, with the style of another stretch of the piece, with another
    piece's style, with another's melody."""
    from engines.piano.crops import Crops
    from engines.piano.models import load_model
    from engines.piano.training import nll_of_crops

    ctx.progress(0, 4, "Loading")
    loaded = load_model(spec.weights, spec.device)
    net, config = loaded.net, loaded.net.config
    source = spec.source or trained_on(loaded.card.data)
    corpus = tokens_of(source, ctx.check, melodies=config.reads_melody).needed(spec.part)
    crops = Crops(corpus.pieces, corpus.melodies, config.length, config.melody_length)
    batch = crops.fixed(spec.crops, CROP_SEED)
    device = net.softmax.weight.device
    nats, tokens = nll_of_crops(net, batch, device, ctx.check)

    def told(otherwise: Batch | None, step: int, how: str) -> float:
        if otherwise is None:
            return float("nan")
        ctx.progress(step, 4, how)
        return float(nll_of_crops(net, otherwise, device, ctx.check)[0].sum() / tokens.sum())

    has_style, has_other = config.reads_performance, batch.has_other_pieces
    apart = crops.elsewhere(spec.crops, CROP_SEED) if has_style else None
    other_style = batch.with_other_styles() if has_style and has_other else None
    other_melody = batch.with_other_melodies() if config.reads_melody and has_other else None
    result = MeasureResult(
        weights=loaded.name,
        mode=config.mode,
        source=source,
        part=spec.part,
        crops=spec.crops,
        tokens=int(tokens.sum()),
        own=float(nats.sum() / tokens.sum()),
        elsewhere=told(apart, 1, "With styles from elsewhere in the pieces"),
        other_style=told(other_style, 2, "With other styles"),
        other_melody=told(other_melody, 3, "With other melodies"),
        per_crop=nats / tokens,
    )
    if spec.write:
        _write(spec, result)
    ctx.progress(4, 4, "Done")
    return result


def trained_on(said: str) -> str:
    """The source named at the beginning of a card's `data`."""
    known = {"POP909": "pop909", "synthetic scale walks": "walks", "pieces made by code": "library"}
    known[data.find("piano-midi-de").title] = "piano-midi-de"
    for name, source in known.items():
        if said.startswith(name):
            return source
    raise UserError("the card of these weights names no music that is known here", "name a source to measure on")


def _write(spec: MeasureSpec, result: MeasureResult) -> None:
    """Put the figures into the card. The file of tensors holds the card too, so both are written."""
    from dataclasses import replace

    from engines.core.weights import load_weights

    tensors, card = load_weights(spec.weights)
    figures: dict[str, Any] = {
        f"{spec.part}_nll": result.own,
        f"{spec.part}_nll_elsewhere": result.elsewhere,
        f"{spec.part}_nll_other_style": result.other_style,
        f"{spec.part}_nll_other_melody": result.other_melody,
    }
    metrics = {**card.metrics, **{k: round(v, 4) for k, v in figures.items() if v == v}}
    save_weights(find_weights(spec.weights), tensors, replace(card, metrics=metrics))
