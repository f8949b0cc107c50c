"""Three-head and two-head residual networks for Hex, for one board size or for many.

Sign of q, everywhere in this package: ``q(s, a)`` is the value of the position after `a` for the player *then* to
move, so ``q(s, a) ~ v(s')``, optimal play gives ``v(s) = -min_a q(s, a)``, and a move is worth ``-q`` to its mover.

Source: Gao, Mueller, Hayward, Yao, Jui, "Three-Head Neural Network Architecture for AlphaZero Learning" (2019);
trunk and painted border as in its code. Deviations: pooled value head and a pooled term in q make one network play
every size; the canonical view (NeuroHex, HexHex) halves what there is to learn.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engines.core.errors import UserError


@dataclass(frozen=True)
class NetConfig:
    """Architecture. size: board size of ``fc`` heads, 0 for pooled ones.

    head_kind: "pooled" (any size) or "fc" (the paper's). canonical: see `encode`.
    """

    blocks: int = 6
    channels: int = 32
    heads: str = "three"
    head_kind: str = "pooled"
    canonical: bool = True
    size: int = 0

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True)
class Output:
    """Raw outputs on B boards of n² = N cells. logits: [B, N], unmasked. value: [B] in [-1, 1].

    q: [B, N] in [-1, 1] or None for two heads.
    """

    logits: Tensor
    value: Tensor
    q: Tensor | None


def encode(cells: Tensor, to_move: Tensor, *, canonical: bool, n_max: int = 0) -> tuple[Tensor, Tensor]:
    """Planes of B boards of one size. cells: int8 [B, n, n] (0, 1 Black, 2 White); to_move: int8 [B].

    Returns float32 planes [B, C, m+2, m+2] with the painted one-cell border, and the float32 mask [B, 1, m, m] of
    the board within m = max(n, n_max). C = 4: black, white, empty, White-to-move. With `canonical`, C = 3: own,
    other, empty, seen so that the mover joins top and bottom; White's boards are transposed with colours exchanged,
    the one symmetry that keeps the rules (transposing alone does not).
    """
    batch, n = cells.shape[0], cells.shape[-1]
    m = max(n, n_max)
    first, second = cells == 1, cells == 2
    if canonical:
        flip = (to_move == 2).view(-1, 1, 1)
        first, second = (
            torch.where(flip, second.transpose(1, 2), first),
            torch.where(flip, first.transpose(1, 2), second),
        )
    planes = torch.zeros(batch, 3 if canonical else 4, m + 2, m + 2, device=cells.device)
    planes[:, 0, 1 : n + 1, 1 : n + 1] = first
    planes[:, 1, 1 : n + 1, 1 : n + 1] = second
    planes[:, 2, 1 : n + 1, 1 : n + 1] = ~(first | second)
    planes[:, 0, 0, : n + 2] = 1  # top and bottom with the corners
    planes[:, 0, n + 1, : n + 2] = 1
    planes[:, 1, 1 : n + 1, 0] = 1
    planes[:, 1, 1 : n + 1, n + 1] = 1
    if not canonical:
        planes[:, 3, : n + 2, : n + 2] = (to_move == 2).view(-1, 1, 1).float()
    mask = torch.zeros(batch, 1, m, m, device=cells.device)
    mask[:, :, :n, :n] = 1
    return planes, mask


def decode(maps: Tensor, to_move: Tensor, n: int, *, canonical: bool) -> Tensor:
    """Undo the view of `encode` on maps [B, m, m]: returns [B, n*n], row-major in absolute cells."""
    maps = maps[:, :n, :n]
    if canonical:
        maps = torch.where((to_move == 2).view(-1, 1, 1), maps.transpose(1, 2), maps)
    return maps.reshape(maps.shape[0], n * n)


class Block(nn.Module):
    """Pre-activation residual block: BN-ReLU-conv3x3-BN-ReLU-conv3x3 plus skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels, eps=1e-3, momentum=0.05)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = F.relu(self.bn1(x))
        y = self.conv1(y if mask is None else y * mask)
        y = F.relu(self.bn2(y))
        return x + self.conv2(y if mask is None else y * mask)


