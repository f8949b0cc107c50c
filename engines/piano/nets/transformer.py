"""The style autoencoder: performance encoder, mean over time, melody encoder, decoder; and its baselines.

Source: Choi et al. 2020, "Encoding Musical Style with Transformer Autoencoders", sections 3 and 4; details of the
reference code (magenta's score2perf on tensor2tensor) as paper file 08, section 2.5, has them.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Literal, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.core.errors import UserError
from engines.piano.nets.relative import CrossAttention, RelativeAttention
from engines.piano.vocabulary import MELODY_STEPS_PER_SECOND, PAD, SHIFT, STEPS_PER_SECOND, VELOCITY

Mode = Literal["unconditional", "performance", "melody", "melody+performance", "unpooled"]
Merge = Literal["sum", "concat", "tile"]
Manner = Literal["two-sided", "spill", "none"]
_KINDS: Final[dict[str, tuple[type, ...]]] = {"int": (int,), "float": (int, float), "bool": (bool,)}
"""What a card may give for a field of that type; all others are words."""
STEPS_PER_MELODY_TOKEN: Final = STEPS_PER_SECOND // MELODY_STEPS_PER_SECOND
_EPS: Final = 1e-6
_LONGEST: Final = 10_000.0
"""Wavelength of the slowest sinusoid, in units of 2π positions."""


@dataclass(frozen=True)
class StyleConfig:
    """What builds a network; everything in it travels in a model card.

    d: width. heads. key_channels: of all heads together. ffn: hidden units. layers_enc, layers_dec: of each encoder and
    of the decoder. R: learned relative distances; R_enc: those of the encoders, 0 for R as well. dropout: of residuals,
    attention and ReLU. mode: what conditions the decoder; "unpooled" hands over every position of the performance
    instead of their mean. merge: how style and melody meet. encoder_relative: "two-sided", "spill" (as the reference
    code has it) or "none". clock: whether attention to the melody knows how far each of its steps is from the present
    one (not in the paper; see `CrossAttention`). length: tokens of a training crop, which the absolute positions know;
    melody_length: of a melody window.
    """

    d: int = 384
    heads: int = 8
    key_channels: int = 512
    ffn: int = 1024
    layers_enc: int = 6
    layers_dec: int = 6
    R: int = 1024
    dropout: float = 0.1
    mode: Mode = "performance"
    merge: Merge = "sum"
    encoder_relative: Manner = "two-sided"
    R_enc: int = 0
    clock: bool = False
    length: int = 2048
    melody_length: int = 1024
    vocabulary: int = 310
    melody_vocabulary: int = 92

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode) or self.merge not in get_args(Merge):
            raise UserError(f"expected a mode out of {', '.join(get_args(Mode))}, got {self.mode!r} ({self.merge!r})")
        if self.encoder_relative not in get_args(Manner):
            raise UserError(f"expected encoder_relative out of {', '.join(get_args(Manner))}")
        small = [f.name for f in fields(self) if f.type == "int" and getattr(self, f.name) < (f.name != "R_enc")]
        if small:
            raise UserError(f"expected at least 1 for {', '.join(small)}")
        if self.d % self.heads or self.key_channels % self.heads or self.d % 2:
            raise UserError(f"d {self.d} and key_channels {self.key_channels} do not share out on {self.heads} heads")
        if not 0 <= self.dropout < 1:
            raise UserError(f"expected a dropout in [0, 1), got {self.dropout}")

    @property
    def reads_performance(self) -> bool:
        """Whether a performance conditions the decoder."""
        return self.mode in ("performance", "melody+performance", "unpooled")

    @property
    def reads_melody(self) -> bool:
        """Whether a melody conditions the decoder."""
        return self.mode in ("melody", "melody+performance")

    @property
    def is_timed(self) -> bool:
        """Whether attention to the melody knows the time."""
        return self.clock and self.reads_melody

    def to_json(self) -> dict[str, Any]:
        """For a model card."""
        return {"kind": "style-autoencoder", **asdict(self)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> StyleConfig:
        """From a model card's architecture. Raises UserError where it describes another network."""
        known = {f.name: str(f.type) for f in fields(cls)}
        if values.get("kind") != "style-autoencoder" or not set(values) <= {*known, "kind"}:
            raise UserError("these weights are not of a style autoencoder", "choose weights of the piano panel")
        given = {name: value for name, value in values.items() if name != "kind"}
        for name, value in given.items():
            kinds = _KINDS.get(known[name], (str,))
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                raise UserError(f"the card of these weights is damaged: {name} is {value!r}", "train them again")
        return cls(**given)


class Embedding(nn.Module):
    """Tokens as vectors ~ N(0, 1/d) times sqrt(d); PAD as zeros."""

    def __init__(self, vocabulary: int, d: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(vocabulary, d) / math.sqrt(d))
        self.gain = math.sqrt(d)

    def forward(self, tokens: Tensor) -> Tensor:
        """int64 [B, L] → [B, L, d]."""
        return F.embedding(tokens, self.table) * (self.gain * (tokens != PAD))[..., None]


