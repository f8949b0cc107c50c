"""One pass of the decoder over given tokens that keeps what is usually thrown away: attention and norms.

The logits are those of `StyleAutoencoder.decode`. Source: Choi et al. 2020, section 3; Huang et al. 2019, section 3.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from engines.piano.nets.relative import BLOCK, CrossAttention, RelativeAttention, causal_scores
from engines.piano.nets.transformer import Encoder, StyleAutoencoder, durations, grid_steps, sinusoids

SLOTS: Final = ("melody", "stop", "style")
"""What a memory that is joined along time consists of, in order."""
ROWS: Final = 256
"""Positions that a layer's feed-forward part computes between two looks at whether to stop."""


class Look:
    """What was seen in the windows so far; sums over positions that count.

    bins: K distances, bin k holds 2^(k-1) + 1 … 2^k tokens back (bin 0: the token just before). attention: float64
    [layers, heads, K]; even: float64 [K], what attention would be that minded nothing. stream, cross: float64 [layers],
    norms of the residual stream before attention to the memory, and of what that adds. slots: float64 [layers, 3],
    by `SLOTS`, of a network with the merge "concat".
    """

    def __init__(self, net: StyleAutoencoder, longest: int) -> None:
        layers, heads = len(net.decoder_layers), net.config.heads
        self.bins = math.ceil(math.log2(max(longest, 1))) + 1
        self.is_joined = net.config.mode == "melody+performance" and net.config.merge == "concat"
        device = net.softmax.weight.device
        self.positions = 0
        self.attention = torch.zeros(layers, heads, self.bins, dtype=torch.float64, device=device)
        self.even = torch.zeros(self.bins, dtype=torch.float64, device=device)
        self.stream = torch.zeros(layers, dtype=torch.float64, device=device)
        self.cross = torch.zeros(layers, dtype=torch.float64, device=device)
        self.slots = torch.zeros(layers, len(SLOTS), dtype=torch.float64, device=device)

    def counts(self, counted: Tensor) -> None:
        """Take note of a batch of windows. counted: bool [B, n]."""
        self.positions += int(counted.sum())
        for start in range(0, counted.shape[1], BLOCK):
            rows = counted[:, start : start + BLOCK].sum(0).double()  # how often each row counts
            end = start + len(rows)
            seen = torch.arange(start, end, device=rows.device) + 1
            ahead = torch.ones(len(rows), end, device=rows.device).triu_(start + 1)
            shares = (rows / seen)[:, None] * (1 - ahead)
            self.even.index_add_(0, self._bins(start, len(rows), end).flatten(), shares.flatten())

    def attended(self, layer: int, weights: Tensor, start: int, counted: Tensor) -> None:
        """Self-attention [H, B, m, end] of the rows from `start` on. counted: bool [B, m]."""
        summed = torch.einsum("hbme,bm->hme", weights, counted.to(weights.dtype)).double()
        where = self._bins(start, weights.shape[2], weights.shape[3]).flatten()
        self.attention[layer].index_add_(1, where, summed.flatten(1))

    def crossed(self, layer: int, x: Tensor, added: Tensor, counted: Tensor) -> None:
        """The stream [B, n, d] before attention to the memory, and what that adds to it."""
        self.stream[layer] += x.norm(dim=-1)[counted].double().sum()
        self.cross[layer] += added.expand_as(x).norm(dim=-1)[counted].double().sum()

    def slotted(self, layer: int, weights: Tensor, counted: Tensor) -> None:
        """Attention [H, B, n, T] to a memory, whose last two slots are the stop and the style."""
        if self.is_joined:
            mean = weights.mean(0)[counted].double()  # [positions, T]
            parts = (mean[:, :-2].sum(), mean[:, -2].sum(), mean[:, -1].sum())
            self.slots[layer] += torch.stack(parts)

    def _bins(self, start: int, rows: int, end: int) -> Tensor:
        """int64 [rows, end]: the bin of each key; what is ahead lies in bin 0 and weighs nothing."""
        device = self.even.device
        back = torch.arange(start, start + rows, device=device)[:, None] - torch.arange(end, device=device) + 1
        return torch.log2(back.clamp_min(1).double()).ceil().long()


