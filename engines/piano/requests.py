"""Requests to the composing session and its answers: frozen, picklable, numpy only. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NO_TOKENS = np.zeros(0, np.int32)
TOP: int = 8
"""Likeliest next tokens that an answer names."""


@dataclass(frozen=True)
class ComposeRequest:
    """What shall be composed now; the newest request replaces the one under way.

    generation: comes back with every answer. weights: name or file. styles: performances as tokens, int [n] each;
    shares: how much of each one's style, scaled to sum 1 (0.25, 0.75 lies three quarters of the way to the second).
    melody: melody tokens, int [T], ten a second; empty for none. primer: tokens that are taken as already played.
    temperature: 0 takes the likeliest. top_p: in (0, 1]. grammar: no release of a key that is up, no strike of one
    that is down. seed: of the first variation; the others' are made of it, so
    that a variation is the same however many there are. length: new tokens at most; seconds: stop
    there, 0 for no limit. variations: pieces composed at once. blends: where each variation has its own mixture of the
    styles, a row of shares for each of them, instead of `shares`; empty for one mixture for all.
    """

    generation: int
    weights: str = "piano-style"
    styles: tuple[np.ndarray, ...] = ()
    shares: tuple[float, ...] = ()
    melody: np.ndarray = field(default_factory=NO_TOKENS.copy)
    primer: np.ndarray = field(default_factory=NO_TOKENS.copy)
    temperature: float = 1.0
    top_p: float = 1.0
    grammar: bool = True
    seed: int = 0
    length: int = 1024
    seconds: float = 0.0
    variations: int = 1
    blends: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class Variation:
    """One piece so far.

    tokens: int16 [n], primer included. nll: float32 [n], nats of each token under the network's own distribution, NaN
    in the primer. notes: float64 [N, 4], finished ones: start, end (s), pitch, velocity, in the order of starts.
    clock: seconds composed. top: int16 [8], the likeliest tokens of the newest draw; shares: float32 [8], their
    probabilities, sum at most 1. attention: float32 [layers, m], how much the newest position looked at each earlier
    one, mean over heads; entry k is k tokens ago. z: float32 [d], its own style where variations have different ones,
    else empty.
    """

    tokens: np.ndarray
    nll: np.ndarray
    notes: np.ndarray
    clock: float
    top: np.ndarray
    shares: np.ndarray
    attention: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    z: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))


@dataclass(frozen=True)
class ComposeSnapshot:
    """The answer so far.

    done: nothing more will come for this generation. variations: in order, empty before the first token. z: float32
    [d], the style that was used (the first variation's where they differ), empty for a network without. loudness:
    float32 [layers], |W_o W_v z|: how loudly that style speaks in each layer, empty likewise. tokens_per_second: of all
    variations together, since the start. milliseconds: since the request. remarks: what a reader must know. problem:
    why nothing was composed.
    """

    generation: int
    done: bool = False
    variations: tuple[Variation, ...] = ()
    z: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    loudness: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    tokens_per_second: float = 0.0
    milliseconds: float = 0.0
    remarks: tuple[str, ...] = ()
    problem: str = ""


LIKELIEST: int = 5
"""Predicted tokens that are named for each token that was read."""


@dataclass(frozen=True)
class InspectRequest:
    """A piece that a network shall read, token by token ("piano.inspect"); the newest request replaces the one before.

    generation: comes back with every answer. weights: name or file. tokens: the piece, int [n]. styles, shares, melody:
    what the network is told, as in `ComposeRequest`. other: another performance as tokens, to be told of instead of the
    styles; empty for none.
    """

    generation: int
    weights: str = "piano-style"
    tokens: np.ndarray = field(default_factory=NO_TOKENS.copy)
    styles: tuple[np.ndarray, ...] = ()
    shares: tuple[float, ...] = ()
    melody: np.ndarray = field(default_factory=NO_TOKENS.copy)
    other: np.ndarray = field(default_factory=NO_TOKENS.copy)


@dataclass(frozen=True)
class InspectSnapshot:
    """What a network thought of a piece, as far as it has read.

    done: nothing more will come for this generation. tokens: int16 [n], read so far, out of `total`. nll: float32 [n]
    each, nats of every token: "own" (told the styles and the melody), "no style" (z = 0), "other style", "no melody"
    (no event at all); only those that the network's mode and the request allow. top: int16 [n, 5], the likeliest
    tokens in each place; shares: float32 [n, 5], their probabilities. kinds: float32 [n, 5], probability by kind of
    token: reserved, note on, note off, shift, velocity; sums to 1.

    attention: float32 [layers, heads, K], mean share of self-attention by distance, sums to 1 over K; back: int64 [K],
    the farthest distance of each bin in tokens (1: the token just before). even: float32 [K], the same if attention
    minded nothing. Positions in the first half of a first window are left out, where there are others.

    style: float32 [layers], |W_o W_v z|. cross: float32 [layers], the mean norm of what attention to the memory adds.
    stream: float32 [layers], that of the residual stream it is added to. slots: float32 [layers, 3], shares of that
    attention on melody, stop and style slots where the merge is "concat". All are empty where there is no such thing.
    context: tokens that the network sees at once. milliseconds: since the request. remarks: what a reader must know.
    problem: why nothing was read.
    """

    generation: int
    done: bool = False
    total: int = 0
    tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    nll: dict[str, np.ndarray] = field(default_factory=dict)
    top: np.ndarray = field(default_factory=lambda: np.zeros((0, LIKELIEST), np.int16))
    shares: np.ndarray = field(default_factory=lambda: np.zeros((0, LIKELIEST), np.float32))
    kinds: np.ndarray = field(default_factory=lambda: np.zeros((0, 5), np.float32))
    attention: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    back: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    even: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    style: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    cross: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    stream: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    slots: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    context: int = 0
    milliseconds: float = 0.0
    remarks: tuple[str, ...] = ()
    problem: str = ""
