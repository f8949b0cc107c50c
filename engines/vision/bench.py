"""How fast attacks are against another program and against the bare network: "attacks"."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from engines.core.bench import Measure, bench
from engines.core.job import JobContext
from engines.vision import groupconv_bench  # noqa: F401  (it registers "p4")

if TYPE_CHECKING:
    from torch import Tensor, nn

STEPS, COPIES = 10, 5
"""Check 9.9 of paper file 09."""
PEER_TARGET, LIMIT_TARGET = 1.0, 0.90
_ROUNDS = 7
_NETS: dict[str, tuple[dict[str, Any], int]] = {
    "28×28 LeNet": ({"kind": "lenet", "input_shape": [1, 28, 28]}, 32),
    "28×28 small LeNet": ({"kind": "lenet-small", "input_shape": [1, 28, 28]}, 64),
    "32×32 ResNet": ({"kind": "resnet", "input_shape": [3, 32, 32]}, 32),
}
"""What is attacked: an architecture and the images of one batch."""


@bench("attacks", "SI-NI-FGSM against torchattacks and the bare passes")
def attacks(ctx: JobContext) -> list[Measure]:
    """Images a second of SI-NI-FGSM (T = 10, m = 5), of torchattacks' SINIFGSM, and of T·m bare passes."""
    measures: list[Measure] = []
    for index, (title, (architecture, batch)) in enumerate(_NETS.items()):
        ctx.progress(index, len(_NETS), title)
        measures += _compare(title, architecture, batch, ctx)
    ctx.progress(len(_NETS), len(_NETS), "Done")
    return measures


def _compare(title: str, architecture: Mapping[str, Any], batch: int, ctx: JobContext) -> list[Measure]:
    """Ours, the peer and the limit take turns on the same images and threads; medians count."""
    import torch

    from engines.core.device import choose
    from engines.vision.attacks.gradient import craft, recipe_named
    from engines.vision.nets.zoo import build

    device = choose("auto")
    net = build(architecture, seed=0).to(device).eval()
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batch, *net.input_shape, generator=generator).to(device)
    y = torch.randint(net.classes, (batch,), generator=generator).to(device)
    recipe = recipe_named("SI-NI-FGSM", steps=STEPS, copies=COPIES, pivot=0.0)

    def ours() -> None:
        craft(net, x, y, recipe, check=ctx.check)

    runs: dict[str, Callable[[], object]] = {
        "ours": ours,
        "loop": _bare(net, x, y, 1),
        "batch": _bare(net, x, y, COPIES),
    }
    if importlib.util.find_spec("torchattacks") is not None:
        import torchattacks

        peer = torchattacks.SINIFGSM(net, eps=recipe.eps, alpha=recipe.step_size, steps=STEPS, decay=1.0, m=COPIES)
        runs["peer"] = lambda: peer(x, y)
    clock = _clock(device.type)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(_ROUNDS + 1):
        for name, run in runs.items():
            ctx.check()
            start = clock()
            run()
            if turn:  # the first round warms up
                seconds[name].append(clock() - start)
    best = min(("loop", "batch"), key=lambda name: median(seconds[name]))
    counted = "processor time" if clock is time.process_time else "wall clock"
    note = f"batch of {batch}, {device.type}, {torch.get_num_threads()} threads, {counted}"
    what = f"SI-NI-FGSM, T = {STEPS}, m = {COPIES}, {title}"
    over_peer, over_limit = (_paired(seconds, name, batch) for name in ("peer", best))
    loop, together = (batch / median(seconds[name]) for name in ("loop", "batch"))
    return [
        Measure(
            f"{what}, over torchattacks", over_peer.ours, peer=over_peer.other, target=PEER_TARGET, unit="images/s",
            of="peer", note=f"{note}, {over_peer.spread}",
        ),
        Measure(
            f"{what}, over the bare passes", over_limit.ours, limit=over_limit.other, target=LIMIT_TARGET,
            unit="images/s",
            note=f"limit: T·m forward and backward passes and nothing else, the faster of one copy after another "
            f"({loop:.3g} images/s) and m copies in one batch ({together:.3g}); {note}, {over_limit.spread}",
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class _Paired:
    """Images a second of ours and of another in the round whose ratio is the median; and how the ratios spread."""

    ours: float
    other: float | None
    spread: str


def _paired(seconds: Mapping[str, list[float]], other: str, batch: int) -> _Paired:
    """Ratios within rounds: on a shared machine neighbours in time are comparable, distant runs are not."""
    ours = seconds["ours"]
    if other not in seconds:
        return _Paired(batch / median(ours), None, f"median of {len(ours)} rounds")
    ratios = [b / a for a, b in zip(ours, seconds[other], strict=True)]
    middle = sorted(range(len(ratios)), key=ratios.__getitem__)[len(ratios) // 2]
    said = f"median of {len(ratios)} rounds, ratios {min(ratios):.2f} to {max(ratios):.2f}"
    return _Paired(batch / ours[middle], batch / seconds[other][middle], said)


def _bare(net: nn.Module, x: Tensor, y: Tensor, together: int) -> Callable[[], None]:
    """T·m passes of the batch, `together` copies in each."""
    import torch
    import torch.nn.functional as F

    images, labels = x.repeat(together, 1, 1, 1), y.repeat(together)

    def run() -> None:
        for _ in range(STEPS * COPIES // together):
            leaf = images.detach().requires_grad_(True)
            loss = F.cross_entropy(net(leaf), labels, reduction="sum")
            torch.autograd.grad(loss, leaf)

    return run


def _clock(device: str) -> Callable[[], float]:
    """Seconds that count. With one thread on a processor its own time, so that other programs do not count."""
    import torch

    if device == "cpu":
        return time.process_time if torch.get_num_threads() == 1 else time.perf_counter

    def finished() -> float:
        torch.cuda.synchronize() if device == "cuda" else torch.mps.synchronize()
        return time.perf_counter()

    return finished
