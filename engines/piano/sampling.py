"""Drawing tokens one by one with cached keys and values: the same logits as the full pass, in linear time.

The reference code has no cache (a relative attention there re-runs the decoder for each token). Here each layer keeps
the keys and values of the positions that went by; the relative table is stored with distance 0 last, so that the
logits of a step are two products and no gather (paper file 08b, section 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.piano.nets.relative import causal_scores
from engines.piano.nets.transformer import (
    STEPS_PER_MELODY_TOKEN,
    DecoderLayer,
    StyleAutoencoder,
    durations,
    grid_steps,
    sinusoids,
)

RESERVED: Final = 2
"""PAD and EOS, which are never drawn."""
LEAST_TEMPERATURE: Final = 1e-3
"""Below it the likeliest token is taken: two logits a tenth of a nat apart would differ e^100 times in chance, and the
quotients leave single precision."""


def nothing() -> None:
    """The default of callbacks."""


class Grammar(Protocol):
    """Which tokens make sense next, for each row of a batch."""

    def allowed(self) -> np.ndarray:
        """bool [B, vocabulary]; at least one True in each row."""

    def feed(self, tokens: np.ndarray) -> None:
        """The tokens [B] that were drawn."""


class Sampler:
    """Ancestral sampling from one network, `batch` rows at a time.

    z: [B, d] or [1, d], what `net.style` gave (for "unpooled": H [B, L, d]). melody: int64 [T] or [B, T] at ten tokens
    a second from the piece's beginning, however long; a window of it is read, from where the cache begins. generator:
    of torch, on the network's device; or one for each row, whose tokens then do not depend on how many rows there are
    (but for the last digits of sums). temperature: 0 takes the likeliest. top_p: in (0, 1], the smallest set of tokens
    with at least that share. mask: a grammar, or None.

    Beyond `net.config.length` positions, which training never saw, the cache is made again from the last half, as if
    the music began there (paper file 08b, section 5).
    """

    def __init__(
        self,
        net: StyleAutoencoder,
        batch: int = 1,
        z: Tensor | None = None,
        melody: Tensor | None = None,
        *,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        mask: Grammar | None = None,
    ) -> None:
        if not 0 < top_p <= 1 or not 0 <= temperature < math.inf or batch < 1:
            raise UserError(
                f"expected top-p in (0, 1], a temperature from 0 and at least one row, "
                f"got {top_p:g}, {temperature:g}, {batch}"
            )
        if isinstance(generator, Sequence) and len(generator) != batch:
            raise ValueError(f"expected a generator for each of {batch} rows, got {len(generator)}")
        self.net, self.batch = net.eval(), batch
        self.generator, self.top_p, self.mask = generator, top_p, mask
        self.temperature = temperature if temperature >= LEAST_TEMPERATURE else 0.0
        self.device = net.softmax.weight.device
        self._z = None if z is None else z.to(self.device).expand(batch, *z.shape[1:])
        self._melody = None if melody is None else _rows(melody.to(self.device), batch)
        self._layers = [_CachedLayer(layer, batch, net.config.length) for layer in net.decoder_layers]
        self._position = sinusoids(net.config.length, net.softmax.weight)
        self._drawn: list[Tensor] = []
        self.nll = torch.zeros(batch, device=self.device)
        """Nats of the last token of each row, under the network's own distribution."""
        self._restart(0)

    @property
    def tokens(self) -> Tensor:
        """All tokens so far, primer included: int64 [B, n]."""
        if not self._drawn:
            return torch.zeros(self.batch, 0, dtype=torch.int64, device=self.device)
        return torch.stack(self._drawn, 1)

    @property
    def logits(self) -> Tensor:
        """The network's logits of the next token, [B, vocabulary]."""
        return self._logits

    @torch.inference_mode()
    def prime(self, tokens: Tensor, check: Callable[[], None] = nothing) -> None:
        """Take tokens [n] or [B, n] as already played. check: raises to stop. Raises UserError for ids outside the
        vocabulary."""
        rows = _rows(tokens.to(self.device), self.batch)
        if rows.numel() and not (int(rows.min()) >= 0 and int(rows.max()) < self.net.config.vocabulary):
            raise UserError(f"expected tokens from 0 to {self.net.config.vocabulary - 1}")
        self._drawn += list(rows.unbind(1))
        if self.mask is not None:
            for column in rows.cpu().numpy().T:
                check()
                self.mask.feed(column)
        if rows.shape[1] > self.net.config.length - self._filled:
            self._restart(max(0, len(self._drawn) - self.net.config.length // 2))
        elif rows.shape[1]:
            self._advance(rows)

    @torch.inference_mode()
    def step(self) -> tuple[Tensor, Tensor]:
        """Draw one token for each row: int64 [B], and the distribution it was drawn from, float32 [B, vocabulary]."""
        probabilities = self.distribution()
        if self.temperature == 0:
            tokens = probabilities.argmax(1)
        else:
            # The first of exponential clocks of those rates to ring: multinomial's answer, without its checks.
            tokens = (probabilities / self._rings(probabilities)).argmax(1)
        self.nll = self._logits.logsumexp(1) - self._logits.gather(1, tokens[:, None])[:, 0]
        self._drawn.append(tokens)
        if self.mask is not None:
            self.mask.feed(tokens.cpu().numpy())
        if self._filled < self.net.config.length:
            self._advance(tokens[:, None])
        else:
            self._restart(len(self._drawn) - self.net.config.length // 2)
        return tokens, probabilities

    @torch.inference_mode()
    def distribution(self) -> Tensor:
        """What the next token would be drawn from: temperature, grammar and top-p applied. float32 [B, vocabulary]."""
        if self.mask is None:
            logits = self._logits.float().clone()
            logits[:, :RESERVED] = -torch.inf
        else:
            forbidden = torch.from_numpy(~self.mask.allowed()).to(self.device)
            forbidden[:, :RESERVED] = True
            logits = self._logits.float().masked_fill(forbidden, -torch.inf)
        if self.temperature == 0:
            return F.one_hot(logits.argmax(1), logits.shape[1]).float()
        if self.temperature != 1:
            logits /= self.temperature
        probabilities = logits.softmax(1)
        return probabilities if self.top_p >= 1 else nucleus(probabilities, self.top_p)

    def _rings(self, like: Tensor) -> Tensor:
        """Exponential variates in the shape of `like`, [B, vocabulary]."""
        if not isinstance(self.generator, Sequence):
            return torch.empty_like(like).exponential_(generator=self.generator)
        rings = torch.empty_like(like)
        for row, generator in zip(rings, self.generator, strict=True):
            row.exponential_(generator=generator)
        return rings

    def attention(self, row: int = 0) -> Tensor:
        """How a row's newest position looked back: float32 [layers, n], mean over heads, entry k for k tokens ago."""
        return torch.stack([layer.weights[:, row, -1].mean(0).flip(0) for layer in self._layers])

    def _restart(self, first: int) -> None:
        """Make the cache anew from token number `first` on, at position 0."""
        with torch.inference_mode():
            kept = self.tokens[:, first:]
            self._read_memory(first)
            self._filled = 0
            start = torch.zeros(self.batch, 1, self.net.config.d, device=self.device)
            elapsed = F.pad(durations(kept).cumsum(1), (1, 0))
            self._run(torch.cat([start, self.net.embedding(kept)], 1), elapsed)

    def _advance(self, tokens: Tensor) -> None:
        self._run(self.net.embedding(tokens), self._elapsed + durations(tokens).cumsum(1))

    def _run(self, x: Tensor, elapsed: Tensor) -> None:
        """Decoder inputs [B, n, d] at the next n positions; the logits after the last one are kept.

        elapsed: int64 [B, n], hundredths of a second from where the cache begins to the moment of each position.
        """
        n = x.shape[1]
        x = x + self._position[self._filled : self._filled + n]
        self._elapsed = elapsed[:, -1:]
        place = grid_steps(elapsed) if self.net.config.is_timed else None
        for layer in self._layers:
            x = layer(x, self._filled, place)
        self._filled += n
        self._logits = self.net.softmax(self.net.norm(x[:, -1]))

    def _read_memory(self, first: int) -> None:
        """What all layers attend to while the cache begins at token `first`."""
        net = self.net
        melody = None
        if net.config.reads_melody:
            if self._melody is None:
                raise UserError("this network needs a melody", "choose one, or another network")
            melody = net.melody_memory(self._melody_window(first))
        memory, _ = net.memory(self._z, melody)
        for layer in self._layers:
            layer.attend_to(memory)

    def _melody_window(self, first: int) -> Tensor:
        """Melody tokens [B, melody_length] from the clock at token `first`; "no event" beyond the melody's end."""
        assert self._melody is not None
        begin = (clock(self.tokens[:, :first]).float() / STEPS_PER_MELODY_TOKEN).round().long()
        length = self.net.config.melody_length
        padded = F.pad(self._melody, (0, length), value=RESERVED)
        at = begin.clamp_max(self._melody.shape[1])[:, None] + torch.arange(length, device=self.device)
        return padded.gather(1, at)


class _CachedLayer:
    """One decoder layer with the keys and values of what it has seen.

    A step of a small network costs as much in calls as in products, so weights that meet the same vector are joined
    and functions are called instead of modules. The weights are those at the time of construction.
    """

    def __init__(self, layer: DecoderLayer, batch: int, capacity: int) -> None:
        self.layer = layer
        p = layer.attention.projections
        like = p.q.weight
        self._heads = p.heads
        self._widths = p.q.out_features, p.k.out_features, p.v.out_features
        self._qkv = torch.cat([p.q.weight * p.scale, p.k.weight, p.v.weight]).detach()
        self._keys, self._values = (
            torch.zeros(p.heads, batch, capacity, width // p.heads, device=like.device, dtype=like.dtype)
            for width in self._widths[1:]
        )
        self._near_last = layer.attention.table.detach().flip(1).mT.contiguous()  # [H, c, R], distance 0 last
        self.weights = torch.zeros(p.heads, batch, 1, 0)
        self._constant: Tensor | None = None
        self._memory: tuple[Tensor, Tensor] | None = None

    def attend_to(self, memory: Tensor | None) -> None:
        """Keys and values of a memory [B, T, width], or the constant that a memory of one slot amounts to."""
        self._constant = self._memory = None
        cross = self.layer.cross
        if cross is None or memory is None:
            return
        if memory.shape[1] == 1:
            self._constant = cross.constant(memory)
        else:
            k, v = cross.keys_values(memory)
            self._memory = (k.mT * cross.projections.scale).contiguous(), v.contiguous()

    def __call__(self, x: Tensor, filled: int, place: Tensor | None) -> Tensor:
        layer = self.layer
        x = x + self._attend(_normed(layer.norm_self, x), filled)
        if self._constant is not None:
            x = x + self._constant
        elif self._memory is not None and layer.cross is not None:
            p = layer.cross.projections
            k, v = self._memory
            q = self._split(F.linear(_normed(layer.norm_cross, x), p.q.weight))
            scores = q @ k
            if place is not None:
                scores = scores + layer.cross.time_scores(q * p.scale, place, k.shape[3])
            x = x + self._joined(scores.softmax(-1) @ v, p.o.weight)
        ffn = layer.ffn
        hidden = F.linear(_normed(layer.norm_ffn, x), ffn.into.weight, ffn.into.bias).relu_()
        return x + F.linear(hidden, ffn.out.weight, ffn.out.bias)

    def _attend(self, x: Tensor, filled: int) -> Tensor:
        n = x.shape[1]
        end = filled + n
        q, k, v = (self._split(part) for part in F.linear(x, self._qkv).split(self._widths, -1))
        self._keys[:, :, filled:end] = k
        self._values[:, :, filled:end] = v
        scores = q @ self._keys[:, :, :end].mT  # [H, B, n, end]
        if n == 1:
            near = min(end, self._near_last.shape[2])
            scores[:, :, 0, end - near :] += q[:, :, 0] @ self._near_last[:, :, -near:]
        else:
            scores += causal_scores(q, self.layer.attention.table, end)
            ahead = torch.ones(n, end, dtype=torch.bool, device=x.device).triu_(filled + 1)
            scores.masked_fill_(ahead, -torch.inf)
        self.weights = scores.softmax(-1)
        return self._joined(self.weights @ self._values[:, :, :end], self.layer.attention.projections.o.weight)

    def _split(self, x: Tensor) -> Tensor:
        batch, n, width = x.shape
        return x.reshape(batch, n, self._heads, width // self._heads).permute(2, 0, 1, 3)

    def _joined(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x.permute(1, 2, 0, 3).flatten(2), weight)


def _normed(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def nucleus(probabilities: Tensor, top_p: float) -> Tensor:
    """The likeliest tokens whose share reaches `top_p`, scaled to 1; always at least one. [B, V] → [B, V].

    Source: Holtzman et al. 2020, section 3.1.
    """
    ordered, order = probabilities.sort(1, descending=True)
    kept = ordered.cumsum(1) - ordered < top_p
    shares = torch.zeros_like(probabilities).scatter(1, order, ordered * kept)
    return shares / shares.sum(1, keepdim=True)


def clock(tokens: Tensor) -> Tensor:
    """Hundredths of a second that tokens [B, n] last: int64 [B]."""
    return durations(tokens).sum(1)


def style_of(
    net: StyleAutoencoder, tokens: Tensor, *, most_windows: int = 16, check: Callable[[], None] = nothing
) -> Tensor:
    """z [1, d] of a performance int64 [n] of any length: the mean over the positions of windows of the trained length.

    Of a longer one, `most_windows` windows spread over it are read. check: raises to stop. Raises UserError for an
    empty one.
    """
    if tokens.ndim != 1 or not len(tokens):
        raise UserError("the style source has no notes", "choose another performance")
    device = net.softmax.weight.device
    windows = tokens.to(device).split(net.config.length)
    if len(windows) > most_windows:
        spread = torch.linspace(0, len(windows) - 2, most_windows).round().long().tolist()  # The last one may be short.
        windows = tuple(windows[k] for k in spread)
    total, count = torch.zeros(1, net.config.d, device=device), 0
    with torch.inference_mode():
        for window in windows:
            check()
            total += net.style(window[None]) * len(window)
            count += len(window)
        return total / count


def _rows(tokens: Tensor, batch: int) -> Tensor:
    return (tokens[None] if tokens.ndim == 1 else tokens).expand(batch, -1)
