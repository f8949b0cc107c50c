"""Self-attention with learned relative positions, added to the logits by a view instead of a gather ("skew").

Logits of head h between query i and key j: (q_i · k_j + q_i · E_h[i - j]) / sqrt(c). E is zero where it has no row:
beyond the last learned distance the logits are those of content alone.

Source: Huang et al. 2019, "Music Transformer", section 3.4; Choi et al. 2020, section 3 (paper file 08, 2.5).
"""

from __future__ import annotations

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BLOCK: Final = 128
"""Queries that a causal layer answers at once. Later keys are not even multiplied: it saves a third at 512 tokens."""

BEFORE, AFTER = 16, 32
"""Steps of the melody's grid, back and ahead, that timed attention tells apart: 1.6 s and 3.2 s."""
NEAR, NEAR_LOGIT = 2, 3.0
"""Before training, timed attention prefers slots at most this many steps away, by this logit."""


def causal_scores(q: Tensor, table: Tensor, keys: int) -> Tensor:
    """q · E[i - j] for the last n of `keys` positions.

    q: [H, B, n, c]. table: [H, R, c], row r for distance r. Returns [H, B, n, keys]; entries with j > i are
    meaningless (they hold 0 at j = i + 1, then values of the next row) and must be masked.
    """
    heads, batch, n, c = q.shape
    kept = min(table.shape[1], keys)
    near = q.reshape(heads, batch * n, c) @ table[:, :kept].flip(1).mT  # [H, B·n, kept], distances kept - 1 … 0
    # Columns are the distances keys - 1 … 0, and one of zeros for "-1": with it, the skew is a plain view.
    scores = F.pad(near, (keys - kept, 1))
    flat = scores.view(heads, batch, n * (keys + 1))[..., n - 1 : n - 1 + n * keys]
    return flat.unflatten(-1, (n, keys))


def two_sided_scores(q: Tensor, table: Tensor) -> Tensor:
    """q · E[i - j] between all of L positions, for earlier and later keys.

    q: [H, B, L, c]. table: [H, 2R - 1, c], row R - 1 + r for distance r in -(R-1) … R-1. Returns [H, B, L, L].
    """
    heads, batch, length, c = q.shape
    reach = (table.shape[1] + 1) // 2
    kept = min(reach, length)
    near = q.reshape(heads, batch * length, c) @ table[:, reach - kept : reach + kept - 1].flip(1).mT
    scores = F.pad(near, (length - kept, length - kept))  # Columns: distances L - 1 … -(L - 1).
    if length == 1:
        return scores.view(heads, batch, 1, 1)
    step = 2 * length - 2
    flat = scores.view(heads, batch, length * (2 * length - 1))[..., length - 1 :]
    return flat[..., : length * step].unflatten(-1, (length, step))[..., :length]


