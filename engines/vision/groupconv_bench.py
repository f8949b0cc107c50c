"""How fast group convolutions are against the one convolution that they cannot do without: "p4"."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from engines.core.bench import Measure, bench
from engines.core.job import JobContext

if TYPE_CHECKING:
    from torch import Tensor, nn

TARGET: Final = 1.15
"""Check 9.8 of paper file 02."""
BATCH: Final = 64
_ROUNDS: Final = 15
_TURN_S: Final = 0.04
"""Processor time for which one side is timed before the other has its turn."""


@bench("p4", "Group convolutions against the bare convolution")
def p4(ctx: JobContext) -> list[Measure]:
    """Milliseconds of a forward pass in eval mode, of conv2d with the same filters, and of escnn where installed."""
    import torch

    from engines.core.device import choose
    from engines.vision.nets.groupconv import P4Conv, P4Lift, P4MConv

    device = choose("cpu")
    generator = torch.Generator().manual_seed(0)

    def images(*shape: int) -> Tensor:
        return torch.rand(BATCH, *shape, generator=generator).to(device)

    cases: list[tuple[str, nn.Module, Tensor]] = [
        ("p4 lifting layer, 1 → 10, 28×28", P4Lift(1, 10, 3), images(1, 28, 28)),
        ("p4 group layer, 10 → 10, 26×26", P4Conv(10, 10, 3), images(10, 4, 26, 26)),
        ("p4 group layer, 20 → 20, 10×10", P4Conv(20, 20, 3), images(20, 4, 10, 10)),
        ("p4m group layer, 8 → 8, 16×16", P4MConv(8, 8, 3, padding=1), images(8, 8, 16, 16)),
    ]
    measures = []
    for index, (title, layer, x) in enumerate(cases):
        ctx.progress(index, len(cases), title)
        measures.append(_compare(title, layer.to(device).eval(), x, ctx.check))
    ctx.progress(len(cases), len(cases), "Done")
    return measures


def _compare(title: str, layer: nn.Module, x: Tensor, check: Callable[[], None]) -> Measure:
    """The layer and its bare convolution take turns; the round with the median ratio counts."""
    import torch
    import torch.nn.functional as F

    with torch.inference_mode():
        filters, biases = layer.bank()  # type: ignore[operator]
        padding = int(layer.padding)  # type: ignore[arg-type]
        flat = x.flatten(1, 2) if x.dim() == 5 else x
        peer = _escnn(layer, x)
        rounds = []
        for turn in range(_ROUNDS + 1):
            check()
            ours = _milliseconds(lambda: layer(x))
            bare = _milliseconds(lambda: F.conv2d(flat, filters, biases, padding=padding))  # type: ignore[arg-type]
            theirs = _milliseconds(peer) if peer is not None else None
            if turn:  # the first warms up
                rounds.append((ours / bare, ours, bare, theirs))
    _, ours, bare, theirs = sorted(rounds, key=lambda r: r[0])[len(rounds) // 2]
    return Measure(
        title, ours, theirs, bare, TARGET, "ms", better="less",
        note=f"batch {BATCH}; limit: conv2d with the expanded filters; peer: escnn's R2Conv in eval mode",
    )  # fmt: skip


def _milliseconds(run: Callable[[], object]) -> float:
    """Processor time of the fastest of repeated calls: on a shared machine the clock tells of the neighbours."""
    best, began = float("inf"), time.process_time()
    while True:
        before = time.process_time()
        run()
        now = time.process_time()
        best = min(best, now - before)
        if now - began > _TURN_S:
            return best * 1e3


def _escnn(layer: nn.Module, x: Tensor) -> Callable[[], object] | None:
    """A call of escnn's layer of equal size over p4, or None where it is not installed or has no such layer."""
    if importlib.util.find_spec("escnn") is None or x.dim() != 5 or x.shape[2] != 4:
        return None
    from escnn import gspaces
    from escnn import nn as theirs

    space = gspaces.rot2dOnR2(4)
    count = x.shape[1]
    field = theirs.FieldType(space, count * [space.regular_repr])
    conv = theirs.R2Conv(field, field, kernel_size=3, padding=layer.padding).eval()  # type: ignore[arg-type]
    wrapped = theirs.GeometricTensor(x.flatten(1, 2), field)
    return lambda: conv(wrapped)
