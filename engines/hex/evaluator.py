"""From boards as numpy arrays to priors, values and q: the one door between searches and networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from engines.core.device import shrinking
from engines.core.errors import UserError
from engines.hex.nets import HexNet, NetConfig, masked_policy


@dataclass(frozen=True)
class Evaluation:
    """B positions of n² = N cells, float32.

    prior: [B, N], sums to 1 over empty cells, 0 on stones. value: [B], for the player to move.
    q: [B, N] or None; value of the position after the move for the player then to move; +1 on stones.
    """

    prior: np.ndarray
    value: np.ndarray
    q: np.ndarray | None


class Evaluates(Protocol):
    """Anything that a search can ask."""

    def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> Evaluation:
        """cells: int8 [B, n, n]; to_move: int8 [B]."""
        ...


class Evaluator:
    """A network in evaluation mode on its device.

    has_q: whether there is a q-head. sizes: board sizes that it was trained on (it plays others too, unless its
    heads are tied to one). calls, positions: network calls and positions so far.
    """

    def __init__(
        self,
        net: HexNet,
        *,
        device: torch.device | str = "cpu",
        name: str = "network",
        sizes: tuple[int, ...] = (),
        average_rotation: bool = False,
        half: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.net = net.to(self.device).eval()
        if self.device.type != "mps":
            self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.half = half
        self.name = name
        self.sizes = sizes
        self.has_q = net.has_q
        self.average_rotation = average_rotation
        self.calls = 0
        self.positions = 0

    def evaluate(self, cells: np.ndarray, to_move: np.ndarray) -> Evaluation:
        """cells: int8 [B, n, n]; to_move: int8 [B]. With `average_rotation` also the mean over the half turn."""
        boards = torch.as_tensor(np.ascontiguousarray(cells), device=self.device)
        movers = torch.as_tensor(np.ascontiguousarray(to_move), device=self.device)
        prior, value, q = self.evaluate_tensors(boards, movers)
        return Evaluation(prior.cpu().numpy(), value.cpu().numpy(), None if q is None else q.cpu().numpy())

    @torch.inference_mode()
    def evaluate_tensors(
        self, cells: torch.Tensor, to_move: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """The same on the device: int8 [B, n, n] and [B] to (prior [B, N], value [B], q [B, N] or None).

        Where the memory does not suffice the batch goes in smaller parts; UserError when one position is too much.
        """
        self.calls += 1
        self.positions += len(cells)
        return shrinking(lambda part: self._in_parts(cells, to_move, part), len(cells))

    def _in_parts(
        self, cells: torch.Tensor, to_move: torch.Tensor, part: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        if part >= len(cells):
            return self._averaged(cells, to_move)
        pieces = [self._averaged(cells[i : i + part], to_move[i : i + part]) for i in range(0, len(cells), part)]
        priors, values, qs = zip(*pieces, strict=True)
        return torch.cat(priors), torch.cat(values), None if qs[0] is None else torch.cat(qs)

    def _averaged(
        self, cells: torch.Tensor, to_move: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        prior, value, q = self._once(cells, to_move)
        if self.average_rotation:
            turned = self._once(cells.flip(1, 2), to_move)  # cell i of the turned board is N-1-i
            prior = (prior + turned[0].flip(1)) / 2
            value = (value + turned[1]) / 2
            if q is not None and turned[2] is not None:
                q = (q + turned[2].flip(1)) / 2
        return prior, value, q

    def _once(
        self, cells: torch.Tensor, to_move: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            out = self.net.evaluate(cells, to_move)
        prior = masked_policy(out.logits.float(), cells)
        q = None
        if out.q is not None:
            q = out.q.float().masked_fill(cells.flatten(1) != 0, 1.0)
        return prior, out.value.float(), q


def build(config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> HexNet:
    """The network of a model card's architecture with its tensors. Raises UserError where they do not fit."""
    known = NetConfig.__dataclass_fields__
    try:
        net = HexNet(NetConfig(**{k: v for k, v in config.items() if k in known}))
        net.load_state_dict(tensors)
    except (TypeError, ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(
            f"these weights are not of a Hex network: {first}", "choose weights made by hex.train"
        ) from None
    return net


def load_evaluator(
    weights: str, device: str = "auto", average_rotation: bool = False, *, half: bool | None = None
) -> Evaluator:
    """An evaluator of shipped weights by name, or of a .safetensors file.

    half: layers in bfloat16; where the device gains by it when None.
    Raises UserError where there is no such file or it holds something else.
    """
    from engines.core.device import choose, has_fast_bfloat16
    from engines.core.weights import load_weights

    tensors, card = load_weights(weights)
    net = build(dict(card.architecture), tensors)
    chosen = choose(device)
    return Evaluator(
        net,
        device=chosen,
        name=card.name,
        sizes=_sizes(card.architecture.get("sizes")),
        average_rotation=average_rotation,
        half=has_fast_bfloat16(chosen) if half is None else half,
    )


def _sizes(said: object) -> tuple[int, ...]:
    """Board sizes as a model card says them; what is no list of numbers says nothing."""
    return tuple(n for n in said if isinstance(n, int)) if isinstance(said, list | tuple) else ()