class Projections(nn.Module):
    """The projections of an attention layer, none with a bias. memory_width: what keys and values are read from."""

    def __init__(self, d: int, heads: int, key_channels: int, memory_width: int | None = None) -> None:
        super().__init__()
        width = d if memory_width is None else memory_width
        self.heads = heads
        self.q = nn.Linear(d, key_channels, bias=False)
        self.k = nn.Linear(width, key_channels, bias=False)
        self.v = nn.Linear(width, d, bias=False)
        self.o = nn.Linear(d, d, bias=False)
        for layer in (self.q, self.k, self.v, self.o):
            nn.init.xavier_uniform_(layer.weight)
        self.scale = 1 / math.sqrt(key_channels // heads)

    def split(self, x: Tensor) -> Tensor:
        """[B, L, H·c] as [H, B, L, c], heads first: a table of one head then meets its queries in one product."""
        batch, length, width = x.shape
        return x.view(batch, length, self.heads, width // self.heads).permute(2, 0, 1, 3)

    def join(self, x: Tensor) -> Tensor:
        """[H, B, L, c] → [B, L, d], through the output projection."""
        return self.o(x.permute(1, 2, 0, 3).flatten(2))


class RelativeAttention(nn.Module):
    """Self-attention with relative positions in one of four manners.

    manner: "causal" (a decoder's), "two-sided" (an encoder's, with rows for later keys), "spill" (an encoder's as the
    reference code has it: a causal table under an unmasked skew, so that later keys get other rows' values), or "none".
    reach: R, learned distances 0 … R - 1 on each side.
    """

    def __init__(self, d: int, heads: int, key_channels: int, reach: int, dropout: float, manner: str) -> None:
        super().__init__()
        if manner not in ("causal", "two-sided", "spill", "none"):
            raise ValueError(f"expected causal, two-sided, spill or none, got {manner!r}")
        self.manner = manner
        self.dropout = dropout
        self.projections = Projections(d, heads, key_channels)
        c = key_channels // heads
        if manner != "none":
            rows = 2 * reach - 1 if manner == "two-sided" else reach
            self.table = nn.Parameter(torch.randn(heads, rows, c) / math.sqrt(c))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """x: [B, L, d] → [B, L, d]. mask: bool [B, L], True where a key counts; for the encoders' manners."""
        p = self.projections
        q = p.split(p.q(x)) * p.scale
        k, v = p.split(p.k(x)), p.split(p.v(x))
        if self.manner == "causal":
            return p.join(self._causal(q, k, v))
        return p.join(self._mixed(self._whole(q, k, mask), v))

    def _causal(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        length = q.shape[2]
        mixed = []
        for start in range(0, length, BLOCK):
            end = min(start + BLOCK, length)
            rows = q[:, :, start:end]
            scores = _sum(causal_scores(rows, self.table, end), rows, k[:, :, :end])
            ahead = torch.ones(end - start, end, dtype=torch.bool, device=q.device).triu_(start + 1)
            mixed.append(self._mixed(scores.masked_fill_(ahead, -torch.inf), v[:, :, :end]))
        return torch.cat(mixed, 2) if len(mixed) > 1 else mixed[0]

    def _whole(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        if self.manner == "none":
            scores = q @ k.mT
        elif self.manner == "spill":
            scores = _sum(causal_scores(q, self.table, q.shape[2]), q, k)
        else:
            scores = _sum(two_sided_scores(q, self.table), q, k)
        return scores if mask is None else scores.masked_fill(~mask[None, :, None, :], -torch.inf)

    def _mixed(self, scores: Tensor, v: Tensor) -> Tensor:
        weights = scores.softmax(-1)
        if self.dropout and self.training:
            weights = F.dropout(weights, self.dropout)
        return weights @ v


class CrossAttention(nn.Module):
    """Attention of the decoder to a memory, in the paper without positions. width: of the memory's slots.

    is_timed: the memory's first slots lie on the melody's grid, and each logit gets q · E[j - s] + b[j - s], where s is
    the step of the grid at which the decoder is: what relative positions are to self-attention. Not in the paper, whose
    decoder has to find its place in the melody by adding up its own shifts; after the training that a desktop affords
    it had not. untimed: slots at the end that are not on the grid.
    """

    def __init__(
        self,
        d: int,
        heads: int,
        key_channels: int,
        width: int,
        dropout: float,
        *,
        is_timed: bool = False,
        untimed: int = 0,
    ) -> None:
        super().__init__()
        self.projections = Projections(d, heads, key_channels, width)
        self.dropout, self.untimed = dropout, untimed
        self.time_table: nn.Parameter | None = None
        if is_timed:
            c = key_channels // heads
            self.time_table = nn.Parameter(torch.randn(heads, c, BEFORE + AFTER + 1) / math.sqrt(c))
            near = torch.zeros(heads, BEFORE + AFTER + 1)
            near[:, BEFORE - NEAR : BEFORE + NEAR + 1] = NEAR_LOGIT
            self.time_bias_table = nn.Parameter(near)

    def constant(self, z: Tensor) -> Tensor:
        """W_o W_v z [B, 1, d] for a memory of one slot z [B, 1, width]: a softmax over one slot is 1."""
        return self.projections.o(self.projections.v(z))

    def keys_values(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Keys [H, B, T, c] and values [H, B, T, d/H] of a memory [B, T, width]."""
        p = self.projections
        return p.split(p.k(memory)), p.split(p.v(memory))

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None, place: Tensor | None = None) -> Tensor:
        """x: [B, L, d], memory: [B, T, width] → [B, L, d]. mask: bool [B, T], True where a slot counts. place: int64
        [B, L], the step of the grid at which each position is; for timed attention."""
        if memory.shape[1] == 1 and mask is None:
            return self.constant(memory)
        return self.attend(x, *self.keys_values(memory), mask, place)

    def attend(
        self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, place: Tensor | None = None
    ) -> Tensor:
        """As `forward`, from keys and values that were made before."""
        p = self.projections
        q = p.split(p.q(x)) * p.scale
        scores = q @ k.mT  # [H, B, L, T]
        if place is not None:
            scores = scores + self.time_scores(q, place, k.shape[2])
        if mask is not None:
            scores = scores.masked_fill(~mask[None, :, None, :], -torch.inf)
        weights = scores.softmax(-1)
        if self.dropout and self.training:
            weights = F.dropout(weights, self.dropout)
        return p.join(weights @ v)

    def time_scores(self, q: Tensor, place: Tensor, slots: int) -> Tensor:
        """[H, B, n, slots] for scaled queries [H, B, n, c] at the steps `place` [B, n]; 0 beyond the table."""
        assert self.time_table is not None
        by_offset = q @ self.time_table[:, None] + self.time_bias_table[:, None, None]
        columns = F.pad(by_offset, (1, 1))  # The first and the last column stand for all that is further away.
        return columns.gather(-1, self.time_columns(place, slots).expand(q.shape[0], -1, -1, -1))

    def time_columns(self, place: Tensor, slots: int) -> Tensor:
        """int64 [B, n, slots]: which column of the padded table each slot has, for decoders at the steps `place`."""
        at = (torch.arange(BEFORE + 1, BEFORE + 1 + slots, device=place.device) - place[..., None]).clamp_(
            0, BEFORE + AFTER + 2
        )
        if self.untimed:
            at[..., slots - self.untimed :] = 0
        return at


def _sum(relative: Tensor, q: Tensor, k: Tensor) -> Tensor:
    """relative + q · k: [H, B, n, L], one pass over memory for both."""
    heads, batch, n, _ = q.shape
    total = torch.baddbmm(relative.flatten(0, 1), q.flatten(0, 1), k.flatten(0, 1).mT)
    return total.view(heads, batch, n, -1)
