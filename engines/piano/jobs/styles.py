"""Style vectors of performances and a map of them ("piano.styles")."""

from __future__ import annotations

import numpy as np

from engines.core.errors import UserError
from engines.core.job import JobContext, job
from engines.piano.codec import decode
from engines.piano.corpus import reading, tokens_of
from engines.piano.crops import steps
from engines.piano.features import FEATURES, profile
from engines.piano.results import StylesResult
from engines.piano.spec import StylesSpec
from engines.piano.stylemap import plane, probe
from engines.piano.vocabulary import STEPS_PER_SECOND


@job("piano.styles", StylesSpec, title="Map of styles")
def styles(spec: StylesSpec, ctx: JobContext) -> StylesResult:
    """Read performances with the encoder, and lay their style vectors out on a plane."""
    import torch

    from engines.piano.models import load_model
    from engines.piano.sampling import style_of

    ctx.progress(0, 1, "Loading")
    loaded = load_model(spec.weights, spec.device)
    if not loaded.net.config.reads_performance:
        raise UserError(f"{loaded.name} reads no performance", "choose weights with a style")
    source = str(spec.folder) if spec.folder else spec.source
    corpus = tokens_of(source, ctx.check, progress=reading(ctx), melodies=False)
    if len(corpus) > spec.most:
        corpus = corpus.take(np.linspace(0, len(corpus) - 1, spec.most).round().astype(int))
    if len(corpus) < 2:
        raise UserError(f"{corpus.title} has {len(corpus)} pieces", "a map needs at least two")
    vectors, means = [], []
    for done, (name, piece) in enumerate(zip(corpus.names, corpus.pieces, strict=True)):
        ctx.progress(done, len(corpus), name)
        heard = beginning(piece, spec.seconds)
        z = style_of(loaded.net, torch.as_tensor(heard.astype(np.int64)), check=ctx.check)
        vectors.append(z[0].cpu().numpy().astype(np.float32))
        means.append(_means(heard))
    z_all, features = np.stack(vectors), np.stack(means)
    places, mean, basis, variance = plane(z_all)
    ctx.progress(len(corpus), len(corpus), "Done")
    return StylesResult(
        weights=loaded.name,
        names=corpus.names,
        z=z_all,
        map=places,
        mean=mean.astype(np.float32),
        basis=basis.astype(np.float32),
        variance=variance,
        features=features,
        readable=np.array([probe(z_all, features[:, k]) for k in range(len(FEATURES))]),
        remarks=corpus.remarks,
    )


def beginning(tokens: np.ndarray, seconds: float) -> np.ndarray:
    """The tokens of the first `seconds`; at least one."""
    elapsed = np.cumsum(steps(np.asarray(tokens, np.int64)))
    return tokens[: max(1, int(np.searchsorted(elapsed, seconds * STEPS_PER_SECOND, side="right")))]


def _means(tokens: np.ndarray) -> np.ndarray:
    """float64 [8]: the means of a piece's features, NaN where it is too short for any."""
    try:
        return np.asarray(profile(decode(tokens)).mean, np.float64)
    except UserError:
        return np.full(len(FEATURES), np.nan)