class FeedForward(nn.Module):
    """d → f, ReLU, → d, with biases."""

    def __init__(self, d: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(d, hidden), nn.Linear(hidden, d)
        for layer in (self.into, self.out):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.dropout(F.relu(self.into(x)), self.dropout, self.training))


class EncoderLayer(nn.Module):
    """Pre-norm: x + Dropout(Sublayer(LN(x))), self-attention then feed-forward."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        c = config
        self.norm_self, self.norm_ffn = nn.LayerNorm(c.d, eps=_EPS), nn.LayerNorm(c.d, eps=_EPS)
        self.attention = RelativeAttention(c.d, c.heads, c.key_channels, c.R_enc or c.R, c.dropout, c.encoder_relative)
        self.ffn = FeedForward(c.d, c.ffn, c.dropout)
        self.dropout = c.dropout

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = x + F.dropout(self.attention(self.norm_self(x), mask), self.dropout, self.training)
        return x + F.dropout(self.ffn(self.norm_ffn(x)), self.dropout, self.training)


class Encoder(nn.Module):
    """Tokens → one vector for each: embedding, sinusoids, a learned constant, layers, a final norm."""

    def __init__(self, vocabulary: int, config: StyleConfig) -> None:
        super().__init__()
        self.embedding = Embedding(vocabulary, config.d)
        self.constant = nn.Parameter(torch.randn(config.d) / math.sqrt(config.d))
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers_enc))
        self.norm = nn.LayerNorm(config.d, eps=_EPS)
        self.dropout = config.dropout

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """int64 [B, L] → [B, L, d]. mask: bool [B, L], True where a token counts."""
        x = self.embedding(tokens) + self.constant + sinusoids(tokens.shape[1], self.constant)
        x = F.dropout(x, self.dropout, self.training)
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x)


class DecoderLayer(nn.Module):
    """Pre-norm: causal relative self-attention, attention to the memory (where there is one), feed-forward."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        c = config
        self.norm_self, self.norm_ffn = nn.LayerNorm(c.d, eps=_EPS), nn.LayerNorm(c.d, eps=_EPS)
        self.attention = RelativeAttention(c.d, c.heads, c.key_channels, c.R, c.dropout, "causal")
        self.ffn = FeedForward(c.d, c.ffn, c.dropout)
        self.dropout = c.dropout
        self.cross: CrossAttention | None = None
        if c.mode != "unconditional":
            width = 2 * c.d if c.mode == "melody+performance" and c.merge == "tile" else c.d
            self.norm_cross = nn.LayerNorm(c.d, eps=_EPS)
            untimed = 2 if c.mode == "melody+performance" and c.merge == "concat" else 0
            self.cross = CrossAttention(
                c.d, c.heads, c.key_channels, width, c.dropout, is_timed=c.is_timed, untimed=untimed
            )

    def forward(self, x: Tensor, memory: Tensor | None, mask: Tensor | None, place: Tensor | None) -> Tensor:
        """x: [B, L, d]. memory, mask: what is attended to. place: int64 [B, L], where timed attention is."""
        x = x + F.dropout(self.attention(self.norm_self(x)), self.dropout, self.training)
        if self.cross is not None and memory is not None:
            x = x + F.dropout(self.cross(self.norm_cross(x), memory, mask, place), self.dropout, self.training)
        return x + F.dropout(self.ffn(self.norm_ffn(x)), self.dropout, self.training)


