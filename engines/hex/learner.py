"""One network being trained: optimiser, steps, and its state for a checkpoint."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from engines.hex.method import distance, three_head_loss
from engines.hex.nets import HexNet, Output
from engines.hex.samples import Samples


@dataclass(frozen=True)
class Weighting:
    """The lambdas of the loss (section 2 of the paper)."""

    lam_v: float = 1.0
    lam_q: float = 1.0
    lam_all: float = 1.0
    lam_pen: float = 1.0


class Learner:
    """Trains `net` in place on its device. half: run the layers in bfloat16 (weights stay float32).

    keep: in [0, 1], share of the loss of samples without exact values that holds the network to its own first
    outputs (see `method.distance`); fixed_norm: normalise by the statistics that the network came with, so that it is
    trained as it plays.
    """

    def __init__(
        self,
        net: HexNet,
        weighting: Weighting,
        *,
        device: torch.device | str = "cpu",
        optimiser: str = "adam",
        rate: float = 2e-3,
        weight_decay: float = 1e-4,
        half: bool = False,
        keep: float = 0.0,
        fixed_norm: bool = False,
    ) -> None:
        self.device = torch.device(device)
        self.net = net.to(self.device)
        if self.device.type != "mps":
            self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.weighting = weighting
        self.half = half
        self.keep = keep
        self.fixed_norm = fixed_norm
        self.teacher = copy.deepcopy(self.net).eval() if keep else None
        plain = [p for m in net.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()]
        skip = {id(p) for p in plain}
        groups = [
            {"params": [p for p in net.parameters() if id(p) not in skip], "weight_decay": weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        if optimiser == "adam":
            self.optimiser: torch.optim.Optimizer = torch.optim.Adam(groups, lr=rate)
        else:
            self.optimiser = torch.optim.SGD(groups, lr=rate, momentum=0.9)

    def set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def step(self, samples: Samples) -> np.ndarray:
        """One gradient step on a batch. Returns float32 [6]: total, policy, value, q, all, penalty."""
        n = samples.size
        self._train_mode()
        cells = torch.as_tensor(samples.cells, device=self.device).view(-1, n, n)
        mover = torch.as_tensor(samples.mover, device=self.device)
        stones = cells.flatten(1) != 0
        solved = bool(samples.exact.any())
        out = self._outputs(self.net, cells, mover)
        terms = three_head_loss(
            out.logits,
            out.value,
            out.q,
            stones=stones,
            pi=torch.as_tensor(samples.pi, device=self.device).float(),
            action=torch.as_tensor(samples.action, device=self.device).long(),
            z=torch.as_tensor(samples.z, device=self.device),
            and_weight=torch.as_tensor(samples.lost, device=self.device),
            lam_v=self.weighting.lam_v,
            lam_q=self.weighting.lam_q,
            lam_all=self.weighting.lam_all,
            lam_pen=self.weighting.lam_pen,
            exact=torch.as_tensor(samples.exact, device=self.device) if solved else None,
        )
        total = terms.total
        if self.teacher is not None and not solved:  # a batch holds one board size: all of it is solved, or none
            with torch.no_grad():
                first = self._outputs(self.teacher, cells, mover)
            far = distance(out.logits, out.value, out.q, first.logits, first.value, first.q, stones)
            total = (1 - self.keep) * total + self.keep * far
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        parts = (total, terms.policy, terms.value, terms.q, terms.all_q, terms.penalty)
        return np.array([float(p.detach()) for p in parts], np.float32)

    def _train_mode(self) -> None:
        self.net.train()
        if self.fixed_norm:
            for module in self.net.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()

    def _outputs(self, net: HexNet, cells: torch.Tensor, mover: torch.Tensor) -> Output:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            out = net.evaluate(cells, mover)
        return Output(out.logits.float(), out.value.float(), None if out.q is None else out.q.float())

    def tensors(self) -> dict[str, torch.Tensor]:
        """The network's tensors on the CPU."""
        return {name: t.detach().cpu().contiguous().clone() for name, t in self.net.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Network and optimiser as numbers and numpy arrays, for a checkpoint."""
        moments = self.optimiser.state_dict()["state"]
        return {
            "net": {name: t.numpy() for name, t in self.tensors().items()},
            "moments": {
                str(index): {k: np.asarray(v.cpu()) if torch.is_tensor(v) else v for k, v in moment.items()}
                for index, moment in moments.items()
            },
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        self.net.load_state_dict({name: torch.as_tensor(a) for name, a in state["net"].items()})
        whole = self.optimiser.state_dict()
        whole["state"] = {
            int(index): {k: torch.as_tensor(v) if isinstance(v, np.ndarray) else v for k, v in moment.items()}
            for index, moment in state["moments"].items()
        }
        self.optimiser.load_state_dict(whole)
