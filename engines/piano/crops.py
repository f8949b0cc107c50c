"""What training reads: random stretches of performances as tokens, each with its melody and a perturbed copy.

A crop may begin inside held notes. Its melody window starts at the crop's first moment and has a fixed span, so that a
sampler can give the decoder the same view at any time of a long piece (the reference code takes the crop's own melody,
which ends with it). Source: Choi et al. 2020, section 4.1; paper file 08, 2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from engines.core.errors import UserError
from engines.piano.codec import encode_melody
from engines.piano.notes import HIGHEST, LOWEST, Notes
from engines.piano.vocabulary import (
    KEYS,
    MAX_SHIFT,
    MELODY_NO_EVENT,
    MELODY_STEPS_PER_SECOND,
    OFF,
    ON,
    PAD,
    SHIFT,
    STEPS_PER_SECOND,
    VELOCITY,
)

STRETCHES: Final = (0.95, 0.975, 1.0, 1.025, 1.05)
TRANSPOSITIONS: Final = tuple(range(-3, 4))
PERTURBING_SHIFTS: Final = tuple(s for s in range(-6, 7) if s)
PERTURBING_STRETCHES: Final = (0.95, 0.975, 1.025, 1.05)
ELSEWHERE: Final = "elsewhere"
PERTURBATIONS: Final = ("none", "paper", "repo", ELSEWHERE)


@dataclass(frozen=True)
class Batch:
    """target, performance: int64 [B, L], the latter perturbed; melody: int64 [B, T]. 0 is padding. piece: int64 [B],
    the number of the piece that each crop is out of.

    is_padded: whether any row of target or performance is shorter than L.
    """

    target: np.ndarray
    performance: np.ndarray
    melody: np.ndarray
    piece: np.ndarray

    @property
    def is_padded(self) -> bool:
        return bool((self.target[:, -1] == PAD).any() or (self.performance[:, -1] == PAD).any())

    def rows(self, chosen: slice) -> Batch:
        """Some of the crops."""
        return Batch(self.target[chosen], self.performance[chosen], self.melody[chosen], self.piece[chosen])

    @property
    def has_other_pieces(self) -> bool:
        """Whether the crops are of more than one piece."""
        return bool((self.piece != self.piece[0]).any())

    def with_other_styles(self) -> Batch:
        """Each crop with the performance of another piece. Raises ValueError where all are of one."""
        return replace(self, performance=self.performance[self._others()])

    def with_other_melodies(self) -> Batch:
        """Each crop with the melody of another piece. Raises ValueError where all are of one."""
        return replace(self, melody=self.melody[self._others()])

    def _others(self) -> np.ndarray:
        """int64 [B]: for each crop the nearest one before it (before the first comes the last) of another piece."""
        if not self.has_other_pieces:
            raise ValueError("expected crops of more than one piece")
        count = len(self.piece)
        found = np.zeros(count, np.int64)
        for row, piece in enumerate(self.piece):
            before = np.roll(self.piece[::-1], row)  # Row - 1, row - 2, … and row itself last.
            found[row] = (row - 1 - int((before != piece).argmax())) % count
        return found


Row = tuple[np.ndarray, np.ndarray, np.ndarray, np.int64]
"""A crop: target, performance, melody and the number of its piece."""


class Crops:
    """Crops out of whole pieces.

    pieces: tokens, integers [n] each. melodies: the melody of each piece in its own time, empty for none. length:
    tokens of a crop; melody_length: melody tokens of its window.
    """

    def __init__(
        self, pieces: Sequence[np.ndarray], melodies: Sequence[Notes], length: int, melody_length: int
    ) -> None:
        if len(pieces) != len(melodies) or not any(len(p) for p in pieces):
            raise UserError("there is no piece to train on", "choose another source of MIDI files")
        self.length, self.melody_length = length, melody_length
        self._pieces = [np.asarray(p, np.int64) for p in pieces]
        self._clocks = [np.concatenate(([0], np.cumsum(steps(p)))) for p in self._pieces]
        self._melodies = list(melodies)
        sizes = np.array([len(p) for p in self._pieces], np.float64)
        self._share = sizes / sizes.sum()

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def tokens(self) -> int:
        """Of all pieces together."""
        return sum(map(len, self._pieces))

    def batch(self, count: int, rng: np.random.Generator, *, augment: bool = True, perturbation: str = "none") -> Batch:
        """Crops drawn from `rng`; longer pieces are drawn more often, so that every token counts the same.

        perturbation: of the performance, see `perturbed`; "elsewhere" takes another crop of the piece, perturbed as
        in the paper, so that the style cannot tell what comes, as it cannot when music is composed.
        """
        rows = []
        for piece in rng.choice(len(self._pieces), count, p=self._share):
            start = int(rng.integers(0, max(1, len(self._pieces[piece]) - self.length + 1)))
            stretch = float(rng.choice(STRETCHES)) if augment else 1.0
            transpose = int(rng.choice(TRANSPOSITIONS)) if augment else 0
            if perturbation == ELSEWHERE:
                other = int(rng.integers(0, max(1, len(self._pieces[piece]) - self.length + 1)))
                target = self._row(piece, start, stretch, transpose, "none", rng)
                row = _styled(target, self._row(piece, other, stretch, transpose, "paper", rng))
            else:
                row = self._row(piece, start, stretch, transpose, perturbation, rng)
            rows.append(row)
        return _stacked(rows)

    def fixed(self, count: int, seed: int) -> Batch:
        """The same crops whenever asked: one of each piece in turn, neither augmented nor perturbed."""
        places, rng = self._places(count, seed)
        return _stacked([self._row(piece, start, 1.0, 0, "none", rng) for piece, start in places])

    def elsewhere(self, count: int, seed: int) -> Batch | None:
        """As `fixed`, but the performance of each crop is another stretch of its piece, as far away as there is one.

        So what the style says of the crop is not read from the crop itself. None where a piece is too short for two
        stretches that do not overlap.
        """
        places, rng = self._places(count, seed)
        rows = []
        for piece, start in places:
            last = len(self._pieces[piece]) - self.length
            other = 0 if 2 * start > last else last
            if abs(other - start) < self.length:
                return None
            target = self._row(piece, start, 1.0, 0, "none", rng)
            rows.append(_styled(target, self._row(piece, other, 1.0, 0, "none", rng)))
        return _stacked(rows)

    def _places(self, count: int, seed: int) -> tuple[list[tuple[int, int]], np.random.Generator]:
        """Piece and first token of each of `fixed`'s crops, and the generator that drew them."""
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(self._pieces))
        places = []
        for k in range(count):
            piece = int(order[k % len(order)])
            places.append((piece, int(rng.integers(0, max(1, len(self._pieces[piece]) - self.length + 1)))))
        return places, rng

    def _row(
        self, piece: int, start: int, stretch: float, transpose: int, perturbation: str, rng: np.random.Generator
    ) -> Row:
        # Stretching may split or join shifts, so a little more is read than needed.
        raw = self._pieces[piece][start : start + self.length + self.length // 4]
        if not _fits(raw, transpose):
            transpose = 0
        target = transposed(stretched(raw, stretch), transpose)[: self.length]
        begin = self._clocks[piece][start] / STEPS_PER_SECOND
        melody = self._melody(piece, begin, stretch, transpose)
        performance = _padded(perturbed(target, perturbation, rng), self.length)
        return _padded(target, self.length), performance, melody, np.int64(piece)

    def _melody(self, piece: int, begin: float, stretch: float, transpose: int) -> np.ndarray:
        seconds = self.melody_length / MELODY_STEPS_PER_SECOND
        notes = self._melodies[piece].between(begin, begin + seconds / stretch)
        if not len(notes):
            return np.full(self.melody_length, MELODY_NO_EVENT, np.int64)
        moved = notes.shifted(-begin).stretched(stretch)
        return encode_melody(moved.transposed(transpose), seconds=seconds).astype(np.int64)


def perturbed(tokens: np.ndarray, how: str, rng: np.random.Generator) -> np.ndarray:
    """A crop as the performance encoder gets it in training, so that the style says neither key nor exact tempo.

    how: "paper" moves it by one of twelve shifts within ±6 semitones and stretches it by one of four factors within
    5 %; "repo" moves it by any shift that keeps it on the keyboard; "none" leaves it.
    """
    if how not in PERTURBATIONS or how == ELSEWHERE:
        raise UserError(f"expected a perturbation out of {', '.join(PERTURBATIONS[:-1])}, got {how!r}")
    if how == "none":
        return tokens
    shifts = PERTURBING_SHIFTS if how == "paper" else tuple(s for s in range(-KEYS, KEYS) if s)
    possible = [s for s in shifts if _fits(tokens, s)]
    if possible:
        tokens = transposed(tokens, int(rng.choice(possible)))
    return stretched(tokens, float(rng.choice(PERTURBING_STRETCHES))) if how == "paper" else tokens


def steps(tokens: np.ndarray) -> np.ndarray:
    """Hundredths of a second that each token lasts: 0 for all but shifts."""
    return np.where((tokens >= SHIFT) & (tokens < VELOCITY), tokens - SHIFT + 1, 0)


def transposed(tokens: np.ndarray, semitones: int) -> np.ndarray:
    """All keys moved. The caller knows that they stay on the keyboard."""
    return tokens + np.where((tokens >= ON) & (tokens < SHIFT), semitones, 0)


def stretched(tokens: np.ndarray, factor: float) -> np.ndarray:
    """All moments multiplied by `factor` and rounded to steps; events keep their order."""
    if factor == 1:
        return tokens
    is_event = (tokens < SHIFT) | (tokens >= VELOCITY)
    moments = np.floor(np.cumsum(steps(tokens))[is_event] * factor + 0.5).astype(np.int64)
    gap = np.diff(moments, prepend=0)
    shifts = (gap + MAX_SHIFT - 1) // MAX_SHIFT
    at = np.cumsum(shifts + 1) - 1
    made = np.full(int(at[-1]) + 1 if len(at) else 0, SHIFT + MAX_SHIFT - 1, np.int64)
    made[at] = tokens[is_event]
    moves = shifts > 0
    made[at[moves] - 1] = SHIFT + (gap - MAX_SHIFT * (shifts - 1))[moves] - 1
    return made


def _fits(tokens: np.ndarray, semitones: int) -> bool:
    keys = tokens[(tokens >= ON) & (tokens < SHIFT)]
    if not len(keys):
        return True
    pitch = (keys - ON) % (OFF - ON) + LOWEST + semitones
    return bool(pitch.min() >= LOWEST and pitch.max() <= HIGHEST)


def _styled(target: Row, style: Row) -> Row:
    """A crop whose performance is another one's."""
    return target[0], style[1], target[2], target[3]


def _padded(tokens: np.ndarray, length: int) -> np.ndarray:
    row = np.full(length, PAD, np.int64)
    row[: min(len(tokens), length)] = tokens[:length]
    return row


def _stacked(rows: list[Row]) -> Batch:
    return Batch(*(np.stack(part) for part in zip(*rows, strict=True)))