class StyleAutoencoder(nn.Module):
    """All parts of one mode. The performance input, the melody input and the target have tables of their own, and the
    softmax another: nothing is tied."""

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.config = c = config
        self.performance_encoder = Encoder(c.vocabulary, c) if c.reads_performance else None
        self.melody_encoder = Encoder(c.melody_vocabulary, c) if c.reads_melody else None
        self.embedding = Embedding(c.vocabulary, c.d)
        self.layers = nn.ModuleList(DecoderLayer(c) for _ in range(c.layers_dec))
        self.norm = nn.LayerNorm(c.d, eps=_EPS)
        self.softmax = nn.Linear(c.d, c.vocabulary, bias=False)
        nn.init.normal_(self.softmax.weight, std=1 / math.sqrt(c.d))

    @property
    def decoder_layers(self) -> list[DecoderLayer]:
        """The decoder's layers, in order."""
        return cast(list[DecoderLayer], list(self.layers))

    def encode(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """H [B, L, d] of a performance int64 [B, L]. mask: bool [B, L], True where a token counts."""
        if self.performance_encoder is None:
            raise UserError(f"a network of mode {self.config.mode} reads no performance")
        return self.performance_encoder(tokens, mask)

    def style(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """z [B, d]: the mean of H over time, over the positions of `mask` only where it is given."""
        hidden = self.encode(tokens, mask)
        if mask is None:
            return hidden.mean(1)
        weight = mask.to(hidden.dtype)[..., None]
        return (hidden * weight).sum(1) / weight.sum(1).clamp_min(1)

    def melody_memory(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        """M [B, T, d] of a melody int64 [B, T]."""
        if self.melody_encoder is None:
            raise UserError(f"a network of mode {self.config.mode} reads no melody")
        return self.melody_encoder(tokens, mask)

    def memory(
        self, z: Tensor | None = None, melody: Tensor | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor | None, Tensor | None]:
        """What the decoder attends to, [B, T', width], and its mask (None: all of it).

        z: [B, d] (for "unpooled": H [B, L, d]). melody: M [B, T, d]. mask: bool, of the melody's (or H's) positions.
        """
        c = self.config
        if c.mode == "unconditional":
            return None, None
        if c.mode == "melody":
            return _given(melody, "a melody"), mask
        z = _given(z, "a style")
        if c.mode == "unpooled":
            return z, mask
        if c.mode == "performance":
            return z[:, None], None
        m = _given(melody, "a melody")
        if c.merge == "sum":
            return m + z[:, None], mask
        if c.merge == "tile":
            return torch.cat([m, z[:, None].expand_as(m)], 2), mask
        stop = torch.zeros_like(z)
        if mask is not None:
            mask = F.pad(mask, (0, 2), value=True)
        return torch.cat([m, torch.stack([stop, z], 1)], 1), mask

    def logits(
        self, target: Tensor, z: Tensor | None = None, melody: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """[B, L, vocabulary]: row i is about target[i], given all before it. target: int64 [B, L]; rest: `memory`."""
        memory, mask = self.memory(z, melody, mask)
        return self.decode(target, memory, mask)

    def decode(self, target: Tensor, memory: Tensor | None, mask: Tensor | None = None) -> Tensor:
        """As `logits`, from a memory that was made before."""
        x = F.pad(self.embedding(target)[:, :-1], (0, 0, 1, 0))
        x = x + sinusoids(target.shape[1], x)
        x = F.dropout(x, self.config.dropout, self.training)
        place = grid_steps(F.pad(durations(target)[:, :-1].cumsum(1), (1, 0))) if self.config.is_timed else None
        for layer in self.layers:
            x = layer(x, memory, mask, place)
        return self.softmax(self.norm(x))

    def forward(
        self,
        target: Tensor,
        performance: Tensor | None = None,
        melody: Tensor | None = None,
        performance_mask: Tensor | None = None,
        melody_mask: Tensor | None = None,
    ) -> Tensor:
        """Logits from tokens: what the mode does not read is ignored."""
        c = self.config
        z = m = mask = None
        if c.mode == "unpooled":
            z, mask = self.encode(_given(performance, "a performance"), performance_mask), performance_mask
        elif c.reads_performance:
            z = self.style(_given(performance, "a performance"), performance_mask)
        if c.reads_melody:
            m, mask = self.melody_memory(_given(melody, "a melody"), melody_mask), melody_mask
        return self.logits(target, z, m, mask)

    def loudness_of_style(self, z: Tensor) -> Tensor:
        """|W_o W_v z| in each layer, [B, layers]: how loudly the style speaks. For modes whose memory is one slot or
        a sum."""
        crosses = [layer.cross for layer in self.decoder_layers if layer.cross is not None]
        with torch.no_grad():
            return torch.cat([cross.constant(z[:, None]).norm(dim=-1) for cross in crosses], 1)


def build(architecture: dict[str, Any] | StyleConfig, seed: int = 0) -> StyleAutoencoder:
    """An untrained network whose weights are drawn from `seed`, whatever was drawn before."""
    config = architecture if isinstance(architecture, StyleConfig) else StyleConfig.from_json(architecture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return StyleAutoencoder(config)


def sinusoids(length: int, like: Tensor, start: int = 0) -> Tensor:
    """The absolute timing signal [length, d] from position `start` on: sines, then cosines (tensor2tensor's order)."""
    half = like.shape[-1] // 2
    rate = math.log(_LONGEST) / max(half - 1, 1)
    wave = torch.exp(torch.arange(half, device=like.device, dtype=torch.float32) * -rate)
    angle = torch.arange(start, start + length, device=like.device, dtype=torch.float32)[:, None] * wave
    return torch.cat([angle.sin(), angle.cos()], 1).to(like.dtype)


def durations(tokens: Tensor) -> Tensor:
    """int64, hundredths of a second that each performance token lasts: 0 for all but shifts."""
    return (tokens - (SHIFT - 1)) * ((tokens >= SHIFT) & (tokens < VELOCITY))


def grid_steps(elapsed: Tensor) -> Tensor:
    """int64: the step of the melody's grid nearest to moments in hundredths of a second."""
    return (elapsed + STEPS_PER_MELODY_TOKEN // 2) // STEPS_PER_MELODY_TOKEN


def nll(logits: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy in nats per token, PAD ignored."""
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)


def _given(value: Tensor | None, what: str) -> Tensor:
    if value is None:
        raise UserError(f"this network needs {what}")
    return value
