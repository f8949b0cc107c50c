"""Decoder layers that remember keys and values, so that a token costs one position and not all of them.

The relative table is stored with distance 0 last: the logits of a step are two products and no gather. Source: paper
file 08b, section 5.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.piano.nets.relative import CrossAttention, causal_scores
from engines.piano.nets.transformer import DecoderLayer


class CachedLayer:
    """One decoder layer with the keys and values of what it has seen.

    A step of a small network costs as much in calls as in products. So rows are kept flat, weights that meet the same
    vector are joined, residuals are added in the product before them, and what a module would look up again for every
    token is held. The weights are those at the time of construction.
    """

    def __init__(self, layer: DecoderLayer, batch: int, capacity: int) -> None:
        p = layer.attention.projections
        self._batch, self._heads = batch, p.heads
        self._widths = p.q.out_features, p.k.out_features, p.v.out_features
        self._qkv = torch.cat([p.q.weight * p.scale, p.k.weight, p.v.weight]).detach()
        self._keys, self._values = (
            self._qkv.new_zeros(p.heads, batch, capacity, width // p.heads) for width in self._widths[1:]
        )
        self._out = p.o.weight.detach().T
        self._table = layer.attention.table.detach()
        self._near_last = self._table.flip(1).mT.contiguous()  # [H, c, R], distance 0 last
        self._norm_self, self._norm_ffn = Norm(layer.norm_self), Norm(layer.norm_ffn)
        self._into, self._into_bias = layer.ffn.into.weight.detach(), layer.ffn.into.bias.detach()
        self._back, self._back_bias = layer.ffn.out.weight.detach().T, layer.ffn.out.bias.detach()
        self._cross = None if layer.cross is None else _CachedCross(layer.cross, Norm(layer.norm_cross), batch)
        self.weights = torch.zeros(p.heads, batch, 1, 0)

    def attend_to(self, memory: Tensor | None) -> None:
        """From now on, attend to a memory [B, T, width]."""
        if self._cross is not None:
            self._cross.attend_to(memory)

    def __call__(self, x: Tensor, filled: int, columns: Tensor | None) -> Tensor:
        """x: [B·n, d], rows of one piece together, at the n positions from `filled` on → the same. columns: see
        `CrossAttention.time_columns`."""
        x = torch.addmm(x, self._attend(self._norm_self(x), filled), self._out)
        if self._cross is not None:
            x = self._cross(x, columns)
        hidden = F.linear(self._norm_ffn(x), self._into, self._into_bias).relu_()
        return torch.addmm(x, hidden, self._back).add_(self._back_bias)

    def _attend(self, x: Tensor, filled: int) -> Tensor:
        q, k, v = (_split(part, self._batch, self._heads) for part in F.linear(x, self._qkv).split(self._widths, -1))
        n = q.shape[2]
        end = filled + n
        self._keys[:, :, filled:end] = k
        self._values[:, :, filled:end] = v
        scores = q @ self._keys[:, :, :end].mT  # [H, B, n, end]
        if n == 1:
            near = min(end, self._near_last.shape[2])
            scores[:, :, 0, end - near :] += q[:, :, 0] @ self._near_last[:, :, -near:]
        else:
            scores += causal_scores(q, self._table, end)
            ahead = torch.ones(n, end, dtype=torch.bool, device=x.device).triu_(filled + 1)
            scores.masked_fill_(ahead, -torch.inf)
        self.weights = scores.softmax(-1)
        return _joined(self.weights @ self._values[:, :, :end])


class _CachedCross:
    """Attention to a memory whose keys and values are made once; one slot amounts to a constant."""

    def __init__(self, layer: CrossAttention, norm: Norm, batch: int) -> None:
        p = layer.projections
        self._layer, self._norm, self._batch, self._heads = layer, norm, batch, p.heads
        self._q, self._out = (p.q.weight * p.scale).detach(), p.o.weight.detach().T
        self._constant: Tensor | None = None
        self._memory: tuple[Tensor, Tensor] | None = None
        self._time: tuple[Tensor, Tensor] | None = None
        if layer.time_table is not None:  # Padded as `time_scores` pads its products.
            table, bias = layer.time_table.detach(), layer.time_bias_table.detach()
            self._time = F.pad(table, (1, 1))[:, None], F.pad(bias, (1, 1))[:, None, None]

    def attend_to(self, memory: Tensor | None) -> None:
        """Keys and values of a memory [B, T, width], or the constant; nothing is added without one."""
        self._constant = self._memory = None
        if memory is not None and memory.shape[1] == 1:
            self._constant = self._layer.constant(memory)
        elif memory is not None:
            k, v = self._layer.keys_values(memory)
            self._memory = k.mT.contiguous(), v.contiguous()

    def __call__(self, x: Tensor, columns: Tensor | None) -> Tensor:
        """[B·n, d] → the same, with what the memory adds."""
        if self._constant is not None:
            return (x.view(self._batch, -1, x.shape[1]) + self._constant).view_as(x)
        if self._memory is None:
            return x
        k, v = self._memory
        q = _split(F.linear(self._norm(x), self._q), self._batch, self._heads)
        scores = q @ k
        if columns is not None and self._time is not None:
            table, bias = self._time
            scores += (q @ table + bias).gather(-1, columns.expand(self._heads, -1, -1, -1))
        return torch.addmm(x, _joined(scores.softmax(-1) @ v), self._out)


class Norm:
    """A layer norm without the module around it."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        self._shape, self._eps = norm.normalized_shape, norm.eps
        self._weight, self._bias = norm.weight.detach(), norm.bias.detach()

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self._shape, self._weight, self._bias, self._eps)


def _split(x: Tensor, batch: int, heads: int) -> Tensor:
    """[B·n, H·c] → [H, B, n, c]."""
    return x.reshape(batch, -1, heads, x.shape[-1] // heads).permute(2, 0, 1, 3)


def _joined(x: Tensor) -> Tensor:
    """[H, B, n, c] → [B·n, H·c]."""
    return x.permute(1, 2, 0, 3).reshape(x.shape[1] * x.shape[2], -1)
