"""How like its source a network composes ("piano.likeness"), and what lies between two sources ("piano.morph")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.codec import decode, encode_melody
from engines.piano.corpus import Corpus, tokens_of
from engines.piano.features import FEATURES, Profile, profile, similarity
from engines.piano.following import followed
from engines.piano.jobs.measure import trained_on
from engines.piano.notes import Notes
from engines.piano.results import LikenessResult, MorphResult
from engines.piano.spec import LikenessSpec, MorphSpec, RecitalSpec

if TYPE_CHECKING:
    from torch import Tensor

    from engines.piano.models import Loaded

AT_ONCE: Final = 12
"""Pieces composed in one batch: more bring little on a processor."""


@job("piano.likeness", LikenessSpec, title="Likeness to the source")
def likeness(spec: LikenessSpec, ctx: JobContext) -> LikenessResult:
    """Compose in the style (and on the melody) of pieces not trained on, and compare features with theirs."""
    ctx.progress(0, 1, "Loading")
    loaded, music = loaded_with_music(spec, ctx)
    corpus = music.needed(spec.part)
    chosen = corpus.take(_chosen(len(corpus), spec.items, spec.seed))
    profiles = [_profile_of(piece) for piece in chosen.pieces]
    z, melodies = told(loaded, chosen, ctx)
    overlaps = np.full((len(chosen), len(FEATURES)), np.nan)
    seconds, played = np.zeros(len(chosen)), np.full(len(chosen), np.nan)
    for start in range(0, len(chosen), AT_ONCE):
        ctx.progress(start, len(chosen), "Composing")
        rows = slice(start, start + AT_ONCE)
        pieces = composed(
            loaded, None if z is None else z[rows], melodies[rows], len(chosen.pieces[rows]), spec, start, ctx
        )
        for k, notes in enumerate(pieces, start):
            seconds[k] = notes.duration
            overlaps[k] = _overlaps(notes, profiles[k])
            played[k] = followed(notes, chosen.melodies[k])
    ctx.progress(len(chosen), len(chosen), "Done")
    by_feature = _means(overlaps)
    return LikenessResult(
        weights=loaded.name,
        mode=loaded.net.config.mode,
        overlap=float(np.nanmean(by_feature)),
        names=chosen.names,
        overlaps=overlaps,
        by_feature=by_feature,
        seconds=seconds,
        followed=played,
    )


@job("piano.morph", MorphSpec, title="Between two styles")
def morph(spec: MorphSpec, ctx: JobContext) -> MorphResult:
    """Compose with mixtures of two pieces' styles, and tell whom the music resembles."""
    import torch

    ctx.progress(0, 1, "Loading")
    loaded, music = loaded_with_music(spec, ctx)
    corpus = music.needed(spec.part)
    if not loaded.net.config.reads_performance:
        raise UserError(f"{loaded.name} reads no style", "choose weights with a style")
    alphas = np.asarray(spec.alphas, np.float64)
    if not len(alphas):
        raise UserError("expected at least one alpha", "0, 0.5, 1")
    count = 2 * spec.items
    if len(corpus) < count:
        raise UserError(f"{corpus.title} has {len(corpus)} such pieces, {count} are needed", "ask for fewer pairs")
    chosen = corpus.take(_chosen(len(corpus), count, spec.seed))
    profiles = [_profile_of(piece) for piece in chosen.pieces]
    z, melodies = told(loaded, chosen, ctx)
    assert z is not None
    a = torch.as_tensor(alphas, dtype=z.dtype, device=z.device)[:, None]
    to_first, to_second = (np.full((spec.items, len(alphas)), np.nan) for _ in range(2))
    for k in range(spec.items):
        ctx.progress(k, spec.items, f"{chosen.names[2 * k]} to {chosen.names[2 * k + 1]}")
        mixed = (1 - a) * z[2 * k] + a * z[2 * k + 1]
        tunes = [melodies[2 * k]] * len(alphas)
        for at, notes in enumerate(composed(loaded, mixed, tunes, len(alphas), spec, k, ctx)):
            to_first[k, at] = _mean(_overlaps(notes, profiles[2 * k]))
            to_second[k, at] = _mean(_overlaps(notes, profiles[2 * k + 1]))
    ctx.progress(spec.items, spec.items, "Done")
    names = chosen.names
    return MorphResult(
        weights=loaded.name,
        alphas=alphas,
        pairs=tuple(zip(names[::2], names[1::2], strict=True)),
        to_first=to_first,
        to_second=to_second,
        towards=_means(to_second / np.maximum(to_first + to_second, 1e-12)),
    )


def loaded_with_music(spec: LikenessSpec | RecitalSpec, ctx: JobContext) -> tuple[Loaded, Corpus]:
    """The network, and all pieces of the source that the spec or the network's card names. Raises UserError."""
    from engines.piano.models import load_pooled

    loaded = load_pooled(spec.weights, spec.device)
    return loaded, tokens_of(spec.source or trained_on(loaded.card.data), ctx.check)


def _chosen(count: int, wanted: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(count)[:wanted]


def told(loaded: Loaded, corpus: Corpus, ctx: JobContext) -> tuple[Tensor | None, list[np.ndarray]]:
    """Style vectors [K, d] (None where none are read) and melody tokens of each piece."""
    import torch

    from engines.piano.sampling import style_of

    melodies = [encode_melody(m).astype(np.int64) for m in corpus.melodies]
    if not loaded.net.config.reads_performance:
        return None, melodies
    texts = [torch.as_tensor(np.asarray(piece, np.int64)) for piece in corpus.pieces]
    return torch.cat([style_of(loaded.net, text, check=ctx.check) for text in texts]), melodies


def composed(
    loaded: Loaded,
    z: Tensor | None,
    melodies: list[np.ndarray],
    count: int,
    spec: LikenessSpec | RecitalSpec,
    part: int,
    ctx: JobContext,
) -> list[Notes]:
    """One piece for each row; part: of the seed, another one for each batch."""
    import torch

    from engines.piano.grammar import Rows
    from engines.piano.sampling import Sampler
    from engines.piano.vocabulary import MELODY_NO_EVENT

    melody = None
    if loaded.net.config.reads_melody:
        longest = max(1, *map(len, melodies))
        melody = torch.full((count, longest), MELODY_NO_EVENT)
        for row, tokens in enumerate(melodies):
            melody[row, : len(tokens)] = torch.as_tensor(tokens)
    device = loaded.net.softmax.weight.device
    generator = torch.Generator(device=device).manual_seed(spec.seed * 1009 + part)
    sampler = Sampler(loaded.net, count, z, melody, generator=generator, temperature=spec.temperature, mask=Rows(count))
    for _ in range(spec.tokens):
        ctx.check()
        sampler.step()
    return [decode(row) for row in sampler.tokens.cpu().numpy()]


def _profile_of(tokens: np.ndarray) -> Profile | None:
    try:
        return profile(decode(tokens))
    except UserError:
        return None


def _overlaps(notes: Notes, source: Profile | None) -> np.ndarray:
    """float64 [8]; zeros for a piece that is too short to have a style, for it is like nothing."""
    if source is None:
        return np.full(len(FEATURES), np.nan)
    try:
        return similarity(notes, source).overlaps
    except UserError:
        return np.zeros(len(FEATURES))


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _means(table: np.ndarray) -> np.ndarray:
    """Column means over what is finite."""
    return np.array([_mean(column) for column in table.T])
