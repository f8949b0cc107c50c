"""Drawing tokens one by one with cached keys and values: the same logits as the full pass, in linear time.

The reference code has no cache (a relative attention there re-runs the decoder for each token). Here each layer keeps
the keys and values of the positions that went by (`nets.cached`; paper file 08b, section 5).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engines.core.errors import UserError
from engines.piano.nets.cached import CachedLayer, Norm
from engines.piano.nets.transformer import (
    STEPS_PER_MELODY_TOKEN,
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
        self._layers = [CachedLayer(layer, batch, net.config.length) for layer in net.decoder_layers]
        self._position = sinusoids(net.config.length, net.softmax.weight)
        every = torch.arange(net.config.vocabulary, device=self.device)
        with torch.no_grad():
            self._embedding = net.embedding(every)
        self._lasts = durations(every)[:, None]
        self._norm, self._softmax = Norm(net.norm), net.softmax.weight.detach()
        self._timed = net.decoder_layers[0].cross if net.config.is_timed else None
        """Any timed layer: which columns of its table the slots have is the same in all."""
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
        probabilities = self._distribution()
        if self.temperature == 0:
            tokens = probabilities.argmax(1)
        else:
            # The first of exponential clocks of those rates to ring: multinomial's answer, without its checks.
            tokens = (probabilities / self._rings(probabilities)).argmax(1)
        self.nll = -self._logits.log_softmax(1).gather(1, tokens[:, None])[:, 0]
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
        return self._distribution()

    def _distribution(self) -> Tensor:
        if self.mask is None:
            logits = self._logits.float().clone()
            logits[:, :RESERVED] = -torch.inf
        else:
            forbidden = ~self.mask.allowed()
            forbidden[:, :RESERVED] = True
            logits = self._logits.float().masked_fill(torch.from_numpy(forbidden).to(self.device), -torch.inf)
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
            elapsed = F.pad(F.embedding(kept, self._lasts)[..., 0].cumsum(1), (1, 0))
            self._run(F.pad(F.embedding(kept, self._embedding), (0, 0, 1, 0)), elapsed)

    def _advance(self, tokens: Tensor) -> None:
        lasts = F.embedding(tokens, self._lasts)[..., 0]
        self._run(F.embedding(tokens, self._embedding), self._elapsed + lasts.cumsum(1))

    def _run(self, x: Tensor, elapsed: Tensor) -> None:
        """Decoder inputs [B, n, d] at the next n positions; the logits after the last one are kept.

        elapsed: int64 [B, n], hundredths of a second from where the cache begins to the moment of each position.
        """
        n = x.shape[1]
        x = (x + self._position[self._filled : self._filled + n]).flatten(0, 1)
        self._elapsed = elapsed[:, -1:]
        columns = self._timed.time_columns(grid_steps(elapsed), self._slots) if self._timed is not None else None
        for layer in self._layers:
            x = layer(x, self._filled, columns)
        self._filled += n
        self._logits = F.linear(self._norm(x[n - 1 :: n]), self._softmax)

    def _read_memory(self, first: int) -> None:
        """What all layers attend to while the cache begins at token `first`."""
        net = self.net
        melody = None
        if net.config.reads_melody:
            if self._melody is None:
                raise UserError("this network needs a melody", "choose one, or another network")
            melody = net.melody_memory(self._melody_window(first))
        memory, _ = net.memory(self._z, melody)
        self._slots = 0 if memory is None else memory.shape[1]
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