class HexNet(nn.Module):
    """Trunk and heads. Call it with what `encode` returns, or use `evaluate` on boards.

    The mask may be None when every board fills its planes, which saves the multiplications.
    """

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        if config.head_kind == "fc" and config.size < 2:
            raise UserError("expected a board size for fc heads", "give one size, or choose pooled heads")
        self.config = config
        c = config.channels
        self.stem = nn.Conv2d(3 if config.canonical else 4, c, 3, bias=False)  # VALID: the border is consumed
        self.blocks = nn.ModuleList(Block(c) for _ in range(config.blocks))
        self.last_bn = nn.BatchNorm2d(c, eps=1e-3, momentum=0.05)
        self.policy = nn.Conv2d(c, 1, 1)
        self.shared = nn.Conv2d(c, 1, 1)  # h: the map that q and v share
        self.has_q = config.heads == "three"
        if config.head_kind == "fc":
            cells = config.size**2
            self.value_fc = nn.Linear(cells, 1)
            if self.has_q:
                self.q_fc = nn.Linear(cells, cells)
        else:
            self.pool_fc = nn.Linear(3 * c + 3, 64)
            self.value_fc = nn.Linear(64, 1)
            if self.has_q:
                self.q_shift = nn.Linear(64, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.kernel_size[0] ** 2 * module.in_channels
                nn.init.normal_(module.weight, std=(1 / fan) ** 0.5 if fan > module.in_channels else (2 / fan) ** 0.5)

    def forward(self, planes: Tensor, mask: Tensor | None = None) -> Output:
        """planes: [B, C, m+2, m+2]. Returns maps in the encoded view, N = m²."""
        x = self.stem(planes)
        if mask is not None:
            x = x * mask
        for block in self.blocks:
            x = block(x, mask)
        x = F.relu(self.last_bn(x))
        logits = self.policy(x).flatten(1).float()  # [B, N]
        h = self.shared(x).flatten(1).float()  # [B, N]
        if self.config.head_kind == "fc":
            if h.shape[1] != self.config.size**2:
                raise UserError(
                    f"expected a {self.config.size}×{self.config.size} board: this network's heads are tied to it",
                    "use a network with pooled heads for other sizes",
                )
            value = torch.tanh(self.value_fc(h)).squeeze(1)
            return Output(logits, value, torch.tanh(self.q_fc(h)) if self.has_q else None)
        hidden = F.relu(self.pool_fc(_pool(x.float(), h, mask)))  # [B, 64]
        value = torch.tanh(self.value_fc(hidden)).squeeze(1)
        return Output(logits, value, torch.tanh(h + self.q_shift(hidden)) if self.has_q else None)

    def evaluate(self, cells: Tensor, to_move: Tensor) -> Output:
        """Outputs in absolute cells for int8 boards [B, n, n] with `to_move` int8 [B]."""
        n, canonical = cells.shape[-1], self.config.canonical
        planes, _ = encode(cells, to_move, canonical=canonical)
        weight = self.stem.weight
        if planes.device.type != "mps":
            planes = planes.contiguous(memory_format=torch.channels_last)
        out = self(planes.to(weight.dtype))
        logits = decode(out.logits.view(-1, n, n), to_move, n, canonical=canonical)
        q = None if out.q is None else decode(out.q.view(-1, n, n), to_move, n, canonical=canonical)
        return Output(logits, out.value, q)


def _pool(x: Tensor, h: Tensor, mask: Tensor | None) -> Tensor:
    """Masked mean, maximum and size-scaled mean of x [B, C, m, m] and of h [B, m²]: [B, 3C + 3]."""
    x = torch.cat([x.flatten(2), h.unsqueeze(1)], dim=1)  # [B, C+1, N]
    if mask is None:
        cells = torch.full((x.shape[0], 1), float(x.shape[2]), device=x.device)
        mean, top = x.mean(2), x.amax(2)
    else:
        flat = mask.flatten(2)
        cells = flat.sum(2)
        mean = (x * flat).sum(2) / cells
        top = x.masked_fill(flat == 0, -torch.inf).amax(2)
    return torch.cat([mean, top, mean * (cells.sqrt() - 10) / 10], dim=1)


def masked_policy(logits: Tensor, cells: Tensor) -> Tensor:
    """Softmax over empty cells only. logits: [B, N]; cells: int8 [B, n, n]. Returns float32 [B, N]."""
    return torch.softmax(logits.masked_fill(cells.flatten(1) != 0, -torch.inf), dim=1)
