"""The grammar of performance tokens for a batch: a decoder for each row, which says what makes sense next."""

from __future__ import annotations

import numpy as np

from engines.piano.codec import Decoder, Note, grammar_mask


class Rows:
    """Decoders of `count` rows; the mask of a `Sampler`.

    decoders: one for each row. finished: the notes of each row that have ended, in the order in which they did.
    """

    def __init__(self, count: int) -> None:
        self.decoders = [Decoder() for _ in range(count)]
        self.finished: list[list[Note]] = [[] for _ in range(count)]
        self._masks = [grammar_mask(decoder) for decoder in self.decoders]

    def allowed(self) -> np.ndarray:
        """bool [B, 310]: no release of a key that is up, no second strike of one that is down."""
        return np.stack(self._masks)

    def feed(self, tokens: np.ndarray) -> None:
        """The newest token of each row, [B]."""
        for decoder, notes, token in zip(self.decoders, self.finished, tokens.tolist(), strict=True):
            notes += decoder.feed(token)