def looked_at(
    net: StyleAutoencoder,
    target: Tensor,
    memory: Tensor | None,
    look: Look | None,
    counted: Tensor,
    check: Callable[[], None],
) -> Tensor:
    """Logits [B, n, vocabulary] as `net.decode(target, memory)` gives them; what passes by is added to `look`.

    target: int64 [B, n], padding at the end. memory: [B, T, width] or None. counted: bool [B, n], the positions that
    matter. check: raises to stop; called every few matrix products.
    """
    x = F.pad(net.embedding(target)[:, :-1], (0, 0, 1, 0))
    x = x + sinusoids(target.shape[1], x)
    place = grid_steps(F.pad(durations(target)[:, :-1].cumsum(1), (1, 0))) if net.config.is_timed else None
    if look is not None:
        look.counts(counted)
    for k, layer in enumerate(net.decoder_layers):
        check()
        x = x + _attended(layer.attention, layer.norm_self(x), look, k, counted, check)
        if layer.cross is not None and memory is not None:
            check()
            added = _crossed(layer.cross, layer.norm_cross(x), memory, place, look, k, counted, check)
            if look is not None:
                look.crossed(k, x, added, counted)
            x = x + added
        x = x + torch.cat([_checked(layer.ffn(layer.norm_ffn(part)), check) for part in x.split(ROWS, 1)], 1)
    return torch.cat([_checked(net.softmax(net.norm(part)), check) for part in x.split(ROWS, 1)], 1)


def _checked(value: Tensor, check: Callable[[], None]) -> Tensor:
    """The value, once nobody wants to stop."""
    check()
    return value


def _attended(
    attention: RelativeAttention, x: Tensor, look: Look | None, layer: int, counted: Tensor, check: Callable[[], None]
) -> Tensor:
    p = attention.projections
    q, k, v = p.split(p.q(x)) * p.scale, p.split(p.k(x)), p.split(p.v(x))
    mixed = []
    for start in range(0, q.shape[2], BLOCK):
        check()
        end = min(start + BLOCK, q.shape[2])
        rows = q[:, :, start:end]
        scores = causal_scores(rows, attention.table, end) + rows @ k[:, :, :end].mT
        ahead = torch.ones(end - start, end, dtype=torch.bool, device=q.device).triu_(start + 1)
        weights = scores.masked_fill_(ahead, -torch.inf).softmax(-1)
        if look is not None:
            look.attended(layer, weights, start, counted[:, start:end])
        mixed.append(weights @ v[:, :, :end])
    return p.join(torch.cat(mixed, 2))


def _crossed(
    cross: CrossAttention,
    x: Tensor,
    memory: Tensor,
    place: Tensor | None,
    look: Look | None,
    layer: int,
    counted: Tensor,
    check: Callable[[], None],
) -> Tensor:
    if memory.shape[1] == 1:
        return cross.constant(memory)
    p = cross.projections
    k, v = cross.keys_values(memory)
    mixed = []
    for start in range(0, x.shape[1], BLOCK):
        check()
        rows = slice(start, start + BLOCK)
        q = p.split(p.q(x[:, rows])) * p.scale
        scores = q @ k.mT
        if place is not None:
            scores = scores + cross.time_scores(q, place[:, rows], k.shape[2])
        weights = scores.softmax(-1)
        if look is not None:
            look.slotted(layer, weights, counted[:, rows])
        mixed.append(weights @ v)
    return p.join(torch.cat(mixed, 2))


def encoded(encoder: Encoder, tokens: Tensor, check: Callable[[], None]) -> Tensor:
    """What an encoder says of tokens [B, T] → [B, T, d], layer by layer, so that it can be stopped in between."""
    x = encoder.embedding(tokens) + encoder.constant + sinusoids(tokens.shape[1], encoder.constant)
    for layer in encoder.layers:
        check()
        x = layer(x, None)
    return encoder.norm(x)


def loudness(net: StyleAutoencoder, z: Tensor) -> Tensor:
    """|W_o W_v z| in each layer, [layers], for z [1, d] and every merge: with "concat" it is what the style would add
    if all attention went to it."""
    if net.config.mode == "melody+performance" and net.config.merge == "tile":
        z = torch.cat([torch.zeros_like(z), z], 1)
    return net.loudness_of_style(z)[0]


def windows(count: int, length: int) -> list[tuple[int, int, int]]:
    """(first, scored from, end) of the windows in which `count` tokens are read: the first as long as the network was
    trained for, each later one beginning half a window on, as the sampler's cache does."""
    found, first, scored = [], 0, 0
    while scored < count:
        end = min(first + length, count)
        found.append((first, scored, end))
        first, scored = end - length // 2, end
    return found
