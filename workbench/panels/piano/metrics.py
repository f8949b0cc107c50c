"""Figures of a take as a table: each variation with its surprise and its likeness to the style that it was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engines.piano.codec import decode
from engines.piano.features import FEATURES, Similarity
from engines.piano.notes import Notes
from workbench.panels.piano.takes import Take

if TYPE_CHECKING:
    from workbench.panels.piano.panel import PianoPanel


def style_told(panel: PianoPanel, take: Take) -> Notes | None:
    """The performance whose style a take was told, the first of several; None where there was none."""
    piece = panel.shelf.find(panel.form.style_keys[0])
    if take.request is None or not take.request.styles:
        return None if piece is None else piece.style
    told = take.request.styles[0]
    return piece.style if piece is not None and told is piece.tokens else decode(told)


def table_of(take: Take, alike: Sequence[Similarity | None]) -> dict[str, np.ndarray]:
    """A row for each variation. alike: of each with the style, None where that is not known; cells are empty then.

    Surprise: mean of the tokens that were drawn, nats. Overlaps: of eight features' Gaussians, 0 to 1, and their mean.
    KL: nats, symmetric, mean over features. MMD: squared, of the windows.
    """
    voices, request = take.voices, take.request
    known = [voice.nll[np.isfinite(voice.nll)] for voice in voices]

    def column(read: str) -> np.ndarray:
        return np.array([np.nan if like is None else getattr(like, read) for like in alike], float)

    rows: dict[str, np.ndarray] = {
        "variation": np.arange(1, len(voices) + 1),
        "notes": np.array([len(voice.notes) for voice in voices], int),
        "seconds": np.array([voice.clock for voice in voices], float),
        "tokens": np.array([len(voice.tokens) for voice in voices], int),
        "surprise (nats/token)": np.array([float(nll.mean()) if len(nll) else np.nan for nll in known]),
        "overlap with style": column("overlap"),
        "KL (nats)": column("kl"),
        "MMD": column("mmd"),
    }
    for i, name in enumerate(FEATURES):
        rows[f"overlap of {name}"] = np.array([np.nan if like is None else like.overlaps[i] for like in alike], float)
    rows["seed"] = np.full(len(voices), take.seed)
    if request is not None:
        rows["network"] = np.full(len(voices), request.weights)
        rows["temperature"] = np.full(len(voices), request.temperature)
        rows["top p"] = np.full(len(voices), request.top_p)
    return rows
