"""How much of a detector attack's time is the networks', and what one batched bank saves: "asymmetric-detectors"."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engines.core.bench import Measure, bench
from engines.core.job import JobContext

if TYPE_CHECKING:
    from torch import Tensor

    from engines.vision.nets.zoo import ImageNet

TARGET = 0.85
"""Check 9.10: share of the attack's time that its forward and backward passes take at least."""
GAIN = 1.2
"""A bank must be this much faster than a loop over its detectors on small networks."""
_DENSE: dict[str, Any] = {"kind": "detectors", "filters": [], "hidden": [96, 96], "input_shape": [1, 8, 8]}
_CONV: dict[str, Any] = {"kind": "detectors", "filters": [16, 32], "hidden": [96], "stride": True}
_ROUNDS = 7
_STEPS = 10


@bench("asymmetric-detectors", "Attacks on detectors against their bare networks")
def detectors(ctx: JobContext) -> list[Measure]:
    """Image-steps a second of the training attack, over what the networks alone allow; a bank over a loop."""
    measures = [
        _attack("8×8 digits, ten dense detectors, 48 images each", _DENSE, 48, ctx, 0),
        _attack("MNIST, ten convolutional detectors, 16 images each", _CONV, 16, ctx, 1),
        _batched("8×8 digits, ten dense detectors, 16 images each", _DENSE, 16, ctx, 2, GAIN),
        _batched("MNIST, ten convolutional detectors, 16 images each", _CONV, 16, ctx, 3, None),
    ]
    ctx.progress(4, 4, "Done")
    return measures


def _prepared(architecture: dict[str, Any], batch: int) -> tuple[ImageNet, Tensor]:
    """An untrained bank (speed does not depend on what it knows) and images for each of its detectors."""
    import torch

    from engines.core.device import choose
    from engines.vision.nets.zoo import build

    device = choose("auto")
    net = build(architecture, seed=0).to(device).eval().requires_grad_(False)
    x = torch.rand(net.classes, batch, *net.input_shape, generator=torch.Generator().manual_seed(0))
    return net, x.to(device)


def _attack(label: str, architecture: dict[str, Any], batch: int, ctx: JobContext, number: int) -> Measure:
    """Ours and the floor take turns, and the quickest round of each counts: other programs can only slow them."""
    from engines.asymmetric.fit import attack_each
    from engines.asymmetric.method import Ascent

    net, x = _prepared(architecture, batch)
    plan = Ascent(0.3, _STEPS, 0.05)
    rounds = []
    for turn in range(_ROUNDS + 1):
        ctx.progress(number + turn / (_ROUNDS + 1), 4, label)
        attack = _seconds(lambda: attack_each(net, x, plan, check=ctx.check))
        floor = _seconds(lambda: _passes(net.each, x, ctx.check))
        if turn:  # the first round warms up
            rounds.append((attack, floor))
    attack, floor = (min(times) for times in zip(*rounds, strict=True))
    ratios = [other / ours for ours, other in rounds]
    count = _STEPS * x.shape[0] * x.shape[1]
    return Measure(
        f"Adam-PGD: {label}",
        ours=count / attack,
        limit=count / floor,
        target=TARGET,
        unit="image-steps/s",
        note=f"limit: forward and backward of the same bank at the same batch; quickest of {_ROUNDS} rounds each, "
        f"single rounds {min(ratios):.2f} to {max(ratios):.2f}",
    )


def _batched(
    label: str, architecture: dict[str, Any], batch: int, ctx: JobContext, number: int, target: float | None
) -> Measure:
    """Forward and backward of one bank, over those of a loop over its detectors."""
    net, x = _prepared(architecture, batch)
    body: Any = net.body
    singles = [body.only(k) for k in range(net.classes)]

    def loop(v: Tensor) -> Tensor:
        import torch

        return torch.stack([single(net.normalise(v[k]))[:, 0] for k, single in enumerate(singles)])

    together, apart = [], []
    for turn in range(_ROUNDS + 1):
        ctx.progress(number + turn / (_ROUNDS + 1), 4, label)
        one, other = _seconds(lambda: _passes(net.each, x, ctx.check)), _seconds(lambda: _passes(loop, x, ctx.check))
        if turn:
            together.append(one)
            apart.append(other)
    count = _STEPS * x.shape[0] * x.shape[1]
    return Measure(
        f"One bank over a loop: {label}",
        ours=count / min(together),
        peer=count / min(apart),
        target=target,
        unit="image-steps/s",
        of="peer",
        note=f"peer: a Python loop over the ten detectors; quickest of {_ROUNDS} rounds each",
    )


def _passes(score: Callable[[Tensor], Tensor], x: Tensor, check: Callable[[], None]) -> None:
    """As many forward and backward passes as the attack makes, and nothing else."""
    import torch

    for _ in range(_STEPS):
        check()
        moved = x.detach().requires_grad_(True)
        torch.autograd.grad(score(moved).sum(), moved)


def _seconds(work: Callable[[], object]) -> float:
    """The quickest of three runs in a row: right after other work, the first one pays for that one's memory."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)
